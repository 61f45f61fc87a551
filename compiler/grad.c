/*
 * grad.c: reverse-mode gradients of all losses, and what training needs with
 * them: seeds, counts, meters, updates.
 *
 * A loss is a sum over samples divided by how many elements counted in the whole
 * effective batch.  So the sweep starts at the samples' terms, with weight /
 * count for the rows at hand and nothing for stale ones; the sum itself is never
 * formed for the gradient's sake.
 *
 * Cost: one visit for each forward node, in falling order of ids, which is a
 * reverse topological order because operands have smaller ids than readers.
 * Gradients of values with several readers are summed in that same order, so
 * the sum's bits depend on the graph alone.  (Linnainmaa 1970; the
 * vector-Jacobian form is Griewank and Walther's "reverse accumulation".)
 */
#include <string.h>

#include "compiler/op.h"
#include "compiler/passes.h"

struct sweep {
    struct graph *g;
    int len;     /* forward nodes are below */
    bool *needs; /* a gradient must flow to it */
    val *d;      /* gradient of a value; summed over its readers so far */
    val **dout;  /* of a tuple, by result */
};

/* Floats that depend on a parameter that trains.  Everything else is constant
 * to the training, and the sweep never visits it.  A tuple has no type of its
 * own, so its operands decide. */
static void find_needs(struct sweep *s)
{
    for (int id = 1; id < s->len; id++) {
        const struct node *n = s->g->node[id];

        s->needs[id] = n->leaf && n->leaf->kind == PLAN_PARAMETER &&
                       !n->leaf->frozen;
        for (int k = 0; k < n->nin; k++)
            s->needs[id] |= s->needs[n->in[k].id];
        if (!n->op->nout && !dtype_is_float(n->type.dtype))
            s->needs[id] = false;
    }
}

/* An empty d is a zero that nobody has to add. */
static void accumulate(struct sweep *s, val *sum, val d)
{
    if (!d.id)
        return;
    *sum = sum->id ? val_add(s->g, *sum, d) : d;
}

/* Hand a node's gradient to its operands: dx[k] is the gradient of in[k], of
 * its shape.  An op may give gradients that nobody needs; those are dropped
 * here, and simplify() removes their nodes. */
static void flow(struct sweep *s, int id)
{
    const struct node *n = s->g->node[id];
    val *dx = ARENA_NEW(s->g->arena, val, (size_t)n->nin + 1);

    s->g->at = n->at;
    s->g->path = n->path ? arena_format(s->g->arena, "%s gradient", n->path)
                         : NULL;
    if (!n->op->grad) {
        reject(s->g, n,
               "%s has no gradient, and a trained parameter lies "
               "behind it",
               n->op->name);
        return;
    }
    n->op->grad(s->g, (val){id}, n->op->nout ? s->dout[id] : &s->d[id], dx);
    for (int k = 0; k < n->nin; k++)
        if (n->in[k].id && s->needs[n->in[k].id])
            accumulate(s, &s->d[n->in[k].id], dx[k]);
}

static bool has_gradient(const struct sweep *s, int id)
{
    if (!s->g->node[id]->op->nout)
        return s->d[id].id != 0;
    for (int k = 0; s->dout[id] && k < s->g->node[id]->nout; k++)
        if (s->dout[id][k].id)
            return true;
    return false;
}

/* A Result's gradient waits at its tuple, whose op takes the gradients of all
 * its results at once. */
static void flow_result(struct sweep *s, int id)
{
    const struct node *n = s->g->node[id];
    int tuple = n->in[0].id;

    if (!s->dout[tuple])
        s->dout[tuple] = ARENA_NEW(s->g->arena, val, MAX_OUT);
    accumulate(s, &s->dout[tuple][n->attr[0].i], s->d[id]);
}

/* When id is reached all its readers have been: its gradient is complete. */
static void run_sweep(struct sweep *s)
{
    for (int id = s->len - 1; id > 0 && !s->g->diag->failed; id--) {
        const struct node *n = s->g->node[id];

        if (n->leaf || !s->needs[id] || !has_gradient(s, id))
            continue;
        if (n->op == &op_Result)
            flow_result(s, id);
        else
            flow(s, id);
    }
}

/* ---- where it starts ---- */

/*
 * How many elements count, where that is not a matter of rows: summed by the
 * `count` sequence over the effective batch before its first backward.  An
 * accumulator, since its value must hold from the count sequence until the last
 * micro-batch of the update.
 */
