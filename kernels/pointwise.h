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
 *
 * A result may be placed in a larger whole: then element `at` of the whole is its
 * first, and the others follow by the whole's strides.  The whole's other elements
 * are those of an operand `before` of its size, which comes first and may be the
 * whole's own memory; without it they are left as they are.
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

    bool placed, before;
    int64_t out_stride[POINTWISE_RANK]; /* of the whole, as is: */
    int64_t at;
    /* The piece has `run` elements of every `row` ones of `all`. */
    int64_t run, row, all;
};
extern const struct kernel kernels_pointwise[];

/* Join neighbouring dimensions where all operands allow it. */
void pointwise_collapse(struct pointwise_problem *);

#endif
