/*
 * random_budgets.c: random models in less and less memory.
 *
 * Of each model: the plan without a budget; plans for budgets down to the least
 * that works; one of these with slabs of a quarter of the budget, or of the
 * largest buffer where that is more; and one with slabs that this buffer does not
 * fit, which only cutting the batch can help.  Every plan verifies and keeps its
 * budget; one that is refused is refused with a number that works; a smaller
 * budget never predicts a shorter time.  On a device: what is allocated is what
 * the plan says, and after some updates the weights are the same, by hash, for
 * every plan of the model.
 *
 * PLANCL_RANDOM=n takes n models, PLANCL_RANDOM_SEED=s begins with that one.  A
 * model that fails is written to random-<seed>.json.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/plan_io.h"
#include "tests/plan_run.h"
#include "tests/random_graph.h"

enum {
    SKIP = 77,
    MODELS = 100,
    FIRST_SEED = 50000,
    BUDGETS = 5,
    ALIGNMENT = 256,
    MESSAGE = 512
};

/* In per cent of what the plan without a budget takes; the last one is less
 * than any model can do with. */
static const unsigned percent[BUDGETS] = {90, 75, 60, 45, 1};

/* Plans of all models, and how many of them did what for their memory. */
struct tally {
    unsigned plans, repeat, cut, slabs;
};

/* Of one model. */
struct job {
    const struct random_model *m;
    struct plancl_plan *plain;
    uint64_t bytes; /* of the plain plan */
    char hash[65];  /* of the weights that it trains; "": no device */
    double seconds; /* predicted with the budget before */
    bool runs;      /* there is a device */
    struct tally *tally;
};

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    if (m->severity == PLANCL_ERROR)
        fprintf(stderr, "%d:%d: %s\n", m->line, m->column, m->text);
}

static const struct plancl_callbacks cb = {NULL, on_message, NULL};

static int failed(const char *what, uint64_t got, uint64_t limit)
{
    fprintf(stderr, "%s: %" PRIu64 ", limit %" PRIu64 "\n", what, got, limit);
    return 1;
}

/* ---- one plan ---- */

/* The end of the highest buffer of a slab. */
static uint64_t end_of(const struct plan *p, uint32_t slab)
{
    uint64_t end = 0;

    for (uint32_t i = 0; i < p->nbuffer; i++) {
        const struct plan_buffer *b = &p->buffer[i];

        if (b->slab == slab && b->offset + b->bytes > end)
            end = b->offset + b->bytes;
    }
    return round_up_u64(end, ALIGNMENT);
}

static int check_bytes(const struct plan *p,
                       const struct plancl_compile_options *o)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < p->nslab; i++) {
        all += p->slab_bytes[i];
        if (o->max_allocation && p->slab_bytes[i] > o->max_allocation)
            return failed("bytes of a slab", p->slab_bytes[i],
                          o->max_allocation);
        if (p->slab_bytes[i] != end_of(p, i))
            return failed("bytes of a slab", p->slab_bytes[i], end_of(p, i));
    }
    if (all != p->device_bytes)
        return failed("bytes of the plan", p->device_bytes, all);
    if (o->memory && all > o->memory)
        return failed("bytes with a budget", all, o->memory);
    return 0;
}

/* The first plan of a model says what the weights must be. */
static int check_run(struct job *j, const struct plancl_plan *plan,
                     enum run_memory memory)
{
    struct outcome r;
    enum plancl_status status = run_plan(plan, memory, &r);

    free(r.weights);
    if (status == PLANCL_DEVICE) {
        j->runs = false;
        return 0;
    }
    if (status)
        return 1;
    if (!*j->hash)
        memcpy(j->hash, r.hash, sizeof j->hash);
    if (strcmp(j->hash, r.hash) == 0)
        return 0;
    fprintf(stderr,
            "other weights with %" PRIu64 " bytes%s, plain %" PRIu64 "\n",
            plan->plan.device_bytes,
            memory == RUN_DEBUG_MEMORY ? ", each buffer apart" : "", j->bytes);
    return 1;
}

