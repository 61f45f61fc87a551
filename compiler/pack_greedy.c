/*
 * pack_greedy.c: items one by one into the holes between those already placed.
 *
 * First fit takes the lowest hole that is large enough, best fit the tightest.
 * No single order is best: size wins on most graphs, and the orders by width,
 * area and total, in different priority (as in MiniMalloc: Moffitt, ASPLOS 2023,
 * doi 10.1145/3623278.3624752), where lifetimes differ much.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/pack.h"

enum fit { FIRST_FIT, BEST_FIT, FITS };

/* ---- orders ---- */

enum { KEYS = 3 };

struct key {
    int64_t value[KEYS];
    int item;
};

static int64_t key_of(const struct pack_item *x, char letter)
{
    int64_t width = (int64_t)x->stop - x->start, area;

    switch (letter) {
    case 'S':
        return x->size;
    case 'W':
        return width;
    case 'A':
        return __builtin_mul_overflow(x->size, width, &area) ? INT64_MAX : area;
    case 'T':
        return x->crowd;
    default:
        return -(int64_t)x->start;
    }
}

/* Falling, and at last by number: the order must not depend on qsort. */
static int by_key(const void *a, const void *b)
{
    const struct key *x = a, *y = b;

    for (int k = 0; k < KEYS; k++)
        if (x->value[k] != y->value[k])
            return x->value[k] > y->value[k] ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

void pack_order(const struct pack_job *job, const char *keys, int *order,
                struct arena *arena)
{
    struct key *key = ARENA_NEW(arena, struct key, (size_t)job->n + 1);

    for (int i = 0; i < job->n; i++) {
        key[i].item = i;
        for (int k = 0; k < KEYS && keys[k]; k++)
            key[i].value[k] = key_of(&job->item[i], keys[k]);
    }
    qsort(key, (size_t)job->n, sizeof *key, by_key);
    for (int k = 0; k < job->n; k++)
        order[k] = key[k].item;
}

/* ---- fitting ---- */

/* What is placed, by rising offset. */
struct shelf {
    struct placed {
        int64_t at, top;
        int first, end;
    } * placed;
    int n;
    int64_t height, ticks;
};

/* No further order is begun after so many. */
static const int64_t MOST_TICKS = 2000000000;

/* Kept sorted by offset, so that one walk finds the holes: O(n) for each item,
 * O(n^2) for an order. */
static void shelf_add(struct shelf *shelf, const struct pack_item *x,
                      int64_t at)
{
    int low = 0, high = shelf->n;

    while (low < high) {
        int middle = (low + high) / 2;

        if (shelf->placed[middle].at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(&shelf->placed[low + 1], &shelf->placed[low],
            (size_t)(shelf->n - low) * sizeof *shelf->placed);
    shelf->placed[low] = (struct placed){at, at + x->size, x->first, x->end};
    shelf->n++;
    if (at + x->size > shelf->height)
        shelf->height = at + x->size;
}

/* A hole lies between the highest top so far and the next item above, of those
 * that live at the same time; behind the last there is always room. */
static int64_t shelf_fit(const struct shelf *shelf, const struct pack_item *x,
                         int64_t slab, enum fit fit)
{
    int64_t top = 0, best = -1, tightest = INT64_MAX;

    for (int k = 0; k < shelf->n; k++) {
        const struct placed *p = &shelf->placed[k];

        if (p->first >= x->end || p->end <= x->first)
            continue;
        if (p->at - top >= x->size && p->at - top < tightest) {
            int64_t at = pack_inside(top, x->size, slab);

            if (at + x->size <= p->at && fit == FIRST_FIT)
                return at;
            if (at + x->size <= p->at) {
                tightest = p->at - top;
                best = at;
            }
        }
        top = p->top > top ? p->top : top;
    }
    return best >= 0 ? best : pack_inside(top, x->size, slab);
}

/* Place the items of an order that have no offset; false as soon as the height
 * is not below `limit`. */
static bool place_all(const struct pack_job *job, const int *order,
                      struct shelf *shelf, enum fit fit, int64_t limit,
                      int64_t *offset)
{
    for (int k = 0; k < job->n; k++) {
        int i = order[k];

        if (offset[i] >= 0)
            continue;
        shelf->ticks += shelf->n;
        offset[i] = shelf_fit(shelf, &job->item[i], job->slab, fit);
        shelf_add(shelf, &job->item[i], offset[i]);
        if (shelf->height >= limit)
            return false;
    }
    return true;
}

static void keep(const struct pack_job *job, const struct shelf *shelf,
                 const int64_t *offset, struct pack_best *best)
{
    best->height = shelf->height;
    memcpy(best->offset, offset, (size_t)job->n * sizeof *offset);
}

void pack_greedy(const struct pack_job *job, int64_t enough,
                 struct pack_best *best, struct arena *arena)
{
    static const char *const orders[] = {"SE", "SW", "A",  "TAW", "TWA",
                                         "TS", "WS", "ES", "WAT"};
    size_t n = (size_t)job->n;
    int64_t *offset = ARENA_NEW(arena, int64_t, n + 1);
    int *order = ARENA_NEW(arena, int, n + 1);
    struct shelf shelf = {ARENA_NEW(arena, struct placed, n + 1), 0, 0, 0};

    for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
        pack_order(job, orders[k], order, arena);
        for (int fit = FIRST_FIT; fit < FITS; fit++) {
            if (best->height <= enough || shelf.ticks > MOST_TICKS)
                return;
            shelf.n = 0;
            shelf.height = 0;
            memset(offset, -1, n * sizeof *offset);
            if (place_all(job, order, &shelf, (enum fit)fit, best->height,
                          offset))
                keep(job, &shelf, offset, best);
        }
    }
}

void pack_fill(const struct pack_job *job, const int64_t *fixed,
               struct pack_best *best, struct arena *arena)
{
    size_t n = (size_t)job->n;
    int64_t *offset = ARENA_NEW(arena, int64_t, n + 1);
    int *order = ARENA_NEW(arena, int, n + 1);
    struct shelf shelf = {ARENA_NEW(arena, struct placed, n + 1), 0, 0, 0};

    pack_order(job, "SW", order, arena);
    for (int fit = FIRST_FIT; fit < FITS; fit++) {
        shelf.n = 0;
        shelf.height = 0;
        memcpy(offset, fixed, n * sizeof *offset);
        for (int i = 0; i < job->n; i++)
            if (offset[i] >= 0)
                shelf_add(&shelf, &job->item[i], offset[i]);
        if (shelf.height < best->height &&
            place_all(job, order, &shelf, (enum fit)fit, best->height, offset))
            keep(job, &shelf, offset, best);
    }
}
