/*
 * remat_order.c: an order of the ops in which fewer bytes are alive at once.
 *
 * Simulated annealing from the order that is given: an op goes to another place
 * between the last op that it needs and the first that needs it.  What is made
 * less is the sum, over all places, of the bytes above a target just below the
 * best peak so far, since the peak alone hardly ever changes by one move.
 *
 * Then, by moves that only descend, the sum of the squares of what is alive and not
 * cheap to make again: where the peak is elsewhere it does not matter to the peak how
 * ops lie, but it does to those who compute results again to get below it.
 *
 * Of a training step's chain little is free: gradients of large weights, which can
 * wait until activations are gone, and branches.  Where branches are free a fifth or
 * a quarter of the peak may go.
 *
 * Between places where all ops before and behind stay the same, nothing changes: a
 * move costs a count over the places that it goes across.
 */
#include <math.h>
#include <string.h>

#include "compiler/remat.h"

enum { MOST_UNITS = 1 << 20 }; /* so that no sum of squares overflows */

/* Ops by op, those of i from begin[i] to begin[i + 1]. */
struct links {
    int *begin, *op;
};

/* Of an order. */
struct counted {
    uint64_t peak;
    int place;        /* where the peak is */
    int first, end;   /* places above the target lie within */
    uint64_t above;   /* bytes above the target, over all places */
    uint64_t squares; /* of units of what weighs, summed over all places */
};

/* Bytes of a job in the order at hand. */
struct profile {
    const struct remat_job *job;
    int *last; /* by value: the place of its last reader */
    uint64_t *here,
        *live; /* by place: alive while its op runs, and behind it */
};

struct order {
    const struct remat_job *job;
    struct links needs, needed, makes; /* makes: values, not ops */
    int *at, *place;                   /* op by place, place by op */
    struct profile all, heavy;         /* heavy: see remat_heavy.c */
    uint64_t target, unit;             /* of bytes */
    struct counted now;
    uint32_t random;
};

static uint32_t next_below(struct order *o, int n)
{
    o->random = o->random * 1664525U + 1013904223U; /* Numerical Recipes */
    return (uint32_t)((uint64_t)o->random * (uint32_t)n >> 32);
}

/* ---- the graph ---- */

static bool ends_early(const struct remat_job *job, int i)
{
    return job->op[i].until > i && job->op[i].until < job->nop - 1;
}

/* Once to count into begin[], and when sum_up() has made room, to fill. */
static void link_ops(const struct order *o, struct links *needs,
                     struct links *needed, bool fill)
{
    const struct remat_job *job = o->job;

    for (int i = 0; i < job->nop; i++) {
        for (int k = 0; k < job->op[i].nin + 1; k++) {
            int from = k < job->op[i].nin ? job->value[job->op[i].in[k]].maker
                                          : i;
            int to = k < job->op[i].nin ? i : job->op[i].until;

            if (from == i && !ends_early(job, i))
                continue;
            if (fill) {
                needs->op[needs->begin[to]++] = from;
                needed->op[needed->begin[from]++] = to;
            } else {
                needs->begin[to + 1]++;
                needed->begin[from + 1]++;
            }
        }
    }
}

static void sum_up(struct links *l, int n, struct arena *a)
{
    for (int i = 0; i < n; i++)
        l->begin[i + 1] += l->begin[i];
    l->op = ARENA_NEW(a, int, (size_t)l->begin[n] + 1);
}

/* Filling has moved each begin to the next one's. */
static void shift_back(struct links *l, int n)
{
    memmove(l->begin + 1, l->begin, (size_t)n * sizeof *l->begin);
    l->begin[0] = 0;
}

static void link_all(struct order *o, struct arena *a)
{
    const struct remat_job *job = o->job;
    struct links *all[] = {&o->needs, &o->needed, &o->makes};

    for (int k = 0; k < 3; k++)
        all[k]->begin = ARENA_NEW(a, int, (size_t)job->nop + 2);
    link_ops(o, &o->needs, &o->needed, false);
    for (int v = 0; v < job->nvalue; v++)
        o->makes.begin[job->value[v].maker + 1]++;
    for (int k = 0; k < 3; k++)
        sum_up(all[k], job->nop, a);
    link_ops(o, &o->needs, &o->needed, true);
    for (int v = 0; v < job->nvalue; v++)
        o->makes.op[o->makes.begin[job->value[v].maker]++] = v;
    for (int k = 0; k < 3; k++)
        shift_back(all[k], job->nop);
}

/* ---- an order's bytes ---- */

