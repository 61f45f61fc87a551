/*
 * fuse_again.c: pointwise values that their late readers compute again.
 *
 * relu(norm(x)) is read at once, and much later by Relu's gradient.  Kept until
 * then it costs its bytes; but x is kept as well, for norm's gradient.  When the
 * late reader is pointwise it can read x in place of relu(norm(x)): as many bytes
 * are read, and one buffer less lives from the forward to the backward pass.
 *
 * A Concat that can be cut is such a reader, too: one chain writes each piece.
 *
 * The rule, for a value v and its readers from the last one backwards: the reader
 * can have v's chain inside; whatever large the chain reads is alive then in any
 * case; the reader's large operands do not become more; and some kernel that is
 * not pointwise lies between it and the reader before, or nothing would be gained.
 * It ends at the first reader that fails, since v lives that long then.
 *
 * Times are ids: the natural order, in which plans are scheduled but for updates.
 */
#include "compiler/fuse.h"
#include "compiler/op.h"

struct life {
    const struct graph *g;
    struct chains *c;
    int *time;  /* when a node reads its operands; views: their last reader */
    int *end;   /* when a value is read last; its own id: never */
    int *heavy; /* how many nodes up to an id are neither pointwise nor views */
    bool *pinned; /* read by a chain that makes something again */
};

/* An operand of no weight beside v: a row of statistics, a scalar. */
enum { SMALL = 16 };

/* In the effective batch: a micro-batch is fused in the same way. */
static uint64_t whole_bytes(const struct graph *g, const struct type *t)
{
    uint64_t bytes = type_bytes(t);

    return t->batch ? bytes / (uint64_t)g->batch * (uint64_t)g->effective
                    : bytes;
}

static bool is_small(const struct life *l, int id, const struct type *v)
{
    return whole_bytes(l->g, &l->g->node[id]->type) * SMALL <=
           whole_bytes(l->g, v);
}

static bool is_heavy(const struct node *n)
{
    return !n->leaf && !n->op->formula && !n->op->is_view &&
           n->op != &op_Result;
}

/* From the last node to the first, so that readers come before what they read. */
static void find_lives(struct life *l)
{
    const struct graph *g = l->g;

    for (int i = 0; i < g->nassign; i++)
        l->end[g->assign[i].value.id] = g->len;
    for (int id = g->len - 1; id > 0; id--) {
        const struct node *n = g->node[id];
        bool passes = n->op && (n->op->is_view || l->c->absorbed[id]);

        if (!l->c->used[id])
            continue;
        l->time[id] = passes && l->end[id] > id ? l->end[id] : id;
        for (int k = 0; k < n->nin; k++)
            if (l->end[n->in[k].id] < l->time[id])
                l->end[n->in[k].id] = l->time[id];
    }
    for (int id = 1; id < g->len; id++)
        l->heavy[id] = l->heavy[id - 1] +
                       (l->c->used[id] && is_heavy(g->node[id]));
}

static bool reads(const struct chain *c, int id)
{
    for (int k = 0; k < c->nin; k++)
        if (c->in[k] == id)
            return true;
    return false;
}

/* May this reader have v's chain inside instead of v? */
static bool can_have(const struct life *l, int v, int reader)
{
    const struct chain *part = l->c->chain[v], *into = l->c->chain[reader];
    const struct type *t = &l->g->node[v]->type;
    bool cut = fuse_can_cut(l->g, l->g->node[reader]);
    int more = 0;

    if (!cut && (!into || !fuse_same_shape(t, &l->g->node[reader]->type)))
        return false;
    for (int k = 0; k < part->nin; k++) {
        int x = part->in[k];

        if (is_small(l, x, t))
            continue;
        if (!l->g->node[x]->leaf && l->end[x] < l->time[reader])
            return false;
        more += cut || !reads(into, x);
    }
    return more <= 1;
}

static bool reads_value(const struct node *n, int v)
{
    for (int k = 0; k < n->nin; k++)
        if (n->in[k].id == v)
            return true;
    return false;
}

static bool makes_again(const struct life *l, int reader, int v)
{
    const struct node *n = l->g->node[reader];

    for (int k = 0; k < n->nin; k++)
        if (n->in[k].id == v && l->c->again[reader] >> k & 1)
            return true;
    return false;
}

/* The last reader that needs v itself, and in *before when the one before it
 * reads; 0: there is none. */
static int last_reader(const struct life *l, int v, int *before)
{
    int last = 0;

    *before = v;
    for (int id = v + 1; id <= l->end[v]; id++) { /* a candidate ends */
        if (!l->c->used[id] || !reads_value(l->g->node[id], v) ||
            makes_again(l, id, v))
            continue;
        if (!last || l->time[id] >= l->time[last]) {
            *before = last ? l->time[last] : v;
            last = id;
        } else if (l->time[id] > *before) {
            *before = l->time[id];
        }
    }
    return last;
}

static void make_again(struct life *l, int v, int reader)
{
    const struct node *n = l->g->node[reader];
    const struct chain *part = l->c->chain[v];

    for (int k = 0; k < n->nin; k++)
        if (n->in[k].id == v)
            l->c->again[reader] |= 1U << k;
    for (int k = 0; k < part->nin; k++)
        l->pinned[part->in[k]] = true;
}

/* Activations that several read and none but nodes. */
static bool is_candidate(const struct life *l, int id)
{
    return l->c->used[id] && l->c->chain[id] && !l->c->absorbed[id] &&
           l->c->uses[id] > 1 && l->g->node[id]->type.batch &&
           l->end[id] < l->g->len && !l->pinned[id];
}

static void look_at(struct life *l, int v)
{
    int before, reader;

    while ((reader = last_reader(l, v, &before)) && before > v &&
           l->heavy[l->time[reader]] > l->heavy[before] &&
           can_have(l, v, reader))
        make_again(l, v, reader);
}

void fuse_again(const struct graph *g, struct arena *a, struct chains *c)
{
    size_t n = (size_t)g->len + 1;
    struct life l = {g,
                     c,
                     ARENA_NEW(a, int, n),
                     ARENA_NEW(a, int, n),
                     ARENA_NEW(a, int, n),
                     ARENA_NEW(a, bool, n)};

    find_lives(&l);
    for (int id = g->len - 1; id > 0; id--)
        if (is_candidate(&l, id))
            look_at(&l, id);
}
