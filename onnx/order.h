/* order.h: the nodes that outputs need, each after what it takes. */
#ifndef ONNX_ORDER_H
#define ONNX_ORDER_H

#include "runtime/base.h"

struct Onnx__GraphProto;

/* Indices of nodes.  Nodes stay in the file's order where that is one that
 * works. */
struct order {
    int *node;
    int n;
};

/* Null, or what is wrong with the graph. */
const char *order_nodes(struct arena *, const struct Onnx__GraphProto *,
                        struct order *);

#endif
