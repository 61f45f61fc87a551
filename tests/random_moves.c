/*
 * random_moves.c: layers without parameters; see random_gen.h.
 *
 * Each layer that is drawn keeps the model valid and its values of moderate
 * size, so that differences can be compared.
 */
#include "tests/random_gen.h"

#include <string.h>

/* ---- pointwise ---- */

/* Piecewise functions as well: the chance that a value lies within h of a
 * corner is small. */
bool layer_unary(struct gen *g)
{
    static const char *const op[] = {
        "Relu", "Relu", "Tanh", "Sigmoid", "Softplus",  "LeakyRelu",
        "Neg",  "Abs",  "Gelu", "Clip",    "Identity",  "Dropout",
        "Elu",  "Selu", "Silu", "Mish",    "HardSwish", "HardSigmoid",
    };
    const struct gen_value *x = gen_draw(g);
    int which = gen_below(g, sizeof op / sizeof *op);

    gen_begin(g, op[which], gen_name(g, x));
    if (strcmp(op[which], "Clip") == 0)
        text_add(g->t, ", \"min\": -0.7, \"max\": 0.9");
    if (strcmp(op[which], "Dropout") == 0)
        text_add(g->t, ", \"ratio\": 0.25");
    if (strcmp(op[which], "Gelu") == 0 && gen_chance(g, 50))
        text_add(g->t, ", \"approximate\": \"tanh\"");
    gen_end(g, &x->shape);
    return true;
}

static const char *binary_op(struct gen *g)
{
    static const char *const op[] = {"Add", "Add", "Sub", "Mul",
                                     "Mul", "Max", "Min"};

    return op[gen_below(g, sizeof op / sizeof *op)];
}

/* Two values of one shape, often the same one twice. */
bool layer_binary(struct gen *g)
{
    const struct gen_value *x = gen_draw(g), *y = gen_like(g, x);

    gen_layer(g, binary_op(g), gen_names(g, x, y), &x->shape);
    return true;
}

/* What is divided by stays away from zero. */
bool layer_divide(struct gen *g)
{
    const struct gen_value *x = gen_draw(g), *y = gen_like(g, x);

    if (!gen_chance(g, 40))
        return false;
    y = gen_layer(g, "Sigmoid", gen_name(g, y), &y->shape);
    gen_layer(g, "Div", gen_names(g, x, y), &y->shape);
    return true;
}

/* x where it is larger than y, else y / 2: bool values, in a way that a
 * gradient passes. */
bool layer_where(struct gen *g)
{
    const struct gen_value *x = gen_draw(g), *y = gen_like(g, x), *c;
    struct shape s = x->shape;

    if (!gen_chance(g, 50))
        return false;
    c = gen_layer(g, gen_chance(g, 50) ? "Greater" : "LessOrEqual",
                  gen_names(g, x, y), &s);
    gen_layer(g, "Where",
              arena_format(g->t->arena, "\"%s\", \"%s\", \"%s\"", c->name,
                           x->name, y->name),
              &s);
    g->value[g->nvalue - 2] = g->value[g->nvalue - 1]; /* the bool is gone */
    g->nvalue--;
    return true;
}

/* A bias of another layer along the last dimension. */
bool layer_with_bias(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);

    for (int i = 0; i < g->nowner; i++) {
        const struct gen_owner *o = &g->owner[i];

        if (!o->bias || o->out != x->shape.dim[x->shape.rank - 1])
            continue;
        gen_layer(
            g, binary_op(g),
            arena_format(g->t->arena, "\"%s\", \"%s.bias\"", x->name, o->name),
            &x->shape);
        return true;
    }
    return false;
}

