/*
 * plan_run.c: see plan_run.h.
 *
 * Training through the public functions alone, beside what it should be: the
 * plan's bytes against a counter before clCreateBuffer, and the weights against
 * the interpreter.
 */
/* For RTLD_NEXT.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include "tests/plan_run.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cl.h"
#include "runtime/plan_io.h"
#include "tests/graph_run.h"

/* A test may keep what a library may not: bytes and calls so far. */
static uint64_t buffer_bytes, buffer_calls;

/* Stands before the loader's: counts, and passes on. */
cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size,
                      void *host_ptr, cl_int *errcode_ret)
{
    cl_mem (*next)(cl_context, cl_mem_flags, size_t, void *, cl_int *);

    *(void **)&next = dlsym(RTLD_NEXT, "clCreateBuffer");
    buffer_bytes += size;
    buffer_calls++;
    return next(context, flags, size, host_ptr, errcode_ret);
}

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    if (m->severity == PLANCL_ERROR)
        fprintf(stderr, "%d:%d: %s\n", m->line, m->column, m->text);
}

static const struct plancl_callbacks cb = {NULL, on_message, NULL};

/* A mistake that was found is told and ends the run. */
static enum plancl_status wrong(const char *what, double got, double want)
{
    fprintf(stderr, "%s: %.9g, wanted %.9g\n", what, got, want);
    return PLANCL_FAILED;
}

/* ---- samples ---- */

/* In [-1, 1): element i of sample n of input k. */
static double made_up(uint64_t n, uint64_t i, uint32_t k)
{
    uint64_t h = (n * 2654435761U + i * 40503U + k + 1) * 0x9E3779B97F4A7C15U;

    h ^= h >> 29;
    return (double)(h * 0xBF58476D1CE4E5B9U >> 40) / (1 << 23) - 1;
}

/* By its name: classes 0 to 3, classes of which some are -1, or numbers. */
static double element_of(const char *input, double x)
{
    if (strncmp(input, "label", 5) == 0)
        return floor(2 + 2 * x);
    if (strncmp(input, "ignored", 7) == 0)
        return floor(1.5 + 2.5 * x);
    return x;
}

/* Samples first .. first + rows - 1 of an input, as the device has them.  A
 * sample depends on its number alone, so it is the same whatever micro-batch it
 * is in. */
static void *samples_of(const struct plancl_tensor *t, uint32_t k,
                        uint64_t first, uint32_t rows, uint64_t *bytes)
{
    uint64_t row = t->bytes / 4 / t->dim[0];
    union {
        float f;
        int32_t i;
    } * data;

    *bytes = row * rows * 4;
    data = malloc(*bytes);
    for (uint64_t i = 0; data && i < row * rows; i++) {
        double x = element_of(t->name, made_up(first + i / row, i % row, k));

        if (t->dtype == PLANCL_F32)
            data[i].f = (float)x;
        else
            data[i].i = (int32_t)x;
    }
    return data;
}

/* All inputs, whether a sequence reads them or not. */
static enum plancl_status feed(const struct plancl_plan *plan,
                               struct plancl_session *s, uint64_t first,
                               uint32_t rows)
{
    for (uint32_t k = 0; k < plancl_plan_tensors(plan); k++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, k);
        enum plancl_status status;
        uint64_t bytes;
        void *data;

        if (t.role != PLANCL_INPUT)
            continue;
        data = samples_of(&t, k, first, rows, &bytes);
        status = plancl_write(s, t.name, data, bytes);
        free(data);
        if (status)
            return status;
    }
    return PLANCL_OK;
}

/* The last micro-batch is the step. */
static enum plancl_status run_batch(struct plancl_session *s, int counting,
                                    const struct plancl_batch *b)
{
    if (counting)
        return plancl_count(s, b);
    if (b->first + b->rows < b->effective)
        return plancl_accumulate(s, b);
    return plancl_step(s, b);
}

/* One update of `effective` samples, in micro-batches.  Counts of all of them
 * first, then the others. */
