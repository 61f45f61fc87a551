/*
 * gather.c: some indices of one dimension, as in ONNX.
 *
 * Indices that the model knows (the attribute, or a Constant) may be of any
 * dimension but the samples', and count from the end below zero; so may those
 * that are data, the same for all samples.  Those that come with each sample
 * pick rows of a table: that is Embedding.
 *
 * Known indices become a Blend whose matrix has a single 1 in each row, so
 * that the gradient, a sum over equal indices, comes with it.
 */
#include <math.h>

#include "compiler/ops/blend.h"
#include "compiler/ops/pick.h"

enum { AXIS, INDICES };

static const struct attr_spec attrs[] = {
    [AXIS] = {"axis", ATTR_INT, {0}, "of the dimension", false, false},
    [INDICES] =
        {"indices", ATTR_INTS, {0}, "which; or a second operand", false, false},
    {0},
};

/* One number as an index of x along the axis, checked.  Fractions are refused,
 * for constants are doubles whatever their type. */
static bool index_fits(struct graph *g, const struct type *x, int64_t axis,
                       double v, double *index)
{
    int64_t len = x->dim[axis];

    *index = v < 0 ? v + (double)len : v;
    if (v == floor(v) && *index >= 0 && *index < (double)len)
        return true;
    return reject_here(g, "index %g is not one of dimension %d of %s", v,
                       (int)axis, type_text(g->arena, x));
}

/* x[:axis] + shape + x[axis + 1:].  Samples that stand behind the axis move by
 * the dimensions that indices add. */
static bool result_shape(struct graph *g, const struct type *x, int64_t axis,
                         const struct type *shape, struct type *y)
{
    *y = (struct type){.dtype = x->dtype, .batch = x->batch};
    if (x->rank - 1 + shape->rank > MAX_RANK)
        return reject_here(g, "the result has %d dimensions, at most %d",
                           x->rank - 1 + shape->rank, MAX_RANK);
    for (int d = 0; d < axis; d++)
        y->dim[y->rank++] = x->dim[d];
    for (int d = 0; d < shape->rank; d++)
        y->dim[y->rank++] = shape->dim[d];
    for (int d = (int)axis + 1; d < x->rank; d++)
        y->dim[y->rank++] = x->dim[d];
    if (x->batch > axis + 1)
        y->batch += shape->rank - 1;
    return true;
}

/* Indices known while compiling; those of any shape count as one list, and the
 * result is reshaped at the end. */
static val known(struct graph *g, val x, int64_t axis,
                 const struct tensor *indices)
{
    struct type t = *type_of(g, x), y;
    int64_t n = type_count(&indices->type);
    struct blend b = {.out = n};

    b.start = ARENA_NEW(g->arena, double, (size_t)n + 1);
    b.index = ARENA_NEW(g->arena, double, (size_t)n);
    for (int64_t i = 0; i < n; i++) {
        b.start[i + 1] = (double)(i + 1); /* one term each */
        if (!index_fits(g, &t, axis, indices->data[i], &b.index[i]))
            return (val){0};
    }
    if (!result_shape(g, &t, axis, &indices->type, &y))
        return (val){0};
    x = val_blend(g, x, (int)axis, &b);
    return x.id ? val_reshape(g, x, y.dim, y.rank, y.batch) : x;
}

/* The attribute as if it were a constant [n]. */
static val from_list(struct graph *g, val x, int64_t axis,
                     const struct ints *list)
{
    struct tensor t = {.type = {.dtype = DT_I64, .rank = 1, .dim = {list->n}},
                       .data = ARENA_NEW(g->arena, double, (size_t)list->n)};

    for (int i = 0; i < list->n; i++)
        t.data[i] = (double)list->v[i];
    return known(g, x, axis, &t);
}

