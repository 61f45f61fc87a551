/*
 * layout.c: files and users see channels behind the batch; convolutions, pools
 * and norms run with channels last.
 *
 * Each such op gets its operands converted and its result converted back; then
 * the conversions are cancelled, by keeping for each value both forms and making
 * one only when somebody wants it.  Pointwise ops, and reductions whose axes can
 * be renumbered, run in the form that is at hand.  A parameter that is read in
 * one form only is stored in that form: what its files and readers see does not
 * change (struct leaf, perm).
 */
#include <string.h>

#include "compiler/op.h"
#include "compiler/passes.h"

enum { MIXED = -1, UNREAD = -2 };

struct pass {
    const struct graph *old;
    struct graph *g;
    bool cancel;
    val *user;         /* by old id: in the user's order, or empty */
    val *other;        /* in another, or empty */
    enum layout *form; /* which other */
    int *stored;       /* of a leaf: the layout that all its readers want */
};

/* Stored dimension k is the user's perm[k]; returns how many, always rank. */
static int perm_of(enum layout form, int rank, int *perm)
{
    int n = 0, lead = form == LAYOUT_LANES;

    if (lead)
        perm[n++] = 0;
    if (form == LAYOUT_LAST)
        perm[n++] = 0;
    for (int d = 2 + lead; d < rank; d++)
        perm[n++] = d;
    if (rank > 1 + lead)
        perm[n++] = 1 + lead;
    if (form != LAYOUT_LAST)
        perm[n++] = lead;
    return n;
}

static void invert(const int *perm, int rank, int *inverse)
{
    for (int i = 0; i < rank; i++)
        inverse[perm[i]] = i;
}

/* A transposition that only moves dimensions of one element is a view. */
static bool moves_nothing(const struct type *t, const int *perm)
{
    int before = -1;

    for (int i = 0; i < t->rank; i++) {
        if (t->dim[perm[i]] == 1)
            continue;
        if (perm[i] < before)
            return false;
        before = perm[i];
    }
    return true;
}

static val convert(struct graph *g, val v, const int *perm)
{
    const struct type *t = type_of(g, v);
    int64_t dim[MAX_RANK];
    int batch = 0;

    if (!v.id || !moves_nothing(t, perm))
        return v.id ? val_transpose(g, v, perm) : v;
    for (int i = 0; i < t->rank; i++) {
        dim[i] = t->dim[perm[i]];
        if (t->batch == perm[i] + 1)
            batch = i + 1;
    }
    return val_reshape(g, v, dim, t->rank, batch);
}

static val in_user(struct pass *p, int id)
{
    int perm[MAX_RANK], inverse[MAX_RANK];
    int rank = p->old->node[id]->type.rank;

    if (!p->user[id].id && p->other[id].id) {
        perm_of(p->form[id], rank, perm);
        invert(perm, rank, inverse);
        p->user[id] = convert(p->g, p->other[id], inverse);
    }
    return p->user[id];
}

static val in_form(struct pass *p, int id, enum layout form)
{
    int perm[MAX_RANK];
    val v;

    if (form == LAYOUT_USER || p->old->node[id]->type.rank < 2)
        return in_user(p, id);
    if (p->other[id].id && p->form[id] == form)
        return p->other[id];
    perm_of(form, p->old->node[id]->type.rank, perm);
    v = convert(p->g, in_user(p, id), perm);
    if (p->cancel) {
        p->other[id] = v;
        p->form[id] = form;
    }
    return v;
}

static void give(struct pass *p, int id, val v, enum layout form)
{
    if (form == LAYOUT_USER || p->old->node[id]->type.rank < 2) {
        p->user[id] = v;
        return;
    }
    p->other[id] = v;
    p->form[id] = form;
    if (p->cancel)
        return;
    in_user(p, id);
    p->other[id] = (val){0};
}

/* ---- leaves ---- */

static void read_as(struct pass *p, int id, enum layout form)
{
    if (p->stored[id] == UNREAD)
        p->stored[id] = (int)form;
    else if (p->stored[id] != (int)form)
        p->stored[id] = MIXED;
}

