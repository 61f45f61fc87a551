/* order.h: the nodes that outputs need, each after what it takes. */
#ifndef ONNX_ORDER_H
#define ONNX_ORDER_H

#include "runtime/base.h"

struct Onnx__GraphProto;
struct Onnx__NodeProto;

/* Indices of nodes.  Nodes stay in the file's order where that is one that
 * works. */
struct order {
    int *node;
    int n;
};

/* The names that a node takes, and those that the nodes of its branches do, of
 * which some are made there. */
struct taken {
    const char **name;
    size_t n;
};
struct taken taken_by(struct arena *, const struct Onnx__NodeProto *);

/* Null, or what is wrong with the graph. */
const char *order_nodes(struct arena *, const struct Onnx__GraphProto *,
                        struct order *);

#endif
