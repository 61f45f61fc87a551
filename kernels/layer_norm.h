/*
 * layer_norm.h: layer norm: each row of x to mean 0 and variance 1, then scaled
 * and shifted; and its gradient.
 *
 * x and dy are [rows, C] or, for the sums, [samples, positions, C]; scale and
 * bias f32 [C]; mean and r = 1 / sqrt(variance + epsilon) f32 [rows].
 *
 *   kernels_layer_norm       x, scale, bias -> y, mean, r
 *   kernels_layer_norm_grad  dy, x, mean, r, scale -> dx
 *   kernels_layer_norm_sums  dy, x, mean, r, (acc) -> f32 [lanes, 2, C]: sums
 *                            over samples and positions of dy (x - mean) r,
 *                            and of dy; lanes as in conv.h
 *
 * y has the type of x and may be written over it; dx that of dy, and may be
 * written over dy.
 */
#ifndef KERNELS_LAYER_NORM_H
#define KERNELS_LAYER_NORM_H

#include "kernels/kernel.h"

struct layer_norm_problem {
    int64_t rows, C;
    double epsilon;
    enum dtype x, dy;
};

struct layer_norm_sums_problem { /* positions: rows of a sample */
    int64_t samples, positions, C;
    int lanes;
    enum dtype x, dy;
    bool accumulate;
};

extern const struct kernel kernels_layer_norm[];
extern const struct kernel kernels_layer_norm_grad[];
extern const struct kernel kernels_layer_norm_sums[];

#endif
