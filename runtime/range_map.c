/*
 * range_map.c: see the header.
 *
 * Node 1 covers all cells, node i has the children 2 i and 2 i + 1.  A node that
 * is not mixed speaks for everything below it; what its children say is then
 * out of date and is set right when the node is split.
 */
#include "runtime/range_map.h"

#include <assert.h>
#include <stdlib.h>

#define UNSEEN (RANGE_MIXED - 1)

/* The cells [lo, hi) of a node. */
struct span {
    uint32_t node, lo, hi;
};

/* The cells that somebody asks for. */
struct range {
    uint32_t lo, hi;
};

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint32_t cell_at(const struct range_map *m, uint64_t address)
{
    uint32_t lo = 0;
    uint32_t hi = m->n;

    while (lo < hi) {
        uint32_t middle = lo + (hi - lo) / 2;

        if (m->point[middle] < address)
            lo = middle + 1;
        else
            hi = middle;
    }
    assert(m->point[lo] == address);
    return lo;
}

static struct span left(struct span s)
{
    return (struct span){2 * s.node, s.lo, s.lo + (s.hi - s.lo) / 2};
}

static struct span right(struct span s)
{
    return (struct span){2 * s.node + 1, s.lo + (s.hi - s.lo) / 2, s.hi};
}

static bool apart(struct span s, struct range r)
{
    return r.hi <= s.lo || s.hi <= r.lo;
}

static bool within(struct span s, struct range r)
{
    return r.lo <= s.lo && s.hi <= r.hi;
}

/* O(log n) amortised: of nodes that lie partly in the range there are two on
 * each level. */
static void set(struct range_map *m, struct span s, struct range range,
                uint32_t holder)
{
    uint32_t *mine = m->holder + s.node;
    struct span l = left(s);
    struct span r = right(s);

    if (apart(s, range) || *mine == holder)
        return;
    if (within(s, range)) {
        *mine = holder;
        return;
    }
    if (*mine != RANGE_MIXED)
        m->holder[l.node] = m->holder[r.node] = *mine;
    set(m, l, range, holder);
    set(m, r, range, holder);
    *mine = m->holder[l.node];
    if (m->holder[r.node] != *mine)
        *mine = RANGE_MIXED;
}

/* *holder is UNSEEN until the first cell. */
static void get(const struct range_map *m, struct span s, struct range range,
                uint32_t *holder)
{
    uint32_t mine = m->holder[s.node];

    if (apart(s, range) || *holder == RANGE_MIXED)
        return;
    if (mine == RANGE_MIXED && !within(s, range)) {
        get(m, left(s), range, holder);
        get(m, right(s), range, holder);
        return;
    }
    if (*holder == UNSEEN)
        *holder = mine;
    else if (*holder != mine)
        *holder = RANGE_MIXED;
}

void range_map_init(struct range_map *m, struct arena *a, uint64_t *points,
                    uint32_t npoint)
{
    uint32_t n = 0;

    if (npoint)
        qsort(points, npoint, sizeof(*points), ascending);
    for (uint32_t i = 0; i < npoint; i++)
        if (n == 0 || points[n - 1] != points[i])
            points[n++] = points[i];
    m->point = points;
    m->n = n ? n - 1 : 0;
    /* A tree over n cells halves them at most ceil(log2 n) times. */
    m->holder = ARENA_NEW(a, uint32_t, 4 * (size_t)m->n + 2);
}

void range_map_clear(struct range_map *m)
{
    m->holder[1] = RANGE_NONE;
}

void range_map_set(struct range_map *m, uint64_t from, uint64_t to,
                   uint32_t holder)
{
    set(m, (struct span){1, 0, m->n},
        (struct range){cell_at(m, from), cell_at(m, to)}, holder);
}

uint32_t range_map_get(struct range_map *m, uint64_t from, uint64_t to)
{
    uint32_t holder = UNSEEN;

    get(m, (struct span){1, 0, m->n},
        (struct range){cell_at(m, from), cell_at(m, to)}, &holder);
    return holder;
}
