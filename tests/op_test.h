/*
 * op_test.h: checks an op from every side that it has.
 *
 * A case is operands, attributes and, where there are any, golden numbers or an
 * expected refusal.  For each case the harness checks the reference against the
 * golden numbers and the gradient against central differences of the reference;
 * then it compiles all cases into one plan per kernel candidate, result and
 * gradients as outputs, and compares the device with the reference.
 *
 * Samples: operands made by BATCH have samples in their first dimension, which
 * must be OP_BATCH.  The device runs with all rows, and with all but the last.
 */
#ifndef TESTS_OP_TEST_H
#define TESTS_OP_TEST_H

#include "compiler/op.h"

enum { OP_BATCH = 3, OP_OPERANDS = 6 };

#define DIMS(...)                                              \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), \
    {                                                          \
        __VA_ARGS__                                            \
    }
#define F32(...)                     \
    {                                \
        DT_F32, DIMS(__VA_ARGS__), 0 \
    }
#define I32(...)                     \
    {                                \
        DT_I32, DIMS(__VA_ARGS__), 0 \
    }
#define I64(...)                     \
    {                                \
        DT_I64, DIMS(__VA_ARGS__), 0 \
    }
#define BOOL(...)                     \
    {                                 \
        DT_BOOL, DIMS(__VA_ARGS__), 0 \
    }
#define SCALAR            \
    {                     \
        DT_F32, 0, {0}, 0 \
    }
#define BATCH(...)                             \
    {                                          \
        DT_F32, DIMS(OP_BATCH, __VA_ARGS__), 1 \
    }
#define HALVES(...)                            \
    {                                          \
        DT_F16, DIMS(OP_BATCH, __VA_ARGS__), 1 \
    }
#define LABEL(...)                             \
    {                                          \
        DT_I32, DIMS(OP_BATCH, __VA_ARGS__), 1 \
    }
#define LABELS                   \
    {                            \
        DT_I32, 1, {OP_BATCH}, 1 \
    }

struct op_case {
    struct type in[OP_OPERANDS];
    const char *attr;             /* "kernel_shape=3,3 group=2" */
    const double *x[OP_OPERANDS]; /* golden operands, where given */
    const double *y;              /* golden result */
    const double *counts;         /* golden second result, of losses */
    const char *rejects;          /* part of the expected message */
    double low, high; /* range of the operands; 0, 0: about -2 to 2 */
    int classes;      /* integers are below; 0: 3 */
    bool flat;        /* no gradient is checked (a kink, a constant) */
    bool seeded;      /* draws: device and reference agree less closely */
};

/* Run all cases of one op; the last has neither operands nor
 * attributes.  Returns an exit status. */
int op_test(const char *op, const struct op_case *);

#endif
