/*
 * convert_quantize.c: quantized operators, as chains of layers over f32.
 *
 * Numbers of 8 bits, their differences and products are exact in f32, and so are
 * sums of up to 2^24: what adds up more is refused.  Parameters of channels, a
 * scale and a zero point for each, get dimensions of one element behind them.
 */
#include <string.h>

#include "onnx/import.h"

/* A quantized operand: its place and those of its scale and its zero point in a
 * node; -1: there is none. */
struct quantized {
    int x, scale, zero;
};

static bool is_there(const struct onnx_node *n, int k)
{
    return k >= 0 && k < n->nin && n->in[k];
}

static const struct type *ref_type(struct import *im, const char *ref)
{
    const struct value *v = names_find(&im->model.values, ref);

    return type_of(&im->graph, v->v[0]);
}

static const char *cast(struct import *im, const char *x, enum dtype to)
{
    struct onnx_value v = {0};
    struct layer_text l;

    if (!x || ref_type(im, x)->dtype == to)
        return x;
    layer_begin(im, &l, "Cast", name_new(im, NULL, "Cast"));
    layer_input(&l, x);
    layer_attr(&l, "to", "\"%s\"", dtype_name(to));
    return layer_end(im, &l, &v, 1) ? v.ref : NULL;
}

static const char *as_float(struct import *im, const struct onnx_node *n, int k)
{
    return cast(im, operand_ref(im, n->in[k]), DT_F32);
}

/* A list of numbers, one for each index of a dimension with `behind` more behind
 * it. */
static const char *spread(struct import *im, const char *x, int behind)
{
    int64_t axes[MAX_RANK];
    struct onnx_value v = {0};
    struct layer_text l;

    if (!x || behind < 1 || type_count(ref_type(im, x)) == 1)
        return x;
    for (int i = 0; i < behind; i++)
        axes[i] = i + 1;
    layer_begin(im, &l, "Unsqueeze", name_new(im, NULL, "Unsqueeze"));
    layer_input(&l, x);
    layer_ints(&l, "axes", axes, behind);
    return layer_end(im, &l, &v, 1) ? v.ref : NULL;
}

/* x less its zero point, without its scale. */
static const char *centered(struct import *im, const struct onnx_node *n,
                            const struct quantized *q, int behind)
{
    const char *x = as_float(im, n, q->x);

    if (!is_there(n, q->zero))
        return x;
    return layer_step(im, "Sub", x,
                      spread(im, as_float(im, n, q->zero), behind));
}

static const char *limited(struct import *im, const char *x, enum dtype dtype)
{
    struct onnx_value v = {0};
    struct layer_text l;

    if (!x)
        return NULL;
    layer_begin(im, &l, "Clip", name_new(im, NULL, "Clip"));
    layer_input(&l, x);
    layer_attr(&l, "min", "%d", dtype == DT_I8 ? -128 : 0);
    layer_attr(&l, "max", "%d", dtype == DT_I8 ? 127 : 255);
    return layer_end(im, &l, &v, 1) ? v.ref : NULL;
}

/* The whole numbers near x / scale + zero, still f32; zero may be null. */
static const char *rounded(struct import *im, const char *x, const char *scale,
                           const char *zero, enum dtype dtype)
{
    x = layer_step(im, "Round", layer_step(im, "Div", x, scale), NULL);
    if (zero)
        x = layer_step(im, "Add", x, zero);
    return limited(im, x, dtype);
}

static bool is_narrow(enum dtype t)
{
    return t == DT_U8 || t == DT_I8;
}

