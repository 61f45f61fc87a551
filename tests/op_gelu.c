/*
 * op_gelu.c: Gelu, both ways.  Golden numbers come from the reference
 * implementation in the Python package onnx (onnx.reference, 1.23).
 */
#include "tests/op_test.h"

#include <stddef.h>

static const double eight[] = {-3, -1, -0.5, 0, 0.25, 1, 2, 4};
static const double by_erf[] = {
    -0.00404968858, -0.158655256, -0.154268771, 0,
    0.149676582,    0.841344744,  1.95449972,   3.99987328};
static const double by_tanh[] = {
    -0.00363739282, -0.158808014, -0.154285992, 0,
    0.14967535,     0.841191986,  1.95459769,   3.99992975};

static const struct op_case cases[] = {
    {.in = {F32(8)}, .x = {eight}, .y = by_erf},
    {.in = {F32(8)}, .attr = "approximate=none", .x = {eight}, .y = by_erf},
    {.in = {F32(8)}, .attr = "approximate=tanh", .x = {eight}, .y = by_tanh},
    {.in = {SCALAR}},
    {.in = {BATCH(5, 7)}, .attr = "approximate=tanh"},
    {.in = {F32(33)}, .low = -12, .high = 12},
    {.in = {F32(33)}, .attr = "approximate=tanh", .low = -12, .high = 12},
    {.in = {F32(2)},
     .attr = "approximate=erf",
     .rejects = "approximate is \"erf\", wanted none or tanh"},
    {.in = {I32(2)}, .rejects = "operand is i32"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("Gelu", cases);
}
