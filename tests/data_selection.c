/*
 * data_selection.c: some of the samples, windows of long arrays, and texts.
 */
#include <stdio.h>
#include <string.h>

#include "tests/data_test.h"

#define DICT(descr, shape) \
    "{'descr': '" descr "', 'fortran_order': False, 'shape': " shape ", }"

enum { SAMPLES = 10 };

/* x holds its own index, so that what was selected can be read off. */
static int make_files(void **state)
{
    static const float x[SAMPLES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const int32_t user[SAMPLES] = {3, 3, -1, 5, 5, 5, 3, 7, 7, 3};
    int status = data_test_enter(state);

    write_npy("x.npy", DICT("<f4", "(10,)"), x, sizeof x);
    write_npy("user.npy", DICT("<i4", "(10,)"), user, sizeof user);
    write_npy("short.npy", DICT("<i4", "(9,)"), user, 9 * sizeof *user);
    write_npy("pairs.npy", DICT("<i4", "(10, 1)"), user, sizeof user);
    write_file("text.txt", "banana band\n", 12);
    write_gz("text.txt.gz", "banana band\n", 12);
    return status;
}

/* Selected, and then read in this order: what comes must be digits.  Backwards
 * first: single reads; then forwards: runs. */
static void check_selected(struct plancl_data *d, const char *list,
                           const char *digits)
{
    uint64_t n = strlen(digits), index[SAMPLES];
    float x[SAMPLES];

    assert_int_equal(plancl_data_select(d, list), PLANCL_OK);
    assert_int_equal(plancl_data_samples(d), n);
    for (uint64_t i = 0; i < n; i++)
        index[i] = n - 1 - i;
    assert_int_equal(plancl_data_read(d, 0, index, n, PLANCL_F32, x),
                     PLANCL_OK);
    for (uint64_t i = 0; i < n; i++)
        assert_true(x[i] == (float)(digits[n - 1 - i] - '0'));
    for (uint64_t i = 0; i < n; i++)
        index[i] = i;
    assert_int_equal(plancl_data_read(d, 0, index, n, PLANCL_F32, x),
                     PLANCL_OK);
    for (uint64_t i = 0; i < n; i++)
        assert_true(x[i] == (float)(digits[i] - '0'));
    assert_int_equal(plancl_data_read(d, 0, &n, 1, PLANCL_F32, x),
                     PLANCL_REFUSED);
}

/* Lists in any order, neighbours that join, values of another file, negative
 * ones. */
static void test_selected(void **state)
{
    static const char *const cases[][2] = {
        {"0-9", "0123456789"},    {"7", "7"},
        {"8-9,0,2-3", "02389"},   {"0-1,2-4", "01234"},
        {"user.npy=3", "0169"},   {"user.npy=3-5", "0134569"},
        {"user.npy=-1,7", "278"}, {"user.npy=5", "345"},
        {"user.npy=-9--1", "2"},  {"0,2,4,6,8", "02468"},
        {"user.npy=100,7", "78"}, {"9", "9"},
    };
    struct plancl_data *d = open_one("x=x.npy");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_selected(d, cases[i][0], cases[i][1]);
    plancl_data_close(d);
}

/* A refused selection leaves the one before: all ten samples. */
static void test_bad_selections(void **state)
{
    static const char *const cases[][2] = {
        {"", "wanted A-B"},
        {"x", "wanted A-B"},
        {"1-", "wanted A-B"},
        {"3-1", "wanted A-B"},
        {"1,,2", "wanted A-B"},
        {"1,", "wanted A-B"},
        {"1 ", "wanted A-B"},
        {"99999999999999999999", "wanted A-B"},
        {"0-10", "there are 10 samples"},
        {"-1", "there are 10 samples"},
        {"2-4,4", "named twice"},
        {"user.npy=", "wanted A-B"},
        {"=3", "the file is missing"},
        {"none.npy=3", "cannot be opened"},
        {"short.npy=3", "has 9 samples"},
        {"pairs.npy=3", "more than one number"},
        {"user.npy=4", "no sample is left"},
        {"text.txt=1", "neither .npy"},
    };
    struct last_message last;
    struct plancl_callbacks cb = keep_message(&last);
    const char *spec = "x=x.npy";
    struct plancl_data *d;

    (void)state;
    assert_int_equal(plancl_data_open(&spec, 1, &cb, &d), PLANCL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        last.count = 0;
        assert_int_not_equal(plancl_data_select(d, cases[i][0]), PLANCL_OK);
        assert_int_equal(last.count, 1);
        assert_non_null(strstr(last.text, cases[i][1]));
        assert_int_equal(plancl_data_samples(d), SAMPLES);
    }
    plancl_data_close(d);
}

/* Two columns of different shifts: the shorter says how many windows there
 * are. */
static void test_windows(void **state)
{
    static const char *const specs[] = {"a=x.npy:window=3",
                                        "b=x.npy:scale=2:window=3:shift=2"};
    static const uint64_t index[] = {1, 0};
    struct plancl_data *d;
    float x[6];

    (void)state;
    assert_int_equal(plancl_data_open(specs, 2, NULL, &d), PLANCL_OK);
    assert_int_equal(plancl_data_samples(d), 2); /* 2, 5 and 8 begin b's */
    assert_int_equal(plancl_data_column(d, 1).rank, 1);
    assert_int_equal(plancl_data_column(d, 1).dim[0], 3);
    assert_int_equal(plancl_data_read(d, 1, index, 2, PLANCL_F32, x),
                     PLANCL_OK);
    for (int i = 0; i < 6; i++)
        assert_true(x[i] == (float)(2 * (2 + 3 * (i < 3) + i % 3)));
    assert_int_equal(plancl_data_select(d, "1"), PLANCL_OK);
    assert_int_equal(plancl_data_read(d, 0, index + 1, 1, PLANCL_F32, x),
                     PLANCL_OK);
    assert_true(x[0] == 3 && x[1] == 4 && x[2] == 5);
    plancl_data_close(d);
}

/* Numbers by hand: \n 0, space 1, a 2, b 3, d 4, n 5. */
static void test_characters(void **state)
{
    static const int32_t banana_band[] = {3, 2, 5, 2, 5, 2, 1, 3, 2, 5, 4, 0};
    const char *spec = "token=text.txt:characters:window=4:shift=1";
    struct last_message last;
    struct plancl_callbacks cb = keep_message(&last);
    static const uint64_t index[] = {0, 1};
    struct plancl_data *d;
    int32_t token[8];

    (void)state;
    assert_int_equal(plancl_data_open(&spec, 1, &cb, &d), PLANCL_OK);
    assert_non_null(strstr(last.text, "6 different characters"));
    assert_int_equal(plancl_data_samples(d), 2);
    assert_int_equal(plancl_data_read(d, 0, index, 2, PLANCL_I32, token),
                     PLANCL_OK);
    assert_memory_equal(token, banana_band + 1, sizeof token);
    plancl_data_close(d);
    /* To bytes: the file's own type, yet not its own values. */
    d = open_one("token=text.txt:characters");
    uint8_t byte[SAMPLES];

    assert_int_equal(read_first(d, SAMPLES, PLANCL_U8, byte), PLANCL_OK);
    for (int i = 0; i < SAMPLES; i++)
        assert_int_equal(byte[i], banana_band[i]);
    plancl_data_close(d);
}

/* Also options that only look right, and files that do not fit them. */
static void test_bad_options(void **state)
{
    static const char *const cases[][2] = {
        {"x=x.npy:window=", "whole number"},
        {"x=x.npy:window=0", "whole number"},
        {"x=x.npy:window=-1", "whole number"},
        {"x=x.npy:window=3:shift=1.5", "whole number"},
        {"x=x.npy:window=99999999999999999999", "whole number"},
        {"x=x.npy:shift=1", "goes with window"},
        {"x=x.npy:window=11", "hold no window"},
        {"x=x.npy:window=10:shift=1", "hold no window"},
        {"x=x.npy:window=1:shift=11", "hold no window"},
        {"x=:characters", "file is missing"},
        {"x=text.txt.gz:characters", "unpack it"},
        {"x=text.txt", "neither .npy"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i][0], PLANCL_REFUSED, cases[i][1]);
    assert_refused("x=none.txt:characters", PLANCL_FAILED, "cannot be opened");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selected),
        cmocka_unit_test(test_bad_selections),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_bad_options),
    };

    return cmocka_run_group_tests(tests, make_files, data_test_leave);
}
