/*
 * convert_layer.c: nodes that have weights.
 *
 * Where the weights are constants, as they are in every trained model, the
 * layer owns them, in this format's layout; else they are operands.
 *
 * Parameters keep the names that the file's initializers have, where those end
 * as PyTorch's do (name.c).
 */
#include <string.h>

#include "onnx/import.h"

/* Weights of one layer, in the order of its parameters. */
struct owned {
    const char *param;
    const struct constant *value;
};

/* After layer_end: only then the layer's parameters are there to be compared
 * with. */
static bool add_weights(struct import *im, const char *layer,
                        const struct owned *w)
{
    for (; w->param; w++)
        if (w->value && !weight_add(im, layer, w->param, w->value))
            return false;
    return true;
}

/* All attributes of the node, those that the layer lacks being harmless or
 * refused. */
static bool add_attrs(struct import *im, struct layer_text *l,
                      const struct onnx_node *n)
{
    for (int i = 0; i < n->nattr; i++)
        if (!convert_attr(im, l, op_find(l->op), &n->attr[i]))
            return false;
    return true;
}

/* The layer takes the node's first operand alone. */
static bool begin(struct import *im, struct layer_text *l, const char *op,
                  const struct constant *weight)
{
    const char *x = operand_ref(im, im->node->in[0]);

    if (!x)
        return false;
    layer_begin(im, l, op, name_of_layer(im, op, weight, ".weight"));
    layer_input(l, x);
    return true;
}

/* Are operands k and up all constants?  True where there are none. */
static bool constants_from(const struct onnx_node *n, int k)
{
    for (; k < n->nin; k++)
        if (!n->in[k] || !n->in[k]->constant)
            return false;
    return true;
}

/* ---- convolutions ---- */

/* Weights are data: the layer owns nothing. */
static bool conv_of_operands(struct import *im, const struct onnx_node *n)
{
    struct layer_text l;

    layer_begin(im, &l, n->op, NULL);
    if (!convert_operands(im, &l, n))
        return false;
    if (n->nin < 3)
        layer_attr(&l, "bias", "false");
    return add_attrs(im, &l, n) && convert_finish(im, &l);
}

/* W is [K, C / group, ...], of ConvTranspose [C, K / group, ...], the same
 * here. */
bool convert_conv(struct import *im, const struct onnx_node *n)
{
    const struct constant *w = node_constant(n, 1), *b = node_constant(n, 2);
    const struct owned owned[] = {{"weight", w}, {"bias", b}, {NULL, NULL}};
    struct layer_text l;
    int64_t filters;

    if (n->nin < 2 || !constants_from(n, 1) || w->type.rank < 3)
        return conv_of_operands(im, n);
    if (!begin(im, &l, n->op, w))
        return false;
    filters = w->type.dim[0];
    if (strcmp(n->op, "ConvTranspose") == 0)
        filters = w->type.dim[1] * node_int(n, "group", 1);
    layer_attr(&l, "filters", "%lld", (long long)filters);
    if (!node_attr(n, "kernel_shape"))
        layer_ints(&l, "kernel_shape", w->type.dim + 2, w->type.rank - 2);
    if (!b)
        layer_attr(&l, "bias", "false");
    return add_attrs(im, &l, n) && convert_finish(im, &l) &&
           add_weights(im, l.name, owned);
}

/* ---- products ---- */

/* alpha and beta of Gemm are multiplied into the weights once, not into each
 * result. */
static const struct constant *scaled(struct import *im,
                                     const struct constant *c, double factor)
{
    struct constant *y;

    if (factor == 1)
        return c;
    y = constant_new(im->arena, c->type.dtype, c->type.rank, c->type.dim);
    y->name = c->name;
    for (int64_t i = 0; i < type_count(&c->type); i++)
        constant_set(y, i, factor * constant_at(c, i));
    return y;
}

/* One number for each unit; null where the constant is not that.  Of ONNX's C,
 * which broadcasts to [rows, units], the forms [units], [1, units] and one
 * number. */
static const struct constant *bias_of(struct import *im,
                                      const struct constant *c, int64_t units)
{
    int64_t n = type_count(&c->type);
    struct constant *y;

    if (n == units && c->type.rank && c->type.dim[c->type.rank - 1] == units)
        return constant_view(im->arena, c, 1, &units);
    if (n != 1)
        return NULL;
    y = fold_made(im, c->type.dtype, 1, &units);
    for (int64_t i = 0; y && i < units; i++)
        constant_set(y, i, constant_at(c, 0));
    return y;
}

/* Linear with its weights; w is [units, in]. */
static bool linear(struct import *im, const struct constant *w,
                   const struct constant *b)
{
    const struct owned owned[] = {{"weight", w}, {"bias", b}, {NULL, NULL}};
    struct layer_text l;

    if (!begin(im, &l, "Linear", w))
        return false;
    layer_attr(&l, "units", "%lld", (long long)w->type.dim[0]);
    if (!b)
        layer_attr(&l, "bias", "false");
    return convert_finish(im, &l) && add_weights(im, l.name, owned);
}

/* The operand's name, behind a Transpose where the node wants one. */
static const char *transposed(struct import *im, struct onnx_value *v, bool is)
{
    const char *x = operand_ref(im, v);

    return x && is ? layer_step(im, "Transpose", x, NULL) : x;
}

/* x times a number, or x. */
static const char *times(struct import *im, const char *x, double factor)
{
    if (factor == 1)
        return x;
    return layer_step(im, "Mul", x, layer_number(im, factor));
}

