/*
 * lstm.c: LSTM layers over [N, T, features]; the parameters' gates are in
 * PyTorch's order i, f, g, o.
 *
 * Built from products and one recurrence per layer and direction: see
 * recurrent.h.
 *
 * With x_t's products xg_t = x_t W_ih^T + b given, one step is (Hochreiter and
 * Schmidhuber, 1997; forget gate by Gers et al., 2000)
 *
 *   i, f, o = s(xg + h W), g = tanh(xg_g + h W_g)
 *   c = f c + i g        h = o tanh(c),
 *
 * s being the sigmoid; h and c on the right are those of the step before, 0 at
 * first.
 */
#include <math.h>
#include <string.h>

#include "compiler/lower.h"
#include "compiler/op.h"
#include "compiler/ops/recurrent.h"
#include "kernels/lstm.h"

/* ---- the recurrence ---- */

enum { REVERSE };

static const struct attr_spec cell_attrs[] = {
    [REVERSE] = {"reverse", ATTR_BOOL, {0}, "from the last step", false, true},
    {0},
};

/* xg is [N, T, 4 H]. */
static int64_t hidden_of(const struct type *xg)
{
    return xg->dim[2] / 4;
}

/* xg [N, T, 4 H], w [H, 4 H].  Results: h [N, T, H], the gates [N, T, 4 H] and
 * c [N, T, H]; the last two are for the gradient. */
static bool cell_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *xg = type_of(g, n->in[0]), *w = type_of(g, n->in[1]);

    if (xg->rank != 3 || w->rank != 2 || w->dim[1] != xg->dim[2] ||
        4 * w->dim[0] != w->dim[1] || xg->dtype != DT_F32 || xg->batch > 1)
        return reject(g, n,
                      "gates are %s and weights %s, wanted f32 [N,T,4H] "
                      "and [H,4H]",
                      type_text(g->arena, xg), type_text(g->arena, w));
    y[0] = y[1] = y[2] = *xg;
    y[0].dim[2] = y[2].dim[2] = hidden_of(xg);
    return true;
}

static struct lstm_problem problem(const struct type *xg, const struct node *n)
{
    return (struct lstm_problem){xg->dim[0], xg->dim[1], hidden_of(xg),
                                 n->attr[REVERSE].i};
}

static void cell_lower(struct lower *lo, const struct node *n)
{
    struct lstm_problem p = problem(type_of(lo->graph, n->in[0]), n);

    lower_call(lo, kernels_lstm, &p, n);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* One time step of one sample; hb and cb are null before the first.  Gate q of
 * unit j is column q H + j of xg and w; out: h, gates, c. */
static void ref_step(const double *xg, const double *w, int64_t H,
                     const double *hb, const double *cb, double *const *out)
{
    for (int64_t j = 0; j < H; j++) {
        double a[4]; /* i, f, g, o */

        for (int q = 0; q < 4; q++) {
            a[q] = xg[q * H + j];
            for (int64_t k = 0; hb && k < H; k++)
                a[q] += hb[k] * w[k * 4 * H + q * H + j];
            a[q] = q == 2 ? tanh(a[q]) : sigmoid(a[q]);
            out[1][q * H + j] = a[q];
        }
        out[2][j] = a[0] * a[2] + (cb ? a[1] * cb[j] : 0);
        out[0][j] = a[3] * tanh(out[2][j]);
    }
}

/* Rows are of [N * T, ...]: sample s at time t is s * T + t, and a reversed
 * recurrence reads the row behind as the step before. */
static void cell_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    struct lstm_problem p = problem(&in[0].type, n);

    (void)env;
    for (int64_t s = 0; s < p.N; s++)
        for (int64_t step = 0; step < p.T; step++) {
            int64_t t = p.reverse ? p.T - 1 - step : step;
            int64_t row = s * p.T + t, old = row + (p.reverse ? 1 : -1);
            double *o[3] = {out[0].data + row * p.H, /* [H], [4 H], [H] */
                            out[1].data + row * 4 * p.H,
                            out[2].data + row * p.H};

            ref_step(in[0].data + row * 4 * p.H, in[1].data, p.H,
                     step ? out[0].data + old * p.H : NULL,
                     step ? out[2].data + old * p.H : NULL, o);
        }
}

/* dW = (h before each step)^T dxg, summed over (sample, time) in one product
 * after the loop, so that the order of its sums is a matrix product's. */
static void cell_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    /* [4 H, H] */
    val turned = val_transpose(g, n->in[1], (int[]){1, 0}), tuple, rows[2];
    val in[5] = {dy[0], graph_result(g, y, 1), graph_result(g, y, 2),
                 graph_result(g, y, 0), turned};
    union attr lanes[1] = {{.i = 1}};

    if (!dy[0].id)
        return;
    tuple = graph_add(g, &op_LstmGrad, in, 5, n->attr);
    if (!tuple.id)
        return;
    dx[0] = graph_result(g, tuple, 0);
    rows[0] = recurrent_rows(g, graph_result(g, tuple, 1));
    rows[1] = recurrent_rows(g, dx[0]);
    dx[1] = batch_sum(g, &op_ProductBatchSum, rows, 2, lanes,
                      type_count(type_of(g, n->in[1])));
}

const struct op op_LstmCell = {
    .name = "LstmCell",
    .doc = "the recurrence of one direction",
    .min_in = 2,
    .nin = 2,
    .nout = 3,
    .attr = cell_attrs,
    .infer = cell_infer,
    .grad = cell_grad,
    .ref = cell_ref,
    .lower = cell_lower,
    .internal = true,
};

/* ---- its gradient ---- */

