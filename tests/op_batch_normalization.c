/*
 * op_batch_normalization.c: BatchNormalization: results and gradients of both
 * forms, and the running statistics.  Golden numbers come from the reference
 * implementation in the Python package onnx (onnx.reference, 1.23) or, where it
 * is said, from the definition by hand.
 */
#include "tests/op_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/passes.h"

/* [3, 2, 2], and two channels each of scale, B, mean, variance. */
static const double x[] = {1, 2, 3, 5, -1, 0, 4, 2, 2, 2, 6, 1};
static const double scale[] = {2, 0.5}, bias[] = {1, -1};
static const double mean[] = {0.5, 1}, var[] = {4, 0.25};
static const double inferred[] = {1.49993751, 2.49981254,     0.99601196,
                                  2.99202392, -0.499812535,   0.500062488,
                                  1.99401794, -0.00199402002, 2.49981254,
                                  2.49981254, 3.9900299,      -1};
static const double trained[] = {
    1,           2.73140165,   -1.14635992,  -0.560920232,
    -2.46280331, -0.731401654, -0.853640077, -1.43907977,
    2.73140165,  2.73140165,   -0.268200386, -1.73179961};

#define CHANNELS(C) F32(C), F32(C), F32(C), F32(C)
#define GIVEN                     \
    {                             \
        x, scale, bias, mean, var \
    }

static const struct op_case cases[] = {
    {.in = {BATCH(2, 2), CHANNELS(2)},
     .attr = "epsilon=1e-3",
     .x = GIVEN,
     .y = inferred},
    {.in = {BATCH(2, 2), CHANNELS(2)},
     .x = GIVEN,
     .y = trained,
     .attr = "epsilon=1e-3 training_mode=1 momentum=0.75"},
    {.in = {BATCH(1), CHANNELS(1)}, .low = 0.5, .high = 2},
    {.in = {BATCH(17), CHANNELS(17)}, .low = 0.5, .high = 2},
    {.in = {BATCH(5, 3, 4), CHANNELS(5)}, .low = 0.5, .high = 2},
    {.in = {BATCH(3, 2, 2, 2), CHANNELS(3)}, .low = 0.5, .high = 2},
    {.in = {BATCH(1), CHANNELS(1)}, .attr = "training_mode=1"},
    {.in = {BATCH(17), CHANNELS(17)}, .attr = "training_mode=1"},
    {.in = {BATCH(2, 67), CHANNELS(2)}, .attr = "training_mode=1"},
    {.in = {BATCH(16, 3, 5), CHANNELS(16)}, .attr = "training_mode=1"},
    {.in = {BATCH(33, 2, 3), CHANNELS(33)},
     .attr = "training_mode=1 running_variance=unbiased"},
    {.in = {BATCH(3, 2, 2, 2), CHANNELS(3)}, .attr = "training_mode=1"},
    /* Far from zero, where a sum of squares would lose all digits. */
    {.in = {BATCH(3, 9, 15), CHANNELS(3)},
     .attr = "training_mode=1",
     .low = 90,
     .high = 110,
     .flat = true},
    {.in = {BATCH(), CHANNELS(1)}, .rejects = "wanted [N,C]"},
    {.in = {BATCH(3), CHANNELS(2)}, .rejects = "operand 1 is f32 [2] for 3"},
    {.in = {BATCH(3), F32(3), F32(3)}, .rejects = "takes 5 operands, got 3"},
    {.in = {LABEL(3), CHANNELS(3)}, .rejects = "input is i32"},
    {.in = {BATCH(3), CHANNELS(3)},
     .attr = "epsilon=-1",
     .rejects = "epsilon is -1"},
    {.in = {BATCH(3), CHANNELS(3)},
     .attr = "running_variance=sample",
     .rejects = "wanted population or unbiased"},
    {.in = {F32(4, 3), CHANNELS(3)},
     .attr = "training_mode=1",
     .rejects = "no samples in its first dimension"},
    {.attr = NULL},
};

/* ---- running statistics after one update from mean and var ---- */

