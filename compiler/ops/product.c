/*
 * product.c: matrix products and their gradients.
 *
 * Product is the node: y = op(a) op(b) + bias over broadcast batch dimensions.
 * MatMul (ONNX) and Linear (linear.c) are what models write.  A weight's
 * gradient sums over samples: ProductBatchSum.
 *
 * With y = a b: da = dy b^T and db = a^T dy, summed over the dimensions that
 * broadcasting repeated; with op(a) = a^T, da = b dy^T, and likewise for b.
 * Letters: a [..., M, K], b [..., K, N], y [..., M, N], bias [N].
 */
#include <string.h>

#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/matmul.h"

enum { TRANS_A, TRANS_B }; /* of the last two dimensions */

static const struct attr_spec attrs[] = {
    [TRANS_A] = {"trans_a", ATTR_BOOL, {0}, "a is stored [K, M]", false, true},
    [TRANS_B] = {"trans_b", ATTR_BOOL, {0}, "b is stored [N, K]", false, true},
    {0},
};

static val product(struct graph *g, val a, val b, bool trans_a, bool trans_b)
{
    union attr attr[2] = {{.i = trans_a}, {.i = trans_b}};

    return graph_add(g, &op_Product, (val[]){a, b}, 2, attr);
}

/* Rows of op(t): the last dimension when it is turned. */
static int64_t rows_of(const struct type *t, bool trans)
{
    return t->dim[t->rank - (trans ? 1 : 2)];
}

static int64_t columns_of(const struct type *t, bool trans)
{
    return t->dim[t->rank - (trans ? 2 : 1)];
}

/* The dimensions before the matrix.  Samples that count rows of the matrix are
 * none of its dimensions. */
static struct type batch_of(const struct type *t)
{
    struct type b = *t;

    b.rank -= 2;
    if (b.batch > b.rank)
        b.batch = 0;
    return b;
}

/* Samples may count matrices, or rows of a: never what is summed.  A sum over
 * them would have to be cut between micro-batches, which is
 * ProductBatchSum's. */
static bool samples_stay(struct graph *g, const struct node *n)
{
    const struct type *a = type_of(g, n->in[0]), *b = type_of(g, n->in[1]);
    int row = a->rank - (n->attr[TRANS_A].i ? 0 : 1);

    if (a->batch > a->rank - 2 && a->batch != row)
        return reject(g, n, "the product would sum over the samples of %s",
                      type_text(g->arena, a));
    if (b->batch > b->rank - 2)
        return reject(g, n,
                      "the second operand %s counts samples in its "
                      "matrix",
                      type_text(g->arena, b));
    return true;
}

/* op(a) [..., M, K], op(b) [..., K, N] to [..., M, N]; the dimensions before
 * broadcast, as in NumPy's matmul. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *a = type_of(g, n->in[0]), *b = type_of(g, n->in[1]);
    bool ta = n->attr[TRANS_A].i, tb = n->attr[TRANS_B].i;
    struct type batch, other;
    int rank;

    if (a->rank < 2 || b->rank < 2 || columns_of(a, ta) != rows_of(b, tb))
        return reject(g, n, "operands are %s and %s, which do not multiply",
                      type_text(g->arena, a), type_text(g->arena, b));
    if (!dtype_is_float(a->dtype) || a->dtype != b->dtype)
        return reject(g, n, "operands are %s and %s, not of one float type",
                      dtype_name(a->dtype), dtype_name(b->dtype));
    batch = batch_of(a);
    other = batch_of(b);
    if (!samples_stay(g, n) || !type_broadcast(&batch, &other))
        return reject(g, n, "operands %s and %s do not broadcast",
                      type_text(g->arena, a), type_text(g->arena, b));
    if (batch.rank > MATMUL_BATCH)
        return reject(g, n, "%d dimensions before the matrix, at most %d",
                      batch.rank, MATMUL_BATCH);
    rank = batch.rank;
    *y = batch;
    y->dtype = a->dtype;
    y->rank = rank + 2;
    y->dim[rank] = rows_of(a, ta);
    y->dim[rank + 1] = columns_of(b, tb);
    if (a->batch > a->rank - 2)
        y->batch = rank + 1;
    return true;
}

/* One pair of matrices. */
static void ref_matrix(const struct node *n, const struct tensor *in,
                       /* op(a) [M, K], op(b) [K, N], y [M, N] */
                       const double *a, const double *b, double *y)
{
    bool ta = n->attr[TRANS_A].i, tb = n->attr[TRANS_B].i;
    int64_t M = rows_of(&in[0].type, ta), K = columns_of(&in[0].type, ta);
    int64_t N = columns_of(&in[1].type, tb);

    for (int64_t m = 0; m < M; m++)
        for (int64_t c = 0; c < N; c++) {
            double sum = n->nin == 3 ? in[2].data[c] : 0;

            for (int64_t k = 0; k < K; k++)
                sum += a[ta ? k * M + m : m * K + k] *
                       b[tb ? c * K + k : k * N + c];
            y[m * N + c] = sum;
        }
}

