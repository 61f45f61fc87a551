/* op_test.c: see op_test.h. */
#include "tests/op_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/allocate.h"
#include "compiler/emit.h"
#include "compiler/lower.h"
#include "compiler/passes.h"
#include "runtime/plan_io.h"
#include "runtime/session.h"

enum { MAX_CASES = 256, MAX_RESULTS = 8 };

/*
 * How far a device may be from the reference, relative to the largest element:
 * f32 sums of some hundred terms, and exp or tanh good to a few units in the
 * last place.  Gradients by differences: h^2 and the loss of digits in double.
 */
static const double DEVICE_TOLERANCE = 2e-5, DIFFERENCE_TOLERANCE = 2e-6;

/* One case's nodes in some graph. */
struct nodes {
    val in[OP_OPERANDS], y[MAX_RESULTS], dy[MAX_RESULTS];
    val dx[OP_OPERANDS];
    int nin, ny;
};

struct test {
    const struct op *op;
    const struct op_case *cases;
    int ncase, bad;
    struct arena arena;
};

static void complain(struct test *t, int c, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void complain(struct test *t, int c, const char *format, ...)
{
    va_list ap;

    fprintf(stderr, "FAIL %s case %d: ", t->op->name, c);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fprintf(stderr, "\n");
    t->bad++;
}

/* ---- attributes ---- */

static void parse_list(struct graph *g, const char *s, union attr *a)
{
    int64_t v[32];
    int n = 0;

    for (;;) {
        char *end;

        v[n++] = strtoll(s, &end, 10);
        if (*end != ',')
            break;
        s = end + 1;
    }
    a->ints = ints_copy(g, v, n);
}

static void parse_value(struct graph *g, const struct attr_spec *spec,
                        const char *s, size_t len, union attr *a)
{
    switch (spec->kind) {
    case ATTR_FLOAT:
        a->f = strtod(s, NULL);
        break;
    case ATTR_STRING:
        a->s = arena_format(g->arena, "%.*s", (int)len, s);
        break;
    case ATTR_INTS:
        parse_list(g, s, a);
        break;
    default:
        a->i = strncmp(s, "true", 4) == 0 ? 1 : strtoll(s, NULL, 10);
    }
}

static union attr *parse_attrs(struct graph *g, const struct op *op,
                               const char *s)
{
    int n = op_attrs(op);
    union attr *attr = ARENA_NEW(g->arena, union attr, (size_t)n + 1);

    for (int i = 0; i < n; i++)
        attr[i] = op->attr[i].dflt;
    while (s && *s) {
        size_t name = strcspn(s, "="), len = strcspn(s, " ");
        char key[64];
        int at;

        snprintf(key, sizeof key, "%.*s", (int)name, s);
        at = op_attr(op, key);
        if (at < 0) {
            fprintf(stderr, "%s has no attribute %s\n", op->name, key);
            exit(1);
        }
        parse_value(g, &op->attr[at], s + name + 1, len - name - 1, &attr[at]);
        s += len + strspn(s + len, " ");
    }
    return attr;
}

/* ---- building a case ---- */

static val leaf(struct graph *g, enum plan_kind kind, const struct type *t,
                const char *format, int c, int k)
{
    struct leaf l = {.kind = kind};

    l.name = arena_format(g->arena, format, c, k);
    return graph_leaf(g, t, &l);
}

static void build_op(struct graph *g, const struct op *op,
                     const struct op_case *c, struct nodes *n)
{
    union attr *attr = parse_attrs(g, op, c->attr);
    int nout = op->nout ? op->nout : 1;
    val v;

    if (op->build) {
        if (!op->build(g, n->in, n->nin, attr, n->y))
            n->y[0] = (val){0};
        while (n->ny < nout && n->y[n->ny].id)
            n->ny++;
        return;
    }
    v = graph_add(g, op, n->in, n->nin, attr);
    for (n->ny = 0; n->ny < nout && v.id; n->ny++)
        n->y[n->ny] = op->nout ? graph_result(g, v, n->ny) : v;
}

static bool trains(const struct graph *g, const struct op_case *c,
                   const struct nodes *n)
{
    return !c->flat && !c->rejects && n->ny &&
           dtype_is_float(type_of(g, n->y[0])->dtype);
}

static void build(struct graph *g, const struct op *op,
                  const struct op_case *c, int number, struct nodes *n)
{
    val *d;

    *n = (struct nodes){.nin = 0};
    g->at = (struct source){"case.json", number + 1, 1};
    g->path = arena_format(g->arena, "c%d", number);
    for (; n->nin < OP_OPERANDS && c->in[n->nin].dtype; n->nin++)
        n->in[n->nin] = leaf(g,
                             dtype_is_float(c->in[n->nin].dtype)
                                 ? PLAN_PARAMETER
                                 : PLAN_INPUT,
                             &c->in[n->nin], "c%d.x%d", number, n->nin);
    build_op(g, op, c, n);
    if (!trains(g, c, n))
        return;
    n->dy[0] = leaf(g, PLAN_PARAMETER, type_of(g, n->y[0]), "c%d.dy%d", number,
                    0);
    d = grad_of(g, n->y[0], n->dy[0]);
    for (int k = 0; k < n->nin; k++)
        n->dx[k] = d[n->in[k].id];
}

/* Everything that is computed becomes an output. */
static void assign_outputs(struct graph *g, const struct nodes *n, int number)
{
    const unsigned seq = 1U << SEQ_PREDICT;

    for (int k = 0; k < n->ny; k++)
        graph_assign(g, seq,
                     leaf(g, PLAN_OUTPUT, type_of(g, n->y[k]), "c%d.y%d",
                          number, k),
                     n->y[k]);
    for (int k = 0; k < n->nin; k++)
        if (n->dx[k].id)
            graph_assign(g, seq,
                         leaf(g, PLAN_OUTPUT, type_of(g, n->dx[k]), "c%d.dx%d",
                              number, k),
                         n->dx[k]);
}

static void start_graph(struct graph *g, struct arena *a, struct diag *d)
{
    graph_init(g, a, d);
    g->batch = g->effective = OP_BATCH;
    g->name = "case";
}

/* ---- values ---- */

static double pattern(const struct op_case *c, const struct type *t, int k,
                      int64_t i)
{
    double wave = sin(1.7 * (double)i + 0.9 * k + 0.3), low = c->low;
    int classes = c->classes ? c->classes : 3;

    if (c->x[k])
        return c->x[k][i];
    if (t->dtype == DT_BOOL)
        return (double)((i * 7 + k) % 3 == 0);
    if (!dtype_is_float(t->dtype))
        return (double)((i * 7 + k) % classes);
    if (low == 0 && c->high == 0)
        return (float)(2 * wave);
    return (float)(low + (c->high - low) * (0.5 + 0.5 * wave));
}

static void fill_value(struct test *t, const struct graph *g, val v,
                       const struct op_case *c, int k, struct tensor *value)
{
    const struct type *type = type_of(g, v);
    int64_t n = type_count(type);

    value[v.id].type = *type;
    value[v.id].data = ARENA_NEW(&t->arena, double, (size_t)n + 1);
    for (int64_t i = 0; i < n; i++)
        value[v.id].data[i] =
            k < 0 ? (float)cos(2.3 * (double)i + 0.1) : pattern(c, type, k, i);
}

static struct tensor *values(struct test *t, const struct graph *g,
                             const struct op_case *c, const struct nodes *n)
{
    struct tensor *value = ARENA_NEW(&t->arena, struct tensor, (size_t)g->len);

    for (int k = 0; k < n->nin; k++)
        fill_value(t, g, n->in[k], c, k, value);
    if (n->dy[0].id)
        fill_value(t, g, n->dy[0], c, -1, value);
    return value;
}

static const struct ref_env all_rows = {.batch = OP_BATCH, .rows = OP_BATCH,
                                        .effective = OP_BATCH};

static double largest(const double *v, int64_t n)
{
    double top = 0;

    for (int64_t i = 0; i < n; i++)
        if (isfinite(v[i]))
            top = fmax(top, fabs(v[i]));
    return top;
}

static bool near(double got, double want, double tolerance)
{
    if (isnan(want))
        return isnan(got);
    return got == want || fabs(got - want) <= tolerance;
}

/* ---- reference: golden numbers, differences ---- */

static void check_golden(struct test *t, int c, const struct graph *g,
                         const struct nodes *n, const struct tensor *value)
{
    const double *want = t->cases[c].y;
    int64_t count = type_count(type_of(g, n->y[0]));

    for (int64_t i = 0; want && i < count; i++)
        if (!near(value[n->y[0].id].data[i], want[i],
                  1e-6 * fmax(1, fabs(want[i]))))
            complain(t, c, "element %lld is %.9g, golden %.9g", (long long)i,
                     value[n->y[0].id].data[i], want[i]);
}

static double loss(struct test *t, const struct graph *g,
                   const struct nodes *n, struct tensor *value)
{
    int64_t count = type_count(type_of(g, n->y[0]));
    double sum = 0;

    interp_run(g, &t->arena, SEQ_PREDICT, &all_rows, value);
    for (int64_t i = 0; i < count; i++)
        sum += value[n->y[0].id].data[i] * value[n->dy[0].id].data[i];
    return sum;
}

static void check_difference(struct test *t, int c, const struct graph *g,
                             const struct nodes *n, struct tensor *value,
                             int k)
{
    double *x = value[n->in[k].id].data, *own, scale;
    int64_t count = type_count(type_of(g, n->in[k]));
    int64_t every = count > 40 ? count / 37 : 1;

    /* The operand before has left the results of its last difference. */
    loss(t, g, n, value);
    own = ARENA_NEW(&t->arena, double, (size_t)count + 1);
    memcpy(own, value[n->dx[k].id].data, (size_t)count * sizeof *own);
    scale = largest(own, count) + 1e-3;
    for (int64_t i = 0; i < count; i += every) {
        double h = 1e-4, before = x[i], plus, minus, want;

        x[i] = before + h;
        plus = loss(t, g, n, value);
        x[i] = before - h;
        minus = loss(t, g, n, value);
        x[i] = before;
        want = (plus - minus) / (2 * h);
        if (!near(own[i], want, DIFFERENCE_TOLERANCE * scale + 1e-6))
            complain(t, c, "gradient of operand %d, element %lld, is %.9g, by "
                     "differences %.9g", k, (long long)i, own[i], want);
    }
}

static void check_reference(struct test *t, int c)
{
    const struct op_case *x = &t->cases[c];
    struct diag d = {.failed = false};
    struct graph g;
    struct nodes n;
    struct tensor *value;

    start_graph(&g, &t->arena, &d);
    build(&g, t->op, x, c, &n);
    if (d.failed || x->rejects) {
        if (!x->rejects)
            complain(t, c, "refused: %s", d.text);
        else if (!d.failed || !strstr(d.text, x->rejects))
            complain(t, c, "wanted a refusal with \"%s\", got \"%s\"",
                     x->rejects, d.failed ? d.text : "none");
        return;
    }
    assign_outputs(&g, &n, c);
    value = values(t, &g, x, &n);
    interp_run(&g, &t->arena, SEQ_PREDICT, &all_rows, value);
    check_golden(t, c, &g, &n, value);
    for (int k = 0; k < n.nin; k++)
        if (n.dx[k].id && dtype_is_float(x->in[k].dtype))
            check_difference(t, c, &g, &n, value, k);
}

/* ---- devices ---- */

static struct plancl_plan *plan_of(struct test *t, struct graph *model,
                                   const struct device_profile *profile,
                                   int candidate, bool *lacking,
                                   const struct plancl_callbacks *cb)
{
    struct graph *g = ARENA_NEW(&t->arena, struct graph, 3);
    struct steps *seq[SEQ_COUNT_OF] = {NULL}, *present[2];
    struct memory m = {0};
    struct plan flat;
    struct plancl_plan *plan = NULL;
    bool unused;

    simplify(model, &g[0]);
    layout(&g[0], &g[1], true);
    fuse(&g[1], &g[2]);
    present[0] = seq[SEQ_INIT] =
        lower_sequence(&g[2], &profile->info, SEQ_INIT, candidate, &unused);
    present[1] = seq[SEQ_PREDICT] =
        lower_sequence(&g[2], &profile->info, SEQ_PREDICT, candidate, lacking);
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

static double element(const void *data, enum dtype t, int64_t i)
{
    switch (t) {
    case DT_F32:
        return ((const float *)data)[i];
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
    else if (t == DT_I32)
        ((int32_t *)data)[i] = (int32_t)x;
    else if (t == DT_I64)
        ((int64_t *)data)[i] = (int64_t)x;
    else
        ((uint8_t *)data)[i] = (uint8_t)x;
}

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
        value = values(t, g, &t->cases[c], &n[c]);
        for (int k = 0; k < n[c].nin; k++)
            if (used[n[c].in[k].id])
                upload(t, s, g, n[c].in[k], value);
        if (n[c].dy[0].id)
            upload(t, s, g, n[c].dy[0], value);
    }
}

static void compare(struct test *t, struct plancl_session *s, int c,
                    const struct graph *g, val v, const char *name, int rows,
                    const struct tensor *value)
{
    const struct type *type = type_of(g, v);
    int64_t n = type_count(type), upto = n;
    char *data = ARENA_NEW(&t->arena, char, (size_t)n * 8 + 8);
    double scale = largest(value[v.id].data, n), worst = 0;
    double tolerance = t->cases[c].seeded ? 1e-4 : DEVICE_TOLERANCE;
    int64_t at = -1;

    if (plancl_read(s, name, data, type_bytes(type)) != PLANCL_OK) {
        complain(t, c, "%s cannot be read", name);
        return;
    }
    if (type->batch == 1)
        upto = n / OP_BATCH * rows;
    for (int64_t i = 0; i < upto; i++) {
        double got = element(data, type->dtype, i);
        double want = value[v.id].data[i];

        if (near(got, want, tolerance * scale + 1e-7))
            continue;
        if (at < 0 || fabs(got - want) > worst) {
            worst = fabs(got - want);
            at = i;
        }
    }
    if (at >= 0)
        complain(t, c, "%s of %d rows, element %lld, is %.9g on the device, "
                 "%.9g in the reference", name, rows, (long long)at,
                 element(data, type->dtype, at), value[v.id].data[at]);
}

/* All results of one case on the device against a fresh reference. */
static void compare_case(struct test *t, struct plancl_session *s,
                         const struct graph *g, const struct nodes *n, int c,
                         int rows)
{
    struct ref_env env = all_rows;
    struct tensor *value = values(t, g, &t->cases[c], n);
    char name[32];

    env.rows = env.effective = rows;
    interp_run(g, &t->arena, SEQ_PREDICT, &env, value);
    for (int k = 0; k < n->ny; k++) {
        snprintf(name, sizeof name, "c%d.y%d", c, k);
        compare(t, s, c, g, n->y[k], name, rows, value);
    }
    for (int k = 0; k < n->nin; k++) {
        if (!n->dx[k].id)
            continue;
        snprintf(name, sizeof name, "c%d.dx%d", c, k);
        compare(t, s, c, g, n->dx[k], name, rows, value);
    }
}

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

/* The graph of all cases that are not refusals. */
static void build_all(struct test *t, struct graph *g, struct diag *d,
                      struct nodes *n)
{
    start_graph(g, &t->arena, d);
    for (int c = 0; c < t->ncase; c++) {
        n[c] = (struct nodes){.nin = 0};
        if (t->cases[c].rejects)
            continue;
        build(g, t->op, &t->cases[c], c, &n[c]);
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
static int on_devices(struct test *t)
{
    struct device_profile profile;
    static const struct plancl_callbacks silent = {NULL, NULL, NULL};

    if (profile_of_device(NULL, &silent, &profile) != PLANCL_OK)
        return 77;
    for (int candidate = 0; candidate < 3 && !t->bad; candidate++)
        run_candidate(t, &profile, candidate);
    return t->bad != 0;
}

int op_test(const char *op, const struct op_case *cases)
{
    struct test t = {.op = op_find(op), .cases = cases};
    jmp_buf out_of_memory;
    int status;

    if (!t.op) {
        fprintf(stderr, "no op %s\n", op);
        return 1;
    }
    while (cases[t.ncase].in[0].dtype && t.ncase < MAX_CASES)
        t.ncase++;
    arena_open(&t.arena, &out_of_memory);
    if (setjmp(out_of_memory))
        return 1;
    for (int c = 0; c < t.ncase; c++)
        check_reference(&t, c);
    status = t.bad ? 1 : on_devices(&t);
    arena_close(&t.arena);
    printf("%s: %d cases, %s\n", op, t.ncase,
           status == 77 ? "no OpenCL device: references only"
           : status     ? "failed"
                        : "ok");
    return status;
}