static enum plancl_status update(const struct plancl_plan *plan,
                                 struct plancl_session *s, uint64_t sample,
                                 uint32_t effective)
{
    uint32_t most = plancl_plan_batch(plan);
    enum plancl_status status = PLANCL_OK;

    for (int counting = plancl_has_count(plan); counting >= 0; counting--)
        for (uint32_t first = 0; first < effective && !status; first += most) {
            uint32_t left = effective - first;
            struct plancl_batch b = {left < most ? left : most, first,
                                     effective};

            status = feed(plan, s, sample + first, b.rows);
            if (!status)
                status = run_batch(s, counting, &b);
        }
    return status;
}

/* ---- training ---- */

static uint64_t buffers_of(const struct plan *p)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < p->nbuffer; i++)
        bytes += p->buffer[i].bytes;
    return bytes;
}

/* What opening allocates is what the plan says; or all buffers, side by side. */
static enum plancl_status open_plan(const struct plancl_plan *plan,
                                    enum run_memory memory,
                                    struct plancl_session **s)
{
    const struct plancl_session_options so = {
        .seed = RUN_SEED, .debug_memory = memory == RUN_DEBUG_MEMORY};
    uint64_t before = buffer_bytes, want = plancl_plan_device_bytes(plan);
    enum plancl_status status = plancl_session_open(plan, &so, &cb, s);

    if (memory == RUN_DEBUG_MEMORY)
        want = buffers_of(&plan->plan);
    if (status == PLANCL_REFUSED)
        status = PLANCL_FAILED;
    if (!status && buffer_bytes - before != want)
        status = wrong("bytes of memory objects",
                       (double)(buffer_bytes - before), (double)want);
    return status;
}

/* Weights before and after training, one behind the other. */
static enum plancl_status read_weights(const struct plancl_plan *plan,
                                       struct plancl_session *s,
                                       struct outcome *r, float **at)
{
    enum plancl_status status = PLANCL_OK;

    r->count = 0;
    for (uint32_t k = 0; k < plancl_plan_tensors(plan) && !status; k++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, k);

        if (t.role != PLANCL_PARAMETER)
            continue;
        status = plancl_read(s, t.name, *at, t.bytes);
        *at += t.bytes / 4;
        r->count += t.bytes / 4;
    }
    return status;
}

static uint64_t weight_bytes(const struct plancl_plan *plan)
{
    uint64_t bytes = 0;

    for (uint32_t k = 0; k < plancl_plan_tensors(plan); k++)
        if (plancl_plan_tensor(plan, k).role == PLANCL_PARAMETER)
            bytes += plancl_plan_tensor(plan, k).bytes;
    return bytes;
}

/* The last update is a short one, so that rows and counts matter.  No memory
 * object may be made from here on. */
static enum plancl_status train(const struct plancl_plan *plan,
                                struct plancl_session *s, struct outcome *r)
{
    uint32_t effective = plancl_plan_effective_batch(plan);
    uint64_t calls = buffer_calls;
    float *at = r->weights = malloc(2 * weight_bytes(plan) + 1);
    enum plancl_status status = read_weights(plan, s, r, &at);

    for (uint32_t u = 0; u < RUN_UPDATES && !status; u++)
        status = update(plan, s, (uint64_t)u * effective,
                        u + 1 < RUN_UPDATES ? effective
                                            : effective * 2 / 3 + 1);
    if (!status)
        status = read_weights(plan, s, r, &at);
    if (!status)
        status = plancl_weights_hash(s, r->hash);
    if (!status && buffer_calls != calls)
        status = wrong("memory objects made while training",
                       (double)(buffer_calls - calls), 0);
    return status;
}

enum plancl_status run_plan(const struct plancl_plan *plan,
                            enum run_memory memory, struct outcome *r)
{
    struct plancl_session *s = NULL;
    enum plancl_status status = open_plan(plan, memory, &s);

    *r = (struct outcome){.weights = NULL};
    memcpy(r->numerics, plan->plan.numerics, sizeof r->numerics);
    if (!status)
        status = train(plan, s, r);
    plancl_session_close(s);
    return status;
}

enum plancl_status run_train(const char *model,
                             const struct plancl_compile_options *o,
                             struct outcome *r)
{
    struct plancl_plan *plan = NULL;
    enum plancl_status status = plancl_compile("model.json", model, o, &cb,
                                               &plan);

