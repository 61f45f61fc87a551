/*
 * budget.c: of each sequence's ways the fastest that fits; see budget.h.
 *
 * Sequences share the arena, so each must fit into it by itself.  Without a budget
 * the sequences of training take what costs next to no time, and the others no
 * more than those where they can.
 *
 * With a budget the choice goes down step by step: lay out what is chosen, and
 * while it is too high give each sequence that is above the arena's share its
 * next way.  Ways are sorted by falling load and rising seconds, so the first
 * that fits is the fastest of those that were found.  Packing is done once a
 * turn, because a load below the arena's bytes does not yet mean a height below
 * them.
 */
#include "compiler/budget.h"

#include <inttypes.h>
#include <string.h>

/* Without a budget a step may become slower by this. */
static const double NEXT_TO_NO_TIME = 1.01;

/* One sequence and the way that it takes. */
struct choice {
    struct ways ways;
    int at; /* index of the way taken */
};

struct search {
    struct budget *b;
    const struct placing *how;
    struct steps **seq;
    int n;
    struct choice choice[SEQ_KINDS];
    struct memory *m;
    uint64_t total; /* bytes of all slabs as laid out last */
};

static const struct way *way_of(const struct search *s, int i)
{
    return &s->choice[i].ways.way[s->choice[i].at];
}

/* Lay out what is chosen; false where a buffer is larger than a slab may be. */
static bool lay_out(struct search *s)
{
    *s->m = (struct memory){0};
    for (int i = 0; i < s->n; i++)
        s->seq[i] = way_of(s, i)->steps;
    if (!allocate(s->how->graph, s->seq, s->n, s->how->profile, s->b->reuse,
                  s->m))
        return false;
    s->total = 0;
    for (int k = 0; k < s->m->nslab; k++)
        s->total += s->m->slab_bytes[k];
    return true;
}

/* Where a sequence is trained with, time counts; init and load run once.
 * Evaluation and prediction share the arena, but nobody waits for their
 * microseconds as for those of a step that runs a million times. */
static bool is_training(const struct steps *s)
{
    return s->id == SEQ_STEP || s->id == SEQ_ACCUMULATE;
}

/* How many times slower a sequence may become; 0: by any factor. */
static double limit_of(const struct steps *s)
{
    return s->id == SEQ_INIT || s->id == SEQ_LOAD ? 0 : NEXT_TO_NO_TIME;
}

/* Cancelled, there are no more ways, and so the choice soon ends. */
static void look_further(const struct search *s, struct choice *c)
{
    if (s->how->recompute && !s->b->cancelled)
        s->b->cancelled = progress(s->how->cb, "searching what to repeat,",
                                   (uint64_t)c->ways.asked, WAYS_LOADS);
    if (s->how->recompute && !s->b->cancelled)
        ways_more(&c->ways, s->how);
    else
        c->ways.ended = true;
    if (c->at >= c->ways.n) /* a better one took its place */
        c->at = c->ways.n - 1;
}

/* Whether there is a way behind the one taken, and it is settled which. */
static bool has_next(const struct search *s, struct choice *c)
{
    while (c->at + 1 >= c->ways.settled && !c->ways.ended)
        look_further(s, c);
    return c->at + 1 < c->ways.n;
}

/* The first way of at most this load; or the last that costs next to no time, or
 * of all where time does not count. */
static void choose(struct search *s, int i, uint64_t load)
{
    struct choice *c = &s->choice[i];
    const double limit = limit_of(s->seq[i]);

    c->at = 0;
    while (c->ways.way[c->at].load > load) {
        while (c->at + 1 == c->ways.n && !c->ways.ended)
            look_further(s, c);
        if (c->at + 1 >= c->ways.n ||
            (limit > 0 &&
             c->ways.way[c->at + 1].seconds > limit * c->ways.way[0].seconds))
            break;
        c->at++;
    }
}

/* ---- without a budget ---- */

/* First the sequences of training, which take what one per cent of time buys;
 * then the others come down to the highest of those, since less would not
 * shrink the arena. */
static void choose_for_nothing(struct search *s)
{
    uint64_t most = 0;

    for (int i = 0; i < s->n; i++) {
        if (!is_training(s->seq[i]))
            continue;
        choose(s, i, 0);
        if (way_of(s, i)->load > most)
            most = way_of(s, i)->load;
    }
    for (int i = 0; most && i < s->n; i++)
        if (!is_training(s->seq[i]))
            choose(s, i, most);
}

