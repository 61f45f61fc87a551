/* fold_shape.c: shapes, and parts and other forms of constants. */
#include <string.h>

#include "onnx/fold.h"

/* An axis from 0; -1: there is none such. */
static int axis_of(int64_t axis, int rank)
{
    if (axis < 0)
        axis += rank;
    return axis >= 0 && axis < rank ? (int)axis : -1;
}

/* ---- shapes ---- */

/* Broadcast with a shape, as Expand does. */
const struct constant *fold_expand(struct import *im, const struct onnx_node *n)
{
    const struct constant *x = node_constant(n, 0);
    const struct constant *shape = node_number(n, "shape");
    struct type t = x->type, to = {.dtype = t.dtype};
    struct constant *y;

    if (!shape || type_count(&shape->type) > MAX_RANK)
        return NULL;
    to.rank = (int)type_count(&shape->type);
    for (int i = 0; i < to.rank; i++)
        to.dim[i] = constant_int(shape, i);
    if (!type_broadcast(&t, &to))
        return NULL;
    y = fold_made(im, t.dtype, t.rank, t.dim);
    for (int64_t i = 0; y && i < type_count(&t); i++)
        constant_set(y, i, constant_at(x, broadcast_index(&t, &x->type, i)));
    return y;
}

/* Of data the type is known, the numbers are not. */
static const struct type *type_in(const struct onnx_node *n)
{
    return n->in[0]->constant ? &n->in[0]->constant->type : &n->in[0]->type;
}

/* The batch in the result is that of this import: what depends on it is mended
 * in convert_reshape. */
const struct constant *fold_shape(struct import *im, const struct onnx_node *n)
{
    const struct type *t = type_in(n);
    int64_t from = node_int(n, "start", 0), to = node_int(n, "end", t->rank);

    if (strcmp(n->op, "Size") == 0)
        return constant_number(im->arena, DT_I64, (double)type_count(t));
    from += from < 0 ? t->rank : 0;
    to += to < 0 ? t->rank : 0;
    if (from < 0 || from > t->rank)
        from = from < 0 ? 0 : t->rank;
    if (to > t->rank)
        to = t->rank;
    return constant_ints(im->arena, t->dim + from,
                         to > from ? (int)(to - from) : 0);
}

/* ONNX's 0 keeps a dimension and -1, once, takes what is left; null where the
 * numbers do not fit. */
const struct constant *fold_reshape(struct import *im,
                                    const struct onnx_node *n)
{
    const struct constant *x = node_constant(n, 0);
    const struct constant *shape = node_number(n, "shape");
    int64_t dim[MAX_RANK], known = 1, total = type_count(&x->type);
    int open = -1, rank;

    if (!shape || type_count(&shape->type) > MAX_RANK)
        return NULL;
    rank = (int)type_count(&shape->type);
    for (int i = 0; i < rank; i++) {
        dim[i] = constant_int(shape, i);
        if (i < x->type.rank && dim[i] == 0)
            dim[i] = x->type.dim[i];
        if (dim[i] == -1)
            open = i;
        else if (dim[i] < 0 || __builtin_mul_overflow(known, dim[i], &known))
            return NULL;
    }
    if (open >= 0)
        dim[open] = known ? total / known : 0;
    if ((open >= 0 ? known * dim[open] : known) != total)
        return NULL;
    return constant_view(im->arena, x, rank, dim);
}

/* Which of rank axes a list names; false where it names others. */
static bool axes_named(const struct onnx_node *n, int rank, bool *named)
{
    const struct constant *a = node_number(n, "axes");

    for (int64_t i = 0; a && i < type_count(&a->type); i++) {
        int axis = axis_of(constant_int(a, i), rank);

        if (axis < 0)
            return false;
        named[axis] = true;
    }
    return a != NULL;
}

/* Axes count dimensions of the result. */
const struct constant *fold_unsqueeze(struct import *im,
                                      const struct onnx_node *n)
{
    const struct constant *x = node_constant(n, 0);
    const struct constant *a = node_number(n, "axes");
    bool named[MAX_RANK] = {false};
    int64_t dim[MAX_RANK], more = a ? type_count(&a->type) : 0;
    int rank, from = 0;

    if (more < 1 || more > MAX_RANK - x->type.rank)
        return NULL;
    rank = x->type.rank + (int)more;
    if (!axes_named(n, rank, named))
        return NULL;
    for (int i = 0; i < rank; i++)
        dim[i] = named[i] || from >= x->type.rank ? 1 : x->type.dim[from++];
    return constant_view(im->arena, x, rank, dim);
}

/* Without axes all dimensions of 1 go. */
const struct constant *fold_squeeze(struct import *im,
                                    const struct onnx_node *n)
{
    const struct constant *x = node_constant(n, 0);
    bool named[MAX_RANK] = {false}, some = axes_named(n, x->type.rank, named);
    int64_t dim[MAX_RANK];
    int rank = 0;

    for (int i = 0; i < x->type.rank; i++)
        if (x->type.dim[i] != 1 || (some && !named[i]))
            dim[rank++] = x->type.dim[i];
    return constant_view(im->arena, x, rank, dim);
}

