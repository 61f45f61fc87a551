/*
 * op_conv.c: convolutions; golden numbers from ONNX's reference evaluator, with
 * explicit pads where auto_pad is tested.
 */
#include <stddef.h>

#include "tests/op_test.h"

static const double x[] = {-2, 1, -3, 0, 3, -1, 2, -2, 1, -3, 0, 3, -1, 2,
                           -2, 1, -3, 0, 3, -1, 2, -2, 1, -3, 0, 3, -1, 2,
                           -2, 1, -3, 0, 3, -1, 2, -2, 1, -3, 0, 3};
static const double w[] = {-1, 1,  -2, 0,  2, -1, 1,  -2, 0,  2, -1, 1,
                           -2, 0,  2,  -1, 1, -2, 0,  2,  -1, 1, -2, 0,
                           2,  -1, 1,  -2, 0, 2,  -1, 1,  -2, 0, 2,  -1};
static const double b[] = {0.5, -1};
static const double plain[] = {11.5, -8.5, -7.5, 51.5, -24.5, 11.5,
                               -18,  20,   -26,  4,    -7,    -18};
static const double padded[] = {
    -9.5, 5.5, -14.5, 22.5, 51.5, -24.5, 11.5, -2.5, -11.5, 2.5, 2.5, -6.5,
    -21,  28,  -21,   3,    4,    -7,    -18,  19,   -9,    -6,  18,  -3};
static const double upper[] = {-16.5, -8.5, 4.5, 4.5, -16.5, -9.5,
                               -6,    20,   31,  -10, -14,   5};
static const double lower[] = {-1.5, 5.5, 22.5, -17.5, -24.5, -2.5,
                               19,   28,  3,    -19,   -7,    19};
static const double dilated[] = {-4.5, 14.5, -11, -10};
static const double grouped[] = {7,  0, -5, -8, 6, 3,  -3, 7,  3, -7,
                                 -5, 5, -7, 1,  3, -6, 5,  -2, 5, -6};
static const double depthwise[] = {3, 3, -4, 6, -4, 5, 5, -4};

static const double volume[] = {7,  3,  10, 6, 2, 9, 5, 1, 8, 4, 0, 7,
                                3,  10, 6,  2, 9, 5, 1, 8, 4, 0, 7, 3,
                                10, 6,  2,  9, 5, 1, 8, 4, 0, 7, 3, 10};
static const double volume_w[] = {2, 0,  -2, 3, 1,  -1, -3, 2,
                                  0, -2, 3,  1, -1, -3, 2,  0};
static const double volume_y[] = {1.5, -2.5, -1.5, -2.5, 8.5, 24.5, -8.5, 5.5,
                                  -25, -14,  -22,  -10,  -20, 29,   -20,  -40};
/* Only samples have gradients, and those of x above are one. */
#define GOLDEN(want, attributes)                                          \
    {                                                                     \
        .in = {F32(1, 2, 4, 5), F32(2, 2, 3, 3), F32(2)}, .x = {x, w, b}, \
        .y = want, .attr = attributes, .flat = true                       \
    }

