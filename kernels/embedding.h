/*
 * embedding.h: rows of a table by index, and the gradient of the table.
 *
 * kernels_embedding: index [n], w [count, size] -> y [n, size] of w's type.  An
 * index outside 0..count-1 is never used as one: its row of y is NaN.
 *
 * kernels_embedding_grad: index [samples, positions] and
 * dy [samples, positions, size], (acc) -> dw f32 [lanes, count, size]: each row
 * of the table is the sum of dy where its index stands, in the order of samples
 * and positions, without atomics; lanes as in conv.h.  Indices outside
 * 0..count-1 add to nothing.
 */
#ifndef KERNELS_EMBEDDING_H
#define KERNELS_EMBEDDING_H

#include "kernels/kernel.h"

struct embedding_problem {
    int64_t n, count, size;
    enum dtype index, w; /* index: i32, i64 or u8 */
};

struct embedding_grad_problem {
    int64_t samples, positions, count, size; /* positions: of a sample */
    enum dtype index, dy;
    int lanes;
    bool accumulate;
};

extern const struct kernel kernels_embedding[];
extern const struct kernel kernels_embedding_grad[];

#endif
