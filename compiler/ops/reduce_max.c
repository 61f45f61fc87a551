/*
 * reduce_max.c: the largest, or the smallest, over dimensions of a sample.  A
 * NaN wins.
 *
 * Equal ones share the gradient evenly, as in PyTorch's amax (not as in
 * its max, which gives all to one of them): the result does not tell them apart
 * either.
 */
#include <math.h>

#include "compiler/lower.h"
#include "compiler/ops/reduction.h"
#include "kernels/reduce.h"

static const struct attr_spec attrs[] = {REDUCTION_ATTRS, {0}};

/* One node over all axes: sharing evenly needs the count of all equal ones. */
static bool max_build(struct graph *g, const val *in, int nin,
                      const union attr *attr, val *y)
{
    (void)nin;
    return reduction_of_range(g, &op_ReduceMax, in[0], attr, y);
}

static bool min_build(struct graph *g, const val *in, int nin,
                      const union attr *attr, val *y)
{
    (void)nin;
    return reduction_of_range(g, &op_ReduceMin, in[0], attr, y);
}

/* dx = dy / how many are the extreme, where x is.  Where the extreme is a NaN
 * nothing equals it and dx is 0: the division by a count of 0 is made but not
 * selected. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const struct ints axes = n->attr[REDUCTION_AXES].ints;
    val x = n->in[0], zero = val_scalar(g, 0), one = val_scalar(g, 1);
    struct type t = *type_of(g, x);
    unsigned mask = reduction_bits(&axes, t.rank);
    val top = reduction_spread(g, y, &t, mask); /* y, to x's shape */
    val extreme = graph_add(g, &op_Equal, (val[]){x, top}, 2, NULL);
    val share = graph_add(g, &op_Where, (val[]){extreme, one, zero}, 3, NULL);
    val many = val_reduce_sum(g, share, axes, true);
    val part = val_div(g, reduction_spread(g, dy[0], &t, mask), many);

    dx[0] = graph_add(g, &op_Where, (val[]){extreme, part, zero}, 3, NULL);
}

/* x in any shape; y without the axes.  A comparison with NaN is false, so a
 * NaN once taken stays. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const struct type *x = &in->type;
    unsigned mask = reduction_bits(&n->attr[REDUCTION_AXES].ints, x->rank);
    bool smallest = n->op == &op_ReduceMin;

    (void)env;
    for (int64_t i = 0; i < type_count(&out->type); i++)
        out->data[i] = smallest ? INFINITY : -INFINITY;
    for (int64_t i = 0; i < type_count(x); i++) {
        double *y = &out->data[reduction_index(x, mask, i)];

        if ((smallest ? in->data[i] < *y : in->data[i] > *y) ||
            isnan(in->data[i]))
            *y = in->data[i];
    }
}

static void max_lower(struct lower *lo, const struct node *n)
{
    reduction_lower(lo, n, REDUCE_MAX);
}

static void min_lower(struct lower *lo, const struct node *n)
{
    reduction_lower(lo, n, REDUCE_MIN);
}

const struct op op_ReduceMax = {
    .name = "ReduceMax",
    .doc = "largest over dimensions; equal ones share the gradient",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32",
    .infer = reduction_infer,
    .build = max_build,
    .grad = grad,
    .ref = ref,
    .lower = max_lower,
    .axes_follow = true,
};

const struct op op_ReduceMin = {
    .name = "ReduceMin",
    .doc = "smallest over dimensions; equal ones share the gradient",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32",
    .infer = reduction_infer,
    .build = min_build,
    .grad = grad,
    .ref = ref,
    .lower = min_lower,
    .axes_follow = true,
};
