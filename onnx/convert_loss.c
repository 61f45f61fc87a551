/*
 * convert_loss.c: NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss as
 * chains of layers, by their definition: the element of each target's class is
 * gathered and weighted; what is to be ignored is left out by selection.
 *
 * A model's own training section has a CrossEntropy of its own.
 */
#include <string.h>

#include "onnx/import.h"

enum { INPUT, TARGET, WEIGHT };

/* References; null where there is none. */
struct loss {
    const char *target;  /* with class 0 for those ignored */
    const char *ignored; /* which are */
    const char *weight;  /* of each target */
    const char *sum;     /* how to reduce: none, sum, mean */
};

static const char *with_axis(struct import *im, const char *op, const char *x,
                             const char *y, int64_t axis)
{
    struct layer_text l;

    if (!x || !y)
        return NULL;
    layer_begin(im, &l, op, name_new(im, NULL, op));
    layer_input(&l, x);
    if (y != x)
        layer_input(&l, y);
    if (strstr(op, "queeze"))
        layer_ints(&l, "axes", &axis, 1);
    else
        layer_attr(&l, "axis", "%lld", (long long)axis);
    return layer_ref(im, &l);
}

/* Over all dimensions. */
static const char *reduced(struct import *im, const char *op, const char *x)
{
    struct layer_text l;

    if (!x)
        return NULL;
    layer_begin(im, &l, op, name_new(im, NULL, op));
    layer_input(&l, x);
    layer_attr(&l, "keepdims", "false");
    return layer_ref(im, &l);
}

static bool read_loss(struct import *im, const struct onnx_node *n,
                      struct loss *s)
{
    const struct constant *ignore = node_number(n, "ignore_index");
    enum dtype t;

    s->sum = node_string(n, "reduction", "mean");
    if (strcmp(s->sum, "none") != 0 && strcmp(s->sum, "sum") != 0 &&
        strcmp(s->sum, "mean") != 0)
        return import_reject(im, "its reduction is not known");
    if (n->nin < 2 || !n->in[TARGET] || n->in[INPUT]->type.rank < 2)
        return import_reject(im, "it lacks an input of [N, C, ...] or a "
                                 "target");
    s->target = operand_ref(im, n->in[TARGET]);
    if (!s->target)
        return false;
    t = n->in[TARGET]->type.dtype;
    if (ignore) {
        s->ignored = layer_step(im, "Equal", s->target,
                                layer_constant(im, t, constant_at(ignore, 0)));
        s->target = layer_where(im, s->ignored, layer_constant(im, t, 0),
                                s->target);
    }
    if (n->nin > WEIGHT && n->in[WEIGHT])
        s->weight = with_axis(im, "Gather", operand_ref(im, n->in[WEIGHT]),
                              s->target, 0);
    return s->target && (n->nin <= WEIGHT || !n->in[WEIGHT] || s->weight);
}

/* x is [N, C, ...], the logarithms of probabilities. */
static const char *losses(struct import *im, const struct loss *s,
                          const char *x)
{
    const char *at = with_axis(im, "Unsqueeze", s->target, s->target, 1);
    const char *y = with_axis(im, "GatherElements", x, at, 1);

    y = with_axis(im, "Squeeze", y, y, 1);
    y = layer_step(im, "Neg", y, NULL);
    if (s->weight)
        y = layer_step(im, "Mul", y, s->weight);
    if (s->ignored)
        y = layer_where(im, s->ignored, layer_number(im, 0), y);
    return y;
}

/* The mean is over the weights of those not ignored. */
static const char *reduce(struct import *im, const struct loss *s,
                          const char *y)
{
    const char *weight = s->weight;

    if (strcmp(s->sum, "none") == 0)
        return y;
    if (strcmp(s->sum, "sum") == 0)
        return reduced(im, "ReduceSum", y);
    if (!weight && !s->ignored)
        return reduced(im, "ReduceMean", y);
    if (!weight)
        weight = layer_number(im, 1);
    if (s->ignored)
        weight = layer_where(im, s->ignored, layer_number(im, 0), weight);
    return layer_step(im, "Div", reduced(im, "ReduceSum", y),
                      reduced(im, "ReduceSum", weight));
}

bool convert_loss(struct import *im, const struct onnx_node *n)
{
    bool of_scores = strcmp(n->op, "SoftmaxCrossEntropyLoss") == 0;
    const char *x = operand_ref(im, n->in[INPUT]);
    struct loss s = {0};

    if (!x || !read_loss(im, n, &s))
        return false;
    if (of_scores)
        x = with_axis(im, "LogSoftmax", x, x, 1);
    if (!layer_result(im, 0, reduce(im, &s, losses(im, &s, x))))
        return false;
    return n->nout < 2 || !*n->out[1] || layer_result(im, 1, x);
}
