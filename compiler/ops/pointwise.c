/*
 * pointwise.c: the ops of pointwise.def, and Where.
 *
 * A row becomes a one-line C function, the same text for OpenCL, and an op
 * record.  Everything else here is shared by all rows.
 *
 * A gradient is an op as well, one formula over dy and what was saved, so that
 * the fuser needs no rules for gradients.
 */
#include <math.h>
#include <tgmath.h>

#include "compiler/fused.h"
#include "compiler/lower.h"
#include "compiler/op.h"

/* The C half of SEL: both sides double, so that tgmath takes its double
 * functions. */
#define SEL(c, a, b) ((c) ? (double)(a) : (double)(b))

static const struct attr_spec none[] = {{0}};
static const struct attr_spec leaky_attrs[] = {
    {"alpha", ATTR_FLOAT, {.f = 0.01}, "slope below zero", false, false},
    {0},
};
static const struct attr_spec elu_attrs[] = {
    {"alpha",
     ATTR_FLOAT,
     {.f = 1},
     "limit far below zero, negated",
     false,
     false},
    {0},
};
static const struct attr_spec selu_attrs[] = {
    {"alpha",
     ATTR_FLOAT,
     {.f = 1.67326319217681884765625},
     "as Elu's",
     false,
     false},
    {"gamma",
     ATTR_FLOAT,
     {.f = 1.05070102214813232421875},
     "of the result",
     false,
     false},
    {0},
};
static const struct attr_spec hard_attrs[] = {
    {"alpha", ATTR_FLOAT, {.f = 0.2}, "slope", false, false},
    {"beta", ATTR_FLOAT, {.f = 0.5}, "value at zero", false, false},
    {0},
};
static const struct attr_spec clip_attrs[] = {
    {"min",
     ATTR_FLOAT,
     {.f = -3.4028234663852886e38},
     "lower limit",
     false,
     false},
    {"max",
     ATTR_FLOAT,
     {.f = 3.4028234663852886e38},
     "upper limit",
     false,
     false},
    {0},
};

/* Operands broadcast as in NumPy; the samples' axis comes with them. */
static bool infer_shape(struct graph *g, const struct node *n, struct type *y)
{
    *y = *type_of(g, n->in[0]);
    for (int i = 1; i < n->nin; i++) {
        struct type before = *y;
        const struct type *t = type_of(g, n->in[i]);

        if (!type_broadcast(y, t))
            return reject(g, n,
                          "operands are %s and %s, which do not broadcast",
                          type_text(g->arena, &before), type_text(g->arena, t));
    }
    return true;
}

/* No operation converts by itself; that is Cast's. */
static bool same_types(struct graph *g, const struct node *n)
{
    enum dtype first = type_of(g, n->in[0])->dtype;

    for (int i = 1; i < n->nin; i++)
        if (type_of(g, n->in[i])->dtype != first)
            return reject(g, n, "operands are %s and %s, not of one type",
                          dtype_name(first),
                          dtype_name(type_of(g, n->in[i])->dtype));
    return true;
}

/* Column T of the table: A takes integers too. */
static bool infer_A(struct graph *g, const struct node *n, struct type *y)
{
    if (type_of(g, n->in[0])->dtype == DT_BOOL)
        return reject(g, n, "operand is bool, not a number");
    return same_types(g, n) && infer_shape(g, n, y);
}

/* Column T of the table: F takes floats only. */
static bool infer_F(struct graph *g, const struct node *n, struct type *y)
{
    enum dtype t = type_of(g, n->in[0])->dtype;

    if (!dtype_is_float(t))
        return reject(g, n, "operand is %s, not a float", dtype_name(t));
    return same_types(g, n) && infer_shape(g, n, y);
}

/* bool of the broadcast shape, whatever the operands' type. */
static bool infer_compare(struct graph *g, const struct node *n, struct type *y)
{
    if (!same_types(g, n) || !infer_shape(g, n, y))
        return false;
    y->dtype = DT_BOOL;
    return true;
}

static bool infer_logic(struct graph *g, const struct node *n, struct type *y)
{
    for (int k = 0; k < n->nin; k++) {
        enum dtype t = type_of(g, n->in[k])->dtype;

        if (t != DT_BOOL)
            return reject(g, n, "operand is %s, not bool", dtype_name(t));
    }
    return infer_shape(g, n, y);
}

/* Element i of the result reads of each operand the element that broadcasting
 * names; v holds as many operands as the largest op has. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    (void)env;
    for (int64_t i = 0; i < type_count(&out->type); i++) {
        double v[3] = {0};

        for (int k = 0; k < n->nin; k++)
            v[k] = in[k].data[broadcast_index(&out->type, &in[k].type, i)];
        out->data[i] = n->op->formula->eval(v, n->attr);
        if (!dtype_is_float(out->type.dtype))
            out->data[i] = isfinite(out->data[i]) ? trunc(out->data[i]) : 0;
    }
}

/* A chain of one op, so that there is one kernel generator for all. */
static void lower(struct lower *lo, const struct node *n)
{
    struct fused chain;

    fused_single(n, &chain);
    fused_lower(lo, n, &chain);
}

