/*
 * pick.h: elements of rows by computed indices, and the gradient of the rows.
 *
 *   kernels_pick       x [outer, len, inner], index -> y [outer, n, inner]:
 *                      y[o, j, i] = x[o, index[o, j, i], i]
 *   kernels_pick_grad  index, dy [outer, n, inner] -> dx [outer, len, inner]
 *
 * index is [outer, n, inner], or with `shared` [n], the same for every o and i.
 * Below zero it counts from the end.  Outside -len..len-1 it is never used as
 * one: such an element of y is NaN and adds to nothing.  Where an index stands
 * more than once, dx is the sum in the order of j.
 */
#ifndef KERNELS_PICK_H
#define KERNELS_PICK_H

#include "kernels/kernel.h"

struct pick_problem {
    int64_t outer, len, inner, n;
    bool shared;
    enum dtype x, index; /* y as x; index: i32, i64 or u8 */
};

extern const struct kernel kernels_pick[];
extern const struct kernel kernels_pick_grad[];

#endif
