/* conv_layer.h: the parameters of Conv and ConvTranspose as layers. */
#ifndef COMPILER_OPS_CONV_LAYER_H
#define COMPILER_OPS_CONV_LAYER_H

#include "compiler/op.h"

struct conv_layer {         /* what the attributes say */
    int64_t filters, group; /* filters: channels of y */
    struct ints kernel;     /* not read when W is given */
    bool bias, transposed;
};

/* For struct op's params: W and, with a bias, B. The count of declarations, or
 * -1 after reject(). n has x [N, C, ...] and, when given, W as operands. */
int conv_layer_params(struct graph *, const struct node *n,
                      const struct conv_layer *, struct param_decl *p);
/* Of Conv: a node, or what three dimensions are made of. */
bool conv_build(struct graph *, const val *in, int nin, const union attr *,
                val *y);

#endif
