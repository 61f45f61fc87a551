/*
 * kernels_pool.c: pooling and its gradients against plain loops in double.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/pool.h"
#include "tests/kernel_harness.h"

#define SIZES(n, h, w, c, p, q) .N = n, .H = h, .W = w, .C = c, .P = p, .Q = q
#define F32S                    .x = DT_F32, .y = DT_F32, .index = DT_U8
#define UNIT                    .stride = {1, 1}, .dilation = {1, 1}

/* Windows that overlap, that leave rows out, that begin before or end behind
 * the image; channels around 16. */
static const struct pool_problem cases[] = {
    {SIZES(1, 1, 1, 1, 1, 1), .window = {1, 1}, UNIT, F32S},
    {SIZES(3, 28, 28, 16, 14, 14), .window = {2, 2}, .stride = {2, 2},
     .dilation = {1, 1}, F32S},
    {SIZES(2, 5, 7, 17, 3, 5), .window = {3, 3}, UNIT, F32S},
    {SIZES(2, 7, 7, 15, 4, 4), .window = {3, 3}, .stride = {2, 2},
     .dilation = {1, 1}, .pad = {1, 1}, .pad_end = {1, 1}, F32S},
    /* Windows beyond the end, as with ceil_mode; the divisor must know. */
    {SIZES(2, 6, 6, 3, 3, 3), .window = {3, 3}, .stride = {2, 2},
     .dilation = {1, 1}, .count_include_pad = true, F32S},
    {SIZES(2, 6, 7, 33, 4, 4), .window = {3, 2}, .stride = {2, 2},
     .dilation = {1, 1}, .pad = {1, 0}, .pad_end = {1, 1},
     .count_include_pad = true, F32S},
    {SIZES(2, 9, 9, 5, 2, 3), .window = {2, 1}, .stride = {5, 4},
     .dilation = {1, 1}, F32S},
    {SIZES(2, 9, 11, 7, 5, 3), .window = {3, 3}, .stride = {1, 2},
     .dilation = {2, 3}, F32S},
    {SIZES(3, 8, 6, 20, 1, 1), .window = {8, 6}, UNIT, F32S},
    {SIZES(2, 1, 19, 4, 1, 9), .window = {1, 3}, .stride = {1, 2},
     .dilation = {1, 1}, F32S},
    {SIZES(2, 6, 6, 18, 3, 3), .window = {2, 2}, .stride = {2, 2},
     .dilation = {1, 1}, .x = DT_F16, .y = DT_F16, .index = DT_I32},
};
enum { CASES = sizeof cases / sizeof *cases };

static struct harness harness;
static const uint32_t setting[SETTING_KINDS];

/* All that a problem has, and what is wanted of it. */
struct arrays {
    size_t nx, ny;
    double *x, *y, *index, *average;
    double *dy, *dx, *average_dx;
    double *got, *got_index;
};

static double *numbers(size_t n)
{
    double *d = calloc(n, sizeof *d);

    assert_non_null(d);
    return d;
}

/* Coarse values, so that maxima are often equal. */
static struct arrays open_arrays(const struct pool_problem *p)
{
    size_t nx = (size_t)(p->N * p->H * p->W * p->C);
    size_t ny = (size_t)(p->N * p->P * p->Q * p->C);
    struct arrays a = {nx,          ny,
                       numbers(nx), numbers(ny),
                       numbers(ny), numbers(ny),
                       numbers(ny), numbers(nx),
                       numbers(nx), numbers(nx > ny ? nx : ny),
                       numbers(ny)};

    fill(a.x, nx, p->x, 1);
    for (size_t i = 0; i < nx; i++)
        a.x[i] = floor(a.x[i] * 4) / 4;
    fill(a.dy, ny, p->y, 2);
    return a;
}

static void close_arrays(struct arrays *a)
{
    free(a->x);
    free(a->y);
    free(a->index);
    free(a->average);
    free(a->dy);
    free(a->dx);
    free(a->average_dx);
    free(a->got);
    free(a->got_index);
}

/* Place in x of a window's position, or -1; counted: it is part of the mean. */
static int64_t place(const struct pool_problem *p, int64_t out, int64_t rs,
                     bool *counted)
{
    int64_t c = out % p->C, q = out / p->C % p->Q, i = out / p->C / p->Q;
    int64_t h = i % p->P * p->stride[0] - p->pad[0] +
                rs / p->window[1] * p->dilation[0];
    int64_t w = q * p->stride[1] - p->pad[1] +
                rs % p->window[1] * p->dilation[1];
    bool inside = h >= 0 && h < p->H && w >= 0 && w < p->W;

    *counted = inside || (p->count_include_pad && h < p->H + p->pad_end[0] &&
                          w < p->W + p->pad_end[1]);
    return inside ? ((i / p->P * p->H + h) * p->W + w) * p->C + c : -1;
}

/* One walk over all windows: y, the place of the maximum (the first of equals)
 * and the gradients that follow from it. */
