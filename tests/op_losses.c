/*
 * op_losses.c: losses and metrics as ops: golden numbers from their formulas,
 * gradients, refusals, every kernel.
 */
#include "tests/op_test.h"

#include <stddef.h>

#define BYTES(...)                            \
    {                                         \
        DT_U8, DIMS(OP_BATCH, __VA_ARGS__), 1 \
    }
#define LONGS                    \
    {                            \
        DT_I64, 1, {OP_BATCH}, 1 \
    }

#define LOG_2 0.69314718055994531
#define LOG_3 1.0986122886681098
#define LOG_5 1.6094379124341003
#define LOG_8 2.0794415416798357

/* Logarithms of 1, 2 and 5 have the softmax 1/8, 2/8 and 5/8; a constant more
 * changes nothing. */
static const double logs[] = {
    0, LOG_2, LOG_5, 100, 100 + LOG_2, 100 + LOG_5, -7, LOG_2 - 7, LOG_5 - 7};
static const double each_class[] = {0, 1, 2};
static const double minus_logs[] = {LOG_8, LOG_8 - LOG_2, LOG_8 - LOG_5};
static const double second_ignored[] = {LOG_8, 0, LOG_8 - LOG_5};
/* The same as [3, 3, 2] with both positions alike. */
static const double logs_twice[] = {
    0, 0, LOG_2,     LOG_2,     LOG_5,     LOG_5,
    1, 1, 1 + LOG_2, 1 + LOG_2, 1 + LOG_5, 1 + LOG_5,
    0, 0, LOG_2,     LOG_2,     LOG_5,     LOG_5};
/* The same with classes last: [3, 2, 3]. */
static const double logs_last[] = {
    0, LOG_2,     LOG_5,     0, LOG_2, LOG_5, 1, 1 + LOG_2, 1 + LOG_5,
    1, 1 + LOG_2, 1 + LOG_5, 0, LOG_2, LOG_5, 0, LOG_2,     LOG_5};
static const double pairs[] = {0, 1, 2, 2, 1, 0};
static const double pair_sums[] = {2 * LOG_8 - LOG_2, 2 * LOG_8 - 2 * LOG_5,
                                   2 * LOG_8 - LOG_2};
static const double seven[] = {0, 7, 2};

/* Logarithms are no halves; equal logits have log C. */
static const double halves[] = {0, 0, 0, 1.5, 1.5, 1.5, -7, -7, -7};
static const double minus_halves[] = {LOG_3, LOG_3, LOG_3};

static const struct op_case cross_entropy[] = {
    {.in = {BATCH(3), LABELS}, .x = {logs, each_class}, .y = minus_logs},
    {.in = {BATCH(3), LABELS},
     .x = {logs, seven},
     .y = second_ignored,
     .attr = "ignore_index=7"},
    {.in = {BATCH(3, 2), LABEL(2)}, .x = {logs_twice, pairs}, .y = pair_sums},
    {.in = {BATCH(2, 3), LABEL(2)},
     .x = {logs_last, pairs},
     .y = pair_sums,
     .attr = "axis=2"},
    {.in = {BATCH(4, 5, 17), LABEL(4, 5)},
     .classes = 17,
     .attr = "axis=-1 ignore_index=3"},
    {.in = {BATCH(1, 5), LABEL(1)}, .classes = 5, .attr = "axis=-1"},
    {.in = {BATCH(5), LABELS}, .classes = 5, .attr = "axis=-1"},
    {.in = {BATCH(1), LABELS}, .classes = 1},
    {.in = {BATCH(10), LONGS}, .classes = 10},
    {.in = {BATCH(17), LABELS}, .classes = 17, .attr = "ignore_index=7"},
    /* Logits whose exponentials span 26 powers of ten. */
    {.in = {BATCH(100), LABELS}, .classes = 100, .low = -30, .high = 30},
    {.in = {BATCH(4, 5, 3), BYTES(5, 3)},
     .classes = 4,
     .attr = "ignore_index=0"},
    {.in = {BATCH(2, 33), LABEL(33)}, .classes = 2},
    {.in = {HALVES(3), LABELS}, .x = {halves, each_class}, .y = minus_halves},
    {.in = {HALVES(17), LABELS}, .classes = 17, .attr = "ignore_index=7"},
    {.in = {HALVES(4, 18), LABEL(18)}, .classes = 4},
    {.in = {HALVES(5, 4), LABEL(5)}, .classes = 4, .attr = "axis=-1"},
    {.in = {BATCH(), LABELS}, .rejects = "logits are [3], wanted [N, classes]"},
    {.in = {BATCH(5), LABEL(1)}, .rejects = "wanted labels [3]"},
    {.in = {BATCH(5, 2), LABEL(3)}, .rejects = "wanted labels [3,2]"},
    {.in = {BATCH(5, 2), LABEL(2)},
     .attr = "axis=2",
     .rejects = "wanted labels [3,5]"},
    {.in = {BATCH(5, 2, 2), LABEL(5, 2)},
     .attr = "axis=2",
     .rejects = "wanted 1 or the last"},
    {.in = {BATCH(5), BATCH()}, .rejects = "labels are f32"},
    {.in = {LABEL(5), LABELS}, .rejects = "logits are i32"},
    /* A loss is a number for each sample, so its operands must have samples. */
    {.in = {F32(6, 5), I32(6)}, .rejects = "does not count the 3 samples"},
    {.attr = NULL},
};

static const double votes[] = {1, 1, 0, -1, 3, 3, 2, 0, 1};
static const double guesses[] = {0, 2, 1};
static const double hits[] = {1, 0, 0}; /* the first of equals */
static const double shares[] = {0.5, 2, 0.25};
static const double half_hit[] = {0.5, 0, 0};
static const double shares_but_one[] = {0.5, 2, 0};

