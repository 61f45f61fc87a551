/*
 * meter.h: means over many batches, and what a loss starts its gradient with.
 *
 * Only samples below SETTING_ROWS are read.  Sample n of a batch belongs to
 * lane (SETTING_FIRST + n) mod lanes, so that micro-batches add up as the whole
 * batch does.
 *
 * Counts are i32, or f32 where samples have weights.
 *
 *   kernels_meter_add  state f32 [lanes, 4], terms f32 [N], (counts [N])
 *                      -> state; a lane is a sum, what its roundings lost, and
 *                      the same of a count.  With `once`: terms is one number,
 *                      added to lane 0 with a count of one.
 *   kernels_count_add  state, counts [N] -> state; starts anew where
 *                      SETTING_FIRST is 0.  The state is i32 [1], or f32 [2]:
 *                      a sum and what its roundings lost.
 *   kernels_loss_seed  (state) -> f32 [N], weight / count; without state the
 *                      count is SETTING_EFFECTIVE * per_sample
 *
 * New states may be written over the old.
 */
#ifndef KERNELS_METER_H
#define KERNELS_METER_H

#include "kernels/kernel.h"

struct meter_problem {
    int64_t N;
    int lanes;
    bool once;
    enum dtype counts;  /* of that operand; DT_NONE without one, then: */
    int64_t per_sample; /* elements that each sample counts for */
};

struct count_problem {
    int64_t N;
    enum dtype counts;
};

struct seed_problem {
    int64_t N;
    double weight;
    enum dtype counts; /* those summed in the state; DT_NONE without one */
    int64_t per_sample;
};

extern const struct kernel kernels_meter_add[];
extern const struct kernel kernels_count_add[];
extern const struct kernel kernels_loss_seed[];

#endif
