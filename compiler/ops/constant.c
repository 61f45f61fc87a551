/*
 * constant.c: values that no layer computes: numbers of the model, a table of
 * positions, and a parameter by itself.
 */
#include <math.h>
#include <string.h>

#include "compiler/op.h"

/* ---- Constant ---- */

static const struct attr_spec constant_attrs[] = {
    {"value", ATTR_TENSOR, {0}, "a number, or lists of numbers", true, false},
    {0},
};

/* The attribute's tensor is in the compile's arena and is lent to the graph. */
static bool constant_build(struct graph *g, const val *in, int nin,
                           const union attr *attr, val *y)
{
    const struct tensor *t = attr[0].tensor;

    (void)in, (void)nin;
    y[0] = graph_constant(g, &t->type, t->data);
    return y[0].id != 0;
}

const struct op op_Constant = {
    .name = "Constant",
    .doc = "numbers that stand in the model, as f32",
    .attr = constant_attrs,
    .build = constant_build,
};

/* ---- SinusoidalPosition ---- */

enum { LENGTH, SIZE, BASE };

static const struct attr_spec position_attrs[] = {
    [LENGTH] = {"length", ATTR_INT, {0}, "positions", true, false},
    [SIZE] = {"size", ATTR_INT, {0}, "numbers of each position", true, false},
    [BASE] = {"base",
              ATTR_FLOAT,
              {.f = 10000},
              "wavelengths go from 2 pi to base 2 pi",
              false,
              false},
    {0},
};

/* table[p, 2i] = sin(p / base^(2i / size)), table[p, 2i + 1] = cos(the same);
 * made in double and rounded to f32 once. */
static bool position_build(struct graph *g, const val *in, int nin,
                           const union attr *attr, val *y)
{
    int64_t length = attr[LENGTH].i, size = attr[SIZE].i;
    struct type t = {.dtype = DT_F32, .rank = 2, .dim = {length, size}};
    double *table;

    (void)in, (void)nin;
    if (length < 1 || size < 1 || length > INT32_MAX / size)
        return reject_here(g,
                           "length is %lld and size %lld, wanted at least 1 "
                           "and less than 2^31 numbers",
                           (long long)length, (long long)size);
    if (!(attr[BASE].f > 0))
        return reject_here(g, "base is %g, wanted more than 0", attr[BASE].f);
    table = ARENA_NEW(g->arena, double, (size_t)(length * size));
    for (int64_t i = 0; i < length * size; i++) {
        int64_t position = i / size, k = i % size; /* row and column */
        /* One frequency for each pair of columns. */
        double power = -(double)(k - k % 2) / (double)size;
        double turn = (double)position * pow(attr[BASE].f, power);

        table[i] = k % 2 ? cos(turn) : sin(turn);
    }
    y[0] = graph_constant(g, &t, table);
    return y[0].id != 0;
}

/* Vaswani et al., "Attention Is All You Need" (2017), 3.5. */
const struct op op_SinusoidalPosition = {
    .name = "SinusoidalPosition",
    .doc = "the table [length, size] of sines (even columns) and cosines (odd "
           "ones) that tells positions apart",
    .attr = position_attrs,
    .build = position_build,
};

/* ---- Parameter ---- */

static const struct attr_spec parameter_attrs[] = {
    {"shape", ATTR_INTS, {0}, "of the parameter", true, false},
    {0},
};

/* f32 of the attribute's shape, [] for none; false after reject(). */
static bool parameter_type(struct graph *g, const struct ints *shape,
                           struct type *t)
{
    *t = (struct type){.dtype = DT_F32, .rank = shape->n};
    if (shape->n > MAX_RANK)
        return reject_here(g, "shape has %d dimensions, at most %d", shape->n,
                           MAX_RANK);
    for (int d = 0; d < shape->n; d++) {
        t->dim[d] = shape->v[d];
        if (t->dim[d] < 1)
            return reject_here(g, "shape has %lld, wanted 1 or more",
                               (long long)t->dim[d]);
    }
    return true;
}

/* Fans as of a dense layer's weight: the last dimension is what goes in. */
static int parameter_params(struct graph *g, const struct node *n,
                            struct param_decl *p)
{
    struct type t;
    double in = 1, out = 1;

    if (!parameter_type(g, &n->attr[0].ints, &t))
        return -1;
    if (t.rank > 0)
        in = (double)t.dim[t.rank - 1];
    if (t.rank > 1)
        out = (double)t.dim[t.rank - 2];
    p[0] = (struct param_decl){"weight", t, "Zeros", in, out, PLAN_PARAMETER};
    return 1;
}

/* The result is the parameter's leaf itself: no node, no copy. */
static bool parameter_build(struct graph *g, const val *in, int nin,
                            const union attr *attr, val *y)
{
    struct type wanted;

    if (!parameter_type(g, &attr[0].ints, &wanted))
        return false;
    if (nin != 1 || !type_equal(type_of(g, in[0]), &wanted))
        return reject_here(g, "the parameter is %s %s, wanted f32 %s",
                           dtype_name(type_of(g, in[0])->dtype),
                           type_text(g->arena, type_of(g, in[0])),
                           type_text(g->arena, &wanted));
    y[0] = in[0];
    return true;
}

const struct op op_Parameter = {
    .name = "Parameter",
    .doc = "a trained tensor by itself, called as its layer is",
    .min_in = 0,
    .nin = 1,
    .attr = parameter_attrs,
    .types = "f32",
    .params = parameter_params,
    .bare = true,
    .build = parameter_build,
};
