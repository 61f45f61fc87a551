/*
 * inplace.c: which buffers are one place.
 *
 * First the moves: the value that must end up in a leaf is made there, when the
 * step that makes it comes after every reader of the leaf's old content (itself
 * reading it element by element is fine).  Otherwise a copy at the end.  Then
 * transients: a result goes over an operand that dies there, where the kernel
 * allows it.  No bit changes: only places do.
 *
 * Cost: linear in the steps' operands, times the operands of one step.  The
 * order of steps is fixed before; a step that is repeated by recompute.c is a
 * step like others here, with results of its own.
 */
#include <string.h>

#include "compiler/lower.h"

enum { FOREVER = 1 << 30 };

struct places {
    struct steps *s;
    int *made; /* step that writes a buffer, -1 for leaves */
    int *last; /* last step that reads any buffer of this root */
    int *root;
};

static void find_lifetimes(struct places *p)
{
    for (int b = 0; b < p->s->nbuffer; b++) {
        p->made[b] = p->last[b] = -1;
        p->root[b] = b;
    }
    for (int i = 0; i < p->s->n; i++) {
        const struct step *t = &p->s->step[i];

        for (int k = 0; k < t->nuse; k++) {
            const struct use *u = &t->use[k];

            if (u->access != PLAN_READ && p->made[u->buffer] < 0)
                p->made[u->buffer] = i;
            p->last[u->buffer] = i;
        }
    }
}

/* May a write share its memory with every read of what lies at a place?  A read
 * elsewhere than at the element that is written at that moment would see the
 * new content: the kernel says of which reads that cannot happen. */
static bool goes_over(const struct places *p, const struct step *t,
                      const struct use *out, int root)
{
    for (int k = 0; k < t->nuse; k++)
        if (t->use[k].access == PLAN_READ &&
            p->root[t->use[k].buffer] == root && !(out->over >> k & 1))
            return false;
    return true;
}

static const struct use *write_of(const struct step *t, int buffer)
{
    for (int k = 0; k < t->nuse; k++)
        if (t->use[k].access == PLAN_WRITE && t->use[k].buffer == buffer)
            return &t->use[k];
    return NULL;
}

/* May the value be made in the leaf's own memory?  Then everybody who wants the
 * old content has run before, or is the step itself.  Without permission only a
 * leaf that nobody reads is written in place. */
static bool move_is_legal(const struct places *p, const struct move *m,
                          bool allowed)
{
    int d = p->made[m->value];
    const struct use *u = d < 0 ? NULL : write_of(&p->s->step[d], m->value);

    if (!u || p->last[m->leaf] > d)
        return false;
    if (p->last[m->leaf] >= 0 && !allowed)
        return false;
    return goes_over(p, &p->s->step[d], u, m->leaf);
}

/* The copy comes after all steps, so a value that is copied lives for ever:
 * nothing may go over it. */
static void settle_moves(struct places *p, struct lower *lo, bool allowed)
{
    for (int i = 0; i < p->s->nmove; i++) {
        const struct move *m = &p->s->move[i];

        if (move_is_legal(p, m, allowed)) {
            p->root[m->value] = m->leaf;
            continue;
        }
        lower_copy(lo, m->value, m->leaf);
        p->last[m->value] = FOREVER;
    }
}

/* Does another result of the step lie there already? */
static bool taken(const struct places *p, const struct step *t, int root)
{
    for (int k = 0; k < t->nuse; k++)
        if (t->use[k].access == PLAN_WRITE && p->root[t->use[k].buffer] == root)
            return true;
    return false;
}

/* Put a write over a transient operand that nobody reads later.  The first
 * operand that fits is taken.  Leaves are not touched: their content outlives
 * the sequence. */
static void overlay(struct places *p, int i, const struct use *out)
{
    const struct step *t = &p->s->step[i];

    if (p->root[out->buffer] != out->buffer ||
        p->s->buffer[out->buffer].kind != PLAN_TRANSIENT)
        return;
    for (int k = 0; k < t->nuse; k++) {
        int b = t->use[k].buffer, root = p->root[b];

        if (!(out->over >> k & 1) || t->use[k].access != PLAN_READ ||
            p->s->buffer[root].kind != PLAN_TRANSIENT || p->last[root] > i ||
            taken(p, t, root) || !goes_over(p, t, out, root))
            continue;
        p->root[out->buffer] = root;
        p->last[root] = p->last[out->buffer] > i ? p->last[out->buffer] : i;
        return;
    }
}

void inplace(struct steps *s, const struct graph *g,
             const struct device_info *device, bool allowed)
{
    struct lower lo = {.graph = g,
                       .arena = g->arena,
                       .device = device,
                       .candidate = -1,
                       .steps = s};
    struct places p = {.s = s};
    int n = s->n;
    size_t count = (size_t)s->nbuffer + 1;

    p.made = ARENA_NEW(g->arena, int, count);
    p.last = ARENA_NEW(g->arena, int, count);
    p.root = ARENA_NEW(g->arena, int, count);
    find_lifetimes(&p);
    settle_moves(&p, &lo, allowed);
    for (int i = 0; allowed && i < n; i++)
        for (int k = 0; k < s->step[i].nuse; k++)
            if (s->step[i].use[k].access == PLAN_WRITE)
                overlay(&p, i, &s->step[i].use[k]);
    s->root = p.root;
}
