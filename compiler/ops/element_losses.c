/*
 * element_losses.c: losses that compare two tensors element by element, as in
 * PyTorch with reduction="mean".
 *
 * They are built from pointwise ops, so their gradients come by themselves and
 * the fuser makes one kernel of each.
 */
#include "compiler/ops/loss.h"

/* (x - t)^2; its derivative is 2 (x - t). */
static bool mse(struct graph *g, const val *in, int nin, const union attr *attr,
                val *y)
{
    val d;

    (void)attr;
    if (!loss_pair_fits(g, in))
        return false;
    d = val_sub(g, in[0], in[1]);
    return loss_finish(g, val_mul(g, d, d), loss_weights_of(in, nin), y);
}

/* |x - t|; its derivative is sign(x - t), 0 where they are equal. */
static bool mae(struct graph *g, const val *in, int nin, const union attr *attr,
                val *y)
{
    val d;

    (void)attr;
    if (!loss_pair_fits(g, in))
        return false;
    d = val_sub(g, in[0], in[1]);
    return loss_finish(g, graph_add(g, &op_Abs, &d, 1, NULL),
                       loss_weights_of(in, nin), y);
}

enum { HUBER_DELTA }; /* attribute of Huber */
static const struct attr_spec huber_attrs[] = {
    [HUBER_DELTA] = {"delta",
                     ATTR_FLOAT,
                     {.f = 1},
                     "difference from where on the loss is linear",
                     false,
                     false},
    {0},
};

/*
 * With d = x - t and m = d limited to [-delta, delta] the loss is
 * m (d - m / 2): d^2 / 2 near zero, delta (|d| - delta / 2) beyond.  Its
 * derivative is m.
 */
static bool huber(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    const double delta = attr[HUBER_DELTA].f;
    const union attr limits[2] = {{.f = -delta}, {.f = delta}};
    val d, m, half;

    if (!loss_pair_fits(g, in))
        return false;
    if (!(delta > 0))
        return reject_here(g, "\"delta\" is %g, wanted more than 0", delta);
    d = val_sub(g, in[0], in[1]);
    m = graph_add(g, &op_Clip, &d, 1, limits);
    half = val_mul(g, m, val_scalar(g, 0.5));
    return loss_finish(g, val_mul(g, m, val_sub(g, d, half)),
                       loss_weights_of(in, nin), y);
}

enum { BCE_POS_WEIGHT }; /* attribute of BCEWithLogits */
static const struct attr_spec bce_attrs[] = {
    [BCE_POS_WEIGHT] = {"pos_weight",
                        ATTR_FLOAT,
                        {.f = 1},
                        "weight of what the target is 1 for",
                        false,
                        false},
    {0},
};

/*
 * -w t log s(x) - (1 - t) log(1 - s(x)), where s is the sigmoid.  Since
 * -log s(x) = softplus(-x) and -log(1 - s(x)) = softplus(x), this is
 *
 *   w t softplus(-x) + (1 - t) softplus(x),
 *
 * which overflows nowhere and is exact to rounding for small losses too.
 */
static bool bce(struct graph *g, const val *in, int nin, const union attr *attr,
                val *y)
{
    const double weight = attr[BCE_POS_WEIGHT].f;
    val x = in[0], t = in[1], minus_x, yes, no;

    if (!loss_pair_fits(g, in))
        return false;
    if (!(weight > 0))
        return reject_here(g, "\"pos_weight\" is %g, wanted more than 0",
                           weight);
    minus_x = val_neg(g, x);
    yes = val_mul(g, t, graph_add(g, &op_Softplus, &minus_x, 1, NULL));
    if (weight != 1)
        yes = val_mul(g, yes, val_scalar(g, weight));
    no = val_mul(g, val_sub(g, val_scalar(g, 1), t),
                 graph_add(g, &op_Softplus, &x, 1, NULL));
    return loss_finish(g, val_add(g, yes, no), loss_weights_of(in, nin), y);
}

PAIR_LOSS(MSE, "squared difference", NULL, mse, loss_all_elements)
PAIR_LOSS(MAE, "absolute difference", NULL, mae, loss_all_elements)
PAIR_LOSS(Huber, "squared difference / 2, linear where it is large",
          huber_attrs, huber, loss_all_elements)
PAIR_LOSS(BCEWithLogits, "cross entropy of the prediction's sigmoid", bce_attrs,
          bce, loss_all_elements)
