/*
 * resize.c: other sizes of dimensions, as in ONNX: nearest, linear or cubic
 * (Keys, with four neighbours), one dimension after the other.
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

enum {
    AXES,
    SIZES,
    SCALES,
    MODE,
    COORDINATES,
    ROUNDING,
    CUBIC,
    EXCLUDE,
    ROI,
    EXTRAPOLATION
};

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
              "nearest, linear or cubic",
              false,
              false},
    [COORDINATES] = {"coordinate_transformation_mode",
                     ATTR_STRING,
                     {.s = "half_pixel"},
                     "half_pixel, pytorch_half_pixel, asymmetric, "
                     "align_corners, tf_half_pixel_for_nn or "
                     "tf_crop_and_resize",
                     false,
                     false},
    [ROUNDING] = {"nearest_mode",
                  ATTR_STRING,
                  {.s = "round_prefer_floor"},
                  "round_prefer_floor, round_prefer_ceil, floor or ceil",
                  false,
                  false},
    [CUBIC] = {"cubic_coeff_a",
               ATTR_FLOAT,
               {.f = -0.75},
               "slope of mode cubic at the second neighbour",
               false,
               false},
    [EXCLUDE] = {"exclude_outside",
                 ATTR_BOOL,
                 {0},
                 "neighbours beyond the ends count nothing, not as the end",
                 false,
                 false},
    [ROI] = {"roi",
             ATTR_TENSOR,
             {0},
             "of tf_crop_and_resize: starts, then ends, as parts of x",
             false,
             false},
    [EXTRAPOLATION] = {"extrapolation_value",
                       ATTR_FLOAT,
                       {0},
                       "of tf_crop_and_resize beyond x",
                       false,
                       false},
    {0},
};

/* One dimension: from `in` to `out` elements, `scale` times as many: size is
 * their product, which may be a fraction.  Of a crop, from start to end. */
struct change {
    int64_t in, out; /* elements */
    double scale;    /* as the model gave it, or out / in */
    double size, start, end;
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
    return c->out > 1 ? o * (double)(c->in - 1) / (c->size - 1) : 0;
}

static double tf_half_pixel(const struct change *c, double o)
{
    return (o + 0.5) / c->scale;
}

static double crop(const struct change *c, double o)
{
    double last = (double)(c->in - 1), len = (c->end - c->start) * last;

    return c->start * last + (c->out > 1 ? o * len / (c->size - 1) : len / 2);
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
    int taps; /* 1: nearest, 2: linear, 4: cubic */
    double a; /* of cubic */
    bool exclude;
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
                  {"align_corners", align_corners},
                  {"tf_half_pixel_for_nn", tf_half_pixel},
                  {"tf_crop_and_resize", crop}};
    static const struct {
        const char *name;
        double (*round)(double);
    } rounds[] = {{"round_prefer_floor", round_prefer_floor},
                  {"round_prefer_ceil", round_prefer_ceil},
                  {"floor", floor},
                  {"ceil", ceil}};

    static const struct {
        const char *name;
        int taps;
    } modes[] = {{"nearest", 1}, {"linear", 2}, {"cubic", 4}};

    *w = (struct way){.a = attr[CUBIC].f, .exclude = attr[EXCLUDE].i};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(attr[COORDINATES].s, places[i].name) == 0)
            w->place = places[i].place;
    for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++)
        if (strcmp(attr[ROUNDING].s, rounds[i].name) == 0)
            w->round = rounds[i].round;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(attr[MODE].s, modes[i].name) == 0)
            w->taps = modes[i].taps;
    if (!w->taps)
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

/* Keys' kernel with slope a, at a distance below 1 and below 2. */
static double near_weight(double a, double d)
{
    return ((a + 2) * d - (a + 3)) * d * d + 1;
}

static double far_weight(double a, double d)
{
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}

/* Of the neighbours around a place that is `part` behind the one before it. */
static void weights(const struct way *w, double part, double *weight)
{
    if (w->taps == 2) {
        weight[0] = 1 - part;
        weight[1] = part;
        return;
    }
    weight[0] = far_weight(w->a, part + 1);
    weight[1] = near_weight(w->a, part);
    weight[2] = near_weight(w->a, 1 - part);
    weight[3] = far_weight(w->a, 2 - part);
}

