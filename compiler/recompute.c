/*
 * recompute.c: from steps to the question of remat.h, and back.
 *
 * The question is asked of the steps before places are settled: a value is a
 * transient buffer.  It knows of places what would hold without repeats: what
 * lies in a leaf takes no bytes and stays, and where a result is written over an
 * operand that dies there, the two count once.  The answers are then settled and
 * measured as all steps are, so no number that a user sees is a guess.
 *
 * The values and ops of the question are the buffers and steps of the answer:
 * op i is step i, in the order that schedule() made.  A way's load and seconds
 * come from settle(), which treats repeated steps as any others.
 */
#include "compiler/recompute.h"

#include <string.h>

#include "compiler/allocate.h"
#include "compiler/lower.h"
#include "compiler/remat.h"

/* Loads for which repeats are looked for: each has this part of the one above, and
 * so many are asked about at once.  Lists of steps are long, and loads lie close:
 * few seeds will do. */
static const double part_of_above = 0.975;
enum { AT_ONCE = 6 };
static const struct remat_effort usual_effort = {8000, 2};
enum { MOVES_A_STEP = 20 /* at most; short lists need fewer */ };
/* Of the search for an order: for each pair of steps, and at most, which is a fifth
 * of a second. */
static const int64_t pair_effort = 200, most_effort = 20000000;

struct question {
    const struct steps *s;
    const struct placing *how;
    struct arena *arena;
    const struct steps *plain; /* with its places */
    int *value;                /* by buffer, or -1 */
    int *until;                /* by leaf: the step that changes it */
    struct remat_value *values;
    struct remat_op *ops;
    struct remat_job job;
};

/* ---- steps to question ---- */

static uint64_t bytes_of(const struct question *q, int buffer)
{
    if (q->plain->root[buffer] < q->s->nleaf)
        return 0;
    return round_up_u64(q->s->buffer[buffer].bytes, q->how->profile->alignment);
}

static void add_values(struct question *q)
{
    memset(q->value, -1, ((size_t)q->s->nbuffer + 1) * sizeof *q->value);
    for (int i = 0; i < q->s->n; i++) {
        const struct step *t = &q->s->step[i];

        for (int k = 0; k < t->nuse; k++) {
            int b = t->use[k].buffer;

            if (t->use[k].access != PLAN_WRITE || b < q->s->nleaf)
                continue;
            q->value[b] = q->job.nvalue;
            q->values[q->job.nvalue++] = (struct remat_value){
                .bytes = bytes_of(q, b), .maker = i};
        }
    }
}

/* What is moved into a leaf stays.  Made in the leaf's own memory, it ends what
 * could be read there before. */
static void add_moves(struct question *q)
{
    for (int b = 0; b < q->s->nleaf; b++)
        q->until[b] = q->s->n - 1;
    for (int i = 0; i < q->s->nmove; i++) {
        const struct move *m = &q->s->move[i];
        struct remat_value *v = &q->values[q->value[m->value]];

        v->kept = true;
        if (q->plain->root[m->value] == m->leaf)
            q->until[m->leaf] = v->maker;
    }
}

/* The input, plus one, whose memory a result has without repeats. */
static int shared_input(const struct question *q, const struct step *t)
{
    const int *root = q->plain->root;

    for (int k = 0; k < t->nuse; k++) {
        int out = t->use[k].buffer;

        if (t->use[k].access != PLAN_WRITE || root[out] == out ||
            root[out] < q->s->nleaf)
            continue;
        for (int j = 0; j < t->nuse; j++)
            if (t->use[k].over >> j & 1 && root[t->use[j].buffer] == root[out])
                return q->value[t->use[j].buffer] + 1;
    }
    return 0;
}

static bool has_input(const struct remat_op *op, const int *in, int value)
{
    for (int k = 0; k < op->nin; k++)
        if (in[k] == value)
            return true;
    return false;
}

/* Costs are nanoseconds, plus one so that no repeat is free.  `until`: once a
 * leaf has changed, a step that reads it would compute something else. */
