/*
 * peak.h: where a sequence needs the most memory, in words.
 *
 * Of steps that allocate() has placed.  Bytes are rounded up to the alignment, as
 * they are in the arena; buffers at one place count once.
 */
#ifndef COMPILER_PEAK_H
#define COMPILER_PEAK_H

#include "compiler/steps.h"

/* Append the step with the most shared bytes alive, by layer and kernel, and its
 * largest buffers. */
void peak_describe(const struct steps *, uint64_t align, struct arena *,
                   struct text *);

#endif