/* Each matrix of y names, by broadcasting, those of a and b that it is made
 * of. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    struct type batch = batch_of(&out->type), a = batch_of(&in[0].type);
    struct type b = batch_of(&in[1].type);
    int64_t size_a = in[0].type.dim[in[0].type.rank - 1] *
                     in[0].type.dim[in[0].type.rank - 2];
    int64_t size_b = in[1].type.dim[in[1].type.rank - 1] *
                     in[1].type.dim[in[1].type.rank - 2];
    int64_t count = type_count(&batch), size = type_count(&out->type) / count;

    (void)env;
    for (int64_t i = 0; i < count; i++)
        ref_matrix(n, in, in[0].data + broadcast_index(&batch, &a, i) * size_a,
                   in[1].data + broadcast_index(&batch, &b, i) * size_b,
                   out->data + i * size);
}

/* Elements between matrices of each batch dimension, 0 where broadcast.
 * `size`: of one matrix. */
static void strides(const struct type *batch, const struct type *t,
                    int64_t size, int64_t *stride)
{
    for (int d = batch->rank - 1; d >= 0; d--) {
        int j = d - (batch->rank - t->rank);

        stride[d] = j >= 0 && t->dim[j] != 1 ? size : 0;
        if (j >= 0)
            size *= t->dim[j];
    }
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *a = type_of(lo->graph, n->in[0]);
    const struct type *b = type_of(lo->graph, n->in[1]);
    struct type batch = batch_of(&n->type), ba = batch_of(a), bb = batch_of(b);
    struct matmul_problem p = {.M = rows_of(a, n->attr[TRANS_A].i),
                               .K = columns_of(a, n->attr[TRANS_A].i),
                               .N = columns_of(b, n->attr[TRANS_B].i),
                               .trans_a = n->attr[TRANS_A].i,
                               .trans_b = n->attr[TRANS_B].i,
                               .nbatch = batch.rank,
                               .a = a->dtype,
                               .b = b->dtype,
                               .y = n->type.dtype,
                               .bias = n->nin == 3};

    for (int d = 0; d < batch.rank; d++)
        p.batch[d] = batch.dim[d];
    strides(&batch, &ba, p.M * p.K, p.a_stride);
    strides(&batch, &bb, p.K * p.N, p.b_stride);
    lower_call(lo, kernels_matmul, &p, n);
}

/* Where b serves all samples and they are rows of a: a sum over samples.
 * ProductBatchSum gives in[0]^T in[1]: x^T dy for b, or dy^T x where b is
 * turned. */
static val grad_shared(struct graph *g, const struct node *n, val dy)
{
    bool tb = n->attr[TRANS_B].i;
    const struct type *b = type_of(g, n->in[1]);
    union attr attr[1] = {{.i = 1}};
    val in[2] = {tb ? dy : n->in[0], tb ? n->in[0] : dy};

    return batch_sum(g, &op_ProductBatchSum, in, 2, attr, type_count(b));
}

/* a^T dy, or dy^T a where b is turned, as a plain product: each sample has its
 * own b, or nothing is repeated over samples. */
static val grad_b(struct graph *g, const struct node *n, val dy)
{
    bool ta = n->attr[TRANS_A].i, tb = n->attr[TRANS_B].i;
    const struct type *a = type_of(g, n->in[0]), *b = type_of(g, n->in[1]);
    val d;

    if (a->rank == 2 && b->rank == 2 && a->batch == 1 && !ta)
        return grad_shared(g, n, dy);
    d = tb ? product(g, dy, n->in[0], true, ta)
           : product(g, n->in[0], dy, !ta, false);
    return val_sum_to(g, d, b);
}

/* Transposition is an attribute, so no operand is turned in memory. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    bool ta = n->attr[TRANS_A].i, tb = n->attr[TRANS_B].i;
    val a = ta ? product(g, n->in[1], dy[0], tb, true)
               : product(g, dy[0], n->in[1], false, !tb);

    dx[0] = val_sum_to(g, a, type_of(g, n->in[0]));
    dx[1] = grad_b(g, n, dy[0]);
    if (n->nin == 3)
        dx[2] = val_sum_to(g, dy[0], type_of(g, n->in[2]));
}

const struct op op_Product = {
    .name = "Product",
    .doc = "op(a) op(b) + bias",
    .min_in = 2,
    .nin = 3,
    .attr = attrs,
    .infer = infer,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .internal = true,
};

/* ---- ProductBatchSum ---- */

static const struct attr_spec sum_attrs[] = {
    {"lanes", ATTR_INT, {.i = 1}, "partial sums", true, true},
    {0},
};

/* a [rows, M], b [rows, N] to f32 [lanes, M, N]; rows are a multiple of
 * samples. */
