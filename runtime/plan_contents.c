/*
 * plan_contents.c: every read finds what was written for it.
 *
 * Each sequence is run without its numbers: a map says whose bytes lie where,
 * a write puts its buffer's mark on its extent, and a read must find the mark
 * of its own buffer on all of its.  Since several kernels may write parts of
 * one buffer, its version counts entries; an argument says how many of them it
 * expects to have been before it.  Within an entry reads come before writes.
 *
 * This is where a wrong alias, a wrong order or a wrong lifetime is seen: the
 * bytes of a transient belong to whoever wrote them last.  Only shared buffers
 * are followed; persistent ones hold something before a sequence begins and lie
 * where nothing else does, as the stage before has found.  Cost: for each
 * argument O(log cells), where cells are the distinct ends of extents.
 */
#include <inttypes.h>

#include "runtime/plan_io.h"
#include "runtime/range_map.h"

struct memory {
    const struct plan *p;
    const struct plancl_callbacks *cb;
    struct range_map map; /* holder: buffer + 1 */
    uint64_t *base;       /* of each slab in one line of addresses */
    uint32_t *writes;     /* [buffers] entries that wrote it */
    uint32_t *writer;     /* [buffers] 1 + the last such entry of the plan */
    const char *sequence; /* where we are */
    uint32_t at;
};

struct extent {
    uint64_t begin, end;
};

static struct extent extent_of(const struct memory *m, const struct plan_arg *a)
{
    const struct plan_buffer *b = m->p->buffer + a->index;
    uint64_t begin = m->base[b->slab] + b->offset + a->value;

    return (struct extent){begin, begin + a->bytes};
}

static enum plancl_status refuse(const struct memory *m,
                                 const struct plan_arg *a, const char *wrong)
{
    return fail(m->cb, PLANCL_REFUSED,
                "%s entry %" PRIu32 ", buffer %" PRIu32 " (%s): %s",
                m->sequence, m->at, a->index,
                plan_string(m->p, m->p->buffer[a->index].name), wrong);
}

/* Also of a buffer that is only written: its version must say how many wrote it
 * before. */
static enum plancl_status check_read(struct memory *m, const struct plan_arg *a)
{
    struct extent x = extent_of(m, a);
    uint32_t holder;

    if (a->version != m->writes[a->index])
        return refuse(m, a,
                      "its version is not the number of entries that wrote "
                      "it before");
    /* What a kernel finds in its workspace is its own. */
    if (!(a->access & PLAN_READ) ||
        m->p->buffer[a->index].kind != PLAN_TRANSIENT)
        return PLANCL_OK;
    holder = range_map_get(&m->map, x.begin, x.end);
    if (holder == RANGE_NONE)
        return refuse(m, a, "what is read was never written");
    if (holder != a->index + 1)
        return refuse(m, a,
                      "what is read was written in part, or something else "
                      "was written over it");
    return PLANCL_OK;
}

static bool same_place(const struct plan_buffer *a, const struct plan_buffer *b)
{
    return a->slab == b->slab && a->offset == b->offset && a->bytes == b->bytes;
}

/* A kernel's work-items run in any order: one that reads another's element
 * must not meet that element rewritten.  Element by element, over the same
 * extent, is what in-place kernels do. */
static enum plancl_status check_pair(const struct memory *m,
                                     const struct plan_arg *a,
                                     const struct plan_arg *b)
{
    struct extent x = extent_of(m, a);
    struct extent y = extent_of(m, b);

    if (x.end <= y.begin || y.end <= x.begin ||
        !((a->access | b->access) & PLAN_WRITE))
        return PLANCL_OK;
    if (a->access & b->access & PLAN_WRITE)
        return refuse(m, b, "two arguments of one kernel write it");
    if (x.begin != y.begin || x.end != y.end ||
        !same_place(m->p->buffer + a->index, m->p->buffer + b->index))
        return refuse(m, b, "it is read and written at different places");
    return PLANCL_OK;
}

