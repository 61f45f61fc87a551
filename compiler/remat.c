/*
 * remat.c: plans for a ladder of budgets.
 *
 * Each budget is tried from the greedy plan, from one by eviction, from the
 * next larger budget's plan and, on the way back up, from the next smaller
 * one's.  A plan that keeps a smaller budget keeps a larger one as well, so the
 * cheapest that fits is never dearer where there is more memory.
 *
 * Drops and their repair follow Chen et al. 2016 and Kirisame et al. 2021 in
 * what they trade, not in how: no checkpoints are chosen, no score decides.
 *
 * Cooling and growth are logarithms to the base 2: 4.32, 5.06, 5.32, 6.64, 9.97
 * and 13.3 are factors of 20, 33, 40, 100, 1000 and 10000 over a run.
 */
#include "compiler/remat_search.h"

const struct remat_effort remat_usual = {.moves = 50000, .seeds = 5};

enum { STARTS = 5, HARDER = 4 };

/* What is known of one budget.  The first plans are the same for all seeds. */
struct rung {
    int64_t budget;
    struct remat_best best;  /* of this seed */
    struct remat_best least; /* of all seeds */
    struct remat_best greedy, evicted;
};

struct ladder {
    struct remat_search *s;
    struct rung *rung;
    int n, moves;
    uint64_t seed;
};

/* How far the best plan so far is above the base order, within bounds. */
static double overhead(const struct ladder *l, const struct remat_best *best)
{
    double base = (double)l->s->net->base_cost + 1e-9;
    int64_t cost = best->found ? best->cost : l->s->state.cost;
    double over = (double)cost / base - 1;

    if (over < 1e-3)
        return 1e-3;
    return over < 1 ? over : 1;
}

/* Long lists need a cooler start: a move changes a smaller part of them. */
static double heat(const struct ladder *l, const struct remat_best *best)
{
    int n = l->s->net->n;

    return 0.01 * overhead(l, best) * (n > 200 ? 200.0 / n : 1);
}

/* Each start has random numbers of its own, so that a change in one search does
 * not shift those of another. */
static void begin(struct ladder *l, int k, int start)
{
    l->s->budget = l->rung[k].budget;
    l->s->random = l->seed * 1000003 + (uint64_t)((STARTS + 1) * k + start);
}

static void load(struct ladder *l, const struct remat_best *from)
{
    remat_state_load(&l->s->state, from->event, from->nevent);
    remat_state_look(&l->s->state, l->s->budget);
}

/* A plan near the budget: begin with a small weight of bytes over, so that it
 * can wander, and end with a large one. */
static void from_greedy(struct ladder *l, int k)
{
    struct rung *r = &l->rung[k];
    struct remat_run run = {
        .cooling = 6.64, .weight = 0.05, .growth = 5.32, .repair = 3};

    begin(l, k, 0);
    load(l, &r->greedy);
    remat_keep_best(l->s, &r->best);
    run.moves = l->moves;
    run.heat = heat(l, &r->best);
    remat_anneal(l->s, &run, &r->best);
}

/* The lowest peak at almost any cost, where nothing else led to a plan. */
static void squeeze(struct ladder *l, int k)
{
    struct rung *r = &l->rung[k];
    struct remat_run run = {.moves = HARDER * l->moves,
                            .heat = 20,
                            .cooling = 13.3,
                            .weight = 2000,
                            .spread = 0.3,
                            .repair = 2,
                            .deep = true};

    begin(l, k, 5);
    load(l, k > 0 && r[-1].best.found ? &r[-1].best : &r->greedy);
    remat_anneal(l->s, &run, &r->best);
}

/* A plan that is over this budget, or no events at all: hotter, with a constant
 * weight and a price for being over at all. */
static void from_larger(struct ladder *l, int k)
{
    static const struct remat_best nothing = {.found = false};
    struct rung *r = &l->rung[k];
    struct remat_run run = {.moves = l->moves,
                            .cooling = 9.97,
                            .weight = 2,
                            .step = 0.01,
                            .spread = 2.5,
                            .repair = 1};

    begin(l, k, 1);
    load(l, k > 0 && r[-1].best.found ? &r[-1].best : &nothing);
    run.heat = 10 * heat(l, &r->best);
    remat_anneal(l->s, &run, &r->best);
}

static void from_eviction(struct ladder *l, int k)
{
    struct rung *r = &l->rung[k];
    struct remat_run run = {
        .cooling = 6.64, .weight = 0.1, .growth = 6.64, .repair = 3};

    begin(l, k, 4);
    load(l, &r->evicted);
    run.moves = l->moves;
    run.heat = heat(l, &r->best);
    remat_anneal(l->s, &run, &r->best);
}

static void from_smaller(struct ladder *l, int k)
{
    struct rung *r = &l->rung[k];
    struct remat_run run = {
        .moves = l->moves, .cooling = 6.64, .weight = 0.1, .growth = 4.32};

    begin(l, k, 2);
    load(l, &r[1].best);
    remat_keep_best(l->s, &r->best);
    run.heat = heat(l, &r->best);
    remat_anneal(l->s, &run, &r->best);
}

