/*
 * allocate.c: buffers to slabs and offsets; see allocate.h.
 *
 * Two rules make the peak a sum known here: a persistent leaf has its place for
 * the whole life of a session, and each slab of the arena is as large as the
 * sequence that needs most of it.  What a plan takes is the sum of its slabs,
 * alignment included; nothing is added at run time.
 */
#include "compiler/allocate.h"

#include <string.h>

/* ---- leaves ---- */

/* Leaves go one behind another; slab and align are in bytes, slab a multiple of
 * align, so that a slab's end is always an aligned place. */
struct filler {
    struct memory *m;
    uint64_t slab, align;
};

/*
 * The next aligned place in the last slab, or a new slab: no leaf lies across
 * two, since a kernel's argument is one slab and an offset.  A slab's bytes
 * stay rounded up, so that the sum of all slabs is what the device is asked
 * for.
 */
static void place_leaf(struct filler *f, int b, uint64_t bytes)
{
    struct memory *m = f->m;
    int last = m->nslab - 1;
    uint64_t at = last < 0 ? 0 : round_up_u64(m->slab_bytes[last], f->align);

    if (last < 0 || at + bytes > f->slab) {
        last = m->nslab++;
        m->slab_kind[last] = PLAN_PARAMETER;
        at = 0;
    }
    m->slab[b] = (uint32_t)last;
    m->offset[b] = at;
    m->slab_bytes[last] = round_up_u64(at + bytes, f->align);
}

/* A leaf that no step of any sequence touches gets no memory, such as an input
 * that nothing reads.  A value that is made in a leaf's place counts as a use
 * of that leaf. */
static void mark_used(const struct steps *s, struct memory *m)
{
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < s->step[i].nuse; k++) {
            int root = s->root[s->step[i].use[k].buffer];

            if (root < s->nleaf)
                m->used[root] = true;
            if (s->step[i].use[k].buffer < s->nleaf)
                m->used[s->step[i].use[k].buffer] = true;
        }
}

/* Kind by kind, so that parameters, state and accumulators each are one
 * contiguous range wherever a slab holds them. */
static void place_leaves(const struct steps *s, struct filler *f)
{
    for (int kind = 0; kind < PLAN_KINDS; kind++)
        for (int b = 0; b < s->nleaf; b++)
            if (s->buffer[b].kind == (enum plan_kind)kind && f->m->used[b])
                place_leaf(f, b, s->buffer[b].bytes);
}

/* ---- transients ---- */

/* In steps, both ends inside; -1 for a buffer that nothing uses.  A write
 * counts as a use, so a result that nobody reads still has its step's length of
 * life, and the kernel a place to write to. */
static void find_lifetimes(struct steps *s, struct arena *a)
{
    s->first = ARENA_NEW(a, int, (size_t)s->nbuffer + 1);
    s->last = ARENA_NEW(a, int, (size_t)s->nbuffer + 1);
    for (int b = 0; b < s->nbuffer; b++)
        s->first[b] = s->last[b] = -1;
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < s->step[i].nuse; k++) {
            int b = s->step[i].use[k].buffer;

            if (s->first[b] < 0)
                s->first[b] = i;
            s->last[b] = i;
        }
}

/*
 * One item per root; index of each root's item.  Buffers of one root are one
 * place, alive from the first use of any to the last of all; the gaps between
 * are not given to others, because the content goes from one to the next.
 * Roots that are leaves need no room here.
 */
static int collect(const struct steps *s, uint64_t align, struct item *it,
                   int *item_of)
{
    int n = 0;

    for (int b = s->nleaf; b < s->nbuffer; b++) {
        int root = s->root[b];
        struct item *x;

        if (root < s->nleaf || s->first[b] < 0)
            continue;
        if (item_of[root] < 0) {
            item_of[root] = n;
            it[n++] = (struct item){round_up_u64(s->buffer[root].bytes, align),
                                    s->first[b], s->last[b], 0};
        }
        x = &it[item_of[root]];
        x->first = s->first[b] < x->first ? s->first[b] : x->first;
        x->last = s->last[b] > x->last ? s->last[b] : x->last;
    }
    return n;
}

