/*
 * gelu.c: x Phi(x), Phi being the normal distribution; one of the two rows of
 * pointwise.def, as ONNX's attribute says.
 *
 * none: x (1 + erf(x / sqrt(2))) / 2. tanh: x (1 + tanh(sqrt(2 / pi) (x +
 * 0.044715 x^3))) / 2 (Hendrycks and Gimpel, "Gaussian Error Linear Units",
 * 2016).
 */
#include <string.h>

#include "compiler/op.h"

enum { APPROXIMATE };

static const struct attr_spec attrs[] = {
    [APPROXIMATE] = {"approximate",
                     ATTR_STRING,
                     {.s = "none"},
                     "none: by erf; tanh: Phi nearly, by tanh",
                     false,
                     false},
    {0},
};

/* The attribute chooses the op, so that each op keeps a formula without
 * branches. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    const char *kind = attr[APPROXIMATE].s;
    bool by_tanh = strcmp(kind, "tanh") == 0;

    (void)nin;
    if (!by_tanh && strcmp(kind, "none") != 0)
        return reject_here(g, "approximate is \"%s\", wanted none or tanh",
                           kind);
    y[0] = graph_add(g, by_tanh ? &op_GeluTanh : &op_GeluErf, in, 1, NULL);
    return y[0].id != 0;
}

const struct op op_Gelu = {
    .name = "Gelu",
    .doc = "x Phi(x), Phi being the normal distribution",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32 f16",
    .build = build,
};
