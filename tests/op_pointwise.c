/*
 * op_pointwise.c: the rows of pointwise.def, and Where; golden numbers are the
 * formulas evaluated by Python's math module.
 *
 * What all rows share, shapes and broadcasting, is tried with a few of them.
 */
#include <math.h>
#include <stddef.h>

#include "tests/op_test.h"

#define BYTES(...)                  \
    {                               \
        DT_U8, DIMS(__VA_ARGS__), 0 \
    }

static const double xs[] = {-2.5, -1, -0.25, 0.5, 1, 3};
static const double positive[] = {0.25, 0.5, 1, 2, 4, 10};
/* Below and above everything, and what is no number; a kink or a jump lies
 * somewhere, so gradients are not compared by differences. */
static const double special[] = {-INFINITY, INFINITY, NAN, 0, -1e30, 1e30};

#define X(want)                              \
    {                                        \
        .in = {F32(6)}, .x = {xs}, .y = want \
    }
#define SPECIAL(want)                                           \
    {                                                           \
        .in = {F32(6)}, .x = {special}, .y = want, .flat = true \
    }
/* A scalar, a row's tail, and one gradient over samples. */
#define SHAPES                              \
    {.in = {SCALAR}}, {.in = {F32(2, 37)}}, \
    {                                       \
        .in = { BATCH(3, 5) }               \
    }
#define NOT_INTEGERS                                             \
    {                                                            \
        .in = {I32(6)}, .rejects = "operand is i32, not a float" \
    }
#define END          \
    {                \
        .attr = NULL \
    }

/* ---- of one operand ---- */

static const double neg_y[] = {2.5, 1, 0.25, -0.5, -1, -3};
static const double neg_special[] = {INFINITY, -INFINITY, NAN, 0, 1e30, -1e30};
static const double whole[] = {-3, 0, 1, 2, 70000, -9};
static const double neg_whole[] = {3, 0, -1, -2, -70000, 9};
/* Exact in i64 only. */
static const double longs[] = {9007199254740991, -16777217, 5};
static const double neg_longs[] = {-9007199254740991, 16777217, -5};

static const struct op_case neg[] = {
    X(neg_y),
    SPECIAL(neg_special),
    SHAPES,
    {.in = {I32(6)}, .x = {whole}, .y = neg_whole},
    {.in = {I64(3)}, .x = {longs}, .y = neg_longs},
    {.in = {BOOL(3)}, .rejects = "operand is bool, not a number"},
    END,
};

static const double abs_y[] = {2.5, 1, 0.25, 0.5, 1, 3};
static const double abs_special[] = {INFINITY, INFINITY, NAN, 0, 1e30, 1e30};
static const struct op_case absolute[] = {X(abs_y), SPECIAL(abs_special),
                                          SHAPES, NOT_INTEGERS, END};

static const double exp_y[] = {0.08208499862, 0.3678794412, 0.7788007831,
                               1.648721271,   2.718281828,  20.08553692};
static const double exp_special[] = {0, INFINITY, NAN, 1, 0, INFINITY};
static const struct op_case exponential[] = {X(exp_y), SPECIAL(exp_special),
                                             SHAPES, NOT_INTEGERS, END};

static const double log_y[] = {-1.386294361, -0.6931471806, 0,
                               0.6931471806, 1.386294361,   2.302585093};
static const double log_special[] = {NAN,       INFINITY, NAN,
                                     -INFINITY, NAN,      69.0775527898};
static const struct op_case logarithm[] = {
    {.in = {F32(6)}, .x = {positive}, .y = log_y},
    SPECIAL(log_special),
    {.in = {F32(2, 37)}, .low = 0.5, .high = 4},
    NOT_INTEGERS,
    END,
};

static const double sqrt_y[] = {0.5, 0.7071067812, 1, 1.414213562,
                                2,   3.16227766};
static const double sqrt_special[] = {NAN, INFINITY, NAN, 0, NAN, 1e15};
static const struct op_case square_root[] = {
    {.in = {F32(6)}, .x = {positive}, .y = sqrt_y},
    SPECIAL(sqrt_special),
    {.in = {F32(2, 37)}, .low = 0.5, .high = 4},
    NOT_INTEGERS,
    END,
};

