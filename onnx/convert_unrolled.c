/*
 * convert_unrolled.c: RNN, GRU and LSTM step by step, as chains of layers by
 * ONNX's formulas: for weights that are computed, first states, lengths of
 * samples, peepholes, other activations, and a cell's last state, for which the
 * layers of the model format have no place.
 *
 * A state that is not there is zero: what it would be multiplied with is left
 * out.
 */
#include <string.h>

#include "onnx/import.h"

/* Steps of all directions: each is a score of layers. */
enum { MOST_STEPS = 128 };

/* One direction: references, null where there is none. */
struct cell {
    const char *w, *r;       /* [in, gates H], [H, gates H] */
    const char *wb, *rb;     /* [gates H] */
    const char *peephole[3]; /* i, o, f, each [H] */
    const char *h, *c;       /* states now, [N, H] */
    const char *act[3];      /* layers: f, g, h */
    bool backwards;
};

struct unrolled {
    struct import *im;
    const struct onnx_node *n;
    int gates, dirs;
    int64_t hidden, steps;
    bool batch_first, linear;
    const char *x, *lengths;
};

/* ---- layers ---- */

static const char *with_ints(struct import *im, const char *op, const char *x,
                             const char *attr, struct ints v)
{
    struct layer_text l;

    if (!x)
        return NULL;
    layer_begin(im, &l, op, name_new(im, NULL, op));
    layer_input(&l, x);
    layer_ints(&l, attr, v.v, v.n);
    return layer_ref(im, &l);
}

static const char *part(struct import *im, const char *x, int64_t axis,
                        int64_t from, int64_t to)
{
    struct layer_text l;

    if (!x)
        return NULL;
    layer_begin(im, &l, "Slice", name_new(im, NULL, "Slice"));
    layer_input(&l, x);
    layer_ints(&l, "starts", &from, 1);
    layer_ints(&l, "ends", &to, 1);
    layer_ints(&l, "axes", &axis, 1);
    return layer_ref(im, &l);
}

/* One index of a dimension, which goes. */
static const char *at(struct import *im, const char *x, int64_t axis, int64_t i)
{
    return with_ints(im, "Squeeze", part(im, x, axis, i, i + 1), "axes",
                     (struct ints){1, &axis});
}

/* Of any number, a few at a time; null among them makes null. */
static const char *joined(struct import *im, const char **x, int n,
                          int64_t axis)
{
    enum { FEW = 8 };

    while (n > 1) {
        int made = 0;

        for (int i = 0; i < n; i += FEW) {
            struct layer_text l;

            layer_begin(im, &l, "Concat", name_new(im, NULL, "Concat"));
            for (int k = i; k < n && k < i + FEW; k++) {
                if (!x[k])
                    return NULL;
                layer_input(&l, x[k]);
            }
            layer_attr(&l, "axis", "%lld", (long long)axis);
            x[made++] = i + 1 < n ? layer_ref(im, &l) : x[i];
        }
        n = made;
    }
    return x[0];
}

/* The sum of those that are there. */
static const char *sum(struct import *im, const char *a, const char *b)
{
    if (!a || !b)
        return a ? a : b;
    return layer_step(im, "Add", a, b);
}

/* ---- operands ---- */

enum { X, W, R, B, LENGTHS, INITIAL_H, INITIAL_C, PEEPHOLES };

static bool is_there(const struct onnx_node *n, int k)
{
    return k < n->nin && n->in[k];
}

/* One direction's weights, transposed. */
static const char *weights(struct unrolled *u, int k, int d)
{
    const char *w = at(u->im, operand_ref(u->im, u->n->in[k]), 0, d);

    return w ? layer_step(u->im, "Transpose", w, NULL) : NULL;
}

/* One direction's first state, null where there is none; false after a
 * refusal. */
static bool state(struct unrolled *u, int k, int d, const char **ref)
{
    struct import *im = u->im;
    const char *x;

    *ref = NULL;
    if (!is_there(u->n, k))
        return true;
    x = operand_ref(im, u->n->in[k]);
    if (im->batched && !u->n->in[k]->type.batch)
        return import_reject(im, "its operand %d has no samples", k);
    *ref = at(im, x, u->batch_first ? 1 : 0, d);
    return *ref != NULL;
}