/* ---- with a budget ---- */

/* How often a sequence runs in an update; as plan_step_seconds() has it. */
static double times_of(const struct graph *g, const struct steps *s)
{
    const int64_t pieces = (g->effective + g->batch - 1) / g->batch;

    return s->id == SEQ_STEP         ? 1
           : s->id == SEQ_ACCUMULATE ? (double)(pieces - 1)
           : s->id == SEQ_COUNT      ? (double)pieces
                                     : 0;
}

/* Predicted, of an update. */
static double update_seconds(const struct graph *g, struct steps *const *seq,
                             int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        for (int k = 0; k < seq[i]->n; k++)
            sum += times_of(g, seq[i]) * seq[i]->step[k].seconds;
    return sum;
}

static bool is_fast_enough(const struct search *s)
{
    double sum = 0;

    for (int i = 0; i < s->n; i++)
        sum += times_of(s->how->graph, s->seq[i]) * way_of(s, i)->seconds;
    return s->b->faster_than <= 0 || sum < s->b->faster_than;
}

/* Above this a sequence is too large: the arena's bytes or, where each has at
 * most those but needs them in other slabs, less than the highest has. */
static uint64_t height_limit(const struct search *s, uint64_t arena)
{
    uint64_t top = 0;

    for (int i = 0; i < s->n; i++)
        top = s->seq[i]->height > top ? s->seq[i]->height : top;
    return top > arena ? arena : top - 1;
}

/* Give each sequence that is too large its next way that may fit; false where
 * one has none, or none that is fast enough.  A way whose load alone is above the
 * arena is passed over without packing: the load is a bound of its height. */
static bool shrink(struct search *s, uint64_t arena)
{
    const uint64_t limit = height_limit(s, arena);

    for (int i = 0; i < s->n; i++) {
        struct choice *c = &s->choice[i];

        if (s->seq[i]->height <= limit)
            continue;
        do {
            if (!has_next(s, c))
                return false;
            c->at++;
            if (!is_fast_enough(s))
                return false;
        } while (way_of(s, i)->load > arena);
    }
    return true;
}

static void choose_least(struct search *s)
{
    for (int i = 0; i < s->n; i++)
        while (has_next(s, &s->choice[i]))
            s->choice[i].at++;
}

/* Bytes that no choice goes below.  The arena's part is one step's own working
 * set, so no search is needed to know it. */
static uint64_t least_needed(const struct search *s)
{
    uint64_t arena = 0;

    for (int i = 0; i < s->n; i++) {
        uint64_t bound = ways_bound(&s->choice[i].ways, s->how);

        arena = bound > arena ? bound : arena;
    }
    return s->total - s->m->arena_bytes + arena;
}

/* Lay out what takes the least, of which the caller says why it is not less; true
 * where that fits after all, since repeats may share memory that least_needed()
 * does not know of.  Of a look, or where there is a faster plan, the
 * answer is only that bound, and this refusal is never shown. */
static bool refuse(struct search *s)
{
    s->b->over = true;
    if (s->b->look || s->b->faster_than > 0)
        return reject_here(s->how->graph,
                           "%" PRIu64 " bytes of memory are too few",
                           s->b->bytes);
    choose_least(s);
    s->b->least = lay_out(s);
    s->b->would_do = s->total;
    if (!s->b->least || s->total > s->b->bytes)
        return false;
    s->b->over = s->b->least = false;
    return true;
}

/* Ends: each turn moves at least one sequence to a later way, and ways are
 * finite.  If the persistent leaves alone are above the budget, least_needed()
 * says so before the subtraction could wrap. */
static bool keep_budget(struct search *s)
{
    uint64_t persistent = s->total - s->m->arena_bytes;
    bool able;

    if (s->total <= s->b->bytes)
        return true;
    s->b->would_do = least_needed(s);
    able = s->b->would_do <= s->b->bytes && !s->b->look;
    while (able && s->total > s->b->bytes) {
        able = shrink(s, s->b->bytes - persistent);
        if (able && !lay_out(s))
            return false;
    }
    return able || refuse(s);
}