static const double sin_y[] = {-0.5984721441, -0.8414709848, -0.2474039593,
                               0.4794255386,  0.8414709848,  0.1411200081};
static const struct op_case sine[] = {X(sin_y), SHAPES, NOT_INTEGERS, END};
static const double cos_y[] = {-0.8011436155, 0.5403023059, 0.9689124217,
                               0.8775825619,  0.5403023059, -0.9899924966};
static const struct op_case cosine[] = {X(cos_y), SHAPES, NOT_INTEGERS, END};

static const double relu_y[] = {0, 0, 0, 0.5, 1, 3};
static const double relu_special[] = {0, INFINITY, NAN, 0, 0, 1e30};
static const struct op_case relu[] = {X(relu_y), SPECIAL(relu_special), SHAPES,
                                      NOT_INTEGERS, END};

static const double leaky_y[] = {-0.025, -0.01, -0.0025, 0.5, 1, 3};
static const double quarter_y[] = {-0.625, -0.25, -0.0625, 0.5, 1, 3};
static const double leaky_special[] = {-INFINITY, INFINITY, NAN,
                                       0,         -1e28,    1e30};
static const struct op_case leaky_relu[] = {
    X(leaky_y),
    {.in = {F32(6)}, .x = {xs}, .y = quarter_y, .attr = "alpha=0.25"},
    SPECIAL(leaky_special),
    SHAPES,
    NOT_INTEGERS,
    END,
};

static const double sigmoid_y[] = {0.07585818002, 0.2689414214, 0.4378234991,
                                   0.6224593312,  0.7310585786, 0.9525741268};
static const double sigmoid_special[] = {0, 1, NAN, 0.5, 0, 1};
static const struct op_case sigmoid[] = {X(sigmoid_y), SPECIAL(sigmoid_special),
                                         SHAPES, NOT_INTEGERS, END};

static const double tanh_y[] = {-0.9866142982, -0.761594156, -0.2449186624,
                                0.4621171573,  0.761594156,  0.9950547537};
static const double tanh_special[] = {-1, 1, NAN, 0, -1, 1};
static const struct op_case hyperbolic_tangent[] = {
    X(tanh_y), SPECIAL(tanh_special), SHAPES, NOT_INTEGERS, END};

static const double softplus_y[] = {0.07888973429, 0.3132616875, 0.5759394199,
                                    0.9740769842,  1.313261688,  3.048587352};
static const double softplus_special[] = {0, INFINITY, NAN, 0.6931471806,
                                          0, 1e30};
static const struct op_case softplus[] = {
    X(softplus_y), SPECIAL(softplus_special),
    SHAPES,        {.in = {F32(37)}, .low = -90, .high = 90},
    NOT_INTEGERS,  END};

static const double gelu_erf_y[] = {-0.01552416331, -0.1586552539,
                                    -0.1003234186,  0.3457312306,
                                    0.8413447461,   2.995950306};
static const struct op_case gelu_erf[] = {
    X(gelu_erf_y),
    SHAPES,
    {.in = {F32(37)}, .low = -20, .high = 20},
    NOT_INTEGERS,
    END};

static const double gelu_tanh_y[] = {-0.01508426609, -0.1588080094,
                                     -0.1003246493,  0.3457140098,
                                     0.8411919906,   2.996362608};
static const struct op_case gelu_tanh[] = {
    X(gelu_tanh_y),
    SHAPES,
    {.in = {F32(37)}, .low = -20, .high = 20},
    NOT_INTEGERS,
    END};

static const double elu_y[] = {
    -0.9179150014, -0.6321205588, -0.2211992169, 0.5, 1, 3};
static const double half_elu_y[] = {
    -0.4589575007, -0.3160602794, -0.1105996085, 0.5, 1, 3};
static const double elu_special[] = {-1, INFINITY, NAN, 0, -1, 1e30};
static const struct op_case elu[] = {
    X(elu_y),
    {.in = {F32(6)}, .x = {xs}, .y = half_elu_y, .attr = "alpha=0.5"},
    SPECIAL(elu_special),
    SHAPES,
    NOT_INTEGERS,
    END,
};

