/*
 * pack_state.c: placing an item, ruling a place out, and what follows.
 *
 * Two rules push lower bounds up.  What meets a placed item lies above it, since
 * items are placed in the order of their lower bounds.  And where an item was
 * ruled out at its lower bound, it has to rest on something not yet placed, so
 * it lies no lower than the least top of what it meets: the item is lifted.
 * A lifted item keeps a witness, the one whose top was least, and is looked at
 * again only when that one has moved.  Lifted items that see only each other
 * would climb by their sizes, which may be a billionth of the cap; so where a few
 * turns do not settle them, all are set afloat and land in the order of their
 * places, as in Dijkstra's shortest paths: nothing rests on what floats.
 *
 * A section fails when its open items, stacked in the order of their lower
 * bounds, reach above the cap.
 */
#include <string.h>

#include "compiler/pack_state.h"

/* Before all lifted items are set afloat. */
enum { MOST_TURNS = 4 };

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x9E3779B97F4A7C15u;
    x ^= x >> 29;
    x *= 0xBF58476D1CE4E5B9u;
    return x ^ x >> 32;
}

/* Of an item at a bound; a state's hash is their sum, so it does not depend on
 * how the state was reached. */
static uint64_t hash_of(const struct pack_state *s, int i, int64_t low,
                        bool lifted)
{
    return mix(s->salt[i] * (2 * (uint64_t)low + 1 + lifted));
}

void pack_state_init(struct pack_state *s, const struct pack_job *job,
                     struct arena *arena)
{
    size_t n = (size_t)job->n, sections = (size_t)job->nsection;
    size_t members = job->member_at[sections];

    *s = (struct pack_state){.job = job, .arena = arena, .trail_room = 4 * n};
    s->cell = ARENA_NEW(arena, struct pack_cell, n + 1);
    s->open = ARENA_NEW(arena, int64_t, sections + 1);
    s->cut = ARENA_NEW(arena, int, sections + 1);
    s->failures = ARENA_NEW(arena, int64_t, sections + 1);
    s->member = ARENA_NEW(arena, int, members + 1);
    s->lifted = ARENA_NEW(arena, int, n + 1);
    s->afloat = ARENA_NEW(arena, int, n + 1);
    s->landing = ARENA_NEW(arena, int64_t, n + 1);
    s->changed = ARENA_NEW(arena, int, sections + 1);
    s->stamp_of = ARENA_NEW(arena, int, sections + 1);
    s->trail = ARENA_NEW(arena, struct pack_change, s->trail_room + 1);
    memcpy(s->member, job->member, members * sizeof *s->member);
    s->salt = ARENA_NEW(arena, uint64_t, n + 1);
    for (size_t i = 0; i < n; i++)
        s->salt[i] = mix((i + 1) * 0xD1342543DE82EF95u) | 1;
}

void pack_state_reset(struct pack_state *s, int64_t cap)
{
    s->cap = cap;
    s->slab = cap > s->job->slab ? s->job->slab : 0;
    s->highest = 0;
    s->ticks = 0;
    s->nlifted = 0;
    s->ntrail = 0;
    s->hash = 0;
    memset(s->cut, 0, (size_t)s->job->nsection * sizeof *s->cut);
    for (int i = 0; i < s->job->n; i++) {
        const struct pack_item *x = &s->job->item[i];

        s->cell[i] = (struct pack_cell){.size = x->size,
                                        .hash = hash_of(s, i, 0, false),
                                        .first = x->first,
                                        .end = x->end,
                                        .witness = -1};
        s->hash += s->cell[i].hash;
        for (int k = x->first + 1; k < x->end; k++)
            s->cut[k]++;
    }
    memcpy(s->open, s->job->load, (size_t)s->job->nsection * sizeof *s->open);
}

/* ---- the trail ---- */

static void record(struct pack_state *s, struct pack_change change)
{
    if (s->ntrail == s->trail_room) {
        size_t room = 2 * s->trail_room + 64;
        struct pack_change *t = ARENA_NEW(s->arena, struct pack_change, room);

        memcpy(t, s->trail, s->ntrail * sizeof *t);
        s->trail = t;
        s->trail_room = room;
    }
    s->trail[s->ntrail++] = change;
}

/* The only way that a bound changes, so the trail holds all that undo needs. */
static void set_low(struct pack_state *s, int i, int64_t low, bool lifted)
{
    struct pack_cell *x = &s->cell[i];

    record(s, (struct pack_change){x->low, x->hash, i, x->lifted});
    s->hash -= x->hash;
    x->low = low;
    x->lifted = lifted;
    x->hash = hash_of(s, i, low, lifted);
    s->hash += x->hash;
    s->highest = low > s->highest ? low : s->highest;
}

/* An item out of what is open, and back. */
static void take_out(struct pack_state *s, struct pack_cell *x)
{
    x->placed = true;
    s->hash -= x->hash;
    s->open[x->first] -= x->size;
    s->parted = false;
    for (int k = x->first + 1; k < x->end; k++) {
        s->open[k] -= x->size;
        s->parted |= --s->cut[k] == 0;
    }
    s->ticks += x->end - x->first;
}

