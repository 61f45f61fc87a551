/*
 * op_device.c: all cases of an op on a device, by every kernel candidate.
 *
 * All cases of an op go into one plan, so that building kernels, which takes
 * most of the time, is done once for a candidate; every case has leaves of its
 * own.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/allocate.h"
#include "compiler/emit.h"
#include "compiler/lower.h"
#include "runtime/plan_io.h"
#include "runtime/session.h"
#include "tests/half.h"
#include "tests/op_harness.h"

/*
 * How far a device may be from the reference, relative to the largest element:
 * f32 sums of some hundred terms, and exp or tanh good to a few units in the
 * last place.
 */
static const double DEVICE_TOLERANCE = 2e-5;
/* The same of what is stored as f16, with 11 bits. */
static const double HALF_TOLERANCE = 2e-3;

enum { SMALL = 8000 }; /* elements of all operands of a case */

/* The compiler's own stages with one change: lower_sequence() is told which
 * candidate to take. */
static struct plancl_plan *plan_of(struct test *t, struct graph *model,
                                   const struct device_profile *profile,
                                   int candidate, bool *lacking,
                                   const struct plancl_callbacks *cb)
{
    struct graph *g = ARENA_NEW(&t->arena, struct graph, 3);
    struct steps *seq[SEQ_KINDS] = {NULL}, *present[2];
    struct memory m = {0};
    struct plan flat;
    struct plancl_plan *plan = NULL;
    bool unused;

    simplify(model, &g[0]);
    layout(&g[0], &g[1], true);
    fuse(&g[1], &g[2]);
    present[0] = seq[SEQ_INIT] = lower_sequence(&g[2], &profile->info, SEQ_INIT,
                                                candidate, &unused);
    present[1] = seq[SEQ_PREDICT] = lower_sequence(
        &g[2], &profile->info, SEQ_PREDICT, candidate, lacking);
    for (int i = 0; i < 2; i++) {
        schedule(present[i], &g[2], true);
        inplace(present[i], &g[2], &profile->info, true);
    }
    if (!allocate(&g[2], present, 2, profile, true, &m) ||
        !emit(&g[2], seq, &m, profile, &flat)) {
        fprintf(stderr, "%s\n", model->diag->text);
        return NULL;
    }
    if (plan_copy(&flat, cb, &plan) != PLANCL_OK ||
        plan_verify(&plan->plan, cb) != PLANCL_OK)
        return NULL;
    plan->plan.host_bytes = session_host_bytes(&flat) + plan->bytes;
    return plan;
}

/* Values are compared in double, whatever the type. */
static double element(const void *data, enum dtype t, int64_t i)
{
    switch (t) {
    case DT_F32:
        return ((const float *)data)[i];
    case DT_F16:
        return of_half(((const uint16_t *)data)[i]);
    case DT_I32:
        return ((const int32_t *)data)[i];
    case DT_I64:
        return (double)((const int64_t *)data)[i];
    default:
        return ((const uint8_t *)data)[i];
    }
}

static void put(void *data, enum dtype t, int64_t i, double x)
{
    if (t == DT_F32)
        ((float *)data)[i] = (float)x;
    else if (t == DT_F16)
        ((uint16_t *)data)[i] = half_of(x);
    else if (t == DT_I32)
        ((int32_t *)data)[i] = (int32_t)x;
    else if (t == DT_I64)
        ((int64_t *)data)[i] = (int64_t)x;
    else
        ((uint8_t *)data)[i] = (uint8_t)x;
}

/* As the user has them: that the plan stores some otherwise is the session's
 * affair. */
static void upload(struct test *t, struct plancl_session *s,
                   const struct graph *g, val v, const struct tensor *value)
{
    const struct type *type = type_of(g, v);
    int64_t n = type_count(type);
    char *data = ARENA_NEW(&t->arena, char, (size_t)n * 8);

    for (int64_t i = 0; i < n; i++)
        put(data, type->dtype, i, value[v.id].data[i]);
    plancl_write(s, graph_node(g, v)->leaf->name, data, type_bytes(type));
}

/* An operand that nothing reads has no place in the plan. */
static void upload_all(struct test *t, struct plancl_session *s,
                       const struct graph *g, const struct nodes *n)
{
    const bool *used = graph_used(g, ~0U);

    for (int c = 0; c < t->ncase; c++) {
        struct tensor *value;

        if (!n[c].ny)
            continue;
        value = case_values(t, g, &t->cases[c], &n[c]);
        for (int k = 0; k < n[c].nin; k++)
            if (used[n[c].in[k].id])
                upload(t, s, g, n[c].in[k], value);
        if (n[c].dy[0].id)
            upload(t, s, g, n[c].dy[0], value);
    }
}

/* A case's results: the session has the device's, `value` the references'. */
struct results {
    struct plancl_session *s;
    const struct graph *g;
    int c, rows;
    const struct tensor *value;
};

/* Of results that count samples only those of the rows at hand; the worst
 * element is told. */
