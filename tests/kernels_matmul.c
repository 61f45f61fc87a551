/*
 * kernels_matmul.c: every candidate of the matrix products against plain loops
 * in double; and what DESIGN promises about their bits.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/matmul.h"
#include "tests/kernel_harness.h"

#define F32S .a = DT_F32, .b = DT_F32, .y = DT_F32

/* M, N, K around tiles of 12 rows and vectors of 16, each once with a bias; one
 * operand of one row or column. */
static const struct matmul_problem shapes[] = {
    {1, 1, 1, F32S},
    {1, 16, 1, F32S, .bias = true},
    {1, 17, 5, F32S},
    {5, 1, 31, F32S},
    {11, 15, 16, F32S, .bias = true},
    {12, 16, 17, F32S},
    {13, 33, 15, F32S, .bias = true},
    {47, 48, 32, F32S},
    {48, 63, 7, F32S},
    {49, 64, 64, F32S, .bias = true},
    {97, 65, 33, F32S},
    {6, 131, 300, F32S, .bias = true},
    {20, 40, 19, .a = DT_F16, .b = DT_F16, .y = DT_F16, .bias = true},
    {9, 70, 21, .a = DT_F32, .b = DT_F16, .y = DT_F32},
    /* Batches: dense; one b for all; a broadcast in the middle. */
    {7, 18, 5, .nbatch = 1, .batch = {3}, .a_stride = {35}, .b_stride = {90},
     F32S},
    {50, 9, 4, .nbatch = 2, .batch = {2, 3}, .a_stride = {600, 200}, F32S,
     .bias = true},
    {3, 5, 7, .nbatch = 4, .batch = {2, 1, 3, 2}, .a_stride = {42, 0, 0, 21},
     .b_stride = {105, 105, 35, 0}, F32S},
};

/* samples, rows of a sample, M, N, types of a and b, lanes, accumulate. */
static const struct matmul_sum_problem sums[] = {
    {1, 1, 1, 1, DT_F32, DT_F32, 1, true},
    {5, 1, 12, 16, DT_F32, DT_F32, 2, true},
    {7, 3, 13, 17, DT_F32, DT_F32, 3, true},
    {4, 1, 10, 50, DT_F32, DT_F32, 8, true},
    {6, 2, 49, 10, DT_F32, DT_F32, 4, true},
    {3, 5, 47, 64, DT_F32, DT_F32, 2, false},
    {9, 1, 20, 131, DT_F32, DT_F32, 3, true},
    {4, 4, 31, 33, DT_F16, DT_F16, 3, true},
};
enum {
    SHAPES = sizeof shapes / sizeof *shapes,
    SUMS = sizeof sums / sizeof *sums,
    FIRST = 5
};

static struct harness harness;

static double *numbers(size_t n)
{
    double *d = calloc(n, sizeof *d);

    assert_non_null(d);
    return d;
}

/* Elements that an operand spans: one matrix and all the strides over it. */
static size_t span(const struct matmul_problem *p, const int64_t *stride,
                   int64_t matrix)
{
    for (int d = 0; d < p->nbatch; d++)
        matrix += (p->batch[d] - 1) * stride[d];
    return (size_t)matrix;
}

/* How many products there are in all. */
static int64_t matrices(const struct matmul_problem *p)
{
    int64_t n = 1;

    for (int d = 0; d < p->nbatch; d++)
        n *= p->batch[d];
    return n;
}

/* Where matrix `index` begins in an operand; a stride of 0 repeats it. */
static int64_t start_of(const struct matmul_problem *p, const int64_t *stride,
                        int64_t index)
{
    int64_t at = 0;

    for (int d = p->nbatch - 1; d >= 0; d--) {
        at += index % p->batch[d] * stride[d];
        index /= p->batch[d];
    }
    return at;
}

/* y = a b + bias, the sum over k from the first to the last, in double. */
static void reference(const struct matmul_problem *p, const double *a,
                      const double *b, const double *bias, double *y)
{
    for (int64_t i = 0; i < matrices(p) * p->M * p->N; i++) {
        int64_t n = i % p->N, m = i / p->N % p->M, batch = i / p->N / p->M;
        const double *x = a + start_of(p, p->a_stride, batch);
        const double *z = b + start_of(p, p->b_stride, batch);

        y[i] = p->bias ? bias[n] : 0;
        for (int64_t k = 0; k < p->K; k++)
            y[i] += x[p->trans_a ? k * p->M + m : m * p->K + k] *
                    z[p->trans_b ? n * p->K + k : k * p->N + n];
    }
}

/* Of one case: what comes out, as sums of how many terms. */
struct expected {
    const char *name;
    const double *value;
    double terms;
};

