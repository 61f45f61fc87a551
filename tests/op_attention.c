/* op_attention.c: Attention with heads, masks, and lengths of its own for k. */
#include "tests/op_test.h"

#include <math.h>
#include <stddef.h>

/* Of operands whose scores are small. */
#define LOW   (-0.6)
#define HIGH  0.7
#define LOG_3 1.0986122886681098
/* q is the identity, so the weights are 1/4 and 3/4, 3/4 and 1/4. */
static const double q[] = {1, 0, 0, 1};
static const double k[] = {0, LOG_3, LOG_3, 0};
static const double v[] = {4, 8, 12, 0};
static const double y[] = {10, 2, 6, 6};
static const double causal[] = {4, 8, 6, 6};
/* LOG_3 more for the first column: 1/2 and 1/2, 9/10 and 1/10. */
static const double bias[] = {LOG_3, 0};
static const double biased[] = {8, 4, 4.8, 7.2};
static const double half_bits[] = {1, 1, 0, 1};
static const double half[] = {10, 2, 12, 0};
/* Minus infinity leaves out as a bit does; with nothing left, 0 / 0. */
static const double not_first[] = {-INFINITY, 0};
static const double second[] = {12, 0, 12, 0};
static const double no_bits[] = {1, 1, 0, 0};
static const double nothing[] = {10, 2, NAN, NAN};

