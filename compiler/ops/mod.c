/*
 * mod.c: what is left of a division, as in ONNX: of integers with the sign of
 * the divisor, or with fmod, of floats too, with that of the dividend.
 */
#include "compiler/op.h"

enum { FMOD };

static const struct attr_spec attrs[] = {
    [FMOD] = {"fmod",
              ATTR_BOOL,
              {0},
              "the sign is a's, as in C, and not b's; wanted of floats",
              false,
              false},
    {0},
};

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    enum dtype t = type_of(g, in[0])->dtype;

    if (dtype_is_float(t) && !attr[FMOD].i)
        return reject_here(g, "operand is %s, for which fmod must be true",
                           dtype_name(t));
    y[0] = graph_add(g, attr[FMOD].i ? &op_TruncMod : &op_FloorMod, in, nin,
                     NULL);
    return y[0].id != 0;
}

static const char *const names[] = {"a", "b", NULL};

const struct op op_Mod = {
    .name = "Mod",
    .doc = "what is left of a / b",
    .min_in = 2,
    .nin = 2,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16 i32 i64 u8 i8",
    .build = build,
};
