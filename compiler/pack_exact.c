/*
 * pack_exact.c: is there a placement below a cap?  Depth first, to the end.
 *
 * An item whose lower bound is least among the open items that it meets either
 * lies there or, in a pushed-down placement, rests on one of them: first it is
 * placed, and where that fails its bound is lifted and an item is picked again.
 * Where open items fall into parts that do not meet, each part is solved alone,
 * the smaller first.  States that failed are remembered by a hash of the open
 * items and their bounds.
 *
 * No order of items and no way to pick is best on all inputs, so six searches
 * take turns with limits that double (Luby's restarts, more simply); what is
 * learned, failed states and sections that were too full, is kept.
 *
 * Canonical placements, section bounds and parts are ideas of MiniMalloc
 * (Moffitt, ASPLOS 2023, doi 10.1145/3623278.3624752) and of exact algorithms
 * for strip packing; lifting is ours.
 *
 * Lowering all items until each rests on something never raises the height, so
 * looking at pushed-down placements alone misses none.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/pack_state.h"

enum {
    ORDERS = 3,
    SLOTS_PER_ITEM = 256, /* of the table of failed states */
    MOST_SLOTS = 1 << 17,
    MANY = 3000,           /* items from which picking by section is too slow */
    LEAST_LIMIT = 1000000, /* ticks */
    LIMIT_PER_LINK = 30,
};

enum pick {
    PICK_LOWEST,  /* the least lower bound */
    PICK_CROWDED, /* in the section with least slack and most failures */
    PICKS,
};

enum verdict { OPEN, FAILED, SOLVED, RAN_OUT };

/* Open items of one part and what is being tried with them. */
struct frame {
    const int *list; /* by first section; some may be placed already */
    int n, nopen;
    size_t entry, mark; /* lengths of the trail */
    int64_t highest;
    uint64_t hash;   /* of the state at entry */
    uint64_t others; /* open items of other parts in the sum of hashes */
    bool hashed;
    bool parted;       /* may have fallen into parts */
    int item;          /* placed at `mark` */
    struct part *part; /* of a frame that fell apart */
    int nparts, next;
    size_t pool; /* what was used at entry */
};

struct part {
    int from, to, nopen;
};

struct pack_exact {
    struct pack_state state;
    struct frame *frame;
    int depth;
    int *root;         /* all items by first section */
    int *pool;         /* copies of lists, a stack */
    struct part *part; /* a stack too */
    size_t npool, npart;
    uint64_t *failed; /* [slots], the newest of equal low bits */
    size_t slots;     /* a power of two */
    int *rank[ORDERS];
    int64_t *reach; /* by section, of one pick */
    int *reach_stamp, reach_now;
    const int *order;
    enum pick pick;
    int64_t limit;
};

/* ---- states that failed ---- */

static uint64_t *slot(const struct pack_exact *e, uint64_t hash)
{
    return &e->failed[hash & (e->slots - 1)];
}

/* The sum is over all open items; less those of other parts it is the part's
 * own.  0 marks a free slot. */
static uint64_t hash_of(const struct pack_exact *e, const struct frame *f)
{
    uint64_t hash = e->state.hash - f->others;

    return hash ? hash : 1;
}

/* Only hashes are kept: two states with one hash, one chance in 2^64 for a
 * pair, could hide a placement but never make a wrong one. */
static enum verdict fail_frame(struct pack_exact *e, struct frame *f)
{
    pack_state_undo(&e->state, f->entry);
    if (f->hashed)
        *slot(e, f->hash) = f->hash;
    return FAILED;
}

/* ---- picking ---- */

/* By lower bound, then by the search's order: total, so picks do not depend on
 * how lists happen to be arranged. */
static bool before(const struct pack_exact *e, int i, int j)
{
    int64_t a = e->state.cell[i].low, b = e->state.cell[j].low;

    return a != b ? a < b : e->order[i] < e->order[j];
}

static int pick_lowest(const struct pack_exact *e, const struct frame *f)
{
    int best = -1;

    for (int k = 0; k < f->n; k++) {
        int i = f->list[k];

        if (!e->state.cell[i].placed && (best < 0 || before(e, i, best)))
            best = i;
    }
    return best;
}

/* An item may be placed only where no open neighbour lies lower: what is placed
 * pushes what it meets above itself. */
static bool lowest_near(struct pack_exact *e, int i)
{
    const struct pack_job *job = e->state.job;

    for (size_t k = job->near_at[i]; k < job->near_at[i + 1]; k++) {
        int j = job->near[k];

        e->state.ticks++;
        if (!e->state.cell[j].placed && before(e, j, i))
            return false;
    }
    return true;
}

