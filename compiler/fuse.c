/*
 * fuse.c: chains of pointwise ops become one node.
 *
 * A pointwise value with one reader, which is pointwise too and of its shape, is
 * computed inside that reader.  Nothing is kept that was not read before, so
 * traffic only shrinks.  A value is computed twice only where fuse_again.c finds
 * that memory shrinks for it and traffic does not grow.  Scalar constants become
 * part of the text.  Integers are left alone.
 *
 * One walk in graph order builds all chains, because an operand's chain is
 * complete before its reader's is built; a chain is bounded by FUSED_STEPS, so
 * a walk is linear in the nodes.
 */
#include <string.h>

#include "compiler/fuse.h"
#include "compiler/passes.h"

struct pass {
    const struct graph *old;
    struct graph *g;
    struct chains chains;
    val *map;
};

/* Kernels compute these as float.  f32 cannot hold all i32 and i64, so integers
 * keep kernels of their own. */
static bool computed_in_float(enum dtype t)
{
    return dtype_is_float(t) || t == DT_BOOL;
}

static bool can_fuse(const struct graph *g, const struct node *n)
{
    if (!n->op->formula || !n->nin || !computed_in_float(n->type.dtype))
        return false;
    for (int k = 0; k < n->nin; k++)
        if (!computed_in_float(type_of(g, n->in[k])->dtype))
            return false;
    return true;
}

bool fuse_same_shape(const struct type *t, const struct type *u)
{
    if (t->rank != u->rank)
        return false;
    return memcmp(t->dim, u->dim, (size_t)t->rank * sizeof *t->dim) == 0;
}

/* Operand number of an old value in a chain, added if new; -1: no room. */
static int operand_of(struct chain *c, int id)
{
    for (int k = 0; k < c->nin; k++)
        if (c->in[k] == id)
            return k;
    if (c->nin == FUSED_OPERANDS)
        return -1;
    c->in[c->nin] = id;
    return c->nin++;
}

/* Steps of one chain at the end of another; the number of its result, or a
 * negative number when there is no room, c being then of no use. */
static int append(struct chain *c, const struct chain *part)
{
    int base = c->f.n;

    if (base + part->f.n >= FUSED_STEPS)
        return -1;
    for (int i = 0; i < part->f.n; i++) {
        struct fused_step s = part->f.step[i];

        for (int k = 0; k < s.nin; k++) {
            int operand = 0;

            if (s.in[k] >= 0) {
                s.in[k] += base;
                continue;
            }
            operand = operand_of(c, part->in[-1 - s.in[k]]);
            if (operand < 0)
                return -1;
            s.in[k] = -1 - operand;
        }
        c->f.step[c->f.n++] = s;
    }
    return c->f.n - 1;
}

static int add_scalar(struct pass *p, struct chain *c, double value)
{
    union attr *attr = ARENA_NEW(p->g->arena, union attr, 1);

    if (c->f.n + 1 >= FUSED_STEPS)
        return -1;
    attr[0].f = value;
    c->f.step[c->f.n] = (struct fused_step){
        .op = &op_Scalar, .attr = attr, .dtype = DT_F32};
    return c->f.n++;
}

/* Where the reader finds operand id: a step, or -1 - operand; FULL: the
 * chain is full. */
enum { FULL = -1000 };

/* A chain that does not fit in whole is read from memory instead, c being put
 * back first; not where it must be made again.  A smaller operand stays a node
 * even where its shape broadcasts: inside it would be computed once for each
 * element of the result. */
static int source_of(struct pass *p, struct chain *c, const struct node *n,
                     int id, bool again, bool *taken)
{
    const struct chain *part = p->chains.chain[id];
    const struct node *x = p->old->node[id];
    const struct tensor *constant = x->leaf ? x->leaf->constant : NULL;
    struct chain saved = *c;
    int at;

    *taken = false;
    if (constant && type_count(&constant->type) == 1 &&
        dtype_is_float(constant->type.dtype)) {
        at = add_scalar(p, c, constant->data[0]);
        return at < 0 ? FULL : at;
    }
    if (part && (again || p->chains.uses[id] == 1) &&
        fuse_same_shape(&x->type, &n->type)) {
        at = append(c, part);
        if (at >= 0) {
            *taken = !again;
            return at;
        }
        *c = saved;
    }
    if (again)
        return FULL;
    at = operand_of(c, id);
    return at < 0 ? FULL : -1 - at;
}