static void add_op(struct question *q, int i)
{
    const struct step *t = &q->s->step[i];
    struct remat_op *op = &q->ops[i];
    int *in = ARENA_NEW(q->arena, int, (size_t)t->nuse + 1);

    *op = (struct remat_op){.cost = (int64_t)(t->seconds * 1e9) + 1,
                            .until = q->s->n - 1,
                            .over = shared_input(q, t),
                            .in = in};
    for (int k = 0; k < t->nuse; k++) {
        int b = t->use[k].buffer;

        if (q->s->buffer[b].kind == PLAN_WORKSPACE)
            op->workspace += bytes_of(q, b);
        if (t->use[k].access != PLAN_READ)
            continue;
        if (b < q->s->nleaf && q->until[b] < op->until)
            op->until = q->until[b];
        else if (b >= q->s->nleaf && !has_input(op, in, q->value[b]))
            in[op->nin++] = q->value[b];
    }
}

static void ask(struct question *q)
{
    size_t n = (size_t)q->s->nbuffer + 1;

    q->value = ARENA_NEW(q->arena, int, n);
    q->until = ARENA_NEW(q->arena, int, n);
    q->values = ARENA_NEW(q->arena, struct remat_value, n);
    q->ops = ARENA_NEW(q->arena, struct remat_op, (size_t)q->s->n + 1);
    add_values(q);
    add_moves(q);
    for (int i = 0; i < q->s->n; i++)
        add_op(q, i);
    q->job.nop = q->s->n;
    q->job.op = q->ops;
    q->job.value = q->values;
}

/* ---- answer to steps ---- */

struct writer {
    struct steps *to;
    int *now; /* by buffer of the old steps: its latest copy */
    struct arena *arena;
};

static int copy_buffer(struct writer *w, int old)
{
    w->to->buffer[w->to->nbuffer] = w->to->buffer[old];
    return w->to->nbuffer++;
}

/* A step reads the latest copy of each buffer.  A repeat writes buffers of its
 * own, so each buffer is still written once. */
static void write_step(struct writer *w, const struct step *t, bool again)
{
    struct step *x = &w->to->step[w->to->n++];

    *x = *t;
    x->use = ARENA_NEW(w->arena, struct use, (size_t)t->nuse + 1);
    for (int k = 0; k < t->nuse; k++) {
        int b = t->use[k].buffer;

        x->use[k] = t->use[k];
        if (t->use[k].access & PLAN_WRITE && again)
            w->now[b] = copy_buffer(w, b);
        x->use[k].buffer = w->now[b];
    }
}

/* Steps with the repeats of a plan. */
static struct steps *repeated(const struct question *q,
                              const struct remat_plan *plan)
{
    const struct steps *s = q->s;
    struct steps *to = ARENA_NEW(q->arena, struct steps, 1);
    struct writer w = {.to = to, .arena = q->arena};
    size_t extra = 0;

    for (int k = 0; k < plan->nevent; k++)
        extra += (size_t)s->step[plan->event[k].op].nuse;
    *to = *s;
    to->n = 0;
    to->cap = s->n + plan->nevent;
    to->step = ARENA_NEW(q->arena, struct step, (size_t)to->cap + 1);
    to->cap_buffer = s->nbuffer + (int)extra;
    to->buffer = ARENA_NEW(q->arena, struct buffer, (size_t)to->cap_buffer + 1);
    memcpy(to->buffer, s->buffer, (size_t)s->nbuffer * sizeof *s->buffer);
    w.now = ARENA_NEW(q->arena, int, (size_t)s->nbuffer + 1);
    for (int b = 0; b < s->nbuffer; b++)
        w.now[b] = b;
    for (int i = 0, k = 0; i < s->n; i++) {
        for (; k < plan->nevent && plan->event[k].before == i; k++)
            write_step(&w, &s->step[plan->event[k].op], true);
        write_step(&w, &s->step[i], false);
    }
    return to;
}

/* Measures as the plan will: places from inplace(), the load from lifetimes,
 * predicted seconds of every step. */
static struct way settle(const struct steps *s, const struct placing *how)
{
    struct arena *a = how->graph->arena;
    struct way way = {.steps = ARENA_NEW(a, struct steps, 1)};

