/*
 * remat_move.c: random changes of a list of events.
 *
 * Half of the moves drop a value, three in four of them one that is alive at
 * the peak and not used there; the rest remove an event, often followed by such
 * drops where the budget is exceeded, or shift one.
 */
#include "compiler/remat_search.h"

#include <stdlib.h>

enum { DEPTH = 48, SHALLOW = 2, TRIES = 8, REPAIRS = 3, NEAR = 8 };

/* Events that are allowed before there is anything to take a mean of. */
enum { FIRST = 200000 };

/* By bits: no floating-point function, whose last digit differs between
 * machines. */
static uint64_t root_of(uint64_t x)
{
    uint64_t root = 0;

    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= x)
            root += bit;
    return root;
}

/* Only what some op stands between two uses of is worth dropping. */
static bool has_gap(const struct remat_net *net, int value)
{
    int last = net->job->value[value].maker;

    if (net->until[last] <= last)
        return false;
    for (int k = net->reader_at[value]; k < net->reader_at[value + 1]; k++) {
        if (net->reader[k] - last > 1)
            return true;
        last = net->reader[k];
    }
    return false;
}

void remat_search_init(struct remat_search *s, const struct remat_net *net,
                       struct arena *arena)
{
    int n = net->job->nvalue;

    *s = (struct remat_search){.net = net, .arena = arena, .allowed = FIRST};
    remat_state_init(&s->state, net, arena);
    s->weight = ARENA_NEW(arena, uint64_t, (size_t)n + 1);
    for (int v = 0; v < n; v++)
        s->weight[v + 1] = s->weight[v] +
                           (has_gap(net, v) ? root_of(net->job->value[v].bytes)
                                            : 0);
}

/* A value by the root of its bytes; -1 when none is worth it.  A binary search
 * in the sums of weights.  The root favours large values without forgetting the
 * many small ones. */
