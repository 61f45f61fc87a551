/*
 * kernels_optimizer.c: every candidate of the optimizers against the
 * definitions of PyTorch, in double, over some updates.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/optimizer.h"
#include "tests/kernel_harness.h"

static struct harness harness;

static double *numbers(size_t n)
{
    double *d = calloc(n + 1, sizeof *d);

    assert_non_null(d);
    return d;
}

enum { STEPS = 20 };
static const double rate = 0.0078125; /* exact, as all settings */

/* Each kind with and without what it may leave out; sizes around the vector and
 * the work-group. */
static const struct optimizer_problem updates[] = {
    {.kind = OPTIMIZER_SGD, .elements = 37},
    {.kind = OPTIMIZER_SGD, .elements = 4097, .weight_decay = 0.01},
    {.kind = OPTIMIZER_MOMENTUM, .elements = 1, .momentum = 0.9},
    {.kind = OPTIMIZER_MOMENTUM,
     .elements = 8200,
     .momentum = 0.9,
     .dampening = 0.1,
     .weight_decay = 0.001},
    {.kind = OPTIMIZER_MOMENTUM,
     .elements = 100,
     .momentum = 0.8,
     .nesterov = true},
    {.kind = OPTIMIZER_ADAM,
     .elements = 47,
     .beta1 = 0.9,
     .beta2 = 0.999,
     .epsilon = 1e-8},
    {.kind = OPTIMIZER_ADAM,
     .elements = 4100,
     .beta1 = 0.5,
     .beta2 = 0.9,
     .epsilon = 1e-5,
     .weight_decay = 0.02},
    {.kind = OPTIMIZER_ADAM,
     .elements = 18,
     .beta1 = 0,
     .beta2 = 0.999,
     .epsilon = 1e-8},
    {.kind = OPTIMIZER_ADAMW,
     .elements = 1000,
     .beta1 = 0.9,
     .beta2 = 0.999,
     .epsilon = 1e-8,
     .weight_decay = 0.01},
};
enum { UPDATES = sizeof updates / sizeof *updates };

/* Tensors of state beside w. */
static int slots_of(const struct optimizer_problem *p)
{
    return p->kind == OPTIMIZER_SGD ? 0 : p->kind == OPTIMIZER_MOMENTUM ? 1 : 2;
}

/* torch.optim.SGD, as its documentation states it. */
static void sgd_step(const struct optimizer_problem *p, int t, double g,
                     double *w, double *buffer)
{
    g += p->weight_decay * *w;
    if (p->kind == OPTIMIZER_MOMENTUM) {
        *buffer = t > 1 ? p->momentum * *buffer + (1 - p->dampening) * g : g;
        g = p->nesterov ? g + p->momentum * *buffer : *buffer;
    }
    *w -= rate * g;
}

/* torch.optim.Adam and AdamW likewise. */
static void adam_step(const struct optimizer_problem *p, int t, double g,
                      double *w, double *m, double *v)
{
    if (p->kind == OPTIMIZER_ADAMW)
        *w -= rate * p->weight_decay * *w;
    else
        g += p->weight_decay * *w;
    *m = p->beta1 * *m + (1 - p->beta1) * g;
    *v = p->beta2 * *v + (1 - p->beta2) * g * g;
    *w -= rate * (*m / (1 - pow(p->beta1, t))) /
          (sqrt(*v / (1 - pow(p->beta2, t))) + p->epsilon);
}

/* w and state of two sides: the device's, and the definition's. */
struct sides {
    double *got[3], *want[3], *g;
};

/* Results go to buffers of their own and become the next step's operands. */
static void step_device(const struct optimizer_problem *p,
                        const struct launch *l, int t, struct sides *s)
{
    uint32_t setting[SETTING_KINDS] = {0};
    const float f = (float)rate;
    size_t n = (size_t)p->elements;
    int slots = slots_of(p), at = 0;
    double *next[3];
    struct operand o[8];

    memcpy(&setting[SETTING_LEARNING_RATE], &f, sizeof f);
    setting[SETTING_STEP] = (uint32_t)t;
    o[at++] = (struct operand){DT_F32, n, s->got[0], false};
    o[at++] = (struct operand){DT_F32, n, s->g, false};
    for (int k = 1; k <= slots; k++)
        o[at++] = (struct operand){DT_F32, n, s->got[k], false};
    for (int k = 0; k <= slots; k++) {
        next[k] = numbers(n);
        o[at++] = (struct operand){DT_F32, n, next[k], true};
    }
    harness_run(&harness, l, o, at, setting);
    for (int k = 0; k <= slots; k++) {
        free(s->got[k]);
        s->got[k] = next[k];
    }
}

