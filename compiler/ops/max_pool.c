/*
 * max_pool.c: the largest of each window.
 *
 * Where a gradient is wanted, the forward pass keeps which element of the
 * window it was, in a byte, and needs neither x nor y for it.  Of equal ones
 * the first counts; a NaN is larger than everything.
 *
 * The gradient of a window goes to its largest element alone: dx[i] sums dy
 * over the windows whose index names i.
 */
#include <math.h>
#include <string.h>

#include "compiler/lower.h"
#include "compiler/ops/pooling.h"
#include "compiler/ops/volume.h"

enum {
    AUTO_PAD,
    DILATIONS,
    PADS,
    STRIDES,
    CHANNELS_LAST,
    KERNEL_SHAPE,
    CEIL_MODE,
    X_SHAPE
};

static const struct attr_spec attrs[] = {
    [AUTO_PAD] = WINDOW_ATTRS,
    [KERNEL_SHAPE] =
        {"kernel_shape", ATTR_INTS, {0}, "of the window", true, false},
    [CEIL_MODE] = {"ceil_mode",
                   ATTR_BOOL,
                   {0},
                   "a last window may hang out at the end",
                   false,
                   false},
    [X_SHAPE] =
        {"x_shape", ATTR_INTS, {0}, "spatial dimensions of X", false, true},
    {0},
};

/* x [N, C, ...] to y [N, C, windows...], both channels last where the hidden
 * attribute says so. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);
    struct window w;

    if (!window_read(g, n, x, NULL, &w))
        return false;
    window_type(n, &w, w.C, x->dtype, y);
    y->batch = x->batch;
    return true;
}

/* A byte numbers the positions of nearly all windows: a quarter of what
 * keeping x would cost in f32. */
static enum dtype index_type(const struct window *w)
{
    return w->kernel[0] * w->kernel[1] <= 256 ? DT_U8 : DT_I32;
}

/* The index has y's shape and numbers positions inside the window, row by
 * row. */
static bool index_infer(struct graph *g, const struct node *n, struct type *y)
{
    struct window w;

    if (!infer(g, n, y))
        return false;
    window_read(g, n, type_of(g, n->in[0]), NULL, &w);
    y[1] = y[0];
    y[1].dtype = index_type(&w);
    return true;
}

/* x is an operand's or, for the gradient, the result's type. */
static struct pool_problem problem(const struct node *n, const struct type *x)
{
    struct window w;
    struct pool_problem p;

    window_read(NULL, n, x, NULL, &w);
    p = pooling_problem(&w, x->dtype);
    p.index = index_type(&w);
    return p;
}

static void lower(struct lower *lo, const struct node *n)
{
    struct pool_problem p = problem(n, type_of(lo->graph, n->in[0]));

    lower_call(lo, kernels_max_pool, &p, n);
}

static void index_lower(struct lower *lo, const struct node *n)
{
    struct pool_problem p = problem(n, type_of(lo->graph, n->in[0]));

    lower_call(lo, kernels_max_pool_index, &p, n);
}

/* The gradient's result has x's type, so the node's own type is the
 * geometry. */
static void grad_lower(struct lower *lo, const struct node *n)
{
    struct pool_problem p = problem(n, &n->type);

    lower_call(lo, kernels_max_pool_index_grad, &p, n);
}

/* ---- references ---- */

/* What both carry through their walk over windows: largest reads x and writes y
 * and index, add_dx reads dy and index and writes dx. */
struct walk {
    struct window w;
    bool last; /* channels last */
    const struct tensor *in;
    struct tensor *out;
    bool indexed; /* MaxPool alone has no second result */
};

/* Of equal elements the first, a NaN before all; in a window all in the padding
 * none, -1. */
static void largest(void *context, const struct pooling_at *at, int64_t y)
{
    const struct walk *p = context;
    const double *x = p->in->data;
    double value = -INFINITY, index = -1;

    for (int64_t k = 0; k < p->w.kernel[0] * p->w.kernel[1]; k++) {
        int64_t i = pooling_tap(&p->w, p->last, at, k);

        if (i < 0 ||
            (index >= 0 && !(x[i] > value) && !(isnan(x[i]) && !isnan(value))))
            continue;
        value = x[i];
        index = (double)k;
    }
    p->out[0].data[y] = value;
    if (p->indexed)
        p->out[1].data[y] = index;
}

