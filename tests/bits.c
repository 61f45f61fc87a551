/*
 * bits.c: what may change bits, and what may not.
 *
 * Trains a model for some updates on made-up samples, the last update a short
 * one, in several ways: twice; without memory reuse, in-place results or early
 * updates; in micro-batches; in several slabs; in less memory, by computing
 * again.  All of them must give the same weights by hash.  Without simplify, fuse
 * or the cancelling of layout conversions, weights must agree within rounding.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/plancl_compile.h"
#include "runtime/plancl.h"

enum { SKIP = 77, UPDATES = 4, MOST = 1 << 20 };

struct way {
    const char *name;
    unsigned skip;
    uint64_t micro_batch, max_allocation;
    unsigned memory; /* per cent of what nothing computed again takes, or the
                        least where that does not do; 0: no budget */
    int small_slabs; /* the smallest, in halves, that hold the largest buffer */
    int rounding;    /* weights only agree within rounding */
};

/* What a way of training left. */
struct result {
    char hash[65], numerics[65];
    float *weights;
    uint64_t count, bytes;
};

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    if (m->severity == PLANCL_ERROR)
        fprintf(stderr, "%s\n", m->text);
}

static const struct plancl_callbacks cb = {NULL, on_message, NULL};

/* 77 without a device, 1 for any other failure. */
static void must(enum plancl_status status, const char *what)
{
    if (status == PLANCL_OK)
        return;
    fprintf(stderr, "%s: status %d\n", what, (int)status);
    exit(status == PLANCL_DEVICE ? SKIP : 1);
}

/* A number for element i of sample n of an input, in about -1 to 1. */
static double made_up(uint64_t n, uint64_t i, uint32_t salt)
{
    uint64_t h = (n * 2654435761U + i * 40503U + salt) * 0x9E3779B97F4A7C15U;

    return (double)(h >> 40) / (1 << 23) - 1;
}

/* Samples first .. first + rows - 1 of every input; labels -1 (ignored) to 3,
 * or 0 to 3 where nothing is ignored; weights are not negative. */
static void feed(const struct plancl_plan *plan, struct plancl_session *s,
                 uint64_t first, uint32_t rows)
{
    static union {
        float f[MOST];
        int32_t i[MOST];
    } data;

    for (uint32_t k = 0; k < plancl_plan_tensors(plan); k++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, k);
        uint64_t row = t.bytes / 4 / t.dim[0];

        if (t.role != PLANCL_INPUT)
            continue;
        for (uint64_t i = 0; i < row * rows; i++) {
            double x = made_up(first + i / row, i % row, k);

            if (t.dtype == PLANCL_F32)
                data.f[i] = (float)(strncmp(t.name, "weight", 6) ? x : x * x);
            else
                data.i[i] = strcmp(t.name, "label") == 0
                                ? (int32_t)(2 + 2 * x)
                                : (int32_t)floor(1.5 + 2.5 * x);
        }
        must(plancl_write(s, t.name, &data, row * rows * 4), t.name);
    }
}

/* One update of `effective` samples, in micro-batches. */
static void update(const struct plancl_plan *plan, struct plancl_session *s,
                   uint64_t sample, uint32_t effective)
{
    uint32_t most = plancl_plan_batch(plan);

    for (int pass = plancl_has_count(plan) ? 0 : 1; pass < 2; pass++)
        for (uint32_t first = 0; first < effective; first += most) {
            uint32_t left = effective - first;
            struct plancl_batch b = {left < most ? left : most, first,
                                     effective};

            feed(plan, s, sample + first, b.rows);
            if (pass == 0)
                must(plancl_count(s, &b), "count");
            else if (left > most)
                must(plancl_accumulate(s, &b), "accumulate");
            else
                must(plancl_step(s, &b), "step");
        }
}

/* Also for ways that round: only there are weights compared as numbers. */
static void keep_weights(const struct plancl_plan *plan,
                         struct plancl_session *s, struct result *r)
{
    r->weights = malloc(MOST * sizeof *r->weights);
    for (uint32_t k = 0; k < plancl_plan_tensors(plan); k++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, k);

