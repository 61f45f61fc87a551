/*
 * plan_oracle.c: see plan_oracle.h.
 *
 * The rules: slabs add up and none is too large; every buffer lies in a slab of
 * its kind; buffers that live at the same time share no byte, unless the one
 * takes the other's place in the entry where they meet; every access lies in its
 * buffer and in its lifetime; what is read was written, by that buffer, and by
 * as many entries as the argument says; within an entry an argument that is
 * written overlaps another one only where both are the same bytes; constants and
 * inputs are not written; tensors are as large as their buffers.
 */
#include "tests/plan_oracle.h"

#include <stdlib.h>
#include <string.h>

static bool lives_always(const struct plan_buffer *b)
{
    return b->kind != PLAN_TRANSIENT && b->kind != PLAN_WORKSPACE;
}

/* ---- places ---- */

static const char *slabs(const struct plan *p)
{
    uint64_t sum = 0, arena = 0;

    for (uint32_t i = 0; i < p->nslab; i++) {
        if (p->slab_bytes[i] > p->max_allocation)
            return "a slab is larger than allowed";
        sum += p->slab_bytes[i];
        if (p->slab_kind[i] == PLAN_TRANSIENT)
            arena += p->slab_bytes[i];
    }
    if (sum != p->device_bytes)
        return "the slabs do not add up";
    return arena == p->arena_bytes ? NULL : "the arena does not add up";
}

static const char *place(const struct plan *p, const struct plan_buffer *b)
{
    if (b->slab >= p->nslab)
        return "a buffer is in no slab";
    if (b->bytes == 0 || b->bytes > p->slab_bytes[b->slab] ||
        b->offset > p->slab_bytes[b->slab] - b->bytes)
        return "a buffer leaves its slab";
    if (lives_always(b) == (p->slab_kind[b->slab] == PLAN_TRANSIENT))
        return "a buffer is in a slab of another kind";
    if (lives_always(b))
        return NULL;
    if (b->sequence >= SEQ_KINDS || b->first > b->last ||
        b->last >= p->sequence[b->sequence].count)
        return "a buffer lives when nothing runs";
    return NULL;
}

static bool share_bytes(const struct plan_buffer *a,
                        const struct plan_buffer *b)
{
    return a->slab == b->slab && a->offset < b->offset + b->bytes &&
           b->offset < a->offset + a->bytes;
}

static bool live_together(const struct plan_buffer *a,
                          const struct plan_buffer *b)
{
    if (lives_always(a) || lives_always(b))
        return true;
    return a->sequence == b->sequence && a->first <= b->last &&
           b->first <= a->last;
}

/* The later one begins where the earlier one ends, at the same place. */
static bool replaces(const struct plan_buffer *a, const struct plan_buffer *b)
{
    const struct plan_buffer *early = a->first < b->first ? a : b;
    const struct plan_buffer *late = early == a ? b : a;

    return !lives_always(a) && !lives_always(b) && early->first < late->first &&
           early->last == late->first && a->offset == b->offset &&
           a->bytes == b->bytes;
}

static const char *pairs(const struct plan *p)
{
    for (uint32_t i = 0; i < p->nbuffer; i++)
        for (uint32_t k = 0; k < i; k++) {
            const struct plan_buffer *a = &p->buffer[i], *b = &p->buffer[k];

            if (share_bytes(a, b) && live_together(a, b) && !replaces(a, b))
                return "live buffers share bytes";
        }
    return NULL;
}

/* Replaced buffers count once. */
static uint64_t live_bytes(const struct plan *p, uint32_t sequence, uint32_t at)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < p->nbuffer; i++) {
        const struct plan_buffer *b = &p->buffer[i];
        bool counts = !lives_always(b) && b->sequence == sequence &&
                      b->first <= at && at <= b->last;

        for (uint32_t k = 0; k < p->nbuffer && counts; k++) {
            const struct plan_buffer *late = &p->buffer[k];

            counts = !(late->sequence == sequence && late->first == at &&
                       b->first < at && share_bytes(b, late) &&
                       replaces(b, late));
        }
        bytes += counts ? b->bytes : 0;
    }
    return bytes;
}

