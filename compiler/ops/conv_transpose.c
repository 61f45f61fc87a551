/*
 * conv_transpose.c: transposed convolution over one to three dimensions.
 *
 * Operands as in ONNX: X [N, C, ...], W [C, K / group, ...], B [K].  It is what
 * the gradient of a convolution from K to C channels does to X, with the same
 * W, so it is built from that: its own gradients then are a convolution and the
 * gradient of that convolution's weights.
 *
 * With stride s, extent e = (k - 1) dilation + 1 and sizes i, o along one
 * dimension (ONNX's ConvTranspose): o = s (i - 1) + e + output_padding - pads.
 */
#include <string.h>

#include "compiler/ops/conv_layer.h"
#include "compiler/ops/volume.h"
#include "compiler/ops/window.h"

enum {
    AUTO_PAD,
    DILATIONS,
    PADS,
    STRIDES,
    CHANNELS_LAST,
    KERNEL_SHAPE,
    GROUP,
    OUTPUT_PADDING,
    OUTPUT_SHAPE,
    FILTERS,
    BIAS
};

static const struct attr_spec attrs[] = {
    [AUTO_PAD] = WINDOW_ATTRS,
    [KERNEL_SHAPE] = {"kernel_shape",
                      ATTR_INTS,
                      {0},
                      "of the window; W's own when W is given",
                      false,
                      false},
    [GROUP] = {"group",
               ATTR_INT,
               {.i = 1},
               "channels fall into groups",
               false,
               false},
    [OUTPUT_PADDING] = {"output_padding",
                        ATTR_INTS,
                        {0},
                        "added to the result's end; 0",
                        false,
                        false},
    [OUTPUT_SHAPE] = {"output_shape",
                      ATTR_INTS,
                      {0},
                      "spatial dimensions of the result, in place of pads",
                      false,
                      false},
    [FILTERS] = {"filters",
                 ATTR_INT,
                 {.i = 0},
                 "channels of the result, for layers that own W",
                 false,
                 false},
    [BIAS] =
        {"bias", ATTR_BOOL, {.i = 1}, "whether a layer owns B", false, false},
    {0},
};

/* A given W [C, K / group, ...] tells the filters; else the attribute does. */
static int params(struct graph *g, const struct node *n, struct param_decl *p)
{
    const struct type *w = n->nin > 1 ? type_of(g, n->in[1]) : NULL;
    int64_t group = n->attr[GROUP].i;
    const struct conv_layer l = {.filters = w ? w->dim[1] * group
                                              : n->attr[FILTERS].i,
                                 .group = group,
                                 .kernel = n->attr[KERNEL_SHAPE].ints,
                                 .bias = n->attr[BIAS].i,
                                 .transposed = true};

    return conv_layer_params(g, n, &l, p);
}

/* ---- geometry ---- */

/* One spatial dimension: what is cut from the whole, and what is added. */
struct span {
    int64_t in, stride, extent; /* extent: of the window, dilated */
    int64_t pad, pad_end, more; /* more: output_padding */
    int64_t out;                /* size of y */
};

/* An attribute's number for dimension i, or its default; false when the list is
 * not one of `wanted` numbers, each at least `least`. */
static bool read_list(struct graph *g, const struct node *n, int attr,
                      int wanted, int64_t least)
{
    const struct ints *a = &n->attr[attr].ints;

    if (a->n && a->n != wanted)
        return reject(g, n, "%s has %d numbers, wanted %d",
                      n->op->attr[attr].name, a->n, wanted);
    for (int i = 0; i < a->n; i++)
        if (a->v[i] < least || a->v[i] > 1 << 30)
            return reject(g, n, "%s has %lld, wanted at least %lld",
                          n->op->attr[attr].name, (long long)a->v[i],
                          (long long)least);
    return true;
}

/* Entry i of a list that read_list has passed, or the default of an empty
 * one. */
static int64_t number(const struct node *n, int attr, int i, int64_t otherwise)
{
    const struct ints *a = &n->attr[attr].ints;

    return a->n ? a->v[i] : otherwise;
}

