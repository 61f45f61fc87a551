/*
 * graph.c: building graphs.  Shapes are inferred as nodes are added; a node
 * that is refused, or that has a refused operand, is the empty value, and only
 * the first refusal is kept.
 *
 * What graph_verify() finds is kept by construction: an operand's id is below
 * its reader's, so every walk over the array is in topological order; a tuple
 * is read by Result nodes only; an assignment keeps its leaf's type.  Arrays
 * grow by doubling, and nodes are pointers, so that a node never moves.
 */
#include "compiler/graph.h"

#include <stdio.h>
#include <string.h>

#include "compiler/op.h"

static const int64_t MAX_ELEMENTS = (int64_t)1 << 40; /* 4 TiB of f32 */

static const struct op op_leaf = {
    .name = "Leaf",
    .doc = "parameter, state, input, constant or output",
    .internal = true,
};

/* Twice the room for an array; the old copy stays in the arena until its end. */
static void *grown(struct arena *a, const void *old, int len, int *cap,
                   size_t size)
{
    void *p;

    *cap = *cap ? 2 * *cap : 64;
    p = arena_alloc(a, (size_t)*cap, size);
    if (len)
        memcpy(p, old, (size_t)len * size);
    return p;
}

static val append(struct graph *g, struct node *n)
{
    if (g->len == g->cap)
        g->node = grown(g->arena, g->node, g->len, &g->cap, sizeof *g->node);
    g->node[g->len] = n;
    return (val){g->len++};
}

void graph_init(struct graph *g, struct arena *arena, struct diag *diag)
{
    *g = (struct graph){.arena = arena, .diag = diag};
    append(g, ARENA_NEW(arena, struct node, 1)); /* 0 is the empty value */
}

void graph_init_like(struct graph *g, const struct graph *old)
{
    graph_init(g, old->arena, old->diag);
    g->batch = old->batch;
    g->effective = old->effective;
    g->name = old->name;
    g->learning_rate = old->learning_rate;
}

/* Only the first refusal is told: those after it may be its consequences. */
static void reject_at(struct graph *g, struct source at, const char *path,
                      const char *format, va_list ap)
{
    struct diag *d = g->diag;
    int used = 0;

    if (d->failed)
        return;
    if (path)
        used = snprintf(d->text, sizeof d->text, "%s: ", path);
    if ((size_t)used < sizeof d->text)
        vsnprintf(d->text + used, sizeof d->text - (size_t)used, format, ap);
    d->at = at;
    d->failed = true;
}

bool reject(struct graph *g, const struct node *n, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    reject_at(g, n->at, n->path ? n->path : n->op->name, format, ap);
    va_end(ap);
    return false;
}

bool reject_here(struct graph *g, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    reject_at(g, g->at, g->path, format, ap);
    va_end(ap);
    return false;
}

/* So that no product of dimensions, nor bytes, overflows later.  2^40 elements
 * of 8 bytes and some are far from 2^63. */
static bool size_fits(struct graph *g, const struct node *n,
                      const struct type *t)
{
    int64_t count = 1;

    for (int i = 0; i < t->rank; i++)
        if (t->dim[i] < 1 || __builtin_mul_overflow(count, t->dim[i], &count) ||
            count > MAX_ELEMENTS)
            return reject(g, n,
                          "result has dimension %lld at %d, and at most "
                          "2^40 elements are supported",
                          (long long)t->dim[i], i);
    return true;
}

/* The op's types for the node's results; false if it was refused. */
static bool infer(struct graph *g, struct node *n)
{
    struct type out[MAX_OUT] = {{0}};
    struct type *copy;

    n->nout = n->op->nout ? n->op->nout : 1;
    if (!n->op->infer || !n->op->infer(g, n, out))
        return false;
    /* An op of several results may leave the last ones out. */
    while (n->nout > 1 && out[n->nout - 1].dtype == DT_NONE)
        n->nout--;
    for (int k = 0; k < n->nout; k++)
        if (!size_fits(g, n, &out[k]))
            return false;
    if (!n->op->nout) {
        n->type = out[0];
        return true;
    }
    copy = ARENA_NEW(g->arena, struct type, n->nout);
    memcpy(copy, out, (size_t)n->nout * sizeof *out);
    n->out = copy;
    return true;
}

