/*
 * convert_signal.c: Fourier transforms, as products with a constant matrix.
 *
 * A number is one or two elements of the last dimension, its real and its
 * imaginary part; the result has both.  It takes time in the square of the
 * length: right, and quick where lengths are small.
 *
 * X_k = sum over l of x_l e^(-2 pi i l k / n), backwards with the other sign
 * and 1 / n.  With a number (re, im) as a row, the factor is the matrix (cos,
 * sin; -sin, cos).
 */
#include <math.h>
#include <string.h>

#include "onnx/import.h"

static const double PI = 3.14159265358979323846;

struct transform {
    int64_t axis, in, length, out; /* elements there are, taken, made */
    int64_t parts;                 /* of x: 1 or 2 */
    bool inverse;
};

static const char *with_ints(struct import *im, const char *op, const char *x,
                             const char *attr, struct ints v)
{
    struct layer_text l;

    if (!x)
        return NULL;
    layer_begin(im, &l, op, name_new(im, NULL, op));
    layer_input(&l, x);
    layer_ints(&l, attr, v.v, v.n);
    return layer_ref(im, &l);
}

/* [in parts, out 2]: element l times e^(-2 pi i l k / length). l k is reduced
 * mod the length first, so that the angle keeps its digits; elements beyond
 * the length taken are 0. */
static const char *matrix(struct import *im, const struct transform *t)
{
    const int64_t dim[2] = {t->in * t->parts, t->out * 2};
    double turn = (t->inverse ? 2 : -2) * PI / (double)t->length;
    double scale = t->inverse ? 1 / (double)t->length : 1;
    struct onnx_value v = {0};
    struct constant *c;

    v.constant = c = fold_made(im, DT_F32, 2, dim);
    if (!c) {
        import_reject(im, "a transform of %lld elements is too long",
                      (long long)t->length);
        return NULL;
    }
    for (int64_t i = 0; i < dim[0] * dim[1]; i++) {
        int64_t row = i / dim[1], column = i % dim[1];
        int64_t l = row / t->parts, k = column / 2;
        double x = turn * (double)(l * k % t->length);
        bool same = row % t->parts == column % 2;
        double y = same ? cos(x) : column % 2 ? sin(x) : -sin(x);

        constant_set(c, i, l < t->length ? y * scale : 0);
    }
    return operand_ref(im, &v);
}

/* x, with the axis brought beside its last dimension and back. */
static const char *transformed(struct import *im, const char *x,
                               const struct type *type,
                               const struct transform *t)
{
    int64_t there[MAX_RANK], back[MAX_RANK], shape[MAX_RANK];
    int rank = type->rank, n = 0;

    for (int d = 0; d < rank - 1; d++)
        if (d != t->axis)
            there[n++] = d;
    there[n++] = t->axis;
    there[n] = rank - 1;
    for (int d = 0; d < rank; d++) {
        back[there[d]] = d;
        shape[d] = d == 0 && type->batch == 1 ? 0 : type->dim[there[d]];
    }
    x = with_ints(im, "Transpose", x, "perm", (struct ints){rank, there});
    shape[rank - 2] = t->in * t->parts;
    x = with_ints(im, "Reshape", x, "shape", (struct ints){rank - 1, shape});
    x = x ? layer_step(im, "MatMul", x, matrix(im, t)) : NULL;
    shape[rank - 2] = t->out;
    shape[rank - 1] = 2;
    x = with_ints(im, "Reshape", x, "shape", (struct ints){rank, shape});
    return with_ints(im, "Transpose", x, "perm", (struct ints){rank, back});
}

/* A number that must be known; dflt where it is left out, -1 after a
 * message. */
static int64_t known(struct import *im, const struct onnx_node *n, int k,
                     int64_t dflt)
{
    const struct constant *c = node_constant(n, k);

    if (k >= n->nin || !n->in[k])
        return dflt;
    if (c && constant_int(c, 0) > 0)
        return constant_int(c, 0);
    import_reject(im, "its operand %d is computed from data, or not positive",
                  k);
    return -1;
}

/* 1: real numbers, 2: complex ones. */
static bool is_signal(struct import *im, const struct type *x, int least)
{
    int64_t parts = x->rank ? x->dim[x->rank - 1] : 0;

    return (x->rank >= least && (parts == 1 || parts == 2)) ||
           import_reject(im, "its input is %s, wanted [..., 1] or [..., 2]",
                         type_text(im->arena, x));
}