        if (t.role != PLANCL_PARAMETER)
            continue;
        must(plancl_read(s, t.name, r->weights + r->count, t.bytes), t.name);
        r->count += t.bytes / 4;
    }
    must(plancl_weights_hash(s, r->hash), "hash");
}

/* Bytes that the model can be trained in; 0 without a budget.  Where so few per
 * cent do not suffice, what the refusal says would do must do. */
static uint64_t budget_of(const char *model, const struct way *w)
{
    uint64_t would_do = 0;
    struct plancl_compile_options o = {.skip = PLANCL_SKIP_RECOMPUTE,
                                       .micro_batch = w->micro_batch};
    struct plancl_plan *plan = NULL;

    if (!w->memory)
        return 0;
    must(plancl_compile(model, NULL, &o, &cb, &plan), w->name);
    o.memory = plancl_plan_device_bytes(plan) * w->memory / 100;
    plancl_plan_free(plan);
    o.skip = 0;
    o.would_do = &would_do;
    if (plancl_compile(model, NULL, &o, NULL, &plan) == PLANCL_REFUSED)
        return would_do;
    plancl_plan_free(plan);
    return o.memory;
}

/* Halved until the largest buffer does not fit any more. */
static uint64_t slab_of(const char *model, const struct way *w)
{
    struct plancl_compile_options o = {.skip = w->skip};
    struct plancl_plan *plan = NULL;
    uint64_t slab = 0;

    if (!w->small_slabs)
        return w->max_allocation;
    must(plancl_compile(model, NULL, &o, &cb, &plan), w->name);
    for (uint64_t try = plancl_plan_device_bytes(plan); plan; try /= 2) {
        plancl_plan_free(plan);
        plan = NULL;
        o.max_allocation = try;
        if (plancl_compile(model, NULL, &o, NULL, &plan) == PLANCL_OK)
            slab = try;
    }
    return slab;
}

/* The last update has fewer samples than the others. */
static struct result train(const char *model, const struct way *w)
{
    struct plancl_compile_options o = {.skip = w->skip,
                                       .micro_batch = w->micro_batch,
                                       .max_allocation = slab_of(model, w),
                                       .memory = budget_of(model, w)};
    const struct plancl_session_options so = {.seed = 3};
    struct plancl_plan *plan = NULL;
    struct plancl_session *s = NULL;
    struct result r = {.count = 0};
    uint32_t effective;

    must(plancl_compile(model, NULL, &o, &cb, &plan), w->name);
    r.bytes = plancl_plan_device_bytes(plan);
    if (o.memory && r.bytes > o.memory)
        must(PLANCL_FAILED, "more memory than the budget");
    must(plancl_session_open(plan, &so, &cb, &s), w->name);
    effective = plancl_plan_effective_batch(plan);
    for (int u = 0; u < UPDATES; u++)
        update(plan, s, (uint64_t)u * effective,
               u + 1 < UPDATES ? effective : effective * 2 / 3 + 1);
    keep_weights(plan, s, &r);
    plancl_session_close(s);
    plancl_plan_free(plan);
    return r;
}

/* Infinite where weights are not the same number, or not numbers. */
static double distance(const struct result *a, const struct result *b)
{
    double worst = 0;

    if (a->count != b->count)
        return INFINITY;
    for (uint64_t i = 0; i < a->count; i++)
        if (!(fabsf(a->weights[i] - b->weights[i]) <= worst))
            worst = fabsf(a->weights[i] - b->weights[i]);
    return worst;
}

static int compare(const char *model, const struct result *base,
                   const struct way *w)
{
    struct result r = train(model, w);
    double off = distance(base, &r);
    int same = strcmp(base->hash, r.hash) == 0;
    int bad = w->rounding ? !(off < 5e-3) : !same;

    printf("%-24s %s, %.2g apart, %llu bytes: %s\n", w->name,
           same ? "same bits" : "other bits", off, (unsigned long long)r.bytes,
           bad ? "FAILED" : "ok");
    free(r.weights);
    return bad;
}

