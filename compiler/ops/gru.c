/*
 * gru.c: GRU layers over [N, T, features]; the parameters' gates are in
 * PyTorch's order r, z, n.
 *
 * Built from products and one recurrence per layer and direction: see
 * recurrent.h.  Where the reset gate acts, before the product with n's weights
 * (as in ONNX by default) or behind it (as in PyTorch), is an attribute, and
 * changes what the recurrence keeps and how the gradients of its weights come
 * about.
 *
 * With x_t's products xg_t = x_t W_ih^T + b given, one step is (Cho et al.,
 * 2014)
 *
 *   r = s(xg_r + h W_r)        z = s(xg_z + h W_z)
 *   n = tanh(xg_n + (r h) W_n)        or, linear, tanh(xg_n + r (h W_n + b_n))
 *   h = (1 - z) n + z h,
 *
 * s being the sigmoid, h on the right that of the step before, products of
 * gates element by element.
 */
#include <math.h>
#include <string.h>

#include "compiler/lower.h"
#include "compiler/ops/recurrent.h"
#include "compiler/ops/remap.h"
#include "kernels/gru.h"

/* ---- the recurrence ---- */

enum { REVERSE, LINEAR }; /* LINEAR: the reset gate acts behind the product */

static const struct attr_spec cell_attrs[] = {
    [REVERSE] = {"reverse", ATTR_BOOL, {0}, "from the last step", false, true},
    [LINEAR] = {"linear",
                ATTR_BOOL,
                {0},
                "the reset gate acts behind the product",
                false,
                true},
    {0},
};

/* xg [N, T, 3 H], w [H, 3 H], b [3 H] or nothing.  Results: h [N, T, H], and
 * what the gradient needs, [N, T, gates H]: r, z, n and, linear, the product
 * that r scales. */
static bool cell_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *xg = type_of(g, n->in[0]), *w = type_of(g, n->in[1]);

    if (xg->rank != 3 || w->rank != 2 || w->dim[1] != xg->dim[2] ||
        3 * w->dim[0] != w->dim[1] || xg->dtype != DT_F32 || xg->batch > 1)
        return reject(g, n,
                      "gates are %s and weights %s, wanted f32 [N,T,3H] "
                      "and [H,3H]",
                      type_text(g->arena, xg), type_text(g->arena, w));
    y[0] = y[1] = *xg;
    y[0].dim[2] = w->dim[0];
    y[1].dim[2] = (n->attr[LINEAR].i ? 4 : 3) * w->dim[0];
    return true;
}

/* h [N, T, H] gives the sizes. */
static struct gru_problem problem(const struct type *h, const struct node *n)
{
    return (struct gru_problem){.N = h->dim[0],
                                .T = h->dim[1],
                                .H = h->dim[2],
                                .reverse = n->attr[REVERSE].i,
                                .linear = n->attr[LINEAR].i};
}

static void cell_lower(struct lower *lo, const struct node *n)
{
    struct type h = *type_of(lo->graph, n->in[0]);
    struct gru_problem p;

    h.dim[2] /= 3;
    p = problem(&h, n);
    p.bias = n->nin == 3;
    lower_call(lo, kernels_gru, &p, n);
}

/* Row of (sample, time) at a step, and the one before it in the recurrence.
 * Rows are of [N * T, ...]: sample s at time t is s * T + t. */
struct place {
    int64_t row, old; /* old: -1 at the first step */
};

