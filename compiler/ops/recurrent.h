/*
 * recurrent.h: the half of LSTM and GRU layers that does not know their cell:
 * layers, directions, parameters.
 *
 * What the input gives to the gates is one product over all time steps before
 * the recurrence, and the gradients of both weights are products over (sample,
 * time) behind it.  Names and shapes of the parameters are PyTorch's.
 */
#ifndef COMPILER_OPS_RECURRENT_H
#define COMPILER_OPS_RECURRENT_H

#include "compiler/op.h"

/* The first attributes of both, in the order of RECURRENT_ATTRS. */
enum {
    RECURRENT_HIDDEN,
    RECURRENT_LAYERS,
    RECURRENT_DIRECTION,
    RECURRENT_BIAS,
    RECURRENT_OTHERS /* the first of an op's own */
};

#define RECURRENT_ATTRS                                                      \
    {"hidden_size", ATTR_INT, {0}, "size of the state", true, false},        \
        {"layers", ATTR_INT, {.i = 1}, "stacked, 1 or 2", false, false},     \
        {"direction",                                                        \
         ATTR_STRING,                                                        \
         {.s = "forward"},                                                   \
         "forward, reverse or bidirectional",                                \
         false,                                                              \
         false},                                                             \
    {                                                                        \
        "bias", ATTR_BOOL, {.i = 1}, "whether the layer owns biases", false, \
            false                                                            \
    }

struct recurrent {
    const char *name; /* for messages */
    int gates;        /* 3 or 4 in a row of the weights */
    /* The states [N, T, H] of one direction of one layer; w: weight_ih,
     * weight_hh, and bias_ih and bias_hh or empty. */
    val (*direction)(struct graph *, val x, const val *w, bool reverse,
                     const union attr *);
};

/* An op's params and build. x, then for each layer and direction weight_ih,
 * weight_hh and, where the layer has biases, bias_ih and bias_hh. */
int recurrent_params(struct graph *, const struct recurrent *,
                     const struct node *, struct param_decl *);
bool recurrent_build(struct graph *, const struct recurrent *, const val *in,
                     int nin, const union attr *, val *out);

/* Rows of (sample, time). */
val recurrent_rows(struct graph *, val x);
/* What the input gives to the gates at all steps: [N, T, gates H]. */
val recurrent_gates(struct graph *, val x, val weight_ih, val bias);

#endif
