/*
 * kernels.c: time the candidates that a CPU takes at the shapes of small
 * networks.  Prints; asserts nothing.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/attention.h"
#include "kernels/conv.h"
#include "kernels/matmul.h"
#include "kernels/pool.h"
#include "kernels/reduce.h"
#include "tests/kernel_harness.h"

enum { LANES = 8, OPERANDS = 10 };

struct measure {
    const char *name;
    const struct kernel *family;
    const void *problem;
    struct operand operand[OPERANDS]; /* ends with one without elements */
};

static void measure_one(struct harness *h, const struct measure *m,
                        const struct kernel *k, uint32_t rows)
{
    const uint32_t setting[SETTING_KINDS] = {[SETTING_ROWS] = rows};
    struct operand o[OPERANDS];
    struct launch l;
    int n = 0;
    double seconds;

    if (!kernel_try(k, m->problem, &h->info, &l))
        return;
    for (; n < OPERANDS && m->operand[n].elements; n++) {
        o[n] = m->operand[n];
        o[n].value = calloc(o[n].elements, sizeof(double));
        assert_non_null(o[n].value);
        if (!o[n].output)
            fill(o[n].value, o[n].elements, o[n].dtype, (unsigned)n);
    }
    seconds = harness_time(h, &l, o, n, setting);
    printf("%-28s %-22s %9.1f us %8.1f GFLOP/s %7.1f GB/s\n", m->name, k->name,
           seconds * 1e6, l.flop / seconds * 1e-9, l.bytes / seconds * 1e-9);
    while (n-- > 0)
        free(o[n].value);
}

static void measure(struct harness *h, const struct measure *m)
{
    struct launch l;

    measure_one(h, m, kernel_choose(m->family, m->problem, &h->info, &l), 64);
}

static void measure_all(struct harness *h, const struct measure *m)
{
    for (const struct kernel *k = m->family; k->name; k++)
        measure_one(h, m, k, 8);
}

#define CONV(h, c, k)                                                    \
    {                                                                    \
        .N = 64, .H = h, .W = h, .C = c, .K = k, .R = 3, .S = 3, .P = h, \
        .Q = h, .stride = {1, 1}, .pad = {1, 1}, .dilation = {1, 1},     \
        .group = 1, .x = DT_F32, .w = DT_F32, .y = DT_F32, .bias = true, \
        .lanes = LANES                                                   \
    }
/* A layer of MobileNetV2 (batch 8), and of a window of sensors. */
#define DEPTHWISE(h, p, c, s)                                             \
    {                                                                     \
        .N = 8, .H = h, .W = h, .C = c, .K = c, .R = 3, .S = 3, .P = p,   \
        .Q = p, .stride = {s, s}, .pad = {1, 1}, .dilation = {1, 1},      \
        .group = c, .x = DT_F32, .w = DT_F32, .y = DT_F32, .lanes = LANES \
    }
/* The same with m filters of each channel, and windows of sensors. */
#define FILTERS(h, c, m)                                                      \
    {                                                                         \
        .N = 8, .H = h, .W = h, .C = c, .K = c * (m), .R = 3, .S = 3, .P = h, \
        .Q = h, .stride = {1, 1}, .pad = {1, 1}, .dilation = {1, 1},          \
        .group = c, .x = DT_F32, .w = DT_F32, .y = DT_F32, .lanes = LANES     \
    }
#define SENSORS(c, m)                                                          \
    {                                                                          \
        .N = 8, .H = 1, .W = 2048, .C = c, .K = c * (m), .R = 1, .S = 3,       \
        .P = 1, .Q = 2048, .stride = {1, 1}, .pad = {0, 1},                    \
        .dilation = {1, 1}, .group = c, .x = DT_F32, .w = DT_F32, .y = DT_F32, \
        .lanes = LANES                                                         \
    }
#define IN(n)   INPUT(DT_F32, (size_t)(n), NULL)
#define OUT(n)  OUTPUT(DT_F32, (size_t)(n), NULL)
#define X(h, c) (64 * (h) * (h) * (c))

static const struct conv_problem conv1 = CONV(28, 1, 16),
                                 conv2 = CONV(14, 16, 32),
                                 conv3 = CONV(28, 64, 64),
                                 depth1 = DEPTHWISE(112, 112, 32, 1),
                                 depth2 = DEPTHWISE(112, 56, 96, 2),
                                 depth3 = DEPTHWISE(56, 56, 144, 1),
                                 depth4 = DEPTHWISE(14, 14, 576, 1),
                                 depth5 = DEPTHWISE(7, 7, 960, 1),
                                 depth6 = SENSORS(6, 1),
                                 twice = FILTERS(28, 48, 2),
                                 thrice = FILTERS(28, 48, 3),
                                 sensors = SENSORS(6, 4);
