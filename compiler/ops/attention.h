/* attention.h: what Attention and FusedAttention share. */
#ifndef COMPILER_OPS_ATTENTION_H
#define COMPILER_OPS_ATTENTION_H

#include "compiler/op.h"

enum { HEADS, CAUSAL, SCALE, PLAIN };
enum { Q, K, V, MASK, OPERANDS };

extern const struct attr_spec attention_attrs[];

/* [N, heads, T, S] */
struct type attention_weights_type(const struct type *q, const struct type *k,
                                   int64_t heads);
/* An operand as [N, heads, T, size]. */
val attention_heads(struct graph *, val x, int64_t heads);
/* softmax(q k^T scale + mask), in plain form; the mask may be empty. */
val attention_weights(struct graph *, const val *in, val mask,
                      const union attr *);

#endif
