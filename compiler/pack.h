/*
 * pack.h: what the files of the offset allocator share; callers use allocate.h.
 *
 * Sizes and offsets are in units, the greatest common divisor of all sizes and
 * of the slab.  Time is cut into sections: a section is a largest set of items
 * that live at once, so two items meet when their ranges of sections do.
 *
 * Effort is counted in ticks, one for each turn of an inner loop, never in
 * seconds: the same items get the same offsets on any machine.
 */
#ifndef COMPILER_PACK_H
#define COMPILER_PACK_H

#include "compiler/allocate.h"

struct pack_item {
    int64_t size;    /* above zero */
    int start, stop; /* steps, [start, stop) */
    int first, end;  /* sections, [first, end) */
    int64_t crowd;   /* largest load of its sections */
};

struct pack_job {
    int n, nsection;
    struct pack_item *item;
    int64_t *load; /* by section: sum of the sizes that cross it */
    int64_t bound; /* the largest load: no height is less */
    int64_t slab;  /* no item lies across a multiple; 0: no limit */
    /* The lists that the exact search needs, made by pack_job_link(). */
    size_t *near_at; /* [n + 1]: where an item's neighbours begin */
    int *near;
    size_t *member_at; /* [nsection + 1]: where a section's items begin */
    int *member;
};

struct pack_best {
    int64_t height; /* INT64_MAX while there is none */
    int64_t *offset;
};

/* The first offset from `at` on where an item does not lie across two slabs. */
static inline int64_t pack_inside(int64_t at, int64_t size, int64_t slab)
{
    int64_t within;

    if (!slab)
        return at;
    within = at % slab;
    return within + size <= slab ? at : at - within + slab;
}

/* ---- pack_sections.c ---- */

/* Fill in sections, loads and the bound of items that have sizes and steps. */
void pack_job_cut(struct pack_job *, struct arena *);
/* Neighbours of items and members of sections.  False when these lists would
 * be too long. */
bool pack_job_link(struct pack_job *, struct arena *);

/* ---- pack_slabs.c ---- */

/* The bound, or more where slabs leave room that nothing can fill.  For a
 * linked job. */
int64_t pack_slab_bound(const struct pack_job *, struct arena *);

/* ---- pack_greedy.c ---- */

/*
 * The items by falling keys, one letter each: S size, W width (steps alive), A
 * area (size by width), T total (crowd), E earliest start; ties by number.
 */
void pack_order(const struct pack_job *, const char *keys, int *order,
                struct arena *);
/* Try a portfolio of orders, until the height is `enough` or less. */
void pack_greedy(const struct pack_job *, int64_t enough, struct pack_best *,
                 struct arena *);
/* Put what has no offset yet (-1) into the holes between what has, by first and
 * by best fit; keep it when it is lower than the best. */
void pack_fill(const struct pack_job *, const int64_t *fixed,
               struct pack_best *, struct arena *);

/* ---- pack_exact.c ---- */

enum pack_answer {
    PACK_NO,      /* nothing has this height: proved */
    PACK_YES,     /* found */
    PACK_RAN_OUT, /* of ticks */
};

struct pack_exact;
/* For a linked job. */
struct pack_exact *pack_exact_new(const struct pack_job *, struct arena *);
/* Is there a height of at most cap?  Takes what it used from *ticks. */
enum pack_answer pack_exact_try(struct pack_exact *, int64_t cap,
                                int64_t *ticks);
/* The offsets found by the last PACK_YES. */
void pack_exact_offsets(const struct pack_exact *, int64_t *offset);

#endif
