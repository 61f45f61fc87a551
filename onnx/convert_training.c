/*
 * convert_training.c: nodes in the form that they have while training: with
 * statistics and masks as results.
 */
#include <string.h>

#include "onnx/import.h"

/* ---- means ---- */

/* Dimensions that a mean is over. */
struct axes {
    int64_t axis[MAX_RANK];
    int n;
};

/* Dimensions are kept as 1. */
static const char *mean(struct import *im, const char *x, const struct axes *a)
{
    struct layer_text l;

    if (!x)
        return NULL;
    layer_begin(im, &l, "ReduceMean", name_new(im, NULL, "ReduceMean"));
    layer_input(&l, x);
    layer_ints(&l, "axes", a->axis, a->n);
    return layer_ref(im, &l);
}

/* With as many dimensions of one element behind as x has behind the
 * channels. */
static const char *by_channel(struct import *im, const char *x, int behind)
{
    static const int64_t axis[MAX_RANK] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct layer_text l;

    if (!x || !behind)
        return x;
    layer_begin(im, &l, "Unsqueeze", name_new(im, NULL, "Unsqueeze"));
    layer_input(&l, x);
    layer_ints(&l, "axes", axis, behind);
    return layer_ref(im, &l);
}

/* Null where it is left out, or after a refusal. */
static const char *operand(struct import *im, const struct onnx_node *n, int k)
{
    return k < n->nin && n->in[k] ? operand_ref(im, n->in[k]) : NULL;
}

/* What normalisation has in common; all kept dimensions are there. */
struct moments {
    const char *mean, *apart, *variance, *inverse; /* of the deviation */
};

/* Two passes, as everywhere: the mean of squared differences. */
static bool read_moments(struct import *im, const struct onnx_node *n,
                         const struct axes *a, struct moments *m)
{
    const char *x = operand(im, n, 0), *sum;
    double epsilon = node_float(n, "epsilon", 1e-5);

    m->mean = mean(im, x, a);
    m->apart = layer_step(im, "Sub", x, m->mean);
    m->variance = mean(im, layer_step(im, "Mul", m->apart, m->apart), a);
    sum = layer_step(im, "Add", m->variance, layer_number(im, epsilon));
    m->inverse = layer_step(im, "Div", layer_number(im, 1),
                            layer_step(im, "Sqrt", sum, NULL));
    return m->inverse != NULL;
}

/* apart inverse w + b; an operand left out does nothing. */
static bool scaled(struct import *im, const struct moments *m, const char *w,
                   const char *b)
{
    const char *y = layer_step(im, "Mul", m->apart, m->inverse);

    if (w)
        y = layer_step(im, "Mul", y, w);
    if (b)
        y = layer_step(im, "Add", y, b);
    return layer_result(im, 0, y);
}

/* ---- LayerNormalization with its mean and the deviation's inverse ---- */

/* Where nobody takes the statistics it is the layer itself. */
bool convert_layer_norm(struct import *im, const struct onnx_node *n)
{
    const struct type *x = &n->in[0]->type;
    int64_t axis = node_int(n, "axis", -1);
    struct axes a = {.n = 0};
    struct moments m;

    if (!node_needed(im, 1) && !node_needed(im, 2))
        return convert_norm(im, n);
    axis += axis < 0 ? x->rank : 0;
    if (axis < 0 || axis >= x->rank || node_int(n, "stash_type", 1) != 1)
        return import_reject(im, "axis %lld of %s, or its stash_type is not 1",
                             (long long)axis, type_text(im->arena, x));
    for (; axis < x->rank; axis++)
        a.axis[a.n++] = axis;
    if (!read_moments(im, n, &a, &m) ||
        !scaled(im, &m, operand(im, n, 1), operand(im, n, 2)))
        return false;
    return (!node_needed(im, 1) || layer_result(im, 1, m.mean)) &&
           (!node_needed(im, 2) || layer_result(im, 2, m.inverse));
}

/* ---- BatchNormalization by its batch, with the averages after it ---- */

/* old momentum + new (1 - momentum) */
static const char *average(struct import *im, const char *old, const char *new,
                           int64_t channels, double momentum)
{
    struct layer_text l;
    const char *flat;

    if (!new)
        return NULL;
    layer_begin(im, &l, "Reshape", name_new(im, NULL, "Reshape"));
    layer_input(&l, new);
    layer_ints(&l, "shape", &channels, 1);
    flat = layer_ref(im, &l);
    return layer_step(
        im, "Add", layer_step(im, "Mul", old, layer_number(im, momentum)),
        layer_step(im, "Mul", flat, layer_number(im, 1 - momentum)));
}

/* ONNX's momentum is what stays; the variance is that of the population. */
static bool averages(struct import *im, const struct onnx_node *n,
                     const struct moments *m, int64_t channels)
{
    double momentum = node_float(n, "momentum", 0.9);

    for (int k = 1; k < n->nout; k++)
        if (node_needed(im, k) &&
            !layer_result(im, k,
                          average(im, operand(im, n, k + 2),
                                  k == 1 ? m->mean : m->variance, channels,
                                  momentum)))
            return false;
    return true;
}

bool convert_batch_norm_trains(struct import *im, const struct onnx_node *n)
{
    const struct type *x = &n->in[0]->type;
    struct axes a = {.n = 0};
    struct moments m;
    const char *w, *b;

    if (!node_int(n, "training_mode", 0))
        return convert_batch_norm(im, n);
    if (n->nin != 5 || n->nout > 3 || x->rank < 2)
        return import_reject(im,
                             "it is in training mode with %d operands and "
                             "%d results",
                             n->nin, n->nout);
    for (int d = 0; d < x->rank; d++)
        if (d != 1)
            a.axis[a.n++] = d;
    w = by_channel(im, operand(im, n, 1), x->rank - 2);
    b = by_channel(im, operand(im, n, 2), x->rank - 2);
    return w && b && read_moments(im, n, &a, &m) && scaled(im, &m, w, b) &&
           averages(im, n, &m, x->dim[1]);
}

/* ---- Dropout ---- */

/* Nothing is dropped, so the mask is true wherever x is. */
static bool mask_of(struct import *im, const char *x)
{
    const char *same = layer_step(im, "Equal", x, x);
    const char *other = layer_step(im, "Not", same, NULL);

    if (im->opset < 10)
        return import_reject(im, "its mask is not supported before opset 10");
    return layer_result(im, 1, layer_step(im, "Or", same, other));
}

bool convert_dropout(struct import *im, const struct onnx_node *n)
{
    const char *x = operand(im, n, 0);

    if (node_int(n, "training_mode", 0) && node_float(n, "ratio", 0.5) != 0)
        return import_reject(im, "it is in training mode, and draws at "
                                 "random");
    if (!x || !node_alias(im, 0, n->in[0]))
        return false;
    return !node_needed(im, 1) || mask_of(im, x);
}
