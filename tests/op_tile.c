/*
 * op_tile.c: Tile, along each dimension and several.
 *
 * Golden values by hand.  The large cases are for the kernel's choice of run:
 * samples apart, one element repeated, and every dimension at once.
 */
#include "tests/op_test.h"

#include <stddef.h>

static const double six[] = {1, 2, 3, 4, 5, 6};
static const double across[] = {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6};
static const double down[] = {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6};
static const double four[] = {1, 2, 3, 4};
static const double both[] = {1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4};

static const struct op_case cases[] = {
    {.in = {F32(2, 3)}, .attr = "repeats=1,2", .x = {six}, .y = across},
    {.in = {F32(2, 3)}, .attr = "repeats=2,1", .x = {six}, .y = down},
    {.in = {F32(2, 2)}, .attr = "repeats=2,2", .x = {four}, .y = both},
    {.in = {F32(2, 3)}, .attr = "repeats=1,1", .x = {six}, .y = six},
    {.in = {F32(1)}, .attr = "repeats=37"},
    {.in = {F32(17)}, .attr = "repeats=3"},
    {.in = {F32(3, 1, 5)}, .attr = "repeats=1,7,1"},
    {.in = {F32(2, 3, 5)}, .attr = "repeats=3,1,2"},
    {.in = {F32(2, 1, 3, 2, 1, 2, 1, 2)}, .attr = "repeats=1,2,1,2,1,1,3,2"},
    {.in = {BATCH(4, 3)}, .attr = "repeats=1,2,3"},
    {.in = {BATCH(1, 16)}, .attr = "repeats=1,5,1"},
    {.in = {BATCH(8000)}, .attr = "repeats=1,3", .flat = true},
    {.in = {I32(3)}, .attr = "repeats=2"},
    {.in = {I64(3, 2)}, .attr = "repeats=2,2"},
    {.in = {BOOL(3, 5)}, .attr = "repeats=1,2"},
    {.in = {F32(3)}, .attr = "repeats=2,2", .rejects = "has 2 numbers"},
    {.in = {F32(3)}, .attr = "repeats=0", .rejects = "repeats has 0"},
    {.in = {F32(3)}, .attr = "repeats=999999999", .rejects = "has 999999999"},
    {.in = {BATCH(3)}, .attr = "repeats=2,1", .rejects = "samples"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("Tile", cases);
}
