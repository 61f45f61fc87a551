/* op_group_normalization.c: GroupNormalization and InstanceNormalization;
 * golden numbers from PyTorch's group_norm and instance_norm. */
#include "tests/op_test.h"

#include <math.h>
#include <stddef.h>

/* [2, 4, 2], or [4, 4].  Four channels, so that one, two and four groups can be
 * told apart. */
static const double x[] = {1, -2, 3, 4, 0, 2, -1, 5, 2, 2, 7, -3, 1, 0, -4, 6};
static const double scale[] = {1, 2, -1, 0.5};
static const double shift[] = {0, 1, 0, -1};

static const double one_group[] = {
    -0.2182176824, -1.5275237769, 2.3093060945,  3.1821768241,
    0.6546530472,  -0.2182176824, -1.545544206,  -0.2362381116,
    0.1734480115,  0.1734480115,  4.1220642069,  -1.4282721609,
    0.1040688069,  0.3815856253,  -1.7458264494, -0.3582423575};
static const double two_groups[] = {-0.2182176824,
                                    -1.5275237769,
                                    2.3093060945,
                                    3.1821768241,
                                    0.6546530472,
                                    -0.2182176824,
                                    -1.545544206,
                                    -0.2362381116,
                                    0,
                                    0,
                                    3.8284259934,
                                    -1.8284259934,
                                    -0.070186213,
                                    0.2105586389,
                                    -1.6667690233,
                                    -0.2630447638};
static const double by_channel[] = {0.9999977778,
                                    -0.9999977778,
                                    -0.9999600012,
                                    2.9999600012,
                                    0.999995,
                                    -0.999995,
                                    -1.4999997222,
                                    -0.5000002778,
                                    0,
                                    0,
                                    2.9999996,
                                    -0.9999996,
                                    -0.9999800006,
                                    0.9999800006,
                                    -1.4999999,
                                    -0.5000001};
/* [4, 4], two groups, epsilon 0.5. */
static const double flat_samples[] = {0.9045340337,
                                      -0.8090680675,
                                      0.5773502692,
                                      -0.7113248654,
                                      -0.8164965809,
                                      2.6329931619,
                                      0.9733285268,
                                      -0.5133357366,
                                      0,
                                      1,
                                      -0.990147543,
                                      -1.4950737715,
                                      0.5773502692,
                                      -0.1547005384,
                                      0.990147543,
                                      -0.5049262285};

/* Far from zero: a variance from E x^2 - mean^2 would lose all digits. */
static const double far[] = {10001, 10002, 10003, 10004};
static const double spread[] = {-1.2, -0.4, 0.4, 1.2};
/* A NaN stays in its group. */
static const double with_nan[] = {1, NAN, 2, 4};
static const double nan_group[] = {NAN, NAN, -1, 1};
static const double ones[] = {1, 1, 1, 1}, zeros[] = {0, 0, 0, 0};

