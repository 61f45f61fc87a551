/*
 * plan_live.c: who lives in the arena where it is fullest.
 *
 * Sorting is total (bytes, then number), so reports of one plan are alike
 * everywhere.
 */
#include "runtime/plan_live.h"

#include <inttypes.h>
#include <stdlib.h>

struct sized {
    uint64_t bytes;
    uint32_t buffer;
};

static bool lives_at(const struct plan_buffer *b, const struct plan_peak *peak)
{
    return plan_kind_shared(b->kind) && b->sequence == peak->sequence &&
           b->first <= peak->entry && peak->entry <= b->last;
}

static int largest_first(const void *a, const void *b)
{
    const struct sized *x = a;
    const struct sized *y = b;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return (x->buffer > y->buffer) - (x->buffer < y->buffer);
}

/* Is another live buffer written over this one in the entry of the peak? */
static bool is_replaced(const struct plan *p, const struct plan_peak *peak,
                        const struct plan_buffer *b)
{
    if (b->last != peak->entry)
        return false;
    for (uint32_t i = 0; i < p->nbuffer; i++)
        if (lives_at(p->buffer + i, peak) && plan_takes_over(b, p->buffer + i))
            return true;
    return false;
}

struct plan_live plan_live_of(const struct plan *p, struct arena *a)
{
    struct sized *list = ARENA_NEW(a, struct sized, (size_t)p->nbuffer + 1);
    uint32_t *buffer = ARENA_NEW(a, uint32_t, (size_t)p->nbuffer + 1);
    struct plan_live live = {.buffer = buffer};

    /* The plan is verified: this cannot be refused. */
    plan_check_lifetimes(p, a, NULL, &live.peak);
    if (!live.peak.bytes)
        return live;
    for (uint32_t i = 0; i < p->nbuffer; i++) {
        const struct plan_buffer *b = p->buffer + i;

        if (lives_at(b, &live.peak) && !is_replaced(p, &live.peak, b))
            list[live.n++] = (struct sized){b->bytes, i};
    }
    qsort(list, live.n, sizeof *list, largest_first);
    for (uint32_t i = 0; i < live.n; i++)
        buffer[i] = list[i].buffer;
    return live;
}

void plan_print_largest(const struct plan *p, const struct plan_live *live,
                        const char *mark, struct text *t)
{
    uint64_t rest = 0;

    for (uint32_t i = 0; i < live->n; i++) {
        const struct plan_buffer *b = p->buffer + live->buffer[i];

        if (i >= PLAN_LIVE_SHOWN)
            rest += b->bytes;
        else
            text_add(t,
                     "  %c %14" PRIu64 "  #%" PRIu32 " %s, %s, entries %" PRIu32
                     " to %" PRIu32 "\n",
                     mark ? mark[i] : ' ', b->bytes, live->buffer[i],
                     plan_string(p, b->name), plan_kind_name(b->kind), b->first,
                     b->last);
    }
    if (live->n > PLAN_LIVE_SHOWN)
        text_add(t, "    and %" PRIu32 " more, %" PRIu64 " bytes\n",
                 live->n - PLAN_LIVE_SHOWN, rest);
}
