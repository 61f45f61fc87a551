/* compile.c: the pipeline.  Each stage's result is verified, and shown on demand. */
#include "compiler/plancl_compile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/budget.h"
#include "compiler/emit.h"
#include "compiler/lower.h"
#include "compiler/op.h"
#include "compiler/passes.h"
#include "compiler/peak.h"
#include "runtime/plan_io.h"
#include "runtime/session.h"

enum stage {
    STAGE_MODEL,
    STAGE_GRAD,
    STAGE_SIMPLIFY,
    STAGE_LAYOUT,
    STAGE_FUSE,
    STAGE_LOWER,
    STAGE_SCHEDULE,
    STAGE_PLAN,
    STAGES
};

const char *plancl_stage_name(unsigned index)
{
    static const char *const name[] = {"model", "grad",  "simplify", "layout",
                                       "fuse",  "lower", "schedule", "plan"};

    return index < STAGES ? name[index] : NULL;
}

struct compile {
    const struct plancl_compile_options *opt;
    const struct plancl_callbacks *cb;
    struct arena arena;
    struct diag diag; /* of one attempt: cleared before the next */
    struct device_profile profile;
    struct budget budget;
    struct graph *model; /* as it was read last */
    uint64_t cut;        /* samples in a piece of the batch; 0: not by us */
    bool can_cut;        /* into smaller pieces still */
    bool search;         /* all pieces were looked at */
    const char *name, *text;
    bool stopped; /* by stop_stage: no plan, and no error */
};

/* ---- showing and checking ---- */

static bool wants_dump(const struct compile *c, const char *stage)
{
    const char *which = c->opt->dump_stage;

    return c->opt->dump && which &&
           (strcmp(which, stage) == 0 || strcmp(which, "all") == 0);
}

static void dump(struct compile *c, enum stage stage, const struct text *t)
{
    c->opt->dump(c->opt->dump_context, plancl_stage_name(stage),
                 t->s ? t->s : "");
}

/* False when the pipeline ends here. */
static bool goes_on(struct compile *c, enum stage stage)
{
    const char *stop = c->opt->stop_stage;

    c->stopped = stop && strcmp(stop, plancl_stage_name(stage)) == 0;
    return !c->stopped && !c->diag.failed;
}

static void ours(struct compile *c, enum stage stage, const char *why)
{
    if (!why || c->diag.failed)
        return;
    c->diag.failed = true;
    snprintf(c->diag.text, sizeof c->diag.text,
             "internal error after stage %s: %s", plancl_stage_name(stage),
             why);
}

static bool graph_stage(struct compile *c, enum stage stage,
                        const struct graph *g)
{
    struct text t = {.arena = &c->arena};

    if (c->diag.failed)
        return false;
    ours(c, stage, graph_verify(g, &c->arena));
    if (wants_dump(c, plancl_stage_name(stage))) {
        graph_print(g, &t);
        dump(c, stage, &t);
    }
    return goes_on(c, stage);
}

static bool steps_stage(struct compile *c, enum stage stage,
                        struct steps *const *seq)
{
    struct text t = {.arena = &c->arena};

    if (c->diag.failed)
        return false;
    for (int i = 0; i < SEQ_KINDS; i++)
        if (seq[i])
            ours(c, stage, steps_verify(seq[i], &c->arena));
    if (wants_dump(c, plancl_stage_name(stage))) {
        for (int i = 0; i < SEQ_KINDS; i++)
            if (seq[i])
                steps_print(seq[i], &t);
        dump(c, stage, &t);
    }
    return goes_on(c, stage);
}

/* ---- the stages ---- */

static bool skips(const struct compile *c, enum plancl_pass pass)
{
    return c->opt->skip & (unsigned)pass;
}

/* The one thing that micro-batches change.  Mean and variance are of the
 * samples that one launch sees. */
static bool has_batch_statistics(const struct graph *g)
{
    for (int id = 1; id < g->len; id++)
        if (g->node[id]->op == &op_BatchStats)
            return true;
    return false;
}

static void note_statistics(const struct compile *c, const struct graph *g)
{
    if (g->batch != g->effective && has_batch_statistics(g))
        note(c->cb, PLANCL_NOTE,
             "BatchNormalization takes its statistics from the %lld "
             "samples of a micro-batch, not from all %lld of an update",
             (long long)g->batch, (long long)g->effective);
}

