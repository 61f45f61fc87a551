/*
 * loss_state.c: what surrounds the losses of a run: the seed of their
 * gradients, the number of elements that count, and the meters.
 *
 * All of them leave the rows beyond the batch unread.
 *
 * The loss of an update is sum(terms) / sum(counts) over its effective batch.
 * Its gradient for each term is 1 / sum(counts), times the loss's weight: the
 * seed.  It is the same for every micro-batch, so the counts are added up
 * before the first backward pass.
 */
#include "compiler/lower.h"
#include "compiler/ops/loss.h"
#include "kernels/meter.h"

/* f32 or i32 [N], one number per sample. */
static bool is_vector(const struct type *t, enum dtype dtype)
{
    return t->rank == 1 && t->dtype == dtype;
}

/* i32, or f32 where samples have weights; a sum of the latter is two numbers,
 * see kernels/meter.h. */
static bool are_counts(const struct type *t)
{
    return is_vector(t, DT_I32) || is_vector(t, DT_F32);
}

/* i32 [1], or f32 [2]: a sum and what it lost to rounding. */
static bool is_count_state(const struct type *t)
{
    return are_counts(t) && t->dim[0] == (t->dtype == DT_F32 ? 2 : 1);
}

/* Samples of the batch that are not stale. */
static int64_t rows_of(const struct ref_env *env, const struct type *t)
{
    return env->rows < t->dim[0] ? env->rows : t->dim[0];
}

/* ---- LossSeed ---- */

enum { SEED_WEIGHT, SEED_PER_SAMPLE, SEED_BATCH };
static const struct attr_spec seed_attrs[] = {
    [SEED_WEIGHT] =
        {"weight", ATTR_FLOAT, {.f = 1}, "of the loss", false, true},
    [SEED_PER_SAMPLE] = {"per_sample",
                         ATTR_INT,
                         {.i = 1},
                         "elements of each sample, without an operand",
                         false,
                         true},
    [SEED_BATCH] = {"batch", ATTR_INT, {.i = 1}, "samples", false, true},
    {0},
};

/* Optional count to f32 [batch]. */
static bool seed_infer(struct graph *g, const struct node *n, struct type *y)
{
    if (n->nin && !is_count_state(type_of(g, n->in[0])))
        return reject(g, n, "count is not i32 [1] or f32 [2]");
    *y = (struct type){
        .dtype = DT_F32, .rank = 1, .dim = {n->attr[SEED_BATCH].i}, .batch = 1};
    return true;
}

static void seed_lower(struct lower *lo, const struct node *n)
{
    const struct seed_problem p = {
        .N = n->attr[SEED_BATCH].i,
        .weight = n->attr[SEED_WEIGHT].f,
        .counts = n->nin ? type_of(lo->graph, n->in[0])->dtype : DT_NONE,
        .per_sample = n->attr[SEED_PER_SAMPLE].i};

    lower_call(lo, kernels_loss_seed, &p, n);
}

/* weight / count for each row at hand.  Without an operand every sample counts
 * per_sample; stale rows get 0, and all do where nothing counts, since 0 / 0
 * would spread NaN through the weights. */
static void seed_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    int64_t all = env->effective * n->attr[SEED_PER_SAMPLE].i;
    double count = n->nin ? in[0].data[0] : (double)all;

    if (n->nin && in[0].type.dtype == DT_F32)
        count += in[0].data[1];
    for (int64_t i = 0; i < out->type.dim[0]; i++)
        out->data[i] = i < env->rows && count != 0
                           ? n->attr[SEED_WEIGHT].f / count
                           : 0;
}

const struct op op_LossSeed = {
    .name = "LossSeed",
    .doc = "weight / count for each sample of the batch, 0 for stale ones",
    .nin = 1,
    .attr = seed_attrs,
    .infer = seed_infer,
    .lower = seed_lower,
    .ref = seed_ref,
    .internal = true,
};

/* ---- MeterAdd ---- */

enum { METER_PER_SAMPLE };
static const struct attr_spec meter_attrs[] = {
    [METER_PER_SAMPLE] = {"per_sample",
                          ATTR_INT,
                          {.i = 1},
                          "elements of each sample, without counts",
                          false,
                          true},
    {0},
};
static const char *const meter_names[] = {"state", "terms", "counts", NULL};

/* state f32 [lanes, 4]; terms f32 [N], or f32 [] for one number per batch;
 * counts [N] or nothing. */
