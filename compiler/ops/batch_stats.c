/*
 * batch_stats.c: statistics of batch norm, and the sums of its gradient, over
 * the samples of a micro-batch.
 *
 * Statistics see their micro-batch only, and so cannot be cut: BatchMoments has
 * the number of samples among its attributes, which keeps a plan with
 * micro-batches from claiming the numerics of one without.  Stale rows are left
 * out by selection.  Kernels want channels last; references take both orders.
 *
 * Both sums run in lanes (see batch_sum): sample i adds to lane i mod lanes,
 * and lanes are combined in order at the end.  The number of lanes is part of
 * the problem, so the bits do not depend on the device's cores.
 */
#include <string.h>

#include "compiler/lower.h"
#include "compiler/ops/batch_norm.h"
#include "kernels/norm.h"

enum { LANES, CHANNELS_LAST, SAMPLES }; /* SAMPLES: only tells plans apart */

static const struct attr_spec attrs[] = {
    [LANES] = {"lanes", ATTR_INT, {.i = 1}, "partial results", true, true},
    [CHANNELS_LAST] =
        {"channels_last", ATTR_BOOL, {0}, "order of the operands", false, true},
    [SAMPLES] = {"samples", ATTR_INT, {0}, "of the micro-batch", false, true},
    {0},
};

/* Elements that a channel has in each sample. */
enum { POSITIONS };

static const struct attr_spec position_attrs[] = {
    [POSITIONS] = {"positions",
                   ATTR_INT,
                   {.i = 1},
                   "of a channel in a sample",
                   true,
                   true},
    {0},
};

/* x [N, C, ...] or [N, ..., C]: around its channels. */
static struct rows channels(const struct node *n, const struct type *x)
{
    return rows_along(x, n->attr[CHANNELS_LAST].i ? x->rank - 1 : 1);
}

/* Elements of one channel in one sample: H * W of [N, C, H, W]. */
static int64_t positions_of(const struct type *x, int64_t batch, int64_t C)
{
    return type_count(x) / batch / C;
}

/* f32 [lanes, 2, C].  Row 0 of a lane holds the one sum, row 1 the other. */
static bool lanes_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);

    if (x->batch != 1 || x->dim[0] % g->batch)
        return reject(g, n, "input %s has no samples in its first dimension",
                      type_text(g->arena, x));
    *y = (struct type){.dtype = DT_F32,
                       .rank = 3,
                       .dim = {n->attr[LANES].i, 2, channels(n, x).len}};
    return true;
}

/* The last dimension of the operand, for each result.  Statistics and totals
 * are f32 [C] whatever x is. */
static bool totals_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);

    for (int k = 0; k < n->op->nout; k++)
        y[k] = (struct type){
            .dtype = DT_F32, .rank = 1, .dim = {x->dim[x->rank - 1]}};
    return true;
}

/* x is channels last here, [N, ..., C]. */
static struct norm_problem problem(const struct lower *lo, const struct node *n,
                                   const struct type *x)
{
    int64_t C = x->dim[x->rank - 1];

    return (struct norm_problem){
        .samples = lo->graph->batch,
        .C = C,
        .x = x->dtype,
        .positions = positions_of(x, lo->graph->batch, C),
        .lanes = (int)n->attr[LANES].i};
}

/* ---- BatchMoments, BatchStats ---- */

/*
 * Lanes are how a device orders the sum; in double the order does not matter,
 * so all of it goes to the first.  Two passes: sum((x - mean)^2) loses no
 * digits where sum(x^2) - n mean^2 would, when the mean is large beside the
 * deviation.
 */
static void moments_ref(const struct node *n, const struct ref_env *env,
                        const struct tensor *in, struct tensor *out)
{
    struct rows r = channels(n, &in->type);
    int64_t used = type_count(&in->type) / env->batch * env->rows;
    int64_t each = used / r.len;
    double count = (double)each;
    double *mean = out->data, *squares = out->data + r.len; /* [C] each */

    memset(out->data, 0, (size_t)type_count(&out->type) * sizeof(double));
    for (int64_t i = 0; i < used; i++)
        mean[i / r.inner % r.len] += in->data[i] / count;
    for (int64_t i = 0; i < used; i++) {
        int64_t c = i / r.inner % r.len;
        double d = in->data[i] - mean[c];

        squares[c] += d * d;
    }
}

