/*
 * data_dataset.c: columns, their conversions and their refusals.
 */
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/data_test.h"

#define DICT(descr, shape) \
    "{'descr': '" descr "', 'fortran_order': False, 'shape': " shape ", }"

static void write_f4(const char *path, const char *dict, const float *x,
                     size_t n)
{
    write_npy(path, dict, x, n * sizeof *x);
}

/* Samples in any order and twice, a name with '=' and ':' in it, both columns
 * by one index. */
static void test_columns(void **state)
{
    static const float x[] = {0, 1, 2, 3, 4, 5};
    static const int64_t label[] = {7, 8, 9};
    static const char *const specs[] = {"image=x.npy:scale=1/2",
                                        "label=a=b:c.npy"};
    static const uint64_t index[] = {2, 0, 1, 2};
    struct last_message last;
    struct plancl_callbacks cb = keep_message(&last);
    struct plancl_data *d = NULL;
    float image[8];
    int32_t v[4];

    (void)state;
    write_f4("x.npy", DICT("<f4", "(3, 2)"), x, 6);
    write_npy("a=b:c.npy", DICT("<i8", "(3,)"), label, sizeof label);
    assert_int_equal(plancl_data_open(specs, 2, &cb, &d), PLANCL_OK);
    assert_int_equal(plancl_data_columns(d), 2);
    assert_int_equal(plancl_data_samples(d), 3);
    assert_string_equal(plancl_data_column(d, 1).name, "label");
    assert_string_equal(plancl_data_column(d, 1).path, "a=b:c.npy");
    assert_int_equal(plancl_data_read(d, 0, index, 4, PLANCL_F32, image),
                     PLANCL_OK);
    for (int i = 0; i < 8; i++)
        assert_true(image[i] == x[2 * index[i / 2] + i % 2] / 2);
    assert_int_equal(plancl_data_read(d, 1, index, 4, PLANCL_I32, v),
                     PLANCL_OK);
    assert_true(v[0] == 9 && v[1] == 7 && v[2] == 8 && v[3] == 9);
    assert_in_range(plancl_data_host_bytes(d), 1, 4096);
    assert_int_equal(
        plancl_data_read(d, 1, (uint64_t[]){0, 3}, 2, PLANCL_I32, v),
        PLANCL_REFUSED);
    assert_non_null(strstr(last.text, "sample 3 of 3"));
    assert_int_equal(plancl_data_read(d, 2, index, 1, PLANCL_I32, v),
                     PLANCL_REFUSED);
    assert_int_equal(plancl_data_read(d, 0, index, 1, (enum plancl_dtype)0, v),
                     PLANCL_REFUSED);
    plancl_data_close(d);
    plancl_data_close(NULL);
}

/* Numbers that strtod would take and a command line should not; a pipe, which
 * would hold us. */
static void test_bad_specs(void **state)
{
    static const struct {
        const char *spec;
        enum plancl_status status;
        const char *words;
    } cases[] = {
        {"", PLANCL_REFUSED, "NAME=FILE"},
        {"x.npy", PLANCL_REFUSED, "NAME=FILE"},
        {"=x.npy", PLANCL_REFUSED, "NAME=FILE"},
        {"x=", PLANCL_REFUSED, "file is missing"},
        {"x=:scale=2", PLANCL_REFUSED, "file is missing"},
        {"x=x.npy:scale=", PLANCL_REFUSED, "scale ''"},
        {"x=x.npy:scale=1/", PLANCL_REFUSED, "scale '1/'"},
        {"x=x.npy:scale=/2", PLANCL_REFUSED, "scale '/2'"},
        {"x=x.npy:scale=1/0", PLANCL_REFUSED, "scale '1/0'"},
        {"x=x.npy:scale=0", PLANCL_REFUSED, "scale '0'"},
        {"x=x.npy:scale=1/2/3", PLANCL_REFUSED, "scale '1/2/3'"},
        {"x=x.npy:scale=nan", PLANCL_REFUSED, "scale 'nan'"},
        {"x=x.npy:scale=1e999", PLANCL_REFUSED, "scale '1e999'"},
        {"x=x.npy:scale=0x10", PLANCL_REFUSED, "scale '0x10'"},
        {"x=x.npy:scale= 1", PLANCL_REFUSED, "scale ' 1'"},
        {"x=x.npy:scale=1,5", PLANCL_REFUSED, "scale '1,5'"},
        {"x=none.npy", PLANCL_FAILED, "none.npy: cannot be opened"},
        {"x=.", PLANCL_REFUSED, "not a regular file"},
        {"x=pipe", PLANCL_REFUSED, "not a regular file"},
    };
    static const float one = 1;
    struct plancl_data *d = NULL;

    (void)state;
    write_f4("x.npy", DICT("<f4", "(1,)"), &one, 1);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].spec, cases[i].status, cases[i].words);
    assert_int_equal(plancl_data_open(NULL, 0, NULL, &d), PLANCL_REFUSED);
    plancl_data_close(open_one("x=x.npy:scale=-1.5e-3"));
}

