/*
 * accuracy.c: how often the largest logit is the label's.
 *
 * Of equal logits the first is the largest, and a NaN is larger than
 * everything, as in PyTorch's argmax.
 */
#include <math.h>

#include "compiler/lower.h"
#include "compiler/ops/loss.h"

static const char *const names[] = {"logits", "label", NULL};
static const char *const metric_names[] = {"logits", "label", "weights", NULL};

/* ---- Accuracy ---- */

/* Results: hits f32 [N] and counts i32 [N], empty where every label counts; or
 * with weights both sums of those, f32 [N].  The meter divides, over all batches, so that a short last batch
 * weighs what it should. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    val rows[2];

    if (!loss_has_samples(g, "the first input", type_of(g, in[0])))
        return false;
    if (nin == 3)
        return label_weighted_hits(g, in, nin, attr, y);
    if (!label_rows(g, in, attr, rows))
        return false;
    y[0] = label_sums(g, graph_add(g, &op_AccuracyHits, rows, nin, attr));
    if (!y[0].id)
        return false;
    y[1] = label_counts(g, in[1], attr);
    return !g->diag->failed;
}

const struct op op_Accuracy = {
    .name = "Accuracy",
    .doc = "share of labels whose logit is the largest: logits [N, C, ...], "
           "label [N, ...]; with weights, f32 of the label's first dimensions, "
           "share of those",
    .min_in = 2,
    .nin = 3,
    .nout = 2,
    .attr = label_attrs,
    .in_name = metric_names,
    .types = "f32 f16",
    .build = build,
    .is_metric = true,
    .per_sample = label_per_sample,
};

/* ---- AccuracyHits ---- */

/* logits [N, C, ...] and label [N, ...] to hits, f32 [N]: f32 because meters
 * add floats, and exact as long as a sample has fewer than 2^24 labels. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    if (!label_fits(g, n, 0))
        return false;
    *y = loss_per_sample(type_of(g, n->in[0]), DT_F32);
    return true;
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct loss_problem p = label_problem(
        type_of(lo->graph, n->in[0]), type_of(lo->graph, n->in[1]), n->attr);

    lower_call(lo, kernels_hits, &p, n);
}

/* Index of the largest of x [C], logits that are `step` apart.  The comparison
 * is strict, so the first of equals stays, and a NaN is never displaced. */
static int64_t best(const double *x, int64_t C, int64_t step)
{
    int64_t at = 0;

    for (int64_t c = 1; c < C; c++) {
        double v = x[c * step], before = x[at * step];

        if (v > before || (isnan(v) && !isnan(before)))
            at = c;
    }
    return at;
}

/* An ignored label is never a hit.  A label outside [0, C) cannot equal an
 * index either, so it needs no test of its own. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const struct rows r = rows_along(&in[0].type, 1); /* N, C, inner */

    (void)env;
    for (int64_t i = 0; i < r.outer; i++) {
        const double *x = in[0].data + i * r.len * r.inner; /* [C, inner] */
        const double *label = in[1].data + i * r.inner;     /* [inner] */

        out->data[i] = 0;
        for (int64_t j = 0; j < r.inner; j++)
            out->data[i] += !label_ignored(n, label[j]) &&
                            (double)best(x + j, r.len, r.inner) == label[j];
    }
}

const struct op op_AccuracyHits = {
    .name = "AccuracyHits",
    .doc = "labels of each sample whose logit is the largest",
    .min_in = 2,
    .nin = 2,
    .attr = label_attrs,
    .in_name = names,
    .types = "f32 f16",
    .infer = infer,
    .lower = lower,
    .ref = ref,
    .internal = true,
};