static struct place place_of(const struct gru_problem *p, int64_t s,
                             int64_t step)
{
    int64_t t = p->reverse ? p->T - 1 - step : step, row = s * p->T + t;

    return (struct place){row,
                          step ? row + (p->reverse ? 1 : -1) : (int64_t)-1};
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* sum over k of r[k] h[k] w[k, column]; r null: of ones; h null: of zeros. */
static double product(const double *r, const double *h, const double *w,
                      int64_t H, int64_t column)
{
    double sum = 0;

    for (int64_t k = 0; h && k < H; k++)
        sum += (r ? r[k] : 1) * h[k] * w[k * 3 * H + column];
    return sum;
}

/* One step of one sample; in: xg's row, w, b or null. hb is h of the step
 * before, null at the first, where it is zero. */
static void ref_step(const struct gru_problem *p, const double *const *in,
                     const double *hb, double *h, double *gate)
{
    /* [3 H], [H, 3 H], [3 H] */
    const double *xg = in[0], *w = in[1], *b = in[2];
    int64_t H = p->H;

    for (int64_t j = 0; j < 2 * H; j++)
        gate[j] = sigmoid(xg[j] + product(NULL, hb, w, H, j) + (b ? b[j] : 0));
    for (int64_t j = 0; j < H; j++) {
        const double *r = gate, *z = gate + H; /* [H] each */
        int64_t column = 2 * H + j;
        double a;

        if (p->linear) {
            gate[3 * H + j] = product(NULL, hb, w, H, column) +
                              (b ? b[column] : 0);
            a = r[j] * gate[3 * H + j];
        } else {
            a = product(r, hb, w, H, column);
        }
        gate[column] = tanh(xg[column] + a);
        h[j] = (1 - z[j]) * gate[column] + (hb ? z[j] * hb[j] : 0);
    }
}

/* Samples are independent; within one, steps run in the order of the
 * recurrence, backwards in time when reversed. */
static void cell_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    struct gru_problem p = problem(&out[0].type, n);
    int64_t gates = out[1].type.dim[2];

    (void)env;
    for (int64_t s = 0; s < p.N; s++)
        for (int64_t step = 0; step < p.T; step++) {
            struct place at = place_of(&p, s, step);
            const double *from[3] = {in[0].data + at.row * 3 * p.H, in[1].data,
                                     n->nin == 3 ? in[2].data : NULL};

            ref_step(&p, from, at.old < 0 ? NULL : out[0].data + at.old * p.H,
                     out[0].data + at.row * p.H, out[1].data + at.row * gates);
        }
}

/* Columns [from, from + count) of rows. x [rows, all] to [rows, count]. */
static val columns(struct graph *g, val x, int64_t from, int64_t count)
{
    const struct remap r = {.dim = {type_of(g, x)->dim[0], count},
                            .mul = {1, 1},
                            .add = {0, from},
                            .div = {1, 1},
                            .outside = COPY_FILL};

    return val_remap(g, x, &r);
}

/* Gradient of weights [H, columns of b] that met rows a. dW = a^T b, summed
 * over (sample, time) in one product after the loop: the recurrence itself
 * sums nothing across samples. */
static val weight_gradient(struct graph *g, val a, val b)
{
    union attr lanes[1] = {{.i = 1}};

    if (!a.id || !b.id)
        return (val){0};
    return batch_sum(g, &op_ProductBatchSum, (val[]){a, b}, 2, lanes,
                     type_of(g, a)->dim[1] * type_of(g, b)->dim[1]);
}

/* Behind the product: one product of h and the gradients of what it gave.
 * Result 1 is h before each step, [N, T, H]; result 2 the gradients of h W +
 * b, [N, T, 3 H], which differ from those of xg in n by the factor r. */
static void linear_grad(struct graph *g, const struct node *n, val tuple,
                        val *dx)
{
    val before = recurrent_rows(g, graph_result(g, tuple, 1));
    val d = recurrent_rows(g, graph_result(g, tuple, 2));

    dx[1] = weight_gradient(g, before, d);
    if (n->nin == 3)
        dx[2] = val_sum_to(g, d, type_of(g, n->in[2]));
}

/* Before the product: n's weights met something else than those of r and z.
 * Those of r and z met h before the step, n's met r h, which result 2 holds. */
static void reset_grad(struct graph *g, val tuple, val *dx)
{
    val before = recurrent_rows(g, graph_result(g, tuple, 1));
    val reset = recurrent_rows(g, graph_result(g, tuple, 2));
    val d = recurrent_rows(g, dx[0]), dw[2];
    int64_t H = type_of(g, before)->dim[1];
    union attr axis[1] = {{.i = 1}};

    dw[0] = weight_gradient(g, before, columns(g, d, 0, 2 * H));
    dw[1] = weight_gradient(g, reset, columns(g, d, 2 * H, H));
    dx[1] = graph_add(g, &op_Concat, dw, 2, axis);
}