/* Windows overlap, hence the sum. */
static void add_dx(void *context, const struct pooling_at *at, int64_t y)
{
    const struct walk *p = context;
    int64_t k = (int64_t)p->in[1].data[y];
    int64_t i = k < 0 ? -1 : pooling_tap(&p->w, p->last, at, k);

    if (i >= 0)
        p->out->data[i] += p->in[0].data[y];
}

/* x [N, C, H, W] to y and index [N, C, P, Q]. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    struct walk p = {.last = window_channels_last(n),
                     .in = in,
                     .out = out,
                     .indexed = n->op->nout > 0};

    (void)env;
    window_read(NULL, n, &in->type, NULL, &p.w);
    pooling_each(&p.w, p.last, &p, largest);
}

/* dy and index [N, C, P, Q] to dx [N, C, H, W]. */
static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    struct walk p = {.last = window_channels_last(n), .in = in, .out = out};

    (void)env;
    window_read(NULL, n, &out->type, NULL, &p.w);
    memset(out->data, 0, (size_t)type_count(&out->type) * sizeof(double));
    pooling_each(&p.w, p.last, &p, add_dx);
}

/* ---- gradient ---- */

/* The sizes of x do not follow from dy's, so an attribute brings them. */
static bool grad_infer(struct graph *g, const struct node *n, struct type *x)
{
    const struct type *dy = type_of(g, n->in[0]);
    const struct ints *shape = &n->attr[X_SHAPE].ints;
    bool last = window_channels_last(n);

    *x = *dy;
    for (int i = 0; i < shape->n; i++)
        x->dim[i + (last ? 1 : 2)] = shape->v[i];
    return true;
}

/* dy and the index stay alive, x and y need not. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const struct type *x = type_of(g, n->in[0]);
    union attr attr[X_SHAPE + 1];

    memcpy(attr, n->attr, sizeof attr);
    attr[X_SHAPE].ints = ints_copy(g, x->dim + 2, x->rank - 2);
    dx[0] = graph_add(g, &op_MaxPoolGrad, (val[]){dy[0], graph_result(g, y, 1)},
                      2, attr);
}

/* With an index; where nobody asks for it, simplify takes the op without. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *out)
{
    val tuple;

    (void)nin;
    if (volume_is(g, in))
        return volume_pool(g, &op_MaxPool, build, in[0], attr, out);
    tuple = graph_add(g, &op_MaxPoolIndex, in, 1, attr);
    out[0] = tuple.id ? graph_result(g, tuple, 0) : tuple;
    return out[0].id != 0;
}

static const enum layout act_in[] = {LAYOUT_LAST, LAYOUT_LAST};
static const enum layout act_out[] = {LAYOUT_LAST, LAYOUT_LAST};

const struct op op_MaxPool = {
    .name = "MaxPool",
    .doc = "largest of each window",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32 f16",
    .infer = infer,
    .build = build,
    .ref = ref,
    .lower = lower,
    .layout_in = act_in,
    .layout_out = act_out,
};

const struct op op_MaxPoolIndex = {
    .name = "MaxPoolIndex",
    .doc = "largest of each window, and which it is",
    .min_in = 1,
    .nin = 1,
    .nout = 2,
    .alone = &op_MaxPool,
    .attr = attrs,
    .infer = index_infer,
    .grad = grad,
    .ref = ref,
    .lower = index_lower,
    .layout_in = act_in,
    .layout_out = act_out,
    .internal = true,
};

const struct op op_MaxPoolGrad = {
    .name = "MaxPoolGrad",
    .doc = "gradient of MaxPoolIndex",
    .min_in = 2,
    .nin = 2,
    .attr = attrs,
    .infer = grad_infer,
    .ref = grad_ref,
    .lower = grad_lower,
    .layout_in = act_in,
    .layout_out = act_out,
    .internal = true,
};
