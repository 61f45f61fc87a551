/*
 * remat.c: recomputation within a budget.
 *
 * Whatever the job: each value that is read is there, nothing is repeated that
 * may not be, the counted peak is what plain counting gives and keeps the
 * budget, cost never falls as the budget does, and the same job gets the same
 * plans.  Small jobs reach what exhaustive search finds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* base.h has a function of this name */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/remat_search.h"
#include "tests/remat_instance.h"
#include "tests/remat_sample.h"

enum { EVENTS = OPS * OPS, RUNGS = 8 };
enum { WIDE = 250, WIDE_INPUTS = 4, NEAR_BY = 60 };
enum { JOBS = 60, MOVES = 3000, TINY = 5, TINY_JOBS = 60 };

/* What runs, in order. */
static int unroll(const struct remat_job *job, const struct remat_event *event,
                  int nevent, int *order)
{
    int n = 0;

    for (int i = 0; i < job->nop; i++) {
        for (int k = 0; k < nevent; k++)
            if (event[k].before == i)
                order[n++] = event[k].op;
        order[n++] = i;
    }
    assert_int_equal(n, job->nop + nevent);
    return n;
}

/* Ascending, each after its op, none beyond `until`, and nothing again that is
 * kept. */
static void check_events(const struct remat_job *job,
                         const struct remat_plan *plan)
{
    for (int k = 0; k < plan->nevent; k++) {
        const struct remat_event *e = &plan->event[k];

        assert_true(e->before > e->op && e->before < job->nop);
        assert_true(e->before <= job->op[e->op].until);
        if (k)
            assert_true(e->before > e[-1].before ||
                        (e->before == e[-1].before && e->op > e[-1].op));
        for (int v = 0; v < job->nvalue; v++)
            assert_false(job->value[v].maker == e->op && job->value[v].kept);
    }
}

/* simulate() shares no code with remat_measure(): it walks the list with a set
 * of what is there. */
static void check_plan(const struct remat_job *job,
                       const struct remat_plan *plan, uint64_t budget)
{
    static int order[OPS + EVENTS];
    int n;
    int64_t cost = 0;

    check_events(job, plan);
    n = unroll(job, plan->event, plan->nevent, order);
    for (int p = 0; p < n; p++)
        cost += job->op[order[p]].cost;
    assert_true(plan->cost == cost);
    assert_true(plan->peak == simulate(job, order, n));
    assert_true(plan->peak <= budget);
}

/* From the peak of the base order to below what one op needs. */
static void draw_ladder(const struct remat_job *job, uint64_t *budget,
                        struct arena *arena)
{
    uint64_t peak = remat_measure(job, NULL, 0, arena).peak;
    int op;
    uint64_t bound = remat_bound(job, &op, arena);

    assert_true(bound <= peak);
    for (int k = 0; k < RUNGS - 1; k++)
        budget[k] = peak - (peak - bound) * (uint64_t)k / (RUNGS - 2);
    budget[RUNGS - 1] = bound ? bound - 1 : 0;
}

/* The last budget is below the bound, and nothing may be found for it. */
static void check_ladder(const struct remat_job *job, struct arena *arena)
{
    static const struct remat_effort effort = {2000, 1};
    uint64_t budget[RUNGS];
    struct remat_plan plan[RUNGS], twice[RUNGS];

    draw_ladder(job, budget, arena);
    remat_solve(job, budget, RUNGS, &effort, plan, arena);
    remat_solve(job, budget, RUNGS, &effort, twice, arena);
    assert_true(plan[0].found && plan[0].nevent == 0);
    assert_false(plan[RUNGS - 1].found && budget[RUNGS - 1] > 0);
    for (int k = 0; k < RUNGS; k++) {
        assert_true(plan[k].found == twice[k].found);
        if (!plan[k].found)
            continue;
        check_plan(job, &plan[k], budget[k]);
        assert_int_equal(plan[k].nevent, twice[k].nevent);
        if (plan[k].nevent)
            assert_memory_equal(plan[k].event, twice[k].event,
                                (size_t)plan[k].nevent * sizeof *plan[k].event);
        assert_true(remat_pick(plan, RUNGS, budget[k])->cost == plan[k].cost);
        if (k)
            assert_true(plan[k - 1].found && plan[k - 1].cost <= plan[k].cost);
    }
}