static const struct matmul_problem forward1 = {.M = 64,
                                               .N = 8,
                                               .K = 1568,
                                               .trans_b = true,
                                               .a = DT_F32,
                                               .b = DT_F32,
                                               .y = DT_F32,
                                               .bias = true},
                                   backward1 = {.M = 64,
                                                .N = 1568,
                                                .K = 128,
                                                .a = DT_F32,
                                                .b = DT_F32,
                                                .y = DT_F32},
                                   forward2 = {.M = 64,
                                               .N = 10,
                                               .K = 128,
                                               .trans_b = true,
                                               .a = DT_F32,
                                               .b = DT_F32,
                                               .y = DT_F32,
                                               .bias = true},
                                   square = {.M = 1024,
                                             .N = 1024,
                                             .K = 1024,
                                             .a = DT_F32,
                                             .b = DT_F32,
                                             .y = DT_F32},
                                   square_t = {.M = 1024,
                                               .N = 1024,
                                               .K = 1024,
                                               .trans_a = true,
                                               .trans_b = true,
                                               .a = DT_F32,
                                               .b = DT_F32,
                                               .y = DT_F32};
static const struct matmul_sum_problem weight1 = {64,     1,      128,   1568,
                                                  DT_F32, DT_F32, LANES, false},
                                       weight2 = {64,     1,      10,    128,
                                                  DT_F32, DT_F32, LANES, false},
                                       weight3 = {64,     128,    256,   256,
                                                  DT_F32, DT_F32, LANES, false};
static const struct pool_problem pool1 = {.N = 64,
                                          .H = 28,
                                          .W = 28,
                                          .C = 16,
                                          .P = 14,
                                          .Q = 14,
                                          .window = {2, 2},
                                          .stride = {2, 2},
                                          .dilation = {1, 1},
                                          .x = DT_F32,
                                          .y = DT_F32,
                                          .index = DT_U8};
static const struct reduce_problem rows1 = {4096,       1000,   1,
                                            REDUCE_SUM, DT_F32, DT_F32},
                                   columns1 = {1,           64 * 784, 16,
                                               REDUCE_MEAN, DT_F32,   DT_F32};
static const struct batch_sum_problem bias1 = {64,     1,     784,  16,
                                               DT_F32, LANES, false};

/* Those of jetx and of transformer_lm. */
static const struct attention_problem encoder = {.N = 4,
                                                 .heads = 8,
                                                 .T = 1000,
                                                 .S = 1000,
                                                 .D = 32,
                                                 .E = 32,
                                                 .joined = true,
                                                 .scale = 0.17677669529663687,
                                                 .x = DT_F32},
                                      decoder = {.N = 4,
                                                 .heads = 6,
                                                 .T = 256,
                                                 .S = 256,
                                                 .D = 64,
                                                 .E = 64,
                                                 .joined = true,
                                                 .causal = true,
                                                 .scale = 0.125,
                                                 .x = DT_F32};
#define ENCODER (4 * 1000 * 256)
#define DECODER (4 * 256 * 384)