static int draw_value(struct remat_search *s)
{
    int low = 0, high = s->net->job->nvalue;
    uint64_t x;

    if (!s->weight[high])
        return -1;
    x = remat_random(&s->random) % s->weight[high];
    while (high - low > 1) {
        int middle = low + (high - low) / 2;

        if (s->weight[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* A drop may pull inputs along never, half of the time, nine times in ten or
 * always: chains of very different lengths get tried.  Where an op has many
 * inputs, nearly every chain pulls half of the graph along and is undone; short
 * ones then find more in a quarter of the time. */
static struct remat_taste draw_taste(struct remat_search *s)
{
    static const uint64_t chance[] = {0, 32768, 58982, 65536};
    int most = remat_is_beyond(s) ? SHALLOW : DEPTH;

    return (struct remat_taste){.random = &s->random,
                                .chance = chance[remat_below(s, 4)],
                                .most = most};
}

/*
 * Where a value may be made again so that it is not there at the key: just
 * before the next use of its copy, or -1 when it is used there or next to it.
 */
static int next_use(const struct remat_state *st, int value, int64_t key)
{
    const struct remat_net *net = st->net;
    int maker = net->job->value[value].maker;
    const struct remat_copies *c = &st->copies[maker];
    int copy = remat_state_copy(st, maker, key);
    int64_t born = remat_key(st, c->before[copy], maker), before = born;
    int64_t end = copy + 1 < c->n ? remat_key(st, c->before[copy + 1], maker)
                                  : REMAT_NEVER;
    int64_t after = REMAT_NEVER;

    for (int k = net->reader_at[value]; k < net->reader_at[value + 1]; k++) {
        const struct remat_copies *r = &st->copies[net->reader[k]];

        for (int j = 0; j < r->n; j++) {
            int64_t use = remat_key(st, r->before[j], net->reader[k]);

            if (use >= key && use < end && use < after)
                after = use;
            if (use < key && use > before)
                before = use;
        }
    }
    if (after == REMAT_NEVER || after == key ||
        remat_key_before(st, before) >= remat_key_before(st, after))
        return -1;
    return remat_key_before(st, after);
}

/* An op's own results, at the peak or in front of it, are no drop there. */
static bool behind_peak(const struct remat_state *st, int before, int op)
{
    return before >= remat_key_before(st, st->peak_key) && before > op;
}

/* Eight tries: a random value is often not alive at the peak, and a list of
 * those that are would cost more. */
static bool drop_at_peak(struct remat_search *s)
{
    struct remat_state *st = &s->state;

    for (int k = 0; k < TRIES; k++) {
        int value = draw_value(s), maker, before;

        if (value < 0)
            return false;
        maker = s->net->job->value[value].maker;
        if (remat_key(st, maker, maker) >= st->peak_key ||
            st->end[value][remat_state_copy(st, maker, st->peak_key)] <=
                st->peak_key)
            continue;
        before = remat_latest(st, next_use(st, value, st->peak_key), maker);
        if (before >= 0 && behind_peak(st, before, maker) &&
            remat_state_may_add(st, before, maker)) {
            struct remat_taste taste = draw_taste(s);

            remat_state_add(st, before, maker, &taste);
            return true;
        }
    }
    return false;
}

static int by_key(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* All keys that make or read the value, ascending. */
static int list_uses(struct remat_search *s, int value)
{
    const struct remat_net *net = s->net;
    const struct remat_state *st = &s->state;
    int maker = net->job->value[value].maker, n = 0, most;

    most = st->copies[maker].n;
    for (int k = net->reader_at[value]; k < net->reader_at[value + 1]; k++)
        most += st->copies[net->reader[k]].n;
    if (most > s->use_room) {
        s->use_room = 2 * most;
        s->use = ARENA_NEW(s->arena, int64_t, (size_t)s->use_room);
    }
    for (int j = 0; j < st->copies[maker].n; j++)
        s->use[n++] = remat_key(st, st->copies[maker].before[j], maker);
    for (int k = net->reader_at[value]; k < net->reader_at[value + 1]; k++) {
        const struct remat_copies *c = &st->copies[net->reader[k]];

        for (int j = 0; j < c->n; j++)
            s->use[n++] = remat_key(st, c->before[j], net->reader[k]);
    }
    qsort(s->use, (size_t)n, sizeof *s->use, by_key);
    return n;
}

/* Drop a value between any two uses. */
static bool drop_anywhere(struct remat_search *s)
{
    const struct remat_state *st = &s->state;
    int value = draw_value(s), n, maker, first;

    if (value < 0)
        return false;
    maker = s->net->job->value[value].maker;
    n = list_uses(s, value);
    if (n < 2)
        return false;
    first = remat_below(s, n - 1);
    for (int k = 0; k < n - 1; k++) {
        int at = 1 + (first + k) % (n - 1);
        int64_t use = s->use[at];
        int before = remat_latest(st, remat_key_before(st, use), maker);

        if (remat_key_op(st, use) != maker &&
            remat_key_before(st, s->use[at - 1]) < before &&
            remat_state_may_add(st, before, maker)) {
            struct remat_taste taste = draw_taste(s);

            remat_state_add(&s->state, before, maker, &taste);
            return true;
        }
    }
    return false;
}

/* An event that is none of the base order's, the first from a random spot on;
 * op -1 when there is none. */
static struct remat_event draw_event(struct remat_search *s)
{
    const struct remat_state *st = &s->state;
    struct remat_event e = {-1, -1};
    int at, k = 0;

    if (st->nspot == s->net->n)
        return e;
    at = remat_below(s, st->nspot);
    while (e.before == e.op) { /* the base order's */
        while (at >= remat_page_spots(&st->page[k])) {
            at -= remat_page_spots(&st->page[k]);
            k = (k + 1) % st->look.nblock;
        }
        e.before = remat_key_before(st, st->page[k].spot[at].key);
        e.op = remat_key_op(st, st->page[k].spot[at].key);
        at++;
    }
    return e;
}

/* A removal alone mostly goes over the budget, and would be undone. */
static void remove_and_repair(struct remat_search *s, struct remat_event e,
                              int repair)
{
    remat_state_remove(&s->state, e.before, e.op);
    if (!repair || remat_below(s, repair))
        return;
    for (int k = 0; k < REPAIRS; k++) {
        remat_state_look(&s->state, s->budget);
        if (!s->state.over)
            return;
        drop_at_peak(s);
    }
}

/* The last use of any result of an event. */
static int64_t last_use_of(const struct remat_state *st, struct remat_event e)
{
    const struct remat_net *net = st->net;
    int copy = remat_state_copy(st, e.op, remat_key(st, e.before, e.op) + 1);
    int64_t last = 0;

    for (int k = net->out_at[e.op]; k < net->out_at[e.op + 1]; k++)
        if (st->end[net->out[k]][copy] > last)
            last = st->end[net->out[k]][copy];
    return last;
}

/* To a place near by, or anywhere between the copy before and its last use. */
static bool shift(struct remat_search *s, struct remat_event e)
{
    struct remat_state *st = &s->state;
    int copy = remat_state_copy(st, e.op, remat_key(st, e.before, e.op));
    int low = st->copies[e.op].before[copy] + 1, to;
    int64_t last = last_use_of(st, e);
    int high = last >= REMAT_NEVER ? s->net->n - 1 : remat_key_before(st, last);

    if (remat_below(s, 2)) {
        int way = remat_below(s, 2) ? 1 : -1;

        to = e.before + way * (1 + remat_below(s, NEAR));
    } else {
        if (high < low)
            return false;
        to = low + remat_below(s, high - low + 1);
    }
    if (!remat_state_may_add(st, to, e.op))
        return false;
    remat_state_remove(st, e.before, e.op);
    if (remat_state_may_add(st, to, e.op)) {
        struct remat_taste taste = draw_taste(s);

        remat_state_add(st, to, e.op, &taste);
    }
    return true;
}

bool remat_move(struct remat_search *s, int repair)
{
    int kind = remat_below(s, 16);
    struct remat_event e;

    if (kind < 8)
        return remat_below(s, 4) ? drop_at_peak(s) : drop_anywhere(s);
    e = draw_event(s);
    if (e.op < 0)
        return false;
    if (kind >= 13)
        return shift(s, e);
    remove_and_repair(s, e, repair);
    return true;
}
