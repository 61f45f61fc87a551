/*
 * gru.h: the recurrence of one GRU direction, all time steps in one launch.
 *
 *   kernels_gru       xg [N, T, 3 H], w [H, 3 H], (b [3 H]) ->
 *                     h [N, T, H], gates [N, T, G H]
 *   kernels_gru_grad  dh [N, T, H], gates, h, wt [3 H, H] ->
 *                     dxg [N, T, 3 H], h_before [N, T, H], kept
 *
 * xg is what the input gives to the gates r, z, n; w the recurrent weights, k
 * outermost, and wt the same turned.  The state before the first step is zero.
 * gates are kept after their sigmoid or tanh.
 *
 * `linear` says where the reset gate acts.  With it, on the recurrent part of
 * n, which is product and bias b: that part is kept as a fourth of the gates (G
 * is 4), and `kept` is the gradient of all three recurrent parts, [N, T, 3 H].
 * Without it, on h before the product: there is no b, G is 3, and `kept` is
 * what n's weights met, [N, T, H].
 *
 * h_before is h one step earlier.  With `reverse` time runs from the last step
 * to the first.  Everything is f32.
 */
#ifndef KERNELS_GRU_H
#define KERNELS_GRU_H

#include "kernels/kernel.h"

struct gru_problem {
    int64_t N, T, H;
    bool reverse, linear;
    bool bias; /* of kernels_gru */
};

extern const struct kernel kernels_gru[];
extern const struct kernel kernels_gru_grad[];

#endif
