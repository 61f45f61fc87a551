/*
 * kernels_move.c: transposes, random numbers and dropout: every candidate
 * against plain loops in double.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/random.h"
#include "kernels/transpose.h"
#include "tests/kernel_harness.h"

static struct harness harness;
static const enum device_family families[] = {FAMILY_CPU, FAMILY_GPU};

static double *numbers(size_t n)
{
    double *d = calloc(n + 1, sizeof *d);

    assert_non_null(d);
    return d;
}

/* Both families, so that the GPU's kernels run on a CPU as well. */
static void add_all(const struct kernel *family, const void *problem)
{
    for (int f = 0; f < 2; f++) {
        harness.info.family = families[f];
        harness_add(&harness, family, problem);
    }
}

/* ---- transpose ---- */

/* Around tiles of 16, long and thin, channels behind and before, all eight
 * dimensions, sizes of 1 that collapse; every size of element. */
static const struct transpose_case {
    int rank;
    int64_t dim[TRANSPOSE_RANK];
    int perm[TRANSPOSE_RANK];
    enum dtype type;
} moves[] = {
    {2, {16, 16}, {1, 0}, DT_F32},
    {2, {15, 17}, {1, 0}, DT_F32},
    {2, {33, 31}, {1, 0}, DT_F16},
    {2, {1000, 3}, {1, 0}, DT_F32},
    {2, {3, 20011}, {1, 0}, DT_F32},
    {2, {300, 301}, {1, 0}, DT_I32},
    {2, {129, 130}, {1, 0}, DT_U8},
    {2, {40, 70}, {1, 0}, DT_I64},
    {4, {3, 7, 5, 9}, {0, 2, 3, 1}, DT_F32},
    {4, {2, 32, 8, 8}, {0, 2, 3, 1}, DT_F32},
    {4, {2, 8, 8, 32}, {0, 3, 1, 2}, DT_F32},
    {4, {2, 1, 8, 8}, {0, 3, 1, 2}, DT_F16},
    {4, {3, 11, 4, 13}, {0, 2, 1, 3}, DT_F32},
    {4, {3, 4, 5, 6}, {3, 1, 0, 2}, DT_F32},
    {4, {3, 4, 5, 6}, {3, 2, 1, 0}, DT_U8},
    {3, {5, 7, 9}, {1, 0, 2}, DT_I64},
    {3, {5, 7, 9}, {2, 1, 0}, DT_F16},
    {8, {2, 3, 2, 3, 2, 3, 2, 3}, {7, 6, 5, 4, 3, 2, 1, 0}, DT_F32},
    {8, {2, 3, 2, 3, 2, 3, 2, 5}, {2, 1, 0, 4, 3, 6, 5, 7}, DT_F32},
    {5, {1, 6, 1, 5, 1}, {4, 3, 2, 1, 0}, DT_F32},
};
enum { MOVES = sizeof moves / sizeof *moves };

static struct transpose_problem move_of(const struct transpose_case *c)
{
    struct transpose_problem p = {.rank = c->rank,
                                  .bytes = (int)dtype_bytes(c->type)};

    memcpy(p.dim, c->dim, sizeof p.dim);
    memcpy(p.perm, c->perm, sizeof p.perm);
    transpose_collapse(&p);
    return p;
}

/* Place in x of element i of y, from the indices alone. */
static size_t moved(const struct transpose_case *c, size_t i)
{
    size_t index[TRANSPOSE_RANK] = {0}, at = 0;

    for (int k = c->rank - 1; k >= 0; k--) {
        index[c->perm[k]] = i % (size_t)c->dim[c->perm[k]];
        i /= (size_t)c->dim[c->perm[k]];
    }
    for (int d = 0; d < c->rank; d++)
        at = at * (size_t)c->dim[d] + index[d];
    return at;
}

