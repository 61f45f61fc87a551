/*
 * kernels_conv.c: every candidate of convolution and its gradients against
 * plain loops in double; and what DESIGN promises about their bits.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kernel_harness.h"
#include "tests/kernels_conv_cases.h"

enum { CASES = sizeof cases / sizeof *cases, LANES = 3 };

static struct harness harness;

static int64_t outputs(int64_t in, int64_t pads, int64_t window, int64_t stride,
                       int64_t dilation)
{
    return (in + pads - (window - 1) * dilation - 1) / stride + 1;
}

/* Weight gradients in three lanes that carry on, so that the harder form is
 * what is tested. */
static struct conv_problem problem_of(const struct conv_case *c)
{
    struct conv_problem p = c->p;

    p.P = outputs(p.H, 2 * p.pad[0] + c->more_end, p.R, p.stride[0],
                  p.dilation[0]);
    p.Q = outputs(p.W, 2 * p.pad[1] + c->more_end, p.S, p.stride[1],
                  p.dilation[1]);
    p.lanes = LANES;
    p.accumulate = true;
    return p;
}

/* Where kernels are interpreted, products of over two million terms take minutes,
 * and find nothing that small ones do not. */
static bool is_left_out(const struct conv_case *c)
{
    struct conv_problem p = problem_of(c);
    int64_t terms = p.N * p.P * p.Q * p.K * (p.C / p.group) * p.R * p.S;

    return terms > 2000000 && getenv("PLANCL_SMALL");
}

static size_t x_size(const struct conv_problem *p)
{
    return (size_t)(p->N * p->H * p->W * p->C);
}
static size_t y_size(const struct conv_problem *p)
{
    return (size_t)(p->N * p->P * p->Q * p->K);
}
static size_t w_size(const struct conv_problem *p)
{
    return (size_t)(p->R * p->S * (p->C / p->group) * p->K);
}

static double *numbers(size_t n)
{
    double *d = calloc(n, sizeof *d);

    assert_non_null(d);
    return d;
}

/* One term of the sum: indices of its x, w and y. */
struct term {
    size_t x, w, y;
    int64_t n;
};
typedef void visit(void *user, const struct term *);

/* Every term of one output, as the definition of ONNX has it: out = sum over r,
 * s, c of x[n, p * stride - pad + r * dilation, ..., c] * w[r, s, c, k]. */
static void each_pixel(const struct conv_problem *p, struct term t, int64_t pq,
                       visit *f, void *user)
{
    int64_t cg = p->C / p->group, q = pq % p->Q, k = (int64_t)t.y;
    int64_t c0 = k / (p->K / p->group) * cg;

    t.y = (size_t)((t.n * p->P * p->Q + pq) * p->K + k);
    for (int64_t rs = 0; rs < p->R * p->S; rs++) {
        int64_t h = pq / p->Q * p->stride[0] - p->pad[0] +
                    rs / p->S * p->dilation[0];
        int64_t w = q * p->stride[1] - p->pad[1] + rs % p->S * p->dilation[1];

        if (h < 0 || h >= p->H || w < 0 || w >= p->W)
            continue;
        for (int64_t c = 0; c < cg; c++) {
            t.x = (size_t)(((t.n * p->H + h) * p->W + w) * p->C + c0 + c);
            t.w = (size_t)((rs * cg + c) * p->K + k);
            f(user, &t);
        }
    }
}

static void each_term(const struct conv_problem *p, visit *f, void *user)
{
    for (int64_t n = 0; n < p->N; n++)
        for (int64_t pq = 0; pq < p->P * p->Q; pq++)
            for (int64_t k = 0; k < p->K; k++)
                each_pixel(p, (struct term){.n = n, .y = (size_t)k}, pq, f,
                           user);
}

struct arrays {
    const double *a, *b;
    double *sum;
    int64_t rows, first;
    size_t size;
};

static void add_y(void *user, const struct term *t)
{
    struct arrays *s = user;

    s->sum[t->y] += s->a[t->x] * s->b[t->w];
}
static void add_x(void *user, const struct term *t)
{
    struct arrays *s = user;

    s->sum[t->x] += s->a[t->y] * s->b[t->w];
}
static void add_w(void *user, const struct term *t)
{
    struct arrays *s = user;
    size_t lane = (size_t)((s->first + t->n) % LANES);

    if (t->n < s->rows)
        s->sum[lane * s->size + t->w] += s->a[t->x] * s->b[t->y];
}

/* Of one case: what comes out, as sums of how many terms. */
struct expected {
    const char *name;
    const double *value;
    double terms;
};

/* Every candidate that fits against `want`. */
static void compare(const struct kernel *family, const struct conv_problem *p,
                    struct operand *o, int n, const struct expected *want)
{
    const uint32_t setting[SETTING_KINDS] = {
        [SETTING_ROWS] = (uint32_t)(p->N > 1 ? p->N - 1 : 1),
        [SETTING_FIRST] = 4};
    struct operand *y = &o[n - 1];