/* May the batch be cut? Where that changes no bit and nobody has said how. */
static bool can_cut(const struct compile *c, const struct graph *g)
{
    return !c->opt->micro_batch && g->batch > 1 && !has_batch_statistics(g);
}

static struct graph *front(struct compile *c, struct graph *model)
{
    struct training training = {.observe = c->opt->observe};
    struct plancl_compile_options opt = *c->opt;

    if (c->cut)
        opt.micro_batch = c->cut;
    graph_init(model, &c->arena, &c->diag);
    if (!model_read(model, c->name, c->text, &opt, &training) ||
        !graph_stage(c, STAGE_MODEL, model))
        return NULL;
    if (training.present)
        grad_build(model, &training);
    if (!graph_stage(c, STAGE_GRAD, model))
        return NULL;
    note_statistics(c, model);
    c->can_cut = can_cut(c, model);
    c->budget.look = !c->search && (c->can_cut || c->cut);
    return model;
}

static struct graph *middle(struct compile *c, const struct graph *model,
                            struct graph *stage)
{
    const struct graph *g = model;

    if (!skips(c, PLANCL_SKIP_SIMPLIFY)) {
        simplify(g, &stage[0]);
        g = &stage[0];
    }
    if (!graph_stage(c, STAGE_SIMPLIFY, g))
        return NULL;
    layout(g, &stage[1], !skips(c, PLANCL_SKIP_LAYOUT));
    g = &stage[1];
    if (!skips(c, PLANCL_SKIP_SIMPLIFY) && !c->diag.failed) {
        simplify(g, &stage[2]);
        g = &stage[2];
    }
    if (!graph_stage(c, STAGE_LAYOUT, g))
        return NULL;
    if (!skips(c, PLANCL_SKIP_FUSE)) {
        fuse(g, &stage[3]);
        g = &stage[3];
    }
    if (!graph_stage(c, STAGE_FUSE, g))
        return NULL;
    return (struct graph *)g;
}

/* A sequence that nothing is assigned in is not there; init always is. */
static bool has_sequence(const struct graph *g, int id)
{
    if (id == SEQ_INIT)
        return true;
    if (id == SEQ_ACCUMULATE && g->batch == g->effective)
        return false;
    for (int i = 0; i < g->nassign; i++)
        if (g->assign[i].sequences >> id & 1)
            return true;
    return false;
}

static bool back(struct compile *c, struct graph *g, struct steps **seq,
                 struct memory *m)
{
    struct steps *present[SEQ_KINDS];
    struct placing how = {g,
                          &c->profile,
                          !skips(c, PLANCL_SKIP_ORDER),
                          !skips(c, PLANCL_SKIP_INPLACE),
                          c->budget.reuse && !skips(c, PLANCL_SKIP_RECOMPUTE),
                          c->cb};
    int n = 0;
    bool placed;

    for (int i = 0; i < SEQ_KINDS; i++)
        if (has_sequence(g, i))
            present[n++] = seq[i] = lower_sequence(
                g, &c->profile.info, (enum plan_sequence_id)i, -1, NULL);
    if (!steps_stage(c, STAGE_LOWER, seq))
        return false;
    for (int i = 0; i < n; i++)
        schedule(present[i], g, !skips(c, PLANCL_SKIP_EARLY));
    if (!steps_stage(c, STAGE_SCHEDULE, seq))
        return false;
    placed = budget_place(&c->budget, &how, present, n, m);
    for (int i = 0; i < n; i++)
        seq[present[i]->id] = present[i];
    return placed;
}

/* plan_verify() is written apart from the allocator, so that no mistake hides
 * in both.  The block's own bytes are host memory too. */
static enum plancl_status finish(struct compile *c, const struct plan *flat,
                                 struct plancl_plan **out)
{
    struct text t = {.arena = &c->arena};
    enum plancl_status status = plan_verify(flat, c->cb);

