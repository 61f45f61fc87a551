/*
 * top_k.c: TopK, ArgMax and ArgMin: the first of each row by size, and where
 * they stand.  A NaN comes before all, as in PyTorch.
 *
 * TopK's values have a gradient: that of the elements that they are.  Indices
 * have none.
 */
#include <math.h>

#include "compiler/lower.h"
#include "compiler/ops/pick.h"
#include "kernels/select.h"

/* ---- what they share ---- */

/* Which of one row: by size, then by place. */
struct order {
    bool smallest, last;
};

static int axis_of(int64_t axis, int rank)
{
    return (int)(axis < 0 ? axis + rank : axis);
}

/* Not along the samples: in a short batch some are stale. */
static bool fits(struct graph *g, const struct node *n, const struct type *x,
                 int64_t axis)
{
    int a = axis_of(axis, x->rank);

    if (!dtype_is_float(x->dtype))
        return reject(g, n, "input is %s, not a float", dtype_name(x->dtype));
    if (a < 0 || a >= x->rank)
        return reject(g, n, "axis %lld of a rank %d input", (long long)axis,
                      x->rank);
    if (x->batch == a + 1)
        return reject(g, n,
                      "axis %d counts the samples of the batch, which stay "
                      "apart",
                      a);
    return true;
}

/* Is a by its value strictly before b? */
static bool before(struct order o, double a, double b)
{
    return (o.smallest ? a < b : a > b) || (isnan(a) && !isnan(b));
}

/* Of equal ones the place decides, so that the order is total and no kernel
 * may answer differently. */
static bool first(struct order o, const double *x, int64_t i, int64_t j)
{
    if (before(o, x[i], x[j]) || before(o, x[j], x[i]))
        return before(o, x[i], x[j]);
    return o.last ? i > j : i < j;
}

/* The first k of a row of x, `step` apart, into index: by insertion. */
static void sort_row(struct order o, const double *x, int64_t len, int64_t k,
                     double *index) /* [k] */
{
    int64_t n = 0;

    for (int64_t i = 0; i < len; i++) {
        int64_t at = n < k ? n++ : k;

        for (; at > 0 && first(o, x, i, (int64_t)index[at - 1]); at--)
            if (at < k)
                index[at] = index[at - 1];
        if (at < k)
            index[at] = (double)i;
    }
}

/* value may be null. x [outer, len, inner], value and index [outer, k, inner].
 * References have no arena of the compile, hence one of their own. */
static void ref_rows(struct order o, const struct tensor *x, int axis,
                     double *value, const struct tensor *index)
{
    const struct rows r = rows_along(&x->type, axis);
    int64_t k = type_count(&index->type) / r.outer / r.inner;
    struct arena arena;
    jmp_buf out_of_memory;
    double *row; /* [len] of x, then [k] of indices */

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory) == 0) {
        row = ARENA_NEW(&arena, double, (size_t)(r.len + k));
        for (int64_t i = 0; i < r.outer * r.inner; i++) {
            int64_t from = i / r.inner * r.len * r.inner + i % r.inner;
            int64_t to = i / r.inner * k * r.inner + i % r.inner;

            for (int64_t j = 0; j < r.len; j++)
                row[j] = x->data[from + j * r.inner];
            sort_row(o, row, r.len, k, row + r.len);
            for (int64_t j = 0; j < k; j++) {
                index->data[to + j * r.inner] = row[r.len + j];
                if (value)
                    value[to + j * r.inner] = row[(int64_t)row[r.len + j]];
            }
        }
    }
    arena_close(&arena);
}

/* p has what the op wants; sizes and type come from x. */
static void lower_rows(struct lower *lo, const struct node *n, int64_t axis,
                       struct select_problem p)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    const struct rows r = rows_along(x, axis_of(axis, x->rank));

    p.outer = r.outer;
    p.len = r.len;
    p.inner = r.inner;
    p.dtype = x->dtype;
    lower_call(lo, kernels_select, &p, n);
}

/* ---- TopK ---- */

enum { AXIS, K, LARGEST };

static const struct attr_spec attrs[] = {
    [AXIS] = {"axis", ATTR_INT, {.i = -1}, "along which", false, false},
    [K] = {"k", ATTR_INT, {0}, "how many", true, false},
    [LARGEST] =
        {"largest", ATTR_BOOL, {.i = 1}, "or else the smallest", false, false},
    {0},
};

