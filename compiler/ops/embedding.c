/*
 * embedding.c: rows of a table by index, as ONNX's Gather along axis 0 and
 * PyTorch's Embedding.
 *
 * The gradient of the table sums over samples: EmbeddingGradW.  The host
 * refuses indices that are no rows of the table; elsewhere they make NaN and
 * add to nothing, never an access.
 *
 * y[i] = W[index[i]], so dW[r] = sum of dy[i] over all i with index[i] = r:
 * the transposed product with a matrix of ones, never stored.
 */
#include <math.h>
#include <string.h>

#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/embedding.h"

enum { INDEX, W }; /* index [N, ...], W [count, size] */

/* ---- Embedding ---- */

enum { COUNT, SIZE };

static const struct attr_spec attrs[] = {
    [COUNT] = {"count",
               ATTR_INT,
               {.i = 0},
               "rows of the table, for layers that own W",
               false,
               false},
    [SIZE] = {"size",
              ATTR_INT,
              {.i = 0},
              "elements of a row, for layers that own W",
              false,
              false},
    {0},
};

/* PyTorch's names and first values, N(0, 1); fans are those of the table as a
 * matrix.  A given W decides its own sizes. */
static int params(struct graph *g, const struct node *n, struct param_decl *p)
{
    int64_t count = n->attr[COUNT].i, size = n->attr[SIZE].i;
    struct type w = {.dtype = DT_F32, .rank = 2, .dim = {count, size}};

    if (n->nin > W)
        w = *type_of(g, n->in[W]);
    else if (count < 1 || size < 1)
        return reject(g, n, "count is %lld and size %lld, wanted at least 1",
                      (long long)count, (long long)size) -
               1;
    p[0] = (struct param_decl){"weight",         w,
                               "Normal",         (double)w.dim[0],
                               (double)w.dim[1], PLAN_PARAMETER};
    return 1;
}

/* Types that kernels can index with. */
static bool is_index(enum dtype t)
{
    return t == DT_I32 || t == DT_I64 || t == DT_U8;
}

/* index [...] and W [count, size] to [..., size]. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *index = type_of(g, n->in[INDEX]);
    const struct type *w = type_of(g, n->in[W]);

    if (!is_index(index->dtype))
        return reject(g, n, "index is %s, wanted i32, i64 or u8",
                      dtype_name(index->dtype));
    if (!dtype_is_float(w->dtype) || w->rank != 2 || w->batch)
        return reject(g, n, "table is %s %s, wanted floats [count, size]",
                      dtype_name(w->dtype), type_text(g->arena, w));
    if (index->rank == MAX_RANK)
        return reject(g, n, "index has %d dimensions, wanted at most %d",
                      index->rank, MAX_RANK - 1);
    *y = *index;
    y->dtype = w->dtype;
    y->dim[y->rank++] = w->dim[1];
    return true;
}

/* The host will refuse indices that are no rows; see graph_limit. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    if (nin != 2)
        return reject_here(g, "Embedding takes 2 operands, got %d", nin);
    y[0] = graph_add(g, &op_Embedding, in, nin, attr);
    if (y[0].id)
        graph_limit(g, in[INDEX], type_of(g, in[W])->dim[0], 0);
    return y[0].id != 0;
}

/* Only the table has a gradient.  Lanes begin as 1 and are chosen by
 * batch_sum. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const struct type *w = type_of(g, n->in[W]);
    union attr attr[] = {{.i = 1}, {.i = w->dim[0]}};

    dx[W] = batch_sum(g, &op_EmbeddingGradW, (val[]){n->in[INDEX], dy[0]}, 2,
                      attr, type_count(w));
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *index = type_of(lo->graph, n->in[INDEX]);
    const struct type *w = type_of(lo->graph, n->in[W]);
    struct embedding_problem p = {.n = type_count(index),
                                  .count = w->dim[0],
                                  .size = w->dim[1],
                                  .index = index->dtype,
                                  .w = w->dtype};

    lower_call(lo, kernels_embedding, &p, n);
}

/* False for NaN too, so that no index reaches memory unchecked. */
static bool there(double index, int64_t count)
{
    return index >= 0 && index < (double)count;
}