    for (const struct kernel *k = family; k->name; k++) {
        struct launch l;
        char what[128];

        if (!harness_launch(&harness, k, p, &l))
            continue;
        snprintf(what, sizeof what, "%s: %s", k->name, want->name);
        y->value = numbers(y->elements);
        harness_run(&harness, &l, o, n, setting);
        assert_close(what, y->value, want->value, y->elements, y->dtype,
                     want->terms);
        free(y->value);
    }
}

static void forward(const struct conv_case *c)
{
    struct conv_problem p = problem_of(c);
    double *x = numbers(x_size(&p)), *w = numbers(w_size(&p));
    double *bias = numbers((size_t)p.K), *want = numbers(y_size(&p));
    struct arrays s = {.a = x, .b = w, .sum = want};
    struct operand o[4] = {INPUT(p.x, x_size(&p), x),
                           INPUT(p.w, w_size(&p), w)};
    int64_t terms = p.R * p.S * p.C / p.group;
    int n = 2;

    fill(x, x_size(&p), p.x, 1);
    fill(w, w_size(&p), p.w, 2);
    if (p.bias) {
        fill(bias, (size_t)p.K, DT_F32, 3);
        o[n++] = (struct operand)INPUT(DT_F32, (size_t)p.K, bias);
        for (size_t i = 0; i < y_size(&p); i++)
            want[i] = bias[i % (size_t)p.K];
    }
    o[n++] = (struct operand)OUTPUT(p.y, y_size(&p), NULL);
    each_term(&p, add_y, &s);
    compare(kernels_conv, &p, o, n,
            &(struct expected){c->name, want, (double)terms});
    free(x);
    free(w);
    free(bias);
    free(want);
}

static void grad_x(const struct conv_case *c)
{
    struct conv_problem p = problem_of(c);
    double *dy = numbers(y_size(&p)), *w = numbers(w_size(&p));
    double *want = numbers(x_size(&p));
    struct arrays s = {.a = dy, .b = w, .sum = want};
    struct operand o[3] = {INPUT(p.y, y_size(&p), dy),
                           INPUT(p.w, w_size(&p), w),
                           OUTPUT(p.x, x_size(&p), NULL)};
    int64_t terms = p.R * p.S * p.K / p.group;

    fill(dy, y_size(&p), p.y, 1);
    fill(w, w_size(&p), p.w, 2);
    each_term(&p, add_x, &s);
    compare(kernels_conv_grad_x, &p, o, 3,
            &(struct expected){c->name, want, (double)terms});
    free(dy);
    free(w);
    free(want);
}

/* Rows beyond the batch hold NaN: multiplied by anything they would show. */
static void stale(double *value, size_t n, size_t from)
{
    for (size_t i = from; i < n; i++)
        value[i] = NAN;
}

/* One sample less than the problem has, from place 4 in the update on: lanes
 * and stale rows at once. */
static void grad_w(const struct conv_case *c)
{
    struct conv_problem p = problem_of(c);
    size_t rows = (size_t)(p.N > 1 ? p.N - 1 : 1), n = (size_t)p.N;
    double *x = numbers(x_size(&p)), *dy = numbers(y_size(&p));
    double *acc = numbers(LANES * w_size(&p));
    double *want = numbers(LANES * w_size(&p));
    struct arrays s = {x, dy, want, (int64_t)rows, 4, w_size(&p)};
    struct operand o[4] = {INPUT(p.x, x_size(&p), x),
                           INPUT(p.y, y_size(&p), dy),
                           INPUT(DT_F32, LANES * w_size(&p), acc),
                           OUTPUT(DT_F32, LANES * w_size(&p), NULL)};

    fill(x, x_size(&p), p.x, 1);
    fill(dy, y_size(&p), p.y, 2);
    fill(acc, LANES * w_size(&p), DT_F32, 3);
    memcpy(want, acc, LANES * w_size(&p) * sizeof *acc);
    each_term(&p, add_w, &s);
    stale(x, x_size(&p), x_size(&p) / n * rows);
    stale(dy, y_size(&p), y_size(&p) / n * rows);
    compare(kernels_conv_grad_w, &p, o, 4,
            &(struct expected){c->name, want, (double)(p.N * p.P * p.Q)});
    free(x);
    free(dy);
    free(acc);
    free(want);
}

static void test_forward(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        if (!is_left_out(&cases[i]))
            forward(&cases[i]);
}

static void test_grad_x(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        if (!is_left_out(&cases[i]))
            grad_x(&cases[i]);
}

static void test_grad_w(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        if (!is_left_out(&cases[i]))
            grad_w(&cases[i]);
}

