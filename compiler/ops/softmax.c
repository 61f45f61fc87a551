/*
 * softmax.c: y = exp(x - max x) / sum exp(x - max x) along one axis, and its
 * logarithm.
 *
 * Subtracting the maximum changes nothing in exact arithmetic and keeps exp
 * from overflowing.  Both gradients are written over y alone, so x need not
 * outlive the forward pass.
 */
#include <math.h>

#include "compiler/lower.h"
#include "kernels/softmax.h"

enum { AXIS, CAUSAL };

static const struct attr_spec attrs[] = {
    [AXIS] = {"axis",
              ATTR_INT,
              {.i = -1},
              "dimension that is normalised",
              false,
              false},
    [CAUSAL] = {"causal",
                ATTR_BOOL,
                {0},
                "of each matrix, row i has its columns 0..i only; the others "
                "are 0",
                false,
                true},
    {0},
};

static const struct attr_spec log_attrs[] = {
    [AXIS] = {"axis",
              ATTR_INT,
              {.i = -1},
              "dimension that is normalised",
              false,
              false},
    {0},
};

static int axis_of(const struct node *n, int rank)
{
    int64_t axis = n->attr[AXIS].i;

    return (int)(axis < 0 ? axis + rank : axis);
}

/* Rows of a causal matrix; 0: all have all their elements. */
static int64_t causal_rows(const struct node *n, const struct type *x)
{
    bool causal = n->op == &op_Softmax && n->attr[CAUSAL].i;

    return causal ? x->dim[x->rank - 2] : 0;
}

static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);
    int64_t axis = n->attr[AXIS].i;

    if (!dtype_is_float(x->dtype))
        return reject(g, n, "input is %s, not a float", dtype_name(x->dtype));
    if (axis < -x->rank || axis >= x->rank)
        return reject(g, n, "axis %lld of a rank %d input", (long long)axis,
                      x->rank);
    if (x->batch == axis_of(n, x->rank) + 1)
        return reject(g, n,
                      "axis %lld counts the samples of the batch, which "
                      "do not know each other",
                      (long long)axis);
    if (n->op == &op_Softmax && n->attr[CAUSAL].i &&
        (x->rank < 2 || axis_of(n, x->rank) != x->rank - 1))
        return reject(g, n, "causal wants matrices and their last dimension");
    *y = *x;
    return true;
}

/* The dimension stays as 1, to broadcast against x. */
static val sum_along(struct graph *g, val x, int64_t axis)
{
    return val_reduce_sum(g, x, ints_copy(g, &axis, 1), true);
}

/* dx = y (dy - sum(dy y)).  From dy_i/dx_j = y_i ([i = j] - y_j). */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    val total = sum_along(g, val_mul(g, dy[0], y), n->attr[AXIS].i);

    dx[0] = val_mul(g, y, val_sub(g, dy[0], total));
}

/* dx = dy - exp(y) sum(dy).  From dy_i/dx_j = [i = j] - p_j, p = exp(y) being
 * the softmax. */
static void log_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    val total = sum_along(g, dy[0], n->attr[AXIS].i);
    val p = graph_add(g, &op_Exp, &y, 1, NULL);

    dx[0] = val_sub(g, dy[0], val_mul(g, p, total));
}

/* x and y: len elements, inner apart, of which the first ones take part.  With
 * the largest subtracted the sum is at least 1, so no division by 0. */
static void ref_row(const double *x, double *y, const struct rows *r,
                    int64_t first, bool logarithm)
{
    double top = -INFINITY, total = 0;

    for (int64_t k = 0; k < first; k++)
        top = fmax(top, x[k * r->inner]);
    for (int64_t k = 0; k < first; k++)
        total += exp(x[k * r->inner] - top);
    for (int64_t k = 0; k < first; k++) {
        double d = x[k * r->inner] - top;

        y[k * r->inner] = logarithm ? d - log(total) : exp(d) / total;
    }
    for (int64_t k = first; k < r->len; k++)
        y[k * r->inner] = 0;
}

/* x and y [outer, len, inner].  Causal matrices have inner 1, and outer counts
 * their rows: row o mod rows of its matrix. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    struct rows r = rows_along(&out->type, axis_of(n, out->type.rank));
    int64_t causal = causal_rows(n, &out->type);

    (void)env;
    for (int64_t o = 0; o < r.outer; o++)
        for (int64_t i = 0; i < r.inner; i++) {
            int64_t at = o * r.len * r.inner + i;
            bool part = causal && o % causal + 1 < r.len;

            ref_row(in->data + at, out->data + at, &r,
                    part ? o % causal + 1 : r.len, n->op == &op_LogSoftmax);
        }
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    struct rows r = rows_along(x, axis_of(n, x->rank));
    struct softmax_problem p = {.outer = r.outer,
                                .len = r.len,
                                .inner = r.inner,
                                .causal = causal_rows(n, x),
                                .kind = n->op == &op_LogSoftmax ? SOFTMAX_LOG
                                                                : SOFTMAX,
                                .x = x->dtype,
                                .y = n->type.dtype};

    lower_call(lo, kernels_softmax, &p, n);
}

const struct op op_Softmax = {
    .name = "Softmax",
    .doc = "exponentials along one axis, scaled to sum to one",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32 f16",
    .infer = infer,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .axis_follows = true,
    .inplace = {1},
};

const struct op op_LogSoftmax = {
    .name = "LogSoftmax",
    .doc = "logarithm of the softmax along one axis",
    .min_in = 1,
    .nin = 1,
    .attr = log_attrs,
    .types = "f32 f16",
    .infer = infer,
    .grad = log_grad,
    .ref = ref,
    .lower = lower,
    .axis_follows = true,
    .inplace = {1},
};
