/*
 * average_pool.c: the mean of each window.
 *
 * It divides by how many positions of the window are inside x, with
 * count_include_pad also by those in the padding, but never by those that
 * ceil_mode lets hang out behind it: as in ONNX and PyTorch, whose
 * count_include_pad is true where nothing is said.
 */
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
    COUNT_INCLUDE_PAD,
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
    [COUNT_INCLUDE_PAD] = {"count_include_pad",
                           ATTR_BOOL,
                           {0},
                           "padding counts as zeros",
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

/* x is the type of the input, in both directions: a window's geometry is
 * always counted from there. */
static struct pool_problem problem(const struct node *n, const struct type *x)
{
    struct window w;
    struct pool_problem p;

    window_read(NULL, n, x, NULL, &w);
    p = pooling_problem(&w, x->dtype);
    p.count_include_pad = n->attr[COUNT_INCLUDE_PAD].i;
    return p;
}

static void lower(struct lower *lo, const struct node *n)
{
    struct pool_problem p = problem(n, type_of(lo->graph, n->in[0]));

    lower_call(lo, kernels_average_pool, &p, n);
}

/* The gradient's result has x's type, so the node's own type is the
 * geometry. */
static void grad_lower(struct lower *lo, const struct node *n)
{
    struct pool_problem p = problem(n, &n->type);

    lower_call(lo, kernels_average_pool_grad, &p, n);
}

/* ---- references ---- */

/* What both references carry through their walk over windows: add_y reads x
 * and writes y, add_dx reads dy and writes dx. */
struct mean {
    struct window w;
    bool last, include_pad; /* last: channels last */
    const double *in;       /* x or dy */
    double *out;            /* y or dx */
};

static struct mean mean_of(const struct node *n, const struct type *x,
                           const struct tensor *in, const struct tensor *out)
{
    struct mean m = {.last = window_channels_last(n),
                     .in = in->data,
                     .out = out->data,
                     .include_pad = n->attr[COUNT_INCLUDE_PAD].i};

    window_read(NULL, n, x, NULL, &m.w);
    return m;
}

/* Positions of a window that its mean divides by.  A window is a product of two
 * intervals, so the count is one as well.  An empty one, wholly in the padding,
 * sums to 0 and must not divide by 0. */
static double divisor(const struct mean *m, const struct pooling_at *at)
{
    const struct window *w = &m->w;
    double product = 1;

    for (int d = 0; d < 2; d++) {
        int64_t begin = m->include_pad ? -w->pad[d] : 0, count = 0;
        int64_t end = w->in[d] + (m->include_pad ? w->pad_end[d] : 0);

        for (int64_t k = 0; k < w->kernel[d]; k++) {
            int64_t i = at->out[d] * w->stride[d] - w->pad[d] +
                        k * w->dilation[d];

            count += i >= begin && i < end;
        }
        product *= (double)(count ? count : 1);
    }
    return product;
}

/* y = sum of x over the window / count.  Called once for each y. */
static void add_y(void *context, const struct pooling_at *at, int64_t y)
{
    struct mean *m = context;
    double sum = 0;

    for (int64_t k = 0; k < m->w.kernel[0] * m->w.kernel[1]; k++) {
        int64_t x = pooling_tap(&m->w, m->last, at, k);

        if (x >= 0)
            sum += m->in[x];
    }
    m->out[y] = sum / divisor(m, at);
}

/* dx += dy / count at every position of the window: the mean is linear with
 * the same factor for each of its terms.  Windows overlap, hence the sum. */
static void add_dx(void *context, const struct pooling_at *at, int64_t y)
{
    struct mean *m = context;

    for (int64_t k = 0; k < m->w.kernel[0] * m->w.kernel[1]; k++) {
        int64_t x = pooling_tap(&m->w, m->last, at, k);

        if (x >= 0)
            m->out[x] += m->in[y] / divisor(m, at);
    }
}

static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    struct mean m = mean_of(n, &in->type, in, out);

    (void)env;
    pooling_each(&m.w, m.last, &m, add_y);
}

static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    struct mean m = mean_of(n, &out->type, in, out);

    (void)env;
    memset(out->data, 0, (size_t)type_count(&out->type) * sizeof(double));
    pooling_each(&m.w, m.last, &m, add_dx);
}

/* ---- gradient ---- */

/* dy [N, C, windows...] to dx.  The spatial sizes of x do not follow from dy's,
 * as a stride drops what is left over, so an attribute brings them. */
static bool grad_infer(struct graph *g, const struct node *n, struct type *x)
{
    const struct ints *shape = &n->attr[X_SHAPE].ints;
    bool last = window_channels_last(n);

    *x = *type_of(g, n->in[0]);
    for (int i = 0; i < shape->n; i++)
        x->dim[i + (last ? 1 : 2)] = shape->v[i];
    return true;
}

/* The gradient needs dy and the sizes of x only: x need not stay alive. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const struct type *x = type_of(g, n->in[0]);
    union attr attr[X_SHAPE + 1];

    memcpy(attr, n->attr, sizeof attr);
    attr[X_SHAPE].ints = ints_copy(g, x->dim + 2, x->rank - 2);
    dx[0] = graph_add(g, &op_AveragePoolGrad, dy, 1, attr);
}

static const enum layout channels_last[] = {LAYOUT_LAST};

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    if (volume_is(g, in))
        return volume_pool(g, &op_AveragePool, build, in[0], attr, y);
    y[0] = graph_add(g, &op_AveragePool, in, nin, attr);
    return y[0].id != 0;
}

const struct op op_AveragePool = {
    .name = "AveragePool",
    .doc = "mean of each window",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32 f16",
    .infer = infer,
    .build = build,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .layout_in = channels_last,
    .layout_out = channels_last,
};

const struct op op_AveragePoolGrad = {
    .name = "AveragePoolGrad",
    .doc = "gradient of AveragePool",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .infer = grad_infer,
    .ref = grad_ref,
    .lower = grad_lower,
    .layout_in = channels_last,
    .layout_out = channels_last,
    .internal = true,
};
