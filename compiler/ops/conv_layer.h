/* conv_layer.h: the parameters of Conv and ConvTranspose as layers. */
#ifndef COMPILER_OPS_CONV_LAYER_H
#define COMPILER_OPS_CONV_LAYER_H

#include "compiler/op.h"

struct conv_layer {
    int64_t filters, group;
    struct ints kernel; /* not read when W is given */
    bool bias, transposed;
};

/* For struct op's params: W and, with a bias, B. */
int conv_layer_params(struct graph *, const struct node *n,
                      const struct conv_layer *, struct param_decl *p);

#endif