/* dxg [N, T, 4 H], and h before each step [N, T, H]. */
static bool grad_infer(struct graph *g, const struct node *n, struct type *y)
{
    y[0] = *type_of(g, n->in[1]);
    y[1] = *type_of(g, n->in[0]);
    return true;
}

static void grad_lower(struct lower *lo, const struct node *n)
{
    struct lstm_problem p = problem(type_of(lo->graph, n->in[1]), n);

    lower_call(lo, kernels_lstm_grad, &p, n);
}

/* One step of one sample; cb: c of the step before, null at the first. */
struct ref_step {
    const double *gate, *c, *cb; /* [4, H], [H], [H] */
    double *dxg;                 /* [4, H] */
};

/*
 * Gradients of the gates at one step; dh and dc come from the step behind and
 * become those for the step before.  From h = o tanh(c): e = dc + dh o (1 -
 * tanh(c)^2) is the gradient of c, and c = f c' + i g splits it: de/di = g,
 * de/df = c', de/dg = i, and f e goes on to c'. s' = s (1 - s) and tanh' = 1 -
 * tanh^2, both of the stored results.
 */
static void ref_gates(const struct ref_step *at, int64_t H, const double *dh,
                      double *dc)
{
    const double *gate = at->gate, *cb = at->cb;
    double *dxg = at->dxg;

    for (int64_t j = 0; j < H; j++) {
        double i = gate[j], f = gate[H + j], u = gate[2 * H + j];
        double o = gate[3 * H + j], tc = tanh(at->c[j]);
        double d = dh[j], e = dc[j] + d * o * (1 - tc * tc);

        dxg[j] = e * u * i * (1 - i);
        dxg[H + j] = cb ? e * cb[j] * f * (1 - f) : 0;
        dxg[2 * H + j] = e * i * (1 - u * u);
        dxg[3 * H + j] = d * tc * o * (1 - o);
        dc[j] = e * f;
    }
}

/* One sample, steps backwards. in: dy, gates, c, h and W^T [4 H, H]; dh and dc
 * are [H], begin at 0 and carry the gradient from step to step; dh before a
 * step is dxg W^T. */
static void ref_sample(const struct lstm_problem *p, int64_t s,
                       const struct tensor *in, struct tensor *out, double *dh,
                       double *dc)
{
    int64_t H = p->H;

    memset(dh, 0, (size_t)H * sizeof *dh);
    memset(dc, 0, (size_t)H * sizeof *dc);
    for (int64_t step = p->T - 1; step >= 0; step--) {
        int64_t t = p->reverse ? p->T - 1 - step : step, row = s * p->T + t;
        int64_t old = row + (p->reverse ? 1 : -1);
        const struct ref_step at = {
            in[1].data + row * 4 * H, in[2].data + row * H,
            step ? in[2].data + old * H : NULL, out[0].data + row * 4 * H};

        for (int64_t j = 0; j < H; j++) {
            dh[j] += in[0].data[row * H + j];
            out[1].data[row * H + j] = step ? in[3].data[old * H + j] : 0;
        }
        ref_gates(&at, H, dh, dc);
        memset(dh, 0, (size_t)H * sizeof *dh);
        for (int64_t j = 0; j < 4 * H; j++)
            for (int64_t k = 0; k < H; k++)
                dh[k] += at.dxg[j] * in[4].data[j * H + k];
    }
}

/* References have no arena of the compile, hence one of their own for dh and
 * dc. */
static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    struct lstm_problem p = problem(&in[1].type, n);
    struct arena arena;
    jmp_buf out_of_memory;
    double *state; /* [2, H] */

    (void)env;
    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory) == 0) {
        state = ARENA_NEW(&arena, double, 2 * (size_t)p.H);
        for (int64_t s = 0; s < p.N; s++)
            ref_sample(&p, s, in, out, state, state + p.H);
    }
    arena_close(&arena);
}

const struct op op_LstmGrad = {
    .name = "LstmGrad",
    .doc = "gradient of LstmCell",
    .min_in = 5,
    .nin = 5,
    .nout = 2,
    .attr = cell_attrs,
    .infer = grad_infer,
    .ref = grad_ref,
    .lower = grad_lower,
    .internal = true,
};

/* ---- the layer ---- */

static const struct attr_spec attrs[] = {RECURRENT_ATTRS, {0}};

/* One direction of one layer; w: weight_ih, weight_hh, and biases or empty.
 * Both biases act alike here, so they are added once, outside the loop. w[1]
 * is PyTorch's [4 H, H], turned to [H, 4 H]. */
static val direction(struct graph *g, val x, const val *w, bool reverse,
                     const union attr *attr)
{
    union attr reversed[1] = {{.i = reverse}};
    val bias = w[2].id ? val_add(g, w[2], w[3]) : (val){0};
    val in[2] = {recurrent_gates(g, x, w[0], bias)}, cell;

    (void)attr;
    if (!in[0].id)
        return in[0];
    in[1] = val_transpose(g, w[1], (int[]){1, 0});
    cell = graph_add(g, &op_LstmCell, in, 2, reversed);
    return cell.id ? graph_result(g, cell, 0) : cell;
}

static const struct recurrent lstm = {"LSTM", 4, direction}; /* 4 gates */

static int params(struct graph *g, const struct node *n, struct param_decl *p)
{
    return recurrent_params(g, &lstm, n, p);
}

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *out)
{
    return recurrent_build(g, &lstm, in, nin, attr, out);
}

const struct op op_LSTM = {
    .name = "LSTM",
    .doc = "long short-term memory over [N, T, features], zero state before "
           "the first step",
    .min_in = 1,
    .nin = 1 + MAX_PARAMS,
    .attr = attrs,
    .types = "f32",
    .params = params,
    .build = build,
};