/* Failures over slack; a slack of a thousandth of the cap halves it. */
static int64_t crowding(struct pack_exact *e, int section)
{
    struct pack_state *s = &e->state;
    int64_t cap = s->cap, slack;
    int shift = 0;

    while (cap >> shift >= (int64_t)1 << 40)
        shift++;
    if (e->reach_stamp[section] != e->reach_now) {
        e->reach_stamp[section] = e->reach_now;
        e->reach[section] = pack_state_reach(s, section);
    }
    slack = cap - e->reach[section];
    slack = slack > 0 ? (slack >> shift) * 65536 / ((cap >> shift) + 1) : 0;
    return ((s->failures[section] + 1) << 32) / (65536 + 1000 * slack);
}

static int pick_crowded(struct pack_exact *e, const struct frame *f)
{
    int64_t most = -1;
    int best = -1;

    e->reach_now++;
    for (int k = 0; k < f->n; k++) {
        int i = f->list[k];
        const struct pack_cell *x = &e->state.cell[i];

        if (x->placed || !lowest_near(e, i))
            continue;
        e->state.ticks += x->end - x->first;
        for (int s = x->first; s < x->end; s++) {
            int64_t c = crowding(e, s);

            if (c > most) {
                most = c;
                best = i;
            }
        }
    }
    return best;
}

/* ---- frames ---- */

/* The child's list is the parent's until a quarter of it is placed; then a copy
 * without those keeps each look at the list in proportion to what is open. */
static void push(struct pack_exact *e, const int *list, int n, int nopen)
{
    struct frame *f = &e->frame[e->depth++];
    int *copy;

    *f = (struct frame){.list = list, .n = n, .nopen = nopen};
    f->entry = e->state.ntrail;
    f->pool = e->npool;
    f->parted = e->state.parted;
    if (e->depth > 1)
        f->others = f[-1].others;
    if (4 * (int64_t)nopen >= 3 * (int64_t)n)
        return;
    copy = e->pool + e->npool;
    f->list = copy;
    f->n = 0;
    for (int k = 0; k < n; k++)
        if (!e->state.cell[list[k]].placed)
            copy[f->n++] = list[k];
    assert(f->n == nopen);
    e->npool += (size_t)f->n;
}

static void pop(struct pack_exact *e)
{
    struct frame *f = &e->frame[--e->depth];

    e->npool = f->pool;
    e->npart -= (size_t)f->nparts;
}

