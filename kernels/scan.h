/*
 * scan.h: sums and products of all elements up to each one, along an axis.
 *
 *   kernels_scan  x [outer, len, inner] -> y of the same shape
 *
 * exclusive: without the element itself.  reverse: from the end.  One chain for
 * each row, in order.
 */
#ifndef KERNELS_SCAN_H
#define KERNELS_SCAN_H

#include "kernels/kernel.h"

struct scan_problem {
    int64_t outer, len, inner;
    bool product, exclusive, reverse; /* product: else a sum */
    enum dtype dtype;
};

extern const struct kernel kernels_scan[];

#endif
