/*
 * weighted_mean.c: what a loss with weights is divided by, in training on a
 * device: means and updates against PyTorch 1.13 in double, for a whole batch, a
 * short one and micro-batches.
 *
 * The model adds a parameter p to logits that are its input; the golden p
 * follows from steps of SGD with the gradients of
 *
 *   ce = (w * cross_entropy(x + p, label, weight=c, reduction="none",
 *                           ignore_index=-1, label_smoothing=0.1)).sum()
 *        / (w * c[label])[label != -1].sum()
 *   mse = (w[:, None] * mse_loss(x + p, t, reduction="none")).sum()
 *         / (3 * w.sum())
 *   ce + 0.5 * mse
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/plancl_compile.h"
#include "runtime/plancl.h"

/* Last: it has a macro called fail. */
#include <cmocka.h>

enum { BATCH = 6, SHORT = 4, C = 3, SKIP = 77 };

/* %s: what the second loss takes as its weights. */
static const char model[] =
    "{\"plancl\": 1, \"name\": \"weighted_mean\", \"dims\": {\"N\": 6},"
    "\"inputs\": {\"x\": {\"shape\": [\"N\", 3]},"
    "             \"label\": {\"shape\": [\"N\"], \"dtype\": \"i32\"},"
    "             \"t\": {\"shape\": [\"N\", 3]},"
    "             \"w\": {\"shape\": [\"N\"]}},"
    "\"layers\": [{\"name\": \"p\", \"op\": \"Parameter\", \"shape\": [3]},"
    "  {\"name\": \"y\", \"op\": \"Add\", \"inputs\": [\"x\", \"p\"]}],"
    "\"outputs\": {\"y\": \"y\"},"
    "\"training\": {"
    "  \"loss\": {"
    "    \"ce\": {\"op\": \"CrossEntropy\", \"inputs\": [\"y\", \"label\", "
    "\"w\"],"
    "      \"class_weights\": [0.5, 2, 3], \"ignore_index\": -1,"
    "      \"label_smoothing\": 0.1},"
    "    \"mse\": {\"op\": \"MSE\", \"inputs\": [\"y\", \"t\", \"%s\"],"
    "      \"weight\": 0.5}},"
    "  \"optimizer\": {\"op\": \"SGD\", \"learning_rate\": 0.25}}}";

static const float x[BATCH * C] = {0, 1, 2,  -1,  0.5f, -3,    4, -2, 0.25f,
                                   1, 1, -1, .5f, 0,    -0.5f, 2, -2, 1};
static const float t[BATCH * C] = {1, 0, -1, 2,  0.5f, 1, 0,    3,     -2,
                                   1, 1, 1,  -1, 0,    2, 0.5f, 0.25f, -1.5f};
static const int32_t label[BATCH] = {2, 0, 1, -1, 1, 0};
static const float w[BATCH] = {0.5f, 2, 0.25f, 8, 0, 1.5f};
static const float nothing[BATCH] = {0};

struct golden {
    double ce, mse, p[C];
};
static const struct golden first = {
    1.8107620272910385,
    3.247874149659864,
    {0.030237850163684514, -0.014863886275796247, 0.15852059393524098}};
static const struct golden second = {
    1.9406601734368263,
    2.8537225384107656,
    {0.07959871435573218, -0.06430321573103523, 0.3626155979844894}};

struct run {
    struct plancl_plan *plan;
    struct plancl_session *s;
    const float *weights;
};

static void on_message(void *context, const struct plancl_message *m)
{
    snprintf(context, 4096, "%s", m->text);
}

static enum plancl_status compile(uint64_t micro_batch, const char *weights,
                                  const struct plancl_callbacks *cb,
                                  struct plancl_plan **plan)
{
    const struct plancl_compile_options o = {.micro_batch = micro_batch};
    char text[sizeof model + 8];

    snprintf(text, sizeof text, model, weights);
    return plancl_compile("weighted_mean", text, &o, cb, plan);
}

