/*
 * order.c: see order.h.
 *
 * A walk from each output, back over what makes each operand, marks what is
 * needed; another from each needed node, in the file's order, puts its makers
 * before it.  Both keep their own stack: a graph may be as deep as it is long.
 */
#include "onnx/order.h"

#include <string.h>

#include "compiler/names.h"
#include "onnx/onnx.pb-c.h"

enum state { UNSEEN, OPEN, DONE };

struct visit {
    int node;
    size_t next; /* of what it takes, to look at */
};

struct walk {
    const Onnx__GraphProto *graph;
    const struct taken *taken; /* by node */
    struct names maker;        /* int, by the value's name */
    enum state *state;
    struct visit *stack; /* each node is open once at most */
    int depth;
    struct order *order;
};

/* ---- what a node takes ---- */

static void graph_takes(const Onnx__GraphProto *, struct taken *);

/* Counts, where there is no room yet.  As deep as the file's messages lie in each
 * other, which wire.c bounds. */
static void node_takes(const Onnx__NodeProto *n, struct taken *t)
{
    for (size_t i = 0; i < n->n_input; i++) {
        if (t->name)
            t->name[t->n] = n->input[i];
        t->n++;
    }
    for (size_t i = 0; i < n->n_attribute; i++)
        if (n->attribute[i]->g)
            graph_takes(n->attribute[i]->g, t);
}

/* An output of a branch may be made outside. */
static void graph_takes(const Onnx__GraphProto *g, struct taken *t)
{
    for (size_t i = 0; i < g->n_node; i++)
        node_takes(g->node[i], t);
    for (size_t i = 0; i < g->n_output; i++) {
        if (!g->output[i]->name)
            continue;
        if (t->name)
            t->name[t->n] = g->output[i]->name;
        t->n++;
    }
}

struct taken taken_by(struct arena *a, const struct Onnx__NodeProto *n)
{
    struct taken t = {NULL, 0};

    node_takes(n, &t);
    t.name = ARENA_NEW(a, const char *, t.n + 1);
    t.n = 0;
    node_takes(n, &t);
    return t;
}

static const struct taken *all_taken(struct arena *a, const Onnx__GraphProto *g)
{
    struct taken *t = ARENA_NEW(a, struct taken, g->n_node + 1);

    for (size_t i = 0; i < g->n_node; i++)
        t[i] = taken_by(a, g->node[i]);
    return t;
}

/* ---- the order ---- */

/* A value that no node makes is an input, an initializer, or missing: node.c
 * says so. */
static const char *index_makers(struct walk *w, struct arena *a)
{
    int *number = ARENA_NEW(a, int, w->graph->n_node + 1);

    for (size_t i = 0; i < w->graph->n_node; i++) {
        const Onnx__NodeProto *n = w->graph->node[i];

        number[i] = (int)i;
        if (!n->op_type)
            return "a node has no operator";
        for (size_t k = 0; k < n->n_output; k++) {
            if (!*n->output[k])
                continue;
            if (names_find(&w->maker, n->output[k]))
                return "two nodes compute one value";
            names_add(&w->maker, n->output[k], &number[i]);
        }
    }
    return NULL;
}

static void enter(struct walk *w, int node)
{
    w->state[node] = OPEN;
    w->stack[w->depth++] = (struct visit){node, 0};
}

/* All that a node needs, then the node itself. */
static const char *visit(struct walk *w, int node)
{
    enter(w, node);
    while (w->depth) {
        struct visit *v = &w->stack[w->depth - 1];
        const struct taken *t = &w->taken[v->node];
        const int *maker;

        if (v->next == t->n) {
            w->state[v->node] = DONE;
            w->order->node[w->order->n++] = v->node;
            w->depth--;
            continue;
        }
        maker = names_find(&w->maker, t->name[v->next++]);
        if (!maker || w->state[*maker] == DONE)
            continue;
        if (w->state[*maker] == OPEN)
            return "its nodes take each other's results in a circle";
        enter(w, *maker);
    }
    return NULL;
}

/* Nodes that no output needs are never read: they may be of any operator. */
static const char *needed_first(struct walk *w)
{
    const char *wrong = NULL;

    for (size_t i = 0; !wrong && i < w->graph->n_output; i++) {
        const char *name = w->graph->output[i]->name;
        const int *maker = name ? names_find(&w->maker, name) : NULL;

        if (maker && w->state[*maker] == UNSEEN)
            wrong = visit(w, *maker);
    }
    return wrong;
}

const char *order_nodes(struct arena *a, const struct Onnx__GraphProto *g,
                        struct order *order)
{
    struct walk w = {.graph = g, .maker = {.arena = a}, .order = order};
    const char *wrong;
    bool *needed;

    order->node = ARENA_NEW(a, int, g->n_node + 1);
    order->n = 0;
    w.taken = all_taken(a, g);
    w.state = ARENA_NEW(a, enum state, g->n_node + 1);
    w.stack = ARENA_NEW(a, struct visit, g->n_node + 1);
    needed = ARENA_NEW(a, bool, g->n_node + 1);
    wrong = index_makers(&w, a);
    if (!wrong)
        wrong = needed_first(&w);
    if (wrong)
        return wrong;
    for (int i = 0; i < order->n; i++)
        needed[order->node[i]] = true;
    memset(w.state, 0, g->n_node * sizeof *w.state);
    order->n = 0;
    for (size_t i = 0; !wrong && i < g->n_node; i++)
        if (needed[i] && w.state[i] == UNSEEN)
            wrong = visit(&w, (int)i);
    return wrong;
}
