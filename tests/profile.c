/* profile.c: shipped profiles and their files agree; wrong files are refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/profile.h"

/* Last: it has a macro called fail. */
#include <cmocka.h>

static char said[1024];

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    snprintf(said, sizeof said, "%s", m->text);
}

static const struct plancl_callbacks cb = {NULL, on_message, NULL};

static void assert_same(const struct device_profile *a,
                        const struct device_profile *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->info.family, b->info.family);
    assert_int_equal(a->info.max_group, b->info.max_group);
    assert_int_equal(a->info.local_bytes, b->info.local_bytes);
    assert_int_equal(a->info.units, b->info.units);
    assert_true(a->info.flops == b->info.flops);
    assert_true(a->info.bytes_per_second == b->info.bytes_per_second);
    assert_true(a->info.launch_seconds == b->info.launch_seconds);
    assert_int_equal(a->memory, b->memory);
    assert_int_equal(a->max_allocation, b->max_allocation);
    assert_int_equal(a->alignment, b->alignment);
}

/* The table in the code and the files to copy from must not drift apart. */
static void test_shipped(void **state)
{
    static const char *const name[] = {"cpu", "t4", "generic"};
    const char *source = getenv("top_srcdir");

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct device_profile shipped, file;
        char path[1024];

        snprintf(path, sizeof path, "%s/runtime/profiles/%s.json",
                 source ? source : ".", name[i]);
        assert_int_equal(profile_read(name[i], &cb, &shipped), PLANCL_OK);
        if (profile_read(path, &cb, &file))
            fail_msg("%s", said);
        assert_same(&shipped, &file);
    }
}

#define HEAD "\"plancl_profile\": 1, \"name\": \"x\", \"family\": \"gpu\""
#define SIZES                                                        \
    "\"memory\": 4096, \"max_allocation\": 4096, \"max_group\": 1, " \
    "\"local_bytes\": 1"
#define SPEEDS "\"flops\": 1, \"bytes_per_second\": 1, \"launch_seconds\": 1"

#define WITH_KERNELS(text)                                                    \
    "{" HEAD ", " SIZES ", " SPEEDS ", \"alignment\": 64, \"kernels\": " text \
    "}"

/* A file's text and a part of the message, null where it is good.  Each case is
 * the good file with one mistake, so that it is that mistake which is found. */
static const struct {
    const char *text, *wrong;
} cases[] = {
    {"{" HEAD ", " SIZES ", " SPEEDS ", \"alignment\": 64}", NULL},
    {"{" HEAD ", " SIZES ", " SPEEDS ", \"alignment\": 32}", "power of two"},
    {"{" HEAD ", " SIZES ", " SPEEDS ", \"alignment\": 96}", "power of two"},
    {"{" HEAD ", " SIZES ", " SPEEDS ", \"alignment\": 64.5}", "whole number"},
    {"{" HEAD ", " SIZES ", " SPEEDS ", \"alignment\": -64}", "positive"},
    {"{" HEAD ", " SIZES ", " SPEEDS "}", "\"alignment\": a number"},
    {"{" HEAD ", " SIZES ", " SPEEDS ", \"align\": 64}", "\"align\": is no"},
    {"{" HEAD ", \"flops\": 2, " SPEEDS "}", "\"flops\": is given twice"},
    {"{" HEAD ", " SIZES ", " SPEEDS ", \"alignment\": 64,"
     " \"compute_units\": 40}",
     NULL},
    {"{" HEAD ", " SIZES ", " SPEEDS ", \"alignment\": 64,"
     " \"compute_units\": 0}",
     "\"compute_units\": a positive"},
    {"{\"plancl_profile\": 2}", "1 is wanted"},
    {"{\"plancl_profile\": 1, \"name\": \"\"}", "\"name\""},
    {"{\"plancl_profile\": 1, \"name\": \"x\", \"family\": \"tpu\"}",
     "\"family\""},
    {WITH_KERNELS("{}"), NULL},
    {WITH_KERNELS("{\"k\": {\"compute\": 0.5, \"traffic\": 0}}"), NULL},
    {WITH_KERNELS("3"), "\"kernels\": an object"},
    {WITH_KERNELS("{\"k\": 3}"), "\"k\": \"compute\" and"},
    {WITH_KERNELS("{\"k\": {\"compute\": 1}}"), "\"k\": \"compute\" and"},
    {WITH_KERNELS("{\"k\": {\"compute\": -1, \"traffic\": 1}}"),
     "\"k\": \"compute\" and"},
    {WITH_KERNELS("{\"k\": {\"compute\": 1, \"traffic\": 1},"
                  " \"k\": {\"compute\": 1, \"traffic\": 1}}"),
     "\"k\": is given twice"},
    {WITH_KERNELS("{\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\":"
                  " {\"compute\": 1, \"traffic\": 1}}"),
     "at most 47 bytes"},
    {"[]", "not a JSON object"},
    {"{", "not a JSON object"},
    {"", "not a JSON object"},
};