static void moments_lower(struct lower *lo, const struct node *n)
{
    struct norm_problem p = problem(lo, n, type_of(lo->graph, n->in[0]));

    lower_call(lo, kernels_batch_moments, &p, n);
}

/* [lanes, 2, C] to mean, var and unbiased var, [C] each.  Only lane 0 holds
 * anything here, see moments_ref.  One element has no unbiased variance; it
 * gets that of the population, 0, instead of a division by 0. */
static void stats_ref(const struct node *n, const struct ref_env *env,
                      const struct tensor *in, struct tensor *out)
{
    int64_t C = out[0].type.dim[0];
    double count = (double)(env->rows * n->attr[POSITIONS].i);

    for (int64_t c = 0; c < C; c++) {
        out[0].data[c] = in->data[c];
        out[1].data[c] = in->data[C + c] / count;
        out[2].data[c] = in->data[C + c] / (count > 1 ? count - 1 : 1);
    }
}

static void stats_lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    struct norm_problem p = {.samples = lo->graph->batch,
                             .positions = n->attr[POSITIONS].i,
                             .C = x->dim[2],
                             .lanes = (int)x->dim[0]};

    lower_call(lo, kernels_batch_stats, &p, n);
}

static const enum layout moments_in[] = {LAYOUT_LAST};
static const enum layout lanes_out[] = {LAYOUT_USER};

const struct op op_BatchMoments = {
    .name = "BatchMoments",
    .doc = "mean of each channel, and squares of the differences from it",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .infer = lanes_infer,
    .ref = moments_ref,
    .lower = moments_lower,
    .layout_in = moments_in,
    .layout_out = lanes_out,
    .internal = true,
};

const struct op op_BatchStats = {
    .name = "BatchStats",
    .doc = "mean, variance and unbiased variance of each channel",
    .min_in = 1,
    .nin = 1,
    .nout = 3,
    .attr = position_attrs,
    .infer = totals_infer,
    .ref = stats_ref,
    .lower = stats_lower,
    .internal = true,
};

/* Enough lanes for about 4096 chains, as in batch_sum, but of the micro-batch:
 * the statistics know no other samples. */
static int64_t lanes_of(const struct graph *g, int64_t C)
{
    int64_t lanes = 1;

    while (lanes < 32 && 2 * lanes <= g->batch && 2 * lanes * C < 4096)
        lanes *= 2;
    return lanes;
}

/* SAMPLES enters the node's attributes, and through them the numerics
 * digest. */
struct batch_stats batch_stats(struct graph *g, val x)
{
    const struct type *t = type_of(g, x);
    int64_t C = t->dim[1];
    union attr lanes[] = {[LANES] = {.i = lanes_of(g, C)},
                          [CHANNELS_LAST] = {.i = 0},
                          [SAMPLES] = {.i = g->batch}};
    union attr position[] = {[POSITIONS] = {.i = positions_of(t, g->batch, C)}};
    val moments = graph_add(g, &op_BatchMoments, &x, 1, lanes);
    val stats = graph_add(g, &op_BatchStats, &moments, 1, position);

    return (struct batch_stats){graph_result(g, stats, 0),
                                graph_result(g, stats, 1),
                                graph_result(g, stats, 2)};
}

/* ---- BatchNormSums, BatchNormTotals ---- */

/* x, dy [N, C, ...]; the rest [C]; ACC [lanes, 2, C] */
enum { DY, X, MEAN, SCALE, ACC };

/* The accumulator is continued, not added at the end: `first` is 0 in the
 * first micro-batch of an update, whose accumulator holds the last update's
 * sums. */
