/* op_softmax.c: Softmax, along each axis. */
#include "tests/op_test.h"

#include <math.h>
#include <stddef.h>

/* Logarithms of 1, 2 and 5 must come out as 1/8, 2/8 and 5/8. */
#define LOG_2 0.69314718055994531
#define LOG_5 1.6094379124341003
static const double logs[] = {0, LOG_2, LOG_5};
/* The exponential of 2e4 overflows unless the largest is taken off first. */
static const double far[] = {-2e4, 2e4, 2e4, 2e4};
static const double thirds[] = {0, 1 / 3., 1 / 3., 1 / 3.};
static const double eighths[] = {0.125, 0.25, 0.625};
/* Columns of logs, elements of a row apart. */
static const double columns[] = {0, LOG_5, LOG_2, LOG_2, LOG_5, 0};
static const double column_eighths[] = {0.125, 0.625, 0.25, 0.25, 0.625, 0.125};
/* A NaN stays in its row. */
static const double with_nan[] = {1, NAN, 2, 3, 3, 3};
static const double nan_row[] = {NAN, NAN, NAN, 1 / 3., 1 / 3., 1 / 3.};
/* Of the first row only the first element takes part. */
static const double triangle[] = {1, 0, 0, 0.5, 0.5, 0};
/* What a mask of minus infinity leaves. */
static const double masked[] = {-INFINITY, 0, 0, -INFINITY};
static const double halves[] = {0, 0.5, 0.5, 0};

static const struct op_case cases[] = {
    {.in = {F32(3)}, .x = {logs}, .y = eighths},
    {.in = {F32(1, 4)}, .x = {far}, .y = thirds},
    {.in = {F32(3, 2)}, .attr = "axis=0", .x = {columns}, .y = column_eighths},
    {.in = {F32(2, 3)}, .x = {with_nan}, .y = nan_row, .flat = true},
    {.in = {F32(4)}, .x = {masked}, .y = halves, .flat = true},
    {.in = {F32(1)}, .attr = "axis=0"},
    {.in = {F32(7, 1)}},
    {.in = {BATCH(10)}, .attr = "axis=1"},
    {.in = {BATCH(15)}},
    {.in = {BATCH(16)}},
    {.in = {BATCH(17)}},
    {.in = {F32(2, 1009)}, .low = -30, .high = 30},
    {.in = {F32(5, 3, 4)}, .attr = "axis=-3"},
    {.in = {F32(2, 5, 3)}, .attr = "axis=1"},
    {.in = {F32(2, 3, 31)}, .attr = "axis=1"},
    {.in = {BATCH(4, 3, 5)}, .attr = "axis=1"},
    {.in = {BATCH(4, 3, 5)}, .attr = "axis=-2"},
    {.in = {F32(2, 2, 3, 2, 3)}, .attr = "axis=3"},
    {.in = {F32(2, 3)},
     .attr = "causal=true",
     .x = {with_nan},
     .y = triangle,
     .flat = true},
    {.in = {F32(1, 1)}, .attr = "causal=true"},
    {.in = {F32(3, 3)}, .attr = "causal=true"},
    {.in = {BATCH(2, 16, 16)}, .attr = "causal=true"},
    {.in = {BATCH(17, 17)}, .attr = "causal=true axis=2"},
    {.in = {BATCH(2, 35, 35)}, .attr = "causal=true"},
    {.in = {F32(2, 5, 40)}, .attr = "causal=true"},
    {.in = {F32(2, 40, 5)}, .attr = "causal=true"},
    {.in = {F32(4, 7)},
     .attr = "causal=true axis=0",
     .rejects = "wants matrices"},
    {.in = {F32(4)}, .attr = "causal=true", .rejects = "wants matrices"},
    {.in = {F32(4, 7)}, .attr = "axis=2", .rejects = "axis 2 of a rank 2"},
    {.in = {F32(4, 7)}, .attr = "axis=-3", .rejects = "axis -3 of a rank 2"},
    {.in = {I32(4)}, .rejects = "input is i32"},
    {.in = {BATCH(4)}, .attr = "axis=0", .rejects = "samples of the batch"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("Softmax", cases);
}
