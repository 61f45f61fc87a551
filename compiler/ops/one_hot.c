/*
 * one_hot.c: a dimension of `depth` elements for each index, on where the index
 * stands and off elsewhere; made of comparisons with 0, 1, 2...
 *
 * As in ONNX, an index below zero counts from the end, and one beyond the
 * dimension is on nowhere.
 */
#include "compiler/op.h"

enum { DEPTH, AXIS, VALUES }; /* VALUES: off, on */

static const struct attr_spec attrs[] = {
    [DEPTH] = {"depth", ATTR_INT, {0}, "of the new dimension", true, false},
    [AXIS] = {"axis",
              ATTR_INT,
              {.i = -1},
              "where it stands in the result",
              false,
              false},
    [VALUES] =
        {"values", ATTR_TENSOR, {0}, "off and on; 0 and 1", false, false},
    {0},
};

/* `axis` counts dimensions of the result.  The new one may not stand before
 * the samples, which would then not be outermost. */
static bool fits(struct graph *g, const struct type *x, const union attr *attr,
                 int axis)
{
    const struct tensor *values = attr[VALUES].tensor;

    if (x->dtype != DT_I32 && x->dtype != DT_I64)
        return reject_here(g, "indices are %s, wanted i32 or i64",
                           dtype_name(x->dtype));
    if (x->rank == MAX_RANK)
        return reject_here(g, "indices have %d dimensions, at most %d", x->rank,
                           MAX_RANK - 1);
    if (axis < 0 || axis > x->rank)
        return reject_here(g, "axis %lld of a rank %d result",
                           (long long)attr[AXIS].i, x->rank + 1);
    if (axis < x->batch)
        return reject_here(g, "axis %d is before the samples", axis);
    if (attr[DEPTH].i < 1 || attr[DEPTH].i > INT32_MAX)
        return reject_here(g, "depth is %lld, wanted 1 or more",
                           (long long)attr[DEPTH].i);
    if (values && type_count(&values->type) != 2)
        return reject_here(g, "values has %lld numbers, wanted 2",
                           (long long)type_count(&values->type));
    return true;
}

/* 0, 1, 2... along the new dimension.  Its shape is [depth, 1, ...] with
 * `behind` ones, to broadcast against indices. */
static val places(struct graph *g, enum dtype dtype, int64_t depth, int behind)
{
    struct type t = {.dtype = dtype, .rank = 1 + behind, .dim = {depth}};
    double *value = ARENA_NEW(g->arena, double, (size_t)depth);

    for (int64_t i = 0; i < depth; i++)
        value[i] = (double)i;
    for (int d = 1; d <= behind; d++)
        t.dim[d] = 1;
    return graph_constant(g, &t, value);
}

/* Indices below zero from the end.  One addition only: what is below -depth
 * stays below zero and matches nothing. */
static val from_start(struct graph *g, val x, int64_t depth)
{
    const struct type t = {.dtype = type_of(g, x)->dtype};
    val zero = graph_constant(g, &t, (double[]){0});
    val len = graph_constant(g, &t, (double[]){(double)depth});
    val below = graph_add(g, &op_Less, (val[]){x, zero}, 2, NULL);
    val moved = val_add(g, x, len);

    return graph_add(g, &op_Where, (val[]){below, moved, x}, 3, NULL);
}

/* indices [...] get a dimension of 1 at the axis; comparing it with [depth, 1,
 * ...] broadcasts to the result.  No gradient: comparisons have none. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    const struct type *x = type_of(g, in[0]);
    int axis = (int)(attr[AXIS].i + (attr[AXIS].i < 0 ? x->rank + 1 : 0));
    const struct tensor *values = attr[VALUES].tensor;
    int64_t where[1] = {axis};
    union attr axes[1] = {{.ints = ints_copy(g, where, 1)}};
    val index, same, on, off;

    (void)nin;
    if (!fits(g, x, attr, axis))
        return false;
    index = from_start(g, in[0], attr[DEPTH].i);
    if (!index.id || !op_Unsqueeze.build(g, &index, 1, axes, &index))
        return false;
    x = type_of(g, index);
    same = graph_add(
        g, &op_Equal,
        (val[]){index, places(g, x->dtype, attr[DEPTH].i, x->rank - 1 - axis)},
        2, NULL);
    on = val_scalar(g, values ? values->data[1] : 1);
    off = val_scalar(g, values ? values->data[0] : 0);
    y[0] = graph_add(g, &op_Where, (val[]){same, on, off}, 3, NULL);
    return y[0].id != 0;
}

static const char *const names[] = {"indices", NULL};

const struct op op_OneHot = {
    .name = "OneHot",
    .doc = "1 where an index stands in a new dimension, else 0",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .in_name = names,
    .types = "i32 i64",
    .build = build,
};
