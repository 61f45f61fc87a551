/*
 * random_plans.c: random models, compiled and run in several ways.
 *
 * Without a device: gradients are the loss's slope; every pass leaves a model's
 * meaning alone, in double, by the interpreter; every way to compile gives a plan
 * that verifies, whose bytes are what its slabs take, and the same one twice.
 *
 * On a device: the result is the interpreter's within rounding; memory decisions
 * and micro-batches change no bit; optional passes change rounding at most.
 *
 * PLANCL_RANDOM=n takes n models, and runs all of them; PLANCL_RANDOM_SEED=s
 * begins with that one.  A model that fails is written to random-<seed>.json.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/plan_io.h"
#include "tests/graph_run.h"
#include "tests/plan_run.h"
#include "tests/random_graph.h"

enum { SKIP = 77, MODELS = 40, FIRST_SEED = 1000 };
enum { RUN_EVERY = 5, OPTIMIZE_EVERY = 12 };

/* Folding rounds constants to f32; nothing else rounds. */
static const double FOLDED = 3e-7, EXACT = 1e-12;
/* Differences of the loss, whose last digits go. */
static const double SLOPE = 1e-6;
/* Of the weights' movement in RUN_UPDATES updates: f32 sums in another order. */
static const double ROUNDING = 5e-3;

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    if (m->severity == PLANCL_ERROR)
        fprintf(stderr, "%d:%d: %s\n", m->line, m->column, m->text);
}

static const struct plancl_callbacks cb = {NULL, on_message, NULL};

/* ---- passes ---- */

/* With a row less than the batch has: stale rows are part of the meaning. */
static int check_sequence(const struct graph *g, const struct graph *h,
                          unsigned skip, enum plan_sequence_id id)
{
    int64_t rows = g->batch > 1 ? g->batch - 1 : 1;
    const struct ref_env env = {.batch = g->batch,
                                .rows = rows,
                                .first = g->effective > g->batch ? 1 : 0,
                                .effective = g->effective,
                                .seed = RUN_SEED,
                                .step = 2,
                                .learning_rate = 0.01};
    const char *leaf = "";
    double off = graph_distance(g, h, id, &env, &leaf);

    if (off <= (skip & PLANCL_SKIP_SIMPLIFY ? EXACT : FOLDED))
        return 0;
    fprintf(stderr, "passes without %#x: %s in %s is %.3g apart\n", skip, leaf,
            plan_sequence_name(id), off);
    return 1;
}

static int check_gradients(const struct graph *g)
{
    struct slopes s = graph_slopes(g, (g->batch + 1) / 2);
    double off = fabs(s.by_gradients - s.by_differences);

    if (off <= SLOPE * (1 + fabs(s.by_differences)))
        return 0;
    fprintf(stderr, "slope %.9g by gradients, %.9g by differences\n",
            s.by_gradients, s.by_differences);
    return 1;
}

static int check_passes(const struct random_model *m, struct arena *a,
                        uint64_t micro_batch)
{
    struct diag diag;
    struct graph *g = graph_of_model(a, m->text, micro_batch, &diag);
    int bad = 0;

    if (!g) {
        fprintf(stderr, "refused: %s\n", diag.text);
        return 1;
    }
    if (!micro_batch)
        bad = check_gradients(g);
    for (unsigned skip = 0; skip <= 7; skip++) {
        const struct graph *h = graph_passes(g, skip);
        const char *why = graph_verify(h, a);

        if (why)
            fprintf(stderr, "passes without %#x: %s\n", skip, why);
        bad += why != NULL;
        for (int id = 0; id < SEQ_KINDS && !bad; id++)
            bad += check_sequence(g, h, skip, (enum plan_sequence_id)id);
    }
    return bad;
}

/* ---- plans ---- */

/* Null where the compiler refused. */
static struct plancl_plan *compiled(const struct random_model *m, unsigned skip,
                                    uint64_t micro_batch,
                                    uint64_t max_allocation)
{
    const struct plancl_compile_options o = {.skip = skip,
                                             .micro_batch = micro_batch,
                                             .max_allocation = max_allocation};
    struct plancl_plan *plan = NULL;

    plancl_compile("model.json", m->text, &o, max_allocation ? NULL : &cb,
                   &plan);
    return plan;
}

static int same_plan(const struct plancl_plan *a, const struct plancl_plan *b,
                     struct arena *arena)
{
    struct text x = {.arena = arena}, y = {.arena = arena};

    plan_json_write(&a->plan, &x);
    plan_json_write(&b->plan, &y);
    return x.len == y.len && memcmp(x.s, y.s, x.len) == 0;
}

