/*
 * kernels_embedding.c: every candidate of embeddings and of their gradient
 * against plain loops in double; indices that are no rows; and that a cut batch
 * gives the bits of a whole one.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/embedding.h"
#include "tests/kernel_harness.h"

enum { SAMPLES = 5, CUT = 3, POSITIONS = 7, MOST = 12000 };

struct shape {
    int64_t count, size;
    enum dtype index, w;
    int lanes;
};

/* Rows of the table, numbers of a row (around vectors of 16), types, lanes. */
static const struct shape shapes[] = {{1, 1, DT_I32, DT_F32, 1},
                                      {4, 15, DT_I64, DT_F32, 2},
                                      {5, 16, DT_U8, DT_F32, 4},
                                      {33, 17, DT_I32, DT_F16, 1},
                                      {67, 40, DT_I32, DT_F32, 4}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static struct harness harness;
static double table[MOST], y[SAMPLES * POSITIONS * 40], dy[MOST];
static double got[MOST], again[MOST], part[MOST], want[MOST];

/* Some rows come often, some never; every fifth index is none. */
static void indices(const struct shape *s, double *index)
{
    static const double wrong[] = {2147483647., -1, -2147483648.};

    for (int k = 0; k < SAMPLES * POSITIONS; k++) {
        index[k] = (double)(k * k % s->count);
        if (k % 5 == 4)
            index[k] = s->index == DT_U8 ? 255 : wrong[k / 5 % 3];
    }
}

static bool is_row(const struct shape *s, double v)
{
    return v >= 0 && v < (double)s->count;
}

static struct embedding_problem forward_of(const struct shape *s)
{
    return (struct embedding_problem){.n = SAMPLES * POSITIONS,
                                      .count = s->count,
                                      .size = s->size,
                                      .index = s->index,
                                      .w = s->w};
}

static struct embedding_grad_problem grad_of(const struct shape *s,
                                             bool accumulate)
{
    return (struct embedding_grad_problem){.samples = SAMPLES,
                                           .positions = POSITIONS,
                                           .count = s->count,
                                           .size = s->size,
                                           .index = s->index,
                                           .dy = s->w,
                                           .lanes = s->lanes,
                                           .accumulate = accumulate};
}

/* Rows are copied, so they are compared exactly; an index that is no row gives
 * NaN, not another's memory. */
static void forward(const struct shape *s)
{
    static const uint32_t setting[SETTING_KINDS] = {0};
    struct embedding_problem p = forward_of(s);
    double index[SAMPLES * POSITIONS];
    size_t n = (size_t)(p.n * p.size), rows = (size_t)(p.count * p.size);
    struct operand o[] = {INPUT(p.index, (size_t)p.n, index),
                          INPUT(p.w, rows, table), OUTPUT(p.w, n, y)};
    struct launch l;

    indices(s, index);
    fill(table, rows, p.w, 1);
    for (const struct kernel *k = kernels_embedding; k->name; k++) {
        if (!harness_launch(&harness, k, &p, &l))
            continue;
        harness_run(&harness, &l, o, 3, setting);
        for (size_t i = 0; i < n; i++) {
            double v = index[i / (size_t)p.size];
            size_t c = i % (size_t)p.size;

            if (is_row(s, v))
                assert_true(y[i] == table[(size_t)v * (size_t)p.size + c]);
            else
                assert_true(isnan(y[i]));
        }
    }
}

static void test_forward(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++)
        forward(&shapes[i]);
}

/* Lane by lane, as the kernels must add. */
static void sums(const struct shape *s, const double *index)
{
    for (int64_t i = 0; i < s->lanes * s->count * s->size; i++)
        want[i] = 0;
    for (int k = 0; k < SAMPLES * POSITIONS; k++)
        for (int64_t c = 0; is_row(s, index[k]) && c < s->size; c++) {
            int64_t row = k / POSITIONS % s->lanes * s->count;

            want[(row + (int64_t)index[k]) * s->size + c] +=
                dy[k * s->size + c];
        }
}

/* All samples at once, and the last ones after the first ones. */
static void run_grad(const struct shape *s, const struct kernel *k,
                     double *index)
{
    struct embedding_grad_problem p = grad_of(s, false);
    struct embedding_grad_problem after = grad_of(s, true);
    uint32_t setting[SETTING_KINDS] = {[SETTING_ROWS] = SAMPLES};
    size_t n = SAMPLES * POSITIONS, at = CUT * POSITIONS;
    size_t size = (size_t)s->size;
    size_t all = (size_t)(s->lanes * s->count) * size;
    struct operand o[] = {INPUT(s->index, n, index), INPUT(s->w, n * size, dy),
                          OUTPUT(DT_F32, all, got)};
    struct operand rest[] = {INPUT(s->index, n - at, index + at),
                             INPUT(s->w, (n - at) * size, dy + at * size),
                             INPUT(DT_F32, all, part),
                             OUTPUT(DT_F32, all, again)};
    struct launch l;

    if (!harness_launch(&harness, k, &p, &l))
        return;
    harness_run(&harness, &l, o, 3, setting);
    assert_close(k->name, got, want, all, DT_F32, SAMPLES * POSITIONS);
    setting[SETTING_ROWS] = CUT;
    o[2].value = part;
    harness_run(&harness, &l, o, 3, setting);
    setting[SETTING_ROWS] = SAMPLES - CUT;
    setting[SETTING_FIRST] = CUT;
    assert_true(harness_launch(&harness, k, &after, &l));
    harness_run(&harness, &l, rest, 4, setting);
    assert_memory_equal(got, again, all * sizeof *got);
    harness_run_over(&harness, &l, rest, 4, 2, setting);
    assert_memory_equal(got, again, all * sizeof *got);
}

/* Rows that several positions share are where sums, and their order, matter. */
static void test_grad(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        double index[SAMPLES * POSITIONS];

        indices(&shapes[i], index);
        fill(dy, (size_t)(SAMPLES * POSITIONS * shapes[i].size), shapes[i].w,
             2);
        sums(&shapes[i], index);
        for (const struct kernel *k = kernels_embedding_grad; k->name; k++)
            run_grad(&shapes[i], k, index);
    }
}

static int open_all(void **state)
{
    (void)state;
    harness_open(&harness);
    for (int i = 0; i < SHAPES; i++) {
        struct embedding_problem p = forward_of(&shapes[i]);

        harness_add(&harness, kernels_embedding, &p);
        for (int accumulate = 0; accumulate < 2; accumulate++) {
            struct embedding_grad_problem g = grad_of(&shapes[i], accumulate);

            harness_add(&harness, kernels_embedding_grad, &g);
        }
    }
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forward),
                                       cmocka_unit_test(test_grad)};

    return cmocka_run_group_tests(tests, open_all, close_all);
}
