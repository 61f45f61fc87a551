/*
 * allocate.h: where every byte lies.
 *
 * Persistent leaves lie one behind another in slabs of their own; transients and
 * workspaces of all sequences share the arena, since nothing shared lives from
 * one sequence to the next.
 *
 * No slab is larger than the device's largest allocation, and none larger than
 * what lies in it.  Every offset is a multiple of that alignment, so that a
 * kernel's vector loads are aligned wherever its operands lie.
 */
#ifndef COMPILER_ALLOCATE_H
#define COMPILER_ALLOCATE_H

#include "compiler/steps.h"
#include "runtime/profile.h"

struct memory {
    int nslab; /* persistent ones first, then the arena's */
    /* By slab, as the device is asked for them. */
    uint64_t *slab_bytes;
    uint32_t *slab_kind; /* PLAN_TRANSIENT: of the arena */
    /* live_lower_bound: the most bytes of shared buffers alive at once in any
     * sequence; arena_bytes less it is what packing lost. */
    uint64_t arena_bytes, live_lower_bound;
    bool *used;       /* by leaf buffer: some sequence or the host touches it */
    uint32_t *slab;   /* by leaf buffer */
    uint64_t *offset; /* by leaf buffer, in bytes from the slab's begin */
};

/* One thing to place: a size and a lifetime, both ends inside. */
struct item {
    uint64_t size;
    int first, last; /* steps */
    uint64_t offset; /* the result */
};

/* Offsets for items so that those that live at once do not overlap and none
 * crosses a multiple of slab.  Returns the height.  Same input, same result. */
uint64_t allocate_items(struct item *, int n, uint64_t slab, struct arena *);
/* The same, but a height of `enough` will do, and the search for less ends. */
uint64_t allocate_within(struct item *, int n, uint64_t slab, uint64_t enough,
                         struct arena *);
/* Largest sum of sizes alive at once: the least height there can be. */
uint64_t allocate_bound(const struct item *, int n, struct arena *);

/* Bytes of transients and workspaces alive at once, at most, once inplace() has
 * settled their places: no arena can be smaller. */
uint64_t steps_load(struct steps *, uint64_t align, struct arena *);

/* Fills each sequence's slab and offset.  False after reject_here() when a
 * buffer is larger than a slab may be. */
bool allocate(struct graph *, struct steps *const *seq, int nseq,
              const struct device_profile *, bool reuse, struct memory *);

#endif