/* What of a sequence is to be placed. */
struct load {
    struct item *item;
    int n;
    int *item_of; /* by root, or -1 */
};

static struct load load_of(struct steps *s, uint64_t align, struct arena *a)
{
    size_t n = (size_t)s->nbuffer + 1;
    struct load l = {ARENA_NEW(a, struct item, n), 0, ARENA_NEW(a, int, n)};

    find_lifetimes(s, a);
    memset(l.item_of, -1, n * sizeof *l.item_of);
    l.n = collect(s, align, l.item, l.item_of);
    return l;
}

/* The bound, not the packed height: recompute.c compares many ways by it, and
 * packing each would take far longer than finding it. */
uint64_t steps_load(struct steps *s, uint64_t align, struct arena *a)
{
    struct load l = load_of(s, align, a);

    return allocate_bound(l.item, l.n, a);
}

/* ---- slabs of the arena ---- */

/*
 * The items of all sequences in slabs of at most one size.  An item's offset is
 * the slab's number times that size plus the offset inside: the packer keeps
 * items from lying across a multiple of it, so a division gives both.  A slab's
 * bytes are those up to the end of the highest item in it.
 */
struct layout {
    uint64_t slab;
    struct item *item[SEQ_KINDS]; /* by sequence */
    uint64_t *bytes;              /* by slab */
    uint64_t arena_bytes;         /* their sum */
    int n;
};

static void mark_bytes(const struct item *it, int n, uint64_t slab,
                       uint64_t *bytes)
{
    for (int i = 0; i < n; i++) {
        uint64_t end = it[i].offset % slab + it[i].size;
        uint64_t *k = &bytes[it[i].offset / slab];

        *k = end > *k ? end : *k;
    }
}

static uint64_t sum_of(const uint64_t *bytes, int n)
{
    uint64_t sum = 0;

    for (int k = 0; k < n; k++)
        sum += bytes[k];
    return sum;
}

static struct layout lay_in(const struct load *l, int nseq, uint64_t slab,
                            struct arena *a)
{
    struct layout x = {.slab = slab};
    uint64_t top = 0;

    for (int i = 0; i < nseq; i++) {
        uint64_t height;

        x.item[i] = ARENA_NEW(a, struct item, (size_t)l[i].n + 1);
        memcpy(x.item[i], l[i].item, (size_t)l[i].n * sizeof *x.item[i]);
        height = allocate_items(x.item[i], l[i].n, slab, a);
        top = height > top ? height : top;
    }
    x.n = (int)(top / slab) + (top % slab > 0);
    x.bytes = ARENA_NEW(a, uint64_t, (size_t)x.n + 1);
    for (int i = 0; i < nseq; i++)
        mark_bytes(x.item[i], l[i].n, slab, x.bytes);
    x.arena_bytes = sum_of(x.bytes, x.n);
    return x;
}

/* A multiple of the largest item: where most bytes are in items of that size,
 * larger slabs that hold no more of them are filled worse. */
static uint64_t snug_slab(const struct load *l, int nseq, uint64_t slab)
{
    uint64_t most = 0;

    for (int i = 0; i < nseq; i++)
        for (int k = 0; k < l[i].n; k++)
            most = l[i].item[k].size > most ? l[i].item[k].size : most;
    return most ? slab / most * most : slab;
}

static struct layout lay_best(const struct load *l, int nseq, uint64_t slab,
                              uint64_t bound, struct arena *a)
{
    struct layout x = lay_in(l, nseq, slab, a), y;
    uint64_t snug = snug_slab(l, nseq, slab);

    if (x.n < 2 || x.arena_bytes <= bound || snug == slab)
        return x;
    y = lay_in(l, nseq, snug, a);
    return y.arena_bytes < x.arena_bytes ? y : x;
}

/* The arena behind the persistent slabs; number of each of its slabs. */
static uint32_t *add_arena(struct memory *m, const struct layout *x,
                           struct arena *a)
{
    uint32_t *number = ARENA_NEW(a, uint32_t, (size_t)x->n + 1);

    m->arena_bytes = x->arena_bytes;
    for (int k = 0; k < x->n; k++) {
        number[k] = (uint32_t)m->nslab;
        if (!x->bytes[k])
            continue;
        m->slab_kind[m->nslab] = PLAN_TRANSIENT;
        m->slab_bytes[m->nslab++] = x->bytes[k];
    }
    return number;
}

