/*
 * pack.c: lifetimes to offsets, in four stages, until one reaches the bound.
 *
 * 1. A portfolio of greedy orders: microseconds, and enough for most graphs.
 * 2. Exact search for the bound itself.
 * 3. Exact search for the large items only, then the small ones into the holes;
 *    for very many items, or where stage 2 ran out of ticks.
 * 4. Exact search for caps between the bound and the best, by bisection, with
 *    more ticks from round to round.
 *
 * The best offsets so far are always kept, and ticks are spent by what there is
 * to gain.
 *
 * Finding the least height is NP-hard (it is dynamic storage allocation: Garey
 * and Johnson 1979, SR2), so every stage may fail, and greedy's height, found
 * in O(orders n^2), is what is always there.
 */
#include <setjmp.h>
#include <string.h>

#include "compiler/pack.h"

enum {
    MANY = 3000,       /* items too many for stage 2 */
    FEWEST = 8,        /* large items worth a search of their own */
    FIRST_PART = 2000, /* of the bound: how fine the first bisection is */
    TICKS_PER_BYTE = 2000,
    LEAST_TICKS = 200000, /* however little there is to gain */
};

/* Ticks for all stages, one or two nanoseconds each. */
static const int64_t MOST_TICKS = 1000000000;

struct pack_run {
    struct pack_job job;
    struct pack_best best;
    int64_t unit;   /* bytes */
    int64_t enough; /* the height that ends the search */
    bool asked;     /* for that height, which is above the bound */
    int64_t low;    /* a height that is proved too low */
    int64_t ticks, all_ticks;
    struct pack_exact *exact; /* once the job is linked */
    struct arena *arena;
};

static bool done(const struct pack_run *r)
{
    return r->best.height <= r->enough;
}

/* Exact search with a part of what is left.  An answer that ran out proves
 * nothing. */
static enum pack_answer try_cap(struct pack_run *r, struct pack_exact *exact,
                                int64_t cap, int64_t slice)
{
    int64_t ticks = slice < r->ticks ? slice : r->ticks, given = ticks;
    enum pack_answer answer = pack_exact_try(exact, cap, &ticks);

    r->ticks -= given - ticks;
    return answer;
}

static void keep_exact(struct pack_run *r)
{
    int64_t *offset = ARENA_NEW(r->arena, int64_t, (size_t)r->job.n + 1);
    int64_t height = 0;

    pack_exact_offsets(r->exact, offset);
    for (int i = 0; i < r->job.n; i++)
        if (offset[i] + r->job.item[i].size > height)
            height = offset[i] + r->job.item[i].size;
    if (height >= r->best.height)
        return;
    r->best = (struct pack_best){height, offset};
}

/* Made once, when the first exact search wants it; false where the lists would
 * be too long, and greedy's offsets stay. */
static bool link_exact(struct pack_run *r)
{
    if (!r->exact && pack_job_link(&r->job, r->arena))
        r->exact = pack_exact_new(&r->job, r->arena);
    return r->exact;
}

/* ---- stage 3: the large items, then the small ones ---- */

static struct pack_job large_items(const struct pack_run *r, int64_t least,
                                   int *index)
{
    size_t n = (size_t)r->job.n;
    struct pack_job large = {.slab = r->job.slab};

    large.item = ARENA_NEW(r->arena, struct pack_item, n + 1);
    for (int i = 0; i < r->job.n; i++) {
        if (r->job.item[i].size < least)
            continue;
        index[large.n] = i;
        large.item[large.n++] = r->job.item[i];
    }
    pack_job_cut(&large, r->arena);
    return large;
}

/* Large items often can lie lower than the bound of all; with them at their own
 * bound the holes are largest.  Three caps: the large items' own bound, halfway
 * to the bound of all, and that. */