static const struct {
    const char *kind;
    int64_t rows;
    double mean[2], var[2];
} follow[] = {
    {"population", 3, {0.625, 1.625}, {3.33333333, 0.916666667}},
    /* By hand: variances 4/3 and 35/12 of six elements, times 6/5; and of the
     * first four elements of each channel. */
    {"unbiased", 3, {0.625, 1.625}, {3.4, 1.0625}},
    {"population", 2, {0.5, 1.625}, {3.3125, 0.5}},
    {"unbiased", 2, {0.5, 1.625}, {3 + 5 / 12., 0.1875 + 5 / 12.}},
};

/* The operands as a layer has them, the last two being state. */
static void operands(struct graph *g, struct tensor *value, val *in)
{
    static const double *const data[] = {x, scale, bias, mean, var};
    static const enum plan_kind kind[] = {
        PLAN_INPUT, PLAN_PARAMETER, PLAN_PARAMETER, PLAN_STATE, PLAN_STATE};
    static const char *const name[] = {"x", "weight", "bias", "mean", "var"};
    struct type t[] = {BATCH(2, 2), CHANNELS(2)};

    for (int k = 0; k < 5; k++) {
        struct leaf leaf = {.kind = kind[k], .name = name[k]};
        size_t n = (size_t)type_count(&t[k]);

        in[k] = graph_leaf(g, &t[k], &leaf);
        value[in[k].id].type = t[k];
        value[in[k].id].data = ARENA_NEW(g->arena, double, n);
        memcpy(value[in[k].id].data, data[k], n * sizeof(double));
    }
}

static int differ(const char *what, int c, const double *got,
                  const double *want)
{
    int bad = 0;

    for (int i = 0; i < 2; i++)
        if (!(fabs(got[i] - want[i]) < 1e-8)) {
            fprintf(stderr,
                    "FAIL running %s %d of case %d is %.9g, wanted "
                    "%.9g\n",
                    what, i, c, got[i], want[i]);
            bad = 1;
        }
    return bad;
}

static void start(struct graph *g, struct arena *arena, struct diag *d)
{
    graph_init(g, arena, d);
    g->batch = g->effective = OP_BATCH;
}

static int check_follow(struct arena *arena, int c)
{
    union attr attr[] = {
        {.f = 1e-3}, {.f = 0.75}, {.s = follow[c].kind}, {.i = 1}};
    struct ref_env env = {.batch = OP_BATCH,
                          .rows = follow[c].rows,
                          .effective = follow[c].rows,
                          .step = 1};
    struct tensor *value = ARENA_NEW(arena, struct tensor, 100);
    struct diag d = {.failed = false};
    struct graph g;
    val in[5], y;

    start(&g, arena, &d);
    operands(&g, value, in);
    if (!op_BatchNormalization.build(&g, in, 5, attr, &y)) {
        fprintf(stderr, "FAIL refused: %s\n", d.text);
        return 1;
    }
    interp_run(&g, arena, SEQ_STEP, &env, value);
    return differ("mean", c, value[in[3].id].data, follow[c].mean) |
           differ("variance", c, value[in[4].id].data, follow[c].var);
}

/* Two layers cannot both move one running mean. */
static int check_shared(struct arena *arena)
{
    union attr attr[] = {
        {.f = 1e-3}, {.f = 0.75}, {.s = "population"}, {.i = 1}};
    struct tensor *value = ARENA_NEW(arena, struct tensor, 100);
    struct diag d = {.failed = false};
    struct graph g;
    val in[5], y;

    start(&g, arena, &d);
    operands(&g, value, in);
    op_BatchNormalization.build(&g, in, 5, attr, &y);
    op_BatchNormalization.build(&g, in, 5, attr, &y);
    if (d.failed && strstr(d.text, "mean follows another layer already"))
        return 0;
    fprintf(stderr, "FAIL a shared running mean: \"%s\"\n", d.text);
    return 1;
}

static int check_all(struct arena *arena)
{
    int bad = check_shared(arena);

    for (int c = 0; c < (int)(sizeof follow / sizeof *follow); c++)
        bad |= check_follow(arena, c);
    return bad;
}

static int check_running(void)
{
    struct arena arena;
    jmp_buf out_of_memory;
    int bad;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory))
        return 1;
    bad = check_all(&arena);
    arena_close(&arena);
    return bad;
}

int main(void)
{
    return check_running() ? 1 : op_test("BatchNormalization", cases);
}
