/*
 * op_resize.c: Resize; golden numbers from PyTorch 1.13's interpolate, and of
 * round_prefer_floor and scales from the examples in ONNX's specification; of
 * cubic, crops and tf_half_pixel_for_nn from ONNX's formulas in Python.
 */
#include <stddef.h>

#include "tests/op_test.h"

/* clang-format off */
static const double x[] = {4, -1, 2, -3, -4, -5, 1, 0, 3, 2, -2, 6};
static const double bilinear[] = {
    4, 2.21428571429, -0.642857142857, 0.5, 1.64285714286, -1.21428571429, -3,
    0.8, -0.414285714286, -2.35714285714, -0.5, 1.35714285714, -0.585714285714, -1.8,
    -4, -4.35714285714, -4.92857142857, -2, 0.928571428571, 0.357142857143, 0,
    0.2, -0.157142857143, -0.728571428571, -0.8, -0.485714285714, 2.02857142857, 3.6,
    3, 2.64285714286, 2.07142857143, 0, -1.42857142857, 3.14285714286, 6};
static const double corners[] = {
    4, 1.5, -1, 0.5, 2, -0.5, -3, 0, -1.5, -3, -0.75, 1.5, 0, -1.5, -4, -4.5,
    -5, -2, 1, 0.5, 0, -0.5, -1, -1.5, -1, -0.5, 1.25, 3, 3, 2.5, 2, 0, -2, 2, 6};
static const double fewer[] = {
    1.33333333333, -0.125, -1.58333333333, 1.08333333333, -0.5, 3.54166666667};
static const double nearest[] = {
    4, 4, -1, -1, 2, 2, -3, 4, 4, -1, -1, 2, 2, -3, -4, -4, -5, -5, 1, 1, 0,
    -4, -4, -5, -5, 1, 1, 0, 3, 3, 2, 2, -2, -2, 6};
static const double exact[] = {
    4, 4, -1, 2, 2, -3, -3, 4, 4, -1, 2, 2, -3, -3, -4, -4, -5, 1, 1, 0, 0,
    3, 3, 2, -2, -2, 6, 6, 3, 3, 2, -2, -2, 6, 6};
static const double twice[] = {
    4, 4, -1, -1, 2, 2, -3, -3, 4, 4, -1, -1, 2, 2, -3, -3,
    -4, -4, -5, -5, 1, 1, 0, 0, -4, -4, -5, -5, 1, 1, 0, 0,
    3, 3, 2, 2, -2, -2, 6, 6, 3, 3, 2, 2, -2, -2, 6, 6};
static const double four[] = {1, 2, 3, 4};
static const double floors[] = {
    1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2,
    1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 3, 3, 4, 4, 4, 4,
    3, 3, 3, 3, 4, 4, 4, 4};
static const double eight[] = {1, 2, 3, 4, 5, 6, 7, 8};
static const double scaled[] = {8.0 / 3, 13.0 / 3};
static const double cubic[] = {
    1.47119140625, 2.78125, 4.08251953125, 6.71142578125, 8.021484375, 9.32275390625, 11.9165039062, 13.2265625, 14.5278320312};
static const double cubic_corners[] = {
    1, 2.39519158527, 3.79038317055, 6.5807663411, 7.97595792637, 9.37114951165, 12.1615326822, 13.5567242675, 14.9519158527};
static const double cubic_inside[] = {
    1.36812674744, 2.66950139795, 4.01333670277, 6.57362534949, 7.875, 9.21883530482, 11.9489665688, 13.2503412193, 14.5941765241};
static const double cropped[] = {
    7.6, 7.9, 8.2, 8.8, 9.1, 9.4, 10, 10.3, 10.6};
static const double beyond[] = {
    7.6, 10, 10, 12.4, 10, 10, 10, 10, 10};
static const double tf_nearest[] = {
    6, 8, 10, 12, 14, 16};
static const double sixteen[] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
/* clang-format on */

#define COORDINATES "coordinate_transformation_mode="
#define CUBIC       "axes=0,1 mode=cubic "
#define GOLDEN4(want, attributes)                                        \
    {                                                                    \
        .in = {F32(4, 4)}, .x = {sixteen}, .y = want, .attr = attributes \
    }
#define LINEAR "axes=2,3 mode=linear "
#define GOLDEN(want, attributes)                                         \
    {                                                                    \
        .in = {F32(1, 1, 3, 4)}, .x = {x}, .y = want, .attr = attributes \
    }