static void tell(struct search *s)
{
    s->b->nnote = 0;
    for (int i = 0; i < s->n; i++) {
        const struct way *w = way_of(s, i), *plain = s->choice[i].ways.way;

        if (w->repeats && is_training(w->steps))
            s->b->note[s->b->nnote++] = arena_format(
                s->how->graph->arena,
                "sequence %s computes %d results again, in %.1f %% more "
                "predicted time: at its peak %" PRIu64
                " bytes are alive, not %" PRIu64,
                plan_sequence_name(w->steps->id), w->repeats,
                100 * (w->seconds / plain->seconds - 1), w->load, plain->load);
    }
}

/* What the caller is told is of the sequence that would need most, `step` or
 * `accumulate`, not a sum over both. */
static void keep_account(const struct search *s)
{
    struct plancl_compile_done *d = &s->b->done;

    *d = (struct plancl_compile_done){.memory = s->b->bytes};
    for (int i = 0; i < s->n; i++) {
        const struct way *w = way_of(s, i), *plain = s->choice[i].ways.way;

        if (!is_training(w->steps) || plain->load < d->kept_load)
            continue;
        d->repeats = (uint32_t)w->repeats;
        d->load = w->load;
        d->kept_load = plain->load;
        d->seconds = w->seconds;
        d->kept_seconds = plain->seconds;
    }
}

static bool place(struct budget *b, const struct placing *how,
                  struct steps **seq, int nseq, struct memory *m)
{
    struct search s = {.b = b, .how = how, .seq = seq, .n = nseq, .m = m};

    b->over = b->least = false;
    for (int i = 0; i < nseq; i++) {
        if (how->order && limit_of(seq[i]) > 0)
            seq[i] = steps_in_order(seq[i], how);
        s.choice[i].ways = ways_plain(seq[i], how);
    }
    if (!b->bytes && how->recompute)
        choose_for_nothing(&s);
    if (!lay_out(&s)) {
        b->over = b->bytes && b->look;
        b->would_do = BUDGET_NONE;
        return false;
    }
    if (b->bytes && !keep_budget(&s))
        return false;
    tell(&s);
    keep_account(&s);
    return true;
}

/* ---- two orders ---- */

/* How place() answered, for steps in one order. */
struct answer {
    struct steps *seq[SEQ_KINDS];
    struct budget budget;
    struct memory memory;
    struct diag diag;
    bool placed;
    double seconds;
};

static void ask(struct answer *x, const struct placing *how, int n)
{
    x->placed = place(&x->budget, how, x->seq, n, &x->memory);
    x->seconds = update_seconds(how->graph, x->seq, n);
    x->diag = *how->graph->diag;
}

static bool is_better(const struct answer *x, const struct answer *than)
{
    if (x->placed && than->placed)
        return x->seconds < than->seconds;
    return x->placed ||
           (!than->placed && x->budget.would_do < than->budget.would_do);
}

/* With every result kept another order needs no more than the model's own.  Where
 * results are computed again it may be the other way round, so both are tried
 * unless nothing could be better. */
bool budget_place(struct budget *b, const struct placing *how,
                  struct steps **seq, int nseq, struct memory *m)
{
    const size_t size = (size_t)nseq * sizeof(struct steps *);
    const double kept = update_seconds(how->graph, seq, nseq);
    struct placing natural = *how;
    struct answer x = {.budget = *b}, y = {.budget = *b};
    const struct answer *best = &x;

    x.budget.kept_seconds = y.budget.kept_seconds = kept;
    memcpy(x.seq, seq, size);
    memcpy(y.seq, seq, size);
    ask(&x, how, nseq);
    if (b->bytes && !b->look && how->order && !x.budget.cancelled &&
        !(x.placed && x.seconds <= kept)) {
        natural.order = false;
        if (x.placed)
            y.budget.faster_than = x.seconds;
        how->graph->diag->failed = false;
        ask(&y, &natural, nseq);
        if (is_better(&y, &x))
            best = &y;
    }
    *b = best->budget;
    b->cancelled = x.budget.cancelled || y.budget.cancelled;
    *m = best->memory;
    *how->graph->diag = best->diag;
    memcpy(seq, best->seq, size);
    return best->placed;
}
