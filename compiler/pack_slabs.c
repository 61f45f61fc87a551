/*
 * pack_slabs.c: how low items can lie at best when none lies across two slabs.
 *
 * The items of a section are to be put in bins of one slab each.  For every size
 * t of at most half a slab, the bins that items of t or more need are at least:
 * one for each item above half a slab, and what the items up to half a slab take
 * beyond the room left in those bins that they fit in (bound L2 of Martello and
 * Toth, Discrete Applied Mathematics 28, 1990, doi 10.1016/0166-218X(90)90094-S).
 * The last bin holds one of these items, so the height is known too.
 */
#include <stdlib.h>

#include "compiler/pack.h"

/* Sizes, falling, and the sum of all before each. */
struct sizes {
    int64_t *size, *sum;
    int n;
};

static int falling(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x < y) - (x > y);
}

static void take_sizes(const struct pack_job *job, int section, struct sizes *x)
{
    x->n = 0;
    for (size_t k = job->member_at[section]; k < job->member_at[section + 1];
         k++)
        x->size[x->n++] = job->item[job->member[k]].size;
    qsort(x->size, (size_t)x->n, sizeof *x->size, falling);
    for (int k = 0; k < x->n; k++)
        x->sum[k + 1] = x->sum[k] + x->size[k];
}

/* Least height at which the sizes of one section can lie; for each t the bound
 * of the file's head.  One walk, because both limits only move one way as t
 * falls. */
static int64_t section_height(const struct sizes *x, int64_t slab)
{
    int64_t best = 0;
    int halves = 0, whole, last = 0;

    while (halves < x->n && 2 * x->size[halves] > slab)
        halves++;
    /* As t falls fewer of the large items fill a bin for themselves. */
    for (whole = halves; last < x->n; last++) {
        int64_t t = x->size[last], bins = last + 1;

        if (last >= halves) {
            int64_t rest = x->sum[last + 1] - x->sum[halves];

            while (whole > 0 && x->size[whole - 1] + t <= slab)
                whole--;
            rest -= (halves - whole) * slab - (x->sum[halves] - x->sum[whole]);
            bins = halves + (rest > 0 ? (rest + slab - 1) / slab : 0);
        }
        if ((bins - 1) * slab + t > best)
            best = (bins - 1) * slab + t;
    }
    return best;
}

int64_t pack_slab_bound(const struct pack_job *job, struct arena *arena)
{
    struct sizes x;
    int64_t bound = job->bound;

    x.size = ARENA_NEW(arena, int64_t, (size_t)job->n + 1);
    x.sum = ARENA_NEW(arena, int64_t, (size_t)job->n + 1);
    for (int s = 0; s < job->nsection && job->slab; s++) {
        int64_t height;

        take_sizes(job, s, &x);
        height = section_height(&x, job->slab);
        bound = height > bound ? height : bound;
    }
    return bound;
}