static const struct op_case group_cases[] = {
    {.in = {F32(2, 4, 2), F32(4), F32(4)},
     .attr = "num_groups=1",
     .x = {x, scale, shift},
     .y = one_group},
    {.in = {F32(2, 4, 2), F32(4), F32(4)},
     .attr = "num_groups=2",
     .x = {x, scale, shift},
     .y = two_groups,
     .flat = true},
    {.in = {F32(2, 4, 1, 2), F32(4), F32(4)},
     .attr = "num_groups=4",
     .x = {x, scale, shift},
     .y = by_channel,
     .flat = true},
    {.in = {F32(4, 4), F32(4), F32(4)},
     .attr = "num_groups=2 epsilon=0.5",
     .x = {x, scale, shift},
     .y = flat_samples},
    {.in = {F32(1, 4), F32(4), F32(4)},
     .attr = "num_groups=1 epsilon=0.3125",
     .x = {far, ones, zeros},
     .y = spread,
     .flat = true},
    {.in = {F32(1, 4), F32(4), F32(4)},
     .attr = "num_groups=2 epsilon=0",
     .x = {with_nan, ones, zeros},
     .y = nan_group,
     .flat = true},
    /* A group of one element is its shift. */
    {.in = {F32(1, 4), F32(4), F32(4)},
     .attr = "num_groups=4",
     .x = {x, scale, shift},
     .y = shift,
     .flat = true},
    {.in = {BATCH(1, 1), F32(1), F32(1)}, .attr = "num_groups=1"},
    {.in = {BATCH(6), F32(6), F32(6)}, .attr = "num_groups=2"},
    {.in = {BATCH(15, 1), F32(15), F32(15)}, .attr = "num_groups=1"},
    {.in = {BATCH(8, 2), F32(8), F32(8)}, .attr = "num_groups=1"},
    {.in = {BATCH(17, 1), F32(17), F32(17)}, .attr = "num_groups=1"},
    {.in = {BATCH(17, 3, 5), F32(17), F32(17)}, .attr = "num_groups=1"},
    {.in = {BATCH(34, 7), F32(34), F32(34)}, .attr = "num_groups=17"},
    {.in = {BATCH(12, 5, 7), F32(12), F32(12)},
     .attr = "num_groups=3 epsilon=0.1"},
    {.in = {BATCH(6, 2, 3, 4), F32(6), F32(6)}, .attr = "num_groups=3"},
    {.in = {BATCH(4, 3), F32(4), F32(4)},
     .attr = "num_groups=3",
     .rejects = "3 groups of 4 channels"},
    {.in = {BATCH(4, 3), F32(4), F32(4)},
     .attr = "num_groups=0",
     .rejects = "0 groups of 4 channels"},
    {.in = {BATCH(4, 3), F32(2), F32(2)},
     .attr = "num_groups=2",
     .rejects = "operand 1 is f32 [2] for 4 channels"},
    {.in = {BATCH(4, 3), F32(4), F32(4, 1)},
     .attr = "num_groups=2",
     .rejects = "operand 2 is f32 [4,1]"},
    {.in = {BATCH(4, 3), F32(4)},
     .attr = "num_groups=2",
     .rejects = "takes 3 operands"},
    {.in = {BATCH(4, 3), F32(4), F32(4)},
     .attr = "num_groups=2 epsilon=-1",
     .rejects = "epsilon is -1"},
    {.in = {F32(4), F32(4), F32(4)},
     .attr = "num_groups=2",
     .rejects = "wanted [N,C] or [N,C,...]"},
    {.in = {I32(4, 3), F32(4), F32(4)},
     .attr = "num_groups=2",
     .rejects = "input is i32"},
    {.in = {{DT_F32, 2, {4, OP_BATCH}, 2}, F32(3), F32(3)},
     .attr = "num_groups=1",
     .rejects = "not its first dimension"},
    {.attr = NULL},
};

static const struct op_case instance_cases[] = {
    {.in = {F32(2, 4, 2), F32(4), F32(4)},
     .x = {x, scale, shift},
     .y = by_channel,
     .flat = true},
    {.in = {F32(1, 1, 2, 2), F32(1), F32(1)},
     .attr = "epsilon=0.3125",
     .x = {far, ones, zeros},
     .y = spread,
     .flat = true},
    {.in = {BATCH(1, 2), F32(1), F32(1)}, .attr = "epsilon=0.1"},
    {.in = {BATCH(3, 1), F32(3), F32(3)}},
    {.in = {BATCH(5, 15), F32(5), F32(5)}},
    {.in = {BATCH(4, 4, 4), F32(4), F32(4)}},
    {.in = {BATCH(3, 17), F32(3), F32(3)}},
    {.in = {BATCH(17, 7, 5), F32(17), F32(17)}},
    {.in = {BATCH(2, 3, 2, 5), F32(2), F32(2)}, .attr = "epsilon=0.1"},
    {.in = {BATCH(4), F32(4), F32(4)}, .rejects = "wanted [N,C,...]"},
    {.in = {BATCH(4, 3), F32(3), F32(4)}, .rejects = "operand 1 is f32 [3]"},
    {.in = {BATCH(4, 3), F32(4)}, .rejects = "takes 3 operands"},
    {.in = {I32(2, 4, 3), F32(4), F32(4)}, .rejects = "input is i32"},
    {.attr = NULL},
};

int main(void)
{
    int group = op_test("GroupNormalization", group_cases);
    int instance = op_test("InstanceNormalization", instance_cases);

    return group ? group : instance;
}
