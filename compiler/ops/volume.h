/*
 * volume.h: windows over three spatial dimensions, [N, C, D, H, W], made of
 * those over two; see volume.c.
 */
#ifndef COMPILER_OPS_VOLUME_H
#define COMPILER_OPS_VOLUME_H

#include "compiler/op.h"

/* Does the layer slide over three dimensions? */
bool volume_is(const struct graph *, const val *in);

/* What a pool of two dimensions does, of one operand. */
typedef bool plane_pool(struct graph *, const val *in, int nin,
                        const union attr *, val *y);

/* Attributes are those of the op, whose lists are for three dimensions.  False
 * after reject_here(). */
bool volume_pool(struct graph *g, const struct op *op, plane_pool *pool, val x,
                 const union attr *attr, val *y);
bool volume_conv(struct graph *, const val *in, int nin, const union attr *,
                 val *y);
/* The way back: of ConvGradX over two dimensions.  Attributes are that op's,
 * with pads and x_shape for three. */
bool volume_conv_grad(struct graph *, const val *in, const union attr *,
                      val *y);

#endif
