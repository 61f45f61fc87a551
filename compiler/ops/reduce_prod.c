/* reduce_prod.c: products over dimensions of a sample. */
#include "compiler/lower.h"
#include "compiler/ops/reduction.h"
#include "kernels/reduce.h"

static const struct attr_spec attrs[] = {REDUCTION_ATTRS, {0}};

/* Dimensions apart are moved together first, see reduction_of_range. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    (void)nin;
    return reduction_of_range(g, &op_ReduceProd, in[0], attr, y);
}

/* x with the dimensions of mask, which stand together, as one.  Returns its
 * place in y. */
static int joined(const struct type *x, unsigned mask, struct type *y)
{
    int axis = -1;

    *y = (struct type){.dtype = x->dtype};
    for (int d = 0; d < x->rank; d++) {
        bool gone = mask >> d & 1;

        if (gone && axis >= 0) {
            y->dim[axis] *= x->dim[d];
            continue;
        }
        if (gone)
            axis = y->rank;
        if (x->batch == d + 1)
            y->batch = y->rank + 1;
        y->dim[y->rank++] = x->dim[d];
    }
    return axis;
}

/* Products of those before x, or behind it.  A cumulative product that is
 * exclusive, from the front or, behind, from the end. */
static val others(struct graph *g, val x, int axis, bool behind)
{
    union attr attr[] = {{.i = axis}, {.i = 1}, {.i = behind}};

    return graph_add(g, &op_CumProd, &x, 1, attr);
}

/* dx = dy times the product of all others: no division, so a zero may be among
 * them.  The product of those before times that of those behind: two scans,
 * where pairwise products would be len^2. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    struct type t = *type_of(g, n->in[0]), one;
    int axis = joined(&t, reduction_bits(&n->attr[REDUCTION_AXES].ints, t.rank),
                      &one);
    val x = val_reshape(g, n->in[0], one.dim, one.rank, one.batch), d;

    x = val_mul(g, others(g, x, axis, false), others(g, x, axis, true));
    one.dim[axis] = 1;
    d = val_reshape(g, dy[0], one.dim, one.rank, one.batch);
    dx[0] = val_reshape(g, val_mul(g, x, d), t.dim, t.rank, t.batch);
}

/* x in any shape; y without the axes, from 1 on. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const struct type *x = &in->type;
    unsigned mask = reduction_bits(&n->attr[REDUCTION_AXES].ints, x->rank);

    (void)env;
    for (int64_t i = 0; i < type_count(&out->type); i++)
        out->data[i] = 1;
    for (int64_t i = 0; i < type_count(x); i++)
        out->data[reduction_index(x, mask, i)] *= in->data[i];
}

static void lower(struct lower *lo, const struct node *n)
{
    reduction_lower(lo, n, REDUCE_PRODUCT);
}

const struct op op_ReduceProd = {
    .name = "ReduceProd",
    .doc = "product over dimensions",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32",
    .infer = reduction_infer,
    .build = build,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .axes_follow = true,
};
