/*
 * op_max_pool.c: MaxPool.  Golden numbers come from the reference
 * implementation in the Python package onnx (onnx.reference, 1.23), where it is
 * not said otherwise.
 */
#include "tests/op_test.h"

#include <math.h>
#include <stddef.h>

/* 7 i mod 11, [3, 1, 4, 5] */
static const double image[] = {
    7, 3, 10, 6, 2,  9, 5,  1, 8, 4, 0, 7, 3, 10, 6, 2,  9, 5,  1, 8,
    4, 0, 7,  3, 10, 6, 2,  9, 5, 1, 8, 4, 0, 7,  3, 10, 6, 2,  9, 5,
    1, 8, 4,  0, 7,  3, 10, 6, 2, 9, 5, 1, 8, 4,  0, 7,  3, 10, 6, 2};
static const double same_upper[] = {9,  10, 4, 9,  10, 8, 6, 9,  10,
                                    10, 9,  5, 10, 6,  9, 7, 10, 2};
static const double ceiled[] = {9,  10, 4, 9,  10, 8, 6,  9,  10,
                                10, 9,  5, 10, 6,  9, 10, 10, 9};
static const double dilated[] = {10, 7, 9, 9, 8, 10, 10, 6, 5, 8, 7, 10};
/* By hand: padding takes no part, a NaN wins. */
static const double negative[] = {-3, -2, NAN, -5, -1, -4, -7, -8, -9};
static const double negative_tops[] = {-2, NAN, -1, -4, -7, -9};

static const double volume[] = {7,  3,  10, 6, 2, 9, 5, 1, 8, 4, 0, 7,
                                3,  10, 6,  2, 9, 5, 1, 8, 4, 0, 7, 3,
                                10, 6,  2,  9, 5, 1, 8, 4, 0, 7, 3, 10};
static const double volume_y[] = {7, 10, 10, 6, 9, 9,  5,  5,  8, 4, 4, 7,
                                  8, 8,  10, 7, 7, 10, 10, 10, 6, 9, 9, 5};

static const struct op_case cases[] = {
    {.in = {BATCH(1, 4, 5)},
     .x = {image},
     .y = same_upper,
     .attr = "kernel_shape=2,2 strides=2,2 auto_pad=SAME_UPPER"},
    {.in = {BATCH(1, 4, 5)},
     .x = {image},
     .y = ceiled,
     .flat = true,
     .attr = "kernel_shape=3,2 strides=2,2 pads=1,0,0,1 ceil_mode=1"},
    {.in = {BATCH(1, 4, 5)},
     .x = {image},
     .y = dilated,
     .attr = "kernel_shape=2,2 dilations=2,3"},
    {.in = {BATCH(1, 3)},
     .x = {negative},
     .y = negative_tops,
     .flat = true,
     .attr = "kernel_shape=2 strides=2 pads=0,1"},
    {.in = {BATCH(1, 1)}, .attr = "kernel_shape=1"},
    {.in = {BATCH(17, 7)}, .attr = "kernel_shape=2 strides=3"},
    {.in = {BATCH(5, 7, 6)}, .attr = "kernel_shape=3,3 pads=1,1,1,1"},
    {.in = {BATCH(16, 6, 6)}, .attr = "kernel_shape=2,2 strides=2,2"},
    {.in = {BATCH(2, 5, 7)}, .attr = "kernel_shape=2,1 strides=3,2"},
    {.in = {BATCH(3, 5, 6)}, .attr = "kernel_shape=5,6"},
    {.in = {BATCH(2, 7, 7)},
     .attr = "kernel_shape=3,2 strides=2,3 auto_pad=SAME_LOWER"},
    {.in = {BATCH(2, 8, 7)},
     .attr = "kernel_shape=2,3 dilations=3,2 pads=1,2,0,1 ceil_mode=1 "
             "strides=2,2"},
    {.in = {BATCH(1, 19, 18)}, .attr = "kernel_shape=17,16"},
    {.in = {BATCH(4)}, .attr = "kernel_shape=1", .rejects = "wanted [N,C,L]"},
    {.in = {BATCH(2, 4, 4)},
     .attr = "kernel_shape=2",
     .rejects = "kernel_shape has 1 numbers, wanted 2"},
    {.in = {BATCH(2, 4, 4)},
     .attr = "kernel_shape=5,1",
     .rejects = "window of 5 does not fit into 4"},
    {.in = {BATCH(2, 4, 4)},
     .attr = "kernel_shape=2,2 strides=0,1",
     .rejects = "strides has 0"},
    {.in = {BATCH(2, 4, 4)},
     .attr = "kernel_shape=2,2 pads=1,1",
     .rejects = "pads has 2 numbers, wanted 4"},
    {.in = {BATCH(2, 4, 4)},
     .attr = "kernel_shape=2,2 auto_pad=SAME",
     .rejects = "auto_pad is \"SAME\""},
    {.in = {LABEL(2, 4, 4)},
     .attr = "kernel_shape=2,2",
     .rejects = "input is i32"},
    /* Three dimensions. */
    {.in = {F32(1, 2, 3, 2, 3)},
     .x = {volume},
     .y = volume_y,
     .attr = "kernel_shape=2,2,2 pads=0,0,1,1,1,0 dilations=2,1,1",
     .flat = true},
    {.in = {BATCH(1, 1, 1, 1)}, .attr = "kernel_shape=1,1,1"},
    {.in = {BATCH(2, 5, 3, 4)},
     .attr = "kernel_shape=3,2,2 strides=2,1,3 auto_pad=SAME_LOWER"},
    {.in = {BATCH(2, 4, 3, 4)},
     .attr = "kernel_shape=3,2,2 strides=2,1,3 ceil_mode=1"},
    {.in = {BATCH(2, 4, 3, 4)},
     .attr = "kernel_shape=3,2",
     .rejects = "kernel_shape has 2 numbers, wanted 3"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("MaxPool", cases);
}
