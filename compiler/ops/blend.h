/* blend.h: see blend.c; how Gather and Resize ask for it. */
#ifndef COMPILER_OPS_BLEND_H
#define COMPILER_OPS_BLEND_H

#include "compiler/op.h"

/* Index j of the result sums weight[e] times index[e] of x for e in
 * [start[j], start[j + 1]).  That is a sparse matrix [out, in] in compressed
 * rows; tables are doubles because graph constants are. */
struct blend {
    int64_t out;    /* rows of the matrix */
    double *start;  /* [out + 1] */
    double *index;  /* [start[out]] */
    double *weight; /* as many, or null: all 1 */
};

/* x along an axis, which must not be that of the samples.  Tables must outlive
 * the graph (its arena's do); x [outer, in, inner] becomes [outer, out,
 * inner]. */
val val_blend(struct graph *, val x, int axis, const struct blend *);

#endif
