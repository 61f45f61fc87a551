/*
 * convert_shape.c: nodes that move elements, and those that are chains of a
 * layer with two operands.
 */
#include <string.h>

#include "onnx/import.h"

/* An operand that is no constant. */
static const struct type *data_type(const struct onnx_node *n)
{
    return &n->in[0]->type;
}

/* A layer of the node's first operand. */
static bool single(struct import *im, struct layer_text *l, const char *op)
{
    const char *x = operand_ref(im, im->node->in[0]);

    layer_begin(im, l, op, NULL);
    if (x)
        layer_input(l, x);
    return x != NULL;
}

/* A layer in between: the next one takes its result.  Its own name is the
 * node's; earlier ones get a number behind. */
static bool then(struct import *im, struct layer_text *l, const char *op)
{
    struct onnx_value out;

    if (!layer_end(im, l, &out, 1))
        return false;
    layer_begin(im, l, op, NULL);
    layer_input(l, out.ref);
    return true;
}

/* ---- shapes ---- */

/* A number that stands for all samples, of now or of the file's batch. */
static bool keeps_samples(const struct import *im, const struct type *x,
                          int64_t dim)
{
    return x->batch == 1 &&
           (dim == x->dim[0] ||
            (dim == im->file_batch && x->dim[0] == im->graph.batch));
}

/* Are the dimensions up to the samples' the same in the new shape? */
static bool keeps_front(const struct type *x, const int64_t *dim, int rank)
{
    for (int i = 0; i < x->batch; i++)
        if (i >= rank || (dim[i] && dim[i] != x->dim[i]))
            return false;
    return true;
}

/* Dimension `at` to the front, the others behind it. */
static void to_front(const int64_t *from, int64_t *to, int at)
{
    to[0] = from[at];
    for (int i = 1; i < MAX_RANK; i++)
        to[i] = from[i <= at ? i - 1 : i];
}

/* Samples that are not in front, as behind an LSTM: [T, N, ...] with both kept.
 * They go to the front and back again.  Dimensions before the samples are kept
 * as they are, so only what is behind them is reshaped. */