static enum plancl_status check_pairs(const struct memory *m,
                                      const struct plan_entry *e)
{
    const struct plan_arg *arg = m->p->arg + e->first_arg;

    for (uint32_t i = 0; i < e->narg; i++) {
        if (arg[i].kind != PLAN_ARG_BUFFER)
            continue;
        for (uint32_t k = i + 1; k < e->narg; k++) {
            enum plancl_status status = PLANCL_OK;

            if (arg[k].kind == PLAN_ARG_BUFFER)
                status = check_pair(m, arg + i, arg + k);
            if (status)
                return status;
        }
    }
    return PLANCL_OK;
}

/* Several arguments of one entry that write one buffer count as one. */
static void write(struct memory *m, uint32_t entry, const struct plan_arg *a)
{
    struct extent x = extent_of(m, a);

    if (m->writer[a->index] != entry + 1) {
        m->writer[a->index] = entry + 1;
        m->writes[a->index]++;
    }
    if (plan_kind_shared(m->p->buffer[a->index].kind))
        range_map_set(&m->map, x.begin, x.end, a->index + 1);
}

static enum plancl_status run_entry(struct memory *m, uint32_t entry)
{
    const struct plan_entry *e = m->p->entry + entry;
    const struct plan_arg *arg = m->p->arg + e->first_arg;
    enum plancl_status status = PLANCL_OK;

    for (uint32_t i = 0; i < e->narg && !status; i++)
        if (arg[i].kind == PLAN_ARG_BUFFER)
            status = check_read(m, arg + i);
    if (!status)
        status = check_pairs(m, e);
    if (status)
        return status;
    for (uint32_t i = 0; i < e->narg; i++)
        if (arg[i].kind == PLAN_ARG_BUFFER && (arg[i].access & PLAN_WRITE))
            write(m, entry, arg + i);
    return PLANCL_OK;
}

static enum plancl_status run_sequence(struct memory *m, unsigned s)
{
    const struct plan_sequence *q = m->p->sequence + s;
    enum plancl_status status = PLANCL_OK;

    m->sequence = plan_sequence_name(s);
    range_map_clear(&m->map);
    for (uint32_t i = 0; i < m->p->nbuffer; i++)
        m->writes[i] = 0;
    for (uint32_t i = 0; i < q->count && !status; i++) {
        m->at = i;
        status = run_entry(m, q->first + i);
    }
    return status;
}

/* Slabs follow one another in one line of addresses, so that an extent is two
 * numbers. */
static void open_memory(struct memory *m, struct arena *a)
{
    const struct plan *p = m->p;
    uint64_t *point = ARENA_NEW(a, uint64_t, 2 * (size_t)p->narg);
    uint64_t at = 0;
    uint32_t n = 0;

    m->writes = ARENA_NEW(a, uint32_t, p->nbuffer);
    m->writer = ARENA_NEW(a, uint32_t, p->nbuffer);
    m->base = ARENA_NEW(a, uint64_t, p->nslab);
    for (uint32_t i = 0; i < p->nslab; i++) {
        m->base[i] = at;
        at += p->slab_bytes[i];
    }
    for (uint32_t i = 0; i < p->narg; i++) {
        const struct plan_arg *arg = p->arg + i;

        if (arg->kind != PLAN_ARG_BUFFER ||
            !plan_kind_shared(p->buffer[arg->index].kind))
            continue;
        point[n++] = extent_of(m, arg).begin;
        point[n++] = extent_of(m, arg).end;
    }
    range_map_init(&m->map, a, point, n);
}

enum plancl_status plan_check_contents(const struct plan *p, struct arena *a,
                                       const struct plancl_callbacks *cb)
{
    struct memory m = {.p = p, .cb = cb};
    enum plancl_status status = PLANCL_OK;

    open_memory(&m, a);
    for (unsigned s = 0; s < SEQ_KINDS && !status; s++)
        status = run_sequence(&m, s);
    return status;
}
