/*
 * expand.c: x repeated along dimensions of one element, as broadcasting does.
 *
 * The gradient sums dy over what was repeated.  An element of y is read from x
 * at stride 0 along a repeated dimension, so no copy of x is made in between.
 */
#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/pointwise.h"

enum { SHAPE };

static const struct attr_spec attrs[] = {
    [SHAPE] = {"shape",
               ATTR_INTS,
               {0},
               "broadcast with that of x; 1 keeps a dimension",
               true,
               false},
    {0},
};

/* As ONNX's Expand: shapes broadcast both ways, so a 1 in `shape` keeps x's
 * size.  Samples may not be repeated: their number is the batch's. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);
    const struct ints *shape = &n->attr[SHAPE].ints;
    struct type t = {.dtype = x->dtype, .rank = shape->n};

    if (shape->n > MAX_RANK)
        return reject(g, n, "shape has %d dimensions, at most %d", shape->n,
                      MAX_RANK);
    for (int d = 0; d < shape->n; d++) {
        t.dim[d] = shape->v[d];
        if (t.dim[d] < 1)
            return reject(g, n, "shape has %lld, wanted 1 or more",
                          (long long)t.dim[d]);
    }
    *y = *x;
    if (!type_broadcast(y, &t))
        return reject(g, n, "%s does not broadcast with %s",
                      type_text(g->arena, x), type_text(g->arena, &t));
    if (x->batch && y->dim[y->batch - 1] != x->dim[x->batch - 1])
        return reject(g, n, "%s would repeat the samples",
                      type_text(g->arena, y));
    return true;
}

/* val_sum_to knows which dimensions were repeated from x's shape. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    dx[0] = val_sum_to(g, dy[0], type_of(g, graph_node(g, y)->in[0]));
}

/* Strides of x over y's dimensions; 0 where it is repeated.  Aligned at the
 * last dimension; y's leading ones that x lacks keep the caller's 0. */
static void set_strides(const struct type *y, const struct type *x,
                        int64_t *stride)
{
    int extra = y->rank - x->rank;
    int64_t step = 1;

    for (int d = y->rank - 1; d >= extra; d--) {
        stride[d] = x->dim[d - extra] == 1 ? 0 : step;
        step *= x->dim[d - extra];
    }
}

/* Copied as integers where a float would round, i32 and i64. */
static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]), *y = &n->type;
    struct pointwise_problem p = {.rank = y->rank,
                                  .nin = 1,
                                  .in = {x->dtype},
                                  .out = y->dtype,
                                  .body = "      r = v0;\n"};

    for (int d = 0; d < y->rank; d++)
        p.dim[d] = y->dim[d];
    set_strides(y, x, p.stride[0]);
    p.integer = x->dtype == DT_I32 || x->dtype == DT_I64;
    p.text = ARENA_NEW(lo->arena, char, POINTWISE_TEXT);
    pointwise_collapse(&p);
    lower_call(lo, kernels_pointwise, &p, n);
}

/* x [...] and y of the broadcast shape; every element of y names its one in
 * x. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    (void)n, (void)env;
    for (int64_t i = 0; i < type_count(&out->type); i++)
        out->data[i] = in->data[broadcast_index(&out->type, &in->type, i)];
}

const struct op op_Expand = {
    .name = "Expand",
    .doc = "repeated along dimensions of one element",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .infer = infer,
    .grad = grad,
    .lower = lower,
    .ref = ref,
};
