/*
 * select.h: the first k of each row by size, and where they stand.
 *
 *   kernels_select  x [outer, len, inner] -> (values [outer, k, inner] of x's
 *                   type), index i64 [outer, k, inner]
 *
 * The largest first, or with `smallest` the smallest; of equal ones that with
 * the lower index, or with `last` with the higher.  A NaN comes before all.
 */
#ifndef KERNELS_SELECT_H
#define KERNELS_SELECT_H

#include "kernels/kernel.h"

struct select_problem {
    int64_t outer, len, inner, k;
    bool smallest, last;
    bool values; /* are a result too */
    enum dtype dtype;
};

extern const struct kernel kernels_select[];

#endif
