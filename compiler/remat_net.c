/*
 * remat_net.c: a job with its lists turned round, its working sets, and the
 * plain count of a plan's peak.
 */
#include <string.h>

#include "compiler/remat_state.h"

static void count_up(int *at, int n)
{
    for (int i = 0; i < n; i++)
        at[i + 1] += at[i];
}

/* Ops are taken in order, so each list ascends. */
static void turn_round(struct remat_net *net, struct arena *arena)
{
    const struct remat_job *job = net->job;
    int *next;

    for (int v = 0; v < job->nvalue; v++)
        net->out_at[job->value[v].maker + 1]++;
    for (int i = 0; i < net->n; i++)
        for (int k = 0; k < job->op[i].nin; k++)
            net->reader_at[job->op[i].in[k] + 1]++;
    count_up(net->out_at, net->n);
    count_up(net->reader_at, job->nvalue);
    net->out = ARENA_NEW(arena, int, (size_t)job->nvalue + 1);
    net->reader = ARENA_NEW(arena, int,
                            (size_t)net->reader_at[job->nvalue] + 1);
    next = ARENA_NEW(arena, int, (size_t)net->n + 1);
    memcpy(next, net->out_at, (size_t)net->n * sizeof *next);
    for (int v = 0; v < job->nvalue; v++)
        net->out[next[job->value[v].maker]++] = v;
    next = ARENA_NEW(arena, int, (size_t)job->nvalue + 1);
    memcpy(next, net->reader_at, (size_t)job->nvalue * sizeof *next);
    for (int i = 0; i < net->n; i++)
        for (int k = 0; k < job->op[i].nin; k++)
            net->reader[next[job->op[i].in[k]]++] = i;
}

void remat_net_init(struct remat_net *net, const struct remat_job *job,
                    struct arena *arena)
{
    struct remat_plan base = remat_measure(job, NULL, 0, arena);

    *net = (struct remat_net){.job = job,
                              .n = job->nop,
                              .base_cost = base.cost,
                              .base_peak = (int64_t)base.peak};
    net->out_at = ARENA_NEW(arena, int, (size_t)job->nop + 2);
    net->reader_at = ARENA_NEW(arena, int, (size_t)job->nvalue + 2);
    net->shared = ARENA_NEW(arena, bool, (size_t)job->nvalue + 1);
    net->until = ARENA_NEW(arena, int, (size_t)job->nop + 1);
    for (int i = 0; i < job->nop; i++) {
        net->until[i] = job->op[i].until;
        if (job->op[i].over)
            net->shared[job->op[i].over - 1] = true;
    }
    for (int v = 0; v < job->nvalue; v++)
        if (job->value[v].kept)
            net->until[job->value[v].maker] = job->value[v].maker;
    while (net->n >> net->op_bits)
        net->op_bits++;
    turn_round(net, arena);
}

/* What is kept to the end is there for all later ops as well.  Every op needs
 * at least its inputs, its results and its workspace at once. */
uint64_t remat_bound(const struct remat_job *job, int *op, struct arena *arena)
{
    uint64_t *made = ARENA_NEW(arena, uint64_t, (size_t)job->nop + 1);
    uint64_t *kept = ARENA_NEW(arena, uint64_t, (size_t)job->nop + 1);
    uint64_t most = 0, held = 0;

    *op = 0;
    for (int v = 0; v < job->nvalue; v++) {
        made[job->value[v].maker] += job->value[v].bytes;
        if (job->value[v].kept)
            kept[job->value[v].maker] += job->value[v].bytes;
    }
    for (int i = 0; i < job->nop; i++) {
        uint64_t set = held + made[i] + job->op[i].workspace;

        for (int k = 0; k < job->op[i].nin; k++) {
            const struct remat_value *v = &job->value[job->op[i].in[k]];

            if (!v->kept && job->op[i].over != job->op[i].in[k] + 1)
                set += v->bytes;
        }
        held += kept[i];
        if (set > most) {
            most = set;
            *op = i;
        }
    }
    return most;
}

/* The merged order of execution; events ascend. */
static int merge(const struct remat_job *job, const struct remat_event *event,
                 int nevent, int *order)
{
    int n = 0;

    for (int i = 0, k = 0; i < job->nop; i++) {
        while (event && k < nevent && event[k].before == i)
            order[n++] = event[k++].op;
        order[n++] = i;
    }
    return n;
}

/* Where the copies of values die, found in one walk. */
struct walk {
    const struct remat_job *job;
    int *first, *next; /* values by maker, as linked lists; -1 ends one */
    int *last;         /* by value: the last place that used its copy, or -1 */
    const int *order;  /* ops by place */
    int64_t *freed;    /* by place */
    int64_t *shared;   /* by place: bytes of an input that a result takes */
};

static void walk_init(struct walk *w, int places, struct arena *arena)
{
    const struct remat_job *job = w->job;

    w->first = ARENA_NEW(arena, int, (size_t)job->nop + 1);
    w->next = ARENA_NEW(arena, int, (size_t)job->nvalue + 1);
    w->last = ARENA_NEW(arena, int, (size_t)job->nvalue + 1);
    w->freed = ARENA_NEW(arena, int64_t, (size_t)places + 1);
    w->shared = ARENA_NEW(arena, int64_t, (size_t)places + 1);
    for (int i = 0; i < job->nop; i++)
        w->first[i] = -1;
    for (int v = 0; v < job->nvalue; v++) {
        w->next[v] = w->first[job->value[v].maker];
        w->first[job->value[v].maker] = v;
        w->last[v] = -1;
    }
}

static void let_go(struct walk *w, int v)
{
    int p = w->last[v];

    if (p < 0 || w->job->value[v].kept)
        return;
    w->freed[p] += (int64_t)w->job->value[v].bytes;
    if (w->job->op[w->order[p]].over == v + 1)
        w->shared[p] = (int64_t)w->job->value[v].bytes;
}

/* One walk finds where each copy is used last, a second adds up: O(places +
 * uses).  It knows nothing of remat_state.c, which it is there to check. */
static int64_t peak_of(const struct remat_job *job, const int *order, int n,
                       struct arena *arena)
{
    struct walk w = {.job = job, .order = order};
    int64_t alive = 0, peak = 0;

    walk_init(&w, n, arena);
    for (int p = 0; p < n; p++) {
        const struct remat_op *op = &job->op[order[p]];

        for (int k = 0; k < op->nin; k++)
            w.last[op->in[k]] = p;
        for (int v = w.first[order[p]]; v >= 0; v = w.next[v]) {
            let_go(&w, v);
            w.last[v] = p;
        }
    }
    for (int v = 0; v < job->nvalue; v++)
        let_go(&w, v);
    for (int p = 0; p < n; p++) {
        int64_t during;

        for (int v = w.first[order[p]]; v >= 0; v = w.next[v])
            alive += (int64_t)job->value[v].bytes;
        during = alive + (int64_t)job->op[order[p]].workspace - w.shared[p];
        peak = during > peak ? during : peak;
        alive -= w.freed[p];
    }
    return peak;
}

struct remat_plan remat_measure(const struct remat_job *job,
                                const struct remat_event *event, int nevent,
                                struct arena *arena)
{
    int *order = ARENA_NEW(arena, int, (size_t)(job->nop + nevent) + 1);
    int n = merge(job, event, nevent, order);
    struct remat_plan plan = {.found = true, .nevent = nevent, .event = event};

    plan.peak = (uint64_t)peak_of(job, order, n, arena);
    for (int p = 0; p < n; p++)
        plan.cost += job->op[order[p]].cost;
    return plan;
}
