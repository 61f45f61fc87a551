/*
 * channels.c: convolutions and their data gradients, cut where a Concat joins their
 * channels.
 *
 * A convolution sums over channels c of x, so that of a Concat is the sum of those of
 * its operands, each with its slice of w.  And dx[c] is the sum over k of
 * dy[k] w[k, c], so what a Concat's gradient slices out of dx is made by the same
 * slice of w.  Then neither the Concat nor its gradient is ever there, in a U-Net the
 * largest buffers of a step: operands are kept or computed again one by one, and
 * nothing is copied.  conv.c does the same for the gradient of w.
 *
 * Only where channels are last, so that what reads the weights has had no say in
 * their order.
 */
#include "compiler/channels.h"

#include <string.h>

#include "compiler/ops/concat.h"
#include "compiler/ops/remap.h"

enum { VECTOR = 16 }; /* of channels, in which kernels compute */

/* How a Concat or a ConvGradX is read. */
struct readers {
    int64_t pieces, vectors; /* of slices */
    bool others;
};

/* The dimension of channels, of x and dx [N, ..., C] and of w [..., C, K]. */
static int channels(const struct type *x)
{
    return x->rank - 1;
}

static int weight_channels(const struct type *w)
{
    return w->rank - 2;
}

static bool is_ours(const struct node *n, const struct op *op)
{
    return n->op == op && n->attr[op_attr(op, "group")].i == 1 &&
           n->attr[op_attr(op, "channels_last")].i;
}

/* ---- what is cut ---- */

/* Sums are stored between, which in f16 would round them. */
static bool is_sum(const struct graph *g, const struct node *n)
{
    const struct node *x = graph_node(g, n->in[0]);

    return is_ours(n, &op_Conv) && x->op == &op_Concat &&
           concat_axis(x, x->type.rank) == channels(&x->type) &&
           n->type.dtype == DT_F32 && concat_read_apart(x, &n->type);
}

static bool is_slice(const struct graph *g, const struct node *n)
{
    const struct type *x = type_of(g, n->in[0]);

    if (n->op != &op_Remap)
        return false;
    for (int d = 0; d < x->rank; d++) {
        int64_t add = n->attr[REMAP_ADD].ints.v[d];

        if (n->attr[REMAP_MUL].ints.v[d] != 1 ||
            n->attr[REMAP_DIV].ints.v[d] != 1 || add < 0 ||
            add + n->type.dim[d] > x->dim[d] ||
            (n->type.dim[d] == x->dim[d]) == (d == channels(x)))
            return false;
    }
    return true;
}

static int64_t vectors_of(const struct type *t)
{
    return (t->dim[channels(t)] + VECTOR - 1) / VECTOR;
}

static void count_reader(const struct graph *g, const struct node *n, int k,
                         struct readers *r)
{
    const struct op *op = graph_node(g, n->in[k])->op;

    if (op == &op_ConvGradX && is_slice(g, n)) {
        r->pieces++;
        r->vectors += vectors_of(&n->type);
    } else {
        r->others |= op != &op_Concat || k > 0 || !is_sum(g, n);
    }
}

/* Where no vector is computed more, and dy is read again for fewer bytes than
 * copies of slices read and write. */
static bool is_sliced(const struct graph *g, const struct node *n,
                      const struct readers *r)
{
    return is_ours(n, &op_ConvGradX) && r->pieces && !r->others &&
           r->vectors <= vectors_of(&n->type) &&
           (r->pieces - 1) * type_count(type_of(g, n->in[0])) <=
               2 * type_count(&n->type);
}

bool *channels_cut(const struct graph *g, const bool *used)
{
    struct readers *r = ARENA_NEW(g->arena, struct readers, (size_t)g->len);
    bool *cut = ARENA_NEW(g->arena, bool, (size_t)g->len);

    for (int id = 1; id < g->len; id++)
        for (int k = 0; used[id] && k < g->node[id]->nin; k++)
            count_reader(g, g->node[id], k, &r[g->node[id]->in[k].id]);
    for (int i = 0; i < g->nassign; i++)
        r[g->assign[i].value.id].others = true;
    for (int id = 1; id < g->len; id++) {
        const struct node *n = g->node[id];
        int x = n->nin ? n->in[0].id : 0;

        if (used[id] && n->op == &op_Remap)
            cut[id] = is_sliced(g, g->node[x], &r[x]);
        else if (used[id] && n->op == &op_Conv)
            cut[id] = is_sum(g, n) && !r[x].others;
    }
    return cut;
}

/* ---- cutting ---- */

/* Of w: `len` channels from `at` on. */
static val weight_slice(struct graph *g, val w, int64_t at, int64_t len)
{
    const struct type *t = type_of(g, w);
    struct remap r = {.outside = COPY_FILL};

    memcpy(r.dim, t->dim, sizeof r.dim);
    for (int d = 0; d < t->rank; d++)
        r.mul[d] = r.div[d] = 1;
    r.dim[weight_channels(t)] = len;
    r.add[weight_channels(t)] = at;
    return val_remap(g, w, &r);
}

/* The bias goes with the first. */
static val sum_of(struct graph *g, const struct node *n, const val *in)
{
    const struct node *x = graph_node(g, in[0]);
    int64_t at = 0;
    val sum = {0};

    for (int k = 0; k < x->nin; k++) {
        int64_t len = type_of(g, x->in[k])->dim[channels(&x->type)];
        val part[] = {x->in[k], weight_slice(g, in[1], at, len), in[2]};
        val y = graph_add(g, &op_Conv, part, k ? 2 : n->nin, n->attr);

        sum = k ? val_add(g, sum, y) : y;
        at += len;
    }
    return sum;
}

static val slice_of(struct graph *g, const struct node *n, val dx)
{
    const struct node *all = graph_node(g, dx);
    int d = channels(&n->type);
    val w = weight_slice(g, all->in[1], n->attr[REMAP_ADD].ints.v[d],
                         n->type.dim[d]);

    return graph_add(g, &op_ConvGradX, (val[]){all->in[0], w}, 2, all->attr);
}

val channels_copy(struct graph *g, const struct node *n, const val *in)
{
    g->at = n->at;
    g->path = n->path;
    return n->op == &op_Conv ? sum_of(g, n, in) : slice_of(g, n, in[0]);
}
