/*
 * loss.h: cross entropy, its gradient, and counting right answers.
 *
 * Logits are x [N, C, inner], in the user's order; labels [N, inner] are i32,
 * i64 or u8 and name a class; those that equal `ignore` count for nothing.  A
 * label outside 0..C-1 is never used as an index: its element is NaN, or a
 * wrong answer.
 *
 *   kernels_cross_entropy       x, label -> terms f32 [N], summed over inner
 *   kernels_cross_entropy_grad  dterms f32 [N], x, label -> dx
 *   kernels_hits                x, label -> f32 [N], how many first maxima
 *                               are the label
 *   kernels_valid_count         label -> i32 [N], how many are not ignored
 *
 * dx has the type of x and may be written over it.
 */
#ifndef KERNELS_LOSS_H
#define KERNELS_LOSS_H

#include "kernels/kernel.h"

struct loss_problem {
    int64_t N, C, inner;
    enum dtype x, label;
    bool ignores; /* there is a label to ignore, this: */
    int64_t ignore;
};

extern const struct kernel kernels_cross_entropy[];
extern const struct kernel kernels_cross_entropy_grad[];
extern const struct kernel kernels_hits[];
extern const struct kernel kernels_valid_count[];

#endif
