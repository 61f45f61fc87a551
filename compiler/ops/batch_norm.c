/*
 * batch_norm.c: y = (x - mean) / sqrt(var + epsilon) * scale + B, by channel.
 *
 * Inference takes the running statistics.  Training takes those of the rows at
 * hand, and lets the running ones follow: running * momentum + batch * (1 -
 * momentum), ONNX's momentum; PyTorch's is 1 - momentum.  For its gradient only
 * x and two numbers per channel stay alive.
 *
 * Ioffe, Szegedy, "Batch Normalization" (2015).
 *
 * Letters: x and y [N, C, ...], everything else [C].
 */
#include <string.h>

#include "compiler/fused.h"
#include "compiler/ops/batch_norm.h"

enum { EPSILON, MOMENTUM, RUNNING_VARIANCE, TRAINING_MODE };
enum { X, SCALE, B, RUNNING_MEAN, RUNNING_VAR, OPERANDS }; /* as in ONNX */

static const struct attr_spec attrs[] = {
    [EPSILON] = {"epsilon",
                 ATTR_FLOAT,
                 {.f = 1e-5},
                 "added to the variance",
                 false,
                 false},
    [MOMENTUM] = {"momentum",
                  ATTR_FLOAT,
                  {.f = 0.9},
                  "part of the running statistics that stays",
                  false,
                  false},
    [RUNNING_VARIANCE] = {"running_variance",
                          ATTR_STRING,
                          {.s = "population"},
                          "population: as ONNX has it; unbiased: as PyTorch",
                          false,
                          false},
    [TRAINING_MODE] =
        {"training_mode", ATTR_BOOL, {0}, "set by the reader", false, true},
    {0},
};

static bool check_input(struct graph *g, const struct type *x)
{
    if (!dtype_is_float(x->dtype))
        return reject_here(g, "input is %s, not a float", dtype_name(x->dtype));
    if (x->rank < 2)
        return reject_here(g, "input is %s, wanted [N,C] or [N,C,...]",
                           type_text(g->arena, x));
    return true;
}

/* Names and first values are PyTorch's: the layer begins as the identity on
 * normalised x.  Running statistics are state, which optimizers leave alone. */
static int params(struct graph *g, const struct node *n, struct param_decl *p)
{
    static const struct param_decl decl[] = {
        {.name = "weight", .initializer = "Ones", .kind = PLAN_PARAMETER},
        {.name = "bias", .initializer = "Zeros", .kind = PLAN_PARAMETER},
        {.name = "running_mean", .initializer = "Zeros", .kind = PLAN_STATE},
        {.name = "running_var", .initializer = "Ones", .kind = PLAN_STATE},
    };
    const struct type *x = type_of(g, n->in[X]);
    int count = sizeof decl / sizeof *decl;

    if (!check_input(g, x))
        return -1;
    for (int k = 0; k < count; k++) {
        p[k] = decl[k];
        p[k].type = (struct type){
            .dtype = DT_F32, .rank = 1, .dim = {x->dim[1]}};
        p[k].fan_in = p[k].fan_out = (double)x->dim[1];
    }
    return count;
}

/* x [N, C, ...] of any float; the other four f32 [C]. */
static bool check_operands(struct graph *g, const val *in, int nin,
                           const union attr *attr)
{
    const struct type *x = type_of(g, in[X]);
    const char *running = attr[RUNNING_VARIANCE].s;

    if (!check_input(g, x))
        return false;
    if (nin != OPERANDS)
        return reject_here(g, "BatchNormalization takes %d operands, got %d",
                           OPERANDS, nin);
    for (int k = SCALE; k < OPERANDS; k++) {
        const struct type *t = type_of(g, in[k]);

        if (t->rank != 1 || t->dim[0] != x->dim[1] || t->dtype != DT_F32)
            return reject_here(g, "operand %d is %s %s for %lld channels", k,
                               dtype_name(t->dtype), type_text(g->arena, t),
                               (long long)x->dim[1]);
    }
    if (!(attr[EPSILON].f >= 0))
        return reject_here(g, "epsilon is %g, wanted 0 or more",
                           attr[EPSILON].f);
    if (strcmp(running, "population") != 0 && strcmp(running, "unbiased") != 0)
        return reject_here(g,
                           "running_variance is \"%s\", wanted population "
                           "or unbiased",
                           running);
    return true;
}

