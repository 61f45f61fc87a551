/*
 * pooling.h: what pools share beside window.h: places of elements, for the
 * references, and the kernels' problem.
 */
#ifndef COMPILER_OPS_POOLING_H
#define COMPILER_OPS_POOLING_H

#include "compiler/ops/window.h"
#include "kernels/pool.h"

/* A window of the result: sample, channel, row, column.  For one spatial
 * dimension the row is 0. */
struct pooling_at {
    int64_t n, c, out[2];
};

/* Element (row, column) of a sample's channel, of `size` rows and columns.
 * `last`: channels last.  For x or y, as `size` and `at` say. */
int64_t pooling_element(const struct window *, bool last,
                        const struct pooling_at *, const int64_t *size,
                        const int64_t *at);
/* Element of x that position k of a window is, or -1: padding. k counts
 * positions row by row. */
int64_t pooling_tap(const struct window *, bool last, const struct pooling_at *,
                    int64_t k);
/* Calls f for every window, with the element of the result that it makes. */
void pooling_each(const struct window *, bool last, void *context,
                  void (*f)(void *context, const struct pooling_at *,
                            int64_t y));

/* Geometry and element types; what one kind of pool needs besides is the
 * caller's. */
struct pool_problem pooling_problem(const struct window *, enum dtype);

#endif