    if (status != PLANCL_OK)
        return status;
    status = plan_copy(flat, c->cb, out);
    if (status != PLANCL_OK)
        return status;
    (*out)->plan.host_bytes = session_host_bytes(flat) + (*out)->bytes;
    if (wants_dump(c, plancl_stage_name(STAGE_PLAN))) {
        plan_print(&(*out)->plan, &t);
        dump(c, STAGE_PLAN, &t);
    }
    if (goes_on(c, STAGE_PLAN))
        return PLANCL_OK;
    plancl_plan_free(*out);
    *out = NULL;
    return PLANCL_OK;
}

/* The model's first mistake, at its place. */
static enum plancl_status refuse(const struct compile *c)
{
    const struct diag *d = &c->diag;
    struct plancl_message m = {PLANCL_ERROR, d->at.file ? d->at.file : c->name,
                               d->at.line, d->at.column, d->text};

    if (c->cb && c->cb->message)
        c->cb->message(c->cb->context, &m);
    return PLANCL_REFUSED;
}

/* From text to a plan; false without one, or with one that takes the least. */
static bool attempt(struct compile *c, struct plan *flat)
{
    struct graph *model = ARENA_NEW(&c->arena, struct graph, 1), *g;
    struct graph *stage = ARENA_NEW(&c->arena, struct graph, 4);
    struct steps *seq[SEQ_KINDS] = {NULL};
    struct memory m = {0};

    c->model = model;
    g = front(c, model);
    if (g)
        g = middle(c, g, stage);
    if (!g || (!back(c, g, seq, &m) && !c->budget.least) ||
        !emit(g, seq, &m, &c->profile, flat))
        return false;
    return !c->budget.least ||
           peak_reject(g, flat, &c->profile, c->budget.bytes);
}

/* The next rung of the ladder: an update in twice as many pieces.  The pieces
 * are as equal as whole samples allow. */
static void cut_batch(struct compile *c)
{
    uint64_t effective = (uint64_t)c->model->effective;
    uint64_t batch = (uint64_t)c->model->batch;
    uint64_t pieces = 2 * ((effective + batch - 1) / batch);

    c->cut = (effective + pieces - 1) / pieces;
    c->diag.failed = c->budget.over = false;
}

/* Pieces whose results do not all fit: what they need at the least and how long an
 * update takes with nothing computed again, by a quick look. */
struct rung {
    uint64_t cut, at_least;
    double seconds;
    bool tried; /* with a search */
};

struct rungs {
    int n;
    struct rung rung[64];
};

/* The fastest plan so far. */
struct best {
    bool made;
    struct plan flat;
    struct graph *model;
    struct budget budget;
};

static void keep_faster(const struct compile *c, const struct plan *flat,
                        struct best *best)
{
    if (!best->made || plan_step_seconds(flat) < plan_step_seconds(&best->flat))
        *best = (struct best){true, *flat, c->model, c->budget};
}

/* Search in earnest; where that finds nothing either, what the refusal says is of
 * the pieces that need the least. */
static void search_rung(struct compile *c, struct rung *r, struct best *best)
{
    const uint64_t least = c->budget.would_do;
    const struct diag diag = c->diag;
    struct plan flat;

    r->tried = true;
    if (c->budget.cancelled)
        return;
    c->budget.faster_than = best->made ? plan_step_seconds(&best->flat) : 0;
    c->cut = r->cut;
    c->diag.failed = false;
    if (attempt(c, &flat))
        keep_faster(c, &flat, best);
    if (least == BUDGET_NONE || c->budget.would_do < least)
        return;
    c->budget.would_do = least;
    c->diag = diag;
}

/* Pieces that were only looked at: those that may be faster than the best so far; and
 * if nothing fits, those that may need the least. */
static void search_rungs(struct compile *c, struct rungs *r, struct best *best)
{
    c->search = true;
    c->budget.would_do = BUDGET_NONE;
    for (int k = 0; k < r->n; k++)
        if (r->rung[k].at_least <= c->budget.bytes &&
            (!best->made ||
             r->rung[k].seconds < plan_step_seconds(&best->flat)))
            search_rung(c, &r->rung[k], best);
    for (int k = r->n - 1; k >= 0 && !best->made; k--)
        if (!r->rung[k].tried && r->rung[k].at_least < c->budget.would_do)
            search_rung(c, &r->rung[k], best);
}

