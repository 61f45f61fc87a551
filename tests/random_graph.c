/*
 * random_graph.c: see random_graph.h.
 *
 * A model grows layer by layer: a kind of layer is drawn, then operands from
 * what is there; a kind that cannot use them refuses and another one is drawn.
 * Shapes are tracked here, apart from the compiler.  What grows large goes
 * through Tanh, and epsilons are coarse, so that rounding stays rounding.
 */
#include "tests/random_gen.h"

#include <stdio.h>
#include <string.h>

/* SplitMix64 (Steele, Lea and Flood 2014): a seed gives the same model
 * everywhere. */
uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15U;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

unsigned random_below(uint64_t *state, unsigned n)
{
    return (unsigned)(random_next(state) >> 33) % n;
}

/* ---- drawing ---- */

int gen_below(struct gen *g, int n)
{
    return (int)random_below(&g->state, (unsigned)n);
}

bool gen_chance(struct gen *g, int percent)
{
    return gen_below(g, 100) < percent;
}

/* From a list with repetitions: what stands there twice comes twice as
 * often. */
int gen_one_of(struct gen *g, const int *list, int n)
{
    return list[gen_below(g, n)];
}
int shape_count(const struct shape *s)
{
    int n = 1;

    for (int d = 0; d < s->rank; d++)
        n *= s->dim[d];
    return n;
}

