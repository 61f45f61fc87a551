/*
 * remat_look.c: peak and excess of a list of events, without looking at all of it.
 *
 * A search changes what is alive between two spots and asks again.  What is alive
 * elsewhere stays as it was, so blocks outside are taken from the last look; and
 * where the change is undone, so are those that it had touched, from the look
 * before.  Integers only: the answer is what a count of all spots would give.
 */
#include "compiler/remat_state.h"

#include <string.h>

enum {
    OPS = 16,            /* of the base order in a block */
    UNKNOWN = -(1 << 30) /* of changes: more will not make it a number */
};

void remat_look_init(struct remat_state *s)
{
    struct remat_look *l = &s->look;
    size_t n;

    l->nblock = s->net->n / OPS + 1;
    l->keys = (int64_t)s->net->n * OPS;
    n = (size_t)l->nblock;
    l->nspot = ARENA_NEW(s->arena, int, n);
    l->block = ARENA_NEW(s->arena, struct remat_block, n);
    l->before = ARENA_NEW(s->arena, struct remat_block, n);
}

static void touch_all(struct remat_look *l)
{
    l->low = 0;
    l->high = l->nblock - 1;
    l->changes = UNKNOWN;
}

static void touch_none(struct remat_look *l)
{
    l->low = l->nblock;
    l->high = -1;
    l->changes = 0;
}

void remat_look_begin(struct remat_state *s)
{
    memset(s->look.nspot, 0, (size_t)s->look.nblock * sizeof *s->look.nspot);
    touch_all(&s->look);
}

void remat_look_touch(struct remat_state *s, int64_t key, int comes)
{
    struct remat_look *l = &s->look;
    int block = (int)(key / l->keys);

    l->nspot[block] += comes;
    l->low = block < l->low ? block : l->low;
    l->high = block > l->high ? block : l->high;
}

/* Those that the last look looked at, if any. */
static void copy_blocks(const struct remat_look *l, struct remat_block *to,
                        const struct remat_block *from)
{
    if (l->to >= l->from)
        memcpy(&to[l->from], &from[l->from],
               (size_t)(l->to - l->from + 1) * sizeof *to);
}

/* If the last look had seen all of it, and nothing but it, the look before holds. */
void remat_look_undo(struct remat_state *s)
{
    struct remat_look *l = &s->look;

    if (l->journal && l->changes == 0) {
        copy_blocks(l, l->block, l->before);
        touch_none(l);
    } else {
        l->changes = UNKNOWN;
    }
    l->journal = false;
}

static struct remat_block count(const struct remat_spot *spot, int n,
                                int64_t alive, int64_t budget)
{
    struct remat_block x = {.change = 0};

    for (int p = 0; p < n; p++) {
        int64_t here = alive + x.change + spot[p].need;

        if (here > x.peak) {
            x.peak = here;
            x.key = spot[p].key;
        }
        x.over += here > budget ? here - budget : 0;
        x.change += spot[p].change;
    }
    return x;
}

static void set_out(struct remat_state *s, int64_t budget)
{
    struct remat_look *l = &s->look;

    if (budget != l->budget)
        touch_all(l);
    l->journal = l->changes == s->njournal;
    l->budget = budget;
    l->from = l->low;
    l->to = l->high;
    copy_blocks(l, l->before, l->block);
    touch_none(l);
}

void remat_state_look(struct remat_state *s, int64_t budget)
{
    struct remat_look *l = &s->look;
    int64_t alive = 0;

    set_out(s, budget);
    s->peak = s->over = s->peak_key = 0;
    for (int k = 0, first = 0; k < l->nblock; first += l->nspot[k++]) {
        struct remat_block *b = &l->block[k];

        if (k >= l->from && k <= l->to)
            *b = count(&s->spot[first], l->nspot[k], alive, budget);
        if (b->peak > s->peak) {
            s->peak = b->peak;
            s->peak_key = b->key;
        }
        s->over += b->over;
        alive += b->change;
    }
}
