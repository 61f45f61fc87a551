/*
 * meter.h: means over many batches, and what a loss starts its gradient with.
 *
 * Only samples below SETTING_ROWS are read.  Sample n of a batch belongs to
 * lane (SETTING_FIRST + n) mod lanes, so that micro-batches add up as the whole
 * batch does.
 *
 *   kernels_meter_add  state f32 [lanes, 4], terms f32 [N], (counts i32 [N])
 *                      -> state; a lane is a sum, what its roundings lost, and
 *                      the same of a count.  With `once`: terms is one number,
 *                      added to lane 0 with a count of one.
 *   kernels_count_add  state i32 [1], counts i32 [N] -> i32 [1]; starts anew
 *                      where SETTING_FIRST is 0
 *   kernels_loss_seed  (count i32 [1]) -> f32 [N], weight / count; without
 *                      count it is SETTING_EFFECTIVE * per_sample
 *
 * New states may be written over the old.
 */
#ifndef KERNELS_METER_H
#define KERNELS_METER_H

#include "kernels/kernel.h"

struct meter_problem {
    int64_t N;
    int lanes;
    bool once, counts;  /* counts: there is that operand, else: */
    int64_t per_sample; /* elements that each sample counts for */
};

struct count_problem {
    int64_t N;
};

struct seed_problem {
    int64_t N;
    double weight;
    bool count;
    int64_t per_sample;
};

extern const struct kernel kernels_meter_add[];
extern const struct kernel kernels_count_add[];
extern const struct kernel kernels_loss_seed[];

#endif
