/* picked.h: the gradient of what computed indices pick from rows. */
#ifndef COMPILER_OPS_PICKED_H
#define COMPILER_OPS_PICKED_H

#include "compiler/op.h"

/* Zeros in the shape of dy with `len` elements along the axis, where dy is added
 * at the indices, which stand in order of dy or along its axis alone. */
val val_unpick(struct graph *, val index, val dy, int axis, int64_t len);

#endif
