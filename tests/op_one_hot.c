/*
 * op_one_hot.c: OneHot.
 *
 * Golden rows follow from the definition; indices below zero count from the
 * end, those beyond the depth give a row without a one.
 */
#include <stddef.h>

#include "tests/op_test.h"

static const double three[] = {0, 2, -1};
static const double rows[] = {1, 0, 0, 0, 0, 1, 0, 0, 1};
static const double columns[] = {1, 0, 0, 0, 0, 0, 0, 1, 1};
static const double beyond[] = {3, -4, 1};
static const double one_row[] = {0, 0, 0, 0, 0, 0, 0, 1, 0};
static const double other[] = {3, -2, -2, -2, -2, 3, -2, -2, 3};

static const struct op_case cases[] = {
    {.in = {I32(3)}, .attr = "depth=3", .x = {three}, .y = rows, .flat = true},
    {.in = {I64(3)}, .attr = "depth=3", .x = {three}, .y = rows, .flat = true},
    {.in = {I32(3)},
     .attr = "depth=3 axis=0",
     .x = {three},
     .y = columns,
     .flat = true},
    {.in = {I32(3)},
     .attr = "depth=3 values=-2,3",
     .x = {three},
     .y = other,
     .flat = true},
    {.in = {I32(3)},
     .attr = "depth=3",
     .x = {beyond},
     .y = one_row,
     .flat = true},
    {.in = {I32(1)}, .attr = "depth=1", .flat = true},
    {.in = {I32(2, 3)}, .attr = "depth=4 axis=1", .flat = true},
    {.in = {LABEL(5)}, .attr = "depth=17", .flat = true},
    {.in = {LABEL(5)}, .attr = "depth=3 axis=1", .flat = true},
    {.in = {LABELS}, .attr = "depth=3 axis=0", .rejects = "before the samples"},
    {.in = {I32(3)}, .attr = "depth=0", .rejects = "depth is 0"},
    {.in = {I32(3)}, .attr = "depth=2 axis=2", .rejects = "axis 2 of a rank 2"},
    {.in = {I32(3)}, .attr = "depth=2 values=1", .rejects = "1 numbers"},
    {.in = {F32(3)}, .attr = "depth=2", .rejects = "indices are f32"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("OneHot", cases);
}
