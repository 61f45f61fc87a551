/*
 * session.c: a session on a real device, with a plan made by hand.
 *
 * Checks the order of elements, refusals, settings, meters, files of weights
 * and their hash against numbers that follow from the kernels by arithmetic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/profile.h"
#include "runtime/safetensors.h"
#include "tests/session_plan.h"

/* Last: it has a macro called fail. */
#include <cmocka.h>

/* The last message of each severity. */
struct fixture {
    struct plancl_plan *plan;
    struct plancl_session *s;
    char message[3][4096];
};

static void on_message(void *context, const struct plancl_message *m)
{
    struct fixture *f = context;

    snprintf(f->message[m->severity], sizeof f->message[0], "%s", m->text);
}

static struct plancl_callbacks callbacks(struct fixture *f)
{
    return (struct plancl_callbacks){f, on_message, NULL};
}

/* With a seed, since first weights are drawn from it. */
static enum plancl_status open_session(struct fixture *f, int profile)
{
    struct plancl_session_options o = {.seed = 7, .profile = profile};
    struct plancl_callbacks cb = callbacks(f);

    return plancl_session_open(f->plan, &o, &cb, &f->s);
}

/* One session for all tests of the group, which each set what they rely on. */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct plancl_callbacks cb = callbacks(f);

    f->plan = session_plan(&cb);
    *state = f;
    return !f->plan || open_session(f, 1) != PLANCL_OK;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    plancl_session_close(f->s);
    plancl_plan_free(f->plan);
    free(f);
    return 0;
}

/* A message is used up, so that the next test does not see it. */
static void assert_said(struct fixture *f, enum plancl_severity severity,
                        const char *part)
{
    if (!strstr(f->message[severity], part))
        fail_msg("\"%s\" is not in the message \"%s\"", part,
                 f->message[severity]);
    f->message[severity][0] = 0;
}

static void assert_floats(const float *a, const float *b, int n)
{
    for (int i = 0; i < n; i++)
        assert_float_equal(a[i], b[i], 0);
}

/* ---- memory and order ---- */

/* The plan by hand must be one that a session would be given. */
static void test_plan_verifies(void **state)
{
    struct fixture *f = *state;
    struct plancl_callbacks cb = callbacks(f);

    if (plan_verify(&f->plan->plan, &cb))
        fail_msg("%s", f->message[PLANCL_ERROR]);
}

/* w is stored [3,2] and drawn as 7, 8, ...; the user sees [2,3]. */
static const float drawn[] = {7, 9, 11, 8, 10, 12};

static void test_init_and_order(void **state)
{
    struct fixture *f = *state;
    float w[6];

    assert_int_equal(plancl_read(f->s, "w", w, sizeof w), PLANCL_OK);
    assert_floats(w, drawn, 6);
}

/* y = 2 x w, as the load sequence left w. */
static void assert_predicts(struct plancl_session *s, const float *w)
{
    float x[PLAN_N * PLAN_ROW], y[PLAN_N * PLAN_ROW];

    for (int i = 0; i < PLAN_N * PLAN_ROW; i++)
        x[i] = (float)(i + 1);
    assert_int_equal(plancl_write(s, "x", x, sizeof x), PLANCL_OK);
    assert_int_equal(plancl_predict(s, PLAN_N), PLANCL_OK);
    assert_int_equal(plancl_read(s, "y", y, sizeof y), PLANCL_OK);
    for (int i = 0; i < PLAN_N * PLAN_ROW; i++)
        assert_float_equal(y[i], 2 * x[i] * w[i % PLAN_ROW], 0);
}

/* y = 2 x w needs the constant (2), the packed copy that `load` makes, and both
 * permutations. */
static void test_predict(void **state)
{
    struct fixture *f = *state;

    assert_predicts(f->s, drawn);
}

/* Fewer rows: the others keep what they had. */
static void test_short_rows(void **state)
{
    struct fixture *f = *state;
    float x[2 * PLAN_ROW], y[PLAN_N * PLAN_ROW], before[PLAN_N * PLAN_ROW];

    for (int i = 0; i < 2 * PLAN_ROW; i++)
        x[i] = -1;
    assert_int_equal(plancl_read(f->s, "y", before, sizeof before), PLANCL_OK);
    assert_int_equal(plancl_write(f->s, "x", x, sizeof x), PLANCL_OK);
    assert_int_equal(plancl_predict(f->s, 2), PLANCL_OK);
    assert_int_equal(plancl_read(f->s, "y", y, sizeof y), PLANCL_OK);
    for (int i = 0; i < 2 * PLAN_ROW; i++)
        assert_float_equal(y[i], -2 * drawn[i % PLAN_ROW], 0);
    assert_floats(y + 2 * PLAN_ROW, before + 2 * PLAN_ROW, 2 * PLAN_ROW);

    memset(before, 0, sizeof before);
    assert_int_equal(plancl_read(f->s, "y", before, sizeof x), PLANCL_OK);
    assert_floats(before, y, 2 * PLAN_ROW);
    assert_float_equal(before[2 * PLAN_ROW], 0, 0);
}