/* [C] as [C, 1, ...], which broadcasts against x. */
static val along_channels(struct graph *g, val v, const struct type *x)
{
    int64_t dim[MAX_RANK] = {x->dim[1]};

    for (int d = 1; d < x->rank - 1; d++)
        dim[d] = 1;
    return val_reshape(g, v, dim, x->rank - 1, 0);
}

/* sqrt(var + epsilon), [C]. */
static val deviation(struct graph *g, val var, double epsilon)
{
    val sum = val_add(g, var, val_scalar(g, epsilon));

    return graph_add(g, &op_Sqrt, &sum, 1, NULL);
}

/* ---- training ---- */

/* Operands of BatchNormTrain behind X, [C, 1, ...] each; FACTORS counts all. */
enum { MEAN = 1, RECIPROCAL, WEIGHT, BIAS, FACTORS };

/* x [N, C, ...] keeps its type; a factor [C, 1, ...] cannot widen it. */
static bool train_infer(struct graph *g, const struct node *n, struct type *y)
{
    *y = *type_of(g, n->in[X]);
    for (int k = MEAN; k < FACTORS; k++)
        if (!type_broadcast(y, type_of(g, n->in[k])))
            return reject(g, n, "operands do not broadcast");
    return true;
}

/*
 * With z = (x - mean) r, r = 1 / sqrt(var + epsilon), and means over the rows
 * at hand: dx = w r (dy - mean(dy) - z mean(dy z)), dw = sum(dy z), and
 * dB = sum(dy).  That is the whole gradient of x, through mean and variance
 * too, so those two get none.  It follows from dmean/dx_i = 1 / n and
 * dvar/dx_i = 2 (x_i - mean) / n (the paper's section 3).  s.mean_x is
 * mean(dy z): x - mean times r s.mean_x is the last term, and z is not stored.
 */
static void train_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    struct type x = *type_of(g, n->in[X]);
    val mean = val_reshape(g, n->in[MEAN], &x.dim[1], 1, 0);
    val r = val_reshape(g, n->in[RECIPROCAL], &x.dim[1], 1, 0);
    struct batch_norm_sums s = batch_norm_sums(g, dy[0], n->in[X], mean, r);
    /* r mean(dy z), [C, 1, ...] */
    val slope = along_channels(g, val_mul(g, r, s.mean_x), &x);
    /* z mean(dy z) */
    val off = val_mul(g, val_sub(g, n->in[X], n->in[MEAN]), slope);
    /* dy - mean(dy) */
    val d = val_sub(g, dy[0], along_channels(g, s.mean, &x));

    dx[X] = val_mul(g, val_sub(g, d, off),
                    val_mul(g, n->in[RECIPROCAL], n->in[WEIGHT]));
    dx[WEIGHT] = along_channels(g, s.sum_x, &x);
    dx[BIAS] = along_channels(g, s.sum, &x);
}

/* The one text of the formula, for the reference and for OpenCL.  r * w
 * stands in parentheses: a channel's factor is rounded once, for all its x. */
#define TRAIN (x - m) * (r * w) + b

static double train_eval(const double *v, const union attr *attr)
{
    double x = v[X], m = v[MEAN], r = v[RECIPROCAL], w = v[WEIGHT];
    double b = v[BIAS];

    (void)attr;
    return TRAIN;
}

/* Operands broadcast; v holds what element i of y reads of each. */
static void train_ref(const struct node *n, const struct ref_env *env,
                      const struct tensor *in, struct tensor *out)
{
    (void)env;
    for (int64_t i = 0; i < type_count(&out->type); i++) {
        double v[FACTORS];

        for (int k = 0; k < FACTORS; k++)
            v[k] = in[k].data[broadcast_index(&out->type, &in[k].type, i)];
        out->data[i] = train_eval(v, n->attr);
    }
}

static void train_lower(struct lower *lo, const struct node *n)
{
    struct fused chain;

    fused_single(n, &chain);
    fused_lower(lo, n, &chain);
}