static bool sum_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *a = type_of(g, n->in[0]), *b = type_of(g, n->in[1]);

    if (a->rank != 2 || b->rank != 2 || a->dim[0] != b->dim[0] ||
        a->batch != 1 || b->batch != 1)
        return reject(g, n, "operands are %s and %s, not rows of samples",
                      type_text(g->arena, a), type_text(g->arena, b));
    *y = (struct type){.dtype = DT_F32,
                       .rank = 3,
                       .dim = {n->attr[0].i, a->dim[1], b->dim[1]}};
    return true;
}

/* a^T b over the rows at hand; all in lane 0, as doubles need no lanes.  The
 * accumulator [lanes, M, N] goes on from the second micro-batch on. */
static void sum_ref(const struct node *n, const struct ref_env *env,
                    const struct tensor *in, struct tensor *out)
{
    int64_t M = out->type.dim[1], N = out->type.dim[2];
    int64_t rows = env->rows * (in[0].type.dim[0] / env->batch);
    size_t bytes = (size_t)type_count(&out->type) * sizeof *out->data;

    memset(out->data, 0, bytes);
    if (n->nin == 3 && env->first)
        memcpy(out->data, in[2].data, bytes);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < M * N; i++)
            out->data[i] += in[0].data[r * M + i / N] *
                            in[1].data[r * N + i % N];
}

/* per_sample: rows of one sample (its positions), which a lane adds
 * together. */
static void sum_lower(struct lower *lo, const struct node *n)
{
    const struct type *a = type_of(lo->graph, n->in[0]);
    const struct type *b = type_of(lo->graph, n->in[1]);
    int64_t samples = lo->graph->batch;
    struct matmul_sum_problem p = {.samples = samples,
                                   .per_sample = a->dim[0] / samples,
                                   .M = a->dim[1],
                                   .N = b->dim[1],
                                   .a = a->dtype,
                                   .b = b->dtype,
                                   .lanes = (int)n->attr[0].i,
                                   .accumulate = n->nin == 3};

    lower_call(lo, kernels_matmul_batch_sum, &p, n);
}

const struct op op_ProductBatchSum = {
    .name = "ProductBatchSum",
    .doc = "sum over samples of outer products, in lanes",
    .min_in = 2,
    .nin = 3,
    .attr = sum_attrs,
    .infer = sum_infer,
    .ref = sum_ref,
    .lower = sum_lower,
    .across_batch = true,
    .inplace = {3},
    .internal = true,
};

/* ---- MatMul ---- */

/* [K] becomes [1, K] in front, [K, 1] behind.  NumPy's rule for vectors, which
 * matmul_build takes back at the end. */
static val promoted(struct graph *g, val x, bool front)
{
    const struct type *t = type_of(g, x);
    int64_t dim[2] = {front ? 1 : t->dim[0], front ? t->dim[0] : 1};

    return t->rank == 1 ? val_reshape(g, x, dim, 2, 0) : x;
}

/* [..., M, K] times [K, N] is one product of all rows.  A weight's gradient is
 * then one sum over rows, and the kernel has one large matrix. */
static val rows_times(struct graph *g, val a, val b)
{
    struct type t = *type_of(g, a), u = *type_of(g, b), y = t;
    int64_t flat[2] = {type_count(&t) / t.dim[t.rank - 1], t.dim[t.rank - 1]};
    val v = val_reshape(g, a, flat, 2, t.batch == 1 ? 1 : 0);

    v = product(g, v, b, false, false);
    y.dim[y.rank - 1] = u.dim[1];
    return v.id ? val_reshape(g, v, y.dim, y.rank, y.batch) : v;
}

/* Vectors get a dimension of 1 that leaves the result again: the last one for
 * b's, the one before it for a's. */
static bool matmul_build(struct graph *g, const val *in, int nin,
                         const union attr *attr, val *out)
{
    struct type t = *type_of(g, in[0]), u = *type_of(g, in[1]), y;
    val a, b;

    (void)nin, (void)attr;
    if (t.rank < 1 || u.rank < 1 || (t.rank == 1 && t.batch))
        return reject_here(g, "operands are %s and %s, which do not multiply",
                           type_text(g->arena, &t), type_text(g->arena, &u));
    a = promoted(g, in[0], true);
    b = promoted(g, in[1], false);
    if (t.rank > 2 && u.rank <= 2 && t.batch <= 1 &&
        t.dim[t.rank - 1] == type_of(g, b)->dim[0])
        out[0] = rows_times(g, a, b);
    else
        out[0] = product(g, a, b, false, false);
    if (!out[0].id || (t.rank > 1 && u.rank > 1))
        return out[0].id != 0;
    y = *type_of(g, out[0]);
    if (u.rank == 1)
        y.rank--;
    if (t.rank == 1) {
        y.dim[y.rank - (u.rank == 1 ? 1 : 2)] = y.dim[y.rank - 1];
        y.rank--;
    }
    out[0] = val_reshape(g, out[0], y.dim, y.rank, y.batch);
    return out[0].id != 0;
}

const struct op op_MatMul = {
    .name = "MatMul",
    .doc = "matrix product, over broadcast dimensions before the matrices",
    .min_in = 2,
    .nin = 2,
    .types = "f32 f16",
    .build = matmul_build,
};