static const double selu_y[] = {-1.613785764, -1.111330741, -0.3888901987,
                                0.5253505111, 1.050701022,  3.152103066};
static const double elu_thrice[] = {
    -1.3768725022, -0.9481808382, -0.3317988254, 1.5, 3, 9};
static const struct op_case selu[] = {
    X(selu_y),
    {.in = {F32(6)}, .x = {xs}, .y = elu_thrice, .attr = "alpha=0.5 gamma=3"},
    SHAPES,
    NOT_INTEGERS,
    END};

static const double silu_y[] = {-0.1896454501, -0.2689414214, -0.1094558748,
                                0.3112296656,  0.7310585786,  2.85772238};
static const struct op_case silu[] = {X(silu_y),
                                      SHAPES,
                                      {.in = {F32(37)}, .low = -90, .high = 90},
                                      NOT_INTEGERS,
                                      END};

static const double mish_y[] = {-0.1968162039, -0.3034014614, -0.1299269637,
                                0.3752452113,  0.8650983883,  2.986535005};
static const struct op_case mish[] = {X(mish_y),
                                      SHAPES,
                                      {.in = {F32(37)}, .low = -90, .high = 90},
                                      NOT_INTEGERS,
                                      END};

/* One of xs lies at a kink. */
static const double hard_sigmoid_y[] = {0, 0.3, 0.45, 0.6, 0.7, 1};
static const double hard_other_y[] = {0.125, 0.5, 0.6875, 0.875, 1, 1};
static const double hard_special[] = {0, 1, NAN, 0.5, 0, 1};
static const struct op_case hard_sigmoid[] = {
    {.in = {F32(6)}, .x = {xs}, .y = hard_sigmoid_y, .flat = true},
    {.in = {F32(6)},
     .x = {xs},
     .y = hard_other_y,
     .attr = "alpha=0.25 beta=0.75",
     .flat = true},
    SPECIAL(hard_special),
    SHAPES,
    {.in = {F32(37)}, .low = -6, .high = 6},
    NOT_INTEGERS,
    END,
};

static const double hard_swish_y[] = {
    -0.2083333333, -0.3333333333, -0.1145833333, 0.2916666667, 0.6666666667, 3};
static const double swish_special[] = {0, INFINITY, NAN, 0, 0, 1e30};
static const struct op_case hard_swish[] = {
    {.in = {F32(6)}, .x = {xs}, .y = hard_swish_y, .flat = true},
    SPECIAL(swish_special),
    SHAPES,
    {.in = {F32(37)}, .low = -6, .high = 6},
    NOT_INTEGERS,
    END,
};

static const double halves[] = {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 8388609};
static const double even[] = {-2, -2, 0, 0, 2, 2, 8388609};
static const struct op_case rounds[] = {
    {.in = {F32(7)}, .x = {halves}, .y = even, .flat = true},
    {.in = {BATCH(5, 37)}, .low = -6, .high = 6, .flat = true},
    NOT_INTEGERS,
    END,
};

static const double clip_y[] = {-0.75, -0.75, -0.25, 0.5, 0.875, 0.875};
static const double clip_special[] = {-1, 1, NAN, 0, -1, 1};
static const struct op_case clip[] = {
    {.in = {F32(6)}, .x = {xs}, .y = clip_y, .attr = "min=-0.75 max=0.875"},
    {.in = {F32(6)},
     .x = {special},
     .y = clip_special,
     .attr = "min=-1 max=1",
     .flat = true},
    {.in = {F32(6)}, .x = {xs}, .y = xs}, /* no limits */
    {.in = {F32(6)}, .x = {xs}, .y = relu_y, .attr = "min=0"},
    {.in = {BATCH(37)}, .attr = "max=0.5"},
    NOT_INTEGERS,
    END,
};

/* ---- of two operands ---- */