/* alpha A B + beta C in layers of their own. */
static bool gemm_parts(struct import *im, const struct onnx_node *n)
{
    const char *a = transposed(im, n->in[0], node_int(n, "transA", 0));
    const char *b = transposed(im, n->in[1], node_int(n, "transB", 0));
    const char *ab = times(im, layer_step(im, "MatMul", a, b),
                           node_float(n, "alpha", 1));

    if (n->nin < 3 || !n->in[2])
        return convert_last(im, "Identity", ab, NULL);
    return convert_last(
        im, "Add", ab,
        times(im, operand_ref(im, n->in[2]), node_float(n, "beta", 1)));
}

/* A Linear where B is a constant matrix and C nothing or a bias; B [in, units]
 * is turned to Linear's [units, in] unless transB says that it is. */
bool convert_gemm(struct import *im, const struct onnx_node *n)
{
    static const int64_t swap[] = {1, 0};
    const struct constant *b = node_constant(n, 1), *c = node_constant(n, 2);

    if (n->nin < 2)
        return import_reject(im, "it has one operand");
    if (!constants_from(n, 1) || b->type.rank != 2 || node_int(n, "transA", 0))
        return gemm_parts(im, n);
    if (!node_int(n, "transB", 0))
        b = constant_transpose(im->arena, b, swap);
    if (c && !(c = bias_of(im, c, b->type.dim[0])))
        return gemm_parts(im, n);
    return linear(im, scaled(im, b, node_float(n, "alpha", 1)),
                  c ? scaled(im, c, node_float(n, "beta", 1)) : NULL);
}

/* By a constant matrix it is a Linear without bias; anything else stays a
 * MatMul. */
bool convert_matmul(struct import *im, const struct onnx_node *n)
{
    static const int64_t swap[] = {1, 0};
    const struct constant *b = node_constant(n, 1);

    if (!b || b->type.rank != 2 || n->in[0]->constant ||
        n->in[0]->type.rank < 2 || b->type.dtype != DT_F32)
        return convert_plain(im, n);
    return linear(im, constant_transpose(im->arena, b, swap), NULL);
}

/* ---- norms, slopes ---- */

bool convert_batch_norm(struct import *im, const struct onnx_node *n)
{
    const struct owned owned[] = {{"weight", node_constant(n, 1)},
                                  {"bias", node_constant(n, 2)},
                                  {"running_mean", node_constant(n, 3)},
                                  {"running_var", node_constant(n, 4)},
                                  {NULL, NULL}};
    struct onnx_node *alone = ARENA_NEW(im->arena, struct onnx_node, 1);
    struct layer_text l;

    /* More results are for training, where old opsets list them too. */
    *alone = *n;
    alone->nout = 1;
    im->node = alone;
    if (n->nin != 5 || !constants_from(n, 1))
        return convert_plain(im, alone);
    return begin(im, &l, n->op, owned[0].value) && add_attrs(im, &l, n) &&
           convert_finish(im, &l) && add_weights(im, l.name, owned);
}

/* LayerNormalization and InstanceNormalization, with scale and B. */
bool convert_norm(struct import *im, const struct onnx_node *n)
{
    const struct owned owned[] = {{"weight", node_constant(n, 1)},
                                  {"bias", node_constant(n, 2)},
                                  {NULL, NULL}};
    struct layer_text l;

    if (n->nin != 3 || !constants_from(n, 1))
        return convert_plain(im, n);
    return begin(im, &l, n->op, owned[0].value) && add_attrs(im, &l, n) &&
           convert_finish(im, &l) && add_weights(im, l.name, owned);
}

/* Slopes of any shape: Relu(x) - slope Relu(-x). */
static bool prelu_parts(struct import *im, const struct onnx_node *n)
{
    const char *x = operand_ref(im, n->in[0]);
    const char *slope = n->nin > 1 ? operand_ref(im, n->in[1]) : NULL;
    const char *up = layer_step(im, "Relu", x, NULL);
    const char *down = layer_step(im, "Neg", x, NULL);

    down = layer_step(im, "Relu", down, NULL);
    return convert_last(im, "Sub", up, layer_step(im, "Mul", down, slope));
}

/* One slope, or [C, 1, ...] of [N, C, ...]; before opset 7 also [C]. */
static bool slopes_by_channel(const struct import *im,
                              const struct onnx_node *n,
                              const struct constant *w)
{
    const struct type *x = &n->in[0]->type;
    int64_t count = type_count(&w->type);

    if (count == 1)
        return true;
    if (x->rank < 2 || w->type.dim[0] != count || count != x->dim[1])
        return false;
    return w->type.rank == x->rank - 1 || (im->opset < 7 && w->type.rank == 1);
}

/* One slope or one per channel is the layer's; other shapes are a chain. */
bool convert_prelu(struct import *im, const struct onnx_node *n)
{
    const struct constant *w = node_constant(n, 1);
    int64_t count = w ? type_count(&w->type) : 0;
    struct owned owned[] = {{"weight", NULL}, {NULL, NULL}};
    struct layer_text l;

    if (!w || !slopes_by_channel(im, n, w))
        return prelu_parts(im, n);
    owned[0].value = constant_view(im->arena, w, 1, &count);
    if (!begin(im, &l, "PRelu", w))
        return false;
    if (count != 1)
        layer_attr(&l, "num_parameters", "%lld", (long long)count);
    return convert_finish(im, &l) && add_weights(im, l.name, owned);
}
