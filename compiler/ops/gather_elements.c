/*
 * gather_elements.c: GatherElements and ScatterElements as in ONNX: an index
 * for each element of the result, or of the updates, along one axis.
 *
 * Along the other dimensions indices may cover only the start of the data: that
 * is cut off for a gather; for a scatter the indices are filled up with one
 * that names no element.
 */
#include "compiler/ops/pick.h"
#include "compiler/ops/remap.h"

enum { AXIS, REDUCTION };
enum { DATA, INDICES, UPDATES };

static const struct attr_spec gather_attrs[] = {
    [AXIS] = {"axis", ATTR_INT, {0}, "that the indices name", false, false},
    {0},
};

static const struct attr_spec scatter_attrs[] = {
    [AXIS] = {"axis", ATTR_INT, {0}, "that the indices name", false, false},
    [REDUCTION] = {"reduction",
                   ATTR_STRING,
                   {.s = "none"},
                   "none, add or mul: what an update does",
                   false,
                   false},
    {0},
};

/* One rank; off the axis indices may cover less than the data, but not more. */
static bool shapes_fit(struct graph *g, const struct type *x,
                       const struct type *index, int64_t axis)
{
    const char *text = type_text(g->arena, index);

    if (!pick_index_fits(g, index))
        return false;
    if (axis < 0 || axis >= x->rank)
        return reject_here(g, "axis %lld of a rank %d input", (long long)axis,
                           x->rank);
    if (x->batch != index->batch || x->batch > 1)
        return reject_here(g,
                           "data %s and indices %s do not both have the "
                           "samples in front",
                           type_text(g->arena, x), text);
    if (x->batch == axis + 1)
        return reject_here(g, "axis %lld counts the samples of the batch",
                           (long long)axis);
    for (int d = 0; d < x->rank; d++)
        if (x->rank != index->rank || (d != axis && index->dim[d] > x->dim[d]))
            return reject_here(g, "indices are %s, data %s", text,
                               type_text(g->arena, x));
    return true;
}

/* Cut off or filled up to other dimensions. */
static val resized(struct graph *g, val x, const int64_t *dim, double value)
{
    const struct type *t = type_of(g, x);
    struct remap r = {.outside = COPY_FILL, .value = value};
    bool same = true;

    for (int d = 0; d < t->rank; d++) {
        r.dim[d] = dim[d];
        r.mul[d] = r.div[d] = 1;
        same = same && t->dim[d] == dim[d];
    }
    return same ? x : val_remap(g, x, &r);
}

/* [outer, len, inner] around the axis. */
static val around(struct graph *g, val x, int axis)
{
    const struct type *t = type_of(g, x);
    const struct rows r = rows_along(t, axis);

    return val_reshape(g, x, (int64_t[]){r.outer, r.len, r.inner}, 3, t->batch);
}

static val back(struct graph *g, val x, const struct type *t)
{
    return val_reshape(g, x, t->dim, t->rank, t->batch);
}

static int64_t axis_of(const union attr *attr, const struct type *x)
{
    return attr[AXIS].i + (attr[AXIS].i < 0 ? x->rank : 0);
}

/* y has the indices' shape; along the axis data stays whole. */
static bool gather_build(struct graph *g, const val *in, int nin,
                         const union attr *attr, val *y)
{
    const struct type x = *type_of(g, in[DATA]);
    const struct type index = *type_of(g, in[INDICES]);
    int64_t axis = axis_of(attr, &x), dim[MAX_RANK];
    struct pick p = {.form = PICK_EACH, .rank = 1};

    (void)nin;
    if (!shapes_fit(g, &x, &index, axis))
        return false;
    p.dim[0] = x.dim[axis];
    for (int d = 0; d < x.rank; d++)
        dim[d] = d == axis ? x.dim[d] : index.dim[d];
    y[0] = val_pick(g, &p, around(g, resized(g, in[DATA], dim, 0), (int)axis),
                    around(g, in[INDICES], (int)axis));
    y[0] = back(g, y[0], &index);
    return y[0].id != 0;
}

/* INT32_MIN names no element even counted from the end, so filled up updates
 * go nowhere. */
static bool scatter_build(struct graph *g, const val *in, int nin,
                          const union attr *attr, val *y)
{
    const struct type x = *type_of(g, in[DATA]);
    const struct type index = *type_of(g, in[INDICES]);
    const struct type *u = type_of(g, in[UPDATES]);
    int64_t axis = axis_of(attr, &x), dim[MAX_RANK];
    struct pick p = {.form = PICK_EACH, .rank = 1};
    enum pick_reduction reduction;
    bool same = u->rank == index.rank && u->dtype == x.dtype;

    (void)nin;
    if (!shapes_fit(g, &x, &index, axis) ||
        !pick_reduction_read(g, attr[REDUCTION].s, &reduction))
        return false;
    for (int d = 0; d < index.rank; d++)
        same = same && u->dim[d] == index.dim[d];
    if (!same || u->batch != x.batch)
        return reject_here(g, "updates are %s %s for %s of indices %s",
                           dtype_name(u->dtype), type_text(g->arena, u),
                           dtype_name(x.dtype), type_text(g->arena, &index));
    p.dim[0] = x.dim[axis];
    for (int d = 0; d < x.rank; d++)
        dim[d] = d == axis ? index.dim[d] : x.dim[d];
    y[0] = val_place(
        g, &p, reduction,
        (val[]){around(g, in[DATA], (int)axis),
                around(g, resized(g, in[INDICES], dim, INT32_MIN), (int)axis),
                around(g, resized(g, in[UPDATES], dim, 0), (int)axis)});
    y[0] = back(g, y[0], &x);
    return y[0].id != 0;
}

static const char *const names[] = {"data", "indices", "updates", NULL};

const struct op op_GatherElements = {
    .name = "GatherElements",
    .doc = "an element for each index, along one axis",
    .min_in = 2,
    .nin = 2,
    .attr = gather_attrs,
    .in_name = names,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .build = gather_build,
};

const struct op op_ScatterElements = {
    .name = "ScatterElements",
    .doc = "data with an update for each index, along one axis",
    .min_in = 3,
    .nin = 3,
    .attr = scatter_attrs,
    .in_name = names,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .build = scatter_build,
};
