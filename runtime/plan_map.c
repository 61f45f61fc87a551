/*
 * plan_map.c: the arena as text, offset by time, and what lives at its peak.
 *
 * A cell of the map stands for some entries and some bytes and shows the buffer
 * that has most of it.  The largest at the peak have letters, which lead to
 * their names below.
 *
 * Areas are in bytes times entries: a cell shows the buffer that holds most of
 * it, not the one that happens to begin there.
 */
#include <inttypes.h>
#include <string.h>

#include "runtime/plan_live.h"

enum { COLUMNS = 64, ROWS = 16 };

static const char letters[PLAN_LIVE_SHOWN + 1] = "abcdefghijklmnopqrst";
static const char other = '+';

/* ---- the map of a slab ---- */

/* There are at most as many columns as entries. */
struct map {
    const struct plan *p;
    uint32_t sequence, columns;
    uint64_t bytes; /* of the slab */
    double area[ROWS][COLUMNS];
    char cell[ROWS][COLUMNS + 1];
};

/* How much of [a, b) lies in part i of n equal ones of [0, whole). */
static double share(double a, double b, uint32_t i, uint32_t n, double whole)
{
    double from = whole * i / n, to = whole * (i + 1) / n;

    from = a > from ? a : from;
    to = b < to ? b : to;
    return to > from ? to - from : 0;
}

/* At most ROWS * COLUMNS cells for each buffer. */
static void add_buffer(struct map *m, const struct plan_buffer *b, char mark)
{
    double entries = m->p->sequence[m->sequence].count;

    for (uint32_t r = 0; r < ROWS; r++) {
        double high = share((double)b->offset, (double)(b->offset + b->bytes),
                            r, ROWS, (double)m->bytes);

        for (uint32_t c = 0; high > 0 && c < m->columns; c++) {
            double wide = share(b->first, b->last + 1.0, c, m->columns,
                                entries);

            if (wide > 0 && high * wide >= m->area[r][c]) {
                m->area[r][c] = high * wide;
                m->cell[r][c] = mark;
            }
        }
    }
}

static void fill_map(struct map *m, uint32_t slab, const char *mark_of)
{
    for (uint32_t r = 0; r < ROWS; r++) {
        memset(m->cell[r], ' ', m->columns);
        m->cell[r][m->columns] = '\0';
    }
    for (uint32_t i = 0; i < m->p->nbuffer; i++) {
        const struct plan_buffer *b = m->p->buffer + i;

        if (plan_kind_shared(b->kind) && b->slab == slab &&
            b->sequence == m->sequence)
            add_buffer(m, b, mark_of[i]);
    }
}

/* The highest offsets on top, as addresses are drawn. */
static void print_map(const struct map *m, struct text *t)
{
    for (uint32_t r = ROWS; r-- > 0;) {
        struct text from = {.arena = t->arena};

        text_size(&from, m->bytes / ROWS * r);
        text_add(t, "%11s |%s|\n", from.s, m->cell[r]);
    }
}

/* Where the peak is, under the columns. */
static void print_time(const struct plan *p, const struct plan_peak *peak,
                       uint32_t columns, struct text *t)
{
    uint32_t count = p->sequence[peak->sequence].count;
    uint32_t at = (uint32_t)((uint64_t)peak->entry * columns / count);

    text_add(t, "%*s^ entry %" PRIu32 " of 0 to %" PRIu32 "\n", 13 + (int)at,
             "", peak->entry, count - 1);
}

/* Of each buffer its letter in the map. */
static const char *marks(const struct plan *p, const struct plan_live *live,
                         struct arena *a)
{
    char *mark = ARENA_NEW(a, char, (size_t)p->nbuffer + 1);

    memset(mark, other, p->nbuffer);
    for (uint32_t i = 0; i < live->n && i < PLAN_LIVE_SHOWN; i++)
        mark[live->buffer[i]] = letters[i];
    return mark;
}

