/* peak.c: the step with the most shared bytes alive; see peak.h. */
#include "compiler/peak.h"

#include <inttypes.h>

enum { SHOWN = 5 };

struct span {
    int first, last; /* steps; -1: nothing lies there */
};

/* By root: from the first use of what lies there to the last. */
static struct span *spans_of(const struct steps *s, struct arena *a)
{
    struct span *span = ARENA_NEW(a, struct span, (size_t)s->nbuffer + 1);

    for (int b = 0; b < s->nbuffer; b++)
        span[b].first = span[b].last = -1;
    for (int b = s->nleaf; b < s->nbuffer; b++) {
        struct span *x = &span[s->root[b]];

        if (s->root[b] < s->nleaf || s->first[b] < 0)
            continue;
        if (x->first < 0 || s->first[b] < x->first)
            x->first = s->first[b];
        if (s->last[b] > x->last)
            x->last = s->last[b];
    }
    return span;
}

static int peak_step(const struct steps *s, const struct span *span,
                     uint64_t align, struct arena *a)
{
    int64_t *change = ARENA_NEW(a, int64_t, (size_t)s->n + 1), most = 0;
    int64_t alive = 0;
    int at = 0;

    for (int b = 0; b < s->nbuffer; b++) {
        int64_t bytes = (int64_t)round_up_u64(s->buffer[b].bytes, align);

        if (span[b].first < 0)
            continue;
        change[span[b].first] += bytes;
        change[span[b].last + 1] -= bytes;
    }
    for (int i = 0; i < s->n; i++) {
        alive += change[i];
        if (alive > most) {
            most = alive;
            at = i;
        }
    }
    return at;
}

/* The largest buffer alive at a step that was not shown yet, or -1. */
static int next_largest(const struct steps *s, const struct span *span, int at,
                        const bool *shown)
{
    int best = -1;

    for (int b = 0; b < s->nbuffer; b++)
        if (!shown[b] && span[b].first >= 0 && span[b].first <= at &&
            span[b].last >= at &&
            (best < 0 || s->buffer[b].bytes > s->buffer[best].bytes))
            best = b;
    return best;
}

void peak_describe(const struct steps *s, uint64_t align, struct arena *a,
                   struct text *t)
{
    const struct span *span = spans_of(s, a);
    bool *shown = ARENA_NEW(a, bool, (size_t)s->nbuffer + 1);
    int at = peak_step(s, span, align, a);

    text_add(t, "%s (%s):", s->step[at].path, s->step[at].kernel);
    for (int k = 0; k < SHOWN; k++) {
        int b = next_largest(s, span, at, shown);

        if (b < 0)
            break;
        text_add(t, "%s %s %" PRIu64, k ? "," : "", s->buffer[b].name,
                 round_up_u64(s->buffer[b].bytes, align));
        shown[b] = true;
    }
}
