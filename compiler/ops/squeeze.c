/*
 * squeeze.c: dimensions of one element taken away and put in: views.
 */
#include "compiler/op.h"

enum { AXES };

/* One bit for each dimension that the axes name, of so many.  No axis twice,
 * as in ONNX. */
static bool mask_of(struct graph *g, const struct ints *axes, int rank,
                    unsigned *mask)
{
    *mask = 0;
    for (int i = 0; i < axes->n; i++) {
        int64_t a = axes->v[i];

        if (a < -rank || a >= rank)
            return reject_here(g, "axis %lld of %d dimensions", (long long)a,
                               rank);
        a += a < 0 ? rank : 0;
        if (*mask >> a & 1)
            return reject_here(g, "axes has %lld twice", (long long)a);
        *mask |= 1U << a;
    }
    return true;
}

/* No element moves, so that both are free, and so are their gradients. */
static bool view_as(struct graph *g, val x, const struct type *y, val *out)
{
    out[0] = val_reshape(g, x, y->dim, y->rank, y->batch);
    return out[0].id != 0;
}

/* ---- Squeeze ---- */

static const struct attr_spec squeeze_attrs[] = {
    [AXES] = {"axes",
              ATTR_INTS,
              {0},
              "which dimensions of one element go; all when empty, samples "
              "apart",
              false,
              false},
    {0},
};

/* The batch may happen to be 1: what a model means must not depend on that. */
static bool can_go(struct graph *g, const struct type *x, unsigned mask)
{
    for (int d = 0; d < x->rank; d++) {
        if (!(mask >> d & 1))
            continue;
        if (x->batch == d + 1)
            return reject_here(g,
                               "dimension %d of %s counts the samples of the "
                               "batch, and cannot go",
                               d, type_text(g->arena, x));
        if (x->dim[d] != 1)
            return reject_here(g, "dimension %d of %s is not 1", d,
                               type_text(g->arena, x));
    }
    return true;
}

/* No axes name all dimensions of 1, as in ONNX, except the samples'. */
static bool squeeze_build(struct graph *g, const val *in, int nin,
                          const union attr *attr, val *out)
{
    const struct type *x = type_of(g, in[0]);
    struct type y = {.dtype = x->dtype};
    unsigned mask;

    (void)nin;
    if (!mask_of(g, &attr[AXES].ints, x->rank, &mask))
        return false;
    for (int d = 0; d < x->rank && !attr[AXES].ints.n; d++)
        if (x->dim[d] == 1 && x->batch != d + 1)
            mask |= 1U << d;
    if (!can_go(g, x, mask))
        return false;
    for (int d = 0; d < x->rank; d++) {
        if (mask >> d & 1)
            continue;
        if (x->batch == d + 1)
            y.batch = y.rank + 1;
        y.dim[y.rank++] = x->dim[d];
    }
    return view_as(g, in[0], &y, out);
}

static const char *const names[] = {"data", NULL};

const struct op op_Squeeze = {
    .name = "Squeeze",
    .doc = "without dimensions of one element",
    .min_in = 1,
    .nin = 1,
    .attr = squeeze_attrs,
    .in_name = names,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .build = squeeze_build,
};

/* ---- Unsqueeze ---- */

static const struct attr_spec unsqueeze_attrs[] = {
    [AXES] = {"axes",
              ATTR_INTS,
              {0},
              "where the result has a dimension of one element",
              true,
              false},
    {0},
};

/* Axes count dimensions of the result. */
static bool unsqueeze_build(struct graph *g, const val *in, int nin,
                            const union attr *attr, val *out)
{
    const struct type *x = type_of(g, in[0]);
    struct type y = {.dtype = x->dtype, .rank = x->rank + attr[AXES].ints.n};
    unsigned mask;
    int from = 0;

    (void)nin;
    if (y.rank > MAX_RANK)
        return reject_here(g, "the result has %d dimensions, at most %d",
                           y.rank, MAX_RANK);
    if (!mask_of(g, &attr[AXES].ints, y.rank, &mask))
        return false;
    for (int d = 0; d < y.rank; d++) {
        if (mask >> d & 1) {
            y.dim[d] = 1;
            continue;
        }
        if (x->batch == from + 1)
            y.batch = d + 1;
        y.dim[d] = x->dim[from++];
    }
    return view_as(g, in[0], &y, out);
}

const struct op op_Unsqueeze = {
    .name = "Unsqueeze",
    .doc = "with more dimensions of one element",
    .min_in = 1,
    .nin = 1,
    .attr = unsqueeze_attrs,
    .in_name = names,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .build = unsqueeze_build,
};
