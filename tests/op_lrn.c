/*
 * op_lrn.c: LRN and MeanVarianceNormalization; golden numbers are ONNX's
 * definitions in Python.
 */
#include <stddef.h>

#include "tests/op_test.h"

/* clang-format off */
static const double x[] = {
    0, 1.927, 1.031, -1.376, -1.767, 0.43, 1.997, 0.638, -1.656, -1.524, 0.84, 1.974, 0.216, -1.858, -1.21, 1.211, 1.858, -0.217, -1.974, -0.839};
static const double three[] = {
    0, 1.694625807, 0.9348039441, -1.205378649, -1.474884669, 0.4050830159, 1.613898555, 0.595142514, -1.422762853, -1.427644859, 0.824541447, 1.674866712, 0.2047563506, -1.531559694, -1.07874933, 1.079574765, 1.531631343, -0.20569867, -1.674866712, -0.8235848773};
static const double four[] = {
    0, 1.167567773, 0.5931111058, -0.8260382449, -0.9633399048, 0.2666240769, 1.110888982, 0.4149234783, -0.9824315753, -0.9960140791, 0.5566645012, 1.120809603, 0.1312454088, -1.053946927, -0.6864095711, 0.7358050045, 1.054997889, -0.1438003585, -1.155472163, -0.5798110066};
static const double inside[] = {
    0.02152331783, 1.404037767, 0.7612080073, -0.9656795267, -1.246200102, 0.3300242067, 1.454258841, 0.4792525437, -1.166563826, -1.071861228, 0.607228729, 1.427085115, 0.1560908234, -1.343364331, -0.8748749672, 0.8754533491, 1.343219735, -0.1569583963, -1.427229711, -0.6066503471};
static const double across[] = {
    -1.443620547, 0.9034427679, 1.306662652, -0.7520099076, -1.190905856, 0.6349281746, 1.018112291, -0.4728517215, -0.3807852521, -0.06215670518, -0.4205104356, 0.9606882146, 0.6096048469, -1.164257591, -0.7280066504, 1.283984332, 0.8656148684, -1.410875438, -1.148390388, 1.591332345};
/* clang-format on */

static const struct op_case lrn[] = {
    {.in = {F32(2, 5, 2)}, .x = {x}, .y = three, .attr = "size=3 alpha=0.1"},
    {.in = {F32(2, 5, 2, 1)},
     .x = {x},
     .y = four,
     .attr = "size=4 alpha=0.5 beta=0.5 bias=2"},
    {.in = {BATCH(1)}, .attr = "size=1"},
    {.in = {BATCH(7)}, .attr = "size=5 alpha=1"},
    {.in = {BATCH(3, 5, 17)}, .attr = "size=9 alpha=1"},
    {.in = {F32(2, 16, 2, 2, 2)}, .attr = "size=2 alpha=1"},
    {.in = {F32(4)}, .attr = "size=3", .rejects = "wanted floats [N,C,...]"},
    {.in = {I32(4, 4)}, .attr = "size=3", .rejects = "input is i32"},
    {.in = {F32(4, 4)}, .attr = "size=0", .rejects = "size is 0"},
    {.attr = NULL},
};

static const struct op_case mean_variance[] = {
    {.in = {F32(2, 5, 2)}, .x = {x}, .y = inside, .attr = "axes=1,2"},
    {.in = {F32(2, 5, 2, 1)}, .x = {x}, .y = across},
    {.in = {BATCH(5, 17)}, .attr = "axes=-1"},
    {.in = {F32(3, 4, 5, 6)}},
    {.in = {BATCH(3, 4, 5)}, .rejects = "samples"},
    {.in = {F32(3)}, .rejects = "axis 2"},
    {.in = {I32(3)}, .rejects = "input is i32"},
    {.attr = NULL},
};

int main(void)
{
    int a = op_test("LRN", lrn);
    int b = op_test("MeanVarianceNormalization", mean_variance);

    return a ? a : b;
}
