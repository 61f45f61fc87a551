/*
 * op_grid_sample.c: GridSample; golden numbers are PyTorch's, as in the examples
 * of ONNX's specification; of bicubic Keys' formula in Python, which are
 * the same in the specification's four digits.
 */
#include <stddef.h>

#include "tests/op_test.h"

/* clang-format off */
static const double image[] = {
    0, 1, 2, 3, 4, 5};
static const double near[] = {
    -1, -1, -0.5, -0.5, -0.2, -0.2, 0, 0, 0, 0, -0.2, -0.2, 0.5, 0.5, 1, 1};
static const double far[] = {
    -10, -10, -5, -5, -0.2, -0.2, 10, 10, 10, 10, -0.2, -0.2, 5, 5, 10, 10};
static const double bilinear[] = {
    0, 0.5, 1.7, 2.5, 2.5, 1.7, 4.5, 1.25};
static const double nearest[] = {
    0, 0, 2, 2, 2, 2, 5, 0};
static const double bicubic[] = {
    -0.140625, 0.3828125, 1.755551563, 2.96875, 2.96875, 1.755551563, 5.14453125, 1.390625};
static const double corners[] = {
    0, 1.25, 2, 2.5, 2.5, 2, 3.75, 5};
static const double zeros[] = {
    0, 0, 1.7, 0, 0, 1.7, 0, 0};
static const double border[] = {
    0, 0, 1.7, 5, 5, 1.7, 5, 5};
static const double reflection[] = {
    2.5, 0, 1.7, 2.5, 2.5, 1.7, 5, 2.5};
/* clang-format on */

#define GOLDEN(places, want, attributes)                                \
    {                                                                   \
        .in = {F32(1, 1, 3, 2), F32(1, 2, 4, 2)}, .x = {image, places}, \
        .y = want, .flat = true, .attr = attributes                     \
    }
/* Places on both sides of the image's ends. */
#define EACH(attributes)                                             \
    {.in = {BATCH(2, 5, 7), BATCH(3, 4, 2)},                         \
     .attr = attributes,                                             \
     .low = -1.9,                                                    \
     .high = 1.9},                                                   \
    {                                                                \
        .in = {F32(1, 1, 1, 1), F32(1, 1, 1, 2)}, .attr = attributes \
    }

static const struct op_case cases[] = {
    GOLDEN(near, bilinear, NULL),
    GOLDEN(near, nearest, "mode=nearest"),
    GOLDEN(near, bicubic, "mode=bicubic"),
    GOLDEN(near, corners, "align_corners=true"),
    GOLDEN(far, zeros, "padding_mode=zeros"),
    GOLDEN(far, border, "padding_mode=border"),
    GOLDEN(far, reflection, "padding_mode=reflection"),
    EACH(""),
    EACH("align_corners=true"),
    EACH("padding_mode=border"),
    EACH("padding_mode=reflection"),
    EACH("padding_mode=reflection align_corners=true"),
    EACH("mode=bicubic"),
    EACH("mode=bicubic padding_mode=border"),
    EACH("mode=bicubic padding_mode=reflection align_corners=true"),
    EACH("mode=nearest"),
    EACH("mode=nearest padding_mode=reflection"),
    {.in = {F32(2, 3, 8, 8), F32(2, 13, 5, 2)}},
    {.in = {F32(2, 8, 8), F32(2, 5, 2)}, .rejects = "wanted [N,C,H,W]"},
    {.in = {F32(2, 1, 8, 8), F32(2, 5, 2, 3)}, .rejects = "wanted [N,C,H,W]"},
    {.in = {F32(3, 1, 8, 8), BATCH(5, 2, 2)}, .rejects = "wanted [N,C,H,W]"},
    {.in = {F32(1, 1, 2, 2), F32(1, 1, 1, 2)},
     .attr = "mode=other",
     .rejects = "mode is \"other\""},
    {.in = {F32(1, 1, 2, 2), F32(1, 1, 1, 2)},
     .attr = "padding_mode=other",
     .rejects = "padding_mode is \"other\""},
    {.in = {I32(1, 1, 2, 2), F32(1, 1, 1, 2)}, .rejects = "operands are i32"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("GridSample", cases);
}