static int by_open(const void *a, const void *b)
{
    const struct part *x = a, *y = b;

    if (x->nopen != y->nopen)
        return x->nopen < y->nopen ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

/* Cut a list where no open item crosses from one section to the next; false
 * when it stays in one piece. */
static bool cut(struct pack_exact *e, struct frame *f)
{
    struct part *part = e->part + e->npart;
    int n = 0, end = -1;

    f->parted = false;
    e->state.ticks += f->n;
    for (int k = 0; k < f->n; k++) {
        const struct pack_cell *x = &e->state.cell[f->list[k]];

        if (x->placed)
            continue;
        if (x->first >= end)
            part[n++] = (struct part){.from = k};
        end = x->end > end ? x->end : end;
        part[n - 1].to = k + 1;
        part[n - 1].nopen++;
    }
    if (n < 2)
        return false;
    qsort(part, (size_t)n, sizeof *part, by_open);
    f->part = part;
    f->nparts = n;
    e->npart += (size_t)n;
    return true;
}

/* Parts do not meet, so a solution of one never rules out another's, and one
 * part's failure ends the frame. */
static enum verdict next_part(struct pack_exact *e, struct frame *f)
{
    const struct part *p = &f->part[f->next];

    if (f->next++ == f->nparts)
        return SOLVED;
    push(e, f->list + p->from, p->to - p->from, p->nopen);
    e->frame[e->depth - 1].others = e->state.hash;
    for (int k = p->from; k < p->to; k++) {
        const struct pack_cell *x = &e->state.cell[f->list[k]];

        if (!x->placed)
            e->frame[e->depth - 1].others -= x->hash;
    }
    e->frame[e->depth - 1].parted = false;
    return OPEN;
}

/* The place at the lower bound has failed in full: lift the item and pick again
 * in the same frame. */
static enum verdict refute(struct pack_exact *e, struct frame *f)
{
    pack_state_undo(&e->state, f->mark);
    e->state.highest = f->highest;
    return pack_state_refute(&e->state, f->item) ? OPEN : fail_frame(e, f);
}

/* A frame for the first time, or again after a lift.  RAN_OUT leaves the stack
 * as it is; search() begins anew. */
static enum verdict enter(struct pack_exact *e, struct frame *f)
{
    if (f->nopen == 0)
        return SOLVED;
    if (e->state.ticks > e->limit)
        return RAN_OUT;
    if (f->parted && cut(e, f))
        return next_part(e, f);
    if (!f->hashed) {
        f->hash = hash_of(e, f);
        f->hashed = true;
        if (*slot(e, f->hash) == f->hash)
            return fail_frame(e, f);
    }
    e->state.ticks += f->n;
    f->item = e->pick == PICK_LOWEST ? pick_lowest(e, f) : pick_crowded(e, f);
    f->mark = e->state.ntrail;
    f->highest = e->state.highest;
    if (!pack_state_place(&e->state, f->item))
        return refute(e, f);
    push(e, f->list, f->n, f->nopen - 1);
    return OPEN;
}

/* Go on with a frame whose child has ended. */
static enum verdict resume(struct pack_exact *e, struct frame *f,
                           enum verdict child)
{
    if (f->nparts)
        return child == SOLVED ? next_part(e, f) : fail_frame(e, f);
    return child == SOLVED ? SOLVED : refute(e, f);
}

/* The tree is walked with a stack of our own: it is as deep as there are items,
 * which may be thousands. */
static enum verdict search(struct pack_exact *e, int64_t cap)
{
    enum verdict verdict = OPEN;

    pack_state_reset(&e->state, cap);
    e->state.parted = true;
    e->depth = 0;
    e->npool = 0;
    e->npart = 0;
    push(e, e->root, e->state.job->n, e->state.job->n);
    while (e->depth > 0 && verdict != RAN_OUT) {
        struct frame *f = &e->frame[e->depth - 1];

        verdict = verdict == OPEN ? enter(e, f) : resume(e, f, verdict);
        if (verdict == SOLVED || verdict == FAILED)
            pop(e);
    }
    return verdict;
}

/* ---- exported ---- */

static void make_ranks(struct pack_exact *e, struct arena *arena)
{
    static const char *const orders[ORDERS] = {"WAT", "TAW", "TWA"};
    const struct pack_job *job = e->state.job;
    int *order = ARENA_NEW(arena, int, (size_t)job->n + 1);

    for (int k = 0; k < ORDERS; k++) {
        e->rank[k] = ARENA_NEW(arena, int, (size_t)job->n + 1);
        pack_order(job, orders[k], order, arena);
        for (int i = 0; i < job->n; i++)
            e->rank[k][order[i]] = i;
    }
    pack_order(job, "E", e->root, arena);
}

/*
 * Frames: one for each placed item and one for each split, and splits are fewer
 * than items.  Each copy of a list is less than three quarters of the list
 * above it, and parts of a list are disjoint, which bounds both stacks.
 */
struct pack_exact *pack_exact_new(const struct pack_job *job,
                                  struct arena *arena)
{
    struct pack_exact *e = ARENA_NEW(arena, struct pack_exact, 1);
    size_t n = (size_t)job->n, sections = (size_t)job->nsection;

    pack_state_init(&e->state, job, arena);
    e->frame = ARENA_NEW(arena, struct frame, 2 * n + 2);
    e->root = ARENA_NEW(arena, int, n + 1);
    e->pool = ARENA_NEW(arena, int, 4 * n + 4);
    e->part = ARENA_NEW(arena, struct part, 3 * n + 3);
    e->slots = 1;
    while (e->slots < MOST_SLOTS && e->slots < n * SLOTS_PER_ITEM)
        e->slots *= 2;
    e->failed = ARENA_NEW(arena, uint64_t, e->slots);
    e->reach = ARENA_NEW(arena, int64_t, sections + 1);
    e->reach_stamp = ARENA_NEW(arena, int, sections + 1);
    make_ranks(e, arena);
    return e;
}

/* Ticks of a first search: it should reach the bottom of the tree. */
static int64_t first_limit(const struct pack_job *job)
{
    int64_t links = LIMIT_PER_LINK * (int64_t)job->near_at[job->n];
    int64_t dive = 2 * (int64_t)job->n * job->n;
    int64_t limit = links > dive ? links : dive;

    return limit > LEAST_LIMIT ? limit : LEAST_LIMIT;
}

enum pack_answer pack_exact_try(struct pack_exact *e, int64_t cap,
                                int64_t *ticks)
{
    int64_t limit = first_limit(e->state.job);
    int picks = e->state.job->n < MANY ? PICKS : 1;

    if (cap != e->state.cap)
        memset(e->failed, 0, e->slots * sizeof *e->failed);
    for (int k = 0; *ticks > 0; k++) {
        enum verdict v;

        if (k == ORDERS * picks) {
            k = 0;
            limit *= 2;
        }
        e->order = e->rank[k / picks];
        e->pick = (enum pick)(k % picks);
        e->limit = limit < *ticks ? limit : *ticks;
        v = search(e, cap);
        *ticks -= e->state.ticks;
        if (v != RAN_OUT)
            return v == SOLVED ? PACK_YES : PACK_NO;
    }
    return PACK_RAN_OUT;
}

void pack_exact_offsets(const struct pack_exact *e, int64_t *offset)
{
    for (int i = 0; i < e->state.job->n; i++)
        offset[i] = e->state.cell[i].low;
}
