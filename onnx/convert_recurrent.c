/*
 * convert_recurrent.c: RNN, LSTM and GRU.
 *
 * ONNX has time first and the directions of all steps in a dimension of their
 * own; here samples are first and directions lie side by side.  Gates go from
 * ONNX's order (LSTM i, o, f, c; GRU z, r, h) to PyTorch's (i, f, g, o; r, z,
 * n).  What such a layer does not have is unrolled: see convert_unrolled.c.
 *
 * Each step's gates of one direction are `gates * hidden` rows, gate by gate,
 * in W, R and both halves of B (for x and for h).
 */
#include <string.h>

#include "onnx/import.h"

enum { X, W, R, B, LENGTHS, INITIAL_H, INITIAL_C, PEEPHOLES };

/* A node, read. */
struct recurrent {
    int gates;
    const int *order;          /* ONNX's gate of each of ours */
    int64_t hidden, in, steps; /* in: features of x */
    int dirs;
    bool backwards, batch_first;
};

static bool is_all(const struct constant *c, double v)
{
    for (int64_t i = 0; i < type_count(&c->type); i++)
        if (constant_at(c, i) != v)
            return false;
    return true;
}

/* f32 [a, b] or [a, b, d]. */
static bool has_shape(const struct constant *c, int rank, int64_t a, int64_t b,
                      int64_t d)
{
    return c && c->type.dtype == DT_F32 && c->type.rank == rank &&
           c->type.dim[0] == a && c->type.dim[1] == b &&
           (rank < 3 || c->type.dim[2] == d);
}

/* Activations of one's own choice and clipping are not there, and each
 * of them changes numbers. */
static bool attributes_fit(struct import *im, const struct onnx_node *n)
{
    static const char *const read[] = {"hidden_size",  "direction",
                                       "layout",       "linear_before_reset",
                                       "input_forget", NULL};

    for (int i = 0; i < n->nattr; i++)
        if (!key_listed(read, n->attr[i].name))
            return import_reject(im, "its attribute \"%.60s\" is not supported",
                                 n->attr[i].name);
    return !node_int(n, "input_forget", 0) ||
           import_reject(im, "its attribute \"input_forget\" is not supported");
}

const int *recurrent_gates_of(const char *op, int *n)
{
    static const int lstm[] = {0, 2, 3, 1}, gru[] = {1, 0, 2}, rnn[] = {0};

    *n = strcmp(op, "LSTM") == 0 ? 4 : strcmp(op, "GRU") == 0 ? 3 : 1;
    return *n == 4 ? lstm : *n == 3 ? gru : rnn;
}

/* W is [directions, gates H, in], R [directions, gates H, H], B [directions, 2
 * gates H].  X is [T, N, in], or [N, T, in] with layout 1. */
static bool read_recurrent(struct import *im, const struct onnx_node *n,
                           struct recurrent *r)
{
    const char *direction = node_string(n, "direction", "forward");
    const struct type *x = &n->in[X]->type;
    int64_t rows;

    r->order = recurrent_gates_of(n->op, &r->gates);
    r->dirs = strcmp(direction, "bidirectional") == 0 ? 2 : 1;
    r->backwards = strcmp(direction, "reverse") == 0;
    r->batch_first = node_int(n, "layout", 0) != 0;
    r->hidden = node_int(n, "hidden_size", 0);
    if (n->in[X]->constant || x->rank != 3 || r->hidden < 1)
        return import_reject(im, "its input is %s, its hidden_size %lld",
                             type_text(im->arena, x), (long long)r->hidden);
    r->in = x->dim[2];
    r->steps = x->dim[r->batch_first ? 1 : 0];
    rows = r->gates * r->hidden;
    if (!has_shape(node_constant(n, W), 3, r->dirs, rows, r->in) ||
        !has_shape(node_constant(n, R), 3, r->dirs, rows, r->hidden) ||
        (n->nin > B && n->in[B] &&
         !has_shape(node_constant(n, B), 2, r->dirs, 2 * rows, 0)))
        return import_reject(im,
                             "its weights are not as its input %s and "
                             "hidden_size %lld want them",
                             type_text(im->arena, x), (long long)r->hidden);
    return attributes_fit(im, n);
}

/* ---- weights ---- */

/* Rows of one direction, from a gate on, in our order; a bias has no columns.
 * `gate` is 0, or for the half of B that belongs to h the number of gates. */
static const struct constant *rows_of(struct import *im,
                                      const struct constant *c,
                                      const struct recurrent *r, int direction,
                                      int gate)
{
    int64_t columns = c->type.rank == 3 ? c->type.dim[2] : 1;
    const int64_t dim[2] = {r->gates * r->hidden, columns};
    struct constant *y = constant_new(im->arena, DT_F32, c->type.rank - 1, dim);
    const float *from = c->data;
    float *to = y->data;

    from += direction * c->type.dim[1] * columns;
    for (int g = 0; g < r->gates; g++)
        memcpy(to + g * r->hidden * columns,
               from + (gate + r->order[g]) * r->hidden * columns,
               (size_t)(r->hidden * columns) * sizeof *to);
    return y;
}

/* The layer's biases stay two, as PyTorch has them; their sum would do for
 * LSTM alone. */
static bool add_weights(struct import *im, const struct onnx_node *n,
                        const struct recurrent *r, const char *layer)
{
    const struct constant *w = node_constant(n, W), *h = node_constant(n, R);
    const struct constant *b = node_constant(n, B);

    for (int d = 0; d < r->dirs; d++) {
        const char *end = d ? "_l0_reverse" : "_l0";

        if (!weight_add(im, layer, arena_format(im->arena, "weight_ih%s", end),
                        rows_of(im, w, r, d, 0)) ||
            !weight_add(im, layer, arena_format(im->arena, "weight_hh%s", end),
                        rows_of(im, h, r, d, 0)))
            return false;
        if (b &&
            (!weight_add(im, layer, arena_format(im->arena, "bias_ih%s", end),
                         rows_of(im, b, r, d, 0)) ||
             !weight_add(im, layer, arena_format(im->arena, "bias_hh%s", end),
                         rows_of(im, b, r, d, r->gates))))
            return false;
    }
    return true;
}

