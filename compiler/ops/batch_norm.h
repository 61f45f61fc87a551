/*
 * batch_norm.h: builders of batch_stats.c, which batch_norm.c is made from.
 * All results are f32 [C].
 */
#ifndef COMPILER_OPS_BATCH_NORM_H
#define COMPILER_OPS_BATCH_NORM_H

#include "compiler/op.h"

/* Statistics of each channel of x [N, C, ...], over the rows at hand. */
struct batch_stats { /* var over the count n, unbiased over n - 1 */
    val mean, var, unbiased;
};
struct batch_stats batch_stats(struct graph *, val x);

/*
 * Of dy and of dy * (x - mean) * scale: the sums over the effective batch,
 * which are gradients of parameters, and the means over the rows at hand.  The
 * difference shows with micro-batches only: a parameter's gradient is the
 * update's, but x is normalised by what its own micro-batch had.
 */
struct batch_norm_sums { /* sum_x, mean_x: of the product */
    val sum, sum_x, mean, mean_x;
};
struct batch_norm_sums batch_norm_sums(struct graph *, val dy, val x, val mean,
                                       val scale);

#endif
