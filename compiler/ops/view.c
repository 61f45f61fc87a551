/*
 * view.c: ops that only number the same elements differently, and Result, which
 * takes a tuple apart.
 *
 * Reshape and Flatten are what models write; both become View, whose shape is
 * known.
 */
#include <string.h>

#include "compiler/lower.h"
#include "compiler/op.h"

/* ---- View ---- */

enum { VIEW_SHAPE, VIEW_BATCH };

static const struct attr_spec view_attrs[] = {
    [VIEW_SHAPE] = {"shape", ATTR_INTS, {0}, "of the result", true, true},
    [VIEW_BATCH] = {"batch", ATTR_INT, {0}, "1 + axis of samples", true, true},
    {0},
};

/* The builder says where the samples are: that does not follow from the
 * numbers. */
static bool view_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct ints *shape = &n->attr[VIEW_SHAPE].ints;
    const struct type *x = type_of(g, n->in[0]);

    *y = (struct type){.dtype = x->dtype,
                       .rank = shape->n,
                       .batch = (int)n->attr[VIEW_BATCH].i};
    for (int i = 0; i < shape->n; i++)
        y->dim[i] = shape->v[i];
    if (type_count(y) == type_count(x))
        return true;
    return reject(g, n, "%s cannot become %s", type_text(g->arena, x),
                  type_text(g->arena, y));
}

static void view_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct type *x = type_of(g, graph_node(g, y)->in[0]);

    dx[0] = val_reshape(g, dy[0], x->dim, x->rank, x->batch);
}

/* A device shares the memory instead. */
static void copy_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    (void)n, (void)env;
    memcpy(out->data, in->data,
           (size_t)type_count(&out->type) * sizeof *out->data);
}

const struct op op_View = {
    .name = "View",
    .doc = "the same elements in another shape",
    .min_in = 1,
    .nin = 1,
    .attr = view_attrs,
    .infer = view_infer,
    .grad = view_grad,
    .ref = copy_ref,
    .lower = lower_view,
    .is_view = true,
    .internal = true,
};

/* ---- Reshape ---- */

enum { RESHAPE_SHAPE };

static const struct attr_spec reshape_attrs[] = {
    [RESHAPE_SHAPE] = {"shape",
                       ATTR_INTS,
                       {0},
                       "0 keeps a dimension, -1 takes what is left",
                       true,
                       false},
    {0},
};

/* Samples must stay outermost: the first dimension a multiple of the batch.
 * Samples are then whole runs of memory, and rows of a short batch a prefix. */
static bool batch_survives(struct graph *g, const struct type *x,
                           const struct type *y)
{
    if (!x->batch)
        return true;
    if (x->batch == 1 && y->rank && y->dim[0] % g->batch == 0)
        return true;
    return reject_here(g,
                       "%s to %s: the samples must stay in the first "
                       "dimension",
                       type_text(g->arena, x), type_text(g->arena, y));
}

/* ONNX's rules: -1, once, is what the others leave; 0 takes over x's
 * dimension. */
static bool reshape_dims(struct graph *g, const struct type *x,
                         const struct ints *shape, struct type *y)
{
    int64_t known = 1, total = type_count(x);
    int open = -1;

    *y = (struct type){.dtype = x->dtype, .rank = shape->n};
    if (shape->n > MAX_RANK)
        return reject_here(g, "shape has %d dimensions, at most %d", shape->n,
                           MAX_RANK);
    for (int i = 0; i < shape->n; i++) {
        int64_t d = shape->v[i];

        if (d < -1 || (d == -1 && open >= 0) || (d == 0 && i >= x->rank))
            return reject_here(g, "shape has %lld at %d", (long long)d, i);
        y->dim[i] = d ? d : x->dim[i];
        if (d == -1)
            open = i;
        else if (__builtin_mul_overflow(known, y->dim[i], &known))
            return reject_here(g, "shape is too large");
    }
    if (open >= 0)
        y->dim[open] = known && total % known == 0 ? total / known : 0;
    if (open >= 0 ? y->dim[open] > 0 : known == total)
        return true;
    return reject_here(g, "%s has %lld elements, which do not fill the shape",
                       type_text(g->arena, x), (long long)total);
}

static bool view_as(struct graph *g, val x, struct type *y, val *out)
{
    if (!batch_survives(g, type_of(g, x), y))
        return false;
    y->batch = type_of(g, x)->batch;
    out[0] = val_reshape(g, x, y->dim, y->rank, y->batch);
    return out[0].id != 0;
}

static bool reshape_build(struct graph *g, const val *in, int nin,
                          const union attr *attr, val *out)
{
    struct type y;

    (void)nin;
    return reshape_dims(g, type_of(g, in[0]), &attr[RESHAPE_SHAPE].ints, &y) &&
           view_as(g, in[0], &y, out);
}

const struct op op_Reshape = {
    .name = "Reshape",
    .doc = "the same elements in another shape",
    .min_in = 1,
    .nin = 1,
    .attr = reshape_attrs,
    .build = reshape_build,
};

/* ---- Flatten ---- */

enum { FLATTEN_AXIS };

static const struct attr_spec flatten_attrs[] = {
    [FLATTEN_AXIS] = {"axis",
                      ATTR_INT,
                      {.i = 1},
                      "dimensions before it become the first, the rest the "
                      "second",
                      false,
                      false},
    {0},
};

/* Dimensions before the axis become the first, the others the second; none are
 * 1. */
static bool flatten_build(struct graph *g, const val *in, int nin,
                          const union attr *attr, val *out)
{
    const struct type *x = type_of(g, in[0]);
    struct type y = {.dtype = x->dtype, .rank = 2, .dim = {1, 1}};
    int64_t axis = attr[FLATTEN_AXIS].i;

    (void)nin;
    if (axis < -x->rank || axis > x->rank)
        return reject_here(g, "axis %lld of a rank %d input", (long long)axis,
                           x->rank);
    if (axis < 0)
        axis += x->rank;
    for (int i = 0; i < x->rank; i++)
        y.dim[i >= axis] *= x->dim[i];
    return view_as(g, in[0], &y, out);
}

const struct op op_Flatten = {
    .name = "Flatten",
    .doc = "two dimensions of all",
    .min_in = 1,
    .nin = 1,
    .attr = flatten_attrs,
    .build = flatten_build,
};

/* ---- Result ---- */

static const struct attr_spec result_attrs[] = {
    {"k", ATTR_INT, {0}, "which result", true, true},
    {0},
};

/* Result k of a tuple, which is no value by itself. */
static bool result_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct node *tuple = graph_node(g, n->in[0]);
    int64_t k = n->attr[0].i;

    if (!tuple->op->nout || k < 0 || k >= tuple->nout)
        return reject(g, n, "%s has no result %lld", tuple->op->name,
                      (long long)k);
    *y = tuple->out[k];
    return true;
}

const struct op op_Result = {
    .name = "Result",
    .doc = "one result of a tuple",
    .min_in = 1,
    .nin = 1,
    .attr = result_attrs,
    .infer = result_infer,
    .internal = true,
};
