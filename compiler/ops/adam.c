/*
 * adam.c: Adam (Kingma and Ba, 2014) and AdamW (Loshchilov and Hutter, 2017):
 * m and v follow the gradient and its square; w moves by their quotient.
 *
 * Adam's weight_decay is added to the gradient, AdamW's shrinks w itself.
 *
 * With t the number of the update, counted from 1, and g the gradient:
 *
 *   m = beta1 m + (1 - beta1) g         v = beta2 v + (1 - beta2) g^2
 *   w -= rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 *
 * (algorithm 1 of the paper; epsilon stands outside the root, as there). m and
 * v start at zero, so after t updates their weights add up to 1 - beta^t only;
 * the divisors mend that.
 */
#include <math.h>

#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/optimizer.h"

enum { BETA1, BETA2, EPSILON, WEIGHT_DECAY };
enum { W, G, M, V }; /* operands, f32 of one shape */

#define BETAS                                                                  \
    [BETA1] = {"beta1", ATTR_FLOAT, {.f = 0.9}, "part of m that stays",        \
               false,   false},                                                \
    [BETA2] = {"beta2", ATTR_FLOAT, {.f = 0.999}, "part of v that stays",      \
               false,   false},                                                \
    [EPSILON] = {"epsilon", ATTR_FLOAT, {.f = 1e-8}, "added to the root of v", \
                 false,     false}

static const struct attr_spec adam_attrs[] = {
    BETAS,
    [WEIGHT_DECAY] = {"weight_decay",
                      ATTR_FLOAT,
                      {.f = 0},
                      "times w is added to the gradient",
                      false,
                      false},
    {0},
};

static const struct attr_spec adamw_attrs[] = {
    BETAS,
    [WEIGHT_DECAY] = {"weight_decay",
                      ATTR_FLOAT,
                      {.f = 0.01},
                      "times rate and w is taken from w",
                      false,
                      false},
    {0},
};

static const char *const names[] = {"w", "g", "m", "v"};

/* Betas below 1 keep 1 - beta^t above 0 for every t >= 1.  The conditions are
 * written so that a NaN fails them. */
static bool attrs_fit(struct graph *g, const struct node *n)
{
    for (int i = BETA1; i <= BETA2; i++)
        if (!(n->attr[i].f >= 0 && n->attr[i].f < 1))
            return reject(g, n, "%s is %g, wanted 0 or more and below 1",
                          n->op->attr[i].name, n->attr[i].f);
    for (int i = EPSILON; i <= WEIGHT_DECAY; i++)
        if (!(n->attr[i].f >= 0))
            return reject(g, n, "%s is %g, wanted 0 or more",
                          n->op->attr[i].name, n->attr[i].f);
    return true;
}

/* All four are f32 even where activations are f16: v holds squares, which f16
 * cannot, and w must keep changes far smaller than itself. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *w = type_of(g, n->in[W]);

    for (int k = 0; k < n->nin; k++)
        if (w->dtype != DT_F32 || !type_equal(w, type_of(g, n->in[k])))
            return reject(g, n, "%s is %s %s, wanted f32 %s", names[k],
                          dtype_name(type_of(g, n->in[k])->dtype),
                          type_text(g->arena, type_of(g, n->in[k])),
                          type_text(g->arena, w));
    y[0] = y[1] = y[2] = *w;
    return attrs_fit(g, n);
}

/* The learning rate and the step number are settings of each launch, not part
 * of the problem, so that a schedule needs no new plan. */
static void lower(struct lower *lo, const struct node *n)
{
    const union attr *a = n->attr;
    struct optimizer_problem p = {
        .kind = n->op == &op_AdamW ? OPTIMIZER_ADAMW : OPTIMIZER_ADAM,
        .elements = type_count(type_of(lo->graph, n->in[W])),
        .weight_decay = a[WEIGHT_DECAY].f,
        .beta1 = a[BETA1].f,
        .beta2 = a[BETA2].f,
        .epsilon = a[EPSILON].f};

    lower_call(lo, kernels_optimizer, &p, n);
}

/* Loshchilov and Hutter's algorithm 2: AdamW shrinks w before the step, by the
 * rate times the decay, and its m and v see the bare gradient. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const union attr *a = n->attr;
    double rate = env->learning_rate, decay = a[WEIGHT_DECAY].f;
    double c1 = 1 - pow(a[BETA1].f, env->step);
    double c2 = 1 - pow(a[BETA2].f, env->step);

    for (int64_t i = 0; i < type_count(&in[W].type); i++) {
        /* each of w's shape */
        double w = in[W].data[i], g = in[G].data[i], m, v;

        if (n->op == &op_AdamW)
            w -= rate * decay * w;
        else
            g += decay * w;
        m = a[BETA1].f * in[M].data[i] + (1 - a[BETA1].f) * g;
        v = a[BETA2].f * in[V].data[i] + (1 - a[BETA2].f) * g * g;
        out[0].data[i] = w - rate * (m / c1) / (sqrt(v / c2) + a[EPSILON].f);
        out[1].data[i] = m;
        out[2].data[i] = v;
    }
}

/* w, m and v are written over the old ones: an update reads each element
 * once. */
#define ADAM(title, table, text)                                         \
    {                                                                    \
        .name = title, .doc = text, .min_in = 4, .nin = 4, .nout = 3,    \
        .attr = table, .in_name = names, .types = "f32", .infer = infer, \
        .lower = lower, .ref = ref, .layout_follows = true,              \
        .inplace = {W + 1, M + 1, V + 1}, .is_optimizer = true           \
    }

const struct op op_Adam = ADAM("Adam", adam_attrs,
                               "steps of the size of the rate, by two moments");
const struct op op_AdamW = ADAM("AdamW", adamw_attrs,
                                "Adam, with weights that decay by themselves");
