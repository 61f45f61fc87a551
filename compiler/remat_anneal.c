/*
 * remat_anneal.c: simulated annealing of a list of events.
 *
 * What is sought is the least cost within the budget; on the way a state may be
 * over it, for a penalty.  Cost and penalty are relative to the base order's
 * cost and to the budget.
 *
 * The rule of acceptance is Metropolis' (1953) in the annealing of Kirkpatrick,
 * Gelatt and Vecchi (Science 220, 1983): a change for the worse by d stays with
 * probability exp(-d / heat), that is where d < heat * E, E being exponential.
 */
#include "compiler/remat_search.h"

enum { CALM = 64, CHAIN = 6, LOG_BITS = 20 };

/* Events that a move may change, in the mean of a search.  Training graphs need
 * 2 to 4, and up to 20 where a low peak at any price is looked for; random ones
 * with many inputs to an op would take 8 to 25. */
enum { USUAL = 5, BEYOND = 2, DEEP = 20 };

static const double LN_2 = 0.6931471805599453;

/* 2 to the power of x, between powers of two along a line: it sets how fast to
 * cool, which need not be exact, but the same everywhere. */
static double power_of_two(double x)
{
    int whole = (int)x - (x < (int)x);
    double result = 1 + (x - whole);

    for (int k = 0; k < whole; k++)
        result *= 2;
    for (int k = 0; k > whole; k--)
        result /= 2;
    return result;
}

/* Minus the logarithm of m * 2^-(zeros + 1), bit by bit: squaring the mantissa
 * doubles its logarithm. */
static double exponential(double m, int zeros)
{
    double log2 = 0, bit = 0.5;

    for (int k = 0; k < LOG_BITS; k++, bit /= 2) {
        m *= m;
        if (m >= 2) {
            m /= 2;
            log2 += bit;
        }
    }
    return LN_2 * (zeros + 1 - log2);
}

/* Whether a change for the worse stays.  With z leading zeros the random number
 * is u = m * 2^-(z + 1), m in [1, 2), and its exponential between ln 2 * z and
 * ln 2 * (z + 1): that mostly decides. */
static bool stays(double worse, double heat, uint64_t *random)
{
    uint64_t r = remat_random(random) | 1;
    int zeros = __builtin_clzll(r);

    if (worse >= heat * (LN_2 * (zeros + 1)))
        return false;
    return worse <
           heat * exponential((double)(r << zeros >> 11) / 4503599627370496.0,
                              zeros);
}

void remat_keep_any(struct remat_search *s, struct remat_best *best)
{
    int n = s->state.nspot - s->net->n;

    if (n > best->room) {
        best->room = 2 * n;
        best->event = ARENA_NEW(s->arena, struct remat_event,
                                (size_t)best->room);
    }
    best->cost = s->state.cost;
    best->nevent = remat_state_events(&s->state, best->event);
}

void remat_keep_best(struct remat_search *s, struct remat_best *best)
{
    if (s->state.over > 0 || (best->found && s->state.cost >= best->cost))
        return;
    remat_keep_any(s, best);
    best->found = true;
}

/* cost / base, and where the budget is exceeded step + weight * (excess of the
 * peak + spread * mean excess of all events), each as a part of the budget. */
static double objective(const struct remat_search *s,
                        const struct remat_run *run, double weight)
{
    const struct remat_state *st = &s->state;
    double base = (double)(s->net->base_cost ? s->net->base_cost : 1);
    double cost = (double)st->cost / base;
    double budget = (double)s->budget, high, spread;

    if (!st->over)
        return cost;
    high = (double)(st->peak - s->budget) / budget;
    spread = (double)st->over / budget / st->nspot;
    high += run->spread * spread;
    high *= weight;
    return cost + run->step + high;
}

/* Now and then, by one in CHAIN, a move is two or three moves: some
 * improvements lie behind a change for the worse. */
static void change(struct remat_search *s, const struct remat_run *run)
{
    if (!remat_below(s, CHAIN)) {
        remat_move(s, run->repair);
        if (!remat_below(s, CHAIN))
            remat_move(s, run->repair);
    }
    remat_state_look(&s->state, s->budget);
}

/* What went beyond it once has to make do with less. */
static int allowance(const struct remat_search *s, const struct remat_run *run)
{
    if (run->deep)
        return DEEP;
    return remat_is_beyond(s) ? BEYOND : USUAL;
}

/* A move that is not accepted is undone by the journal to the last number, so
 * states do not drift.  Heat and weight change every CALM moves only, between
 * which objectives can be compared. */
void remat_anneal(struct remat_search *s, const struct remat_run *run,
                  struct remat_best *best)
{
    struct remat_state *st = &s->state;
    double now = 0, heat = 0, weight = 0;

    st->njournal = 0;
    remat_state_look(st, s->budget);
    remat_keep_best(s, best);
    for (int k = 0; k < run->moves; k++) {
        double next;

        if (k % CALM == 0) {
            double part = (double)k / run->moves;

            heat = run->heat * power_of_two(-run->cooling * part);
            weight = run->weight * power_of_two(run->growth * part);
            remat_state_look(st, s->budget);
            now = objective(s, run, weight);
        }
        st->njournal = 0;
        s->allowed += allowance(s, run);
        if (!remat_move(s, run->repair))
            continue;
        change(s, run);
        s->events += st->njournal;
        next = objective(s, run, weight);
        if (next > now && !stays(next - now, heat, &s->random)) {
            remat_state_undo(st);
            continue;
        }
        now = next;
        remat_keep_best(s, best);
    }
    st->njournal = 0;
}
