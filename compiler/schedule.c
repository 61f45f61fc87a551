/*
 * schedule.c: an order of the steps.
 *
 * The natural order is the model's, but for one thing: an update wants to run
 * as soon as its gradient is complete, so that the gradient need not outlive its
 * layer.  Moving it is legal once every reader of the old parameter has run.
 *
 * Each step that is placed may make updates ready, which are then looked for
 * among all: quadratic in the steps, where a sequence has updates at all.
 * Updates are elementwise and each has its own leaves, so moving them changes
 * no bit.
 *
 * From here steps_in_order() (recompute.c) looks for an order with less alive.
 */
#include <string.h>

#include "compiler/lower.h"

struct order {
    struct steps *s;
    const int *leaf_of; /* buffer to the leaf that it is moved to, or -1 */
    int *readers;       /* of each leaf: steps that still read it */
    bool *ready;        /* buffer was written */
    bool *placed;
    int *sequence;
    int n;
};

static bool reads_buffer(const struct step *t, int buffer)
{
    for (int k = 0; k < t->nuse; k++)
        if (t->use[k].access == PLAN_READ && t->use[k].buffer == buffer)
            return true;
    return false;
}

static void place(struct order *o, int i)
{
    const struct step *t = &o->s->step[i];

    o->placed[i] = true;
    o->sequence[o->n++] = i;
    for (int k = 0; k < t->nuse; k++) {
        const struct use *u = &t->use[k];

        if (u->access == PLAN_READ && u->buffer < o->s->nleaf)
            o->readers[u->buffer]--;
        else if (u->access != PLAN_READ)
            o->ready[u->buffer] = true;
    }
}

/* Operands are there, and nobody else reads the leaves that it changes. */
static bool can_update(const struct order *o, const struct step *t)
{
    for (int k = 0; k < t->nuse; k++) {
        const struct use *u = &t->use[k];
        int leaf = o->leaf_of[u->buffer];

        if (u->access == PLAN_READ && u->buffer >= o->s->nleaf &&
            !o->ready[u->buffer])
            return false;
        if (u->access == PLAN_WRITE && leaf >= 0 &&
            o->readers[leaf] > (int)reads_buffer(t, leaf))
            return false;
    }
    return true;
}

static void place_updates(struct order *o)
{
    for (int i = 0; i < o->s->n; i++)
        if (!o->placed[i] && o->s->step[i].update &&
            can_update(o, &o->s->step[i]))
            place(o, i);
}

static int *leaves_of_values(const struct steps *s, struct arena *a)
{
    int *leaf_of = ARENA_NEW(a, int, (size_t)s->nbuffer + 1);

    for (int b = 0; b < s->nbuffer; b++)
        leaf_of[b] = -1;
    for (int i = 0; i < s->nmove; i++)
        leaf_of[s->move[i].value] = s->move[i].leaf;
    return leaf_of;
}

static void count_readers(struct order *o)
{
    for (int i = 0; i < o->s->n; i++) {
        const struct step *t = &o->s->step[i];

        for (int k = 0; k < t->nuse; k++)
            if (t->use[k].access == PLAN_READ && t->use[k].buffer < o->s->nleaf)
                o->readers[t->use[k].buffer]++;
    }
}

/* Keeps what steps_verify() checks.  Updates that never became early come last,
 * in their order. */
void schedule(struct steps *s, const struct graph *g, bool early)
{
    struct arena *a = g->arena;
    struct order o = {.s = s, .leaf_of = leaves_of_values(s, a)};
    struct step *sorted = ARENA_NEW(a, struct step, (size_t)s->n + 1);
    int updates = 0;

    o.readers = ARENA_NEW(a, int, (size_t)s->nbuffer + 1);
    o.ready = ARENA_NEW(a, bool, (size_t)s->nbuffer + 1);
    o.placed = ARENA_NEW(a, bool, (size_t)s->n + 1);
    o.sequence = ARENA_NEW(a, int, (size_t)s->n + 1);
    count_readers(&o);
    for (int i = 0; i < s->n; i++)
        updates += s->step[i].update;
    for (int i = 0; i < s->n; i++) {
        if (o.placed[i] || (s->step[i].update && updates))
            continue;
        place(&o, i);
        if (early && updates)
            place_updates(&o);
    }
    for (int i = 0; i < s->n; i++)
        if (!o.placed[i])
            place(&o, i);
    for (int i = 0; i < s->n; i++)
        sorted[i] = s->step[o.sequence[i]];
    s->step = sorted;
    s->cap = s->n;
}