static const struct measure measures[] = {
    {"conv 1-16, 28 x 28",
     kernels_conv,
     &conv1,
     {IN(X(28, 1)), IN(9 * 16), IN(16), OUT(X(28, 16))}},
    {"  weights",
     kernels_conv_grad_w,
     &conv1,
     {IN(X(28, 1)), IN(X(28, 16)), OUT(LANES * 9 * 16)}},
    {"conv 16-32, 14 x 14",
     kernels_conv,
     &conv2,
     {IN(X(14, 16)), IN(9 * 16 * 32), IN(32), OUT(X(14, 32))}},
    {"  data",
     kernels_conv_grad_x,
     &conv2,
     {IN(X(14, 32)), IN(9 * 16 * 32), OUT(X(14, 16))}},
    {"  weights",
     kernels_conv_grad_w,
     &conv2,
     {IN(X(14, 16)), IN(X(14, 32)), OUT(LANES * 9 * 16 * 32)}},
    {"conv 64-64, 28 x 28",
     kernels_conv,
     &conv3,
     {IN(X(28, 64)), IN(9 * 64 * 64), IN(64), OUT(X(28, 64))}},
    {"  data",
     kernels_conv_grad_x,
     &conv3,
     {IN(X(28, 64)), IN(9 * 64 * 64), OUT(X(28, 64))}},
    {"  weights",
     kernels_conv_grad_w,
     &conv3,
     {IN(X(28, 64)), IN(X(28, 64)), OUT(LANES * 9 * 64 * 64)}},
    {"linear 1568-128",
     kernels_matmul,
     &forward1,
     {IN(64 * 1568), IN(1568 * 128), IN(128), OUT(64 * 128)}},
    {"  data",
     kernels_matmul,
     &backward1,
     {IN(64 * 128), IN(1568 * 128), OUT(64 * 1568)}},
    {"  weights",
     kernels_matmul_batch_sum,
     &weight1,
     {IN(64 * 128), IN(64 * 1568), OUT(LANES * 1568 * 128)}},
    {"linear 128-10",
     kernels_matmul,
     &forward2,
     {IN(64 * 128), IN(1280), IN(10), OUT(640)}},
    {"  weights",
     kernels_matmul_batch_sum,
     &weight2,
     {IN(64 * 10), IN(64 * 128), OUT(LANES * 1280)}},
    {"sequence weights 256 x 256",
     kernels_matmul_batch_sum,
     &weight3,
     {IN(64 * 128 * 256), IN(64 * 128 * 256), OUT(LANES * 65536)}},
    {"1024 cubed",
     kernels_matmul,
     &square,
     {IN(1 << 20), IN(1 << 20), OUT(1 << 20)}},
    {"1024 cubed, transposed",
     kernels_matmul,
     &square_t,
     {IN(1 << 20), IN(1 << 20), OUT(1 << 20)}},
    {"attention 1000 x 32",
     kernels_attention,
     &encoder,
     {IN(ENCODER), IN(ENCODER), IN(ENCODER), OUT(ENCODER), OUT(4 * 8 * 1000)}},
    {"  gradient",
     kernels_attention_grad,
     &encoder,
     {IN(ENCODER), IN(ENCODER), IN(ENCODER), IN(ENCODER), IN(4 * 8 * 1000),
      IN(ENCODER), OUT(ENCODER), OUT(ENCODER), OUT(ENCODER)}},
    {"attention 256 x 64, causal",
     kernels_attention,
     &decoder,
     {IN(DECODER), IN(DECODER), IN(DECODER), OUT(DECODER), OUT(4 * 6 * 256)}},
    {"  gradient",
     kernels_attention_grad,
     &decoder,
     {IN(DECODER), IN(DECODER), IN(DECODER), IN(DECODER), IN(4 * 6 * 256),
      IN(DECODER), OUT(DECODER), OUT(DECODER), OUT(DECODER)}},
    {"max pool 28 x 28 x 16",
     kernels_max_pool_index,
     &pool1,
     {IN(X(28, 16)), OUT(X(14, 16)), OUTPUT(DT_U8, X(14, 16), NULL)}},
    {"  gradient",
     kernels_max_pool_index_grad,
     &pool1,
     {IN(X(14, 16)), INPUT(DT_U8, X(14, 16), NULL), OUT(X(28, 16))}},
    {"sum of rows", kernels_reduce, &rows1, {IN(4096 * 1000), OUT(4096)}},
    {"mean of columns",
     kernels_reduce,
     &columns1,
     {IN(64 * 784 * 16), OUT(16)}},
    {"bias gradient",
     kernels_batch_sum,
     &bias1,
     {IN(64 * 784 * 16), OUT(LANES * 16)}},
};
enum { MEASURES = sizeof measures / sizeof *measures };

