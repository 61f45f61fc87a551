/*
 * random_layers.c: layers with windows or parameters; see random_gen.h.
 *
 * Everything is drawn so that the model is valid: a layer that would not fit
 * the shape is left out (false), and another is tried.
 */
#include "tests/random_gen.h"

#include <stdio.h>
#include <string.h>

/* ---- windows ---- */

struct window {
    int n, k[2], stride[2], dilation[2], pad[4]; /* pads: befores, afters */
};

/* Output sizes as ONNX defines them; false where the window is larger than what
 * it slides over. */
static bool slide(const struct window *w, const struct shape *x,
                  struct shape *y)
{
    for (int d = 0; d < w->n; d++) {
        int room = x->dim[d + 1] + w->pad[d] + w->pad[d + w->n] -
                   w->dilation[d] * (w->k[d] - 1) - 1;

        if (room < 0)
            return false;
        y->dim[d + 1] = room / w->stride[d] + 1;
    }
    return true;
}

static void window_attrs(struct gen *g, const struct window *w, bool dilates)
{
    gen_list(g, "kernel_shape", w->k, w->n);
    if (gen_chance(g, 80) || w->stride[0] != 1 || w->stride[w->n - 1] != 1)
        gen_list(g, "strides", w->stride, w->n);
    if (dilates)
        gen_list(g, "dilations", w->dilation, w->n);
    gen_list(g, "pads", w->pad, 2 * w->n);
}

/* Small, so that references stay fast; strides, dilations and uneven pads often
 * enough. */
static struct window draw_window(struct gen *g, int n)
{
    struct window w = {.n = n};

    for (int d = 0; d < n; d++) {
        w.k[d] = GEN_ONE_OF(g, 1, 2, 3, 3);
        w.stride[d] = GEN_ONE_OF(g, 1, 1, 2);
        w.dilation[d] = GEN_ONE_OF(g, 1, 1, 1, 2);
        w.pad[d] = gen_below(g, w.k[d]);
        w.pad[d + n] = gen_chance(g, 60) ? w.pad[d] : gen_below(g, w.k[d]);
    }
    return w;
}

/* ---- layers with parameters ---- */

/* A layer whose parameters fit another one: tied weights, whose gradients come
 * from two places. */
static const struct gen_owner *draw_owner(struct gen *g, bool conv, int in,
                                          int nk)
{
    for (int tries = 0; g->nowner && tries < 6; tries++) {
        const struct gen_owner *o = &g->owner[gen_below(g, g->nowner)];

        if (o->conv == conv && o->in == in && o->nk == nk)
            return o;
    }
    return NULL;
}

/* Remembered for sharing; beyond the room the last one is replaced. */
static struct gen_owner *add_owner(struct gen *g, bool conv, int in, int out)
{
    struct gen_owner *o =
        &g->owner[g->nowner < GEN_OWNERS ? g->nowner++ : GEN_OWNERS - 1];

    *o = (struct gen_owner){.conv = conv, .in = in, .out = out, .group = 1};
    snprintf(o->name, sizeof o->name, "l%d", g->nlayer);
    o->bias = gen_chance(g, 75);
    return o;
}

static const char *shared_inputs(struct gen *g, const struct gen_value *x,
                                 const struct gen_owner *o)
{
    return arena_format(g->t->arena,
                        o->bias ? "\"%s\", \"%s.weight\", \"%s.bias\""
                                : "\"%s\", \"%s.weight\"",
                        x->name, o->name, o->name);
}

/* Frozen parameters and penalties change which gradients and updates there
 * are. */
static void owner_attrs(struct gen *g, const struct gen_owner *o,
                        bool may_freeze)
{
    if (!o->bias)
        text_add(g->t, ", \"bias\": false");
    if (may_freeze && gen_chance(g, 12))
        text_add(g->t, ", \"trainable\": false");
    else if (gen_chance(g, 12))
        text_add(g->t, ", \"l2\": 0.01");
}

bool layer_conv(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);
    struct window w = draw_window(g, x->shape.rank - 1);
    int C = x->shape.dim[0], group = gen_chance(g, 30) ? (C % 2 ? C : 2) : 1;
    const struct gen_owner *shared;
    struct shape y = x->shape;

    if (x->shape.rank < 2 || x->shape.rank > 3)
        return false;
    shared = gen_chance(g, 25) ? draw_owner(g, true, C, w.n) : NULL;
    y.dim[0] = shared ? shared->out : group * GEN_ONE_OF(g, 1, 2, 4);
    group = shared ? shared->group : group;
    for (int d = 0; shared && d < w.n; d++)
        w.k[d] = shared->k[d];
    if (!slide(&w, &x->shape, &y) || shape_count(&y) > GEN_MOST)
        return false;
    gen_begin(g, "Conv", shared ? shared_inputs(g, x, shared) : gen_name(g, x));
    window_attrs(g, &w, true);
    if (shared) {
        text_add(g->t, "%s, \"group\": %d",
                 shared->bias ? "" : ", \"bias\": false", group);
    } else {
        struct gen_owner *o = add_owner(g, true, C, y.dim[0]);

        text_add(g->t, ", \"filters\": %d, \"group\": %d", y.dim[0], group);
        owner_attrs(g, o, g->nlayer > 0);
        o->group = group;
        o->nk = w.n;
        memcpy(o->k, w.k, sizeof o->k);
    }
    gen_end(g, &y);
    return true;
}