/* One sample less than there is: the last one is stale. */
static void compare(const struct kernel *family, const void *problem,
                    struct operand *o, int n, const struct expected *want)
{
    uint32_t setting[SETTING_KINDS] = {[SETTING_FIRST] = FIRST};
    struct operand *y = &o[n - 1];

    if (family == kernels_matmul_batch_sum) {
        const struct matmul_sum_problem *p = problem;

        setting[SETTING_ROWS] = (uint32_t)(p->samples > 1 ? p->samples - 1 : 1);
    }
    for (const struct kernel *k = family; k->name; k++) {
        struct launch l;
        char what[128];

        assert_true(harness_launch(&harness, k, problem, &l));
        snprintf(what, sizeof what, "%s: %s", k->name, want->name);
        y->value = numbers(y->elements);
        harness_run(&harness, &l, o, n, setting);
        assert_close(what, y->value, want->value, y->elements, y->dtype,
                     want->terms);
        free(y->value);
    }
}

static void product(const struct matmul_problem *p)
{
    size_t na = span(p, p->a_stride, p->M * p->K);
    size_t nb = span(p, p->b_stride, p->K * p->N);
    size_t ny = (size_t)(matrices(p) * p->M * p->N);
    double *a = numbers(na), *b = numbers(nb), *want = numbers(ny);
    double *bias = numbers((size_t)p->N);
    struct operand o[4] = {INPUT(p->a, na, a), INPUT(p->b, nb, b)};
    char name[64];
    int n = 2;

    fill(a, na, p->a, 1);
    fill(b, nb, p->b, 2);
    fill(bias, (size_t)p->N, DT_F32, 3);
    if (p->bias)
        o[n++] = (struct operand)INPUT(DT_F32, (size_t)p->N, bias);
    o[n++] = (struct operand)OUTPUT(p->y, ny, NULL);
    reference(p, a, b, bias, want);
    snprintf(name, sizeof name, "%dx%dx%d %d%d", (int)p->M, (int)p->N,
             (int)p->K, p->trans_a, p->trans_b);
    compare(kernels_matmul, p, o, n,
            &(struct expected){name, want, (double)p->K});
    free(a);
    free(b);
    free(bias);
    free(want);
}

/* Two of the four ways to store the operands: each is a program to build. */
static struct matmul_problem shape(int i, int way)
{
    struct matmul_problem p = shapes[i];

    p.trans_a = (i + way) & 1;
    p.trans_b = (i + way) >> 1 & 1;
    return p;
}

/* Catches a wrong stride, a tail that is cut off, and a bias that is added
 * twice or not at all. */
static void test_product(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++)
        for (int way = 0; way < 2; way++) {
            struct matmul_problem p = shape(i, way);

            product(&p);
        }
}

/* y[lane] += a[row]^T b[row], the sample's lane being its place in the
 * update. */
static void sum_reference(const struct matmul_sum_problem *p, int64_t rows,
                          const double *a, const double *b, double *y)
{
    for (int64_t i = 0; i < rows * p->per_sample * p->M * p->N; i++) {
        int64_t n = i % p->N, m = i / p->N % p->M, row = i / p->N / p->M;
        int64_t lane = (FIRST + row / p->per_sample) % p->lanes;

        y[(lane * p->M + m) * p->N + n] += a[row * p->M + m] *
                                           b[row * p->N + n];
    }
}

/* Stale rows are NaN, so a kernel that reads them shows it. */
static void batch_sum(const struct matmul_sum_problem *p)
{
    size_t rows = (size_t)(p->samples > 1 ? p->samples - 1 : 1);
    size_t a1 = (size_t)(p->per_sample * p->M);
    size_t b1 = (size_t)(p->per_sample * p->N);
    size_t na = (size_t)p->samples * a1, nb = (size_t)p->samples * b1;
    size_t ny = (size_t)(p->lanes * p->M * p->N);
    double *a = numbers(na), *b = numbers(nb), *acc = numbers(ny);
    double *want = numbers(ny);
    struct operand o[4] = {INPUT(p->a, na, a), INPUT(p->b, nb, b)};
    char name[64];
    int n = 2;

    fill(a, na, p->a, 1);
    fill(b, nb, p->b, 2);
    fill(acc, ny, DT_F32, 3);
    if (p->accumulate) {
        o[n++] = (struct operand)INPUT(DT_F32, ny, acc);
        memcpy(want, acc, ny * sizeof *acc);
    }
    o[n++] = (struct operand)OUTPUT(DT_F32, ny, NULL);
    sum_reference(p, (int64_t)rows, a, b, want);
    for (size_t i = rows * a1; i < na; i++)
        a[i] = NAN;
    for (size_t i = rows * b1; i < nb; i++)
        b[i] = NAN;
    snprintf(name, sizeof name, "%d samples, %dx%d", (int)p->samples, (int)p->M,
             (int)p->N);
    compare(kernels_matmul_batch_sum, p, o, n,
            &(struct expected){name, want, (double)rows});
    free(a);
    free(b);
    free(acc);
    free(want);
}

