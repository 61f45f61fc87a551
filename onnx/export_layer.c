/*
 * export_layer.c: layers that ONNX has under another name, or as a chain of
 * nodes.
 */
#include <math.h>
#include <string.h>

#include "onnx/export.h"
#include "onnx/onnx.pb-c.h"

static const struct type *operand_type(const struct export *ex, int k)
{
    return type_of(&ex->graph, ex->in[k]);
}

static const char *operand(struct export *ex, int k)
{
    return k < ex->nin && ex->in[k].id ? put_value(ex, ex->in[k]) : NULL;
}

static const char *number(struct export *ex, const char *name, double v)
{
    return put_number(ex, name, operand_type(ex, 0)->dtype, v);
}

/* The parameter of operand k, or null after a message; its numbers are only
 * there once its file has been looked at. */
static const struct constant *parameter(struct export *ex, int k)
{
    const struct leaf *leaf = graph_node(&ex->graph, ex->in[k])->leaf;

    if (leaf && leaf->kind == PLAN_PARAMETER)
        return param_data(ex, ex->in[k]);
    export_reject(ex, "its operand %d is computed, no parameter", k);
    return NULL;
}

static const char *leaf_name(struct export *ex, int k)
{
    return graph_node(&ex->graph, ex->in[k])->leaf->name;
}

/* ---- products ---- */

/* x W^T; W as [in, units] where it is a parameter. */
static const char *product(struct export *ex)
{
    static const int64_t swap[] = {1, 0};
    const struct leaf *leaf = graph_node(&ex->graph, ex->in[1])->leaf;
    const struct constant *w;
    const char *b;

    if (!leaf || leaf->kind != PLAN_PARAMETER) {
        b = put_transpose(ex, operand(ex, 1), swap, 2);
    } else {
        w = parameter(ex, 1);
        if (!w)
            return NULL;
        b = put_tensor(ex, leaf->name, constant_transpose(ex->arena, w, swap));
    }
    return b ? put_step(ex, "MatMul", operand(ex, 0), b) : NULL;
}

bool export_linear(struct export *ex)
{
    const char *bias = operand(ex, 2), *y;
    struct Onnx__NodeProto *n;

    if (operand_type(ex, 0)->rank > 2) {
        y = product(ex);
        return put_result(ex, y && bias ? put_step(ex, "Add", y, bias) : y);
    }
    n = put_node(ex, "Gemm");
    node_input(ex, n, operand(ex, 0));
    node_input(ex, n, operand(ex, 1));
    if (bias)
        node_input(ex, n, bias);
    node_set_int(ex, n, "transB", 1);
    return !ex->diag.failed && put_results(ex, n);
}

/* Rows of a table. */
bool export_embedding(struct export *ex)
{
    const char *index = operand(ex, 0), *table = operand(ex, 1);
    struct Onnx__NodeProto *n;

    if (!index || !table)
        return false;
    if (operand_type(ex, 0)->dtype == DT_U8) {
        index = put_step(ex, "Cast", index, NULL);
        node_set_int(ex, ex->nodes.v[ex->nodes.n - 1], "to",
                     constant_onnx(DT_I32));
    }
    n = put_node(ex, "Gather");
    node_input(ex, n, table);
    node_input(ex, n, index);
    return put_results(ex, n);
}

/* ---- pointwise ---- */

/* A slope for each channel is [C, 1, ...], as the operand's dimensions from the
 * second on. */
bool export_prelu(struct export *ex)
{
    int64_t dim[MAX_RANK] = {operand_type(ex, 1)->dim[0]};
    int rank = operand_type(ex, 0)->rank - 1;
    const struct constant *w = parameter(ex, 1);
    struct Onnx__NodeProto *n;

    for (int i = 1; i < rank; i++)
        dim[i] = 1;
    if (!w)
        return false;
    if (dim[0] != 1)
        w = constant_view(ex->arena, w, rank, dim);
    n = put_node(ex, "PRelu");
    node_input(ex, n, operand(ex, 0));
    node_input(ex, n, put_tensor(ex, leaf_name(ex, 1), w));
    return put_results(ex, n);
}

/* x (1 + erf(x / sqrt 2)) / 2, or x / (1 + e^-2u) as 1/2 (1 + tanh u), where
 * u = sqrt(2 / pi) (x + 0.044715 x^3). */
bool export_gelu(struct export *ex)
{
    const union attr *kind = layer_attribute(ex, "approximate");
    bool by_tanh = kind ? strcmp(kind->s, "tanh") == 0
                        : ex->layer->op == &op_GeluTanh;
    const char *x = operand(ex, 0), *u;

    if (by_tanh) {
        u = put_step(ex, "Mul", put_step(ex, "Mul", x, x), x);
        u = put_step(ex, "Mul", u, number(ex, "cubic", 0.044715));
        u = put_step(ex, "Add", x, u);
        u = put_step(ex, "Mul", u, number(ex, "scale", 0.7978845608028654));
        u = put_step(ex, "Tanh", u, NULL);
    } else {
        u = put_step(ex, "Mul", x, number(ex, "scale", 0.7071067811865476));
        u = put_step(ex, "Erf", u, NULL);
    }
    u = put_step(ex, "Add", u, number(ex, "one", 1));
    u = put_step(ex, "Mul", u, number(ex, "half", 0.5));
    return put_result(ex, put_step(ex, "Mul", x, u));
}

bool export_silu(struct export *ex)
{
    const char *x = operand(ex, 0);

    return put_result(ex,
                      put_step(ex, "Mul", x, put_step(ex, "Sigmoid", x, NULL)));
}