/* The node's last operands, a scale and a zero point, tell how to quantize x. */
static bool finish_quantized(struct import *im, const struct onnx_node *n,
                             const char *x, const struct quantized *q,
                             int behind)
{
    bool has_zero = is_there(n, q->zero);
    const char *scale = spread(im, as_float(im, n, q->scale), behind);
    const char *zero = has_zero ? spread(im, as_float(im, n, q->zero), behind)
                                : NULL;
    enum dtype dtype = has_zero ? n->in[q->zero]->type.dtype : DT_U8;

    if (has_zero && !zero)
        return false;
    if (!is_narrow(dtype))
        return import_reject(im, "its result would be %s, wanted u8 or i8",
                             dtype_name(dtype));
    return layer_result(im, 0,
                        cast(im, rounded(im, x, scale, zero, dtype), dtype));
}

static bool has_operands(struct import *im, const struct onnx_node *n,
                         int least)
{
    for (int k = 0; k < least; k++)
        if (!is_there(n, k))
            return import_reject(im, "it lacks operand %d", k);
    return true;
}

/* Dimensions behind the one that scales are for. */
static int behind_axis(struct import *im, const struct onnx_node *n)
{
    int rank = n->in[0]->type.rank;
    int64_t axis = node_int(n, "axis", 1);

    (void)im;
    axis += axis < 0 ? rank : 0;
    return rank - 1 - (int)axis;
}

bool convert_quantize(struct import *im, const struct onnx_node *n)
{
    const struct quantized q = {0, 1, 2};

    return has_operands(im, n, 2) &&
           finish_quantized(im, n, as_float(im, n, 0), &q, behind_axis(im, n));
}

bool convert_dequantize(struct import *im, const struct onnx_node *n)
{
    const struct quantized q = {0, 1, 2};
    const char *x;
    int behind;

    if (!has_operands(im, n, 2))
        return false;
    behind = behind_axis(im, n);
    x = centered(im, n, &q, behind);
    return layer_result(
        im, 0,
        layer_step(im, "Mul", x, spread(im, as_float(im, n, 1), behind)));
}

/* ---- DynamicQuantizeLinear ---- */

static const char *extreme(struct import *im, const char *op, const char *x)
{
    struct onnx_value v = {0};
    struct layer_text l;

    if (!x)
        return NULL;
    layer_begin(im, &l, op, name_new(im, NULL, op));
    layer_input(&l, x);
    layer_attr(&l, "keepdims", "false");
    return layer_end(im, &l, &v, 1) ? v.ref : NULL;
}

/* The range with 0 in it becomes 0 to 255. */
bool convert_dynamic_quantize(struct import *im, const struct onnx_node *n)
{
    const char *x = operand_ref(im, n->in[0]), *zero = layer_number(im, 0);
    const char *top = layer_step(im, "Max", extreme(im, "ReduceMax", x), zero);
    const char *low = layer_step(im, "Min", extreme(im, "ReduceMin", x), zero);
    const char *scale = layer_step(im, "Div", layer_step(im, "Sub", top, low),
                                   layer_number(im, 255));
    const char *at = layer_step(im, "Div", layer_step(im, "Neg", low, NULL),
                                scale);

    at = limited(im, layer_step(im, "Round", at, NULL), DT_U8);
    if (!at ||
        !layer_result(im, 0, cast(im, rounded(im, x, scale, at, DT_U8), DT_U8)))
        return false;
    return layer_result(im, 1, scale) &&
           layer_result(im, 2, cast(im, at, DT_U8));
}

/* The largest of whole numbers is one of them. */
bool convert_max_pool(struct import *im, const struct onnx_node *n)
{
    enum dtype dtype = n->in[0]->type.dtype;
    struct layer_text l;
    const char *x;

    if (!is_narrow(dtype) || node_needed(im, 1))
        return convert_plain(im, n);
    x = as_float(im, n, 0);
    layer_begin(im, &l, "MaxPool", name_new(im, NULL, "MaxPool"));
    layer_input(&l, x ? x : "");
    for (int i = 0; x && i < n->nattr; i++)
        if (!convert_attr(im, &l, &op_MaxPool, &n->attr[i]))
            return false;
    return x && layer_result(im, 0, cast(im, layer_ref(im, &l), dtype));
}

