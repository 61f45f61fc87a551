/*
 * blend.h: along one axis, each index of the result is a sum of some indices of
 * x, perhaps weighted.
 *
 *   kernels_blend  x [outer, in, inner], start i32 [out + 1], index i32,
 *                  (weight f32) -> y [outer, out, inner]
 *     y[o, j, c] = sum over e in [start[j], start[j + 1]) of
 *                  weight[e] x[o, index[e], c]
 *
 * Terms are added in the order of e.
 */
#ifndef KERNELS_BLEND_H
#define KERNELS_BLEND_H

#include "kernels/kernel.h"

struct blend_problem {
    int64_t outer, in, out, inner;
    int64_t terms; /* of all indices of the result together */
    enum dtype dtype;
    bool weighted;
};

extern const struct kernel kernels_blend[];

#endif
