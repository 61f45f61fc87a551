/*
 * pad.c: more elements before and after those of each dimension, as in ONNX.
 *
 * Numbers below zero cut off, which only the constant mode allows.  A mirror
 * does not show the end twice, and nothing is mirrored more than once.
 */
#include <math.h>
#include <string.h>

#include "compiler/ops/remap.h"

enum { PADS, MODE, VALUE };

static const struct attr_spec attrs[] = {
    [PADS] = {"pads",
              ATTR_INTS,
              {0},
              "elements before each dimension, then "
              "after each; below zero: fewer",
              true,
              false},
    [MODE] = {"mode",
              ATTR_STRING,
              {.s = "constant"},
              "constant, reflect (x "
              "mirrored at its ends) or edge (its ends)",
              false,
              false},
    [VALUE] = {"value", ATTR_FLOAT, {.f = 0}, "of mode constant", false, false},
    {0},
};

/* ONNX's words for what lies outside x. */
static bool read_mode(struct graph *g, const char *s, enum copy_outside *mode)
{
    static const char *const name[] = {[COPY_FILL] = "constant",
                                       [COPY_REFLECT] = "reflect",
                                       [COPY_EDGE] = "edge"};

    for (int i = 0; i < 3; i++)
        if (strcmp(s, name[i]) == 0) {
            *mode = (enum copy_outside)i;
            return true;
        }
    return reject_here(g, "mode is \"%s\", wanted constant, reflect or edge",
                       s);
}

/* Is the number one of the type?  Constants are doubles: of i64 only what a
 * double holds exactly is taken. */
static bool holds(enum dtype t, double value)
{
    static const double low[] = {[DT_I32] = INT32_MIN,
                                 [DT_I64] = -0x1p53,
                                 [DT_I8] = INT8_MIN,
                                 [DT_BOOL] = 0};
    static const double high[] = {[DT_I32] = INT32_MAX,
                                  [DT_I64] = 0x1p53,
                                  [DT_U8] = UINT8_MAX,
                                  [DT_I8] = INT8_MAX,
                                  [DT_BOOL] = 1};

    return dtype_is_float(t) ||
           (value == floor(value) && value >= low[t] && value <= high[t]);
}

/* Fill dimension d of r: index i of the result reads i - before.  A mirror
 * without the end itself has n - 1 elements, so pads are less than n. */
static bool pad_axis(struct graph *g, const struct type *x, int d,
                     int64_t before, int64_t after, struct remap *r)
{
    const int64_t n = x->dim[d], most = INT32_MAX;
    const char *text = type_text(g->arena, x);

    if (before < -most || before > most || after < -most || after > most ||
        before + n + after > most)
        return reject_here(g, "pads has %lld and %lld for dimension %d of %s",
                           (long long)before, (long long)after, d, text);
    if ((before || after) && x->batch == d + 1)
        return reject_here(g,
                           "dimension %d of %s counts the samples of the "
                           "batch, which cannot be padded",
                           d, text);
    if (r->outside != COPY_FILL && (before < 0 || after < 0))
        return reject_here(g, "pads has a number below 0, which only mode "
                              "constant allows");
    if (r->outside == COPY_REFLECT && (before >= n || after >= n))
        return reject_here(g,
                           "dimension %d of %s has no %lld elements beside "
                           "its end to mirror",
                           d, text,
                           (long long)(before > after ? before : after));
    if (before + n + after < 1)
        return reject_here(g, "nothing is left of dimension %d of %s", d, text);
    r->dim[d] = before + n + after;
    r->mul[d] = r->div[d] = 1;
    r->add[d] = -before;
    return true;
}

/* `pads` lists what comes before for all dimensions, then what comes after. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *out)
{
    struct type x = *type_of(g, in[0]);
    const struct ints *pads = &attr[PADS].ints;
    struct remap r = {.value = attr[VALUE].f};

    (void)nin;
    if (!read_mode(g, attr[MODE].s, &r.outside))
        return false;
    if (pads->n != 2 * x.rank)
        return reject_here(g, "pads has %d numbers, wanted %d for %s", pads->n,
                           2 * x.rank, type_text(g->arena, &x));
    if (!holds(x.dtype, r.value))
        return reject_here(g, "value is %g for an input of %s", r.value,
                           dtype_name(x.dtype));
    for (int d = 0; d < x.rank; d++)
        if (!pad_axis(g, &x, d, pads->v[d], pads->v[d + x.rank], &r))
            return false;
    out[0] = val_remap(g, in[0], &r);
    return out[0].id != 0;
}

static const char *const names[] = {"data", NULL};

const struct op op_Pad = {
    .name = "Pad",
    .doc = "more elements before and after",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .build = build,
};
