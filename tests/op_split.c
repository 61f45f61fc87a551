/* op_split.c: Split, along each axis; the golden numbers are those of result
 * 0, and the harness compares all of them with the reference. */
#include "tests/op_test.h"

#include <stddef.h>

static const double six[] = {1, 2, 3, 4, 5, 6};
static const double first_row[] = {1, 2, 3};
static const double two_columns[] = {1, 2, 4, 5};
static const double first_column[] = {1, 4};

static const struct op_case cases[] = {
    {.in = {F32(2, 3)}, .attr = "split=1,1", .x = {six}, .y = first_row},
    {.in = {F32(2, 3)},
     .attr = "axis=1 split=2,1",
     .x = {six},
     .y = two_columns},
    {.in = {F32(2, 3)},
     .attr = "axis=-1 num_outputs=3",
     .x = {six},
     .y = first_column},
    {.in = {F32(2, 3)},
     .attr = "axis=1 num_outputs=2",
     .x = {six},
     .y = two_columns},
    {.in = {F32(5)}, .attr = "num_outputs=1"},
    {.in = {F32(5)}, .attr = "split=5"},
    /* Eight parts are the most. */
    {.in = {F32(8, 1)}, .attr = "num_outputs=8"},
    {.in = {F32(3, 37, 2)}, .attr = "axis=1 split=1,16,17,3"},
    {.in = {BATCH(7, 4, 5)}, .attr = "axis=1 split=2,5"},
    {.in = {BATCH(7, 4, 5)}, .attr = "axis=3 split=4,1"},
    {.in = {BATCH(17000)}, .attr = "axis=1 split=16999,1", .flat = true},
    {.in = {I32(5, 3)}, .attr = "num_outputs=3"},
    {.in = {I64(4, 3)}, .attr = "num_outputs=2"},
    {.in = {BOOL(5, 3)}, .attr = "axis=1 split=1,2"},
    /* Neither split nor num_outputs. */
    {.in = {F32(5)}, .rejects = "num_outputs is 0"},
    {.in = {F32(9)}, .attr = "num_outputs=9", .rejects = "wanted 1 to 8"},
    {.in = {F32(5)}, .attr = "num_outputs=4", .rejects = "do not make 4"},
    {.in = {F32(5)}, .attr = "split=2,2", .rejects = "make 4, the dimension 5"},
    {.in = {F32(5)}, .attr = "split=0,5", .rejects = "split has 0"},
    {.in = {F32(9)},
     .attr = "split=1,1,1,1,1,1,1,1,1",
     .rejects = "split has 9 parts"},
    {.in = {F32(5)}, .attr = "axis=1 num_outputs=1", .rejects = "axis 1 of a"},
    {.in = {BATCH(2)}, .attr = "num_outputs=3", .rejects = "samples"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("Split", cases);
}
