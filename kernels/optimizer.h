/*
 * optimizer.h: the next values of a parameter and of its optimizer's state.
 *
 * w, g, (state...) -> w', (state'...), all f32 [elements].  State is a momentum
 * buffer for OPTIMIZER_MOMENTUM, and m and v for Adam and AdamW.  An output may
 * lie over the operand that it follows.
 */
#ifndef KERNELS_OPTIMIZER_H
#define KERNELS_OPTIMIZER_H

#include "kernels/kernel.h"

enum optimizer_kind {
    OPTIMIZER_SGD,
    OPTIMIZER_MOMENTUM,
    OPTIMIZER_ADAM,
    OPTIMIZER_ADAMW
};

struct optimizer_problem {
    enum optimizer_kind kind;
    int64_t elements;
    double weight_decay;
    double momentum, dampening; /* SGD */
    bool nesterov;
    double beta1, beta2, epsilon; /* Adam */
};
extern const struct kernel kernels_optimizer[];

#endif