static bool solve_large(struct pack_run *r, struct pack_exact *exact,
                        int64_t bound)
{
    int64_t room = r->job.bound - bound;

    for (int half = 0; half <= 2; half++) {
        if (try_cap(r, exact, bound + room / 2 * half, r->all_ticks / 2) ==
            PACK_YES)
            return true;
        if (!room)
            return false;
    }
    return false;
}

static void try_large(struct pack_run *r, int64_t least)
{
    size_t n = (size_t)r->job.n;
    int *index = ARENA_NEW(r->arena, int, n + 1);
    int64_t *at = ARENA_NEW(r->arena, int64_t, n + 1);
    int64_t *offset = ARENA_NEW(r->arena, int64_t, n + 1);
    struct pack_job large = large_items(r, least, index);
    struct pack_exact *exact;

    if (large.n < FEWEST || large.n == r->job.n ||
        !pack_job_link(&large, r->arena))
        return;
    exact = pack_exact_new(&large, r->arena);
    if (!solve_large(r, exact, large.bound))
        return;
    pack_exact_offsets(exact, at);
    memset(offset, -1, n * sizeof *offset);
    for (int k = 0; k < large.n; k++)
        offset[index[k]] = at[k];
    pack_fill(&r->job, offset, &r->best, r->arena);
}

/* Large is from one per cent of the bound on, then from 0.3, 0.1 and 0.03 per
 * cent.  Half of the ticks stay for the bisection. */
static void hybrid(struct pack_run *r)
{
    static const int64_t per_thousandth[] = {10000, 3000, 1000, 300};

    for (size_t k = 0; k < 4 && !done(r); k++) {
        if (r->ticks < r->all_ticks / 2)
            return;
        try_large(r, r->job.bound / 1000000 * per_thousandth[k] + 1);
    }
}

/* ---- stage 4: bisection ---- */

/* One round: caps between `low`, proved too low, and the best, until `fine` is
 * left.  Returns what is proved too low by now.  A cap where the ticks ran out
 * is only this round's floor; a cap that was refuted raises `low` for good. */
static int64_t bisect(struct pack_run *r, int64_t low, int64_t fine,
                      int64_t slice)
{
    int64_t floor = low;

    for (int step = 0; r->ticks > 0 && !done(r); step++) {
        int64_t cap = step ? floor + (r->best.height - floor) / 2 : low + 1;
        enum pack_answer answer;

        if (cap < r->enough)
            cap = r->enough;
        if (cap >= r->best.height)
            break;
        answer = try_cap(r, r->exact, cap, slice);
        if (answer == PACK_YES)
            keep_exact(r);
        else
            floor = cap;
        if (answer == PACK_NO)
            low = cap;
        if (r->best.height - floor <= 1 + fine)
            break;
    }
    return low;
}

/* From round to round finer and with more ticks for each cap. */
static void bisect_rounds(struct pack_run *r)
{
    int64_t low = r->low, fine = r->job.bound / FIRST_PART;
    int64_t slice = r->ticks / 16;

    if (done(r) || !link_exact(r))
        return;
    for (; r->ticks > 0 && !done(r) && r->best.height > low + 1; fine /= 2) {
        low = bisect(r, low, fine, slice);
        if (slice < r->all_ticks)
            slice *= 2;
    }
}

/* ---- all stages ---- */

/*
 * A byte is worth two microseconds, so that small models compile at once, and
 * four hundredths of memory are worth all ticks, as is a height that was asked
 * for; but where items lie in several slabs the bound is seldom reached, however
 * long the search.
 */
static int64_t worth(const struct pack_run *r)
{
    int64_t gap = r->best.height - r->job.bound;
    int64_t ticks = MOST_TICKS / 1000 * (gap / (r->job.bound / 25000 + 1));

    if (r->asked)
        return MOST_TICKS;
    if (ticks > MOST_TICKS)
        ticks = MOST_TICKS;
    if (ticks < MOST_TICKS / 10 ||
        (r->job.slab && r->best.height > r->job.slab))
        ticks = MOST_TICKS / 10;
    if (gap < ticks / TICKS_PER_BYTE / r->unit)
        ticks = gap * r->unit * TICKS_PER_BYTE;
    return ticks > LEAST_TICKS ? ticks : LEAST_TICKS;
}