/* A scalar of higher rank than the other operands would be missed.  Constants
 * that became text have no say in the shape any more. */
static bool makes_shape(const struct pass *p, const struct chain *c,
                        const struct node *n)
{
    struct type t = p->old->node[c->in[0]]->type;

    for (int k = 1; k < c->nin; k++)
        if (!type_broadcast(&t, &p->old->node[c->in[k]]->type))
            return false;
    return fuse_same_shape(&t, &n->type);
}

/* The chain of a node with the chains of its operands before it, or null where
 * the node is left as it is.  Operands are marked as absorbed only once it is
 * certain that there is a chain. */
static struct chain *build(struct pass *p, int id)
{
    struct chain *c = ARENA_NEW(p->g->arena, struct chain, 1);
    const struct node *n = p->old->node[id];
    struct fused_step last = {
        .op = n->op, .attr = n->attr, .dtype = n->type.dtype, .nin = n->nin};
    bool taken[FORMULA_OPERANDS] = {false};

    for (int k = 0; k < n->nin; k++) {
        bool again = p->chains.again[id] >> k & 1;

        last.in[k] = source_of(p, c, n, n->in[k].id, again, &taken[k]);
        if (last.in[k] == FULL)
            return NULL;
    }
    if (!c->nin || !makes_shape(p, c, n))
        return NULL;
    c->f.step[c->f.n++] = last;
    for (int k = 0; k < n->nin; k++)
        p->chains.absorbed[n->in[k].id] |= taken[k];
    return c;
}

/* How often each value is read, what its readers make again apart.  Two uses by
 * one reader (x * x) count as two: such an operand stays a node, and is one
 * operand of the chain. */
static void count_uses(struct pass *p)
{
    struct chains *c = &p->chains;

    for (int id = 1; id < p->old->len; id++)
        for (int k = 0; c->used[id] && k < p->old->node[id]->nin; k++)
            c->uses[p->old->node[id]->in[k].id] += !(c->again[id] >> k & 1);
    for (int i = 0; i < p->old->nassign; i++)
        c->uses[p->old->assign[i].value.id] += 2;
}

/* All chains; false where one has no room for what it should make again. */
static bool build_chains(struct pass *p)
{
    struct chains *c = &p->chains;
    size_t n = (size_t)p->old->len;
    bool room = true;

    c->uses = ARENA_NEW(p->g->arena, int, n);
    c->absorbed = ARENA_NEW(p->g->arena, bool, n);
    c->chain = ARENA_NEW(p->g->arena, struct chain *, n);
    count_uses(p);
    for (int id = 1; id < p->old->len; id++) {
        if (!c->used[id] || !can_fuse(p->old, p->old->node[id]))
            continue;
        c->chain[id] = build(p, id);
        if (c->chain[id] || !c->again[id])
            continue;
        c->again[id] = 0;
        room = false;
    }
    return room;
}

static val copy_node(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    const struct chain *c = p->chains.chain[id];
    val *in = ARENA_NEW(p->g->arena, val, (size_t)n->nin + FUSED_OPERANDS);
    union attr attr[2] = {{.i = 0}, {.i = n->type.dtype}};

    for (int k = 0; k < n->nin; k++)
        in[k] = p->map[n->in[k].id];
    if (!c || c->f.n == 1)
        return graph_copy(p->g, n, in);
    for (int k = 0; k < c->nin; k++)
        in[k] = p->map[c->in[k]];
    p->g->at = n->at;
    p->g->path = n->path;
    attr[0].fused = &c->f;
    return graph_add(p->g, &op_Fused, in, c->nin, attr);
}

/* Fused nodes keep the last op's place and path, so that messages and profiles
 * name the layer whose result it is. */
void fuse(const struct graph *old, struct graph *g)
{
    struct pass p = {.old = old, .g = g};
    struct chains *c = &p.chains;

    graph_init_like(g, old);
    c->used = graph_used(old, ~0U);
    c->again = ARENA_NEW(g->arena, unsigned, (size_t)old->len);
    p.map = ARENA_NEW(g->arena, val, (size_t)old->len);
    build_chains(&p);
    fuse_again(old, g->arena, c);
    /* A chain without room gives up what it made again: each time fewer do. */
    while (!build_chains(&p))
        ;
    for (int id = 1; id < old->len; id++)
        if (c->used[id] && !c->absorbed[id])
            p.map[id] = copy_node(&p, id);
    graph_finish_copy(old, g, p.map);
}
