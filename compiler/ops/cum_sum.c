/*
 * cum_sum.c: sums of all elements up to each one, along an axis; and products,
 * which the gradient of ReduceProd needs.
 *
 * As ONNX's CumSum: y_i = sum of x_j for j <= i; exclusive: j < i; reverse:
 * from the other end.  A product starts from 1, a sum from 0.
 */
#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/scan.h"

enum { AXIS, EXCLUSIVE, REVERSE };

static const struct attr_spec attrs[] = {
    [AXIS] = {"axis", ATTR_INT, {0}, "along which", true, false},
    [EXCLUSIVE] = {"exclusive",
                   ATTR_BOOL,
                   {0},
                   "without the element itself",
                   false,
                   false},
    [REVERSE] = {"reverse", ATTR_BOOL, {0}, "from the end", false, false},
    {0},
};

/* ONNX counts an axis below 0 from the end. */
static int axis_of(const struct node *n, int rank)
{
    int64_t axis = n->attr[AXIS].i;

    return (int)(axis < 0 ? axis + rank : axis);
}

/* y has x's type.  Not across samples: a cut between micro-batches would go
 * through the row. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);
    int axis = axis_of(n, x->rank);

    if (!dtype_is_float(x->dtype))
        return reject(g, n, "input is %s, not a float", dtype_name(x->dtype));
    if (axis < 0 || axis >= x->rank)
        return reject(g, n, "axis %lld of a rank %d input",
                      (long long)n->attr[AXIS].i, x->rank);
    if (x->batch == axis + 1)
        return reject(g, n,
                      "axis %d counts the samples of the batch, which stay "
                      "apart",
                      axis);
    *y = *x;
    return true;
}

/* Element x adds to all from its own on, so dx sums dy from there on.  The
 * matrix of a sum up to i is triangular and its transpose is the sum from i
 * on, exclusive or not: dx is CumSum of dy with `reverse` turned. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const union attr attr[] = {[AXIS] = n->attr[AXIS],
                               [EXCLUSIVE] = n->attr[EXCLUSIVE],
                               [REVERSE] = {.i = !n->attr[REVERSE].i}};

    dx[0] = graph_add(g, &op_CumSum, dy, 1, attr);
}

/* Rows of [outer, len, inner] run along the axis; elements of one are `inner`
 * apart. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const struct rows r = rows_along(&in->type, axis_of(n, in->type.rank));
    bool product = n->op == &op_CumProd;

    (void)env;
    for (int64_t row = 0; row < r.outer * r.inner; row++) {
        /* the row's first element */
        int64_t base = row / r.inner * r.len * r.inner + row % r.inner;
        double sum = product; /* the neutral element, 1 or 0 */

        for (int64_t i = 0; i < r.len; i++) {
            int64_t at = n->attr[REVERSE].i ? r.len - 1 - i : i;
            double v = in->data[base + at * r.inner];
            double next = product ? sum * v : sum + v;

            out->data[base + at * r.inner] = n->attr[EXCLUSIVE].i ? sum : next;
            sum = next;
        }
    }
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    const struct rows r = rows_along(x, axis_of(n, x->rank));
    struct scan_problem p = {.outer = r.outer,
                             .len = r.len,
                             .inner = r.inner,
                             .product = n->op == &op_CumProd,
                             .exclusive = n->attr[EXCLUSIVE].i,
                             .reverse = n->attr[REVERSE].i,
                             .dtype = x->dtype};

    lower_call(lo, kernels_scan, &p, n);
}

const struct op op_CumSum = {
    .name = "CumSum",
    .doc = "sums of all elements up to each one",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32 f16",
    .infer = infer,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .axis_follows = true,
};

const struct op op_CumProd = {
    .name = "CumProd",
    .doc = "products of all elements up to each one",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .infer = infer,
    .ref = ref,
    .lower = lower,
    .axis_follows = true,
    .internal = true,
};
