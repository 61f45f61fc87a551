/* window.c: see window.h; formulas as in ONNX's Conv and MaxPool. */
#include "compiler/ops/window.h"

#include <string.h>

/* Ops have their tables in different orders, and not all have all
 * attributes. */
static const union attr *attr_of(const struct node *n, const char *name)
{
    int at = op_attr(n->op, name);

    return at < 0 ? NULL : &n->attr[at];
}

bool window_channels_last(const struct node *n)
{
    const union attr *a = attr_of(n, "channels_last");

    return a && a->i;
}

/* A list of one number per spatial dimension (or two, for pads), each at least
 * `least`, into v, whose first entry stays for one dimension. */
static bool read_list(struct graph *g, const struct node *n, const char *name,
                      int spatial, int64_t least, int64_t *v)
{
    const union attr *a = attr_of(n, name);

    if (!a || !a->ints.n)
        return true;
    if (a->ints.n != spatial)
        return reject(g, n, "%s has %d numbers, wanted %d", name, a->ints.n,
                      spatial);
    for (int i = 0; i < spatial; i++) {
        v[i + 2 - spatial] = a->ints.v[i];
        if (a->ints.v[i] < least || a->ints.v[i] > 1 << 30)
            return reject(g, n, "%s has %lld, wanted at least %lld", name,
                          (long long)a->ints.v[i], (long long)least);
    }
    return true;
}

/* ONNX's order: all that come before, then all that come after. */
static bool read_pads(struct graph *g, const struct node *n, struct window *w)
{
    const union attr *a = attr_of(n, "pads");
    int s = w->spatial;

    if (!a || !a->ints.n)
        return true;
    if (a->ints.n != 2 * s)
        return reject(g, n, "pads has %d numbers, wanted %d", a->ints.n, 2 * s);
    for (int i = 0; i < 2 * s; i++)
        if (a->ints.v[i] < 0 || a->ints.v[i] > 1 << 30)
            return reject(g, n, "pads has %lld", (long long)a->ints.v[i]);
    for (int i = 0; i < s; i++) {
        w->pad[i + 2 - s] = a->ints.v[i];
        w->pad_end[i + 2 - s] = a->ints.v[i + s];
    }
    return true;
}

/* Elements of x from the first to the last of a dilated window. */
static int64_t extent(const struct window *w, int d)
{
    return (w->kernel[d] - 1) * w->dilation[d] + 1;
}

/* SAME: as many windows as input / stride, rounded up.  UPPER puts the odd one
 * at the end. */
static void pad_same(struct window *w, bool upper)
{
    for (int d = 0; d < 2; d++) {
        int64_t out = (w->in[d] + w->stride[d] - 1) / w->stride[d];
        int64_t all = (out - 1) * w->stride[d] + extent(w, d) - w->in[d];

        all = all < 0 ? 0 : all;
        w->pad[d] = upper ? all / 2 : all - all / 2;
        w->pad_end[d] = all - w->pad[d];
    }
}

/* VALID is no padding; SAME and VALID take the place of explicit pads. */
static bool read_auto_pad(struct graph *g, const struct node *n,
                          struct window *w)
{
    const union attr *a = attr_of(n, "auto_pad");
    const char *s = a ? a->s : "NOTSET";

    if (strcmp(s, "NOTSET") == 0)
        return read_pads(g, n, w);
    if (attr_of(n, "pads")->ints.n)
        return reject(g, n, "pads and auto_pad %s exclude each other", s);
    if (strcmp(s, "SAME_UPPER") == 0 || strcmp(s, "SAME_LOWER") == 0)
        pad_same(w, s[5] == 'U');
    else if (strcmp(s, "VALID") != 0)
        return reject(g, n,
                      "auto_pad is \"%s\", wanted NOTSET, VALID, "
                      "SAME_UPPER or SAME_LOWER",
                      s);
    return true;
}

/* How many windows; with ceil_mode a last one may hang out at the end, but
 * begins inside. */
static bool count_windows(struct graph *g, const struct node *n,
                          struct window *w)
{
    const union attr *ceil = attr_of(n, "ceil_mode");

    for (int d = 0; d < 2; d++) {
        int64_t room = w->in[d] + w->pad[d] + w->pad_end[d] - extent(w, d);

        if (room < 0)
            return reject(g, n, "a window of %lld does not fit into %lld",
                          (long long)extent(w, d),
                          (long long)(w->in[d] + w->pad[d] + w->pad_end[d]));
        w->out[d] = room / w->stride[d] + 1;
        if (ceil && ceil->i && room % w->stride[d] &&
            w->out[d] * w->stride[d] < w->in[d] + w->pad[d])
            w->out[d]++;
    }
    return true;
}

/* One spatial dimension is the second of two, the first being 1 with window 1,
 * so that all that follows knows two only. */
bool window_read(struct graph *g, const struct node *n, const struct type *x,
                 const int64_t *kernel, struct window *w)
{
    bool last = window_channels_last(n);

    *w = (struct window){.spatial = x->rank - 2,
                         .in = {1, 1},
                         .kernel = {1, 1},
                         .stride = {1, 1},
                         .dilation = {1, 1}};
    if (x->rank < 3 || x->rank > 4)
        return reject(g, n, "input is %s, wanted [N,C,L] or [N,C,H,W]",
                      type_text(g->arena, x));
    if (!dtype_is_float(x->dtype))
        return reject(g, n, "input is %s, not a float", dtype_name(x->dtype));
    w->N = x->dim[0];
    w->C = x->dim[last ? x->rank - 1 : 1];
    for (int i = 0; i < w->spatial; i++) {
        int d = i + 2 - w->spatial;

        w->in[d] = x->dim[i + (last ? 1 : 2)];
        if (kernel)
            w->kernel[d] = kernel[i];
    }
    return (kernel ||
            read_list(g, n, "kernel_shape", w->spatial, 1, w->kernel)) &&
           read_list(g, n, "strides", w->spatial, 1, w->stride) &&
           read_list(g, n, "dilations", w->spatial, 1, w->dilation) &&
           read_auto_pad(g, n, w) && count_windows(g, n, w);
}

void window_type(const struct node *n, const struct window *w, int64_t channels,
                 enum dtype dtype, struct type *y)
{
    bool last = window_channels_last(n);

    *y = (struct type){.dtype = dtype, .rank = w->spatial + 2, .batch = 1};
    y->dim[0] = w->N;
    y->dim[last ? y->rank - 1 : 1] = channels;
    for (int i = 0; i < w->spatial; i++)
        y->dim[i + (last ? 1 : 2)] = w->out[i + 2 - w->spatial];
}
