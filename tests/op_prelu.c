/* op_prelu.c: PRelu with one slope, one per channel, and slopes that broadcast;
 * golden numbers by hand. */
#include "tests/op_test.h"

#include <math.h>
#include <stddef.h>

static const double six[] = {-4, 2, 0, -1, 3, -2};
static const double quarter[] = {0.25}, slopes[] = {0.5, -1, 3};
static const double by_quarter[] = {-1, 2, 0, -0.25, 3, -0.5};
static const double by_column[] = {-2, 2, 0, -0.5, 3, -6};
/* [3, 2, 2], slopes 0.5 and -1 of two channels. */
static const double twelve[] = {-1, 2, -3, 4, -5, 6, -7, -8, 9, -10, 11, -12};
static const double by_channel[] = {-0.5, 2, 3, 4,  -2.5, 6,
                                    7,    8, 9, -5, 11,   12};
static const double special[] = {-INFINITY, INFINITY, NAN, 0};
static const double by_special[] = {-INFINITY, INFINITY, NAN, 0};

static const struct op_case cases[] = {
    {.in = {F32(2, 3), F32(1)},
     .x = {six, quarter},
     .y = by_quarter,
     .flat = true},
    {.in = {F32(2, 3), F32(3)},
     .x = {six, slopes},
     .y = by_column,
     .flat = true},
    {.in = {BATCH(2, 2), F32(2)},
     .attr = "num_parameters=2",
     .x = {twelve, slopes},
     .y = by_channel},
    {.in = {F32(4), F32(1)},
     .x = {special, quarter},
     .y = by_special,
     .flat = true},
    {.in = {BATCH(1), F32(1)}},
    {.in = {BATCH(17, 5), F32(1)}},
    {.in = {BATCH(17, 5), F32(17)}, .attr = "num_parameters=17"},
    {.in = {BATCH(5, 7, 3), F32(5)}, .attr = "num_parameters=5"},
    {.in = {BATCH(16, 4, 4), F32(16)}, .attr = "num_parameters=16"},
    {.in = {BATCH(3, 4, 5), F32(3, 1, 1)}},
    {.in = {BATCH(3, 4, 5), F32(4, 1)}}, /* ONNX: neither end */
    {.in = {F32(5, 3), SCALAR}},         /* no samples */
    {.in = {BATCH(4, 3), BATCH(4, 3)}},  /* slopes of the samples' own */
    {.in = {BATCH(4, 3), F32(4)}, .rejects = "[4] does not broadcast to"},
    {.in = {F32(3, 1), F32(3, 4)}, .rejects = "does not broadcast to [3,1]"},
    {.in = {BATCH(4, 3), F32(3)},
     .attr = "num_parameters=3",
     .rejects = "wanted 1 or 4 channels"},
    {.in = {BATCH(4, 3), F32(3)},
     .attr = "num_parameters=4",
     .rejects = "slope is [3], wanted [4]"},
    {.in = {F32(4), F32(4)},
     .attr = "num_parameters=4",
     .rejects = "has no channels"},
    {.in = {F32(4)}, .rejects = "takes 2 operands"},
    {.in = {I32(4), F32(1)}, .rejects = "input is i32"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("PRelu", cases);
}