static bool biases(struct unrolled *u, int d, struct cell *c)
{
    int64_t rows = u->gates * u->hidden;
    const char *b;

    if (!is_there(u->n, B))
        return true;
    b = at(u->im, operand_ref(u->im, u->n->in[B]), 0, d);
    c->wb = part(u->im, b, 0, 0, rows);
    c->rb = part(u->im, b, 0, rows, 2 * rows);
    return c->wb && c->rb;
}

static bool peepholes(struct unrolled *u, int d, struct cell *c)
{
    const char *p;

    if (!is_there(u->n, PEEPHOLES))
        return true;
    p = at(u->im, operand_ref(u->im, u->n->in[PEEPHOLES]), 0, d);
    for (int i = 0; i < 3; i++) {
        c->peephole[i] = part(u->im, p, 0, i * u->hidden, (i + 1) * u->hidden);
        if (!c->peephole[i])
            return false;
    }
    return true;
}

static bool open_cell(struct unrolled *u, int d, struct cell *c)
{
    c->w = weights(u, W, d);
    c->r = weights(u, R, d);
    return c->w && c->r && biases(u, d, c) && peepholes(u, d, c) &&
           state(u, INITIAL_H, d, &c->h) && state(u, INITIAL_C, d, &c->c);
}

/* ---- one step ---- */

static const char *gate(struct unrolled *u, const char *x, int k)
{
    return part(u->im, x, 1, k * u->hidden, (k + 1) * u->hidden);
}

static const char *act(struct unrolled *u, const struct cell *c, int k,
                       const char *x)
{
    return layer_step(u->im, c->act[k], x, NULL);
}

static const char *mul(struct unrolled *u, const char *a, const char *b)
{
    return a && b ? layer_step(u->im, "Mul", a, b) : NULL;
}

/* What the state gives to the gates from `from` on, and its bias: null where
 * there is neither. */
static const char *recurrent(struct unrolled *u, const struct cell *c,
                             const char *h, int from, int to)
{
    const char *r = c->r, *b = c->rb;

    if (from > 0 || to < u->gates) {
        r = part(u->im, r, 1, from * u->hidden, to * u->hidden);
        b = b ? part(u->im, b, 0, from * u->hidden, to * u->hidden) : NULL;
    }
    return sum(u->im, h ? layer_step(u->im, "MatMul", h, r) : NULL, b);
}

static const char *rnn_step(struct unrolled *u, struct cell *c, const char *x)
{
    return act(u, c, 0, sum(u->im, x, recurrent(u, c, c->h, 0, 1)));
}

/* Gates z, r, h. */
static const char *gru_step(struct unrolled *u, struct cell *c, const char *x)
{
    const char *zr = sum(u->im, part(u->im, x, 1, 0, 2 * u->hidden),
                         recurrent(u, c, c->h, 0, 2));
    const char *z = act(u, c, 0, gate(u, zr, 0));
    const char *r = act(u, c, 0, gate(u, zr, 1)), *rest, *y;

    if (u->linear) {
        rest = recurrent(u, c, c->h, 2, 3);
        rest = rest ? mul(u, r, rest) : NULL;
    } else {
        rest = recurrent(u, c, c->h ? mul(u, r, c->h) : NULL, 2, 3);
    }
    y = act(u, c, 1, sum(u->im, gate(u, x, 2), rest));
    y = mul(u, layer_step(u->im, "Sub", layer_number(u->im, 1), z), y);
    return c->h && y ? sum(u->im, y, mul(u, z, c->h)) : y;
}

/* A gate with what the cell's state gives to it. */
static const char *peeped(struct unrolled *u, const struct cell *c,
                          const char *x, int k, int peephole)
{
    const char *y = gate(u, x, k);

    if (c->peephole[peephole] && c->c)
        y = sum(u->im, y, mul(u, c->peephole[peephole], c->c));
    return act(u, c, 0, y);
}

/* Gates i, o, f, c; peepholes i, o, f. */
static const char *lstm_step(struct unrolled *u, struct cell *c, const char *x)
{
    const char *all = sum(u->im, x, recurrent(u, c, c->h, 0, 4));
    const char *i = peeped(u, c, all, 0, 0), *f = peeped(u, c, all, 2, 2), *now;

    now = mul(u, i, act(u, c, 1, gate(u, all, 3)));
    c->c = c->c && now ? sum(u->im, now, mul(u, f, c->c)) : now;
    return mul(u, peeped(u, c, all, 1, 1), act(u, c, 2, c->c));
}