/* The gradient's operands: dy, the gates, h, and W^T, whose rows are read in
 * order.  Nothing flows where only the gates are used, so an empty dy ends
 * it. */
static void cell_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    val in[4] = {dy[0], graph_result(g, y, 1), graph_result(g, y, 0),
                 val_transpose(g, n->in[1], (int[]){1, 0})};
    val tuple;

    if (!dy[0].id)
        return;
    tuple = graph_add(g, &op_GruGrad, in, 4, n->attr);
    if (!tuple.id)
        return;
    dx[0] = graph_result(g, tuple, 0);
    if (n->attr[LINEAR].i)
        linear_grad(g, n, tuple, dx);
    else
        reset_grad(g, tuple, dx);
}

const struct op op_GruCell = {
    .name = "GruCell",
    .doc = "the recurrence of one direction",
    .min_in = 2,
    .nin = 3,
    .nout = 2,
    .attr = cell_attrs,
    .infer = cell_infer,
    .grad = cell_grad,
    .ref = cell_ref,
    .lower = cell_lower,
    .internal = true,
};

/* ---- its gradient ---- */

/* dxg [N, T, 3 H], h before each step [N, T, H], and [N, T, 3 H] or [N, T, H]
 * for the weights' gradient, see linear_grad and reset_grad. */
static bool grad_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *h = type_of(g, n->in[2]);

    y[0] = y[1] = y[2] = *h;
    y[0].dim[2] = 3 * h->dim[2];
    if (n->attr[LINEAR].i)
        y[2].dim[2] = 3 * h->dim[2];
    return true;
}

static void grad_lower(struct lower *lo, const struct node *n)
{
    struct gru_problem p = problem(type_of(lo->graph, n->in[2]), n);

    lower_call(lo, kernels_gru_grad, &p, n);
}

/* One step of one sample; hb null at the first. */
struct ref_step {                 /* shapes of one (sample, time) */
    const double *gate, *hb, *wt; /* [G, H], [H], [3 H, H] */
    double *dxg, *before, *kept;  /* [3 H], [H], [3 H] or [H] */
};

/* sum over rows [begin, end) of d[row] wt[row, k].  That is d W^T for one k,
 * wt being shifted to column k. */
static double turned(const double *d, const double *wt, int64_t H,
                     int64_t begin, int64_t end)
{
    double sum = 0;

    for (int64_t j = begin; j < end; j++)
        sum += d[j] * wt[j * H];
    return sum;
}

/*
 * What flows through the reset gate and its products, added to dh.  With d the
 * gradient of n's argument: behind the product, dr = d (h W_n + b_n) and the
 * product's own gradient is r d; before it, u = d W_n^T is the gradient of r
 * h, so that dr = u h and dh += u r.  Then s' = r (1 - r), and dh += d_all
 * W^T.
 */
static void ref_reset(const struct ref_step *at, bool linear, int64_t H,
                      double *dh)
{
    const double *r = at->gate;

    for (int64_t j = 0; j < H; j++) {
        double hb = at->hb ? at->hb[j] : 0, d = at->dxg[2 * H + j];
        double u = linear ? 0 : turned(at->dxg, at->wt + j, H, 2 * H, 3 * H);
        double dr = linear ? d * at->gate[3 * H + j] : u * hb;

        at->dxg[j] = dr * r[j] * (1 - r[j]);
        dh[j] += u * r[j];
        at->before[j] = hb;
        at->kept[linear ? 2 * H + j : j] = r[j] * (linear ? d : hb);
    }
    for (int64_t j = 0; linear && j < 2 * H; j++)
        at->kept[j] = at->dxg[j];
    for (int64_t k = 0; k < H; k++)
        dh[k] += linear ? turned(at->kept, at->wt + k, H, 0, 3 * H)
                        : turned(at->dxg, at->wt + k, H, 0, 2 * H);
}

/* From h' = (1 - z) n + z h: dz = dh (h - n), dn = dh (1 - z), and dh z goes
 * on to the step before; s' = z (1 - z), tanh' = 1 - n^2. u is n here. */