/* The exact inverse of take_out(), but for `parted`, which only says that a
 * look is worth while. */
static void put_back(struct pack_state *s, struct pack_cell *x)
{
    x->placed = false;
    s->hash += x->hash;
    s->open[x->first] += x->size;
    for (int k = x->first + 1; k < x->end; k++) {
        s->open[k] += x->size;
        s->cut[k]++;
    }
}

void pack_state_undo(struct pack_state *s, size_t mark)
{
    while (s->ntrail > mark) {
        struct pack_change t = s->trail[--s->ntrail];
        struct pack_cell *x = &s->cell[t.item < 0 ? ~t.item : t.item];

        if (t.item < 0) {
            put_back(s, x);
            continue;
        }
        s->hash += t.hash - x->hash;
        x->low = t.low;
        x->hash = t.hash;
        x->lifted = t.lifted;
    }
}

/* ---- sections ---- */

/* Sections whose stacks may have risen are checked once, at the end of a
 * move. */
static void mark_range(struct pack_state *s, int from, int to)
{
    for (int k = from; k < to; k++) {
        if (s->stamp_of[k] == s->stamp)
            continue;
        s->stamp_of[k] = s->stamp;
        s->changed[s->nchanged++] = k;
    }
    s->ticks += to > from ? to - from : 0;
}

/* Sections of a cell that another one, just placed below it, does not cross;
 * in those that it crosses the stack is as high as before. */
static void mark_beside(struct pack_state *s, const struct pack_cell *x,
                        const struct pack_cell *below)
{
    s->ticks++;
    mark_range(s, x->first, x->end < below->first ? x->end : below->first);
    mark_range(s, x->first > below->end ? x->first : below->end, x->end);
}

/* An insertion sort, because little changes from one call to the next. */
static void sort_members(struct pack_state *s, int *member, int n)
{
    const struct pack_cell *cell = s->cell;

    for (int k = 1; k < n; k++) {
        int x = member[k], at = k;
        int64_t low = cell[x].low;

        for (; at > 0 && cell[member[at - 1]].low > low; at--)
            member[at] = member[at - 1];
        member[at] = x;
        s->ticks += k - at + 1;
    }
}

int64_t pack_state_reach(struct pack_state *s, int section)
{
    const int *x = s->member + s->job->member_at[section];
    const int *end = s->member + s->job->member_at[section + 1];
    int64_t top = 0;

    s->ticks += end - x;
    for (; x < end; x++) {
        const struct pack_cell *c = &s->cell[*x];

        if (c->placed)
            continue;
        top = (c->low > top ? c->low : top) + c->size;
    }
    return top;
}

/* First a quick look: even all open items on top of the highest bound stay
 * below the cap. */
static bool section_fits(struct pack_state *s, int section)
{
    size_t at = s->job->member_at[section];

    if (s->highest + s->open[section] <= s->cap)
        return true;
    sort_members(s, s->member + at, (int)(s->job->member_at[section + 1] - at));
    return pack_state_reach(s, section) <= s->cap;
}

/* ---- lifted items ---- */

static int64_t next_slab(const struct pack_state *s, int64_t low)
{
    return s->slab ? (low / s->slab + 1) * s->slab : INT64_MAX;
}

/* The lowest place above its lower bound where an item can rest.
 * O(neighbours); tops of neighbours are lower bounds themselves, so the result
 * is one too. */
static int64_t support(struct pack_state *s, int i)
{
    struct pack_cell *x = &s->cell[i];
    const int *near = s->job->near + s->job->near_at[i];
    const int *end = s->job->near + s->job->near_at[i + 1];
    int64_t best = next_slab(s, x->low);

    x->witness = -1;
    s->ticks += end - near;
    for (; near < end; near++) {
        const struct pack_cell *y = &s->cell[*near];
        int64_t top = y->low + y->size;

        if (y->placed || y->afloat || top >= best)
            continue;
        top = pack_inside(top, x->size, s->slab);
        if (top < best) {
            best = top;
            x->witness = *near;
        }
    }
    return best;
}

/* The start of a slab is a place of its own; nothing has to lie below. */
static bool raise_to(struct pack_state *s, int i, int64_t low)
{
    struct pack_cell *x = &s->cell[i];

    if (low <= x->low)
        return true;
    if (low == INT64_MAX || low + x->size > s->cap)
        return false;
    set_low(s, i, low, low != next_slab(s, x->low));
    mark_range(s, x->first, x->end);
    return true;
}

static bool lift(struct pack_state *s, int i)
{
    return raise_to(s, i, support(s, i));
}

/* ---- items afloat ---- */