/* Each of the two alone would do. */
static void refuse_pair(const char *a, const char *b, const char *words)
{
    const char *specs[] = {a, b};
    struct last_message last;
    struct plancl_callbacks cb = keep_message(&last);
    struct plancl_data *d = NULL;

    assert_int_equal(plancl_data_open(specs, 2, &cb, &d), PLANCL_REFUSED);
    assert_null(d);
    assert_int_equal(last.count, 1);
    assert_non_null(strstr(last.text, words));
}

static void test_columns_that_differ(void **state)
{
    static const float x[] = {1, 2, 3};

    (void)state;
    write_f4("two.npy", DICT("<f4", "(2,)"), x, 2);
    write_f4("three.npy", DICT("<f4", "(3,)"), x, 3);
    refuse_pair("a=two.npy", "b=three.npy",
                "two.npy has 2 samples, three.npy has 3");
    refuse_pair("a=two.npy", "a=three.npy", "'a' is given twice");
}

/* Division in float is correctly rounded, and both operands are exact. */
static void test_bytes_to_unit(void **state)
{
    unsigned char bytes[256];
    uint64_t index[256];
    float x[256];
    struct plancl_data *d;

    (void)state;
    for (int i = 0; i < 256; i++) {
        bytes[i] = (unsigned char)i;
        index[i] = (uint64_t)i;
    }
    write_npy("u.npy", DICT("|u1", "(256,)"), bytes, 256);
    d = open_one("x=u.npy:scale=1/255");
    assert_int_equal(plancl_data_read(d, 0, index, 256, PLANCL_F32, x),
                     PLANCL_OK);
    for (int i = 0; i < 256; i++)
        assert_true(x[i] == (float)i / 255.0f);
    plancl_data_close(d);
}

/* Longer than the buffers, so that every seam is crossed. */
static void test_long_samples(void **state)
{
    enum { N = 3, LENGTH = 20011 };
    static const uint64_t index[] = {1, 2, 0};
    float *x = malloc(sizeof *x * N * LENGTH);
    float *out = malloc(sizeof *out * N * LENGTH);
    int32_t *v = malloc(sizeof *v * N * LENGTH);
    struct plancl_data *d;

    (void)state;
    assert_true(x && out && v);
    for (int i = 0; i < N * LENGTH; i++)
        x[i] = (float)i;
    write_f4("long.npy", DICT("<f4", "(3, 20011)"), x, (size_t)N * LENGTH);
    d = open_one("x=long.npy");
    assert_int_equal(plancl_data_read(d, 0, index, N, PLANCL_I32, v),
                     PLANCL_OK);
    for (int i = 0; i < N * LENGTH; i++)
        assert_int_equal(v[i], (int)index[i / LENGTH] * LENGTH + i % LENGTH);
    assert_int_equal(plancl_data_read(d, 0, index, N, PLANCL_F32, out),
                     PLANCL_OK);
    assert_memory_equal(out, x + LENGTH, sizeof *x * 2 * LENGTH);
    plancl_data_close(d);
    free(x);
    free(v);
    free(out);
}

