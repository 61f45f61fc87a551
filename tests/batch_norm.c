/*
 * batch_norm.c: a model with batch norm: parameters and running statistics
 * after one update on a device, with a short batch, in micro-batches, and what
 * prediction makes of them.
 *
 * Golden numbers were computed with NumPy from the definition.
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

enum { SAMPLES = 4, ELEMENTS = 4, SKIP = 77 };

static const char model[] =
    "{\"plancl\": 1, \"name\": \"norm\", \"dims\": {\"N\": 4},"
    "\"inputs\": {\"x\": {\"shape\": [\"N\", 2, 2]},"
    "             \"t\": {\"shape\": [\"N\", 2, 2]}},"
    "\"layers\": [{\"name\": \"norm\", \"op\": \"BatchNormalization\","
    "  \"inputs\": [\"x\"], \"epsilon\": 1e-3, \"momentum\": 0.75,"
    "  \"running_variance\": \"unbiased\"}],"
    "\"outputs\": {\"y\": \"norm\"},"
    "\"training\": {"
    "  \"loss\": {\"op\": \"MSE\", \"inputs\": [\"norm\", \"t\"]},"
    "  \"optimizer\": {\"op\": \"SGD\", \"learning_rate\": 0.5}}}";

static const float x[] = {1, 2, 3, 5, -1, 0, 4, 2, 2, 2, 6, 1, 0, 3, -2, 8};
static const float t[] = {0, 1, 0, -1, 1, 1, 0, 0, 2, -1, 0, 1, 0, 0, 1, 1};

/* What one update of the first samples leaves: weight, bias, running mean and
 * variance, two channels each. */
static const struct {
    uint32_t samples, micro_batch;
    double want[8];
} updates[] = {
    {4,
     0,
     {0.426433739, 0.398143925, 0.25, 0.125, 0.28125, 0.84375, 1.20982143,
      3.17410714}},
    {3,
     0,
     {0.428232983, 0.305024806, 0.333333333, 0, 0.25, 0.875, 1.15, 1.625}},
    {4,
     2,
     {0.486802963, 0.373003515, 0.25, 0.125, 0.53125, 1.46875, 1.27083333,
      6.10416667}},
    {3,
     2,
     {0.629680219, 0.305207744, 0.333333333, 0, 0.59375, 1.53125, 0.875, 4}},
};
/* Of all samples, after the first of these. */
static const double predicted[] = {
    0.528541152,  0.916076667, 0.606792476,  1.05367245,
    -0.246529879, 0.141005636, 0.830232465,  0.383352487,
    0.916076667,  0.916076667, 1.27711244,   0.159912498,
    0.141005636,  1.30361218,  -0.510407469, 1.72399242};

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    if (m->severity == PLANCL_ERROR)
        fprintf(stderr, "%s\n", m->text);
}

/* Notes about the statistics of micro-batches. */
static void count_notes(void *context, const struct plancl_message *m)
{
    *(int *)context += m->severity == PLANCL_NOTE &&
                       strstr(m->text, "2 samples of a micro-batch") != NULL;
}

static const struct plancl_callbacks cb = {NULL, on_message, NULL};

static void must(enum plancl_status status)
{
    if (status == PLANCL_DEVICE)
        exit(SKIP);
    assert_int_equal(status, PLANCL_OK);
}

struct run {
    struct plancl_plan *plan;
    struct plancl_session *session;
};

static struct run start(uint32_t micro_batch, unsigned skip)
{
    const struct plancl_compile_options o = {.micro_batch = micro_batch,
                                             .skip = skip};
    const struct plancl_session_options so = {.seed = 1};
    struct run r = {NULL, NULL};

    must(plancl_compile("norm", model, &o, &cb, &r.plan));
    must(plancl_session_open(r.plan, &so, &cb, &r.session));
    return r;
}

static void end(struct run *r)
{
    plancl_session_close(r->session);
    plancl_plan_free(r->plan);
}

static void feed(struct run *r, const char *name, const float *data,
                 uint32_t first, uint32_t rows)
{
    must(plancl_write(r->session, name, data + first * ELEMENTS,
                      (uint64_t)rows * ELEMENTS * sizeof *data));
}

/* Samples 0 to samples - 1 in pieces, as a training does. */
static void update(struct run *r, uint32_t samples)
{
    uint32_t most = plancl_plan_batch(r->plan);

    for (uint32_t first = 0; first < samples; first += most) {
        uint32_t left = samples - first;
        struct plancl_batch b = {left < most ? left : most, first, samples};

        feed(r, "x", x, first, b.rows);
        feed(r, "t", t, first, b.rows);
        must(left > most ? plancl_accumulate(r->session, &b)
                         : plancl_step(r->session, &b));
    }
}

static void assert_near(const float *got, const double *want, int n)
{
    for (int i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) < 1e-5))
            fail_msg("element %d is %.9g, wanted %.9g", i, got[i], want[i]);
}

/* Weight, bias, running mean and variance, two channels each. */
static void assert_state(struct run *r, const double *want)
{
    static const char *const name[] = {"norm.weight", "norm.bias",
                                       "norm.running_mean", "norm.running_var"};
    float got[2];

    for (int k = 0; k < 4; k++) {
        must(plancl_read(r->session, name[k], got, sizeof got));
        assert_near(got, want + 2 * k, 2);
    }
}

/* With and without the passes that change where statistics are computed. */
static void one_update(void **state)
{
    static const unsigned skip[] = {0, PLANCL_SKIP_FUSE, PLANCL_SKIP_LAYOUT};

    (void)state;
    for (size_t i = 0; i < sizeof updates / sizeof *updates; i++)
        for (int k = 0; k < 3; k++) {
            struct run r = start(updates[i].micro_batch, skip[k]);

            update(&r, updates[i].samples);
            assert_state(&r, updates[i].want);
            end(&r);
        }
}

/* By the running statistics, whatever the batch. */
static void prediction(void **state)
{
    struct run r = start(0, 0);
    float y[SAMPLES * ELEMENTS];

    (void)state;
    update(&r, SAMPLES);
    feed(&r, "x", x, 0, SAMPLES);
    must(plancl_predict(r.session, SAMPLES));
    must(plancl_read(r.session, "y", y, sizeof y));
    assert_near(y, predicted, SAMPLES * ELEMENTS);
    /* It leaves the running statistics alone. */
    assert_state(&r, updates[0].want);
    end(&r);
}

/* Said once, and only of micro-batches. */
static void micro_batches_are_noted(void **state)
{
    (void)state;
    for (uint32_t micro_batch = 0; micro_batch <= 2; micro_batch += 2) {
        const struct plancl_compile_options o = {.micro_batch = micro_batch};
        struct plancl_plan *plan;
        int notes = 0;
        const struct plancl_callbacks counting = {&notes, count_notes, NULL};

        must(plancl_compile("norm", model, &o, &counting, &plan));
        assert_int_equal(notes, micro_batch ? 1 : 0);
        plancl_plan_free(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(micro_batches_are_noted),
        cmocka_unit_test(one_update),
        cmocka_unit_test(prediction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