/* dy where the comparison of a and b holds, else nothing.  By selection: an
 * infinite dy in the other branch leaves nothing behind. */
static val grad_where(struct graph *g, const struct op *compare, val a, val b,
                      val dy)
{
    val c = graph_add(g, compare, (val[]){a, b}, 2, NULL);
    val zero = val_scalar(g, 0);

    return graph_add(g, &op_Where, (val[]){c, dy, zero}, 3, NULL);
}

/* d(a^b)/da = b a^(b-1).  Computed from a and not as b y / a, which fails at a
 * = 0. */
static val pow_grad_a(struct graph *g, val a, val b, val dy)
{
    val less = val_sub(g, b, val_scalar(g, 1));
    val power = graph_add(g, &op_Pow, (val[]){a, less}, 2, NULL);

    return val_mul(g, dy, val_mul(g, b, power));
}

/* d(a^b)/db = y log a, and zero where a is not above zero. */
static val pow_grad_b(struct graph *g, val a, val y, val dy)
{
    val log_a = graph_add(g, &op_Log, &a, 1, NULL);

    return grad_where(g, &op_Greater, a, val_scalar(g, 0),
                      val_mul(g, dy, val_mul(g, y, log_a)));
}

/* What b is taken from a so many times: (a - y) / b. */
static val trunc_mod_grad_b(struct graph *g, val a, val b, val y, val dy)
{
    return val_neg(g, val_mul(g, dy, val_div(g, val_sub(g, a, y), b)));
}

/* Constants and inputs have no use for a gradient, and a sum over the batch for
 * one would stay: its accumulator is assigned.  The rest is summed to the
 * operand's shape, since a broadcast repeated it. */
static void finish(struct graph *g, const struct node *n, val *dx)
{
    for (int k = 0; k < n->nin; k++) {
        const struct leaf *leaf = graph_node(g, n->in[k])->leaf;

        if (leaf && leaf->kind != PLAN_PARAMETER)
            dx[k].id = 0;
        else
            dx[k] = val_sum_to(g, dx[k], type_of(g, n->in[k]));
    }
}

/*
 * f16 may round a limit, so that the result does not tell what was beyond it.
 * SAVED, NIN, NAME and TEXT below are what column USES of the table stands
 * for: the value that stays alive for the gradient, how many operands that
 * makes, and its name in df in C and in OpenCL.
 */
#define SAVED_L (type_of(g, y)->dtype == DT_F16 ? n->in[0] : y)
#define SAVED_X n->in[0]
#define SAVED_Y y
#define SAVED_N n->in[0]
#define NIN_L   2
#define NIN_X   2
#define NIN_Y   2
#define NIN_N   1
#define NAME_L  y
#define NAME_X  x
#define NAME_Y  y
#define NAME_N  unused

#define TEXT_L "y"
#define TEXT_X "x"
#define TEXT_Y "y"
#define TEXT_N NULL
/* The attributes of each table, by name. */
#define ATTR_none        (void)0
#define ATTR_leaky_attrs double a0 = attr[0].f
#define ATTR_elu_attrs   double a0 = attr[0].f
#define ATTR_selu_attrs  double a0 = attr[0].f, a1 = attr[1].f
#define ATTR_hard_attrs  double a0 = attr[0].f, a1 = attr[1].f
#define ATTR_clip_attrs  double a0 = attr[0].f, a1 = attr[1].f

/* One row: two functions in C from the texts f and df, the op of the gradient,
 * and the op. */