/* The same gradient to both sides, another one in each step. */
static void step_both(const struct optimizer_problem *p, const struct launch *l,
                      int t, struct sides *s)
{
    fill(s->g, (size_t)p->elements, DT_F32, (unsigned)t);
    for (int64_t i = 0; i < p->elements; i++) {
        if (slots_of(p) < 2)
            sgd_step(p, t, s->g[i], &s->want[0][i], &s->want[1][i]);
        else
            adam_step(p, t, s->g[i], &s->want[0][i], &s->want[1][i],
                      &s->want[2][i]);
    }
    step_device(p, l, t, s);
}

static void run_update(const struct optimizer_problem *p,
                       const struct kernel *k, struct sides *s)
{
    size_t n = (size_t)p->elements;
    struct launch l;

    assert_true(harness_launch(&harness, k, p, &l));
    for (int i = 0; i < 3; i++) {
        s->got[i] = numbers(n);
        s->want[i] = numbers(n);
    }
    s->g = numbers(n);
    fill(s->want[0], n, DT_F32, 99);
    memcpy(s->got[0], s->want[0], n * sizeof(double));
    for (int t = 1; t <= STEPS; t++)
        step_both(p, &l, t, s);
}

static void free_sides(struct sides *s)
{
    for (int i = 0; i < 3; i++) {
        free(s->got[i]);
        free(s->want[i]);
    }
    free(s->g);
}

/* Relative to the tensor's largest: an element may pass through zero. */
static void check_sides(const char *name, const double *got, const double *want,
                        size_t n)
{
    double largest = 0;

    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= 1e-6 * largest))
            fail_msg("%s: element %zu of %zu is %.9g, not %.9g", name, i, n,
                     got[i], want[i]);
}

/* Twenty steps: a moment that is updated in the wrong order drifts away by
 * then. */
static void test_optimizers(void **state)
{
    (void)state;
    for (int c = 0; c < UPDATES; c++)
        for (const struct kernel *k = kernels_optimizer; k->name; k++) {
            const struct optimizer_problem *p = &updates[c];
            struct sides s;

            run_update(p, k, &s);
            for (int j = 0; j <= slots_of(p); j++)
                check_sides(k->name, s.got[j], s.want[j], (size_t)p->elements);
            free_sides(&s);
        }
}

/* An element's bits do not depend on where it stands. */
static void test_place_of_update(void **state)
{
    const struct optimizer_problem all = updates[6];
    struct optimizer_problem one = all;

    (void)state;
    one.elements = 1;
    for (const struct kernel *k = kernels_optimizer; k->name; k++) {
        struct sides a, b;
        struct launch l;

        run_update(&all, k, &a);
        run_update(&one, k, &b);
        assert_true(harness_launch(&harness, k, &one, &l));
        for (int64_t i = 0; i < all.elements; i += 455) {
            fill(a.g, (size_t)all.elements, DT_F32, 99);
            b.got[0][0] = a.g[i];
            b.got[1][0] = b.got[2][0] = 0;
            for (int t = 1; t <= STEPS; t++) {
                fill(a.g, (size_t)all.elements, DT_F32, (unsigned)t);
                b.g[0] = a.g[i];
                step_device(&one, &l, t, &b);
            }
            for (int j = 0; j < 3; j++)
                assert_memory_equal(&b.got[j][0], &a.got[j][i], sizeof(double));
        }
        free_sides(&a);
        free_sides(&b);
    }
}

static int setup(void **state)
{
    (void)state;
    harness_open(&harness);
    for (int i = 0; i < UPDATES; i++)
        harness_add(&harness, kernels_optimizer, &updates[i]);
    harness_build(&harness);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_close(&harness);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimizers),
        cmocka_unit_test(test_place_of_update),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
