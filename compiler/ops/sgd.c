/*
 * sgd.c: stochastic gradient descent, w' = w - rate g, and with momentum, as
 * PyTorch has it (see optimizer.cl).
 *
 * Models name SGD; optimizer.c takes SGDMomentum, which has a buffer, where the
 * momentum is not zero.
 *
 * With g the gradient plus weight_decay w: buffer = momentum buffer + (1 -
 * dampening) g, w -= rate buffer; nesterov: w -= rate (g + momentum buffer)
 * (Sutskever et al., "On the importance of initialization and momentum", 2013,
 * in PyTorch's form, where the rate stands outside the buffer).
 */
#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/optimizer.h"

enum { MOMENTUM, NESTEROV, DAMPENING, WEIGHT_DECAY };
enum { W, G, BUFFER }; /* operands, f32 of one shape */

static const struct attr_spec attrs[] = {
    [MOMENTUM] = {"momentum",
                  ATTR_FLOAT,
                  {.f = 0},
                  "part of the buffer that stays",
                  false,
                  false},
    [NESTEROV] = {"nesterov",
                  ATTR_BOOL,
                  {.i = 0},
                  "take the gradient one step ahead",
                  false,
                  false},
    [DAMPENING] = {"dampening",
                   ATTR_FLOAT,
                   {.f = 0},
                   "part of a gradient that does not enter the buffer",
                   false,
                   false},
    [WEIGHT_DECAY] = {"weight_decay",
                      ATTR_FLOAT,
                      {.f = 0},
                      "times w is added to the gradient",
                      false,
                      false},
    {0},
};

static const char *const names[] = {"w", "g", "buffer"};

static bool attrs_fit(struct graph *g, const struct node *n)
{
    const union attr *a = n->attr;

    if (!(a[MOMENTUM].f >= 0))
        return reject(g, n, "momentum is %g, wanted 0 or more", a[MOMENTUM].f);
    if (!(a[WEIGHT_DECAY].f >= 0))
        return reject(g, n, "weight_decay is %g, wanted 0 or more",
                      a[WEIGHT_DECAY].f);
    if (a[NESTEROV].i && (a[MOMENTUM].f == 0 || a[DAMPENING].f != 0))
        return reject(g, n,
                      "nesterov needs a momentum above 0 and no "
                      "dampening");
    return true;
}

static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *w = type_of(g, n->in[W]);

    for (int k = 0; k < n->nin; k++)
        if (w->dtype != DT_F32 || !type_equal(w, type_of(g, n->in[k])))
            return reject(g, n, "%s is %s %s, wanted f32 %s", names[k],
                          dtype_name(type_of(g, n->in[k])->dtype),
                          type_text(g->arena, type_of(g, n->in[k])),
                          type_text(g->arena, w));
    y[0] = y[1] = *w;
    return attrs_fit(g, n);
}

static void lower(struct lower *lo, const struct node *n)
{
    const union attr *a = n->attr;
    struct optimizer_problem p = {
        .kind = n->nin > BUFFER ? OPTIMIZER_MOMENTUM : OPTIMIZER_SGD,
        .elements = type_count(type_of(lo->graph, n->in[W])),
        .weight_decay = a[WEIGHT_DECAY].f,
        .momentum = a[MOMENTUM].f,
        .dampening = a[DAMPENING].f,
        .nesterov = a[NESTEROV].i};

    lower_call(lo, kernels_optimizer, &p, n);
}

/* In the first step the buffer is the gradient itself, without dampening:
 * PyTorch's rule, and it spares filling the buffer. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const union attr *a = n->attr;

    for (int64_t i = 0; i < type_count(&in[W].type); i++) {
        double w = in[W].data[i], g = in[G].data[i] + a[WEIGHT_DECAY].f * w;

        if (n->nin > BUFFER) {
            double old = a[MOMENTUM].f * in[BUFFER].data[i];
            double b = env->step == 1 ? g : old + (1 - a[DAMPENING].f) * g;

            out[1].data[i] = b;
            g = a[NESTEROV].i ? g + a[MOMENTUM].f * b : b;
        }
        out[0].data[i] = w - env->learning_rate * g;
    }
}

const struct op op_SGD = {
    .name = "SGD",
    .doc = "stochastic gradient descent: w - rate g",
    .min_in = 2,
    .nin = 2,
    .attr = attrs,
    .in_name = names,
    .types = "f32",
    .infer = infer,
    .lower = lower,
    .ref = ref,
    .layout_follows = true,
    .inplace = {W + 1},
    .is_optimizer = true,
};

const struct op op_SGDMomentum = {
    .name = "SGDMomentum",
    .doc = "gradient descent along a decaying sum of gradients",
    .min_in = 3,
    .nin = 3,
    .nout = 2,
    .attr = attrs,
    .in_name = names,
    .types = "f32",
    .infer = infer,
    .lower = lower,
    .ref = ref,
    .layout_follows = true,
    .inplace = {W + 1, BUFFER + 1},
    .is_optimizer = true,
    .internal = true,
};
