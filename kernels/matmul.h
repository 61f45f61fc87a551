/*
 * matmul.h: matrix products.
 *
 * kernels_matmul: y = op(a) op(b) + bias for each of a batch of matrices;
 * operands a, b, (bias f32 [N]) -> y.  op(a) is [M, K], op(b) [K, N], stored
 * the other way round where trans_a or trans_b says so.  y is dense; a_stride
 * and b_stride are elements between the matrices of each batch dimension, 0
 * where one matrix serves all.
 *
 * kernels_matmul_batch_sum: a [samples, per_sample, M] and
 * b [samples, per_sample, N], (acc) -> y f32 [lanes, M, N], the sum over
 * samples and positions of a[., m] b[., n]; lanes as in conv.h.
 */
#ifndef KERNELS_MATMUL_H
#define KERNELS_MATMUL_H

#include "kernels/kernel.h"

enum { MATMUL_BATCH = 4 }; /* dimensions before the matrix */

struct matmul_problem {
    int64_t M, N, K;
    bool trans_a, trans_b;
    int nbatch; /* dimensions in use */
    int64_t batch[MATMUL_BATCH], a_stride[MATMUL_BATCH], b_stride[MATMUL_BATCH];
    enum dtype a, b, y;
    bool bias;
};

struct matmul_sum_problem {
    int64_t samples, per_sample, M, N; /* per_sample: rows of a sample */
    enum dtype a, b;
    int lanes;
    bool accumulate;
};

extern const struct kernel kernels_matmul[];
extern const struct kernel kernels_matmul_batch_sum[];

#endif
