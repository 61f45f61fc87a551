/* op_case.c: a case of an op as nodes of a graph, and its operands' values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/op_harness.h"

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

/* A list is a vector, one number a scalar. */
static void parse_tensor(struct graph *g, const char *s, union attr *a)
{
    struct tensor *t = ARENA_NEW(g->arena, struct tensor, 1);
    int64_t n = 0;

    t->data = ARENA_NEW(g->arena, double, strlen(s) + 1);
    for (;;) {
        char *end;

        t->data[n++] = strtod(s, &end);
        if (*end != ',')
            break;
        s = end + 1;
    }
    t->type = (struct type){.dtype = DT_F32, .rank = n > 1, .dim = {n}};
    a->tensor = t;
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
    case ATTR_TENSOR:
        parse_tensor(g, s, a);
        break;
    default:
        a->i = strncmp(s, "true", 4) == 0 ? 1 : strtoll(s, NULL, 10);
    }
}

/* "axis=1 keepdims=0": words of name=value; what is left out has its
 * default. */
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

/* As a layer would be: composites are built, tuples taken apart. */
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
    if (v.id && op->nout)
        nout = graph_node(g, v)->nout;
    for (n->ny = 0; n->ny < nout && v.id; n->ny++)
        n->y[n->ny] = op->nout ? graph_result(g, v, n->ny) : v;
}

/* Gradients are tested of the first result, where it is a float. */
static bool trains(const struct graph *g, const struct op_case *c,
                   const struct nodes *n)
{
    return !c->flat && !c->rejects && n->ny &&
           dtype_is_float(type_of(g, n->y[0])->dtype);
}

/* Floats are parameters, so that gradients flow to them; integers are
 * inputs. */
void build_case(struct graph *g, const struct op *op, const struct op_case *c,
                int number, struct nodes *n)
{
    val *d;

    *n = (struct nodes){.nin = 0};
    g->at = (struct source){"case.json", number + 1, 1};
    g->path = arena_format(g->arena, "c%d", number);
    for (; n->nin < OP_OPERANDS && c->in[n->nin].dtype; n->nin++)
        n->in[n->nin] = leaf(
            g,
            dtype_is_float(c->in[n->nin].dtype) ? PLAN_PARAMETER : PLAN_INPUT,
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
void assign_outputs(struct graph *g, const struct nodes *n, int number)
{
    const unsigned seq = 1U << SEQ_PREDICT;

    for (int k = 0; k < n->ny; k++)
        graph_assign(
            g, seq,
            leaf(g, PLAN_OUTPUT, type_of(g, n->y[k]), "c%d.y%d", number, k),
            n->y[k]);
    for (int k = 0; k < n->nin; k++)
        if (n->dx[k].id)
            graph_assign(g, seq,
                         leaf(g, PLAN_OUTPUT, type_of(g, n->dx[k]), "c%d.dx%d",
                              number, k),
                         n->dx[k]);
}

void start_graph(struct graph *g, struct arena *a, struct diag *d)
{
    graph_init(g, a, d);
    g->batch = g->effective = OP_BATCH;
    g->name = "case";
}

/* ---- values ---- */

/* Values without a pattern that a kernel could follow by mistake: irrational
 * steps of a sine. */
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
    if (t->dtype == DT_F16) /* few bits, so that it is one */
        return round(128 * wave) / 64;
    if (low == 0 && c->high == 0)
        return (float)(2 * wave);
    return (float)(low + (c->high - low) * (0.5 + 0.5 * wave));
}

/* k < 0: the gradient that comes in. */
static void fill_value(struct test *t, const struct graph *g, val v,
                       const struct op_case *c, int k, struct tensor *value)
{
    const struct type *type = type_of(g, v);
    int64_t n = type_count(type);

    value[v.id].type = *type;
    value[v.id].data = ARENA_NEW(&t->arena, double, (size_t)n + 1);
    for (int64_t i = 0; i < n; i++)
        value[v.id].data[i] = k < 0 ? (float)cos(2.3 * (double)i + 0.1)
                                    : pattern(c, type, k, i);
}

struct tensor *case_values(struct test *t, const struct graph *g,
                           const struct op_case *c, const struct nodes *n)
{
    struct tensor *value = ARENA_NEW(&t->arena, struct tensor, (size_t)g->len);

    for (int k = 0; k < n->nin; k++)
        fill_value(t, g, n->in[k], c, k, value);
    if (n->dy[0].id)
        fill_value(t, g, n->dy[0], c, -1, value);
    return value;
}

const struct ref_env all_rows = {
    .batch = OP_BATCH, .rows = OP_BATCH, .effective = OP_BATCH};

double largest(const double *v, int64_t n)
{
    double top = 0;

    for (int64_t i = 0; i < n; i++)
        if (isfinite(v[i]))
            top = fmax(top, fabs(v[i]));
    return top;
}

/* Infinities must be equal, NaN must be NaN. */
bool near(double got, double want, double tolerance)
{
    if (isnan(want))
        return isnan(got);
    return got == want || fabs(got - want) <= tolerance;
}