/* One value of a type, a scale and a target: the result or a refusal. */
struct value_case {
    const char *descr;
    double value;  /* stored as the type, or */
    uint64_t bits; /* these bits, where not 0 */
    const char *scale;
    enum plancl_dtype to;
    double result;     /* of a float, or of an integer */
    const char *words; /* of the refusal */
};

static const struct value_case values[] = {
    /* to integers: exactly or not at all */
    {"f4", 3, 0, "", PLANCL_I32, 3, NULL},
    {"f4", 2.5, 0, "", PLANCL_I32, 0, "sample 1, element 0: 2.5 cannot"},
    {"f4", NAN, 0, "", PLANCL_I64, 0, "nan"},
    {"f4", INFINITY, 0, "", PLANCL_I64, 0, "inf"},
    {"f4", 0x1p31, 0, "", PLANCL_I32, 0, "2.14748365e+09"},
    {"f4", -0x1p31, 0, "", PLANCL_I32, -0x1p31, NULL},
    {"f8", 0x1p63, 0, "", PLANCL_I64, 0, "cannot"},
    {"f8", -0x1p63, 0, "", PLANCL_I64, -0x1p63, NULL},
    {"f8", 256, 0, "", PLANCL_U8, 0, "256"},
    {"f8", -1, 0, "", PLANCL_U8, 0, "-1 cannot be given to 'x' as u8"},
    {"f8", -128, 0, "", PLANCL_I8, -128, NULL},
    {"f8", 128, 0, "", PLANCL_I8, 0, "128"},
    {"f8", 1, 0, "", PLANCL_BOOL, 1, NULL},
    {"f8", 2, 0, "", PLANCL_BOOL, 0, "bool"},
    {"i8", 0x1p31, 0, "", PLANCL_I32, 0, "2147483648"},
    {"i4", 255, 0, "", PLANCL_U8, 255, NULL},
    {"u8", 0, UINT64_MAX, "", PLANCL_I64, 0, "18446744073709551615"},
    {"i4", 6, 0, "1/3", PLANCL_I32, 2, NULL},
    {"i4", 7, 0, "1/3", PLANCL_I32, 0, "7 times 1/3"},
    {"f4", 0.5, 0, "2", PLANCL_I32, 1, NULL},
    {"f8", 0.1, 0, "10", PLANCL_I32, 0, "times 10"}, /* 0.1 is no tenth */
    {"f8", 1e-300, 0, "1e-300", PLANCL_I32, 0, "cannot"},
    /* 2^53+1 and 3 are no doubles' product, though it rounds to an integer */
    {"i8", 0, (UINT64_C(1) << 53) + 1, "3", PLANCL_I64, 0, "cannot"},
    {"i8", 0, (UINT64_C(1) << 53) + 1, "", PLANCL_I64, 0x1p53 + 2,
     "not compared"},
    /* to floats: rounded once */
    {"f8", 0.1, 0, "", PLANCL_F32, 0.1f, NULL},
    {"f8", 1e300, 0, "", PLANCL_F32, 0, "e+300"},
    {"f8", FLT_MAX, 0, "", PLANCL_F32, FLT_MAX, NULL},
    {"f8", INFINITY, 0, "", PLANCL_F32, INFINITY, NULL},
    {"f4", FLT_MAX, 0, "2", PLANCL_F32, 0, "times 2"},
    {"f8", 1e-300, 0, "", PLANCL_F32, 0, NULL},
    /* 2^53 + 2^29 + 1: by way of a double it would be a tie and go down */
    {"i8", 0, (UINT64_C(1) << 53) + (UINT64_C(1) << 29) + 1, "", PLANCL_F32,
     0x1p53 + 0x1p30, NULL},
    {"u8", 0, UINT64_MAX, "1/1", PLANCL_F32, 0, "18446744073709551615"},
    {"u8", 0, UINT64_MAX, "1/2", PLANCL_F32, 0x1p63, NULL},
    {"f2", 0, 0x3555, "", PLANCL_F32, 0x1.554p-2, NULL},
    {"f2", 0, 0x0001, "", PLANCL_F32, 0x1p-24, NULL},
    {"f2", 0, 0x8400, "", PLANCL_F32, -0x1p-14, NULL},
    {"f2", 0, 0x7bff, "", PLANCL_F32, 65504, NULL},
    {"f2", 0, 0xfc00, "", PLANCL_F32, -INFINITY, NULL},
};

