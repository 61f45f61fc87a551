/*
 * remat_look.c: peak and excess of a list of events, without looking at all of
 * it.
 *
 * A search changes what is alive between two spots and asks again.  Elsewhere
 * it stays as it was, and in between it mostly moves by the same bytes, so
 * blocks are taken from the last look; and where the change is undone, so are
 * those that it had touched, from the look before.  Integers only: the answer
 * is what a count of all spots would give.
 */
#include "compiler/remat_state.h"

#include <string.h>

enum { UNKNOWN = -(1 << 30) }; /* changes: more will not make it a number */

void remat_look_init(struct remat_state *s)
{
    struct remat_look *l = &s->look;
    size_t n;

    l->nblock = s->net->n / REMAT_BLOCK + 1;
    n = (size_t)l->nblock;
    l->block = ARENA_NEW(s->arena, struct remat_block, n);
    l->before = ARENA_NEW(s->arena, struct remat_block, n);
    l->touched = ARENA_NEW(s->arena, bool, n);
}

static void touch_all(struct remat_look *l)
{
    l->low = 0;
    l->high = l->nblock - 1;
    l->changes = UNKNOWN;
    memset(l->touched, true, (size_t)l->nblock * sizeof *l->touched);
}

static void touch_none(struct remat_look *l)
{
    if (l->high >= l->low)
        memset(&l->touched[l->low], false,
               (size_t)(l->high - l->low + 1) * sizeof *l->touched);
    l->low = l->nblock;
    l->high = -1;
    l->changes = 0;
}

void remat_look_begin(struct remat_state *s)
{
    touch_all(&s->look);
}

void remat_look_touch(struct remat_state *s, int before)
{
    struct remat_look *l = &s->look;
    int block = before / REMAT_BLOCK;

    l->low = block < l->low ? block : l->low;
    l->high = block > l->high ? block : l->high;
    l->touched[block] = true;
}

/* Those that the last look looked at, if any. */
static void copy_blocks(const struct remat_look *l, struct remat_block *to,
                        const struct remat_block *from)
{
    if (l->to >= l->from)
        memcpy(&to[l->from], &from[l->from],
               (size_t)(l->to - l->from + 1) * sizeof *to);
}

/* If the last look had seen all of it, and nothing but it, the look before
 * holds. */
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
    struct remat_block x = {.alive = alive};

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

/* What was not touched itself only moves by the bytes in front of it. */
static bool moves(struct remat_block *b, int64_t alive, int64_t budget)
{
    int64_t peak = b->peak + alive - b->alive;

    if (alive == b->alive)
        return true;
    if (!b->peak || peak > budget)
        return false;
    b->alive = alive;
    b->peak = peak;
    b->over = 0;
    return true;
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
}

void remat_state_look(struct remat_state *s, int64_t budget)
{
    struct remat_look *l = &s->look;
    int64_t alive = 0;

    set_out(s, budget);
    s->peak = s->over = s->peak_key = 0;
    for (int k = 0; k < l->nblock; k++) {
        struct remat_block *b = &l->block[k];

        if (l->touched[k] || !moves(b, alive, budget))
            *b = count(s->page[k].spot, remat_page_spots(&s->page[k]), alive,
                       budget);
        if (b->peak > s->peak) {
            s->peak = b->peak;
            s->peak_key = b->key;
        }
        s->over += b->over;
        alive += b->change;
    }
    touch_none(l);
}
