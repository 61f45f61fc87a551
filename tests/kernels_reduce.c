/*
 * kernels_reduce.c: reductions against plain loops in double; sums over the
 * batch cut between samples; what program.c and kernel.c make of a launch.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/reduce.h"
#include "tests/kernel_harness.h"

/* [outer, len, inner]: around vectors of 16 and groups of 64, one and many
 * rows, rows apart (inner above 1) and not. */
static const int64_t shapes[][3] = {
    {1, 1, 1},  {3, 15, 1}, {2, 16, 1}, {5, 63, 1},  {4, 65, 1}, {40, 131, 1},
    {1, 7, 15}, {2, 3, 16}, {3, 4, 17}, {1, 50, 33}, {2, 1, 70}, {7, 9, 2},
};
/* samples, A, B, C, type, lanes, accumulate: more lanes than samples, and
 * fewer. */
static const struct batch_sum_problem sums[] = {
    {1, 1, 1, 1, DT_F32, 1, true},   {5, 1, 9, 16, DT_F32, 2, true},
    {6, 3, 4, 17, DT_F32, 3, true},  {4, 2, 5, 1, DT_F32, 8, true},
    {7, 1, 1, 10, DT_F32, 4, false}, {3, 19, 1, 33, DT_F32, 2, true},
    {5, 2, 3, 20, DT_F16, 3, true},
};
static const struct square_sum_problem squares[] = {
    {1, 128, DT_F32, false},   {127, 128, DT_F32, true},
    {129, 256, DT_F32, true},  {256, 256, DT_F32, false},
    {1000, 256, DT_F32, true}, {1337, 128, DT_F16, true},
};
enum {
    SQUARES = sizeof squares / sizeof *squares,
    SHAPES = sizeof shapes / sizeof *shapes,
    SUMS = sizeof sums / sizeof *sums,
    KINDS = REDUCE_MIN + 1,
    FIRST = 5
};

static struct harness harness;

static double *numbers(size_t n)
{
    double *d = calloc(n, sizeof *d);

    assert_non_null(d);
    return d;
}

/* Every fifth shape in halves. */
static struct reduce_problem problem(int i, int kind)
{
    enum dtype t = i % 5 == 3 ? DT_F16 : DT_F32;

    return (struct reduce_problem){
        shapes[i][0], shapes[i][1], shapes[i][2], (enum reduce_kind)kind, t, t};
}

/* Of two numbers of a row. */
static double join(enum reduce_kind kind, double a, double b)
{
    switch (kind) {
    case REDUCE_MAX:
        return a > b ? a : b;
    case REDUCE_MIN:
        return a < b ? a : b;
    default:
        return a + b;
    }
}

/* The loop walks rows as the definition has them, not as any kernel does. */
static void reduce(const struct reduce_problem *p)
{
    size_t ny = (size_t)(p->outer * p->inner), nx = ny * (size_t)p->len;
    double *x = numbers(nx), *want = numbers(ny), *got = numbers(ny);
    const uint32_t setting[SETTING_KINDS] = {0};
    struct operand o[2] = {INPUT(p->x, nx, x), OUTPUT(p->y, ny, got)};

    fill(x, nx, p->x, 1);
    for (size_t i = 0; i < ny; i++) {
        const double *row = x +
                            i / (size_t)p->inner * (size_t)p->inner *
                                (size_t)p->len +
                            i % (size_t)p->inner;

        want[i] = row[0];
        for (int64_t k = 1; k < p->len; k++)
            want[i] = join(p->kind, want[i], row[k * p->inner]);
        if (p->kind == REDUCE_MEAN)
            want[i] /= (double)p->len;
    }
    for (const struct kernel *k = kernels_reduce; k->name; k++) {
        struct launch l;

        if (!harness_launch(&harness, k, p, &l))
            continue;
        harness_run(&harness, &l, o, 2, setting);
        assert_close(k->name, got, want, ny, p->y, (double)p->len);
    }
    free(x);
    free(want);
    free(got);
}

static void test_reduce(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            struct reduce_problem p = problem(i, kind);

            reduce(&p);
        }
}

/* A maximum by comparison would drop a NaN: the run would go on with wrong
 * numbers instead of ending. */
static void test_nan_wins(void **state)
{
    (void)state;
    for (int kind = REDUCE_MAX; kind <= REDUCE_MIN; kind++)
        for (int i = 0; i < SHAPES; i++) {
            struct reduce_problem p = problem(i, kind);
            size_t ny = (size_t)(p.outer * p.inner), nx = ny * (size_t)p.len;
            double *x = numbers(nx), *y = numbers(ny);
            const uint32_t setting[SETTING_KINDS] = {0};
            struct operand o[2] = {INPUT(p.x, nx, x), OUTPUT(p.y, ny, y)};
            struct launch l;

            x[nx / 2] = NAN;
            for (const struct kernel *k = kernels_reduce; k->name; k++) {
                double sum = 0;

                if (!harness_launch(&harness, k, &p, &l))
                    continue;
                harness_run(&harness, &l, o, 2, setting);
                for (size_t j = 0; j < ny; j++)
                    sum += y[j];
                assert_true(isnan(sum));
            }
            free(x);
            free(y);
        }
}

