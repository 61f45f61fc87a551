/*
 * range_map.h: which buffer holds which bytes.
 *
 * A segment tree over all addresses that matter, known beforehand, so that
 * setting or asking for a range costs a logarithm however many buffers a range
 * covers.
 */
#ifndef RUNTIME_RANGE_MAP_H
#define RUNTIME_RANGE_MAP_H

#include "runtime/base.h"

enum { RANGE_NONE = 0 };
#define RANGE_MIXED UINT32_MAX

struct range_map {
    uint64_t *point; /* addresses where a range may begin or end, ascending */
    uint32_t n;      /* cells between them; the last point ends the last cell */
    uint32_t *holder; /* of a node of the tree: one for all of it, or mixed */
};

/* points: sorted in place.  All bytes start with RANGE_NONE. */
void range_map_init(struct range_map *, struct arena *, uint64_t *points,
                    uint32_t npoint);
void range_map_clear(struct range_map *);
/* Both ends must be among the points. */
void range_map_set(struct range_map *, uint64_t from, uint64_t to,
                   uint32_t holder);
/* The holder of all of it, or RANGE_MIXED. */
uint32_t range_map_get(struct range_map *, uint64_t from, uint64_t to);

#endif
