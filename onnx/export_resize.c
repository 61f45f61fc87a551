/*
 * export_resize.c: Resize, whose lists have a number for each dimension in
 * ONNX, and as many sizes as there are samples.
 */
#include "onnx/export.h"
#include "onnx/onnx.pb-c.h"

static const struct type *operand_type(const struct export *ex, int k)
{
    return type_of(&ex->graph, ex->in[k]);
}

/* Of a crop: all of the dimensions that the model does not name.  Starts
 * first, then ends: 0 and 1 take the whole dimension. */
static const char *all_roi(struct export *ex)
{
    const struct tensor *roi = layer_attribute(ex, "roi")->tensor;
    const struct ints *axes = &layer_attribute(ex, "axes")->ints;
    const struct type *x = operand_type(ex, 0);
    const int64_t dim[1] = {2 * (int64_t)x->rank};
    int count = axes->n ? axes->n : x->rank;
    struct constant *c;

    if (!roi)
        return NULL;
    c = constant_new(ex->arena, DT_F32, 1, dim);
    for (int d = 0; d < 2 * x->rank; d++)
        constant_set(c, d, d >= x->rank);
    for (int i = 0; i < count; i++) {
        int64_t d = axes->n ? axes->v[i] : i;

        d += d < 0 ? x->rank : 0;
        constant_set(c, d, roi->data[i]);
        constant_set(c, x->rank + d, roi->data[count + i]);
    }
    return put_tensor(ex, arena_format(ex->arena, "%s.roi", ex->layer->path),
                      c);
}

/* A number for each dimension; those that the model does not name stay. */
static const char *all_scales(struct export *ex, const struct tensor *scales)
{
    const struct ints *axes = &layer_attribute(ex, "axes")->ints;
    const struct type *x = operand_type(ex, 0);
    const int64_t dim[1] = {x->rank};
    struct constant *c = constant_new(ex->arena, DT_F32, 1, dim);

    for (int d = 0; d < x->rank; d++)
        constant_set(c, d, axes->n ? 1 : scales->data[d]);
    for (int i = 0; i < axes->n; i++)
        constant_set(c, axes->v[i] + (axes->v[i] < 0 ? x->rank : 0),
                     scales->data[i]);
    return put_tensor(ex, arena_format(ex->arena, "%s.scales", ex->layer->path),
                      c);
}

/* As many samples as there are, then the result's other sizes.  By Shape,
 * Slice and Concat, since the number of samples is open. */
static const char *all_sizes(struct export *ex, const char *x)
{
    static const int64_t zero = 0, one = 1;
    const struct type *y = type_of(&ex->graph, ex->out->v[0]);
    const char *shape, *first;
    struct Onnx__NodeProto *n;

    if (y->batch != 1)
        return put_ints(ex, "sizes", y->dim, y->rank);
    shape = put_step(ex, "Shape", x, NULL);
    n = put_node(ex, "Slice");
    node_input(ex, n, shape);
    node_input(ex, n, put_ints(ex, "starts", &zero, 1));
    node_input(ex, n, put_ints(ex, "ends", &one, 1));
    first = new_name(ex, arena_format(ex->arena, "%s.n", ex->layer->path));
    node_output(ex, n, first);
    n = put_node(ex, "Concat");
    node_input(ex, n, first);
    node_input(ex, n, put_ints(ex, "rest", y->dim + 1, y->rank - 1));
    node_set_int(ex, n, "axis", 0);
    first = new_name(ex, arena_format(ex->arena, "%s.sizes", ex->layer->path));
    node_output(ex, n, first);
    return first;
}

/* Operands X, roi, scales, sizes; scales are empty where sizes are given. */
bool export_resize(struct export *ex)
{
    static const char *const elsewhere[] = {"axes", "sizes", "scales", "roi",
                                            NULL};
    const struct tensor *scales = layer_attribute(ex, "scales")->tensor;
    const char *x = put_value(ex, ex->in[0]), *size, *roi;
    struct Onnx__NodeProto *n;

    if (!x)
        return false;
    size = scales ? all_scales(ex, scales) : all_sizes(ex, x);
    roi = all_roi(ex);
    n = put_node(ex, "Resize");
    node_input(ex, n, x);
    node_input(ex, n, roi);
    node_input(ex, n, scales ? size : NULL);
    if (!scales)
        node_input(ex, n, size);
    node_set_attributes(ex, n, elsewhere);
    return put_results(ex, n);
}
