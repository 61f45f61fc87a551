/* op_cum_sum.c: CumSum; the golden numbers are the examples in ONNX's
 * specification. */
#include <stddef.h>

#include "tests/op_test.h"

static const double five[] = {1, 2, 3, 4, 5};
static const double sums[] = {1, 3, 6, 10, 15};
static const double before[] = {0, 1, 3, 6, 10};
static const double from_end[] = {15, 14, 12, 9, 5};
static const double behind[] = {14, 12, 9, 5, 0};
static const double six[] = {1, 2, 3, 4, 5, 6};
static const double down[] = {1, 2, 3, 5, 7, 9};
static const double across[] = {1, 3, 6, 4, 9, 15};

static const struct op_case cases[] = {
    {.in = {F32(5)}, .attr = "axis=0", .x = {five}, .y = sums},
    {.in = {F32(5)}, .attr = "axis=0 exclusive=true", .x = {five}, .y = before},
    {.in = {F32(5)},
     .attr = "axis=-1 reverse=true",
     .x = {five},
     .y = from_end},
    {.in = {F32(5)},
     .attr = "axis=0 exclusive=true reverse=true",
     .x = {five},
     .y = behind},
    {.in = {F32(2, 3)}, .attr = "axis=0", .x = {six}, .y = down},
    {.in = {F32(2, 3)}, .attr = "axis=1", .x = {six}, .y = across},
    {.in = {F32(1)}, .attr = "axis=0"},
    {.in = {F32(2, 5, 8)}, .attr = "axis=1"},
    {.in = {F32(2, 5, 17)}, .attr = "axis=1 reverse=true"},
    {.in = {BATCH(5, 15)}, .attr = "axis=1 exclusive=true"},
    {.in = {BATCH(4, 37)}, .attr = "axis=2"},
    {.in = {F32(4)}, .attr = "axis=1", .rejects = "axis 1 of a rank 1"},
    {.in = {I32(4)}, .attr = "axis=0", .rejects = "input is i32"},
    {.in = {BATCH(4)}, .attr = "axis=0", .rejects = "samples of the batch"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("CumSum", cases);
}