/* Names, sizes, indices, rows, places in an update, a sequence that is not
 * there; each with its numbers in the message. */
static void test_refusals(void **state)
{
    struct fixture *f = *state;
    float x[PLAN_N * PLAN_ROW + 1] = {0};
    int32_t label[] = {0, 2, 3, 0};
    struct plancl_batch b = {PLAN_N, 6, 2 * PLAN_N};

    assert_int_equal(plancl_write(f->s, "z", x, 4), PLANCL_REFUSED);
    assert_said(f, PLANCL_ERROR, "\"z\"");
    assert_int_equal(plancl_write(f->s, "x", x, 28), PLANCL_REFUSED);
    assert_said(f, PLANCL_ERROR, "a sample has 24");
    assert_int_equal(plancl_write(f->s, "x", x, 120), PLANCL_REFUSED);
    assert_int_equal(plancl_write(f->s, "x", x, 0), PLANCL_REFUSED);
    assert_int_equal(plancl_read(f->s, "w", x, 20), PLANCL_REFUSED);
    assert_said(f, PLANCL_ERROR, "the tensor has 24");
    assert_int_equal(plancl_write(f->s, "label", label, sizeof label),
                     PLANCL_REFUSED);
    assert_said(f, PLANCL_ERROR,
                "label: sample 2 has the value 3, allowed is 0 to 2, or -1");
    assert_int_equal(plancl_predict(f->s, 0), PLANCL_REFUSED);
    assert_int_equal(plancl_predict(f->s, 5), PLANCL_REFUSED);
    assert_said(f, PLANCL_ERROR, "1 to 4");
    assert_int_equal(plancl_step(f->s, &b), PLANCL_REFUSED);
    assert_said(f, PLANCL_ERROR, "samples 6 to 9");
    assert_int_equal(plancl_count(f->s, &b), PLANCL_REFUSED);
    assert_said(f, PLANCL_ERROR, "\"count\"");
}

/* ---- training ---- */

/* Five labels of which three are 1; clearing the meters of training leaves
 * these. */
static void test_meters(void **state)
{
    struct fixture *f = *state;
    int32_t label[] = {1, 2, -1, 1};
    struct plancl_meter m;

    assert_int_equal(plancl_write(f->s, "label", label, sizeof label),
                     PLANCL_OK);
    assert_int_equal(plancl_evaluate(f->s, 4), PLANCL_OK);
    assert_int_equal(plancl_evaluate(f->s, 1), PLANCL_OK);
    assert_int_equal(plancl_meter_read(f->s, 0, &m), PLANCL_OK);
    assert_string_equal(m.name, "hits");
    assert_float_equal(m.count, 5, 0);
    assert_float_equal(m.mean, 3.0 / 5, 1e-12);

    assert_int_equal(plancl_meters_clear(f->s, 1), PLANCL_OK);
    assert_int_equal(plancl_meter_read(f->s, 0, &m), PLANCL_OK);
    assert_float_equal(m.count, 5, 0);
    assert_int_equal(plancl_meters_clear(f->s, 0), PLANCL_OK);
    assert_int_equal(plancl_meter_read(f->s, 0, &m), PLANCL_OK);
    assert_float_equal(m.count, 0, 0);
    assert_true(m.mean != m.mean);
    assert_int_equal(plancl_meter_read(f->s, 1, &m), PLANCL_REFUSED);
}

/* An update in two pieces and one in one: m adds up the steps' numbers, w goes
 * down by rate * (first + rows). */
static void test_settings(void **state)
{
    struct fixture *f = *state;
    struct plancl_batch first = {4, 0, 6}, last = {2, 4, 6}, whole = {3, 0, 3};
    float w[6], m;

    assert_int_equal(plancl_init(f->s), PLANCL_OK);
    assert_int_equal(plancl_accumulate(f->s, &first), PLANCL_OK);
    assert_int_equal(plancl_updates(f->s), 0);
    assert_int_equal(plancl_step(f->s, &last), PLANCL_OK);
    assert_int_equal(plancl_updates(f->s), 1);
    plancl_set_learning_rate(f->s, 0.25);
    assert_int_equal(plancl_step(f->s, &whole), PLANCL_OK);
    assert_int_equal(plancl_updates(f->s), 2);

    /* Steps 1, 1 and 2; rates 0.5 (4 + 2) and 0.25 (0 + 3). */
    assert_int_equal(plancl_read(f->s, "m", &m, sizeof m), PLANCL_OK);
    assert_float_equal(m, 4, 0);
    assert_int_equal(plancl_read(f->s, "w", w, sizeof w), PLANCL_OK);
    for (int i = 0; i < 6; i++)
        assert_float_equal(w[i], drawn[i] - 3.75f, 0);
}

