/*
 * op_product.c: MatMul and Linear, and the views Reshape and Flatten that
 * usually stand before them; golden numbers by hand and from NumPy.
 *
 * Sizes around the tiles of 16 and 32, single rows and columns, and batches
 * that broadcast; a batch dimension on either side or on both decides whose
 * gradient is summed over the samples.
 */
#include <stddef.h>

#include "tests/op_test.h"

static const double a23[] = {1, -2, 3, 4, 5, -6};
static const double b32[] = {2, 0, 1, -1, 3, 5};
static const double ab[] = {9, 17, -5, -35};
static const double row[] = {1, 2, 3};
static const double row_b[] = {13, 13};
static const double a_row[] = {6, -4};
static const double fourteen[] = {14};
static const double a223[] = {-2, -1, 0, 1, 2, -2, -1, 0, 1, 2, -2, -1};
static const double c32[] = {-2, -1, 0, 1, 2, 3};
static const double ac[] = {4, 1, -6, -5, 4, 4, -6, -7};
static const double d232[] = {-1, 0, 1, 2, -1, 0, 1, 2, -1, 0, 1, 2};
static const double ad[] = {1, -2, 3, 4, 0, 0, 3, 2};

static const struct op_case matmul[] = {
    {.in = {F32(2, 3), F32(3, 2)}, .x = {a23, b32}, .y = ab},
    {.in = {F32(3), F32(3, 2)}, .x = {row, b32}, .y = row_b},
    {.in = {F32(2, 3), F32(3)}, .x = {a23, row}, .y = a_row},
    {.in = {F32(3), F32(3)}, .x = {row, row}, .y = fourteen},
    {.in = {F32(2, 2, 3), F32(3, 2)}, .x = {a223, c32}, .y = ac},
    {.in = {F32(2, 2, 3), F32(2, 3, 2)}, .x = {a223, d232}, .y = ad},
    {.in = {F32(1, 1), F32(1, 1)}},
    {.in = {F32(17, 1), F32(1, 33)}},
    {.in = {F32(1, 17), F32(17, 1)}},
    {.in = {F32(37, 41), F32(41, 53)}},
    {.in = {F32(5, 1, 7, 3), F32(4, 3, 2)}},
    {.in = {F32(7, 3), F32(2, 5, 3, 2)}},
    {.in = {F32(3, 4, 5), F32(5)}},
    {.in = {F32(5), F32(3, 5, 4)}},
    {.in = {BATCH(5), F32(5, 7)}},
    {.in = {BATCH(4, 5), F32(5, 7)}},
    {.in = {BATCH(4, 5), BATCH(5, 7)}},
    {.in = {BATCH(2, 4, 5), BATCH(2, 5, 3)}},
    {.in = {BATCH(2, 4, 5), F32(2, 5, 3)}},
    {.in = {BATCH(2, 4, 5), BATCH(1, 5, 3)}},
    {.in = {F32(4, 5), BATCH(5, 3)}},
    {.in = {BATCH(4, 5), F32(5)}},
    {.in = {BATCH(5), F32(5)}},
    {.in = {F32(2, 3), F32(2, 3)},
     .rejects = "operands are [2,3] and [2,3], which do not multiply"},
    {.in = {F32(2, 3), SCALAR}, .rejects = "which do not multiply"},
    {.in = {SCALAR, F32(2, 3)}, .rejects = "which do not multiply"},
    {.in = {F32(2, 4, 3), F32(3, 3, 2)}, .rejects = "do not broadcast"},
    {.in = {I32(2, 3), I32(3, 2)}, .rejects = "not of one float type"},
    /* Samples among the rows of the right matrix would be summed over. */
    {.in = {F32(4, 3), BATCH(5)}, .rejects = "counts samples in its matrix"},
    {.in = {LABELS, LABELS}, .rejects = "which do not multiply"},
    {.attr = NULL},
};

static const double six[] = {1, 2, 3, 4, 5, 6};
static const double w23[] = {1, 0, -1, 2, 0.5, 3};
static const double ten[] = {10, 20};
static const double with_bias[] = {8, 32, 8, 48.5};
static const double without[] = {-2, 12, -2, 28.5};

