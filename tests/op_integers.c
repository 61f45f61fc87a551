/*
 * op_integers.c: what division and powers are for integers, logic, and rows of
 * pointwise.def for which op_pointwise.c has no room; golden numbers are
 * Python's, and NumPy's example in ONNX's Mod.
 */
#include <math.h>
#include <stddef.h>

#include "tests/op_test.h"

#define BYTES(...)                  \
    {                               \
        DT_U8, DIMS(__VA_ARGS__), 0 \
    }
#define END          \
    {                \
        .attr = NULL \
    }

static const double a6[] = {-4, 7, 5, 4, -7, 8};
static const double b6[] = {2, -3, 8, -2, 3, 5};
static const double ones6[] = {-1, -1, -1, -1, -1, -1};
static const double negated[] = {4, -7, -5, -4, 7, -8};
static const double floor_mod[] = {0, -2, 5, 0, 2, 3};
static const double trunc_mod[] = {0, 1, 5, 0, -1, 3};
static const double quotient[] = {-2, -2, 0, -2, -2, 1};
static const double zeros[6];

#define INTEGERS(want)                                   \
    {.in = {I32(6), I32(6)}, .x = {a6, b6}, .y = want},  \
    {                                                    \
        .in = {I64(6), I64(6)}, .x = {a6, b6}, .y = want \
    }

static const double bytes_a[] = {255, 200, 7}, bytes_b[] = {2, 201, 7};
static const double bytes_quotient[] = {127, 0, 1};

static const struct op_case divide[] = {
    INTEGERS(quotient),
    {.in = {I64(6), I64(6)}, .x = {a6, ones6}, .y = negated},
    {.in = {BYTES(3), BYTES(3)}, .x = {bytes_a, bytes_b}, .y = bytes_quotient},
    {.in = {BOOL(3), BOOL(3)}, .rejects = "operand is bool, not a number"},
    END,
};

static const double bases[] = {2, -3, 0, -1, 3, 1};
static const double powers[] = {10, 3, 0, 7, 39, -2};
static const double power_y[] = {1024, -27, 1, -1, 4052555153018976267.0, 1};
static const double small_y[] = {4, 1, 0, -2, 343, 1};
static const double small_a[] = {2, -1, 2, -2, 7, 1};
static const double small_b[] = {2, 4, -1, 1, 3, 5};

static const struct op_case power[] = {
    {.in = {I64(6), I64(6)}, .x = {bases, powers}, .y = power_y},
    {.in = {I32(6), I32(6)}, .x = {small_a, small_b}, .y = small_y},
    {.in = {I32(3), I64(3)}, .rejects = "not of one type"},
    END,
};

static const double af[] = {-4.3, 7.2, 5.0, 4.3, -7.2, 8.0};
static const double bf[] = {2.1, -3.4, 8.0, -2.1, 3.4, 5.0};
static const double fmod_y[] = {-0.1, 0.4, 5.0, 0.1, -0.4, 3.0};
static const double remainder_y[] = {2.0, -3.0, 5.0, -2.0, 3.0, 3.0};

static const struct op_case mod[] = {
    INTEGERS(floor_mod),
    {.in = {I32(6), I32(6)},
     .attr = "fmod=true",
     .x = {a6, b6},
     .y = trunc_mod},
    {.in = {I64(6), I64(6)}, .attr = "fmod=true", .x = {a6, ones6}, .y = zeros},
    {.in = {I64(6), I64(6)}, .x = {a6, ones6}, .y = zeros},
    {.in = {BYTES(3), BYTES(3)}, .x = {bytes_a, bytes_b}},
    {.in = {F32(6), F32(6)}, .attr = "fmod=true", .x = {af, bf}, .y = fmod_y},
    {.in = {F32(5, 1), F32(2, 1, 7)},
     .attr = "fmod=true",
     .low = 0.5,
     .high = 0.7},
    {.in = {I32(4, 3), I32(3)}},
    {.in = {F32(3), F32(3)}, .rejects = "fmod must be true"},
    {.in = {BOOL(3), BOOL(3)}, .rejects = "operand is bool"},
    END,
};

static const struct op_case truncated[] = {
    INTEGERS(trunc_mod),
    {.in = {F32(6), F32(6)}, .x = {af, bf}, .y = fmod_y},
    END,
};

static const struct op_case floored[] = {
    INTEGERS(floor_mod),
    {.in = {F32(6), F32(6)}, .x = {af, bf}, .y = remainder_y},
    {.in = {F32(37), SCALAR}, .low = 0.5, .high = 0.7},
    END,
};

/* ---- logic ---- */

static const double left[] = {0, 0, 1, 1}, right[] = {0, 1, 0, 1};
static const double both[] = {0, 0, 0, 1}, any[] = {0, 1, 1, 1};
static const double other[] = {0, 1, 1, 0}, neither[] = {1, 1, 0, 0};

#define LOGIC(want)                                            \
    {.in = {BOOL(4), BOOL(4)}, .x = {left, right}, .y = want}, \
        {.in = {BOOL(5, 1), BOOL(2, 1, 37)}},                  \
        {.in = {BOOL(3), I32(3)}, .rejects = "operand is i32, not bool"}, END

static const struct op_case and[] = {LOGIC(both)};
static const struct op_case or [] = {LOGIC(any)};
static const struct op_case xor [] = {LOGIC(other)};
static const struct op_case not [] = {
    {.in = {BOOL(4)}, .x = {left}, .y = neither},
    {.in = {BOOL(3, 17)}},
    {.in = {F32(3)}, .rejects = "operand is f32, not bool"},
    END,
};

/* ---- rows of one operand ---- */

static const double xs[] = {-2.5, -1, -0.25, 0.5, 1, 3};
static const double special[] = {-INFINITY, INFINITY, NAN, 0, -1e30, 1e30};
static const double erf_y[] = {-0.999593048, -0.8427007929, -0.2763263902,
                               0.5204998778, 0.8427007929,  0.9999779095};
static const double erf_special[] = {-1, 1, NAN, 0, -1, 1};
static const double softsign_y[] = {-2.5 / 3.5, -0.5, -0.2, 1. / 3, 0.5, 0.75};

#define SHAPES                              \
    {.in = {SCALAR}}, {.in = {F32(2, 37)}}, \
    {                                       \
        .in = { BATCH(3, 5) }               \
    }

static const struct op_case error_function[] = {
    {.in = {F32(6)}, .x = {xs}, .y = erf_y},
    {.in = {F32(6)}, .x = {special}, .y = erf_special, .flat = true},
    SHAPES,
    {.in = {I32(6)}, .rejects = "operand is i32, not a float"},
    END,
};

static const struct op_case softsign[] = {
    {.in = {F32(6)}, .x = {xs}, .y = softsign_y},
    SHAPES,
    END,
};

int main(void)
{
    static const struct {
        const char *op;
        const struct op_case *cases;
    } tests[] = {
        {"Div", divide},
        {"Pow", power},
        {"Mod", mod},
        {"TruncMod", truncated},
        {"FloorMod", floored},
        {"And", and},
        {"Or", or },
        {"Xor", xor},
        {"Not", not },
        {"Erf", error_function},
        {"Softsign", softsign},
    };
    int worst = 0;

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = op_test(tests[i].op, tests[i].cases);

        if (status && worst != 1)
            worst = status;
    }
    return worst;
}