/* Numbers of the model's own, along the last dimension. */
bool layer_constant(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);
    int n = x->shape.dim[x->shape.rank - 1];
    const char *name = arena_format(g->t->arena, "k%d", g->nlayer);

    if (n > 12 || gen_chance(g, 50))
        return false;
    text_add(g->t,
             "%s    {\"name\": \"%s\", \"op\": \"Constant\", \"value\": [",
             g->nlayer ? ",\n" : "", name);
    for (int i = 0; i < n; i++)
        text_add(g->t, "%s%g", i ? ", " : "", (i - 3) / 4.0);
    text_add(g->t, "]},\n");
    text_add(g->t,
             "    {\"name\": \"l%d\", \"op\": \"%s\", \"inputs\": [\"%s\", "
             "\"%s\"]",
             g->nlayer, binary_op(g), x->name, name);
    gen_end(g, &x->shape);
    return true;
}

/* ---- reductions, shapes ---- */

/* Over some dimensions; kept ones are put to use by broadcasting. */
bool layer_reduce(struct gen *g)
{
    static const char *const op[] = {"ReduceSum", "ReduceMean", "ReduceMax",
                                     "ReduceMin", "ReduceL2"};
    const struct gen_value *x = gen_draw(g), *r;
    struct shape s = x->shape, y = {.rank = 0};
    int axes[4], n = 0, keep = gen_below(g, 2);

    for (int d = 0; d < s.rank; d++) {
        if (gen_chance(g, 50))
            axes[n++] = d + 1;
        else
            y.dim[y.rank++] = s.dim[d];
    }
    if (!n || (!keep && !y.rank))
        return false;
    for (int i = 0; i < n && keep; i++)
        s.dim[axes[i] - 1] = 1;
    gen_begin(g, op[gen_below(g, 5)], gen_name(g, x));
    gen_list(g, "axes", axes, n);
    text_add(g->t, ", \"keepdims\": %s", keep ? "true" : "false");
    r = gen_end(g, keep ? &s : &y);
    r = gen_layer(g, "Tanh", gen_name(g, r), &r->shape);
    if (keep)
        gen_layer(g, binary_op(g), gen_names(g, x, r), &x->shape);
    return true;
}

/* With 0 and -1 in the list, which only the compiler can fill in. */
bool layer_reshape(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);
    struct shape y = x->shape;
    int all = shape_count(&y), list_of[3] = {0, -1, 0};

    if (y.rank == 1 && all % 2 == 0 && all >= 8) {
        list_of[2] = y.dim[1] = all / 2 % 2 ? 2 : 4;
        y.dim[0] = all / y.dim[1];
        y.rank = 2;
    } else if (y.rank == 3) {
        list_of[2] = y.dim[1] = y.dim[2];
        y.dim[0] = all / y.dim[1];
        y.rank = 2;
    } else {
        y = (struct shape){1, {all}};
        gen_layer(g, "Flatten", gen_name(g, x), &y);
        return true;
    }
    gen_begin(g, "Reshape", gen_name(g, x));
    gen_list(g, "shape", list_of, 3);
    gen_end(g, &y);
    return true;
}

/* Any order of the dimensions but the samples', by Fisher and Yates. */
bool layer_transpose(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);
    struct shape y = x->shape;
    int perm[5] = {0}, swap, rank = y.rank;

    if (rank < 2)
        return false;
    for (int d = 1; d <= rank; d++)
        perm[d] = d;
    for (int d = rank; d > 1; d--) {
        int other = 1 + gen_below(g, d);

        swap = perm[d];
        perm[d] = perm[other];
        perm[other] = swap;
    }
    for (int d = 0; d < rank; d++)
        y.dim[d] = x->shape.dim[perm[d + 1] - 1];
    gen_begin(g, "Transpose", gen_name(g, x));
    gen_list(g, "perm", perm, rank + 1);
    gen_end(g, &y);
    return true;
}

