/*
 * op_conv_transpose.c: transposed convolutions; golden numbers are the examples
 * of ONNX's page on ConvTranspose.
 */
#include <stddef.h>

#include "tests/op_test.h"

static const double x[] = {0, 1,  2,  3,  4,  5,  6,  7,  8,
                           9, 10, 11, 12, 13, 14, 15, 16, 17};
static const double ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1,
                              1, 1, 1, 1, 1, 1, 1, 1, 1};
static const double plain[] = {
    0,  1,  3,  3,  2,  3,  8,  15, 12, 7,  9,  21, 36, 27, 15, 9,  20,
    33, 24, 13, 6,  13, 21, 15, 8,  0,  1,  3,  3,  2,  3,  8,  15, 12,
    7,  9,  21, 36, 27, 15, 9,  20, 33, 24, 13, 6,  13, 21, 15, 8};
static const double grouped[] = {
    0,  1,  3,  3,   2,  3,  8,  15, 12, 7,  9,  21, 36, 27, 15, 9,  20,
    33, 24, 13, 6,   13, 21, 15, 8,  9,  19, 30, 21, 11, 21, 44, 69, 48,
    25, 36, 75, 117, 81, 42, 27, 56, 87, 60, 31, 15, 31, 48, 33, 17};
static const double line[] = {0, 1, 3, 3, 2, 0, 1, 3, 3, 2};
static const double padded[] = {1, 1, 3, 1, 1,  3, 7,  4,  9, 7, 4,
                                9, 7, 4, 9, 13, 7, 15, 13, 7, 15};
/* Of the page's two channels, which are equal, one. */
static const double longer[] = {
    0,  0, 1, 1, 3, 2, 2,  0, 0,  0, 1,  1, 3,  2, 2, 0, 0, 0, 1,  1,
    3,  2, 2, 0, 3, 3, 7,  4, 9,  5, 5,  0, 3,  3, 7, 4, 9, 5, 5,  0,
    3,  3, 7, 4, 9, 5, 5,  0, 6,  6, 13, 7, 15, 8, 8, 0, 6, 6, 13, 7,
    15, 8, 8, 0, 6, 6, 13, 7, 15, 8, 8,  0, 0,  0, 0, 0, 0, 0, 0,  0};
static const double same[] = {0, 0, 1,  1,  3,  2,  0, 0, 1,  1, 3,  2,
                              3, 3, 8,  5,  12, 7,  3, 3, 7,  4, 9,  5,
                              9, 9, 20, 11, 24, 13, 6, 6, 13, 7, 15, 8};
static const double dx[] = {3, 8, 1, 9, 5, 7, 3, 2, 6};
static const double dw[] = {7, 2, 1, 9};
static const double dilated[] = {21, 56, 13, 16, 2,  63, 35, 67, 10,
                                 14, 24, 22, 76, 76, 21, 9,  5,  88,
                                 45, 63, 3,  2,  33, 18, 54};

/* From ONNX's reference evaluator. */
static const double volume[] = {7, 3,  10, 6, 2, 9, 5, 1, 8, 4, 0, 7,
                                3, 10, 6,  2, 9, 5, 1, 8, 4, 0, 7, 3};
static const double volume_w[] = {2, 0, -2, 3, 1, -1, -3, 2};
static const double volume_y[] = {-23, -36, -38, 9, -2, 9,  22, 24, 37,
                                  11,  10,  20,  7, -1, 13, 0,  -7, -3,
                                  -13, -26, -28, 9, -2, 9,  12, 14, 27};
/* Only samples have gradients, and those of x above are one. */
#define GOLDEN(channels, want, attributes)                               \
    {                                                                    \
        .in = {F32(1, 1, 3, 3), F32(1, channels, 3, 3)}, .x = {x, ones}, \
        .y = want, .attr = attributes, .flat = true                      \
    }