/* ---- layers ---- */

/* A layer between with one list as attribute; null after a refusal. */
static const char *step_with(struct import *im, const char *op, const char *x,
                             const char *attr, struct ints v)
{
    struct onnx_value out = {0};
    struct layer_text l;

    if (!x)
        return NULL;
    layer_begin(im, &l, op, name_new(im, NULL, op));
    layer_input(&l, x);
    layer_ints(&l, attr, v.v, v.n);
    return layer_end(im, &l, &out, 1) ? out.ref : NULL;
}

/* y is [N, T, directions hidden]; of ONNX [T, directions, N, hidden]. */
static bool all_steps(struct import *im, const struct recurrent *r,
                      const char *y)
{
    const int64_t shape[] = {0, r->steps, r->dirs, r->hidden};
    static const int64_t perm[] = {1, 2, 0, 3};
    const char *ref = step_with(im, "Reshape", y, "shape",
                                (struct ints){4, shape});

    if (!r->batch_first)
        ref = step_with(im, "Transpose", ref, "perm", (struct ints){4, perm});
    return layer_result(im, 0, ref);
}

/* The state of one direction after its last step, [N, 1, hidden].  The
 * backward direction ends at the first position in time. */
static const char *last_step(struct import *im, const struct recurrent *r,
                             const char *y, int d)
{
    static const int64_t axes[] = {1, 2};
    int64_t step = d || r->backwards ? 0 : r->steps - 1;
    const int64_t starts[] = {step, d * r->hidden};
    const int64_t ends[] = {step + 1, (d + 1) * r->hidden};
    struct onnx_value out = {0};
    struct layer_text l;

    layer_begin(im, &l, "Slice", name_new(im, NULL, "Slice"));
    layer_input(&l, y);
    layer_ints(&l, "starts", starts, 2);
    layer_ints(&l, "ends", ends, 2);
    layer_ints(&l, "axes", axes, 2);
    return layer_end(im, &l, &out, 1) ? out.ref : NULL;
}

/* [directions, N, hidden] */
static bool last_steps(struct import *im, const struct recurrent *r,
                       const char *y)
{
    static const int64_t perm[] = {1, 0, 2};
    const char *ref = last_step(im, r, y, 0);

    if (ref && r->dirs == 2) {
        const char *back = last_step(im, r, y, 1);
        struct onnx_value out = {0};
        struct layer_text l;

        if (!back)
            return false;
        layer_begin(im, &l, "Concat", name_new(im, NULL, "Concat"));
        layer_input(&l, ref);
        layer_input(&l, back);
        layer_attr(&l, "axis", "1");
        ref = layer_end(im, &l, &out, 1) ? out.ref : NULL;
    }
    if (!r->batch_first)
        ref = step_with(im, "Transpose", ref, "perm", (struct ints){3, perm});
    return layer_result(im, 1, ref);
}

/* Is an operand from k on without effect? */
static bool says_nothing(const struct onnx_node *n, int k)
{
    const struct constant *c = node_constant(n, k);
    bool batch_first = node_int(n, "layout", 0) != 0;
    double usual = k == LENGTHS ? (double)n->in[X]->type.dim[batch_first] : 0;

    return k >= n->nin || !n->in[k] || (k < PEEPHOLES && c && is_all(c, usual));
}

/* Has the model format's layer everything that the node has? */
static bool is_layer(const struct import *im, const struct onnx_node *n)
{
    if (!im->batched || node_needed(im, 2) || node_attr(n, "activations") ||
        n->in[X]->type.rank != 3)
        return false;
    for (int k = LENGTHS; k <= PEEPHOLES; k++)
        if (!says_nothing(n, k))
            return false;
    return node_constant(n, W) && node_constant(n, R) &&
           (n->nin <= B || !n->in[B] || node_constant(n, B));
}

/* The layer's result is all states; ONNX's two are cut from it where they are
 * taken. */
bool convert_recurrent(struct import *im, const struct onnx_node *n)
{
    static const int64_t perm[] = {1, 0, 2};
    const char *x = operand_ref(im, n->in[X]);
    struct onnx_value y = {0};
    struct recurrent r;
    struct layer_text l;

    if (!x)
        return false;
    if (!is_layer(im, n))
        return convert_unrolled(im, n);
    if (!read_recurrent(im, n, &r))
        return false;
    if (!r.batch_first)
        x = step_with(im, "Transpose", x, "perm", (struct ints){3, perm});
    if (!x)
        return false;
    layer_begin(im, &l, n->op, NULL);
    layer_input(&l, x);
    layer_attr(&l, "hidden_size", "%lld", (long long)r.hidden);
    if (r.dirs == 2 || r.backwards)
        layer_attr(&l, "direction", "\"%s\"",
                   r.dirs == 2 ? "bidirectional" : "reverse");
    if (!node_constant(n, B))
        layer_attr(&l, "bias", "false");
    if (node_int(n, "linear_before_reset", 0))
        layer_attr(&l, "linear_before_reset", "true");
    if (!layer_end(im, &l, &y, 1) || !add_weights(im, n, &r, l.name))
        return false;
    if (node_needed(im, 0) && !all_steps(im, &r, y.ref))
        return false;
    return !node_needed(im, 1) || last_steps(im, &r, y.ref);
}
