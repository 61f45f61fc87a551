/*
 * gather_elements.c: elements of rows by computed indices: GatherElements, as in
 * ONNX (PyTorch's gather); GatherShared, the same indices for every row, which
 * Gather is made of; and their gradient, which TopK shares.
 *
 * An index below zero counts from the end.  One that is outside makes NaN and
 * adds to nothing: it was computed, so nobody can refuse it.
 */
#include <math.h>
#include <string.h>

#include "compiler/lower.h"
#include "compiler/ops/picked.h"
#include "kernels/pick.h"

enum { X, INDEX };
enum { AXIS };

static int axis_of(int64_t axis, int rank)
{
    return (int)(axis < 0 ? axis + rank : axis);
}

static bool operands_fit(struct graph *g, const struct node *n,
                         const struct type *x, const struct type *index)
{
    int axis = axis_of(n->attr[AXIS].i, x->rank);

    if (!dtype_is_float(x->dtype))
        return reject(g, n, "input is %s, not a float", dtype_name(x->dtype));
    if (index->dtype != DT_I32 && index->dtype != DT_I64 &&
        index->dtype != DT_U8)
        return reject(g, n, "indices are %s, wanted i32, i64 or u8",
                      dtype_name(index->dtype));
    if (axis < 0 || axis >= x->rank)
        return reject(g, n, "axis %lld of a rank %d input",
                      (long long)n->attr[AXIS].i, x->rank);
    if (x->batch == axis + 1)
        return reject(g, n,
                      "axis %d counts the samples of the batch, which stay "
                      "apart",
                      axis);
    return true;
}

static bool found(double v, int64_t len, int64_t *at)
{
    *at = (int64_t)(v < 0 ? v + (double)len : v);
    return *at >= 0 && *at < len;
}

/* Where element y of [outer, n, inner] comes from. */
struct picked {
    int64_t x;
    bool found;
};

static struct picked pick(const struct rows *r, int64_t n,
                          const struct tensor *index, int64_t y)
{
    int64_t i = y % r->inner, j = y / r->inner % n, o = y / r->inner / n;
    bool shared = type_count(&index->type) != r->outer * n * r->inner;
    struct picked p;
    int64_t at;

    p.found = found(index->data[shared ? j : y], r->len, &at);
    p.x = (o * r->len + at) * r->inner + i;
    return p;
}

static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    int axis = axis_of(n->attr[AXIS].i, in[X].type.rank);
    const struct rows r = rows_along(&in[X].type, axis);

    (void)env;
    for (int64_t y = 0; y < type_count(&out->type); y++) {
        struct picked p = pick(&r, out->type.dim[axis], &in[INDEX], y);

        out->data[y] = p.found ? in[X].data[p.x] : NAN;
    }
}

static struct pick_problem problem(const struct rows *r, int64_t n,
                                   const struct type *x,
                                   const struct type *index)
{
    return (struct pick_problem){.outer = r->outer,
                                 .len = r->len,
                                 .inner = r->inner,
                                 .n = n,
                                 .x = x->dtype,
                                 .index = index->dtype};
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[X]);
    int axis = axis_of(n->attr[AXIS].i, x->rank);
    const struct rows r = rows_along(x, axis);
    struct pick_problem p = problem(&r, n->type.dim[axis], x,
                                    type_of(lo->graph, n->in[INDEX]));

    p.shared = n->op == &op_GatherShared;
    lower_call(lo, kernels_pick, &p, n);
}

static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const struct type *x = type_of(g, n->in[X]);
    int axis = axis_of(n->attr[AXIS].i, x->rank);

    dx[X] = val_unpick(g, n->in[INDEX], dy[0], axis, x->dim[axis]);
}

/* ---- GatherElements ---- */

static const struct attr_spec attrs[] = {
    [AXIS] = {"axis", ATTR_INT, {0}, "along which", false, false},
    {0},
};

static bool elements_infer(struct graph *g, const struct node *n,
                           struct type *y)
{
    const struct type *x = type_of(g, n->in[X]);
    const struct type *index = type_of(g, n->in[INDEX]);
    int axis = axis_of(n->attr[AXIS].i, x->rank);
    struct type like = *index;

