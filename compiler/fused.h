/*
 * fused.h: a chain of pointwise ops as one node.
 *
 * Step k computes its op on operands that are earlier steps (>= 0) or operands
 * of the node (-1 - index); the last step is the result.  Each value goes
 * through its step's type, so that a chain means what its ops mean apart.
 */
#ifndef COMPILER_FUSED_H
#define COMPILER_FUSED_H

#include "compiler/op.h"

struct pointwise_problem;

enum { FUSED_STEPS = 24, FUSED_OPERANDS = 12 };

/* op is pointwise: it has a formula.  dtype is the step's result's. */
struct fused_step {
    const struct op *op;
    const union attr *attr;
    enum dtype dtype;
    int nin;
    int in[FORMULA_OPERANDS];
};

struct fused {
    int n;
    struct fused_step step[FUSED_STEPS];
};

/* A pointwise node as a chain of one. */
void fused_single(const struct node *, struct fused *);
/* Add the kernel call of a chain, node n having the operands. */
void fused_lower(struct lower *, const struct node *n, const struct fused *);
/* The problem of a chain over in[0..nin) with a result like y, its dimensions not
 * yet joined; a chain without steps is its one operand. */
struct pointwise_problem *fused_problem(struct lower *, const struct type *y,
                                        const val *in, int nin,
                                        const struct fused *);
double fused_eval(const struct fused *, const double *operand);
/* The steps in the names of the OpenCL text: operands v0..., steps t0... */
void fused_print(const struct fused *, struct text *);

#endif