/* Of what is made or read within these places. */
static void find_last(const struct order *o, struct profile *f, int low,
                      int end)
{
    for (int p = low; p < end; p++) {
        const int i = o->at[p];
        const struct remat_op *op = &f->job->op[i];

        for (int k = o->makes.begin[i]; k < o->makes.begin[i + 1]; k++)
            if (f->last[o->makes.op[k]] < end)
                f->last[o->makes.op[k]] = p;
        for (int k = 0; k < op->nin; k++)
            if (f->last[op->in[k]] < end)
                f->last[op->in[k]] = p;
    }
}

/* Bytes alive while the op at a place runs; *live goes on behind it. */
static uint64_t run_place(const struct order *o, const struct profile *f,
                          int place, uint64_t *live)
{
    const struct remat_value *value = f->job->value;
    const int i = o->at[place];
    const struct remat_op *op = &f->job->op[i];
    uint64_t here;

    for (int k = o->makes.begin[i]; k < o->makes.begin[i + 1]; k++)
        *live += value[o->makes.op[k]].bytes;
    here = *live + op->workspace;
    if (op->over && f->last[op->over - 1] == place)
        here -= value[op->over - 1].bytes;
    for (int k = 0; k < op->nin; k++)
        if (f->last[op->in[k]] == place)
            *live -= value[op->in[k]].bytes;
    for (int k = o->makes.begin[i]; k < o->makes.begin[i + 1]; k++)
        if (f->last[o->makes.op[k]] == place)
            *live -= value[o->makes.op[k]].bytes;
    return here;
}

static uint64_t excess_of(const struct order *o, uint64_t here)
{
    return here > o->target ? here - o->target : 0;
}

static uint64_t square_of(const struct order *o, uint64_t here)
{
    return (here / o->unit) * (here / o->unit);
}

static bool is_within(int place, int low, int end)
{
    return place >= low && place < end;
}

/* The first place of the peak, and those above the target: only among these places,
 * where none that was found before is one of them. */
static void find_peak(struct order *o, int low, int end)
{
    struct counted *now = &o->now;

    if (is_within(now->place, low, end) || is_within(now->first, low, end) ||
        is_within(now->end - 1, low, end)) {
        now->first = end = o->job->nop;
        now->end = low = 0;
        now->peak = 0;
    }
    for (int p = low; p < end; p++) {
        uint64_t here = o->all.here[p];

        if (here > o->target) {
            now->first = p < now->first ? p : now->first;
            now->end = p >= now->end ? p + 1 : now->end;
        }
        if (here > now->peak || (here == now->peak && p < now->place)) {
            now->peak = here;
            now->place = p;
        }
    }
}

/* After a change of order within these places. */
static void recount(struct order *o, int low, int end)
{
    struct profile *all = &o->all, *heavy = &o->heavy;
    uint64_t live = low ? all->live[low - 1] : 0;
    uint64_t weighs = low ? heavy->live[low - 1] : 0;

    find_last(o, all, low, end);
    find_last(o, heavy, low, end);
    for (int p = low; p < end; p++) {
        uint64_t here = run_place(o, all, p, &live);
        uint64_t weight = run_place(o, heavy, p, &weighs);

        o->now.above += excess_of(o, here) - excess_of(o, all->here[p]);
        o->now.squares += square_of(o, weight) - square_of(o, heavy->here[p]);
        all->here[p] = here;
        all->live[p] = live;
        heavy->here[p] = weight;
        heavy->live[p] = weighs;
    }
    find_peak(o, low, end);
}

static void begin_count(struct profile *f)
{
    memset(f->here, 0, (size_t)f->job->nop * sizeof *f->here);
    for (int v = 0; v < f->job->nvalue; v++)
        f->last[v] = f->job->value[v].kept ? f->job->nop : 0;
}

static void count(struct order *o)
{
    o->now = (struct counted){.above = 0};
    begin_count(&o->all);
    begin_count(&o->heavy);
    recount(o, 0, o->job->nop);
}

/* ---- moves ---- */

static void move(struct order *o, int from, int to)
{
    const int op = o->at[from], step = from < to ? 1 : -1;

    for (int p = from; p != to; p += step) {
        o->at[p] = o->at[p + step];
        o->place[o->at[p]] = p;
    }
    o->at[to] = op;
    o->place[op] = to;
    recount(o, from < to ? from : to, (from < to ? to : from) + 1);
}

