/* lower.h: from nodes to steps; what ops' lower functions may call. */
#ifndef COMPILER_LOWER_H
#define COMPILER_LOWER_H

#include "compiler/op.h"
#include "compiler/steps.h"
#include "kernels/kernel.h"

struct lower {
    const struct graph *graph;
    struct arena *arena;
    const struct device_info *device;
    int candidate; /* for tests: take this row of every family if it fits; -1 */
    bool lacking;  /* set when that row was not there or did not fit */
    struct steps *steps;
    int *buffer; /* by node id; of a tuple: of its first result.  [0]: of the
                  * node at hand, which lower_view changes */
    int node;    /* steps added now belong to it */
    bool update; /* ... and are an optimizer's */
};

/* Add a call of a family's most efficient candidate; operands are the node's operands
 * (empty ones left out) and its results, in order. */
void lower_call(struct lower *, const struct kernel *family,
                const void *problem, const struct node *);
/* The node's result is its operand's memory. */
void lower_view(struct lower *, const struct node *);

/* Add a step that copies one buffer to another of its size. */
void lower_copy(struct lower *, int from, int to);

/* The steps of one sequence: what its assignments need, in graph order. */
struct steps *lower_sequence(const struct graph *, const struct device_info *,
                             enum plan_sequence_id, int candidate,
                             bool *lacking);

void steps_print(const struct steps *, struct text *);
/* Null, or what is wrong. */
const char *steps_verify(const struct steps *, struct arena *);

/* An order of the steps that keeps the peak low: the natural one, with updates
 * as soon as their operands are there and their leaf was last read. */
void schedule(struct steps *, const struct graph *, bool early);
/* Decide which buffers are one place; the rest of the moves become copies.
 * reuse false: only what a leaf needs. */
void inplace(struct steps *, const struct graph *, const struct device_info *,
             bool allowed);

#endif
