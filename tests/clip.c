/*
 * clip.c: "clip_norm": what one update of SGD with learning rate 1 takes from
 * the weights is the gradient; clipped, it is the same times min(1, most /
 * (norm + 1e-6)), the norm over all parameters together.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/plancl_compile.h"
#include "runtime/plancl.h"

enum { SAMPLES = 4, MOST = 1 << 16, SKIP = 77 };

static const char model[] =
    "{\"plancl\": 1, \"name\": \"clip\", \"dims\": {\"N\": 4},"
    "\"inputs\": {\"x\": {\"shape\": [\"N\", 3, 5, 4]},"
    "             \"t\": {\"shape\": [\"N\", 37, 9, 7]}},"
    "\"layers\": ["
    "  {\"name\": \"conv\", \"op\": \"Conv\", \"inputs\": [\"x\"],"
    "   \"filters\": 19, \"kernel_shape\": [3, 3], \"pads\": [1, 1, 1, 1]},"
    "  {\"name\": \"up\", \"op\": \"ConvTranspose\", \"filters\": 37,"
    "   \"kernel_shape\": [3, 3], \"strides\": [2, 2],"
    "   \"pads\": [1, 1, 1, 1]%s}],"
    "\"outputs\": {\"y\": \"up\"},"
    "\"training\": {%s"
    "  \"loss\": {\"op\": \"MSE\", \"inputs\": [\"up\", \"t\"]},"
    "  \"optimizer\": {\"op\": \"SGD\", \"learning_rate\": 1}}}";

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    if (m->severity == PLANCL_ERROR)
        fprintf(stderr, "%s\n", m->text);
}

static const struct plancl_callbacks cb = {NULL, on_message, NULL};

static void must(enum plancl_status status)
{
    if (status == PLANCL_DEVICE)
        exit(SKIP);
    assert_int_equal(status, PLANCL_OK);
}

static void feed(const struct plancl_plan *plan, struct plancl_session *s,
                 uint32_t first, uint32_t rows)
{
    static float data[MOST];

    for (uint32_t k = 0; k < plancl_plan_tensors(plan); k++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, k);
        uint64_t row = t.bytes / sizeof *data / t.dim[0];

        if (t.role != PLANCL_INPUT)
            continue;
        for (uint64_t i = 0; i < row * rows; i++)
            data[i] = (float)sin(1.3 * (double)(first * row + i) + k);
        must(plancl_write(s, t.name, data, row * rows * sizeof *data));
    }
}

static void update(const struct plancl_plan *plan, struct plancl_session *s)
{
    uint32_t most = plancl_plan_batch(plan);

    for (uint32_t first = 0; first < SAMPLES; first += most) {
        struct plancl_batch b = {most, first, SAMPLES};

        feed(plan, s, first, most);
        if (first + most < SAMPLES)
            must(plancl_accumulate(s, &b));
        else
            must(plancl_step(s, &b));
    }
}

/* All parameters one behind another, in the plan's order. */
static uint64_t read_weights(const struct plancl_plan *plan,
                             struct plancl_session *s, float *w)
{
    uint64_t n = 0;

    for (uint32_t k = 0; k < plancl_plan_tensors(plan); k++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, k);

        if (t.role != PLANCL_PARAMETER)
            continue;
        must(plancl_read(s, t.name, w + n, t.bytes));
        n += t.bytes / sizeof *w;
    }
    return n;
}

/* What one update takes from the weights as they were before; how many there
 * are. */
static uint64_t taken(const char *layer, const char *training,
                      uint32_t micro_batch, float *before, double *d)
{
    static float after[MOST];
    const struct plancl_compile_options o = {.micro_batch = micro_batch};
    const struct plancl_session_options so = {.seed = 1};
    struct plancl_plan *plan = NULL;
    struct plancl_session *s = NULL;
    char text[2048];
    uint64_t n;

    snprintf(text, sizeof text, model, layer, training);
    must(plancl_compile("clip", text, &o, &cb, &plan));
    must(plancl_session_open(plan, &so, &cb, &s));
    n = read_weights(plan, s, before);
    update(plan, s);
    read_weights(plan, s, after);
    for (uint64_t i = 0; i < n; i++)
        d[i] = (double)before[i] - (double)after[i];
    plancl_session_close(s);
    plancl_plan_free(plan);
    return n;
}

/* In double, over all tensors at once, as the definition says. */
static double norm_of(const double *d, uint64_t n)
{
    double sum = 0;

    for (uint64_t i = 0; i < n; i++)
        sum += d[i] * d[i];
    return sqrt(sum);
}

/* The limit is so many times the norm.  Catches a norm per tensor instead of
 * one for all, and one of a micro-batch instead of the update's. */
static void clip(const char *layer, double times, uint32_t micro_batch)
{
    static double whole[MOST], clipped[MOST];
    static float before[MOST];
    uint64_t n = taken(layer, "", 0, before, whole);
    double norm = norm_of(whole, n), factor;
    char training[64];

    assert_true(norm > 1e-3);
    snprintf(training, sizeof training, "\"clip_norm\": %.17g, ", norm * times);
    factor = fmin(1, norm * times / (norm + 1e-6));
    assert_int_equal(taken(layer, training, micro_batch, before, clipped), n);
    for (uint64_t i = 0; i < n; i++)
        if (!(fabs(clipped[i] - factor * whole[i]) <= 2e-7))
            fail_msg("weight %d: %.9g taken, wanted %.9g of %.9g", (int)i,
                     clipped[i], factor, whole[i]);
}

static void test_clipped(void **state)
{
    (void)state;
    clip("", 0.5, 0);
    clip("", 0.01, 0);
}

/* Below the limit nothing changes. */
static void test_below(void **state)
{
    (void)state;
    clip("", 2, 0);
}

/* The norm is that of the whole batch's gradient. */
static void test_micro_batches(void **state)
{
    (void)state;
    clip("", 0.5, 2);
    clip("", 0.5, 1);
}

/* Penalties belong to the gradient; frozen layers have none. */
static void test_penalty(void **state)
{
    (void)state;
    clip(", \"l2\": 0.25", 0.5, 2);
    clip(", \"l1\": 0.25", 0.5, 2);
}

/* On the 19 37 3 3 weights of the layer l1 is 0.25 times their sign and l2 0.5
 * times themselves; the bias has neither. */
static void test_penalties_apart(void **state)
{
    static double plain[MOST], l1[MOST], l2[MOST];
    static float w[MOST];
    uint64_t n = taken("", "", 0, w, plain);
    int on = 0;

    (void)state;
    assert_int_equal(taken(", \"l1\": 0.25", "", 2, w, l1), n);
    assert_int_equal(taken(", \"l2\": 0.25", "", 2, w, l2), n);
    for (uint64_t i = 0; i < n; i++) {
        double d1 = l1[i] - plain[i], d2 = l2[i] - plain[i];

        if (fabs(d1) <= 1e-6 && fabs(d2) <= 1e-6)
            continue;
        on++;
        assert_true(fabs(d1 - copysign(0.25, w[i])) <= 1e-6);
        assert_true(fabs(d2 - 0.5 * w[i]) <= 1e-6);
    }
    assert_int_equal(on, 19 * 37 * 3 * 3);
}

static void test_frozen(void **state)
{
    (void)state;
    clip(", \"trainable\": false", 0.5, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clipped),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_micro_batches),
        cmocka_unit_test(test_penalty),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_penalties_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