/* The result's size is given: what is too much goes from both sides, what lacks
 * is added to the end.  An odd number's larger half is cut at the end for
 * SAME_UPPER, at the beginning otherwise, as ONNX has it. */
static void fit_to(struct span *s, int64_t out, bool upper)
{
    /* to cut, in all */
    int64_t all = s->stride * (s->in - 1) + s->extent + s->more - out;

    if (all < 0) {
        s->more -= all;
        all = 0;
    }
    s->pad = upper ? all / 2 : all - all / 2;
    s->pad_end = all - s->pad;
}

static bool is_same(const struct node *n)
{
    const char *s = n->attr[AUTO_PAD].s;

    return strcmp(s, "SAME_UPPER") == 0 || strcmp(s, "SAME_LOWER") == 0;
}

/*
 * The convolution whose gradient this is has no output padding: it has less
 * padding at its end, and where there is none left, as many windows fit into
 * somewhat more, less than a stride.  In s, pad_end becomes that convolution's.
 */
static bool finish(struct graph *g, const struct node *n, struct span *s)
{
    int64_t pad = s->pad_end > s->more ? s->pad_end - s->more : 0;

    s->out = s->stride * (s->in - 1) + s->extent + s->more - s->pad -
             s->pad_end;
    if (s->out < 1)
        return reject(g, n, "pads leave nothing of %lld elements",
                      (long long)(s->out + s->pad + s->pad_end));
    if (s->more - s->pad_end >= s->stride)
        return reject(g, n,
                      "output_padding adds %lld elements past the pads, "
                      "wanted less than the stride, %lld",
                      (long long)(s->more - s->pad_end), (long long)s->stride);
    s->pad_end = pad;
    return true;
}

/* Fill s for spatial dimension i.  Output padding must be less than stride or
 * dilation, as in PyTorch. */
static bool span_read(struct graph *g, const struct node *n, int i,
                      struct span *s)
{
    const struct type *x = type_of(g, n->in[0]), *w = type_of(g, n->in[1]);
    bool upper = strcmp(n->attr[AUTO_PAD].s, "SAME_UPPER") == 0;
    int64_t dilation = number(n, DILATIONS, i, 1);

    s->in = x->dim[i + 2];
    s->stride = number(n, STRIDES, i, 1);
    s->extent = (w->dim[i + 2] - 1) * dilation + 1;
    s->more = number(n, OUTPUT_PADDING, i, 0);
    s->pad = number(n, PADS, i, 0);
    s->pad_end = number(n, PADS, i + x->rank - 2, 0);
    if (s->more && s->more >= s->stride && s->more >= dilation)
        return reject(g, n,
                      "output_padding has %lld, wanted less than stride "
                      "or dilation",
                      (long long)s->more);
    if (n->attr[OUTPUT_SHAPE].ints.n)
        fit_to(s, number(n, OUTPUT_SHAPE, i, 0), upper);
    else if (is_same(n))
        fit_to(s, s->in * s->stride, upper);
    return finish(g, n, s);
}

static bool check_auto_pad(struct graph *g, const struct node *n)
{
    const char *s = n->attr[AUTO_PAD].s;

    if (!is_same(n) && strcmp(s, "NOTSET") != 0 && strcmp(s, "VALID") != 0)
        return reject(g, n,
                      "auto_pad is \"%s\", wanted NOTSET, VALID, "
                      "SAME_UPPER or SAME_LOWER",
                      s);
    if (strcmp(s, "NOTSET") != 0 && n->attr[PADS].ints.n)
        return reject(g, n, "pads and auto_pad %s exclude each other", s);
    return true;
}

/* x [N, C, ...], W [C, K / group, ...], B [K].  Samples first is checked by the
 * gradient that needs it. */
