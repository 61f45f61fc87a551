/*
 * softmax.h: softmax and its logarithm along the middle of three dimensions.
 *
 * x [outer, len, inner] -> y, of the same shape.  The largest of a row is taken
 * off first, which changes nothing but that no exponential overflows.  A NaN
 * makes its whole row NaN.  y may be written over x.
 *
 * causal: x is matrices of so many rows (inner is 1); of row i only the
 * elements 0..i take part, and the others of y are 0.
 */
#ifndef KERNELS_SOFTMAX_H
#define KERNELS_SOFTMAX_H

#include "kernels/kernel.h"

enum softmax_kind { SOFTMAX, SOFTMAX_LOG };

struct softmax_problem {
    int64_t outer, len, inner;
    int64_t causal; /* or 0 */
    enum softmax_kind kind;
    enum dtype x, y;
};

extern const struct kernel kernels_softmax[];

#endif
