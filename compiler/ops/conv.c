/*
 * conv.c: convolution over one or two dimensions, and its gradients; over three
 * it is made of those (volume.c).
 *
 * Operands as in ONNX: X [N, C, ...], W [K, C / group, ...], B [K].  Kernels
 * want channels last and W as [..., C / group, K]; layout.c sees to it, so
 * lowering meets that form only.  References take both.
 */
#include <string.h>

#include "compiler/lower.h"
#include "compiler/ops/concat.h"
#include "compiler/ops/conv_layer.h"
#include "compiler/ops/window.h"
#include "kernels/conv.h"

enum {
    LANES, /* of the weight gradient */
    AUTO_PAD,
    DILATIONS,
    PADS,
    STRIDES,
    CHANNELS_LAST,
    KERNEL_SHAPE,
    GROUP,
    FILTERS,
    BIAS,
    X_SHAPE
};

static const struct attr_spec attrs[] = {
    [LANES] = {"lanes", ATTR_INT, {.i = 1}, "partial sums", false, true},
    [AUTO_PAD] = WINDOW_ATTRS,
    [KERNEL_SHAPE] = {"kernel_shape",
                      ATTR_INTS,
                      {0},
                      "of the window; W's own "
                      "when W is given",
                      false,
                      false},
    [GROUP] = {"group",
               ATTR_INT,
               {.i = 1},
               "channels fall into groups",
               false,
               false},
    [FILTERS] = {"filters",
                 ATTR_INT,
                 {.i = 0},
                 "channels of the result, for "
                 "layers that own W",
                 false,
                 false},
    [BIAS] =
        {"bias", ATTR_BOOL, {.i = 1}, "whether a layer owns B", false, false},
    [X_SHAPE] =
        {"x_shape", ATTR_INTS, {0}, "spatial dimensions of X", false, true},
    {0},
};

/* W [K, C / group, ...] or [..., C / group, K]: its window, C / group and K. */
static void weight_dims(const struct node *n, const struct type *w,
                        int64_t *kernel, int64_t *c, int64_t *k)
{
    bool last = window_channels_last(n);
    int s = w->rank - 2;

    for (int i = 0; i < s; i++)
        kernel[i] = w->dim[i + (last ? 0 : 2)];
    *c = w->dim[last ? s : 1];
    *k = w->dim[last ? s + 1 : 0];
}

static bool check_group(struct graph *g, const struct node *n, int64_t C,
                        int64_t K, int64_t c)
{
    int64_t group = n->attr[GROUP].i;

    if (group < 1 || C % group || K % group)
        return reject(g, n, "group is %lld for %lld channels and %lld filters",
                      (long long)group, (long long)C, (long long)K);
    if (c != C / group)
        return reject(g, n, "W has %lld channels, input has %lld in each group",
                      (long long)c, (long long)(C / group));
    return true;
}

static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]), *w = type_of(g, n->in[1]);
    int64_t kernel[MAX_RANK], c, k;
    struct window win;

    if (w->rank != x->rank)
        return reject(g, n, "W is %s for an input %s", type_text(g->arena, w),
                      type_text(g->arena, x));
    weight_dims(n, w, kernel, &c, &k);
    if (!window_read(g, n, x, kernel, &win) || !check_group(g, n, win.C, k, c))
        return false;
    if (n->nin == 3 && type_count(type_of(g, n->in[2])) != k)
        return reject(g, n, "B is %s for %lld filters",
                      type_text(g->arena, type_of(g, n->in[2])), (long long)k);
    window_type(n, &win, k, x->dtype, y);
    y->batch = x->batch;
    return true;
}

static int params(struct graph *g, const struct node *n, struct param_decl *p)
{
    const struct type *w = n->nin > 1 ? type_of(g, n->in[1]) : NULL;
    const struct conv_layer l = {.filters = w ? w->dim[0] : n->attr[FILTERS].i,
                                 .group = n->attr[GROUP].i,
                                 .kernel = n->attr[KERNEL_SHAPE].ints,
                                 .bias = n->attr[BIAS].i};

    return conv_layer_params(g, n, &l, p);
}

/* ---- references: one loop over all products, in either order ---- */

struct walk {
    struct window w;
    int64_t K, group;
    bool last;
};

