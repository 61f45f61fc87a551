/*
 * volume.c: see volume.h.
 *
 * A pool is one over the planes and one over what that leaves of the depth: the
 * largest of the largest, the mean of means, whose divisors are products too.
 *
 * A convolution gathers, for each plane of the result, the planes under its
 * window as channels, and the planes of the result are groups: [N, D' C Kd, H,
 * W], and W as [D' K, C / group Kd, Kh, Kw], the same for all.  Transposed it
 * makes the planes as channels and adds them where they belong.  That takes
 * memory of the window's depth times the input, and of the weights for each
 * plane.
 */
#include "compiler/ops/volume.h"

#include <string.h>

#include "compiler/ops/blend.h"

/* The first of three dimensions. */
struct depth {
    int64_t in, kernel, stride, dilation, pad, pad_end, out;
};

bool volume_is(const struct graph *g, const val *in)
{
    return type_of(g, in[0])->rank == 5;
}

/* ---- attributes ---- */

static const union attr *list_of(const struct op *op, const union attr *attr,
                                 const char *name)
{
    int i = op_attr(op, name);

    return i < 0 ? NULL : &attr[i];
}

static bool read_list(struct graph *g, const struct op *op,
                      const union attr *attr, const char *name, int64_t *v)
{
    const union attr *a = list_of(op, attr, name);

    if (!a || !a->ints.n)
        return true;
    if (a->ints.n != 3)
        return reject_here(g, "%s has %d numbers, wanted 3", name, a->ints.n);
    *v = a->ints.v[0];
    return *v >= 1 || reject_here(g, "%s has %lld, wanted at least 1", name,
                                  (long long)*v);
}

/* SAME: as many windows as input / stride, rounded up. */
static void pad_same(struct depth *d, bool upper)
{
    int64_t out = (d->in + d->stride - 1) / d->stride;
    int64_t all = (out - 1) * d->stride + (d->kernel - 1) * d->dilation + 1 -
                  d->in;

    all = all < 0 ? 0 : all;
    d->pad = upper ? all / 2 : all - all / 2;
    d->pad_end = all - d->pad;
}

/* Of a pool or a convolution: all but the kernel and the result. */
static bool depth_read(struct graph *g, const struct op *op,
                       const union attr *attr, const struct type *x,
                       struct depth *d)
{
    const struct ints *pads = &list_of(op, attr, "pads")->ints;
    const char *same = list_of(op, attr, "auto_pad")->s;

    *d = (struct depth){x->dim[2], d->kernel, 1, 1, 0, 0, 0};
    if (pads->n && pads->n != 6)
        return reject_here(g, "pads has %d numbers, wanted 6", pads->n);
    if (pads->n && (pads->v[0] < 0 || pads->v[3] < 0))
        return reject_here(g, "pads has a number below 0");
    if (pads->n) {
        d->pad = pads->v[0];
        d->pad_end = pads->v[3];
    }
    if (!read_list(g, op, attr, "strides", &d->stride) ||
        !read_list(g, op, attr, "dilations", &d->dilation))
        return false;
    if (strncmp(same, "SAME_", 5) == 0)
        pad_same(d, same[5] == 'U');
    return true;
}

/* Attributes for two dimensions: those of the planes, or of the depth with
 * nothing beside it. */
static union attr *part(struct graph *g, const struct op *op,
                        const union attr *attr, bool planes)
{
    int n = op_attrs(op);
    union attr *own = ARENA_NEW(g->arena, union attr, (size_t)n + 1);

    for (int i = 0; i < n; i++) {
        const struct ints *l = &attr[i].ints;
        bool pads = strcmp(op->attr[i].name, "pads") == 0;
        int64_t rest = pads ? 0 : 1;

        own[i] = attr[i];
        if (op->attr[i].kind != ATTR_INTS || !l->n)
            continue;
        if (pads && planes)
            own[i].ints = ints_copy(
                g, (int64_t[]){l->v[1], l->v[2], l->v[4], l->v[5]}, 4);
        else if (pads)
            own[i].ints = ints_copy(g, (int64_t[]){l->v[0], 0, l->v[3], 0}, 4);
        else if (planes)
            own[i].ints = ints_copy(g, l->v + 1, 2);
        else
            own[i].ints = ints_copy(g, (int64_t[]){l->v[0], rest}, 2);
    }
    return own;
}

/* ---- pools ---- */

