/*
 * convert_chain.c: nodes that no layer computes by itself, as chains of layers.
 *
 * A refusal on the way is a null reference, which each step passes on.
 */
#include <string.h>

#include "onnx/import.h"

/* The first operand's name in the model; null after a refusal. */
static const char *data(struct import *im, const struct onnx_node *n)
{
    return operand_ref(im, n->in[0]);
}

static const char *cast_to(struct import *im, const char *x, enum dtype dtype)
{
    struct onnx_value v;
    struct layer_text l;

    layer_begin(im, &l, "Cast", name_new(im, NULL, "Cast"));
    layer_input(&l, x);
    layer_attr(&l, "to", "\"%s\"", dtype_name(dtype));
    return layer_end(im, &l, &v, 1) ? v.ref : NULL;
}

bool convert_reciprocal(struct import *im, const struct onnx_node *n)
{
    const char *x = data(im, n);

    return convert_last(im, "Div", layer_number(im, 1), x);
}

/* max(0, x) + min(0, alpha (e^(x / alpha) - 1)) is alpha Elu(x / alpha). */
bool convert_celu(struct import *im, const struct onnx_node *n)
{
    const char *x = data(im, n);
    const char *alpha = layer_number(im, node_float(n, "alpha", 1));
    const char *part = layer_step(im, "Div", x, alpha);

    return convert_last(im, "Mul", layer_step(im, "Elu", part, NULL), alpha);
}

/* x where it is above alpha, else 0. */
bool convert_thresholded_relu(struct import *im, const struct onnx_node *n)
{
    const char *x = data(im, n);
    const char *alpha = layer_number(im, node_float(n, "alpha", 1));
    const char *above = layer_step(im, "Greater", x, alpha);
    const char *zero = layer_number(im, 0);
    struct layer_text l;

    if (!above || !zero)
        return false;
    layer_begin(im, &l, "Where", NULL);
    layer_input(&l, above);
    layer_input(&l, x);
    layer_input(&l, zero);
    return convert_finish(im, &l);
}

/* ReduceLogSum is log(sum(x)): the sum has the axes, the logarithm the node's
 * name. */
bool convert_log_sum(struct import *im, const struct onnx_node *n)
{
    const char *x = data(im, n);
    struct onnx_value sum;
    struct layer_text l;

    if (!x)
        return false;
    layer_begin(im, &l, "ReduceSum", NULL);
    layer_input(&l, x);
    for (int i = 0; i < n->nattr; i++)
        if (!convert_attr(im, &l, &op_ReduceSum, &n->attr[i]))
            return false;
    return layer_end(im, &l, &sum, 1) && convert_last(im, "Log", sum.ref, NULL);
}

/* [N, C, b H, b W] to [N, b b C, H, W].  A reshape to [N, C, H, b, W, b], a
 * transpose to [N, b, b, C, H, W] and a reshape. */
bool convert_space_to_depth(struct import *im, const struct onnx_node *n)
{
    static const int64_t perm[] = {0, 3, 5, 1, 2, 4};
    const char *ref = data(im, n);
    const struct type *x = &n->in[0]->type;
    int64_t b = node_int(n, "blocksize", 0);
    struct onnx_value v;
    struct layer_text l;

    if (!ref)
        return false;
    if (x->rank != 4 || b < 1 || x->dim[2] % b || x->dim[3] % b)
        return import_reject(im, "blocksize %lld of %s", (long long)b,
                             type_text(im->arena, x));
    layer_begin(im, &l, "Reshape", NULL);
    layer_input(&l, ref);
    layer_ints(
        &l, "shape",
        (const int64_t[]){0, x->dim[1], x->dim[2] / b, b, x->dim[3] / b, b}, 6);
    if (!layer_end(im, &l, &v, 1))
        return false;
    layer_begin(im, &l, "Transpose", NULL);
    layer_input(&l, v.ref);
    layer_ints(&l, "perm", perm, 6);
    if (!layer_end(im, &l, &v, 1))
        return false;
    layer_begin(im, &l, "Reshape", NULL);
    layer_input(&l, v.ref);
    layer_ints(
        &l, "shape",
        (const int64_t[]){0, x->dim[1] * b * b, x->dim[2] / b, x->dim[3] / b},
        4);
    return convert_finish(im, &l);
}

