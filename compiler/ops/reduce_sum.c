/*
 * reduce_sum.c: sums: inside samples, across samples, and of lanes.
 *
 * Across samples is an op of its own, BatchSum: it leaves stale rows out, keeps
 * its partial sums in lanes, and carries them on from micro-batch to
 * micro-batch.
 *
 * A sum inside a sample goes in one fixed order; a sum across samples has its
 * lanes, whose number belongs to the problem, so that neither depends on the
 * device.
 */
#include <string.h>

#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/reduce.h"

/* Which dimensions an axes attribute names; all when it is empty. */
static bool axes_mask(struct graph *g, const struct node *n,
                      const struct ints *axes, int rank, unsigned *mask)
{
    *mask = axes->n ? 0 : (1U << rank) - 1;
    for (int i = 0; i < axes->n; i++) {
        int64_t a = axes->v[i];

        if (a < -rank || a >= rank)
            return reject(g, n, "axis %lld of a rank %d input", (long long)a,
                          rank);
        *mask |= 1U << (a < 0 ? a + rank : a);
    }
    return true;
}

/* The same of axes that axes_mask has passed. */
static unsigned mask_of(const struct ints *axes, int rank)
{
    unsigned mask = axes->n ? 0 : (1U << rank) - 1;

    for (int i = 0; i < axes->n; i++)
        mask |= 1U << (axes->v[i] < 0 ? axes->v[i] + rank : axes->v[i]);
    return mask;
}

/* x without (or with 1 for) the dimensions of mask. */
static void reduced(const struct type *x, unsigned mask, bool keep,
                    struct type *y)
{
    struct type t = {.dtype = x->dtype};

    for (int d = 0; d < x->rank; d++) {
        bool gone = mask >> d & 1;

        if (gone && !keep)
            continue;
        if (x->batch == d + 1 && !gone)
            t.batch = t.rank + 1;
        t.dim[t.rank++] = gone ? 1 : x->dim[d];
    }
    *y = t;
}

/* Sum x over the dimensions of mask into out[index without them].  Of the
 * first dimension only indices below rows count, all where rows is below 0;
 * `at` is the index of element i in x. */
static void sum_into(const struct tensor *x, unsigned mask, int64_t rows,
                     double *out) /* of the kept dimensions */
{
    int64_t n = type_count(&x->type), at[MAX_RANK] = {0};

    for (int64_t i = 0; i < n; i++) {
        int64_t o = 0;

        for (int d = 0; d < x->type.rank; d++)
            if (!(mask >> d & 1))
                o = o * x->type.dim[d] + at[d];
        if (rows < 0 || at[0] < rows)
            out[o] += x->data[i];
        for (int d = x->type.rank - 1; d >= 0; d--) {
            if (++at[d] < x->type.dim[d])
                break;
            at[d] = 0;
        }
    }
}

/* ---- ReduceSum ---- */

enum { AXES, KEEPDIMS };

static const struct attr_spec attrs[] = {
    [AXES] = {"axes",
              ATTR_INTS,
              {0},
              "which dimensions; all when empty",
              false,
              false},
    [KEEPDIMS] = {"keepdims",
                  ATTR_BOOL,
                  {.i = 1},
                  "keep them as dimensions of 1",
                  false,
                  false},
    {0},
};

/* Samples may not be summed over: stale rows and micro-batches are
 * BatchSum's. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);
    unsigned mask;

    if (!dtype_is_float(x->dtype))
        return reject(g, n, "input is %s, not a float", dtype_name(x->dtype));
    if (!axes_mask(g, n, &n->attr[AXES].ints, x->rank, &mask))
        return false;
    if (x->batch && mask >> (x->batch - 1) & 1)
        return reject(g, n,
                      "a sum over the samples of a batch is not supported "
                      "here: losses and metrics make it");
    reduced(x, mask, n->attr[KEEPDIMS].i, y);
    return true;
}

/* dy spread over what was summed: dimensions come back as 1, then are
 * repeated. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const struct type *x = type_of(g, n->in[0]);
    struct type kept;
    union attr shape[1];
    val d;

    reduced(x, mask_of(&n->attr[AXES].ints, x->rank), true, &kept);
    d = val_reshape(g, dy[0], kept.dim, kept.rank, kept.batch);
    shape[0].ints = ints_copy(g, x->dim, x->rank);
    dx[0] = graph_add(g, &op_Expand, &d, 1, shape);
}

/* x in any shape; y without the axes. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    (void)env;
    memset(out->data, 0, (size_t)type_count(&out->type) * sizeof(double));
    sum_into(in, mask_of(&n->attr[AXES].ints, in->type.rank), -1, out->data);
}

/* build() has seen to it that the axes stand together: [outer, len, inner]. */
static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    struct reduce_problem p = {
        .kind = REDUCE_SUM, .x = x->dtype, .y = n->type.dtype};

    type_one_range(x, mask_of(&n->attr[AXES].ints, x->rank), &p.outer, &p.len,
                   &p.inner);
    lower_call(lo, kernels_reduce, &p, n);
}