/* x times itself transposed, through Tanh. */
bool layer_product(struct gen *g)
{
    const struct gen_value *x = gen_draw(g), *y;
    struct shape s = x->shape, square = s;
    int last = s.rank - 1, perm[5] = {0, 1, 2, 3, 4};

    if (s.rank < 2 || s.dim[last - 1] > 12)
        return false;
    square.dim[last] = s.dim[last - 1];
    s.dim[last] = x->shape.dim[last - 1];
    s.dim[last - 1] = x->shape.dim[last];
    perm[last] = last + 1;
    perm[last + 1] = last;
    gen_begin(g, "Transpose", gen_name(g, x));
    gen_list(g, "perm", perm, s.rank + 1);
    y = gen_end(g, &s);
    y = gen_layer(g, "MatMul", gen_names(g, x, y), &square);
    gen_layer(g, "Tanh", gen_name(g, y), &square);
    return true;
}

/* Of a value with itself or another, as they are or as pointwise layers make them:
 * its gradient comes back in parts. */
bool layer_concat(struct gen *g)
{
    const struct gen_value *x = gen_draw(g), *y = gen_like(g, x);
    struct shape s = x->shape;
    int axis = gen_below(g, s.rank);

    if (2 * shape_count(&s) > GEN_MOST)
        return false;
    if (gen_chance(g, 50)) {
        y = gen_layer(g, "Neg", gen_name(g, y), &y->shape);
        if (gen_chance(g, 50))
            x = gen_layer(g, "Silu", gen_name(g, x), &x->shape);
    }
    s.dim[axis] *= 2;
    gen_begin(g, "Concat", gen_names(g, x, y));
    text_add(g->t, ", \"axis\": %d", axis + 1);
    gen_end(g, &s);
    return true;
}

/* From a place, to a place, in steps: what is left out gets a gradient of
 * zero. */
bool layer_slice(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);
    struct shape s = x->shape;
    int axis = gen_below(g, s.rank), n = s.dim[axis],
        step = GEN_ONE_OF(g, 1, 1, 2);
    int from = gen_below(g, 2), to = n - gen_below(g, 2);

    if (n < 4)
        return false;
    s.dim[axis] = (to - from + step - 1) / step;
    gen_begin(g, "Slice", gen_name(g, x));
    text_add(g->t,
             ", \"starts\": [%d], \"ends\": [%d], \"axes\": [%d], \"steps\": "
             "[%d]",
             from, to, axis + 1, step);
    gen_end(g, &s);
    return true;
}

/* Some indices, perhaps one of them twice; or as many as Resize makes. */
bool layer_gather(struct gen *g)
{
    static const char *const mode[] = {"nearest", "linear"};
    const struct gen_value *x = gen_draw(g);
    struct shape s = x->shape;
    int axis = gen_below(g, s.rank), n = s.dim[axis], index[3];
    bool resize = gen_chance(g, 50);

    if (n < 2 || gen_chance(g, 40))
        return false;
    for (int i = 0; i < 3; i++)
        index[i] = gen_below(g, n);
    s.dim[axis] = resize ? n + GEN_ONE_OF(g, -1, 1, 3) : 3;
    if (shape_count(&s) > GEN_MOST)
        return false;
    gen_begin(g, resize ? "Resize" : "Gather", gen_name(g, x));
    if (resize)
        text_add(g->t, ", \"axes\": [%d], \"sizes\": [%d], \"mode\": \"%s\"",
                 axis + 1, s.dim[axis], mode[gen_below(g, 2)]);
    else
        text_add(g->t, ", \"axis\": %d, \"indices\": [%d, %d, %d]", axis + 1,
                 index[0], index[1], index[2]);
    gen_end(g, &s);
    return true;
}

/* Two parts, both of which are read; or of which only the second is. */
bool layer_split(struct gen *g)
{
    const struct gen_value *x = gen_draw(g), *y;
    struct shape s = x->shape;
    int axis = gen_below(g, s.rank), n = s.dim[axis];
    const char *name;

    if (n < 2 || n % 2)
        return false;
    s.dim[axis] = n / 2;
    gen_begin(g, "Split", gen_name(g, x));
    text_add(g->t, ", \"axis\": %d, \"num_outputs\": 2", axis + 1);
    y = gen_end(g, &s);
    name = gen_chance(g, 70)
               ? arena_format(g->t->arena, "\"%s:1\", \"%s\"", y->name, y->name)
               : arena_format(g->t->arena, "\"%s:1\", \"%s:1\"", y->name,
                              y->name);
    gen_layer(g, binary_op(g), name, &s);
    return true;
}