/* index [...], W [count, size], y [..., size]: position i / size, column i %
 * size. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    int64_t count = in[W].type.dim[0], size = in[W].type.dim[1];

    (void)n, (void)env;
    for (int64_t i = 0; i < type_count(&out->type); i++) {
        double v = in[INDEX].data[i / size];

        out->data[i] = there(v, count)
                           ? in[W].data[(int64_t)v * size + i % size]
                           : NAN;
    }
}

static const char *const names[] = {"index", "W", NULL};

const struct op op_Embedding = {
    .name = "Embedding",
    .doc = "rows of a table by index",
    .min_in = 1,
    .nin = 2,
    .attr = attrs,
    .in_name = names,
    .types = "i32 i64 u8",
    .params = params,
    .build = build,
    .infer = infer,
    .grad = grad,
    .lower = lower,
    .ref = ref,
};

/* ---- EmbeddingGradW ---- */

enum { LANES, ROWS };
enum { DY = 1, ACC }; /* dy [N, ..., size], accumulator [lanes, count, size] */

static const struct attr_spec grad_attrs[] = {
    [LANES] = {"lanes", ATTR_INT, {.i = 1}, "partial sums", true, true},
    [ROWS] = {"count", ATTR_INT, {0}, "rows of the table", true, true},
    {0},
};

/* index [N, ...] and dy [N, ..., size] to f32 [lanes, count, size].  Samples
 * may be a multiple of the batch in the first dimension, but not elsewhere. */
static bool grad_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *index = type_of(g, n->in[INDEX]);
    const struct type *dy = type_of(g, n->in[DY]);

    if (index->batch != 1 || index->dim[0] % g->batch)
        return reject(g, n,
                      "index %s has no samples in its first dimension, which "
                      "the gradient of the table sums over",
                      type_text(g->arena, index));
    *y = (struct type){.dtype = DT_F32, .rank = 3};
    y->dim[0] = n->attr[LANES].i;
    y->dim[1] = n->attr[ROWS].i;
    y->dim[2] = dy->dim[dy->rank - 1];
    return true;
}

/* All lanes' sums in the first, as in BatchSum.  Rows of the batch beyond
 * env->rows are stale and left out. */
static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    int64_t count = out->type.dim[1], size = out->type.dim[2];
    int64_t used = type_count(&in[INDEX].type) / env->batch * env->rows;
    size_t bytes = (size_t)type_count(&out->type) * sizeof(double);

    memset(out->data, 0, bytes);
    if (n->nin > ACC && env->first)
        memcpy(out->data, in[ACC].data, bytes);
    for (int64_t k = 0; k < used; k++) {
        double v = in[INDEX].data[k];

        for (int64_t c = 0; there(v, count) && c < size; c++)
            out->data[(int64_t)v * size + c] += in[DY].data[k * size + c];
    }
}

/* positions: indices in each sample. */
static void grad_lower(struct lower *lo, const struct node *n)
{
    const struct type *index = type_of(lo->graph, n->in[INDEX]);
    int64_t samples = lo->graph->batch;
    struct embedding_grad_problem p = {
        .samples = samples,
        .positions = type_count(index) / samples,
        .count = n->type.dim[1],
        .size = n->type.dim[2],
        .index = index->dtype,
        .dy = type_of(lo->graph, n->in[DY])->dtype,
        .lanes = (int)n->attr[LANES].i,
        .accumulate = n->nin > ACC};

    lower_call(lo, kernels_embedding_grad, &p, n);
}

const struct op op_EmbeddingGradW = {
    .name = "EmbeddingGradW",
    .doc = "gradient of an embedding's table, in lanes",
    .min_in = 2,
    .nin = 3,
    .attr = grad_attrs,
    .infer = grad_infer,
    .ref = grad_ref,
    .lower = grad_lower,
    .across_batch = true,
    .inplace = {ACC + 1},
    .internal = true,
};