static void ref_gates(const struct ref_step *at, bool linear, int64_t H,
                      double *dh)
{
    for (int64_t j = 0; j < H; j++) {
        double z = at->gate[H + j], u = at->gate[2 * H + j], d = dh[j];

        at->dxg[H + j] = d * ((at->hb ? at->hb[j] : 0) - u) * z * (1 - z);
        at->dxg[2 * H + j] = d * (1 - z) * (1 - u * u);
        dh[j] = d * z;
    }
    ref_reset(at, linear, H, dh);
}

/* Walks steps backwards; dh [H] carries the gradient from the step behind,
 * begins at 0 for each sample, and takes dy of the step in hand.  References
 * have no arena of the compile, hence one of their own. */
static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    struct gru_problem p = problem(&in[2].type, n);
    int64_t H = p.H, gates = in[1].type.dim[2], kept = out[2].type.dim[2];
    struct arena arena;
    jmp_buf out_of_memory;
    double *dh; /* [H] */

    (void)env;
    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory) == 0) {
        dh = ARENA_NEW(&arena, double, (size_t)H);
        for (int64_t i = p.N * p.T - 1; i >= 0; i--) {
            struct place here = place_of(&p, i / p.T, i % p.T);
            const struct ref_step at = {
                in[1].data + here.row * gates,
                here.old < 0 ? NULL : in[2].data + here.old * H,
                in[3].data,
                out[0].data + here.row * 3 * H,
                out[1].data + here.row * H,
                out[2].data + here.row * kept};

            if (i % p.T == p.T - 1)
                memset(dh, 0, (size_t)H * sizeof *dh);
            for (int64_t j = 0; j < H; j++)
                dh[j] += in[0].data[here.row * H + j];
            ref_gates(&at, p.linear, H, dh);
        }
    }
    arena_close(&arena);
}

const struct op op_GruGrad = {
    .name = "GruGrad",
    .doc = "gradient of GruCell",
    .min_in = 4,
    .nin = 4,
    .nout = 3,
    .attr = cell_attrs,
    .infer = grad_infer,
    .ref = grad_ref,
    .lower = grad_lower,
    .internal = true,
};

/* ---- the layer ---- */

enum { LINEAR_BEFORE_RESET = RECURRENT_OTHERS };

static const struct attr_spec attrs[] = {
    RECURRENT_ATTRS,
    [LINEAR_BEFORE_RESET] = {"linear_before_reset",
                             ATTR_BOOL,
                             {0},
                             "the reset gate acts behind the product with "
                             "n's recurrent weights, as in PyTorch",
                             false,
                             false},
    {0},
};

/*
 * One direction of one layer; w: weight_ih, weight_hh, and biases or empty.
 * Linear, b_hh is inside the reset gate and goes to the recurrence; else both
 * biases are one sum, added to x's product once. w[1] is PyTorch's [3 H, H],
 * turned to [H, 3 H] for rows in the order of memory.
 */
static val direction(struct graph *g, val x, const val *w, bool reverse,
                     const union attr *attr)
{
    bool linear = attr[LINEAR_BEFORE_RESET].i;
    union attr cell_attr[2] = {
        [REVERSE] = {.i = reverse}, [LINEAR] = {.i = linear}};
    val bias = w[2].id && !linear ? val_add(g, w[2], w[3]) : w[2];
    val in[3] = {recurrent_gates(g, x, w[0], bias)}, cell;

    if (!in[0].id)
        return in[0];
    in[1] = val_transpose(g, w[1], (int[]){1, 0});
    in[2] = linear ? w[3] : (val){0};
    cell = graph_add(g, &op_GruCell, in, in[2].id ? 3 : 2, cell_attr);
    return cell.id ? graph_result(g, cell, 0) : cell;
}

static const struct recurrent gru = {"GRU", 3, direction}; /* 3 gates */

static int params(struct graph *g, const struct node *n, struct param_decl *p)
{
    return recurrent_params(g, &gru, n, p);
}

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *out)
{
    return recurrent_build(g, &gru, in, nin, attr, out);
}

const struct op op_GRU = {
    .name = "GRU",
    .doc = "gated recurrent unit over [N, T, features], zero state before the "
           "first step",
    .min_in = 1,
    .nin = 1 + MAX_PARAMS,
    .attr = attrs,
    .types = "f32",
    .params = params,
    .build = build,
};