bool shape_equal(const struct shape *a, const struct shape *b)
{
    if (a->rank != b->rank)
        return false;
    return memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

/* The last value more often than another, so that graphs are deep. */
const struct gen_value *gen_draw(struct gen *g)
{
    int i = gen_chance(g, 60) ? g->nvalue - 1 : gen_below(g, g->nvalue);

    return &g->value[i];
}

/* A value of this shape, perhaps the one given. */
const struct gen_value *gen_like(struct gen *g, const struct gen_value *x)
{
    int at = gen_below(g, g->nvalue);

    for (int i = 0; i < g->nvalue; i++) {
        const struct gen_value *v = &g->value[(at + i) % g->nvalue];

        if (shape_equal(&v->shape, &x->shape))
            return v;
    }
    return x;
}

/* ---- layers ---- */

/* The start of a layer: its name and op, and the operands as JSON strings.
 * Attributes and gen_end() follow. */
void gen_begin(struct gen *g, const char *op, const char *inputs)
{
    text_add(g->t, "%s    {\"name\": \"l%d\", \"op\": \"%s\", \"inputs\": [%s]",
             g->nlayer ? ",\n" : "", g->nlayer, op, inputs);
}

const struct gen_value *gen_end(struct gen *g, const struct shape *s)
{
    struct gen_value *v = &g->value[g->nvalue++];

    text_add(g->t, "}");
    snprintf(v->name, sizeof v->name, "l%d", g->nlayer++);
    v->shape = *s;
    return v;
}

const char *gen_name(struct gen *g, const struct gen_value *x)
{
    return arena_format(g->t->arena, "\"%s\"", x->name);
}

const char *gen_names(struct gen *g, const struct gen_value *x,
                      const struct gen_value *y)
{
    return arena_format(g->t->arena, "\"%s\", \"%s\"", x->name, y->name);
}

const struct gen_value *gen_layer(struct gen *g, const char *op,
                                  const char *inputs, const struct shape *s)
{
    gen_begin(g, op, inputs);
    return gen_end(g, s);
}

void gen_list(struct gen *g, const char *name, const int *v, int n)
{
    text_add(g->t, ", \"%s\": [", name);
    for (int i = 0; i < n; i++)
        text_add(g->t, "%s%d", i ? ", " : "", v[i]);
    text_add(g->t, "]");
}

/* Kinds that stand twice or more come more often. */
static void grow(struct gen *g, int layers)
{
    static bool (*const kind[])(struct gen *) = {
        layer_conv,       layer_conv,       layer_conv,        layer_linear,
        layer_pool,       layer_batch_norm, layer_global_pool, layer_unary,
        layer_unary,      layer_unary,      layer_unary,       layer_binary,
        layer_binary,     layer_divide,     layer_where,       layer_with_bias,
        layer_reduce,     layer_reduce,     layer_softmax,     layer_reshape,
        layer_transpose,  layer_product,    layer_concat,      layer_slice,
        layer_pad,        layer_layer_norm, layer_recurrent,   layer_constant,
        layer_attention,  layer_split,      layer_tile,        layer_squeeze,
        layer_group_norm, layer_gather,
    };

    /* Something that trains comes first. */
    while (!g->nlayer)
        if (!layer_conv(g))
            layer_linear(g);
    while (g->nlayer < layers)
        kind[gen_below(g, sizeof kind / sizeof *kind)](g);
}

/* ---- inputs and heads ---- */

/* What the sections of a model besides its layers say. */
struct sections {
    struct text inputs, outputs, losses, metrics;
};

static void add_input(struct text *t, const char *name, const char *dtype,
                      const int *dim, int rank)
{
    text_add(t, "%s    \"%s\": {\"shape\": [\"N\"", t->len ? ",\n" : "", name);
    for (int d = 0; d < rank; d++)
        text_add(t, ", %d", dim[d]);
    text_add(t, "], \"dtype\": \"%s\"}", dtype);
}

static void draw_inputs(struct gen *g, struct sections *s)
{
    static const struct shape shape[] = {
        {3, {3, 6, 6}}, {3, {4, 7, 5}}, {2, {4, 9}}, {1, {8}}, {1, {12}},
    };
    int n = 1 + gen_chance(g, 40);

    for (int i = 0; i < n; i++) {
        struct gen_value *v = &g->value[g->nvalue++];

        v->shape = shape[gen_below(g, sizeof shape / sizeof *shape)];
        snprintf(v->name, sizeof v->name, "x%d", i);
        add_input(&s->inputs, v->name, "f32", v->shape.dim, v->shape.rank);
    }
}

static void add_loss(struct gen *g, struct sections *s, int i, const char *op,
                     const char *target, const char *more)
{
    text_add(&s->losses,
             "%s      \"loss%d\": {\"op\": \"%s\", \"inputs\": [\"h%d\", "
             "\"%s\"]%s, \"weight\": 0.%d}",
             i ? ",\n" : "", i, op, i, target, more, 3 + gen_below(g, 6));
}

static void add_metric(struct sections *s, int i, const char *op,
                       const char *target, const char *more)
{
    text_add(&s->metrics,
             "%s      \"metric%d\": {\"op\": \"%s\", \"inputs\": [\"h%d\", "
             "\"%s\"]%s}",
             s->metrics.len ? ",\n" : "", i, op, i, target, more);
}

/* Classes of each position; some labels are ignored.  By a convolution of one
 * element where there are positions, else by a Linear. */
static void classify(struct gen *g, struct sections *s, int i,
                     const struct gen_value *x)
{
    bool ignores = gen_chance(g, 50);
    const char *more = ignores ? ", \"ignore_index\": -1" : "";
    const char *target = arena_format(g->t->arena, "%s%d",
                                      ignores ? "ignored" : "label", i);

    text_add(g->t,
             ",\n    {\"name\": \"h%d\", \"op\": \"%s\", \"inputs\": "
             "[\"%s\"], ",
             i, x->shape.rank > 1 ? "Conv" : "Linear", x->name);
    if (x->shape.rank > 1)
        text_add(g->t, "\"filters\": %d, \"kernel_shape\": [%s]}", GEN_CLASSES,
                 x->shape.rank > 2 ? "1, 1" : "1");
    else
        text_add(g->t, "\"units\": %d}", GEN_CLASSES);
    add_input(&s->inputs, target, "i32", x->shape.dim + 1, x->shape.rank - 1);
    add_loss(g, s, i, "CrossEntropy", target, more);
    if (gen_chance(g, 50))
        add_metric(s, i, "Accuracy", target, more);
}

/* To a target of its own, by the losses that take any number. */
static void regress(struct gen *g, struct sections *s, int i,
                    const struct gen_value *x)
{
    static const char *const op[] = {"MSE", "MSE", "MAE", "Huber",
                                     "BCEWithLogits"};
    const char *target = arena_format(g->t->arena, "target%d", i);
    struct shape y = x->shape;

    y.dim[y.rank - 1] = 3;
    text_add(g->t,
             ",\n    {\"name\": \"h%d\", \"op\": \"Linear\", "
             "\"inputs\": [\"%s\"], \"units\": 3}",
             i, x->name);
    add_input(&s->inputs, target, "f32", y.dim, y.rank);
    add_loss(g, s, i, op[gen_below(g, sizeof op / sizeof *op)], target, "");
    if (gen_chance(g, 30))
        add_metric(s, i, "MAE", target, "");
}

/* One head or two: several losses, each with its weight. */
static void draw_heads(struct gen *g, struct sections *s)
{
    int n = 1 + gen_chance(g, 40);

    for (int i = 0; i < n; i++) {
        const struct gen_value *x = i ? gen_draw(g) : &g->value[g->nvalue - 1];

        /* Classes come from a Conv of at most two dimensions. */
        if (gen_chance(g, 60) && x->shape.rank <= 3)
            classify(g, s, i, x);
        else
            regress(g, s, i, x);
        text_add(&s->outputs, "%s\"y%d\": \"h%d\"", i ? ", " : "", i, i);
    }
}

static const char *optimizer(struct gen *g)
{
    static const char *const text[] = {
        "\"op\": \"SGD\", \"learning_rate\": 0.05",
        "\"op\": \"SGD\", \"learning_rate\": 0.02, \"momentum\": 0.9",
        ("\"op\": \"SGD\", \"learning_rate\": 0.02, \"momentum\": 0.8, "
         "\"nesterov\": true, \"weight_decay\": 0.01"),
        /* A small epsilon would turn rounding into steps. */
        "\"op\": \"Adam\", \"learning_rate\": 0.01, \"epsilon\": 0.01",
        "\"op\": \"AdamW\", \"learning_rate\": 0.01, \"epsilon\": 0.01",
    };

    return text[gen_below(g, sizeof text / sizeof *text)];
}

/* The text is a model file like any other, so that one that fails can be looked
 * at. */
void random_model(uint64_t seed, struct arena *a, struct random_model *m)
{
    struct text layers = {.arena = a}, all = {.arena = a};
    struct sections s = {
        {.arena = a}, {.arena = a}, {.arena = a}, {.arena = a}};
    struct gen g = {.state = seed, .t = &layers, .cuttable = true};

    m->batch = 1 + random_below(&g.state, 9);
    draw_inputs(&g, &s);
    grow(&g, 2 + gen_below(&g, 10));
    draw_heads(&g, &s);
    m->cuttable = g.cuttable;
    text_add(&all, "{\n  \"plancl\": 1,\n  \"name\": \"random_%llu\",\n",
             (unsigned long long)seed);
    text_add(&all, "  \"dims\": {\"N\": %u},\n  \"inputs\": {\n%s\n  },\n",
             m->batch, s.inputs.s);
    text_add(&all, "  \"layers\": [\n%s\n  ],\n  \"outputs\": {%s},\n",
             layers.s, s.outputs.s);
    text_add(&all, "  \"training\": {\n    \"loss\": {\n%s\n    },\n",
             s.losses.s);
    text_add(&all, "    \"optimizer\": {%s}", optimizer(&g));
    if (s.metrics.len)
        text_add(&all, ",\n    \"metrics\": {\n%s\n    }", s.metrics.s);
    text_add(&all, "\n  }\n}\n");
    m->text = all.s;
}