/* The places that an op may go to. */
static void span_of(const struct order *o, int op, int *low, int *high)
{
    *low = 0;
    *high = o->job->nop - 1;
    for (int k = o->needs.begin[op]; k < o->needs.begin[op + 1]; k++)
        if (o->place[o->needs.op[k]] >= *low)
            *low = o->place[o->needs.op[k]] + 1;
    for (int k = o->needed.begin[op]; k < o->needed.begin[op + 1]; k++)
        if (o->place[o->needed.op[k]] <= *high)
            *high = o->place[o->needed.op[k]] - 1;
}

/* An op and another place for it; false where it has none.  To one end, to the
 * other, across the peak, or anywhere. */
static bool choose_any(struct order *o, int *from, int *to)
{
    int low, high;

    *from = (int)next_below(o, o->job->nop);
    span_of(o, o->at[*from], &low, &high);
    switch (next_below(o, 4)) {
    case 0:
        *to = low;
        break;
    case 1:
        *to = high;
        break;
    case 2:
        *to = o->now.place;
        break;
    default:
        *to = low + (int)next_below(o, high - low + 1);
    }
    return *to >= low && *to <= high && *to != *from;
}

/* One that changes what is above the target. */
static bool choose(struct order *o, int *from, int *to)
{
    int low, high;

    if (!choose_any(o, from, to))
        return false;
    low = *from < *to ? *from : *to;
    high = *from < *to ? *to : *from;
    return low < o->now.end && high >= o->now.first;
}

/* With heat, what stands out may become more; without, all that is alive must
 * become less, and the peak no more. */
static bool accepts(struct order *o, const struct counted *before, double heat)
{
    double worse = (double)(int64_t)(o->now.above - before->above);

    if (heat <= 0)
        return o->now.peak <= before->peak && o->now.squares < before->squares;
    return worse <= 0 ||
           (double)next_below(o, 1 << 30) / (1 << 30) < exp(-worse / heat);
}

/* Just below the best peak, so that only what stands out counts. */
static void aim(struct order *o, uint64_t best)
{
    o->target = best - best / 50;
    count(o);
}

/* A move, unless it is not worth its heat. */
static void try_move(struct order *o, int from, int to, double heat)
{
    struct counted before = o->now;

    move(o, from, to);
    if (!accepts(o, &before, heat))
        move(o, to, from);
}

/* The heat falls from a tenth of the peak to nothing. */
static void anneal(struct order *o, int64_t effort, int *order)
{
    const size_t size = (size_t)o->job->nop * sizeof *order;
    uint64_t best = o->now.peak;

    aim(o, best);
    for (int64_t spent = 0; spent < effort; spent++) {
        double left = 1 - (double)spent / (double)effort;
        int from, to;

        if (!choose(o, &from, &to))
            continue;
        try_move(o, from, to, 0.1 * (double)best * left + 1);
        spent += o->job->nop;
        if (o->now.peak >= best)
            continue;
        best = o->now.peak;
        memcpy(order, o->at, size);
        aim(o, best);
    }
}

/* From the best order that was found. */
static void descend(struct order *o, int64_t effort, int *order)
{
    for (int p = 0; p < o->job->nop; p++) {
        o->at[p] = order[p];
        o->place[order[p]] = p;
    }
    count(o);
    for (int64_t spent = 0; spent < effort; spent++) {
        int from, to;

        if (!choose_any(o, &from, &to))
            continue;
        try_move(o, from, to, 0);
        spent += o->job->nop;
    }
    memcpy(order, o->at, (size_t)o->job->nop * sizeof *order);
}

static struct profile profile_of(const struct remat_job *job, struct arena *a)
{
    const size_t n = (size_t)job->nop + 1;

    return (struct profile){job, ARENA_NEW(a, int, (size_t)job->nvalue + 1),
                            ARENA_NEW(a, uint64_t, n),
                            ARENA_NEW(a, uint64_t, n)};
}

uint64_t remat_order(const struct remat_job *job, int64_t effort, int *order,
                     struct arena *a)
{
    struct order o = {.job = job, .unit = 1, .random = 1};
    const size_t n = (size_t)job->nop + 1;

    o.at = ARENA_NEW(a, int, n);
    o.place = ARENA_NEW(a, int, n);
    for (int i = 0; i < job->nop; i++)
        order[i] = o.at[i] = o.place[i] = i;
    link_all(&o, a);
    o.all = profile_of(job, a);
    o.heavy = profile_of(remat_heavy(job, a), a);
    count(&o);
    if (job->nop > 1) {
        o.unit = o.now.peak / MOST_UNITS + 1;
        anneal(&o, effort, order);
        descend(&o, effort, order);
    }
    return o.now.peak;
}
