/*
 * resize.c: other sizes of dimensions, as in ONNX: nearest or linear, one
 * dimension after the other.
 *
 * Where index o of the result lies in x, and what it takes from there, is
 * computed here in double; PyTorch's "nearest" is asymmetric and floor, its
 * "bilinear" is linear with half_pixel or align_corners.
 *
 * Both modes are a Blend, whose gradient is its transpose: each element of x
 * sums what it gave.  Formulas are ONNX's (Resize,
 * coordinate_transformation_mode), where x_original is our place and x_resized
 * our o.
 */
#include <math.h>
#include <string.h>

#include "compiler/ops/blend.h"

enum { AXES, SIZES, SCALES, MODE, COORDINATES, ROUNDING };

static const struct attr_spec attrs[] = {
    [AXES] = {"axes",
              ATTR_INTS,
              {0},
              "which dimensions; all when empty",
              false,
              false},
    [SIZES] = {"sizes",
               ATTR_INTS,
               {0},
               "of these dimensions in the result",
               false,
               false},
    [SCALES] = {"scales",
                ATTR_TENSOR,
                {0},
                "the same as multiples; either these or sizes",
                false,
                false},
    [MODE] = {"mode",
              ATTR_STRING,
              {.s = "nearest"},
              "nearest or linear",
              false,
              false},
    [COORDINATES] = {"coordinate_transformation_mode",
                     ATTR_STRING,
                     {.s = "half_pixel"},
                     "half_pixel, pytorch_half_pixel, asymmetric or "
                     "align_corners",
                     false,
                     false},
    [ROUNDING] = {"nearest_mode",
                  ATTR_STRING,
                  {.s = "round_prefer_floor"},
                  "round_prefer_floor, round_prefer_ceil, floor or ceil",
                  false,
                  false},
    {0},
};

/* One dimension: from `in` to `out` elements, `scale` times as many. */
struct change {
    int64_t in, out; /* elements */
    double scale;    /* as the model gave it, or out / in */
};

/* Centres of pixels stand at o + 1/2. */
static double half_pixel(const struct change *c, double o)
{
    return (o + 0.5) / c->scale - 0.5;
}

/* A single element is taken from the first one, not from the middle. */
static double pytorch_half_pixel(const struct change *c, double o)
{
    return c->out > 1 ? half_pixel(c, o) : 0;
}

static double asymmetric(const struct change *c, double o)
{
    return o / c->scale;
}

/* The first and the last centres of both fall together. */
static double align_corners(const struct change *c, double o)
{
    return c->out > 1 ? o * (double)(c->in - 1) / (double)(c->out - 1) : 0;
}

/* Halves go down here, up in the next; neither is C's round, which goes from
 * zero. */
static double round_prefer_floor(double x)
{
    return ceil(x - 0.5);
}

static double round_prefer_ceil(double x)
{
    return floor(x + 0.5);
}

/* How a layer's words say it. */
struct way {
    double (*place)(const struct change *, double o);
    double (*round)(double);
    bool linear;
};

/* A name that neither table has leaves its pointer null. */
static bool read_way(struct graph *g, const union attr *attr, struct way *w)
{
    static const struct {
        const char *name;
        double (*place)(const struct change *, double o);
    } places[] = {{"half_pixel", half_pixel},
                  {"pytorch_half_pixel", pytorch_half_pixel},
                  {"asymmetric", asymmetric},
                  {"align_corners", align_corners}};
    static const struct {
        const char *name;
        double (*round)(double);
    } rounds[] = {{"round_prefer_floor", round_prefer_floor},
                  {"round_prefer_ceil", round_prefer_ceil},
                  {"floor", floor},
                  {"ceil", ceil}};

    *w = (struct way){.linear = strcmp(attr[MODE].s, "linear") == 0};
    for (int i = 0; i < 4; i++) {
        if (strcmp(attr[COORDINATES].s, places[i].name) == 0)
            w->place = places[i].place;
        if (strcmp(attr[ROUNDING].s, rounds[i].name) == 0)
            w->round = rounds[i].round;
    }
    if (!w->linear && strcmp(attr[MODE].s, "nearest") != 0)
        return reject_here(g, "mode is \"%s\", wanted %s", attr[MODE].s,
                           attrs[MODE].doc);
    if (!w->place)
        return reject_here(g,
                           "coordinate_transformation_mode is \"%s\", wanted "
                           "%s",
                           attr[COORDINATES].s, attrs[COORDINATES].doc);
    if (!w->round)
        return reject_here(g, "nearest_mode is \"%s\", wanted %s",
                           attr[ROUNDING].s, attrs[ROUNDING].doc);
    return true;
}