static const double as[] = {0.5, 1, 2, 3, 4, 0.25};
static const double bs[] = {2, -3, 0.5, 3, -0.5, 1.5};
#define AB(want)                                         \
    {                                                    \
        .in = {F32(6), F32(6)}, .x = {as, bs}, .y = want \
    }

static const double add_y[] = {2.5, -2, 2.5, 6, 3.5, 1.75};
static const double grid[] = {0, 10, 20};
static const double columns[] = {1, 2};
static const double grid_sums[] = {1, 11, 21, 2, 12, 22};
static const double whole_sums[] = {-6, 0, 2, 4, 140000, -18};
static const double long_sums[] = {18014398509481982.0, -33554434, 10};

/* Broadcasting of every kind: it is the same code for all rows. */
static const struct op_case add[] = {
    AB(add_y),
    {.in = {F32(3), F32(2, 1)}, .x = {grid, columns}, .y = grid_sums},
    {.in = {I32(6), I32(6)}, .x = {whole, whole}, .y = whole_sums},
    {.in = {I64(3), I64(3)}, .x = {longs, longs}, .y = long_sums},
    {.in = {SCALAR, SCALAR}},
    {.in = {SCALAR, F32(17)}},
    {.in = {F32(1), F32(1)}},
    {.in = {F32(5, 7), F32(1)}},
    {.in = {F32(5, 7), F32(7)}},
    {.in = {F32(5, 7), F32(5, 1)}},
    {.in = {F32(5, 1), F32(1, 7)}},
    {.in = {F32(17, 1, 5), F32(3, 1)}},
    {.in = {F32(2, 3, 4, 5), F32(3, 1, 5)}},
    {.in = {F32(2, 1, 4, 1), F32(1, 3, 1, 5)}},
    {.in = {F32(2, 1, 2, 1, 2, 1, 2, 1), F32(1, 3, 1, 3, 1, 3, 1, 3)}},
    {.in = {BATCH(5, 7), F32(7)}},
    {.in = {BATCH(5, 7), F32(5, 1)}},
    {.in = {BATCH(5, 7), F32(1, 5, 1)}},
    {.in = {BATCH(5, 7), BATCH(1, 7)}},
    {.in = {BATCH(1, 7), F32(5, 1)}},
    {.in = {BATCH(5, 7), SCALAR}},
    {.in = {BATCH(4, 3, 5), F32(4, 1, 5)}},
    {.in = {BATCH(20000), F32(20000)}}, /* more than a group's share */
    {.in = {F32(2, 3), F32(2, 4)},
     .rejects = "operands are [2,3] and [2,4], which do not broadcast"},
    {.in = {F32(2, 3), I32(2, 3)},
     .rejects = "operands are f32 and i32, not of one type"},
    {.in = {BOOL(2), BOOL(2)}, .rejects = "operand is bool, not a number"},
    END,
};

static const double sub_y[] = {-1.5, 4, 1.5, 0, 4.5, -1.25};
static const struct op_case sub[] = {
    AB(sub_y),
    {.in = {F32(5, 1), F32(2, 1, 7)}},
    {.in = {BATCH(5), F32(1, 5)}},
    {.in = {I64(3), I64(3)}, .x = {longs, neg_longs}, .y = long_sums},
    {.in = {F32(3), F32(2)}, .rejects = "do not broadcast"},
    END,
};

static const double mul_y[] = {1, -3, 1, 9, -2, 0.375};
static const double squares[] = {9, 0, 1, 4, 100, 81};
static const double roots[] = {-3, 0, 1, 2, 10, -9};
static const struct op_case mul[] = {
    AB(mul_y),
    {.in = {F32(5, 1), F32(2, 1, 7)}},
    {.in = {BATCH(5), F32(1, 5)}},
    {.in = {I32(6), I32(6)}, .x = {roots, roots}, .y = squares},
    {.in = {F32(3), F32(2)}, .rejects = "do not broadcast"},
    END,
};

