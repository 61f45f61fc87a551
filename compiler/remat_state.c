/*
 * remat_state.c: adding and removing events; each touches its neighbours only,
 * and the two are exact inverses.
 *
 * Invariants: spots ascend by key; copy 0 of each op is the base order's;
 * end[v][j] is the last key that reads copy j of v, or the key that made it, or
 * never for what is kept; need and change of each spot are what a count from
 * the events alone would give.  Integers only, so an undone change leaves
 * nothing behind.  An event costs O(spots of a page) to make room for it and
 * O(copies of neighbours) to update them.
 */
#include "compiler/remat_state.h"

#include <string.h>

static void *grown(struct arena *arena, const void *old, size_t n, size_t room,
                   size_t size)
{
    void *p = arena_alloc(arena, room, size);

    if (n)
        memcpy(p, old, n * size);
    return p;
}

/* Room for one more. */
#define GROW(arena, list, n, room)                                         \
    ((n) < (room) ? (void)0                                                \
                  : (void)((list) = grown(arena, list, (size_t)(n),        \
                                          (size_t)((room) = 2 * (n) + 16), \
                                          sizeof *(list))))

static struct remat_page *page_of(const struct remat_state *s, int64_t key)
{
    return &s->page[remat_key_before(s, key) / REMAT_BLOCK];
}

/* The first spot of a page whose key is not less. */
static int spot_at(const struct remat_state *s, const struct remat_page *page,
                   int64_t key)
{
    int stage = remat_key_before(s, key) % REMAT_BLOCK;
    const struct remat_spot *low = page->spot + page->stage_at[stage];
    int n = page->stage_at[stage + 1] - page->stage_at[stage];

    /* Without a branch that nobody could predict. */
    while (n > 1) {
        int half = n / 2;

        low += low[half - 1].key < key ? half : 0;
        n -= half;
    }
    return (int)(low - page->spot) + (n && low->key < key);
}

static int64_t bytes_of(const struct remat_state *s, int value)
{
    return (int64_t)s->net->job->value[value].bytes;
}

static int maker_of(const struct remat_state *s, int value)
{
    return s->net->job->value[value].maker;
}

/* The value is freed after this spot, where a result may have taken its memory
 * already; sign -1: no longer. */
static void free_on(struct remat_state *s, struct remat_spot *spot, int value,
                    int sign)
{
    int64_t bytes = sign * bytes_of(s, value);

    spot->change -= bytes;
    if (s->net->shared[value] &&
        s->net->job->op[remat_key_op(s, spot->key)].over == value + 1)
        spot->need -= bytes;
}

static void free_at(struct remat_state *s, int64_t key, int value, int sign)
{
    const struct remat_page *page;

    if (key == REMAT_NEVER)
        return;
    page = page_of(s, key);
    remat_look_touch(s, remat_key_before(s, key));
    free_on(s, &page->spot[spot_at(s, page, key)], value, sign);
}

int remat_state_copy(const struct remat_state *s, int op, int64_t key)
{
    const struct remat_copies *c = &s->copies[op];
    int j = c->n - 1;

    while (remat_key(s, c->before[j], op) >= key)
        j--;
    return j;
}

bool remat_state_has(const struct remat_state *s, int before, int op)
{
    const struct remat_copies *c = &s->copies[op];

    for (int j = 0; j < c->n; j++)
        if (c->before[j] == before)
            return true;
    return false;
}

bool remat_state_may_add(const struct remat_state *s, int before, int op)
{
    return before > op && before < s->net->n && before <= s->net->until[op] &&
           !remat_state_has(s, before, op);
}

/* The last key in (low, high) that reads the value, or low. */
static int64_t last_use(const struct remat_state *s, int value, int64_t low,
                        int64_t high)
{
    const struct remat_net *net = s->net;
    int64_t last = low;

    for (int k = net->reader_at[value]; k < net->reader_at[value + 1]; k++) {
        const struct remat_copies *c = &s->copies[net->reader[k]];
        int j = c->n - 1;

        while (j >= 0 && remat_key(s, c->before[j], net->reader[k]) >= high)
            j--;
        if (j >= 0 && remat_key(s, c->before[j], net->reader[k]) > last)
            last = remat_key(s, c->before[j], net->reader[k]);
    }
    return last;
}