    *way.steps = *s;
    inplace(way.steps, how->graph, &how->profile->info, how->inplace);
    way.load = steps_load(way.steps, how->profile->alignment, a);
    for (int i = 0; i < way.steps->n; i++)
        way.seconds += way.steps->step[i].seconds;
    return way;
}

/* ---- order ---- */

struct steps *steps_in_order(struct steps *s, const struct placing *how)
{
    struct way kept = settle(s, how), other;
    struct question q = {s, how, how->graph->arena, .plain = kept.steps};
    struct steps *to = ARENA_NEW(q.arena, struct steps, 1);
    int *order = ARENA_NEW(q.arena, int, (size_t)s->n + 1);
    int64_t effort = pair_effort * s->n * s->n;

    ask(&q);
    remat_order(&q.job, effort < most_effort ? effort : most_effort, order,
                q.arena);
    *to = *s;
    to->step = ARENA_NEW(q.arena, struct step, (size_t)s->n + 1);
    for (int i = 0; i < s->n; i++)
        to->step[i] = s->step[order[i]];
    other = settle(to, how);
    return other.load < kept.load ? to : s;
}

/* ---- ways ---- */

struct ways ways_plain(const struct steps *s, const struct placing *how)
{
    struct ways w = {.of = s, .n = 1, .settled = 1};

    w.way = ARENA_NEW(how->graph->arena, struct way, WAYS_LOADS + 1);
    w.way[0] = settle(s, how);
    return w;
}

/* Add a way where it has less load than all before; a way that is dearer, and
 * not better, goes, if it is not settled.  What stays is the front of load against
 * seconds: no way is both larger and slower than another. */
static void keep(struct ways *w, int settled, const struct way *x)
{
    int n = w->n;

    if (x->load >= w->way[n - 1].load)
        return;
    while (n > settled && w->way[n - 1].seconds >= x->seconds)
        n--;
    if (w->way[n - 1].seconds > x->seconds)
        return;
    w->n = n;
    w->way[w->n++] = *x;
}

uint64_t ways_bound(const struct ways *w, const struct placing *how)
{
    struct question q = {w->of, how, how->graph->arena,
                         .plain = w->way[0].steps};
    int op;

    ask(&q);
    return remat_bound(&q.job, &op, q.arena);
}

/* Without a plan for the last of these loads smaller ones have none either. */
static void look(struct question *q, struct ways *w, const uint64_t *budget)
{
    struct remat_effort effort = usual_effort;
    struct remat_plan plan[AT_ONCE];
    const int settled = w->settled;

    if (q->s->n < effort.moves / MOVES_A_STEP)
        effort.moves = q->s->n * MOVES_A_STEP;
    remat_solve(&q->job, budget, AT_ONCE, &effort, plan, q->arena);
    w->settled = w->n;
    for (int k = 0; k < AT_ONCE; k++) {
        struct way x;

        if (!plan[k].found || plan[k].nevent == 0 ||
            (k && plan[k].event == plan[k - 1].event))
            continue;
        x = settle(repeated(q, &plan[k]), q->how);
        x.repeats = plan[k].nevent;
        keep(w, settled, &x);
    }
    w->ended = !plan[AT_ONCE - 1].found || w->asked >= WAYS_LOADS;
    if (w->ended || w->settled > w->n)
        w->settled = w->n;
}

/* Loads fall by a fixed part from one to the next, from what the steps need with
 * everything kept. */
void ways_more(struct ways *w, const struct placing *how)
{
    struct question q = {w->of, how, how->graph->arena,
                         .plain = w->way[0].steps};
    uint64_t budget[AT_ONCE];
    double load;

    ask(&q);
    load = (double)remat_measure(&q.job, NULL, 0, q.arena).peak;
    for (int k = 0; k < w->asked; k++)
        load *= part_of_above;
    for (int k = 0; k < AT_ONCE; k++) {
        load *= part_of_above;
        budget[k] = (uint64_t)load;
    }
    w->asked += AT_ONCE;
    look(&q, w, budget);
}
