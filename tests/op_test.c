/*
 * op_test.c: see op_test.h.
 *
 * Two steps: the reference in double against golden numbers and its gradient
 * against differences of itself, then op_device.c: every kernel against the
 * reference.  So kernels are not compared with kernels.
 */
#include "tests/op_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/op_harness.h"

/* Of gradients by differences: h^2 and the loss of digits in double. */
static const double DIFFERENCE_TOLERANCE = 2e-6;
/* All mistakes of a table are told, not only the first. */
void complain(struct test *t, int c, const char *format, ...)
{
    va_list ap;

    fprintf(stderr, "FAIL %s case %d: ", t->op->name, c);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fprintf(stderr, "\n");
    t->bad++;
}

/* ---- reference: golden numbers, differences ---- */

/* 1e-6 is far below any mistake in a formula and above what golden numbers in
 * few digits lose. */
static void check_golden(struct test *t, int c, const struct graph *g,
                         const struct nodes *n, const struct tensor *value)
{
    const double *golden[] = {t->cases[c].y, t->cases[c].counts};

    for (int k = 0; k < n->ny && k < 2; k++) {
        const double *want = golden[k], *got = value[n->y[k].id].data;
        int64_t count = want ? type_count(type_of(g, n->y[k])) : 0;

        for (int64_t i = 0; i < count; i++)
            if (!near(got[i], want[i], 1e-6 * fmax(1, fabs(want[i]))))
                complain(t, c, "result %d, element %lld, is %.9g, golden %.9g",
                         k, (long long)i, got[i], want[i]);
    }
    if (golden[1] && n->ny < 2)
        complain(t, c, "no counts");
}

/* sum(y * dy): its derivative by x is what grad makes of dy. */
static double loss(struct test *t, const struct graph *g, const struct nodes *n,
                   struct tensor *value)
{
    int64_t count = type_count(type_of(g, n->y[0]));
    double sum = 0;

    interp_run(g, &t->arena, SEQ_PREDICT, &all_rows, value);
    for (int64_t i = 0; i < count; i++)
        sum += value[n->y[0].id].data[i] * value[n->dy[0].id].data[i];
    return sum;
}

/* Central differences, whose error falls with h^2.  Of a large operand some
 * forty elements are tried. */
static void check_difference(struct test *t, int c, const struct graph *g,
                             const struct nodes *n, struct tensor *value, int k)
{
    double *x = value[n->in[k].id].data, *own, scale;
    int64_t count = type_count(type_of(g, n->in[k]));
    int64_t every = count > 40 ? count / 37 : 1;

    /* The operand before has left the results of its last difference. */
    loss(t, g, n, value);
    own = ARENA_NEW(&t->arena, double, (size_t)count + 1);
    memcpy(own, value[n->dx[k].id].data, (size_t)count * sizeof *own);
    scale = largest(own, count) + 1e-3;
    for (int64_t i = 0; i < count; i += every) {
        double h = 1e-4, before = x[i], plus, minus, want;

        x[i] = before + h;
        plus = loss(t, g, n, value);
        x[i] = before - h;
        minus = loss(t, g, n, value);
        x[i] = before;
        want = (plus - minus) / (2 * h);
        if (!near(own[i], want, DIFFERENCE_TOLERANCE * scale + 1e-6))
            complain(t, c,
                     "gradient of operand %d, element %lld, is %.9g, by "
                     "differences %.9g",
                     k, (long long)i, own[i], want);
    }
}

static void check_reference(struct test *t, int c)
{
    const struct op_case *x = &t->cases[c];
    struct diag d = {.failed = false};
    struct graph g;
    struct nodes n;
    struct tensor *value;

    start_graph(&g, &t->arena, &d);
    build_case(&g, t->op, x, c, &n);
    if (d.failed || x->rejects) {
        if (!x->rejects)
            complain(t, c, "refused: %s", d.text);
        else if (!d.failed || !strstr(d.text, x->rejects))
            complain(t, c, "wanted a refusal with \"%s\", got \"%s\"",
                     x->rejects, d.failed ? d.text : "none");
        return;
    }
    assign_outputs(&g, &n, c);
    value = case_values(t, &g, x, &n);
    interp_run(&g, &t->arena, SEQ_PREDICT, &all_rows, value);
    check_golden(t, c, &g, &n, value);
    for (int k = 0; k < n.nin; k++)
        if (n.dx[k].id && dtype_is_float(x->in[k].dtype))
            check_difference(t, c, &g, &n, value, k);
}

/* 0, 1 or 77 as automake wants it; without a device the references are tested
 * all the same. */
int op_test(const char *op, const struct op_case *cases)
{
    struct test t = {.op = op_find(op), .cases = cases};
    jmp_buf out_of_memory;
    int status;

    if (!t.op) {
        fprintf(stderr, "no op %s\n", op);
        return 1;
    }
    while (cases[t.ncase].in[0].dtype || cases[t.ncase].attr)
        t.ncase++;
    if (t.ncase > MAX_CASES) {
        fprintf(stderr, "FAIL %s: %d cases, at most %d\n", op, t.ncase,
                MAX_CASES);
        return 1;
    }
    arena_open(&t.arena, &out_of_memory);
    if (setjmp(out_of_memory))
        return 1;
    for (int c = 0; c < t.ncase; c++)
        check_reference(&t, c);
    status = t.bad ? 1 : on_devices(&t);
    arena_close(&t.arena);
    printf("%s: %d cases, %s\n", op, t.ncase,
           status == 77 ? "no OpenCL device: references only"
           : status     ? "failed"
                        : "ok");
    return status;
}