/* Behind a sample's end its state stays, and the result is zero. */
static const char *ended(struct unrolled *u, int64_t t, const char **now,
                         const char *before)
{
    static const int64_t axis = 1;
    struct import *im = u->im;
    enum dtype dtype = u->n->in[LENGTHS]->type.dtype;
    const char *zero = layer_number(im, 0);
    const char *going = layer_step(
        im, "Less", layer_constant(im, dtype, (double)t), u->lengths);
    const char *y;

    going = with_ints(im, "Unsqueeze", going, "axes", (struct ints){1, &axis});
    y = layer_where(im, going, *now, zero);
    *now = before ? layer_where(im, going, *now, before) : y;
    return y;
}

/* The result of step t, [N, H], and the states after it. */
static const char *step(struct unrolled *u, struct cell *c, int64_t t)
{
    const char *x = at(u->im, u->x, u->batch_first ? 1 : 0, t), *h, *y;
    const char *h_before = c->h, *c_before = c->c;

    x = x ? sum(u->im, layer_step(u->im, "MatMul", x, c->w), c->wb) : NULL;
    if (!x)
        return NULL;
    h = u->gates == 1   ? rnn_step(u, c, x)
        : u->gates == 3 ? gru_step(u, c, x)
                        : lstm_step(u, c, x);
    y = h;
    if (u->lengths && h) {
        y = ended(u, t, &h, h_before);
        if (u->gates == 4)
            ended(u, t, &c->c, c_before);
    }
    c->h = h;
    return h && (u->gates != 4 || c->c) ? y : NULL;
}

/* ---- results ---- */

/* [N, H] with the dimensions of time and directions, or of directions. */
static const char *placed(struct unrolled *u, const char *x, int more)
{
    const int64_t axes[] = {u->batch_first, u->batch_first + 1};

    return with_ints(u->im, "Unsqueeze", x, "axes", (struct ints){more, axes});
}

/* All steps of a direction, in the order of time. */
static const char *direction(struct unrolled *u, struct cell *c)
{
    const char **y = ARENA_NEW(u->im->arena, const char *, (size_t)u->steps);

    for (int64_t i = 0; i < u->steps; i++) {
        int64_t t = c->backwards ? u->steps - 1 - i : i;
        const char *h = step(u, c, t);

        if (!h)
            return NULL;
        y[t] = node_needed(u->im, 0) ? placed(u, h, 2) : h;
    }
    return node_needed(u->im, 0)
               ? joined(u->im, y, (int)u->steps, u->batch_first)
               : y[0];
}

static bool unroll(struct unrolled *u, struct cell *cell)
{
    const char *all[2], *h[2], *c[2];

    for (int d = 0; d < u->dirs; d++) {
        if (!open_cell(u, d, &cell[d]))
            return false;
        all[d] = direction(u, &cell[d]);
        if (!all[d])
            return false;
        h[d] = placed(u, cell[d].h, 1);
        c[d] = cell[d].c ? placed(u, cell[d].c, 1) : NULL;
    }
    if (node_needed(u->im, 0) &&
        !layer_result(u->im, 0,
                      joined(u->im, all, u->dirs, u->batch_first + 1)))
        return false;
    if (node_needed(u->im, 1) &&
        !layer_result(u->im, 1, joined(u->im, h, u->dirs, u->batch_first)))
        return false;
    return !node_needed(u->im, 2) ||
           layer_result(u->im, 2, joined(u->im, c, u->dirs, u->batch_first));
}

/* ---- reading ---- */

static bool read_activations(struct unrolled *u, struct cell *cell)
{
    static const char *const usual[][3] = {[1] = {"Tanh"},
                                           [3] = {"Sigmoid", "Tanh"},
                                           [4] = {"Sigmoid", "Tanh", "Tanh"}};
    const struct onnx_attr *a = node_attr(u->n, "activations");
    int each = u->gates == 4 ? 3 : u->gates == 3 ? 2 : 1;

    for (int d = 0; d < u->dirs; d++)
        for (int k = 0; k < each; k++) {
            const char *s = usual[u->gates][k];

            if (a && a->strings)
                s = d * each + k < a->nstrings ? a->strings[d * each + k] : "";
            if (strcmp(s, "Tanh") != 0 && strcmp(s, "Sigmoid") != 0 &&
                strcmp(s, "Relu") != 0)
                return import_reject(u->im,
                                     "its activation \"%.60s\" is not "
                                     "supported",
                                     s);
            cell[d].act[k] = s;
        }
    return true;
}

