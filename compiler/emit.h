/* emit.h: steps with places become a plan. */
#ifndef COMPILER_EMIT_H
#define COMPILER_EMIT_H

#include "compiler/allocate.h"
#include "runtime/plan.h"

/* seq: SEQ_KINDS of them, null where there is none.  The plan's arrays lie in
 * the graph's arena.  False after reject_here(), where a kernel has no source.
 * *plan points into them until plan_copy() makes one block of it. */
bool emit(struct graph *, struct steps *const *seq, const struct memory *,
          const struct device_profile *, struct plan *);

/* Digest of the values' graph: what is computed, with which kernels, in which
 * order of sums; blind to order, place and micro-batches. */
void numerics_digest(const struct graph *, struct steps *const *seq,
                     const struct device_profile *, char hex[65]);

#endif