    if (!operands_fit(g, n, x, index))
        return false;
    like.dtype = x->dtype;
    if (index->rank == x->rank)
        like.dim[axis] = x->dim[axis];
    if (!type_equal(x, &like))
        return reject(g, n,
                      "indices are %s for an input %s: wanted the same "
                      "dimensions, but along axis %d",
                      type_text(g->arena, index), type_text(g->arena, x), axis);
    if (x->batch != index->batch)
        return reject(g, n,
                      "one of input and indices counts samples, and the "
                      "other does not");
    *y = *index;
    y->dtype = x->dtype;
    return true;
}

static const char *const names[] = {"data", "indices", NULL};

const struct op op_GatherElements = {
    .name = "GatherElements",
    .doc = "in each row along an axis, the elements at computed indices",
    .min_in = 2,
    .nin = 2,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16",
    .infer = elements_infer,
    .grad = grad,
    .lower = lower,
    .ref = ref,
};

/* ---- GatherShared ---- */

static bool shared_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[X]);
    const struct type *index = type_of(g, n->in[INDEX]);

    if (!operands_fit(g, n, x, index))
        return false;
    if (index->rank != 1 || index->batch)
        return reject(g, n, "indices are %s, wanted one dimension",
                      type_text(g->arena, index));
    *y = *x;
    y->dim[axis_of(n->attr[AXIS].i, x->rank)] = index->dim[0];
    return true;
}

const struct op op_GatherShared = {
    .name = "GatherShared",
    .doc = "in each row along an axis, the elements at the same indices",
    .min_in = 2,
    .nin = 2,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16",
    .infer = shared_infer,
    .grad = grad,
    .lower = lower,
    .ref = ref,
    .internal = true,
};

/* ---- GatherGrad ---- */

enum { DY = 1 };
enum { LEN = 1 };

static const struct attr_spec grad_attrs[] = {
    [AXIS] = {"axis", ATTR_INT, {0}, "along which", true, true},
    [LEN] = {"len", ATTR_INT, {0}, "of the rows", true, true},
    {0},
};

static bool grad_infer(struct graph *g, const struct node *n, struct type *dx)
{
    *dx = *type_of(g, n->in[DY]);
    dx->dim[n->attr[AXIS].i] = n->attr[LEN].i;
    return true;
}

static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    int axis = (int)n->attr[AXIS].i;
    const struct rows r = rows_along(&out->type, axis);

    (void)env;
    memset(out->data, 0, (size_t)type_count(&out->type) * sizeof *out->data);
    for (int64_t y = 0; y < type_count(&in[DY].type); y++) {
        struct picked p = pick(&r, in[DY].type.dim[axis], &in[0], y);

        if (p.found)
            out->data[p.x] += in[DY].data[y];
    }
}

static void grad_lower(struct lower *lo, const struct node *n)
{
    const struct type *index = type_of(lo->graph, n->in[0]);
    const struct type *dy = type_of(lo->graph, n->in[DY]);
    int axis = (int)n->attr[AXIS].i;
    const struct rows r = rows_along(&n->type, axis);
    struct pick_problem p = problem(&r, dy->dim[axis], &n->type, index);

    p.shared = type_count(index) != type_count(dy);
    lower_call(lo, kernels_pick_grad, &p, n);
}

const struct op op_GatherGrad = {
    .name = "GatherGrad",
    .doc = "gradient of rows whose elements were picked by index",
    .min_in = 2,
    .nin = 2,
    .attr = grad_attrs,
    .types = "f32 f16",
    .infer = grad_infer,
    .lower = grad_lower,
    .ref = grad_ref,
    .internal = true,
};

val val_unpick(struct graph *g, val index, val dy, int axis, int64_t len)
{
    const union attr attr[] = {{.i = axis}, {.i = len}};

    return graph_add(g, &op_GatherGrad, (val[]){index, dy}, 2, attr);
}
