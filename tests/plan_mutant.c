/* plan_mutant.c: see plan_mutant.h. */
#include "tests/plan_mutant.h"

#include <stdlib.h>
#include <string.h>

#include "tests/random_graph.h"

/* ---- a plan that may be changed ---- */

#define COPY(a, type, from, n, room) \
    memcpy(ARENA_NEW(a, type, room), from, (n) * sizeof(type))

void mutant_copy(const struct plan *p, struct arena *a, struct mutant *m)
{
    m->plan = *p;
    m->buffer = COPY(a, struct plan_buffer, p->buffer, p->nbuffer, p->nbuffer);
    m->entry = COPY(a, struct plan_entry, p->entry, p->nentry,
                    p->nentry + MUTANT_CHANGES);
    m->arg = COPY(a, struct plan_arg, p->arg, p->narg, p->narg);
    m->tensor = COPY(a, struct plan_tensor, p->tensor, p->ntensor, p->ntensor);
    m->slab_bytes = COPY(a, uint64_t, p->slab_bytes, p->nslab, p->nslab);
    m->plan.buffer = m->buffer;
    m->plan.entry = m->entry;
    m->plan.arg = m->arg;
    m->plan.tensor = m->tensor;
    m->plan.slab_bytes = m->slab_bytes;
}

static unsigned below(struct mutant *m, unsigned n)
{
    return random_below(&m->state, n);
}

/* ---- numbers ---- */

uint64_t mutant_near(struct mutant *m, uint64_t x)
{
    static const int64_t step[] = {1, 4, 64, 256, 1024};
    static const uint64_t border[] = {0,          1,          2,
                                      UINT32_MAX, 1ULL << 32, 1ULL << 63,
                                      UINT64_MAX, INT32_MAX,  4096};
    uint64_t by = (uint64_t)step[below(m, 5)];

    switch (below(m, 6)) {
    case 0:
    case 1:
        return x + by;
    case 2:
    case 3:
        return x - by;
    case 4:
        return x / 2;
    default:
        return border[below(m, sizeof border / sizeof *border)];
    }
}

static uint32_t near_u32(struct mutant *m, uint32_t x)
{
    return (uint32_t)mutant_near(m, x);
}

/* ---- one change ---- */

static struct plan_buffer *any_buffer(struct mutant *m)
{
    return &m->buffer[below(m, m->plan.nbuffer)];
}

static struct plan_arg *any_arg(struct mutant *m)
{
    return &m->arg[below(m, m->plan.narg)];
}

/* A lifetime or a place. */
static void change_buffer(struct mutant *m)
{
    struct plan_buffer *b = any_buffer(m);
    uint32_t by = 1 + below(m, 3);

    switch (below(m, 8)) {
    case 0:
        b->offset = mutant_near(m, b->offset);
        break;
    case 1:
        b->offset = any_buffer(m)->offset;
        break;
    case 2:
        b->bytes = mutant_near(m, b->bytes);
        break;
    case 3:
        b->slab = below(m, m->plan.nslab + 1);
        break;
    case 4:
        b->first += below(m, 2) ? by : -by;
        break;
    case 5:
        b->last += below(m, 2) ? by : -by;
        break;
    case 6:
        b->sequence = below(m, SEQ_KINDS);
        break;
    default:
        b->kind = below(m, PLAN_KINDS);
    }
}

static void swap_places(struct mutant *m)
{
    struct plan_buffer *a = any_buffer(m), *b = any_buffer(m), was = *a;

    a->slab = b->slab;
    a->offset = b->offset;
    b->slab = was.slab;
    b->offset = was.offset;
}

static void change_arg(struct mutant *m)
{
    struct plan_arg *a = any_arg(m), *other = any_arg(m);

    switch (below(m, 8)) {
    case 0:
        a->index = other->index;
        break;
    case 1:
        a->index = below(m, m->plan.nbuffer + 1);
        break;
    case 2:
        a->access = 1 + below(m, 3);
        break;
    case 3:
        a->version += below(m, 2) ? 1U : -1U;
        break;
    case 4:
        a->value = mutant_near(m, a->value);
        break;
    case 5:
        a->bytes = mutant_near(m, a->bytes);
        break;
    case 6:
        a->kind = below(m, PLAN_ARG_LOCAL + 1);
        break;
    default: {
        struct plan_arg was = *a;

        *a = *other;
        *other = was;
    }
    }
    /* A file has words for these. */
    if (a->kind == PLAN_ARG_SETTING)
        a->index %= SETTING_KINDS;
    if (a->access == 0)
        a->access = PLAN_READ;
}

