/*
 * prelu.c: y = x above zero, slope x elsewhere; the slope is learnt.
 *
 * He, Zhang, Ren, Sun, "Delving Deep into Rectifiers" (2015).
 *
 * dx = dy above zero, slope dy elsewhere; dslope = sum of x dy where x is not
 * above zero, over what the slope was repeated for.
 */
#include "compiler/fused.h"
#include "compiler/lower.h"
#include "compiler/op.h"

enum { X, SLOPE, OPERANDS }; /* x [N, C, ...], slope broadcast */

/* ---- the node: a slope that broadcasts to x ---- */

/* The slope may not widen x: the result has x's type. */
static bool slope_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[X]);
    const struct type *slope = type_of(g, n->in[SLOPE]);

    if (!dtype_is_float(x->dtype))
        return reject(g, n, "input is %s, not a float", dtype_name(x->dtype));
    if (slope->dtype != x->dtype)
        return reject(g, n, "input is %s and slope %s, not of one type",
                      dtype_name(x->dtype), dtype_name(slope->dtype));
    *y = *x;
    if (!type_broadcast(y, slope) || y->rank != x->rank ||
        type_count(y) != type_count(x))
        return reject(g, n, "slope %s does not broadcast to %s",
                      type_text(g->arena, slope), type_text(g->arena, x));
    return true;
}

/* At zero the slope's side is taken, as PyTorch does.  A slope that no
 * parameter gives has no use for a gradient, whose sum over the batch would
 * keep an accumulator. */
static void slope_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    val x = n->in[X], slope = n->in[SLOPE], zero = val_scalar(g, 0);
    val above = graph_add(g, &op_Greater, (val[]){x, zero}, 2, NULL);
    const struct leaf *leaf = graph_node(g, slope)->leaf;

    dx[X] = graph_add(g, &op_Where,
                      (val[]){above, dy[0], val_mul(g, dy[0], slope)}, 3, NULL);
    if (leaf && leaf->kind != PLAN_PARAMETER)
        return;
    dx[SLOPE] = graph_add(g, &op_Where,
                          (val[]){above, zero, val_mul(g, dy[0], x)}, 3, NULL);
    dx[SLOPE] = val_sum_to(g, dx[SLOPE], type_of(g, slope));
}

/* A NaN is not above zero and comes through the product. */
static double slope_eval(const double *v, const union attr *attr)
{
    (void)attr;
    return v[X] > 0 ? v[X] : v[SLOPE] * v[X];
}

/* x and y of one shape; the slope's element by broadcasting. */
static void slope_ref(const struct node *n, const struct ref_env *env,
                      const struct tensor *in, struct tensor *out)
{
    (void)env;
    for (int64_t i = 0; i < type_count(&out->type); i++) {
        int64_t at = broadcast_index(&out->type, &in[SLOPE].type, i);
        double v[OPERANDS] = {in[X].data[i], in[SLOPE].data[at]};

        out->data[i] = slope_eval(v, n->attr);
    }
}

static void slope_lower(struct lower *lo, const struct node *n)
{
    struct fused chain;

    fused_single(n, &chain);
    fused_lower(lo, n, &chain);
}

/* Pointwise, so that it can be fused with its neighbours. */
const struct op op_PReluSlope = {
    .name = "PReluSlope",
    .doc = "x above zero, slope x elsewhere",
    .min_in = OPERANDS,
    .nin = OPERANDS,
    .infer = slope_infer,
    .grad = slope_grad,
    .ref = slope_ref,
    .lower = slope_lower,
    .layout_follows = true,
    .inplace = {X + 1},
    .formula = &(const struct formula){slope_eval,
                                       "SEL(x > 0.0f, x, slope * x)",
                                       {"x", "slope"},
                                       NULL},
    .internal = true,
};

/* ---- the layer ---- */

enum { NUM_PARAMETERS };

static const struct attr_spec attrs[] = {
    [NUM_PARAMETERS] = {"num_parameters",
                        ATTR_INT,
                        {.i = 1},
                        "slopes of the layer: 1, or one for each channel "
                        "(dimension 1)",
                        false,
                        false},
    {0},
};

/* One slope, or as many as x has channels. */
static bool count_fits(struct graph *g, const struct type *x, int64_t count)
{
    if (count == 1)
        return true;
    if (x->rank < 2)
        return reject_here(g, "num_parameters is %lld, but %s has no channels",
                           (long long)count, type_text(g->arena, x));
    return count == x->dim[1] ||
           reject_here(g, "num_parameters is %lld, wanted 1 or %lld channels",
                       (long long)count, (long long)x->dim[1]);
}

/* First value 1/4, as in the paper and in PyTorch. */
static int params(struct graph *g, const struct node *n, struct param_decl *p)
{
    int64_t count = n->attr[NUM_PARAMETERS].i;
    struct type t = {.dtype = DT_F32, .rank = 1, .dim = {count}};

    if (!count_fits(g, type_of(g, n->in[X]), count))
        return -1;
    if (n->nin > SLOPE) /* the model's own: of whatever shape */
        t = *type_of(g, n->in[SLOPE]);
    p[0] = (struct param_decl){"weight", t, "Quarter", 1, 1, PLAN_PARAMETER};
    return 1;
}

/* Slopes [C] of channels as [C, 1, ...], which broadcasts to x. */
static val along_channels(struct graph *g, val slope, const struct type *x)
{
    int64_t dim[MAX_RANK] = {x->dim[1]};

    for (int d = 1; d < x->rank - 1; d++)
        dim[d] = 1;
    return val_reshape(g, slope, dim, x->rank - 1, 0);
}

/* Several slopes are one per channel; a single one broadcasts as it is. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    struct type x = *type_of(g, in[X]);
    int64_t count = attr[NUM_PARAMETERS].i;
    val operand[OPERANDS] = {in[X], in[SLOPE]};
    const struct type *slope;

    if (nin != OPERANDS)
        return reject_here(g, "PRelu takes %d operands, got %d", OPERANDS, nin);
    if (!count_fits(g, &x, count))
        return false;
    slope = type_of(g, in[SLOPE]);
    if (count > 1 && (slope->rank != 1 || slope->dim[0] != count))
        return reject_here(g, "slope is %s, wanted [%lld]",
                           type_text(g->arena, slope), (long long)count);
    if (count > 1)
        operand[SLOPE] = along_channels(g, in[SLOPE], &x);
    y[0] = graph_add(g, &op_PReluSlope, operand, OPERANDS, NULL);
    return y[0].id != 0;
}

static const char *const names[] = {"X", "slope", NULL};

/* A slope that the model gives, with num_parameters 1, broadcasts as ONNX has
 * it: aligned at the last dimension. */
const struct op op_PRelu = {
    .name = "PRelu",
    .doc = "x above zero, elsewhere x times a slope that is learnt",
    .min_in = 1,
    .nin = OPERANDS,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16",
    .params = params,
    .build = build,
};