static const char *peak(const struct plan *p)
{
    for (uint32_t s = 0; s < SEQ_KINDS; s++)
        for (uint32_t at = 0; at < p->sequence[s].count; at++) {
            uint64_t bytes = live_bytes(p, s, at);

            if (bytes > p->live_lower_bound || bytes > p->arena_bytes)
                return "more is live than the plan says";
        }
    return NULL;
}

/* ---- accesses ---- */

/* Who wrote each byte of each slab, in one sequence. */
struct bytes {
    const struct plan *p;
    uint32_t **owner; /* [slab][byte]: buffer + 1 */
    uint32_t *writes; /* [buffer]: entries that wrote it */
};

static const char *access_of(const struct plan *p, uint32_t s, uint32_t at,
                             const struct plan_arg *a)
{
    const struct plan_buffer *b = &p->buffer[a->index];

    if (a->index >= p->nbuffer)
        return "an argument has no buffer";
    if (a->bytes == 0 || a->bytes > b->bytes || a->value > b->bytes - a->bytes)
        return "an argument leaves its buffer";
    if (a->access < 1 || a->access > 3)
        return "an argument is neither read nor written";
    if ((a->access & PLAN_WRITE) &&
        (b->kind == PLAN_CONSTANT || b->kind == PLAN_INPUT))
        return "what the host gives is written";
    if (!lives_always(b) && (b->sequence != s || at < b->first || at > b->last))
        return "a buffer is used when it does not live";
    return NULL;
}

static const char *find_written(const struct bytes *m, const struct plan_arg *a)
{
    const struct plan_buffer *b = &m->p->buffer[a->index];
    const uint32_t *owner = m->owner[b->slab] + b->offset + a->value;

    if (a->version != m->writes[a->index])
        return "a version is wrong";
    if (b->kind != PLAN_TRANSIENT || !(a->access & PLAN_READ))
        return NULL;
    for (uint64_t i = 0; i < a->bytes; i++)
        if (owner[i] != a->index + 1)
            return "what is read was not written";
    return NULL;
}

static const char *clash(const struct plan *p, const struct plan_arg *a,
                         const struct plan_arg *b)
{
    const struct plan_buffer *x = &p->buffer[a->index];
    const struct plan_buffer *y = &p->buffer[b->index];
    uint64_t from_a = x->offset + a->value, from_b = y->offset + b->value;

    if (x->slab != y->slab || from_a >= from_b + b->bytes ||
        from_b >= from_a + a->bytes)
        return NULL;
    if (!((a->access | b->access) & PLAN_WRITE))
        return NULL;
    if ((a->access & PLAN_WRITE) && (b->access & PLAN_WRITE))
        return "bytes are written twice by one kernel";
    if (from_a != from_b || a->bytes != b->bytes)
        return "bytes are read and written at different places";
    return NULL;
}

static bool is_buffer(const struct plan_arg *a)
{
    return a->kind == PLAN_ARG_BUFFER;
}

static void write_all(struct bytes *m, const struct plan_entry *e)
{
    const struct plan_arg *arg = &m->p->arg[e->first_arg];

    for (uint32_t i = 0; i < e->narg; i++) {
        const struct plan_buffer *b = &m->p->buffer[arg[i].index];
        bool counted = false;

        if (!is_buffer(&arg[i]) || !(arg[i].access & PLAN_WRITE))
            continue;
        for (uint32_t k = 0; k < i; k++)
            counted |= is_buffer(&arg[k]) && (arg[k].access & PLAN_WRITE) &&
                       arg[k].index == arg[i].index;
        m->writes[arg[i].index] += !counted;
        for (uint64_t k = 0; k < arg[i].bytes; k++)
            m->owner[b->slab][b->offset + arg[i].value + k] = arg[i].index + 1;
    }
}