/* Little-endian, as the file says; where bits are given they are used. */
static size_t bytes_of(const struct value_case *c, unsigned char bytes[8])
{
    float x = (float)c->value;
    uint64_t integer = (uint64_t)(int64_t)(c->descr[0] == 'f' ? 0 : c->value);

    if (c->bits)
        memcpy(bytes, &c->bits, 8);
    else if (strcmp(c->descr, "f4") == 0)
        memcpy(bytes, &x, 4);
    else if (strcmp(c->descr, "f8") == 0)
        memcpy(bytes, &c->value, 8);
    else
        memcpy(bytes, &integer, 8);
    return (size_t)(c->descr[1] - '0');
}

static double result_of(enum plancl_dtype t, const void *out)
{
    switch (t) {
    case PLANCL_F32:
        return (double)*(const float *)out;
    case PLANCL_I32:
        return *(const int32_t *)out;
    case PLANCL_I64:
        return (double)*(const int64_t *)out;
    case PLANCL_I8:
        return *(const int8_t *)out;
    default:
        return *(const uint8_t *)out;
    }
}

/* The value is the second of two samples, so that the message must name it. */
static void check_value(const struct value_case *c)
{
    static const uint64_t second = 1;
    unsigned char bytes[24] = {0};
    char dict[128], spec[64];
    size_t n = bytes_of(c, bytes + 8);
    const char *one_spec = spec;
    struct last_message last;
    struct plancl_callbacks cb = keep_message(&last);
    struct plancl_data *d = NULL;
    enum plancl_status status;
    uint64_t out[1] = {0};

    memmove(bytes + n, bytes + 8, n);
    snprintf(dict, sizeof dict,
             "{'descr': '<%s', 'fortran_order': False, 'shape': (2,), }",
             c->descr);
    snprintf(spec, sizeof spec, "x=v.npy%s%s", *c->scale ? ":scale=" : "",
             c->scale);
    write_npy("v.npy", dict, bytes, 2 * n);
    assert_int_equal(plancl_data_open(&one_spec, 1, &cb, &d), PLANCL_OK);
    status = plancl_data_read(d, 0, &second, 1, c->to, out);
    plancl_data_close(d);
    if (!status && c->words && strcmp(c->words, "not compared") == 0) {
        assert_true(out[0] == c->bits);
        return;
    }
    if (c->words ? status != PLANCL_REFUSED || !strstr(last.text, c->words)
                 : status || result_of(c->to, out) != c->result)
        fail_msg("%s %.9g (bits %#jx) times '%s': status %d, %s", c->descr,
                 c->value, (uintmax_t)c->bits, c->scale, (int)status,
                 last.text);
}

/* Around every limit where a conversion could lose something. */
static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        check_value(&values[i]);
}