    *r = (struct outcome){.weights = NULL};
    if (!status)
        status = run_plan(plan, RUN_PLANNED_MEMORY, r);
    plancl_plan_free(plan);
    return status;
}

/* ---- beside the interpreter ---- */

struct beside {
    const struct plancl_plan *plan;
    struct plancl_session *s;
    struct graph *g;
    struct arena *a;
    struct tensor *value;
    struct ref_env env;
    double apart;
};

/* A leaf's numbers on the device. */
static double *on_device(struct beside *b, const struct plancl_tensor *t)
{
    float *data = malloc(t->bytes);
    double *x = ARENA_NEW(b->a, double, (size_t)t->bytes / 4 + 1);

    if (data && plancl_read(b->s, t->name, data, t->bytes) == PLANCL_OK)
        for (uint64_t i = 0; i < t->bytes / 4; i++)
            x[i] = data[i];
    free(data);
    return x;
}

/* Give the interpreter the device's parameters and state. */
static void take_weights(struct beside *b)
{
    for (uint32_t k = 0; k < plancl_plan_tensors(b->plan); k++) {
        struct plancl_tensor t = plancl_plan_tensor(b->plan, k);
        val leaf = graph_leaf_named(b->g, t.name);

        if (t.role == PLANCL_PARAMETER || t.role == PLANCL_STATE)
            b->value[leaf.id].data = on_device(b, &t);
    }
}

static void take_samples(struct beside *b)
{
    for (uint32_t k = 0; k < plancl_plan_tensors(b->plan); k++) {
        struct plancl_tensor t = plancl_plan_tensor(b->plan, k);
        val leaf = graph_leaf_named(b->g, t.name);
        uint64_t row = t.bytes / 4 / (t.rank ? t.dim[0] : 1);

        for (uint64_t i = 0; t.role == PLANCL_INPUT && i < t.bytes / 4; i++)
            b->value[leaf.id].data[i] =
                (t.dtype == PLANCL_F32)
                    ? (float)element_of(t.name, made_up(i / row, i % row, k))
                    : element_of(t.name, made_up(i / row, i % row, k));
    }
}

/* slack: allowed absolute difference, beside a part of the largest element. */
static enum plancl_status near(struct beside *b, const char *name,
                               const double *got, const double *want,
                               uint64_t n, double slack)
{
    double top = 0;

    for (uint64_t i = 0; i < n; i++)
        top = fmax(top, fabs(want[i]));
    for (uint64_t i = 0; i < n; i++) {
        double off = fabs(got[i] - want[i]) / (slack + 2e-6 * top);

        if (off > b->apart)
            b->apart = off;
        if (!(off <= 1) && isfinite(want[i]))
            return wrong(name, got[i], want[i]);
    }
    return PLANCL_OK;
}

/* Tensors of a role; before: the interpreter's leaves before what was run, by
 * whose movement the difference is measured, or null. */
static enum plancl_status compare_role(struct beside *b, enum plancl_role role,
                                       unsigned rows,
                                       const struct tensor *before)
{
    enum plancl_status status = PLANCL_OK;

    for (uint32_t k = 0; k < plancl_plan_tensors(b->plan) && !status; k++) {
        struct plancl_tensor t = plancl_plan_tensor(b->plan, k);
        int leaf = graph_leaf_named(b->g, t.name).id;
        uint64_t n = t.bytes / 4;
        double moved = 0;

        if (t.role != role)
            continue;
        for (uint64_t i = 0; before && i < n; i++)
            moved = fmax(moved,
                         fabs(b->value[leaf].data[i] - before[leaf].data[i]));
        if (t.batched && rows)
            n = n / t.dim[0] * rows;
        status = near(b, t.name, on_device(b, &t), b->value[leaf].data, n,
                      1e-7 + 5e-4 * moved);
    }
    return status;
}

/* By the meters' own rule: sums and counts with their low parts. */
static enum plancl_status compare_losses(struct beside *b)
{
    enum plancl_status status = PLANCL_OK;

