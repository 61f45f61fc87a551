/*
 * op_rnn.c: cases for RNN.
 *
 * The layer's operands are its input and weight_ih, weight_hh, bias_ih, bias_hh
 * of each layer and direction, as PyTorch's; golden numbers are its equations
 * in Python.
 */
#include <stddef.h>

#include "tests/op_test.h"

#define WEIGHTS(in, hidden) F32(hidden, in), F32(hidden, hidden)
#define BIASES(hidden)      F32(hidden), F32(hidden)

static const double x[] = {-0.625, 0,      0.625,  -0.125, 0.5,   -0.25,
                           0.375,  -0.375, 0.25,   -0.5,   0.125, -0.625,
                           0,      0.625,  -0.125, 0.5,    -0.25, 0.375};
static const double w_ih[] = {-0.375, 0, 0.375, -0.125};
static const double w_hh[] = {-0.5, 0.125, -0.375, 0.25};
static const double back_ih[] = {-0.25, 0.25, -0.125, 0.375};
static const double back_hh[] = {-0.375, -0.125, 0.125, 0.375};
static const double b_ih[] = {0.25, -0.125};
static const double b_hh[] = {-0.375, 0.5};
static const double forward[] = {0.1089409299,  0.1397053028,   -0.3768492725,
                                 0.5504826002,  -0.05520884344, 0.7027378321,
                                 -0.2595492148, 0.5098299737,   -0.02524128323,
                                 0.6387375982,  -0.07924564657, 0.5844203976,
                                 -0.1243530018, 0.288450213,    0.02010506794,
                                 0.3664964733,  0.004509494629, 0.3081135265};
static const double reverse[] = {0.2612110563,   0.3530038814,   -0.1405108967,
                                 0.7022180582,   -0.3027097293,  0.5325872862,
                                 -0.1502278509,  0.6313550385,   -0.07573887836,
                                 0.6110561694,   -0.1702023084,  0.4621171573,
                                 -0.06767345477, 0.3715720228,   -0.03372033098,
                                 0.3229022958,   -0.03123983145, 0.230175711};
static const double rectified[] = {
    0.234375, 0, 0,          0.162109375, 0, 0.2592773438, 0, 0.1875,    0,
    0.203125, 0, 0.17578125, 0,           0, 0.046875,     0, 0.0703125, 0};
static const double both[] = {0.230175711,
                              -0.230175711,
                              0.2151277303,
                              -0.01044218668,
                              -0.3611735278,
                              0.1057433861,
                              -0.0983076648,
                              -0.203410955,
                              0.006304603637,
                              0.3632509197,
                              -0.1853331999,
                              -0.1549907304,
                              -0.1397053028,
                              0.1853331999,
                              -0.1140779047,
                              -0.3086988236,
                              -0.0007306984673,
                              0.2495874328,
                              -0.08716346491,
                              -0.3218962764,
                              -0.0153100253,
                              0.1854981957,
                              -0.1853331999,
                              -0.2449186624,
                              0,
                              -0.07796644138,
                              0.09237895248,
                              0.3350388225,
                              0.03711214241,
                              -0.1281579716,
                              0.07670223531,
                              0.2787485771,
                              0.05910521115,
                              -0.1844461429,
                              0.1549907304,
                              0.1702023084};

static const struct op_case cases[] = {
    {.in = {BATCH(3, 2), WEIGHTS(2, 2), BIASES(2)},
     .attr = "hidden_size=2",
     .x = {x, w_ih, w_hh, b_ih, b_hh},
     .y = forward},
    {.in = {BATCH(3, 2), WEIGHTS(2, 2), BIASES(2)},
     .attr = "hidden_size=2 direction=reverse",
     .x = {x, w_ih, w_hh, b_ih, b_hh},
     .y = reverse},
    {.in = {BATCH(3, 2), WEIGHTS(2, 2)},
     .attr = "hidden_size=2 bias=false nonlinearity=relu",
     .x = {x, w_ih, w_hh},
     .y = rectified,
     .flat = true},
    {.in = {BATCH(3, 2), WEIGHTS(2, 2), WEIGHTS(2, 2)},
     .attr = "hidden_size=2 bias=false direction=bidirectional",
     .x = {x, w_ih, w_hh, back_ih, back_hh},
     .y = both},
    {.in = {BATCH(1, 1), WEIGHTS(1, 1), BIASES(1)}, .attr = "hidden_size=1"},
    {.in = {BATCH(4, 3), WEIGHTS(3, 16), BIASES(16)},
     .attr = "hidden_size=16",
     .low = -0.5,
     .high = 0.5},
    {.in = {BATCH(4, 3), WEIGHTS(3, 17), BIASES(17)},
     .attr = "hidden_size=17 direction=reverse",
     .low = -0.5,
     .high = 0.5},
    {.in = {BATCH(3, 3), WEIGHTS(3, 15)},
     .attr = "hidden_size=15 bias=false nonlinearity=relu",
     .low = 0.1,
     .high = 0.2},
    {.in = {BATCH(3, 2), WEIGHTS(2, 4), WEIGHTS(4, 4)},
     .attr = "hidden_size=4 layers=2 bias=false"},
    {.in = {BATCH(3, 2), WEIGHTS(2, 2), BIASES(2)},
     .attr = "hidden_size=2 nonlinearity=sin",
     .rejects = "nonlinearity is \"sin\""},
    {.in = {F32(3, 3, 2), WEIGHTS(2, 2), BIASES(2)},
     .attr = "hidden_size=2",
     .rejects = "samples first"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("RNN", cases);
}