static const double div_y[] = {0.25, -1. / 3, 4, 1, -8, 1. / 6};
static const double ones[] = {1, -1, 0};
static const double zeros[] = {0, 0, 0};
static const double by_zero[] = {INFINITY, -INFINITY, NAN};
static const struct op_case divide[] = {
    AB(div_y),
    {.in = {F32(3), F32(3)}, .x = {ones, zeros}, .y = by_zero, .flat = true},
    {.in = {F32(5, 1), F32(2, 1, 7)}, .low = 0.5, .high = 2},
    {.in = {BATCH(5), F32(1, 5)}, .low = -3, .high = -1},
    END,
};

static const double pow_y[] = {0.25, 1, 1.414213562, 27, 0.5, 0.125};
static const double bases[] = {-2, -2, -3, 0, 0, 5};
static const double powers[] = {2, 3, -1, 2, 0, 0};
static const double whole_powers[] = {4, -8, -1. / 3, 0, 1, 1};
static const struct op_case power[] = {
    AB(pow_y),
    {.in = {F32(6), F32(6)},
     .x = {bases, powers},
     .y = whole_powers,
     .flat = true},
    {.in = {F32(5, 1), F32(2, 1, 7)}, .low = 0.5, .high = 2},
    {.in = {BATCH(5), SCALAR}, .low = 0.5, .high = 2},
    END,
};

static const double all_a[] = {NAN, 1, NAN, INFINITY, -INFINITY, -0.0, 2};
static const double all_b[] = {1, NAN, NAN, 1, 1, 0, 2};
static const double all_max[] = {NAN, NAN, NAN, INFINITY, 1, 0, 2};
static const double all_min[] = {NAN, NAN, NAN, 1, -INFINITY, 0, 2};

static const double max_y[] = {2, 1, 2, 3, 4, 1.5};
static const struct op_case maximum[] = {
    {.in = {F32(6), F32(6)}, .x = {as, bs}, .y = max_y, .flat = true},
    {.in = {F32(7), F32(7)}, .x = {all_a, all_b}, .y = all_max, .flat = true},
    {.in = {F32(5, 1), F32(2, 1, 7)}},
    {.in = {BATCH(5), F32(1, 5)}},
    {.in = {I32(3), I32(3)},
     .x = {ones, zeros},
     .y = (const double[]){1, 0, 0}},
    {.in = {F32(3), F32(2)}, .rejects = "do not broadcast"},
    END,
};

static const double min_y[] = {0.5, -3, 0.5, 3, -0.5, 0.25};
static const struct op_case minimum[] = {
    {.in = {F32(6), F32(6)}, .x = {as, bs}, .y = min_y, .flat = true},
    {.in = {F32(7), F32(7)}, .x = {all_a, all_b}, .y = all_min, .flat = true},
    {.in = {F32(5, 1), F32(2, 1, 7)}},
    {.in = {BATCH(5), F32(1, 5)}},
    {.in = {I32(3), I32(3)},
     .x = {ones, zeros},
     .y = (const double[]){0, -1, 0}},
    {.in = {F32(3), F32(2)}, .rejects = "do not broadcast"},
    END,
};

/* ---- comparisons ---- */

/* Against NaN, nothing holds. */
#define COMPARE(want, want_all)                                             \
    AB(want), {.in = {F32(7), F32(7)}, .x = {all_a, all_b}, .y = want_all}, \
        {.in = {F32(5, 1), F32(2, 1, 17)}}, {.in = {BATCH(5), F32(5)}},     \
        {.in = {I64(3), I64(3)}}, {.in = {BYTES(4), BYTES(4)}},             \
        {.in = {F32(3), I32(3)},                                            \
         .rejects = "operands are f32 and i32, not of one type"},           \
        {.in = {F32(3), F32(2)}, .rejects = "do not broadcast"}, END

static const double gt_y[] = {0, 1, 1, 0, 1, 0};
static const double gt_all[] = {0, 0, 0, 1, 0, 0, 0};
static const struct op_case greater[] = {COMPARE(gt_y, gt_all)};

static const double ge_y[] = {0, 1, 1, 1, 1, 0};
static const double ge_all[] = {0, 0, 0, 1, 0, 1, 1};
static const struct op_case greater_or_equal[] = {COMPARE(ge_y, ge_all)};

