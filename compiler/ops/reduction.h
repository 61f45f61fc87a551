/*
 * reduction.h: what reductions share: which dimensions go, and what is left.
 */
#ifndef COMPILER_OPS_REDUCTION_H
#define COMPILER_OPS_REDUCTION_H

#include "compiler/op.h"
#include "kernels/reduce.h"

/* Attributes of every reduction, in this order. */
enum { REDUCTION_AXES, REDUCTION_KEEPDIMS };
#define REDUCTION_ATTRS                                                 \
    [REDUCTION_AXES] = {"axes", ATTR_INTS,                              \
                        {0},    "which dimensions; all when empty",     \
                        false,  false},                                 \
    [REDUCTION_KEEPDIMS] = {"keepdims", ATTR_BOOL,                      \
                            {.i = 1},   "keep them as dimensions of 1", \
                            false,      false}

/* One bit for each dimension of x that the axes name.  False after
 * reject_here(): no such axis, or the samples of a batch. */
bool reduction_mask(struct graph *, const struct type *x,
                    const struct ints *axes, unsigned *mask);
/* The same of axes that were checked before.  Bit d is dimension d; an empty
 * list names all. */
unsigned reduction_bits(const struct ints *axes, int rank);
/* The dimensions of a mask, as a list. */
struct ints reduction_axes(struct graph *, unsigned mask);
/* x without (or with 1 for) the dimensions of mask. */
void reduction_type(const struct type *x, unsigned mask, bool keep,
                    struct type *y);
/* Element of the reduced value into which element i of x goes. */
int64_t reduction_index(const struct type *x, unsigned mask, int64_t i);
/* d, of the reduced shape, with 1 for the dimensions that went, so that it
 * broadcasts against x.  A view: nothing is repeated in memory. */
val reduction_spread(struct graph *, val d, const struct type *x,
                     unsigned mask);

/* ---- reductions with a node of their own ---- */

/* For struct op's infer: the type that the axes leave, with x's dtype. */
bool reduction_infer(struct graph *, const struct node *, struct type *y);
/* An op's build: one node, for dimensions that stand together.  One after the
 * other would not share a gradient evenly.  Dimensions apart are moved to the
 * end, which costs a Transpose. */
bool reduction_of_range(struct graph *, const struct op *, val x,
                        const union attr *, val *y);
/* For struct op's lower; the axes must stand together. */
void reduction_lower(struct lower *, const struct node *, enum reduce_kind);

#endif
