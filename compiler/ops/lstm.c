/*
 * lstm.c: LSTM layers over [N, T, features].
 *
 * Built from products and one recurrence per layer and direction: what the input
 * gives to the gates is one product over all time steps before it, and the
 * gradients of both weights are products over (sample, time) behind it.  Names,
 * shapes and gate order (i, f, g, o) of the parameters are PyTorch's.
 */
#include <math.h>
#include <string.h>

#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/lstm.h"

/* ---- the recurrence ---- */

enum { REVERSE };

static const struct attr_spec cell_attrs[] = {
    [REVERSE] = {"reverse", ATTR_BOOL, {0}, "from the last step", false, true},
    {0},
};

static int64_t hidden_of(const struct type *xg)
{
    return xg->dim[2] / 4;
}

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

/* One time step of one sample; hb and cb are null before the first. */
static void ref_step(const double *xg, const double *w, int64_t H,
                     const double *hb, const double *cb, double *const *out)
{
    for (int64_t j = 0; j < H; j++) {
        double a[4];

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

static void cell_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    struct lstm_problem p = problem(&in[0].type, n);

    (void)env;
    for (int64_t s = 0; s < p.N; s++)
        for (int64_t step = 0; step < p.T; step++) {
            int64_t t = p.reverse ? p.T - 1 - step : step;
            int64_t row = s * p.T + t, old = row + (p.reverse ? 1 : -1);
            double *o[3] = {out[0].data + row * p.H,
                            out[1].data + row * 4 * p.H,
                            out[2].data + row * p.H};

            ref_step(in[0].data + row * 4 * p.H, in[1].data, p.H,
                     step ? out[0].data + old * p.H : NULL,
                     step ? out[2].data + old * p.H : NULL, o);
        }
}

/* Rows of (sample, time). */
static val as_rows(struct graph *g, val x)
{
    const struct type *t = type_of(g, x);
    int64_t dim[2] = {t->dim[0] * t->dim[1], t->dim[2]};

    return x.id ? val_reshape(g, x, dim, 2, t->batch) : x;
}

static void cell_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
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
    rows[0] = as_rows(g, graph_result(g, tuple, 1));
    rows[1] = as_rows(g, dx[0]);
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

/* Gradients of the gates at one step; dh and dc come from the step behind and
 * become those for the step before. */
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

static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    struct lstm_problem p = problem(&in[1].type, n);
    struct arena arena;
    jmp_buf out_of_memory;
    double *state;

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

enum { HIDDEN, LAYERS, DIRECTION, BIAS };

static const struct attr_spec attrs[] = {
    [HIDDEN] = {"hidden_size", ATTR_INT, {0}, "size of the state", true, false},
    [LAYERS] = {"layers", ATTR_INT, {.i = 1}, "stacked, 1 or 2", false, false},
    [DIRECTION] = {"direction",
                   ATTR_STRING,
                   {.s = "forward"},
                   "forward, reverse or bidirectional",
                   false,
                   false},
    [BIAS] = {"bias",
              ATTR_BOOL,
              {.i = 1},
              "whether the layer owns biases",
              false,
              false},
    {0},
};

/* Directions: how many, and whether the first runs backwards. */
static int directions(const union attr *attr, bool *backwards)
{
    *backwards = strcmp(attr[DIRECTION].s, "reverse") == 0;
    return strcmp(attr[DIRECTION].s, "bidirectional") == 0 ? 2 : 1;
}

static bool direction_is_known(const union attr *attr)
{
    return strcmp(attr[DIRECTION].s, "forward") == 0 ||
           strcmp(attr[DIRECTION].s, "reverse") == 0 ||
           strcmp(attr[DIRECTION].s, "bidirectional") == 0;
}

static bool attrs_fit(struct graph *g, const struct type *x,
                      const union attr *attr)
{
    if (x->rank != 3 || x->dtype != DT_F32 || x->batch != 1)
        return reject_here(g,
                           "input is %s, wanted f32 [N,T,features] with "
                           "samples first",
                           type_text(g->arena, x));
    if (attr[HIDDEN].i < 1 || attr[LAYERS].i < 1)
        return reject_here(g,
                           "hidden_size is %lld and layers %lld, wanted at "
                           "least 1",
                           (long long)attr[HIDDEN].i,
                           (long long)attr[LAYERS].i);
    if (!direction_is_known(attr))
        return reject_here(g,
                           "direction is \"%s\", wanted forward, reverse or "
                           "bidirectional",
                           attr[DIRECTION].s);
    return true;
}

/* What one direction of a layer owns: weights, and biases where `each` is 4. */
static void declare(struct graph *g, struct param_decl *p, int each,
                    const char *suffix, int64_t H, int64_t in)
{
    static const char *const name[] = {"weight_ih", "weight_hh", "bias_ih",
                                       "bias_hh"};

    for (int i = 0; i < each; i++)
        p[i] = (struct param_decl){
            .name = arena_format(g->arena, "%s%s", name[i], suffix),
            .type = {.dtype = DT_F32,
                     .rank = i < 2 ? 2 : 1,
                     .dim = {4 * H, i ? H : in}},
            .initializer = "FanInUniform",
            .fan_in = (double)H,
            .fan_out = 4 * (double)H,
            .kind = PLAN_PARAMETER};
}

static int params(struct graph *g, const struct node *n, struct param_decl *p)
{
    const struct type *x = type_of(g, n->in[0]);
    int64_t H = n->attr[HIDDEN].i, in = x->rank == 3 ? x->dim[2] : 0;
    int k = 0, each = n->attr[BIAS].i ? 4 : 2, dirs;
    bool backwards;

    if (!attrs_fit(g, x, n->attr))
        return -1;
    dirs = directions(n->attr, &backwards);
    if (n->attr[LAYERS].i * dirs * each > MAX_PARAMS)
        return reject(g, n,
                      "%lld layers of %d directions have more than %d "
                      "parameters: stack LSTM layers instead",
                      (long long)n->attr[LAYERS].i, dirs, MAX_PARAMS) -
               1;
    for (int layer = 0; layer < n->attr[LAYERS].i; layer++, in = H * dirs)
        for (int d = 0; d < dirs; d++, k += each)
            declare(
                g, p + k, each,
                arena_format(g->arena, "_l%d%s", layer, d ? "_reverse" : ""), H,
                in);
    return k;
}

/* One direction of one layer; w: weight_ih, weight_hh, and biases or empty. */
static val direction(struct graph *g, val x, const val *w, bool reverse)
{
    union attr reversed[1] = {{.i = reverse}}, turn[2] = {{.i = 0}, {.i = 1}};
    const struct type *t = type_of(g, x);
    int64_t dim[3] = {t->dim[0], t->dim[1], type_of(g, w[0])->dim[0]};
    val in[3] = {as_rows(g, x), w[0], {0}}, gates, cell;

    if (w[2].id)
        in[2] = val_add(g, w[2], w[3]);
    gates = graph_add(g, &op_Product, in, 3, turn);
    if (!gates.id)
        return gates;
    in[0] = val_reshape(g, gates, dim, 3, 1);
    in[1] = val_transpose(g, w[1], (int[]){1, 0});
    cell = graph_add(g, &op_LstmCell, in, 2, reversed);
    return cell.id ? graph_result(g, cell, 0) : cell;
}

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *out)
{
    bool backwards;
    int dirs, each = attr[BIAS].i ? 4 : 2, k = 1;
    union attr axis[1] = {{.i = 2}};
    val x = in[0];

    if (!attrs_fit(g, type_of(g, x), attr))
        return false;
    dirs = directions(attr, &backwards);
    if (nin != 1 + attr[LAYERS].i * dirs * each)
        return reject_here(g,
                           "LSTM takes its input and %lld parameters, got "
                           "%d",
                           (long long)(attr[LAYERS].i * dirs * each), nin - 1);
    for (int layer = 0; layer < attr[LAYERS].i && x.id; layer++) {
        val h[2];

        for (int d = 0; d < dirs; d++, k += each) {
            val w[4] = {in[k], in[k + 1], {0}, {0}};

            if (each == 4)
                memcpy(w + 2, in + k + 2, 2 * sizeof *w);
            h[d] = direction(g, x, w, d || backwards);
        }
        x = dirs == 1 ? h[0] : graph_add(g, &op_Concat, h, 2, axis);
    }
    out[0] = x;
    return x.id != 0;
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