/* A spot comes to a stage (1) or goes (-1): those behind it move. */
static void shift_stages(struct remat_state *s, int before, int by)
{
    struct remat_page *page = &s->page[before / REMAT_BLOCK];

    for (int i = before % REMAT_BLOCK + 1; i <= REMAT_BLOCK; i++)
        page->stage_at[i] += by;
    s->nspot += by;
    remat_look_touch(s, before);
}

static struct remat_spot *insert_spot(struct remat_state *s, int64_t key,
                                      int op)
{
    const struct remat_net *net = s->net;
    struct remat_page *page = page_of(s, key);
    int p = spot_at(s, page, key), n = remat_page_spots(page);
    int64_t made = 0;

    for (int k = net->out_at[op]; k < net->out_at[op + 1]; k++)
        made += bytes_of(s, net->out[k]);
    GROW(s->arena, page->spot, n, page->room);
    memmove(&page->spot[p + 1], &page->spot[p],
            (size_t)(n - p) * sizeof *page->spot);
    shift_stages(s, remat_key_before(s, key), 1);
    page->spot[p] = (struct remat_spot){
        key, made + (int64_t)net->job->op[op].workspace, made};
    return &page->spot[p];
}

static void remove_spot(struct remat_state *s, int64_t key)
{
    struct remat_page *page = page_of(s, key);
    int p = spot_at(s, page, key), n = remat_page_spots(page);

    memmove(&page->spot[p], &page->spot[p + 1],
            (size_t)(n - p - 1) * sizeof *page->spot);
    shift_stages(s, remat_key_before(s, key), -1);
}

/* Room for one more copy of an op, and of each of its values. */
static void widen(struct remat_state *s, int op)
{
    const struct remat_net *net = s->net;
    struct remat_copies *c = &s->copies[op];

    if (c->n < c->room)
        return;
    GROW(s->arena, c->before, c->n, c->room);
    for (int k = net->out_at[op]; k < net->out_at[op + 1]; k++) {
        int64_t **end = &s->end[net->out[k]];

        *end = grown(s->arena, *end, (size_t)c->n, (size_t)c->room,
                     sizeof **end);
    }
}

/* The copy before gives the new one those of its readers that come later. */
static void split(struct remat_state *s, int value, int copy,
                  struct remat_spot *spot)
{
    const struct remat_copies *c = &s->copies[maker_of(s, value)];
    int64_t *end = s->end[value], key = spot->key;
    int64_t born = remat_key(s, c->before[copy - 1], maker_of(s, value));
    int64_t old = end[copy - 1];

    memmove(&end[copy + 1], &end[copy], (size_t)(c->n - copy) * sizeof *end);
    if (old > key) {
        end[copy - 1] = last_use(s, value, born, key);
        free_at(s, end[copy - 1], value, 1);
        end[copy] = old;
    } else {
        end[copy] = key;
        free_on(s, spot, value, 1);
    }
}

/* The inverse of split(): readers of the copy that goes read the one before
 * again. */
static void join(struct remat_state *s, int value, int copy, int64_t key)
{
    const struct remat_copies *c = &s->copies[maker_of(s, value)];
    int64_t *end = s->end[value];

    if (end[copy] != key) {
        free_at(s, end[copy - 1], value, -1);
        end[copy - 1] = end[copy];
    }
    memmove(&end[copy], &end[copy + 1],
            (size_t)(c->n - copy - 1) * sizeof *end);
}

/* In this order: the spot first, since freed bytes are booked on spots; then
 * the new copies of its results take readers over; then its inputs live at
 * least until here. */
static void add(struct remat_state *s, int before, int op)
{
    const struct remat_net *net = s->net;
    const struct remat_op *o = &net->job->op[op];
    struct remat_copies *c = &s->copies[op];
    int64_t key = remat_key(s, before, op);
    int copy = remat_state_copy(s, op, key) + 1;
    struct remat_spot *spot = insert_spot(s, key, op);

    widen(s, op);
    for (int k = net->out_at[op]; k < net->out_at[op + 1]; k++)
        split(s, net->out[k], copy, spot);
    memmove(&c->before[copy + 1], &c->before[copy],
            (size_t)(c->n - copy) * sizeof *c->before);
    c->before[copy] = before;
    c->n++;
    for (int k = 0; k < o->nin; k++) {
        int from = remat_state_copy(s, maker_of(s, o->in[k]), key);
        int64_t *end = &s->end[o->in[k]][from];

        if (*end >= key)
            continue;
        free_at(s, *end, o->in[k], -1);
        free_on(s, spot, o->in[k], 1);
        *end = key;
    }
    s->cost += o->cost;
}