static int check_move(const struct transpose_case *c, const struct kernel *k)
{
    const uint32_t setting[SETTING_KINDS] = {0};
    struct transpose_problem p = move_of(c);
    struct launch l;
    size_t n = 1;
    double *x, *y;

    if (!harness_launch(&harness, k, &p, &l))
        return 0;
    for (int d = 0; d < c->rank; d++)
        n *= (size_t)c->dim[d];
    x = numbers(n);
    y = numbers(n);
    for (size_t i = 0; i < n; i++)
        x[i] = (double)(i * 7 % 251);
    harness_run(
        &harness, &l,
        (struct operand[]){{c->type, n, x, false}, {c->type, n, y, true}}, 2,
        setting);
    for (size_t i = 0; i < n; i++)
        if (y[i] != x[moved(c, i)])
            fail_msg("%s, case %d: element %zu is %g, not %g", k->name,
                     (int)(c - moves), i, y[i], x[moved(c, i)]);
    free(x);
    free(y);
    return 1;
}

/* A candidate that no case fits would pass untested. */
static void test_transpose(void **state)
{
    (void)state;
    for (const struct kernel *k = kernels_transpose; k->name; k++) {
        int ran = 0;

        for (int i = 0; i < MOVES; i++)
            for (int f = 0; f < 2; f++) {
                harness.info.family = families[f];
                ran += check_move(&moves[i], k);
            }
        if (!ran)
            fail_msg("%s was never tried", k->name);
    }
    harness.info.family = FAMILY_CPU;
}

/* Neighbours that stay together become one dimension: what makes an
 * 8-dimensional transpose fast. */
static void test_collapse(void **state)
{
    struct transpose_problem p = {4, {2, 3, 1, 5}, {0, 2, 1, 3}, 4};
    struct transpose_problem q = {4, {2, 3, 4, 5}, {0, 2, 3, 1}, 4};

    (void)state;
    transpose_collapse(&p);
    assert_int_equal(p.rank, 1);
    transpose_collapse(&q);
    assert_int_equal(q.rank, 3);
    assert_int_equal(q.dim[0], 2);
    assert_int_equal(q.dim[1], 3);
    assert_int_equal(q.dim[2], 20);
    assert_int_equal(q.perm[1], 2);
}

/* ---- random numbers ---- */

