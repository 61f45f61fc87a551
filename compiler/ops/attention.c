/*
 * attention.c: softmax(q k^T scale + mask) v for each head, in plain form: the
 * matrix of weights, [N, heads, T, S], is a value, and training keeps it.
 *
 * Operands of rank 3, [N, T, heads * size], are split into heads and the result
 * joined again.  Causal rows leave columns out inside the softmax, so that no
 * mask takes memory.
 *
 * Vaswani et al., "Attention Is All You Need" (2017).
 */
#include <math.h>

#include "compiler/op.h"

enum { HEADS, CAUSAL, SCALE };
enum { Q, K, V, MASK, OPERANDS };

static const struct attr_spec attrs[] = {
    [HEADS] = {"heads",
               ATTR_INT,
               {.i = 1},
               "parts of the last dimension, for operands of rank 3",
               false,
               false},
    [CAUSAL] = {"causal",
                ATTR_BOOL,
                {0},
                "position i sees the positions 0..i only",
                false,
                false},
    [SCALE] = {"scale",
               ATTR_FLOAT,
               {.f = 0},
               "of the products; 0: 1 / sqrt(size of a head)",
               false,
               false},
    {0},
};

/* What v and k must have in common with q: all but the dimension `free`. */
static bool same_but(const struct type *t, const struct type *u, int free)
{
    for (int d = 0; d < t->rank; d++)
        if (d != free && t->dim[d] != u->dim[d])
            return false;
    return true;
}

static bool shapes_fit(struct graph *g, const val *in, const union attr *attr)
{
    const struct type *q = type_of(g, in[Q]), *k = type_of(g, in[K]);
    const struct type *v = type_of(g, in[V]);
    int64_t heads = attr[HEADS].i;
    int last = q->rank - 1;

    if ((q->rank != 3 && q->rank != 4) || k->rank != q->rank ||
        v->rank != q->rank || !same_but(q, k, last - 1) ||
        !same_but(k, v, last))
        return reject_here(g,
                           "q, k and v are %s, %s and %s, wanted [N,T,d], "
                           "[N,S,d] and [N,S,e], or heads as a dimension after "
                           "N",
                           type_text(g->arena, q), type_text(g->arena, k),
                           type_text(g->arena, v));
    if (q->batch > last - 1 || k->batch != q->batch || v->batch != q->batch)
        return reject_here(g, "q, k and v do not have the same samples first");
    if (heads < 1 || (q->rank == 4 && heads != 1 && heads != q->dim[1]))
        return reject_here(g, "heads is %lld for operands %s", (long long)heads,
                           type_text(g->arena, q));
    if (q->rank == 3 && (q->dim[2] % heads || v->dim[2] % heads))
        return reject_here(g, "heads is %lld for %lld and %lld channels",
                           (long long)heads, (long long)q->dim[2],
                           (long long)v->dim[2]);
    return true;
}

/* [N, T, heads * size] to [N, heads, T, size] */
static val split(struct graph *g, val x, int64_t heads)
{
    struct type t = *type_of(g, x);
    const int64_t dim[] = {t.dim[0], t.dim[1], heads, t.dim[2] / heads};

    return val_transpose(g, val_reshape(g, x, dim, 4, t.batch),
                         (const int[]){0, 2, 1, 3});
}

static val join(struct graph *g, val x)
{
    val y = val_transpose(g, x, (const int[]){0, 2, 1, 3});
    struct type t = *type_of(g, y);
    const int64_t dim[] = {t.dim[0], t.dim[1], t.dim[2] * t.dim[3]};

    return val_reshape(g, y, dim, 3, t.batch);
}

/* A mask of bool says what takes part; one of floats is added. */
static val masked(struct graph *g, val score, val mask)
{
    const struct type before = *type_of(g, score);
    val y;

    if (!mask.id || !score.id)
        return score;
    if (type_of(g, mask)->dtype == DT_BOOL)
        y = graph_add(g, &op_Where,
                      (val[]){mask, score, val_scalar(g, -INFINITY)}, 3, NULL);
    else
        y = val_add(g, score, mask);
    if (y.id && !type_equal(type_of(g, y), &before)) {
        reject_here(g, "the mask %s does not broadcast to %s",
                    type_text(g->arena, type_of(g, mask)),
                    type_text(g->arena, &before));
        return (val){0};
    }
    return y;
}

static val product(struct graph *g, val a, val b, bool trans_b)
{
    const union attr trans[] = {{.i = 0}, {.i = trans_b}};

    return graph_add(g, &op_Product, (val[]){a, b}, 2, trans);
}

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    int rank = type_of(g, in[Q])->rank;
    union attr soft[] = {{.i = -1}, {.i = attr[CAUSAL].i}};
    double scale = attr[SCALE].f;
    val x[3], weight;

    if (!shapes_fit(g, in, attr))
        return false;
    for (int k = Q; k <= V; k++)
        x[k] = rank == 3 ? split(g, in[k], attr[HEADS].i) : in[k];
    if (scale == 0)
        scale = 1 / sqrt((double)type_of(g, x[Q])->dim[3]);
    x[Q] = val_mul(g, x[Q], val_scalar(g, scale));
    weight = masked(g, product(g, x[Q], x[K], true),
                    nin > MASK ? in[MASK] : (val){0});
    weight = graph_add(g, &op_Softmax, &weight, 1, soft);
    y[0] = product(g, weight, x[V], false);
    if (rank == 3 && y[0].id)
        y[0] = join(g, y[0]);
    return y[0].id != 0;
}

static const char *const names[] = {"q", "k", "v", "mask", NULL};

const struct op op_Attention = {
    .name = "Attention",
    .doc = "softmax(q k^T scale + mask) v for each head: q [N, T, d], "
           "k and v [N, S, d], or [N, heads, T, size]",
    .min_in = 3,
    .nin = OPERANDS,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16",
    .build = build,
};