#define TEXT_(f) #f
#define TEXT(f)  TEXT_(f)

/* Pointwise, so that what follows can be fused with it. */
const struct op op_BatchNormTrain = {
    .name = "BatchNormTrain",
    .doc = "batch norm, its statistics given",
    .min_in = FACTORS,
    .nin = FACTORS,
    .infer = train_infer,
    .grad = train_grad,
    .ref = train_ref,
    .lower = train_lower,
    .layout_follows = true,
    .inplace = {1},
    .formula = &(const struct formula){train_eval,
                                       TEXT(TRAIN),
                                       {"x", "m", "r", "w", "b"},
                                       NULL},
    .internal = true,
};

/*
 * Running statistics that are no state, but values that the model names, stay
 * as they are.  State becomes running momentum + now (1 - momentum) in both
 * sequences that train, so once for each micro-batch.  A second layer on the
 * same state would make the result depend on the order of layers.
 */
static bool follow(struct graph *g, val running, val now, double momentum)
{
    const struct leaf *leaf = graph_node(g, running)->leaf;
    val old = val_mul(g, running, val_scalar(g, momentum));
    val new = val_mul(g, now, val_scalar(g, 1 - momentum));

    if (!leaf || leaf->kind != PLAN_STATE)
        return true;
    for (int i = 0; i < g->nassign; i++)
        if (g->assign[i].leaf.id == running.id &&
            g->assign[i].sequences >> SEQ_STEP & 1)
            return reject_here(g, "%s follows another layer already",
                               leaf->name);
    graph_assign(g, 1U << SEQ_ACCUMULATE | 1U << SEQ_STEP, running,
                 val_add(g, old, new));
    return true;
}

/* Statistics first, then the pointwise op on them: between the two lies the
 * only point at which samples of a batch meet. */
static bool train(struct graph *g, const val *in, const union attr *attr,
                  val *y)
{
    struct type x = *type_of(g, in[X]);
    bool unbiased = strcmp(attr[RUNNING_VARIANCE].s, "unbiased") == 0;
    struct batch_stats s = batch_stats(g, in[X]);
    val r = val_div(g, val_scalar(g, 1), deviation(g, s.var, attr[EPSILON].f));
    const val factor[FACTORS] = {[X] = in[X],
                                 [MEAN] = along_channels(g, s.mean, &x),
                                 [RECIPROCAL] = along_channels(g, r, &x),
                                 [WEIGHT] = along_channels(g, in[SCALE], &x),
                                 [BIAS] = along_channels(g, in[B], &x)};

    y[0] = graph_add(g, &op_BatchNormTrain, factor, FACTORS, NULL);
    return y[0].id && follow(g, in[RUNNING_MEAN], s.mean, attr[MOMENTUM].f) &&
           follow(g, in[RUNNING_VAR], unbiased ? s.unbiased : s.var,
                  attr[MOMENTUM].f);
}

/* ---- inference ---- */

/* (x - mean) (scale / sqrt(var + epsilon)) + B: the factor is [C] and folds to
 * a constant where the parameters do. */
static bool infer_with(struct graph *g, const val *in, const union attr *attr,
                       val *y)
{
    struct type x = *type_of(g, in[X]);
    val factor = val_div(g, in[SCALE],
                         deviation(g, in[RUNNING_VAR], attr[EPSILON].f));
    val d = val_sub(g, in[X], along_channels(g, in[RUNNING_MEAN], &x));

    y[0] = val_add(g, val_mul(g, d, along_channels(g, factor, &x)),
                   along_channels(g, in[B], &x));
    return y[0].id != 0;
}

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    if (!check_operands(g, in, nin, attr))
        return false;
    return attr[TRAINING_MODE].i ? train(g, in, attr, y)
                                 : infer_with(g, in, attr, y);
}

static const char *const names[] = {"X",          "scale",     "B",
                                    "input_mean", "input_var", NULL};

const struct op op_BatchNormalization = {
    .name = "BatchNormalization",
    .doc = "each channel to mean 0 and variance 1, then scaled and shifted",
    .min_in = 1,
    .nin = OPERANDS,
    .attr = attrs,
    .in_name = names,
    .types = "f32",
    .params = params,
    .build = build,
};
