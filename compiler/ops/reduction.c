/* reduction.c: see reduction.h. */
#include "compiler/ops/reduction.h"

#include "compiler/lower.h"

/* reject_here and not reject: these checks also serve builders, which have no
 * node. */
bool reduction_mask(struct graph *g, const struct type *x,
                    const struct ints *axes, unsigned *mask)
{
    if (!dtype_is_float(x->dtype))
        return reject_here(g, "input is %s, not a float", dtype_name(x->dtype));
    for (int i = 0; i < axes->n; i++)
        if (axes->v[i] < -x->rank || axes->v[i] >= x->rank)
            return reject_here(g, "axis %lld of a rank %d input",
                               (long long)axes->v[i], x->rank);
    *mask = reduction_bits(axes, x->rank);
    if (x->batch && *mask >> (x->batch - 1) & 1)
        return reject_here(g,
                           "axis %d counts the samples of the batch: over "
                           "those, only losses, metrics and batch norm go; "
                           "name other axes",
                           x->batch - 1);
    return true;
}

/* Axes below 0 count from the end. */
unsigned reduction_bits(const struct ints *axes, int rank)
{
    unsigned mask = axes->n ? 0 : (1U << rank) - 1;

    for (int i = 0; i < axes->n; i++)
        mask |= 1U << (axes->v[i] < 0 ? axes->v[i] + rank : axes->v[i]);
    return mask;
}

struct ints reduction_axes(struct graph *g, unsigned mask)
{
    int64_t axis[MAX_RANK];
    int n = 0;

    for (int d = 0; d < MAX_RANK; d++)
        if (mask >> d & 1)
            axis[n++] = d;
    return ints_copy(g, axis, n);
}

void reduction_type(const struct type *x, unsigned mask, bool keep,
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

/* Takes i apart from the last dimension on and puts the kept indices
 * together. */
int64_t reduction_index(const struct type *x, unsigned mask, int64_t i)
{
    int64_t at = 0, step = 1;

    for (int d = x->rank - 1; d >= 0; d--) {
        if (!(mask >> d & 1)) {
            at += i % x->dim[d] * step;
            step *= x->dim[d];
        }
        i /= x->dim[d];
    }
    return at;
}

val reduction_spread(struct graph *g, val d, const struct type *x,
                     unsigned mask)
{
    struct type kept;

    reduction_type(x, mask, true, &kept);
    return val_reshape(g, d, kept.dim, kept.rank, kept.batch);
}

/* Checked again here, for nodes that passes copy. */
bool reduction_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);
    unsigned mask;

    if (!reduction_mask(g, x, &n->attr[REDUCTION_AXES].ints, &mask))
        return false;
    reduction_type(x, mask, n->attr[REDUCTION_KEEPDIMS].i, y);
    return true;
}

/* The dimensions of mask behind the others, which keep their order.  The mask
 * then has the highest bits. */
static val moved_last(struct graph *g, val x, unsigned *mask)
{
    int rank = type_of(g, x)->rank, perm[MAX_RANK], n = 0, kept;

    for (int d = 0; d < rank; d++)
        if (!(*mask >> d & 1))
            perm[n++] = d;
    kept = n;
    for (int d = 0; d < rank; d++)
        if (*mask >> d & 1)
            perm[n++] = d;
    *mask = (1U << rank) - (1U << kept);
    return val_transpose(g, x, perm);
}

/* No axes at all leave x as it is.  The reshape at the end brings back
 * dimensions of 1 where they are kept. */
bool reduction_of_range(struct graph *g, const struct op *op, val x,
                        const union attr *attr, val *y)
{
    union attr own[] = {[REDUCTION_KEEPDIMS] = {.i = 0}};
    int64_t outer, len, inner;
    unsigned mask;
    struct type t;

    if (!reduction_mask(g, type_of(g, x), &attr[REDUCTION_AXES].ints, &mask))
        return false;
    reduction_type(type_of(g, x), mask, attr[REDUCTION_KEEPDIMS].i, &t);
    if (!type_one_range(type_of(g, x), mask, &outer, &len, &inner))
        x = moved_last(g, x, &mask);
    own[REDUCTION_AXES].ints = reduction_axes(g, mask);
    if (mask && x.id)
        x = graph_add(g, op, &x, 1, own);
    y[0] = x.id ? val_reshape(g, x, t.dim, t.rank, t.batch) : x;
    return y[0].id != 0;
}

/* reduction_of_range has seen to it that the axes stand together. */
void reduction_lower(struct lower *lo, const struct node *n,
                     enum reduce_kind kind)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    struct reduce_problem p = {.kind = kind, .x = x->dtype, .y = n->type.dtype};

    type_one_range(x, reduction_bits(&n->attr[REDUCTION_AXES].ints, x->rank),
                   &p.outer, &p.len, &p.inner);
    lower_call(lo, kernels_reduce, &p, n);
}
