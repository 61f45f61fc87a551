/*
 * layer_norm.c: y = (x - mean) r scale + B, r = 1 / sqrt(var + epsilon), mean
 * and var over the last dimensions of each position.
 *
 * LayerNorm is the node: its results mean and r, two numbers per position, and
 * x are all that its gradient needs.  The sums over samples for scale and B are
 * one pass, LayerNormSums.
 *
 * Ba, Kiros, Hinton, "Layer Normalization" (2016).
 *
 * With rows of C elements, and d = dy scale, z = (x - mean) r: dx = r (d -
 * mean(d) - z mean(d z)), dscale = sum(dy z), dB = sum(dy), the sums over all
 * rows (as batch norm's, with the roles of rows and channels exchanged).
 */
#include <math.h>
#include <string.h>

#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/layer_norm.h"

enum { X, SCALE, B, OPERANDS }; /* x [..., C], the others [C] */
enum { Y, MEAN, R, RESULTS };   /* y as x; f32, one per row */

/* ---- LayerNormalization ---- */

enum { AXIS, EPSILON };

static const struct attr_spec attrs[] = {
    [AXIS] = {"axis",
              ATTR_INT,
              {.i = -1},
              "first of the dimensions that are normalised together",
              false,
              false},
    [EPSILON] = {"epsilon",
                 ATTR_FLOAT,
                 {.f = 1e-5},
                 "added to the variance",
                 false,
                 false},
    {0},
};

/* The axis from the front, or -1 after a refusal.  A reject() of false less 1
 * is the -1. */
static int axis_of(struct graph *g, const struct type *x,
                   const union attr *attr)
{
    int64_t axis = attr[AXIS].i;

    if (!dtype_is_float(x->dtype))
        return reject_here(g, "input is %s, not a float",
                           dtype_name(x->dtype)) -
               1;
    if (axis < -x->rank || axis >= x->rank)
        return reject_here(g, "axis %lld of a rank %d input", (long long)axis,
                           x->rank) -
               1;
    axis += axis < 0 ? x->rank : 0;
    if (x->batch > axis)
        return reject_here(g,
                           "axis %lld would normalise over the samples of the "
                           "batch, which do not know each other",
                           (long long)attr[AXIS].i) -
               1;
    return (int)axis;
}

/* The dimensions from axis on: those of scale and B. */
static struct type normalised(const struct type *x, int axis)
{
    struct type t = {.dtype = DT_F32, .rank = x->rank - axis};

    memcpy(t.dim, x->dim + axis, (size_t)t.rank * sizeof *t.dim);
    return t;
}

/* PyTorch's names and first values: the layer begins as plain normalisation. */
static int params(struct graph *g, const struct node *n, struct param_decl *p)
{
    const struct type *x = type_of(g, n->in[X]);
    int axis = axis_of(g, x, n->attr);
    struct type t;
    double fan;

    if (axis < 0)
        return -1;
    t = normalised(x, axis);
    fan = (double)type_count(&t);
    p[0] = (struct param_decl){"weight", t, "Ones", fan, fan, PLAN_PARAMETER};
    p[1] = (struct param_decl){"bias", t, "Zeros", fan, fan, PLAN_PARAMETER};
    return 2;
}

/* Resolves the axis to one from the front; y is the first result, the
 * statistics are for the gradient. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    const struct type *x = type_of(g, in[X]);
    int axis = axis_of(g, x, attr);
    union attr own[2] = {[AXIS] = {.i = axis}, [EPSILON] = attr[EPSILON]};
    struct type wanted;
    val tuple;

    if (axis < 0)
        return false;
    if (nin != OPERANDS)
        return reject_here(g, "LayerNormalization takes %d operands, got %d",
                           OPERANDS, nin);
    if (!(attr[EPSILON].f >= 0))
        return reject_here(g, "epsilon is %g, wanted 0 or more",
                           attr[EPSILON].f);
    wanted = normalised(x, axis);
    for (int k = SCALE; k < OPERANDS; k++)
        if (!type_equal(type_of(g, in[k]), &wanted))
            return reject_here(g, "operand %d is %s %s, wanted f32 %s", k,
                               dtype_name(type_of(g, in[k])->dtype),
                               type_text(g->arena, type_of(g, in[k])),
                               type_text(g->arena, &wanted));
    tuple = graph_add(g, &op_LayerNorm, in, OPERANDS, own);
    y[0] = graph_result(g, tuple, Y);
    return y[0].id != 0;
}

static const char *const names[] = {"X", "Scale", "B", NULL};

const struct op op_LayerNormalization = {
    .name = "LayerNormalization",
    .doc = "the last dimensions to mean 0 and variance 1, then scaled and "
           "shifted",
    .min_in = 1,
    .nin = OPERANDS,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16",
    .params = params,
    .build = build,
};

/* ---- LayerNorm ---- */

