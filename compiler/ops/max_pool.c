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
#include "compiler/ops/window.h"
#include "kernels/pool.h"

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
    p = (struct pool_problem){.N = w.N,
                              .H = w.in[0],
                              .W = w.in[1],
                              .C = w.C,
                              .P = w.out[0],
                              .Q = w.out[1],
                              .x = x->dtype,
                              .y = x->dtype,
                              .index = index_type(&w)};
    for (int d = 0; d < 2; d++) {
        p.window[d] = w.kernel[d];
        p.stride[d] = w.stride[d];
        p.pad[d] = w.pad[d];
        p.pad_end[d] = w.pad_end[d];
        p.dilation[d] = w.dilation[d];
    }
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

/* Element (n, c, at) of [N, C, size] or, last, [N, size, C]. */
static int64_t element(const struct window *w, bool last, int64_t n, int64_t c,
                       const int64_t *size, const int64_t *at)
{
    if (last)
        return ((n * size[0] + at[0]) * size[1] + at[1]) * w->C + c;
    return ((n * w->C + c) * size[0] + at[0]) * size[1] + at[1];
}

/* Element of x that position k of a window at `out` is, or -1: padding. */
static int64_t tap(const struct window *w, bool last, int64_t n, int64_t c,
                   const int64_t *out, int64_t k)
{
    int64_t at[2] = {k / w->kernel[1], k % w->kernel[1]};

    for (int d = 0; d < 2; d++) {
        at[d] = out[d] * w->stride[d] - w->pad[d] + at[d] * w->dilation[d];
        if (at[d] < 0 || at[d] >= w->in[d])
            return -1;
    }
    return element(w, last, n, c, w->in, at);
}

struct largest {
    double value, index; /* index: position in the window, -1: none */
};

/* x: the operand; nc: sample and channel. */
static struct largest ref_window(const struct window *w, bool last,
                                 /* x [N, C, in] */
                                 const double *x, const int64_t *nc,
                                 const int64_t *out)
{
    struct largest best = {-INFINITY, -1};

    for (int64_t k = 0; k < w->kernel[0] * w->kernel[1]; k++) {
        int64_t i = tap(w, last, nc[0], nc[1], out, k);

        if (i < 0 || (best.index >= 0 && !(x[i] > best.value) &&
                      !(isnan(x[i]) && !isnan(best.value))))
            continue;
        best = (struct largest){x[i], (double)k};
    }
    return best;
}

/* x [N, C, H, W] to y and index [N, C, P, Q]; MaxPool alone has no second
 * result. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    bool last = window_channels_last(n);
    struct window w;
    int64_t nc[2], at[2];

    (void)env;
    window_read(NULL, n, &in->type, NULL, &w);
    for (nc[0] = 0; nc[0] < w.N; nc[0]++)
        for (nc[1] = 0; nc[1] < w.C; nc[1]++)
            for (at[0] = 0; at[0] < w.out[0]; at[0]++)
                for (at[1] = 0; at[1] < w.out[1]; at[1]++) {
                    int64_t o = element(&w, last, nc[0], nc[1], w.out, at);
                    struct largest y = ref_window(&w, last, in->data, nc, at);

                    out[0].data[o] = y.value;
                    if (n->op->nout)
                        out[1].data[o] = y.index;
                }
}

/* dy and index [N, C, P, Q] to dx [N, C, H, W].  Windows overlap, hence the
 * sum; an index of -1, of a window all in the padding, is no element. */
static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    bool last = window_channels_last(n);
    struct window w;
    int64_t nc[2], at[2];

    (void)env;
    window_read(NULL, n, &out->type, NULL, &w);
    memset(out->data, 0, (size_t)type_count(&out->type) * sizeof(double));
    for (nc[0] = 0; nc[0] < w.N; nc[0]++)
        for (nc[1] = 0; nc[1] < w.C; nc[1]++)
            for (at[0] = 0; at[0] < w.out[0]; at[0]++)
                for (at[1] = 0; at[1] < w.out[1]; at[1]++) {
                    int64_t o = element(&w, last, nc[0], nc[1], w.out, at);
                    int64_t k = (int64_t)in[1].data[o];
                    int64_t i = tap(&w, last, nc[0], nc[1], at, k);

                    if (i >= 0)
                        out->data[i] += in[0].data[o];
                }
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