    for (uint32_t k = 0; k < plancl_meters(b->plan) && !status; k++) {
        const double *lane = b->value[b->g->meter[k].leaf.id].data;
        struct plancl_meter m;
        double sum = 0, count = 0, want;

        status = plancl_meter_read(b->s, k, &m);
        for (int i = 0; i < METER_LANES; i++) {
            sum += lane[4 * i] + lane[4 * i + 1];
            count += lane[4 * i + 2] + lane[4 * i + 3];
        }
        if (status || !m.training || !count)
            continue;
        want = sum / count;
        status = near(b, m.name, &m.mean, &want, 1, 1e-6);
    }
    return status;
}

/* The leaves' data are overwritten in place by a run. */
static struct tensor *copy_leaves(const struct beside *b)
{
    struct tensor *copy = ARENA_NEW(b->a, struct tensor, (size_t)b->g->len);

    for (int id = 1; id < b->g->len; id++) {
        size_t n = (size_t)type_count(&b->g->node[id]->type);

        if (!b->g->node[id]->leaf || b->g->node[id]->leaf->constant)
            continue;
        copy[id].data = ARENA_NEW(b->a, double, n + 1);
        memcpy(copy[id].data, b->value[id].data, n * sizeof(double));
    }
    return copy;
}

static void clear_meters_and_counts(struct beside *b)
{
    for (int id = 1; id < b->g->len; id++) {
        const struct leaf *leaf = b->g->node[id]->leaf;

        if (leaf &&
            (leaf->kind == PLAN_METRIC || leaf->kind == PLAN_ACCUMULATOR))
            memset(b->value[id].data, 0,
                   (size_t)type_count(&b->g->node[id]->type) * sizeof(double));
    }
}

/* Both sides begin with the device's weights, so that only this update's
 * differences count. */
static enum plancl_status one_update(struct beside *b, unsigned rows)
{
    const struct tensor *before;
    enum plancl_status status;

    take_weights(b);
    take_samples(b);
    clear_meters_and_counts(b);
    before = copy_leaves(b);
    b->env.step = 1;
    interp_run(b->g, b->a, SEQ_COUNT, &b->env, b->value);
    interp_run(b->g, b->a, SEQ_STEP, &b->env, b->value);
    status = update(b->plan, b->s, 0, rows);
    if (!status)
        status = compare_role(b, PLANCL_PARAMETER, 0, before);
    if (!status)
        status = compare_role(b, PLANCL_STATE, 0, before);
    return status ? status : compare_losses(b);
}

/* With the weights of after the update, and fewer rows than the batch. */
static enum plancl_status predict(struct beside *b, unsigned rows)
{
    enum plancl_status status;

    take_weights(b);
    interp_run(b->g, b->a, SEQ_PREDICT, &b->env, b->value);
    status = plancl_predict(b->s, rows);
    return status ? status : compare_role(b, PLANCL_OUTPUT, rows, NULL);
}

/* First weights too: random numbers must be the same on both sides. */
static enum plancl_status beside(struct beside *b, const char *model,
                                 unsigned rows)
{
    struct diag diag;
    enum plancl_status status;

    b->g = graph_of_model(b->a, model, 0, &diag);
    b->value = graph_leaves(b->g, b->a, 1);
    b->env = (struct ref_env){.batch = b->g->batch,
                              .rows = rows,
                              .effective = rows,
                              .seed = RUN_SEED,
                              .learning_rate = (float)b->g->learning_rate};
    interp_run(b->g, b->a, SEQ_INIT, &b->env, b->value);
    status = compare_role(b, PLANCL_PARAMETER, 0, NULL);
    if (!status)
        status = one_update(b, rows);
    return status ? status : predict(b, rows);
}

enum plancl_status run_beside_interpreter(const char *model, unsigned rows,
                                          double *apart)
{
    const struct plancl_compile_options none = {.skip = 0};
    struct plancl_plan *plan = NULL;
    struct plancl_session *s = NULL;
    struct arena a;
    jmp_buf out_of_memory;
    struct beside b = {.a = &a};
    enum plancl_status status = plancl_compile("model.json", model, &none, &cb,
                                               &plan);

    if (!status)
        status = open_plan(plan, RUN_PLANNED_MEMORY, &s);
    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    if (!status) {
        b.plan = plan;
        b.s = s;
        status = beside(&b, model, rows);
        *apart = b.apart;
    }
    arena_close(&a);
    plancl_session_close(s);
    plancl_plan_free(plan);
    return status;
}
