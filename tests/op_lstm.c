/*
 * op_lstm.c: cases for LSTM.
 *
 * The layer's operands are its input and weight_ih, weight_hh, bias_ih, bias_hh
 * of each layer and direction.
 */
#include "tests/op_test.h"

#define WEIGHTS(in, hidden)                                              \
    F32(4 * (hidden), in), F32(4 * (hidden), hidden), F32(4 * (hidden)), \
        F32(4 * (hidden))

/*
 * One unit, one feature, one step: with all weights zero but the input's, gates
 * are i = sigmoid(x), g = tanh(2 x), o = sigmoid(0) = 1/2 and h = o tanh(i g).
 */
static const double x0[] = {0.0, 1.0, -1.0};
static const double w_ih[] = {1, 0, 2, 0}, zero[] = {0, 0, 0, 0};
static const double h0[] = {0.0, 0.30369042356060755, -0.12680487813119212};

static const struct op_case cases[] = {
    {.in = {BATCH(1, 1), WEIGHTS(1, 1)},
     .attr = "hidden_size=1",
     .x = {x0, w_ih, zero, zero, zero},
     .y = h0},
    {.in = {BATCH(5, 3), WEIGHTS(3, 4)},
     .attr = "hidden_size=4",
     .high = 0.5,
     .low = -0.5},
    {.in = {BATCH(3, 2), F32(20, 2), F32(20, 5)},
     .attr = "hidden_size=5 bias=false direction=reverse",
     .high = 0.7,
     .low = -0.7},
    {.in = {BATCH(2, 3), WEIGHTS(3, 17)},
     .attr = "hidden_size=17",
     .high = 0.3,
     .low = -0.3}, /* a tail behind a register */
    {.in = {F32(2, 3), WEIGHTS(3, 4)},
     .attr = "hidden_size=4",
     .rejects = "wanted f32 [N,T,features]"},
    {.in = {BATCH(2, 3), WEIGHTS(3, 4)},
     .attr = "hidden_size=4 direction=sideways",
     .rejects = "direction is \"sideways\""},
    {.in = {BATCH(2, 3), WEIGHTS(3, 4)},
     .attr = "hidden_size=4 direction=bidirectional",
     .rejects = "takes its input and 8 parameters"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("LSTM", cases);
}
