/*
 * op_average_pool.c: AveragePool.  Golden numbers come from the reference
 * implementation in the Python package onnx (onnx.reference, 1.23).
 */
#include "tests/op_test.h"

#include <stddef.h>

/* 7 i mod 11, [3, 1, 4, 5] */
static const double image[] = {
    7, 3, 10, 6, 2,  9, 5,  1, 8, 4, 0, 7, 3, 10, 6, 2,  9, 5,  1, 8,
    4, 0, 7,  3, 10, 6, 2,  9, 5, 1, 8, 4, 0, 7,  3, 10, 6, 2,  9, 5,
    1, 8, 4,  0, 7,  3, 10, 6, 2, 9, 5, 1, 8, 4,  0, 7,  3, 10, 6, 2};
static const double padded[] = {
    6,   5.5,        5,    5.33333333, 5.44444444, 6.16666667,
    3,   4.33333333, 4.75, 6,          4.88888889, 5,
    5.5, 5,          4.5,  4.83333333, 5.55555556, 3.83333333};
static const double padding_counts[] = {
    2.66666667, 3.66666667, 2.22222222, 3.55555556, 5.44444444, 4.11111111,
    1.33333333, 2.88888889, 2.11111111, 4,          4.88888889, 3.33333333,
    2.44444444, 3.33333333, 2,          3.22222222, 5.55555556, 2.55555556};
static const double ceiled[] = {6, 6.25, 3, 4.5, 4.75, 7, 3, 6, 5.5,
                                7, 4.5,  4, 5.5, 3,    8, 4, 7, 1};
/* The last windows of ceil_mode reach beyond the pads; what lies there is never
 * counted. */
static const double uneven[] = {
    6, 6.25,       3, 5.33333333, 4.66666667, 6, 3,          6, 5.5,
    6, 5.33333333, 3, 5.5,        3,          8, 4.83333333, 6, 3.66666667};
static const double uneven_counts[] = {
    4,          4.16666667, 1,          5.33333333, 4.66666667, 3,
    2,          4,          1.83333333, 6,          5.33333333, 1.5,
    3.66666667, 2,          2.66666667, 4.83333333, 6,          1.83333333};
static const double dilated[] = {5.75, 4.5, 5,   6.5, 5.5, 4.25,
                                 7.5,  3.5, 2.5, 4,   4.5, 6};
static const double same_lower[] = {8, 4.75, 5, 1, 6, 6.25, 5, 4.5, 4.75,
                                    9, 3,    6, 2, 7, 4.5,  6, 5.5, 3};

static const double volume[] = {7,  3,  10, 6, 2, 9, 5, 1, 8, 4, 0, 7,
                                3,  10, 6,  2, 9, 5, 1, 8, 4, 0, 7, 3,
                                10, 6,  2,  9, 5, 1, 8, 4, 0, 7, 3, 10};
static const double volume_y[] = {5.5,  3.5, 5,   5,   3,    4.5,  2.5, 6,
                                  7.5,  2,   5.5, 7,   5,    5.75, 4.5, 4.5,
                                  5.25, 4,   7.5, 5.5, 4.25, 7,    5,   6.5};

static const struct op_case cases[] = {
    {.in = {BATCH(1, 4, 5)},
     .x = {image},
     .y = padded,
     .attr = "kernel_shape=3,3 strides=2,2 pads=1,1,1,1"},
    {.in = {BATCH(1, 4, 5)},
     .x = {image},
     .y = padding_counts,
     .attr = "kernel_shape=3,3 strides=2,2 pads=1,1,1,1 count_include_pad=1"},
    {.in = {BATCH(1, 4, 5)},
     .x = {image},
     .y = ceiled,
     .attr = "kernel_shape=2,2 strides=2,2 ceil_mode=1"},
    {.in = {BATCH(1, 4, 5)},
     .x = {image},
     .y = uneven,
     .attr = "kernel_shape=3,2 strides=2,2 pads=1,0,0,1 ceil_mode=1"},
    {.in = {BATCH(1, 4, 5)},
     .x = {image},
     .y = uneven_counts,
     .attr = "kernel_shape=3,2 strides=2,2 pads=1,0,0,1 ceil_mode=1 "
             "count_include_pad=1"},
    {.in = {BATCH(1, 4, 5)},
     .x = {image},
     .y = dilated,
     .attr = "kernel_shape=2,2 dilations=2,3"},
    {.in = {BATCH(1, 4, 5)},
     .x = {image},
     .y = same_lower,
     .attr = "kernel_shape=2,2 strides=2,2 auto_pad=SAME_LOWER"},
    {.in = {BATCH(1, 1)}, .attr = "kernel_shape=1"},
    {.in = {BATCH(17, 7)}, .attr = "kernel_shape=2 strides=3"},
    {.in = {BATCH(3, 5)},
     .attr = "kernel_shape=4 strides=3 ceil_mode=1 "
             "pads=0,2 count_include_pad=1"},
    {.in = {BATCH(5, 7, 6)}, .attr = "kernel_shape=3,3 pads=1,1,1,1"},
    {.in = {BATCH(16, 6, 6)}, .attr = "kernel_shape=2,2 strides=2,2"},
    {.in = {BATCH(2, 5, 7)}, .attr = "kernel_shape=2,1 strides=3,2"},
    {.in = {BATCH(3, 5, 6)}, .attr = "kernel_shape=5,6"},
    {.in = {BATCH(2, 7, 7)},
     .attr = "kernel_shape=3,2 strides=2,3 auto_pad=SAME_UPPER"},
    {.in = {BATCH(2, 8, 7)},
     .attr = "kernel_shape=2,3 dilations=3,2 pads=1,2,0,1 ceil_mode=1 "
             "strides=2,2"},
    {.in = {BATCH(4)}, .attr = "kernel_shape=1", .rejects = "wanted [N,C,L]"},
    {.in = {BATCH(2, 4, 4)},
     .attr = "kernel_shape=2",
     .rejects = "kernel_shape has 1 numbers, wanted 2"},
    {.in = {BATCH(2, 4, 4)},
     .attr = "kernel_shape=5,1",
     .rejects = "window of 5 does not fit into 4"},
    {.in = {LABEL(2, 4, 4)},
     .attr = "kernel_shape=2,2",
     .rejects = "input is i32"},
    /* Three dimensions. */
    {.in = {F32(1, 2, 3, 2, 3)},
     .x = {volume},
     .y = volume_y,
     .attr = "kernel_shape=2,2,2 strides=2,1,1 pads=0,0,1,1,1,0",
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
    return op_test("AveragePool", cases);
}
