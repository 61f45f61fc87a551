/* op_layer_normalization.c: LayerNormalization over one and more dimensions. */
#include "tests/op_test.h"

#include <math.h>
#include <stddef.h>

/* Mean 2.5, variance 1.25; epsilon 0.3125 makes the deviation 1.25. */
static const double steps[] = {1, 2, 3, 4};
static const double scale[] = {1, 2, -1, 0.5};
static const double shift[] = {0, 1, 0, -1};
static const double scaled[] = {-1.2, 0.2, -0.4, -0.4};
/* Far from zero: a variance from E x^2 - mean^2 would lose all digits. */
static const double far[] = {10001, 10002, 10003, 10004};
static const double with_nan[] = {1, NAN, 2, 3};
static const double nan_row[] = {NAN, NAN, NAN, NAN};
static const double same[] = {5, 5, 5, 5};

static const struct op_case cases[] = {
    {.in = {F32(4), F32(4), F32(4)},
     .attr = "epsilon=0.3125",
     .x = {steps, scale, shift},
     .y = scaled,
     .flat = true},
    {.in = {F32(1, 4), F32(4), F32(4)},
     .attr = "epsilon=0.3125",
     .x = {far, scale, shift},
     .y = scaled,
     .flat = true},
    {.in = {F32(1, 4), F32(4), F32(4)},
     .x = {with_nan, scale, shift},
     .y = nan_row,
     .flat = true},
    {.in = {F32(4), F32(4), F32(4)},
     .x = {same, scale, shift},
     .y = shift,
     .flat = true},
    /* Rows shorter and longer than a vector of 16, and far longer. */
    {.in = {BATCH(5), F32(5), F32(5)}},
    {.in = {BATCH(15), F32(15), F32(15)}, .attr = "axis=1"},
    {.in = {BATCH(16), F32(16), F32(16)}},
    {.in = {BATCH(17), F32(17), F32(17)}},
    {.in = {BATCH(1), F32(1), F32(1)}},
    {.in = {BATCH(1009), F32(1009), F32(1009)}},
    {.in = {BATCH(7, 33), F32(33), F32(33)}},
    {.in = {BATCH(7, 5), F32(7, 5), F32(7, 5)}, .attr = "axis=1"},
    {.in = {BATCH(2, 3, 4, 5), F32(4, 5), F32(4, 5)},
     .attr = "axis=-2 epsilon=0.1"},
    {.in = {BATCH(4), F32(4), F32(4)},
     .attr = "axis=0",
     .rejects = "samples of the batch"},
    {.in = {BATCH(4), F32(4), F32(4)},
     .attr = "axis=2",
     .rejects = "axis 2 of a rank 2"},
    {.in = {BATCH(4), F32(3), F32(4)}, .rejects = "operand 1 is f32 [3]"},
    {.in = {BATCH(4), F32(4), F32(1, 4)}, .rejects = "operand 2 is f32 [1,4]"},
    {.in = {BATCH(4), F32(4)}, .rejects = "takes 3 operands"},
    {.in = {I32(4), F32(4), F32(4)}, .rejects = "input is i32"},
    {.in = {BATCH(4), F32(4), F32(4)},
     .attr = "epsilon=-1",
     .rejects = "epsilon is -1"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("LayerNormalization", cases);
}