/* Dimensions apart are summed one group after the other.  The last group goes
 * first, and dimensions are kept as 1 meanwhile, so that numbers of axes stay
 * valid. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *out)
{
    const struct type *x = type_of(g, in[0]);
    struct node n = {.op = &op_ReduceSum, .at = g->at, .path = g->path};
    int64_t outer, len, inner, last;
    union attr part[2] = {{.i = 0}, {.i = 1}};
    unsigned mask;
    val v = in[0];
    struct type y;

    (void)nin;
    if (!axes_mask(g, &n, &attr[AXES].ints, x->rank, &mask))
        return false;
    reduced(x, mask, attr[KEEPDIMS].i, &y);
    while (v.id && !type_one_range(type_of(g, v), mask, &outer, &len, &inner)) {
        for (last = x->rank - 1; !(mask >> last & 1); last--)
            ;
        part[AXES].ints = ints_copy(g, &last, 1);
        v = graph_add(g, &op_ReduceSum, &v, 1, part);
        mask &= ~(1U << last);
    }
    if (mask && v.id) {
        int64_t axis[MAX_RANK];
        int k = 0;

        for (int d = 0; d < x->rank; d++)
            if (mask >> d & 1)
                axis[k++] = d;
        part[AXES].ints = ints_copy(g, axis, k);
        part[KEEPDIMS].i = 0;
        v = graph_add(g, &op_ReduceSum, &v, 1, part);
    }
    out[0] = v.id ? val_reshape(g, v, y.dim, y.rank, y.batch) : v;
    return out[0].id != 0;
}

const struct op op_ReduceSum = {
    .name = "ReduceSum",
    .doc = "sum over dimensions",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .infer = infer,
    .build = build,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .axes_follow = true,
};

/* ---- BatchSum ---- */

enum { LANES, BATCH_AXES };

static const struct attr_spec batch_attrs[] = {
    [LANES] = {"lanes", ATTR_INT, {.i = 1}, "partial sums", true, true},
    [BATCH_AXES] = {"axes", ATTR_INTS, {0}, "samples' and others", true, true},
    {0},
};

/* x [N, ...] to f32 [lanes, kept...]. */
static bool batch_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);
    unsigned mask = mask_of(&n->attr[BATCH_AXES].ints, x->rank);
    struct type t;

    if (x->batch != 1 || x->dim[0] % g->batch)
        return reject(g, n,
                      "a sum over samples wants them in the first "
                      "dimension");
    reduced(x, mask, false, &t);
    if (t.rank == MAX_RANK)
        return reject(g, n, "too many dimensions");
    memmove(t.dim + 1, t.dim, (size_t)t.rank * sizeof *t.dim);
    t.dim[0] = n->attr[LANES].i;
    t.rank++;
    t.batch = 0;
    *y = t;
    y->dtype = DT_F32;
    return true;
}

/* The accumulator holds the micro-batches before; in the first one it is
 * stale. */
static void batch_ref(const struct node *n, const struct ref_env *env,
                      const struct tensor *in, struct tensor *out)
{
    int64_t lanes = n->attr[LANES].i, size = type_count(&out->type) / lanes;
    unsigned mask = mask_of(&n->attr[BATCH_AXES].ints, in->type.rank);
    int64_t rows = env->rows * (in->type.dim[0] / env->batch);
    bool carry = n->nin == 2 && env->first;

    memset(out->data, 0, (size_t)(size * lanes) * sizeof(double));
    if (carry)
        memcpy(out->data, in[1].data, (size_t)(size * lanes) * sizeof(double));
    /* Lanes are how a device orders the sum; in double the order does not
     * matter, so all of it goes to the first. */
    sum_into(in, mask, rows, out->data);
}

/* x [N, A, B, C]: samples, then kept, summed, kept dimensions.  Rows beyond
 * the samples (positions moved into the first dimension) are summed like any
 * other: type_one_range sees them as `rest`. */
static void batch_lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    unsigned mask = mask_of(&n->attr[BATCH_AXES].ints, x->rank);
    struct type rest = {.rank = x->rank};
    struct batch_sum_problem p = {.samples = lo->graph->batch,
                                  .x = x->dtype,
                                  .lanes = (int)n->attr[LANES].i,
                                  .accumulate = n->nin == 2};

    memcpy(rest.dim, x->dim, sizeof rest.dim);
    rest.dim[0] = x->dim[0] / lo->graph->batch;
    type_one_range(&rest, rest.dim[0] == 1 ? mask & ~1U : mask, &p.A, &p.B,
                   &p.C);
    lower_call(lo, kernels_batch_sum, &p, n);
}

const struct op op_BatchSum = {
    .name = "BatchSum",
    .doc = "sum over samples, and other dimensions, in lanes",
    .min_in = 1,
    .nin = 2,
    .attr = batch_attrs,
    .infer = batch_infer,
    .ref = batch_ref,
    .lower = batch_lower,
    .axes_follow = true,
    .across_batch = true,
    .inplace = {2},
    .internal = true,
};

/* ---- LaneSum ---- */

/* [lanes, ...] to [...]. */
static bool lane_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);

    *y = *x;
    y->rank = x->rank - 1;
    memmove(y->dim, x->dim + 1, (size_t)y->rank * sizeof *y->dim);
    return true;
}

/* x [lanes, size], y [size]; lanes in their order, as on a device. */
static void lane_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    int64_t size = type_count(&out->type), lanes = in->type.dim[0];

    (void)n, (void)env;
    memset(out->data, 0, (size_t)size * sizeof(double));
    for (int64_t l = 0; l < lanes; l++)
        for (int64_t i = 0; i < size; i++)
            out->data[i] += in->data[l * size + i];
}

/* One lane is the sum already. */
static void lane_lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    struct lane_sum_problem p = {(int)x->dim[0], type_count(&n->type)};

    if (p.lanes == 1)
        lower_view(lo, n);
    else
        lower_call(lo, kernels_lane_sum, &p, n);
}

const struct op op_LaneSum = {
    .name = "LaneSum",
    .doc = "sum of the lanes of a sum over samples, in their order",
    .min_in = 1,
    .nin = 1,
    .infer = lane_infer,
    .ref = lane_ref,
    .lower = lane_lower,
    .internal = true,
};