static bool check_operands(struct graph *g, const struct node *n)
{
    const struct type *x = type_of(g, n->in[0]), *w = type_of(g, n->in[1]);
    int64_t group = n->attr[GROUP].i;

    if (x->rank < 3 || x->rank > 5)
        return reject(g, n,
                      "input is %s, wanted [N,C,L], [N,C,H,W] or [N,C,D,H,W]",
                      type_text(g->arena, x));
    if (!dtype_is_float(x->dtype))
        return reject(g, n, "input is %s, not a float", dtype_name(x->dtype));
    if (w->rank != x->rank)
        return reject(g, n, "W is %s for an input %s", type_text(g->arena, w),
                      type_text(g->arena, x));
    if (w->dim[0] != x->dim[1])
        return reject(g, n, "W is for %lld channels, input has %lld",
                      (long long)w->dim[0], (long long)x->dim[1]);
    if (group < 1 || x->dim[1] % group)
        return reject(g, n, "group is %lld for %lld channels", (long long)group,
                      (long long)x->dim[1]);
    if (n->nin > 2 && type_count(type_of(g, n->in[2])) != w->dim[1] * group)
        return reject(g, n, "B is %s for %lld filters",
                      type_text(g->arena, type_of(g, n->in[2])),
                      (long long)(w->dim[1] * group));
    return true;
}

/* All lists have one number for each spatial dimension, pads two. */
static bool check(struct graph *g, const struct node *n)
{
    int s = type_of(g, n->in[0])->rank - 2;

    return check_operands(g, n) && check_auto_pad(g, n) &&
           read_list(g, n, STRIDES, s, 1) && read_list(g, n, DILATIONS, s, 1) &&
           read_list(g, n, PADS, 2 * s, 0) &&
           read_list(g, n, OUTPUT_PADDING, s, 0) &&
           read_list(g, n, OUTPUT_SHAPE, s, 1);
}

/* ---- building ---- */

/* ConvGradX's attribute of that name, in its list of values. */
static union attr *own(union attr *attr, const char *name)
{
    return &attr[op_attr(&op_ConvGradX, name)];
}

/* B [K] as [K, 1, ...], which broadcasts against y. */
static val add_bias(struct graph *g, val y, val b)
{
    int rank = type_of(g, y)->rank - 1;
    int64_t dim[MAX_RANK] = {type_of(g, b)->dim[0], 1, 1, 1};

    return val_add(g, y, val_reshape(g, b, dim, rank, 0));
}

/* A node on the stack serves reject() and the readers of attributes; it is
 * never added. y is ConvGradX of x in the place of dy, whose "x_shape" is y's
 * size. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    struct node n = {.op = &op_ConvTranspose,
                     .nin = nin,
                     .in = in,
                     .attr = attr,
                     .at = g->at,
                     .path = g->path};
    int64_t pads[MAX_RANK], out[MAX_RANK];
    int spatial = type_of(g, in[0])->rank - 2;
    union attr *a;

    if (nin < 2)
        return reject(g, &n, "W is missing");
    if (!check(g, &n))
        return false;
    for (int i = 0; i < spatial; i++) {
        struct span s = {0};

        if (!span_read(g, &n, i, &s))
            return false;
        pads[i] = s.pad;
        pads[i + spatial] = s.pad_end;
        out[i] = s.out;
    }
    a = ARENA_NEW(g->arena, union attr, (size_t)op_attrs(&op_ConvGradX) + 1);
    for (int i = 0; i < op_attrs(&op_ConvGradX); i++)
        a[i] = op_ConvGradX.attr[i].dflt;
    *own(a, "pads") = (union attr){.ints = ints_copy(g, pads, 2 * spatial)};
    *own(a, "x_shape") = (union attr){.ints = ints_copy(g, out, spatial)};
    *own(a, "strides") = attr[STRIDES];
    *own(a, "dilations") = attr[DILATIONS];
    *own(a, "group") = attr[GROUP];
    if (!volume_is(g, in))
        y[0] = graph_add(g, &op_ConvGradX, in, 2, a);
    else if (!volume_conv_grad(g, in, a, y))
        return false;
    if (nin > 2 && y[0].id)
        y[0] = add_bias(g, y[0], in[2]);
    return y[0].id != 0;
}

static const char *const names[] = {"X", "W", "B", NULL};

const struct op op_ConvTranspose = {
    .name = "ConvTranspose",
    .doc = "transposed convolution over one to three dimensions",
    .min_in = 1,
    .nin = 3,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16",
    .params = params,
    .build = build,
};