static void from_best(struct ladder *l, int k)
{
    struct rung *r = &l->rung[k];
    struct remat_run run = {.moves = l->moves,
                            .cooling = 6.64,
                            .weight = 0.3,
                            .growth = 5.06,
                            .repair = 2};

    begin(l, k, 3);
    load(l, &r->best);
    run.heat = 0.25 * heat(l, &r->best);
    remat_anneal(l->s, &run, &r->best);
}

/* The cheapest within the budget of a few evictions, or the last. */
static void evict(struct ladder *l, int k)
{
    static const enum remat_score score[] = {REMAT_ALONE, REMAT_CHAIN};
    struct rung *r = &l->rung[k];

    for (int i = 0; i < 4; i++) {
        int64_t bytes = r->budget - (i % 2 ? r->budget / 32 : 0);

        if (!remat_evict(l->s, bytes, score[i / 2]))
            continue;
        remat_state_look(&l->s->state, r->budget);
        remat_keep_best(l->s, &r->evicted);
        if (!r->evicted.found)
            remat_keep_any(l->s, &r->evicted);
    }
}

/* First plans, without any chance. */
static void prepare(struct ladder *l, int k)
{
    static const struct remat_best nothing = {.found = false};
    struct rung *r = &l->rung[k];

    begin(l, k, 0);
    load(l, &nothing);
    remat_greedy(l->s);
    remat_keep_best(l->s, &r->best);
    remat_keep_any(l->s, &r->greedy);
    if (l->s->state.cost > l->s->net->base_cost)
        evict(l, k);
}

static bool settled(const struct ladder *l, int k)
{
    return l->rung[k].best.found &&
           l->rung[k].best.cost == l->s->net->base_cost;
}

/* One seed over all budgets, down and up again.  Down, plans are carried to
 * smaller budgets; up, back to larger ones. */
static void climb(struct ladder *l, int64_t bound)
{
    for (int k = 0; k < l->n && l->rung[k].budget >= bound; k++) {
        if (settled(l, k))
            continue;
        from_greedy(l, k);
        from_larger(l, k);
        from_eviction(l, k);
        if (!l->rung[k].best.found)
            squeeze(l, k);
        if (!l->rung[k].best.found)
            break; /* even less will not be found either */
    }
    for (int k = l->n - 1; k >= 0; k--) {
        if (k + 1 < l->n && l->rung[k + 1].best.found && !settled(l, k))
            from_smaller(l, k);
        if (l->rung[k].best.found && !settled(l, k))
            from_best(l, k);
    }
}

static void keep_cheaper(struct remat_best *best, const struct remat_best *x)
{
    if (x->found && (!best->found || x->cost < best->cost))
        *best = *x;
}

/* Seeds know nothing of each other: their best differ more, and the least of
 * them is less. */
static void end_seed(struct ladder *l)
{
    for (int k = 0; k < l->n; k++) {
        keep_cheaper(&l->rung[k].least, &l->rung[k].best);
        if (!settled(l, k))
            l->rung[k].best = (struct remat_best){.found = false};
    }
}

static void search(struct ladder *l, int seeds, int64_t bound)
{
    for (int k = 0; k < l->n && l->rung[k].budget >= bound; k++)
        prepare(l, k);
    for (int i = 1; i <= seeds; i++) {
        l->seed = (uint64_t)i;
        climb(l, bound);
        end_seed(l);
    }
    /* A smaller budget's plan also where it is the cheaper one. */
    for (int k = l->n - 2; k >= 0; k--)
        keep_cheaper(&l->rung[k].least, &l->rung[k + 1].least);
}

/* Peaks and costs that are returned are counted anew from the events, by code
 * that shares nothing with the search. */
void remat_solve(const struct remat_job *job, const uint64_t *budget, int n,
                 const struct remat_effort *effort, struct remat_plan *plan,
                 struct arena *arena)
{
    struct remat_net net;
    struct remat_search s;
    struct ladder l = {.s = &s, .n = n, .moves = effort->moves / STARTS};
    int op;

    remat_net_init(&net, job, arena);
    remat_search_init(&s, &net, arena);
    l.rung = ARENA_NEW(arena, struct rung, (size_t)n + 1);
    for (int k = 0; k < n; k++)
        l.rung[k].budget = (int64_t)budget[k];
    search(&l, effort->seeds, (int64_t)remat_bound(job, &op, arena));
    for (int k = 0; k < n; k++) {
        const struct remat_best *best = &l.rung[k].least;

        plan[k] = (struct remat_plan){.found = false};
        if (best->found)
            plan[k] = remat_measure(job, best->event, best->nevent, arena);
    }
}

const struct remat_plan *remat_pick(const struct remat_plan *plan, int n,
                                    uint64_t budget)
{
    const struct remat_plan *best = NULL;

    for (int k = 0; k < n; k++)
        if (plan[k].found && plan[k].peak <= budget &&
            (!best || plan[k].cost < best->cost))
            best = &plan[k];
    return best;
}