static void random_ladders(struct arena *arena)
{
    static struct sample s;
    uint64_t random = 1;

    for (int k = 0; k < JOBS; k++) {
        draw_job(&random, &s, 1 + draw(&random, OPS), true);
        check_ladder(&s.job, arena);
    }
}

static void random_jobs(void **state)
{
    (void)state;
    with_arena(random_ladders);
}

/* What is over, and where the peak is first, by a count of every spot. */
static int64_t count_over(const struct remat_state *s, int64_t budget,
                          int64_t *peak_key)
{
    int64_t alive = 0, over = 0, peak = 0;

    for (int k = 0; k < s->look.nblock; k++) {
        const struct remat_page *page = &s->page[k];

        for (int p = 0; p < remat_page_spots(page); p++) {
            int64_t here = alive + page->spot[p].need;

            over += here > budget ? here - budget : 0;
            if (here > peak) {
                peak = here;
                *peak_key = page->spot[p].key;
            }
            alive += page->spot[p].change;
        }
    }
    return over;
}

/* Whatever the moves, the state's peak is that of its events; and what is
 * taken back is as before, whether it had been looked at or not. */
static void moves_keep_count(struct arena *arena)
{
    static struct sample s;
    static struct remat_event event[EVENTS];
    struct remat_net net;
    struct remat_search x;
    uint64_t random = 2;

    draw_job(&random, &s, OPS, true);
    remat_net_init(&net, &s.job, arena);
    remat_search_init(&x, &net, arena);
    remat_state_load(&x.state, NULL, 0);
    x.budget = net.base_peak / 2;
    remat_state_look(&x.state, x.budget);
    for (int k = 0; k < MOVES; k++) {
        int64_t peak = x.state.peak, cost = x.state.cost, over = x.state.over;
        int64_t peak_key = 0;
        struct remat_plan plan;

        x.state.njournal = 0;
        remat_move(&x, 2);
        if (draw(&random, 2) == 0)
            remat_state_look(&x.state, x.budget);
        if (draw(&random, 3) == 0) {
            remat_state_undo(&x.state);
            remat_state_look(&x.state, x.budget);
            assert_true(x.state.peak == peak && x.state.cost == cost &&
                        x.state.over == over);
        }
        if (draw(&random, 8) == 0)
            x.budget = net.base_peak * (3 + draw(&random, 8)) / 10;
        remat_state_look(&x.state, x.budget);
        plan = remat_measure(&s.job, event, remat_state_events(&x.state, event),
                             arena);
        assert_true(x.state.over == count_over(&x.state, x.budget, &peak_key));
        assert_true(x.state.peak_key == peak_key);
        assert_true((uint64_t)x.state.peak == plan.peak);
        assert_true(x.state.cost == plan.cost);
    }
}

static void moves(void **state)
{
    (void)state;
    with_arena(moves_keep_count);
}

/* Each op reads a few of the values before it: what is made again needs half of
 * the graph. */
static void draw_wide(uint64_t *random, struct remat_job *job,
                      struct arena *arena)
{
    struct remat_op *op = ARENA_NEW(arena, struct remat_op, WIDE);
    struct remat_value *value = ARENA_NEW(arena, struct remat_value, WIDE);
    int(*in)[WIDE_INPUTS] = arena_alloc(arena, WIDE, sizeof *in);

    *job = (struct remat_job){
        .nop = WIDE, .nvalue = WIDE, .op = op, .value = value};
    for (int i = 0; i < WIDE; i++) {
        value[i] = (struct remat_value){
            .bytes = 1 + (uint64_t)draw(random, 100), .maker = i};
        op[i] = (struct remat_op){.cost = 1 + draw(random, 100),
                                  .until = WIDE - 1,
                                  .nin = i < NEAR_BY ? 0 : WIDE_INPUTS,
                                  .in = in[i]};
        for (int k = 0; k < op[i].nin; k++)
            in[i][k] = i - 1 - k * NEAR_BY / WIDE_INPUTS -
                       draw(random, NEAR_BY / WIDE_INPUTS);
    }
}

/* A number of moves is a bound on the work, whatever the graph. */
static void anneal_wide(struct arena *arena)
{
    struct remat_run run = {
        .moves = 80000, .heat = 1e-3, .cooling = 6, .weight = 1, .repair = 3};
    struct remat_best best = {.found = false};
    struct remat_job job;
    struct remat_net net;
    struct remat_search x;
    uint64_t random = 3;

    draw_wide(&random, &job, arena);
    remat_net_init(&net, &job, arena);
    remat_search_init(&x, &net, arena);
    remat_state_load(&x.state, NULL, 0);
    x.budget = net.base_peak * 3 / 4;
    remat_anneal(&x, &run, &best);
    assert_true(x.events > run.moves);
    assert_true(x.events < 200000 + 5 * (int64_t)run.moves);
}