/* Where the i-th sequence's buffers lie. */
static void tell_places(struct steps *s, int i, const struct load *l,
                        const struct layout *x, const uint32_t *number,
                        struct arena *a)
{
    uint64_t *bytes = ARENA_NEW(a, uint64_t, (size_t)x->n + 1);

    mark_bytes(x->item[i], l[i].n, x->slab, bytes);
    s->height = sum_of(bytes, x->n);
    s->slab = ARENA_NEW(a, uint32_t, (size_t)s->nbuffer + 1);
    s->offset = ARENA_NEW(a, uint64_t, (size_t)s->nbuffer + 1);
    for (int b = s->nleaf; b < s->nbuffer; b++) {
        int root = s->root[b];
        const struct item *it;

        if (root < s->nleaf || l[i].item_of[root] < 0)
            continue;
        it = &x->item[i][l[i].item_of[root]];
        s->slab[b] = number[it->offset / x->slab];
        s->offset[b] = it->offset % x->slab;
    }
}

/* Without reuse every item lives for the whole sequence, and no two share a
 * byte. */
static void place_transients(struct steps *const *seq, int nseq, bool reuse,
                             const struct filler *f, struct arena *a)
{
    struct load l[SEQ_KINDS] = {{0}};
    struct layout best;
    uint32_t *number;

    for (int i = 0; i < nseq; i++) {
        uint64_t bound;

        l[i] = load_of(seq[i], f->align, a);
        bound = allocate_bound(l[i].item, l[i].n, a);
        if (bound > f->m->live_lower_bound)
            f->m->live_lower_bound = bound;
        for (int k = 0; !reuse && k < l[i].n; k++) {
            l[i].item[k].first = 0;
            l[i].item[k].last = seq[i]->n;
        }
    }
    best = lay_best(l, nseq, f->slab, f->m->live_lower_bound, a);
    number = add_arena(f->m, &best, a);
    for (int i = 0; i < nseq; i++)
        tell_places(seq[i], i, l, &best, number, a);
}

/* The arena may be cut in several slabs; a single buffer may not. */
static bool fits_slab(struct graph *g, struct steps *const *seq, int nseq,
                      const struct device_profile *profile)
{
    for (int i = 0; i < nseq; i++)
        for (int b = 0; b < seq[i]->nbuffer; b++) {
            const struct buffer *x = &seq[i]->buffer[b];
            uint64_t bytes = round_up_u64(x->bytes, profile->alignment);

            if (bytes <= profile->max_allocation)
                continue;
            g->path = NULL;
            return reject_here(g,
                               "%s needs a buffer of %llu bytes, more than "
                               "the device's largest allocation, %llu bytes",
                               x->name, (unsigned long long)bytes,
                               (unsigned long long)profile->max_allocation);
        }
    return true;
}

/* There is something in every slab. */
static size_t most_slabs(struct steps *const *seq, int nseq)
{
    size_t most = 2;

    for (int i = 0; i < nseq; i++)
        most += (size_t)seq[i]->nbuffer;
    return most;
}

bool allocate(struct graph *g, struct steps *const *seq, int nseq,
              const struct device_profile *profile, bool reuse,
              struct memory *m)
{
    struct arena *a = g->arena;
    uint64_t align = profile->alignment;
    struct filler f = {m, profile->max_allocation / align * align, align};
    size_t nleaf = (size_t)seq[0]->nleaf + 1, nslab = most_slabs(seq, nseq);

    if (!fits_slab(g, seq, nseq, profile))
        return false;
    m->slab_bytes = ARENA_NEW(a, uint64_t, nslab);
    m->slab_kind = ARENA_NEW(a, uint32_t, nslab);
    m->slab = ARENA_NEW(a, uint32_t, nleaf);
    m->offset = ARENA_NEW(a, uint64_t, nleaf);
    m->used = ARENA_NEW(a, bool, nleaf);
    for (int i = 0; i < nseq; i++)
        mark_used(seq[i], m);
    place_leaves(seq[0], &f);
    place_transients(seq, nseq, reuse, &f, a);
    return true;
}