/* Values as x with k elements along the axis, and their indices, i64 as in
 * ONNX. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);
    int axis = axis_of(n->attr[AXIS].i, x->rank);

    if (!fits(g, n, x, n->attr[AXIS].i))
        return false;
    if (n->attr[K].i < 1 || n->attr[K].i > x->dim[axis])
        return reject(g, n, "k is %lld for %lld elements",
                      (long long)n->attr[K].i, (long long)x->dim[axis]);
    y[0] = *x;
    y[0].dim[axis] = n->attr[K].i;
    y[1] = y[0];
    y[1].dtype = DT_I64;
    return true;
}

static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    (void)env;
    ref_rows((struct order){.smallest = !n->attr[LARGEST].i}, in,
             axis_of(n->attr[AXIS].i, in->type.rank), out[0].data, &out[1]);
}

static void lower(struct lower *lo, const struct node *n)
{
    lower_rows(lo, n, n->attr[AXIS].i,
               (struct select_problem){.k = n->attr[K].i,
                                       .smallest = !n->attr[LARGEST].i,
                                       .values = true});
}

/* dy goes to where the values stood, [outer, len, inner] around the axis. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const struct type x = *type_of(g, n->in[0]);
    const struct rows r = rows_along(&x, axis_of(n->attr[AXIS].i, x.rank));
    int64_t dim[3] = {r.outer, r.len, r.inner};
    struct pick p = {.form = PICK_EACH, .rank = 1, .dim = {r.len}};
    val in[3], index = graph_result(g, y, 1);

    if (!dy[0].id)
        return;
    in[0] = val_reshape(g, val_fill(g, &x, 0), dim, 3, x.batch);
    dim[1] = n->attr[K].i;
    in[1] = val_reshape(g, index, dim, 3, x.batch);
    in[2] = val_reshape(g, dy[0], dim, 3, x.batch);
    dx[0] = val_reshape(g, val_place(g, &p, PICK_ADD, in), x.dim, x.rank,
                        x.batch);
}

const struct op op_TopK = {
    .name = "TopK",
    .doc = "the k largest of each row, in order; result 1: their indices",
    .min_in = 1,
    .nin = 1,
    .nout = 2,
    .attr = attrs,
    .types = "f32 f16",
    .infer = infer,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .axis_follows = true,
};

/* ---- ArgMax, ArgMin ---- */

enum { ARG_AXIS, KEEPDIMS, LAST }; /* LAST: select_last_index */

static const struct attr_spec arg_attrs[] = {
    [ARG_AXIS] = {"axis", ATTR_INT, {0}, "along which", false, false},
    [KEEPDIMS] = {"keepdims",
                  ATTR_BOOL,
                  {.i = 1},
                  "keep it as a dimension of 1",
                  false,
                  false},
    [LAST] = {"select_last_index",
              ATTR_BOOL,
              {0},
              "of equal ones, not the first",
              false,
              false},
    {0},
};

/* i64 as in ONNX; the node keeps the dimension as 1. */
static bool arg_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);

    if (!fits(g, n, x, n->attr[ARG_AXIS].i))
        return false;
    *y = *x;
    y->dtype = DT_I64;
    y->dim[axis_of(n->attr[ARG_AXIS].i, x->rank)] = 1;
    return true;
}

static void arg_ref(const struct node *n, const struct ref_env *env,
                    const struct tensor *in, struct tensor *out)
{
    const struct order o = {.smallest = n->op == &op_ArgMin,
                            .last = n->attr[LAST].i};

    (void)env;
    ref_rows(o, in, axis_of(n->attr[ARG_AXIS].i, in->type.rank), NULL, out);
}

static void arg_lower(struct lower *lo, const struct node *n)
{
    lower_rows(lo, n, n->attr[ARG_AXIS].i,
               (struct select_problem){.k = 1,
                                       .smallest = n->op == &op_ArgMin,
                                       .last = n->attr[LAST].i});
}

/* One node that keeps the dimension, and a view without it. */
static bool arg_build(struct graph *g, const struct op *op, val x,
                      const union attr *attr, val *y)
{
    struct type t;
    int axis;

    y[0] = graph_add(g, op, &x, 1, attr);
    if (!y[0].id || attr[KEEPDIMS].i)
        return y[0].id != 0;
    t = *type_of(g, y[0]);
    axis = axis_of(attr[ARG_AXIS].i, t.rank--);
    for (int d = axis; d < t.rank; d++)
        t.dim[d] = t.dim[d + 1];
    y[0] = val_reshape(g, y[0], t.dim, t.rank,
                       t.batch > axis + 1 ? t.batch - 1 : t.batch);
    return y[0].id != 0;
}

static bool max_build(struct graph *g, const val *in, int nin,
                      const union attr *attr, val *y)
{
    (void)nin;
    return arg_build(g, &op_ArgMax, in[0], attr, y);
}

static bool min_build(struct graph *g, const val *in, int nin,
                      const union attr *attr, val *y)
{
    (void)nin;
    return arg_build(g, &op_ArgMin, in[0], attr, y);
}

#define ARG(title, text, make)                                                 \
    {                                                                          \
        .name = title, .doc = text, .min_in = 1, .nin = 1, .attr = arg_attrs,  \
        .types = "f32 f16", .infer = arg_infer, .build = make, .ref = arg_ref, \
        .lower = arg_lower, .axis_follows = true                               \
    }

const struct op op_ArgMax = ARG("ArgMax", "index of the largest", max_build);
const struct op op_ArgMin = ARG("ArgMin", "index of the smallest", min_build);