static void find_stored(struct pass *p)
{
    const struct graph *old = p->old;

    for (int id = 1; id < old->len; id++)
        p->stored[id] = UNREAD;
    for (int id = 1; id < old->len; id++) {
        const struct node *n = old->node[id];

        for (int k = 0; k < n->nin; k++) {
            if (n->op->layout_follows || !n->in[k].id)
                continue;
            read_as(p, n->in[k].id,
                    n->op->layout_in ? n->op->layout_in[k] : LAYOUT_USER);
        }
    }
}

static bool can_be_stored(const struct leaf *leaf)
{
    return leaf->kind == PLAN_PARAMETER || leaf->kind == PLAN_STATE ||
           leaf->kind == PLAN_ACCUMULATOR || leaf->kind == PLAN_OBSERVED;
}

static void copy_leaf(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    int owner = n->leaf->like ? n->leaf->like : id, form = p->stored[owner];
    struct type t = n->type;
    struct leaf leaf = *n->leaf;

    p->g->at = n->at;
    if (!p->cancel || !can_be_stored(&leaf) || form <= LAYOUT_USER ||
        t.rank < 2 || leaf.permuted) {
        p->user[id] = graph_leaf(p->g, &t, &leaf);
        return;
    }
    perm_of((enum layout)form, t.rank, leaf.perm);
    leaf.permuted = true;
    for (int i = 0; i < t.rank; i++)
        t.dim[i] = n->type.dim[leaf.perm[i]];
    give(p, id, graph_leaf(p->g, &t, &leaf), (enum layout)form);
}

/* ---- ops that want a form ---- */

static val add_like(struct pass *p, const struct node *n, const val *in,
                    const union attr *attr)
{
    p->g->at = n->at;
    p->g->path = n->path;
    return graph_add(p->g, n->op, in, n->nin, attr);
}

static union attr *attrs_of(struct pass *p, const struct node *n)
{
    size_t count = (size_t)op_attrs(n->op);
    union attr *attr = ARENA_NEW(p->g->arena, union attr, count + 1);

    memcpy(attr, n->attr, count * sizeof *attr);
    return attr;
}

static val *operands(struct pass *p, const struct node *n)
{
    return ARENA_NEW(p->g->arena, val, (size_t)n->nin + 1);
}

static void copy_wanting(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    union attr *attr = attrs_of(p, n);
    val *in = operands(p, n), v;

    for (int k = 0; k < n->nin; k++)
        if (n->in[k].id)
            in[k] = in_form(p, n->in[k].id, n->op->layout_in[k]);
    attr[op_attr(n->op, "channels_last")].i = 1;
    v = add_like(p, n, in, attr);
    if (n->op->nout)
        p->user[id] = v;
    else
        give(p, id, v, n->op->layout_out[0]);
}

/* Result k of a tuple whose op has layouts, or follows. */
static void copy_result(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    int tuple = n->in[0].id, k = (int)n->attr[0].i;
    const struct op *op = p->old->node[tuple]->op;
    val v = add_like(p, n, &p->user[tuple], n->attr);

    if (op->layout_out)
        give(p, id, v, op->layout_out[k]);
    else
        give(p, id, v, p->form[tuple]);
}

/* ---- ops that take any form ---- */

/* The form of the operand with most dimensions, if it is at hand. */
static enum layout form_at_hand(const struct pass *p, const struct node *n,
                                int rank)
{
    if (!p->cancel)
        return LAYOUT_USER;
    for (int k = 0; k < n->nin; k++) {
        int id = n->in[k].id;

        if (id && p->other[id].id && p->old->node[id]->type.rank == rank)
            return p->form[id];
    }
    return LAYOUT_USER;
}

static int rank_of(const struct pass *p, const struct node *n)
{
    int rank = 0;

    for (int k = 0; k < n->nin; k++)
        if (n->in[k].id && p->old->node[n->in[k].id]->type.rank > rank)
            rank = p->old->node[n->in[k].id]->type.rank;
    return rank;
}

