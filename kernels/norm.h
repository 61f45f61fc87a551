/*
 * norm.h: what batch norm needs beside pointwise kernels: statistics of each
 * channel over the rows at hand, and the sums of its gradient.
 *
 * x and dy are [samples, positions, C], channels last.  Only samples below the
 * setting `rows` are read.  Sample n goes into lane n mod lanes, in order.
 *
 *   kernels_batch_moments    x -> f32 [lanes, 2, C]: of each lane the mean, and
 *                            the sum of squared differences from that mean
 *   kernels_batch_stats      that -> mean, variance, unbiased variance, f32 [C]
 *   kernels_batch_norm_sums  dy, x, mean [C], scale [C], (acc) -> f32
 *                            [lanes, 2, C]: sums of dy, and of
 *                            dy * (x - mean) * scale; lanes as in conv.h
 *   kernels_batch_norm_totals  f32 [2, C] -> the two f32 [C], and both divided
 *                            by the number of elements of a channel
 *
 * The unbiased variance divides by the number of elements less one; of a single
 * element it is 0.
 */
#ifndef KERNELS_NORM_H
#define KERNELS_NORM_H

#include "kernels/kernel.h"

struct norm_problem {
    int64_t samples, positions, C; /* positions: of a channel in a sample */
    int lanes;
    enum dtype x, dy;
    bool accumulate;
};

extern const struct kernel kernels_batch_moments[];
extern const struct kernel kernels_batch_stats[];
extern const struct kernel kernels_batch_norm_sums[];
extern const struct kernel kernels_batch_norm_totals[];

#endif
