/*
 * data_npy.c: .npy files, good, bad and mutated, and those that we write.
 *
 * Good files are written by hand as NumPy's format describes them; no writer of
 * ours is trusted for reading.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/data_test.h"

#define DICT(descr, order, shape) \
    "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }"

static const float six[] = {0, 1, 2, 3, 4, 5};

/* Spellings of the same array f32 [2, 3]. */
static void test_spellings(void **state)
{
    static const char *const dicts[] = {
        DICT("<f4", "False", "(2, 3)"),
        DICT("<f4", "False", "(2, 3,)"),
        DICT("<f4", "False", "(2L, 3L)"),
        "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2, 3)}",
        "{'shape':(2,3),'descr':'<f4','fortran_order':False}",
        "  {\t'shape' : ( 2 , 3 ) ,'descr' : '<f4' ,'fortran_order' : False }",
    };

    (void)state;
    for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++) {
        struct plancl_data *d;
        struct plancl_column c;
        float x[6];

        write_npy("a.npy", dicts[i], six, sizeof six);
        d = open_one("x=a.npy");
        c = plancl_data_column(d, 0);
        assert_int_equal(plancl_data_samples(d), 2);
        assert_int_equal(c.rank, 1);
        assert_int_equal(c.dim[0], 3);
        assert_int_equal(c.dtype, PLANCL_F32);
        assert_string_equal(c.name, "x");
        assert_string_equal(c.path, "a.npy");
        assert_int_equal(read_first(d, 2, PLANCL_F32, x), PLANCL_OK);
        assert_memory_equal(x, six, sizeof six);
        plancl_data_close(d);
    }
}