static void count(struct tally *t, const struct plan *p,
                  const struct plancl_compile_done *done)
{
    t->plans++;
    t->repeat += done && done->repeats;
    t->cut += p->batch < p->effective;
    for (uint32_t i = 0, n = 0; i < p->nslab; i++)
        if (p->slab_kind[i] == PLAN_TRANSIENT && ++n == 2)
            t->slabs++;
}

static int check_plan(struct job *j, const struct plancl_plan *plan,
                      const struct plancl_compile_options *o)
{
    int bad = plan_verify(&plan->plan, &cb) != PLANCL_OK ||
              check_bytes(&plan->plan, o);

    count(j->tally, &plan->plan, o->done);
    if (strcmp(j->plain->plan.numerics, plan->plan.numerics) != 0) {
        fprintf(stderr, "another numerics digest with %" PRIu64 " bytes\n",
                plan->plan.device_bytes);
        bad = 1;
    }
    if (!bad && j->runs)
        bad = check_run(j, plan, RUN_PLANNED_MEMORY);
    /* One of three also with all buffers apart. */
    if (!bad && j->runs && j->tally->plans % 3 == 0)
        bad = check_run(j, plan, RUN_DEBUG_MEMORY);
    return bad;
}

/* ---- budgets ---- */

/* A plan within the budget, or within what the refusal says would do; null
 * where neither is made.  o->memory becomes what it was made for. */
static struct plancl_plan *within(const struct job *j,
                                  struct plancl_compile_options *o,
                                  struct plancl_compile_done *done)
{
    struct plancl_compile_options try;
    struct plancl_plan *plan = NULL;
    uint64_t would_do = 0;

    o->done = done;
    try = *o;
    try.would_do = &would_do;
    plancl_compile("model.json", j->m->text, &try, NULL, &plan);
    if (plan || would_do <= o->memory)
        return plan;
    o->memory = would_do;
    plancl_compile("model.json", j->m->text, o, &cb, &plan);
    return plan;
}

static uint64_t largest_buffer(const struct plan *p)
{
    uint64_t most = 0;

    for (uint32_t i = 0; i < p->nbuffer; i++)
        if (p->buffer[i].bytes > most)
            most = p->buffer[i].bytes;
    return most;
}

/* The budget is a quarter of it in slabs, at most. */
static int check_slabs(struct job *j, uint64_t memory)
{
    uint64_t most = round_up_u64(largest_buffer(&j->plain->plan), ALIGNMENT);
    struct plancl_compile_options o = {
        .memory = memory,
        .max_allocation = memory / 4 > most ? memory / 4 : most};
    struct plancl_compile_done done;
    struct plancl_plan *plan = within(j, &o, &done);
    int bad = !plan || check_plan(j, plan, &o);

    if (bad)
        fprintf(stderr, "slabs of %" PRIu64 " in %" PRIu64 " bytes\n",
                o.max_allocation, o.memory);
    plancl_plan_free(plan);
    return bad;
}

static void keep_message(void *context, const struct plancl_message *m)
{
    snprintf(context, MESSAGE, "%s", m->text);
}

/* Slabs that are too small for the largest buffer are refused, and it is named;
 * with a budget the batch may be cut until it fits. */
static int check_refusal(struct job *j)
{
    uint64_t most = round_up_u64(largest_buffer(&j->plain->plan), ALIGNMENT);
    struct plancl_compile_options o = {.max_allocation = most - ALIGNMENT};
    struct plancl_plan *plan = NULL;
    char said[MESSAGE] = "";
    const struct plancl_callbacks keep = {said, keep_message, NULL};
    int bad;

    if (!o.max_allocation)
        return 0;
    plancl_compile("model.json", j->m->text, &o, &keep, &plan);
    bad = plan || !strstr(said, "needs a buffer of ");
    plancl_plan_free(plan);
    o.memory = 2 * j->bytes;
    plancl_compile("model.json", j->m->text, &o, &keep, &plan);
    if (plan)
        bad |= check_plan(j, plan, &o);
    else
        bad |= !strstr(said, "needs a buffer of ");
    plancl_plan_free(plan);
    if (bad)
        fprintf(stderr, "slabs of %" PRIu64 ": %s\n", o.max_allocation, said);
    return bad;
}

