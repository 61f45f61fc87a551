/*
 * kernels_meter.c: meters, counts and the seeds of gradients against plain
 * loops; stale rows are NaN; cut batches give the same bits.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/meter.h"
#include "tests/kernel_harness.h"

enum { N = 37, LANES = 16, STATE = 4 * LANES, ROWS = 31, FIRST = 21 };

static const struct meter_problem meters[] = {
    {N, LANES, false, DT_NONE, 1},
    {N, LANES, false, DT_NONE, 3000000001}, /* more bits than a float has */
    {N, LANES, false, DT_I32, 0},
    {N, LANES, false, DT_F32, 0},
    {1, LANES, true, DT_NONE, 0},
};
static const struct count_problem whole_counts = {N, DT_I32};
static const struct count_problem weight_sums = {N, DT_F32};
static const struct seed_problem seeds[] = {
    {N, 0.75, DT_NONE, 1},
    {N, 1, DT_NONE, 5000000000},
    {N, 0.75, DT_I32, 0},
    {N, 0.75, DT_F32, 0},
};
enum { METERS = 5, SEEDS = 4 };

static struct harness harness;

static void set(uint32_t *setting, uint32_t rows, uint32_t first)
{
    memset(setting, 0, SETTING_KINDS * sizeof *setting);
    setting[SETTING_ROWS] = rows;
    setting[SETTING_FIRST] = first;
    setting[SETTING_EFFECTIVE] = 640;
}

struct samples {
    double terms[N], counts[N];
};

/* next = state and samples [begin, begin + rows); where begin is odd, in the
 * memory of state */
static void meter_run(const struct meter_problem *p, double *state,
                      struct samples *x, uint32_t begin, uint32_t rows,
                      double *next)
{
    size_t left = (size_t)p->N - begin;
    struct meter_problem part = *p;
    struct operand o[4] = {{DT_F32, STATE, state, false},
                           {DT_F32, left, x->terms + begin, false},
                           {p->counts, left, x->counts + begin, false},
                           {DT_F32, STATE, next, true}};
    uint32_t setting[SETTING_KINDS];
    struct launch l;

    part.N = (int64_t)left;
    set(setting, rows, FIRST + begin);
    assert_true(harness_launch(&harness, kernels_meter_add, &part, &l));
    if (!p->counts)
        o[2] = o[3];
    if (begin % 2)
        harness_run_over(&harness, &l, o, p->counts ? 4 : 3, 0, setting);
    else
        harness_run(&harness, &l, o, p->counts ? 4 : 3, setting);
}

/* Sums that a single float could not carry on, and NaN in the rows beyond
 * ROWS. */
static void meter_numbers(const struct meter_problem *p, double *state,
                          struct samples *x)
{
    fill(state, STATE, DT_F32, 1);
    fill(x->terms, N, DT_F32, 2);
    for (int i = 0; i < STATE; i += 4) {
        state[i] = 1e8; /* so that the low part has work */
        state[i + 2] = 1 << 24;
        state[i + 3] = 3;
    }
    for (int i = 0; i < N; i++) {
        x->counts[i] = p->counts == DT_F32 ? 0.25 + i
                       : i % 4             ? 100 + i
                                           : 0x7fffffff - i;
        if (i >= ROWS)
            x->terms[i] = NAN;
    }
}

/* A lane's two numbers of two parts each, before and after ROWS samples. */
static void check_lane(const struct meter_problem *p, const struct samples *x,
                       int lane, const double *was, const double *is)
{
    double sum = was[0] + was[1], count = was[2] + was[3];

    for (int n = 0; n < ROWS; n++) {
        if (p->once ? n || lane : (FIRST + n) % LANES != lane)
            continue;
        sum += x->terms[n];
        count += p->once ? 1 : p->counts ? x->counts[n] : (double)p->per_sample;
    }
    assert_true(fabs(is[0] + is[1] - sum) < 1e-6);
    assert_true(is[2] + is[3] == count);
}

static void test_meter(void **unused)
{
    double state[STATE], next[STATE];
    struct samples x;

    (void)unused;
    for (int i = 0; i < METERS; i++) {
        meter_numbers(&meters[i], state, &x);
        meter_run(&meters[i], state, &x, 0, ROWS, next);
        for (int lane = 0; lane < LANES; lane++)
            check_lane(&meters[i], &x, lane, state + 4 * lane, next + 4 * lane);
    }
}

/* 31 rows at once, and 13 and 18 one after the other: the same bits. */
static void test_meter_cut(void **unused)
{
    double state[STATE], whole[STATE], part[STATE], next[STATE];
    struct samples x;

    (void)unused;
    for (int i = 0; i < METERS; i++) {
        if (meters[i].once)
            continue;
        meter_numbers(&meters[i], state, &x);
        meter_run(&meters[i], state, &x, 0, ROWS, whole);
        meter_run(&meters[i], state, &x, 0, 13, part);
        meter_run(&meters[i], part, &x, 13, ROWS - 13, next);
        assert_memory_equal(whole, next, sizeof whole);
    }
}

