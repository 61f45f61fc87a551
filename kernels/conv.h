/*
 * conv.h: convolution, channels last, and its gradients.
 *
 * x is [N, H, W, C], w [R, S, C / group, K], y [N, P, Q, K], bias f32 [K]:
 *   y[n, p, q, k] = bias[k] + sum over r, s, c of
 *       x[n, p stride0 - pad0 + r dilation0, q stride1 - ..., c] w[r, s, c, k]
 * One dimension is H = P = R = 1.
 *
 * Operands: kernels_conv x, w, (bias) -> y; kernels_conv_grad_x dy, w -> dx;
 * kernels_conv_grad_w x, dy, (acc) -> dw f32 [lanes, R, S, C / group, K].
 * A gradient has the type of what it is the gradient of.
 *
 * kernels_conv_grad_w takes samples by lanes: sample n of a micro-batch goes to
 * lane (SETTING_FIRST + n) mod lanes, samples from SETTING_ROWS on are not
 * read, and with `accumulate` it carries on from acc unless SETTING_FIRST is 0.
 */
#ifndef KERNELS_CONV_H
#define KERNELS_CONV_H

#include "kernels/kernel.h"

struct conv_problem {
    int64_t N, H, W, C, K, R, S, P, Q;
    int64_t stride[2], pad[2], dilation[2]; /* pad: at the beginning */
    int64_t group;
    enum dtype x, w, y;
    bool bias;       /* of kernels_conv */
    int lanes;       /* of kernels_conv_grad_w, as is: */
    bool accumulate; /* carry on from acc */
};

extern const struct kernel kernels_conv[];
extern const struct kernel kernels_conv_grad_x[];
extern const struct kernel kernels_conv_grad_w[];

#endif
