/* channels.h: for simplify.c; see channels.c. */
#ifndef COMPILER_CHANNELS_H
#define COMPILER_CHANNELS_H

#include "compiler/graph.h"

/* By id, in the graph's arena: nodes that channels_copy() is to copy.  used: by id,
 * as from graph_used(). */
bool *channels_cut(const struct graph *, const bool *used);
/* Such a node in the graph of its operands: a convolution of a Concat, or a slice of
 * a data gradient. */
val channels_copy(struct graph *, const struct node *, const val *in);

#endif
