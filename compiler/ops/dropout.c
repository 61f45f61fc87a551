/*
 * dropout.c: in training a share of the elements becomes zero, and the others
 * grow to keep the mean (Srivastava et al., 2014).
 *
 * Whether an element stays is a pure function of seed, step, layer, sample and
 * element, so nothing is kept for the gradient, which is the same op on dy.
 *
 * y = x m / (1 - ratio) with m 0 or 1, so dx = dy m / (1 - ratio).
 */
#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/random.h"

/* ---- as models have it ---- */

enum { RATIO, TRAINING_MODE };

static const struct attr_spec dropout_attrs[] = {
    [RATIO] = {"ratio",
               ATTR_FLOAT,
               {.f = 0.5},
               "share that becomes zero",
               false,
               false},
    [TRAINING_MODE] =
        {"training_mode", ATTR_BOOL, {0}, "set by the pass", false, true},
    {0},
};

/* Outside training and for a ratio of 0 the layer is its operand, no node. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    double ratio = attr[RATIO].f;
    union attr own[2] = {{.f = ratio}, {.s = g->path ? g->path : ""}};

    (void)nin;
    if (!(ratio >= 0 && ratio < 1))
        return reject_here(g, "ratio is %g, wanted 0 or more and below 1",
                           ratio);
    y[0] = in[0];
    if (attr[TRAINING_MODE].i && ratio > 0)
        y[0] = graph_add(g, &op_DropoutTrain, in, 1, own);
    return y[0].id != 0;
}

const struct op op_Dropout = {
    .name = "Dropout",
    .doc = "in training, some elements become zero and the others x / "
           "(1 - ratio); else x",
    .min_in = 1,
    .nin = 1,
    .attr = dropout_attrs,
    .types = "f32 f16",
    .build = build,
};

/* ---- in training ---- */

enum { SHARE, KEY };

static const struct attr_spec attrs[] = {
    [SHARE] =
        {"ratio", ATTR_FLOAT, {0}, "share that becomes zero", true, false},
    [KEY] = {"key", ATTR_STRING, {0}, "path of the layer", true, false},
    {0},
};

/* Samples must be outermost: the random words are numbered by sample, so that
 * they do not depend on how a batch is cut. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);

    if (!dtype_is_float(x->dtype))
        return reject(g, n, "input is %s, not a float", dtype_name(x->dtype));
    if (x->batch != 1)
        return reject(g, n,
                      "input is %s without samples in its first "
                      "dimension",
                      type_text(g->arena, x));
    *y = *x;
    return true;
}

/* The same attributes, so the same key, and with it the same mask. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    dx[0] = graph_add(g, &op_DropoutTrain, dy, 1, graph_node(g, y)->attr);
}

/* per_sample numbers the elements inside a sample, see ref. */
static void lower(struct lower *lo, const struct node *n)
{
    int64_t samples = lo->graph->batch;
    struct dropout_problem p = {.samples = samples,
                                .per_sample = type_count(&n->type) / samples,
                                .ratio = n->attr[SHARE].f,
                                .hash = random_hash(n->attr[KEY].s),
                                .x = n->type.dtype};

    lower_call(lo, kernels_dropout, &p, n);
}

/* Philox gives four words for each counter (element / 4, sample, step, upper
 * half of the path's hash) under the key (seed, lower half). 24 bits of a word
 * are compared with the threshold, as many as a float can hold exactly. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    uint64_t hash = random_hash(n->attr[KEY].s);
    uint32_t key[2] = {env->seed, (uint32_t)hash}, word[4];
    double ratio = n->attr[SHARE].f;
    int64_t per = type_count(&n->type) / env->batch;

    for (int64_t i = 0; i < type_count(&n->type); i++) {
        uint32_t sample = (uint32_t)(env->first + i / per);

        random_words((uint32_t[]){(uint32_t)(i % per / 4), sample, env->step,
                                  (uint32_t)(hash >> 32)},
                     key, word);
        out->data[i] = word[i % per % 4] >> 8 >= dropout_threshold(ratio)
                           ? in->data[i] / (1 - ratio)
                           : 0;
    }
}

const struct op op_DropoutTrain = {
    .name = "DropoutTrain",
    .doc = "zero, or x / (1 - ratio), by a name",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32 f16",
    .infer = infer,
    .grad = grad,
    .lower = lower,
    .ref = ref,
    .inplace = {1},
    .internal = true,
};
