/*
 * fold_element.c: arithmetic on constants, element by element.
 *
 * Numbers are taken as double, which is exact for every shape.
 */
#include <math.h>
#include <string.h>

#include "onnx/fold.h"

/* By the operator's place in names.  Integers divide towards zero, as C does
 * and ONNX wants; by zero gives 0 here, since a shape must not trap the
 * importer. */
static double apply(const char *op, double a, double b, bool integers)
{
    static const char *const names[] = {"Add",  "Sub",         "Mul",
                                        "Div",  "Pow",         "Max",
                                        "Min",  "Greater",     "GreaterOrEqual",
                                        "Less", "LessOrEqual", "Equal",
                                        "And",  "Or"};
    size_t i = 0;

    while (i < sizeof names / sizeof *names && strcmp(names[i], op) != 0)
        i++;
    switch (i) {
    case 0:
        return a + b;
    case 1:
        return a - b;
    case 2:
        return a * b;
    case 3:
        return integers ? trunc(b != 0 ? a / b : 0) : a / b;
    case 4:
        return pow(a, b);
    case 5:
        return a > b ? a : b;
    case 6:
        return a < b ? a : b;
    case 7:
        return a > b;
    case 8:
        return a >= b;
    case 9:
        return a < b;
    case 10:
        return a <= b;
    case 11:
        return a == b;
    case 12:
        return a != 0 && b != 0;
    default:
        return a != 0 || b != 0;
    }
}

static bool is_comparison(const char *op)
{
    return strncmp(op, "Greater", 7) == 0 || strncmp(op, "Less", 4) == 0 ||
           strcmp(op, "Equal") == 0 || strcmp(op, "And") == 0 ||
           strcmp(op, "Or") == 0;
}

/* Broadcast as in NumPy; comparisons give bool, the rest the first operand's
 * type. */
const struct constant *fold_binary(struct import *im, const struct onnx_node *n)
{
    const struct constant *a = node_constant(n, 0), *b = node_constant(n, 1);
    struct constant *y;
    struct type t;

    if (n->nin != 2)
        return NULL;
    t = a->type;
    if (!type_broadcast(&t, &b->type))
        return NULL;
    y = fold_made(im, is_comparison(n->op) ? DT_BOOL : a->type.dtype, t.rank,
                  t.dim);
    for (int64_t i = 0; y && i < type_count(&t); i++)
        constant_set(y, i,
                     apply(n->op,
                           constant_at(a, broadcast_index(&t, &a->type, i)),
                           constant_at(b, broadcast_index(&t, &b->type, i)),
                           !dtype_is_float(a->type.dtype)));
    return y;
}

static double apply_unary(const char *op, double x)
{
    if (strcmp(op, "Neg") == 0)
        return -x;
    if (strcmp(op, "Floor") == 0)
        return floor(x);
    if (strcmp(op, "Ceil") == 0)
        return ceil(x);
    if (strcmp(op, "Sqrt") == 0)
        return sqrt(x);
    if (strcmp(op, "Not") == 0)
        return x == 0;
    return x; /* Identity, Cast */
}

/* Only Cast has `to`.  The name stays, so that a weight behind a cast is
 * called as the file calls it. */
const struct constant *fold_unary(struct import *im, const struct onnx_node *n)
{
    const struct constant *x = node_constant(n, 0);
    int to = (int)node_int(n, "to", 0);
    enum dtype dtype = to ? constant_dtype(to) : x->type.dtype;
    struct constant *y;

    if (dtype == DT_NONE || n->nin != 1)
        return NULL;
    if (strcmp(n->op, "Identity") == 0)
        return x;
    if (!fold_room(im, type_count(&x->type)))
        return NULL;
    y = constant_new(im->arena, dtype, x->type.rank, x->type.dim);
    y->name = x->name;
    for (int64_t i = 0; i < type_count(&x->type); i++)
        constant_set(y, i, apply_unary(n->op, constant_at(x, i)));
    return y;
}

const struct constant *fold_where(struct import *im, const struct onnx_node *n)
{
    const struct constant *c = node_constant(n, 0), *a = node_constant(n, 1),
                          *b = node_constant(n, 2);
    struct constant *y;
    struct type t;

    if (n->nin != 3)
        return NULL;
    t = a->type;
    if (!type_broadcast(&t, &b->type) || !type_broadcast(&t, &c->type))
        return NULL;
    y = fold_made(im, a->type.dtype, t.rank, t.dim);
    for (int64_t i = 0; y && i < type_count(&t); i++)
        constant_set(y, i,
                     constant_at(c, broadcast_index(&t, &c->type, i)) != 0
                         ? constant_at(a, broadcast_index(&t, &a->type, i))
                         : constant_at(b, broadcast_index(&t, &b->type, i)));
    return y;
}

/* Of a list: the number of elements of a shape. */
const struct constant *fold_product(struct import *im,
                                    const struct onnx_node *n)
{
    const struct constant *x = node_constant(n, 0);
    const int64_t one = 1;
    double product = 1;
    struct constant *y;

    if (x->type.rank != 1)
        return NULL;
    for (int64_t i = 0; i < x->type.dim[0]; i++)
        product *= constant_at(x, i);
    y = constant_new(im->arena, x->type.dtype,
                     node_int(n, "keepdims", 1) ? 1 : 0, &one);
    constant_set(y, 0, product);
    return y;
}