bool export_mish(struct export *ex)
{
    const char *x = operand(ex, 0);
    const char *u = put_step(ex, "Softplus", x, NULL);

    return put_result(ex,
                      put_step(ex, "Mul", x, put_step(ex, "Tanh", u, NULL)));
}

/* ---- norms ---- */

static const char *filled(struct export *ex, const char *name, int64_t n,
                          double v)
{
    const int64_t dim[1] = {n};
    struct constant *c = constant_new(ex->arena, DT_F32, 1, dim);

    for (int64_t i = 0; i < n; i++)
        constant_set(c, i, v);
    return put_tensor(
        ex, arena_format(ex->arena, "%s.%s", ex->layer->path, name), c);
}

/* A parameter of channels as [C, 1, ...]. */
static const char *by_channel(struct export *ex, int k)
{
    int rank = operand_type(ex, 0)->rank - 1;
    int64_t dim[MAX_RANK] = {operand_type(ex, k)->dim[0]};
    const struct constant *c = parameter(ex, k);

    for (int i = 1; i < rank; i++)
        dim[i] = 1;
    return c ? put_tensor(ex, leaf_name(ex, k),
                          constant_view(ex->arena, c, rank, dim))
             : NULL;
}

/* A group is a channel of another shape, which InstanceNormalization knows. */
bool export_group_norm(struct export *ex)
{
    int64_t groups = layer_attribute(ex, "num_groups")->i, back[MAX_RANK];
    const int64_t split[3] = {0, groups, -1};
    const struct type *x = operand_type(ex, 0);
    const char *y = put_reshape(ex, operand(ex, 0), split, 3);
    struct Onnx__NodeProto *n;
    const char *scale, *shift;

    for (int d = 0; d < x->rank; d++)
        back[d] = d ? x->dim[d] : 0;
    y = put_step(ex, "InstanceNormalization", y, filled(ex, "ones", groups, 1));
    if (!y)
        return false;
    n = ex->nodes.v[ex->nodes.n - 1];
    node_input(ex, n, filled(ex, "zeros", groups, 0));
    node_set_float(ex, n, "epsilon", layer_attribute(ex, "epsilon")->f);
    y = put_reshape(ex, y, back, x->rank);
    scale = by_channel(ex, 1);
    shift = by_channel(ex, 2);
    if (!scale || !shift)
        return false;
    return put_result(
        ex, put_step(ex, "Add", put_step(ex, "Mul", y, scale), shift));
}

/* ---- attention ---- */

/* [N, T, heads * size] to [N, heads, T, size], or with the last two the other
 * way. */
static const char *heads(struct export *ex, int k, int64_t count, bool turned)
{
    static const int64_t plain[] = {0, 2, 1, 3}, turn[] = {0, 2, 3, 1},
                         last[] = {0, 1, 3, 2};
    const struct type *t = operand_type(ex, k);
    const int64_t split[] = {0, 0, count, t->dim[t->rank - 1] / count};
    const char *x = operand(ex, k);

    if (t->rank == 4)
        return turned ? put_transpose(ex, x, last, 4) : x;
    return put_transpose(ex, put_reshape(ex, x, split, 4),
                         turned ? turn : plain, 4);
}

/* What is added so that position i sees the positions 0..i only. */
static const char *causal_mask(struct export *ex)
{
    const struct type *q = operand_type(ex, 0), *k = operand_type(ex, 1);
    const int64_t dim[2] = {q->dim[q->rank - 2], k->dim[k->rank - 2]};
    struct constant *c = constant_new(ex->arena, DT_F32, 2, dim);

    for (int64_t i = 0; i < dim[0] * dim[1]; i++)
        constant_set(c, i, i % dim[1] > i / dim[1] ? -3.40282347e38 : 0);
    return put_tensor(ex, arena_format(ex->arena, "%s.causal", ex->layer->path),
                      c);
}

/* A mask of bool says what takes part; one of floats is added. */
static const char *masked(struct export *ex, const char *score)
{
    const char *mask = operand(ex, 3), *y;
    struct Onnx__NodeProto *n;

    if (mask && operand_type(ex, 3)->dtype != DT_BOOL)
        score = put_step(ex, "Add", score, mask);
    else if (mask) {
        const char *least = number(ex, "least", -3.40282347e38);

        n = put_node(ex, "Where");
        node_input(ex, n, mask);
        node_input(ex, n, score);
        node_input(ex, n, least);
        y = new_name(ex, arena_format(ex->arena, "%s.where", ex->layer->path));
        node_output(ex, n, y);
        score = y;
    }
    if (layer_attribute(ex, "causal")->i)
        score = put_step(ex, "Add", score, causal_mask(ex));
    return score;
}

/* softmax(q k^T scale + mask) v */
bool export_attention(struct export *ex)
{
    static const int64_t perm[] = {0, 2, 1, 3}, join[] = {0, 0, -1};
    const struct type *q = operand_type(ex, 0);
    int64_t count = layer_attribute(ex, "heads")->i;
    double scale = layer_attribute(ex, "scale")->f;
    int64_t size = q->dim[q->rank - 1] / (q->rank == 3 ? count : 1);
    const char *y;

    if (scale == 0)
        scale = 1 / sqrt((double)size);
    y = put_step(ex, "Mul", heads(ex, 0, count, false),
                 number(ex, "scale", scale));
    y = put_step(ex, "MatMul", y, heads(ex, 1, count, true));
    y = masked(ex, y);
    y = put_step(ex, "Softmax", y, NULL);
    y = put_step(ex, "MatMul", y, heads(ex, 2, count, false));
    if (q->rank == 3)
        y = put_reshape(ex, put_transpose(ex, y, perm, 4), join, 3);
    return put_result(ex, y);
}