static const char *groups(const struct plan_entry *e)
{
    for (int d = 0; d < 3; d++)
        if (!e->global[d] || !e->local[d] || e->global[d] % e->local[d])
            return "groups do not divide work-items";
    return NULL;
}

static const char *clashes(const struct plan *p, const struct plan_arg *arg,
                           uint32_t narg)
{
    const char *wrong = NULL;

    for (uint32_t i = 0; i < narg && !wrong; i++)
        for (uint32_t k = 0; k < i && !wrong; k++)
            if (is_buffer(&arg[i]) && is_buffer(&arg[k]))
                wrong = clash(p, &arg[i], &arg[k]);
    return wrong;
}

static const char *run_entry(struct bytes *m, uint32_t s, uint32_t at)
{
    const struct plan_entry *e = &m->p->entry[m->p->sequence[s].first + at];
    const struct plan_arg *arg = &m->p->arg[e->first_arg];
    const char *wrong = groups(e);

    for (uint32_t i = 0; i < e->narg && !wrong; i++)
        if (is_buffer(&arg[i]))
            wrong = access_of(m->p, s, at, &arg[i]);
    for (uint32_t i = 0; i < e->narg && !wrong; i++)
        if (is_buffer(&arg[i]))
            wrong = find_written(m, &arg[i]);
    if (!wrong)
        wrong = clashes(m->p, arg, e->narg);
    if (!wrong)
        write_all(m, e);
    return wrong;
}

static const char *run_sequence(struct bytes *m, uint32_t s)
{
    const struct plan *p = m->p;
    const char *wrong = NULL;

    for (uint32_t i = 0; i < p->nslab; i++)
        memset(m->owner[i], 0, p->slab_bytes[i] * sizeof **m->owner);
    memset(m->writes, 0, p->nbuffer * sizeof *m->writes);
    for (uint32_t at = 0; at < p->sequence[s].count && !wrong; at++)
        wrong = run_entry(m, s, at);
    return wrong;
}

static void *memory(size_t n, size_t size)
{
    void *x = calloc(n + 1, size);

    if (!x)
        abort();
    return x;
}

static const char *run_all(const struct plan *p)
{
    struct bytes m = {p, memory(p->nslab, sizeof *m.owner),
                      memory(p->nbuffer, sizeof *m.writes)};
    const char *wrong = NULL;

    for (uint32_t i = 0; i < p->nslab; i++)
        m.owner[i] = memory(p->slab_bytes[i], sizeof **m.owner);
    for (uint32_t s = 0; s < SEQ_KINDS && !wrong; s++)
        wrong = run_sequence(&m, s);
    for (uint32_t i = 0; i < p->nslab; i++)
        free(m.owner[i]);
    free(m.owner);
    free(m.writes);
    return wrong;
}

/* ---- tensors ---- */

static const char *tensor(const struct plan *p, const struct plan_tensor *t)
{
    uint64_t bytes = dtype_bytes((enum dtype)t->dtype);
    uint32_t seen = 0;

    if (t->buffer >= p->nbuffer || t->rank > PLAN_RANK)
        return "a tensor has no buffer or too many dimensions";
    for (uint32_t d = 0; d < t->rank; d++) {
        bytes *= t->dim[d];
        seen |= 1U << t->perm[d];
    }
    if (bytes != p->buffer[t->buffer].bytes)
        return "a tensor is not as large as its buffer";
    if (seen != (1U << t->rank) - 1)
        return "a tensor is not stored in an order of its dimensions";
    return NULL;
}

const char *plan_oracle(const struct plan *p)
{
    const char *wrong = slabs(p);

    for (uint32_t i = 0; i < p->nbuffer && !wrong; i++)
        wrong = place(p, &p->buffer[i]);
    if (!wrong)
        wrong = pairs(p);
    if (!wrong)
        wrong = peak(p);
    if (!wrong)
        wrong = run_all(p);
    for (uint32_t i = 0; i < p->ntensor && !wrong; i++)
        wrong = tensor(p, &p->tensor[i]);
    return wrong;
}
