/*
 * op_move.c: ops that move, repeat, convert or drop elements, and optimizers as
 * ops.
 */
#include "tests/op_test.h"

#include <stddef.h>

#define BYTES(...)                  \
    {                               \
        DT_U8, DIMS(__VA_ARGS__), 0 \
    }

static const double six[] = {1, 2, 3, 4, 5, 6};
static const double six_turned[] = {1, 4, 2, 5, 3, 6};

static const struct op_case transpose[] = {
    {.in = {F32(2, 3)}, .x = {six}, .y = six_turned},
    {.in = {F32(2, 3)}, .x = {six}, .y = six_turned, .attr = "perm=1,0"},
    {.in = {F32(7)}},
    {.in = {SCALAR}},
    {.in = {F32(5, 1, 3)}, .attr = "perm=1,0,2"},
    {.in = {BATCH(7, 5, 6)}, .attr = "perm=0,2,3,1"},
    {.in = {BATCH(18, 17)}, .attr = "perm=0,2,1"},
    {.in = {BATCH(4, 5)}, .attr = "perm=2,0,1"},
    {.in = {BATCH(4, 5, 6)}, .attr = "perm=0,2,1,3"},
    {.in = {F32(2, 1, 3, 2, 1, 2, 3, 2)}},
    {.in = {F32(3, 4, 5)}, .attr = "perm=2,1,0"},
    {.in = {I32(3, 4)}},
    {.in = {I64(3, 4)}},
    {.in = {BOOL(33, 17)}},
    {.in = {F32(3, 4)}, .attr = "perm=1,1", .rejects = "perm"},
    {.in = {F32(3, 4)}, .attr = "perm=0", .rejects = "perm"},
    {.in = {F32(3, 4)}, .attr = "perm=0,2", .rejects = "perm"},
    {.attr = NULL},
};

static const double row[] = {1, 2, 3};
static const double rows[] = {1, 2, 3, 1, 2, 3};
static const double columns[] = {1, 1, 2, 2, 3, 3};

static const struct op_case expand[] = {
    {.in = {F32(3)}, .x = {row}, .y = rows, .attr = "shape=2,3"},
    {.in = {F32(3)}, .x = {row}, .y = rows, .attr = "shape=2,1"},
    {.in = {F32(3, 1)}, .x = {row}, .y = columns, .attr = "shape=2"},
    {.in = {SCALAR}, .attr = "shape=3,19"},
    {.in = {BATCH(1, 5)}, .attr = "shape=1,4,1"},
    {.in = {F32(4, 1, 3, 1)}, .attr = "shape=2,1,5,1,17"},
    {.in = {I32(3, 1)}, .attr = "shape=4"},
    {.in = {I64(3, 1)}, .attr = "shape=4"},
    {.in = {F32(3)}, .attr = "shape=2", .rejects = "broadcast"},
    {.in = {F32(3)}, .attr = "shape=0", .rejects = "wanted 1 or more"},
    {.attr = NULL},
};

/* Towards zero, as C and ONNX round. */
static const double numbers[] = {-2.75, -0.5, 0, 0.5, 2.75, 100.25};
static const double whole[] = {-2, 0, 0, 0, 2, 100};
static const double truth[] = {1, 1, 0, 1, 1, 1};
/* Beyond the type: the lower bits stay, as C has it for unsigned. */
static const double large[] = {-1, 255, 256, 300, 70000, -70000};
static const double lower_byte[] = {255, 255, 0, 44, 112, 144};
static const double above[] = {1, 127, 256, 300, 70000, 0};
static const double lower_signed[] = {1, 127, 0, 44, 112, 0};
/* 2^24 + 1 is no float: integers must not pass through one. */
static const double past_floats[] = {16777217,    -16777217, 2147483647,
                                     -2147483647, 1,         0};