static void change_head(struct mutant *m)
{
    struct plan *p = &m->plan;
    uint64_t *const number[] = {&p->device_bytes, &p->arena_bytes,
                                &p->live_lower_bound, &p->max_allocation,
                                &m->slab_bytes[below(m, p->nslab)]};
    unsigned i = below(m, 7);

    if (i < 5)
        *number[i] = mutant_near(m, *number[i]);
    else if (i == 5)
        p->batch = near_u32(m, p->batch);
    else
        p->effective = near_u32(m, p->effective);
}

static void change_tensor(struct mutant *m)
{
    struct plan_tensor *t = &m->tensor[below(m, m->plan.ntensor)];
    unsigned d = below(m, PLAN_RANK);

    switch (below(m, 4)) {
    case 0:
        t->buffer = below(m, m->plan.nbuffer + 1);
        break;
    case 1:
        t->dim[d] = mutant_near(m, t->dim[d]);
        break;
    case 2:
        t->perm[d] = below(m, PLAN_RANK);
        break;
    default:
        t->batched = !t->batched;
    }
}

static void change_launch(struct mutant *m)
{
    struct plan_entry *e = &m->entry[below(m, m->plan.nentry)];
    unsigned d = below(m, 3);

    if (below(m, 2))
        e->global[d] = mutant_near(m, e->global[d]);
    else
        e->local[d] = mutant_near(m, e->local[d]);
}

/* ---- entries of a sequence ---- */

/* One that has entries. */
static struct plan_sequence *any_sequence(struct mutant *m)
{
    uint32_t at = below(m, m->plan.nentry);

    for (unsigned s = 0; s < SEQ_KINDS; s++) {
        struct plan_sequence *q = &m->plan.sequence[s];

        if (at >= q->first && at < q->first + q->count)
            return q;
    }
    return &m->plan.sequence[SEQ_INIT];
}

/* Sequences follow one another again after q has become longer or shorter. */
static void move_sequences(struct mutant *m, const struct plan_sequence *q,
                           uint32_t by)
{
    m->plan.nentry += by;
    for (unsigned s = 0; s < SEQ_KINDS; s++)
        if (&m->plan.sequence[s] > q && m->plan.sequence[s].count)
            m->plan.sequence[s].first += by;
}

static void insert(struct mutant *m, struct plan_sequence *q, uint32_t at,
                   const struct plan_entry *e)
{
    struct plan_entry copy = *e, *to = m->entry + q->first + at;

    memmove(to + 1, to, (m->plan.nentry - q->first - at) * sizeof *to);
    *to = copy;
    q->count++;
    move_sequences(m, q, 1);
}

static void take_out(struct mutant *m, struct plan_sequence *q, uint32_t at)
{
    struct plan_entry *from = m->entry + q->first + at;

    memmove(from, from + 1,
            (m->plan.nentry - q->first - at - 1) * sizeof *from);
    q->count--;
    move_sequences(m, q, UINT32_MAX);
}

/* Count writes again, so that only other rules see what moved. */
static void count_writes(struct mutant *m, const struct plan_sequence *q)
{
    uint32_t *writes = calloc(m->plan.nbuffer, sizeof *writes);

    if (!writes)
        abort();
    for (uint32_t i = q->first; i < q->first + q->count; i++) {
        struct plan_arg *arg = &m->arg[m->entry[i].first_arg];
        uint32_t n = m->entry[i].narg;

        for (uint32_t k = 0; k < n; k++)
            if (arg[k].kind == PLAN_ARG_BUFFER)
                arg[k].version = writes[arg[k].index];
        for (uint32_t k = 0; k < n; k++)
            if (arg[k].kind == PLAN_ARG_BUFFER && (arg[k].access & PLAN_WRITE))
                writes[arg[k].index] = arg[k].version + 1;
    }
    free(writes);
}

static void change_order(struct mutant *m)
{
    struct plan_sequence *q = any_sequence(m);
    struct plan_entry *e = m->entry + q->first, moved;
    uint32_t i = below(m, q->count), k = below(m, q->count);

    moved = e[i];
    switch (below(m, 4)) {
    case 0:
        e[i] = e[k];
        e[k] = moved;
        break;
    case 1:
        take_out(m, q, i);
        break;
    case 2:
        insert(m, q, k, &moved);
        break;
    default:
        take_out(m, q, i);
        insert(m, q, k < q->count ? k : q->count, &moved);
    }
    if (below(m, 2))
        count_writes(m, q);
}

void mutant_change(struct mutant *m)
{
    static void (*const kind[])(struct mutant *) = {
        change_buffer, change_buffer, change_buffer, swap_places,  change_arg,
        change_arg,    change_arg,    change_order,  change_order, change_order,
        change_head,   change_tensor, change_launch};

    kind[below(m, sizeof kind / sizeof *kind)](m);
}