static const struct op_case conv[] = {
    GOLDEN(plain, NULL),
    GOLDEN(plain, "auto_pad=VALID"),
    GOLDEN(padded, "pads=1,0,2,1 strides=2,1"),
    /* An odd padding has its larger half at the end, or with SAME_LOWER at the
     * beginning. */
    GOLDEN(upper, "pads=0,1,1,1 strides=2,2"),
    GOLDEN(upper, "auto_pad=SAME_UPPER strides=2,2"),
    GOLDEN(lower, "pads=1,1,0,1 strides=2,2"),
    GOLDEN(lower, "auto_pad=SAME_LOWER strides=2,2"),
    GOLDEN(dilated, "dilations=1,2"),
    {.in = {F32(1, 4, 6), F32(4, 2, 3)},
     .x = {x, w},
     .y = grouped,
     .attr = "group=2 pads=2,1 dilations=2",
     .flat = true},
    {.in = {F32(1, 4, 6), F32(4, 1, 2)},
     .x = {x, w},
     .y = depthwise,
     .attr = "group=4 strides=3",
     .flat = true},
    {.in = {BATCH(1, 1, 1), F32(1, 1, 1, 1), F32(1)}},
    {.in = {BATCH(3, 7, 5), F32(5, 3, 1, 1), F32(5)}},
    {.in = {BATCH(3, 7, 5), F32(5, 3, 3, 2), F32(5)}},
    {.in = {BATCH(16, 9, 9), F32(33, 16, 3, 3), F32(33)},
     .attr = "pads=1,1,1,1"},
    {.in = {BATCH(17, 5, 6), F32(15, 17, 5, 5)}, .attr = "pads=2,2,2,2"},
    {.in = {BATCH(3, 11, 13), F32(4, 3, 2, 3), F32(4)},
     .attr = "strides=4,5"}, /* more than the window */
    {.in = {BATCH(2, 11, 13), F32(3, 2, 3, 2)},
     .attr = "dilations=3,4 pads=2,1,0,3 strides=2,3"},
    {.in = {BATCH(6, 7, 8), F32(9, 2, 3, 3), F32(9)},
     .attr = "group=3 pads=0,1,1,0"},
    {.in = {BATCH(7, 8, 9), F32(7, 1, 3, 3), F32(7)},
     .attr = "group=7 pads=1,1,1,1"},
    {.in = {BATCH(16, 8, 9), F32(32, 1, 3, 3)},
     .attr = "group=16 pads=1,1,1,1 strides=2,2"},
    {.in = {BATCH(20, 5, 6), F32(60, 1, 3, 3), F32(60)},
     .attr = "group=20 pads=1,1,1,1"},
    {.in = {BATCH(6, 19), F32(12, 1, 3), F32(12)},
     .attr = "group=6 pads=2,0 dilations=2"},
    {.in = {BATCH(3, 23), F32(3, 1, 5)}, .attr = "group=3 pads=2,2"},
    {.in = {BATCH(2, 5, 5), F32(3, 2, 5, 5)}}, /* one window */
    {.in = {BATCH(2, 3, 3), F32(3, 2, 5, 5)}, .attr = "pads=1,1,1,1"},
    /* Windows that lie in the pads alone. */
    {.in = {BATCH(2, 3, 3), F32(3, 2, 2, 2)}, .attr = "pads=3,3,3,3"},
    {.in = {BATCH(2, 6, 7), F32(3, 2, 3, 4)}, .attr = "auto_pad=SAME_UPPER"},
    {.in = {BATCH(2, 6, 7), F32(3, 2, 3, 4)},
     .attr = "auto_pad=SAME_LOWER strides=3,2 dilations=2,1"},
    {.in = {BATCH(3, 19), F32(4, 3, 5), F32(4)}},
    {.in = {BATCH(16, 19), F32(16, 16, 3), F32(16)},
     .attr = "auto_pad=SAME_UPPER strides=2"},
    {.in = {BATCH(1, 2), F32(1, 1, 7)}, .attr = "pads=3,3"},
    {.in = {BATCH(2, 3, 3), F32(3, 2, 5, 5)},
     .rejects = "a window of 5 does not fit into 3"},
    {.in = {BATCH(2, 3, 3), F32(3, 4, 1, 1)},
     .rejects = "W has 4 channels, input has 2 in each group"},
    {.in = {BATCH(4, 3, 3), F32(3, 2, 1, 1)},
     .attr = "group=2",
     .rejects = "group is 2 for 4 channels and 3 filters"},
    {.in = {BATCH(4, 3, 3), F32(3, 2, 1, 1)},
     .attr = "group=0",
     .rejects = "group is 0"},
    {.in = {BATCH(4, 3, 3), F32(3, 4, 1)},
     .rejects = "W is [3,4,1] for an input [3,4,3,3]"},
    {.in = {BATCH(4), F32(3, 4)}, .rejects = "input is [3,4], wanted [N,C,L]"},
    {.in = {BATCH(1, 3, 3), F32(3, 1, 1, 1), F32(2)},
     .rejects = "B is [2] for 3 filters"},
    {.in = {LABEL(1, 3, 3), F32(3, 1, 1, 1)}, .rejects = "input is i32"},
    {.in = {BATCH(1, 3, 3), F32(3, 1, 1, 1)},
     .attr = "strides=0,1",
     .rejects = "strides has 0, wanted at least 1"},
    {.in = {BATCH(1, 3, 3), F32(3, 1, 1, 1)},
     .attr = "strides=1",
     .rejects = "strides has 1 numbers, wanted 2"},
    {.in = {BATCH(1, 3, 3), F32(3, 1, 1, 1)},
     .attr = "dilations=1,0",
     .rejects = "dilations has 0"},
    {.in = {BATCH(1, 3, 3), F32(3, 1, 1, 1)},
     .attr = "pads=1,1",
     .rejects = "pads has 2 numbers, wanted 4"},
    {.in = {BATCH(1, 3, 3), F32(3, 1, 1, 1)},
     .attr = "pads=1,1,-1,1",
     .rejects = "pads has -1"},
    {.in = {BATCH(1, 3, 3), F32(3, 1, 1, 1)},
     .attr = "auto_pad=SAME",
     .rejects = "auto_pad is \"SAME\", wanted NOTSET, VALID"},
    {.in = {BATCH(1, 3, 3), F32(3, 1, 1, 1)},
     .attr = "auto_pad=VALID pads=1,1,1,1",
     .rejects = "pads and auto_pad VALID exclude each other"},
    /* Three dimensions. */
    {.in = {F32(1, 2, 3, 2, 3), F32(2, 1, 2, 2, 2), F32(2)},
     .x = {volume, volume_w, b},
     .y = volume_y,
     .attr = "group=2 strides=2,1,1 pads=1,0,1,0,1,0 dilations=1,1,2",
     .flat = true},
    {.in = {BATCH(1, 1, 1, 1), F32(1, 1, 1, 1, 1), F32(1)}},
    {.in = {BATCH(3, 4, 3, 2), F32(2, 3, 2, 3, 1), F32(2)},
     .attr = "auto_pad=SAME_LOWER strides=3,1,2"},
    {.in = {BATCH(2, 3, 2, 4), F32(2, 1, 3, 2, 2)},
     .attr = "group=2 pads=1,0,1,2,0,0 dilations=2,1,1"},
    {.in = {BATCH(2, 1, 2, 4), F32(2, 2, 3, 2, 2)},
     .attr = "pads=0,0,1,1,0,0",
     .rejects = "a window 3 deep does not fit into 2"},
    {.in = {BATCH(2, 3, 2, 4), F32(2, 2, 3, 2)}, .rejects = "W is [2,2,3,2]"},
    {.in = {BATCH(2, 3, 2, 4), F32(2, 2, 3, 2, 2)},
     .attr = "strides=1,1",
     .rejects = "strides has 2 numbers, wanted 3"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("Conv", conv);
}