static const struct op_case accuracy[] = {
    {.in = {BATCH(3), LABELS}, .x = {votes, guesses}, .y = hits, .flat = true},
    {.in = {BATCH(10), LONGS}, .classes = 10, .flat = true},
    {.in = {BATCH(4, 7), BYTES(7)}, .flat = true, .attr = "ignore_index=1"},
    {.in = {BATCH(7, 4), BYTES(7)},
     .flat = true,
     .attr = "axis=-1 ignore_index=1"},
    {.in = {BATCH(4), LABEL(4)}, .rejects = "wanted labels [3]"},
    {.in = {F32(2, 5), I32(2)}, .rejects = "does not count the 3 samples"},
    {.in = {BATCH(3), LABELS, BATCH()},
     .x = {votes, guesses, shares},
     .y = half_hit,
     .counts = shares,
     .flat = true},
    {.in = {BATCH(3), LABELS, BATCH()},
     .x = {votes, guesses, shares},
     .y = half_hit,
     .counts = shares_but_one,
     .attr = "ignore_index=1",
     .flat = true},
    {.in = {BATCH(4, 7), BYTES(7), BATCH(7)},
     .flat = true,
     .attr = "ignore_index=1"},
    {.in = {BATCH(7, 5, 4), BYTES(7, 5), BATCH(7)},
     .flat = true,
     .attr = "axis=-1"},
    {.in = {BATCH(4), LABELS, BATCH(4)}, .rejects = "the weights are f32"},
    {.attr = NULL},
};

static const double predictions[] = {0, 1, 2, 3, -1, 0.5};
static const double targets[] = {0.5, 1, -1, 2, -1, 0};
static const double squares[] = {0.25, 9 + 1, 0.25};
static const double distances[] = {0.5, 3 + 1, 0.5};
static const double hubers[] = {0.125, 2.5 + 0.5, 0.125};
static const double short_hubers[] = {0.5 * (0.5 - 0.25),
                                      0.5 * (3 - 0.25) + 0.5 * (1 - 0.25),
                                      0.5 * (0.5 - 0.25)};

static const struct op_case mse[] = {
    {.in = {BATCH(2), BATCH(2)}, .x = {predictions, targets}, .y = squares},
    {.in = {BATCH(), BATCH()}},
    {.in = {BATCH(3, 17), BATCH(3, 17)}},
    {.in = {BATCH(2), BATCH(1)}, .rejects = "[3,2] and the target f32 [3,1]"},
    {.in = {BATCH(2), LABEL(2)}, .rejects = "the target i32 [3,2]"},
    {.in = {LABEL(2), LABEL(2)}, .rejects = "the prediction is i32"},
    {.in = {HALVES(2), HALVES(2)}, .rejects = "the prediction is f16"},
    {.in = {SCALAR, SCALAR}, .rejects = "does not count the 3 samples"},
    {.attr = NULL},
};

static const struct op_case mae[] = {
    {.in = {BATCH(2), BATCH(2)},
     .x = {predictions, targets},
     .y = distances,
     .flat = true},
    {.in = {BATCH(5, 3), BATCH(5, 3)}},
    {.in = {BATCH(2), BATCH(1)}, .rejects = "of one type and shape"},
    {.attr = NULL},
};

static const struct op_case huber[] = {
    {.in = {BATCH(2), BATCH(2)},
     .x = {predictions, targets},
     .y = hubers,
     .flat = true},
    {.in = {BATCH(2), BATCH(2)},
     .x = {predictions, targets},
     .y = short_hubers,
     .attr = "delta=0.5",
     .flat = true},
    {.in = {BATCH(5, 3), BATCH(5, 3)}},
    {.in = {BATCH(7), BATCH(7)}, .attr = "delta=0.25"},
    {.in = {BATCH(2), BATCH(2)},
     .attr = "delta=0",
     .rejects = "\"delta\" is 0"},
    {.attr = NULL},
};

/* At zero both answers cost log 2; at log 3 the sigmoid is 3/4; far out a right
 * answer costs next to nothing and a wrong one its logit. */
static const double chances[] = {0, 0, LOG_3, LOG_3, 80, -80};
static const double truths[] = {0, 1, 1, 0, 1, 1};
static const double bces[] = {2 * LOG_2, -LOG_3 + 4 * LOG_2, 80};
static const double weighted[] = {4 * LOG_2, -3 * LOG_3 + 8 * LOG_2, 240};

static const struct op_case bce[] = {
    {.in = {BATCH(2), BATCH(2)}, .x = {chances, truths}, .y = bces},
    {.in = {BATCH(2), BATCH(2)},
     .x = {chances, truths},
     .y = weighted,
     .attr = "pos_weight=3"},
    {.in = {BATCH(4, 5), BATCH(4, 5)}, .low = 0, .high = 1},
    {.in = {BATCH(2), BATCH(2)},
     .attr = "pos_weight=-1",
     .rejects = "\"pos_weight\" is -1"},
    {.in = {BATCH(2), LABEL(2)}, .rejects = "of one type and shape"},
    {.attr = NULL},
};

int main(void)
{
    static const struct {
        const char *op;
        const struct op_case *cases;
    } tests[] = {
        {"CrossEntropy", cross_entropy},
        {"Accuracy", accuracy},
        {"MSE", mse},
        {"MAE", mae},
        {"Huber", huber},
        {"BCEWithLogits", bce},
    };
    int worst = 0;

    for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = op_test(tests[i].op, tests[i].cases);

        if (worst != 1 && status)
            worst = status;
    }
    return worst;
}