static int64_t pixel(const struct walk *k, int64_t n, int64_t c, int64_t C,
                     const int64_t *size, const int64_t *at)
{
    if (k->last)
        return ((n * size[0] + at[0]) * size[1] + at[1]) * C + c; /* NHWC */
    return ((n * C + c) * size[0] + at[0]) * size[1] + at[1];     /* NCHW */
}

static int64_t weight(const struct walk *k, int64_t o, int64_t c, int64_t r,
                      int64_t s)
{
    int64_t per = k->w.C / k->group;

    if (k->last)
        return ((r * k->w.kernel[1] + s) * per + c) * k->K + o;       /* RSCK */
    return ((o * per + c) * k->w.kernel[0] + r) * k->w.kernel[1] + s; /* KCRS */
}

/* Calls f for each product x[a] w[b] that goes into y[o], samples outermost. */
struct product {
    int64_t sample, x, w, y; /* indices of elements */
};

static void each_tap(const struct walk *k, int64_t n, int64_t o,
                     const int64_t *at,
                     void (*f)(void *, const struct product *), void *context)
{
    const struct window *w = &k->w;
    int64_t per = w->C / k->group, base = o / (k->K / k->group) * per;
    struct product p = {.sample = n};

    p.y = pixel(k, n, o, k->K, w->out, at);
    for (int64_t r = 0; r < w->kernel[0]; r++)
        for (int64_t s = 0; s < w->kernel[1]; s++) {
            const int64_t from[] = {
                at[0] * w->stride[0] - w->pad[0] + r * w->dilation[0],
                at[1] * w->stride[1] - w->pad[1] + s * w->dilation[1]};

            if (from[0] < 0 || from[1] < 0 || from[0] >= w->in[0] ||
                from[1] >= w->in[1])
                continue;
            for (int64_t c = 0; c < per; c++) {
                p.x = pixel(k, n, base + c, w->C, w->in, from);
                p.w = weight(k, o, c, r, s);
                f(context, &p);
            }
        }
}

static void each_product(const struct walk *k,
                         void (*f)(void *, const struct product *),
                         void *context)
{
    int64_t at[2];

    for (int64_t n = 0; n < k->w.N; n++)
        for (at[0] = 0; at[0] < k->w.out[0]; at[0]++)
            for (at[1] = 0; at[1] < k->w.out[1]; at[1]++)
                for (int64_t o = 0; o < k->K; o++)
                    each_tap(k, n, o, at, f, context);
}

struct arrays {
    const double *a, *b; /* the operands, in their order */
    double *out;
    int64_t rows; /* samples that count; of add_dw only */
};

static void add_y(void *context, const struct product *p)
{
    struct arrays *t = context;

    t->out[p->y] += t->a[p->x] * t->b[p->w]; /* y = x w */
}

static void add_dx(void *context, const struct product *p)
{
    struct arrays *t = context;

    t->out[p->x] += t->a[p->y] * t->b[p->w]; /* dx = dy w */
}

static void add_dw(void *context, const struct product *p)
{
    struct arrays *t = context;

    if (p->sample < t->rows)
        t->out[p->w] += t->a[p->x] * t->b[p->y]; /* dw = x dy */
}

/* Geometry from x's type (its own or the attribute's) and K filters. */
static struct walk walk_of(const struct node *n, const struct type *x,
                           const int64_t *kernel, int64_t K)
{
    struct walk k = {
        .K = K, .group = n->attr[GROUP].i, .last = window_channels_last(n)};

    window_read(NULL, n, x, kernel, &k.w);
    return k;
}

static void clear(struct tensor *t)
{
    memset(t->data, 0, (size_t)type_count(&t->type) * sizeof *t->data);
}

static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    struct arrays t = {in[0].data, in[1].data, out->data, 0};
    int64_t kernel[MAX_RANK], c, K, count = type_count(&out->type);
    struct walk k;

    (void)env;
    weight_dims(n, &in[1].type, kernel, &c, &K);
    k = walk_of(n, &in[0].type, kernel, K);
    clear(out);
    for (int64_t i = 0; n->nin == 3 && i < count; i++)
        out->data[i] =
            in[2].data[k.last ? i % K : i / (k.w.out[0] * k.w.out[1]) % K];
    each_product(&k, add_y, &t);
}

/* ---- lowering ---- */