/* The gradient of what is repeated is a sum. */
bool layer_tile(struct gen *g)
{
    const struct gen_value *x = gen_draw(g);
    struct shape s = x->shape;
    int repeats[5] = {1, 1, 1, 1, 1}, axis = gen_below(g, s.rank);

    if (2 * shape_count(&s) > GEN_MOST || gen_chance(g, 40))
        return false;
    repeats[axis + 1] = 2;
    s.dim[axis] *= 2;
    gen_begin(g, "Tile", gen_name(g, x));
    gen_list(g, "repeats", repeats, s.rank + 1);
    gen_end(g, &s);
    return true;
}

/* A dimension of one element more, and away again. */
bool layer_squeeze(struct gen *g)
{
    const struct gen_value *x = gen_draw(g), *y;
    struct shape s = x->shape, wide = s;
    int axis = 1 + gen_below(g, s.rank + 1);

    if (s.rank > 3 || gen_chance(g, 50))
        return false;
    memmove(wide.dim + axis, wide.dim + axis - 1,
            (size_t)(s.rank - axis + 1) * sizeof *wide.dim);
    wide.dim[axis - 1] = 1;
    wide.rank++;
    gen_begin(g, "Unsqueeze", gen_name(g, x));
    gen_list(g, "axes", &axis, 1);
    y = gen_end(g, &wide);
    gen_begin(g, "Squeeze", gen_name(g, y));
    gen_list(g, "axes", &axis, 1);
    gen_end(g, &s);
    return true;
}

/* Reflect and edge use elements several times, constant leaves gradients
 * out. */
bool layer_pad(struct gen *g)
{
    static const char *const mode[] = {"constant", "reflect", "edge"};
    const struct gen_value *x = gen_draw(g);
    struct shape s = x->shape;
    int axis = gen_below(g, s.rank), pads[10] = {0}, n = s.rank + 1;

    if (s.dim[axis] < 3 || 2 * shape_count(&s) > GEN_MOST)
        return false;
    pads[axis + 1] = gen_below(g, 3);
    pads[axis + 1 + n] = 1 + gen_below(g, 2);
    s.dim[axis] += pads[axis + 1] + pads[axis + 1 + n];
    gen_begin(g, "Pad", gen_name(g, x));
    gen_list(g, "pads", pads, 2 * n);
    text_add(g->t, ", \"mode\": \"%s\"", mode[gen_below(g, 3)]);
    gen_end(g, &s);
    return true;
}

/* Ops over one axis, whichever it is. */
bool layer_softmax(struct gen *g)
{
    static const char *const op[] = {"Softmax", "LogSoftmax", "CumSum"};
    const struct gen_value *x = gen_draw(g);

    gen_begin(g, op[gen_below(g, 3)], gen_name(g, x));
    text_add(g->t, ", \"axis\": %d", 1 + gen_below(g, x->shape.rank));
    gen_end(g, &x->shape);
    return true;
}

/* Of a sequence to another of its size, or to itself. */
bool layer_attention(struct gen *g)
{
    const struct gen_value *q = gen_draw(g), *k = gen_like(g, q);
    int heads = q->shape.dim[1] % 2 ? 1 : 2;

    if (q->shape.rank != 2)
        return false;
    gen_begin(g, "Attention",
              arena_format(g->t->arena, "\"%s\", \"%s\", \"%s\"", q->name,
                           k->name, k->name));
    text_add(g->t, ", \"heads\": %d%s", heads,
             gen_chance(g, 40) ? ", \"causal\": true" : "");
    gen_end(g, &q->shape);
    return true;
}