static val count_state(struct graph *g, const struct loss_term *loss)
{
    struct type t = {.dtype = DT_I32, .rank = 1, .dim = {1}};
    struct leaf leaf = {.kind = PLAN_ACCUMULATOR};
    val state, next;

    if (!loss->counts.id)
        return (val){0};
    if (type_of(g, loss->counts)->dtype == DT_F32) {
        t.dtype = DT_F32; /* a sum, and what its roundings lost */
        t.dim[0] = 2;
    }
    leaf.name = arena_format(g->arena, "count.%s", loss->name);
    state = graph_leaf(g, &t, &leaf);
    next = graph_add(g, &op_CountAdd, (val[]){state, loss->counts}, 2, NULL);
    graph_assign(g, 1U << SEQ_COUNT, state, next);
    return state;
}

/* The gradient of each term: weight / count.  A penalty is counted once in an
 * update and is no sum over samples: its seed is its weight. */
static val seed_of(struct graph *g, const struct loss_term *loss)
{
    union attr attr[3] = {
        {.f = loss->weight}, {.i = loss->per_sample}, {.i = g->batch}};
    val state = count_state(g, loss);

    if (loss->per_update)
        return val_scalar(g, loss->weight);
    return graph_add(g, &op_LossSeed, &state, 1, attr);
}

/* What the loss is divided by has no gradient.  The quotient rule would have to
 * flow into the count, which comes from another sequence. */
static void refuse_trained_weights(const struct sweep *s,
                                   const struct loss_term *loss)
{
    if (s->needs[loss->counts.id])
        reject(s->g, graph_node(s->g, loss->counts),
               "the weights of %s depend on a parameter that trains",
               loss->name);
}

static void start(struct sweep *s, const struct loss_term *loss)
{
    const unsigned step = 1U << SEQ_STEP;
    const unsigned each = step | 1U << SEQ_ACCUMULATE;

    s->g->path = loss->name;
    refuse_trained_weights(s, loss);
    accumulate(s, &s->d[loss->terms.id], seed_of(s->g, loss));
    meter_add(s->g, &(struct metering){
                        .name = loss->name,
                        .training = true,
                        .is_loss = true,
                        .weight = loss->weight,
                        .terms = loss->terms,
                        .counts = loss->counts,
                        .per_sample = loss->per_update ? 0 : loss->per_sample,
                        .sequences = loss->per_update ? step : each});
}

static struct sweep sweep_of(struct graph *g)
{
    size_t n = (size_t)g->len;
    struct sweep s = {.g = g, .len = g->len};

    s.needs = ARENA_NEW(g->arena, bool, n);
    s.d = ARENA_NEW(g->arena, val, n);
    s.dout = ARENA_NEW(g->arena, val *, n);
    find_needs(&s);
    return s;
}

/* For tests of single ops: no losses, no seeds, no updates. */
val *grad_of(struct graph *g, val y, val dy)
{
    struct sweep s = sweep_of(g);

    s.len = dy.id; /* whatever y depends on came before its gradient */
    s.d[y.id] = dy;
    run_sweep(&s);
    return s.d;
}

/* "gradient.NAME", stored as the parameter is.  Of the whole update, since it
 * is assigned in `step`, behind the last micro-batch. */
static void observe_gradients(struct graph *g, const val *d, int len)
{
    for (int id = 1; id < len; id++) {
        const struct node *n = g->node[id];
        struct leaf leaf = {.kind = PLAN_OBSERVED, .like = id};

        if (!n->leaf || !d[id].id)
            continue;
        leaf.name = arena_format(g->arena, "gradient.%s", n->leaf->name);
        graph_assign(g, 1U << SEQ_STEP, graph_leaf(g, &n->type, &leaf), d[id]);
    }
}

/* Gradients first, all of them, then clipping, then updates: an update changes
 * no node before it, but what clips needs every gradient. */
void grad_build(struct graph *g, const struct training *t)
{
    struct sweep s = sweep_of(g);

    for (int i = 0; i < t->nloss && !g->diag->failed; i++)
        start(&s, &t->loss[i]);
    run_sweep(&s);
    if (t->observe && !g->diag->failed)
        observe_gradients(g, s.d, s.len);
    if (t->clip_norm > 0 && !g->diag->failed)
        clip_gradients(g, t, s.d, s.len);
    for (int id = 1; id < s.len && !g->diag->failed; id++)
        if (g->node[id]->leaf && s.d[id].id)
            optimizer_update(g, t, (val){id}, s.d[id]);
}