static struct conv_problem problem(const struct node *n, const struct type *x,
                                   const int64_t *kernel, int64_t K)
{
    struct window w;
    struct conv_problem p;

    window_read(NULL, n, x, kernel, &w);
    p = (struct conv_problem){.N = w.N,
                              .H = w.in[0],
                              .W = w.in[1],
                              .C = w.C,
                              .K = K,
                              .R = w.kernel[0],
                              .S = w.kernel[1],
                              .P = w.out[0],
                              .Q = w.out[1],
                              .group = n->attr[GROUP].i,
                              .x = x->dtype,
                              .w = DT_F32,
                              .y = x->dtype,
                              .lanes = (int)n->attr[LANES].i};
    for (int d = 0; d < 2; d++) {
        p.stride[d] = w.stride[d];
        p.pad[d] = w.pad[d];
        p.dilation[d] = w.dilation[d];
    }
    return p;
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    const struct type *w = type_of(lo->graph, n->in[1]);
    struct conv_problem p = problem(n, x, w->dim, w->dim[w->rank - 1]);

    p.w = w->dtype;
    p.bias = n->nin == 3;
    lower_call(lo, kernels_conv, &p, n);
}

/* ---- gradients ---- */

/* By operands where channels were joined: see channels.c. */
static val weight_gradient(struct graph *g, const struct node *n, val x, val dy,
                           union attr *attr)
{
    const struct type *w = type_of(g, n->in[1]);
    const struct node *all = graph_node(g, x);

    if (all->op == &op_Concat && concat_axis(all, w->rank) == 1 &&
        n->attr[GROUP].i == 1 && concat_read_apart(all, type_of(g, dy))) {
        val *part = ARENA_NEW(g->arena, val, (size_t)all->nin);

        for (int k = 0; k < all->nin; k++)
            part[k] = weight_gradient(g, n, all->in[k], dy, attr);
        return graph_add(g, &op_Concat, part, all->nin, all->attr);
    }
    attr[KERNEL_SHAPE].ints = ints_copy(g, w->dim + 2, w->rank - 2);
    if (type_of(g, x)->batch == 1)
        return batch_sum(g, &op_ConvGradW, (val[]){x, dy}, 2, attr,
                         type_count(w));
    reject(g, n,
           "input has no samples in its first dimension, which the "
           "gradient of W sums over");
    return (val){0};
}

/* y is bilinear: dx sums dy w, dW x dy over the same products; dB sums dy. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const struct type *x = type_of(g, n->in[0]), *w = type_of(g, n->in[1]);
    union attr attr[X_SHAPE + 1];

    memcpy(attr, n->attr, sizeof attr);
    attr[X_SHAPE].ints = ints_copy(g, x->dim + 2, x->rank - 2);
    dx[0] = graph_add(g, &op_ConvGradX, (val[]){dy[0], n->in[1]}, 2, attr);
    dx[1] = weight_gradient(g, n, n->in[0], dy[0], attr);
    if (n->nin == 3)
        dx[2] = val_sum_to(g, dy[0],
                           &(struct type){.dtype = DT_F32,
                                          .rank = x->rank - 1,
                                          .dim = {w->dim[0], 1, 1}});
    if (n->nin == 3 && dx[2].id)
        dx[2] = val_reshape(g, dx[2], &w->dim[0], 1, 0);
}

/* Type of X, from dy's batch and order and the attribute. */
static void x_type(const struct node *n, const struct type *dy, int64_t C,
                   struct type *x)
{
    const struct ints *shape = &n->attr[X_SHAPE].ints;
    bool last = window_channels_last(n);

    *x = (struct type){
        .dtype = dy->dtype, .rank = dy->rank, .batch = dy->batch};
    x->dim[0] = dy->dim[0];
    x->dim[last ? x->rank - 1 : 1] = C;
    for (int i = 0; i < shape->n; i++)
        x->dim[i + (last ? 1 : 2)] = shape->v[i];
}

static bool grad_x_infer(struct graph *g, const struct node *n, struct type *x)
{
    int64_t kernel[MAX_RANK], c, K;

    weight_dims(n, type_of(g, n->in[1]), kernel, &c, &K);
    x_type(n, type_of(g, n->in[0]), c * n->attr[GROUP].i, x);
    return true;
}

/* Used as a transposed convolution: d is a convolution's input here. */
static void grad_x_grad(struct graph *g, val dx, const val *d, val *out)
{
    const struct node *n = graph_node(g, dx);
    union attr attr[X_SHAPE + 1];

    memcpy(attr, n->attr, sizeof attr);
    out[0] = graph_add(g, &op_Conv, (val[]){d[0], n->in[1]}, 2, attr);
    out[1] = weight_gradient(g, n, d[0], n->in[0], attr);
}