bool layer_linear(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);
    int last = x->shape.rank - 1, in = x->shape.dim[last];
    const struct gen_owner *shared = gen_chance(g, 25)
                                         ? draw_owner(g, false, in, 0)
                                         : NULL;
    struct shape y = x->shape;

    y.dim[last] = shared ? shared->out : GEN_ONE_OF(g, 3, 5, 8);
    if (in > 300 || shape_count(&y) > GEN_MOST)
        return false;
    gen_begin(g, "Linear",
              shared ? shared_inputs(g, x, shared) : gen_name(g, x));
    if (shared) {
        text_add(g->t, "%s", shared->bias ? "" : ", \"bias\": false");
    } else {
        text_add(g->t, ", \"units\": %d", y.dim[last]);
        owner_attrs(g, add_owner(g, false, in, y.dim[last]), g->nlayer > 0);
    }
    gen_end(g, &y);
    return true;
}

/* A plan with it cannot be cut into micro-batches and keep its bits.  A large
 * epsilon keeps differences away from division by almost nothing. */
bool layer_batch_norm(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);

    if (!gen_chance(g, 60))
        return false;
    gen_begin(g, "BatchNormalization", gen_name(g, x));
    text_add(g->t, ", \"epsilon\": 0.1");
    if (gen_chance(g, 50))
        text_add(g->t, ", \"running_variance\": \"unbiased\"");
    gen_end(g, &x->shape);
    g->cuttable = false;
    return true;
}

bool layer_layer_norm(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);

    gen_begin(g, "LayerNormalization", gen_name(g, x));
    text_add(g->t, ", \"epsilon\": 0.1, \"axis\": %d",
             1 + gen_below(g, x->shape.rank));
    gen_end(g, &x->shape);
    return true;
}

bool layer_group_norm(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);
    int channels = x->shape.dim[0], groups = 1 + gen_below(g, channels);

    while (channels % groups)
        groups--;
    gen_begin(g, "GroupNormalization", gen_name(g, x));
    text_add(g->t, ", \"epsilon\": 0.1, \"num_groups\": %d", groups);
    gen_end(g, &x->shape);
    return true;
}

bool layer_recurrent(struct gen *g)
{
    static const char *const direction[] = {"forward", "reverse",
                                            "bidirectional"};
    const struct gen_value *x = gen_draw(g);
    struct shape y = x->shape;
    int which = gen_below(g, 3), gru = gen_below(g, 2);

    /* Many steps, each with a kernel or two: not too often. */
    if (y.rank != 2 || y.dim[0] > 9 || y.dim[1] > 12 || gen_chance(g, 50))
        return false;
    gen_begin(g, gru ? "GRU" : "LSTM", gen_name(g, x));
    text_add(g->t, ", \"hidden_size\": 3, \"direction\": \"%s\"",
             direction[which]);
    if (gen_chance(g, 30))
        text_add(g->t, ", \"layers\": 2");
    if (gru && gen_chance(g, 50))
        text_add(g->t, ", \"linear_before_reset\": true");
    y.dim[1] = which == 2 ? 6 : 3;
    gen_end(g, &y);
    return true;
}

/* ---- pools ---- */

/* Windows of 2 at least: maxima and means of one element test nothing. */
bool layer_pool(struct gen *g)
{
    static const char *const op[] = {"MaxPool", "AveragePool"};
    const struct gen_value *x = gen_draw(g);
    struct window w = draw_window(g, x->shape.rank - 1);
    struct shape y = x->shape;
    int which = gen_below(g, 2);

    if (x->shape.rank < 2 || x->shape.rank > 3)
        return false;
    for (int d = 0; d < w.n; d++) {
        w.k[d] = w.k[d] < 2 ? 2 : w.k[d];
        w.dilation[d] = 1;
        w.pad[d] = gen_below(g, 2);
        w.pad[d + w.n] = gen_below(g, 2);
    }
    if (!slide(&w, &x->shape, &y))
        return false;
    gen_begin(g, op[which], gen_name(g, x));
    window_attrs(g, &w, false);
    if (which && gen_chance(g, 50))
        text_add(g->t, ", \"count_include_pad\": true");
    gen_end(g, &y);
    return true;
}

bool layer_global_pool(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);
    struct shape y = x->shape;

    if (x->shape.rank < 2 || gen_chance(g, 60))
        return false;
    for (int d = 1; d < y.rank; d++)
        y.dim[d] = 1;
    gen_layer(g, "GlobalAveragePool", gen_name(g, x), &y);
    return true;
}