static bool meter_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *terms = type_of(g, n->in[1]);

    *y = *type_of(g, n->in[0]);
    if (y->dtype != DT_F32 || y->rank != 2 || y->dim[0] != METER_LANES ||
        y->dim[1] != 4)
        return reject(g, n, "state is %s, wanted [%d,4]",
                      type_text(g->arena, y), METER_LANES);
    if (terms->rank && !is_vector(terms, DT_F32))
        return reject(g, n, "terms are %s %s, wanted f32 [N]",
                      dtype_name(terms->dtype), type_text(g->arena, terms));
    if (terms->dtype != DT_F32)
        return reject(g, n, "term is %s, wanted f32", dtype_name(terms->dtype));
    if (n->nin > 2 && (!are_counts(type_of(g, n->in[2])) || !terms->rank ||
                       type_of(g, n->in[2])->dim[0] != terms->dim[0]))
        return reject(g, n, "counts are not i32 or f32 %s",
                      type_text(g->arena, terms));
    return true;
}

static void meter_lower(struct lower *lo, const struct node *n)
{
    const struct type *terms = type_of(lo->graph, n->in[1]);
    const struct meter_problem p = {
        .N = terms->rank ? terms->dim[0] : 1,
        .lanes = METER_LANES,
        .once = terms->rank == 0,
        .counts = n->nin > 2 ? type_of(lo->graph, n->in[2])->dtype : DT_NONE,
        .per_sample = n->attr[METER_PER_SAMPLE].i};

    lower_call(lo, kernels_meter_add, &p, n);
}

/* Sample i of the effective batch adds to lane i mod lanes, so the sums do not
 * depend on micro-batches.  Of a lane's four numbers 0 and 2 are the sums, 1
 * and 3 what these lose to rounding: zero in double. */
static void meter_ref(const struct node *n, const struct ref_env *env,
                      const struct tensor *in, struct tensor *out)
{
    bool once = in[1].type.rank == 0;
    int64_t rows = once ? 1 : rows_of(env, &in[1].type);

    for (int64_t i = 0; i < type_count(&out->type); i++)
        out->data[i] = in[0].data[i];
    for (int64_t i = 0; i < rows; i++) {
        double *lane = out->data + /* [4] */
                       4 * (once ? 0 : (env->first + i) % METER_LANES);

        lane[0] += in[1].data[i];
        lane[2] += once         ? 1
                   : n->nin > 2 ? in[2].data[i]
                                : (double)n->attr[METER_PER_SAMPLE].i;
    }
}

const struct op op_MeterAdd = {
    .name = "MeterAdd",
    .doc = "terms and counts of a batch added to a running mean",
    .min_in = 2,
    .nin = 3,
    .attr = meter_attrs,
    .in_name = meter_names,
    .infer = meter_infer,
    .lower = meter_lower,
    .ref = meter_ref,
    .inplace = {1},
    .internal = true,
};

/* ---- CountAdd ---- */

static const char *const count_names[] = {"state", "counts", NULL};

/* state i32 [1] or f32 [2], counts [N] of the same type. */
static bool count_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *counts = type_of(g, n->in[1]);

    *y = *type_of(g, n->in[0]);
    if (!is_count_state(y) || !is_vector(counts, y->dtype))
        return reject(g, n,
                      "state and counts are %s %s and %s, wanted i32 [1] and "
                      "[N], or f32 [2] and [N]",
                      dtype_name(y->dtype), type_text(g->arena, y),
                      type_text(g->arena, counts));
    return true;
}

static void count_lower(struct lower *lo, const struct node *n)
{
    const struct type *counts = type_of(lo->graph, n->in[1]);
    const struct count_problem p = {counts->dim[0], counts->dtype};

    lower_call(lo, kernels_count_add, &p, n);
}

/* The first micro-batch of an update begins at 0, whatever the last one
 * left. */
static void count_ref(const struct node *n, const struct ref_env *env,
                      const struct tensor *in, struct tensor *out)
{
    int64_t rows = rows_of(env, &in[1].type);

    (void)n;
    for (int64_t i = 0; i < out->type.dim[0]; i++)
        out->data[i] = env->first ? in[0].data[i] : 0;
    for (int64_t i = 0; i < rows; i++)
        out->data[0] += in[1].data[i];
}

const struct op op_CountAdd = {
    .name = "CountAdd",
    .doc = "counts of a batch added to those of the update so far",
    .min_in = 2,
    .nin = 2,
    .in_name = count_names,
    .infer = count_infer,
    .lower = count_lower,
    .ref = count_ref,
    .inplace = {1},
    .internal = true,
};
