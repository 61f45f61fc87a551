/*
 * similarity_losses.c: losses that compare distributions, directions and sets,
 * each built from pointwise ops and sums inside a sample.
 */
#include "compiler/ops/loss.h"

static const double largest = 3.4028234663852886e38; /* of f32 */

/* The upper limit of Clip is there only because it has one. */
static val at_least(struct graph *g, val v, double low)
{
    const union attr limits[2] = {{.f = low}, {.f = largest}};

    return graph_add(g, &op_Clip, &v, 1, limits);
}

/* ---- KLDiv: t (log t - x), 0 where t is, as in PyTorch ---- */

/* The smallest normal float in place of 0 keeps 0 log 0 from being NaN. x are
 * log-probabilities.  Each sample counts once, not each element: PyTorch's
 * reduction="batchmean". */
static bool kl_div(struct graph *g, const val *in, int nin,
                   const union attr *attr, val *y)
{
    val positive, log_t, sums;

    (void)attr;
    if (!loss_pair_fits(g, in))
        return false;
    positive = at_least(g, in[1], 1.1754943508222875e-38);
    log_t = graph_add(g, &op_Log, &positive, 1, NULL);
    sums = loss_sample_sums(g, val_mul(g, in[1], val_sub(g, log_t, in[0])));
    return loss_finish(g, sums, loss_weights_of(in, nin), y);
}

PAIR_LOSS(KLDiv,
          "divergence of log-probabilities from the target's probabilities, "
          "summed inside each sample",
          NULL, kl_div, loss_one_each)

/* ---- CosineSimilarity: 1 - x t / (|x| |t|) ---- */

enum { COSINE_EPSILON };
static const struct attr_spec cosine_attrs[] = {
    [COSINE_EPSILON] = {"epsilon",
                        ATTR_FLOAT,
                        {.f = 1e-8},
                        "least length that is divided by",
                        false,
                        false},
    {0},
};

/* [..., D] to [...]. */
static val last_sum(struct graph *g, val v)
{
    const int64_t last = type_of(g, v)->rank - 1;

    return val_reduce_sum(g, v, ints_copy(g, &last, 1), false);
}

/* The limit is below the root, whose slope at zero is infinite.  PyTorch
 * limits each length alike, by epsilon. */
static val length(struct graph *g, val v, double epsilon)
{
    val squares = at_least(g, last_sum(g, val_mul(g, v, v)), epsilon * epsilon);

    return graph_add(g, &op_Sqrt, &squares, 1, NULL);
}

/* One angle for each position of a sample. */
static int64_t cosine_count(const struct type *x, const union attr *attr)
{
    (void)attr;
    return type_count(x) / (x->dim[0] * x->dim[x->rank - 1]);
}

/* x, t [N, ..., D].  An epsilon of 1e-18 has a square that f32 still holds as
 * a normal number. */
static bool cosine(struct graph *g, const val *in, int nin,
                   const union attr *attr, val *y)
{
    const double epsilon = attr[COSINE_EPSILON].f;
    val cos;

    if (!loss_pair_fits(g, in))
        return false;
    if (type_of(g, in[0])->rank < 2)
        return reject_here(g, "the prediction is %s, wanted [N, ..., numbers]",
                           type_text(g->arena, type_of(g, in[0])));
    if (!(epsilon >= 1e-18))
        return reject_here(g, "\"epsilon\" is %g, wanted 1e-18 or more",
                           epsilon);
    /* One length after the other: their product may overflow. */
    cos = val_div(g, last_sum(g, val_mul(g, in[0], in[1])),
                  length(g, in[0], epsilon));
    cos = val_div(g, cos, length(g, in[1], epsilon));
    return loss_finish(g, val_sub(g, val_scalar(g, 1), cos),
                       loss_weights_of(in, nin), y);
}

PAIR_LOSS(CosineSimilarity, "1 - cosine of the angle in the last dimension",
          cosine_attrs, cosine, cosine_count)

/* ---- Dice: 1 - (2 sum x t + s) / (sum x + sum t + s) ---- */

enum { DICE_SMOOTH, DICE_LOGITS };
static const struct attr_spec dice_attrs[] = {
    [DICE_SMOOTH] = {"smooth",
                     ATTR_FLOAT,
                     {.f = 1},
                     "added above and below, so that nothing is like nothing",
                     false,
                     false},
    [DICE_LOGITS] = {"from_logits",
                     ATTR_BOOL,
                     {0},
                     "the prediction's sigmoid is compared",
                     false,
                     false},
    {0},
};

/* Milletari et al., "V-Net" (2016), with sums instead of sums of squares: one
 * overlap for each sample, so that it does not see its micro-batch.  A smooth
 * above 0 keeps an empty sample from 0 / 0. */
static bool dice(struct graph *g, const val *in, int nin,
                 const union attr *attr, val *y)
{
    const double smooth = attr[DICE_SMOOTH].f;
    val x = in[0], both, all, s;

    if (!loss_pair_fits(g, in))
        return false;
    if (!(smooth > 0))
        return reject_here(g, "\"smooth\" is %g, wanted more than 0", smooth);
    if (attr[DICE_LOGITS].i)
        x = graph_add(g, &op_Sigmoid, &x, 1, NULL);
    s = val_scalar(g, smooth);
    both = loss_sample_sums(g, val_mul(g, x, in[1]));
    all = loss_sample_sums(g, val_add(g, x, in[1]));
    both = val_add(g, val_mul(g, val_scalar(g, 2), both), s);
    both = val_div(g, both, val_add(g, all, s));
    return loss_finish(g, val_sub(g, val_scalar(g, 1), both),
                       loss_weights_of(in, nin), y);
}

PAIR_LOSS(Dice, "1 - overlap of prediction and target, one for each sample",
          dice_attrs, dice, loss_one_each)
