/*
 * concat.c: operands one behind the other along one axis.
 *
 * The gradient of an operand is its own piece of dy.
 */
#include "compiler/ops/concat.h"

#include <string.h>

#include "compiler/lower.h"
#include "compiler/ops/remap.h"

enum { AXIS };

static const struct attr_spec attrs[] = {
    [AXIS] = {"axis",
              ATTR_INT,
              {0},
              "dimension along which they are joined",
              true,
              false},
    {0},
};

/* ONNX counts an axis below 0 from the end. */
int concat_axis(const struct node *n, int rank)
{
    int64_t axis = n->attr[AXIS].i;

    return (int)(axis < 0 ? axis + rank : axis);
}

bool concat_read_apart(const struct node *n, const struct type *y)
{
    return 3 * (n->nin - 1) * type_count(y) <= 2 * type_count(&n->type);
}

/* Do all dimensions but the axis agree, and the axis of samples? y is the type
 * so far; it takes the samples' axis from the first operand that has one, for
 * a constant may stand beside samples. */
static bool operand_fits(struct graph *g, const struct node *n, int k, int axis,
                         struct type *y)
{
    const struct type *x = type_of(g, n->in[k]), *first = type_of(g, n->in[0]);
    bool same = x->rank == y->rank;

    if (x->dtype != y->dtype)
        return reject(g, n, "operand %d is %s, the first is %s", k,
                      dtype_name(x->dtype), dtype_name(y->dtype));
    for (int d = 0; same && d < y->rank; d++)
        same = d == axis || x->dim[d] == y->dim[d];
    if (!same)
        return reject(g, n,
                      "operand %d is %s, which does not go behind %s "
                      "along axis %d",
                      k, type_text(g->arena, x), type_text(g->arena, first),
                      axis);
    if (x->batch == axis + 1 || (x->batch && y->batch && x->batch != y->batch))
        return reject(g, n,
                      "dimension %d of operand %d, %s, counts the samples "
                      "of the batch, to which nothing can be joined",
                      x->batch - 1, k, type_text(g->arena, x));
    if (x->batch)
        y->batch = x->batch;
    return true;
}

/* All operands of one type; y's axis is the sum of theirs.  The limit of 2^31
 * is that of indices in kernels. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    int64_t total = 0;
    int axis;

    *y = *type_of(g, n->in[0]);
    axis = concat_axis(n, y->rank);
    if (axis < 0 || axis >= y->rank)
        return reject(g, n, "axis %lld of a rank %d input",
                      (long long)n->attr[AXIS].i, y->rank);
    y->batch = 0;
    for (int k = 0; k < n->nin; k++) {
        if (!n->in[k].id)
            return reject(g, n, "operand %d is missing", k);
        if (!operand_fits(g, n, k, axis, y))
            return false;
        total += type_of(g, n->in[k])->dim[axis];
    }
    if (total > INT32_MAX)
        return reject(g, n, "dimension %d would be %lld", axis,
                      (long long)total);
    y->dim[axis] = total;
    return true;
}

/* dx[k] is dy from the sum of the earlier lengths on: a slice, written as a
 * remap with factor 1 everywhere and the offset in `add`. Nothing lies outside
 * dy. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    int axis = concat_axis(n, n->type.rank);
    struct remap r = {.outside = COPY_FILL};

    for (int d = 0; d < n->type.rank; d++)
        r.mul[d] = r.div[d] = 1;
    for (int k = 0; k < n->nin; k++) {
        const struct type *x = type_of(g, n->in[k]);

        memcpy(r.dim, x->dim, sizeof r.dim);
        dx[k] = val_remap(g, dy[0], &r);
        r.add[axis] += x->dim[axis];
    }
}

/* Each operand is [outer, its len, inner], y [outer, all, inner]; `at` is
 * where the operand begins in a row of y. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    int axis = concat_axis(n, out->type.rank);
    struct rows all = rows_along(&out->type, axis);
    int64_t row = all.len * all.inner, at = 0;

    (void)env;
    for (int k = 0; k < n->nin; k++) {
        int64_t len = in[k].type.dim[axis] * all.inner;

        for (int64_t o = 0; o < all.outer; o++)
            memcpy(out->data + o * row + at, in[k].data + o * len,
                   (size_t)len * sizeof *out->data);
        at += len;
    }
}

/* len[k] is in elements of a row: the operand's axis times what is behind
 * it. */
static void lower(struct lower *lo, const struct node *n)
{
    int axis = concat_axis(n, n->type.rank);
    struct rows all = rows_along(&n->type, axis);
    struct concat_problem p = {.nin = n->nin,
                               .outer = all.outer,
                               .bytes = (int)dtype_bytes(n->type.dtype)};

    for (int k = 0; k < n->nin; k++)
        p.len[k] = type_of(lo->graph, n->in[k])->dim[axis] * all.inner;
    lower_call(lo, kernels_concat, &p, n);
}

const struct op op_Concat = {
    .name = "Concat",
    .doc = "operands one behind the other along one axis",
    .min_in = 1,
    .nin = CONCAT_OPERANDS,
    .attr = attrs,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .infer = infer,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .axis_follows = true,
};
