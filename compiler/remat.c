/*
 * remat.c: plans for a ladder of budgets.
 *
 * Each budget is tried from the greedy plan, from one by eviction, from the next
 * larger budget's plan and, on the way back up, from the next smaller one's.  A plan that keeps a
 * smaller budget keeps a larger one as well, so the cheapest that fits is never
 * dearer where there is more memory.
 *
 * Drops and their repair follow Chen et al. 2016 and Kirisame et al. 2021 in
 * what they trade, not in how: no checkpoints are chosen, no score decides.
 */
#include <string.h>

#include "compiler/remat_search.h"

const struct remat_effort remat_usual = {.moves = 50000, .seeds = 5};

enum { STARTS = 5, LONG = 2500 };

struct ladder {
    struct remat_search *s;
    const uint64_t *budget;
    struct remat_best *best;
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

static void begin(struct ladder *l, int k, int start,
                  const struct remat_best *from)
{
    l->s->budget = (int64_t)l->budget[k];
    l->s->random = l->seed * 1000003 + (uint64_t)(STARTS * k + start);
    remat_state_load(&l->s->state, from ? from->event : NULL,
                     from ? from->nevent : 0);
}

static void from_greedy(struct ladder *l, int k)
{
    struct remat_best *best = &l->best[k];
    struct remat_run run = {.moves = l->moves,
                            .cooling = 6.64,
                            .weight = 0.05,
                            .growth = 5.32,
                            .repair = 3};

    begin(l, k, 0, NULL);
    remat_greedy(l->s);
    remat_keep_best(l->s, best);
    run.heat = heat(l, best);
    remat_anneal(l->s, &run, best);
}

static void from_larger(struct ladder *l, int k)
{
    struct remat_best *best = &l->best[k];
    struct remat_run run = {.moves = l->moves,
                            .cooling = 9.97,
                            .weight = 2,
                            .step = 0.01,
                            .spread = 2.5,
                            .repair = 1};

    begin(l, k, 1, k > 0 && l->best[k - 1].found ? &l->best[k - 1] : NULL);
    run.heat = 10 * heat(l, best);
    remat_anneal(l->s, &run, best);
}

static void from_smaller(struct ladder *l, int k)
{
    struct remat_best *best = &l->best[k];
    struct remat_run run = {
        .moves = l->moves, .cooling = 6.64, .weight = 0.1, .growth = 4.32};

    begin(l, k, 2, &l->best[k + 1]);
    remat_state_look(&l->s->state, l->s->budget);
    remat_keep_best(l->s, best);
    run.heat = heat(l, best);
    remat_anneal(l->s, &run, best);
}

static void from_best(struct ladder *l, int k)
{
    struct remat_best *best = &l->best[k];
    struct remat_run run = {.moves = l->moves,
                            .cooling = 6.64,
                            .weight = 0.3,
                            .growth = 5.06,
                            .repair = 2};

    begin(l, k, 3, best);
    run.heat = 0.25 * heat(l, best);
    remat_anneal(l->s, &run, best);
}

/* The state keeps the best of a few evictions, or the last that was over. */
static bool evict(struct ladder *l, struct remat_best *first)
{
    static const enum remat_score score[] = {REMAT_ALONE, REMAT_CHAIN};
    int nscore = l->s->net->n > LONG ? 1 : 2;
    bool any = false;

    for (int i = 0; i < 2 * nscore; i++) {
        int64_t bytes = l->s->budget - (i % 2 ? l->s->budget / 32 : 0);

        if (!remat_evict(l->s, bytes, score[i / 2]))
            continue;
        remat_state_look(&l->s->state, l->s->budget);
        remat_keep_best(l->s, first);
        any = true;
    }
    if (first->found)
        remat_state_load(&l->s->state, first->event, first->nevent);
    return any;
}

static void from_eviction(struct ladder *l, int k)
{
    struct remat_best *best = &l->best[k], first = {.found = false};
    struct remat_run run = {.moves = l->moves,
                            .cooling = 6.64,
                            .weight = 0.1,
                            .growth = 6.64,
                            .repair = 3};

    begin(l, k, 4, NULL);
    if (!evict(l, &first))
        return;
    run.heat = heat(l, best);
    remat_anneal(l->s, &run, best);
}

static bool settled(const struct ladder *l, int k)
{
    return l->best[k].found && l->best[k].cost == l->s->net->base_cost;
}

/* One seed over all budgets, down and up again. */
static void climb(struct ladder *l, uint64_t bound)
{
    for (int k = 0; k < l->n && l->budget[k] >= bound; k++) {
        if (!settled(l, k))
            from_greedy(l, k);
        if (!settled(l, k))
            from_larger(l, k);
        if (!settled(l, k))
            from_eviction(l, k);
    }
    for (int k = l->n - 1; k >= 0; k--) {
        if (k + 1 < l->n && l->best[k + 1].found && !settled(l, k))
            from_smaller(l, k);
        if (l->best[k].found && !settled(l, k))
            from_best(l, k);
    }
}

/* A smaller budget's plan also where it is the cheaper one. */
static void settle(struct ladder *l)
{
    for (int k = l->n - 2; k >= 0; k--)
        if (l->best[k + 1].found &&
            (!l->best[k].found || l->best[k + 1].cost < l->best[k].cost))
            l->best[k] = l->best[k + 1];
}

void remat_solve(const struct remat_job *job, const uint64_t *budget, int n,
                 const struct remat_effort *effort, struct remat_plan *plan,
                 struct arena *arena)
{
    struct remat_net net;
    struct remat_search s;
    struct ladder l = {.s = &s, .budget = budget, .n = n};
    int op;
    uint64_t bound = remat_bound(job, &op, arena);

    remat_net_init(&net, job, arena);
    remat_search_init(&s, &net, arena);
    l.best = ARENA_NEW(arena, struct remat_best, (size_t)n + 1);
    l.moves = effort->moves / STARTS;
    for (int k = 0; k < effort->seeds; k++) {
        l.seed = (uint64_t)k + 1;
        climb(&l, bound);
    }
    settle(&l);
    for (int k = 0; k < n; k++) {
        plan[k] = (struct remat_plan){.found = false};
        if (l.best[k].found)
            plan[k] = remat_measure(job, l.best[k].event, l.best[k].nevent,
                                    arena);
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
