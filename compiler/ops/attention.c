/*
 * attention.c: softmax(q k^T scale + mask) v for each head.
 *
 * Operands are [N, T, heads * size], whose heads kernels find by strides, or
 * [N, heads, T, size].  FusedAttention keeps its result and one number for each
 * row of weights, the logarithm of its sum of exponentials; the gradient
 * computes the weights again.  So memory grows with T, not with T^2.
 *
 * The plain form is a product, a softmax and a product, and the matrix of
 * weights, [N, heads, T, S], is a value that training keeps: for comparison, and
 * for the gradient of a mask that trains, which is of that size anyway.
 *
 * Vaswani et al., "Attention Is All You Need" (2017); Rabe and Staats,
 * "Self-attention Does Not Need O(n^2) Memory" (2021); Dao et al.,
 * "FlashAttention" (2022).
 */
#include <math.h>
#include <string.h>

#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/attention.h"

enum { HEADS, CAUSAL, SCALE, PLAIN };
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
    [PLAIN] = {"plain",
               ATTR_BOOL,
               {0},
               "keep the weights, [N, heads, T, S], as a value",
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

/* The weights' type: [N, heads, T, S]. */
static struct type weights_type(const struct type *q, const struct type *k,
                                int64_t heads)
{
    int last = q->rank - 1;

    return (struct type){
        .dtype = q->dtype,
        .rank = 4,
        .dim = {q->dim[0], heads, q->dim[last - 1], k->dim[last - 1]},
        .batch = q->batch};
}

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

/* [N, T, heads * size] to [N, heads, T, size] */
static val split(struct graph *g, val x, int64_t heads)
{
    struct type t = *type_of(g, x);
    const int64_t dim[] = {t.dim[0], t.dim[1], heads, t.dim[2] / heads};

    if (t.rank == 4)
        return x;
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

static val product(struct graph *g, val a, val b, bool trans_b)
{
    const union attr trans[] = {{.i = 0}, {.i = trans_b}};

    return graph_add(g, &op_Product, (val[]){a, b}, 2, trans);
}

/* A mask of bool says what takes part; one of floats is added. */
static val masked(struct graph *g, val score, val mask)
{
    if (!mask.id || !score.id)
        return score;
    if (type_of(g, mask)->dtype != DT_BOOL)
        return val_add(g, score, mask);
    return graph_add(g, &op_Where,
                     (val[]){mask, score, val_scalar(g, -INFINITY)}, 3, NULL);
}

/* softmax(q k^T scale + mask) */
static val weights(struct graph *g, const val *in, val mask,
                   const union attr *attr)
{
    union attr soft[] = {{.i = -1}, {.i = attr[CAUSAL].i}};
    val q = val_mul(g, split(g, in[Q], attr[HEADS].i),
                    val_scalar(g, attr[SCALE].f));
    val score = product(g, q, split(g, in[K], attr[HEADS].i), true);

    score = masked(g, score, mask);
    return graph_add(g, &op_Softmax, &score, 1, soft);
}

static val plain(struct graph *g, const val *in, val mask,
                 const union attr *attr)
{
    val y = product(g, weights(g, in, mask, attr),
                    split(g, in[V], attr[HEADS].i), false);

    return type_of(g, in[Q])->rank == 3 && y.id ? join(g, y) : y;
}

/* ---- Attention ---- */

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
    w = weights_type(&q, type_of(g, in[K]), own[HEADS].i);
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
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16",
    .build = build,
};

/* ---- FusedAttention ---- */

enum { Y, LSE };
enum { OF_Y = MASK, OF_LSE, OF_DY, OF_MASK, GRAD_OPERANDS };

static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *q = type_of(g, n->in[Q]), *v = type_of(g, n->in[V]);
    int last = q->rank - 1;

    y[Y] = *q;
    y[Y].dim[last] = v->dim[last];
    y[LSE] = weights_type(q, type_of(g, n->in[K]), n->attr[HEADS].i);
    y[LSE].dtype = DT_F32;
    y[LSE].rank = 3;
    return true;
}

/* Does a value depend on a parameter that trains? */
static bool trains(struct graph *g, val v)
{
    bool *on = ARENA_NEW(g->arena, bool, (size_t)v.id + 1);

    on[v.id] = true;
    for (int id = v.id; id > 0; id--) {
        const struct node *n = g->node[id];

        if (!on[id])
            continue;
        if (n->leaf && n->leaf->kind == PLAN_PARAMETER && !n->leaf->frozen)
            return true;
        for (int k = 0; k < n->nin; k++)
            on[n->in[k].id] = true;
    }
    return false;
}

