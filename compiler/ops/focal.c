/*
 * focal.c: cross entropy of a sigmoid in which what is right already counts
 * less, as torchvision's sigmoid_focal_loss (Lin et al., 2017).
 *
 * With the sigmoid p of the prediction x, and of the target t the chance
 * r = p t + (1 - p) (1 - t) of a right answer, an element costs
 *
 *   (alpha t + (1 - alpha) (1 - t)) (1 - r)^gamma cross entropy(p, t).
 *
 * 1 - r is computed as s(x) (1 - t) + s(-x) t, which keeps its digits where the
 * answer is nearly right.
 *
 * Lin et al., "Focal Loss for Dense Object Detection" (2017), equation 5, with
 * soft targets as torchvision has them.
 */
#include "compiler/ops/loss.h"

enum { ALPHA, GAMMA }; /* alpha below 0: no weighting */
static const struct attr_spec attrs[] = {
    [ALPHA] = {"alpha",
               ATTR_FLOAT,
               {.f = 0.25},
               "weight of what the target is 1 for; below 0: none",
               false,
               false},
    [GAMMA] = {"gamma",
               ATTR_FLOAT,
               {.f = 2},
               "power of the chance of a wrong answer",
               false,
               false},
    {0},
};

/* yes t + no (1 - t).  All of one shape or scalars. */
static val blend(struct graph *g, val t, val yes, val no)
{
    val rest = val_sub(g, val_scalar(g, 1), t);

    return val_add(g, val_mul(g, yes, t), val_mul(g, no, rest));
}

/* w^gamma; the slope at zero of a power less than 1 is infinite, so
 * there w is not less than the smallest normal float.  Powers
 * of 1 and 2 need no such limit. */
static val power(struct graph *g, val w, double gamma)
{
    const union attr limits[2] = {{.f = 1.1754943508222875e-38},
                                  {.f = 3.4028234663852886e38}};

    if (gamma == 1)
        return w;
    if (gamma == 2)
        return val_mul(g, w, w);
    w = graph_add(g, &op_Clip, &w, 1, limits);
    return graph_add(g, &op_Pow, (val[]){w, val_scalar(g, gamma)}, 2, NULL);
}

/* -log s(x) = softplus(-x) and -log(1 - s(x)) = softplus(x), so the cross
 * entropy overflows nowhere; likewise 1 - s(x) = s(-x). */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    const double alpha = attr[ALPHA].f, gamma = attr[GAMMA].f;
    val x = in[0], t = in[1], minus_x, loss;

    if (!loss_pair_fits(g, in))
        return false;
    if (!(alpha <= 1))
        return reject_here(g, "\"alpha\" is %g, wanted at most 1", alpha);
    if (!(gamma >= 0))
        return reject_here(g, "\"gamma\" is %g, wanted 0 or more", gamma);
    minus_x = val_neg(g, x);
    loss = blend(g, t, graph_add(g, &op_Softplus, &minus_x, 1, NULL),
                 graph_add(g, &op_Softplus, &x, 1, NULL));
    if (gamma > 0) {
        val wrong = blend(g, t, graph_add(g, &op_Sigmoid, &minus_x, 1, NULL),
                          graph_add(g, &op_Sigmoid, &x, 1, NULL));
        loss = val_mul(g, loss, power(g, wrong, gamma));
    }
    if (alpha >= 0)
        loss = val_mul(
            g, loss,
            blend(g, t, val_scalar(g, alpha), val_scalar(g, 1 - alpha)));
    return loss_finish(g, loss, loss_weights_of(in, nin), y);
}

PAIR_LOSS(Focal, "cross entropy of a sigmoid, less where it is right", attrs,
          build, loss_all_elements)