static double limited(double v, int64_t len)
{
    return v < 0 ? 0 : v > (double)(len - 1) ? (double)(len - 1) : v;
}

/* What each index takes; beyond the ends both neighbours are the last one.
 * Linear: at = low + f takes 1 - f of low and f of low + 1. */
static struct blend table(struct graph *g, const struct change *c,
                          const struct way *w)
{
    size_t n = (size_t)c->out, e = 0;
    struct blend b = {.out = c->out};

    b.start = ARENA_NEW(g->arena, double, n + 1);
    b.index = ARENA_NEW(g->arena, double, 2 * n);
    b.weight = w->linear ? ARENA_NEW(g->arena, double, 2 * n) : NULL;
    for (size_t o = 0; o < n; o++) {
        double at = w->place(c, (double)o), low = floor(at);

        if (w->linear) {
            b.weight[e] = 1 - (at - low);
            b.index[e++] = limited(low, c->in);
            b.weight[e] = at - low;
            b.index[e++] = limited(low + 1, c->in);
        } else {
            b.index[e++] = limited(w->round(at), c->in);
        }
        b.start[o + 1] = (double)e;
    }
    return b;
}

/* Number k of the lists, for a dimension of `in` elements. */
static bool read_change(struct graph *g, const union attr *attr, int k,
                        struct change *c)
{
    const struct tensor *scales = attr[SCALES].tensor;

    if (scales) {
        c->scale = scales->data[k];
        c->out = (int64_t)floor((double)c->in * c->scale);
    } else {
        c->out = attr[SIZES].ints.v[k];
        c->scale = (double)c->out / (double)c->in;
    }
    if (c->scale > 0 && c->out >= 1 && c->out <= INT32_MAX / 2)
        return true;
    return reject_here(g, "%s has %g for a dimension of %lld elements",
                       scales ? "scales" : "sizes",
                       scales ? c->scale : (double)c->out, (long long)c->in);
}

/* How many numbers the lists have; 0 after reject_here(). */
static int numbers(struct graph *g, const struct type *x,
                   const union attr *attr)
{
    const struct tensor *scales = attr[SCALES].tensor;
    int sizes = attr[SIZES].ints.n;
    int n = scales ? (int)type_count(&scales->type) : sizes;
    int wanted = attr[AXES].ints.n ? attr[AXES].ints.n : x->rank;

    if (!scales == !sizes)
        reject_here(g, "sizes and scales are %s", sizes ? "given" : "missing");
    else if (n != wanted)
        reject_here(g, "%s has %d numbers for %d dimensions",
                    scales ? "scales" : "sizes", n, wanted);
    else
        return n;
    return 0;
}

/* Dimension after dimension: linear in two dimensions is the product of both,
 * and a dimension that keeps its size is left out. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    const struct ints *axes = &attr[AXES].ints;
    struct type x = *type_of(g, in[0]);
    int n = numbers(g, &x, attr);
    struct way w;

    (void)nin;
    if (!n || !read_way(g, attr, &w))
        return false;
    y[0] = in[0];
    for (int k = 0; k < n && y[0].id; k++) {
        int64_t axis = axes->n ? axes->v[k] : k;
        struct change c;

        axis += axis < 0 ? x.rank : 0;
        if (axis < 0 || axis >= x.rank)
            return reject_here(g, "axis %lld of a rank %d input",
                               (long long)axes->v[k], x.rank);
        c.in = x.dim[axis];
        if (!read_change(g, attr, k, &c))
            return false;
        if (c.in != c.out || c.scale != 1) {
            struct blend b = table(g, &c, &w);

            y[0] = val_blend(g, y[0], (int)axis, &b);
        }
    }
    return y[0].id != 0;
}

const struct op op_Resize = {
    .name = "Resize",
    .doc = "dimensions of other sizes, nearest or linear in between",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32 f16",
    .build = build,
};
