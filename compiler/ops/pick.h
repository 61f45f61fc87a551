/* pick.h: elements by indices that are data; see pick.c. */
#ifndef COMPILER_OPS_PICK_H
#define COMPILER_OPS_PICK_H

#include "compiler/op.h"
#include "kernels/pick.h"

/* x is [outer, places, inner], the product of dim being places; the index has
 * the form's shape, and samples where x has them. */
struct pick {
    enum pick_form form;
    int rank; /* coordinates of an index */
    int64_t dim[MAX_RANK];
};

/* [outer, count, inner] */
val val_pick(struct graph *, const struct pick *, val x, val index);
/* As x; u is [outer, count, inner]. */
val val_place(struct graph *, const struct pick *, enum pick_reduction,
              const val *in);
/* May a value of this type count elements?  False after a message. */
bool pick_index_fits(struct graph *, const struct type *);
/* An attribute "reduction": none, add or mul. */
bool pick_reduction_read(struct graph *, const char *, enum pick_reduction *);

#endif
