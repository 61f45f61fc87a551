/*
 * peak.h: what holds a model's memory where it is.
 *
 * Said of the plan that takes the least, which is emitted for that alone, by what
 * the runtime shows of any plan.
 */
#ifndef COMPILER_PEAK_H
#define COMPILER_PEAK_H

#include "compiler/graph.h"
#include "runtime/plan.h"
#include "runtime/profile.h"

/* Reject the model: the budget is too little, what `least` takes would do, and
 * these are the entry with the most shared bytes alive, by layer and kernel, and
 * its largest buffers.  Bytes are rounded up to the alignment, as they are in the
 * arena; buffers at one place count once.  Always false. */
bool peak_reject(struct graph *, const struct plan *least,
                 const struct device_profile *, uint64_t budget);

#endif