/* Every type, as bytes that stand for 0, 1 and 2 (bool: 0, 1, 1). */
static void test_types(void **state)
{
    static const struct {
        const char *dict, *bytes;
        size_t n;
        enum plancl_dtype dtype;
    } cases[] = {
        {DICT("<f2", "False", "(3,)"), "\0\0\0\x3c\0\x40", 6, PLANCL_F16},
        {DICT("<f4", "False", "(3,)"), "\0\0\0\0\0\0\x80\x3f\0\0\0\x40", 12,
         PLANCL_F32},
        {DICT("<f8", "False", "(3,)"),
         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40", 24,
         PLANCL_F32},
        {DICT("|i1", "False", "(3,)"), "\0\1\2", 3, PLANCL_I8},
        {DICT("<i1", "False", "(3,)"), "\0\1\2", 3, PLANCL_I8},
        {DICT("<i2", "False", "(3,)"), "\0\0\1\0\2\0", 6, PLANCL_I32},
        {DICT("<i4", "False", "(3,)"), "\0\0\0\0\1\0\0\0\2\0\0\0", 12,
         PLANCL_I32},
        {DICT("<i8", "False", "(3,)"),
         "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 24, PLANCL_I64},
        {DICT("|u1", "False", "(3,)"), "\0\1\2", 3, PLANCL_U8},
        {DICT("<u2", "False", "(3,)"), "\0\0\1\0\2\0", 6, PLANCL_I32},
        {DICT("<u4", "False", "(3,)"), "\0\0\0\0\1\0\0\0\2\0\0\0", 12,
         PLANCL_I64},
        {DICT("<u8", "False", "(3,)"),
         "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 24, PLANCL_I64},
        {DICT("|b1", "False", "(3,)"), "\0\1\2", 3, PLANCL_BOOL},
        {DICT(">f2", "False", "(3,)"), "\0\0\x3c\0\x40\0", 6, PLANCL_F16},
        {DICT(">f4", "False", "(3,)"), "\0\0\0\0\x3f\x80\0\0\x40\0\0\0", 12,
         PLANCL_F32},
        {DICT(">u2", "False", "(3,)"), "\0\0\0\1\0\2", 6, PLANCL_I32},
        {DICT(">i8", "False", "(3,)"),
         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2", 24, PLANCL_I64},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t last = cases[i].dtype == PLANCL_BOOL ? 1 : 2;
        struct plancl_data *d;
        int64_t v[3];
        float x[3];

        write_npy("a.npy", cases[i].dict, cases[i].bytes, cases[i].n);
        d = open_one("x=a.npy");
        assert_int_equal(plancl_data_column(d, 0).dtype, cases[i].dtype);
        assert_int_equal(plancl_data_column(d, 0).rank, 0);
        assert_int_equal(read_first(d, 3, PLANCL_I64, v), PLANCL_OK);
        assert_true(v[0] == 0 && v[1] == 1 && v[2] == last);
        assert_int_equal(read_first(d, 3, PLANCL_F32, x), PLANCL_OK);
        assert_true(x[0] == 0 && x[1] == 1 && x[2] == (float)last);
        plancl_data_close(d);
    }
}

/* A number without dimensions is one sample; windows want rows. */
static void test_number(void **state)
{
    struct plancl_data *d;
    float x;

    (void)state;
    write_npy("a.npy", DICT("<f4", "False", "()"), six + 5, sizeof *six);
    d = open_one("x=a.npy");
    assert_int_equal(plancl_data_samples(d), 1);
    assert_int_equal(plancl_data_column(d, 0).rank, 0);
    assert_int_equal(read_first(d, 1, PLANCL_F32, &x), PLANCL_OK);
    assert_float_equal(x, 5, 0);
    plancl_data_close(d);
    assert_refused("x=a.npy:window=1", PLANCL_REFUSED, "window=N wants");
}

/* In the file [d0, d1, d2] in Fortran order is [d2, d1, d0] in C order. */
static void test_fortran(void **state)
{
    uint8_t file[24], x[24];
    struct plancl_data *d;

    (void)state;
    for (uint8_t i = 0; i < 24; i++) {
        const uint8_t k = i / 12, j = i / 4 % 3; /* of 2, 3; i % 4 of 4 */

        file[i] = (uint8_t)(i % 4 * 6 + j * 2 + k);
    }
    write_npy("a.npy", DICT("|u1", "True", "(4, 3, 2)"), file, sizeof file);
    d = open_one("x=a.npy");
    assert_int_equal(plancl_data_column(d, 0).rank, 2);
    assert_int_equal(read_first(d, 4, PLANCL_U8, x), PLANCL_OK);
    for (uint8_t i = 0; i < 24; i++)
        assert_int_equal(x[i], i);
    plancl_data_close(d);
    write_npy("a.npy", DICT("|u1", "True", "(24,)"), file, sizeof file);
    d = open_one("x=a.npy");
    assert_int_equal(read_first(d, 24, PLANCL_U8, x), PLANCL_OK);
    assert_memory_equal(x, file, sizeof file);
    plancl_data_close(d);
    write_npy("a.npy", DICT("|u1", "True", "(0, 3)"), file, 0);
    plancl_data_close(open_one("x=a.npy"));
}

/* More than a block of samples; where the last one begins is no block's end. */
static void test_fortran_blocks(void **state)
{
    enum { SAMPLES = 9000001 };
    uint8_t *file = malloc(2 * (size_t)SAMPLES), x[2];
    struct plancl_data *d;

    (void)state;
    assert_non_null(file);
    for (size_t i = 0; i < SAMPLES; i++) {
        file[i] = (uint8_t)(i % 251);
        file[SAMPLES + i] = (uint8_t)(i % 13);
    }
    write_npy("a.npy", DICT("|u1", "True", "(9000001, 2)"), file,
              2 * (size_t)SAMPLES);
    free(file);
    d = open_one("x=a.npy");
    for (uint64_t i = 0; i < SAMPLES; i += 89999) {
        assert_int_equal(plancl_data_read(d, 0, &i, 1, PLANCL_U8, x),
                         PLANCL_OK);
        assert_int_equal(x[0], i % 251);
        assert_int_equal(x[1], i % 13);
    }
    plancl_data_close(d);
}

/* Each is one mistake, with the words that name it; what NumPy itself would
 * read and we do not is among them. */
static void test_bad_dicts(void **state)
{
    static const struct {
        const char *dict, *words;
    } cases[] = {
        {DICT(">f3", "False", "(2, 3)"), "'>f3' is none of"},
        {DICT("=f4", "False", "(2, 3)"), "'=f4' is none of"},
        {DICT("|f4", "False", "(2, 3)"), "'|f4' is none of"},
        {DICT("<c8", "False", "(2, 3)"), "'<c8' is none of"},
        {DICT("<U3", "False", "(2, 3)"), "'<U3' is none of"},
        {DICT("|O", "False", "(2, 3)"), "'|O' is none of"},
        {DICT("", "False", "(2, 3)"), "'' is none of"},
        {DICT("<f\\x34", "False", "(2, 3)"), "not a string"},
        {DICT("<f4", "0", "(2, 3)"), "neither True nor False"},
        {DICT("<f4", "Falsey", "(2, 3)"), "wanted ','"},
        {DICT("<f4", "False", "[2, 3]"), "not a tuple"},
        {DICT("<f4", "False", "(6)"), "a number, not a tuple"},
        {DICT("<f4", "False", "6"), "not a tuple"},
        {DICT("<f4", "False", "(2, -3)"), "whole number"},
        {DICT("<f4", "False", "(2, 3.0)"), "lacks a comma"},
        {DICT("<f4", "False", "(2, 03)"), "begins with 0"},
        {DICT("<f4", "False", "(2,, 3)"), "whole number"},
        {DICT("<f4", "False", "(,)"), "whole number"},
        {DICT("<f4", "False", "(2 3)"), "lacks a comma"},
        {DICT("<f4", "False", "(2, 3"), "whole number"},
        {DICT("<f4", "False", "(2, 0x3)"), "lacks a comma"},
        {DICT("<f4", "False", "(99999999999999999999,)"), "64 bits"},
        {DICT("<f4", "False", "(4294967296, 4294967296)"), "larger than any"},
        {DICT("<f4", "False", "(0, 4294967296, 4294967296)"),
         "larger than any"},
        {DICT("<f4", "False", "(1,1,1,1,1,1,1,2,3)"), "more than 8"},
        {DICT("<f4", "False", "(3, 3)"), "header says 164"},
        {DICT("<f4", "False", "(1, 3)"), "header says 140"},
        {DICT("<f4", "False", "(2, 3), 'more': 1"), "'more' is none of"},
        {DICT("<f4", "False", "(2, 3), 'descr': '<f4'"), "twice"},
        {DICT("<f4", "False", "(2, 3)") " x", "end with spaces"},
        {DICT("<f4", "False", "(2, 3)") "\n", "end with spaces"},
        {"{'descr': '<f4', 'fortran_order': False}", "shape is missing"},
        {"{'descr': '<f4', 'shape': (2, 3)}", "fortran_order is missing"},
        {"{'fortran_order': False, 'shape': (2, 3)}", "descr is missing"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False}", "structured"},
        {"{'descr': 4}", "not a string"},
        {"{'descr' '<f4'}", "wanted 'key'"},
        {"{'descr': '<f4' 'shape': (2, 3)}", "wanted ','"},
        {"{'descr': '<f4", "not a string"},
        {"{descr: '<f4'}", "wanted 'key'"},
        {"{,}", "wanted 'key'"},
        {"", "not a dict"},
        {"[]", "not a dict"},
        {"{", "wanted 'key'"},
        {"{}", "descr is missing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_npy("bad.npy", cases[i].dict, six, sizeof six);
        assert_refused("x=bad.npy", PLANCL_REFUSED, cases[i].words);
    }
}

/* The bytes before the dict. */
static void test_bad_starts(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *words;
    } cases[] = {
        {"", 0, "is empty"},
        {"\x93NUMPX\1\0\x02\0{}", 12, "neither .npy"},
        {"\x93NUMPY", 6, "ends inside"},
        {"\x93NUMPY\1\0\x02\0{", 11, "ends inside"},
        {"\x93NUMPY\1\0\x10\0{}\n", 13, "ends inside"},
        {"\x93NUMPY\2\0\xff\xff\xff\xff{}\n", 15, "64 KiB"},
        {"\x93NUMPY\2\0\x10\0\0\0{}\n", 15, "ends inside"},
        {"\x93NUMPY\0\0\x03\0{}\n", 13, "version is 0.0"},
        {"\x93NUMPY\1\1\x03\0{}\n", 13, "version is 1.1"},
        {"\x93NUMPY\x09\0\x03\0{}\n", 13, "version is 9.0"},
        {"\x93NUMPY\1\0\x02\0{}", 12, "descr is missing"},
        {"PK\3\4\0\0\0\0\0\0\0\0", 12, ".npz"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file("bad.npy", cases[i].bytes, cases[i].n);
        assert_refused("x=bad.npy", PLANCL_REFUSED, cases[i].words);
    }
}

/* Versions 2 and 3 have a length of four bytes; no alignment is wanted. */
static void test_versions(void **state)
{
    static const char dict[] =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}\n";
    unsigned char file[128] = "\x93NUMPY\0\0";
    size_t n = sizeof dict - 1;

    (void)state;
    file[8] = (unsigned char)n;
    memcpy(file + 12, dict, sizeof dict - 1);
    memcpy(file + 12 + n, &six[5], 4);
    for (unsigned char version = 2; version <= 3; version++) {
        struct plancl_data *d;
        float x = 0;

        file[6] = version;
        write_file("v.npy", file, 12 + n + 4);
        d = open_one("x=v.npy");
        assert_int_equal(read_first(d, 1, PLANCL_F32, &x), PLANCL_OK);
        assert_true(x == 5);
        plancl_data_close(d);
        write_file("v.npy", file, 12 + n + 5); /* a byte too many */
        assert_refused("x=v.npy", PLANCL_REFUSED, "header says");
    }
}

/* Sizes of 0: nothing to read is no error, nothing to index is. */
static void test_no_samples_or_elements(void **state)
{
    struct plancl_data *d;
    float x = 7;

    (void)state;
    write_npy("e.npy", DICT("<f4", "False", "(2, 0, 3)"), NULL, 0);
    d = open_one("x=e.npy");
    assert_int_equal(plancl_data_samples(d), 2);
    assert_int_equal(plancl_data_column(d, 0).dim[0], 0);
    assert_int_equal(read_first(d, 2, PLANCL_F32, &x), PLANCL_OK);
    assert_true(x == 7);
    plancl_data_close(d);
    write_npy("e.npy", DICT("<f4", "False", "(0, 3)"), NULL, 0);
    d = open_one("x=e.npy");
    assert_int_equal(plancl_data_samples(d), 0);
    assert_int_equal(read_first(d, 1, PLANCL_F32, &x), PLANCL_REFUSED);
    plancl_data_close(d);
}

/* A mutated file opens or is refused with one message, and never crashes. */
static void open_mutated(const unsigned char *file, size_t n, int *opened)
{
    const char *spec = "x=m.npy";
    struct last_message last;
    struct plancl_callbacks cb = keep_message(&last);
    struct plancl_data *d = NULL;
    enum plancl_status status;
    double out[64];

    write_file("m.npy", file, n);
    status = plancl_data_open(&spec, 1, &cb, &d);
    if (status) {
        assert_int_equal(status, PLANCL_REFUSED);
        assert_int_equal(last.count, 1);
        assert_null(d);
        return;
    }
    *opened += 1;
    if (plancl_data_samples(d) > 0)
        read_first(d, 1, PLANCL_I64, out);
    plancl_data_close(d);
}

/* Under the sanitizers this is where a read beyond the header would be
 * found. */
static void test_mutations(void **state)
{
    enum { HEADER = 128, FILE_BYTES = HEADER + 24, ROUNDS = 20000 };
    static const char alphabet[] =
        "<>|'\"(){}[],:0123456789L \n\\fiubFalseTrue";
    unsigned char good[FILE_BYTES], file[FILE_BYTES];
    uint64_t random = 88172645463325252u;
    int opened = 0;
    FILE *f;

    (void)state;
    write_npy("a.npy", DICT("<f4", "False", "(2, 3)"), six, sizeof six);
    f = fopen("a.npy", "rb");
    assert_non_null(f);
    assert_int_equal(fread(good, 1, FILE_BYTES, f), FILE_BYTES);
    fclose(f);
    for (int i = 0; i < ROUNDS; i++) {
        size_t n = FILE_BYTES;
        int changes = 1 + (int)(next_random(&random) % 3);

        memcpy(file, good, FILE_BYTES);
        while (changes--) {
            uint64_t r = next_random(&random);
            /* The dict is 58 bytes, mostly spaces follow. */
            size_t at = r & 1 ? r >> 8 & 127 : (r >> 8) % 70;

            file[at] = r & 2 ? (unsigned char)(r >> 16)
                             : (unsigned char)
                                   alphabet[(r >> 16) % (sizeof alphabet - 1)];
        }
        if (next_random(&random) % 16 == 0)
            n = next_random(&random) % (FILE_BYTES + 1);
        open_mutated(file, n, &opened);
    }
    /* Some mutations are harmless; were it none or most, this would test
     * nothing. */
    assert_in_range(opened, 1, ROUNDS / 2);
}

/* In pieces of a row and of two, as predictions come. */
static void test_written_is_read(void **state)
{
    static const uint64_t dim[] = {3, 2};
    static const int32_t values[] = {1, -2, 3, INT32_MAX, INT32_MIN, 6};
    struct last_message last;
    struct plancl_callbacks cb = keep_message(&last);
    struct plancl_npy_writer *w = NULL;
    struct plancl_data *d;
    int32_t v[6];

    (void)state;
    assert_int_equal(plancl_npy_create("w.npy", PLANCL_I32, 2, dim, &cb, &w),
                     PLANCL_OK);
    assert_int_equal(plancl_npy_add(w, values, 8), PLANCL_OK);
    assert_int_equal(plancl_npy_add(w, values + 2, 16), PLANCL_OK);
    assert_int_equal(plancl_npy_close(w), PLANCL_OK);
    d = open_one("x=w.npy");
    assert_int_equal(plancl_data_column(d, 0).dtype, PLANCL_I32);
    assert_int_equal(read_first(d, 3, PLANCL_I32, v), PLANCL_OK);
    assert_memory_equal(v, values, sizeof v);
    plancl_data_close(d);
}

/* The header as numpy itself writes it (numpy.save of the same array). */
static void test_written_bytes(void **state)
{
    static const uint64_t dim[] = {3};
    static const uint8_t values[] = {7, 8, 9};
    static const char dict[] =
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }";
    static const unsigned char start[10] = {0x93, 'N', 'U', 'M',  'P',
                                            'Y',  1,   0,   0x76, 0};
    char expected[131], got[132];
    struct plancl_npy_writer *w = NULL;
    FILE *f;

    (void)state;
    memset(expected, ' ', 127);
    memcpy(expected, start, sizeof start);
    memcpy(expected + sizeof start, dict, sizeof dict - 1);
    expected[127] = '\n';
    memcpy(expected + 128, values, 3);
    assert_int_equal(plancl_npy_create("u.npy", PLANCL_U8, 1, dim, NULL, &w),
                     PLANCL_OK);
    assert_int_equal(plancl_npy_add(w, values, 3), PLANCL_OK);
    assert_int_equal(plancl_npy_close(w), PLANCL_OK);
    f = fopen("u.npy", "rb");
    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof got, f), sizeof expected);
    fclose(f);
    assert_memory_equal(got, expected, sizeof expected);
}

