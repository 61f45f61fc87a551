/*
 * interp.c: run a graph by the ops' references, in double: the meaning that
 * passes must keep and kernels must reach.
 *
 * Slow and plain on purpose: one loop over the nodes, each value in an array of
 * its own, no memory shared.
 */
#include <string.h>

#include "compiler/op.h"
#include "compiler/passes.h"

static void allocate_value(struct arena *a, struct tensor *t,
                           const struct type *type)
{
    t->type = *type;
    if (!t->data)
        t->data = ARENA_NEW(a, double, (size_t)type_count(type) + 1);
}

static void run_node(const struct graph *g, struct arena *a, int id,
                     const struct ref_env *env, struct tensor *value,
                     struct tensor *const *tuple)
{
    const struct node *n = g->node[id];
    struct tensor in[16] = {{{0}, NULL}}, out[MAX_OUT] = {{{0}, NULL}};

    if (n->op == &op_Result) {
        value[id] = tuple[n->in[0].id][n->attr[0].i];
        return;
    }
    for (int k = 0; k < n->nin; k++)
        in[k] = value[n->in[k].id];
    for (int k = 0; k < n->nout; k++)
        allocate_value(a, &out[k], n->op->nout ? &n->out[k] : &n->type);
    n->op->ref(n, env, in, out);
    if (n->op->nout)
        memcpy(tuple[id], out, sizeof out);
    else
        value[id] = out[0];
}

static void fill_leaves(const struct graph *g, struct arena *a,
                        struct tensor *value)
{
    for (int id = 1; id < g->len; id++) {
        const struct node *n = g->node[id];

        if (!n->leaf)
            continue;
        if (n->leaf->constant)
            value[id] = *n->leaf->constant;
        else
            allocate_value(a, &value[id], &n->type);
    }
}

void interp_run(const struct graph *g, struct arena *a,
                enum plan_sequence_id seq, const struct ref_env *env,
                struct tensor *value)
{
    bool *needed = graph_used(g, 1U << seq);
    struct tensor **tuple = ARENA_NEW(a, struct tensor *, (size_t)g->len);
    double **next = ARENA_NEW(a, double *, (size_t)g->nassign + 1);

    fill_leaves(g, a, value);
    for (int id = 1; id < g->len; id++) {
        if (!needed[id] || g->node[id]->leaf)
            continue;
        value[id].data = NULL;
        tuple[id] = ARENA_NEW(a, struct tensor, MAX_OUT);
        run_node(g, a, id, env, value, tuple);
    }
    /* All values are there before any leaf changes. */
    for (int i = 0; i < g->nassign; i++) {
        const struct assign *x = &g->assign[i];
        size_t n = (size_t)type_count(type_of(g, x->leaf));

        if (!(x->sequences >> seq & 1))
            continue;
        next[i] = ARENA_NEW(a, double, n + 1);
        memcpy(next[i], value[x->value.id].data, n * sizeof(double));
    }
    for (int i = 0; i < g->nassign; i++)
        if (next[i])
            memcpy(value[g->assign[i].leaf.id].data, next[i],
                   (size_t)type_count(type_of(g, g->assign[i].leaf)) *
                       sizeof(double));
}