/* Slabs within their limit, and as large together as the header says. */
static int check_bytes(const struct plan *p, uint64_t max_allocation)
{
    uint64_t all = 0, shared = 0;
    int bad = 0;

    for (uint32_t i = 0; i < p->nslab; i++) {
        all += p->slab_bytes[i];
        shared += p->slab_kind[i] == PLAN_TRANSIENT ? p->slab_bytes[i] : 0;
        bad += max_allocation && p->slab_bytes[i] > max_allocation;
    }
    bad += all != p->device_bytes || shared != p->arena_bytes ||
           p->arena_bytes < p->live_lower_bound;
    if (bad)
        fprintf(stderr,
                "device bytes %llu, arena %llu, live %llu, in slabs of "
                "at most %llu bytes\n",
                (unsigned long long)p->device_bytes,
                (unsigned long long)p->arena_bytes,
                (unsigned long long)p->live_lower_bound,
                (unsigned long long)max_allocation);
    return bad != 0;
}

/* Do two buffers lie at one place in parts, or with other elements?  Then what is
 * written to the one may change what is still to be read from the other. */
static bool clash(const struct plan_buffer *a, const struct plan_buffer *b)
{
    if (a->slab != b->slab || a->offset + a->bytes <= b->offset ||
        b->offset + b->bytes <= a->offset)
        return false;
    return a->offset != b->offset || a->bytes != b->bytes ||
           dtype_bytes((enum dtype)a->dtype) !=
               dtype_bytes((enum dtype)b->dtype);
}

static int check_entry(const struct plan *p, const struct plan_entry *e)
{
    const struct plan_arg *arg = &p->arg[e->first_arg];

    for (uint32_t i = 0; i < e->narg; i++)
        for (uint32_t k = 0; k < e->narg; k++) {
            if (arg[i].kind != PLAN_ARG_BUFFER ||
                arg[k].kind != PLAN_ARG_BUFFER ||
                !(arg[i].access & PLAN_WRITE) || arg[i].index == arg[k].index ||
                !clash(&p->buffer[arg[i].index], &p->buffer[arg[k].index]))
                continue;
            fprintf(stderr, "%s of %s writes over other elements\n",
                    plan_string(p, e->kernel), plan_string(p, e->layer));
            return 1;
        }
    return 0;
}

static int check_places(const struct plan *p)
{
    int bad = 0;

    for (uint32_t i = 0; i < p->nentry && !bad; i++)
        bad = check_entry(p, &p->entry[i]);
    return bad;
}

static int check_plan(const struct random_model *m, unsigned skip,
                      uint64_t micro_batch, uint64_t max_allocation)
{
    struct plancl_plan *plan = compiled(m, skip, micro_batch, max_allocation);
    int bad;

    /* Slabs may be too small for the largest buffer. */
    if (!plan)
        return !max_allocation;
    bad = plan_verify(&plan->plan, &cb) != PLANCL_OK ||
          check_bytes(&plan->plan, max_allocation) || check_places(&plan->plan);
    if (bad)
        fprintf(stderr, "plan without %#x, micro-batch %llu\n", skip,
                (unsigned long long)micro_batch);
    plancl_plan_free(plan);
    return bad;
}

static int check_twice(const struct random_model *m, struct arena *a)
{
    struct plancl_plan *p = compiled(m, 0, 0, 0), *q = compiled(m, 0, 0, 0);
    int same = p && q && same_plan(p, q, a);

    if (!same)
        fprintf(stderr, "compiled twice, two plans\n");
    plancl_plan_free(p);
    plancl_plan_free(q);
    return !same;
}

static int check_plans(const struct random_model *m, struct arena *a)
{
    struct plancl_plan *plan = compiled(m, 0, 0, 0);
    uint64_t bytes = plan ? plancl_plan_device_bytes(plan) : 0;
    int bad = !plan || check_twice(m, a);

    plancl_plan_free(plan);
    for (unsigned skip = 0; skip < 64 && !bad; skip++) {
        uint64_t micro = skip % (m->batch + 1);

        bad += check_plan(m, skip, micro, 0) ||
               check_plan(m, skip, micro, bytes / (1 + skip % 5));
    }
    return bad;
}

/* ---- on a device ---- */

struct way {
    const char *name;
    unsigned skip;
    int cuts;     /* into micro-batches */
    int slabs;    /* many small ones */
    int memory;   /* a budget, in per cent of what plain steps take */
    int rounding; /* weights only agree within rounding */
};

