/* fuse.h: what the two halves of fuse share. */
#ifndef COMPILER_FUSE_H
#define COMPILER_FUSE_H

#include "compiler/fused.h"

/* A pointwise node and what is computed inside it. */
struct chain {
    struct fused f;
    int nin;
    int in[FUSED_OPERANDS]; /* ids of the old graph */
};

/* All by id of the old graph. */
struct chains {
    const bool *used;     /* the rest is left out, and reads nothing */
    int *uses;            /* how often it is read; 2 more for an assignment */
    bool *absorbed;       /* computed inside its only reader */
    struct chain **chain; /* of what can be fused, else null */
    unsigned *again;      /* bit k: operand k is computed again inside */
    /* Of a Concat that is cut: by operand, the chain that writes its piece; one
     * without steps copies the operand. */
    struct chain **piece;
};

/* Could a node be cut into pieces, if chains are found for them? */
bool fuse_can_cut(const struct graph *, const struct node *);

/* Both have the same dimensions. */
bool fuse_same_shape(const struct type *, const struct type *);

/*
 * Takes chains in which nothing is computed again; sets `again` where a value
 * need not be kept for its late readers, because what it is made of is there
 * anyway.  Decided by the graph alone, before any budget.
 */
void fuse_again(const struct graph *, struct arena *, struct chains *);

#endif
