/*
 * plan.c: plans as objects, as files, as text.
 *
 * Most of it is about the sample of plan_sample.c, whose sizes were added up by
 * hand: 672 bytes of slabs, 96 of them the arena's.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* base.h has a function of this name */

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/plan_sample.h"

/* Each test has a sample of its own to spoil, and a folder below the
 * build's. */
struct bench {
    struct sample sample;
    struct said said;
    struct arena arena;
    jmp_buf out_of_memory;
    char folder[64];
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));

    if (!b || setjmp(b->out_of_memory))
        return -1;
    sample_make(&b->sample);
    said_init(&b->said);
    arena_open(&b->arena, &b->out_of_memory);
    strcpy(b->folder, "plan-test-XXXXXX");
    *state = b;
    return mkdtemp(b->folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    arena_close(&b->arena);
    rmdir(b->folder);
    free(b);
    return 0;
}

static struct text written(struct bench *b, const struct plan *p)
{
    struct text t = {.arena = &b->arena};

    plan_json_write(p, &t);
    return t;
}

/* What all refusals of plan_refuse.c are measured against: one change makes the
 * difference. */
static void sample_verifies(void **state)
{
    struct bench *b = *state;

    assert_int_equal(plan_verify(&b->sample.plan, &b->said.callbacks), 0);
    assert_int_equal(b->said.count, 0);
}

/* The original is spoilt first, so a pointer that still leads there is seen. */
static void copy_is_the_same(void **state)
{
    struct bench *b = *state;
    struct plancl_plan *copy = NULL;
    struct text one = written(b, &b->sample.plan);
    struct text two;

    assert_int_equal(plan_copy(&b->sample.plan, NULL, &copy), PLANCL_OK);
    memset(b->sample.buffer, 0xff, sizeof(b->sample.buffer));
    memset(b->sample.string, 'x', sizeof(b->sample.string));
    two = written(b, &copy->plan);
    assert_string_equal(one.s, two.s);
    plancl_plan_free(copy);
}

/* Comparing texts alone would miss what writer and reader both leave out; hence
 * the single values. */
static void text_comes_back_byte_for_byte(void **state)
{
    struct bench *b = *state;
    struct plancl_plan *read = NULL;
    struct text one = written(b, &b->sample.plan);
    struct text two;

    assert_int_equal(plan_json_read(one.s, one.len, &b->said.callbacks, &read),
                     PLANCL_OK);
    two = written(b, &read->plan);
    assert_int_equal(one.len, two.len);
    assert_string_equal(one.s, two.s);
    assert_int_equal(plan_verify(&read->plan, &b->said.callbacks), PLANCL_OK);
    assert_string_equal(plan_string(&read->plan, read->plan.program),
                        "__kernel void draw()\n{\n}\n\n");
    assert_memory_equal(read->plan.constant, b->sample.constant, 4);
    assert_memory_equal(read->plan.sequence, b->sample.plan.sequence,
                        sizeof(read->plan.sequence));
    assert_true(read->plan.learning_rate == 1e-3);
    assert_true(read->plan.host_bytes == UINT64_MAX);
    assert_true(read->plan.tensor[2].except == -1);
    plancl_plan_free(read);
}

/* Around the 32 bytes of a line: one line short, full, one more, and two. */
static void constants_fill_lines(void **state)
{
    static const uint32_t sizes[] = {4, 28, 32, 36, 64};
    struct bench *b = *state;
    static uint8_t bytes[64];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct plan p = b->sample.plan;
        struct plancl_plan *read = NULL;
        struct text t;

        for (uint32_t k = 0; k < sizes[i]; k++)
            bytes[k] = (uint8_t)(37 * k + (uint32_t)i);
        p.constant = bytes;
        p.nconstant_bytes = sizes[i];
        t = written(b, &p);
        assert_int_equal(plan_json_read(t.s, t.len, NULL, &read), PLANCL_OK);
        assert_int_equal(read->plan.nconstant_bytes, sizes[i]);
        assert_memory_equal(read->plan.constant, bytes, sizes[i]);
        plancl_plan_free(read);
    }
}

/* No slab, buffer or entry: loops that count down and arrays of size zero. */
static void empty_plan_is_a_plan(void **state)
{
    struct bench *b = *state;
    struct plan p = {.version = PLAN_VERSION,
                     .batch = 1,
                     .effective = 1,
                     .nstring = 1,
                     .string = ""};
    struct plancl_plan *read = NULL;
    struct text t;

    memset(p.numerics, '0', 64);
    t = written(b, &p);
    assert_int_equal(plan_json_read(t.s, t.len, &b->said.callbacks, &read),
                     PLANCL_OK);
    assert_int_equal(plan_verify(&read->plan, &b->said.callbacks), PLANCL_OK);
    assert_false(plancl_can_train(read));
    plancl_plan_free(read);
}

static void file_comes_back(void **state)
{
    struct bench *b = *state;
    struct plancl_plan *made = NULL;
    struct plancl_plan *read = NULL;
    char *path = arena_format(&b->arena, "%s/a.plan", b->folder);

    assert_int_equal(plan_copy(&b->sample.plan, NULL, &made), PLANCL_OK);
    assert_int_equal(plancl_plan_save(made, path, &b->said.callbacks),
                     PLANCL_OK);
    assert_int_equal(plancl_plan_load(path, &b->said.callbacks, &read),
                     PLANCL_OK);
    assert_string_equal(written(b, &made->plan).s, written(b, &read->plan).s);
    plancl_plan_free(made);
    plancl_plan_free(read);
    unlink(path);
}

/* A file that is not there, a folder, content that does not verify, and a place
 * that cannot be written; nothing is returned in any case. */