static const struct measure depthwise[] = {
    {"depthwise 112 x 112 x 32",
     kernels_conv,
     &depth1,
     {IN(8 * 12544 * 32), IN(9 * 32), OUT(8 * 12544 * 32)}},
    {"  data",
     kernels_conv_grad_x,
     &depth1,
     {IN(8 * 12544 * 32), IN(9 * 32), OUT(8 * 12544 * 32)}},
    {"  weights",
     kernels_conv_grad_w,
     &depth1,
     {IN(8 * 12544 * 32), IN(8 * 12544 * 32), OUT(LANES * 9 * 32)}},
    {"depthwise 112 x 112 x 96, by 2",
     kernels_conv,
     &depth2,
     {IN(8 * 12544 * 96), IN(9 * 96), OUT(8 * 3136 * 96)}},
    {"  data",
     kernels_conv_grad_x,
     &depth2,
     {IN(8 * 3136 * 96), IN(9 * 96), OUT(8 * 12544 * 96)}},
    {"  weights",
     kernels_conv_grad_w,
     &depth2,
     {IN(8 * 12544 * 96), IN(8 * 3136 * 96), OUT(LANES * 9 * 96)}},
    {"depthwise 56 x 56 x 144",
     kernels_conv,
     &depth3,
     {IN(8 * 3136 * 144), IN(9 * 144), OUT(8 * 3136 * 144)}},
    {"  data",
     kernels_conv_grad_x,
     &depth3,
     {IN(8 * 3136 * 144), IN(9 * 144), OUT(8 * 3136 * 144)}},
    {"  weights",
     kernels_conv_grad_w,
     &depth3,
     {IN(8 * 3136 * 144), IN(8 * 3136 * 144), OUT(LANES * 9 * 144)}},
    {"depthwise 14 x 14 x 576",
     kernels_conv,
     &depth4,
     {IN(8 * 196 * 576), IN(9 * 576), OUT(8 * 196 * 576)}},
    {"  data",
     kernels_conv_grad_x,
     &depth4,
     {IN(8 * 196 * 576), IN(9 * 576), OUT(8 * 196 * 576)}},
    {"  weights",
     kernels_conv_grad_w,
     &depth4,
     {IN(8 * 196 * 576), IN(8 * 196 * 576), OUT(LANES * 9 * 576)}},
    {"depthwise 7 x 7 x 960",
     kernels_conv,
     &depth5,
     {IN(8 * 49 * 960), IN(9 * 960), OUT(8 * 49 * 960)}},
    {"  data",
     kernels_conv_grad_x,
     &depth5,
     {IN(8 * 49 * 960), IN(9 * 960), OUT(8 * 49 * 960)}},
    {"  weights",
     kernels_conv_grad_w,
     &depth5,
     {IN(8 * 49 * 960), IN(8 * 49 * 960), OUT(LANES * 9 * 960)}},
    {"depthwise 2048 x 6",
     kernels_conv,
     &depth6,
     {IN(8 * 2048 * 6), IN(3 * 6), OUT(8 * 2048 * 6)}},
    {"  data",
     kernels_conv_grad_x,
     &depth6,
     {IN(8 * 2048 * 6), IN(3 * 6), OUT(8 * 2048 * 6)}},
    {"  weights",
     kernels_conv_grad_w,
     &depth6,
     {IN(8 * 2048 * 6), IN(8 * 2048 * 6), OUT(LANES * 3 * 6)}},
    {"depthwise 28 x 28 x 48, 2 each",
     kernels_conv,
     &twice,
     {IN(8 * 784 * 48), IN(9 * 96), OUT(8 * 784 * 96)}},
    {"  data",
     kernels_conv_grad_x,
     &twice,
     {IN(8 * 784 * 96), IN(9 * 96), OUT(8 * 784 * 48)}},
    {"  weights",
     kernels_conv_grad_w,
     &twice,
     {IN(8 * 784 * 48), IN(8 * 784 * 96), OUT(LANES * 9 * 96)}},
    {"depthwise 28 x 28 x 48, 3 each",
     kernels_conv,
     &thrice,
     {IN(8 * 784 * 48), IN(9 * 144), OUT(8 * 784 * 144)}},
    {"  data",
     kernels_conv_grad_x,
     &thrice,
     {IN(8 * 784 * 144), IN(9 * 144), OUT(8 * 784 * 48)}},
    {"  weights",
     kernels_conv_grad_w,
     &thrice,
     {IN(8 * 784 * 48), IN(8 * 784 * 144), OUT(LANES * 9 * 144)}},
    {"depthwise 2048 x 6, 4 each",
     kernels_conv,
     &sensors,
     {IN(8 * 2048 * 6), IN(3 * 24), OUT(8 * 2048 * 24)}},
    {"  data",
     kernels_conv_grad_x,
     &sensors,
     {IN(8 * 2048 * 24), IN(3 * 24), OUT(8 * 2048 * 6)}},
    {"  weights",
     kernels_conv_grad_w,
     &sensors,
     {IN(8 * 2048 * 6), IN(8 * 2048 * 24), OUT(LANES * 3 * 24)}},
};
enum { DEPTHWISES = sizeof depthwise / sizeof *depthwise };

static void test_speed(void **state)
{
    struct harness h;

    (void)state;
    harness_open(&h);
    for (int i = 0; i < MEASURES; i++)
        harness_add(&h, measures[i].family, measures[i].problem);
    for (int i = 0; i < DEPTHWISES; i++)
        harness_add(&h, depthwise[i].family, depthwise[i].problem);
    harness_build(&h);
    for (int i = 0; i < MEASURES; i++)
        measure(&h, &measures[i]);
    for (int i = 0; i < DEPTHWISES; i++)
        measure_all(&h, &depthwise[i]);
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_speed)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