static const struct way ways[] = {
    {.name = "no reuse", .skip = PLANCL_SKIP_REUSE},
    {.name = "micro-batches", .cuts = 1},
    {.name = "nothing in place", .skip = PLANCL_SKIP_INPLACE},
    {.name = "layouts converted", .skip = PLANCL_SKIP_LAYOUT, .rounding = 1},
    {.name = "small slabs", .slabs = 1},
    {.name = "micro-batches, small slabs", .cuts = 1, .slabs = 1},
    {.name = "neither reuse nor in place",
     .skip = PLANCL_SKIP_REUSE | PLANCL_SKIP_INPLACE},
    {.name = "not fused", .skip = PLANCL_SKIP_FUSE, .rounding = 1},
    {.name = "late updates", .skip = PLANCL_SKIP_EARLY},
    {.name = "micro-batches, late updates, no reuse",
     .skip = PLANCL_SKIP_EARLY | PLANCL_SKIP_REUSE,
     .cuts = 1},
    {.name = "late, not in place",
     .skip = PLANCL_SKIP_EARLY | PLANCL_SKIP_INPLACE},
    {.name = "not simplified", .skip = PLANCL_SKIP_SIMPLIFY, .rounding = 1},
    {.name = "nothing computed again", .skip = PLANCL_SKIP_RECOMPUTE},
    {.name = "the model's order", .skip = PLANCL_SKIP_ORDER},
    {.name = "little memory", .memory = 75},
    {.name = "little memory, small slabs", .memory = 85, .slabs = 1},
    {.name = "the least memory", .memory = 1},
    {.name = "the least memory, late updates",
     .memory = 1,
     .skip = PLANCL_SKIP_EARLY},
};
enum { WAYS = sizeof ways / sizeof *ways };

static uint64_t micro_batch_of(const struct random_model *m, uint64_t seed,
                               const struct way *w)
{
    return w->cuts ? 1 + seed % m->batch : 0;
}

/* The smallest slabs, in halves of the whole, that hold the largest buffer. */
static uint64_t slab_of(const struct random_model *m, uint64_t seed,
                        const struct way *w)
{
    uint64_t micro = micro_batch_of(m, seed, w), slab = 0;
    struct plancl_plan *plan;

    if (!w->slabs)
        return 0;
    plan = compiled(m, w->skip, micro, 0);
    if (!plan)
        return 0;
    for (uint64_t try = plancl_plan_device_bytes(plan); plan; try /= 2) {
        plancl_plan_free(plan);
        plan = compiled(m, w->skip, micro, try);
        if (plan)
            slab = try;
    }
    return slab;
}

/* Set a budget that is kept; false where the number that would do does not. */
static int set_memory(const struct random_model *m, const struct way *w,
                      struct plancl_compile_options *o)
{
    struct plancl_plan *plan = compiled(m, o->skip | PLANCL_SKIP_RECOMPUTE,
                                        o->micro_batch, o->max_allocation);
    struct plancl_compile_options try = *o;
    uint64_t would_do = 0, bytes = 0;

    if (!plan)
        return 0;
    try.memory = plancl_plan_device_bytes(plan) * (unsigned)w->memory / 100;
    try.would_do = &would_do;
    plancl_plan_free(plan);
    plan = NULL;
    plancl_compile("model.json", m->text, &try, NULL, &plan);
    if (!plan && would_do > try.memory) {
        try.memory = would_do;
        plancl_compile("model.json", m->text, &try, &cb, &plan);
    }
    o->memory = try.memory;
    if (plan)
        bytes = plancl_plan_device_bytes(plan);
    plancl_plan_free(plan);
    if (bytes && bytes <= o->memory)
        return 1;
    fprintf(stderr, "%s: %llu bytes\n", w->name, (unsigned long long)bytes);
    return 0;
}

/* The largest difference, as a part of the largest movement. */
static double apart(const struct outcome *a, const struct outcome *b)
{
    double moved = 1e-3, worst = 0;

    if (a->count != b->count)
        return INFINITY;
    for (uint64_t i = 0; i < a->count; i++)
        moved = fmax(moved, fabsf(a->weights[a->count + i] - a->weights[i]));
    for (uint64_t i = a->count; i < 2 * a->count; i++)
        if (!(fabsf(a->weights[i] - b->weights[i]) <= worst))
            worst = fabsf(a->weights[i] - b->weights[i]);
    return worst / moved;
}