static void reference(const struct pool_problem *p, struct arrays *a)
{
    int64_t window = p->window[0] * p->window[1];

    for (int64_t i = 0; i < (int64_t)a->ny; i++) {
        int64_t best = -1, count = 0;
        bool counted;

        for (int64_t rs = 0; rs < window; rs++) {
            int64_t at = place(p, i, rs, &counted);

            count += counted;
            if (at < 0)
                continue;
            a->average[i] += a->x[at];
            if (best < 0 || a->x[at] > a->x[best]) {
                best = at;
                a->index[i] = (double)rs;
            }
        }
        a->y[i] = a->x[best];
        a->dx[best] += a->dy[i];
        a->average[i] /= (double)count;
        for (int64_t rs = 0; rs < window; rs++) {
            int64_t at = place(p, i, rs, &counted);

            if (at >= 0)
                a->average_dx[at] += a->dy[i] / (double)count;
        }
    }
}

static void run(const struct kernel *family, const struct pool_problem *p,
                struct operand *o, int n)
{
    struct launch l;

    for (const struct kernel *k = family; k->name; k++)
        if (harness_launch(&harness, k, p, &l))
            harness_run(&harness, &l, o, n, setting);
}

/* The forward kernels copy an element, so bits are compared; gradients add
 * where windows overlap. */
static void maxima(const struct pool_problem *p, struct arrays *a)
{
    struct operand x = INPUT(p->x, a->nx, a->x);
    struct operand y = OUTPUT(p->y, a->ny, a->got);
    struct operand index = OUTPUT(p->index, a->ny, a->got_index);
    struct operand dy = INPUT(p->y, a->ny, a->dy);
    struct operand dx = OUTPUT(p->x, a->nx, a->got);
    double terms = (double)(p->window[0] * p->window[1]);

    run(kernels_max_pool, p, (struct operand[]){x, y}, 2);
    assert_memory_equal(a->got, a->y, a->ny * sizeof *a->y);
    memset(a->got, 0, a->ny * sizeof *a->got);
    run(kernels_max_pool_index, p, (struct operand[]){x, y, index}, 3);
    assert_memory_equal(a->got, a->y, a->ny * sizeof *a->y);
    assert_memory_equal(a->got_index, a->index, a->ny * sizeof *a->index);
    index.output = false;
    run(kernels_max_pool_index_grad, p, (struct operand[]){dy, index, dx}, 3);
    assert_close("max_pool_index_grad", a->got, a->dx, a->nx, p->x, terms);
    run(kernels_max_pool_grad, p, (struct operand[]){dy, x, dx}, 3);
    assert_close("max_pool_grad", a->got, a->dx, a->nx, p->x, terms);
}

/* The divisor is what can be wrong: pads inside the image's extent count where
 * count_include_pad says so, those beyond never. */
static void averages(const struct pool_problem *p, struct arrays *a)
{
    struct operand x = INPUT(p->x, a->nx, a->x);
    struct operand y = OUTPUT(p->y, a->ny, a->got);
    struct operand dy = INPUT(p->y, a->ny, a->dy);
    struct operand dx = OUTPUT(p->x, a->nx, a->got);
    double terms = (double)(p->window[0] * p->window[1]);

    run(kernels_average_pool, p, (struct operand[]){x, y}, 2);
    assert_close("average_pool", a->got, a->average, a->ny, p->y, terms);
    run(kernels_average_pool_grad, p, (struct operand[]){dy, dx}, 2);
    assert_close("average_pool_grad", a->got, a->average_dx, a->nx, p->x,
                 terms);
}

static void each_case(void (*f)(const struct pool_problem *, struct arrays *))
{
    for (int i = 0; i < CASES; i++) {
        struct arrays a = open_arrays(&cases[i]);

        reference(&cases[i], &a);
        f(&cases[i], &a);
        close_arrays(&a);
    }
}

static void test_max(void **state)
{
    (void)state;
    each_case(maxima);
}

static void test_average(void **state)
{
    (void)state;
    each_case(averages);
}

/* One NaN in one channel: exactly the windows over it must say so. */
static void test_nan_wins(void **state)
{
    const struct pool_problem *p = &cases[2];
    struct arrays a = open_arrays(p);
    struct operand o[2] = {INPUT(p->x, a.nx, a.x), OUTPUT(p->y, a.ny, a.got)};

    (void)state;
    a.x[(2 * p->W + 2) * p->C + 16] = NAN;
    run(kernels_max_pool, p, o, 2);
    for (int64_t i = 0; i < p->P * p->Q * p->C; i++) {
        bool covers = i % p->C == 16 && i / p->C % p->Q <= 2;

        assert_int_equal(isnan(a.got[i]) != 0, covers);
    }
    close_arrays(&a);
}

static int setup(void **state)
{
    (void)state;
    harness_open(&harness);
    for (int i = 0; i < CASES; i++) {
        harness_add(&harness, kernels_max_pool, &cases[i]);
        harness_add(&harness, kernels_max_pool_index, &cases[i]);
        harness_add(&harness, kernels_max_pool_index_grad, &cases[i]);
        harness_add(&harness, kernels_max_pool_grad, &cases[i]);
        harness_add(&harness, kernels_average_pool, &cases[i]);
        harness_add(&harness, kernels_average_pool_grad, &cases[i]);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max),
        cmocka_unit_test(test_average),
        cmocka_unit_test(test_nan_wins),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
