/* op_constant.c: Constant, SinusoidalPosition, Parameter. */
#include "tests/op_test.h"

#include <stddef.h>

static const double list[] = {1, -2, 0.5};
static const double one[] = {7};

static const struct op_case constants[] = {
    {.attr = "value=1,-2,0.5", .y = list, .flat = true},
    {.attr = "value=7", .y = one, .flat = true},
    {.attr = NULL},
};

/* sin and cos of 0, 1, 2 and of 0, 1/10, 2/10: base^(-2/4) is 1/10. */
static const double table[] = {
    0,
    1,
    0,
    1,
    0.84147098480789651,
    0.54030230586813972,
    0.09983341664682815,
    0.99500416527802577,
    0.90929742682568170,
    -0.41614683654714239,
    0.19866933079506122,
    0.98006657784124163,
};
/* Of odd size the last sine has no cosine. */
static const double odd[] = {
    0, 1, 0, 0.84147098480789651, 0.54030230586813972, 0.046399223464731285};

static const struct op_case positions[] = {
    {.attr = "length=3 size=4 base=100", .y = table, .flat = true},
    {.attr = "length=2 size=3 base=100", .y = odd, .flat = true},
    {.attr = "length=70 size=33", .flat = true},
    {.attr = "length=0 size=4", .rejects = "length is 0"},
    {.attr = "length=4 size=4 base=0", .rejects = "base is 0"},
    {.attr = "length=65536 size=65536", .rejects = "less than 2^31"},
    {.attr = NULL},
};

static const struct op_case parameters[] = {
    {.in = {F32(3)}, .attr = "shape=3", .x = {list}, .y = list},
    {.in = {F32(2, 3)}, .attr = "shape=2,3"},
    {.in = {F32(2, 3)}, .attr = "shape=3,2", .rejects = "wanted f32 [3,2]"},
    {.in = {F32(2)}, .attr = "shape=0", .rejects = "shape has 0"},
    {.attr = NULL},
};

int main(void)
{
    int bad = op_test("Constant", constants);

    if (!bad)
        bad = op_test("SinusoidalPosition", positions);
    return bad ? bad : op_test("Parameter", parameters);
}
