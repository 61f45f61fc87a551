/*
 * recompute.h: a sequence in less memory, by running some of its steps again.
 *
 * A repeated step is the same kernel on the same bits, so no bit of any result
 * changes; a repeat writes buffers of its own, so that in all that follows each
 * transient is still written once.
 */
#ifndef COMPILER_RECOMPUTE_H
#define COMPILER_RECOMPUTE_H

#include "compiler/steps.h"
#include "runtime/plancl.h"
#include "runtime/profile.h"

enum { WAYS_LOADS = 90 }; /* for which ways are looked for, at most */

/* One way to run a sequence. */
struct way {
    uint64_t load;       /* bytes of shared buffers alive at once, at most */
    double seconds;      /* predicted */
    int repeats;         /* steps that are run again */
    struct steps *steps; /* inplace() has settled its places */
};

/* The first repeats nothing; from each to the next the load falls and the
 * seconds do not.  More are found when they are asked for, down to the least load
 * that can be found. */
struct ways {
    const struct steps *of; /* in order, without places */
    int n;
    struct way *way;
    int settled; /* of these none changes when more are found */
    int asked;   /* loads for which ways were looked for */
    bool ended;  /* there are no more */
};

/* How steps are placed, whatever the budget. */
struct placing {
    struct graph *graph; /* whose arena and diag are used */
    const struct device_profile *profile;
    bool order, inplace, recompute; /* whether they were not left out */
    const struct plancl_callbacks *cb;
};

/* The steps that schedule() has put in order, in another one if that was found to
 * have less load. */
struct steps *steps_in_order(struct steps *, const struct placing *);
/* The one way without repeats, of steps in their order. */
struct ways ways_plain(const struct steps *, const struct placing *);
/* Bytes that no way can do without, as some step needs them for itself. */
uint64_t ways_bound(const struct ways *, const struct placing *);
/* Look for ways with less load; it takes seconds.  What is found does not depend on
 * where the caller stops. */
void ways_more(struct ways *, const struct placing *);

#endif
