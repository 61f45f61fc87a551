/*
 * transpose.h: y's dimension k is x's dimension perm[k].  Elements are moved as
 * bits, 1, 2, 4 or 8 bytes each.
 */
#ifndef KERNELS_TRANSPOSE_H
#define KERNELS_TRANSPOSE_H

#include "kernels/kernel.h"

enum { TRANSPOSE_RANK = 8 };

struct transpose_problem {
    int rank;
    int64_t dim[TRANSPOSE_RANK]; /* of x */
    int perm[TRANSPOSE_RANK];
    int bytes; /* of an element */
};
/* The problem must have been collapsed, to a rank of 2 or more. */
extern const struct kernel kernels_transpose[];

/* Drop dimensions of one element and join those that stay neighbours.  Rank 0
 * or 1 then means that nothing moves. */
void transpose_collapse(struct transpose_problem *);

#endif
