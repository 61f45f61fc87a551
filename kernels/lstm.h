/*
 * lstm.h: the recurrence of one LSTM direction, all time steps in one launch.
 *
 *   kernels_lstm       xg [N, T, 4 H], w [H, 4 H] -> h [N, T, H],
 *                      gates [N, T, 4 H], c [N, T, H]
 *   kernels_lstm_grad  dh [N, T, H], gates, c, h, wt [4 H, H] ->
 *                      dxg [N, T, 4 H], h_before [N, T, H]
 *
 * xg is what the input and the biases give to the gates i, f, g, o; w the
 * recurrent weights, k outermost, and wt the same turned.  The state before the
 * first step is zero.  gates are kept after their sigmoid or tanh; h_before is
 * h one step earlier, which the gradient of w needs.  With `reverse` time runs
 * from the last step to the first.  Everything is f32.
 */
#ifndef KERNELS_LSTM_H
#define KERNELS_LSTM_H

#include "kernels/kernel.h"

struct lstm_problem {
    int64_t N, T, H;
    bool reverse;
};

extern const struct kernel kernels_lstm[];
extern const struct kernel kernels_lstm_grad[];

#endif