/* Indices that are data, the same for all samples. */
static val from_data(struct graph *g, val x, int64_t axis, val indices)
{
    const struct type t = *type_of(g, x), index = *type_of(g, indices);
    const struct rows r = rows_along(&t, (int)axis);
    struct pick p = {.form = PICK_SHARED, .rank = 1, .dim = {r.len}};
    struct type y;

    if (t.batch > 1 || t.batch == axis + 1) {
        reject_here(g, "axis %d of %s, whose samples are in it or behind",
                    (int)axis, type_text(g->arena, &t));
        return (val){0};
    }
    if (!pick_index_fits(g, &index) || !result_shape(g, &t, axis, &index, &y))
        return (val){0};
    x = val_reshape(g, x, (int64_t[]){r.outer, r.len, r.inner}, 3, t.batch);
    indices = val_reshape(g, indices, (int64_t[]){type_count(&index), 1}, 2, 0);
    x = val_pick(g, &p, x, indices);
    return val_reshape(g, x, y.dim, y.rank, y.batch);
}

/* Rows of a table, picked by samples: its other dimensions are one row. x
 * [rows, ...] is seen as [rows, size]; x must be without samples, since an
 * index of one sample would pick another sample's data. */
static val table_rows(struct graph *g, val x, val indices)
{
    const struct type t = *type_of(g, x), *index = type_of(g, indices);
    int64_t flat[2] = {t.dim[0], type_count(&t) / t.dim[0]};
    struct type y;
    val rows;

    if (t.batch || index->batch != 1) {
        reject_here(g,
                    "indices %s of samples must have them in front, and pick "
                    "from an input without: within each sample GatherElements "
                    "picks",
                    type_text(g->arena, index));
        return (val){0};
    }
    if (!result_shape(g, &t, 0, index, &y))
        return (val){0};
    rows = val_reshape(g, x, flat, 2, 0);
    if (!rows.id ||
        !op_Embedding.build(g, (val[]){indices, rows}, 2, NULL, &rows))
        return (val){0};
    return val_reshape(g, rows, y.dim, y.rank, 1);
}

/* The table's axis comes to the front, and the samples go where it was. */
static val from_samples(struct graph *g, val x, int axis, val indices)
{
    int rank = type_of(g, x)->rank, more = type_of(g, indices)->rank;
    int perm[2 * MAX_RANK], back[2 * MAX_RANK], n = 0;

    if (axis == 0)
        return table_rows(g, x, indices);
    perm[0] = axis;
    for (int d = 1; d < rank; d++)
        perm[d] = d <= axis ? d - 1 : d;
    x = table_rows(g, val_transpose(g, x, perm), indices);
    if (!x.id)
        return x;
    for (int d = 0; d < axis; d++)
        back[n++] = more + d;
    for (int d = 0; d < more; d++)
        back[n++] = d;
    for (int d = axis; d < rank - 1; d++)
        back[n++] = more + d;
    return val_transpose(g, x, back);
}

/* Exactly one of operand and attribute gives the indices; a constant operand
 * is known now, anything else is computed for each sample. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    const struct type *x = type_of(g, in[0]);
    const struct ints *list = &attr[INDICES].ints;
    int64_t axis = attr[AXIS].i + (attr[AXIS].i < 0 ? x->rank : 0);
    const struct leaf *leaf;

    if (axis < 0 || axis >= x->rank)
        return reject_here(g, "axis %lld of a rank %d input",
                           (long long)attr[AXIS].i, x->rank);
    if ((nin == 2) == (list->n > 0))
        return reject_here(g, "indices are %s",
                           nin == 2 ? "an operand and an attribute"
                                    : "missing, as attribute or operand");
    leaf = nin == 2 ? graph_node(g, in[1])->leaf : NULL;
    if (nin == 1)
        y[0] = from_list(g, in[0], axis, list);
    else if (leaf && leaf->constant && dtype_is_float(x->dtype))
        y[0] = known(g, in[0], axis, leaf->constant);
    else if (!type_of(g, in[1])->batch)
        y[0] = from_data(g, in[0], axis, in[1]);
    else
        y[0] = from_samples(g, in[0], (int)axis, in[1]);
    return y[0].id != 0;
}

static const char *const names[] = {"data", "indices", NULL};

const struct op op_Gather = {
    .name = "Gather",
    .doc = "some indices of one dimension",
    .min_in = 1,
    .nin = 2,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .build = build,
};