static void wide_jobs(void **state)
{
    (void)state;
    with_arena(anneal_wide);
}

/* The subset of all possible events that a number's bits name. */
static int subset(const struct remat_job *job, unsigned bits,
                  struct remat_event *event)
{
    int n = 0;

    for (int before = 1; before < job->nop; before++)
        for (int op = 0; op < before; op++, bits >>= 1) {
            bool kept = false;

            if (!(bits & 1))
                continue;
            for (int v = 0; v < job->nvalue; v++)
                kept |= job->value[v].maker == op && job->value[v].kept;
            if (kept || before > job->op[op].until)
                return -1;
            event[n++] = (struct remat_event){before, op};
        }
    return n;
}

/* The least cost within the budget, or -1. */
static int64_t exhaust(const struct remat_job *job, uint64_t budget)
{
    int64_t least = -1;
    struct remat_event event[TINY * TINY];
    int order[TINY * TINY], most = job->nop * (job->nop - 1) / 2;

    for (unsigned bits = 0; bits < 1u << most; bits++) {
        int n = subset(job, bits, event);
        int64_t cost = 0;

        if (n < 0)
            continue;
        n = unroll(job, event, n, order);
        for (int p = 0; p < n; p++)
            cost += job->op[order[p]].cost;
        if ((least < 0 || cost < least) && simulate(job, order, n) <= budget)
            least = cost;
    }
    return least;
}

/* All subsets of ten possible events are tried: the search must reach the least
 * cost of them. */
static void tiny_ladders(struct arena *arena)
{
    static const struct remat_effort effort = {4000, 2};
    static struct sample s;
    uint64_t random = 3;

    for (int k = 0; k < TINY_JOBS; k++) {
        uint64_t budget[RUNGS];
        struct remat_plan plan[RUNGS];

        draw_job(&random, &s, TINY, false);
        draw_ladder(&s.job, budget, arena);
        remat_solve(&s.job, budget, RUNGS, &effort, plan, arena);
        for (int i = 0; i < RUNGS; i++) {
            int64_t least = exhaust(&s.job, budget[i]);

            assert_true(plan[i].found == (least >= 0));
            assert_true(!plan[i].found || plan[i].cost == least);
        }
    }
}

static void tiny_jobs(void **state)
{
    (void)state;
    with_arena(tiny_ladders);
}

/* Overheads in percent that are known to be reached, with a tenth to spare. */
static const struct known {
    const char *file;
    uint64_t percent;
    double overhead;
} known[] = {
    {"remat-unet.json", 70, 2.2715},
    {"remat-unet.json", 50, 3.8794},
    {"remat-transformer.json", 70, 6.4550},
    {0},
};

/* Real graphs; a tenth more than is known to be reachable would be a loss worth
 * a look. */
static void solve_known(struct arena *arena)
{
    static const struct remat_effort effort = {12000, 1};
    const char *top = getenv("top_srcdir");

    for (const struct known *k = known; k->file; k++) {
        char *path = arena_format(arena, "%s/tests/data/planner/%s",
                                  top ? top : ".", k->file);
        struct remat_job job;
        struct remat_plan base, plan;
        uint64_t budget;
        double overhead;

        assert_true(remat_instance_read(path, &job, arena));
        base = remat_measure(&job, NULL, 0, arena);
        budget = base.peak * k->percent / 100;
        remat_solve(&job, &budget, 1, &effort, &plan, arena);
        assert_true(plan.found && plan.peak <= budget);
        overhead = 100 * ((double)plan.cost / (double)base.cost - 1);
        if (overhead > 1.1 * k->overhead)
            print_error("%s at %d %%: %.4f\n", k->file, (int)k->percent,
                        overhead);
        assert_true(overhead <= 1.1 * k->overhead);
    }
}

static void known_overheads(void **state)
{
    (void)state;
    with_arena(solve_known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves),           cmocka_unit_test(wide_jobs),
        cmocka_unit_test(random_jobs),     cmocka_unit_test(tiny_jobs),
        cmocka_unit_test(known_overheads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
