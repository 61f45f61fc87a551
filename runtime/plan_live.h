/*
 * plan_live.h: what lives in the arena where it is fullest, and pictures of the
 * arena.
 */
#ifndef RUNTIME_PLAN_LIVE_H
#define RUNTIME_PLAN_LIVE_H

#include "runtime/plan_io.h"

/* Buffers that are live at the peak, largest first; of two at one place, where
 * the entry turns the one into the other, the new one. */
struct plan_live {
    struct plan_peak peak;
    uint32_t n;
    const uint32_t *buffer;
};
/* The plan must verify. */
struct plan_live plan_live_of(const struct plan *, struct arena *);

/* At most this many of the largest are shown. */
enum { PLAN_LIVE_SHOWN = 20 };
/* Each on a line, then how many more there are.  mark: a letter for each that a
 * map shows it by, or null. */
void plan_print_largest(const struct plan *, const struct plan_live *,
                        const char *mark, struct text *);

/* Bytes of each kind. */
void plan_print_categories(const struct plan *, struct text *);
/* Categories, the map of every slab of the arena by time, and who lives at the
 * peak, by layer and kind, and the largest. */
void plan_print_memory(const struct plan *, struct text *);
/* The map as SVG: all slabs, and of the sequence with the peak all buffers. */
void plan_draw_memory(const struct plan *, struct text *);

#endif
