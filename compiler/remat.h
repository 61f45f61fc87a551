/*
 * remat.h: which values to drop and when to compute them again, so that a list
 * of ops in a fixed order keeps a budget of memory.
 *
 * The answer is a list of events: "compute this op again just before that one".
 * Everything else follows: an op reads the latest copy of each value, and a
 * copy lives from the event that makes it to its last reader.
 */
#ifndef COMPILER_REMAT_H
#define COMPILER_REMAT_H

#include "runtime/base.h"

struct remat_value {
    uint64_t bytes;
    int maker; /* op; ops are numbered in the order in which they run */
    bool kept; /* to the end, in its first copy: never dropped */
};

struct remat_op {
    int64_t cost;       /* time, or any measure of it, at least 0 */
    uint64_t workspace; /* bytes while it runs */
    int until;          /* repeated only before ops up to this one: its own
                           number when never, the last op's when ever */
    int over;           /* 1 + the input whose memory a result takes where it
                           is read for the last time; 0: none */
    int nin;
    const int *in; /* values of earlier ops, each once */
};

/* What lies outside (parameters, the model's inputs) is no value of a job. */
struct remat_job {
    int nop, nvalue;
    const struct remat_op *op;
    const struct remat_value *value;
};

struct remat_event {
    int before, op; /* compute op again just before this one */
};

/* Events ascend by (before, op).  Peak: the most bytes alive while an op runs,
 * with its inputs, its results and its workspace. */
struct remat_plan {
    bool found;
    uint64_t peak;
    int64_t cost; /* of all ops, those of the events included */
    int nevent;
    const struct remat_event *event;
};

/* Bytes of the largest working set of one op: no budget below it is kept.  *op
 * is that op. */
uint64_t remat_bound(const struct remat_job *, int *op, struct arena *);

/* Peak and cost of events, counted plainly from them. */
struct remat_plan remat_measure(const struct remat_job *,
                                const struct remat_event *, int nevent,
                                struct arena *);

/* An order of the ops, each behind those that it needs, in which the fewest bytes
 * that were found are alive at once: their number is returned.  The
 * effort is the moves that are tried times the ops; the same job and effort give
 * the same order. */
uint64_t remat_order(const struct remat_job *, int64_t effort, int *order,
                     struct arena *);

/* The job as that search weighs it: what is cheap to make again, of values that live
 * as long anyway, takes no bytes, and who reads it reads those.  In the arena. */
const struct remat_job *remat_heavy(const struct remat_job *, struct arena *);

/* How hard to look; the same effort gives the same plans. */
struct remat_effort {
    int moves; /* of one seed for one budget, all starts together */
    int seeds;
};
extern const struct remat_effort remat_usual;

/*
 * A plan of little cost for each budget.  Budgets fall; a plan that fits a
 * smaller one is used for a larger one where it costs less, so that cost never
 * falls as the budget does.
 */
void remat_solve(const struct remat_job *, const uint64_t *budget, int n,
                 const struct remat_effort *, struct remat_plan *plan,
                 struct arena *);

/* The plan of least cost within the budget, or null. */
const struct remat_plan *remat_pick(const struct remat_plan *, int n,
                                    uint64_t budget);

#endif
