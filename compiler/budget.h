/*
 * budget.h: the memory of all sequences within a budget, by computing again what
 * does not fit.
 *
 * The bits that are computed do not depend on the budget: a way differs from
 * another by repeated steps, which compute what they did before, and by
 * offsets.
 */
#ifndef COMPILER_BUDGET_H
#define COMPILER_BUDGET_H

#include "compiler/allocate.h"
#include "compiler/plancl_compile.h"
#include "compiler/recompute.h"

/* No number of bytes would do: a buffer is larger than a slab may be. */
#define BUDGET_NONE UINT64_MAX

struct budget {
    /* Of all slabs together; 0: as few as cost next to no time. */
    uint64_t bytes;
    bool reuse;         /* share memory between lifetimes */
    bool look;          /* does it fit with nothing computed again? */
    double faster_than; /* seconds of an update; 0: of any speed */
    /* The results: not kept, and the model's diag says why.  Bytes that would
     * do; of a look, that are needed at the least. */
    bool over;
    uint64_t would_do;
    double kept_seconds; /* of an update, predicted, with nothing repeated */
    bool cancelled; /* by the callback for progress: no result is of any use */
    /* Not kept, and not yet said why: what takes the least is placed instead. */
    bool least;
    /* Where it fits: what was done, also in words. */
    struct plancl_compile_done done;
    const char *note[SEQ_KINDS];
    int nnote;
};

/* Place every buffer of all sequences, which schedule() has put in order; seq[]
 * becomes what is to run.  False after reject_here(), or with `least` set. */
bool budget_place(struct budget *, const struct placing *, struct steps **seq,
                  int nseq, struct memory *);

#endif