#define PW1(nm, t, attrs, saved, text, f, df)                               \
    static double nm##_eval(const double *v, const union attr *attr)        \
    {                                                                       \
        double x = v[0];                                                    \
        ATTR_##attrs;                                                       \
        (void)attr;                                                         \
        return f;                                                           \
    }                                                                       \
    static double nm##_deval(const double *v, const union attr *attr)       \
    {                                                                       \
        double dy = v[0], NAME_##saved = v[1];                              \
        ATTR_##attrs;                                                       \
        (void)attr, (void)NAME_##saved;                                     \
        return df;                                                          \
    }                                                                       \
    const struct op op_##nm##Grad = {                                       \
        .name = #nm "Grad",                                                 \
        .doc = #df,                                                         \
        .min_in = NIN_##saved,                                              \
        .nin = NIN_##saved,                                                 \
        .attr = attrs,                                                      \
        .infer = infer_##t,                                                 \
        .ref = ref,                                                         \
        .lower = lower,                                                     \
        .layout_follows = true,                                             \
        .inplace = {1},                                                     \
        .internal = true,                                                   \
        .formula = &(const struct formula){                                 \
            nm##_deval, #df, {"dy", TEXT_##saved}, NULL}};                  \
    static void nm##_grad(struct graph *g, val y, const val *dy, val *dx)   \
    {                                                                       \
        const struct node *n = graph_node(g, y);                            \
                                                                            \
        dx[0] = graph_add(g, &op_##nm##Grad, (val[]){dy[0], SAVED_##saved}, \
                          NIN_##saved, n->attr);                            \
    }                                                                       \
    const struct op op_##nm = {                                             \
        .name = #nm,                                                        \
        .doc = text,                                                        \
        .min_in = 1,                                                        \
        .nin = 1,                                                           \
        .attr = attrs,                                                      \
        .infer = infer_##t,                                                 \
        .grad = nm##_grad,                                                  \
        .ref = ref,                                                         \
        .lower = lower,                                                     \
        .layout_follows = true,                                             \
        .inplace = {1},                                                     \
        .formula = &(const struct formula){nm##_eval, #f, {"x"}, NULL}};

/* cl: the formula's text, made where f is not yet expanded; whole: that of
 * integers, where it is another. */
#define BINARY(nm, t, operands, text, f, cl, whole, gradient)        \
    static double nm##_eval(const double *v, const union attr *attr) \
    {                                                                \
        double a = v[0], b = v[1];                                   \
                                                                     \
        (void)attr, (void)b;                                         \
        return f;                                                    \
    }                                                                \
    const struct op op_##nm = {                                      \
        .name = #nm,                                                 \
        .doc = text,                                                 \
        .min_in = operands,                                          \
        .nin = operands,                                             \
        .infer = infer_##t,                                          \
        .grad = gradient,                                            \
        .ref = ref,                                                  \
        .lower = lower,                                              \
        .layout_follows = true,                                      \
        .inplace = {1},                                              \
        .formula = &(const struct formula){nm##_eval, cl, {"a", "b"}, whole}};

/* As PW1, with gradients made of nodes: each operand has its own shape to be
 * summed to, which no single formula could do. */
#define BINARY_GRAD(nm, da, db)                                           \
    static void nm##_grad(struct graph *g, val y, const val *up, val *dx) \
    {                                                                     \
        const struct node *n = graph_node(g, y);                          \
        val a = n->in[0], b = n->in[1], dy = up[0];                       \
                                                                          \
        (void)a, (void)b, (void)y;                                        \
        dx[0] = da;                                                       \
        dx[1] = db;                                                       \
        finish(g, n, dx);                                                 \
    }

#define PW2(nm, t, text, f, da, db) \
    BINARY_GRAD(nm, da, db)         \
    BINARY(nm, t, 2, text, f, #f, NULL, nm##_grad)
#define PW2I(nm, text, f, whole, da, db) \
    BINARY_GRAD(nm, da, db)              \
    BINARY(nm, A, 2, text, f, #f, #whole, nm##_grad)
#define PWC(nm, text, f)    BINARY(nm, compare, 2, text, f, #f, NULL, NULL)
#define PWL(nm, n, text, f) BINARY(nm, logic, n, text, f, #f, NULL, NULL)
#include "compiler/ops/pointwise.def"

/* condition bool, a and b of one type; all three broadcast. */
static bool where_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *c = type_of(g, n->in[0]), *a = type_of(g, n->in[1]);
    const struct type *b = type_of(g, n->in[2]);

    if (c->dtype != DT_BOOL)
        return reject(g, n, "condition is %s, not bool", dtype_name(c->dtype));
    if (a->dtype != b->dtype)
        return reject(g, n, "operands are %s and %s, not of one type",
                      dtype_name(a->dtype), dtype_name(b->dtype));
    if (!infer_shape(g, n, y))
        return false;
    y->dtype = a->dtype;
    return true;
}

/* dy goes to the side that was taken; the condition has no gradient. */
static void where_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    val zero = val_scalar(g, 0);

    dx[1] = graph_add(g, &op_Where, (val[]){n->in[0], dy[0], zero}, 3, NULL);
    dx[2] = graph_add(g, &op_Where, (val[]){n->in[0], zero, dy[0]}, 3, NULL);
    finish(g, n, dx);
}

static double where_eval(const double *v, const union attr *attr)
{
    (void)attr;
    return SEL(v[0] != 0, v[1], v[2]);
}

const struct op op_Where = {
    .name = "Where",
    .doc = "a where the condition holds, else b",
    .min_in = 3,
    .nin = 3,
    .infer = where_infer,
    .grad = where_grad,
    .ref = ref,
    .lower = lower,
    .layout_follows = true,
    .inplace = {2},
    .formula = &(const struct formula){where_eval,
                                       "SEL(c != 0.0f, a, b)",
                                       {"c", "a", "b"},
                                       NULL},
};