/* Weights that are not finite would agree too easily. */
static int check(const char *model, const struct way *way, int n)
{
    const struct way plain = {.name = "plain"};
    struct result base = train(model, &plain);
    int bad = 0;

    printf("%s: %llu weights, hash %.16s\n", model,
           (unsigned long long)base.count, base.hash);
    for (uint64_t i = 0; i < base.count; i++)
        bad += !isfinite(base.weights[i]);
    if (bad)
        printf("%d weights are not finite\n", bad);
    for (int i = 0; i < n; i++)
        bad += compare(model, &base, &way[i]);
    free(base.weights);
    return bad;
}

int main(void)
{
    static const struct way fashion[] = {
        {.name = "again"},
        {.name = "no reuse", .skip = PLANCL_SKIP_REUSE},
        {.name = "nothing in place", .skip = PLANCL_SKIP_INPLACE},
        {.name = "late updates", .skip = PLANCL_SKIP_EARLY},
        {.name = "the model's order", .skip = PLANCL_SKIP_ORDER},
        {.name = "nothing computed again", .skip = PLANCL_SKIP_RECOMPUTE},
        {.name = "90 % of the memory", .memory = 90},
        {.name = "70 % of the memory", .memory = 70},
        {.name = "slabs of 4 MiB", .max_allocation = 4 << 20},
        {.name = "micro-batches of 16", .micro_batch = 16},
        {.name = "not simplified", .skip = PLANCL_SKIP_SIMPLIFY, .rounding = 1},
        {.name = "not fused", .skip = PLANCL_SKIP_FUSE, .rounding = 1},
        {.name = "layouts converted",
         .skip = PLANCL_SKIP_LAYOUT,
         .rounding = 1},
    };
    static const struct way heads[] = {
        {.name = "again"},
        {.name = "no reuse", .skip = PLANCL_SKIP_REUSE},
        {.name = "nothing in place", .skip = PLANCL_SKIP_INPLACE},
        {.name = "late updates", .skip = PLANCL_SKIP_EARLY},
        {.name = "none of the three",
         .skip = PLANCL_SKIP_REUSE | PLANCL_SKIP_INPLACE | PLANCL_SKIP_EARLY},
        {.name = "the model's order", .skip = PLANCL_SKIP_ORDER},
        {.name = "nothing computed again", .skip = PLANCL_SKIP_RECOMPUTE},
        {.name = "90 % of the memory", .memory = 90},
        {.name = "80 % of the memory", .memory = 80},
        {.name = "60 % of the memory", .memory = 60},
        {.name = "the least memory", .memory = 1},
        {.name = "the least, pieces of 6", .memory = 1, .micro_batch = 6},
        {.name = "small slabs", .small_slabs = 1},
        {.name = "2 micro-batches", .micro_batch = 6},
        {.name = "4 micro-batches", .micro_batch = 3},
        {.name = "uneven micro-batches", .micro_batch = 5},
        {.name = "single samples", .micro_batch = 1},
        {.name = "not simplified", .skip = PLANCL_SKIP_SIMPLIFY, .rounding = 1},
        {.name = "not fused", .skip = PLANCL_SKIP_FUSE, .rounding = 1},
        {.name = "layouts converted",
         .skip = PLANCL_SKIP_LAYOUT,
         .rounding = 1},
    };
    static const char *const small[] = {"two_heads", "clipped", "decoder",
                                        "weighted", NULL};
    const char *top = getenv("top_srcdir");
    char model[4096];
    int bad = 0;

    for (int i = 0; small[i]; i++) {
        snprintf(model, sizeof model, "%s/tests/models/%s.json",
                 top ? top : ".", small[i]);
        bad += check(model, heads, sizeof heads / sizeof heads[0]);
    }
    snprintf(model, sizeof model, "%s/models/fashion_cnn.json",
             top ? top : ".");
    bad += check(model, fashion, sizeof fashion / sizeof fashion[0]);
    return bad != 0;
}
