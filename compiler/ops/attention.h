/* attention.h: what Attention and FusedAttention share. */
#ifndef COMPILER_OPS_ATTENTION_H
#define COMPILER_OPS_ATTENTION_H

#include "compiler/op.h"

enum { HEADS, CAUSAL, SCALE, PLAIN }; /* attributes */
enum { Q, K, V, MASK, OPERANDS };     /* MASK may be left out */

extern const struct attr_spec attention_attrs[];

/* [N, heads, T, S], the type of the weights; dtype and samples are q's. */
struct type attention_weights_type(const struct type *q, const struct type *k,
                                   int64_t heads);
/* An operand as [N, heads, T, size].  One of rank 4 is returned as it is. */
val attention_heads(struct graph *, val x, int64_t heads);
/* softmax(q k^T scale + mask), in plain form; the mask may be empty. `attr`
 * has heads and scale resolved: neither may be the default 0 here. */
val attention_weights(struct graph *, const val *in, val mask,
                      const union attr *);

#endif
