/*
 * plan_lifetimes.c: buffers that live at the same time do not share bytes.
 *
 * Persistent buffers live always and are compared by address.  Shared ones are
 * followed through their sequence, entry by entry, in a map of who lives
 * where; what is live in all gives the peak.
 *
 * In an entry new buffers begin before old ones end, since a kernel reads its
 * operands while it writes.  The one exception is a buffer that takes another's
 * place whole in the entry that reads it last.  Cost: O(buffers log buffers)
 * for each sequence that has buffers.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "runtime/plan_io.h"
#include "runtime/range_map.h"

static const uint32_t nobody = UINT32_MAX;

/* Buffers that begin or end in an entry, as chains through `next`. */
struct chains {
    uint32_t *head; /* [entries] */
    uint32_t *next; /* [buffers] */
};

struct sweep {
    const struct plan *p;
    const struct plancl_callbacks *cb;
    struct arena *arena;
    struct range_map map; /* holder: buffer + 1 */
    uint64_t *base;       /* of each slab in one line of addresses */
    uint64_t unit;        /* divides every place in the arena */
    struct plan_peak now, peak;
};

static enum plancl_status overlap(const struct sweep *w, uint32_t a, uint32_t b)
{
    return fail(w->cb, PLANCL_REFUSED,
                "buffers %" PRIu32 " (%s) and %" PRIu32
                " (%s) live at the same time and share bytes",
                a, plan_string(w->p, w->p->buffer[a].name), b,
                plan_string(w->p, w->p->buffer[b].name));
}

/* ---- persistent buffers ---- */

struct placed {
    uint64_t begin, end;
    uint32_t buffer;
};

static int by_address(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->buffer > y->buffer) - (x->buffer < y->buffer);
}

/* Sorted by address, an overlap is one between neighbours. */
static enum plancl_status check_persistent(const struct sweep *w)
{
    const struct plan *p = w->p;
    struct placed *list = ARENA_NEW(w->arena, struct placed, p->nbuffer);
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->nbuffer; i++) {
        const struct plan_buffer *b = p->buffer + i;
        uint64_t begin = w->base[b->slab] + b->offset;

        if (!plan_kind_shared(b->kind))
            list[n++] = (struct placed){begin, begin + b->bytes, i};
    }
    if (n)
        qsort(list, n, sizeof(*list), by_address);
    for (uint32_t i = 1; i < n; i++)
        if (list[i].begin < list[i - 1].end)
            return overlap(w, list[i - 1].buffer, list[i].buffer);
    return PLANCL_OK;
}

/* ---- shared buffers ---- */

static struct chains chains_new(struct arena *a, const struct plan *p,
                                uint32_t entries)
{
    struct chains c = {ARENA_NEW(a, uint32_t, entries),
                       ARENA_NEW(a, uint32_t, p->nbuffer)};

    for (uint32_t i = 0; i < entries; i++)
        c.head[i] = nobody;
    return c;
}

static void chain(struct chains *c, uint32_t entry, uint32_t buffer)
{
    c->next[buffer] = c->head[entry];
    c->head[entry] = buffer;
}

static uint64_t begin_of(const struct sweep *w, const struct plan_buffer *b)
{
    return w->base[b->slab] + b->offset;
}

static uint32_t holder_of(struct sweep *w, const struct plan_buffer *b)
{
    uint64_t begin = begin_of(w, b);

    return range_map_get(&w->map, begin, begin + b->bytes);
}

static void hold(struct sweep *w, const struct plan_buffer *b, uint32_t holder)
{
    uint64_t begin = begin_of(w, b);

    range_map_set(&w->map, begin, begin + b->bytes, holder);
}

static void count_in(struct sweep *w, const struct plan_buffer *b)
{
    w->now.bytes += b->bytes;
    w->now.whole_units += round_up_u64(b->bytes, w->unit);
    w->now.kind_bytes[b->kind] += b->bytes;
}

static void count_out(struct sweep *w, const struct plan_buffer *b)
{
    w->now.bytes -= b->bytes;
    w->now.whole_units -= round_up_u64(b->bytes, w->unit);
    w->now.kind_bytes[b->kind] -= b->bytes;
}

bool plan_takes_over(const struct plan_buffer *a, const struct plan_buffer *b)
{
    return a->slab == b->slab && a->offset == b->offset &&
           a->bytes == b->bytes && a->last == b->first && a->first < b->first;
}

/* Some buffer other than b that is live in b's place, for the message. */
static uint32_t neighbour(const struct sweep *w, uint32_t b)
{
    const struct plan_buffer *x = w->p->buffer + b;

    for (uint32_t i = 0; i < w->p->nbuffer; i++) {
        const struct plan_buffer *y = w->p->buffer + i;

        if (i != b && plan_kind_shared(y->kind) && y->slab == x->slab &&
            y->sequence == x->sequence && y->first <= x->last &&
            x->first <= y->last && y->offset < x->offset + x->bytes &&
            x->offset < y->offset + y->bytes)
            return i;
    }
    return b;
}