static void bad_files_are_refused(void **state)
{
    struct bench *b = *state;
    struct plancl_plan *made = NULL;
    struct plancl_plan *read = NULL;
    char *path = arena_format(&b->arena, "%s/a.plan", b->folder);

    assert_int_equal(plancl_plan_load(path, &b->said.callbacks, &read),
                     PLANCL_FAILED);
    assert_int_equal(plancl_plan_load(b->folder, &b->said.callbacks, &read),
                     PLANCL_FAILED);
    b->sample.plan.device_bytes++;
    assert_int_equal(plan_copy(&b->sample.plan, NULL, &made), PLANCL_OK);
    assert_int_equal(plancl_plan_save(made, path, NULL), PLANCL_OK);
    assert_int_equal(plancl_plan_load(path, &b->said.callbacks, &read),
                     PLANCL_REFUSED);
    assert_string_equal(b->said.file, path);
    assert_non_null(strstr(b->said.text, "device_bytes"));
    assert_null(read);
    assert_int_equal(
        plancl_plan_save(made, "no/such/folder/a.plan", &b->said.callbacks),
        PLANCL_FAILED);
    plancl_plan_free(made);
    unlink(path);
}

/* The public functions alone, as a program outside would ask. */
static void questions_are_answered(void **state)
{
    struct bench *b = *state;
    struct plancl_plan *plan = NULL;
    struct plancl_tensor t;

    assert_int_equal(plan_copy(&b->sample.plan, NULL, &plan), PLANCL_OK);
    assert_int_equal(plancl_plan_device_bytes(plan), 672);
    assert_int_equal(plancl_plan_batch(plan), 4);
    assert_int_equal(plancl_plan_effective_batch(plan), 8);
    assert_int_equal(plancl_plan_tensors(plan), SAMPLE_TENSORS);
    assert_int_equal(plancl_meters(plan), 1);
    assert_true(plancl_can_train(plan));
    assert_false(plancl_has_count(plan));
    t = plancl_plan_tensor(plan, 0);
    assert_string_equal(t.name, "fc.weight");
    assert_int_equal(t.role, PLANCL_PARAMETER);
    assert_int_equal(t.dtype, PLANCL_F32);
    assert_int_equal(t.rank, 2);
    assert_int_equal(t.dim[0], 2);
    assert_int_equal(t.dim[1], 3);
    assert_int_equal(t.bytes, 24);
    assert_false(t.batched);
    t = plancl_plan_tensor(plan, 2);
    assert_int_equal(t.role, PLANCL_INPUT);
    assert_int_equal(t.dtype, PLANCL_I32);
    assert_true(t.batched);
    assert_true(strlen(plancl_version()) > 0);
    plancl_plan_free(plan);
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

/* Categories and `unused` must add up to the slabs, or the report hides
 * bytes. */
static void inspect_sums_up(void **state)
{
    struct bench *b = *state;
    struct text t = {.arena = &b->arena};
    const cJSON *part;
    double sum = 0;
    cJSON *top;

    plan_inspect_json(&b->sample.plan, &t);
    top = cJSON_Parse(t.s);
    assert_non_null(top);
    assert_true(number(top, "device_bytes") == 672);
    assert_true(number(top, "arena_bytes") == 96);
    assert_true(number(top, "live_lower_bound") == 96);
    assert_true(number(top, "batch") == 4);
    assert_true(number(top, "effective_batch") == 8);
    assert_true(number(top, "predicted_step_s") == 1.33333333e-05);
    cJSON_ArrayForEach(part, cJSON_GetObjectItem(top, "categories"))
    {
        sum += part->valuedouble;
    }
    assert_true(sum == 672);
    part = cJSON_GetObjectItem(top, "categories");
    assert_true(number(part, "parameter") == 24);
    assert_true(number(part, "transient") == 64);
    assert_true(number(part, "workspace") == 32);
    part = cJSON_GetObjectItem(cJSON_GetObjectItem(top, "sequences"), "step");
    assert_true(number(part, "entries") == 4);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(top, "slabs")), 2);
    cJSON_Delete(top);
}

/* 8 samples in pieces of 4: both are counted, one is accumulated. */
static void step_is_a_whole_update(void **state)
{
    struct bench *b = *state;
    struct plan *p = &b->sample.plan;
    const double entry = 1e-5 / 3;

    assert_true(fabs(plan_step_seconds(p) - 4 * entry) < 1e-15);
    p->sequence[SEQ_ACCUMULATE] = (struct plan_sequence){1, 3};
    p->sequence[SEQ_COUNT] = (struct plan_sequence){5, 2};
    assert_true(fabs(plan_step_seconds(p) - (4 + 3 + 2 * 2) * entry) < 1e-15);
    p->sequence[SEQ_STEP].count = 0;
    assert_true(plan_step_seconds(p) == 0);
}

/* Texts for people may change; that they name things may not. */
static void print_names_things(void **state)
{
    static const char *const wanted[] = {"plan sample",
                                         "fc.weight",
                                         "predicted step 0.0133 ms",
                                         "sequence step: 4 entries",
                                         "scratch",
                                         "workspace",
                                         "arena",
                                         "<> #0.0 fc.weight",
                                         "backward"};
    struct bench *b = *state;
    struct text t = {.arena = &b->arena};

    plan_print(&b->sample.plan, &t);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
        assert_non_null(strstr(t.s, wanted[i]));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sample_verifies),
        CASE(copy_is_the_same),
        CASE(text_comes_back_byte_for_byte),
        CASE(constants_fill_lines),
        CASE(empty_plan_is_a_plan),
        CASE(file_comes_back),
        CASE(bad_files_are_refused),
        CASE(questions_are_answered),
        CASE(inspect_sums_up),
        CASE(step_is_a_whole_update),
        CASE(print_names_things),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
