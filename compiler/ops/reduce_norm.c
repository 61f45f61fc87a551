/*
 * reduce_norm.c: norms over dimensions of a sample: sums of absolute values, of
 * squares, and the root of that.
 *
 * Gradients come from the parts: sign(x) dy, 2 x dy, x dy / y.
 */
#include "compiler/ops/reduction.h"

static const struct attr_spec attrs[] = {REDUCTION_ATTRS, {0}};

/* Sum of what each element has become. x is checked here, since what it was
 * made of need not be a float. */
static bool sum(struct graph *g, val x, const union attr *attr, val *y)
{
    unsigned mask;

    if (!x.id ||
        !reduction_mask(g, type_of(g, x), &attr[REDUCTION_AXES].ints, &mask))
        return false;
    y[0] = val_reduce_sum(g, x, reduction_axes(g, mask),
                          attr[REDUCTION_KEEPDIMS].i);
    return y[0].id != 0;
}

static bool l1_build(struct graph *g, const val *in, int nin,
                     const union attr *attr, val *y)
{
    return sum(g, graph_add(g, &op_Abs, in, nin, NULL), attr, y);
}

static bool square_build(struct graph *g, const val *in, int nin,
                         const union attr *attr, val *y)
{
    (void)nin;
    return sum(g, val_mul(g, in[0], in[0]), attr, y);
}

/* The root's slope at zero is infinite; the norm's gradient there is 0, as in
 * PyTorch, so zeros go round the root.  That is: 1 where the sum is 0 goes
 * into the root, and 0 replaces its result. */
static bool l2_build(struct graph *g, const val *in, int nin,
                     const union attr *attr, val *y)
{
    val zero = val_scalar(g, 0), one = val_scalar(g, 1), none, root;

    if (!square_build(g, in, nin, attr, y))
        return false;
    none = graph_add(g, &op_Equal, (val[]){y[0], zero}, 2, NULL);
    root = graph_add(g, &op_Where, (val[]){none, one, y[0]}, 3, NULL);
    root = graph_add(g, &op_Sqrt, &root, 1, NULL);
    y[0] = graph_add(g, &op_Where, (val[]){none, zero, root}, 3, NULL);
    return y[0].id != 0;
}

#define NORM(title, text, make)                                           \
    {                                                                     \
        .name = title, .doc = text, .min_in = 1, .nin = 1, .attr = attrs, \
        .types = "f32", .build = make                                     \
    }

const struct op op_ReduceL1 = NORM(
    "ReduceL1", "sum of absolute values over dimensions", l1_build);
const struct op op_ReduceL2 = NORM(
    "ReduceL2", "root of the sum of squares over dimensions", l2_build);
const struct op op_ReduceSumSquare = NORM(
    "ReduceSumSquare", "sum of squares over dimensions", square_build);
