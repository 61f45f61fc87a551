/*
 * op_squeeze.c: Squeeze and Unsqueeze: which dimensions, and which not.
 *
 * Elements keep their order, so golden values are the operand's; what can break
 * is which dimension counts samples afterwards.
 */
#include "tests/op_test.h"

#include <stddef.h>

static const double six[] = {1, 2, 3, 4, 5, 6};

static const struct op_case squeeze[] = {
    {.in = {F32(1, 2, 1, 3)}, .x = {six}, .y = six},
    {.in = {F32(1, 2, 1, 3)}, .x = {six}, .y = six, .attr = "axes=0"},
    {.in = {F32(1, 2, 1, 3)}, .x = {six}, .y = six, .attr = "axes=-2,0"},
    {.in = {F32(1)}},
    {.in = {SCALAR}},
    {.in = {F32(5, 7)}},
    {.in = {BATCH(1, 4, 1)}},
    {.in = {BATCH(1, 4, 1)}, .attr = "axes=3"},
    {.in = {{DT_F32, 4, {1, OP_BATCH, 1, 4}, 2}}},
    {.in = {I32(1, 3)}},
    {.in = {I64(3, 1)}, .attr = "axes=1"},
    {.in = {BOOL(1, 3)}},
    {.in = {F32(1, 2)}, .attr = "axes=1", .rejects = "[1,2] is not 1"},
    {.in = {F32(1, 2)}, .attr = "axes=2", .rejects = "axis 2 of 2"},
    {.in = {F32(1, 2)}, .attr = "axes=-3", .rejects = "axis -3 of 2"},
    {.in = {F32(1, 2)}, .attr = "axes=0,-2", .rejects = "has 0 twice"},
    {.in = {BATCH(1)}, .attr = "axes=0", .rejects = "samples of the batch"},
    {.attr = NULL},
};

static const struct op_case unsqueeze[] = {
    {.in = {F32(2, 3)}, .x = {six}, .y = six, .attr = "axes=0,2"},
    {.in = {F32(2, 3)}, .x = {six}, .y = six, .attr = "axes=-1"},
    {.in = {SCALAR}, .attr = "axes=0"},
    {.in = {SCALAR}, .attr = "axes=1,0"},
    {.in = {BATCH(4)}, .attr = "axes=1"},
    {.in = {BATCH(4)}, .attr = "axes=0"},
    {.in = {BATCH(4)}, .attr = "axes=-1,1"},
    {.in = {I32(3)}, .attr = "axes=1"},
    {.in = {BOOL(3)}, .attr = "axes=1"},
    {.in = {F32(2)}, .attr = "axes=2", .rejects = "axis 2 of 2"},
    {.in = {F32(2)}, .attr = "axes=0,0", .rejects = "has 0 twice"},
    {.in = {F32(1, 1, 1, 1, 1, 1, 2)},
     .attr = "axes=0,1",
     .rejects = "has 9 dimensions"},
    {.attr = NULL},
};

int main(void)
{
    int status = op_test("Squeeze", squeeze);

    return status ? status : op_test("Unsqueeze", unsqueeze);
}
