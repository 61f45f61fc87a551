/* op.c: the table of ops, and builders for gradients, layers, optimizers. */
#include "compiler/op.h"

#include <string.h>

static const struct op *const all[] = {
#define OP(name) &op_##name,
#include "compiler/ops/ops.def"
#undef OP
    NULL,
};

const struct op *op_at(unsigned index)
{
    return index < sizeof all / sizeof all[0] ? all[index] : NULL;
}

const struct op *op_find(const char *name)
{
    for (int i = 0; all[i]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

int op_attrs(const struct op *op)
{
    int n = 0;

    while (op->attr && op->attr[n].name)
        n++;
    return n;
}

int op_attr(const struct op *op, const char *name)
{
    for (int i = 0; op->attr && op->attr[i].name; i++)
        if (strcmp(op->attr[i].name, name) == 0)
            return i;
    return -1;
}

struct ints ints_copy(struct graph *g, const int64_t *v, int n)
{
    int64_t *own = ARENA_NEW(g->arena, int64_t, (size_t)n + 1);

    if (n)
        memcpy(own, v, (size_t)n * sizeof *v);
    return (struct ints){n, own};
}

static val binary(struct graph *g, const struct op *op, val a, val b)
{
    return graph_add(g, op, (val[]){a, b}, 2, NULL);
}

val val_add(struct graph *g, val a, val b)
{
    return binary(g, &op_Add, a, b);
}

val val_sub(struct graph *g, val a, val b)
{
    return binary(g, &op_Sub, a, b);
}

val val_mul(struct graph *g, val a, val b)
{
    return binary(g, &op_Mul, a, b);
}

val val_div(struct graph *g, val a, val b)
{
    return binary(g, &op_Div, a, b);
}

val val_neg(struct graph *g, val a)
{
    return graph_add(g, &op_Neg, &a, 1, NULL);
}

val val_scalar(struct graph *g, double x)
{
    struct type t = {.dtype = DT_F32};

    return graph_constant(g, &t, &x);
}

val val_fill(struct graph *g, const struct type *t, double value)
{
    union attr attr[4] = {{.f = value},
                          {.ints = ints_copy(g, t->dim, t->rank)},
                          {.i = t->dtype},
                          {.i = t->batch}};

    return graph_add(g, &op_Fill, NULL, 0, attr);
}

val val_random(struct graph *g, const struct type *t, bool normal, double a,
               double b, const char *key_path)
{
    union attr attr[5] = {{.i = normal},
                          {.f = a},
                          {.f = b},
                          {.ints = ints_copy(g, t->dim, t->rank)},
                          {.s = arena_string(g->arena, key_path)}};

    return graph_add(g, &op_Random, NULL, 0, attr);
}

val val_reduce_sum(struct graph *g, val x, struct ints axes, bool keepdims)
{
    union attr attr[2] = {{.ints = axes}, {.i = keepdims}};

    val y = {0};

    if (x.id)
        op_ReduceSum.build(g, &x, 1, attr, &y);
    return y;
}

val val_reshape(struct graph *g, val x, const int64_t *dim, int rank, int batch)
{
    union attr attr[2] = {{.ints = ints_copy(g, dim, rank)}, {.i = batch}};

    return graph_add(g, &op_View, &x, 1, attr);
}

val val_transpose(struct graph *g, val x, const int *perm)
{
    int64_t p[MAX_RANK];
    int rank = type_of(g, x)->rank;
    union attr attr[1];

    for (int i = 0; i < rank; i++)
        p[i] = perm[i];
    attr[0].ints = ints_copy(g, p, rank);
    return graph_add(g, &op_Transpose, &x, 1, attr);
}

/* Axes of x that a broadcast from shape made or widened. */
static int widened_axes(const struct type *x, const struct type *shape,
                        int64_t *axis)
{
    int n = 0, extra = x->rank - shape->rank;

    for (int d = 0; d < x->rank; d++)
        if (d < extra || (shape->dim[d - extra] == 1 && x->dim[d] != 1))
            axis[n++] = d;
    return n;
}

static int64_t elements_without(const struct type *x, const int64_t *axis,
                                int n)
{
    int64_t count = type_count(x);

    for (int i = 0; i < n; i++)
        if (x->dim[axis[i]])
            count /= x->dim[axis[i]];
    return count;
}

/* BatchSum takes samples and one run of neighbouring dimensions: where there are
 * more, all but the samples are summed first. */
static val sum_scattered(struct graph *g, val x, const int64_t *axis, int n)
{
    struct type rest = *type_of(g, x);
    int64_t outer, len, inner, other[MAX_RANK];
    unsigned mask = 0;
    int k = 0;

    for (int i = 0; i < n; i++)
        if (axis[i])
            mask |= 1U << (other[k++] = axis[i]);
    rest.dim[0] = 1;
    if (type_one_range(&rest, mask, &outer, &len, &inner))
        return x;
    return val_reduce_sum(g, x, ints_copy(g, other, k), true);
}

/* The gradient of a broadcast: what was spread is summed.  Across samples it is
 * a sum that can be cut (batch_sum), else one inside the sample. */
val val_sum_to(struct graph *g, val x, const struct type *shape)
{
    const struct type *t = type_of(g, x);
    int64_t axis[MAX_RANK];
    int n;
    bool across = false;
    val y;

    if (!x.id)
        return x;
    n = widened_axes(t, shape, axis);
    for (int i = 0; i < n; i++)
        across |= t->batch == axis[i] + 1;
    if (!n && type_equal(t, shape))
        return x;
    if (across) {
        union attr attr[2] = {{.i = 1}, {.ints = ints_copy(g, axis, n)}};
        int64_t elements = elements_without(t, axis, n);

        x = sum_scattered(g, x, axis, n);
        y = x.id ? batch_sum(g, &op_BatchSum, &x, 1, attr, elements) : x;
    } else {
        y = val_reduce_sum(g, x, ints_copy(g, axis, n), false);
    }
    return y.id ? val_reshape(g, y, shape->dim, shape->rank, shape->batch) : y;
}

/*
 * Lanes of a sum over samples: enough that lanes x elements is about 4096
 * independent chains, and never more than 32, so that a GPU or several cores
 * have work.  They belong to the problem: the effective batch and the number of
 * elements, and so are the same however the batch is cut.
 */
static int64_t lanes_for(const struct graph *g, int64_t elements)
{
    int64_t lanes = 1;

    while (lanes < 32 && 2 * lanes <= g->effective && lanes * elements < 4096)
        lanes *= 2;
    return lanes;
}

/* What type will the lanes have?  The node goes into a copy of the graph's
 * header, whose length is then forgotten, so g stays as it was. */
static val accumulator(struct graph *g, const struct op *op, const val *in,
                       int nin, const union attr *attr)
{
    struct leaf leaf = {.kind = PLAN_ACCUMULATOR};
    struct graph probe = *g;
    val plain = graph_add(&probe, op, in, nin, attr);

    if (!plain.id)
        return graph_add(g, op, in, nin, attr); /* refused: say so in g */
    leaf.name = arena_format(g->arena, "accumulator.%d", g->nassign);
    return graph_leaf(g, type_of(&probe, plain), &leaf);
}

/* The chain over samples: lanes(micro-batch k) starts from lanes(k - 1), which
 * the accumulator holds, so that cutting the batch changes no addition. */
val batch_sum(struct graph *g, const struct op *op, const val *in, int nin,
              union attr *attr, int64_t elements)
{
    const unsigned both = 1U << SEQ_ACCUMULATE | 1U << SEQ_STEP;
    val operand[8], lanes;

    attr[0].i = lanes_for(g, elements);
    for (int i = 0; i < nin; i++)
        operand[i] = in[i];
    if (g->batch == g->effective) {
        lanes = graph_add(g, op, operand, nin, attr);
    } else {
        operand[nin] = accumulator(g, op, in, nin, attr);
        lanes = graph_add(g, op, operand, nin + 1, attr);
        graph_assign(g, both, operand[nin], lanes);
    }
    return graph_add(g, &op_LaneSum, &lanes, 1, NULL);
}
