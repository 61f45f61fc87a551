/*
 * op_top_k.c: TopK, ArgMax and ArgMin; the golden numbers are examples in ONNX's
 * specification, and equal ones and NaN by definition.  TopK's are its values;
 * the harness compares both results with the reference.
 */
#include <math.h>
#include <stddef.h>

#include "tests/op_test.h"

static const double twelve[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const double top[] = {3, 2, 1, 7, 6, 5, 11, 10, 9};
static const double bottom[] = {0, 1, 2, 4, 5, 6, 8, 9, 10};
static const double six[] = {2, NAN, 7, -1, 7, -1};
static const double sorted[] = {NAN, 7, 2, 7, -1, -1};
static const double largest[] = {1, 1};
static const double equal[] = {2, 2, 1, 3, 10, 10};
static const double first[] = {0, 1};
static const double last[] = {1, 2};
static const double smallest[] = {2, 0};
static const double down[] = {1, 1, 1};

static const struct op_case top_cases[] = {
    {.in = {F32(3, 4)}, .attr = "k=3", .x = {twelve}, .y = top},
    {.in = {F32(3, 4)},
     .attr = "k=3 axis=1 largest=false",
     .x = {twelve},
     .y = bottom},
    {.in = {F32(2, 3)}, .attr = "k=3", .x = {six}, .y = sorted, .flat = true},
    {.in = {F32(1)}, .attr = "k=1", .flat = true},
    {.in = {F32(65)}, .attr = "k=65"},
    {.in = {BATCH(7, 5)}, .attr = "k=2 axis=1"},
    {.in = {BATCH(7, 5)}, .attr = "k=5 largest=false"},
    {.in = {F32(4)}, .attr = "k=5", .rejects = "k is 5 for 4 elements"},
    {.in = {F32(4)}, .attr = "k=0", .rejects = "k is 0"},
    {.in = {F32(4)}, .attr = "k=1 axis=1", .rejects = "axis 1 of a rank 1"},
    {.in = {I32(4)}, .attr = "k=1", .rejects = "input is i32"},
    {.in = {BATCH(4)}, .attr = "k=1 axis=0", .rejects = "samples of the batch"},
    {.attr = NULL},
};

#define GOLDEN(given, want, attributes)                                \
    {                                                                  \
        .in = {F32(2, 3)}, .x = {given}, .y = want, .attr = attributes \
    }

static const struct op_case max_cases[] = {
    GOLDEN(equal, first, "axis=1"),
    GOLDEN(equal, first, "axis=-1 keepdims=false"),
    GOLDEN(equal, last, "axis=1 select_last_index=true"),
    GOLDEN(equal, down, NULL),
    GOLDEN(six, largest, "axis=1"),
    {.in = {F32(1)}},
    {.in = {BATCH(17, 5)}, .attr = "axis=1 keepdims=false"},
    {.in = {BATCH(5, 17)}, .attr = "axis=2"},
    {.in = {F32(4)}, .attr = "axis=1", .rejects = "axis 1 of a rank 1"},
    {.in = {I32(4)}, .rejects = "input is i32"},
    {.in = {BATCH(4)}, .rejects = "samples of the batch"},
    {.attr = NULL},
};

static const struct op_case min_cases[] = {
    GOLDEN(equal, smallest, "axis=1"),
    {.in = {BATCH(17, 5)}, .attr = "axis=1 select_last_index=true"},
    {.in = {I32(4)}, .rejects = "input is i32"},
    {.attr = NULL},
};

int main(void)
{
    int k = op_test("TopK", top_cases);
    int max = op_test("ArgMax", max_cases), min = op_test("ArgMin", min_cases);

    return k ? k : max ? max : min;
}