static bool reshape_inside(struct import *im, const struct onnx_node *n,
                           const int64_t *dim, int rank)
{
    static const int64_t same[MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    const struct type *x = data_type(n);
    int64_t there[MAX_RANK], back[MAX_RANK], shape[MAX_RANK], kept[MAX_RANK];
    int at = x->batch - 1;
    struct layer_text l;

    if (!keeps_front(x, dim, rank))
        return import_reject(im, "it mixes the samples of %s",
                             type_text(im->arena, x));
    for (int i = 0; i < MAX_RANK; i++)
        kept[i] = i < at ? x->dim[i] : dim[i];
    kept[at] = 0;
    to_front(same, there, at);
    to_front(kept, shape, at);
    for (int i = 0; i < MAX_RANK; i++)
        back[there[i]] = i;
    if (!single(im, &l, "Transpose"))
        return false;
    layer_ints(&l, "perm", there, x->rank);
    if (!then(im, &l, "Reshape"))
        return false;
    layer_ints(&l, "shape", shape, rank);
    if (!then(im, &l, "Transpose"))
        return false;
    layer_ints(&l, "perm", back, rank);
    return convert_finish(im, &l);
}

/* The samples' dimension is kept, whatever the batch: a model is compiled for
 * others than the one in the file. */
bool convert_reshape(struct import *im, const struct onnx_node *n)
{
    const struct constant *shape = node_number(n, "shape");
    int64_t dim[MAX_RANK] = {0};
    struct layer_text l;
    int rank;

    if (!shape || type_count(&shape->type) > MAX_RANK)
        return import_reject(im, "it has no shape of at most %d dimensions",
                             MAX_RANK);
    rank = (int)type_count(&shape->type);
    for (int i = 0; i < rank; i++)
        dim[i] = constant_int(shape, i);
    if (data_type(n)->batch > 1)
        return reshape_inside(im, n, dim, rank);
    if (rank && keeps_samples(im, data_type(n), dim[0]))
        dim[0] = 0;
    if (!single(im, &l, "Reshape"))
        return false;
    layer_ints(&l, "shape", dim, rank);
    return convert_finish(im, &l);
}

/* [N, b b C, H, W] to [N, C, b H, b W].  DCR: channels are [b, b, C], the
 * block's place outermost (as TensorFlow); CRD: [C, b, b] (as PyTorch's
 * PixelShuffle). */
bool convert_depth_to_space(struct import *im, const struct onnx_node *n)
{
    static const int64_t dcr[] = {0, 3, 4, 1, 5, 2}, crd[] = {0, 1, 4, 2, 5, 3};
    const struct type *x = data_type(n);
    bool is_crd = strcmp(node_string(n, "mode", "DCR"), "CRD") == 0;
    int64_t b = node_int(n, "blocksize", 0), split[6] = {0}, whole[4] = {0};
    struct layer_text l;

    if (x->rank != 4 || b < 1 || b > 1024 || x->dim[1] % (b * b))
        return import_reject(im, "blocksize %lld of %s", (long long)b,
                             type_text(im->arena, x));
    whole[1] = x->dim[1] / (b * b);
    split[is_crd ? 1 : 3] = whole[1];
    split[is_crd ? 2 : 1] = split[is_crd ? 3 : 2] = b;
    for (int i = 2; i < 4; i++) {
        split[i + 2] = x->dim[i];
        whole[i] = x->dim[i] * b;
    }
    if (!single(im, &l, "Reshape"))
        return false;
    layer_ints(&l, "shape", split, 6);
    if (!then(im, &l, "Transpose"))
        return false;
    layer_ints(&l, "perm", is_crd ? crd : dcr, 6);
    if (!then(im, &l, "Reshape"))
        return false;
    layer_ints(&l, "shape", whole, 4);
    return convert_finish(im, &l);
}

/* Before opset 13 the dimensions from the axis on were one.  That is a Flatten
 * to two dimensions, the softmax of rows, and a Reshape back. */
bool convert_softmax(struct import *im, const struct onnx_node *n)
{
    const struct type *x = data_type(n);
    int64_t axis = node_int(n, "axis", im->opset < 13 ? 1 : -1);
    int64_t dim[MAX_RANK] = {0};
    struct layer_text l;

    axis += axis < 0 ? x->rank : 0;
    if (axis < 0 || axis >= x->rank)
        return import_reject(im, "axis %lld of %s", (long long)axis,
                             type_text(im->arena, x));
    if (im->opset >= 13 || axis == x->rank - 1) {
        if (!single(im, &l, n->op))
            return false;
        if (axis != x->rank - 1)
            layer_attr(&l, "axis", "%lld", (long long)axis);
        return convert_finish(im, &l);
    }
    if (!single(im, &l, "Flatten"))
        return false;
    layer_attr(&l, "axis", "%lld", (long long)axis);
    if (!then(im, &l, n->op) || !then(im, &l, "Reshape"))
        return false;
    for (int i = x->batch == 1; i < x->rank; i++)
        dim[i] = x->dim[i];
    layer_ints(&l, "shape", dim, x->rank);
    return convert_finish(im, &l);
}

/* Without sizes there are as many equal parts as the node has results. */
bool convert_split(struct import *im, const struct onnx_node *n)
{
    struct layer_text l;

    if (!single(im, &l, "Split"))
        return false;
    for (int i = 0; i < n->nattr; i++)
        if (!convert_attr(im, &l, op_find("Split"), &n->attr[i]))
            return false;
    if (!node_attr(n, "split") && !node_attr(n, "num_outputs"))
        layer_attr(&l, "num_outputs", "%d", n->nout);
    return convert_finish(im, &l);
}

/* Rows of a table that the layer owns. */
static bool embedding(struct import *im, const struct onnx_node *n,
                      const struct constant *table)
{
    const char *index = operand_ref(im, n->in[1]);
    struct layer_text l;

    if (!index)
        return false;
    layer_begin(im, &l, "Embedding",
                name_of_layer(im, "Embedding", table, ".weight"));
    layer_input(&l, index);
    layer_attr(&l, "count", "%lld", (long long)table->type.dim[0]);
    layer_attr(&l, "size", "%lld", (long long)table->type.dim[1]);
    return convert_finish(im, &l) && weight_add(im, l.name, "weight", table);
}

/* The shape of what indices of another rank than 1 make.  The layer takes a
 * list of indices; their own dimensions come back by a Reshape, in which 0
 * keeps the samples. */
static bool gathered_shape(struct import *im, struct layer_text *l,
                           const struct type *x, const struct type *index,
                           int axis)
{
    int64_t dim[MAX_RANK];
    int rank = 0;

    if (x->rank - 1 + index->rank > MAX_RANK)
        return import_reject(im, "its result has more than %d dimensions",
                             MAX_RANK);
    for (int i = 0; i < axis; i++)
        dim[rank++] = i == 0 && x->batch == 1 ? 0 : x->dim[i];
    for (int i = 0; i < index->rank; i++)
        dim[rank++] = index->dim[i];
    for (int i = axis + 1; i < x->rank; i++)
        dim[rank++] = x->dim[i];
    if (!then(im, l, "Reshape"))
        return false;
    layer_ints(l, "shape", dim, rank);
    return true;
}

/* Constant rows of a table by data are an Embedding; constant indices of data
 * are a Gather; both of data is refused. */
bool convert_gather(struct import *im, const struct onnx_node *n)
{
    enum { MOST = 4096 };
    const struct constant *index = node_constant(n, 1);
    const struct constant *table = node_constant(n, 0);
    int64_t axis = node_int(n, "axis", 0), i[MOST], count;
    struct layer_text l;

    if (table && !index && n->nin == 2 && table->type.rank == 2 && axis == 0)
        return embedding(im, n, table);
    count = index ? type_count(&index->type) : 0;
    if (!index || count > MOST)
        return operand_ref(im, n->in[0]) && convert_plain(im, n);
    if (count < 1)
        return import_reject(im, "it has no indices");
    if (!single(im, &l, "Gather"))
        return false;
    if (!dtype_is_float(data_type(n)->dtype))
        return convert_plain(im, n);
    for (int64_t k = 0; k < count; k++)
        i[k] = constant_int(index, k);
    axis += axis < 0 ? data_type(n)->rank : 0;
    if (axis < 0 || axis >= data_type(n)->rank)
        return import_reject(im, "axis %lld of %s", (long long)axis,
                             type_text(im->arena, data_type(n)));
    layer_attr(&l, "axis", "%lld", (long long)axis);
    layer_ints(&l, "indices", i, (int)count);
    if (index->type.rank != 1 &&
        !gathered_shape(im, &l, data_type(n), &index->type, (int)axis))
        return false;
    return convert_finish(im, &l);
}

/* ---- the same elements ---- */

/* Without axes it sums all, or does nothing where it is told to. */
bool convert_reduce(struct import *im, const struct onnx_node *n)
{
    const struct constant *axes = node_number(n, "axes");
    bool none = !axes || !type_count(&axes->type);

    if (none && node_int(n, "noop_with_empty_axes", 0))
        return node_alias(im, 0, n->in[0]);
    return convert_plain(im, n);
}

bool convert_alias(struct import *im, const struct onnx_node *n)
{
    return node_alias(im, 0, n->in[0]);
}

/* A cast to what the value is already is another name for it: f16 and f64 are
 * f32 here. */
bool convert_cast(struct import *im, const struct onnx_node *n)
{
    enum dtype to = constant_dtype((int)node_int(n, "to", 0));
    struct layer_text l;

    if (to == DT_NONE)
        return import_reject(im, "its type is not supported");
    if (data_type(n)->dtype == to)
        return node_alias(im, 0, n->in[0]);
    if (!single(im, &l, "Cast"))
        return false;
    layer_attr(&l, "to", "\"%s\"", dtype_name(to));
    return convert_finish(im, &l);
}

/* ---- chains ---- */

/* Before opset 7 the second operand's place was said by an axis: dimensions of
 * one element follow. */
static const char *placed(struct import *im, const struct onnx_node *n)
{
    const struct constant *b = node_constant(n, 1);
    int rank = b ? b->type.rank : n->in[1]->type.rank;
    int64_t axis = node_int(n, "axis", -1), dim[MAX_RANK];
    int after = data_type(n)->rank - (int)axis - rank;
    struct onnx_value v;
    struct layer_text l;

    if (im->opset >= 7 || axis < 0 || n->in[0]->constant || after < 1)
        return operand_ref(im, n->in[1]);
    if (b) {
        for (int i = 0; i < rank + after; i++)
            dim[i] = i < rank ? b->type.dim[i] : 1;
        v = (struct onnx_value){
            .constant = constant_view(im->arena, b, rank + after, dim)};
        return operand_ref(im, &v);
    }
    for (int i = 0; i < after; i++)
        dim[i] = rank + i;
    layer_begin(im, &l, "Unsqueeze", NULL);
    layer_input(&l, n->in[1]->ref);
    layer_ints(&l, "axes", dim, after);
    return layer_end(im, &l, &v, 1) ? v.ref : NULL;
}

bool convert_binary(struct import *im, const struct onnx_node *n)
{
    const char *a;

    if (n->nin != 2 || !n->in[1])
        return import_reject(im, "it has %d operands, wanted 2", n->nin);
    a = operand_ref(im, n->in[0]);
    return a && convert_last(im, n->op, a, placed(im, n));
}

/* a + b + c, the largest of them, their mean.  Two at a time from the left, as
 * ONNX leaves the order open; a mean divides at the end. */
bool convert_sum(struct import *im, const struct onnx_node *n)
{
    bool mean = strcmp(n->op, "Mean") == 0;
    const char *op = mean || strcmp(n->op, "Sum") == 0 ? "Add" : n->op;
    struct onnx_value part = {
        .constant = constant_number(im->arena, DT_F32, 1.0 / n->nin)};
    struct layer_text l;
    const char *ref;

    if (n->nin == 1)
        return node_alias(im, 0, n->in[0]);
    if (!single(im, &l, op))
        return false;
    for (int k = 1; k < n->nin; k++) {
        ref = n->in[k] ? operand_ref(im, n->in[k]) : NULL;
        if (!ref)
            return n->in[k] ? false
                            : import_reject(im, "it lacks operand %d", k);
        if (k > 1 && !then(im, &l, op))
            return false;
        layer_input(&l, ref);
    }
    if (!mean)
        return convert_finish(im, &l);
    ref = operand_ref(im, &part);
    if (!ref || !then(im, &l, "Mul"))
        return false;
    layer_input(&l, ref);
    return convert_finish(im, &l);
}