bool volume_pool(struct graph *g, const struct op *op, plane_pool *pool, val x,
                 const union attr *attr, val *y)
{
    const struct type t = *type_of(g, x);
    const int64_t planes[] = {t.dim[0], t.dim[1] * t.dim[2], t.dim[3],
                              t.dim[4]};
    struct depth d = {.kernel = 1};
    int64_t h, w;
    val z;

    if (!dtype_is_float(t.dtype))
        return reject_here(g, "input is %s, not a float", dtype_name(t.dtype));
    if (!read_list(g, op, attr, "kernel_shape", &d.kernel) ||
        !depth_read(g, op, attr, &t, &d))
        return false;
    z = val_reshape(g, x, planes, 4, t.batch);
    if (!z.id || !pool(g, &z, 1, part(g, op, attr, true), &z))
        return false;
    h = type_of(g, z)->dim[2];
    w = type_of(g, z)->dim[3];
    z = val_reshape(g, z, (int64_t[]){t.dim[0], t.dim[1], t.dim[2], h * w}, 4,
                    t.batch);
    if (!z.id || !pool(g, &z, 1, part(g, op, attr, false), &z))
        return false;
    y[0] = val_reshape(
        g, z, (int64_t[]){t.dim[0], t.dim[1], type_of(g, z)->dim[2], h, w}, 5,
        t.batch);
    return y[0].id != 0;
}

/* ---- convolutions ---- */

/* For window position k of plane o of the result, the plane of x under it: one,
 * or none in the padding. */
static struct blend planes_under(struct graph *g, const struct depth *d)
{
    int64_t n = d->kernel * d->out, at = 0;
    struct blend b = {.out = n};

    b.start = ARENA_NEW(g->arena, double, (size_t)n + 1);
    b.index = ARENA_NEW(g->arena, double, (size_t)n + 1);
    for (int64_t i = 0; i < n; i++) {
        int64_t k = i / d->out, o = i % d->out;
        int64_t in = o * d->stride + k * d->dilation - d->pad;

        b.start[i] = (double)at;
        if (in >= 0 && in < d->in)
            b.index[at++] = (double)in;
    }
    b.start[n] = (double)at;
    return b;
}

/* W [K, C, Kd, Kh, Kw] with the depth beside C, once for each plane. */
static val flat_weights(struct graph *g, val w, int64_t planes)
{
    const struct type t = *type_of(g, w);
    int64_t dim[] = {1, t.dim[0], t.dim[1] * t.dim[2], t.dim[3], t.dim[4]};
    union attr shape;

    w = val_reshape(g, w, dim, 5, 0);
    dim[0] = planes;
    shape.ints = ints_copy(g, dim, 5);
    w = graph_add(g, &op_Expand, &w, 1, &shape);
    dim[1] *= planes;
    return w.id ? val_reshape(g, w, dim + 1, 4, 0) : w;
}

/* [N, C, D, H, W], or [N, C, Kd, D, H, W], with the planes in front of the
 * channels, of which they are groups: [N, D C, H, W]. */
static val planes_first(struct graph *g, val x)
{
    static const int five[] = {0, 2, 1, 3, 4}, six[] = {0, 3, 1, 2, 4, 5};
    const struct type t = *type_of(g, x);
    int64_t channels = 1;

    for (int i = 1; i < t.rank - 2; i++)
        channels *= t.dim[i];
    x = val_transpose(g, x, t.rank == 6 ? six : five);
    return val_reshape(
        g, x,
        (int64_t[]){t.dim[0], channels, t.dim[t.rank - 2], t.dim[t.rank - 1]},
        4, t.batch);
}

/* Attributes of the planes, which are groups. */
static union attr *grouped(struct graph *g, const struct op *op,
                           const union attr *attr, int64_t planes)
{
    union attr *own = part(g, op, attr, true);

    own[op_attr(op, "group")].i *= planes;
    return own;
}

static bool operands_fit(struct graph *g, const struct type *x,
                         const struct type *w)
{
    if (w->rank == 5 && x->batch <= 1 && dtype_is_float(x->dtype))
        return true;
    return reject_here(g, "input is %s %s, W is %s", dtype_name(x->dtype),
                       type_text(g->arena, x), type_text(g->arena, w));
}