/* 1 at the largest of each row, the first of equal ones.  Before opset 13
 * dimensions from the axis on are one row, which is taken where that is the
 * last dimension only. */
bool convert_hardmax(struct import *im, const struct onnx_node *n)
{
    const char *x = data(im, n);
    const struct type *t = &n->in[0]->type;
    int64_t axis = node_int(n, "axis", im->opset < 13 ? 1 : -1);
    struct onnx_value largest;
    struct layer_text l;

    axis += axis < 0 ? t->rank : 0;
    if (!x)
        return false;
    if (axis < 0 || axis >= t->rank || (im->opset < 13 && axis != t->rank - 1))
        return import_reject(im, "axis %lld of %s", (long long)axis,
                             type_text(im->arena, t));
    layer_begin(im, &l, "ArgMax", NULL);
    layer_input(&l, x);
    layer_attr(&l, "axis", "%lld", (long long)axis);
    layer_attr(&l, "keepdims", "false");
    if (!layer_end(im, &l, &largest, 1))
        return false;
    layer_begin(im, &l, "OneHot", NULL);
    layer_input(&l, largest.ref);
    layer_attr(&l, "depth", "%lld", (long long)t->dim[axis]);
    layer_attr(&l, "axis", "%lld", (long long)axis);
    return convert_finish(im, &l);
}

/* In the type of its two values, which the layer makes as f32. */
bool convert_one_hot(struct import *im, const struct onnx_node *n)
{
    const struct constant *values = node_number(n, "values");
    bool plain = !values || values->type.dtype == DT_F32;
    const char *x = data(im, n);
    struct onnx_value v = {0};
    struct layer_text l;

    if (x && dtype_is_float(n->in[0]->type.dtype))
        x = cast_to(im, x, DT_I64);
    if (!x)
        return false;
    layer_begin(im, &l, "OneHot", plain ? NULL : name_new(im, NULL, "OneHot"));
    layer_input(&l, x);
    for (int i = 0; i < n->nattr; i++)
        if (!convert_attr(im, &l, &op_OneHot, &n->attr[i]))
            return false;
    if (plain)
        return convert_finish(im, &l);
    if (!layer_end(im, &l, &v, 1))
        return false;
    layer_begin(im, &l, "Cast", NULL);
    layer_input(&l, v.ref);
    layer_attr(&l, "to", "\"%s\"", dtype_name(values->type.dtype));
    return convert_finish(im, &l);
}

/* The triangle is known with the shape: a mask, and 0 elsewhere.  A diagonal k
 * above 0 lies to the right; `above` is how far an element is from it. */
bool convert_trilu(struct import *im, const struct onnx_node *n)
{
    const char *x = data(im, n);
    const struct constant *k = node_constant(n, 1);
    const struct type *t = &n->in[0]->type;
    bool upper = node_int(n, "upper", 1) != 0;
    int64_t from = k ? constant_int(k, 0) : 0;
    struct onnx_value mask = {0}, zero = {0};
    struct constant *m;
    struct layer_text l;

    if (n->nin > 1 && n->in[1] && !k)
        return import_reject(im, "its k is computed from data");
    if (!x || t->rank < 2)
        return x ? import_reject(im, "%s is no matrix", type_text(im->arena, t))
                 : false;
    mask.constant = m = fold_made(im, DT_BOOL, 2, t->dim + t->rank - 2);
    if (!m)
        return import_reject(im, "a mask for %s is too large",
                             type_text(im->arena, t));
    for (int64_t i = 0; i < type_count(&m->type); i++) {
        int64_t above = i % m->type.dim[1] - i / m->type.dim[1] - from;

        constant_set(m, i, upper ? above >= 0 : above <= 0);
    }
    zero.constant = constant_number(im->arena, t->dtype, 0);
    if (!operand_ref(im, &mask) || !operand_ref(im, &zero))
        return false;
    layer_begin(im, &l, "Where", NULL);
    layer_input(&l, mask.ref);
    layer_input(&l, x);
    layer_input(&l, zero.ref);
    return convert_finish(im, &l);
}