/* The value's copy was read last by what goes; what was booked there goes with
 * its spot. */
static void shorten(struct remat_state *s, int value, int64_t key)
{
    int maker = maker_of(s, value);
    const struct remat_copies *c = &s->copies[maker];
    int copy = remat_state_copy(s, maker, key);
    int64_t *end = &s->end[value][copy];

    if (*end != key)
        return;
    *end = last_use(s, value, remat_key(s, c->before[copy], maker),
                    copy + 1 < c->n ? remat_key(s, c->before[copy + 1], maker)
                                    : REMAT_NEVER);
    free_at(s, *end, value, 1);
}

static void take_out(struct remat_state *s, int before, int op)
{
    const struct remat_net *net = s->net;
    const struct remat_op *o = &net->job->op[op];
    struct remat_copies *c = &s->copies[op];
    int64_t key = remat_key(s, before, op);
    int copy = remat_state_copy(s, op, key + 1);

    for (int k = net->out_at[op]; k < net->out_at[op + 1]; k++)
        join(s, net->out[k], copy, key);
    memmove(&c->before[copy], &c->before[copy + 1],
            (size_t)(c->n - copy - 1) * sizeof *c->before);
    c->n--;
    for (int k = 0; k < o->nin; k++)
        shorten(s, o->in[k], key);
    remove_spot(s, key);
    s->cost -= o->cost;
}

static void note_change(struct remat_state *s, int before, int op, bool added)
{
    GROW(s->arena, s->journal, s->njournal, s->journal_room);
    s->journal[s->njournal++] = (struct remat_change){{before, op}, added};
    s->look.changes++;
}

/* Whether nobody reads any result of this copy. */
static bool unread(const struct remat_state *s, int op, int copy)
{
    const struct remat_net *net = s->net;
    int64_t key = remat_key(s, s->copies[op].before[copy], op);

    for (int k = net->out_at[op]; k < net->out_at[op + 1]; k++)
        if (s->end[net->out[k]][copy] != key)
            return false;
    return true;
}

/* The last copy of the op that nobody reads any more; copy 0 is the base
 * order's and stays. */
static void push_dead(struct remat_state *s, int op)
{
    for (int j = s->copies[op].n - 1; j >= 1; j--) {
        if (!unread(s, op, j))
            continue;
        GROW(s->arena, s->dead, s->ndead, s->dead_room);
        s->dead[s->ndead++] = (struct remat_event){s->copies[op].before[j], op};
        return;
    }
}

void remat_state_remove(struct remat_state *s, int before, int op)
{
    GROW(s->arena, s->dead, s->ndead, s->dead_room);
    s->dead[s->ndead++] = (struct remat_event){before, op};
    while (s->ndead > 0) {
        struct remat_event e = s->dead[--s->ndead];
        const struct remat_op *o = &s->net->job->op[e.op];

        /* Two results of one op may have put it there twice. */
        if (!remat_state_has(s, e.before, e.op))
            continue;
        take_out(s, e.before, e.op);
        note_change(s, e.before, e.op, false);
        for (int k = 0; k < o->nin; k++)
            push_dead(s, maker_of(s, o->in[k]));
    }
}

/* Inputs whose copy had been dead before this key and would now be kept for
 * it. */
static void push_stretched(struct remat_state *s, int before, int op)
{
    const struct remat_op *o = &s->net->job->op[op];
    int64_t key = remat_key(s, before, op);

    for (int k = 0; k < o->nin; k++) {
        int from = remat_state_copy(s, maker_of(s, o->in[k]), key);
        int64_t end = s->end[o->in[k]][from];

        if (end >= key || remat_key_before(s, end) >= before)
            continue;
        GROW(s->arena, s->stretch, s->nstretch, s->stretch_room);
        s->stretch[s->nstretch++] = (struct remat_stretch){o->in[k], end};
    }
}

