/*
 * numerics.c: a digest of everything that decides bits.
 *
 * Each value's digest is over its op, attributes, kernel and its operands'
 * digests; the plan's is over what its assignments bring about.  The batch
 * stands in it as the effective one, accumulators and their options not at all,
 * so that a plan cut into micro-batches, which gives the same bits, has the same
 * digest.
 *
 * What is left out cannot change a bit: the order of steps, repeats, offsets,
 * launch sizes, the budget.  Two compiles with equal digests give equal weights
 * on equal devices, which the tests compare.
 */
#include <string.h>

#include "compiler/emit.h"
#include "compiler/fused.h"

struct digest {
    char hex[65];
};

static void add_text(struct sha256 *h, const char *s)
{
    sha256_add(h, s ? s : "", (s ? strlen(s) : 0) + 1);
}

static void add_int(struct sha256 *h, int64_t v)
{
    sha256_add(h, &v, sizeof v);
}

/* A dimension of samples, or a multiple of them, stands as it would with the
 * whole batch. */
static void add_type(struct sha256 *h, const struct graph *g,
                     const struct type *t)
{
    add_int(h, t->dtype);
    for (int d = 0; d < t->rank; d++) {
        int64_t n = t->dim[d];

        if (t->batch == d + 1 && g->batch)
            n = n / g->batch * g->effective;
        add_int(h, n);
    }
    add_int(h, t->batch);
}

/* The type says these again, and says them of the effective batch. */
static bool is_in_type(const char *attr)
{
    return strcmp(attr, "batch") == 0 || strcmp(attr, "dim") == 0 ||
           strcmp(attr, "shape") == 0;
}

static void add_fused(struct sha256 *h, const struct fused *f);
static void add_attrs(struct sha256 *h, const struct op *op,
                      const union attr *attr)
{
    for (int i = 0; op->attr && op->attr[i].name; i++) {
        const union attr *a = &attr[i];

        if (is_in_type(op->attr[i].name))
            continue;
        switch (op->attr[i].kind) {
        case ATTR_STRING:
            add_text(h, a->s);
            break;
        case ATTR_INTS:
            sha256_add(h, a->ints.v, (size_t)a->ints.n * sizeof(int64_t));
            break;
        case ATTR_TENSOR:
            if (op == &op_Fused || op == &op_Piece)
                add_fused(h, a->fused);
            break;
        default:
            sha256_add(h, &a->i, sizeof a->i);
        }
    }
}

static void add_leaf(struct sha256 *h, const struct leaf *leaf)
{
    const struct tensor *c = leaf->constant;

    add_text(h, plan_kind_name(leaf->kind));
    if (c)
        sha256_add(h, c->data, (size_t)type_count(&c->type) * sizeof *c->data);
    else
        add_text(h, leaf->name);
}

/* A view's attributes hold its shape with the micro-batch; its type, which was
 * added already, says the same with the effective batch. */
static void digest_node(const struct graph *g, int id, const char *kernel,
                        struct digest *all)
{
    const struct node *n = g->node[id];
    struct sha256 h;

    sha256_init(&h);
    add_text(&h, n->op->name);
    if (n->leaf)
        add_leaf(&h, n->leaf);
    for (int k = 0; k < n->nout; k++)
        add_type(&h, g, n->op->nout ? &n->out[k] : &n->type);
    if (!n->op->is_view)
        add_attrs(&h, n->op, n->attr);
    add_text(&h, kernel);
    for (int k = 0; k < n->nin; k++) {
        const struct leaf *leaf = g->node[n->in[k].id]->leaf;

        if (!leaf || leaf->kind != PLAN_ACCUMULATOR)
            add_text(&h, all[n->in[k].id].hex);
    }
    sha256_hex(&h, all[id].hex);
}

/* By node; null for nodes that make no step.  A node that several sequences
 * compute has the same kernel in all, the choice being of its problem alone. */
static const char **kernels_of(const struct graph *g, struct steps *const *seq)
{
    const char **kernel = ARENA_NEW(g->arena, const char *, (size_t)g->len);

    for (int s = 0; s < SEQ_KINDS; s++)
        for (int i = 0; seq[s] && i < seq[s]->n; i++)
            if (seq[s]->step[i].node)
                kernel[seq[s]->step[i].node] = seq[s]->step[i].kernel;
    return kernel;
}

void numerics_digest(const struct graph *g, struct steps *const *seq,
                     const struct device_profile *profile, char hex[65])
{
    struct digest *all = ARENA_NEW(g->arena, struct digest, (size_t)g->len);
    const char **kernel = kernels_of(g, seq);
    struct sha256 h;

    for (int id = 1; id < g->len; id++)
        digest_node(g, id, kernel[id], all);
    sha256_init(&h);
    add_text(&h, profile->name);
    add_int(&h, g->effective);
    for (int i = 0; i < g->nassign; i++) {
        const struct assign *a = &g->assign[i];

        if (graph_node(g, a->leaf)->leaf->kind == PLAN_ACCUMULATOR)
            continue;
        add_text(&h, graph_node(g, a->leaf)->leaf->name);
        add_text(&h, all[a->value.id].hex);
    }
    sha256_hex(&h, hex);
}

static void add_fused(struct sha256 *h, const struct fused *f)
{
    add_int(h, f->n);
    for (int i = 0; i < f->n; i++) {
        const struct fused_step *s = &f->step[i];

        add_text(h, s->op->name);
        add_int(h, s->dtype);
        for (int k = 0; k < s->nin; k++)
            add_int(h, s->in[k]);
        add_attrs(h, s->op, s->attr);
    }
}