/* Samples [begin, begin + rows) of o[0] into o[last], from acc if any. */
static void run_part(const struct kernel *k,
                     const struct batch_sum_problem *whole,
                     const struct operand *o, uint32_t begin, uint32_t rows,
                     uint32_t first)
{
    struct batch_sum_problem p = *whole;
    size_t one = o[0].elements / (size_t)p.samples;
    const uint32_t setting[SETTING_KINDS] = {
        [SETTING_ROWS] = rows, [SETTING_FIRST] = first};
    int n = p.accumulate ? 3 : 2;
    struct operand cut[3] = {o[0], o[1], n == 3 ? o[2] : o[1]};
    struct launch l;

    cut[0].value += one * begin;
    cut[0].elements -= one * begin;
    p.samples -= begin;
    assert_true(harness_launch(&harness, k, &p, &l));
    harness_run(&harness, &l, cut, n, setting);
}

/* The last sample is NaN and beyond `rows`: a kernel that multiplies stale rows
 * by zero gives NaN.  Lane (FIRST + i) mod lanes has sample i, so a kernel that
 * forgets the batch's place in the update is seen. */
static void batch_sum(const struct batch_sum_problem *p)
{
    size_t rows = (size_t)(p->samples > 1 ? p->samples - 1 : 1);
    size_t one = (size_t)(p->A * p->B * p->C);
    size_t nx = one * (size_t)p->samples;
    size_t ny = (size_t)(p->lanes * p->A * p->C), terms = nx / ny + 1;
    double *x = numbers(nx), *acc = numbers(ny), *want = numbers(ny);
    double *got = numbers(ny);
    struct operand o[3] = {INPUT(p->x, nx, x), INPUT(DT_F32, ny, acc),
                           OUTPUT(DT_F32, ny, got)};

    fill(x, nx, p->x, 1);
    fill(acc, ny, DT_F32, 2);
    if (p->accumulate)
        memcpy(want, acc, ny * sizeof *acc);
    else
        o[1] = o[2];
    for (size_t i = 0; i < rows * one; i++) {
        size_t c = i % (size_t)p->C,
               a = i / (size_t)(p->C * p->B) % (size_t)p->A;
        size_t lane = (FIRST + i / one) % (size_t)p->lanes;

        want[(lane * (size_t)p->A + a) * (size_t)p->C + c] += x[i];
    }
    for (size_t i = rows * one; i < nx; i++)
        x[i] = NAN;
    for (const struct kernel *k = kernels_batch_sum; k->name; k++) {
        run_part(k, p, o, 0, (uint32_t)rows, FIRST);
        assert_close(k->name, got, want, ny, DT_F32, (double)terms);
    }
    free(x);
    free(acc);
    free(want);
    free(got);
}

static void test_batch_sum(void **state)
{
    (void)state;
    for (int i = 0; i < SUMS; i++)
        batch_sum(&sums[i]);
}

/* Six samples at once, and two, three and one: the same bits. */
static void test_micro_batches(void **state)
{
    const struct batch_sum_problem *p = &sums[2];
    size_t nx = (size_t)(p->samples * p->A * p->B * p->C);
    size_t ny = (size_t)(p->lanes * p->A * p->C), bytes = ny * sizeof(double);
    double *x = numbers(nx), *acc = numbers(ny), *y = numbers(ny);
    double *whole = numbers(ny);
    const struct operand o[3] = {INPUT(p->x, nx, x), INPUT(DT_F32, ny, acc),
                                 OUTPUT(DT_F32, ny, y)};

    (void)state;
    fill(x, nx, p->x, 1);
    for (const struct kernel *k = kernels_batch_sum; k->name; k++) {
        fill(acc, ny, DT_F32, 2);
        run_part(k, p, o, 0, 6, 0);
        memcpy(whole, y, bytes);
        run_part(k, p, o, 0, 2, 0);
        memcpy(acc, y, bytes);
        run_part(k, p, o, 2, 3, 2);
        memcpy(acc, y, bytes);
        run_part(k, p, o, 5, 1, 5);
        assert_memory_equal(y, whole, bytes);
    }
    free(x);
    free(acc);
    free(y);
    free(whole);
}