/* Statistics are f32 and have the dimensions before the axis: one per row. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[X]);

    y[Y] = *x;
    y[MEAN] = *x;
    y[MEAN].dtype = DT_F32;
    y[MEAN].rank = (int)n->attr[AXIS].i;
    y[R] = y[MEAN];
    return true;
}

/* A constant that no parameter stands behind. */
static bool is_fill(const struct graph *g, val v)
{
    return graph_node(g, v)->op == &op_Fill;
}

/* Constants, as group norm has them, need no sums, which would keep
 * accumulators.  The sums are f32 [2, C]: row 0 of dy z goes to scale, row 1
 * of dy to B. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const struct type scale = *type_of(g, n->in[SCALE]);
    int64_t C = type_count(&scale);
    val mean = graph_result(g, y, MEAN), r = graph_result(g, y, R), sums;
    union attr slice[4] = {{0}}, lanes[1] = {{.i = 1}};

    dx[X] = graph_add(g, &op_LayerNormGrad,
                      (val[]){dy[Y], n->in[X], mean, r, n->in[SCALE]}, 5,
                      n->attr);
    if (is_fill(g, n->in[SCALE]) && is_fill(g, n->in[B]))
        return;
    if (type_of(g, n->in[X])->batch != 1) {
        reject(g, n,
               "input has no samples in its first dimension, which the "
               "gradients of Scale and B sum over");
        return;
    }
    sums = batch_sum(g, &op_LayerNormSums, (val[]){dy[Y], n->in[X], mean, r}, 4,
                     lanes, 2 * C);
    for (int64_t k = 0; sums.id && k < 2; k++) {
        int64_t end = k + 1;
        val part;

        slice[0].ints = ints_copy(g, &k, 1);
        slice[1].ints = ints_copy(g, &end, 1);
        if (op_Slice.build(g, &sums, 1, slice, &part))
            dx[SCALE + k] = val_reshape(g, part, scale.dim, scale.rank, 0);
    }
}

/* Two passes, so that a mean that is large beside the deviation costs no
 * digits. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    int64_t C = type_count(&in[SCALE].type);
    int64_t rows = type_count(&in[X].type) / C;

    (void)env;
    for (int64_t i = 0; i < rows; i++) {
        const double *x = in[X].data + i * C; /* [C] */
        double mean = 0, var = 0;

        for (int64_t c = 0; c < C; c++)
            mean += x[c] / (double)C;
        for (int64_t c = 0; c < C; c++)
            var += (x[c] - mean) * (x[c] - mean) / (double)C;
        out[MEAN].data[i] = mean;
        out[R].data[i] = 1 / sqrt(var + n->attr[EPSILON].f);
        for (int64_t c = 0; c < C; c++)
            out[Y].data[i * C + c] = (x[c] - mean) * out[R].data[i] *
                                         in[SCALE].data[c] +
                                     in[B].data[c];
    }
}

/* Rows of x, and the elements of each. */
static struct layer_norm_problem
problem(const struct node *n, const struct type *x, const struct type *scale)
{
    int64_t C = type_count(scale);

    return (struct layer_norm_problem){.rows = type_count(x) / C,
                                       .C = C,
                                       .epsilon = n->attr[EPSILON].f,
                                       .x = x->dtype};
}

static void lower(struct lower *lo, const struct node *n)
{
    struct layer_norm_problem p = problem(n, type_of(lo->graph, n->in[X]),
                                          type_of(lo->graph, n->in[SCALE]));

    lower_call(lo, kernels_layer_norm, &p, n);
}

const struct op op_LayerNorm = {
    .name = "LayerNorm",
    .doc = "layer norm, with mean and 1 / deviation of each position",
    .min_in = OPERANDS,
    .nin = OPERANDS,
    .nout = RESULTS,
    .attr = attrs,
    .in_name = names,
    .infer = infer,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .inplace = {X + 1},
    .internal = true,
};

/* ---- LayerNormGrad, LayerNormSums ---- */

/* Operands of both gradients; LayerNormSums has its accumulator where the
 * other has the scale. */
enum { DY, OF_X, OF_MEAN, OF_R, OF_SCALE, ACC = OF_SCALE };

