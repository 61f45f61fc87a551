/* remap.h: see remap.c; how Slice, Pad and Tile ask for it. */
#ifndef COMPILER_OPS_REMAP_H
#define COMPILER_OPS_REMAP_H

#include "compiler/op.h"
#include "kernels/copy.h"

/* Lists have a number for each dimension. */
enum { REMAP_DIM, REMAP_MUL, REMAP_ADD, REMAP_DIV, REMAP_OUTSIDE, REMAP_VALUE };

struct remap {
    int64_t dim[MAX_RANK]; /* of the result */
    /* index of x: (mul i + add) / div */
    int64_t mul[MAX_RANK], add[MAX_RANK], div[MAX_RANK];
    enum copy_outside outside;
    double value; /* outside, for COPY_FILL */
};

/* Index i of the result reads (mul i + add) / div of x, where that is whole
 * and inside; see remap.c for the rest. */
val val_remap(struct graph *, val x, const struct remap *);

#endif
