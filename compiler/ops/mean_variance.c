/*
 * mean_variance.c: MeanVarianceNormalization as in ONNX: less the mean, by the
 * deviation, over dimensions of a sample.
 */
#include "compiler/ops/reduction.h"

enum { AXES };

static const struct attr_spec attrs[] = {
    [AXES] =
        {"axes",
         ATTR_INTS,
         {0},
         "which dimensions; 0, 2 and 3 when empty, of which the first must "
         "not count samples",
         false,
         false},
    {0},
};

static val mean(struct graph *g, val x, const struct ints *axes)
{
    const union attr attr[] = {
        [REDUCTION_AXES] = {.ints = *axes}, [REDUCTION_KEEPDIMS] = {.i = 1}};
    val y = {0};

    return op_ReduceMean.build(g, &x, 1, attr, &y) ? y : (val){0};
}

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    static const int64_t usual[] = {0, 2, 3};
    const struct type *x = type_of(g, in[0]);
    const struct ints axes = attr[AXES].ints.n ? attr[AXES].ints
                                               : ints_copy(g, usual, 3);
    val apart, deviation;

    (void)nin;
    if (!dtype_is_float(x->dtype))
        return reject_here(g, "input is %s, not a float", dtype_name(x->dtype));
    apart = val_sub(g, in[0], mean(g, in[0], &axes));
    if (!apart.id)
        return false;
    deviation = mean(g, val_mul(g, apart, apart), &axes);
    deviation = graph_add(g, &op_Sqrt, &deviation, 1, NULL);
    y[0] = val_div(g, apart, val_add(g, deviation, val_scalar(g, 1e-9)));
    return y[0].id != 0;
}

const struct op op_MeanVarianceNormalization = {
    .name = "MeanVarianceNormalization",
    .doc = "less the mean, by the deviation, over dimensions",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32",
    .build = build,
};