/* One index's neighbours; beyond the ends they are the last ones, or nothing. */
static void neighbours(const struct change *c, const struct way *w, double at,
                       double *index, double *weight)
{
    double low = floor(at), sum = 0;

    weights(w, at - low, weight);
    for (int i = 0; i < w->taps; i++) {
        int behind = i + 1 - w->taps / 2;
        double j = low + behind;

        index[i] = limited(j, c->in);
        if (w->exclude && index[i] != j)
            weight[i] = 0;
        sum += weight[i];
    }
    for (int i = 0; w->exclude && i < w->taps; i++)
        weight[i] /= sum;
}

/* What each index takes. */
static struct blend table(struct graph *g, const struct change *c,
                          const struct way *w)
{
    size_t n = (size_t)c->out, taps = (size_t)w->taps;
    struct blend b = {.out = c->out};

    b.start = ARENA_NEW(g->arena, double, n + 1);
    b.index = ARENA_NEW(g->arena, double, n *taps);
    b.weight = taps > 1 ? ARENA_NEW(g->arena, double, n *taps) : NULL;
    for (size_t o = 0; o < n; o++) {
        double at = w->place(c, (double)o);

        if (taps > 1)
            neighbours(c, w, at, b.index + taps * o, b.weight + taps * o);
        else
            b.index[o] = limited(w->round(at), c->in);
        b.start[o + 1] = (double)(taps * (o + 1));
    }
    return b;
}

/* A crop's elements that lie beyond x have a value of their own. */
static val outside(struct graph *g, val y, int axis, const struct change *c,
                   double value)
{
    struct type t = {.dtype = DT_BOOL,
                     .rank = type_of(g, y)->rank - axis,
                     .dim = {c->out, 1, 1, 1, 1, 1, 1, 1}};
    double *beyond = ARENA_NEW(g->arena, double, (size_t)c->out);
    val in[3] = {{0}, val_scalar(g, value), y};
    bool any = false;

    for (int64_t o = 0; o < c->out; o++) {
        double at = crop(c, (double)o);

        beyond[o] = at < 0 || at > (double)(c->in - 1);
        any = any || beyond[o] != 0;
    }
    if (!any)
        return y;
    in[0] = graph_constant(g, &t, beyond);
    return graph_add(g, &op_Where, in, 3, NULL);
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
    c->size = scales ? c->scale * (double)c->in : (double)c->out;
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

/* The numbers of a crop, where it is one. */
static bool read_crop(struct graph *g, const union attr *attr, int k,
                      struct change *c)
{
    const struct tensor *roi = attr[ROI].tensor, *scales = attr[SCALES].tensor;
    int n = scales ? (int)type_count(&scales->type) : attr[SIZES].ints.n;
    const double most = 1e6;

    if (!roi || type_count(&roi->type) != 2 * n)
        return reject_here(g, "roi has %lld numbers, wanted %d",
                           roi ? (long long)type_count(&roi->type) : 0LL,
                           2 * n);
    c->start = roi->data[k];
    c->end = roi->data[n + k];
    if (fabs(c->start) <= most && fabs(c->end) <= most)
        return true;
    return reject_here(g, "roi has %g and %g, at most %g", c->start, c->end,
                       most);
}

/* Entry k of the lists, along an axis. */
static bool resize_axis(struct graph *g, const union attr *attr, int k,
                        int axis, const struct way *w, val *y)
{
    struct change c = {.in = type_of(g, *y)->dim[axis]};
    struct blend b;

    if (!read_change(g, attr, k, &c) ||
        (w->place == crop && !read_crop(g, attr, k, &c)))
        return false;
    if (w->place != crop && c.in == c.out && c.scale == 1)
        return true;
    b = table(g, &c, w);
    *y = val_blend(g, *y, axis, &b);
    if (y->id && w->place == crop)
        *y = outside(g, *y, axis, &c, attr[EXTRAPOLATION].f);
    return y->id != 0;
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
    for (int k = 0; k < n; k++) {
        int64_t axis = axes->n ? axes->v[k] : k;

        axis += axis < 0 ? x.rank : 0;
        if (axis < 0 || axis >= x.rank)
            return reject_here(g, "axis %lld of a rank %d input",
                               (long long)axes->v[k], x.rank);
        if (!resize_axis(g, attr, k, (int)axis, &w, y))
            return false;
    }
    return true;
}

const struct op op_Resize = {
    .name = "Resize",
    .doc = "dimensions of other sizes, nearest, linear or cubic in between",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32 f16",
    .build = build,
};
