/*
 * op_reductions.c: ReduceMin, ReduceProd and the norms; golden numbers by hand,
 * roots by PyTorch 1.13's vector_norm.
 */
#include <math.h>
#include <stddef.h>

#include "tests/op_test.h"

static const double six[] = {4, -1, 2, -3, 0.5, -5};
static const double least[] = {-1, -5};
static const double both[] = {-5};
static const double with_nan[] = {1, NAN, 2, NAN, 0, -INFINITY};
static const double nans[] = {NAN, NAN};
static const double products[] = {-8, 7.5};
static const double zeros[] = {4, 0, 2, 0, 0.5, 0};
static const double none[] = {0, 0};
static const double sums[] = {7, 8.5};
static const double squares[] = {21, 34.25};
static const double roots[] = {4.58257569496, 5.85234995536};

/* What all reductions have: axes, sizes, samples, refusals. */
#define EVERYWHERE                                                            \
    {.in = {F32(1)}, .low = 0.5, .high = 2},                                  \
        {.in = {F32(7)}, .attr = "axes=0", .low = 0.5, .high = 2},            \
        {.in = {F32(2, 65)},                                                  \
         .attr = "axes=1 keepdims=0",                                         \
         .low = 0.9,                                                          \
         .high = 1.1},                                                        \
        {.in = {F32(5, 3, 17)}, .attr = "axes=1"},                            \
        {.in = {F32(2, 3, 5, 2)}, .attr = "axes=3,1"},                        \
        {.in = {F32(2, 3, 1, 2, 3)}, .attr = "axes=0,2,4"},                   \
        {.in = {F32(2, 3, 4)}, .attr = "axes=1,2"},                           \
        {.in = {BATCH(4, 3, 5)}, .attr = "axes=2,3"},                         \
        {.in = {BATCH(4, 3, 5)}, .attr = "axes=1,3"},                         \
        {.in = {BATCH(4, 3, 5)}, .attr = "axes=1 keepdims=0"},                \
        {.in = {F32(4, 7)}, .attr = "axes=2", .rejects = "axis 2 of a rank"}, \
        {.in = {BATCH(4)}, .rejects = "samples of the batch"},                \
    {                                                                         \
        .attr = NULL                                                          \
    }

static const struct op_case min_cases[] = {
    {.in = {F32(2, 3)}, .attr = "axes=1", .x = {six}, .y = least},
    {.in = {F32(2, 3)}, .x = {six}, .y = both},
    {.in = {F32(2, 3)},
     .attr = "axes=1",
     .x = {with_nan},
     .y = nans,
     .flat = true},
    {.in = {I32(4)}, .rejects = "input is i32"},
    EVERYWHERE};

static const struct op_case prod_cases[] = {
    {.in = {F32(2, 3)}, .attr = "axes=1", .x = {six}, .y = products},
    /* One zero in a row, and two. */
    {.in = {F32(2, 3)}, .attr = "axes=1", .x = {zeros}, .y = none},
    {.in = {I32(4)}, .rejects = "input is i32"},
    EVERYWHERE};

static const struct op_case l1_cases[] = {
    {.in = {F32(2, 3)}, .attr = "axes=1", .x = {six}, .y = sums}, EVERYWHERE};

/* At zero the root's slope is infinite, the norm's gradient is not. */
static const struct op_case l2_cases[] = {
    {.in = {F32(1, 2)}, .x = {none}, .y = none},
    {.in = {F32(2, 3)}, .attr = "axes=1", .x = {six}, .y = roots},
    EVERYWHERE};

static const struct op_case square_cases[] = {
    {.in = {F32(2, 3)}, .attr = "axes=1", .x = {six}, .y = squares},
    EVERYWHERE};

int main(void)
{
    static const struct {
        const char *op;
        const struct op_case *cases;
    } tests[] = {{"ReduceMin", min_cases},
                 {"ReduceProd", prod_cases},
                 {"ReduceL1", l1_cases},
                 {"ReduceL2", l2_cases},
                 {"ReduceSumSquare", square_cases}};
    int worst = 0;

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = op_test(tests[i].op, tests[i].cases);

        worst = worst ? worst : status;
    }
    return worst;
}
