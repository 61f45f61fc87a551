/*
 * optimizer.c: the update of one parameter: the optimizer's node, its state,
 * and what is assigned when.
 */
#include "compiler/passes.h"

/* An optimizer's state: what follows w and g among its operands. */
static const struct slots {
    const struct op *named, *used; /* in the model, in the graph */
    const char *name[2];
} table[] = {
    {&op_SGD, &op_SGDMomentum, {"sgd.momentum"}},
    {&op_Adam, &op_Adam, {"adam.m", "adam.v"}},
    {&op_AdamW, &op_AdamW, {"adam.m", "adam.v"}},
    {0},
};

/* Null for an optimizer without state: SGD whose momentum is zero. */
static const struct slots *slots_of(const struct training *t)
{
    const struct slots *s = table;

    if (t->optimizer == &op_SGD &&
        t->optimizer_attr[op_attr(&op_SGD, "momentum")].f == 0)
        return NULL;
    while (s->named && s->named != t->optimizer)
        s++;
    return s->named ? s : NULL;
}

/* Zero at first, in the parameter's order of dimensions (like), in files under
 * its name. */
static val add_state(struct graph *g, const char *name, val param)
{
    struct type t = *type_of(g, param);
    struct leaf leaf = {.kind = PLAN_STATE, .like = param.id};
    val state;

    leaf.name = arena_format(g->arena, "%s.%s", name,
                             graph_node(g, param)->leaf->name);
    state = graph_leaf(g, &t, &leaf);
    graph_assign(g, 1U << SEQ_INIT, state, val_fill(g, &t, 0));
    return state;
}

/* w' = f(w, g, state...): results 0 and up are the next values of w and of the
 * state, assigned in `step` alone. */
void optimizer_update(struct graph *g, const struct training *t, val param,
                      val gradient)
{
    const unsigned step = 1U << SEQ_STEP;
    const struct slots *s = slots_of(t);
    val in[4] = {param, gradient}, next;
    int n = 2;

    g->at = t->optimizer_at;
    g->path = arena_format(g->arena, "optimizer %s",
                           graph_node(g, param)->leaf->name);
    for (int k = 0; s && k < 2 && s->name[k]; k++)
        in[n++] = add_state(g, s->name[k], param);
    next = graph_add(g, s ? s->used : t->optimizer, in, n, t->optimizer_attr);
    if (!s) {
        graph_assign(g, step, param, next);
        return;
    }
    graph_assign(g, step, param, graph_result(g, next, 0));
    for (int k = 2; k < n; k++)
        graph_assign(g, step, in[k], graph_result(g, next, k - 1));
}
