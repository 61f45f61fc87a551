/*
 * remat_evict.c: a first plan by eviction, as a runtime without foresight would
 * do it: Kirisame et al., Dynamic Tensor Rematerialization (ICLR 2021).
 *
 * It knows only which values the base order does not need any more.  What it
 * had to compute again becomes the events.
 *
 * The score of a value is cost / (bytes * time since its last use), the least
 * of which goes: cheap to make again, large and long unused.  O(values) for
 * each drop.
 */
#include "compiler/remat_search.h"

#include <stdlib.h>

enum { MOST_EVENTS = 8 }; /* times the number of ops; beyond, it is stuck */

struct runtime {
    const struct remat_net *net;
    enum remat_score score;
    int64_t room, alive, clock;
    int stage; /* the op of the base order that is run */
    bool stuck;
    bool *here;    /* by value */
    int *pinned;   /* by value: ops under way that read it */
    int *left;     /* by value: readers of the base order to come */
    int64_t *used; /* by value: the clock at its last use */
    int *mark;     /* by op: the last search that met it */
    int *stack;    /* of ops */
    int search;
    int nevent;
    struct remat_event *event;
};

static const struct remat_value *value_of(const struct runtime *r, int v)
{
    return &r->net->job->value[v];
}

static void runtime_init(struct runtime *r, struct arena *arena)
{
    size_t n = (size_t)r->net->n + 1, m = (size_t)r->net->job->nvalue + 1;

    r->here = ARENA_NEW(arena, bool, m);
    r->pinned = ARENA_NEW(arena, int, m);
    r->left = ARENA_NEW(arena, int, m);
    r->used = ARENA_NEW(arena, int64_t, m);
    r->mark = ARENA_NEW(arena, int, n);
    r->stack = ARENA_NEW(arena, int, n);
    r->event = ARENA_NEW(arena, struct remat_event, MOST_EVENTS * n);
    for (int v = 0; v < r->net->job->nvalue; v++)
        r->left[v] = r->net->reader_at[v + 1] - r->net->reader_at[v];
}

/* Cost of an op and of all that has to run before it can. */
static int64_t chain_cost(struct runtime *r, int op)
{
    int64_t cost = 0;
    int n = 0;

    r->search++;
    r->mark[op] = r->search;
    r->stack[n++] = op;
    while (n > 0) {
        const struct remat_op *o = &r->net->job->op[r->stack[--n]];

        cost += o->cost;
        for (int k = 0; k < o->nin; k++) {
            int maker = value_of(r, o->in[k])->maker;

            if (r->here[o->in[k]] || r->mark[maker] == r->search)
                continue;
            r->mark[maker] = r->search;
            r->stack[n++] = maker;
        }
    }
    return cost;
}

/* Whether it is there, is not in use and can be made again while it is read. */
static bool may_go(const struct runtime *r, int v)
{
    const struct remat_net *net = r->net;
    int until = net->until[value_of(r, v)->maker];

    if (!r->here[v] || r->pinned[v] || !value_of(r, v)->bytes)
        return false;
    return !r->left[v] || net->reader[net->reader_at[v + 1] - 1] <= until;
}

/* DTR's h; the small numbers keep it finite for costs and idle times of
 * zero. */
static double score_of(struct runtime *r, int v)
{
    int maker = value_of(r, v)->maker;
    int64_t cost = r->score == REMAT_CHAIN ? chain_cost(r, maker)
                                           : r->net->job->op[maker].cost;
    double idle = (double)(r->clock - r->used[v]) + 1e-9;
    double weight = (double)value_of(r, v)->bytes * idle;

    return ((double)cost + 1e-9) / weight;
}

static void drop(struct runtime *r, int v)
{
    r->here[v] = false;
    r->alive -= (int64_t)value_of(r, v)->bytes;
}

/* False when nothing more may go: the budget is too small for this way of
 * running. */
