/*
 * fill.c: constants: a tensor of one value, and a scalar inside a fused chain.
 *
 * A Fill is a tensor in memory; a Scalar has no step of its own where its chain
 * is fused.
 */
#include <inttypes.h>

#include "compiler/fused.h"
#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/pointwise.h"

/* ---- Fill ---- */

/* As val_fill has them. */
enum { VALUE, SHAPE, DTYPE, BATCH };

static const struct attr_spec fill_attrs[] = {
    [VALUE] = {"value", ATTR_FLOAT, {0}, "of every element", true, false},
    [SHAPE] = {"shape", ATTR_INTS, {0}, "of the result", true, false},
    [DTYPE] = {"dtype", ATTR_INT, {0}, "of the result", true, false},
    [BATCH] = {"batch", ATTR_INT, {0}, "1 + axis of samples", true, false},
    {0},
};

/* The builder has made the shape, so only its rank is checked again here. */
static bool fill_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct ints *shape = &n->attr[SHAPE].ints;

    if (shape->n > MAX_RANK)
        return reject(g, n, "shape has %d dimensions, at most %d", shape->n,
                      MAX_RANK);
    *y = (struct type){.dtype = (enum dtype)n->attr[DTYPE].i,
                       .rank = shape->n,
                       .batch = (int)n->attr[BATCH].i};
    for (int i = 0; i < shape->n; i++)
        y->dim[i] = shape->v[i];
    return true;
}

/* Floats cannot hold every integer, so these are computed as such. */
static void fill_integers(struct lower *lo, const struct node *n)
{
    struct pointwise_problem p = {.rank = 1,
                                  .dim = {type_count(&n->type)},
                                  .out = n->type.dtype,
                                  .integer = true};

    p.body = arena_format(lo->arena, "      r = %" PRId64 "L;\n",
                          (int64_t)n->attr[VALUE].f);
    p.text = ARENA_NEW(lo->arena, char, POINTWISE_TEXT);
    lower_call(lo, kernels_pointwise, &p, n);
}

/* A chain of one Scalar, stored to every element; the store rounds to f16, u8,
 * i8 or bool. */
static void fill_lower(struct lower *lo, const struct node *n)
{
    struct fused chain = {.n = 1};

    if (n->type.dtype == DT_I32 || n->type.dtype == DT_I64) {
        fill_integers(lo, n);
        return;
    }
    chain.step[0] = (struct fused_step){
        .op = &op_Scalar, .attr = &n->attr[VALUE], .dtype = DT_F32};
    fused_lower(lo, n, &chain);
}

static void fill_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    (void)env, (void)in;
    for (int64_t i = 0; i < type_count(&out->type); i++)
        out->data[i] = n->attr[VALUE].f;
}

const struct op op_Fill = {
    .name = "Fill",
    .doc = "a tensor of one value",
    .attr = fill_attrs,
    .infer = fill_infer,
    .lower = fill_lower,
    .ref = fill_ref,
    .internal = true,
};

/* ---- Scalar ---- */

static const struct attr_spec scalar_attrs[] = {
    {"value", ATTR_FLOAT, {0}, "of the scalar", true, false},
    {0},
};

/* f32 [], which broadcasts against everything. */
static bool scalar_infer(struct graph *g, const struct node *n, struct type *y)
{
    (void)g, (void)n;
    *y = (struct type){.dtype = DT_F32};
    return true;
}

static double scalar_eval(const double *operand, const union attr *attr)
{
    (void)operand;
    return attr[0].f;
}

static void scalar_ref(const struct node *n, const struct ref_env *env,
                       const struct tensor *in, struct tensor *out)
{
    (void)env, (void)in;
    out->data[0] = n->attr[0].f;
}

/* Only for a Scalar that something other than a chain reads, or that is
 * kept. */
static void scalar_lower(struct lower *lo, const struct node *n)
{
    struct fused chain;

    fused_single(n, &chain);
    fused_lower(lo, n, &chain);
}

const struct op op_Scalar = {
    .name = "Scalar",
    .doc = "a number in a chain",
    .attr = scalar_attrs,
    .infer = scalar_infer,
    .lower = scalar_lower,
    .ref = scalar_ref,
    .formula = &(const struct formula){scalar_eval, "a0", {0}, NULL},
    .internal = true,
};
