/*
 * remap.c: what Slice, Pad, Tile and their gradients become: along each
 * dimension, index i of the result reads index (mul i + add) / div of x.
 *
 * A slice is mul i + add with its step and start; a pad is i - begin.  Where
 * there is no such element, the value stands, or x mirrored at its ends, or its
 * ends themselves, or x from its start again.
 *
 * A map with mul or div of one reads no element twice, and so the gradient is
 * the map turned round: from j = (mul i + add) / div follows
 * i = (div j - add) / mul.  A mirrored or repeated element sums its copies.
 */
#include "compiler/ops/remap.h"

#include <string.h>

#include "compiler/lower.h"
#include "kernels/copy.h"

static const struct attr_spec attrs[] = {
    [REMAP_DIM] = {"dim", ATTR_INTS, {0}, "of the result", true, true},
    [REMAP_MUL] = {"mul", ATTR_INTS, {0}, "of an index", true, true},
    [REMAP_ADD] = {"add", ATTR_INTS, {0}, "to that", true, true},
    [REMAP_DIV] = {"div", ATTR_INTS, {0}, "of that", true, true},
    [REMAP_OUTSIDE] =
        {"outside", ATTR_INT, {0}, "fill, reflect, edge or wrap", false, true},
    [REMAP_VALUE] = {"value", ATTR_FLOAT, {0}, "that fills", false, true},
    {0},
};

/* The map of dimension d: x has x->dim[d] elements there, the result `out`. */
static struct copy_dim dim_of(const struct node *n, const struct type *x, int d)
{
    return (struct copy_dim){.out = n->attr[REMAP_DIM].ints.v[d],
                             .in = x->dim[d],
                             .mul = n->attr[REMAP_MUL].ints.v[d],
                             .add = n->attr[REMAP_ADD].ints.v[d],
                             .div = n->attr[REMAP_DIV].ints.v[d]};
}

/* The limit is that of indices in kernels, which are 32 bits a dimension. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct ints *dim = &n->attr[REMAP_DIM].ints;

    *y = *type_of(g, n->in[0]);
    for (int d = 0; d < y->rank; d++) {
        y->dim[d] = dim->v[d];
        if (y->dim[d] > INT32_MAX || type_of(g, n->in[0])->dim[d] > INT32_MAX)
            return reject(g, n, "a dimension of %s or %s is too large",
                          type_text(g->arena, type_of(g, n->in[0])),
                          type_text(g->arena, y));
    }
    return true;
}

/* Index of x, or -1. `div` is 1 for all but COPY_FILL, so the others need not
 * divide. */
static int64_t source(const struct copy_dim *d, int64_t outside, int64_t i)
{
    int64_t j = d->mul * i + d->add, last = d->in - 1;

    if (outside == COPY_EDGE)
        return j < 0 ? 0 : j > last ? last : j;
    if (outside == COPY_REFLECT)
        return j < 0 ? -j : j > last ? 2 * last - j : j;
    if (outside == COPY_WRAP)
        return j % d->in;
    if (j % d->div || j / d->div < 0 || j / d->div > last)
        return -1;
    return j / d->div;
}

/* The result's index q is taken apart from the last dimension on while x's
 * index `at` is put together. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    int64_t count = type_count(&out->type);

    (void)env;
    for (int64_t k = 0; k < count; k++) {
        int64_t q = k, at = 0, step = 1;
        bool inside = true;

        for (int d = out->type.rank - 1; d >= 0; d--) {
            struct copy_dim map = dim_of(n, &in->type, d);
            int64_t j = source(&map, n->attr[REMAP_OUTSIDE].i, q % map.out);

            inside &= j >= 0;
            at += j * step;
            step *= map.in;
            q /= map.out;
        }
        out->data[k] = inside ? in->data[at] : n->attr[REMAP_VALUE].f;
    }
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    struct copy_problem p = {
        .rank = x->rank,
        .dtype = x->dtype,
        .outside = (enum copy_outside)n->attr[REMAP_OUTSIDE].i,
        .fill = n->attr[REMAP_VALUE].f};

    for (int d = 0; d < x->rank; d++)
        p.dim[d] = dim_of(n, x, d);
    copy_collapse(&p);
    lower_call(lo, kernels_copy, &p, n);
}

/* ---- gradients ---- */

/* i = (div j - add) / mul, with the sign moved so that the divisor is above
 * zero.  An element of x that nothing reads gets the fill, 0. */
static val turned_round(struct graph *g, const struct node *n, val dy)
{
    const struct type *x = type_of(g, n->in[0]);
    struct remap r = {.outside = COPY_FILL};

    for (int d = 0; d < x->rank; d++) {
        struct copy_dim map = dim_of(n, x, d);
        int64_t sign = map.mul < 0 ? -1 : 1;

        r.dim[d] = map.in;
        r.mul[d] = sign * map.div;
        r.add[d] = -sign * map.add;
        r.div[d] = sign * map.mul;
    }
    return val_remap(g, dy, &r);
}

