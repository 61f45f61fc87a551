/*
 * tile.c: x repeated as a whole along its dimensions.  Forward it is a map of
 * indices (remap.c) that starts again.
 *
 * Backward each element sums its copies (PadFold).
 */
#include "compiler/ops/remap.h"

enum { REPEATS };

static const struct attr_spec attrs[] = {
    [REPEATS] = {"repeats",
                 ATTR_INTS,
                 {0},
                 "how often, for each dimension",
                 true,
                 false},
    {0},
};

static bool repeats_fit(struct graph *g, const struct type *x,
                        const struct ints *repeats)
{
    if (repeats->n != x->rank)
        return reject_here(g, "repeats has %d numbers for a rank %d input",
                           repeats->n, x->rank);
    for (int d = 0; d < x->rank; d++) {
        int64_t r = repeats->v[d];

        if (r < 1 || r > INT32_MAX / x->dim[d])
            return reject_here(g,
                               "repeats has %lld for dimension %d of %s, "
                               "wanted 1 to %lld",
                               (long long)r, d, type_text(g->arena, x),
                               (long long)(INT32_MAX / x->dim[d]));
        if (r > 1 && x->batch == d + 1)
            return reject_here(g,
                               "dimension %d of %s counts the samples of the "
                               "batch, which cannot be repeated",
                               d, type_text(g->arena, x));
    }
    return true;
}

/* Repeats of 1 everywhere are no node. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *out)
{
    struct type x = *type_of(g, in[0]);
    struct remap r = {.outside = COPY_WRAP};
    bool same = true;

    (void)nin;
    if (!repeats_fit(g, &x, &attr[REPEATS].ints))
        return false;
    for (int d = 0; d < x.rank; d++) {
        r.dim[d] = x.dim[d] * attr[REPEATS].ints.v[d];
        r.mul[d] = r.div[d] = 1;
        same &= r.dim[d] == x.dim[d];
    }
    out[0] = same ? in[0] : val_remap(g, in[0], &r);
    return out[0].id != 0;
}

static const char *const names[] = {"input", NULL};

const struct op op_Tile = {
    .name = "Tile",
    .doc = "repeated as a whole along dimensions",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .build = build,
};
