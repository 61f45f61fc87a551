/*
 * fused_attention.c: attention that keeps its result and one number for each
 * row of weights, the logarithm of its sum of exponentials; the gradient
 * computes the weights again.  So memory grows with T, not with T^2.
 *
 * Kernels find the heads of [N, T, heads * size] by strides.
 *
 * Rabe and Staats, "Self-attention Does Not Need O(n^2) Memory" (2021); Dao et
 * al., "FlashAttention" (2022).
 *
 * N samples, T queries, S keys; a head has D channels of q and k, E of v and
 * y.
 */
#include <math.h>
#include <string.h>

#include "compiler/lower.h"
#include "compiler/ops/attention.h"
#include "kernels/attention.h"

enum { Y, LSE }; /* results: [..., T, E] as q, f32 [N, heads, T] */
/* operands of the gradient, behind q, k and v */
enum { OF_Y = MASK, OF_LSE, OF_DY, OF_MASK, GRAD_OPERANDS };

/* y is q with v's width; lse is the weights' type without the keys.  Attention
 * has checked the operands. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *q = type_of(g, n->in[Q]), *v = type_of(g, n->in[V]);
    int last = q->rank - 1;

    y[Y] = *q;
    y[Y].dim[last] = v->dim[last];
    y[LSE] = attention_weights_type(q, type_of(g, n->in[K]), n->attr[HEADS].i);
    y[LSE].dtype = DT_F32;
    y[LSE].rank = 3;
    return true;
}

/* The gradient of the scores, in plain form, summed to the mask's shape.  Where
 * the mask does not train nothing takes it, and it is dropped.  That costs [N,
 * heads, T, S] of memory, but so does such a mask itself. */
static val mask_grad(struct graph *g, const struct node *n, val dy)
{
    int64_t heads = n->attr[HEADS].i;
    val w = attention_weights(g, n->in, n->in[MASK], n->attr), dscore = {0};
    const union attr trans[] = {{.i = 0}, {.i = 1}};
    val in[] = {attention_heads(g, dy, heads),
                attention_heads(g, n->in[V], heads)};
    val dw = graph_add(g, &op_Product, in, 2, trans); /* dP = dy v^T */

    if (!w.id || !dw.id)
        return dscore;
    op_Softmax.grad(g, w, &dw, &dscore);
    return val_sum_to(g, dscore, type_of(g, n->in[MASK]));
}

/* q, k, v, y, dy and lse stay alive, none of them of T * S elements. y is
 * wanted for sum(dy y), see grad_ref_row. */
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
    if (mask && dtype_is_float(type_of(g, n->in[MASK])->dtype))
        dx[MASK] = mask_grad(g, n, dy[Y]);
}

/* From the types of q, k and v alone, so that references share it. `joined`
 * says that heads are parts of the last dimension and not a dimension of their
 * own. */
static struct attention_problem problem(const struct node *n,
                                        const struct type *q,
                                        const struct type *k,
                                        const struct type *v)
{
    struct type w = attention_weights_type(q, k, n->attr[HEADS].i);
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

/* The mask broadcasts to [N, heads, T, S], aligned at the end; a stride of 0
 * stands for a dimension that it repeats or lacks. */
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

/* `mask` is the place of the mask among n's operands. */
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

/* Row t of a head, counted in rows of a head's width. nh counts heads of all
 * samples; `rows` is T for q and y, S for k and v.  Joined: [N, rows, heads],
 * else [N, heads, rows]. */
static int64_t row_of(const struct attention_problem *p, int64_t nh, int64_t t,
                      int64_t rows)
{
    return p->joined ? (nh / p->heads * rows + t) * p->heads + nh % p->heads
                     : nh * rows + t;
}

static double dot(const double *a, const double *b, int64_t n) /* [n] each */
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* How many keys query t sees: with `causal` the first t + 1, at most S. */
static int64_t seen(const struct attention_problem *p, int64_t t)
{
    return p->causal && t + 1 < p->S ? t + 1 : p->S;
}

/* scale q_t k_j + mask of query at[0] and key at[1].  What a mask of bool
 * leaves out is minus infinity, which weighs exp(-inf) = 0. */
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

/* One query t of head nh.  The largest score is subtracted before exp, as in
 * softmax; lse = log(sum of exp(score)) of the scores as they are, so that
 * exp(score - lse) is the weight. */
static void ref_row(const struct attention_problem *p, const struct tensor *in,
                    int64_t nh, int64_t t, struct tensor *out)
{
    double *y = out[Y].data + row_of(p, nh, t, p->T) * p->E; /* [E] */
    double *lse = &out[LSE].data[nh * p->T + t]; /* of [N * heads, T] */
    double top = -INFINITY, total = 0;

    for (int64_t j = 0; j < seen(p, t); j++)
        top = fmax(top,
                   ref_score(p, in, &in[MASK], nh, (const int64_t[]){t, j}));
    memset(y, 0, (size_t)p->E * sizeof *y);
    for (int64_t j = 0; j < seen(p, t); j++) {
        double w = exp(
            ref_score(p, in, &in[MASK], nh, (const int64_t[]){t, j}) - top);

        total += w;
        for (int64_t c = 0; c < p->E; c++)
            y[c] += w * in[V].data[row_of(p, nh, j, p->S) * p->E + c];
    }
    for (int64_t c = 0; c < p->E; c++)
        y[c] /= total;
    *lse = top + log(total);
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

/* q [N, T, D], k [N, S, D], v [N, S, E] for each head; y [N, T, E]. */
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
    .attr = attention_attrs,
    .infer = infer,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .internal = true,
};

/* ---- FusedAttentionGrad ---- */

/* dq, dk and dv have the types of q, k and v. */
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

/*
 * p = exp(score - lse), ds = p (dy v - sum(dy y)) scale: dq = ds k,
 * dk = ds^T q, dv = p^T dy.  Row t only: dk and dv collect over rows.  The
 * derivative of softmax takes sum over j of p_j dP_j from dP; by dP = v dy and
 * y = sum of p_j v_j that is dy y, one number a row (FlashAttention's D,
 * equation 4 of its appendix B.2).
 */
static void grad_ref_row(const struct attention_problem *p,
                         const struct tensor *in, int64_t nh, int64_t t,
                         struct tensor *out)
{
    int64_t at = row_of(p, nh, t, p->T), D = p->D, E = p->E;
    const double *dy = in[OF_DY].data + at * E;
    double delta = dot(dy, in[OF_Y].data + at * E, E); /* the row's sum(dy y) */

    for (int64_t j = 0; j < seen(p, t); j++) {
        int64_t key = row_of(p, nh, j, p->S); /* row of k and v */
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

/* dq, dk, dv begin at 0, as every row adds to dk and dv. */
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
    .attr = attention_attrs,
    .infer = grad_infer,
    .ref = grad_ref,
    .lower = grad_lower,
    .internal = true,
};