/* ---- files ---- */

/* A file brings back weights, state, the count of updates and so the hash. */
static void test_weights(void **state)
{
    struct fixture *f = *state;
    struct plancl_batch whole = {4, 0, 4};
    char before[65], after[65];
    float w[6], again[6];

    assert_int_equal(plancl_step(f->s, &whole), PLANCL_OK);
    assert_int_equal(plancl_read(f->s, "w", w, sizeof w), PLANCL_OK);
    assert_int_equal(plancl_weights_hash(f->s, before), PLANCL_OK);
    assert_int_equal(plancl_weights_save(f->s, "session.tmp.safetensors"),
                     PLANCL_OK);
    uint64_t updates = plancl_updates(f->s);

    assert_int_equal(plancl_init(f->s), PLANCL_OK);
    assert_int_equal(plancl_weights_hash(f->s, after), PLANCL_OK);
    assert_string_not_equal(before, after);
    assert_int_equal(plancl_weights_load(f->s, "session.tmp.safetensors"),
                     PLANCL_OK);
    assert_int_equal(plancl_updates(f->s), updates);
    assert_int_equal(plancl_weights_hash(f->s, after), PLANCL_OK);
    assert_string_equal(before, after);
    assert_int_equal(plancl_read(f->s, "w", again, sizeof again), PLANCL_OK);
    assert_floats(again, w, 6);
    unlink("session.tmp.safetensors");
}

/* A file with the given names, w in the user's order, and one m. */
static void write_file(const char *w_name, uint64_t columns, const char *other)
{
    static const float data[] = {1, 2, 3, 4, 5, 6, 7};
    uint64_t dim[] = {2, columns}, one = 1;
    struct safetensors_tensor t[] = {{.name = w_name, .dtype = "F32"},
                                     {.name = other, .dtype = "F32"}};
    struct safetensors_writer w;

    t[0].rank = 2;
    t[0].dim = dim;
    t[1].rank = 1;
    t[1].dim = &one;
    assert_int_equal(
        safetensors_create(&w, "session.tmp.safetensors", t, 2, NULL, NULL),
        PLANCL_OK);
    assert_int_equal(
        safetensors_add(&w, data, (2 * columns + 1) * sizeof *data, NULL),
        PLANCL_OK);
    assert_int_equal(safetensors_commit(&w, NULL), PLANCL_OK);
}

/* Files by another program: a wrong name, a wrong shape, no state. */
static void test_foreign_weights(void **state)
{
    struct fixture *f = *state;
    const char *path = "session.tmp.safetensors";
    float w[6], m;

    write_file("v", 3, "m");
    assert_int_equal(plancl_weights_load(f->s, path), PLANCL_REFUSED);
    assert_said(f, PLANCL_ERROR,
                "1 missing, 0 of another shape or type; 1 not in the plan; "
                "missing: w; not in the plan are: v");
    write_file("w", 2, "m");
    assert_int_equal(plancl_weights_load(f->s, path), PLANCL_REFUSED);
    assert_said(f, PLANCL_ERROR, "w is F32 [2,2], the plan has F32 [2,3]");

    write_file("w", 3, "spare");
    assert_int_equal(plancl_weights_load(f->s, path), PLANCL_OK);
    assert_said(f, PLANCL_NOTE, "starts anew: m");
    assert_int_equal(plancl_updates(f->s), 0);
    assert_int_equal(plancl_read(f->s, "w", w, sizeof w), PLANCL_OK);
    for (int i = 0; i < 6; i++)
        assert_float_equal(w[i], i + 1, 0);
    assert_int_equal(plancl_read(f->s, "m", &m, sizeof m), PLANCL_OK);
    assert_float_equal(m, 0, 0);

    assert_predicts(f->s, w);
    unlink(path);
}