static const double lt_y[] = {1, 0, 0, 0, 0, 1};
static const double lt_all[] = {0, 0, 0, 0, 1, 0, 0};
static const struct op_case less[] = {COMPARE(lt_y, lt_all)};

static const double le_y[] = {1, 0, 0, 1, 0, 1};
static const double le_all[] = {0, 0, 0, 0, 1, 1, 1};
static const struct op_case less_or_equal[] = {COMPARE(le_y, le_all)};

static const double eq_y[] = {0, 0, 0, 1, 0, 0};
static const double eq_all[] = {0, 0, 0, 0, 0, 1, 1};
static const double near_longs[] = {9007199254740990, -16777216, 5};
static const double equal_longs[] = {0, 0, 1};
static const struct op_case equal[] = {
    {.in = {I64(3), I64(3)}, .x = {longs, near_longs}, .y = equal_longs},
    {.in = {I32(2), I32(2)},
     .x = {longs + 1, near_longs + 1},
     .y = (const double[]){0, 1}},
    COMPARE(eq_y, eq_all),
};

/* ---- Where ---- */

static const double conditions[] = {1, 0, 0, 1, 1, 0};
static const double chosen[] = {0.5, -3, 0.5, 3, 4, 1.5};
static const double not_touched[] = {NAN, 1, INFINITY};
static const double kept[] = {2, 1, 2};

static const struct op_case where[] = {
    {.in = {BOOL(6), F32(6), F32(6)}, .x = {conditions, as, bs}, .y = chosen},
    /* What is not chosen does not matter. */
    {.in = {BOOL(3), F32(3), F32(3)},
     .x = {(const double[]){0, 1, 0}, not_touched, (const double[]){2, NAN, 2}},
     .y = kept,
     .flat = true},
    {.in = {BOOL(5, 7), SCALAR, SCALAR}},
    {.in = {BOOL(5, 1), F32(7), F32(2, 1, 1)}},
    {.in = {BOOL(1), F32(5, 7), F32(5, 1)}},
    {.in = {BOOL(5), BATCH(5), F32(5)}},
    {.in = {BOOL(3), I32(3), I32(3)}},
    {.in = {BOOL(3), I64(3), I64(3)},
     .x = {conditions, longs, neg_longs},
     .y = (const double[]){9007199254740991, 16777217, -5}},
    {.in = {BOOL(3), BOOL(3), BOOL(1)}},
    {.in = {F32(3), F32(3), F32(3)}, .rejects = "condition is f32, not bool"},
    {.in = {BOOL(3), F32(3), I32(3)},
     .rejects = "operands are f32 and i32, not of one type"},
    {.in = {BOOL(3), F32(2), F32(3)}, .rejects = "do not broadcast"},
    END,
};

int main(void)
{
    static const struct {
        const char *op;
        const struct op_case *cases;
    } tests[] = {
        {"Neg", neg},
        {"Abs", absolute},
        {"Exp", exponential},
        {"Log", logarithm},
        {"Sqrt", square_root},
        {"Sin", sine},
        {"Cos", cosine},
        {"Round", rounds},
        {"Relu", relu},
        {"LeakyRelu", leaky_relu},
        {"Sigmoid", sigmoid},
        {"Tanh", hyperbolic_tangent},
        {"Softplus", softplus},
        {"GeluErf", gelu_erf},
        {"GeluTanh", gelu_tanh},
        {"Elu", elu},
        {"Selu", selu},
        {"Silu", silu},
        {"Mish", mish},
        {"HardSigmoid", hard_sigmoid},
        {"HardSwish", hard_swish},
        {"Clip", clip},
        {"Add", add},
        {"Sub", sub},
        {"Mul", mul},
        {"Div", divide},
        {"Pow", power},
        {"Max", maximum},
        {"Min", minimum},
        {"Greater", greater},
        {"GreaterOrEqual", greater_or_equal},
        {"Less", less},
        {"LessOrEqual", less_or_equal},
        {"Equal", equal},
        {"Where", where},
    };
    int worst = 0;

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = op_test(tests[i].op, tests[i].cases);

        if (status && worst != 1)
            worst = status;
    }
    return worst;
}
