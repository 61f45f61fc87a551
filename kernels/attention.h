/*
 * attention.h: softmax(q k^T scale + mask) v for each head, without keeping the
 * weights, and its gradient, which computes them again.
 *
 * kernels_attention: q, k, v, (mask) -> y, lse.  kernels_attention_grad:
 * q, k, v, y, lse, dy, (mask) -> dq, dk, dv.
 *
 * q and dq are [N, heads, T, D], k and dk [N, heads, S, D], v and dv
 * [N, heads, S, E], y and dy [N, heads, T, E]; where `joined`, the heads stand
 * behind the position: [N, T, heads, D] and so on.  lse is f32 [N, heads, T],
 * the logarithm of a row's sum of exponentials.  The mask is of bool (what
 * takes part) or of floats (added).
 *
 * A row that nothing takes part in is NaN, as the softmax of so many -inf.
 */
#ifndef KERNELS_ATTENTION_H
#define KERNELS_ATTENTION_H

#include "kernels/kernel.h"

enum { ATTENTION_DIMS = 4 };

struct attention_problem {
    int64_t N, heads, T, S, D, E;
    bool joined;
    bool causal; /* position i sees the positions 0..i only */
    double scale;
    enum dtype x;    /* of all but mask and lse */
    enum dtype mask; /* DT_NONE where there is none */
    /* Elements of the mask to the next sample, head, query and key; 0 where one
     * serves all. */
    int64_t mask_stride[ATTENTION_DIMS];
};

extern const struct kernel kernels_attention[];
extern const struct kernel kernels_attention_grad[];

#endif