static void print_maps(const struct plan *p, const struct plan_live *live,
                       struct text *t)
{
    uint32_t count = p->sequence[live->peak.sequence].count;
    const char *mark_of = marks(p, live, t->arena);

    text_add(t,
             "\nthe arena during %s: offset by entry; a letter is one of the "
             "largest at\nthe peak, + another buffer\n",
             plan_sequence_name(live->peak.sequence));
    for (uint32_t s = 0; s < p->nslab; s++) {
        struct map *m = ARENA_NEW(t->arena, struct map, 1);

        if (p->slab_kind[s] != PLAN_TRANSIENT)
            continue;
        *m = (struct map){.p = p,
                          .sequence = live->peak.sequence,
                          .columns = count < COLUMNS ? count : COLUMNS,
                          .bytes = p->slab_bytes[s]};
        fill_map(m, s, mark_of);
        text_add(t, "\nslab %" PRIu32 ", %" PRIu64 " bytes\n", s, m->bytes);
        print_map(m, t);
        print_time(p, &live->peak, m->columns, t);
    }
}

/* ---- by layer ---- */

struct layer {
    const char *name;
    size_t length;
    uint64_t total, result, gradient, workspace;
};

/* A buffer is called after its layer, and after a space what it is to it. */
static struct layer *layer_of(struct layer *layer, uint32_t *n,
                              const char *name)
{
    size_t length = strcspn(name, " ");

    for (uint32_t i = 0; i < *n; i++)
        if (layer[i].length == length &&
            strncmp(layer[i].name, name, length) == 0)
            return layer + i;
    layer[*n].name = name;
    layer[*n].length = length;
    return layer + (*n)++;
}

static void add_to_layer(struct layer *l, const struct plan_buffer *b,
                         const char *name)
{
    l->total += b->bytes;
    if (b->kind == PLAN_WORKSPACE)
        l->workspace += b->bytes;
    else if (strstr(name, " gradient"))
        l->gradient += b->bytes;
    else
        l->result += b->bytes;
}

/* The layer with the most bytes, which are taken from it. */
static struct layer take_largest(struct layer *layer, uint32_t n)
{
    struct layer *most = layer, result;

    for (uint32_t i = 1; i < n; i++)
        if (layer[i].total > most->total)
            most = layer + i;
    result = *most;
    most->total = 0;
    return result;
}

static void print_layers(const struct plan *p, const struct plan_live *live,
                         struct text *t)
{
    struct layer *layer = ARENA_NEW(t->arena, struct layer, (size_t)live->n);
    uint64_t rest = live->peak.bytes;
    uint32_t n = 0, i;

    for (i = 0; i < live->n; i++) {
        const struct plan_buffer *b = p->buffer + live->buffer[i];
        const char *name = plan_string(p, b->name);

        add_to_layer(layer_of(layer, &n, name), b, name);
    }
    text_add(t, "\nalive at the peak, by layer\n  %14s %14s %14s  %s\n",
             "results", "gradients", "workspaces", "layer");
    for (i = 0; i < n && i < PLAN_LIVE_SHOWN; i++) {
        struct layer l = take_largest(layer, n);

        rest -= l.total;
        text_add(t, "  %14" PRIu64 " %14" PRIu64 " %14" PRIu64 "  %.*s\n",
                 l.result, l.gradient, l.workspace, (int)l.length, l.name);
    }
    if (n > i)
        text_add(t, "  and %" PRIu32 " more layers, %" PRIu64 " bytes\n", n - i,
                 rest);
}

void plan_print_memory(const struct plan *p, struct text *t)
{
    struct plan_live live = plan_live_of(p, t->arena);

    plan_print_categories(p, t);
    if (!live.n)
        return;
    print_maps(p, &live, t);
    print_layers(p, &live, t);
    text_add(t,
             "\nthe largest of %" PRIu32 " buffers alive in %s entry %" PRIu32
             ", %" PRIu64 " bytes\n",
             live.n, plan_sequence_name(live.peak.sequence), live.peak.entry,
             live.peak.bytes);
    plan_print_largest(p, &live, letters, t);
}
