/*
 * op_gather_elements.c: GatherElements and ScatterElements; the golden numbers
 * are the examples in ONNX's specification.
 */
#include <math.h>
#include <stddef.h>

#include "tests/op_test.h"

#define INDEX(...)                             \
    {                                          \
        DT_I64, DIMS(OP_BATCH, __VA_ARGS__), 1 \
    }

static const double four[] = {1, 2, 3, 4};
static const double nine[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const double index4[] = {0, 0, 1, 0}, picked4[] = {1, 1, 4, 3};
static const double index6[] = {1, 2, 0, 2, 0, 0};
static const double below6[] = {-1, -2, 0, -2, 0, 0};
static const double picked6[] = {4, 8, 3, 7, 2, 3};
static const double from_end[] = {7, 5, 3, 4, 2, 3};
static const double beyond[] = {0, 2, -3, 1}, lost[] = {1, NAN, NAN, 4};

static const struct op_case gather[] = {
    {.in = {F32(2, 2), I64(2, 2)},
     .attr = "axis=1",
     .x = {four, index4},
     .y = picked4},
    {.in = {F32(3, 3), I64(2, 3)}, .x = {nine, index6}, .y = picked6},
    {.in = {F32(3, 3), I64(2, 3)}, .x = {nine, below6}, .y = from_end},
    {.in = {I32(3, 3), I64(2, 3)}, .x = {nine, index6}, .y = picked6},
    {.in = {I64(2, 2), I32(2, 2)},
     .attr = "axis=-1",
     .x = {four, index4},
     .y = picked4},
    {.in = {BOOL(3, 5), I32(3, 7)}, .attr = "axis=1"},
    {.in = {F32(2, 2), I32(2, 2)},
     .attr = "axis=1",
     .x = {four, beyond},
     .y = lost,
     .flat = true},
    {.in = {F32(1), I32(1)}, .classes = 1},
    {.in = {F32(17), I32(64)}, .classes = 17},
    {.in = {F32(5), I64(65)}, .classes = 5},
    {.in = {F32(4, 5, 6), I32(2, 7, 3)}, .attr = "axis=1", .classes = 5},
    {.in = {F32(2, 3, 2, 2, 1, 2), I32(2, 1, 2, 2, 1, 2)}, .attr = "axis=1"},
    {.in = {BATCH(7), INDEX(1)}, .attr = "axis=1", .classes = 7},
    {.in = {BATCH(5, 9), INDEX(1, 9)}, .attr = "axis=1", .classes = 5},
    {.in = {BATCH(5, 9), LABEL(3, 4)}, .attr = "axis=1", .classes = 5},
    {.in = {HALVES(5, 9), LABEL(5, 2)}, .attr = "axis=2", .classes = 9},
    {.in = {F32(2, 2), F32(2, 2)}, .rejects = "indices are f32"},
    {.in = {F32(2, 2), I32(2, 3)}, .rejects = "indices are [2,3], data [2,2]"},
    {.in = {F32(2, 2), I32(2)}, .rejects = "indices are [2], data [2,2]"},
    {.in = {F32(2, 2), I32(2, 2)}, .attr = "axis=2", .rejects = "axis 2 of"},
    {.in = {BATCH(2), LABEL(2)}, .rejects = "counts the samples"},
    {.in = {F32(3, 2), LABEL(2)}, .rejects = "samples in front"},
    {.attr = NULL},
};

static const double five[] = {1, 2, 3, 4, 5}, zeros[9];
static const double two[] = {1, 3}, twice[] = {1, 1}, last[] = {1, -2};
static const double new2[] = {1.1, 2.1};
static const double put[] = {1, 1.1, 3, 2.1, 5};
static const double added[] = {1, 5.2, 3, 4, 5};
static const double stays[] = {1, 2.1, 3, 4, 5};
static const double product[] = {1, 2 * 1.1 * 2.1, 3, 4, 5};
static const double turned6[] = {1, 0, 2, 0, 2, 1};
static const double new6[] = {1.0, 1.1, 1.2, 2.0, 2.1, 2.2};
static const double spread[] = {2.0, 1.1, 0, 1.0, 0, 2.2, 0, 2.1, 1.2};

static const struct op_case scatter[] = {
    {.in = {F32(1, 5), I64(1, 2), F32(1, 2)},
     .attr = "axis=1",
     .x = {five, two, new2},
     .y = put},
    {.in = {F32(1, 5), I64(1, 2), F32(1, 2)},
     .attr = "axis=1",
     .x = {five, last, new2},
     .y = put},
    {.in = {F32(1, 5), I64(1, 2), F32(1, 2)},
     .attr = "axis=1 reduction=add",
     .x = {five, twice, new2},
     .y = added},
    {.in = {F32(1, 5), I64(1, 2), F32(1, 2)},
     .attr = "axis=1 reduction=mul",
     .x = {five, twice, new2},
     .y = product},
    {.in = {F32(1, 5), I64(1, 2), F32(1, 2)},
     .attr = "axis=1",
     .x = {five, twice, new2},
     .y = stays},
    {.in = {F32(3, 3), I64(2, 3), F32(2, 3)},
     .x = {zeros, turned6, new6},
     .y = spread},
    {.in = {I64(4, 5), I32(3, 2), I64(3, 2)}, .attr = "axis=1 reduction=add"},
    {.in = {I32(4, 5), I32(3, 2), I32(3, 2)}, .attr = "axis=0 reduction=mul"},
    {.in = {F32(1), I32(1), F32(1)}, .classes = 1},
    {.in = {F32(65), I32(64), F32(64)}, .attr = "reduction=add", .classes = 65},
    {.in = {F32(4, 5, 6), I32(2, 7, 3), F32(2, 7, 3)},
     .attr = "axis=1 reduction=add",
     .classes = 5},
    {.in = {F32(4, 5, 6), I32(2, 7, 3), F32(2, 7, 3)},
     .attr = "axis=1 reduction=mul",
     .low = 0.5,
     .high = 1.5,
     .classes = 5},
    {.in = {F32(4, 5, 6), I32(2, 7, 3), F32(2, 7, 3)},
     .attr = "axis=-2",
     .classes = 5},
    {.in = {BATCH(7, 2), LABEL(3, 1), BATCH(3, 1)},
     .attr = "axis=1 reduction=add",
     .classes = 7},
    {.in = {BATCH(7, 65), LABEL(2, 65), BATCH(2, 65)},
     .attr = "axis=1",
     .classes = 7},
    {.in = {F32(4), I32(2), F32(2)},
     .attr = "reduction=max",
     .rejects = "reduction is \"max\""},
    {.in = {F32(4), I32(2), F32(3)}, .rejects = "updates are f32 [3]"},
    {.in = {F32(4), I32(2), I32(2)}, .rejects = "updates are i32 [2]"},
    {.in = {F32(4), I32(5, 1), F32(5, 1)}, .rejects = "indices are [5,1]"},
    {.in = {BATCH(2), LABEL(2), BATCH(2)}, .rejects = "counts the samples"},
    {.attr = NULL},
};

int main(void)
{
    int a = op_test("GatherElements", gather);
    int b = op_test("ScatterElements", scatter);

    return a ? a : b;
}