/* An empty operand that must be there was refused before, with a message. */
static bool operands_fit(struct graph *g, const struct op *op, const val *in,
                         int nin)
{
    for (int i = 0; i < nin; i++)
        if (!in[i].id && i < op->min_in)
            return false;
    if (nin < op->min_in || nin > op->nin)
        return reject_here(g, "%s takes %d to %d operands, got %d", op->name,
                           op->min_in, op->nin, nin);
    return !g->diag->failed;
}

val graph_add(struct graph *g, const struct op *op, const val *in, int nin,
              const union attr *attr)
{
    struct node *n;
    val *operand;
    union attr *own;
    int nattr = op_attrs(op);

    /* Optional operands that are left out at the end do not count. */
    while (nin > op->min_in && !in[nin - 1].id)
        nin--;
    if (!operands_fit(g, op, in, nin))
        return (val){0};
    n = ARENA_NEW(g->arena, struct node, 1);
    operand = ARENA_NEW(g->arena, val, nin + 1);
    own = ARENA_NEW(g->arena, union attr, nattr + 1);
    for (int i = 0; i < nin; i++)
        operand[i] = in[i];
    for (int i = 0; i < nattr; i++)
        own[i] = attr ? attr[i] : op->attr[i].dflt;
    *n = (struct node){.op = op,
                       .nin = nin,
                       .in = operand,
                       .attr = own,
                       .at = g->at,
                       .path = g->path};
    if (!infer(g, n))
        return (val){0};
    return append(g, n);
}

val graph_copy(struct graph *g, const struct node *old, const val *in)
{
    g->at = old->at;
    g->path = old->path;
    if (old->leaf)
        return graph_leaf(g, &old->type, old->leaf);
    return graph_add(g, old->op, in, old->nin, old->attr);
}

val graph_leaf(struct graph *g, const struct type *t, const struct leaf *leaf)
{
    struct node *n = ARENA_NEW(g->arena, struct node, 1);
    struct leaf *own = ARENA_NEW(g->arena, struct leaf, 1);

    *own = *leaf;
    *n = (struct node){.op = &op_leaf,
                       .type = *t,
                       .leaf = own,
                       .nout = 1,
                       .at = g->at,
                       .path = leaf->name};
    return append(g, n);
}

void graph_limit(struct graph *g, val v, int64_t limit, int64_t except)
{
    /* Written by graph_leaf, const only for those who read the graph. */
    struct leaf *leaf = (struct leaf *)graph_node(g, v)->leaf;

    if (!leaf || leaf->kind != PLAN_INPUT)
        return;
    if (!leaf->limited || limit < leaf->limit)
        leaf->limit = limit;
    if (!leaf->limited || except)
        leaf->except = except;
    leaf->limited = true;
}

val graph_constant(struct graph *g, const struct type *t, const double *data)
{
    struct tensor *c = ARENA_NEW(g->arena, struct tensor, 1);
    int64_t n = type_count(t);
    struct leaf leaf = {.kind = PLAN_CONSTANT, .name = "constant"};

    c->type = *t;
    c->data = ARENA_NEW(g->arena, double, (size_t)n + 1);
    memcpy(c->data, data, (size_t)n * sizeof *data);
    leaf.constant = c;
    return graph_leaf(g, t, &leaf);
}

val graph_result(struct graph *g, val tuple, int k)
{
    union attr attr[1] = {{.i = k}};

    return graph_add(g, &op_Result, &tuple, 1, attr);
}

void graph_assign(struct graph *g, unsigned sequences, val leaf, val value)
{
    if (!leaf.id || !value.id)
        return;
    if (g->nassign == g->cap_assign)
        g->assign = grown(g->arena, g->assign, g->nassign, &g->cap_assign,
                          sizeof *g->assign);
    g->assign[g->nassign++] = (struct assign){sequences, leaf, value};
}

