/*
 * convert_number.c: nodes whose operands may be of other types, or computed,
 * where the layer's are not.
 */
#include <string.h>

#include "onnx/import.h"

static const char *cast(struct import *im, const char *x, enum dtype to)
{
    struct layer_text l;

    if (!x)
        return NULL;
    layer_begin(im, &l, "Cast", name_new(im, NULL, "Cast"));
    layer_input(&l, x);
    layer_attr(&l, "to", "\"%s\"", dtype_name(to));
    return layer_ref(im, &l);
}

/* ---- Clip ---- */

/* Limits of integers, and computed ones, are layers of their own. */
static bool clip_parts(struct import *im, const struct onnx_node *n)
{
    const char *x = operand_ref(im, n->in[0]);
    const char *least = NULL, *most = NULL;

    if (n->nin > 1 && n->in[1] && !(least = operand_ref(im, n->in[1])))
        return false;
    if (n->nin > 2 && n->in[2] && !(most = operand_ref(im, n->in[2])))
        return false;
    if (least && most)
        x = layer_step(im, "Max", x, least);
    else if (least)
        return convert_last(im, "Max", x, least);
    return convert_last(im, most ? "Min" : "Identity", x, most);
}

/* Operands that are constants become the layer's attributes. */
bool convert_clip(struct import *im, const struct onnx_node *n)
{
    static const char *const name[] = {"min", "max"};
    const char *x = operand_ref(im, n->in[0]);
    bool known = true;
    struct layer_text l;

    if (!x)
        return false;
    for (int k = 1; k < n->nin; k++)
        known = known && (!n->in[k] || node_constant(n, k));
    if (!known || !dtype_is_float(n->in[0]->type.dtype) || n->nin > 3)
        return clip_parts(im, n);
    layer_begin(im, &l, "Clip", NULL);
    layer_input(&l, x);
    for (int i = 0; i < n->nattr; i++)
        if (!convert_attr(im, &l, &op_Clip, &n->attr[i]))
            return false;
    for (int k = 1; k < n->nin; k++) {
        const struct onnx_attr a = {.name = name[k - 1],
                                    .number = node_constant(n, k)};

        if (a.number && !convert_attr(im, &l, &op_Clip, &a))
            return false;
    }
    return convert_finish(im, &l);
}

/* ---- Pow ---- */

/* An integer to a float's power: where that is whole, as integers, and
 * exact. */
static const char *whole_power(struct import *im, const char *a, enum dtype t,
                               const char *b)
{
    const char *b_whole = cast(im, b, t);
    const char *same = layer_step(im, "Equal", cast(im, b_whole, DT_F32), b);
    const char *exact = layer_step(im, "Pow", a, b_whole);
    const char *y = layer_step(im, "Pow", cast(im, a, DT_F32), b);

    return layer_where(im, same, exact, cast(im, y, t));
}

/* The result has the type of what is raised. */
bool convert_pow(struct import *im, const struct onnx_node *n)
{
    const char *a = operand_ref(im, n->in[0]), *b;
    enum dtype t = n->in[0]->type.dtype, u;

    if (n->nin != 2 || !n->in[1])
        return import_reject(im, "it has no two operands");
    b = operand_ref(im, n->in[1]);
    if (!a || !b)
        return false;
    u = n->in[1]->type.dtype;
    if (t == u)
        return convert_binary(im, n);
    if (dtype_is_float(t) || !dtype_is_float(u))
        return convert_last(im, "Pow", a, cast(im, b, t));
    return layer_result(im, 0, whole_power(im, a, t, b));
}