static void test_batch_sum(void **state)
{
    (void)state;
    for (int i = 0; i < SUMS; i++)
        batch_sum(&sums[i]);
}

/* Samples [begin, begin + rows), carried on from o[2]. */
static void part(const struct kernel *k, const struct matmul_sum_problem *whole,
                 const struct operand o[4], int begin, int rows)
{
    struct matmul_sum_problem p = *whole;
    struct operand cut[4] = {o[0], o[1], o[2], o[3]};
    const uint32_t setting[SETTING_KINDS] = {
        [SETTING_ROWS] = (uint32_t)rows, [SETTING_FIRST] = (uint32_t)begin};
    struct launch l;

    for (int i = 0; i < 2; i++) {
        size_t one = o[i].elements / (size_t)p.samples;

        cut[i].value += one * (size_t)begin;
        cut[i].elements = one * (size_t)rows;
    }
    p.samples = rows;
    assert_true(harness_launch(&harness, k, &p, &l));
    harness_run(&harness, &l, cut, 4, setting);
}

/* Seven samples at once, and as two, four and one: the same bits. */
static void test_micro_batches(void **state)
{
    const struct matmul_sum_problem *p = &sums[2];
    size_t na = (size_t)(p->samples * p->per_sample * p->M);
    size_t nb = (size_t)(p->samples * p->per_sample * p->N);
    size_t ny = (size_t)(p->lanes * p->M * p->N);
    double *v[5] = {numbers(na), numbers(nb), numbers(ny), numbers(ny),
                    numbers(ny)};
    const struct operand o[4] = {INPUT(p->a, na, v[0]), INPUT(p->b, nb, v[1]),
                                 INPUT(DT_F32, ny, v[2]),
                                 OUTPUT(DT_F32, ny, v[3])};

    (void)state;
    fill(v[0], na, p->a, 1);
    fill(v[1], nb, p->b, 2);
    for (const struct kernel *k = kernels_matmul_batch_sum; k->name; k++) {
        fill(v[2], ny, DT_F32, 3);
        part(k, p, o, 0, 7);
        memcpy(v[4], v[3], ny * sizeof(double));
        part(k, p, o, 0, 2);
        memcpy(v[2], v[3], ny * sizeof(double));
        part(k, p, o, 2, 4);
        memcpy(v[2], v[3], ny * sizeof(double));
        part(k, p, o, 6, 1);
        assert_memory_equal(v[3], v[4], ny * sizeof(double));
    }
    for (int i = 0; i < 5; i++)
        free(v[i]);
}

/* Rows 30 to 36 of a product by themselves have the bits that they have in
 * it. */
static void test_place(void **state)
{
    enum { M = 97, N = 65, K = 33, AT = 30, ROWS = 7 };
    const struct matmul_problem whole = {M, N, K, F32S},
                                few = {ROWS, N, K, F32S};
    const uint32_t setting[SETTING_KINDS] = {0};
    double *a = numbers(M * K), *b = numbers(K * N);
    double *y = numbers(M * N), *z = numbers(ROWS * N);
    struct operand o[3] = {INPUT(DT_F32, M * K, a), INPUT(DT_F32, K * N, b),
                           OUTPUT(DT_F32, M * N, y)};
    struct operand c[3] = {INPUT(DT_F32, ROWS * K, a + AT * K),
                           INPUT(DT_F32, K * N, b),
                           OUTPUT(DT_F32, ROWS * N, z)};

    (void)state;
    fill(a, M * K, DT_F32, 1);
    fill(b, K * N, DT_F32, 2);
    for (const struct kernel *k = kernels_matmul; k->name; k++) {
        struct launch l;

        assert_true(harness_launch(&harness, k, &whole, &l));
        harness_run(&harness, &l, o, 3, setting);
        assert_true(harness_launch(&harness, k, &few, &l));
        harness_run(&harness, &l, c, 3, setting);
        assert_memory_equal(z, y + AT * N, ROWS * N * sizeof *z);
    }
    free(a);
    free(b);
    free(y);
    free(z);
}

static int setup(void **state)
{
    (void)state;
    harness_open(&harness);
    for (int i = 0; i < SHAPES; i++)
        for (int way = 0; way < 2; way++) {
            struct matmul_problem p = shape(i, way);

            harness_add(&harness, kernels_matmul, &p);
        }
    for (int i = 0; i < SUMS; i++)
        harness_add(&harness, kernels_matmul_batch_sum, &sums[i]);
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
        cmocka_unit_test(test_product),
        cmocka_unit_test(test_batch_sum),
        cmocka_unit_test(test_micro_batches),
        cmocka_unit_test(test_place),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