/* What does not fit is drawn; what fits is loaded. */
static void test_allow_missing(void **state)
{
    const struct plancl_weights_options o = {.allow_missing = 1};
    struct fixture *f = *state;
    const char *path = "session.tmp.safetensors";
    float w[6], m;

    write_file("v", 3, "m");
    assert_int_equal(plancl_weights_load_with(f->s, path, &o), PLANCL_OK);
    assert_said(f, PLANCL_NOTE, "1 not in the plan, so not used: v");
    assert_int_equal(plancl_updates(f->s), 0);
    assert_int_equal(plancl_read(f->s, "w", w, sizeof w), PLANCL_OK);
    assert_floats(w, drawn, 6);
    assert_int_equal(plancl_read(f->s, "m", &m, sizeof m), PLANCL_OK);
    assert_float_equal(m, 7, 0);
    assert_predicts(f->s, w);

    write_file("w", 2, "spare");
    assert_int_equal(plancl_weights_load(f->s, path), PLANCL_REFUSED);
    assert_said(f, PLANCL_ERROR,
                "0 missing, 1 of another shape or type; 1 not in the plan; of "
                "another shape or type: w is F32 [2,2], the plan has F32 "
                "[2,3]; not in the plan are: spare");
    assert_int_equal(plancl_weights_load_with(f->s, path, &o), PLANCL_OK);
    assert_said(f, PLANCL_WARNING, "1 tensors have another shape or type");
    assert_int_equal(plancl_read(f->s, "w", w, sizeof w), PLANCL_OK);
    assert_floats(w, drawn, 6);
    unlink(path);
}

/* Entries are those of the plan, in its order; the trace is JSON that a browser
 * opens. */
static void test_profile(void **state)
{
    struct fixture *f = *state;
    struct plancl_profile_entry e;
    char text[256] = "";
    FILE *file;

    assert_int_equal(plancl_profile_entries(f->s), 7);
    assert_int_equal(plancl_profile_entry(f->s, 6, &e), PLANCL_OK);
    assert_string_equal(e.kernel, "apply");
    assert_string_equal(e.sequence, "predict");
    assert_true(e.runs >= 1 && e.seconds > 0);
    assert_int_equal(plancl_trace_save(f->s, "session.tmp.json"), PLANCL_OK);
    file = fopen("session.tmp.json", "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 100);
    fclose(file);
    assert_non_null(strstr(text, "\"ph\": \"X\""));
    unlink("session.tmp.json");
}

/* ---- opening ---- */

/* The message lists what there is. */
static void test_devices(void **state)
{
    struct fixture *f = *state;
    struct fixture other = {.plan = f->plan};
    struct plancl_callbacks cb = callbacks(&other);
    struct plancl_session_options o = {.device = "no such device"};

    assert_int_equal(plancl_session_open(f->plan, &o, &cb, &other.s),
                     PLANCL_DEVICE);
    assert_said(&other, PLANCL_ERROR, "\"no such device\"; there is 0: ");
    o.device = "0";
    assert_int_equal(plancl_session_open(f->plan, &o, &cb, &other.s),
                     PLANCL_OK);
    plancl_session_close(other.s);
}

static void test_device_profile(void **state)
{
    struct fixture *f = *state;
    struct plancl_callbacks cb = callbacks(f);
    struct device_profile p;

    assert_int_equal(profile_of_device(NULL, &cb, &p), PLANCL_OK);
    assert_true(p.name[0] && p.info.max_group && p.info.local_bytes);
    assert_true(p.max_allocation && p.max_allocation <= p.memory);
    assert_true(p.info.flops > 0 && p.info.bytes_per_second > 0);
    assert_int_equal(profile_of_device("no such", &cb, &p), PLANCL_DEVICE);
}

/* Plans that no device can hold, and one that lies about host memory. */
static void test_open_refusals(void **state)
{
    struct fixture *f = *state;
    struct fixture other = {.plan = f->plan};
    struct plancl_plan changed = *f->plan;

    other.plan = &changed;
    changed.plan.device_bytes = UINT64_MAX / 2;
    assert_int_equal(open_session(&other, 0), PLANCL_MEMORY);
    assert_said(&other, PLANCL_ERROR, "the plan takes");
    changed = *f->plan;
    changed.plan.slab_bytes = (const uint64_t[]){1280, UINT64_MAX / 2};
    assert_int_equal(open_session(&other, 0), PLANCL_MEMORY);
    assert_said(&other, PLANCL_ERROR, "allocates at most");
    changed = *f->plan;
    changed.plan.host_bytes = 1000;
    assert_int_equal(open_session(&other, 0), PLANCL_REFUSED);
    assert_said(&other, PLANCL_ERROR, "host memory");
}

static void ignore_device(void *context, unsigned index,
                          const struct plancl_device *d)
{
    (void)context;
    (void)index;
    (void)d;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_verifies),
        cmocka_unit_test(test_init_and_order),
        cmocka_unit_test(test_predict),
        cmocka_unit_test(test_short_rows),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_meters),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_foreign_weights),
        cmocka_unit_test(test_allow_missing),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_device_profile),
        cmocka_unit_test(test_open_refusals),
    };

    if (plancl_devices(NULL, ignore_device, NULL)) {
        printf("skipped: no OpenCL device\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
