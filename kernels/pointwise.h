/*
 * pointwise.h: one kernel for a chain of pointwise operations, its source made
 * from the chain's text.
 */
#ifndef KERNELS_POINTWISE_H
#define KERNELS_POINTWISE_H

#include "kernels/kernel.h"

enum { POINTWISE_RANK = 8, POINTWISE_OPERANDS = 12, POINTWISE_TEXT = 16384 };

/*
 * y[i] = body over operands v0, v1, ... of type V, which sets r of type V.
 * Dims are the result's, outermost first, neighbours joined where every operand
 * allows it; strides count elements, 0 where an operand is broadcast.
 */
struct pointwise_problem {
    int rank;
    int64_t dim[POINTWISE_RANK];
    int nin;
    int64_t stride[POINTWISE_OPERANDS][POINTWISE_RANK];
    enum dtype in[POINTWISE_OPERANDS], out;
    bool integer;     /* V is long, not float */
    const char *body; /* statements */
    double flop;      /* per element */
    char *text;       /* room for POINTWISE_TEXT bytes: the source goes here */
};
extern const struct kernel kernels_pointwise[];

/* Join neighbouring dimensions where all operands allow it. */
void pointwise_collapse(struct pointwise_problem *);

#endif