/* Vectors of the authors' Random123. */
static void test_philox(void **state)
{
    const uint32_t ones = UINT32_MAX,
                   want[3][4] = {
                       {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    const uint32_t counter[3][4] = {
        {0},
        {ones, ones, ones, ones},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    const uint32_t key[3][2] = {{0}, {ones, ones}, {0xa4093822, 0x299f31d0}};
    uint32_t word[4];

    (void)state;
    for (int i = 0; i < 3; i++) {
        random_words(counter[i], key[i], word);
        assert_memory_equal(word, want[i], sizeof word);
    }
    assert_true(random_hash("") == 0xcbf29ce484222325U);
    assert_true(random_hash("a") == 0xaf63dc4c8601ec8cU);
}

enum { MANY = 40003 };

/* Mean, deviation and bounds that are neither 0 nor 1, or a kernel that forgets
 * them would pass. */
static struct random_problem draw_of(bool normal, int64_t n, uint64_t hash)
{
    return (struct random_problem){n, normal, normal ? 0.5 : -0.1,
                                   normal ? 2.0 : 0.1, hash};
}

static double *draw(const struct kernel *k, bool normal, int64_t n,
                    uint64_t hash, uint32_t seed)
{
    const uint32_t setting[SETTING_KINDS] = {[SETTING_SEED] = seed};
    struct random_problem p = draw_of(normal, n, hash);
    double *y = numbers((size_t)n);
    struct launch l;

    assert_true(harness_launch(&harness, k, &p, &l));
    harness_run(&harness, &l, (struct operand[]){{DT_F32, (size_t)n, y, true}},
                1, setting);
    return y;
}

/* Element i by the host, in double.  Box and Muller (1958) on pairs of words;
 * 24 bits each, the first never 0. */
static double drawn(bool normal, int64_t i, uint64_t hash, uint32_t seed)
{
    const uint32_t counter[4] = {(uint32_t)(i / 4), 0, 0,
                                 (uint32_t)(hash >> 32)};
    const uint32_t key[2] = {seed, (uint32_t)hash};
    uint32_t word[4];
    double u, turn;

    random_words(counter, key, word);
    if (!normal)
        return -0.1 + 0.2 * (word[i % 4] >> 8) * 0x1p-24;
    u = ((word[i % 4 & ~1] >> 8) + 1) * 0x1p-24;
    turn = 2 * acos(-1) * (word[i % 4 | 1] >> 8) * 0x1p-24;
    return 0.5 + 2 * sqrt(-2 * log(u)) * (i & 1 ? sin(turn) : cos(turn));
}

/* Shorter runs have the same first elements, so a number depends on its place
 * alone; another seed changes them. */
static void check_draw(const struct kernel *k, bool normal)
{
    const uint64_t hash = random_hash("s1.conv.weight");
    double *y = draw(k, normal, MANY, hash, 7), *few;

    for (int64_t i = 0; i < MANY; i++)
        if (!(fabs(y[i] - drawn(normal, i, hash, 7)) <= 4e-6))
            fail_msg("%s: element %d is %.9g, not %.9g", k->name, (int)i, y[i],
                     drawn(normal, i, hash, 7));
    for (int64_t n = 1; n < 300; n += 13) {
        few = draw(k, normal, n, hash, 7);
        assert_memory_equal(few, y, (size_t)n * sizeof *y);
        free(few);
    }
    few = draw(k, normal, MANY, hash, 8);
    assert_true(few[0] != y[0] && few[MANY - 1] != y[MANY - 1]);
    free(few);
    free(y);
}

static void test_random(void **state)
{
    (void)state;
    for (const struct kernel *k = kernels_random; k->name; k++) {
        check_draw(k, false);
        check_draw(k, true);
    }
}

/* Moments within five deviations of what they estimate.  Mean, variance, and
 * the product of neighbours, which sees words that are used twice. */
static void check_moments(const struct kernel *k, bool normal)
{
    double *y = draw(k, normal, MANY, 12345, 1);
    double mean = normal ? 0.5 : 0, dev = normal ? 2 : 0.2 / sqrt(12);
    double sum = 0, square = 0, next = 0;

    for (int i = 0; i < MANY; i++) {
        double z = (y[i] - mean) / dev;

        assert_true(normal || (y[i] >= (float)-0.1 && y[i] < (float)0.1));
        sum += z;
        square += z * z;
        next += i ? z * (y[i - 1] - mean) / dev : 0;
    }
    assert_true(fabs(sum) < 5 * sqrt(MANY));
    assert_true(fabs(square - MANY) < 5 * sqrt((normal ? 2 : 0.8) * MANY));
    assert_true(fabs(next) < 5 * sqrt(MANY));
    free(y);
}

static void test_moments(void **state)
{
    (void)state;
    for (const struct kernel *k = kernels_random; k->name; k++) {
        check_moments(k, false);
        check_moments(k, true);
    }
}

/* A range of two floats: sums that round to the upper end stay below. */
static void test_range(void **state)
{
    const uint32_t setting[SETTING_KINDS] = {0};
    struct random_problem p = {1000, false, 16777214, 16777216, 3};
    double y[1000] = {0};

    (void)state;
    for (const struct kernel *k = kernels_random; k->name; k++) {
        struct launch l;

        assert_true(harness_launch(&harness, k, &p, &l));
        harness_run(&harness, &l, (struct operand[]){{DT_F32, 1000, y, true}},
                    1, setting);
        for (int i = 0; i < 1000; i++)
            assert_true(y[i] >= p.a && y[i] < p.b);
    }
}

/* ---- dropout ---- */

static const struct dropout_problem drops[] = {
    {5, 37, 0.5, 0x123456789abcdef0, DT_F32},
    {3, 1000, 0.1, 42, DT_F32},
    {2, 9001, 0.5, 43, DT_F32},
    {4, 64, 0.75, 42, DT_F16},
    {2, 1, 0.3, 42, DT_F32},
};
enum { DROPS = sizeof drops / sizeof *drops };

static void run_dropout(const struct kernel *k, const struct dropout_problem *p,
                        uint32_t first, double *x, double *y)
{
    const uint32_t setting[SETTING_KINDS] = {
        [SETTING_SEED] = 3, [SETTING_STEP] = 9, [SETTING_FIRST] = first};
    size_t n = (size_t)(p->samples * p->per_sample);
    struct launch l;

    assert_true(harness_launch(&harness, k, p, &l));
    harness_run(&harness, &l,
                (struct operand[]){{p->x, n, x, false}, {p->x, n, y, true}}, 2,
                setting);
}

/* Counter: element, sample of the update, step; a sample keeps its mask
 * wherever it lies in a batch. */
static double dropped(const struct dropout_problem *p, int64_t sample,
                      int64_t i, double x)
{
    const uint32_t counter[4] = {(uint32_t)(i / 4), (uint32_t)sample, 9,
                                 (uint32_t)(p->hash >> 32)};
    const uint32_t key[2] = {3, (uint32_t)p->hash};
    uint32_t word[4];

    random_words(counter, key, word);
    return (word[i % 4] >> 8) * 0x1p-24 >= p->ratio ? x / (1 - p->ratio) : 0;
}

/* Against the host, and the last sample as a micro-batch of its own. */
static void check_dropout(const struct kernel *k,
                          const struct dropout_problem *p)
{
    struct dropout_problem one = *p;
    int64_t per = p->per_sample, last = p->samples - 1;
    size_t n = (size_t)(p->samples * per);
    double *x = numbers(n), *y = numbers(n), *z = numbers(n);

    fill(x, n, p->x, 4);
    run_dropout(k, p, 10, x, y);
    for (int64_t i = 0; i < p->samples * per; i++)
        z[i] = dropped(p, 10 + i / per, i % per, x[i]);
    assert_close(k->name, y, z, n, p->x, 1);
    one.samples = 1;
    run_dropout(k, &one, 10 + (uint32_t)last, x + last * per, z);
    assert_memory_equal(z, y + last * per, (size_t)per * sizeof *y);
    free(x);
    free(y);
    free(z);
}

static void test_dropout(void **state)
{
    (void)state;
    for (const struct kernel *k = kernels_dropout; k->name; k++)
        for (int c = 0; c < DROPS; c++)
            check_dropout(k, &drops[c]);
}

/* The share that is kept, within five deviations of a binomial. */
static void test_dropout_share(void **state)
{
    enum { SAMPLES = 50, PER = 1001 };
    struct dropout_problem p = {SAMPLES, PER, 0.3, 99, DT_F32};
    double *x = numbers(SAMPLES * PER), *y = numbers(SAMPLES * PER);
    double n = SAMPLES * PER, kept = 0;

    (void)state;
    for (int i = 0; i < SAMPLES * PER; i++)
        x[i] = 1;
    run_dropout(kernels_dropout, &p, 0, x, y);
    for (int i = 0; i < SAMPLES * PER; i++)
        kept += y[i] != 0;
    assert_true(fabs(kept - 0.7 * n) < 5 * sqrt(0.21 * n));
    free(x);
    free(y);
}

static int setup(void **state)
{
    (void)state;
    harness_open(&harness);
    harness.info.max_group = 256;
    for (int i = 0; i < MOVES; i++) {
        struct transpose_problem p = move_of(&moves[i]);

        add_all(kernels_transpose, &p);
    }
    harness.info.family = FAMILY_CPU;
    for (int normal = 0; normal < 2; normal++) {
        struct random_problem p = draw_of(normal, 1, 0);

        harness_add(&harness, kernels_random, &p);
    }
    for (int i = 0; i < DROPS; i++)
        harness_add(&harness, kernels_dropout, &drops[i]);
    harness_build(&harness);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_close(&harness);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collapse), cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_philox),   cmocka_unit_test(test_random),
        cmocka_unit_test(test_moments),  cmocka_unit_test(test_range),
        cmocka_unit_test(test_dropout),  cmocka_unit_test(test_dropout_share),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
