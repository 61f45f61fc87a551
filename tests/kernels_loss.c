/*
 * kernels_loss.c: every candidate of cross entropy, its gradient, hits and
 * counts against plain loops in double; labels that are ignored, wrong or
 * stale; and that a sample's bits do not depend on the batch.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/loss.h"
#include "tests/kernel_harness.h"

#define TYPES(a, b) .x = DT_##a, .label = DT_##b

/* The last sample of each is stale: NaN, and labels of anything.  N, C, inner:
 * classes around vectors of 16, many, few; positions behind the classes or
 * none. */
static const struct loss_problem problems[] = {
    {2, 1, 1, TYPES(F32, I32), false, 0},
    {5, 10, 1, TYPES(F32, I32), false, 0},
    {65, 10, 1, TYPES(F32, U8), false, 0},
    {4, 15, 1, TYPES(F32, I64), true, -100},
    {4, 16, 1, TYPES(F16, I32), false, 0},
    {3, 17, 1, TYPES(F32, I32), true, 3},
    {3, 33, 1, TYPES(F16, U8), true, 255},
    {2, 1009, 1, TYPES(F32, I64), false, 0},
    {3, 5, 2, TYPES(F32, I32), false, 0},
    {4, 7, 15, TYPES(F32, U8), true, 255},
    {2, 3, 16, TYPES(F32, I32), true, -1},
    {3, 19, 17, TYPES(F16, I64), true, -9223372036854775807 - 1},
    {3, 2, 113, TYPES(F32, I32), false, 0},
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

static const uint32_t setting[SETTING_KINDS] = {0};
static struct harness harness;

struct numbers {
    double *x;      /* [N, C, inner] */
    double *label;  /* [N, inner] */
    double *dterms; /* [N] */
    double *want, *got, *got_again;
    size_t N, C, inner, nx, nlabel;
};

static double *zeros(size_t n)
{
    double *d = calloc(n, sizeof *d);

    assert_non_null(d);
    return d;
}

/* Every class comes, and every third label is ignored where labels can be. */
static void fill_labels(const struct loss_problem *p, struct numbers *m)
{
    for (size_t i = 0; i < m->nlabel; i++) {
        m->label[i] = (double)((i * 7 + i / 5) % m->C);
        if (p->ignores && i % 3 == 1)
            m->label[i] = (double)p->ignore;
    }
}

/* NaN and labels beyond any class: to be left out by selection. */
static void make_stale(const struct loss_problem *p, struct numbers *m)
{
    size_t last = m->N - 1;

    for (size_t i = 0; i < m->C * m->inner; i++)
        m->x[last * m->C * m->inner + i] = NAN;
    for (size_t i = 0; i < m->inner; i++)
        m->label[last * m->inner + i] = p->label == DT_U8    ? 255
                                        : p->label == DT_I32 ? INT32_MAX
                                                             : 0x1p62;
}

static struct numbers numbers_of(const struct loss_problem *p)
{
    struct numbers m = {
        .N = (size_t)p->N, .C = (size_t)p->C, .inner = (size_t)p->inner};

    m.nlabel = m.N * m.inner;
    m.nx = m.nlabel * m.C;
    m.x = zeros(m.nx);
    m.label = zeros(m.nlabel);
    m.dterms = zeros(m.N);
    m.want = zeros(m.nx);
    m.got = zeros(m.nx);
    m.got_again = zeros(m.nx);
    fill(m.x, m.nx, p->x, 1);
    fill(m.dterms, m.N, DT_F32, 2);
    for (size_t i = 0; i < m.nx; i++)
        m.x[i] *= 8; /* still a number of the type */
    fill_labels(p, &m);
    make_stale(p, &m);
    return m;
}

static void numbers_free(struct numbers *m)
{
    free(m->x);
    free(m->label);
    free(m->dterms);
    free(m->want);
    free(m->got);
    free(m->got_again);
}

/* ---- what is wanted ---- */

static bool ignored(const struct loss_problem *p, double label)
{
    return p->ignores && label == (double)p->ignore;
}

static const double *logits_at(const struct numbers *m, size_t n, size_t i)
{
    return m->x + n * m->C * m->inner + i;
}

/* Against the class's own logit, so that nothing overflows. */
static double softmax(const struct numbers *m, size_t n, size_t i, size_t c)
{
    const double *x = logits_at(m, n, i);
    double sum = 0;

    for (size_t k = 0; k < m->C; k++)
        sum += exp(x[k * m->inner] - x[c * m->inner]);
    return 1 / sum;
}

/* -log softmax; NaN for a label that is no class, 0 for one that is ignored. */
static double want_term(const struct loss_problem *p, const struct numbers *m,
                        size_t n, size_t i)
{
    double label = m->label[n * m->inner + i];

    if (ignored(p, label))
        return 0;
    if (label < 0 || label >= (double)m->C)
        return NAN;
    return -log(softmax(m, n, i, (size_t)label));
}

/* Of equal logits the first wins. */
static double want_hit(const struct loss_problem *p, const struct numbers *m,
                       size_t n, size_t i)
{
    const double *x = logits_at(m, n, i);
    double label = m->label[n * m->inner + i];
    size_t best = 0;

    for (size_t c = 1; c < m->C; c++)
        if (x[c * m->inner] > x[best * m->inner])
            best = c;
    return !ignored(p, label) && (double)best == label;
}

static double want_valid(const struct loss_problem *p, const struct numbers *m,
                         size_t n, size_t i)
{
    return !ignored(p, m->label[n * m->inner + i]);
}

typedef double want_of(const struct loss_problem *, const struct numbers *,
                       size_t n, size_t i);

static void want_sums(const struct loss_problem *p, struct numbers *m,
                      want_of *f)
{
    for (size_t n = 0; n < m->N; n++) {
        m->want[n] = 0;
        for (size_t i = 0; i < m->inner; i++)
            m->want[n] += f(p, m, n, i);
    }
}

/* (softmax - 1 at the label) times the term's gradient. */
static void want_dx(const struct loss_problem *p, struct numbers *m)
{
    for (size_t j = 0; j < m->nx; j++) {
        size_t n = j / (m->C * m->inner), i = j % m->inner;
        size_t c = j / m->inner % m->C;
        double label = m->label[n * m->inner + i];
        bool wrong = label < 0 || label >= (double)m->C;
        double d = softmax(m, n, i, c) - (label == (double)c);

        m->want[j] = ignored(p, label) ? 0 : wrong ? NAN : d * m->dterms[n];
    }
}

/* ---- running ---- */

/* terms of samples [begin, begin + count) */
static void run_terms(const struct kernel *k, const struct loss_problem *whole,
                      const struct numbers *m, size_t begin, size_t count,
                      double *terms)
{
    struct loss_problem p = *whole;
    size_t one = m->C * m->inner;
    struct operand o[3] = {
        {p.x, count * one, m->x + begin * one, false},
        {p.label, count * m->inner, m->label + begin * m->inner, false},
        {DT_F32, count, terms, true}};
    struct launch l;

    p.N = (int64_t)count;
    if (harness_launch(&harness, k, &p, &l))
        harness_run(&harness, &l, o, 3, setting);
}

enum place { APART, OVER_LOGITS };

static void run_grad(const struct loss_problem *p, const struct launch *l,
                     const struct numbers *m, enum place over, double *dx)
{
    struct operand o[4] = {{DT_F32, m->N, m->dterms, false},
                           {p->x, m->nx, m->x, false},
                           {p->label, m->nlabel, m->label, false},
                           {p->x, m->nx, dx, true}};

    if (over == OVER_LOGITS)
        harness_run_over(&harness, l, o, 4, 1, setting);
    else
        harness_run(&harness, l, o, 4, setting);
}

static bool fits(const struct kernel *k, const struct loss_problem *p,
                 struct launch *l)
{
    return harness_launch(&harness, k, p, l);
}

/* The whole batch, then every sample alone: the same bits. */
static void terms(const struct loss_problem *p)
{
    struct numbers m = numbers_of(p);
    size_t live = m.N - 1;
    struct launch l;

    want_sums(p, &m, want_term);
    for (const struct kernel *k = kernels_cross_entropy; k->name; k++) {
        if (!fits(k, p, &l))
            continue;
        run_terms(k, p, &m, 0, m.N, m.got);
        assert_close(k->name, m.got, m.want, live, DT_F32,
                     64 * (double)m.inner);
        for (size_t n = 0; n < live; n++)
            run_terms(k, p, &m, n, 1, m.got_again + n);
        assert_memory_equal(m.got, m.got_again, live * sizeof(double));
    }
    numbers_free(&m);
}

static void test_terms(void **state)
{
    (void)state;
    for (int i = 0; i < PROBLEMS; i++)
        terms(&problems[i]);
}

/* Ignored positions must be exactly 0; written over the logits the bits
 * stay. */
static void grad(const struct loss_problem *p)
{
    struct numbers m = numbers_of(p);
    size_t live = (m.N - 1) * m.C * m.inner;
    struct launch l;

    want_dx(p, &m);
    for (const struct kernel *k = kernels_cross_entropy_grad; k->name; k++) {
        if (!fits(k, p, &l))
            continue;
        run_grad(p, &l, &m, APART, m.got);
        assert_close(k->name, m.got, m.want, live, p->x, 8);
        for (size_t j = 0; j < live; j++)
            if (ignored(p,
                        m.label[j / (m.C * m.inner) * m.inner + j % m.inner]))
                assert_true(m.got[j] == 0);
        run_grad(p, &l, &m, OVER_LOGITS, m.got_again);
        assert_memory_equal(m.got, m.got_again, live * sizeof(double));
    }
    numbers_free(&m);
}

static void test_grad(void **state)
{
    (void)state;
    for (int i = 0; i < PROBLEMS; i++)
        grad(&problems[i]);
}

/* One number per sample, exactly. */
static void sums(const struct loss_problem *p, const struct kernel *family,
                 want_of *f)
{
    struct numbers m = numbers_of(p);
    bool hits = family == kernels_hits;
    struct operand o[3] = {{p->x, m.nx, m.x, false},
                           {p->label, m.nlabel, m.label, false},
                           {hits ? DT_F32 : DT_I32, m.N, m.got, true}};
    struct launch l;

    if (hits) /* all logits of the first sample are equal: its first wins */
        for (size_t i = 0; i < m.C * m.inner; i++)
            m.x[i] = 1;
    want_sums(p, &m, f);
    for (const struct kernel *k = family; k->name; k++) {
        if (!fits(k, p, &l))
            continue;
        harness_run(&harness, &l, hits ? o : o + 1, hits ? 3 : 2, setting);
        assert_memory_equal(m.got, m.want, (m.N - 1) * sizeof(double));
    }
    numbers_free(&m);
}

static void test_hits(void **state)
{
    (void)state;
    for (int i = 0; i < PROBLEMS; i++)
        sums(&problems[i], kernels_hits, want_hit);
}

static void test_valid_count(void **state)
{
    (void)state;
    for (int i = 0; i < PROBLEMS; i++)
        sums(&problems[i], kernels_valid_count, want_valid);
}

/* ---- labels that are no classes, logits that are no numbers ---- */

/* A label of every problem's first sample becomes the number of classes. */
static void test_wrong_labels(void **state)
{
    struct launch l;

    (void)state;
    for (int i = 0; i < PROBLEMS; i++) {
        const struct loss_problem *p = &problems[i];
        struct numbers m = numbers_of(p);

        m.label[m.inner / 2] = (double)m.C;
        for (const struct kernel *k = kernels_cross_entropy; k->name; k++) {
            if (!fits(k, p, &l))
                continue;
            run_terms(k, p, &m, 0, m.N, m.got);
            assert_true(isnan(m.got[0]));
            assert_true(m.N < 3 || !isnan(m.got[1]));
        }
        want_dx(p, &m);
        for (const struct kernel *k = kernels_cross_entropy_grad; k->name;
             k++) {
            if (!fits(k, p, &l))
                continue;
            run_grad(p, &l, &m, APART, m.got);
            assert_close(k->name, m.got, m.want, m.C * m.inner, p->x, 8);
        }
        numbers_free(&m);
    }
}

/* Logits of a thousand neither overflow nor vanish. */
static void test_large_logits(void **state)
{
    struct launch l;

    (void)state;
    for (int i = 1; i < PROBLEMS; i++) {
        const struct loss_problem *p = &problems[i];
        struct numbers m = numbers_of(p);

        for (size_t j = 0; j < m.C * m.inner; j++)
            m.x[j] = j < m.inner ? 1000 : -1000;
        want_sums(p, &m, want_term);
        for (const struct kernel *k = kernels_cross_entropy; k->name; k++) {
            double want = 0;

            if (!fits(k, p, &l))
                continue;
            for (size_t j = 0; j < m.inner; j++)
                want += ignored(p, m.label[j]) || m.label[j] == 0 ? 0 : 2000;
            run_terms(k, p, &m, 0, m.N, m.got);
            assert_true(m.got[0] == want);
        }
        numbers_free(&m);
    }
}

/* The largest is the first NaN where there is one, as in PyTorch. */
static void test_nan_hits(void **state)
{
    const struct loss_problem *p = &problems[1];
    double x[50], label[5] = {2, 3, 0, 9, 1}, got[5];
    const double want[5] = {1, 0, 1, 1, 0};
    struct operand o[3] = {{p->x, 50, x, false},
                           {p->label, 5, label, false},
                           {DT_F32, 5, got, true}};
    struct launch l;

    (void)state;
    for (int i = 0; i < 50; i++)
        x[i] = i % 10;
    x[2] = x[3] = NAN; /* of the two the first */
    x[12] = x[13] = NAN;
    for (int i = 20; i < 30; i++)
        x[i] = NAN;
    x[49] = 3; /* sample 4: the largest is 8 */
    for (const struct kernel *k = kernels_hits; k->name; k++) {
        if (!fits(k, p, &l))
            continue;
        harness_run(&harness, &l, o, 3, setting);
        assert_memory_equal(got, want, sizeof want);
    }
}

static int open_all(void **state)
{
    (void)state;
    harness_open(&harness);
    for (int i = 0; i < PROBLEMS; i++) {
        harness_add(&harness, kernels_cross_entropy, &problems[i]);
        harness_add(&harness, kernels_cross_entropy_grad, &problems[i]);
        harness_add(&harness, kernels_hits, &problems[i]);
        harness_add(&harness, kernels_valid_count, &problems[i]);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms),
        cmocka_unit_test(test_grad),
        cmocka_unit_test(test_hits),
        cmocka_unit_test(test_valid_count),
        cmocka_unit_test(test_wrong_labels),
        cmocka_unit_test(test_large_logits),
        cmocka_unit_test(test_nan_hits),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
