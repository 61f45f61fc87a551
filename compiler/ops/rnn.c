/*
 * rnn.c: layers of the simple recurrent network (Elman 1990) over [N, T,
 * features]: h = tanh(x w_ih + h w_hh + b), or with relu.
 *
 * Built from products and one recurrence per layer and direction: see
 * recurrent.h.
 */
#include <math.h>
#include <string.h>

#include "compiler/lower.h"
#include "compiler/ops/recurrent.h"
#include "kernels/rnn.h"

/* ---- the recurrence ---- */

enum { REVERSE, RELU };

static const struct attr_spec cell_attrs[] = {
    [REVERSE] = {"reverse", ATTR_BOOL, {0}, "from the last step", false, true},
    [RELU] = {"relu", ATTR_BOOL, {0}, "instead of tanh", false, true},
    {0},
};

static bool cell_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *xg = type_of(g, n->in[0]), *w = type_of(g, n->in[1]);

    if (xg->rank != 3 || w->rank != 2 || w->dim[1] != xg->dim[2] ||
        w->dim[0] != w->dim[1] || xg->dtype != DT_F32 || xg->batch > 1)
        return reject(g, n,
                      "gates are %s and weights %s, wanted f32 [N,T,H] and "
                      "[H,H]",
                      type_text(g->arena, xg), type_text(g->arena, w));
    *y = *xg;
    return true;
}

static struct rnn_problem problem(const struct type *h, const struct node *n)
{
    return (struct rnn_problem){.N = h->dim[0],
                                .T = h->dim[1],
                                .H = h->dim[2],
                                .reverse = n->attr[REVERSE].i,
                                .relu = n->attr[RELU].i};
}

static void cell_lower(struct lower *lo, const struct node *n)
{
    struct rnn_problem p = problem(type_of(lo->graph, n->in[0]), n);

    lower_call(lo, kernels_rnn, &p, n);
}

/* The row of sample s at a step, counted in the order of the recurrence. */
static int64_t row_of(const struct rnn_problem *p, int64_t s, int64_t step)
{
    return s * p->T + (p->reverse ? p->T - 1 - step : step);
}

/* sum over k of a[k] w[k, column]; a null: of zeros */
static double product(const double *a, const double *w, int64_t H,
                      int64_t column)
{
    double sum = 0;

    for (int64_t k = 0; a && k < H; k++)
        sum += a[k] * w[k * H + column];
    return sum;
}

static void cell_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    const struct rnn_problem p = problem(&out->type, n);
    const double *old = NULL;

    (void)env;
    for (int64_t i = 0; i < p.N * p.T; i++) {
        int64_t step = i % p.T, row = row_of(&p, i / p.T, step);
        double *h = out->data + row * p.H;

        for (int64_t j = 0; j < p.H; j++) {
            double a = in[0].data[row * p.H + j] +
                       product(step ? old : NULL, in[1].data, p.H, j);

            h[j] = p.relu ? fmax(a, 0) : tanh(a);
        }
        old = h;
    }
}

static void cell_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    val in[3] = {dy[0], y, val_transpose(g, n->in[1], (int[]){1, 0})};
    val tuple = graph_add(g, &op_RnnGrad, in, 3, n->attr), before, d;
    union attr lanes[1] = {{.i = 1}};

    if (!tuple.id)
        return;
    dx[0] = graph_result(g, tuple, 0);
    d = recurrent_rows(g, dx[0]);
    before = recurrent_rows(g, graph_result(g, tuple, 1));
    if (d.id && before.id)
        dx[1] = batch_sum(g, &op_ProductBatchSum, (val[]){before, d}, 2, lanes,
                          type_count(type_of(g, n->in[1])));
}

const struct op op_RnnCell = {
    .name = "RnnCell",
    .doc = "the recurrence of one direction",
    .min_in = 2,
    .nin = 2,
    .attr = cell_attrs,
    .infer = cell_infer,
    .grad = cell_grad,
    .ref = cell_ref,
    .lower = cell_lower,
    .internal = true,
};

/* ---- its gradient ---- */

static bool grad_infer(struct graph *g, const struct node *n, struct type *y)
{
    y[0] = y[1] = *type_of(g, n->in[1]);
    return true;
}

static void grad_lower(struct lower *lo, const struct node *n)
{
    struct rnn_problem p = problem(type_of(lo->graph, n->in[1]), n);

    lower_call(lo, kernels_rnn_grad, &p, n);
}

static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    const struct rnn_problem p = problem(&in[1].type, n);
    const double *next = NULL;

    (void)env;
    for (int64_t i = p.N * p.T - 1; i >= 0; i--) {
        int64_t step = i % p.T, row = row_of(&p, i / p.T, step);
        int64_t old = row + (p.reverse ? 1 : -1);
        double *dxg = out[0].data + row * p.H;

        for (int64_t j = 0; j < p.H; j++) {
            double h = in[1].data[row * p.H + j];
            double d = in[0].data[row * p.H + j] +
                       product(step + 1 < p.T ? next : NULL, in[2].data, p.H,
                               j);

            dxg[j] = p.relu ? (h > 0 ? d : 0) : d * (1 - h * h);
            out[1].data[row * p.H + j] = step ? in[1].data[old * p.H + j] : 0;
        }
        next = dxg;
    }
}

const struct op op_RnnGrad = {
    .name = "RnnGrad",
    .doc = "gradient of RnnCell",
    .min_in = 3,
    .nin = 3,
    .nout = 2,
    .attr = cell_attrs,
    .infer = grad_infer,
    .ref = grad_ref,
    .lower = grad_lower,
    .internal = true,
};

/* ---- the layer ---- */

enum { NONLINEARITY = RECURRENT_OTHERS };

static const struct attr_spec attrs[] = {
    RECURRENT_ATTRS,
    [NONLINEARITY] = {"nonlinearity",
                      ATTR_STRING,
                      {.s = "tanh"},
                      "tanh or relu",
                      false,
                      false},
    {0},
};

/* One direction of one layer; w: weight_ih, weight_hh, and biases or empty. */
static val direction(struct graph *g, val x, const val *w, bool reverse,
                     const union attr *attr)
{
    union attr cell_attr[2] = {
        [REVERSE] = {.i = reverse},
        [RELU] = {.i = strcmp(attr[NONLINEARITY].s, "relu") == 0}};
    val bias = w[2].id ? val_add(g, w[2], w[3]) : w[2];
    val in[2] = {recurrent_gates(g, x, w[0], bias)};

    if (!in[0].id)
        return in[0];
    in[1] = val_transpose(g, w[1], (int[]){1, 0});
    return graph_add(g, &op_RnnCell, in, 2, cell_attr);
}

static const struct recurrent rnn = {"RNN", 1, direction};

static int params(struct graph *g, const struct node *n, struct param_decl *p)
{
    return recurrent_params(g, &rnn, n, p);
}

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *out)
{
    const char *s = attr[NONLINEARITY].s;

    if (strcmp(s, "tanh") != 0 && strcmp(s, "relu") != 0)
        return reject_here(g, "nonlinearity is \"%s\", wanted tanh or relu", s);
    return recurrent_build(g, &rnn, in, nin, attr, out);
}

const struct op op_RNN = {
    .name = "RNN",
    .doc = "simple recurrent layer over [N, T, features], zero state before "
           "the first step",
    .min_in = 1,
    .nin = 1 + MAX_PARAMS,
    .attr = attrs,
    .types = "f32",
    .params = params,
    .build = build,
};
