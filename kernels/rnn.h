/*
 * rnn.h: the recurrence of one direction of an RNN, all time steps in one launch.
 *
 *   kernels_rnn       xg [N, T, H], w [H, H] -> h [N, T, H]
 *   kernels_rnn_grad  dh [N, T, H], h, wt [H, H] -> dxg [N, T, H], h_before
 *
 * xg is what the input gives; w the recurrent weights, k outermost, and wt the
 * same turned.  The state before the first step is zero; h_before is h one step
 * earlier.  With `reverse` time runs from the last step to the first.
 * Everything is f32.
 */
#ifndef KERNELS_RNN_H
#define KERNELS_RNN_H

#include "kernels/kernel.h"

struct rnn_problem {
    int64_t N, T, H;
    bool reverse;
    bool relu; /* instead of tanh */
};

extern const struct kernel kernels_rnn[];
extern const struct kernel kernels_rnn_grad[];

#endif