/* One axis after the other: copies along one dimension do not depend on the
 * others.  Dimensions that were left as they were are skipped. */
static val folded(struct graph *g, const struct node *n, val dy)
{
    const struct type *x = type_of(g, n->in[0]);

    for (int d = x->rank - 1; d >= 0; d--) {
        struct copy_dim map = dim_of(n, x, d);
        union attr attr[4] = {{.i = d},
                              {.i = -map.add},
                              {.i = map.in},
                              {.i = n->attr[REMAP_OUTSIDE].i}};

        if (map.add || map.in != map.out)
            dy = graph_add(g, &op_PadFold, &dy, 1, attr);
    }
    return dy;
}

static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);

    dx[0] = n->attr[REMAP_OUTSIDE].i == COPY_FILL ? turned_round(g, n, dy[0])
                                                  : folded(g, n, dy[0]);
}

/* Lists are copied into the graph's arena, so r may be on the stack. */
val val_remap(struct graph *g, val x, const struct remap *r)
{
    int rank = type_of(g, x)->rank;
    union attr attr[] = {
        [REMAP_DIM] = {.ints = ints_copy(g, r->dim, rank)},
        [REMAP_MUL] = {.ints = ints_copy(g, r->mul, rank)},
        [REMAP_ADD] = {.ints = ints_copy(g, r->add, rank)},
        [REMAP_DIV] = {.ints = ints_copy(g, r->div, rank)},
        [REMAP_OUTSIDE] = {.i = (int64_t)r->outside},
        [REMAP_VALUE] = {.f = r->value},
    };

    return graph_add(g, &op_Remap, &x, 1, attr);
}

const struct op op_Remap = {
    .name = "Remap",
    .doc = "elements of x at other places",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .infer = infer,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .lists_follow = true,
    .internal = true,
};

/* ---- PadFold: along one axis, each element sums its copies ---- */

enum { AXIS, BEGIN, DIM, OUTSIDE };

static const struct attr_spec fold_attrs[] = {
    [AXIS] = {"axis", ATTR_INT, {0}, "that was padded", true, true},
    [BEGIN] = {"begin", ATTR_INT, {0}, "elements before", true, true},
    [DIM] = {"dim", ATTR_INT, {0}, "before the pad", true, true},
    [OUTSIDE] = {"outside", ATTR_INT, {0}, "reflect, edge or wrap", true, true},
    {0},
};

/* dy's shape, but x's size along the axis. */
static bool fold_infer(struct graph *g, const struct node *n, struct type *y)
{
    *y = *type_of(g, n->in[0]);
    y->dim[n->attr[AXIS].i] = n->attr[DIM].i;
    return true;
}

/* dy [outer, len, inner] adds to dx [outer, in, inner] through the map of the
 * forward pass; every index has a source, as nothing outside is filled. */
static void fold_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    const struct rows r = rows_along(&in->type, (int)n->attr[AXIS].i);
    const struct copy_dim map = {r.len, n->attr[DIM].i, 1, -n->attr[BEGIN].i,
                                 1};

    (void)env;
    memset(out->data, 0, (size_t)type_count(&out->type) * sizeof *out->data);
    for (int64_t o = 0; o < r.outer; o++)
        for (int64_t i = 0; i < r.len; i++)
            for (int64_t k = 0; k < r.inner; k++) {
                int64_t j = source(&map, n->attr[OUTSIDE].i, i);

                out->data[(o * map.in + j) * r.inner + k] +=
                    in->data[(o * r.len + i) * r.inner + k];
            }
}

static void fold_lower(struct lower *lo, const struct node *n)
{
    const struct type *dy = type_of(lo->graph, n->in[0]);
    const struct rows r = rows_along(dy, (int)n->attr[AXIS].i);
    struct pad_fold_problem p = {
        .outer = r.outer,
        .in = n->attr[DIM].i,
        .inner = r.inner,
        .out = r.len,
        .begin = n->attr[BEGIN].i,
        .outside = (enum copy_outside)n->attr[OUTSIDE].i,
        .dtype = dy->dtype};

    lower_call(lo, kernels_pad_fold, &p, n);
}

const struct op op_PadFold = {
    .name = "PadFold",
    .doc = "sums of the copies that a pad or repeats made",
    .min_in = 1,
    .nin = 1,
    .attr = fold_attrs,
    .infer = fold_infer,
    .ref = fold_ref,
    .lower = fold_lower,
    .axis_follows = true,
    .internal = true,
};
