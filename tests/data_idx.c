/*
 * data_idx.c: IDX files, plain and gzipped, good, bad and mutated.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/data_test.h"

#define MIB ((size_t)1 << 20)

/* Big-endian -2, 1 and 3 (u8: 2, 1 and 3) of every type. */
static const struct {
    const char *bytes;
    size_t n;
    enum plancl_dtype dtype;
    int first;
} types[] = {
    {"\0\0\x08\1\0\0\0\3\2\1\3", 11, PLANCL_U8, 2},
    {"\0\0\x09\1\0\0\0\3\xfe\1\3", 11, PLANCL_I8, -2},
    {"\0\0\x0b\1\0\0\0\3\xff\xfe\0\1\0\3", 14, PLANCL_I32, -2},
    {"\0\0\x0c\1\0\0\0\3\xff\xff\xff\xfe\0\0\0\1\0\0\0\3", 20, PLANCL_I32, -2},
    {"\0\0\x0d\1\0\0\0\3\xc0\0\0\0\x3f\x80\0\0\x40\x40\0\0", 20, PLANCL_F32,
     -2},
    {"\0\0\x0e\1\0\0\0\3\xc0\0\0\0\0\0\0\0\x3f\xf0\0\0\0\0\0\0"
     "\x40\x08\0\0\0\0\0\0",
     32, PLANCL_F32, -2},
};

/* As floats and as integers: both ways of conversion. */
static void check_type(const char *spec, size_t i)
{
    struct plancl_data *d = open_one(spec);
    float x[3];
    int32_t v[3];

    assert_int_equal(plancl_data_samples(d), 3);
    assert_int_equal(plancl_data_column(d, 0).rank, 0);
    assert_int_equal(plancl_data_column(d, 0).dtype, types[i].dtype);
    assert_int_equal(read_first(d, 3, PLANCL_F32, x), PLANCL_OK);
    assert_true(x[0] == (float)types[i].first && x[1] == 1 && x[2] == 3);
    assert_int_equal(read_first(d, 3, PLANCL_I32, v), PLANCL_OK);
    assert_true(v[0] == types[i].first && v[1] == 1 && v[2] == 3);
    plancl_data_close(d);
}

/* The name says nothing: the content does. */
static void test_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        write_file("plain.gz", types[i].bytes, types[i].n);
        check_type("x=plain.gz", i);
        write_gz("packed.npy", types[i].bytes, types[i].n);
        check_type("x=packed.npy", i);
    }
}

/* A header that says less or more than there is, in each of its fields. */
static void test_bad(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *words;
    } cases[] = {
        {"\0", 1, "neither"},
        {"\0\0\x08", 3, "neither"},
        {"\0\0\x08\0", 4, "rank is 0"},
        {"\0\0\x08\x09", 4, "rank is 9"},
        {"\0\0\x0a\1\0\0\0\0", 8, "type 0x0a"},
        {"\0\0\x08\2\0\0\0\1\0\0\0", 11, "dimensions"},
        {"\0\0\x08\1\0\0\0\3\2\1", 10, "header says 11"},
        {"\0\0\x08\1\0\0\0\3\2\1\0\1", 12, "header says 11"},
        {"\0\0\x08\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
         20, "larger than any"},
        {"\1\0\x08\1\0\0\0\0", 8, "neither"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file("bad.idx", cases[i].bytes, cases[i].n);
        assert_refused("x=bad.idx", PLANCL_REFUSED, cases[i].words);
    }
}

static size_t file_size(const char *path)
{
    FILE *f = fopen(path, "rb");
    long n;

    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    n = ftell(f);
    fclose(f);
    return (size_t)n;
}

/* A gzip file that ends anywhere too early must be refused. */
static void test_cut_gz(void **state)
{
    size_t n;

    (void)state;
    write_gz("cut.gz", types[0].bytes, types[0].n);
    n = file_size("cut.gz");
    while (n-- > 2) {
        assert_int_equal(truncate("cut.gz", (off_t)n), 0);
        assert_refused("x=cut.gz", PLANCL_REFUSED, "cut.gz");
    }
}

/* What is inside may be wrong as well as the packing: too short, too long,
 * another format, empty, a checksum that does not match. */
