/*
 * pack_state.h: a partial placement and what follows from it, for the exact
 * search.
 *
 * Only pushed-down placements are looked at: each item lies at 0, on the top of
 * another that it meets, or at the start of a slab.  Each item not yet placed
 * has a lower bound of its offset, which only rises on the way down the tree.
 */
#ifndef COMPILER_PACK_STATE_H
#define COMPILER_PACK_STATE_H

#include "compiler/pack.h"

struct pack_cell {
    int64_t low; /* the offset once placed, a lower bound of it until then */
    int64_t size;
    uint64_t hash;  /* of the item, its bound and whether it is lifted */
    int first, end; /* sections */
    int witness;    /* what a lifted cell last was seen to rest on, or -1 */
    bool placed;
    bool lifted; /* must rest on a cell that is not placed yet */
    bool listed; /* among lifted[] */
    bool afloat; /* while it is not known what it rests on */
};

struct pack_change {
    int64_t low;
    uint64_t hash;
    int item; /* its complement: the item was placed */
    bool lifted;
};

struct pack_state {
    const struct pack_job *job;
    struct arena *arena;
    struct pack_cell *cell;
    int64_t cap, slab; /* no slab where cap lies in the first one */
    int64_t highest;   /* no cell that is not placed has a higher low */
    int64_t ticks;
    uint64_t hash;     /* sum over what is not placed */
    uint64_t *salt;    /* by item */
    bool parted;       /* by the last item placed: cut[] has a new zero */
    int *cut;          /* by section: open items that cross into it */
    int64_t *open;     /* by section: sizes of what is not placed */
    int64_t *failures; /* by section: how often it was too full */
    int *member;       /* by section: its items, nearly sorted by low */
    int *lifted;       /* whatever was lifted in this run */
    int nlifted;
    int *afloat;
    int64_t *landing; /* by item afloat: the lowest place found so far */
    int *changed;     /* sections to check, each once by the stamp */
    int nchanged;
    int stamp, *stamp_of;
    struct pack_change *trail;
    size_t ntrail, trail_room;
};

void pack_state_init(struct pack_state *, const struct pack_job *,
                     struct arena *);
/* Nothing placed, below a new cap. */
void pack_state_reset(struct pack_state *, int64_t cap);
/* Place an item at its lower bound, which must be least among those it meets,
 * or rule that place out.  False when nothing below the cap can follow; undo
 * to the mark taken before. */
bool pack_state_place(struct pack_state *, int item);
bool pack_state_refute(struct pack_state *, int item);
/* Back to when the trail had this length. */
void pack_state_undo(struct pack_state *, size_t mark);
/* A lower bound of how high the open items of a section reach. */
int64_t pack_state_reach(struct pack_state *, int section);

#endif