/* An operand of fewer dimensions gets leading ones, then the form. */
static val widened(struct pass *p, int id, enum layout form, int rank)
{
    const struct type *t = &p->old->node[id]->type;
    int64_t dim[MAX_RANK];
    int perm[MAX_RANK], extra = rank - t->rank;
    val v;

    if (t->rank == rank)
        return in_form(p, id, form);
    if (type_count(t) == 1)
        return in_user(p, id);
    for (int i = 0; i < rank; i++)
        dim[i] = i < extra ? 1 : t->dim[i - extra];
    v = val_reshape(p->g, in_user(p, id), dim, rank,
                    t->batch ? t->batch + extra : 0);
    perm_of(form, rank, perm);
    return convert(p->g, v, perm);
}

/* A value, or a tuple whose results are all in one form. */
static void give_any(struct pass *p, int id, val v, enum layout form)
{
    if (!p->old->node[id]->op->nout) {
        give(p, id, v, form);
        return;
    }
    p->user[id] = v;
    p->form[id] = form;
}

static void copy_following(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    int rank = rank_of(p, n);
    enum layout form = form_at_hand(p, n, rank);
    val *in = operands(p, n);

    for (int k = 0; k < n->nin; k++) {
        if (!n->in[k].id)
            continue;
        in[k] = form == LAYOUT_USER ? in_user(p, n->in[k].id)
                                    : widened(p, n->in[k].id, form, rank);
    }
    give_any(p, id, add_like(p, n, in, n->attr), form);
}

static int64_t renumbered(int64_t axis, const int *inverse, int rank)
{
    return inverse[axis < 0 ? axis + rank : axis];
}

/* Tables beside the operands have fewer dimensions, and stay as they are. */
static void copy_axis(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    int rank = rank_of(p, n), perm[MAX_RANK], inverse[MAX_RANK];
    enum layout form = form_at_hand(p, n, rank);
    union attr *attr = attrs_of(p, n);
    int at = op_attr(n->op, "axis");
    val *in = operands(p, n);

    for (int k = 0; k < n->nin; k++)
        in[k] = p->old->node[n->in[k].id]->type.rank == rank
                    ? in_form(p, n->in[k].id, form)
                    : in_user(p, n->in[k].id);
    if (form != LAYOUT_USER) {
        perm_of(form, rank, perm);
        invert(perm, rank, inverse);
        attr[at].i = renumbered(attr[at].i, inverse, rank);
    }
    give_any(p, id, add_like(p, n, in, attr), form);
}

/* Lists of one number per dimension are reordered with the operand. */
static void copy_lists(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    int rank = rank_of(p, n), perm[MAX_RANK];
    enum layout form = form_at_hand(p, n, rank);
    union attr *attr = attrs_of(p, n);
    int64_t list[MAX_RANK];
    val in = in_form(p, n->in[0].id, form);

    perm_of(form, rank, perm);
    for (int i = 0; form != LAYOUT_USER && i < op_attrs(n->op); i++) {
        if (n->op->attr[i].kind != ATTR_INTS)
            continue;
        for (int d = 0; d < rank; d++)
            list[d] = attr[i].ints.v[perm[d]];
        attr[i].ints = ints_copy(p->g, list, rank);
    }
    give(p, id, add_like(p, n, &in, attr), form);
}

static bool is_gone(const struct ints *axes, int d, int rank)
{
    for (int k = 0; k < axes->n; k++)
        if ((axes->v[k] + rank) % rank == d)
            return true;
    return false;
}

/* Do the dimensions that a reduction leaves keep their order, and those that it
 * sums, samples apart, stand together? */
static bool keeps_order(const struct node *n, int at, const int *perm, int rank)
{
    const struct ints *axes = &n->attr[at].ints;
    int keep = op_attr(n->op, "keepdims"), before = -1, runs = 0;
    bool inside = false;

    if (!axes->n || (keep >= 0 && n->attr[keep].i))
        return false;
    for (int i = 0; i < rank; i++) {
        bool gone = is_gone(axes, perm[i], rank);

        runs += i && gone && !inside;
        inside = i && gone;
        if (gone)
            continue;
        if (perm[i] < before)
            return false;
        before = perm[i];
    }
    return runs <= 1;
}

