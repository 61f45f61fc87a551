/*
 * op_harness.h: the parts of op_test.c: cases as graphs, and devices.
 */
#ifndef TESTS_OP_HARNESS_H
#define TESTS_OP_HARNESS_H

#include "compiler/passes.h"
#include "tests/op_test.h"

enum { MAX_CASES = 256, MAX_RESULTS = 8 };

/* One case's nodes in some graph. */
struct nodes {
    val in[OP_OPERANDS], y[MAX_RESULTS], dy[MAX_RESULTS];
    val dx[OP_OPERANDS];
    int nin, ny;
};

struct test {
    const struct op *op;
    const struct op_case *cases;
    int ncase, bad;
    struct arena arena;
};

void complain(struct test *, int c, const char *format, ...) PRINTF_LIKE(3, 4);

/* ---- op_case.c ---- */

void start_graph(struct graph *, struct arena *, struct diag *);
/* A case's operands, op and gradients in a graph. */
void build_case(struct graph *, const struct op *, const struct op_case *,
                int number, struct nodes *);
/* Everything that is computed becomes an output. */
void assign_outputs(struct graph *, const struct nodes *, int number);
/* The case's operands, by node; the rest is left empty. */
struct tensor *case_values(struct test *, const struct graph *,
                           const struct op_case *, const struct nodes *);

/* Settings of a run with all rows. */
extern const struct ref_env all_rows;
double largest(const double *v, int64_t n);
bool near(double got, double want, double tolerance);

/* ---- op_device.c ---- */

/* An exit status: 77 where there is no device. */
int on_devices(struct test *);

#endif