static int set_afloat(struct pack_state *s)
{
    int n = 0;

    for (int k = 0; k < s->nlifted; k++) {
        struct pack_cell *x = &s->cell[s->lifted[k]];

        x->afloat = x->lifted && !x->placed;
        if (x->afloat)
            s->afloat[n++] = s->lifted[k];
    }
    for (int k = 0; k < n; k++) {
        int i = s->afloat[k];
        int64_t at = support(s, i);

        s->landing[i] = at > s->cell[i].low ? at : s->cell[i].low;
    }
    return n;
}

/* Take the item with the lowest landing from the list. */
static int next_landing(struct pack_state *s, int n)
{
    int best = 0, i;

    s->ticks += n;
    for (int k = 1; k < n; k++)
        if (s->landing[s->afloat[k]] < s->landing[s->afloat[best]])
            best = k;
    i = s->afloat[best];
    s->afloat[best] = s->afloat[n - 1];
    s->cell[i].afloat = false;
    return i;
}

/* Others may rest on an item that has landed. */
static void carry_others(struct pack_state *s, int i)
{
    const struct pack_cell *x = &s->cell[i];
    size_t end = s->job->near_at[i + 1];

    s->ticks += (int64_t)(end - s->job->near_at[i]);
    for (size_t k = s->job->near_at[i]; k < end; k++) {
        int j = s->job->near[k];
        struct pack_cell *y = &s->cell[j];
        int64_t top;

        if (!y->afloat)
            continue;
        top = pack_inside(x->low + x->size, y->size, s->slab);
        top = top > y->low ? top : y->low;
        if (top < s->landing[j]) {
            s->landing[j] = top;
            y->witness = i;
        }
    }
}

/* Dijkstra's order: the lowest landing is final, because everything that could
 * still land lies higher.  O(afloat^2). */
static bool land_all(struct pack_state *s)
{
    bool fits = true;

    for (int n = set_afloat(s); n > 0; n--) {
        int i = next_landing(s, n);

        fits = fits && raise_to(s, i, s->landing[i]);
        if (fits)
            carry_others(s, i);
    }
    return fits;
}

/* ---- lifted items, all together ---- */

static bool rests(const struct pack_state *s, const struct pack_cell *x)
{
    const struct pack_cell *y;

    if (x->witness < 0)
        return false;
    y = &s->cell[x->witness];
    return !y->placed &&
           pack_inside(y->low + y->size, x->size, s->slab) <= x->low;
}

static bool settle_lifted(struct pack_state *s)
{
    bool moved = true;

    for (int turn = 0; moved; turn++) {
        if (turn == MOST_TURNS)
            return land_all(s);
        moved = false;
        s->ticks += s->nlifted;
        for (int k = 0; k < s->nlifted; k++) {
            int i = s->lifted[k];
            const struct pack_cell *x = &s->cell[i];
            int64_t low = x->low;

            if (!x->lifted || x->placed || rests(s, x))
                continue;
            if (!lift(s, i))
                return false;
            moved = moved || x->low > low;
        }
    }
    return true;
}

static bool settle(struct pack_state *s)
{
    if (!settle_lifted(s))
        return false;
    s->ticks += 2 * (int64_t)s->nchanged;
    for (int k = 0; k < s->nchanged; k++) {
        if (section_fits(s, s->changed[k]))
            continue;
        s->failures[s->changed[k]]++;
        return false;
    }
    return true;
}

/* ---- moves ---- */

static void begin_move(struct pack_state *s)
{
    s->stamp++;
    s->nchanged = 0;
}

/* What meets an item that was placed lies above it.  One that lies there
 * already was perhaps lifted to rest on it, and now does. */
static void push_above(struct pack_state *s, int j,
                       const struct pack_cell *below)
{
    struct pack_cell *y = &s->cell[j];
    int64_t top = below->low + below->size;
    int64_t low = pack_inside(top, y->size, s->slab);

    if (y->low == low && y->lifted)
        set_low(s, j, low, false);
    if (y->low >= low)
        return;
    set_low(s, j, low, false);
    if (low == top)
        mark_beside(s, y, below);
    else
        mark_range(s, y->first, y->end);
}

bool pack_state_place(struct pack_state *s, int i)
{
    struct pack_cell *x = &s->cell[i];
    size_t end = s->job->near_at[i + 1];
    int64_t top = x->low + x->size;

    begin_move(s);
    record(s, (struct pack_change){.item = ~i});
    take_out(s, x);
    s->ticks += (int64_t)(end - s->job->near_at[i]);
    if (top > s->cap)
        return false;
    for (size_t k = s->job->near_at[i]; k < end; k++) {
        const struct pack_cell *y = &s->cell[s->job->near[k]];

        if (!y->placed && (y->low <= top || s->slab))
            push_above(s, s->job->near[k], x);
    }
    return settle(s);
}

bool pack_state_refute(struct pack_state *s, int i)
{
    struct pack_cell *x = &s->cell[i];

    begin_move(s);
    if (!lift(s, i))
        return false;
    if (!x->listed) {
        x->listed = true;
        s->lifted[s->nlifted++] = i;
    }
    return settle(s);
}
