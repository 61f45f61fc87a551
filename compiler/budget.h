/*
 * budget.h: the memory of all sequences within a budget, by computing again what
 * does not fit.
 */
#ifndef COMPILER_BUDGET_H
#define COMPILER_BUDGET_H

#include "compiler/allocate.h"
#include "compiler/recompute.h"

struct budget {
    uint64_t
        bytes;  /* of all slabs together; 0: as few as cost next to no time */
    bool reuse; /* share memory between lifetimes */
    bool over;  /* the result: not kept, and the model's diag says why */
};

/* Place every buffer of all sequences, which schedule() has put in order; seq[]
 * becomes what is to run.  False after reject_here(). */
bool budget_place(struct budget *, const struct placing *, struct graph *,
                  struct steps **seq, int nseq, struct memory *,
                  const struct plancl_callbacks *);

#endif
