/* op_attention.c: Attention with heads, masks, and lengths of its own for k. */
#include "tests/op_test.h"

#include <stddef.h>

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
    {.in = {BATCH(1, 1), BATCH(1, 1), BATCH(1, 1)}},
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
    {.in = {BATCH(5, 4), BATCH(5, 4), BATCH(5, 4), F32(2, 1, 1, 1, 1)},
     .rejects = "broadcast"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("Attention", cases);
}
