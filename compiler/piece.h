/*
 * piece.h: a piece of a whole, which what makes the piece writes where it
 * belongs.
 *
 * A concatenation whose operands are pointwise chains need not wait for them
 * and copy them: each chain writes its own piece of the result.  The first makes
 * the whole, whose rest is anything; each further one takes the whole so far and
 * adds its piece, in the same memory where that is free.
 */
#ifndef COMPILER_PIECE_H
#define COMPILER_PIECE_H

#include "compiler/fused.h"

/* Which piece: [at, at + len) of the whole's dimension `axis`; and the whole so
 * far, or empty. */
struct piece {
    int axis;
    int64_t at, len;
    val before;
};

/* The whole, of type y, with the result of a chain over in[0..nin) as its
 * piece; a chain without steps is its one operand.  The chain must outlive the
 * graph. */
val piece_add(struct graph *, const struct type *y, const struct piece *,
              const struct fused *chain, const val *in, int nin);

#endif
