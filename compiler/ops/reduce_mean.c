/*
 * reduce_mean.c: means over dimensions of a sample: the sum, divided by how
 * many there are.  GlobalAveragePool is the mean of each channel.
 *
 * The gradient, dy / count spread over what was summed, comes with the sum's.
 */
#include "compiler/ops/reduction.h"

static const struct attr_spec attrs[] = {REDUCTION_ATTRS, {0}};

/* A division and not a product with 1 / count: the quotient is rounded once. */
static val mean(struct graph *g, val x, unsigned mask, bool keep)
{
    const struct type *t = type_of(g, x);
    int64_t count = 1; /* elements of each mean */

    for (int d = 0; d < t->rank; d++)
        if (mask >> d & 1)
            count *= t->dim[d];
    return val_div(g, val_reduce_sum(g, x, reduction_axes(g, mask), keep),
                   val_scalar(g, (double)count));
}

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    unsigned mask;

    (void)nin;
    if (!reduction_mask(g, type_of(g, in[0]), &attr[REDUCTION_AXES].ints,
                        &mask))
        return false;
    y[0] = mean(g, in[0], mask, attr[REDUCTION_KEEPDIMS].i);
    return y[0].id != 0;
}

const struct op op_ReduceMean = {
    .name = "ReduceMean",
    .doc = "mean over dimensions",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32",
    .build = build,
};

/* x [N, C, ...]; bits 0 and 1 of the mask, N and C, stay. */
static bool global_build(struct graph *g, const val *in, int nin,
                         const union attr *attr, val *y)
{
    const struct type *x = type_of(g, in[0]);

    (void)nin, (void)attr;
    if (x->rank < 3)
        return reject_here(g, "input is %s, wanted [N,C,...]",
                           type_text(g->arena, x));
    if (!dtype_is_float(x->dtype))
        return reject_here(g, "input is %s, not a float", dtype_name(x->dtype));
    y[0] = mean(g, in[0], ((1U << x->rank) - 1) & ~3U, true);
    return y[0].id != 0;
}

const struct op op_GlobalAveragePool = {
    .name = "GlobalAveragePool",
    .doc = "mean of each channel of [N,C,...], to [N,C,1,...]",
    .min_in = 1,
    .nin = 1,
    .types = "f32",
    .build = global_build,
};
