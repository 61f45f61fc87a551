/*
 * op_gather_elements.c: GatherElements; the golden numbers are the examples in
 * ONNX's specification, and an index outside makes NaN by this project's.
 */
#include <math.h>
#include <stddef.h>

#include "tests/op_test.h"

static const double four[] = {1, 2, 3, 4};
static const double first_index[] = {0, 0, 1, 0};
static const double first[] = {1, 1, 4, 3};
static const double nine[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const double rows[] = {1, 2, 0, 2, 0, 0};
static const double rows_below[] = {-2, -1, -3, -1, -3, -3};
static const double picked[] = {4, 8, 3, 7, 2, 3};
static const double outside[] = {2, -2, -3, 0};
static const double nothing[] = {NAN, 1, NAN, 3};

static const struct op_case cases[] = {
    {.in = {F32(2, 2), I32(2, 2)},
     .attr = "axis=1",
     .x = {four, first_index},
     .y = first},
    {.in = {F32(3, 3), I64(2, 3)}, .x = {nine, rows}, .y = picked},
    {.in = {F32(3, 3), I64(2, 3)}, .x = {nine, rows_below}, .y = picked},
    {.in = {F32(2, 2), I32(2, 2)},
     .attr = "axis=1",
     .x = {four, outside},
     .y = nothing,
     .flat = true},
    {.in = {F32(1), I32(1)}, .classes = 1},
    {.in = {F32(5), I32(67)}, .classes = 5}, /* each often */
    {.in = {F32(67), I64(3)}, .classes = 67},
    {.in = {BATCH(5, 7), LABEL(3, 7)}, .attr = "axis=1", .classes = 5},
    {.in = {BATCH(5, 7), LABEL(5, 13)}, .attr = "axis=-1", .classes = 7},
    {.in = {HALVES(7), LABEL(2)}, .attr = "axis=1", .classes = 7},
    {.in = {F32(3, 2), I32(3)},
     .rejects = "indices are [3] for an input [3,2]"},
    {.in = {F32(3, 2), I32(3, 3)},
     .rejects = "wanted the same dimensions, but along axis 0"},
    {.in = {F32(3), F32(3)}, .rejects = "indices are f32"},
    {.in = {I32(3), I32(3)}, .rejects = "input is i32"},
    {.in = {F32(3), I32(3)}, .attr = "axis=1", .rejects = "axis 1 of a rank 1"},
    {.in = {BATCH(7), LABEL(7)}, .rejects = "samples of the batch"},
    {.in = {BATCH(7), I32(3, 2)},
     .attr = "axis=1",
     .rejects = "counts samples"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("GatherElements", cases);
}