static bool grad_infer(struct graph *g, const struct node *n, struct type *y)
{
    *y = *type_of(g, n->in[DY]);
    return true;
}

/* dx = r (d - mean(d) - z mean(d z)), d = dy scale, z = (x - mean) r.  The
 * last two terms are what mean and r change with x; each row by itself. */
static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    const double *scale = in[OF_SCALE].data; /* [C] */
    int64_t C = type_count(&in[OF_SCALE].type);
    int64_t rows = type_count(&out->type) / C;

    (void)n, (void)env;
    for (int64_t i = 0; i < rows; i++) {
        const double *dy = in[DY].data + i * C, *x = in[OF_X].data + i * C;
        double m = in[OF_MEAN].data[i], r = in[OF_R].data[i];
        double sum = 0, sum_z = 0; /* C mean(d), C mean(d z) */

        for (int64_t c = 0; c < C; c++) {
            sum += dy[c] * scale[c];
            sum_z += dy[c] * scale[c] * (x[c] - m) * r;
        }
        for (int64_t c = 0; c < C; c++)
            out->data[i * C + c] = r * (dy[c] * scale[c] - sum / (double)C -
                                        (x[c] - m) * r * sum_z / (double)C);
    }
}

static void grad_lower(struct lower *lo, const struct node *n)
{
    struct layer_norm_problem p = problem(n, type_of(lo->graph, n->in[OF_X]),
                                          type_of(lo->graph, n->in[OF_SCALE]));

    p.dy = n->type.dtype;
    lower_call(lo, kernels_layer_norm_grad, &p, n);
}

const struct op op_LayerNormGrad = {
    .name = "LayerNormGrad",
    .doc = "gradient of a layer norm's input",
    .min_in = 5,
    .nin = 5,
    .attr = attrs,
    .infer = grad_infer,
    .ref = grad_ref,
    .lower = grad_lower,
    .inplace = {DY + 1},
    .internal = true,
};

static const struct attr_spec sums_attrs[] = {
    {"lanes", ATTR_INT, {.i = 1}, "partial sums", true, true},
    {0},
};

/* Elements that a position has. */
static int64_t channels(const struct type *x, const struct type *mean)
{
    return type_count(x) / type_count(mean);
}

/* f32 [lanes, 2, C], the accumulator's type as well. */
static bool sums_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[OF_X]);

    if (x->batch != 1 || x->dim[0] % g->batch)
        return reject(g, n, "input %s has no samples in its first dimension",
                      type_text(g->arena, x));
    *y = (struct type){.dtype = DT_F32, .rank = 3};
    y->dim[0] = n->attr[0].i;
    y->dim[1] = 2;
    y->dim[2] = channels(x, type_of(g, n->in[OF_MEAN]));
    return true;
}

/* All lanes' sums in the first, as in BatchSum. dy and x [rows, C], mean and r
 * [rows]; stale rows at the end are left out. */
static void sums_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    int64_t C = out->type.dim[2];
    int64_t used = type_count(&in[OF_X].type) / env->batch * env->rows;
    size_t bytes = (size_t)type_count(&out->type) * sizeof(double);

    memset(out->data, 0, bytes);
    if (n->nin > ACC && env->first)
        memcpy(out->data, in[ACC].data, bytes);
    for (int64_t i = 0; i < used; i++) {
        double z = (in[OF_X].data[i] - in[OF_MEAN].data[i / C]) *
                   in[OF_R].data[i / C];

        out->data[i % C] += in[DY].data[i] * z;
        out->data[C + i % C] += in[DY].data[i];
    }
}

/* positions: rows in each sample. */
static void sums_lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[OF_X]);
    int64_t samples = lo->graph->batch, C = n->type.dim[2];
    struct layer_norm_sums_problem p = {
        .samples = samples,
        .positions = type_count(x) / samples / C,
        .C = C,
        .lanes = (int)n->attr[0].i,
        .x = x->dtype,
        .dy = type_of(lo->graph, n->in[DY])->dtype,
        .accumulate = n->nin > ACC};

    lower_call(lo, kernels_layer_norm_sums, &p, n);
}

const struct op op_LayerNormSums = {
    .name = "LayerNormSums",
    .doc = "sums of dy times the normalised x, and of dy, in lanes",
    .min_in = 4,
    .nin = 5,
    .attr = sums_attrs,
    .infer = sums_infer,
    .ref = sums_ref,
    .lower = sums_lower,
    .across_batch = true,
    .inplace = {ACC + 1},
    .internal = true,
};