static bool make_room(struct runtime *r, int64_t bytes)
{
    while (r->alive + bytes > r->room) {
        int best = -1;
        double least = 0;

        for (int v = 0; v < r->net->job->nvalue; v++) {
            double x;

            if (!may_go(r, v))
                continue;
            x = score_of(r, v);
            if (best < 0 || x < least) {
                best = v;
                least = x;
            }
        }
        if (best < 0)
            return false;
        drop(r, best);
    }
    return true;
}

static bool note_event(struct runtime *r, int op)
{
    if (op == r->stage)
        return true;
    if (r->stage > r->net->until[op] || r->nevent == MOST_EVENTS * r->net->n)
        return false;
    r->event[r->nevent++] = (struct remat_event){r->stage, op};
    return true;
}

static int64_t bytes_to_make(const struct runtime *r, int op)
{
    const struct remat_net *net = r->net;
    int64_t bytes = 0;

    for (int k = net->out_at[op]; k < net->out_at[op + 1]; k++)
        if (!r->here[net->out[k]])
            bytes += (int64_t)value_of(r, net->out[k])->bytes;
    return bytes;
}

static void finish(struct runtime *r, int op)
{
    const struct remat_net *net = r->net;
    const struct remat_op *o = &net->job->op[op];

    r->alive += bytes_to_make(r, op);
    r->clock += o->cost + 1;
    for (int k = net->out_at[op]; k < net->out_at[op + 1]; k++) {
        r->here[net->out[k]] = true;
        r->used[net->out[k]] = r->clock;
    }
    for (int k = 0; k < o->nin; k++) {
        r->used[o->in[k]] = r->clock;
        r->pinned[o->in[k]]--;
    }
}

/* Run an op after what it reads and is not there; as deep as the graph is. */
static void compute(struct runtime *r, int op)
{
    const struct remat_op *o = &r->net->job->op[op];
    int64_t bytes;

    for (int k = 0; k < o->nin; k++)
        r->pinned[o->in[k]]++;
    for (int k = 0; k < o->nin && !r->stuck; k++)
        if (!r->here[o->in[k]])
            compute(r, value_of(r, o->in[k])->maker);
    if (r->stuck)
        return;
    bytes = bytes_to_make(r, op) + (int64_t)o->workspace;
    if (make_room(r, bytes) && note_event(r, op))
        finish(r, op);
    else
        r->stuck = true;
}

static void run_base_order(struct runtime *r)
{
    const struct remat_job *job = r->net->job;

    for (r->stage = 0; r->stage < r->net->n; r->stage++) {
        const struct remat_op *o = &job->op[r->stage];

        compute(r, r->stage);
        if (r->stuck)
            return;
        for (int k = 0; k < o->nin; k++)
            r->left[o->in[k]]--;
        for (int v = 0; v < job->nvalue; v++)
            if (r->here[v] && !r->left[v] && !job->value[v].kept)
                drop(r, v);
    }
}

static int in_order(const void *a, const void *b)
{
    const struct remat_event *x = a, *y = b;

    if (x->before != y->before)
        return x->before < y->before ? -1 : 1;
    return (x->op > y->op) - (x->op < y->op);
}

/* Sorted, each once: one stage needs no op twice. */
static int tidy(struct remat_event *e, int n)
{
    int m = 0;

    qsort(e, (size_t)n, sizeof *e, in_order);
    for (int k = 0; k < n; k++)
        if (!m || in_order(&e[m - 1], &e[k]))
            e[m++] = e[k];
    return m;
}

bool remat_evict(struct remat_search *s, int64_t bytes, enum remat_score score)
{
    struct runtime r = {.net = s->net, .score = score, .room = bytes};

    runtime_init(&r, s->arena);
    run_base_order(&r);
    if (r.stuck)
        return false;
    remat_state_load(&s->state, r.event, tidy(r.event, r.nevent));
    return true;
}
