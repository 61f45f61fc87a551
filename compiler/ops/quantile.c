/*
 * quantile.c: the pinball loss, whose minimum is a quantile of the target.
 *
 * With e = target - prediction it is the larger of q e and (q - 1) e: an error
 * upwards costs q, one downwards 1 - q.  A list of quantiles is the last
 * dimension of the prediction, which the target lacks; the mean is then over
 * the quantiles too.
 *
 * Koenker and Bassett, "Regression Quantiles" (1978).
 */
#include "compiler/ops/loss.h"

enum { ONE, LIST }; /* one quantile, or a list of them */
static const struct attr_spec attrs[] = {
    [ONE] = {"quantile",
             ATTR_FLOAT,
             {.f = 0.5},
             "share of targets below the prediction, without a list",
             false,
             false},
    [LIST] = {"quantiles",
              ATTR_TENSOR,
              {0},
              "list of them, one for each index of the prediction's last "
              "dimension",
              false,
              false},
    {0},
};

/* 0 and 1 would let the prediction run away to an end of the range. */
static bool is_quantile(struct graph *g, double q)
{
    if (q > 0 && q < 1)
        return true;
    return reject_here(g, "a quantile is %g, wanted between 0 and 1", q);
}

/* The target gets a last dimension of one element, which broadcasts. */
static bool list_fits(struct graph *g, const val *in, const struct tensor *list,
                      val *target)
{
    const struct type *x = type_of(g, in[0]), *t = type_of(g, in[1]);
    int64_t dim[MAX_RANK], Q = list->type.dim[0];
    struct type wanted = *x;

    if (list->type.rank != 1)
        return reject_here(g, "quantiles are %s, wanted one list",
                           type_text(g->arena, &list->type));
    if (x->dtype != DT_F32)
        return reject_here(g, "the prediction is %s, wanted f32",
                           dtype_name(x->dtype));
    if (x->rank < 2 || x->dim[x->rank - 1] != Q)
        return reject_here(g,
                           "the prediction is %s, wanted a last dimension of "
                           "%lld quantiles",
                           type_text(g->arena, x), (long long)Q);
    wanted.rank--;
    if (!type_equal(&wanted, t))
        return reject_here(g, "the target is %s %s, wanted f32 %s",
                           dtype_name(t->dtype), type_text(g->arena, t),
                           type_text(g->arena, &wanted));
    for (int64_t q = 0; q < Q; q++)
        if (!is_quantile(g, list->data[q]))
            return false;
    if (!loss_has_samples(g, "the prediction", x))
        return false;
    for (int d = 0; d < t->rank; d++)
        dim[d] = t->dim[d];
    dim[t->rank] = 1;
    *target = val_reshape(g, in[1], dim, t->rank + 1, t->batch);
    return true;
}

/* max(q e, (q - 1) e); the list [Q] broadcasts over the prediction's last
 * dimension.  At e = 0 Max gives its first operand the gradient, so the slope
 * is -q there. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    const struct tensor *list = attr[LIST].tensor;
    val target = in[1], q, e, larger[2];

    if (list) {
        if (!list_fits(g, in, list, &target))
            return false;
        q = graph_constant(g, &list->type, list->data);
    } else {
        if (!loss_pair_fits(g, in) || !is_quantile(g, attr[ONE].f))
            return false;
        q = val_scalar(g, attr[ONE].f);
    }
    e = val_sub(g, target, in[0]);
    larger[0] = val_mul(g, e, q);
    larger[1] = val_mul(g, e, val_sub(g, q, val_scalar(g, 1)));
    return loss_finish(g, graph_add(g, &op_Max, larger, 2, NULL),
                       loss_weights_of(in, nin), y);
}

PAIR_LOSS(Quantile, "pinball loss of predicted quantiles", attrs, build,
          loss_all_elements)