static void raise_bound(struct pack_run *r)
{
    int64_t bound;

    if (!r->job.slab || !link_exact(r))
        return;
    bound = pack_slab_bound(&r->job, r->arena);
    r->low = bound - 1;
    r->enough = bound > r->enough ? bound : r->enough;
}

static void run_stages(struct pack_run *r)
{
    pack_greedy(&r->job, r->enough, &r->best, r->arena);
    r->all_ticks = r->ticks = worth(r);
    if (!done(r))
        raise_bound(r);
    if (!done(r) && r->job.n <= MANY && link_exact(r) &&
        try_cap(r, r->exact, r->enough, r->ticks / (r->asked ? 2 : 7)) ==
            PACK_YES)
        keep_exact(r);
    if (!done(r))
        hybrid(r);
    bisect_rounds(r);
}

/* Euclid.  In a pushed-down placement every offset is a sum of sizes and slabs,
 * so a multiple of this unit: caps between two multiples need no search. */
static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t c = a % b;

        a = b;
        b = c;
    }
    return a;
}

/* Items that take room, in units of `unit` bytes. */
static void fill_job(struct pack_job *job, const struct item *it, int n,
                     uint64_t unit, int *index)
{
    for (int i = 0; i < n; i++) {
        if (!it[i].size)
            continue;
        index[job->n] = i;
        job->item[job->n++] = (struct pack_item){
            .size = (int64_t)(it[i].size / unit),
            .start = it[i].first,
            .stop = it[i].last + 1,
        };
    }
}

static uint64_t allocate_in(struct item *it, int n, uint64_t slab,
                            uint64_t enough, struct arena *arena)
{
    struct pack_run r = {.best = {.height = INT64_MAX}, .arena = arena};
    int *index = ARENA_NEW(arena, int, (size_t)n + 1);
    uint64_t unit = 0, sum = 0;

    for (int i = 0; i < n; i++) {
        it[i].offset = 0;
        unit = common_divisor(unit, it[i].size);
        sum += it[i].size;
    }
    if (!sum)
        return 0;
    if (slab < sum)
        unit = common_divisor(unit, slab);
    r.job.item = ARENA_NEW(arena, struct pack_item, (size_t)n + 1);
    r.best.offset = ARENA_NEW(arena, int64_t, (size_t)n + 1);
    fill_job(&r.job, it, n, unit, index);
    r.job.slab = slab < sum ? (int64_t)(slab / unit) : 0;
    pack_job_cut(&r.job, arena);
    r.unit = (int64_t)unit;
    r.enough = (int64_t)(enough / unit);
    r.asked = r.enough > r.job.bound;
    if (!r.asked)
        r.enough = r.job.bound;
    r.low = r.job.bound - 1;
    run_stages(&r);
    for (int k = 0; k < r.job.n; k++)
        it[index[k]].offset = (uint64_t)r.best.offset[k] * unit;
    return (uint64_t)r.best.height * unit;
}

/* The lists of the search are long and short-lived, so they are given back as
 * soon as it ends, also where memory runs out. */
uint64_t allocate_within(struct item *it, int n, uint64_t slab, uint64_t enough,
                         struct arena *arena)
{
    struct arena scratch;
    jmp_buf out_of_memory;
    uint64_t height;

    arena_open(&scratch, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&scratch);
        longjmp(*arena->out_of_memory, 1);
    }
    height = allocate_in(it, n, slab, enough, &scratch);
    arena_close(&scratch);
    return height;
}

uint64_t allocate_items(struct item *it, int n, uint64_t slab,
                        struct arena *arena)
{
    return allocate_within(it, n, slab, 0, arena);
}

/* A sweep over the changes at each step: O(n + steps). */
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
