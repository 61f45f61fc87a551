/*
 * blend.c: what Gather and Resize become: along one axis, each index of the
 * result is a sum of some indices of x.
 *
 * The tables are constants, known when gradients are made.  Seen as a sparse
 * matrix, the gradient is the same with the matrix turned: again each element
 * gathers its terms, and nothing is scattered.
 *
 * With y = A x along the axis, dx = A^T dy.
 */
#include "compiler/ops/blend.h"

#include "compiler/lower.h"
#include "kernels/blend.h"

enum { AXIS };
enum { X, START, INDEX, WEIGHT }; /* tables: see struct blend */

static const struct attr_spec attrs[] = {
    [AXIS] = {"axis", ATTR_INT, {0}, "along which", true, true},
    {0},
};

/* x [outer, in, inner] to y [outer, out, inner]; start has out + 1 numbers. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[X]);
    int64_t axis = n->attr[AXIS].i;

    if (!dtype_is_float(x->dtype))
        return reject(g, n, "input is %s, not a float", dtype_name(x->dtype));
    if (x->batch == axis + 1)
        return reject(g, n,
                      "axis %lld counts the samples of the batch, which stay "
                      "apart",
                      (long long)axis);
    *y = *x;
    y->dim[axis] = type_of(g, n->in[START])->dim[0] - 1;
    return true;
}

/* Terms are added in the order of the table; kernels keep to it, so that a
 * gradient's bits do not depend on how rows are spread over work-items. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const struct rows x = rows_along(&in[X].type, (int)n->attr[AXIS].i);
    const struct rows y = rows_along(&out->type, (int)n->attr[AXIS].i);
    int64_t count = type_count(&out->type);

    (void)env;
    for (int64_t i = 0; i < count; i++) {
        int64_t outer = i / y.inner / y.len, j = i / y.inner % y.len;
        double sum = 0;

        for (int64_t e = (int64_t)in[START].data[j];
             e < (int64_t)in[START].data[j + 1]; e++) {
            int64_t from = outer * x.len + (int64_t)in[INDEX].data[e];

            sum += (n->nin > WEIGHT ? in[WEIGHT].data[e] : 1) *
                   in[X].data[from * x.inner + i % y.inner];
        }
        out->data[i] = sum;
    }
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[X]);
    const struct rows r = rows_along(x, (int)n->attr[AXIS].i);
    struct blend_problem p = {
        .outer = r.outer,
        .in = r.len,
        .out = n->type.dim[n->attr[AXIS].i],
        .inner = r.inner,
        .terms = type_count(type_of(lo->graph, n->in[INDEX])),
        .dtype = x->dtype,
        .weighted = n->nin > WEIGHT};

    lower_call(lo, kernels_blend, &p, n);
}

/* The matrix turned: `in` rows; each has its terms in the order of the old.  A
 * counting sort: count each row's terms, sum the counts to starts, then place
 * the terms while each start runs forward. */
static struct blend turned(struct graph *g, const struct blend *b, int64_t in)
{
    int64_t terms = (int64_t)b->start[b->out];
    size_t size = (size_t)terms;
    struct blend t = {.out = in};
    int64_t at = 0;

    t.start = ARENA_NEW(g->arena, double, (size_t)in + 1);
    t.index = ARENA_NEW(g->arena, double, size);
    t.weight = b->weight ? ARENA_NEW(g->arena, double, size) : NULL;
    for (int64_t e = 0; e < terms; e++)
        t.start[(int64_t)b->index[e] + 1]++;
    for (int64_t i = 0; i < in; i++)
        t.start[i + 1] += t.start[i];
    /* start[i] runs through row i, and ends where row i + 1 began. */
    for (int64_t j = 0; j < b->out; j++)
        for (; at < (int64_t)b->start[j + 1]; at++) {
            int64_t to = (int64_t)t.start[(int64_t)b->index[at]]++;

            t.index[to] = (double)j;
            if (b->weight && t.weight)
                t.weight[to] = b->weight[at];
        }
    for (int64_t i = in; i > 0; i--)
        t.start[i] = t.start[i - 1];
    t.start[0] = 0;
    return t;
}

/* Tables are constants from val_blend on, so a gradient can read them. */
static double *table(struct graph *g, val constant)
{
    return graph_node(g, constant)->leaf->constant->data;
}

/* dx = A^T dy; A^T is made while compiling and is a constant of the plan. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    int axis = (int)n->attr[AXIS].i;
    const struct blend b = {.out = n->type.dim[axis],
                            .start = table(g, n->in[START]),
                            .index = table(g, n->in[INDEX]),
                            .weight = n->nin > WEIGHT ? table(g, n->in[WEIGHT])
                                                      : NULL};
    struct blend t = turned(g, &b, type_of(g, n->in[X])->dim[axis]);

    dx[X] = val_blend(g, dy[0], axis, &t);
}

val val_blend(struct graph *g, val x, int axis, const struct blend *b)
{
    struct type start = {.dtype = DT_I32, .rank = 1, .dim = {b->out + 1}};
    struct type index = {
        .dtype = DT_I32, .rank = 1, .dim = {(int64_t)b->start[b->out]}};
    struct type weight = index;
    union attr attr[] = {[AXIS] = {.i = axis}};
    val in[4] = {x, graph_constant(g, &start, b->start),
                 graph_constant(g, &index, b->index)};

    weight.dtype = DT_F32;
    if (b->weight)
        in[WEIGHT] = graph_constant(g, &weight, b->weight);
    return graph_add(g, &op_Blend, in, b->weight ? 4 : 3, attr);
}

const struct op op_Blend = {
    .name = "Blend",
    .doc = "sums of some indices along an axis",
    .min_in = 3,
    .nin = 4,
    .attr = attrs,
    .infer = infer,
    .grad = grad,
    .lower = lower,
    .ref = ref,
    .axis_follows = true,
    .internal = true,
};