static void must(enum plancl_status status)
{
    if (status == PLANCL_DEVICE)
        exit(SKIP);
    assert_int_equal(status, PLANCL_OK);
}

/* Rows behind the samples are NaN, so that whoever reads them is found out. */
static void feed(struct run *r, uint32_t at, uint32_t rows)
{
    uint64_t all = plancl_plan_batch(r->plan);
    float stale[BATCH * C];

    for (int i = 0; i < BATCH * C; i++)
        stale[i] = NAN;
    must(plancl_write(r->s, "x", stale, all * C * sizeof *x));
    must(plancl_write(r->s, "t", stale, all * C * sizeof *t));
    must(plancl_write(r->s, "w", stale, all * sizeof *w));
    must(plancl_write(r->s, "x", x + at * C, rows * C * sizeof *x));
    must(plancl_write(r->s, "t", t + at * C, rows * C * sizeof *t));
    must(plancl_write(r->s, "w", r->weights + at, rows * sizeof *w));
    must(plancl_write(r->s, "label", label + at, rows * sizeof *label));
}

static void update(struct run *r, uint32_t effective)
{
    uint32_t most = plancl_plan_batch(r->plan);

    must(plancl_meters_clear(r->s, 1));
    assert_true(plancl_has_count(r->plan));
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t at = 0; at < effective; at += most) {
            uint32_t left = effective - at;
            struct plancl_batch b = {left < most ? left : most, at, effective};

            feed(r, at, b.rows);
            must(pass == 0     ? plancl_count(r->s, &b)
                 : left > most ? plancl_accumulate(r->s, &b)
                               : plancl_step(r->s, &b));
        }
}

static double mean_of(struct run *r, const char *name)
{
    struct plancl_meter m = {.name = NULL};

    for (uint32_t i = 0; i < plancl_meters(r->plan); i++) {
        must(plancl_meter_read(r->s, i, &m));
        if (m.training && strcmp(m.name, name) == 0)
            return m.mean;
    }
    return NAN;
}

static void check(struct run *r, const struct golden *g, float *p)
{
    must(plancl_read(r->s, "p", p, C * sizeof *p));
    assert_true(fabs(mean_of(r, "ce") - g->ce) < 2e-6);
    assert_true(fabs(mean_of(r, "mse") - g->mse) < 2e-6);
    for (int c = 0; c < C; c++)
        assert_true(fabs((double)p[c] - g->p[c]) < 2e-6);
}

/* p: after a whole and a short update. */
static void train(uint64_t micro_batch, float *p)
{
    const struct plancl_session_options so = {.seed = 1};
    char message[4096] = "";
    const struct plancl_callbacks cb = {message, on_message, NULL};
    struct run r = {.weights = w};
    float unmoved[C];

    must(compile(micro_batch, "w", &cb, &r.plan));
    must(plancl_session_open(r.plan, &so, &cb, &r.s));
    update(&r, BATCH);
    check(&r, &first, p);
    update(&r, SHORT);
    check(&r, &second, p);
    r.weights = nothing;
    update(&r, BATCH);
    must(plancl_read(r.s, "p", unmoved, sizeof unmoved));
    assert_memory_equal(p, unmoved, sizeof unmoved);
    plancl_session_close(r.s);
    plancl_plan_free(r.plan);
}

static void test_means(void **unused)
{
    float whole[C], cut[C];

    (void)unused;
    train(0, whole);
    for (uint64_t micro_batch = 1; micro_batch < BATCH; micro_batch++) {
        train(micro_batch, cut);
        assert_memory_equal(whole, cut, sizeof whole);
    }
}

static void test_trained_weights(void **unused)
{
    struct plancl_plan *plan = NULL;
    char message[4096] = "";
    const struct plancl_callbacks cb = {message, on_message, NULL};

    (void)unused;
    assert_int_equal(compile(0, "y", &cb, &plan), PLANCL_REFUSED);
    assert_non_null(
        strstr(message, "the weights of mse depend on a parameter"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_means),
        cmocka_unit_test(test_trained_weights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