static void test_bad_gz(void **state)
{
    unsigned char file[256];
    size_t n;
    FILE *f;

    (void)state;
    write_gz("bad.gz", types[0].bytes, types[0].n - 1);
    assert_refused("x=bad.gz", PLANCL_REFUSED, "10 bytes");
    write_gz("bad.gz", "\0\0\x08\1\0\0\0\3\2\1\0\1", 12);
    assert_refused("x=bad.gz", PLANCL_REFUSED, "goes on");
    write_gz("bad.gz", "\x93NUMPY\1\0\x02\0{}", 12);
    assert_refused("x=bad.gz", PLANCL_REFUSED, "gunzip");
    write_gz("bad.gz", "", 0);
    assert_refused("x=bad.gz", PLANCL_REFUSED, "empty");
    write_gz("bad.gz", types[0].bytes, types[0].n);
    f = fopen("bad.gz", "rb");
    assert_non_null(f);
    n = fread(file, 1, sizeof file, f);
    fclose(f);
    file[n - 6] ^= 1; /* in the checksum */
    write_file("bad.gz", file, n);
    assert_refused("x=bad.gz", PLANCL_REFUSED, "damaged");
}

/* What is larger than 64 MiB goes to a file, not to memory. */
static void test_large_gz(void **state)
{
    /* u8 [65 * 1024, 1024] */
    static const unsigned char head[12] = {0, 0, 8, 2, 0, 1, 4, 0, 0, 0, 4, 0};
    size_t rows = 65 * MIB / 1024;
    unsigned char *file = calloc(1, 65 * MIB + 12);
    uint64_t index[2] = {rows - 1, 1};
    unsigned char out[2048];
    struct plancl_data *d;

    (void)state;
    assert_non_null(file);
    memcpy(file, head, sizeof head);
    assert_int_equal(rows, 0x10400);
    file[12 + 1024] = 11;
    file[65 * MIB + 11] = 22;
    write_gz("large.gz", file, 65 * MIB + 12);
    free(file);
    assert_int_equal(setenv("TMPDIR", ".", 1), 0);
    d = open_one("x=large.gz");
    assert_in_range(plancl_data_host_bytes(d), 1, 4096);
    assert_int_equal(plancl_data_read(d, 0, index, 2, PLANCL_U8, out),
                     PLANCL_OK);
    assert_int_equal(out[1023], 22);
    assert_int_equal(out[1024], 11);
    plancl_data_close(d);
    assert_int_equal(setenv("TMPDIR", "no/such/folder", 1), 0);
    assert_refused("x=large.gz", PLANCL_FAILED, "TMPDIR");
    assert_int_equal(unsetenv("TMPDIR"), 0);
}

/* Memory that is taken must be in what the dataset says it takes. */
static void test_small_gz_is_counted(void **state)
{
    struct plancl_data *d;

    (void)state;
    write_gz("small.gz", types[0].bytes, types[0].n);
    d = open_one("x=small.gz");
    assert_in_range(plancl_data_host_bytes(d), types[0].n, 4096);
    plancl_data_close(d);
}

/* Opens, or is refused with one message; never crashes. */
static void try_mutated(const unsigned char *file, size_t n)
{
    const char *spec = "x=m.idx";
    struct last_message last;
    struct plancl_callbacks cb = keep_message(&last);
    struct plancl_data *d = NULL;
    enum plancl_status status;
    float x[64];

    write_file("m.idx", file, n);
    status = plancl_data_open(&spec, 1, &cb, &d);
    if (status) {
        assert_int_equal(status, PLANCL_REFUSED);
        assert_int_equal(last.count, 1);
        return;
    }
    if (plancl_data_samples(d) > 0)
        read_first(d, 1, PLANCL_F32, x);
    plancl_data_close(d);
}

/* Plain and packed in turns; for the packed ones it is zlib's checks that are
 * relied on. */
static void test_mutations(void **state)
{
    unsigned char good[2][256], file[256];
    uint64_t random = 88172645463325252u;
    size_t n[2] = {types[0].n, 0};
    FILE *f;

    (void)state;
    memcpy(good[0], types[0].bytes, n[0]);
    write_gz("a.gz", types[0].bytes, types[0].n);
    f = fopen("a.gz", "rb");
    assert_non_null(f);
    n[1] = fread(good[1], 1, sizeof good[1], f);
    fclose(f);
    for (int i = 0; i < 20000; i++) {
        size_t size = n[i & 1];
        int changes = 1 + (int)(next_random(&random) % 3);

        memcpy(file, good[i & 1], size);
        while (changes--) {
            uint64_t r = next_random(&random);

            file[(r >> 8) % size] = (unsigned char)(r & 1 ? r >> 16 & 15
                                                          : r >> 16);
        }
        if (next_random(&random) % 8 == 0)
            size = next_random(&random) % (size + 1);
        try_mutated(file, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_cut_gz),
        cmocka_unit_test(test_bad_gz),
        cmocka_unit_test(test_large_gz),
        cmocka_unit_test(test_small_gz_is_counted),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, data_test_enter, data_test_leave);
}
