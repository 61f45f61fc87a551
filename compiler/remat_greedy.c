/*
 * remat_greedy.c: a first plan for a budget, by drops at the peak.
 *
 * Each candidate is tried alone and together with those of its inputs that are
 * dead at the peak.  The number of candidates matters: with fewer the plans are
 * far worse.
 */
#include "compiler/remat_search.h"

#include <stdlib.h>

enum { MOST = 400, MOST_WHEN_LONG = 100, LONG = 2500, DEPTH = 200 };

struct candidate {
    double gain; /* bytes for cost */
    int value, before;
    bool with_inputs;
};

/* Falling, ties by number. */
static int by_gain(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->gain != y->gain)
        return x->gain < y->gain ? 1 : -1;
    return (x->value > y->value) - (x->value < y->value);
}

/* The first use of the value's copy behind the key; -1 when there is none or it
 * is used there. */
static int used_next(const struct remat_state *st, int value, int64_t key)
{
    const struct remat_net *net = st->net;
    int maker = net->job->value[value].maker;
    const struct remat_copies *c = &st->copies[maker];
    int copy = remat_state_copy(st, maker, key);
    int64_t end = copy + 1 < c->n ? remat_key(st, c->before[copy + 1], maker)
                                  : REMAT_NEVER;
    int64_t after = REMAT_NEVER;

    if (st->end[value][copy] <= key)
        return -1;
    for (int k = net->reader_at[value]; k < net->reader_at[value + 1]; k++) {
        const struct remat_copies *r = &st->copies[net->reader[k]];

        if (net->reader[k] == remat_key_op(st, key))
            return -1;
        for (int j = 0; j < r->n; j++) {
            int64_t use = remat_key(st, r->before[j], net->reader[k]);

            if (use > key && use < end && use < after)
                after = use;
        }
    }
    return after == REMAT_NEVER ? -1 : remat_key_before(st, after);
}

/* Values that are alive at the peak and not used there, best first; returns how
 * many are worth a try. */
static int list(const struct remat_search *s, struct candidate *c)
{
    const struct remat_state *st = &s->state;
    const struct remat_job *job = s->net->job;
    double least = 1e-3 * (double)s->net->base_cost / s->net->n + 1e-9;
    int n = 0, most = s->net->n > LONG ? MOST_WHEN_LONG : MOST;

    for (int v = 0; v < job->nvalue; v++) {
        int maker = job->value[v].maker, before;

        if (!job->value[v].bytes || remat_key(st, maker, maker) >= st->peak_key)
            continue;
        before = remat_latest(st, used_next(st, v, st->peak_key), maker);
        if (before < 0 || remat_key(st, before, maker) <= st->peak_key ||
            !remat_state_may_add(st, before, maker))
            continue;
        c[n++] = (struct candidate){(double)job->value[v].bytes /
                                        ((double)job->op[maker].cost + least),
                                    v, before, false};
    }
    qsort(c, (size_t)n, sizeof *c, by_gain);
    return n < most ? n : most;
}

static void apply(struct remat_search *s, const struct candidate *c)
{
    struct remat_taste taste = {
        .before = c->with_inputs ? s->state.peak_key : 0, .most = DEPTH};

    remat_state_add(&s->state, c->before, s->net->job->value[c->value].maker,
                    &taste);
}

/* Sets the gain: bytes over budget removed for the cost; at most 0: none.
 * Returns how many events the drop takes. */
static int try(struct remat_search *s, struct candidate *c)
{
    struct remat_state *st = &s->state;
    int64_t over = st->over, peak = st->peak, key = st->peak_key;
    int64_t cost = st->cost, removed, paid;
    int changes;

    apply(s, c);
    changes = st->njournal;
    remat_state_look(st, s->budget);
    removed = over - st->over;
    paid = st->cost > cost ? st->cost - cost : 0;
    remat_state_undo(st);
    st->over = over;
    st->peak = peak;
    st->peak_key = key;
    c->gain = (double)removed /
              ((double)paid + 1e-7 * (double)s->net->base_cost + 1e-9);
    return changes;
}

/* Where no input comes along, the two are the same. */
static void try_both(struct remat_search *s, const struct candidate *c,
                     struct candidate *best)
{
    struct candidate with = *c, alone = *c;

    with.with_inputs = true;
    if (try(s, &with) > 1) {
        try(s, &alone);
        if (alone.gain > best->gain)
            *best = alone;
    }
    if (with.gain > best->gain)
        *best = with;
}

static bool drop_one(struct remat_search *s, struct candidate *c)
{
    int n = list(s, c);
    struct candidate best = {.gain = 0};

    for (int k = 0; k < n; k++)
        try_both(s, &c[k], &best);
    if (best.gain <= 0)
        return false;
    apply(s, &best);
    s->state.njournal = 0;
    remat_state_look(&s->state, s->budget);
    return true;
}

/* 20 drops for each op at most: each takes off bytes over budget, but may also
 * make others. */
void remat_greedy(struct remat_search *s)
{
    struct candidate *c = ARENA_NEW(s->arena, struct candidate,
                                    (size_t)s->net->job->nvalue + 1);
    int left = 20 * s->net->n;

    s->state.njournal = 0;
    remat_state_look(&s->state, s->budget);
    while (s->state.over > 0 && left-- > 0)
        if (!drop_one(s, c))
            return;
}
