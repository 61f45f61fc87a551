/*
 * op_trigonometry.c: rows of pointwise.def that are sines' relatives, and those
 * that make whole numbers; golden numbers are Python's math module's.
 */
#include <math.h>
#include <stddef.h>

#include "tests/op_test.h"

static const double xs[] = {-2.5, -1, -0.25, 0.5, 1, 3};
static const double inner[] = {-0.9, -0.5, -0.25, 0.25, 0.5, 0.8};
static const double above[] = {1.25, 1.5, 2, 3, 4, 10};
static const double special[] = {-INFINITY, INFINITY, NAN, 0};
static const double halves[] = {-2.5, -1.5, -0.5, 0.5, 1.5, 2.7};

/* A scalar, a row's tail and one over samples, in a range of operands. */
#define SHAPES(least, most)                                         \
    {.in = {SCALAR}, .low = least, .high = most},                   \
        {.in = {F32(2, 37)}, .low = least, .high = most},           \
        {.in = {BATCH(3, 5)}, .low = least, .high = most},          \
        {.in = {I32(6)}, .rejects = "operand is i32, not a float"}, \
    {                                                               \
        .attr = NULL                                                \
    }

static const double tangent_y[] = {0.7470222972, -1.557407725, -0.2553419212,
                                   0.5463024898, 1.557407725,  -0.1425465431};
static const double arc_sine_y[] = {-1.119769515, -0.5235987756, -0.2526802551,
                                    0.2526802551, 0.5235987756,  0.927295218};
static const double arc_cosine_y[] = {2.690565842, 2.094395102, 1.823476582,
                                      1.318116072, 1.047197551, 0.6435011088};
static const double arc_tangent_y[] = {-1.19028995,   -0.7853981634,
                                       -0.2449786631, 0.463647609,
                                       0.7853981634,  1.249045772};
static const double sinh_y[] = {-6.050204481, -1.175201194, -0.2526123168,
                                0.5210953055, 1.175201194,  10.01787493};
static const double cosh_y[] = {6.13228948,  1.543080635, 1.0314131,
                                1.127625965, 1.543080635, 10.067662};
static const double asinh_y[] = {-1.647231146, -0.881373587, -0.2474664615,
                                 0.4812118251, 0.881373587,  1.818446459};
static const double acosh_y[] = {0.6931471806, 0.9624236501, 1.316957897,
                                 1.762747174,  2.063437069,  2.993222846};
static const double atanh_y[] = {-1.47221949,  -0.5493061443, -0.2554128119,
                                 0.2554128119, 0.5493061443,  1.098612289};
static const double below_y[] = {-3, -1, -1, 0, 1, 3};
static const double upper_y[] = {-2, -1, 0, 1, 1, 3};
static const double rounded_y[] = {-2, -2, 0, 0, 2, 3};
static const double sign_y[] = {-1, -1, -1, 1, 1, 1};
static const struct op_case tangent_cases[] = {
    {.in = {F32(6)}, .x = {xs}, .y = tangent_y},
    SHAPES(-1.2, 1.2),
};

static const struct op_case arc_sine_cases[] = {
    {.in = {F32(6)}, .x = {inner}, .y = arc_sine_y},
    SHAPES(-0.9, 0.9),
};

static const struct op_case arc_cosine_cases[] = {
    {.in = {F32(6)}, .x = {inner}, .y = arc_cosine_y},
    SHAPES(-0.9, 0.9),
};

static const double arc_tangent_special[] = {-1.5707963268, 1.5707963268, NAN,
                                             0};
static const struct op_case arc_tangent_cases[] = {
    {.in = {F32(6)}, .x = {xs}, .y = arc_tangent_y},
    {.in = {F32(4)}, .x = {special}, .y = arc_tangent_special, .flat = true},
    SHAPES(-1.2, 1.2),
};

static const struct op_case sinh_cases[] = {
    {.in = {F32(6)}, .x = {xs}, .y = sinh_y},
    SHAPES(-1.2, 1.2),
};

static const struct op_case cosh_cases[] = {
    {.in = {F32(6)}, .x = {xs}, .y = cosh_y},
    SHAPES(-1.2, 1.2),
};

static const struct op_case asinh_cases[] = {
    {.in = {F32(6)}, .x = {xs}, .y = asinh_y},
    SHAPES(-1.2, 1.2),
};

static const struct op_case acosh_cases[] = {
    {.in = {F32(6)}, .x = {above}, .y = acosh_y},
    SHAPES(1.2, 4),
};

static const struct op_case atanh_cases[] = {
    {.in = {F32(6)}, .x = {inner}, .y = atanh_y},
    SHAPES(-0.9, 0.9),
};

static const double below_special[] = {-INFINITY, INFINITY, NAN, 0};
static const struct op_case below_cases[] = {
    {.in = {F32(6)}, .x = {xs}, .y = below_y, .flat = true},
    {.in = {F32(4)}, .x = {special}, .y = below_special, .flat = true},
    SHAPES(0.1, 0.9),
};

static const struct op_case upper_cases[] = {
    {.in = {F32(6)}, .x = {xs}, .y = upper_y, .flat = true},
    SHAPES(0.1, 0.9),
};

static const struct op_case rounded_cases[] = {
    {.in = {F32(6)}, .x = {halves}, .y = rounded_y, .flat = true},
    SHAPES(0.6, 1.4),
};

static const double sign_special[] = {-1, 1, NAN, 0};
static const struct op_case sign_cases[] = {
    {.in = {F32(6)}, .x = {xs}, .y = sign_y, .flat = true},
    {.in = {F32(4)}, .x = {special}, .y = sign_special, .flat = true},
    SHAPES(0.1, 2),
};

int main(void)
{
    static const struct {
        const char *op;
        const struct op_case *cases;
    } tests[] = {
        {"Tan", tangent_cases},     {"Asin", arc_sine_cases},
        {"Acos", arc_cosine_cases}, {"Atan", arc_tangent_cases},
        {"Sinh", sinh_cases},       {"Cosh", cosh_cases},
        {"Asinh", asinh_cases},     {"Acosh", acosh_cases},
        {"Atanh", atanh_cases},     {"Floor", below_cases},
        {"Ceil", upper_cases},      {"Round", rounded_cases},
        {"Sign", sign_cases},
    };
    int worst = 0;

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = op_test(tests[i].op, tests[i].cases);

        if (status && worst != 1)
            worst = status;
    }
    return worst;
}
