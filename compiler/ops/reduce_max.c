/*
 * reduce_max.c: the largest over dimensions of a sample.  A NaN wins.
 *
 * Equal largest ones share the gradient evenly, as in PyTorch's amax (not as in
 * its max, which gives all to one of them): the result does not tell them apart
 * either.
 */
#include <math.h>

#include "compiler/lower.h"
#include "compiler/ops/reduction.h"
#include "kernels/reduce.h"

static const struct attr_spec attrs[] = {REDUCTION_ATTRS, {0}};

static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);
    unsigned mask;

    if (!reduction_mask(g, x, &n->attr[REDUCTION_AXES].ints, &mask))
        return false;
    reduction_type(x, mask, n->attr[REDUCTION_KEEPDIMS].i, y);
    return true;
}

/* The dimensions of mask behind the others, which keep their order. */
static val moved_last(struct graph *g, val x, unsigned *mask)
{
    int rank = type_of(g, x)->rank, perm[MAX_RANK], n = 0, kept;

    for (int d = 0; d < rank; d++)
        if (!(*mask >> d & 1))
            perm[n++] = d;
    kept = n;
    for (int d = 0; d < rank; d++)
        if (*mask >> d & 1)
            perm[n++] = d;
    *mask = (1U << rank) - (1U << kept);
    return val_transpose(g, x, perm);
}

/* One node, for dimensions that stand together: one after the other would not
 * share the gradient evenly. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    union attr own[] = {[REDUCTION_KEEPDIMS] = {.i = 0}};
    int64_t outer, len, inner;
    unsigned mask;
    struct type t;
    val x = in[0];

    (void)nin;
    if (!reduction_mask(g, type_of(g, x), &attr[REDUCTION_AXES].ints, &mask))
        return false;
    reduction_type(type_of(g, x), mask, attr[REDUCTION_KEEPDIMS].i, &t);
    if (!type_one_range(type_of(g, x), mask, &outer, &len, &inner))
        x = moved_last(g, x, &mask);
    own[REDUCTION_AXES].ints = reduction_axes(g, mask);
    if (mask && x.id)
        x = graph_add(g, &op_ReduceMax, &x, 1, own);
    y[0] = x.id ? val_reshape(g, x, t.dim, t.rank, t.batch) : x;
    return y[0].id != 0;
}

/* dx = dy / how many are the largest, where x is. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const struct ints axes = n->attr[REDUCTION_AXES].ints;
    val x = n->in[0], zero = val_scalar(g, 0), one = val_scalar(g, 1);
    struct type t = *type_of(g, x);
    unsigned mask = reduction_bits(&axes, t.rank);
    val top = reduction_spread(g, y, &t, mask);
    val largest = graph_add(g, &op_Equal, (val[]){x, top}, 2, NULL);
    val share = graph_add(g, &op_Where, (val[]){largest, one, zero}, 3, NULL);
    val many = val_reduce_sum(g, share, axes, true);
    val part = val_div(g, reduction_spread(g, dy[0], &t, mask), many);

    dx[0] = graph_add(g, &op_Where, (val[]){largest, part, zero}, 3, NULL);
}

static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const struct type *x = &in->type;
    unsigned mask = reduction_bits(&n->attr[REDUCTION_AXES].ints, x->rank);

    (void)env;
    for (int64_t i = 0; i < type_count(&out->type); i++)
        out->data[i] = -INFINITY;
    for (int64_t i = 0; i < type_count(x); i++) {
        double *y = &out->data[reduction_index(x, mask, i)];

        if (in->data[i] > *y || isnan(in->data[i]))
            *y = in->data[i];
    }
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    struct reduce_problem p = {
        .kind = REDUCE_MAX, .x = x->dtype, .y = n->type.dtype};

    type_one_range(x, reduction_bits(&n->attr[REDUCTION_AXES].ints, x->rank),
                   &p.outer, &p.len, &p.inner);
    lower_call(lo, kernels_reduce, &p, n);
}

const struct op op_ReduceMax = {
    .name = "ReduceMax",
    .doc = "largest over dimensions; equal ones share the gradient",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32",
    .infer = infer,
    .build = build,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .axes_follow = true,
};