/* Bits, not a tolerance: lanes are added in their order, in float. */
static void test_lane_sum(void **state)
{
    const struct lane_sum_problem p = {3, 531};
    double x[3 * 531], y[531], want[531] = {0};
    const uint32_t setting[SETTING_KINDS] = {0};
    struct operand o[2] = {INPUT(DT_F32, 3 * 531, x), OUTPUT(DT_F32, 531, y)};
    struct launch l;

    (void)state;
    fill(x, 3 * 531, DT_F32, 1);
    for (int i = 0; i < 531; i++)
        want[i] = (double)((float)x[i] + (float)x[531 + i] +
                           (float)x[2 * 531 + i]);
    assert_non_null(kernel_choose(kernels_lane_sum, &p, &harness.info, &l));
    harness_run(&harness, &l, o, 2, setting);
    assert_memory_equal(y, want, sizeof y);
}

/* Lanes carry on, and the end of the elements is not a multiple of anything. */
static void square_sum(const struct square_sum_problem *p)
{
    size_t nx = (size_t)p->elements, ny = (size_t)p->lanes;
    size_t terms = nx / ny + 1;
    double *x = numbers(nx), *acc = numbers(ny), *want = numbers(ny);
    double *y = numbers(ny);
    struct operand o[3] = {INPUT(p->x, nx, x), INPUT(DT_F32, ny, acc),
                           OUTPUT(DT_F32, ny, y)};
    const uint32_t setting[SETTING_KINDS] = {0};
    struct launch l;

    fill(x, nx, p->x, 1);
    fill(acc, ny, DT_F32, 2);
    if (p->accumulate)
        memcpy(want, acc, ny * sizeof *acc);
    else
        o[1] = o[2];
    for (size_t i = 0; i < nx; i++)
        want[i % ny] += x[i] * x[i];
    for (const struct kernel *k = kernels_square_sum; k->name; k++) {
        if (!harness_launch(&harness, k, p, &l))
            continue;
        harness_run(&harness, &l, o, p->accumulate ? 3 : 2, setting);
        assert_close(k->name, y, want, ny, DT_F32, (double)terms);
    }
    free(x);
    free(acc);
    free(want);
    free(y);
}

static void test_square_sum(void **state)
{
    (void)state;
    for (int i = 0; i < SQUARES; i++)
        square_sum(&squares[i]);
}

/* The text around a kernel, so that two instances of one source can live in one
 * program. */
static void test_instance(void **state)
{
    struct launch l = {.text = "__kernel void KERNEL(f)() {}\n",
                       .entry = "f",
                       .options = "X=f32 FLAG"};
    char *text = kernel_instance(&l, 7);

    (void)state;
    assert_string_equal(text, "#define KERNEL(name) k7_##name\n"
                              "#define ENTRY_f 1\n"
                              "#define X f32\n"
                              "#define FLAG\n"
                              "__kernel void KERNEL(f)() {}\n"
                              "#undef X\n"
                              "#undef FLAG\n"
                              "#undef ENTRY_f\n"
                              "#undef KERNEL\n");
    free(text);
    l.text = NULL;
    l.source = "no such file.cl";
    assert_null(kernel_instance(&l, 0));
}

/* The cheaper one wins, and the earlier one when equal. */
static void test_choice(void **state)
{
    const struct reduce_problem rows = {4, 100, 1, REDUCE_SUM, DT_F32, DT_F32};
    struct device_info gpu = harness.info;
    struct launch l;

    (void)state;
    gpu.family = FAMILY_GPU;
    assert_string_equal(
        kernel_choose(kernels_reduce, &rows, &harness.info, &l)->name,
        "reduce_rows_cpu");
    assert_string_equal(kernel_choose(kernels_reduce, &rows, &gpu, &l)->name,
                        "reduce_item");
    assert_int_equal(l.global[0] % l.local[0], 0);
}

static int setup(void **state)
{
    const struct lane_sum_problem lanes = {3, 531};

    (void)state;
    harness_open(&harness);
    for (int i = 0; i < SHAPES; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            struct reduce_problem p = problem(i, kind);

            harness_add(&harness, kernels_reduce, &p);
        }
    for (int i = 0; i < SUMS; i++)
        harness_add(&harness, kernels_batch_sum, &sums[i]);
    harness_add(&harness, kernels_lane_sum, &lanes);
    for (int i = 0; i < SQUARES; i++)
        harness_add(&harness, kernels_square_sum, &squares[i]);
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
        cmocka_unit_test(test_reduce),    cmocka_unit_test(test_nan_wins),
        cmocka_unit_test(test_batch_sum), cmocka_unit_test(test_micro_batches),
        cmocka_unit_test(test_lane_sum),  cmocka_unit_test(test_instance),
        cmocka_unit_test(test_choice),    cmocka_unit_test(test_square_sum),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
