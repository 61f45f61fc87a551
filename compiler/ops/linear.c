/*
 * linear.c: y = x W^T + b over the last dimension of x; W [units, in], b
 * [units], as in PyTorch.
 *
 * It becomes one Product with W turned, over x as a matrix [rows, in].
 */
#include "compiler/op.h"

enum { UNITS, BIAS };

static const struct attr_spec attrs[] = {
    [UNITS] = {"units",
               ATTR_INT,
               {.i = 0},
               "size of the result's last "
               "dimension, for layers that own W",
               false,
               false},
    [BIAS] =
        {"bias", ATTR_BOOL, {.i = 1}, "whether a layer owns b", false, false},
    {0},
};

/* First values as nn.Linear's: weight and bias uniform within 1 / sqrt(in).  A
 * given W [units, in] decides the units. */
static int params(struct graph *g, const struct node *n, struct param_decl *p)
{
    const struct type *x = type_of(g, n->in[0]);
    int64_t units = n->nin > 1 ? type_of(g, n->in[1])->dim[0]
                               : n->attr[UNITS].i;
    double in;

    if (x->rank < 2)
        return reject(g, n, "input is %s, wanted [N, ..., in]",
                      type_text(g->arena, x)) -
               1;
    if (units < 1)
        return reject(g, n, "units is %lld, wanted at least 1",
                      (long long)units) -
               1;
    in = (double)x->dim[x->rank - 1];
    p[0] = (struct param_decl){
        "weight",
        {.dtype = DT_F32, .rank = 2, .dim = {units, x->dim[x->rank - 1]}},
        "FanInUniform",
        in,
        (double)units,
        PLAN_PARAMETER};
    p[1] = (struct param_decl){
        "bias",         {.dtype = DT_F32, .rank = 1, .dim = {units}},
        "FanInUniform", in,
        (double)units,  PLAN_PARAMETER};
    return n->attr[BIAS].i ? 2 : 1;
}

/* x [N, ..., in] is flattened to [rows, in], where samples stay outermost if
 * they were, and the result is shaped back.  Samples may not be the last
 * dimension, which is summed over. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *out)
{
    struct type x = *type_of(g, in[0]), w = *type_of(g, in[1]), y = x;
    union attr trans[2] = {{.i = 0}, {.i = 1}}; /* of x and W */
    val operand[3] = {in[0], in[1], nin > 2 ? in[2] : (val){0}};
    int64_t flat[2];

    (void)attr;
    if (nin < 2 || x.rank < 2 || w.rank != 2 || x.dim[x.rank - 1] != w.dim[1] ||
        x.batch == x.rank)
        return reject_here(g,
                           "input is %s, W is %s: wanted [..., in] and "
                           "[units, in]",
                           type_text(g->arena, &x), type_text(g->arena, &w));
    if (nin > 2 && type_count(type_of(g, in[2])) != w.dim[0])
        return reject_here(g, "b is %s, wanted [%lld]",
                           type_text(g->arena, type_of(g, in[2])),
                           (long long)w.dim[0]);
    flat[0] = type_count(&x) / w.dim[1];
    flat[1] = w.dim[1];
    if (x.rank > 2)
        operand[0] = val_reshape(g, in[0], flat, 2, x.batch == 1);
    out[0] = graph_add(g, &op_Product, operand, 3, trans);
    y.dim[y.rank - 1] = w.dim[0];
    if (x.rank > 2 && out[0].id)
        out[0] = val_reshape(g, out[0], y.dim, y.rank, y.batch);
    return out[0].id != 0;
}

static const char *const names[] = {"x", "W", "b", NULL};

const struct op op_Linear = {
    .name = "Linear",
    .doc = "x W^T + b over the last dimension",
    .min_in = 1,
    .nin = 3,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16",
    .params = params,
    .build = build,
};