/* Why there is no plan. */
static enum plancl_status refuse_budget(struct compile *c)
{
    if (c->opt->would_do && c->budget.would_do != BUDGET_NONE)
        *c->opt->would_do = c->budget.would_do;
    if (!c->opt->micro_batch && has_batch_statistics(c->model))
        note(c->cb, PLANCL_NOTE,
             "the batch was not cut: BatchNormalization takes its statistics "
             "from all of it; --micro-batch does so all the same");
    return refuse(c);
}

static enum plancl_status finish_best(struct compile *c,
                                      const struct best *best,
                                      struct plancl_plan **out)
{
    const struct graph *g = best->model;

    c->diag.failed = false;
    for (int i = 0; i < best->budget.nnote; i++)
        note(c->cb, PLANCL_NOTE, "%s", best->budget.note[i]);
    if (g->batch != g->effective && !c->opt->micro_batch)
        note(c->cb, PLANCL_NOTE,
             "the batch of %lld samples is taken in pieces of %lld",
             (long long)g->effective, (long long)g->batch);
    if (c->opt->done)
        *c->opt->done = best->budget.done;
    return finish(c, &best->flat, out);
}

/* The ladder: down to pieces all of whose results fit, or that cannot be cut, and
 * then back to what was passed over.  What is refused for another reason than
 * memory ends it at once, since smaller pieces would be refused as well. */
static enum plancl_status pipeline(struct compile *c, struct plancl_plan **out)
{
    struct best best = {.made = false};
    struct rungs r = {0};
    struct plan flat;
    bool made = attempt(c, &flat);

    while (!made && c->budget.over && c->budget.look) {
        r.rung[r.n++] = (struct rung){c->cut, c->budget.would_do,
                                      c->budget.kept_seconds, false};
        if (!c->can_cut)
            break;
        cut_batch(c);
        made = attempt(c, &flat);
    }
    if (made)
        keep_faster(c, &flat, &best);
    if (r.n && (made || c->budget.over))
        search_rungs(c, &r, &best);
    if (c->budget.cancelled)
        return PLANCL_CANCELLED;
    if (best.made)
        return finish_best(c, &best, out);
    if (c->budget.over)
        return refuse_budget(c);
    return c->diag.failed ? refuse(c) : PLANCL_OK;
}

/* ---- input ---- */

static enum plancl_status find_profile(struct compile *c)
{
    const struct plancl_compile_options *o = c->opt;
    enum plancl_status status =
        o->device
            ? profile_of_device(o->device, c->cb, &c->profile)
            : profile_read(o->profile ? o->profile : "cpu", c->cb, &c->profile);

    if (o->max_allocation && o->max_allocation < c->profile.max_allocation)
        c->profile.max_allocation = o->max_allocation;
    c->budget.reuse = !skips(c, PLANCL_SKIP_REUSE);
    c->budget.bytes = o->memory;
    if (o->memory_part > 0)
        c->budget.bytes = (uint64_t)(o->memory_part *
                                     (double)c->profile.memory);
    if (status == PLANCL_OK && c->profile.max_allocation < c->profile.alignment)
        return fail(c->cb, PLANCL_REFUSED,
                    "largest allocation is %" PRIu64
                    " bytes, wanted at least %" PRIu64,
                    c->profile.max_allocation, c->profile.alignment);
    return status;
}

static enum plancl_status compile(struct compile *c, struct plancl_plan **out)
{
    enum plancl_status status = find_profile(c);
    struct text t = {.arena = &c->arena};

    if (status == PLANCL_OK && !c->text) {
        status = text_file(&t, c->name, c->cb);
        c->text = t.s;
    }
    if (status == PLANCL_OK)
        status = pipeline(c, out);
    arena_close(&c->arena);
    return status;
}

enum plancl_status plancl_compile(const char *name, const char *text,
                                  const struct plancl_compile_options *options,
                                  const struct plancl_callbacks *cb,
                                  struct plancl_plan **plan)
{
    static const struct plancl_compile_options none;
    struct compile c = {
        .opt = options ? options : &none, .cb = cb, .name = name, .text = text};
    jmp_buf out_of_memory;

    *plan = NULL;
    arena_open(&c.arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&c.arena);
        return fail(cb, PLANCL_MEMORY, "%s: no memory left to compile", name);
    }
    return compile(&c, plan);
}