void meter_add(struct graph *g, const struct metering *m)
{
    struct type t = {.dtype = DT_F32, .rank = 2, .dim = {METER_LANES, 4}};
    struct leaf leaf = {.kind = PLAN_METRIC};
    union attr attr[1] = {{.i = m->per_sample}};
    val state, next;

    if (g->diag->failed)
        return;
    leaf.name = arena_format(g->arena, "meter.%s.%s%s",
                             m->training ? "training" : "evaluation",
                             m->is_loss ? "loss." : "", m->name);
    state = graph_leaf(g, &t, &leaf);
    next = graph_add(g, &op_MeterAdd, (val[]){state, m->terms, m->counts}, 3,
                     attr);
    graph_assign(g, m->sequences, state, next);
    if (g->nmeter == g->cap_meter)
        g->meter = grown(g->arena, g->meter, g->nmeter, &g->cap_meter,
                         sizeof *g->meter);
    g->meter[g->nmeter++] = (struct meter){arena_string(g->arena, m->name),
                                           state, m->training, m->is_loss,
                                           m->weight};
}

/* One walk backwards suffices, since operands have smaller ids.  A leaf that is
 * assigned counts as used also where nobody reads it. */
bool *graph_used(const struct graph *g, unsigned sequences)
{
    bool *used = ARENA_NEW(g->arena, bool, (size_t)g->len);

    for (int i = 0; i < g->nassign; i++)
        if (g->assign[i].sequences & sequences)
            used[g->assign[i].value.id] = used[g->assign[i].leaf.id] = true;
    for (int id = g->len - 1; id > 0; id--)
        for (int k = 0; used[id] && k < g->node[id]->nin; k++)
            used[g->node[id]->in[k].id] = true;
    return used;
}

void graph_copy_meters(const struct graph *old, struct graph *g, const val *map)
{
    g->meter = ARENA_NEW(g->arena, struct meter, (size_t)old->nmeter + 1);
    g->nmeter = g->cap_meter = old->nmeter;
    for (int i = 0; i < old->nmeter; i++) {
        g->meter[i] = old->meter[i];
        g->meter[i].leaf = map[old->meter[i].leaf.id];
    }
}

void graph_finish_copy(const struct graph *old, struct graph *g, const val *map)
{
    for (int i = 0; i < old->nassign; i++) {
        const struct assign *a = &old->assign[i];

        graph_assign(g, a->sequences, map[a->leaf.id], map[a->value.id]);
    }
    graph_copy_meters(old, g, map);
}

/* Null, or what is wrong with one node. */
static const char *node_fault(const struct graph *g, int id)
{
    const struct node *n = g->node[id];

    for (int k = 0; k < n->nin; k++) {
        if (n->in[k].id >= id)
            return "an operand comes after its reader";
        if (!n->in[k].id && k < n->op->min_in)
            return "an operand is missing";
        if (n->in[k].id && g->node[n->in[k].id]->op->nout &&
            n->op != &op_Result)
            return "a tuple is read without Result";
    }
    if (!n->leaf && !n->op->nout && n->type.dtype == DT_NONE)
        return "a value has no type";
    return NULL;
}

const char *graph_verify(const struct graph *g, struct arena *arena)
{
    for (int id = 1; id < g->len; id++) {
        const char *why = node_fault(g, id);

        if (why)
            return arena_format(arena, "%%%d %s: %s", id, g->node[id]->op->name,
                                why);
    }
    for (int i = 0; i < g->nassign; i++) {
        const struct assign *a = &g->assign[i];

        if (!graph_node(g, a->leaf)->leaf)
            return arena_format(arena, "assignment %d is not to a leaf", i);
        if (!type_equal(type_of(g, a->leaf), type_of(g, a->value)))
            return arena_format(arena, "assignment to %s changes its type",
                                graph_node(g, a->leaf)->leaf->name);
    }
    return NULL;
}
