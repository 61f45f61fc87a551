/*
 * simplify.c: equal nodes merged, constants folded, transpositions joined,
 * convolutions cut along their channels (channels.c), unused nodes not copied.
 *
 * Equal: same op, attributes, operands and, for random ops, the same key.  A
 * value computed in training and in evaluation alike is so computed by one node.
 * Folding uses the ops' references, on small constants only.  What it replaces
 * stays in the new graph, unused, unless it is the last node; the next simplify,
 * fuse and lower leave out what no assignment needs.
 *
 * One walk with a hash table: O(nodes) but for long probes.
 */
#include <string.h>

#include "compiler/channels.h"
#include "compiler/op.h"
#include "compiler/passes.h"

enum { FOLD_ELEMENTS = 4096 };

struct simplify {
    const struct graph *old;
    struct graph *g;
    val *map;          /* old id to new value */
    unsigned *results; /* of an old tuple: bit k: its result k is used */
    bool *cut;         /* by old id: see channels.h */
    int *table;        /* hash table of new ids, 0 empty */
    size_t mask;
};

/* Numbers by their bits: 0 and -0 differ, and NaN is itself. */
static bool same_attr(const struct attr_spec *s, const union attr *a,
                      const union attr *b)
{
    switch (s->kind) {
    case ATTR_STRING:
        return a->s == b->s || (a->s && b->s && strcmp(a->s, b->s) == 0);
    case ATTR_INTS:
        return a->ints.n == b->ints.n &&
               (!a->ints.n || memcmp(a->ints.v, b->ints.v,
                                     (size_t)a->ints.n * sizeof(int64_t)) == 0);
    case ATTR_TENSOR:
        return a->tensor == b->tensor;
    default:
        return memcmp(a, b, sizeof a->i) == 0;
    }
}

static bool same_constant(const struct node *a, const struct node *b)
{
    const struct tensor *x = a->leaf ? a->leaf->constant : NULL;
    const struct tensor *y = b->leaf ? b->leaf->constant : NULL;

    return x && y && type_equal(&x->type, &y->type) &&
           memcmp(x->data, y->data,
                  (size_t)type_count(&x->type) * sizeof *x->data) == 0;
}

/* Types need not be compared: they follow from op, attributes and operands. */
static bool same_node(const struct node *a, const struct node *b)
{
    if (a->leaf || b->leaf)
        return same_constant(a, b);
    if (a->op != b->op || a->nin != b->nin)
        return false;
    for (int k = 0; k < a->nin; k++)
        if (a->in[k].id != b->in[k].id)
            return false;
    for (int i = 0; a->op->attr && a->op->attr[i].name; i++)
        if (!same_attr(&a->op->attr[i], &a->attr[i], &b->attr[i]))
            return false;
    return true;
}

/* Attributes are left to same_node(): few nodes differ in these alone. */
static size_t hash_of(const struct node *n)
{
    size_t h = (size_t)op_attrs(n->op) * 31 + strlen(n->op->name);

    for (const char *c = n->op->name; *c; c++)
        h = h * 31 + (unsigned char)*c;
    for (int k = 0; k < n->nin; k++)
        h = h * 1000003 + (size_t)n->in[k].id;
    return h * 0x9E3779B97F4A7C15U >> 16;
}

/* An equal node that is there already, else this one, now in the table. */
static val merge(struct simplify *s, val v)
{
    const struct node *n = graph_node(s->g, v);
    size_t at = hash_of(n) & s->mask;

    while (s->table[at] && !same_node(s->g->node[s->table[at]], n))
        at = (at + 1) & s->mask;
    if (!s->table[at])
        s->table[at] = v.id;
    else if (s->table[at] < v.id && v.id == s->g->len - 1)
        s->g->len--; /* just added for v alone: no id refers to it */
    return (val){s->table[at]};
}

static const struct tensor *constant_of(const struct graph *g, val v)
{
    const struct leaf *leaf = graph_node(g, v)->leaf;

    return leaf ? leaf->constant : NULL;
}

/* Cheap ops on few elements; nothing that counts samples, since their number
 * may be cut. */
static bool can_fold(const struct graph *g, const struct node *n)
{
    if (!n->nin || n->op->nout || n->op->is_loss || n->op->across_batch ||
        n->type.batch || type_count(&n->type) > FOLD_ELEMENTS || !n->op->ref ||
        !(n->op->formula || n->op->is_view || n->op == &op_Transpose))
        return false;
    for (int k = 0; k < n->nin; k++)
        if (!constant_of(g, n->in[k]))
            return false;
    return true;
}

static val fold(struct graph *g, val v)
{
    const struct node *n = graph_node(g, v);
    struct tensor in[16] = {{{0}, NULL}}, out;

    if (!can_fold(g, n) || n->nin > 16)
        return v;
    for (int k = 0; k < n->nin; k++)
        in[k] = *constant_of(g, n->in[k]);
    out.type = n->type;
    out.data = ARENA_NEW(g->arena, double, (size_t)type_count(&n->type) + 1);
    n->op->ref(n, &(struct ref_env){0}, in, &out);
    /* As a kernel would have stored it. */
    if (out.type.dtype == DT_F32)
        for (int64_t i = 0; i < type_count(&out.type); i++)
            out.data[i] = (float)out.data[i];
    return graph_constant(g, &out.type, out.data);
}