/* The bits of halves: ties to even, below the normal range, at the top. */
static void test_to_half(void **state)
{
    static const struct {
        float x;
        uint16_t half;
    } cases[] = {
        {0, 0},
        {-0.0f, 0x8000},
        {1, 0x3c00},
        {0x1.002p0f, 0x3c00}, /* tie: down to even */
        {0x1.006p0f, 0x3c02}, /* tie: up to even */
        {0x1.0021p0f, 0x3c01},
        {0x1.ffep0f, 0x4000}, /* carries into the exponent */
        {65504, 0x7bff},
        {65519, 0x7bff},
        {-65504, 0xfbff},
        {0x1p-14f, 0x0400},
        {0x1.ffep-15f, 0x0400},
        {0x1p-24f, 0x0001},
        {0x1p-25f, 0x0000},   /* tie: down to even */
        {0x1.8p-24f, 0x0002}, /* tie: up to even */
        {0x1.1p-25f, 0x0001},
        {0x1p-40f, 0x0000},
        {INFINITY, 0x7c00},
        {-INFINITY, 0xfc00},
        {NAN, 0x7e00},
    };
    struct plancl_data *d;
    const float large = 65520;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint16_t half = 1;

        write_f4("h.npy", DICT("<f4", "(1,)"), &cases[i].x, 1);
        d = open_one("x=h.npy");
        assert_int_equal(read_first(d, 1, PLANCL_F16, &half), PLANCL_OK);
        assert_int_equal(half & 0x7fff, cases[i].half & 0x7fff);
        if (!isnan(cases[i].x))
            assert_int_equal(half, cases[i].half);
        plancl_data_close(d);
    }
    write_f4("h.npy", DICT("<f4", "(1,)"), &large, 1);
    d = open_one("x=h.npy");
    assert_int_equal(read_first(d, 1, PLANCL_F16, (uint16_t[1]){0}),
                     PLANCL_REFUSED);
    plancl_data_close(d);
}

/* Every half becomes a float and the same half again. */
static void test_every_half(void **state)
{
    enum { N = 65536 };
    uint16_t *half = malloc(sizeof *half * N);
    float *x = malloc(sizeof *x * N);
    uint64_t *index = malloc(sizeof *index * N);
    uint16_t *back = malloc(sizeof *back * N);
    struct plancl_data *d;

    (void)state;
    assert_true(half && x && index && back);
    for (unsigned i = 0; i < N; i++) {
        half[i] = (uint16_t)i;
        index[i] = i;
    }
    write_npy("h.npy", DICT("<f2", "(65536,)"), half, sizeof *half * N);
    d = open_one("x=h.npy");
    assert_int_equal(plancl_data_read(d, 0, index, N, PLANCL_F32, x),
                     PLANCL_OK);
    plancl_data_close(d);
    write_f4("f.npy", DICT("<f4", "(65536,)"), x, N);
    d = open_one("x=f.npy");
    assert_int_equal(plancl_data_read(d, 0, index, N, PLANCL_F16, back),
                     PLANCL_OK);
    plancl_data_close(d);
    for (unsigned i = 0; i < N; i++) {
        if (isnan(x[i]))
            assert_true((half[i] & 0x7c00) == 0x7c00 && half[i] & 0x3ff);
        else
            assert_int_equal(half[i], back[i]);
    }
    free(half);
    free(x);
    free(index);
    free(back);
}

/* A file that is cut while it is open is an error, not the end. */
static void test_file_becomes_shorter(void **state)
{
    static const float x[4096];
    static const uint64_t last_index = 4095;
    struct last_message last;
    struct plancl_callbacks cb = keep_message(&last);
    const char *spec = "x=cut.npy";
    struct plancl_data *d = NULL;
    float out;
    int16_t half;

    (void)state;
    write_f4("cut.npy", DICT("<f4", "(4096,)"), x, 4096);
    assert_int_equal(plancl_data_open(&spec, 1, &cb, &d), PLANCL_OK);
    assert_int_equal(truncate("cut.npy", 200), 0);
    assert_int_equal(plancl_data_read(d, 0, &last_index, 1, PLANCL_F32, &out),
                     PLANCL_FAILED);
    assert_non_null(strstr(last.text, "became shorter"));
    assert_int_equal(plancl_data_read(d, 0, &last_index, 1, PLANCL_F16, &half),
                     PLANCL_FAILED);
    plancl_data_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_bad_specs),
        cmocka_unit_test(test_columns_that_differ),
        cmocka_unit_test(test_bytes_to_unit),
        cmocka_unit_test(test_long_samples),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_to_half),
        cmocka_unit_test(test_every_half),
        cmocka_unit_test(test_file_becomes_shorter),
    };

    return cmocka_run_group_tests(tests, data_test_enter, data_test_leave);
}
