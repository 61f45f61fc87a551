/*
 * op_reduce_max.c: ReduceMax, over each choice of axes.
 *
 * Two equal largest ones get half of the gradient each, which is also what
 * central differences give.
 */
#include "tests/op_test.h"

#include <math.h>
#include <stddef.h>

static const double six[] = {4, -1, 2, -3, -4, -5};
static const double rows[] = {4, -3};
static const double columns[] = {4, -1, 2};
static const double all[] = {4};
static const double pairs[] = {3, 1, 3, 2, 2, -7};
static const double tops[] = {3, 2};
static const double with_nan[] = {1, NAN, 2, NAN, 0, INFINITY};
static const double nans[] = {NAN, NAN};
/* Equal ones in different dimensions, [2, 2, 2] over the outer two. */
static const double crossed[] = {5, 0, 1, 2, 3, 2, 5, 1};
static const double crossed_tops[] = {5, 2};

static const struct op_case cases[] = {
    {.in = {F32(2, 3)}, .attr = "axes=1", .x = {six}, .y = rows},
    {.in = {F32(2, 3)}, .attr = "axes=-2", .x = {six}, .y = columns},
    {.in = {F32(2, 3)}, .x = {six}, .y = all},
    {.in = {F32(2, 3)}, .attr = "keepdims=0", .x = {six}, .y = all},
    {.in = {F32(2, 3)}, .attr = "axes=1", .x = {pairs}, .y = tops},
    {.in = {F32(2, 3)},
     .attr = "axes=1",
     .x = {with_nan},
     .y = nans,
     .flat = true},
    {.in = {F32(2, 2, 2)},
     .attr = "axes=0,1",
     .x = {crossed},
     .y = crossed_tops},
    {.in = {F32(2, 1, 2, 2)},
     .attr = "axes=0,2",
     .x = {crossed},
     .y = crossed_tops},
    {.in = {F32(1)}},
    {.in = {F32(131)}, .attr = "axes=0"},
    {.in = {F32(2, 65)}, .attr = "axes=1 keepdims=0"},
    {.in = {F32(5, 3, 17)}, .attr = "axes=1"},
    {.in = {F32(2, 3, 5, 7)}, .attr = "axes=3,1"},
    {.in = {F32(2, 3, 5, 7)}, .attr = "axes=0,2 keepdims=0"},
    {.in = {F32(2, 3, 1, 2, 3)}, .attr = "axes=0,2,4"},
    {.in = {BATCH(4)}, .attr = "axes=1"},
    {.in = {BATCH(4, 3, 5)}, .attr = "axes=2,3"},
    {.in = {BATCH(4, 3, 5)}, .attr = "axes=1,3"},
    {.in = {BATCH(4, 3, 5)}, .attr = "axes=1 keepdims=0"},
    {.in = {F32(4, 7)}, .attr = "axes=2", .rejects = "axis 2 of a rank 2"},
    {.in = {I32(4)}, .rejects = "input is i32"},
    {.in = {BATCH(4)}, .attr = "axes=0", .rejects = "samples of the batch"},
    {.in = {BATCH(4)}, .rejects = "samples of the batch"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("ReduceMax", cases);
}