/* dw of samples [begin, begin + rows), carried on from acc. */
static void part(const struct kernel *k, const struct conv_problem *whole,
                 struct operand o[4], int begin, int rows)
{
    struct conv_problem p = *whole;
    size_t dx = x_size(&p) / (size_t)p.N, dy = y_size(&p) / (size_t)p.N;
    struct operand cut[4] = {o[0], o[1], o[2], o[3]};
    const uint32_t setting[SETTING_KINDS] = {
        [SETTING_ROWS] = (uint32_t)rows, [SETTING_FIRST] = (uint32_t)begin};
    struct launch l;

    p.N = rows;
    cut[0].value += dx * (size_t)begin;
    cut[0].elements = dx * (size_t)rows;
    cut[1].value += dy * (size_t)begin;
    cut[1].elements = dy * (size_t)rows;
    if (harness_launch(&harness, k, &p, &l))
        harness_run(&harness, &l, cut, 4, setting);
}

/* An update in two micro-batches has the bits of the whole. */
static void cut(const struct conv_case *c)
{
    struct conv_problem p = problem_of(c);
    size_t n = LANES * w_size(&p);
    double *value[5] = {numbers(x_size(&p)), numbers(y_size(&p)), numbers(n),
                        numbers(n), numbers(n)};
    struct operand o[4] = {
        INPUT(p.x, x_size(&p), value[0]), INPUT(p.y, y_size(&p), value[1]),
        INPUT(DT_F32, n, value[2]), OUTPUT(DT_F32, n, value[3])};

    fill(value[0], x_size(&p), p.x, 1);
    fill(value[1], y_size(&p), p.y, 2);
    for (const struct kernel *k = kernels_conv_grad_w; k->name; k++) {
        struct launch l;

        if (!harness_launch(&harness, k, &p, &l))
            continue;
        fill(value[2], n, DT_F32, 3); /* not to be read by a first one */
        part(k, &p, o, 0, 3);
        memcpy(value[4], value[3], n * sizeof(double));
        part(k, &p, o, 0, 1);
        memcpy(value[2], value[3], n * sizeof(double));
        part(k, &p, o, 1, 2);
        assert_memory_equal(value[3], value[4], n * sizeof(double));
    }
    for (int i = 0; i < 5; i++)
        free(value[i]);
}

/* Of three samples, which are cut into one and two. */
static void test_micro_batches(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        if (cases[i].p.N == 3 && !is_left_out(&cases[i]))
            cut(&cases[i]);
}

/* A sample alone has the bits that it has as the last of the batch. */
static void place_in_batch(const struct conv_case *c)
{
    struct conv_problem p = problem_of(c), one = p;
    size_t nx = x_size(&p), ny = y_size(&p);
    double *x = numbers(nx), *w = numbers(w_size(&p)), *y = numbers(ny);
    double *bias = numbers((size_t)p.K), *z = numbers(ny);
    const uint32_t setting[SETTING_KINDS] = {0};
    struct operand o[4] = {INPUT(p.x, nx, x), INPUT(p.w, w_size(&p), w),
                           INPUT(DT_F32, (size_t)p.K, bias),
                           OUTPUT(p.y, ny, y)};
    struct launch l;

    one.bias = p.bias = true;
    one.N = 1;
    fill(x, nx, p.x, 1);
    fill(w, w_size(&p), p.w, 2);
    fill(bias, (size_t)p.K, DT_F32, 3);
    for (const struct kernel *k = kernels_conv; k->name; k++) {
        if (!harness_launch(&harness, k, &p, &l))
            continue;
        o[0] = (struct operand)INPUT(p.x, nx, x);
        o[3] = (struct operand)OUTPUT(p.y, ny, y);
        harness_run(&harness, &l, o, 4, setting);
        assert_true(harness_launch(&harness, k, &one, &l));
        o[0].value += nx - x_size(&one);
        o[0].elements = x_size(&one);
        o[3] = (struct operand)OUTPUT(p.y, y_size(&one), z);
        harness_run(&harness, &l, o, 4, setting);
        assert_memory_equal(z, y + ny - y_size(&one), y_size(&one) * sizeof *z);
    }
    free(x);
    free(w);
    free(y);
    free(z);
    free(bias);
}

static void test_place_in_batch(void **state)
{
    (void)state;
    for (int i = 1; i < CASES; i++)
        if (!is_left_out(&cases[i]))
            place_in_batch(&cases[i]);
}

static int setup(void **state)
{
    (void)state;
    harness_open(&harness);
    for (int i = 0; i < CASES; i++) {
        struct conv_problem p = problem_of(&cases[i]);

        harness_add(&harness, kernels_conv, &p);
        harness_add(&harness, kernels_conv_grad_x, &p);
        harness_add(&harness, kernels_conv_grad_w, &p);
        p.bias = true;
        harness_add(&harness, kernels_conv, &p);
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
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_grad_x),
        cmocka_unit_test(test_grad_w),
        cmocka_unit_test(test_micro_batches),
        cmocka_unit_test(test_place_in_batch),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
