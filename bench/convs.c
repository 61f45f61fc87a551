/*
 * convs.c: time the convolutions of ResNet-50 and of U-Net, and their gradients,
 * with the candidates that a CPU takes.  Prints; asserts nothing.
 *
 * Usage: bench/convs [BATCH [ROW]]
 * As in: bench/convs 16, which is the default; a row is one of the table's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/conv.h"
#include "tests/kernel_harness.h"

/* A square convolution with its padding on both sides, and how often the model
 * has it. */
struct layer {
    const char *model;
    int64_t side, C, K, window, stride;
    int times;
};

static const struct layer layers[] = {
    {"resnet50", 224, 3, 64, 7, 2, 1},    {"resnet50", 56, 64, 64, 1, 1, 1},
    {"resnet50", 56, 64, 64, 3, 1, 3},    {"resnet50", 56, 64, 256, 1, 1, 4},
    {"resnet50", 56, 256, 64, 1, 1, 2},   {"resnet50", 56, 256, 128, 1, 1, 1},
    {"resnet50", 56, 128, 128, 3, 2, 1},  {"resnet50", 56, 256, 512, 1, 2, 1},
    {"resnet50", 28, 128, 512, 1, 1, 4},  {"resnet50", 28, 512, 128, 1, 1, 3},
    {"resnet50", 28, 128, 128, 3, 1, 3},  {"resnet50", 28, 512, 256, 1, 1, 1},
    {"resnet50", 28, 256, 256, 3, 2, 1},  {"resnet50", 28, 512, 1024, 1, 2, 1},
    {"resnet50", 14, 256, 1024, 1, 1, 6}, {"resnet50", 14, 1024, 256, 1, 1, 5},
    {"resnet50", 14, 256, 256, 3, 1, 5},  {"resnet50", 14, 1024, 512, 1, 1, 1},
    {"resnet50", 14, 512, 512, 3, 2, 1},  {"resnet50", 14, 1024, 2048, 1, 2, 1},
    {"resnet50", 7, 512, 2048, 1, 1, 3},  {"resnet50", 7, 2048, 512, 1, 1, 2},
    {"resnet50", 7, 512, 512, 3, 1, 2},   {"unet", 128, 3, 32, 3, 1, 1},
    {"unet", 128, 32, 32, 3, 1, 1},       {"unet", 128, 64, 32, 3, 1, 1},
    {"unet", 64, 64, 64, 3, 1, 1},        {"unet", 32, 128, 128, 3, 1, 1},
    {"unet", 16, 256, 256, 3, 1, 1},      {"unet", 8, 512, 512, 3, 1, 1},
    {"unet", 16, 512, 256, 3, 1, 1},
};
enum { LAYERS = sizeof layers / sizeof *layers, WAYS = 3 };

static struct conv_problem problem_of(const struct layer *l, int64_t batch)
{
    const int64_t pad = l->window / 2;
    const int64_t out = (l->side + 2 * pad - l->window) / l->stride + 1;

    return (struct conv_problem){.N = batch,
                                 .H = l->side,
                                 .W = l->side,
                                 .C = l->C,
                                 .K = l->K,
                                 .R = l->window,
                                 .S = l->window,
                                 .P = out,
                                 .Q = out,
                                 .stride = {l->stride, l->stride},
                                 .pad = {pad, pad},
                                 .dilation = {1, 1},
                                 .group = 1,
                                 .x = DT_F32,
                                 .w = DT_F32,
                                 .y = DT_F32,
                                 .lanes = 1};
}

static const struct kernel *const family[WAYS] = {
    kernels_conv, kernels_conv_grad_x, kernels_conv_grad_w};

/* Seconds of one way; its operands are the tensors a, b -> c. */
static double seconds_of(struct harness *h, const struct conv_problem *p,
                         int way, struct launch *l)
{
    const size_t x = (size_t)(p->N * p->H * p->W * p->C);
    const size_t y = (size_t)(p->N * p->P * p->Q * p->K);
    const size_t w = (size_t)(p->R * p->S * p->C * p->K);
    const size_t size[WAYS][3] = {{x, w, y}, {y, w, x}, {x, y, w}};
    const uint32_t setting[SETTING_KINDS] = {[SETTING_ROWS] = (uint32_t)p->N};
    struct operand o[3];
    double seconds;

    kernel_choose(family[way], p, &h->info, l);
    for (int i = 0; i < 3; i++) {
        o[i] = (struct operand){DT_F32, size[way][i],
                                calloc(size[way][i], sizeof(double)), i == 2};
        assert_non_null(o[i].value);
        if (i < 2)
            fill(o[i].value, size[way][i], DT_F32, (unsigned)i);
    }
    seconds = harness_time(h, l, o, 3, setting);
    for (int i = 0; i < 3; i++)
        free(o[i].value);
    return seconds;
}

static int64_t batch = 16;
static int only; /* 0: all */

/* Kernels divide their work among so many. */
static uint64_t cores_of(cl_device_id device)
{
    cl_uint units = 0;

    clGetDeviceInfo(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units,
                    NULL);
    return units;
}

static void test_speed(void **state)
{
    struct conv_problem problem[LAYERS];
    double total[WAYS] = {0};
    struct harness h;

    (void)state;
    harness_open(&h);
    h.info.units = cores_of(h.device);
    for (int i = 0; i < LAYERS; i++) {
        problem[i] = problem_of(&layers[i], batch);
        for (int way = 0; way < WAYS; way++)
            harness_add(&h, family[way], &problem[i]);
    }
    harness_build(&h);
    printf("%-9s %4s %4s %4s %6s %6s %5s %19s %19s %19s\n", "model", "side",
           "C", "K", "window", "stride", "times", "forward, ms GFLOP/s",
           "data, ms GFLOP/s", "weights, ms GFLOP/s");
    for (int i = 0; i < LAYERS; i++) {
        const struct layer *a = &layers[i];

        if (only && i + 1 != only)
            continue;
        printf("%-9s %4d %4d %4d %6d %6d %5d", a->model, (int)a->side,
               (int)a->C, (int)a->K, (int)a->window, (int)a->stride, a->times);
        for (int way = 0; way < WAYS; way++) {
            struct launch l;
            double seconds = seconds_of(&h, &problem[i], way, &l);

            printf(" %10.2f %8.1f", seconds * 1e3, l.flop / seconds * 1e-9);
            fflush(stdout);
            if (a->model[0] == 'r')
                total[way] += a->times * seconds;
        }
        printf("\n");
    }
    printf("all of resnet50: %.3f + %.3f + %.3f s\n", total[0], total[1],
           total[2]);
    harness_close(&h);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_speed)};

    if ((argc > 1 && (batch = strtol(argv[1], NULL, 10)) < 1) ||
        (argc > 2 &&
         ((only = (int)strtol(argv[2], NULL, 10)) < 1 || only > LAYERS))) {
        fputs("Usage: bench/convs [BATCH [ROW]]\n", stderr);
        return 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
