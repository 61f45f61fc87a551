/*
 * pick.h: elements by indices that are data, and the way back.
 *
 *   kernels_pick   x [outer, places, inner], index -> y [outer, count, inner],
 *                  y[o, k, i] = x[o, index, i]
 *   kernels_place  x [outer, places, inner], index, u [outer, count, inner] ->
 *                  y as x, with u[o, k, i] put, added or multiplied at index
 *
 * The form says what the index of (o, k, i) is: an element of [outer, count,
 * inner], or a row of [outer, count, rank] or, the same for all o, of [count,
 * rank], which has one coordinate for each of `dim`, whose product is places.
 *
 * A coordinate below zero counts from the end.  Beyond the dimension it makes
 * NaN, or 0 of integers, and is placed nowhere.
 */
#ifndef KERNELS_PICK_H
#define KERNELS_PICK_H

#include "kernels/kernel.h"

enum pick_form { PICK_EACH, PICK_ROWS, PICK_SHARED };
enum pick_reduction { PICK_PUT, PICK_ADD, PICK_MUL };
enum { PICK_RANK = 8 };

struct pick_problem {
    int64_t outer, count, inner;
    int rank;
    int64_t dim[PICK_RANK];
    enum pick_form form;
    enum pick_reduction reduction; /* of place */
    enum dtype dtype, index;
};

extern const struct kernel kernels_pick[], kernels_place[];

#endif
