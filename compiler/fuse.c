/*
 * fuse.c: chains of pointwise ops become one node.
 *
 * A pointwise value with one reader, which is pointwise too and of its shape, is
 * computed inside that reader.  Nothing is kept that was not read before, so
 * traffic only shrinks.  A value is computed twice only where fuse_again.c finds
 * that memory shrinks for it and traffic does not grow.  Scalar constants become
 * part of the text.  Integers are left alone.
 *
 * A Concat reads such values too: it is cut into pieces, which the chains
 * write, when there are chains for all operands but one.
 *
 * One walk in graph order builds all chains, because an operand's chain is
 * complete before its reader's is built; a chain is bounded by FUSED_STEPS, so
 * a walk is linear in the nodes.
 */
#include <string.h>

#include "compiler/fuse.h"
#include "compiler/ops/concat.h"
#include "compiler/passes.h"
#include "compiler/piece.h"
#include "kernels/copy.h"

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

/* Runs of a piece are written in vectors of 16, and indices have 32 bits; in the
 * effective batch, so that a micro-batch is cut in the same way. */
bool fuse_can_cut(const struct graph *g, const struct node *n)
{
    int64_t count, inner;

    if (n->op != &op_Concat || n->nin < 2 || !computed_in_float(n->type.dtype))
        return false;
    inner = rows_along(&n->type, concat_axis(n, n->type.rank)).inner;
    for (int k = 0; k < n->nin; k++)
        if (type_of(g, n->in[k])->dim[concat_axis(n, n->type.rank)] * inner <
            16)
            return false;
    count = type_count(&n->type);
    return (n->type.batch ? count / g->batch * g->effective : count) <
           INT32_MAX;
}

/* The chains of a Concat's operands, or null where it stays whole. */
static struct chain *build_pieces(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    struct chain *piece = ARENA_NEW(p->g->arena, struct chain, (size_t)n->nin);
    bool taken[CONCAT_OPERANDS] = {false};
    int made = 0;

    for (int k = 0; k < n->nin; k++) {
        const struct node *x = p->old->node[n->in[k].id];
        int at = source_of(p, &piece[k], x, n->in[k].id,
                           p->chains.again[id] >> k & 1, &taken[k]);

        if (at == FULL || !piece[k].nin || !makes_shape(p, &piece[k], x))
            return NULL;
        made += at >= 0;
    }
    if (made < n->nin - 1)
        return NULL;
    for (int k = 0; k < n->nin; k++)
        p->chains.absorbed[n->in[k].id] |= taken[k];
    return piece;
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
    c->piece = ARENA_NEW(p->g->arena, struct chain *, n);
    count_uses(p);
    for (int id = 1; id < p->old->len; id++) {
        if (c->used[id] && can_fuse(p->old, p->old->node[id]))
            c->chain[id] = build(p, id);
        if (c->used[id] && fuse_can_cut(p->old, p->old->node[id]))
            c->piece[id] = build_pieces(p, id);
        if (c->chain[id] || c->piece[id] || !c->again[id])
            continue;
        c->again[id] = 0;
        room = false;
    }
    return room;
}

/* Of a Concat's operands that are not done, the one that was made last. */
static int latest(const struct node *n, unsigned done)
{
    int best = -1;

    for (int k = 0; k < n->nin; k++)
        if (!(done >> k & 1) && (best < 0 || n->in[k].id > n->in[best].id))
            best = k;
    return best;
}

/* A Concat in pieces.  What was made last comes first: an older operand is kept
 * for others in any case, and the last one can go. */
static val copy_pieces(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    const struct chain *piece = p->chains.piece[id];
    struct piece place = {.axis = concat_axis(n, n->type.rank)};
    val in[FUSED_OPERANDS];
    unsigned done = 0;

    p->g->at = n->at;
    p->g->path = n->path;
    for (int i = 0; i < n->nin; i++) {
        int k = latest(n, done);

        done |= 1U << k;
        place.at = place.len = 0;
        for (int j = 0; j <= k; j++) {
            place.at += place.len;
            place.len = type_of(p->old, n->in[j])->dim[place.axis];
        }
        for (int j = 0; j < piece[k].nin; j++)
            in[j] = p->map[piece[k].in[j]];
        place.before = piece_add(p->g, &n->type, &place, &piece[k].f, in,
                                 piece[k].nin);
    }
    return place.before;
}

static val copy_node(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    const struct chain *c = p->chains.chain[id];
    val *in = ARENA_NEW(p->g->arena, val, (size_t)n->nin + FUSED_OPERANDS);
    union attr attr[2] = {{.i = 0}, {.i = n->type.dtype}};

    if (p->chains.piece[id])
        return copy_pieces(p, id);
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