static bool attributes_fit(struct unrolled *u)
{
    static const char *const read[] = {
        "hidden_size",  "direction",   "layout",          "linear_before_reset",
        "input_forget", "activations", "output_sequence", NULL};

    for (int i = 0; i < u->n->nattr; i++)
        if (!key_listed(read, u->n->attr[i].name))
            return import_reject(u->im,
                                 "its attribute \"%.60s\" is not supported",
                                 u->n->attr[i].name);
    return !node_int(u->n, "input_forget", 0) ||
           import_reject(u->im,
                         "its attribute \"input_forget\" is not supported");
}

static bool read_lengths(struct unrolled *u)
{
    struct import *im = u->im;
    const struct constant *c = node_constant(u->n, LENGTHS);
    bool all = c != NULL;

    if (!is_there(u->n, LENGTHS))
        return true;
    for (int64_t i = 0; all && i < type_count(&c->type); i++)
        all = constant_at(c, i) == (double)u->steps;
    if (all)
        return true;
    u->lengths = operand_ref(im, u->n->in[LENGTHS]);
    if (u->lengths && im->batched && !u->n->in[LENGTHS]->type.batch)
        return import_reject(im, "its lengths have no samples");
    return u->lengths != NULL;
}

static bool has_shape(const struct onnx_node *n, int k, int64_t a, int64_t b,
                      int64_t c)
{
    const struct type *t;

    if (!is_there(n, k))
        return true;
    t = n->in[k]->constant ? &n->in[k]->constant->type : &n->in[k]->type;
    return t->dtype == DT_F32 && t->rank == (c ? 3 : 2) && t->dim[0] == a &&
           t->dim[1] == b && (!c || t->dim[2] == c);
}

static bool weights_fit(struct unrolled *u, const struct type *x)
{
    const struct onnx_node *n = u->n;
    int64_t rows = u->gates * u->hidden;

    return (is_there(n, W) && is_there(n, R) &&
            has_shape(n, W, u->dirs, rows, x->dim[2]) &&
            has_shape(n, R, u->dirs, rows, u->hidden) &&
            has_shape(n, B, u->dirs, 2 * rows, 0) &&
            has_shape(n, PEEPHOLES, u->dirs, 3 * u->hidden, 0)) ||
           import_reject(u->im,
                         "its weights are not as its input %s and "
                         "hidden_size %lld want them",
                         type_text(u->im->arena, x), (long long)u->hidden);
}

static bool read_node(struct unrolled *u)
{
    const struct onnx_node *n = u->n;
    const struct type *x = &n->in[X]->type;

    u->gates = strcmp(n->op, "RNN") == 0   ? 1
               : strcmp(n->op, "GRU") == 0 ? 3
                                           : 4;
    u->hidden = node_int(n, "hidden_size", 0);
    u->batch_first = node_int(n, "layout", 0) != 0;
    u->linear = node_int(n, "linear_before_reset", 0) != 0;
    u->x = operand_ref(u->im, n->in[X]);
    if (!u->x || x->rank != 3 || u->hidden < 1 || u->hidden > INT32_MAX / 8)
        return import_reject(u->im, "its input is %s, its hidden_size %lld",
                             type_text(u->im->arena, x), (long long)u->hidden);
    u->steps = x->dim[u->batch_first];
    if (!weights_fit(u, x) || !attributes_fit(u))
        return false;
    if (u->gates != 4 && node_needed(u->im, 2))
        return import_reject(u->im, "it has no third result");
    if (x->batch == (u->batch_first ? 2 : 1))
        return import_reject(u->im, "its input %s has samples for steps",
                             type_text(u->im->arena, x));
    if (u->steps > MOST_STEPS / u->dirs)
        return import_reject(u->im,
                             "it has %lld steps, at most %d of this "
                             "kind",
                             (long long)u->steps, MOST_STEPS / u->dirs);
    return read_lengths(u);
}

bool convert_unrolled(struct import *im, const struct onnx_node *n)
{
    const char *way = node_string(n, "direction", "forward");
    bool both = strcmp(way, "bidirectional") == 0;
    struct unrolled u = {.im = im, .n = n, .dirs = both ? 2 : 1};
    struct cell cell[2] = {{.backwards = strcmp(way, "reverse") == 0},
                           {.backwards = true}};

    return read_node(&u) && read_activations(&u, cell) && unroll(&u, cell);
}