static const struct op_case transposed[] = {
    GOLDEN(2, plain, NULL),
    GOLDEN(2, plain, "auto_pad=VALID"),
    GOLDEN(2, plain, "output_shape=5,5"),
    GOLDEN(1, padded, "strides=3,2 pads=1,2,1,2"),
    GOLDEN(1, longer, "strides=3,2 output_padding=1,1"),
    GOLDEN(1, longer, "strides=3,2 output_shape=10,8"),
    GOLDEN(1, same, "strides=2,2 auto_pad=SAME_UPPER"),
    GOLDEN(1, same, "strides=2,2 pads=0,0,1,1"),
    GOLDEN(1, same, "strides=2,2 output_shape=6,6 auto_pad=SAME_UPPER"),
    {.in = {F32(1, 2, 3, 3), F32(2, 1, 3, 3)},
     .x = {x, ones},
     .y = grouped,
     .attr = "group=2",
     .flat = true},
    {.in = {F32(1, 1, 3), F32(1, 2, 3)},
     .x = {x, ones},
     .y = line,
     .flat = true},
    {.in = {F32(1, 1, 3, 3), F32(1, 1, 2, 2)},
     .x = {dx, dw},
     .y = dilated,
     .attr = "dilations=2,2",
     .flat = true},
    {.in = {BATCH(1, 1, 1), F32(1, 1, 1, 1), F32(1)}},
    {.in = {BATCH(3, 7, 5), F32(3, 5, 1, 1), F32(5)}},
    {.in = {BATCH(3, 4, 5), F32(3, 2, 3, 2), F32(2)}},
    /* The U-Net's: windows side by side. */
    {.in = {BATCH(16, 6, 5), F32(16, 8, 2, 2), F32(8)}, .attr = "strides=2,2"},
    {.in = {BATCH(17, 5, 4), F32(17, 33, 3, 3), F32(33)},
     .attr = "strides=2,2 pads=1,1,1,1 output_padding=1,1"},
    {.in = {BATCH(3, 4, 3), F32(3, 4, 2, 2), F32(4)},
     .attr = "strides=3,3"}, /* holes: more than the window */
    {.in = {BATCH(3, 4, 3), F32(3, 4, 2, 2), F32(4)},
     .attr = "strides=3,3 output_padding=2,1"},
    {.in = {BATCH(2, 5, 4), F32(2, 3, 3, 2)},
     .attr = "dilations=3,2 pads=2,1,0,3 strides=2,1"},
    {.in = {BATCH(2, 5, 4), F32(2, 3, 3, 2)},
     .attr = "dilations=3,1 pads=0,0,2,0 output_padding=2,0"},
    {.in = {BATCH(6, 4, 3), F32(6, 2, 3, 3), F32(6)},
     .attr = "group=3 pads=0,1,1,0 strides=2,1"},
    {.in = {BATCH(7, 4, 5), F32(7, 1, 3, 3), F32(7)},
     .attr = "group=7 pads=1,1,1,1 strides=2,2"},
    {.in = {BATCH(4, 4, 5), F32(4, 3, 2, 2), F32(12)},
     .attr = "group=4 strides=2,2"},
    {.in = {BATCH(2, 3, 3), F32(2, 3, 2, 2)},
     .attr = "pads=1,1,1,1"}, /* more is cut than the windows overlap */
    {.in = {BATCH(2, 4, 3), F32(2, 3, 3, 4)},
     .attr = "auto_pad=SAME_UPPER strides=2,3"},
    {.in = {BATCH(2, 4, 3), F32(2, 3, 3, 4)},
     .attr = "auto_pad=SAME_LOWER strides=2,3"},
    {.in = {BATCH(2, 4, 3), F32(2, 3, 2, 1)},
     .attr = "auto_pad=SAME_LOWER strides=3,3"}, /* shorter than asked for */
    {.in = {BATCH(2, 4, 3), F32(2, 3, 3, 4)},
     .attr = "output_shape=8,8 strides=2,3"},
    {.in = {BATCH(3, 9), F32(3, 4, 5), F32(4)}},
    {.in = {BATCH(16, 9), F32(16, 16, 4), F32(16)},
     .attr = "strides=2 pads=1,1"},
    {.in = {BATCH(3, 7), F32(3, 1, 3), F32(3)},
     .attr = "strides=3 output_padding=2 group=3"},
    {.in = {BATCH(1, 2), F32(1, 1, 7)}, .attr = "pads=3,3"},
    {.in = {BATCH(2, 3, 3), F32(2, 3, 1, 1)},
     .attr = "pads=2,0,1,0",
     .rejects = "pads leave nothing of 3 elements"},
    {.in = {BATCH(2, 3, 3), F32(3, 2, 1, 1)},
     .rejects = "W is for 3 channels, input has 2"},
    {.in = {BATCH(4, 3, 3), F32(4, 2, 1, 1)},
     .attr = "group=3",
     .rejects = "group is 3 for 4 channels"},
    {.in = {BATCH(4, 3, 3), F32(4, 2, 1, 1)},
     .attr = "group=0",
     .rejects = "group is 0"},
    {.in = {BATCH(4, 3, 3), F32(4, 3, 1)},
     .rejects = "W is [4,3,1] for an input [3,4,3,3]"},
    {.in = {BATCH(4), F32(4, 3)}, .rejects = "input is [3,4], wanted [N,C,L]"},
    {.in = {BATCH(1, 3, 3), F32(1, 3, 1, 1), F32(2)},
     .rejects = "B is [2] for 3 filters"},
    {.in = {LABEL(1, 3, 3), F32(1, 3, 1, 1)}, .rejects = "input is i32"},
    {.in = {BATCH(1, 3, 3), F32(1, 3, 1, 1)},
     .attr = "strides=0,1",
     .rejects = "strides has 0, wanted at least 1"},
    {.in = {BATCH(1, 3, 3), F32(1, 3, 1, 1)},
     .attr = "pads=1,1",
     .rejects = "pads has 2 numbers, wanted 4"},
    {.in = {BATCH(1, 3, 3), F32(1, 3, 1, 1)},
     .attr = "output_shape=0,3",
     .rejects = "output_shape has 0, wanted at least 1"},
    {.in = {BATCH(1, 3, 3), F32(1, 3, 3, 3)},
     .attr = "strides=2,2 output_padding=2,0",
     .rejects = "output_padding has 2, wanted less than stride or dilation"},
    {.in = {BATCH(1, 3, 3), F32(1, 3, 3, 3)},
     .attr = "strides=2,2 dilations=3,3 output_padding=2,0",
     .rejects = "output_padding adds 2 elements past the pads"},
    {.in = {BATCH(1, 3, 3), F32(1, 3, 1, 1)},
     .attr = "auto_pad=SAME",
     .rejects = "auto_pad is \"SAME\", wanted NOTSET, VALID"},
    {.in = {BATCH(1, 3, 3), F32(1, 3, 1, 1)},
     .attr = "auto_pad=VALID pads=1,1,1,1",
     .rejects = "pads and auto_pad VALID exclude each other"},
    /* Three dimensions. */
    {.in = {F32(1, 2, 2, 2, 3), F32(2, 1, 2, 2, 1)},
     .x = {volume, volume_w},
     .y = volume_y,
     .attr = "strides=2,1,1 pads=1,0,0,0,0,0",
     .flat = true},
    {.in = {BATCH(1, 1, 1, 1), F32(1, 1, 1, 1, 1), F32(1)}},
    {.in = {BATCH(4, 3, 2, 2), F32(4, 1, 3, 2, 2), F32(2)},
     .attr = "group=2 strides=2,1,2 output_padding=1,0,1 dilations=2,1,1"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("ConvTranspose", transposed);
}