static void compare(struct test *t, const struct results *r, val v,
                    const char *name)
{
    const struct type *type = type_of(r->g, v);
    const double *wanted = r->value[v.id].data;
    int64_t n = type_count(type), upto = n;
    char *data = ARENA_NEW(&t->arena, char, (size_t)n * 8 + 8);
    double scale = largest(wanted, n), worst = 0;
    double tolerance = type->dtype == DT_F16   ? HALF_TOLERANCE
                       : t->cases[r->c].seeded ? 1e-4
                                               : DEVICE_TOLERANCE;
    int64_t at = -1;

    if (plancl_read(r->s, name, data, type_bytes(type)) != PLANCL_OK) {
        complain(t, r->c, "%s cannot be read", name);
        return;
    }
    if (type->batch == 1)
        upto = n / OP_BATCH * r->rows;
    for (int64_t i = 0; i < upto; i++) {
        double got = element(data, type->dtype, i);
        double want = wanted[i];

        if (near(got, want, tolerance * scale + 1e-7))
            continue;
        if (at < 0 || fabs(got - want) > worst) {
            worst = fabs(got - want);
            at = i;
        }
    }
    if (at >= 0)
        complain(t, r->c,
                 "%s of %d rows, element %lld, is %.9g on the device, "
                 "%.9g in the reference",
                 name, r->rows, (long long)at, element(data, type->dtype, at),
                 wanted[at]);
}

/* All results of one case on the device against a fresh reference. */
static void compare_case(struct test *t, struct plancl_session *s,
                         const struct graph *g, const struct nodes *n, int c,
                         int rows)
{
    struct ref_env env = all_rows;
    struct tensor *value = case_values(t, g, &t->cases[c], n);
    const struct results r = {s, g, c, rows, value};
    char name[32];

    env.rows = env.effective = rows;
    interp_run(g, &t->arena, SEQ_PREDICT, &env, value);
    for (int k = 0; k < n->ny; k++) {
        snprintf(name, sizeof name, "c%d.y%d", c, k);
        compare(t, &r, n->y[k], name);
    }
    for (int k = 0; k < n->nin; k++) {
        if (!n->dx[k].id)
            continue;
        snprintf(name, sizeof name, "c%d.dx%d", c, k);
        compare(t, &r, n->dx[k], name);
    }
}

/* A short batch too: stale rows must not reach what is summed over the
 * samples. */
static void run_rows(struct test *t, struct plancl_session *s,
                     const struct graph *g, const struct nodes *n, int rows)
{
    if (plancl_predict(s, (uint32_t)rows) != PLANCL_OK) {
        complain(t, -1, "the device refused to run");
        return;
    }
    for (int c = 0; c < t->ncase; c++)
        if (n[c].ny)
            compare_case(t, s, g, &n[c], c, rows);
}

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    if (m->severity == PLANCL_ERROR)
        fprintf(stderr, "%s\n", m->text);
}

/* Where kernels are interpreted, large cases take minutes, and find nothing that
 * small ones do not: tiles are small. */
static bool is_left_out(const struct op_case *x)
{
    int64_t elements = 0;

    for (int k = 0; k < OP_OPERANDS; k++)
        if (x->in[k].dtype)
            elements += type_count(&x->in[k]);
    return elements > SMALL && getenv("PLANCL_SMALL");
}

/* The graph of all cases that are not refusals. */
static void build_all(struct test *t, struct graph *g, struct diag *d,
                      struct nodes *n)
{
    start_graph(g, &t->arena, d);
    for (int c = 0; c < t->ncase; c++) {
        n[c] = (struct nodes){.nin = 0};
        if (t->cases[c].rejects || is_left_out(&t->cases[c]))
            continue;
        build_case(g, t->op, &t->cases[c], c, &n[c]);
        assign_outputs(g, &n[c], c);
    }
}

/* False when no family has that many candidates. */
static bool run_candidate(struct test *t, const struct device_profile *profile,
                          int candidate)
{
    static const struct plancl_callbacks cb = {NULL, on_message, NULL};
    struct nodes *n = ARENA_NEW(&t->arena, struct nodes, MAX_CASES);
    struct diag d = {.failed = false};
    struct graph *g = ARENA_NEW(&t->arena, struct graph, 1);
    struct plancl_session_options o = {.seed = 0};
    struct plancl_session *s = NULL;
    struct plancl_plan *plan;
    bool lacking = false;

    build_all(t, g, &d, n);
    plan = plan_of(t, g, profile, candidate, &lacking, &cb);
    if (!plan || plancl_session_open(plan, &o, &cb, &s) != PLANCL_OK) {
        complain(t, -1, "candidate %d: no session", candidate);
        plancl_plan_free(plan);
        return false;
    }
    upload_all(t, s, g, n);
    run_rows(t, s, g, n, OP_BATCH);
    run_rows(t, s, g, n, OP_BATCH - 1);
    plancl_session_close(s);
    plancl_plan_free(plan);
    return true;
}

/* Candidates by number: where a family has no such row, or it does not fit, its
 * choice runs again; the last number is the one that all families lack. */
int on_devices(struct test *t)
{
    struct device_profile profile;
    static const struct plancl_callbacks silent = {NULL, NULL, NULL};

    if (profile_of_device(NULL, &silent, &profile) != PLANCL_OK)
        return 77;
    for (int candidate = 0; candidate < 3 && !t->bad; candidate++)
        run_candidate(t, &profile, candidate);
    return t->bad != 0;
}
