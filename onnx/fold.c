/*
 * fold.c: what is known before any data: shapes, and arithmetic on them.
 *
 * A node whose operands are all constants, and Shape and Size of anything,
 * become constants.
 *
 * So most of what exporters write to compute a shape disappears.
 */
#include "onnx/fold.h"

#include <math.h>
#include <string.h>

/* Large ones are of no use, and a file of a few bytes could ask for any. */
enum { MOST_MADE = 1 << 24 };

/* Each alone may be small and all together not. */
bool fold_room(struct import *im, int64_t count)
{
    if (count > im->room)
        return false;
    im->room -= count;
    return true;
}

struct constant *fold_made(struct import *im, enum dtype dtype, int rank,
                           const int64_t *dim)
{
    int64_t count = 1;

    for (int i = 0; i < rank; i++)
        if (dim[i] < 0 || __builtin_mul_overflow(count, dim[i], &count) ||
            count > MOST_MADE)
            return NULL;
    return fold_room(im, count) ? constant_new(im->arena, dtype, rank, dim)
                                : NULL;
}

/* ---- new ones ---- */

/* The node has one attribute of these. */
static const struct constant *fold_constant(struct import *im,
                                            const struct onnx_node *n)
{
    static const char *const names[] = {"value",        "value_float",
                                        "value_floats", "value_int",
                                        "value_ints",   NULL};

    (void)im;
    for (int i = 0; names[i]; i++) {
        const struct constant *c = node_number(n, names[i]);

        if (c)
            return c;
    }
    return NULL;
}

/* ConstantOfShape; without a value, f32 zeros. */
static const struct constant *fold_fill(struct import *im,
                                        const struct onnx_node *n)
{
    const struct constant *shape = node_constant(n, 0);
    const struct constant *value = node_number(n, "value");
    enum dtype dtype = value ? value->type.dtype : DT_F32;
    double number = node_float(n, "value", 0);
    int64_t dim[MAX_RANK];
    struct constant *y;

    if (type_count(&shape->type) > MAX_RANK)
        return NULL;
    for (int i = 0; i < type_count(&shape->type); i++)
        dim[i] = constant_int(shape, i);
    y = fold_made(im, dtype, (int)type_count(&shape->type), dim);
    for (int64_t i = 0; y && i < type_count(&y->type); i++)
        constant_set(y, i, number);
    return y;
}

/* The count as ONNX has it, max(ceil((limit - start) / delta), 0); a step of 0
 * makes it infinite or NaN, which the comparison refuses. */
static const struct constant *fold_range(struct import *im,
                                         const struct onnx_node *n)
{
    double from, to, step, count;
    struct constant *y;
    int64_t dim;

    if (n->nin != 3)
        return NULL;
    from = constant_at(node_constant(n, 0), 0);
    to = constant_at(node_constant(n, 1), 0);
    step = constant_at(node_constant(n, 2), 0);
    count = ceil((to - from) / step);
    if (!(count < MOST_MADE))
        return NULL;
    dim = count > 0 ? (int64_t)count : 0;
    y = fold_made(im, node_constant(n, 0)->type.dtype, 1, &dim);
    for (int64_t i = 0; y && i < dim; i++)
        constant_set(y, i, from + (double)i * step);
    return y;
}

/* fold_shape is given data too, whose type it reads alone. */
static const struct {
    const char *op;
    fold_fn *fold;
    bool of_types; /* needs the operand's type alone */
} folds[] = {
    {"Shape", fold_shape, true},
    {"Size", fold_shape, true},
    {"Constant", fold_constant, true},
    {"Add", fold_binary, false},
    {"And", fold_binary, false},
    {"BlackmanWindow", fold_window, false},
    {"Cast", fold_unary, false},
    {"Ceil", fold_unary, false},
    {"Concat", fold_concat, false},
    {"ConstantOfShape", fold_fill, false},
    {"Div", fold_binary, false},
    {"Equal", fold_binary, false},
    {"Expand", fold_expand, false},
    {"Floor", fold_unary, false},
    {"Gather", fold_gather, false},
    {"Greater", fold_binary, false},
    {"GreaterOrEqual", fold_binary, false},
    {"HammingWindow", fold_window, false},
    {"HannWindow", fold_window, false},
    {"Identity", fold_unary, false},
    {"Less", fold_binary, false},
    {"LessOrEqual", fold_binary, false},
    {"Max", fold_binary, false},
    {"MelWeightMatrix", fold_mel, false},
    {"Min", fold_binary, false},
    {"Mul", fold_binary, false},
    {"Neg", fold_unary, false},
    {"Not", fold_unary, false},
    {"Or", fold_binary, false},
    {"Pow", fold_binary, false},
    {"Range", fold_range, false},
    {"ReduceProd", fold_product, false},
    {"Reshape", fold_reshape, false},
    {"Slice", fold_slice, false},
    {"Sqrt", fold_unary, false},
    {"Squeeze", fold_squeeze, false},
    {"Sub", fold_binary, false},
    {"Transpose", fold_transpose, false},
    {"Unsqueeze", fold_unsqueeze, false},
    {"Where", fold_where, false},
};

static int fold_find(const char *op)
{
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
        if (strcmp(folds[i].op, op) == 0)
            return (int)i;
    return -1;
}

bool fold_knows(const char *op)
{
    return fold_find(op) >= 0;
}

/* A node without operands is Constant, which says so in the table. */
static bool all_constant(const struct onnx_node *n)
{
    for (int k = 0; k < n->nin; k++)
        if (!n->in[k] || !n->in[k]->constant)
            return false;
    return n->nin > 0;
}

/* False leaves the node to convert(), which may know a layer for it. */
bool fold(struct import *im, const struct onnx_node *n)
{
    int i = fold_find(n->op);
    struct onnx_value v = {0};

    if (i < 0 || n->nout != 1)
        return false;
    if (folds[i].fold == fold_shape ? n->nin != 1 || !n->in[0]
                                    : !folds[i].of_types && !all_constant(n))
        return false;
    v.constant = folds[i].fold(im, n);
    return v.constant && node_result(im, 0, &v);
}
