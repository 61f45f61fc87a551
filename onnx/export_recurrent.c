/*
 * export_recurrent.c: RNN, LSTM and GRU, the reverse of convert_recurrent.c: a node
 * for each layer of the stack, time first, gates in ONNX's order.
 */
#include <string.h>

#include "onnx/export.h"
#include "onnx/import.h"
#include "onnx/onnx.pb-c.h"

/* Parameters of a direction, in the order of the layer's operands. */
enum { WEIGHT_IH, WEIGHT_HH, BIAS_IH, BIAS_HH, EACH };

struct stack {
    const int *gate; /* ONNX's of each of ours */
    int gates, dirs, each;
    int64_t hidden;
};

/* Rows of a parameter to where ONNX has its gates. */
static void place_rows(const struct stack *s, const struct constant *c,
                       float *to)
{
    int64_t rows = s->hidden * type_count(&c->type) / c->type.dim[0];
    const float *from = c->data;

    for (int g = 0; g < s->gates; g++)
        memcpy(to + s->gate[g] * rows, from + g * rows,
               (size_t)rows * sizeof *to);
}

/* Parameters which, which + 1, ... of all directions in one tensor, `parts` of
 * them side by side. */
static const char *stacked(struct export *ex, const struct stack *s, int first,
                           int which, int parts)
{
    const struct type *t = type_of(&ex->graph, ex->in[first + which]);
    int64_t each = type_count(t);
    const int64_t dim[3] = {s->dirs, t->dim[0] * parts, t->dim[1]};
    struct constant *all = constant_new(ex->arena, DT_F32, t->rank + 1, dim);

    for (int d = 0; d < s->dirs; d++)
        for (int p = 0; p < parts; p++) {
            val v = ex->in[first + d * s->each + which + p];
            const struct constant *c = graph_node(&ex->graph, v)->leaf
                                           ? param_data(ex, v)
                                           : NULL;

            if (!c)
                return NULL;
            place_rows(s, c, (float *)all->data + (d * parts + p) * each);
        }
    return put_tensor(
        ex, graph_node(&ex->graph, ex->in[first + which])->leaf->name, all);
}

/* One layer of the stack over x, [T, N, features]; [T, directions, N, hidden]. */
static const char *one_layer(struct export *ex, const struct stack *s,
                             const char *x, int first)
{
    const char *w = stacked(ex, s, first, WEIGHT_IH, 1), *y;
    const char *r = stacked(ex, s, first, WEIGHT_HH, 1);
    const union attr *reset = layer_attribute(ex, "linear_before_reset");
    struct Onnx__NodeProto *n;

    if (!w || !r)
        return NULL;
    y = put_step(ex, ex->layer->op->name, x, w);
    n = ex->nodes.v[ex->nodes.n - 1];
    node_input(ex, n, r);
    if (s->each == EACH)
        node_input(ex, n, stacked(ex, s, first, BIAS_IH, 2));
    node_set_int(ex, n, "hidden_size", s->hidden);
    node_set_string(ex, n, "direction", layer_attribute(ex, "direction")->s);
    if (reset && reset->i)
        node_set_int(ex, n, "linear_before_reset", 1);
    return y;
}

bool export_recurrent(struct export *ex)
{
    static const int64_t swap[] = {1, 0, 2}, to_front[] = {2, 0, 1, 3},
                         side[] = {0, 2, 1, 3}, join[] = {0, 0, -1};
    const union attr *other = layer_attribute(ex, "nonlinearity");
    const char *direction = layer_attribute(ex, "direction")->s;
    int64_t layers = layer_attribute(ex, "layers")->i;
    const char *x = put_transpose(ex, put_value(ex, ex->in[0]), swap, 3);
    struct stack s = {.hidden = layer_attribute(ex, "hidden_size")->i};

    s.gate = recurrent_gates_of(ex->layer->op->name, &s.gates);
    s.dirs = strcmp(direction, "bidirectional") == 0 ? 2 : 1;
    s.each = layer_attribute(ex, "bias")->i ? EACH : BIAS_IH;
    if (other && strcmp(other->s, "tanh") != 0)
        return export_reject(ex, "its nonlinearity has no counterpart");
    if (ex->nin != 1 + (int)layers * s.dirs * s.each)
        return export_reject(ex, "it has operands that are no parameters");
    for (int k = 0; k < layers && x; k++) {
        x = one_layer(ex, &s, x, 1 + k * s.dirs * s.each);
        if (k + 1 < layers)
            x = put_reshape(ex, put_transpose(ex, x, side, 4), join, 3);
    }
    x = put_transpose(ex, x, to_front, 4);
    return put_result(ex, put_reshape(ex, x, join, 3));
}
