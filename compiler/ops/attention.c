/*
 * attention.c: softmax(q k^T scale + mask) v for each head.
 *
 * Operands are [N, T, heads * size] or [N, heads, T, size].  What runs is
 * FusedAttention (fused_attention.c).  The plain form is a product, a softmax
 * and a product, and the matrix of weights, [N, heads, T, S], is a value that
 * training keeps: for comparison, and for the gradient of a mask that trains,
 * which is of that size anyway.
 *
 * Vaswani et al., "Attention Is All You Need" (2017).
 *
 * Letters: N samples, T queries, S keys, d channels of q and k, e of v; `size`
 * is what a head has of d or e.  With P = softmax(q k^T scale), gradients are
 * dv = P^T dy and, through the softmax, dq and dk; the plain form gets them
 * from its products and its softmax, the fused one has its own.
 */
#include <math.h>

#include "compiler/ops/attention.h"

const struct attr_spec attention_attrs[] = {
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
    [PLAIN] = {"plain",
               ATTR_BOOL,
               {0},
               "keep the weights, [N, heads, T, S], as a value",
               false,
               false},
    {0},
};

/* What v and k must have in common with q: all but the dimension `free`. t and
 * u are of one rank. */
static bool same_but(const struct type *t, const struct type *u, int free)
{
    for (int d = 0; d < t->rank; d++)
        if (d != free && t->dim[d] != u->dim[d])
            return false;
    return true;
}

/* q [N, T, d], k [N, S, d], v [N, S, e], or the same with heads after N. The
 * axis of samples must stand before that of positions: attention mixes
 * positions and must not mix samples. */
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

/* The weights' type: [N, heads, T, S]. */
struct type attention_weights_type(const struct type *q, const struct type *k,
                                   int64_t heads)
{
    int last = q->rank - 1;

    return (struct type){
        .dtype = q->dtype,
        .rank = 4,
        .dim = {q->dim[0], heads, q->dim[last - 1], k->dim[last - 1]},
        .batch = q->batch};
}

/* The mask may only broadcast to the weights, never widen them: [T, S], [N, 1,
 * 1, S] and the like fit. */
static bool mask_fits(struct graph *g, val mask, const struct type *weights)
{
    const struct type *m = type_of(g, mask);
    struct type both = *weights;

    if (m->dtype != DT_BOOL && !dtype_is_float(m->dtype))
        return reject_here(g, "the mask is %s, wanted bool or a float",
                           dtype_name(m->dtype));
    if (!type_broadcast(&both, m) || !type_equal(&both, weights))
        return reject_here(g, "the mask %s does not broadcast to %s",
                           type_text(g->arena, m),
                           type_text(g->arena, weights));
    return true;
}

/* ---- the plain form ---- */

/* [N, T, heads * size] to [N, heads, T, size].  The reshape is a view; the
 * transpose puts a head's rows behind each other, so that the product sees N *
 * heads matrices [T, size]. */
val attention_heads(struct graph *g, val x, int64_t heads)
{
    struct type t = *type_of(g, x);
    const int64_t dim[] = {t.dim[0], t.dim[1], heads, t.dim[2] / heads};

    if (t.rank == 4)
        return x;
    return val_transpose(g, val_reshape(g, x, dim, 4, t.batch),
                         (const int[]){0, 2, 1, 3});
}

/* [N, heads, T, size] to [N, T, heads * size], the inverse of
 * attention_heads. */
static val join(struct graph *g, val x)
{
    val y = val_transpose(g, x, (const int[]){0, 2, 1, 3});
    struct type t = *type_of(g, y);
    const int64_t dim[] = {t.dim[0], t.dim[1], t.dim[2] * t.dim[3]};

    return val_reshape(g, y, dim, 3, t.batch);
}

/* The batched matrix product a b, or a b^T, over the last two dimensions. */
static val product(struct graph *g, val a, val b, bool trans_b)
{
    const union attr trans[] = {{.i = 0}, {.i = trans_b}};

    return graph_add(g, &op_Product, (val[]){a, b}, 2, trans);
}

/* A mask of bool says what takes part; one of floats is added.  Minus infinity
 * becomes a weight of exactly 0. */
static val masked(struct graph *g, val score, val mask)
{
    if (!mask.id || !score.id)
        return score;
    if (type_of(g, mask)->dtype != DT_BOOL)
        return val_add(g, score, mask);
    return graph_add(g, &op_Where,
                     (val[]){mask, score, val_scalar(g, -INFINITY)}, 3, NULL);
}

/* softmax(q k^T scale + mask).  The scale goes to q, which has T * d elements,
 * and not to the scores, which have T * S. */
val attention_weights(struct graph *g, const val *in, val mask,
                      const union attr *attr)
{
    union attr soft[] = {{.i = -1}, {.i = attr[CAUSAL].i}}; /* axis, causal */
    val q = val_mul(g, attention_heads(g, in[Q], attr[HEADS].i),
                    val_scalar(g, attr[SCALE].f));
    val score = product(g, q, attention_heads(g, in[K], attr[HEADS].i), true);

    score = masked(g, score, mask);
    return graph_add(g, &op_Softmax, &score, 1, soft);
}

static val plain(struct graph *g, const val *in, val mask,
                 const union attr *attr)
{
    val y = product(g, attention_weights(g, in, mask, attr),
                    attention_heads(g, in[V], attr[HEADS].i), false);

    return type_of(g, in[Q])->rank == 3 && y.id ? join(g, y) : y;
}

/* ---- Attention ---- */

/*
 * Resolves what the attributes leave open: heads of operands of rank 4 are
 * their second dimension, and a scale of 0 is 1 / sqrt(size), which keeps the
 * variance of a score at that of one product (3.2.1 of the paper).  The second
 * result of FusedAttention is for its gradient only.
 */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    val mask = nin > MASK ? in[MASK] : (val){0};
    union attr own[] = {attr[HEADS], attr[CAUSAL], attr[SCALE], attr[PLAIN]};
    struct type q, w;

    if (!shapes_fit(g, in, attr))
        return false;
    q = *type_of(g, in[Q]);
    if (q.rank == 4)
        own[HEADS].i = q.dim[1];
    if (own[SCALE].f == 0)
        own[SCALE].f = 1 / sqrt((double)q.dim[q.rank - 1] /
                                (q.rank == 3 ? (double)own[HEADS].i : 1));
    w = attention_weights_type(&q, type_of(g, in[K]), own[HEADS].i);
    if (mask.id && !mask_fits(g, mask, &w))
        return false;
    if (own[PLAIN].i)
        y[0] = plain(g, in, mask, own);
    else
        y[0] = graph_result(g,
                            graph_add(g, &op_FusedAttention, in,
                                      mask.id ? OPERANDS : MASK, own),
                            0);
    return y[0].id != 0;
}

static const char *const names[] = {"q", "k", "v", "mask", NULL};

const struct op op_Attention = {
    .name = "Attention",
    .doc = "softmax(q k^T scale + mask) v for each head: q [N, T, d], "
           "k and v [N, S, d], or [N, heads, T, size]",
    .min_in = 3,
    .nin = OPERANDS,
    .attr = attention_attrs,
    .in_name = names,
    .types = "f32 f16",
    .build = build,
};