static void test_files(void **state)
{
    const char *path = "profile.tmp.json";

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct device_profile p;
        FILE *f = fopen(path, "w");
        enum plancl_status status;

        assert_non_null(f);
        fputs(cases[i].text, f);
        fclose(f);
        said[0] = 0;
        status = profile_read(path, &cb, &p);
        if (cases[i].wrong
                ? status != PLANCL_REFUSED || !strstr(said, cases[i].wrong)
                : status != PLANCL_OK)
            fail_msg("%s: %d, %s", cases[i].text, status, said);
    }
    unlink(path);
}

/* What is written is read back, rates too. */
static void test_written(void **state)
{
    const char *path = "profile.tmp.json";
    struct device_profile p, q;

    (void)state;
    assert_int_equal(profile_read("cpu", &cb, &p), PLANCL_OK);
    snprintf(p.name, sizeof p.name, "a \"name\"");
    p.info.units = 3;
    p.info.nrate = 2;
    p.info.rate[0] = (struct kernel_rate){"conv_cpu", 1 / 3.0, 0};
    p.info.rate[1] = (struct kernel_rate){"matmul_cpu", 0, 1e-9};
    assert_int_equal(profile_write(&p, path, &cb), PLANCL_OK);
    if (profile_read(path, &cb, &q))
        fail_msg("%s", said);
    assert_same(&p, &q);
    assert_int_equal(q.info.nrate, 2);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(p.info.rate[i].kernel, q.info.rate[i].kernel);
        assert_true(p.info.rate[i].compute == q.info.rate[i].compute);
        assert_true(p.info.rate[i].traffic == q.info.rate[i].traffic);
    }
    unlink(path);
}

/* A launch of a kernel that was measured takes what its rate says; another's is
 * the slower of its two parts. */
static void test_rates(void **state)
{
    struct launch l = {.entry = "a", .flop = 6, .bytes = 40, .efficiency = 0.5};
    struct device_info dev = {.flops = 4,
                              .bytes_per_second = 10,
                              .launch_seconds = 100,
                              .nrate = 1,
                              .rate = {{"b", 2, 0.5}}};

    (void)state;
    assert_true(launch_seconds(&l, &dev) == 100 + 4);
    l.entry = "b";
    assert_true(launch_seconds(&l, &dev) == 100 + 2 * 3 + 0.5 * 4);
}

/* 6 groups on 4 units take two rounds, of which the second is half idle. */
static void test_units(void **state)
{
    struct launch l = {.entry = "a",
                       .flop = 6,
                       .efficiency = 1,
                       .global = {4, 3, 1},
                       .local = {2, 1, 1}};
    struct device_info dev = {.flops = 6, .bytes_per_second = 1, .units = 4};

    (void)state;
    assert_true(fabs(launch_seconds(&l, &dev) - 8 / 6.0) < 1e-12);
    dev.units = 3;
    assert_true(launch_seconds(&l, &dev) == 1);
}

/* A name that is misspelt is looked for as a file; the message names both. */
static void test_missing(void **state)
{
    struct device_profile p;

    (void)state;
    assert_int_equal(profile_read("no such profile", &cb, &p), PLANCL_REFUSED);
    assert_non_null(strstr(said, "neither shipped"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped), cmocka_unit_test(test_files),
        cmocka_unit_test(test_written), cmocka_unit_test(test_rates),
        cmocka_unit_test(test_units),   cmocka_unit_test(test_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