/* The file never got its name. */
static void assert_absent(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(errno, ENOENT);
}

/* Too few bytes, too many, a shape and a type that cannot be, a folder that is
 * not there. */
static void test_incomplete_leaves_nothing(void **state)
{
    static const uint64_t dim[] = {3};
    static const uint64_t huge[] = {UINT64_C(1) << 62, 4};
    struct last_message last;
    struct plancl_callbacks cb = keep_message(&last);
    struct plancl_npy_writer *w = NULL;

    (void)state;
    assert_int_equal(plancl_npy_create("i.npy", PLANCL_F32, 1, dim, &cb, &w),
                     PLANCL_OK);
    assert_int_equal(plancl_npy_add(w, six, 8), PLANCL_OK);
    assert_int_not_equal(plancl_npy_close(w), PLANCL_OK);
    assert_int_equal(last.count, 1);
    assert_absent("i.npy");
    assert_int_equal(plancl_npy_create("i.npy", PLANCL_F32, 1, dim, &cb, &w),
                     PLANCL_OK);
    assert_int_equal(plancl_npy_add(w, six, 16), PLANCL_REFUSED);
    assert_int_not_equal(plancl_npy_close(w), PLANCL_OK);
    assert_absent("i.npy");
    assert_int_equal(plancl_npy_create("i.npy", PLANCL_F32, 2, huge, &cb, &w),
                     PLANCL_REFUSED);
    assert_int_equal(plancl_npy_create("i.npy", PLANCL_F16, 1, dim, &cb, &w),
                     PLANCL_REFUSED);
    assert_int_equal(
        plancl_npy_create("none/i.npy", PLANCL_F32, 1, dim, &cb, &w),
        PLANCL_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_fortran),
        cmocka_unit_test(test_fortran_blocks),
        cmocka_unit_test(test_bad_dicts),
        cmocka_unit_test(test_bad_starts),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_no_samples_or_elements),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_written_is_read),
        cmocka_unit_test(test_written_bytes),
        cmocka_unit_test(test_incomplete_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, data_test_enter, data_test_leave);
}