static void add_noted(struct remat_state *s, int before, int op)
{
    int copy;

    push_stretched(s, before, op);
    add(s, before, op);
    note_change(s, before, op, true);
    copy = remat_state_copy(s, op, remat_key(s, before, op));
    if (copy >= 1 && unread(s, op, copy))
        remat_state_remove(s, s->copies[op].before[copy], op);
}

static bool again(const struct remat_taste *taste, int64_t end)
{
    return taste->random ? (remat_random(taste->random) >> 48) < taste->chance
                         : end < taste->before;
}

void remat_state_add(struct remat_state *s, int before, int op,
                     const struct remat_taste *taste)
{
    int left = taste->most - 1;

    s->nstretch = 0;
    add_noted(s, before, op);
    while (s->nstretch > 0) {
        struct remat_stretch x = s->stretch[--s->nstretch];
        int maker = maker_of(s, x.value);

        if (left <= 0 || !remat_state_may_add(s, before, maker) ||
            !again(taste, x.end))
            continue;
        add_noted(s, before, maker);
        left--;
    }
}

/* Backwards, since later changes rest on earlier ones. */
void remat_state_undo(struct remat_state *s)
{
    if (!s->njournal)
        return;
    while (s->njournal > 0) {
        struct remat_change c = s->journal[--s->njournal];

        if (c.added)
            take_out(s, c.event.before, c.event.op);
        else
            add(s, c.event.before, c.event.op);
    }
    remat_look_undo(s);
}

int remat_state_events(const struct remat_state *s, struct remat_event *event)
{
    int n = 0;

    for (int k = 0; k < s->look.nblock; k++) {
        for (int p = 0; p < remat_page_spots(&s->page[k]); p++) {
            int64_t key = s->page[k].spot[p].key;
            int before = remat_key_before(s, key), op = remat_key_op(s, key);

            if (before != op)
                event[n++] = (struct remat_event){before, op};
        }
    }
    return n;
}

static void load_base(struct remat_state *s)
{
    const struct remat_net *net = s->net;

    s->nspot = s->njournal = 0;
    for (int k = 0; k < s->look.nblock; k++)
        memset(s->page[k].stage_at, 0, sizeof s->page[k].stage_at);
    remat_look_begin(s);
    s->cost = net->base_cost;
    for (int i = 0; i < net->n; i++) {
        s->copies[i].n = 1;
        s->copies[i].before[0] = i;
        insert_spot(s, remat_key(s, i, i), i);
    }
    for (int v = 0; v < net->job->nvalue; v++) {
        int last = net->reader_at[v + 1] > net->reader_at[v]
                       ? net->reader[net->reader_at[v + 1] - 1]
                       : maker_of(s, v);

        s->end[v][0] = net->job->value[v].kept ? REMAT_NEVER
                                               : remat_key(s, last, last);
        free_at(s, s->end[v][0], v, 1);
    }
}

void remat_state_load(struct remat_state *s, const struct remat_event *event,
                      int nevent)
{
    load_base(s);
    for (int k = 0; k < nevent; k++)
        add(s, event[k].before, event[k].op);
    /* Backwards, since only later events can have read them. */
    for (int k = nevent - 1; k >= 0; k--) {
        int64_t key = remat_key(s, event[k].before, event[k].op);

        if (remat_state_has(s, event[k].before, event[k].op) &&
            unread(s, event[k].op, remat_state_copy(s, event[k].op, key + 1)))
            remat_state_remove(s, event[k].before, event[k].op);
    }
    s->njournal = 0;
}

void remat_state_init(struct remat_state *s, const struct remat_net *net,
                      struct arena *arena)
{
    *s = (struct remat_state){.net = net, .arena = arena};
    s->copies = ARENA_NEW(arena, struct remat_copies, (size_t)net->n + 1);
    s->end = ARENA_NEW(arena, int64_t *, (size_t)net->job->nvalue + 1);
    remat_look_init(s);
    s->page = ARENA_NEW(arena, struct remat_page, (size_t)s->look.nblock);
    for (int i = 0; i < net->n; i++)
        widen(s, i);
}