bool volume_conv(struct graph *g, const val *in, int nin,
                 const union attr *attr, val *y)
{
    const struct type x = *type_of(g, in[0]), w = *type_of(g, in[1]);
    struct depth d = {.kernel = w.dim[2]};
    val z, flat[2];
    struct blend under;
    int64_t room;

    if (!operands_fit(g, &x, &w) || !depth_read(g, &op_Conv, attr, &x, &d))
        return false;
    room = d.in + d.pad + d.pad_end - (d.kernel - 1) * d.dilation - 1;
    if (room < 0)
        return reject_here(g, "a window %lld deep does not fit into %lld",
                           (long long)((d.kernel - 1) * d.dilation + 1),
                           (long long)(d.in + d.pad + d.pad_end));
    d.out = room / d.stride + 1;
    under = planes_under(g, &d);
    z = val_blend(g, in[0], 2, &under);
    z = val_reshape(
        g, z,
        (int64_t[]){x.dim[0], x.dim[1], d.kernel, d.out, x.dim[3], x.dim[4]}, 6,
        x.batch);
    flat[0] = planes_first(g, z);
    flat[1] = flat_weights(g, in[1], d.out);
    z = graph_add(g, &op_Conv, flat, 2, grouped(g, &op_Conv, attr, d.out));
    if (!z.id)
        return false;
    z = val_reshape(g, z,
                    (int64_t[]){x.dim[0], d.out, w.dim[0],
                                type_of(g, z)->dim[2], type_of(g, z)->dim[3]},
                    5, x.batch);
    y[0] = val_transpose(g, z, (const int[]){0, 2, 1, 3, 4});
    if (nin > 2 && type_count(type_of(g, in[2])) != w.dim[0])
        return reject_here(g, "B is %s for %lld filters",
                           type_text(g->arena, type_of(g, in[2])),
                           (long long)w.dim[0]);
    if (nin > 2 && in[2].id)
        y[0] = val_add(
            g, y[0],
            val_reshape(g, in[2], (int64_t[]){w.dim[0], 1, 1, 1}, 4, 0));
    return y[0].id != 0;
}

/* ---- and back ---- */

/* Plane o of the result adds up what positions of windows put there: entry
 * in Kd + k of [N, K, D Kd, H, W]. */
static struct blend planes_over(struct graph *g, const struct depth *d)
{
    int64_t at = 0;
    struct blend b = {.out = d->out};

    b.start = ARENA_NEW(g->arena, double, (size_t)d->out + 1);
    b.index = ARENA_NEW(g->arena, double, (size_t)(d->in * d->kernel) + 1);
    for (int64_t o = 0; o < d->out; o++) {
        b.start[o] = (double)at;
        for (int64_t i = 0; i < d->in * d->kernel; i++) {
            int64_t in = i / d->kernel, k = i % d->kernel;

            if (in * d->stride + k * d->dilation - d->pad == o)
                b.index[at++] = (double)i;
        }
    }
    b.start[d->out] = (double)at;
    return b;
}

bool volume_conv_grad(struct graph *g, const val *in, const union attr *attr,
                      val *y)
{
    const struct type x = *type_of(g, in[0]), w = *type_of(g, in[1]);
    int64_t channels = w.dim[1] * list_of(&op_ConvGradX, attr, "group")->i;
    struct depth d = {.kernel = w.dim[2]};
    const int64_t *shape;
    struct blend over;
    val z;

    if (!operands_fit(g, &x, &w) || !depth_read(g, &op_ConvGradX, attr, &x, &d))
        return false;
    d.out = list_of(&op_ConvGradX, attr, "x_shape")->ints.v[0];
    z = graph_add(g, &op_ConvGradX,
                  (val[]){planes_first(g, in[0]), flat_weights(g, in[1], d.in)},
                  2, grouped(g, &op_ConvGradX, attr, d.in));
    if (!z.id)
        return false;
    shape = type_of(g, z)->dim;
    z = val_reshape(
        g, z,
        (int64_t[]){x.dim[0], d.in, channels, d.kernel, shape[2], shape[3]}, 6,
        x.batch);
    z = val_transpose(g, z, (const int[]){0, 2, 1, 3, 4, 5});
    shape = type_of(g, z)->dim;
    z = val_reshape(
        g, z,
        (int64_t[]){x.dim[0], channels, d.in * d.kernel, shape[4], shape[5]}, 5,
        x.batch);
    over = planes_over(g, &d);
    y[0] = z.id ? val_blend(g, z, 2, &over) : z;
    return y[0].id != 0;
}