const struct constant *fold_transpose(struct import *im,
                                      const struct onnx_node *n)
{
    const struct constant *x = node_constant(n, 0);
    const struct constant *a = node_number(n, "perm");
    int64_t perm[MAX_RANK];
    unsigned seen = 0;
    int rank = x->type.rank;

    if (a && type_count(&a->type) != rank)
        return NULL;
    for (int i = 0; i < rank; i++) {
        perm[i] = a ? constant_int(a, i) : rank - 1 - i;
        if (perm[i] < 0 || perm[i] >= rank || (seen >> perm[i] & 1))
            return NULL;
        seen |= 1U << perm[i];
    }
    return fold_room(im, type_count(&x->type))
               ? constant_transpose(im->arena, x, perm)
               : NULL;
}

/* ---- parts ---- */

/* Element i of y is x[outer, index[...], inner], indices below 0 counting from
 * the end. */
const struct constant *fold_gather(struct import *im, const struct onnx_node *n)
{
    const struct constant *x = node_constant(n, 0),
                          *index = node_constant(n, 1);
    int axis = axis_of(node_int(n, "axis", 0), x->type.rank);
    int64_t dim[MAX_RANK];
    int rank = 0;
    struct rows r;
    struct constant *y;
    int64_t count;

    if (axis < 0 || n->nin != 2 ||
        x->type.rank - 1 + index->type.rank > MAX_RANK)
        return NULL;
    for (int i = 0; i < axis; i++)
        dim[rank++] = x->type.dim[i];
    for (int i = 0; i < index->type.rank; i++)
        dim[rank++] = index->type.dim[i];
    for (int i = axis + 1; i < x->type.rank; i++)
        dim[rank++] = x->type.dim[i];
    r = rows_along(&x->type, axis);
    y = fold_made(im, x->type.dtype, rank, dim);
    count = type_count(&index->type);
    for (int64_t i = 0; y && i < type_count(&y->type); i++) {
        int64_t k = constant_int(index, i / r.inner % count);

        k += k < 0 ? r.len : 0;
        if (k < 0 || k >= r.len)
            return NULL;
        constant_set(
            y, i,
            constant_at(x, (i / r.inner / count * r.len + k) * r.inner +
                               i % r.inner));
    }
    return y;
}

/* Which indices of each dimension a slice takes. */
struct cut {
    int64_t from[MAX_RANK], step[MAX_RANK], count[MAX_RANK];
};

/* Limits beyond the ends are the ends; backwards, that before the first is
 * -1. */
static bool cut_axis(struct cut *c, int axis, int64_t len, const int64_t *limit)
{
    int64_t from = limit[0], to = limit[1], step = limit[2];
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? len - 1 : len;

    if (!step)
        return false;
    from += from < 0 ? len : 0;
    to += to < 0 ? len : 0;
    from = from < low ? low : from > high ? high : from;
    to = to < low ? low : to > high ? high : to;
    c->from[axis] = from;
    c->step[axis] = step;
    c->count[axis] = step > 0 ? (to - from + step - 1) / step
                              : (from - to - step - 1) / -step;
    if (c->count[axis] < 0)
        c->count[axis] = 0;
    return true;
}

/* What the node does not name is taken whole. */
static bool read_cut(const struct onnx_node *n, const struct type *x,
                     struct cut *c)
{
    const struct constant *starts = node_number(n, "starts");
    const struct constant *ends = node_number(n, "ends");
    const struct constant *axes = node_number(n, "axes");
    const struct constant *steps = node_number(n, "steps");
    int64_t count = starts ? type_count(&starts->type) : 0;

    for (int i = 0; i < x->rank; i++) {
        c->step[i] = 1;
        c->count[i] = x->dim[i];
    }
    if (!ends || type_count(&ends->type) != count ||
        (axes && type_count(&axes->type) != count) ||
        (steps && type_count(&steps->type) != count))
        return false;
    for (int64_t i = 0; i < count; i++) {
        const int64_t limit[] = {constant_int(starts, i), constant_int(ends, i),
                                 steps ? constant_int(steps, i) : 1};
        int axis = axis_of(axes ? constant_int(axes, i) : i, x->rank);

        if (axis < 0 || !cut_axis(c, axis, x->dim[axis], limit))
            return false;
    }
    return true;
}

/* Index i of y is taken apart from the last dimension on while x's, `at`, is
 * made. */
const struct constant *fold_slice(struct import *im, const struct onnx_node *n)
{
    const struct constant *x = node_constant(n, 0);
    struct cut c = {.from = {0}};
    struct constant *y;

    if (!read_cut(n, &x->type, &c))
        return NULL;
    y = fold_made(im, x->type.dtype, x->type.rank, c.count);
    for (int64_t i = 0; y && i < type_count(&y->type); i++) {
        int64_t at = 0, place = 1, left = i;

        for (int k = x->type.rank - 1; k >= 0; k--) {
            int64_t count = y->type.dim[k] ? y->type.dim[k] : 1;

            at += (c.from[k] + left % count * c.step[k]) * place;
            left /= count;
            place *= x->type.dim[k];
        }
        constant_set(y, i, constant_at(x, at));
    }
    return y;
}

/* Lists only: shapes are put together so. */
const struct constant *fold_concat(struct import *im, const struct onnx_node *n)
{
    int64_t count = 0, at = 0;
    struct constant *y;

    for (int k = 0; k < n->nin; k++) {
        if (node_constant(n, k)->type.rank != 1)
            return NULL;
        count += node_constant(n, k)->type.dim[0];
    }
    y = fold_made(im, node_constant(n, 0)->type.dtype, 1, &count);
    for (int k = 0; y && k < n->nin; k++)
        for (int64_t i = 0; i < node_constant(n, k)->type.dim[0]; i++)
            constant_set(y, at++, constant_at(node_constant(n, k), i));
    return y;
}
