/*
 * op_reduce_sum.c: ReduceSum, over each choice of axes.
 *
 * Golden sums are by hand; lengths lie around 64 and 128, and axes are those
 * that are summed in one run and those that are not.
 */
#include "tests/op_test.h"

#include <stddef.h>

static const double to_five[] = {0, 1, 2, 3, 4, 5};
static const double rows[] = {3, 12};
static const double columns[] = {3, 5, 7};
static const double all[] = {15};

static const struct op_case cases[] = {
    {.in = {F32(2, 3)}, .attr = "axes=1", .x = {to_five}, .y = rows},
    {.in = {F32(2, 3)}, .attr = "axes=-2", .x = {to_five}, .y = columns},
    {.in = {F32(2, 3)}, .x = {to_five}, .y = all},
    {.in = {F32(2, 3)}, .attr = "keepdims=0", .x = {to_five}, .y = all},
    {.in = {F32(1)}},
    {.in = {F32(1, 1)}, .attr = "axes=0 keepdims=0"},
    {.in = {F32(131)}, .attr = "axes=0"},
    {.in = {F32(2, 65)}, .attr = "axes=1 keepdims=0"},
    {.in = {F32(5, 3, 17)}, .attr = "axes=1"},
    {.in = {F32(5, 3, 17)}, .attr = "axes=0,1 keepdims=0"},
    {.in = {F32(2, 3, 5, 7)}, .attr = "axes=0,2"},
    {.in = {F32(2, 3, 5, 7)}, .attr = "axes=3,1 keepdims=0"},
    {.in = {F32(2, 3, 1, 2, 3)}, .attr = "axes=0,2,4"},
    {.in = {BATCH(4)}, .attr = "axes=1"},
    {.in = {BATCH(4, 3, 5)}, .attr = "axes=2,3"},
    {.in = {BATCH(4, 3, 5)}, .attr = "axes=1 keepdims=0"},
    {.in = {F32(4, 7)}, .attr = "axes=2", .rejects = "axis 2 of a rank 2"},
    {.in = {F32(4, 7)}, .attr = "axes=-3", .rejects = "axis -3 of a rank 2"},
    {.in = {I32(4)}, .rejects = "input is i32"},
    {.in = {BATCH(4)}, .attr = "axes=0", .rejects = "samples of a batch"},
    {.in = {BATCH(4)}, .rejects = "samples of a batch"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("ReduceSum", cases);
}
