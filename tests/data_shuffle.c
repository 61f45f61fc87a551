/*
 * data_shuffle.c: the order of samples is a permutation, for every count, and
 * another one for every seed and epoch.
 */
#include <math.h>
#include <stdlib.h>

#include "tests/data_test.h"

static void check_permutation(uint64_t n, uint32_t seed, uint32_t epoch)
{
    unsigned char *seen = calloc(1, n);

    assert_non_null(seen);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t j = plancl_shuffle(i, n, seed, epoch);

        assert_true(j < n);
        assert_int_equal(seen[j], 0);
        seen[j] = 1;
    }
    free(seen);
}

static void test_permutation(void **state)
{
    static const uint64_t more[] = {255,  256,  257,  511,   512,   1000, 1023,
                                    1024, 1025, 4097, 60000, 65536, 65537};

    (void)state;
    for (uint64_t n = 1; n < 130; n++)
        for (uint32_t epoch = 0; epoch < 8; epoch++)
            check_permutation(n, 1, epoch);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        check_permutation(more[i], 7, 3);
}

static void test_seeds_and_epochs_differ(void **state)
{
    enum { N = 1000 };
    int same_seed = 0, same_epoch = 0, same_both = 0, fixed = 0;

    (void)state;
    for (uint64_t i = 0; i < N; i++) {
        uint64_t j = plancl_shuffle(i, N, 1, 1);

        fixed += j == i;
        same_seed += j == plancl_shuffle(i, N, 1, 2);
        same_epoch += j == plancl_shuffle(i, N, 2, 1);
        same_both += j == plancl_shuffle(i, N, 1, 1);
    }
    /* One hit is expected of independent orders. */
    assert_in_range(fixed, 0, 10);
    assert_in_range(same_seed, 0, 10);
    assert_in_range(same_epoch, 0, 10);
    assert_int_equal(same_both, N);
}

/* Of three samples all six orders come, each near one time in six. */
static void test_small_counts_are_fair(void **state)
{
    enum { EPOCHS = 6000 };
    int count[27] = {0};

    (void)state;
    for (uint32_t e = 0; e < EPOCHS; e++)
        count[9 * plancl_shuffle(0, 3, 5, e) + 3 * plancl_shuffle(1, 3, 5, e) +
              plancl_shuffle(2, 3, 5, e)]++;
    for (int i = 0; i < 27; i++)
        if (count[i])
            assert_in_range(count[i], 700, 1300);
    assert_true(count[5] && count[7] && count[11] && count[15] && count[19] &&
                count[21]);
}

/*
 * Neighbours in the epoch must be no neighbours in the file.  The distance of
 * two random samples of n is n/3 in the mean, with deviation n/sqrt(18); its
 * mean over n pairs is within 6 deviations.
 */
static void test_neighbours_are_apart(void **state)
{
    enum { N = 60000 };
    double sum = 0;

    (void)state;
    for (uint64_t i = 0; i + 1 < N; i++) {
        double a = (double)plancl_shuffle(i, N, 9, 0);
        double b = (double)plancl_shuffle(i + 1, N, 9, 0);

        sum += fabs(a - b);
    }
    assert_true(fabs(sum / N - N / 3.0) < 6 * N / sqrt(18.0 * N));
}

static void test_huge_counts(void **state)
{
    static const uint64_t counts[] = {UINT64_C(1) << 32,
                                      (UINT64_C(1) << 32) + 1,
                                      UINT64_C(1) << 63, UINT64_MAX};

    (void)state;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        for (uint64_t i = 0; i < 100; i++) {
            assert_true(plancl_shuffle(i, counts[k], 1, 1) < counts[k]);
            assert_true(plancl_shuffle(i, counts[k], 1, 1) !=
                        plancl_shuffle(i + 1, counts[k], 1, 1));
        }
    assert_true(plancl_shuffle(0, 0, 1, 1) == 0);
    assert_true(plancl_shuffle(5, 5, 1, 1) >= 5); /* no index, and none given */
}

/* The order is a promise: runs must repeat on other machines and versions.
 * The numbers are from a Python program, whose Philox gives the known answers
 * of Random123. */
static void test_order_is_fixed(void **state)
{
    static const uint64_t expected[] = {32931, 47890, 59309, 37487,
                                        39041, 16275, 34925, 47317};

    (void)state;
    for (uint64_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(plancl_shuffle(i, 60000, 1, 0), expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_seeds_and_epochs_differ),
        cmocka_unit_test(test_small_counts_are_fair),
        cmocka_unit_test(test_neighbours_are_apart),
        cmocka_unit_test(test_huge_counts),
        cmocka_unit_test(test_order_is_fixed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
