/*
 * kernels_piece.c: pointwise chains that write a piece of a whole, every candidate
 * against plain loops: over the whole so far, beside it, and without one.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/pointwise.h"
#include "tests/kernel_harness.h"

static struct harness harness;
static const enum device_family families[] = {FAMILY_CPU, FAMILY_GPU};

/* A piece [at, at + dim[axis]) of the whole's `size`. */
static const struct piece_case {
    int rank, axis;
    int64_t dim[4], at, size;
    enum dtype type;
} cases[] = {
    {1, 0, {40}, 7, 50, DT_F32},           {2, 1, {3, 16}, 0, 20, DT_F32},
    {2, 1, {3, 17}, 3, 20, DT_F32},        {2, 0, {3, 5}, 2, 9, DT_F32},
    {2, 1, {9, 1}, 1, 3, DT_F32},          {3, 1, {2, 3, 11}, 4, 8, DT_F32},
    {4, 3, {2, 3, 5, 33}, 16, 64, DT_F32}, {4, 1, {2, 3, 5, 7}, 1, 4, DT_F16},
    {2, 1, {2, 9000}, 5, 9009, DT_F16},    {2, 1, {4, 21}, 2, 24, DT_U8},
};
enum { CASES = sizeof cases / sizeof *cases, WAYS = 3, CANDIDATES = 2 };
enum way { ALONE, BESIDE, OVER };
static const char *const way_name[] = {"alone", "beside", "over"};

/* The source of each kernel stays, since a launch refers to it. */
static char text[CASES][WAYS][CANDIDATES][POINTWISE_TEXT];

/* Elements behind an axis, in a whole of `size` along the case's axis. */
static int64_t behind(const struct piece_case *c, int axis, int64_t size)
{
    int64_t n = 1;

    for (int d = axis + 1; d < c->rank; d++)
        n *= d == c->axis ? size : c->dim[d];
    return n;
}

static size_t count(const struct piece_case *c, int64_t size)
{
    return (size_t)behind(c, -1, size);
}

/* y = x + the last axis' own row. */
static struct pointwise_problem problem_of(const struct piece_case *c,
                                           const struct kernel *k, enum way way)
{
    const int64_t len = c->dim[c->axis], inner = behind(c, c->axis, 0);
    struct pointwise_problem p = {
        .rank = c->rank,
        .nin = 2,
        .in = {c->type, c->type},
        .out = c->type,
        .body = "      r = v0 + v1;\n",
        .flop = 1,
        .text = text[c - cases][way][k - kernels_pointwise],
        .placed = true,
        .before = way != ALONE,
        .at = c->at * inner,
        .run = len * inner,
        .row = c->size * inner,
        .all = behind(c, -1, c->size)};

    for (int d = 0; d < c->rank; d++) {
        p.dim[d] = c->dim[d];
        p.stride[0][d] = behind(c, d, len);
        p.stride[1][d] = d == c->rank - 1;
        p.out_stride[d] = behind(c, d, c->size);
    }
    pointwise_collapse(&p);
    return p;
}

/* Index in the whole of element i of the piece. */
static size_t place_of(const struct piece_case *c, size_t i)
{
    const size_t inner = (size_t)behind(c, c->axis, 0);
    const size_t run = (size_t)c->dim[c->axis] * inner;

    return i / run * (size_t)c->size * inner + (size_t)c->at * inner + i % run;
}

static void check(const struct piece_case *c, const struct kernel *k,
                  enum way way, const double *got)
{
    const size_t all = count(c, c->size), n = count(c, c->dim[c->axis]);
    const size_t row = (size_t)c->dim[c->rank - 1];
    double *want = calloc(all, sizeof *want);

    assert_non_null(want);
    /* What nobody writes stays as the harness has it. */
    for (size_t i = 0; i < all; i++)
        want[i] = way != ALONE       ? (double)(i % 5)
                  : c->type == DT_U8 ? 255
                                     : (double)NAN;
    for (size_t i = 0; i < n; i++)
        want[place_of(c, i)] = (double)(i % 97 + i % row % 7);
    for (size_t i = 0; i < all; i++)
        if (got[i] != want[i] && !(isnan(got[i]) && isnan(want[i])))
            fail_msg("%s, case %d, %s: element %zu is %g, not %g", k->name,
                     (int)(c - cases), way_name[way], i, got[i], want[i]);
    free(want);
}

static int run_case(const struct piece_case *c, const struct kernel *k,
                    enum way way)
{
    const uint32_t setting[SETTING_KINDS] = {0};
    const size_t all = count(c, c->size), n = count(c, c->dim[c->axis]);
    const size_t row = (size_t)c->dim[c->rank - 1];
    struct pointwise_problem p = problem_of(c, k, way);
    struct operand o[] = {
        {c->type, all, calloc(all, sizeof(double)), false},
        {c->type, n, calloc(n, sizeof(double)), false},
        {c->type, row, calloc(row, sizeof(double)), false},
        {c->type, all, calloc(all, sizeof(double)), true},
    };
    struct launch l;
    bool fits = harness_launch(&harness, k, &p, &l);

    for (size_t i = 0; i < all; i++)
        o[0].value[i] = (double)(i % 5);
    for (size_t i = 0; i < n; i++)
        o[1].value[i] = (double)(i % 97);
    for (size_t i = 0; i < row; i++)
        o[2].value[i] = (double)(i % 7);
    if (fits && way == OVER)
        harness_run_over(&harness, &l, o, 4, 0, setting);
    else if (fits)
        harness_run(&harness, &l, o + (way == ALONE), way == ALONE ? 3 : 4,
                    setting);
    if (fits)
        check(c, k, way, o[3].value);
    for (int i = 0; i < 4; i++)
        free(o[i].value);
    return fits;
}

/* A candidate that no case fits would pass untested. */
static void test_pieces(void **state)
{
    (void)state;
    for (const struct kernel *k = kernels_pointwise; k->name; k++) {
        int ran = 0;

        for (int i = 0; i < CASES * WAYS * 2; i++) {
            harness.info.family = families[i % 2];
            ran += run_case(&cases[i / 2 / WAYS], k, (enum way)(i / 2 % WAYS));
        }
        if (!ran)
            fail_msg("%s was never tried", k->name);
    }
}

static void add_case(const struct piece_case *c, const struct kernel *k,
                     enum way way)
{
    const struct kernel one[] = {*k, {0}};
    struct pointwise_problem p = problem_of(c, k, way);

    harness_add(&harness, one, &p);
}

static int setup(void **state)
{
    (void)state;
    harness_open(&harness);
    for (const struct kernel *k = kernels_pointwise; k->name; k++)
        for (int i = 0; i < CASES * WAYS * 2; i++) {
            harness.info.family = families[i % 2];
            add_case(&cases[i / 2 / WAYS], k, (enum way)(i / 2 % WAYS));
        }
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