/* ---- products ---- */

/* Sums of so many products of 8 bits each. */
static bool is_exact(struct import *im, int64_t terms)
{
    const int64_t most = (INT64_C(1) << 24) / (255 * 255);

    return terms <= most ||
           import_reject(im, "it adds up %lld products, at most %lld are exact",
                         (long long)terms, (long long)most);
}

static const char *matmul(struct import *im, const struct onnx_node *n,
                          const struct quantized *a, const struct quantized *b)
{
    const struct type *t = &n->in[a->x]->type;

    if (is_there(n, a->zero) && type_count(&n->in[a->zero]->type) != 1) {
        import_reject(im, "its zero points of rows are not supported");
        return NULL;
    }
    if (!t->rank || !is_exact(im, t->dim[t->rank - 1]))
        return NULL;
    return layer_step(im, "MatMul", centered(im, n, a, 0),
                      centered(im, n, b, 0));
}

bool convert_matmul_integer(struct import *im, const struct onnx_node *n)
{
    const struct quantized a = {0, -1, 2}, b = {1, -1, 3};

    return has_operands(im, n, 2) &&
           layer_result(im, 0, cast(im, matmul(im, n, &a, &b), DT_I32));
}

/* The scales of both operands together; the second's are of channels. */
static const char *both_scales(struct import *im, const struct onnx_node *n,
                               const char *y, int behind)
{
    const char *b = spread(im, as_float(im, n, 4), behind);

    return layer_step(im, "Mul", y,
                      layer_step(im, "Mul", as_float(im, n, 1), b));
}

bool convert_qlinear_matmul(struct import *im, const struct onnx_node *n)
{
    const struct quantized a = {0, 1, 2}, b = {3, 4, 5}, y = {-1, 6, 7};

    return has_operands(im, n, 8) &&
           finish_quantized(im, n, both_scales(im, n, matmul(im, n, &a, &b), 0),
                            &y, 0);
}

static const char *conv(struct import *im, const struct onnx_node *n,
                        const struct quantized *x, const struct quantized *w)
{
    const struct type *t = &n->in[w->x]->type;
    const char *a, *b;
    struct onnx_value v = {0};
    struct layer_text l;

    if (t->rank < 3 || !is_exact(im, type_count(t) / t->dim[0]))
        return NULL;
    a = centered(im, n, x, 0);
    b = centered(im, n, w, t->rank - 1);
    if (!a || !b)
        return NULL;
    layer_begin(im, &l, "Conv", name_new(im, NULL, "Conv"));
    layer_input(&l, a);
    layer_input(&l, b);
    layer_attr(&l, "bias", "false");
    for (int i = 0; i < n->nattr; i++)
        if (!convert_attr(im, &l, &op_Conv, &n->attr[i]))
            return NULL;
    return layer_end(im, &l, &v, 1) ? v.ref : NULL;
}

bool convert_conv_integer(struct import *im, const struct onnx_node *n)
{
    const struct quantized x = {0, -1, 2}, w = {1, -1, 3};

    return has_operands(im, n, 2) && operand_ref(im, n->in[1]) &&
           layer_result(im, 0, cast(im, conv(im, n, &x, &w), DT_I32));
}

/* The bias counts in the product's units. */
bool convert_qlinear_conv(struct import *im, const struct onnx_node *n)
{
    const struct quantized x = {0, 1, 2}, w = {3, 4, 5}, q = {-1, 6, 7};
    int behind = n->in[0]->type.rank - 2;
    const char *y;

    if (!has_operands(im, n, 8) || !operand_ref(im, n->in[3]))
        return false;
    y = conv(im, n, &x, &w);
    if (is_there(n, 8))
        y = layer_step(im, "Add", y, spread(im, as_float(im, n, 8), behind));
    return y && finish_quantized(im, n, both_scales(im, n, y, behind), &q, 0);
}