/* What is there already must be nothing, or one buffer that this one takes
 * over. */
static enum plancl_status begin(struct sweep *w, uint32_t i)
{
    const struct plan_buffer *b = w->p->buffer + i;
    uint32_t holder = holder_of(w, b);

    if (holder == RANGE_MIXED)
        return overlap(w, neighbour(w, i), i);
    if (holder != RANGE_NONE) {
        const struct plan_buffer *a = w->p->buffer + (holder - 1);

        if (!plan_takes_over(a, b))
            return overlap(w, holder - 1, i);
        count_out(w, a);
    }
    count_in(w, b);
    hold(w, b, i + 1);
    return PLANCL_OK;
}

/* Runs after the peak was taken, so a buffer counts in its last entry. */
static void end(struct sweep *w, uint32_t i)
{
    const struct plan_buffer *b = w->p->buffer + i;

    /* Whoever was written over it has taken its bytes. */
    if (holder_of(w, b) != i + 1)
        return;
    count_out(w, b);
    hold(w, b, RANGE_NONE);
}

/* The peak by bytes, and apart from it the most of the bytes rounded up to the
 * unit: the compiler's bound may lie anywhere between the two. */
static void keep_peak(struct sweep *w, uint32_t entry)
{
    uint64_t units = w->peak.whole_units;

    if (w->now.whole_units > units)
        units = w->now.whole_units;
    if (w->now.bytes > w->peak.bytes) {
        w->peak = w->now;
        w->peak.entry = entry;
    }
    w->peak.whole_units = units;
}

static enum plancl_status sweep_entry(struct sweep *w,
                                      const struct chains *first,
                                      const struct chains *last, uint32_t e)
{
    enum plancl_status status = PLANCL_OK;
    uint32_t i;

    for (i = first->head[e]; i != nobody && !status; i = first->next[i])
        status = begin(w, i);
    if (status)
        return status;
    keep_peak(w, e);
    for (i = last->head[e]; i != nobody; i = last->next[i])
        end(w, i);
    return PLANCL_OK;
}

static enum plancl_status sweep_sequence(struct sweep *w, uint32_t s)
{
    const struct plan *p = w->p;
    uint32_t entries = p->sequence[s].count;
    struct chains first = chains_new(w->arena, p, entries);
    struct chains last = chains_new(w->arena, p, entries);
    enum plancl_status status = PLANCL_OK;

    /* Backwards, so that chains run in order of buffers. */
    for (uint32_t i = p->nbuffer; i-- > 0;) {
        const struct plan_buffer *b = p->buffer + i;

        if (plan_kind_shared(b->kind) && b->sequence == s) {
            chain(&first, b->first, i);
            chain(&last, b->last, i);
        }
    }
    w->now = (struct plan_peak){.sequence = s};
    range_map_clear(&w->map);
    for (uint32_t e = 0; e < entries && !status; e++)
        status = sweep_entry(w, &first, &last, e);
    return status;
}

/* The greatest common divisor of both. */
static uint64_t common_unit(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* Of the file's own numbers, since the plan does not say what alignment it was
 * made with. */
static uint64_t unit_of(const struct plan *p)
{
    uint64_t unit = 0;

    for (uint32_t i = 0; i < p->nslab; i++)
        if (p->slab_kind[i] == PLAN_TRANSIENT)
            unit = common_unit(unit, p->slab_bytes[i]);
    for (uint32_t i = 0; i < p->nbuffer; i++)
        if (plan_kind_shared(p->buffer[i].kind))
            unit = common_unit(unit, p->buffer[i].offset);
    return unit ? unit : 1;
}

static void open_map(struct sweep *w)
{
    const struct plan *p = w->p;
    uint64_t *point = ARENA_NEW(w->arena, uint64_t, 2 * (size_t)p->nbuffer);
    uint64_t at = 0;
    uint32_t n = 0;

    w->unit = unit_of(p);
    w->base = ARENA_NEW(w->arena, uint64_t, p->nslab);
    for (uint32_t i = 0; i < p->nslab; i++) {
        w->base[i] = at;
        at += p->slab_bytes[i];
    }
    for (uint32_t i = 0; i < p->nbuffer; i++) {
        const struct plan_buffer *b = p->buffer + i;

        if (!plan_kind_shared(b->kind))
            continue;
        point[n++] = begin_of(w, b);
        point[n++] = begin_of(w, b) + b->bytes;
    }
    range_map_init(&w->map, w->arena, point, n);
}

enum plancl_status plan_check_lifetimes(const struct plan *p, struct arena *a,
                                        const struct plancl_callbacks *cb,
                                        struct plan_peak *peak)
{
    struct sweep w = {.p = p, .cb = cb, .arena = a};
    enum plancl_status status;

    open_map(&w);
    status = check_persistent(&w);
    for (uint32_t s = 0; s < SEQ_KINDS && !status; s++)
        status = sweep_sequence(&w, s);
    *peak = w.peak;
    return status;
}