/* The parameter whose storage a state shares has another number here. */
static val copy_leaf(struct simplify *s, const struct node *n)
{
    struct leaf leaf = *n->leaf;

    leaf.like = s->map[leaf.like].id;
    s->g->at = n->at;
    s->g->path = n->path;
    return graph_leaf(s->g, &n->type, &leaf);
}

/* A tuple of which only the first result is used may be another op's value. */
static bool only_first(const struct simplify *s, int id)
{
    return s->old->node[id]->op->alone && s->results[id] == 1;
}

/* Of its operand, by a transposition's axis; without a list it is reversed. */
static int axis_before(const struct node *n, int axis)
{
    const struct ints *perm = &n->attr[0].ints;

    return perm->n ? (int)perm->v[axis] : n->type.rank - 1 - axis;
}

/* A transposition of a transposition is one, or none. */
static val copy_transpose(struct simplify *s, const struct node *n, val x)
{
    const struct node *first = graph_node(s->g, x);
    int perm[MAX_RANK];
    bool moves = false;

    if (first->op != &op_Transpose)
        return graph_copy(s->g, n, &x);
    for (int i = 0; i < n->type.rank; i++) {
        perm[i] = axis_before(first, axis_before(n, i));
        moves |= perm[i] != i;
    }
    if (!moves)
        return first->in[0];
    s->g->at = n->at;
    s->g->path = n->path;
    return val_transpose(s->g, first->in[0], perm);
}

/*
 * Relu's gradient behind MaxPool's goes before it: of the elements of a window only
 * the largest gets a gradient, and it is above zero just where the window's result
 * is.  The bits are the same, made on fewer elements, and Relu's result need not be
 * kept for them.
 */
static val copy_relu_grad(struct simplify *s, const struct node *n,
                          const val *in)
{
    const struct node *spread = graph_node(s->g, in[0]), *index, *pool;
    val y, dy;

    if (spread->op != &op_MaxPoolGrad)
        return graph_copy(s->g, n, in);
    index = graph_node(s->g, spread->in[1]);
    if (index->op != &op_Result)
        return graph_copy(s->g, n, in);
    pool = graph_node(s->g, index->in[0]);
    if (pool->op != &op_MaxPoolIndex || pool->in[0].id != in[1].id)
        return graph_copy(s->g, n, in);
    s->g->at = n->at;
    s->g->path = n->path;
    y = merge(s, graph_result(s->g, index->in[0], 0));
    dy = graph_add(s->g, &op_ReluGrad, (val[]){spread->in[0], y}, 2, NULL);
    return graph_add(s->g, &op_MaxPoolGrad, (val[]){dy, spread->in[1]}, 2,
                     spread->attr);
}

static val copy(struct simplify *s, int id, const val *in)
{
    const struct node *n = s->old->node[id];

    if (n->leaf)
        return copy_leaf(s, n);
    if (n->op == &op_Transpose)
        return copy_transpose(s, n, in[0]);
    if (n->op == &op_ReluGrad)
        return copy_relu_grad(s, n, in);
    if (s->cut[id])
        return channels_copy(s->g, n, in);
    if (n->op == &op_Result && only_first(s, n->in[0].id))
        return in[0];
    if (!only_first(s, id))
        return graph_copy(s->g, n, in);
    s->g->at = n->at;
    s->g->path = n->path;
    return graph_add(s->g, n->op->alone, in, n->nin, n->attr);
}

static void copy_node(struct simplify *s, int id)
{
    const struct node *n = s->old->node[id];
    val *in = ARENA_NEW(s->g->arena, val, (size_t)n->nin + 1);
    val v;

    for (int k = 0; k < n->nin; k++)
        in[k] = s->map[n->in[k].id];
    v = copy(s, id, in);
    if (v.id && (!n->leaf || n->leaf->constant))
        v = merge(s, fold(s->g, v));
    s->map[id] = v;
}

static void find_results(struct simplify *s, const bool *used)
{
    for (int id = 1; id < s->old->len; id++) {
        const struct node *n = s->old->node[id];

        if (used[id] && n->op == &op_Result)
            s->results[n->in[0].id] |= 1U << n->attr[0].i;
    }
}

void simplify(const struct graph *old, struct graph *g)
{
    struct simplify s = {.old = old, .g = g};
    bool *used = graph_used(old, ~0U);
    size_t room = 64;

    graph_init_like(g, old);
    while (room < 4 * (size_t)old->len)
        room *= 2;
    s.mask = room - 1;
    s.table = ARENA_NEW(g->arena, int, room);
    s.map = ARENA_NEW(g->arena, val, (size_t)old->len);
    s.results = ARENA_NEW(g->arena, unsigned, (size_t)old->len);
    find_results(&s, used);
    s.cut = channels_cut(old, used);
    for (int id = 1; id < old->len; id++)
        if (used[id])
            copy_node(&s, id);
    graph_finish_copy(old, g, s.map);
}