/* The gradient of the scores, in plain form, summed to the mask's shape. */
static val mask_grad(struct graph *g, const struct node *n, val dy)
{
    int64_t heads = n->attr[HEADS].i;
    val w = weights(g, n->in, n->in[MASK], n->attr), dscore = {0};
    val dw = product(g, split(g, dy, heads), split(g, n->in[V], heads), true);

    if (!w.id || !dw.id)
        return dscore;
    op_Softmax.grad(g, w, &dw, &dscore);
    return val_sum_to(g, dscore, type_of(g, n->in[MASK]));
}

static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    val in[GRAD_OPERANDS] = {
        [Q] = n->in[Q],       [K] = n->in[K],
        [V] = n->in[V],       [OF_Y] = graph_result(g, y, Y),
        [OF_DY] = dy[Y],      [OF_LSE] = graph_result(g, y, LSE),
        [OF_MASK] = (val){0},
    };
    bool mask = n->nin > MASK;
    val tuple;

    if (mask)
        in[OF_MASK] = n->in[MASK];
    tuple = graph_add(g, &op_FusedAttentionGrad, in,
                      mask ? GRAD_OPERANDS : OF_MASK, n->attr);
    for (int k = Q; k <= V; k++)
        dx[k] = graph_result(g, tuple, k);
    if (mask && dtype_is_float(type_of(g, n->in[MASK])->dtype) &&
        trains(g, n->in[MASK]))
        dx[MASK] = mask_grad(g, n, dy[Y]);
}

static struct attention_problem problem(const struct node *n,
                                        const struct type *q,
                                        const struct type *k,
                                        const struct type *v)
{
    struct type w = weights_type(q, k, n->attr[HEADS].i);
    int last = q->rank - 1;
    bool joined = q->rank == 3;
    int64_t parts = joined ? w.dim[1] : 1;

    return (struct attention_problem){.N = w.dim[0],
                                      .heads = w.dim[1],
                                      .T = w.dim[2],
                                      .S = w.dim[3],
                                      .D = q->dim[last] / parts,
                                      .E = v->dim[last] / parts,
                                      .joined = joined,
                                      .causal = n->attr[CAUSAL].i,
                                      .scale = n->attr[SCALE].f,
                                      .x = q->dtype};
}

static void set_mask(struct attention_problem *p, const struct type *mask)
{
    int64_t stride = 1;

    p->mask = mask->dtype;
    for (int d = mask->rank - 1; d >= 0; d--) {
        if (mask->dim[d] != 1)
            p->mask_stride[d + ATTENTION_DIMS - mask->rank] = stride;
        stride *= mask->dim[d];
    }
}

static void lower_as(struct lower *lo, const struct node *n, int mask,
                     const struct kernel *family)
{
    const struct graph *g = lo->graph;
    struct attention_problem p = problem(
        n, type_of(g, n->in[Q]), type_of(g, n->in[K]), type_of(g, n->in[V]));

    if (n->nin > mask)
        set_mask(&p, type_of(g, n->in[mask]));
    lower_call(lo, family, &p, n);
}

static void lower(struct lower *lo, const struct node *n)
{
    lower_as(lo, n, MASK, kernels_attention);
}

/* Row t of a head, counted in rows of a head's width. */
static int64_t row_of(const struct attention_problem *p, int64_t nh, int64_t t,
                      int64_t rows)
{
    return p->joined ? (nh / p->heads * rows + t) * p->heads + nh % p->heads
                     : nh * rows + t;
}

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static int64_t seen(const struct attention_problem *p, int64_t t)
{
    return p->causal && t + 1 < p->S ? t + 1 : p->S;
}

static double ref_score(const struct attention_problem *p,
                        const struct tensor *in, const struct tensor *mask,
                        int64_t nh, const int64_t at[2])
{
    int64_t h = nh % p->heads, n = nh / p->heads;
    const int64_t index[ATTENTION_DIMS] = {n, h, at[0], at[1]};
    double x = p->scale * dot(in[Q].data + row_of(p, nh, at[0], p->T) * p->D,
                              in[K].data + row_of(p, nh, at[1], p->S) * p->D,
                              p->D);
    int64_t m = 0;

    if (!p->mask)
        return x;
    for (int d = 0; d < ATTENTION_DIMS; d++)
        m += index[d] * p->mask_stride[d];
    if (p->mask != DT_BOOL)
        return x + mask->data[m];
    return mask->data[m] != 0 ? x : -INFINITY;
}

