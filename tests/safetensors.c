/*
 * safetensors.c: the format's rules, each with a file that breaks it.
 *
 * tests/data/safetensors/ holds files that other programs take or refuse; the
 * headers here are those that take one line.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/safetensors.h"

/* Last: it has a macro called fail. */
#include <cmocka.h>

static char said[4096];

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    snprintf(said, sizeof said, "%s", m->text);
}

static const struct plancl_callbacks cb = {NULL, on_message, NULL};
static const char path[] = "safetensors.tmp.safetensors";

/* ---- files of other programs ---- */

/* at_least: a folder that was not found, or is empty, must not pass. */
static void each_file(const char *folder, enum plancl_status wanted,
                      int at_least)
{
    const char *source = getenv("top_srcdir");
    char name[1024];
    struct dirent *e;
    struct safetensors st;
    int n = 0;
    DIR *d;

    snprintf(name, sizeof name, "%s/tests/data/safetensors/%s",
             source ? source : ".", folder);
    d = opendir(name);
    assert_non_null(d);
    while ((e = readdir(d))) {
        char file[2048];
        enum plancl_status status;

        if (e->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", name, e->d_name);
        status = safetensors_open(file, &cb, &st);
        if (status != wanted)
            fail_msg("%s: status %d, %s", file, status, said);
        if (!status)
            safetensors_close(&st);
        n++;
    }
    closedir(d);
    assert_true(n >= at_least);
}

/* What other programs write and take must be taken. */
static void test_good_files(void **state)
{
    (void)state;
    each_file("good", PLANCL_OK, 14);
}

static void test_bad_files(void **state)
{
    (void)state;
    each_file("bad", PLANCL_REFUSED, 14);
}

/* ---- headers ---- */

/* A header, the bytes of data behind it, and a part of the message, null where
 * it is good. */
struct header_case {
    const char *text;
    uint64_t bytes;
    const char *wrong;
};

#define F32(fields) "{\"t\":{\"dtype\":\"F32\"," fields "}}"

static const struct header_case cases[] = {
    {"{}", 0, NULL},
    {" \t\n{} \r\n", 0, NULL},
    {"{}", 1, "end at 0 of 1"},
    {"", 0, "not a JSON object"},
    {"[]", 0, "not a JSON object"},
    {"{}x", 0, "something follows"},
    {"{}{}", 0, "something follows"},
    {"{", 0, "string is wanted"},
    {"{\"t\":1}", 0, "a tensor's object"},
    {"{\"t\"}", 0, "':' is wanted"},
    {F32("\"shape\":[1],\"data_offsets\":[0,4]"), 4, NULL},
    {F32("\"shape\":[],\"data_offsets\":[0,4]"), 4, NULL},
    {F32("\"shape\":[0],\"data_offsets\":[0,0]"), 0, NULL},
    {F32("\"shape\":[1],\"data_offsets\":[0,4],\"more\":[{\"a\":-1.5e+3}]"), 4,
     NULL},
    {F32("\"shape\":[1],\"data_offsets\":[0,4]") " ,", 4, "something follows"},
    {F32("\"shape\":[1],\"data_offsets\":[0,4],"), 4, "string is wanted"},
    {F32("\"shape\":[1,],\"data_offsets\":[0,4]"), 4, "whole number"},
    {F32("\"shape\":[-1],\"data_offsets\":[0,4]"), 4, "whole number"},
    {F32("\"shape\":[1.0],\"data_offsets\":[0,4]"), 4, "whole number"},
    {F32("\"shape\":[1e0],\"data_offsets\":[0,4]"), 4, "whole number"},
    {F32("\"shape\":[01],\"data_offsets\":[0,4]"), 4, "begins with 0"},
    {F32("\"shape\":[\"1\"],\"data_offsets\":[0,4]"), 4, "whole number"},
    {F32("\"shape\":null,\"data_offsets\":[0,4]"), 4, "array"},
    {F32("\"shape\":[18446744073709551616],\"data_offsets\":[0,4]"), 4,
     "64 bits"},
    {F32("\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]"), 0,
     "overflows"},
    {F32("\"shape\":[4611686018427387904],\"data_offsets\":[0,0]"), 0,
     "overflows"},
    {F32("\"shape\":[1],\"data_offsets\":[0,4,4]"), 4, "two numbers"},
    {F32("\"shape\":[1],\"data_offsets\":[4,8]"), 8, "begins at 4"},
    {F32("\"shape\":[1],\"data_offsets\":[0,4]"), 5, "end at 4 of 5"},
    {F32("\"shape\":[1],\"data_offsets\":[0,4]"), 3, "end at 4 of 3"},
    {F32("\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]"), 4, "twice"},
    {F32("\"shape\":[1]"), 4, "needs dtype"},
    {"{\"t\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "unknown dtype"},
    {"{\"t\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2,
     "whole bytes"},
    {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
     "\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
     2, "twice"},
    {"{\"t\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
     2, "begins at 1"},
    {"{\"__metadata__\":{\"a\":\"b\",\"c\":\"\"}}", 0, NULL},
    {"{\"__metadata__\":{\"a\":1}}", 0, "string is wanted"},
    {"{\"__metadata__\":null}", 0, "object of strings"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice"},
    {"{\"__metadata__\":{\"a\":\"b\",\"a\":\"b\"}}", 0, "twice"},
    {"{\"__metadata__\":{\"\\ud83d\\ude00\\n\":\"\xc3\xa9\"}}", 0, NULL},
    {"{\"__metadata__\":{\"\\ud83d\":\"\"}}", 0, "surrogate"},
    {"{\"__metadata__\":{\"\\u0000\":\"\"}}", 0, "zero byte"},
    {"{\"__metadata__\":{\"\\x\":\"\"}}", 0, "unknown escape"},
    {"{\"__metadata__\":{\"\n\":\"\"}}", 0, "control character"},
    {"{\"__metadata__\":{\"\xc3\":\"\"}}", 0, "not UTF-8"},
    {"{\"__metadata__\":{\"\xed\xa0\x80\":\"\"}}", 0, "not UTF-8"},
    {"{\"__metadata__\":{\"a\":\"", 0, "does not end"},
};

/* Null for a good header; else its message, until the arena closes. */
static const char *check(struct safetensors *st, const char *text,
                         uint64_t bytes)
{
    const char *unknown, *error;

    error = safetensors_parse(text, strlen(text), st, &unknown);
    return error ? error : safetensors_check(st, bytes);
}

static void try_header(const struct header_case *c)
{
    struct safetensors st = {.path = ""};
    jmp_buf out_of_memory;
    const char *error;

    arena_open(&st.arena, &out_of_memory);
    if (setjmp(out_of_memory))
        fail_msg("no memory");
    error = check(&st, c->text, c->bytes);
    if (!error != !c->wrong || (error && !strstr(error, c->wrong)))
        fail_msg("%s: %s", c->text, error ? error : "is taken");
    arena_close(&st.arena);
}

/* Each header with as many bytes of data as it says, or as it should not. */
static void test_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        try_header(&cases[i]);
}

/* Must end at a bound of ours, not at the end of the stack. */
static void test_deep_nesting(void **state)
{
    static char text[100100];
    struct safetensors st = {.path = ""};
    jmp_buf out_of_memory;

    (void)state;
    strcpy(text, "{\"t\":{\"x\":");
    memset(text + strlen(text), '[', 100000);
    arena_open(&st.arena, &out_of_memory);
    if (setjmp(out_of_memory))
        fail_msg("no memory");
    assert_non_null(strstr(check(&st, text, 0), "nested too deeply"));
    arena_close(&st.arena);
}

/* ---- whole files ---- */

static void write_raw(const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
}

/* The length is read before anything else, and believed least. */
static void test_lengths(void **state)
{
    struct safetensors st;

    (void)state;
    write_raw("\2\0\0\0\0\0\0", 7);
    assert_int_equal(safetensors_open(path, &cb, &st), PLANCL_REFUSED);
    assert_non_null(strstr(said, "shorter than 8"));
    write_raw("\3\0\0\0\0\0\0\0{}", 10);
    assert_int_equal(safetensors_open(path, &cb, &st), PLANCL_REFUSED);
    assert_non_null(strstr(said, "longer than the file"));
    write_raw("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    assert_int_equal(safetensors_open(path, &cb, &st), PLANCL_REFUSED);
    assert_non_null(strstr(said, "longer than 100 MB"));
    unlink(path);
    assert_int_equal(safetensors_open(path, &cb, &st), PLANCL_FAILED);
    assert_int_equal(safetensors_open("/", &cb, &st), PLANCL_REFUSED);
}

static const uint64_t dims[] = {2, 3};
static const float values[] = {1, -2, 3.5f, 0, 1e-30f, 6};
static const struct safetensors_pair pairs[] = {{"k\"ey", "line\nbreak"},
                                                {NULL, NULL}};

/* Three tensors in the order that aligns them: a scalar, a matrix, bytes. */
static enum plancl_status write_tensors(struct safetensors_writer *w)
{
    struct safetensors_tensor t[] = {
        {.name = "b", .dtype = "U8", .rank = 1, .dim = dims},
        {.name = "z", .dtype = "F32", .rank = 2, .dim = dims},
        {.name = "a", .dtype = "F32", .rank = 0},
    };

    qsort(t, 3, sizeof *t, safetensors_compare);
    assert_string_equal(t[0].name, "a");
    assert_string_equal(t[2].name, "b");
    return safetensors_create(w, path, t, 3, pairs, &cb);
}

/* Metadata with quotes and newlines, a tensor read from its second element
 * on. */
static void test_round_trip(void **state)
{
    struct safetensors_writer w;
    struct safetensors st;
    const struct safetensors_tensor *t;
    float back[6];

    (void)state;
    assert_int_equal(write_tensors(&w), PLANCL_OK);
    assert_int_equal(safetensors_add(&w, values, 4, &cb), PLANCL_OK);
    assert_int_equal(safetensors_add(&w, values, 24, &cb), PLANCL_OK);
    assert_int_equal(safetensors_add(&w, "xy", 2, &cb), PLANCL_OK);
    assert_int_equal(safetensors_commit(&w, &cb), PLANCL_OK);

    assert_int_equal(safetensors_open(path, &cb, &st), PLANCL_OK);
    assert_int_equal(st.data % 64, 0);
    assert_string_equal(safetensors_metadata(&st, "k\"ey"), "line\nbreak");
    assert_null(safetensors_metadata(&st, "other"));
    assert_null(safetensors_find(&st, "y"));
    t = safetensors_find(&st, "z");
    assert_non_null(t);
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->dim[1], 3);
    assert_int_equal(safetensors_read(&st, t, 4, back, 20, &cb), PLANCL_OK);
    assert_memory_equal(back, values + 1, 20);
    safetensors_close(&st);
    unlink(path);
}

/* A file that does not get all its bytes never takes the name. */
static void test_unfinished(void **state)
{
    struct safetensors_writer w;

    (void)state;
    assert_int_equal(write_tensors(&w), PLANCL_OK);
    assert_int_equal(safetensors_add(&w, values, 4, &cb), PLANCL_OK);
    assert_int_equal(safetensors_commit(&w, &cb), PLANCL_REFUSED);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(write_tensors(&w), PLANCL_OK);
    assert_int_equal(safetensors_add(&w, cases, 31, &cb), PLANCL_REFUSED);
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_files), cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_headers),    cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_lengths),    cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_unfinished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
