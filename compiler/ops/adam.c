/*
 * adam.c: Adam (Kingma and Ba, 2014) and AdamW (Loshchilov and Hutter, 2017):
 * m and v follow the gradient and its square; w moves by their quotient.
 *
 * Adam's weight_decay is added to the gradient, AdamW's shrinks w itself.
 */
#include <math.h>

#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/optimizer.h"

enum { BETA1, BETA2, EPSILON, WEIGHT_DECAY };
enum { W, G, M, V };

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

static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const union attr *a = n->attr;
    double rate = env->learning_rate, decay = a[WEIGHT_DECAY].f;
    double c1 = 1 - pow(a[BETA1].f, env->step);
    double c2 = 1 - pow(a[BETA2].f, env->step);

    for (int64_t i = 0; i < type_count(&in[W].type); i++) {
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
