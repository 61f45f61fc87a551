/*
 * reduce.h: sums, means, extremes and products.
 *
 * kernels_reduce: x [outer, len, inner] -> y [outer, inner]; a NaN wins in
 * extremes.
 *
 * kernels_batch_sum: x [samples, A, B, C], (acc) -> y f32 [lanes, A, C], the
 * sum over samples and B; lanes as in conv.h.
 *
 * kernels_lane_sum: x f32 [lanes, elements] -> y f32 [elements], in the order
 * of the lanes.
 *
 * kernels_square_sum: x [elements], (acc) -> y f32 [lanes], sums of squares:
 * element i goes into lane i mod lanes, which carries on from acc; a multiple
 * of SQUARE_SUM_LANES.
 */
#ifndef KERNELS_REDUCE_H
#define KERNELS_REDUCE_H

#include "kernels/kernel.h"

enum reduce_kind {
    REDUCE_SUM,
    REDUCE_MEAN,
    REDUCE_MAX,
    REDUCE_MIN,
    REDUCE_PRODUCT
};

struct reduce_problem {
    int64_t outer, len, inner;
    enum reduce_kind kind;
    enum dtype x, y;
};

struct batch_sum_problem {
    int64_t samples, A, B, C; /* A, C stay, B goes */
    enum dtype x;
    int lanes;
    bool accumulate;
};

struct lane_sum_problem {
    int lanes;
    int64_t elements;
};

enum { SQUARE_SUM_LANES = 128 };
struct square_sum_problem {
    int64_t elements;
    int lanes;
    enum dtype x;
    bool accumulate;
};

extern const struct kernel kernels_reduce[];
extern const struct kernel kernels_batch_sum[];
extern const struct kernel kernels_lane_sum[];
extern const struct kernel kernels_square_sum[];

#endif