static void grad_x_ref(const struct node *n, const struct ref_env *env,
                       const struct tensor *in, struct tensor *out)
{
    struct arrays t = {in[0].data, in[1].data, out->data, 0};
    int64_t kernel[MAX_RANK], c, K;
    struct walk k;

    (void)env;
    weight_dims(n, &in[1].type, kernel, &c, &K);
    k = walk_of(n, &out->type, kernel, K);
    clear(out);
    each_product(&k, add_dx, &t);
}

static void grad_x_lower(struct lower *lo, const struct node *n)
{
    const struct type *w = type_of(lo->graph, n->in[1]);
    struct conv_problem p = problem(n, &n->type, w->dim, w->dim[w->rank - 1]);

    p.w = w->dtype;
    lower_call(lo, kernels_conv_grad_x, &p, n);
}

static bool grad_w_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]), *dy = type_of(g, n->in[1]);
    const struct ints *kernel = &n->attr[KERNEL_SHAPE].ints;
    bool last = window_channels_last(n);
    int64_t C = x->dim[last ? x->rank - 1 : 1];
    int64_t K = dy->dim[last ? x->rank - 1 : 1];
    int d = 1;

    *y = (struct type){.dtype = DT_F32, .rank = x->rank + 1};
    y->dim[0] = n->attr[LANES].i;
    if (!last)
        y->dim[d++] = K;
    if (!last)
        y->dim[d++] = C / n->attr[GROUP].i;
    for (int i = 0; i < kernel->n; i++)
        y->dim[d++] = kernel->v[i];
    if (last)
        y->dim[d++] = C / n->attr[GROUP].i;
    if (last)
        y->dim[d++] = K;
    return true;
}

static void grad_w_ref(const struct node *n, const struct ref_env *env,
                       const struct tensor *in, struct tensor *out)
{
    struct arrays t = {in[0].data, in[1].data, out->data, env->rows};
    bool last = window_channels_last(n);
    int64_t K = in[1].type.dim[last ? in[1].type.rank - 1 : 1];
    struct walk k = walk_of(n, &in[0].type, n->attr[KERNEL_SHAPE].ints.v, K);

    if (n->nin == 3 && env->first)
        memcpy(out->data, in[2].data,
               (size_t)type_count(&out->type) * sizeof *out->data);
    else
        clear(out);
    each_product(&k, add_dw, &t);
}

static void grad_w_lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    struct conv_problem p = problem(n, x, n->attr[KERNEL_SHAPE].ints.v,
                                    n->type.dim[n->type.rank - 1]);

    p.accumulate = n->nin == 3;
    lower_call(lo, kernels_conv_grad_w, &p, n);
}

static const enum layout conv_in[] = {LAYOUT_LAST, LAYOUT_WEIGHTS, LAYOUT_USER};
static const enum layout grad_w_in[] = {LAYOUT_LAST, LAYOUT_LAST, LAYOUT_LANES};
static const enum layout act_out[] = {LAYOUT_LAST};
static const enum layout lanes_out[] = {LAYOUT_LANES};
static const char *const conv_names[] = {"X", "W", "B", NULL};

const struct op op_Conv = {
    .name = "Conv",
    .doc = "convolution over one to three dimensions",
    .min_in = 1,
    .nin = 3,
    .attr = attrs,
    .in_name = conv_names,
    .types = "f32 f16",
    .infer = infer,
    .build = conv_build,
    .params = params,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .layout_in = conv_in,
    .layout_out = act_out,
};

const struct op op_ConvGradX = {
    .name = "ConvGradX",
    .doc = "gradient of a convolution's input",
    .min_in = 2,
    .nin = 2,
    .attr = attrs,
    .infer = grad_x_infer,
    .grad = grad_x_grad,
    .ref = grad_x_ref,
    .lower = grad_x_lower,
    .layout_in = conv_in,
    .layout_out = act_out,
    .internal = true,
};

const struct op op_ConvGradW = {
    .name = "ConvGradW",
    .doc = "gradient of a convolution's weights",
    .min_in = 2,
    .nin = 3,
    .attr = attrs,
    .infer = grad_w_infer,
    .ref = grad_w_ref,
    .lower = grad_w_lower,
    .layout_in = grad_w_in,
    .layout_out = lanes_out,
    .across_batch = true,
    .inplace = {3},
    .internal = true,
};
