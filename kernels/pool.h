/*
 * pool.h: pooling over two dimensions, channels last, and its gradients.
 *
 * x is [N, H, W, C], y [N, P, Q, C].  Padding takes no part in a maximum; in a
 * mean it counts where count_include_pad says so, up to pad_end and not beyond
 * (a window that ceil_mode lets hang out).  A global pool's window is H x W.
 *
 *   kernels_max_pool             x -> y
 *   kernels_max_pool_index       x -> y, index [N, P, Q, C]
 *   kernels_max_pool_index_grad  dy, index -> dx
 *   kernels_max_pool_grad        dy, x -> dx
 *   kernels_average_pool         x -> y
 *   kernels_average_pool_grad    dy -> dx
 *
 * An index counts the positions of the window, row by row: u8 where the window
 * has at most 256, else i32.  Of equal values the first is the maximum; a NaN
 * is larger than everything (as in PyTorch).  Gradients have the types of what
 * they are the gradients of.
 */
#ifndef KERNELS_POOL_H
#define KERNELS_POOL_H

#include "kernels/kernel.h"

struct pool_problem {
    int64_t N, H, W, C, P, Q;
    /* rows, columns */
    int64_t window[2], stride[2], pad[2], pad_end[2], dilation[2];
    bool count_include_pad; /* of means */
    enum dtype x, y;
    enum dtype index; /* of the kernels with an index: DT_U8 or DT_I32 */
};

extern const struct kernel kernels_max_pool[];
extern const struct kernel kernels_max_pool_index[];
extern const struct kernel kernels_max_pool_index_grad[];
extern const struct kernel kernels_max_pool_grad[];
extern const struct kernel kernels_average_pool[];
extern const struct kernel kernels_average_pool_grad[];

#endif
