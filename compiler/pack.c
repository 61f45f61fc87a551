/*
 * pack.c: lifetimes to offsets, by a portfolio of greedy orders.
 *
 * Items are taken in an order (by size, by area, by lifetime, by start) and each
 * is put into the tightest gap between those already placed that live at the
 * same time, or on top.  The lowest of all results wins; the search ends at once
 * when one reaches the lower bound.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/allocate.h"

uint64_t allocate_bound(const struct item *it, int n, struct arena *arena)
{
    int end = 0;
    int64_t *change, load = 0, top = 0;

    for (int i = 0; i < n; i++)
        end = it[i].last > end ? it[i].last : end;
    change = ARENA_NEW(arena, int64_t, (size_t)end + 2);
    for (int i = 0; i < n; i++) {
        change[it[i].first] += (int64_t)it[i].size;
        change[it[i].last + 1] -= (int64_t)it[i].size;
    }
    for (int t = 0; t <= end; t++) {
        load += change[t];
        top = load > top ? load : top;
    }
    return (uint64_t)top;
}

enum order { BY_SIZE, BY_AREA, BY_LENGTH, BY_START, BY_END, ORDERS };

struct key {
    double major, minor;
    int index;
};

static int compare(const void *a, const void *b)
{
    const struct key *x = a, *y = b;

    if (x->major != y->major)
        return x->major > y->major ? -1 : 1;
    if (x->minor != y->minor)
        return x->minor > y->minor ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static struct key key_of(const struct item *it, int i, enum order order)
{
    double size = (double)it->size, length = it->last - it->first + 1;

    switch (order) {
    case BY_AREA:
        return (struct key){size * length, size, i};
    case BY_LENGTH:
        return (struct key){length, size, i};
    case BY_START:
        return (struct key){-it->first, size, i};
    case BY_END:
        return (struct key){it->last, size, i};
    default:
        return (struct key){size, length, i};
    }
}

/* Placed items, sorted by offset. */
struct placed {
    const struct item *item;
    int *by_offset;
    int n;
};

/* The first place from `at` on that does not cross a slab's end. */
static uint64_t inside_slab(uint64_t at, uint64_t size, uint64_t slab)
{
    if (at / slab == (at + size - 1) / slab)
        return at;
    return (at / slab + 1) * slab;
}

static uint64_t best_fit(const struct placed *p, const struct item *x,
                         uint64_t slab)
{
    uint64_t top = 0, best = UINT64_MAX, best_gap = UINT64_MAX;

    for (int k = 0; k < p->n; k++) {
        const struct item *y = &p->item[p->by_offset[k]];
        uint64_t at;

        if (y->last < x->first || y->first > x->last)
            continue;
        at = inside_slab(top, x->size, slab);
        if (y->offset > top && at + x->size <= y->offset &&
            y->offset - top < best_gap) {
            best_gap = y->offset - top;
            best = at;
        }
        if (y->offset + y->size > top)
            top = y->offset + y->size;
    }
    return best != UINT64_MAX ? best : inside_slab(top, x->size, slab);
}

static void insert(struct placed *p, int i)
{
    int at = p->n++;

    while (at > 0 && p->item[p->by_offset[at - 1]].offset > p->item[i].offset) {
        p->by_offset[at] = p->by_offset[at - 1];
        at--;
    }
    p->by_offset[at] = i;
}

static uint64_t pack(struct item *it, int n, uint64_t slab, enum order order,
                     struct arena *arena)
{
    struct key *key = ARENA_NEW(arena, struct key, (size_t)n + 1);
    struct placed p = {it, ARENA_NEW(arena, int, (size_t)n + 1), 0};
    uint64_t height = 0;

    for (int i = 0; i < n; i++)
        key[i] = key_of(&it[i], i, order);
    qsort(key, (size_t)n, sizeof *key, compare);
    for (int k = 0; k < n; k++) {
        int i = key[k].index;

        it[i].offset = best_fit(&p, &it[i], slab);
        insert(&p, i);
        if (it[i].offset + it[i].size > height)
            height = it[i].offset + it[i].size;
    }
    return height;
}

uint64_t allocate_items(struct item *it, int n, uint64_t slab,
                        struct arena *arena)
{
    struct item *best = ARENA_NEW(arena, struct item, (size_t)n + 1);
    uint64_t bound = allocate_bound(it, n, arena), height = UINT64_MAX;

    for (int order = 0; order < ORDERS && height > bound; order++) {
        uint64_t h = pack(it, n, slab, (enum order)order, arena);

        if (h >= height)
            continue;
        height = h;
        memcpy(best, it, (size_t)n * sizeof *it);
    }
    if (n)
        memcpy(it, best, (size_t)n * sizeof *it);
    return n ? height : 0;
}
