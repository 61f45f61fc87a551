/*
 * op_gather_nd.c: GatherND and ScatterND; the golden numbers are the examples in
 * ONNX's specification.
 */
#include <stddef.h>

#include "tests/op_test.h"

#define ROWS(...)                              \
    {                                          \
        DT_I64, DIMS(OP_BATCH, __VA_ARGS__), 1 \
    }

static const double eight[] = {0, 1, 2, 3, 4, 5, 6, 7};
static const double corners[] = {0, 0, 1, 1}, ends[] = {0, 3};
static const double swap[] = {1, 0}, swapped[] = {2, 3, 0, 1};
static const double cross[] = {0, 1, 1, 0}, crossed[] = {2, 3, 4, 5};
static const double from_end[] = {0, -1, -1, 0};

static const struct op_case gather[] = {
    {.in = {F32(2, 2), I64(2, 2)}, .x = {eight, corners}, .y = ends},
    {.in = {F32(2, 2), I64(2, 1)}, .x = {eight, swap}, .y = swapped},
    {.in = {F32(2, 2, 2), I64(2, 2)}, .x = {eight, cross}, .y = crossed},
    {.in = {F32(2, 2, 2), I64(2, 1, 2)}, .x = {eight, cross}, .y = crossed},
    {.in = {F32(2, 2, 2), I64(2, 2)}, .x = {eight, from_end}, .y = crossed},
    {.in = {F32(2, 2, 2), I64(2, 1)},
     .attr = "batch_dims=1",
     .x = {eight, swap},
     .y = crossed},
    {.in = {I32(2, 2), I32(2, 2)}, .x = {eight, corners}, .y = ends},
    {.in = {F32(1), I32(1, 1)}, .classes = 1},
    {.in = {F32(3, 4, 5, 17), I32(13, 5, 3)}},
    {.in = {F32(5, 5), I32(65, 2)}, .classes = 5},
    {.in = {BATCH(5, 3), ROWS(7, 1)}, .attr = "batch_dims=1", .classes = 5},
    {.in = {BATCH(3, 3, 2), ROWS(3, 2)}, .attr = "batch_dims=1"},
    {.in = {BATCH(3, 4, 2), ROWS(3, 1)}, .attr = "batch_dims=2", .classes = 4},
    {.in = {BATCH(3), I32(4, 1)}, .rejects = "samples must be"},
    {.in = {BATCH(3), ROWS(2)}, .rejects = "samples must be"},
    {.in = {F32(3, 2), I32(4, 3)}, .rejects = "have 3 coordinates"},
    {.in = {F32(3, 2), I32(4, 1)},
     .attr = "batch_dims=1",
     .rejects = "are not the same in dimension 0"},
    {.in = {F32(3, 2), I32(3)},
     .attr = "batch_dims=1",
     .rejects = "batch_dims"},
    {.in = {F32(3, 2), F32(3, 1)}, .rejects = "indices are f32"},
    {.attr = NULL},
};

static const double list[] = {1, 2, 3, 4, 5, 6, 7, 8};
static const double where[] = {4, 3, 1, 7}, new4[] = {9, 10, 11, 12};
static const double put[] = {1, 11, 3, 10, 9, 6, 7, 12};
static const double twice[] = {1, 1, -1, 4};
static const double added[] = {1, 21, 3, 4, 17, 6, 7, 19};
static const double product[] = {1, 180, 3, 4, 60, 6, 7, 88};

static const struct op_case scatter[] = {
    {.in = {F32(8), I64(4, 1), F32(4)}, .x = {list, where, new4}, .y = put},
    {.in = {F32(8), I64(4, 1), F32(4)},
     .attr = "reduction=add",
     .x = {list, twice, new4},
     .y = added},
    {.in = {F32(8), I64(4, 1), F32(4)},
     .attr = "reduction=mul",
     .x = {list, twice, new4},
     .y = product},
    {.in = {I64(8), I32(4, 1), I64(4)}, .x = {list, where, new4}, .y = put},
    {.in = {F32(1), I32(1, 1), F32(1)}, .classes = 1},
    {.in = {F32(4, 4, 4), I64(2, 1), F32(2, 4, 4)}},
    {.in = {F32(5, 6, 7), I64(3, 4, 2), F32(3, 4, 7)}, .attr = "reduction=add"},
    {.in = {F32(3, 65), I64(2, 1), F32(2, 65)},
     .attr = "reduction=mul",
     .low = 0.5,
     .high = 1.5},
    {.in = {BATCH(3), ROWS(1), BATCH(3)}, .rejects = "samples must be"},
    {.in = {F32(4), I64(2, 1), F32(3)}, .rejects = "updates are f32 [3]"},
    {.in = {F32(4), I64(2, 1), F32(2)},
     .attr = "reduction=max",
     .rejects = "reduction is \"max\""},
    {.attr = NULL},
};

int main(void)
{
    int a = op_test("GatherND", gather);
    int b = op_test("ScatterND", scatter);

    return a ? a : b;
}
