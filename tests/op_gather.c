/*
 * op_gather.c: Gather, by a list and by indices of the samples; the golden
 * numbers are the first examples in ONNX's specification.
 */
#include <stddef.h>

#include "tests/op_test.h"

static const double x[] = {1.0, 1.2, 2.3, 3.4, 4.5, 5.7};
static const double rows[] = {1.0, 1.2, 2.3, 3.4, 2.3, 3.4, 4.5, 5.7};
static const double y[] = {1.0, 1.2, 1.9, 2.3, 3.4, 3.9, 4.5, 5.7, 5.9};
static const double columns[] = {1.0, 1.9, 2.3, 3.9, 4.5, 5.9};
static const double last[] = {3.4, 1.2, 5.7};
static const double picked[] = {2, 0, 1};
static const double picked_rows[] = {4.5, 5.7, 1.0, 1.2, 2.3, 3.4};

static const double ends[] = {-1, 0}, sides[] = {0, 2};
static const double end_rows[] = {4.5, 5.7, 1.0, 1.2};
static const double nine[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const double nine_columns[] = {1, 3, 4, 6, 7, 9};

/* Columns 2, 0 and 1 of y above, and 2 and 0, and 1 twice. */
static const double by_samples[] = {1.9, 1.0, 1.2, 3.9, 2.3,
                                    3.4, 5.9, 4.5, 5.7};
static const double two_by_two[] = {2, 0, -2, -2};
static const double four_columns[] = {1.9, 1.0, 1.2, 1.2, 3.9, 2.3,
                                      3.4, 3.4, 5.9, 4.5, 5.7, 5.7};

static const struct op_case cases[] = {
    {.in = {F32(3, 2)}, .attr = "indices=0,1,1,2", .x = {x}, .y = rows},
    {.in = {F32(3, 3)}, .attr = "axis=1 indices=0,2", .x = {y}, .y = columns},
    {.in = {F32(6)}, .attr = "indices=-3,1,-1", .x = {x}, .y = last},
    {.in = {F32(3, 2), LABELS}, .x = {x, picked}, .y = picked_rows},
    {.in = {F32(1)}, .attr = "indices=0"},
    {.in = {F32(5)}, .attr = "indices=3,3,3,3"}, /* most is not read */
    {.in = {F32(2, 7, 3)}, .attr = "axis=1 indices=6,0,3"},
    {.in = {F32(2, 7, 17)}, .attr = "axis=-2 indices=6,6,0,3"},
    {.in = {BATCH(5, 16)}, .attr = "axis=1 indices=1,0,1"},
    {.in = {BATCH(5, 15)}, .attr = "axis=2 indices=14,7,7,0"},
    {.in = {F32(3, 4, 5), LABEL(2)}},
    {.in = {F32(4)}, .rejects = "indices are missing"},
    {.in = {F32(3, 2), LABELS},
     .attr = "indices=0",
     .rejects = "an operand and an attribute"},
    {.in = {F32(4)}, .attr = "indices=4", .rejects = "index 4 is not one of"},
    {.in = {F32(4)}, .attr = "indices=-5", .rejects = "index -5 is not one of"},
    {.in = {F32(4)}, .attr = "axis=1 indices=0", .rejects = "axis 1 of a rank"},
    {.in = {I32(4)}, .attr = "indices=0", .rejects = "input is i32"},
    {.in = {BATCH(2)}, .attr = "indices=0", .rejects = "samples of the batch"},
    {.in = {F32(3, 2), I32(4)}},
    {.in = {F32(3, 2), I64(2)}, .x = {x, ends}, .y = end_rows},
    {.in = {F32(3, 3), I64(1, 2)},
     .attr = "axis=1",
     .x = {y, sides},
     .y = columns},
    {.in = {I32(3, 3), I64(1, 2)},
     .attr = "axis=1",
     .x = {nine, sides},
     .y = nine_columns},
    {.in = {BATCH(5, 7), I32(2, 9)}, .attr = "axis=1", .classes = 5},
    {.in = {BATCH(5, 7), I32(65)}, .attr = "axis=-1", .classes = 7},
    {.in = {F32(3, 3), LABELS},
     .attr = "axis=1",
     .x = {y, picked},
     .y = by_samples},
    {.in = {F32(3, 3), I32(2, 2)},
     .attr = "axis=1",
     .x = {y, two_by_two},
     .y = four_columns},
    {.in = {F32(4, 3, 5), LABEL(2)}, .attr = "axis=1"},
    {.in = {F32(4, 5, 3), LABELS}, .attr = "axis=2"},
    {.in = {BATCH(7), LABEL(2)},
     .attr = "axis=1",
     .rejects = "within each sample GatherElements"},
    {.in = {BATCH(2), I32(4)}, .rejects = "axis 0 of [3,2]"},
    {.in = {F32(3, 2), F32(4)}, .rejects = "indices are f32"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("Gather", cases);
}