static void copy_axes(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    int x = n->in[0].id, rank = p->old->node[x]->type.rank;
    int perm[MAX_RANK], inverse[MAX_RANK], at = op_attr(n->op, "axes");
    enum layout form = form_at_hand(p, n, rank);
    union attr *attr = attrs_of(p, n);
    int64_t axis[MAX_RANK];
    val *in = operands(p, n);

    perm_of(form, rank, perm);
    if (form != LAYOUT_USER && !keeps_order(n, at, perm, rank))
        form = LAYOUT_USER;
    for (int k = 0; k < n->nin; k++)
        in[k] = k ? in_user(p, n->in[k].id) : in_form(p, x, form);
    if (form != LAYOUT_USER) {
        invert(perm, rank, inverse);
        for (int k = 0; k < attr[at].ints.n; k++)
            axis[k] = renumbered(attr[at].ints.v[k], inverse, rank);
        attr[at].ints = ints_copy(p->g, axis, attr[at].ints.n);
    }
    p->user[id] = add_like(p, n, in, attr);
}

/* The lanes' sum of weights in their form is the weights' gradient in theirs. */
static void copy_lane_sum(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    int x = n->in[0].id;
    bool lanes = p->cancel && p->other[x].id && p->form[x] == LAYOUT_LANES;
    val in = lanes ? p->other[x] : in_user(p, x);

    give(p, id, add_like(p, n, &in, n->attr),
         lanes ? LAYOUT_WEIGHTS : LAYOUT_USER);
}

static void copy_plain(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];
    val *in = operands(p, n);

    for (int k = 0; k < n->nin; k++)
        if (n->in[k].id)
            in[k] = in_user(p, n->in[k].id);
    p->user[id] = add_like(p, n, in, n->attr);
}

static void copy_node(struct pass *p, int id)
{
    const struct node *n = p->old->node[id];

    p->g->at = n->at;
    p->g->path = n->path;
    if (n->leaf)
        copy_leaf(p, id);
    else if (n->op == &op_Result)
        copy_result(p, id);
    else if (n->op == &op_LaneSum)
        copy_lane_sum(p, id);
    else if (n->op->layout_in)
        copy_wanting(p, id);
    else if (n->op->layout_follows)
        copy_following(p, id);
    else if (n->op->axis_follows)
        copy_axis(p, id);
    else if (n->op->lists_follow)
        copy_lists(p, id);
    else if (n->op->axes_follow)
        copy_axes(p, id);
    else
        copy_plain(p, id);
}

/* An assigned value takes the form in which its leaf is stored. */
static void copy_assignments(struct pass *p)
{
    for (int i = 0; i < p->old->nassign; i++) {
        const struct assign *a = &p->old->assign[i];
        bool moved = p->other[a->leaf.id].id && !p->user[a->leaf.id].id;

        p->g->at = p->old->node[a->value.id]->at;
        p->g->path = p->old->node[a->value.id]->path;
        if (moved)
            graph_assign(p->g, a->sequences, p->other[a->leaf.id],
                         in_form(p, a->value.id, p->form[a->leaf.id]));
        else
            graph_assign(p->g, a->sequences, p->user[a->leaf.id],
                         in_user(p, a->value.id));
    }
    graph_copy_meters(p->old, p->g, p->user);
}

void layout(const struct graph *old, struct graph *g, bool cancel)
{
    struct pass p = {.old = old, .g = g, .cancel = cancel};
    size_t n = (size_t)old->len;

    graph_init_like(g, old);
    p.user = ARENA_NEW(g->arena, val, n);
    p.other = ARENA_NEW(g->arena, val, n);
    p.form = ARENA_NEW(g->arena, enum layout, n);
    p.stored = ARENA_NEW(g->arena, int, n);
    find_stored(&p);
    for (int id = 1; id < old->len && !g->diag->failed; id++)
        copy_node(&p, id);
    copy_assignments(&p);
}
