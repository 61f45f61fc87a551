/* concat.h: what passes and other ops ask of a Concat. */
#ifndef COMPILER_OPS_CONCAT_H
#define COMPILER_OPS_CONCAT_H

#include "compiler/op.h"

/* Along which dimension operands of this rank are joined. */
int concat_axis(const struct node *, int rank);
/* May what makes y of a Concat make it of each operand, and add?  Where y, read again
 * twice and written once for each, has no more bytes than the Concat written and
 * read. */
bool concat_read_apart(const struct node *concat, const struct type *y);

#endif