/* Did training run away?  Then only bits tell. */
static int is_wild(const struct outcome *a)
{
    for (uint64_t i = a->count; i < 2 * a->count; i++)
        if (!(fabsf(a->weights[i]) < 10))
            return 1;
    return 0;
}

static enum plancl_status compare_way(const struct random_model *m,
                                      uint64_t seed, const struct way *w,
                                      const struct outcome *base)
{
    struct plancl_compile_options o = {
        .skip = w->skip,
        .micro_batch = micro_batch_of(m, seed, w),
        .max_allocation = slab_of(m, seed, w)};
    int only_near = w->rounding || (w->cuts && !m->cuttable);
    enum plancl_status status;
    struct outcome r;

    if (w->memory && !set_memory(m, w, &o))
        return PLANCL_FAILED;
    status = run_train(m->text, &o, &r);
    only_near &= strcmp(base->numerics, r.numerics) != 0;
    if (!status && strcmp(base->hash, r.hash) != 0 && !only_near) {
        fprintf(stderr, "%s: other bits, %.3g apart\n", w->name,
                apart(base, &r));
        status = PLANCL_FAILED;
    }
    if (!status && w->rounding && !is_wild(base) &&
        !(apart(base, &r) <= ROUNDING)) {
        fprintf(stderr, "%s: %.3g apart\n", w->name, apart(base, &r));
        status = PLANCL_FAILED;
    }
    free(r.weights);
    return status;
}

static enum plancl_status check_on_device(const struct random_model *m,
                                          uint64_t seed, unsigned number)
{
    const struct plancl_compile_options none = {.skip = 0};
    unsigned rows = 1 + (unsigned)(seed % m->batch);
    struct outcome base;
    enum plancl_status status = run_train(m->text, &none, &base);
    double off = 0;

    for (unsigned k = 0; k < 2 && !status; k++)
        status = compare_way(m, seed, &ways[(2 * number + k) % WAYS], &base);
    if (!status && !is_wild(&base))
        status = run_beside_interpreter(m->text, rows, &off);
    free(base.weights);
    return status;
}

/* ---- all ---- */

static void keep(const struct random_model *m, uint64_t seed)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "random-%llu.json", (unsigned long long)seed);
    fprintf(stderr, "%s failed:\n%s", path, m->text);
    f = fopen(path, "w");
    if (!f)
        return;
    fputs(m->text, f);
    fclose(f);
}

/* runs: on a device too; set to false where there is none. */
static int check_model(struct arena *a, uint64_t seed, unsigned number,
                       bool *runs)
{
    struct random_model m;
    enum plancl_status status = PLANCL_OK;
    int bad;

    random_model(seed, a, &m);
    bad = check_passes(&m, a, 0) || check_passes(&m, a, (m.batch + 1) / 2) ||
          check_plans(&m, a);
    if (!bad && *runs)
        status = check_on_device(&m, seed, number);
    if (status == PLANCL_DEVICE)
        *runs = false;
    else
        bad |= status != PLANCL_OK;
    if (bad)
        keep(&m, seed);
    return bad;
}

static int check_seed(uint64_t seed, unsigned number, bool *runs)
{
    struct arena a;
    jmp_buf out_of_memory;
    int bad;

    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    bad = check_model(&a, seed, number, runs);
    arena_close(&a);
    return bad;
}

static unsigned long long number_from(const char *variable,
                                      unsigned long long otherwise)
{
    const char *s = getenv(variable);

    return s && *s ? strtoull(s, NULL, 10) : otherwise;
}

/* pocl takes a quarter of the time to compile without optimizing; it looks at
 * its environment for each program. */
static void optimize(bool on)
{
    setenv("POCL_EXTRA_BUILD_FLAGS", on ? "" : "-cl-opt-disable", 1);
}

int main(void)
{
    unsigned n = (unsigned)number_from("PLANCL_RANDOM", MODELS), ran = 0;
    uint64_t seed = number_from("PLANCL_RANDOM_SEED", FIRST_SEED);
    unsigned every = getenv("PLANCL_RANDOM") ? 1 : RUN_EVERY;
    bool device = true;
    int bad = 0;

    for (unsigned i = 0; i < n; i++) {
        bool due = device && i % every == 0, runs = due;

        optimize(i % (OPTIMIZE_EVERY * every) == 0);
        bad += check_seed(seed + i, i / every, &runs);
        device &= runs || !due;
        ran += runs;
    }
    printf("%u models from seed %llu, %u of them on a device: %d failed\n", n,
           (unsigned long long)seed, ran, bad);
    if (bad)
        return 1;
    return ran ? 0 : SKIP;
}