static int check_budget(struct job *j, uint64_t memory, uint64_t *least)
{
    struct plancl_compile_options o = {.memory = memory};
    struct plancl_compile_done done;
    struct plancl_plan *plan = within(j, &o, &done);
    double seconds = plan ? plan_step_seconds(&plan->plan) : 0;
    int bad = !plan || check_plan(j, plan, &o);

    if (plan && seconds < j->seconds * (1 - 1e-9)) {
        fprintf(stderr, "%g s, with a larger budget %g\n", seconds, j->seconds);
        bad = 1;
    }
    if (bad)
        fprintf(stderr, "a budget of %" PRIu64 " bytes\n", memory);
    j->seconds = seconds;
    *least = o.memory;
    plancl_plan_free(plan);
    return bad;
}

static int check_budgets(struct job *j, unsigned number)
{
    uint64_t least = 0;
    int bad = 0;

    for (unsigned k = 0; k < BUDGETS && !bad; k++) {
        uint64_t memory = j->bytes * percent[k] / 100;

        /* Refused once, all that is smaller is refused. */
        if (least > memory && k + 1 < BUDGETS)
            continue;
        bad = check_budget(j, memory, &least);
        if (!bad && k == number % BUDGETS)
            bad = check_slabs(j, least);
    }
    return bad;
}

static int check_job(struct job *j, unsigned number)
{
    const struct plancl_compile_options none = {.skip = 0};
    int bad;

    if (plancl_compile("model.json", j->m->text, &none, &cb, &j->plain))
        return 1;
    j->bytes = plancl_plan_device_bytes(j->plain);
    bad = check_plan(j, j->plain, &none) || check_refusal(j) ||
          check_budgets(j, number);
    plancl_plan_free(j->plain);
    return bad;
}

/* ---- all ---- */

static void keep(const struct random_model *m, uint64_t seed)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "random-%" PRIu64 ".json", seed);
    fprintf(stderr, "%s failed\n", path);
    f = fopen(path, "w");
    if (!f)
        return;
    fputs(m->text, f);
    fclose(f);
}

/* *runs: set to false where there is no device. */
static int check_seed(uint64_t seed, unsigned number, bool *runs,
                      struct tally *t)
{
    struct random_model m;
    struct job j = {.m = &m, .runs = *runs, .tally = t};
    struct arena a;
    jmp_buf out_of_memory;
    int bad;

    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    random_model(seed, &a, &m);
    bad = check_job(&j, number);
    if (bad)
        keep(&m, seed);
    *runs = j.runs;
    arena_close(&a);
    return bad;
}

static unsigned long long number_from(const char *variable,
                                      unsigned long long otherwise)
{
    const char *s = getenv(variable);

    return s && *s ? strtoull(s, NULL, 10) : otherwise;
}

int main(void)
{
    unsigned n = (unsigned)number_from("PLANCL_RANDOM", MODELS);
    uint64_t seed = number_from("PLANCL_RANDOM_SEED", FIRST_SEED);
    struct tally t = {0};
    bool runs = true;
    int bad = 0;

    /* pocl takes a quarter of the time to compile without optimizing. */
    setenv("POCL_EXTRA_BUILD_FLAGS", "-cl-opt-disable", 1);
    for (unsigned i = 0; i < n; i++)
        bad += check_seed(seed + i, i, &runs, &t);
    printf("%u models from seed %" PRIu64 "%s: %d failed\n", n, seed,
           runs ? "" : ", without a device", bad);
    printf("%u plans: %u compute again, %u cut the batch, %u have an arena of "
           "several slabs\n",
           t.plans, t.repeat, t.cut, t.slabs);
    if (bad)
        return 1;
    return runs ? 0 : SKIP;
}
