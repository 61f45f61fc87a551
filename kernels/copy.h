/*
 * copy.h: elements that only move: slices, pads, repeats, concatenations and
 * splits, and their gradients.
 */
#ifndef KERNELS_COPY_H
#define KERNELS_COPY_H

#include "kernels/kernel.h"

enum { COPY_RANK = 8, CONCAT_OPERANDS = 15 };

/* What stands where x has no element: the fill value, x mirrored at its first
 * and last element, those two themselves, or x from its start again (add is
 * then not below zero). */
enum copy_outside { COPY_FILL, COPY_REFLECT, COPY_EDGE, COPY_WRAP };

/* Index i of y reads index (mul i + add) / div of x; where that is no whole
 * number, the fill value stands. */
struct copy_dim {
    int64_t out, in; /* sizes in y and x, below 2^31 */
    int64_t mul, add, div;
};

struct copy_problem {
    int rank;
    struct copy_dim dim[COPY_RANK];
    enum copy_outside outside; /* other than FILL: mul and div are 1 */
    enum dtype dtype;
    double fill;
};
/* The problem must have been collapsed. */
extern const struct kernel kernels_copy[];

/* Join neighbouring dimensions where that changes nothing. */
void copy_collapse(struct copy_problem *);

/* y [outer, sum of len] from x_k [outer, len[k]], one after the other; split:
 * the other way. */
struct concat_problem {
    int nin; /* parts */
    int64_t outer, len[CONCAT_OPERANDS];
    int bytes; /* of an element */
};
extern const struct kernel kernels_concat[];
extern const struct kernel kernels_split[];

/* dx [outer, in, inner]: each element sums those of dy [outer, out, inner] that
 * are its copies in a pad of `begin` elements before and the rest after; of
 * COPY_WRAP begin is 0. */
struct pad_fold_problem {
    int64_t outer, in, inner, out, begin;
    enum copy_outside outside; /* not FILL */
    enum dtype dtype;          /* f32 or f16 */
};
extern const struct kernel kernels_pad_fold[];

#endif