static void ref_row(const struct attention_problem *p, const struct tensor *in,
                    int64_t nh, int64_t t, struct tensor *out)
{
    double *y = out[Y].data + row_of(p, nh, t, p->T) * p->E;
    double *lse = &out[LSE].data[nh * p->T + t];
    double top = -INFINITY, total = 0;

    for (int64_t j = 0; j < seen(p, t); j++)
        top = fmax(top,
                   ref_score(p, in, &in[MASK], nh, (const int64_t[]){t, j}));
    for (int64_t j = 0; j < seen(p, t); j++)
        total += exp(ref_score(p, in, &in[MASK], nh, (const int64_t[]){t, j}) -
                     top);
    *lse = top + log(total);
    memset(y, 0, (size_t)p->E * sizeof *y);
    for (int64_t j = 0; j < seen(p, t); j++) {
        double w = exp(
            ref_score(p, in, &in[MASK], nh, (const int64_t[]){t, j}) - *lse);

        for (int64_t c = 0; c < p->E; c++)
            y[c] += w * in[V].data[row_of(p, nh, j, p->S) * p->E + c];
    }
}

static struct attention_problem ref_problem(const struct node *n,
                                            const struct tensor *in, int mask)
{
    struct attention_problem p = problem(n, &in[Q].type, &in[K].type,
                                         &in[V].type);

    if (n->nin > mask)
        set_mask(&p, &in[mask].type);
    return p;
}

static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    struct attention_problem p = ref_problem(n, in, MASK);

    (void)env;
    for (int64_t nh = 0; nh < p.N * p.heads; nh++)
        for (int64_t t = 0; t < p.T; t++)
            ref_row(&p, in, nh, t, out);
}

const struct op op_FusedAttention = {
    .name = "FusedAttention",
    .doc = "softmax(q k^T scale + mask) v, and the logarithm of each row's sum "
           "of exponentials",
    .min_in = MASK,
    .nin = OPERANDS,
    .nout = 2,
    .attr = attrs,
    .in_name = names,
    .infer = infer,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .internal = true,
};

/* ---- FusedAttentionGrad ---- */

static bool grad_infer(struct graph *g, const struct node *n, struct type *y)
{
    for (int k = Q; k <= V; k++)
        y[k] = *type_of(g, n->in[k]);
    return true;
}

static void grad_lower(struct lower *lo, const struct node *n)
{
    lower_as(lo, n, OF_MASK, kernels_attention_grad);
}

/* p = exp(score - lse), ds = p (dy v - sum(dy y)) scale: dq = ds k,
 * dk = ds^T q, dv = p^T dy. */
static void grad_ref_row(const struct attention_problem *p,
                         const struct tensor *in, int64_t nh, int64_t t,
                         struct tensor *out)
{
    int64_t at = row_of(p, nh, t, p->T), D = p->D, E = p->E;
    const double *dy = in[OF_DY].data + at * E;
    double delta = dot(dy, in[OF_Y].data + at * E, E);

    for (int64_t j = 0; j < seen(p, t); j++) {
        int64_t key = row_of(p, nh, j, p->S);
        double w = exp(
            ref_score(p, in, &in[OF_MASK], nh, (const int64_t[]){t, j}) -
            in[OF_LSE].data[nh * p->T + t]);
        double ds = w * (dot(dy, in[V].data + key * E, E) - delta) * p->scale;

        for (int64_t c = 0; c < E; c++)
            out[V].data[key * E + c] += w * dy[c];
        for (int64_t c = 0; c < D; c++) {
            out[K].data[key * D + c] += ds * in[Q].data[at * D + c];
            out[Q].data[at * D + c] += ds * in[K].data[key * D + c];
        }
    }
}

static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    struct attention_problem p = ref_problem(n, in, OF_MASK);

    (void)env;
    for (int k = Q; k <= V; k++)
        memset(out[k].data, 0,
               (size_t)type_count(&out[k].type) * sizeof(double));
    for (int64_t nh = 0; nh < p.N * p.heads; nh++)
        for (int64_t t = 0; t < p.T; t++)
            grad_ref_row(&p, in, nh, t, out);
}

const struct op op_FusedAttentionGrad = {
    .name = "FusedAttentionGrad",
    .doc = "gradients of FusedAttention's q, k and v",
    .min_in = OF_MASK,
    .nin = GRAD_OPERANDS,
    .nout = 3,
    .attr = attrs,
    .infer = grad_infer,
    .ref = grad_ref,
    .lower = grad_lower,
    .internal = true,
};
