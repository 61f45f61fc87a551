/*
 * op_gru.c: cases for GRU.
 *
 * The layer's operands are its input and weight_ih, weight_hh, bias_ih, bias_hh
 * of each layer and direction.  torch_: PyTorch 1.13's nn.GRU in double; onnx_h:
 * the equations of ONNX's GRU with linear_before_reset 0, which PyTorch lacks,
 * evaluated apart.
 */
#include "tests/op_test.h"

#define WEIGHTS(in, hidden)                                              \
    F32(3 * (hidden), in), F32(3 * (hidden), hidden), F32(3 * (hidden)), \
        F32(3 * (hidden))

static const double x[] = {-0.125, 0.125, 0.375, 0.625,  -0.5,   -0.25,
                           0,      0.25,  0.5,   -0.625, -0.375, -0.125,
                           0.125,  0.375, 0.625, -0.5,   -0.25,  0};
static const double w_ih[] = {-0.25, 0.625, 0.125,  -0.375, 0.5,  0,
                              -0.5,  0.375, -0.125, -0.625, 0.25, -0.25};
static const double w_hh[] = {-0.5,  0,    0.5,    -0.375, 0.125, 0.625,
                              -0.25, 0.25, -0.625, -0.125, 0.375, -0.5};
static const double back_ih[] = {0.25,  0.625, -0.375, 0,    0.375,  -0.625,
                                 -0.25, 0.125, 0.5,    -0.5, -0.125, 0.25};
static const double back_hh[] = {-0.375, 0.25,   -0.5, 0.125, -0.625, 0,
                                 0.625,  -0.125, 0.5,  -0.25, 0.375,  -0.375};
static const double b_ih[] = {-0.375, 0, 0.375, -0.625, -0.25, 0.125};
static const double b_hh[] = {-0.625, 0, 0.625, -0.125, 0.5, -0.25};
static const double torch_h[] = {
    -0.0465652954145, -0.0383297137045, -0.147405826081,   -0.0457663106477,
    -0.0542937650592, -0.0655522807011, -0.0673524317716,  -0.0372561631226,
    -0.0114799198172, 0.188383479725,   -0.00621621840179, 0.00188252344389,
    -0.0851718782987, -0.0361695662805, -0.0465731629909,  0.188111747879,
    -0.0540060754193, 0.000133259976561};
static const double torch_both[] = {
    -0.0321843489375, -0.0295043102189, -0.133813886194,  0.0327484383986,
    -0.200990094726,  -0.0449806623773, -0.107654391743,  0.0502803069292,
    0.0751398727882,  -0.064406016712,  -0.0631479296583, 0,
    -0.0774953651858, -0.0297475045448, 0.0170038479338,  -0.0154135572526,
    0.105842325089,   0.152794935862,   0.132970436138,   -0.124052821069,
    0.0939601979684,  0.0449531048362,  -0.0641188842934, 0.00750686844392,
    -0.118633722336,  -0.0299908769227, 0.0176846207533,  -0.00304969202976,
    0.0441893342927,  0.148310245024,   0.135736344306,   -0.113945686052,
    0.0257029502999,  0.0380829941308,  -0.0650888915786, 0.0151319521886};
static const double onnx_h[] = {0.0521538016969,
                                -0.121373735736,
                                -0.00717409712761,
                                -0.141728604536,
                                0.14703735624,
                                -0.147251666343,
                                0.0251396500539,
                                -0.122026622255,
                                0.143097116196,
                                0.122748246074,
                                0.197187071894,
                                -0.0879451920993,
                                0,
                                -0.122676284674,
                                0.102848709298,
                                0.121501530778,
                                0.14371594975,
                                -0.0902517276955};

static const struct op_case cases[] = {
    {.in = {BATCH(3, 2), WEIGHTS(2, 2)},
     .attr = "hidden_size=2 linear_before_reset=true",
     .x = {x, w_ih, w_hh, b_ih, b_hh},
     .y = torch_h},
    {.in = {BATCH(3, 2), WEIGHTS(2, 2)},
     .attr = "hidden_size=2",
     .x = {x, w_ih, w_hh, b_ih, b_hh},
     .y = onnx_h},
    {.in = {BATCH(3, 2), F32(6, 2), F32(6, 2), F32(6, 2), F32(6, 2)},
     .attr = "hidden_size=2 bias=false direction=bidirectional "
             "linear_before_reset=true",
     .x = {x, w_ih, w_hh, back_ih, back_hh},
     .y = torch_both},
    {.in = {BATCH(1, 1), WEIGHTS(1, 1)}, .attr = "hidden_size=1"},
    {.in = {BATCH(1, 1), WEIGHTS(1, 1)},
     .attr = "hidden_size=1 linear_before_reset=true"},
    {.in = {BATCH(4, 3), F32(15, 3), F32(15, 5)},
     .attr = "hidden_size=5 bias=false direction=reverse",
     .high = 0.7,
     .low = -0.7},
    {.in = {BATCH(4, 3), F32(15, 3), F32(15, 5)},
     .attr = "hidden_size=5 bias=false direction=reverse "
             "linear_before_reset=true",
     .high = 0.7,
     .low = -0.7},
    {.in = {BATCH(3, 2), F32(9, 2), F32(9, 3), F32(9, 3), F32(9, 3)},
     .attr = "hidden_size=3 layers=2 bias=false",
     .high = 0.7,
     .low = -0.7},
    /* Whole registers, and a tail behind one. */
    {.in = {BATCH(2, 3), WEIGHTS(3, 16)},
     .attr = "hidden_size=16",
     .high = 0.3,
     .low = -0.3},
    {.in = {BATCH(2, 3), WEIGHTS(3, 17)},
     .attr = "hidden_size=17",
     .high = 0.3,
     .low = -0.3},
    {.in = {BATCH(2, 3), WEIGHTS(3, 17)},
     .attr = "hidden_size=17 linear_before_reset=true",
     .high = 0.3,
     .low = -0.3},
    {.in = {F32(2, 3), WEIGHTS(3, 4)},
     .attr = "hidden_size=4",
     .rejects = "wanted f32 [N,T,features]"},
    {.in = {BATCH(2, 3), WEIGHTS(3, 4)},
     .attr = "hidden_size=4 direction=sideways",
     .rejects = "direction is \"sideways\""},
    {.in = {BATCH(2, 3), WEIGHTS(3, 4)},
     .attr = "hidden_size=4 direction=bidirectional",
     .rejects = "GRU takes its input and 8 parameters"},
    {.in = {BATCH(2, 3), F32(16, 3), F32(16, 4), F32(16), F32(16)},
     .attr = "hidden_size=4",
     .rejects = "wanted f32 [N,T,3H]"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("GRU", cases);
}