/* onesided: of real numbers the other half is its mirror. */
bool convert_dft(struct import *im, const struct onnx_node *n)
{
    const char *x = operand_ref(im, n->in[0]);
    const struct type *type = &n->in[0]->type;
    struct transform t = {.inverse = node_int(n, "inverse", 0) != 0};
    int64_t axis = node_int(n, "axis", 1);

    if (!x || !is_signal(im, type, 2))
        return false;
    t.axis = axis + (axis < 0 ? type->rank : 0);
    if (t.axis < 0 || t.axis >= type->rank - 1 || type->batch == t.axis + 1)
        return import_reject(im, "axis %lld of %s", (long long)axis,
                             type_text(im->arena, type));
    t.parts = type->dim[type->rank - 1];
    t.in = type->dim[t.axis];
    t.length = known(im, n, 1, t.in);
    if (t.length < 0)
        return false;
    t.out = node_int(n, "onesided", 0) ? t.length / 2 + 1 : t.length;
    return layer_result(im, 0, transformed(im, x, type, &t));
}

/* ---- STFT ---- */

/* Of the gather that makes frames; each stands in the model's text. */
enum { MOST_INDICES = 1 << 22 };

/* [N, T, parts] to [N, frames, length, parts].  Frames overlap, so elements
 * are gathered more than once. */
static const char *framed(struct import *im, const char *x,
                          const struct type *type, int64_t step,
                          const struct transform *t)
{
    int64_t frames = (type->dim[1] - t->in) / step + 1;
    const int64_t shape[] = {type->batch == 1 ? 0 : type->dim[0], frames, t->in,
                             t->parts};
    int64_t *index;
    struct layer_text l;

    /* Neither factor is more than 2^31. */
    if (frames * t->in > MOST_INDICES) {
        import_reject(im, "%lld frames of %lld elements are too many",
                      (long long)frames, (long long)t->in);
        return NULL;
    }
    index = ARENA_NEW(im->arena, int64_t, (size_t)(frames * t->in));
    for (int64_t i = 0; i < frames * t->in; i++)
        index[i] = i / t->in * step + i % t->in;
    layer_begin(im, &l, "Gather", name_new(im, NULL, "Gather"));
    layer_input(&l, x);
    layer_attr(&l, "axis", "1");
    layer_ints(&l, "indices", index, (int)(frames * t->in));
    return with_ints(im, "Reshape", layer_ref(im, &l), "shape",
                     (struct ints){4, shape});
}

/* The window is of a frame's length and multiplies each element, both parts. */
bool convert_stft(struct import *im, const struct onnx_node *n)
{
    static const int64_t last[] = {1};
    const char *x = operand_ref(im, n->in[0]), *window;
    const struct type *type = &n->in[0]->type;
    bool windowed = n->nin > 2 && n->in[2];
    int64_t step = known(im, n, 1, -1);
    struct transform t = {.axis = 2};
    struct type frames;

    if (!x || step < 0 || !is_signal(im, type, 3))
        return false;
    window = windowed ? operand_ref(im, n->in[2]) : NULL;
    if (windowed && !window)
        return false;
    t.in = known(im, n, 3, windowed ? n->in[2]->type.dim[0] : type->dim[1]);
    if (t.in < 0 || t.in > type->dim[1] || type->rank != 3)
        return t.in < 0
                   ? false
                   : import_reject(im, "frames of %lld of %s", (long long)t.in,
                                   type_text(im->arena, type));
    t.parts = type->dim[2];
    t.length = t.in;
    t.out = node_int(n, "onesided", 1) ? t.in / 2 + 1 : t.in;
    frames = (struct type){
        .rank = 4,
        .dim = {type->dim[0], (type->dim[1] - t.in) / step + 1, t.in, t.parts},
        .batch = type->batch};
    x = framed(im, x, type, step, &t);
    if (windowed)
        x = x ? layer_step(im, "Mul", x,
                           with_ints(im, "Unsqueeze", window, "axes",
                                     (struct ints){1, last}))
              : NULL;
    return layer_result(im, 0, x ? transformed(im, x, &frames, &t) : NULL);
}