static const struct op_case cast[] = {
    {.in = {F32(6)}, .x = {numbers}, .y = whole, .attr = "to=i32"},
    {.in = {F32(6)}, .x = {numbers}, .y = whole, .attr = "to=i64"},
    {.in = {F32(37)}, .attr = "to=i8", .low = 0, .high = 127},
    {.in = {F32(6)}, .x = {numbers}, .y = truth, .attr = "to=bool"},
    {.in = {F32(6)}, .x = {numbers}, .y = numbers, .attr = "to=f32"},
    {.in = {F32(37)}, .attr = "to=i32", .low = -1000, .high = 1000},
    {.in = {F32(37)}, .attr = "to=u8", .low = 0, .high = 255},
    {.in = {I32(6)}, .x = {large}, .y = lower_byte, .attr = "to=u8"},
    {.in = {I64(6)}, .x = {above}, .y = lower_signed, .attr = "to=i8"},
    {.in = {I32(6)}, .x = {past_floats}, .y = past_floats, .attr = "to=i64"},
    {.in = {I64(6)}, .x = {past_floats}, .y = past_floats, .attr = "to=i32"},
    {.in = {I32(19)}, .attr = "to=f32", .flat = true},
    {.in = {I64(19)}, .attr = "to=f32", .flat = true},
    {.in = {BYTES(19)}, .attr = "to=f32", .flat = true},
    {.in = {I32(6)}, .x = {large}, .attr = "to=bool"},
    {.in = {BOOL(2, 19)}, .attr = "to=f32", .flat = true},
    {.in = {BOOL(19)}, .attr = "to=i64"},
    {.in = {F32(3)}, .attr = "to=float", .rejects = "to is \"float\""},
    {.attr = NULL},
};

static const struct op_case identity[] = {
    {.in = {F32(6)}, .x = {numbers}, .y = numbers},
    {.in = {BATCH(17)}},
    {.in = {I32(6)}, .x = {past_floats}, .y = past_floats},
    {.in = {BOOL(5)}},
    {.attr = NULL},
};

/* Without training it is the identity; with it, device and reference must draw
 * the same mask. */
static const struct op_case dropout[] = {
    {.in = {F32(6)}, .x = {numbers}, .y = numbers},
    {.in = {BATCH(5)}, .attr = "ratio=0 training_mode=1"},
    {.in = {BATCH(1)}, .attr = "training_mode=1"},
    {.in = {BATCH(37)}, .attr = "ratio=0.25 training_mode=1"},
    {.in = {BATCH(4, 5, 6)}, .attr = "ratio=0.9 training_mode=1"},
    {.in = {BATCH(5)}, .attr = "ratio=1", .rejects = "ratio is 1"},
    {.in = {BATCH(5)}, .attr = "ratio=-0.5", .rejects = "ratio is -0.5"},
    {.in = {F32(6)}, .attr = "training_mode=1", .rejects = "samples"},
    {.in = {LABEL(6)}, .attr = "training_mode=1", .rejects = "not a float"},
    {.attr = NULL},
};

/* Kernel against reference; kernels_optimizer.c compares with PyTorch's
 * definition. */
static const struct op_case sgd[] = {
    {.in = {F32(19), F32(19)}, .attr = "weight_decay=0.1", .flat = true},
    {.in = {F32(19), F32(18)}, .rejects = "g is f32 [18], wanted f32 [19]"},
    {.in = {F32(19), F32(19)},
     .attr = "weight_decay=-1",
     .rejects = "weight_decay is -1"},
    {.in = {F32(19), F32(19)}, .attr = "nesterov=1", .rejects = "nesterov"},
    {.attr = NULL},
};

static const struct op_case momentum[] = {
    {.in = {F32(19), F32(19), F32(19)}, .attr = "momentum=0.9", .flat = true},
    {.in = {F32(19), F32(19), F32(19)},
     .attr = "momentum=0.9 nesterov=1",
     .flat = true},
    {.attr = NULL},
};

/* v is not below zero.  Without an update, step is 0, so that w is NaN on both
 * sides; kernels_move.c has its values. */
static const struct op_case adam[] = {
    {.in = {F32(19), F32(19), F32(19), F32(19)},
     .low = 0.1,
     .high = 1,
     .flat = true},
    {.in = {F32(3, 5), F32(3, 5), F32(3, 5), F32(3, 5)},
     .low = 0.1,
     .high = 1,
     .attr = "beta1=0 weight_decay=0.5",
     .flat = true},
    {.in = {F32(3), F32(3), F32(3), F32(3)},
     .attr = "beta2=1",
     .rejects = "beta2 is 1"},
    {.in = {F32(3), F32(3), F32(3), F32(3)},
     .attr = "epsilon=-1",
     .rejects = "epsilon is -1"},
    {.attr = NULL},
};

int main(void)
{
    static const struct {
        const char *op;
        const struct op_case *cases;
    } tests[] = {
        {"Transpose", transpose},  {"Expand", expand},   {"Cast", cast},
        {"Identity", identity},    {"Dropout", dropout}, {"SGD", sgd},
        {"SGDMomentum", momentum}, {"Adam", adam},       {"AdamW", adam},
    };
    int worst = 0;

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = op_test(tests[i].op, tests[i].cases);

        if (status && worst != 1)
            worst = status;
    }
    return worst;
}