static const struct op_case cases[] = {
    GOLDEN(bilinear, LINEAR "sizes=5,7"),
    /* Without axes the sizes are of all dimensions. */
    GOLDEN(bilinear, "sizes=1,1,5,7 mode=linear"),
    GOLDEN(corners,
           LINEAR "sizes=5,7 coordinate_transformation_mode=align_corners"),
    GOLDEN(fewer, LINEAR "sizes=2,3"),
    GOLDEN(nearest, "axes=-2,-1 sizes=5,7 nearest_mode=floor "
                    "coordinate_transformation_mode=asymmetric"),
    GOLDEN(exact, "axes=2,3 sizes=5,7 nearest_mode=round_prefer_ceil"),
    GOLDEN(twice, "axes=3,2 scales=2,2"),
    {.in = {F32(2, 2)}, .x = {four}, .y = floors, .attr = "sizes=7,8"},
    {.in = {F32(2, 4)},
     .x = {eight},
     .y = scaled,
     .attr = "scales=0.6,0.6 mode=linear"},
    GOLDEN4(cubic, CUBIC "scales=0.8,0.8"),
    GOLDEN4(cubic_corners, CUBIC "scales=0.8,0.8 " COORDINATES "align_corners"),
    GOLDEN4(cubic_inside, CUBIC "scales=0.8,0.8 cubic_coeff_a=-0.5 "
                                "exclude_outside=true"),
    GOLDEN4(cropped,
            "axes=0,1 mode=linear sizes=3,3 roi=0.4,0.6,0.6,0.8 " COORDINATES
            "tf_crop_and_resize"),
    GOLDEN4(beyond, "axes=0,1 mode=linear sizes=3,3 roi=0.4,0.6,1.2,1.7 "
                    "extrapolation_value=10 " COORDINATES "tf_crop_and_resize"),
    GOLDEN4(tf_nearest, "sizes=3,2 " COORDINATES "tf_half_pixel_for_nn"),
    {.in = {F32(1)}, .attr = "sizes=5 mode=linear"},
    {.in = {F32(1)}, .attr = "sizes=5 mode=cubic"},
    {.in = {BATCH(5, 17)}, .attr = "axes=1 sizes=9 mode=cubic"},
    {.in = {BATCH(5, 17)},
     .attr = "axes=1,2 scales=1.7,0.4 mode=cubic exclude_outside=true"},
    {.in = {F32(5)},
     .attr = "sizes=4 coordinate_transformation_mode=tf_crop_and_resize",
     .rejects = "roi has 0 numbers, wanted 2"},
    {.in = {F32(5)},
     .attr = "sizes=4 roi=0,1e300 "
             "coordinate_transformation_mode=tf_crop_and_resize",
     .rejects = "roi has 0 and 1e+300"},
    {.in = {F32(7)}, .attr = "sizes=1 mode=linear"},
    {.in = {F32(7)},
     .attr = "sizes=1 mode=linear "
             "coordinate_transformation_mode=align_corners"},
    {.in = {F32(7)},
     .attr = "sizes=1 mode=linear "
             "coordinate_transformation_mode=pytorch_half_pixel"},
    {.in = {F32(5)}, .attr = "sizes=5"},
    {.in = {F32(11)}, .attr = "sizes=4 nearest_mode=ceil"},
    {.in = {BATCH(3, 5, 7)}, .attr = "axes=2,3 sizes=10,14"},
    {.in = {BATCH(3, 5, 7)}, .attr = "axes=2,3 sizes=3,13 mode=linear"},
    {.in = {BATCH(5, 17)}, .attr = "axes=1 sizes=9 mode=linear"},
    {.in = {BATCH(16)}, .attr = "axes=1 scales=3"},
    {.in = {BATCH(4)}, .attr = "sizes=6,4", .rejects = "samples of the batch"},
    {.in = {I32(4)}, .attr = "sizes=6", .rejects = "input is i32"},
    {.in = {F32(4)}, .rejects = "sizes and scales are missing"},
    {.in = {F32(4)},
     .attr = "sizes=3 scales=2",
     .rejects = "sizes and scales are given"},
    {.in = {F32(4, 3)}, .attr = "sizes=3", .rejects = "1 numbers for 2"},
    {.in = {F32(4)}, .attr = "sizes=0", .rejects = "sizes has 0"},
    {.in = {F32(4)}, .attr = "scales=0.2", .rejects = "scales has 0.2"},
    {.in = {F32(4)}, .attr = "sizes=5 axes=1", .rejects = "axis 1 of a rank 1"},
    {.in = {F32(4)}, .attr = "sizes=5 mode=lanczos", .rejects = "\"lanczos\""},
    {.in = {F32(4)},
     .attr = "sizes=5 nearest_mode=up",
     .rejects = "nearest_mode is \"up\""},
    {.in = {F32(4)},
     .attr = "sizes=5 coordinate_transformation_mode=sideways",
     .rejects = "coordinate_transformation_mode is"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("Resize", cases);
}