static void sums_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    struct rows r = channels(n, &in[X].type);
    int64_t used = type_count(&in[X].type) / env->batch * env->rows;
    size_t bytes = (size_t)type_count(&out->type) * sizeof(double);
    double *sum = out->data, *sum_x = out->data + r.len; /* [C] each */

    memset(out->data, 0, bytes);
    if (n->nin > ACC && env->first)
        memcpy(out->data, in[ACC].data, bytes);
    for (int64_t i = 0; i < used; i++) {
        int64_t c = i / r.inner % r.len;

        sum[c] += in[DY].data[i];
        sum_x[c] += in[DY].data[i] * (in[X].data[i] - in[MEAN].data[c]) *
                    in[SCALE].data[c];
    }
}

static void sums_lower(struct lower *lo, const struct node *n)
{
    struct norm_problem p = problem(lo, n, type_of(lo->graph, n->in[X]));

    p.dy = type_of(lo->graph, n->in[DY])->dtype;
    p.accumulate = n->nin > ACC;
    lower_call(lo, kernels_batch_norm_sums, &p, n);
}

/* [lanes, 2, C] to the sums, and to the means over the rows at hand, four of
 * [C]. */
static void totals_ref(const struct node *n, const struct ref_env *env,
                       const struct tensor *in, struct tensor *out)
{
    int64_t C = out[0].type.dim[0];
    double count = (double)(env->rows * n->attr[POSITIONS].i);

    for (int64_t c = 0; c < C; c++)
        for (int k = 0; k < 2; k++) {
            out[k].data[c] = in->data[k * C + c];
            out[k + 2].data[c] = in->data[k * C + c] / count;
        }
}

static void totals_lower(struct lower *lo, const struct node *n)
{
    struct norm_problem p = {.samples = lo->graph->batch,
                             .positions = n->attr[POSITIONS].i,
                             .C = type_of(lo->graph, n->in[0])->dim[1]};

    lower_call(lo, kernels_batch_norm_totals, &p, n);
}

static const enum layout sums_in[] = {LAYOUT_LAST, LAYOUT_LAST, LAYOUT_USER,
                                      LAYOUT_USER, LAYOUT_USER};

const struct op op_BatchNormSums = {
    .name = "BatchNormSums",
    .doc = "sums of dy, and of dy times the normalised x, in lanes",
    .min_in = 4,
    .nin = 5,
    .attr = attrs,
    .infer = lanes_infer,
    .ref = sums_ref,
    .lower = sums_lower,
    .layout_in = sums_in,
    .layout_out = lanes_out,
    .across_batch = true,
    .inplace = {ACC + 1},
    .internal = true,
};

const struct op op_BatchNormTotals = {
    .name = "BatchNormTotals",
    .doc = "the two sums, and both divided by the elements at hand",
    .min_in = 1,
    .nin = 1,
    .nout = 4,
    .attr = position_attrs,
    .infer = totals_infer,
    .ref = totals_ref,
    .lower = totals_lower,
    .internal = true,
};

/*
 * With micro-batches the sums over the effective batch run through
 * accumulators, but x's gradient wants the means of this micro-batch alone: a
 * second sum, without accumulator, combined by LaneSum.  Without micro-batches
 * one serves both.
 */
struct batch_norm_sums batch_norm_sums(struct graph *g, val dy, val x, val mean,
                                       val scale)
{
    const struct type *t = type_of(g, x);
    int64_t C = t->dim[1];
    union attr lanes[] = {[SAMPLES] = {.i = 0}};
    union attr position[] = {[POSITIONS] = {.i = positions_of(t, g->batch, C)}};
    const val in[] = {[DY] = dy, [X] = x, [MEAN] = mean, [SCALE] = scale};
    val sums = batch_sum(g, &op_BatchNormSums, in, ACC, lanes, 2 * C);
    val all = graph_add(g, &op_BatchNormTotals, &sums, 1, position);
    val here = all;

    if (g->batch != g->effective) {
        val part = graph_add(g, &op_BatchNormSums, in, ACC, lanes);

        part = graph_add(g, &op_LaneSum, &part, 1, NULL);
        here = graph_add(g, &op_BatchNormTotals, &part, 1, position);
    }
    return (struct batch_norm_sums){
        graph_result(g, all, 0), graph_result(g, all, 1),
        graph_result(g, here, 2), graph_result(g, here, 3)};
}