/* The count after these rows of a state that had `before`; place 0 starts
 * anew. */
static double counted(uint32_t rows, uint32_t first, double before)
{
    double state[1] = {before}, next[1], counts[N];
    struct operand o[3] = {{DT_I32, 1, state, false},
                           {DT_I32, N, counts, false},
                           {DT_I32, 1, next, true}};
    uint32_t setting[SETTING_KINDS];
    struct launch l;

    for (int i = 0; i < N; i++)
        counts[i] = i;
    set(setting, rows, first);
    assert_true(harness_launch(&harness, kernels_count_add, &whole_counts, &l));
    harness_run_over(&harness, &l, o, 3, 0, setting);
    return next[0];
}

/* 0 + 1 + ... + n - 1 */
static int sum_below(int n)
{
    return n * (n - 1) / 2;
}

static void test_count(void **unused)
{
    (void)unused;
    assert_true(counted(ROWS, 0, 77) == sum_below(ROWS));
    assert_true(counted(ROWS, 1, 77) == sum_below(ROWS) + 77);
    assert_true(counted(N, 5, 0) == sum_below(N));
    assert_true(counted(0, 5, 3) == 3);
}

/* next = state and the weights [begin, begin + rows) */
static void weighed(double *weights, const double *before, uint32_t begin,
                    uint32_t rows, double *next)
{
    double state[2] = {before[0], before[1]};
    struct count_problem part = {N - begin, DT_F32};
    struct operand o[3] = {{DT_F32, 2, state, false},
                           {DT_F32, N - begin, weights + begin, false},
                           {DT_F32, 2, next, true}};
    uint32_t setting[SETTING_KINDS];
    struct launch l;

    set(setting, rows, begin);
    assert_true(harness_launch(&harness, kernels_count_add, &part, &l));
    harness_run_over(&harness, &l, o, 3, 0, setting);
}

/* Weights of very different sizes: nothing is lost, the sum starts anew at the
 * first sample, stale rows are not read, and a cut changes no bit. */
static void test_weights(void **unused)
{
    const double stale[2] = {7, 7};
    double w[N], whole[2], part[2], cut[2], sum = 0;

    (void)unused;
    for (int n = 0; n < N; n++)
        w[n] = n >= ROWS ? NAN : n % 3 ? 0.1f * (float)n : 0x1p20f * (float)n;
    for (int n = 0; n < ROWS; n++)
        sum += w[n];
    weighed(w, stale, 0, ROWS, whole);
    assert_true(fabs(whole[0] + whole[1] - sum) < sum * 0x1p-45);
    weighed(w, stale, 0, 13, part);
    weighed(w, part, 13, ROWS - 13, cut);
    assert_memory_equal(whole, cut, sizeof whole);
}

/* Rows beyond ROWS have no gradient, and a count of 0 gives none to any. */
static void seed(const struct seed_problem *p, double count, double want)
{
    double state[2] = {count}, got[N];
    struct operand o[2] = {
        {p->counts, p->counts == DT_F32 ? 2 : 1, state, false},
        {DT_F32, N, got, true}};
    uint32_t setting[SETTING_KINDS];
    struct launch l;

    set(setting, ROWS, FIRST);
    assert_true(harness_launch(&harness, kernels_loss_seed, p, &l));
    harness_run(&harness, &l, p->counts ? o : o + 1, p->counts ? 2 : 1,
                setting);
    for (int i = 0; i < N; i++)
        assert_true(fabs(got[i] - (i < ROWS ? want : 0)) <= want * 0x1p-22);
}

static void test_seed(void **unused)
{
    (void)unused;
    seed(&seeds[0], 0, 0.75 / 640);
    seed(&seeds[1], 0, 1 / (640 * 5e9));
    seed(&seeds[2], 1234, 0.75 / 1234);
    seed(&seeds[2], 0, 0);
    seed(&seeds[3], 0.3125, 2.4);
    seed(&seeds[3], 0, 0);
}

static int open_all(void **state)
{
    (void)state;
    harness_open(&harness);
    for (int i = 0; i < METERS; i++)
        harness_add(&harness, kernels_meter_add, &meters[i]);
    harness_add(&harness, kernels_count_add, &whole_counts);
    harness_add(&harness, kernels_count_add, &weight_sums);
    for (int i = 0; i < SEEDS; i++)
        harness_add(&harness, kernels_loss_seed, &seeds[i]);
    harness_build(&harness);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    harness_close(&harness);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meter), cmocka_unit_test(test_meter_cut),
        cmocka_unit_test(test_count), cmocka_unit_test(test_weights),
        cmocka_unit_test(test_seed),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