static const struct op_case cases[] = {
    {.in = {F32(1, 2, 2), F32(1, 2, 2), F32(1, 2, 2)},
     .attr = "scale=1",
     .x = {q, k, v},
     .y = y},
    {.in = {F32(1, 2, 2), F32(1, 2, 2), F32(1, 2, 2)},
     .attr = "scale=1 causal=true",
     .x = {q, k, v},
     .y = causal},
    {.in = {F32(1, 2, 2), F32(1, 2, 2), F32(1, 2, 2), F32(2)},
     .attr = "scale=1",
     .x = {q, k, v, bias},
     .y = biased},
    {.in = {F32(1, 2, 2), F32(1, 2, 2), F32(1, 2, 2), BOOL(2, 2)},
     .attr = "scale=1",
     .x = {q, k, v, half_bits},
     .y = half},
    {.in = {F32(1, 2, 2), F32(1, 2, 2), F32(1, 2, 2), F32(2)},
     .attr = "scale=1",
     .x = {q, k, v, not_first},
     .y = second,
     .flat = true},
    {.in = {F32(1, 2, 2), F32(1, 2, 2), F32(1, 2, 2), BOOL(2, 2)},
     .attr = "scale=1",
     .x = {q, k, v, no_bits},
     .y = nothing,
     .flat = true},
    /* The plain form, of a product, a softmax and a product, gives the same. */
    {.in = {F32(1, 2, 2), F32(1, 2, 2), F32(1, 2, 2), BOOL(2, 2)},
     .attr = "scale=1 plain=true",
     .x = {q, k, v, no_bits},
     .y = nothing,
     .flat = true},
    {.in = {F32(1, 2, 2), F32(1, 2, 2), F32(1, 2, 2), F32(2)},
     .attr = "scale=1 plain=true",
     .x = {q, k, v, bias},
     .y = biased},
    {.in = {BATCH(5, 6), BATCH(9, 6), BATCH(9, 9), BATCH(1, 1, 9)},
     .attr = "heads=3 causal=true plain=true"},
    {.in = {BATCH(2, 5, 4), BATCH(2, 5, 4), BATCH(2, 5, 3)},
     .attr = "plain=true"},
    {.in = {BATCH(1, 1), BATCH(1, 1), BATCH(1, 1)}},
    /* Queries and keys round the tiles of the kernels; sizes of heads.  Large
     * scores would leave one weight, and gradients that are differences of
     * equal numbers. */
    {.in = {BATCH(1, 8), BATCH(97, 8), BATCH(97, 8)}, .low = LOW, .high = HIGH},
    {.in = {BATCH(25, 1), BATCH(1, 1), BATCH(1, 1)}, .low = LOW, .high = HIGH},
    {.in = {F32(1, 47, 6), F32(1, 95, 6), F32(1, 95, 4)},
     .attr = "heads=2",
     .low = LOW,
     .high = HIGH},
    {.in = {F32(1, 48, 17), F32(1, 96, 17), F32(1, 96, 17)},
     .low = LOW,
     .high = HIGH},
    {.in = {F32(1, 49, 17), F32(1, 97, 17), F32(1, 97, 20)},
     .low = LOW,
     .high = HIGH},
    {.in = {F32(1, 101, 7), F32(1, 101, 7), F32(1, 101, 7)},
     .attr = "causal=true",
     .low = LOW,
     .high = HIGH},
    {.in = {F32(1, 23, 66), F32(1, 47, 66), F32(1, 47, 66)},
     .attr = "heads=2 causal=true",
     .low = LOW,
     .high = HIGH},
    {.in = {F32(1, 24, 33), F32(1, 49, 33), F32(1, 49, 33)},
     .attr = "causal=true",
     .low = LOW,
     .high = HIGH},
    {.in = {F32(1, 49, 49), F32(1, 65, 49), F32(1, 65, 49)},
     .attr = "causal=true",
     .low = LOW,
     .high = HIGH},
    {.in = {F32(1, 2, 31, 16), F32(1, 2, 65, 16), F32(1, 2, 65, 33)},
     .low = LOW,
     .high = HIGH},
    {.in = {F32(1, 3, 131), F32(1, 5, 131), F32(1, 5, 1)},
     .low = LOW,
     .high = HIGH},
    {.in = {BATCH(193, 2), BATCH(3, 2), BATCH(3, 2)}, .low = LOW, .high = HIGH},
    {.in = {BATCH(33, 4), BATCH(41, 4), BATCH(41, 4), BATCH(2, 33, 41)},
     .attr = "heads=2",
     .low = LOW,
     .high = HIGH},
    {.in = {F32(1, 33, 4), F32(1, 41, 4), F32(1, 41, 4), BOOL(33, 41)},
     .attr = "heads=2",
     .low = LOW,
     .high = HIGH},
    {.in = {BATCH(5, 4), BATCH(5, 4), BATCH(5, 4), BATCH(1, 5, 1)},
     .flat = true},
    {.in = {BATCH(7, 6), BATCH(7, 6), BATCH(7, 6)}, .attr = "heads=2"},
    {.in = {BATCH(17, 4), BATCH(17, 4), BATCH(17, 4)},
     .attr = "heads=4 causal=true"},
    {.in = {BATCH(5, 6), BATCH(9, 6), BATCH(9, 9)}, .attr = "heads=3"},
    {.in = {BATCH(5, 6), BATCH(9, 6), BATCH(9, 6)},
     .attr = "heads=3 causal=true scale=0.2"},
    {.in = {BATCH(2, 5, 4), BATCH(2, 5, 4), BATCH(2, 5, 3)}, .attr = "heads=2"},
    {.in = {BATCH(2, 5, 4), BATCH(2, 5, 4), BATCH(2, 5, 4), F32(5, 5)}},
    {.in = {BATCH(5, 4), BATCH(5, 4), BATCH(5, 4), BATCH(1, 1, 5)},
     .attr = "heads=2 causal=true"},
    {.in = {BATCH(5, 4), BATCH(5, 4), BATCH(5, 4)},
     .attr = "heads=3",
     .rejects = "heads is 3 for 4"},
    {.in = {BATCH(2, 5, 4), BATCH(2, 5, 4), BATCH(2, 5, 4)},
     .attr = "heads=3",
     .rejects = "heads is 3 for operands"},
    {.in = {BATCH(5, 4), BATCH(5, 3), BATCH(5, 4)}, .rejects = "q, k and v"},
    {.in = {BATCH(5, 4), BATCH(5, 4), BATCH(6, 4)}, .rejects = "q, k and v"},
    {.in = {BATCH(4), BATCH(4), BATCH(4)}, .rejects = "q, k and v"},
    {.in = {BATCH(5, 4), F32(3, 5, 4), BATCH(5, 4)},
     .rejects = "the same samples"},
    {.in = {BATCH(5, 4), BATCH(5, 4), BATCH(5, 4), F32(4)},
     .rejects = "broadcast"},
    {.in = {BATCH(5, 4), BATCH(5, 4), BATCH(5, 4), I32(5)},
     .rejects = "the mask is i32"},
    {.in = {BATCH(5, 4), BATCH(5, 4), BATCH(5, 4), F32(2, 1, 1, 1, 1)},
     .rejects = "broadcast"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("Attention", cases);
}