static const struct op_case linear[] = {
    {.in = {F32(2, 3), F32(2, 3), F32(2)},
     .x = {six, w23, ten},
     .y = with_bias},
    {.in = {F32(2, 3), F32(2, 3)}, .x = {six, w23}, .y = without},
    {.in = {BATCH(1), F32(1, 1), F32(1)}},
    {.in = {BATCH(37), F32(41, 37), F32(41)}},
    {.in = {BATCH(5), F32(17, 5)}},
    {.in = {BATCH(7, 5), F32(3, 5), F32(3)}},
    {.in = {BATCH(2, 7, 5), F32(1, 5), F32(1)}},
    {.in = {BATCH(5), F32(3, 4)},
     .rejects = "input is [3,5], W is [3,4]: wanted [..., in] and"},
    {.in = {BATCH(5), F32(5)}, .rejects = "W is [5]"},
    {.in = {BATCH(5), F32(3, 5), F32(5)}, .rejects = "b is [5], wanted [3]"},
    {.in = {LABELS, F32(3, 3)}, .rejects = "input is [3]"},
    {.in = {LABEL(5), F32(3, 5)}, .rejects = "not of one float type"},
    {.attr = NULL},
};

static const struct op_case reshape[] = {
    {.in = {F32(2, 3)}, .x = {six}, .y = six, .attr = "shape=3,2"},
    {.in = {F32(2, 3)}, .x = {six}, .y = six, .attr = "shape=-1"},
    {.in = {F32(1)}, .attr = "shape=1,1,1"},
    {.in = {F32(2, 3, 4)}, .attr = "shape=0,-1"},
    {.in = {F32(2, 3, 4)}, .attr = "shape=0,0,2,2"},
    {.in = {F32(2, 3, 4)}, .attr = "shape=1,2,1,3,1,2,1,2"},
    {.in = {BATCH(4, 5)}, .attr = "shape=0,20"},
    {.in = {BATCH(4, 5)}, .attr = "shape=-1,5"},
    {.in = {I64(2, 3)}, .x = {six}, .y = six, .attr = "shape=6"},
    {.in = {BOOL(2, 3)}, .attr = "shape=3,2"},
    {.in = {F32(2, 3)},
     .attr = "shape=4",
     .rejects = "[2,3] has 6 elements, which do not fill the shape"},
    {.in = {F32(2, 3)}, .attr = "shape=-1,4", .rejects = "do not fill"},
    {.in = {F32(2, 3)}, .attr = "shape=-1,-1", .rejects = "shape has -1 at 1"},
    {.in = {F32(2, 3)}, .attr = "shape=-2", .rejects = "shape has -2 at 0"},
    {.in = {F32(6)}, .attr = "shape=6,0", .rejects = "shape has 0 at 1"},
    {.in = {F32(1)},
     .attr = "shape=1,1,1,1,1,1,1,1,1",
     .rejects = "shape has 9 dimensions, at most 8"},
    {.in = {BATCH(4)},
     .attr = "shape=4,3",
     .rejects = "the samples must stay in the first dimension"},
    {.attr = NULL},
};

static const struct op_case flatten[] = {
    {.in = {F32(2, 3)}, .x = {six}, .y = six},
    {.in = {F32(2, 3, 4)}, .attr = "axis=0"},
    {.in = {F32(2, 3, 4)}, .attr = "axis=2"},
    {.in = {F32(2, 3, 4)}, .attr = "axis=3"},
    {.in = {F32(2, 3, 4)}, .attr = "axis=-1"},
    {.in = {F32(5)}},
    {.in = {SCALAR}, .attr = "axis=0"},
    {.in = {BATCH(4, 5)}},
    {.in = {BATCH(4, 5)}, .attr = "axis=2"},
    {.in = {F32(2, 3)},
     .attr = "axis=3",
     .rejects = "axis 3 of a rank 2 input"},
    {.in = {F32(2, 3)},
     .attr = "axis=-3",
     .rejects = "axis -3 of a rank 2 input"},
    {.in = {BATCH(4)}, .attr = "axis=0", .rejects = "the samples must stay"},
    {.attr = NULL},
};

int main(void)
{
    static const struct {
        const char *op;
        const struct op_case *cases;
    } tests[] = {
        {"MatMul", matmul},
        {"Linear", linear},
        {"Reshape", reshape},
        {"Flatten", flatten},
    };
    int worst = 0;

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = op_test(tests[i].op, tests[i].cases);

        if (status && worst != 1)
            worst = status;
    }
    return worst;
}
