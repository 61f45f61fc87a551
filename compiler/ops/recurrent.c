/* recurrent.c: layers, directions and parameters of LSTM and GRU. */
#include "compiler/ops/recurrent.h"

#include <string.h>

/* The attributes, read. */
struct stack {
    int64_t hidden, layers;
    int dirs, each; /* directions; parameters of one */
    bool backwards; /* the first direction */
};

/* Whether the words make sense is attrs_fit's to say. */
static struct stack stack_of(const union attr *attr)
{
    const char *direction = attr[RECURRENT_DIRECTION].s;

    return (struct stack){.hidden = attr[RECURRENT_HIDDEN].i,
                          .layers = attr[RECURRENT_LAYERS].i,
                          .dirs = strcmp(direction, "bidirectional") == 0 ? 2
                                                                          : 1,
                          .each = attr[RECURRENT_BIAS].i ? 4 : 2,
                          .backwards = strcmp(direction, "reverse") == 0};
}

/* x f32 [N, T, features]: f16 states would lose digits from step to step. */
static bool attrs_fit(struct graph *g, const struct type *x,
                      const union attr *attr)
{
    struct stack s = stack_of(attr);
    const char *direction = attr[RECURRENT_DIRECTION].s;

    if (x->rank != 3 || x->dtype != DT_F32 || x->batch != 1)
        return reject_here(g,
                           "input is %s, wanted f32 [N,T,features] with "
                           "samples first",
                           type_text(g->arena, x));
    if (s.hidden < 1 || s.layers < 1)
        return reject_here(g,
                           "hidden_size is %lld and layers %lld, wanted at "
                           "least 1",
                           (long long)s.hidden, (long long)s.layers);
    if (s.dirs == 1 && !s.backwards && strcmp(direction, "forward") != 0)
        return reject_here(g,
                           "direction is \"%s\", wanted forward, reverse or "
                           "bidirectional",
                           direction);
    return true;
}

/* What one direction of a layer owns: rows = gates times the state's size.
 * weight_ih [rows, in], weight_hh [rows, hidden], biases [rows].  All begin
 * uniform within 1 / sqrt(hidden), as nn.LSTM's, whatever their own fan-in. */
static void declare(struct graph *g, struct param_decl *p,
                    const struct stack *s, const char *suffix, int64_t rows,
                    int64_t in)
{
    static const char *const name[] = {"weight_ih", "weight_hh", "bias_ih",
                                       "bias_hh"};

    for (int i = 0; i < s->each; i++)
        p[i] = (struct param_decl){
            .name = arena_format(g->arena, "%s%s", name[i], suffix),
            .type = {.dtype = DT_F32,
                     .rank = i < 2 ? 2 : 1,
                     .dim = {rows, i ? s->hidden : in}},
            .initializer = "FanInUniform",
            .fan_in = (double)s->hidden,
            .fan_out = (double)rows,
            .kind = PLAN_PARAMETER};
}

/* PyTorch's names: weight_ih_l0, weight_ih_l0_reverse, ...; from the second
 * layer on the input is the states of all directions beside each other. */
int recurrent_params(struct graph *g, const struct recurrent *r,
                     const struct node *n, struct param_decl *p)
{
    const struct type *x = type_of(g, n->in[0]);
    struct stack s = stack_of(n->attr);
    int64_t in = x->rank == 3 ? x->dim[2] : 0;
    int k = 0;

    if (!attrs_fit(g, x, n->attr))
        return -1;
    if (s.layers * s.dirs * s.each > MAX_PARAMS)
        return reject(g, n,
                      "%lld layers of %d directions have more than %d "
                      "parameters: stack %s layers instead",
                      (long long)s.layers, s.dirs, MAX_PARAMS, r->name) -
               1;
    for (int layer = 0; layer < s.layers; layer++, in = s.hidden * s.dirs)
        for (int d = 0; d < s.dirs; d++, k += s.each)
            declare(
                g, p + k, &s,
                arena_format(g->arena, "_l%d%s", layer, d ? "_reverse" : ""),
                r->gates * s.hidden, in);
    return k;
}

/* [N, T, size] to [N * T, size], a view. */
val recurrent_rows(struct graph *g, val x)
{
    const struct type *t = type_of(g, x);
    int64_t dim[2] = {t->dim[0] * t->dim[1], t->dim[2]};

    return x.id ? val_reshape(g, x, dim, 2, t->batch) : x;
}

/* x [N, T, in] W_ih^T [in, gates H] + bias [gates H]. */
val recurrent_gates(struct graph *g, val x, val weight_ih, val bias)
{
    union attr turn[2] = {{.i = 0}, {.i = 1}};
    const struct type *t = type_of(g, x);
    int64_t dim[3] = {t->dim[0], t->dim[1], type_of(g, weight_ih)->dim[0]};
    val in[3] = {recurrent_rows(g, x), weight_ih, bias};
    val gates = graph_add(g, &op_Product, in, 3, turn);

    return gates.id ? val_reshape(g, gates, dim, 3, 1) : gates;
}

/* Operands behind x are taken in the order in which recurrent_params declares
 * them.  Both directions' states are joined along the features, [N, T, 2 H]. */
bool recurrent_build(struct graph *g, const struct recurrent *r, const val *in,
                     int nin, const union attr *attr, val *out)
{
    struct stack s = stack_of(attr);
    union attr axis[1] = {{.i = 2}};
    val x = in[0];
    int k = 1;

    if (!attrs_fit(g, type_of(g, x), attr))
        return false;
    if (nin != 1 + s.layers * s.dirs * s.each)
        return reject_here(g, "%s takes its input and %lld parameters, got %d",
                           r->name, (long long)(s.layers * s.dirs * s.each),
                           nin - 1);
    for (int layer = 0; layer < s.layers && x.id; layer++) {
        val h[2];

        for (int d = 0; d < s.dirs; d++, k += s.each) {
            val w[4] = {in[k], in[k + 1], {0}, {0}};

            if (s.each == 4)
                memcpy(w + 2, in + k + 2, 2 * sizeof *w);
            h[d] = r->direction(g, x, w, d || s.backwards, attr);
        }
        x = s.dirs == 1 ? h[0] : graph_add(g, &op_Concat, h, 2, axis);
    }
    out[0] = x;
    return x.id != 0;
}
