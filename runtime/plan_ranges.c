/*
 * plan_ranges.c: every number of a plan is within its bounds.
 *
 * The first stage of plan_verify.  It looks at one thing at a time: that
 * strings, indices and extents are inside what they refer to, so that the
 * later stages (and the runtime) may follow them without asking.
 *
 * Checks stand in the order in which they rely on each other, and none follows
 * an index that was not checked before.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/plan_io.h"

enum {
    MOST_ITEMS = 1 << 26,    /* of any array */
    MOST_ARGS = 256,         /* of one entry: devices take 1 KiB or a little
                               * more of arguments */
    LARGEST_GROUP = 1 << 16, /* work-items */
    METER_LANES = 16,        /* a meter is f32 [16, 4] */
    METER_PARTS = 4
};

#define REFUSE(...) return fail(cb, PLANCL_REFUSED, __VA_ARGS__)

static bool hexadecimal(const char *s, size_t digits)
{
    return strlen(s) == digits && strspn(s, "0123456789abcdef") == digits;
}

static bool string_fits(const struct plan *p, uint32_t at)
{
    return at < p->nstring;
}

static enum plancl_status check_counts(const struct plan *p,
                                       const struct plancl_callbacks *cb)
{
    const struct {
        const char *what;
        uint32_t count;
    } lists[] = {{"slabs", p->nslab},     {"buffers", p->nbuffer},
                 {"entries", p->nentry},  {"arguments", p->narg},
                 {"tensors", p->ntensor}, {"meters", p->nmeter}};

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        if (lists[i].count > MOST_ITEMS)
            REFUSE("the plan has %" PRIu32 " %s, more than %d", lists[i].count,
                   lists[i].what, MOST_ITEMS);
    return PLANCL_OK;
}

/* Begin and end of the string table first: every name in a later message is
 * read from it. */
static enum plancl_status check_header(const struct plan *p,
                                       const struct plancl_callbacks *cb)
{
    if (p->version != PLAN_VERSION)
        REFUSE("the plan is of version %" PRIu32 ", this program runs %d",
               p->version, PLAN_VERSION);
    if (p->nstring == 0 || p->string[0] || p->string[p->nstring - 1])
        REFUSE("the plan's strings do not begin and end with a zero");
    if (!string_fits(p, p->name) || !string_fits(p, p->device_name) ||
        !string_fits(p, p->program) || !string_fits(p, p->options))
        REFUSE("a string of the plan's head is not in its table");
    if (p->family != FAMILY_CPU && p->family != FAMILY_GPU)
        REFUSE("device family %" PRIu32 " is unknown", p->family);
    if (p->batch == 0 || p->effective < p->batch)
        REFUSE("batch %" PRIu32 " does not fit effective batch %" PRIu32,
               p->batch, p->effective);
    if (!isfinite(p->learning_rate))
        REFUSE("the learning rate is not finite");
    if (!memchr(p->numerics, '\0', sizeof(p->numerics)) ||
        !hexadecimal(p->numerics, sizeof(p->numerics) - 1))
        REFUSE("the numerics digest is not 64 hexadecimal digits");
    return PLANCL_OK;
}

/* The header's sums must be those of the slabs: they are what a session
 * promises to take. */
static enum plancl_status check_slabs(const struct plan *p,
                                      const struct plancl_callbacks *cb)
{
    uint64_t all = 0;
    uint64_t arena = 0;

    for (uint32_t i = 0; i < p->nslab; i++) {
        uint64_t bytes = p->slab_bytes[i];

        if (p->slab_kind[i] >= PLAN_KINDS)
            REFUSE("slab %" PRIu32 " is of the unknown kind %" PRIu32, i,
                   p->slab_kind[i]);
        if (bytes == 0 || bytes > p->max_allocation)
            REFUSE("slab %" PRIu32 " has %" PRIu64
                   " bytes, it should have 1 to %" PRIu64,
                   i, bytes, p->max_allocation);
        if (!add_u64(all, bytes, &all))
            REFUSE("the slabs have more than 2^64 bytes");
        if (p->slab_kind[i] == PLAN_TRANSIENT)
            arena += bytes;
    }
    if (all != p->device_bytes)
        REFUSE("device_bytes is %" PRIu64 ", the slabs have %" PRIu64,
               p->device_bytes, all);
    if (arena != p->arena_bytes)
        REFUSE("arena_bytes is %" PRIu64 ", the arena's slabs have %" PRIu64,
               p->arena_bytes, arena);
    return PLANCL_OK;
}

/* Sequences follow one another and cover all entries, entries cover all
 * arguments: nothing is run twice and nothing is left over. */
static enum plancl_status check_sequences(const struct plan *p,
                                          const struct plancl_callbacks *cb)
{
    uint64_t entries = 0;
    uint64_t args = 0;

    for (unsigned s = 0; s < SEQ_KINDS; s++) {
        const struct plan_sequence *q = p->sequence + s;

        if (q->count && q->first != entries)
            REFUSE("sequence %s begins at entry %" PRIu32
                   ", it should at %" PRIu64,
                   plan_sequence_name(s), q->first, entries);
        entries += q->count;
    }
    if (entries != p->nentry)
        REFUSE("the sequences have %" PRIu64 " entries, the plan %" PRIu32,
               entries, p->nentry);
    for (uint32_t i = 0; i < p->nentry; i++) {
        if (p->entry[i].first_arg != args || p->entry[i].narg > MOST_ARGS)
            REFUSE("entry %" PRIu32 " has %" PRIu32 " arguments from %" PRIu32
                   " on, there should be at "
                   "most %d from %" PRIu64 " on",
                   i, p->entry[i].narg, p->entry[i].first_arg, MOST_ARGS, args);
        args += p->entry[i].narg;
    }
    if (args != p->narg)
        REFUSE("the entries have %" PRIu64 " arguments, the plan %" PRIu32,
               args, p->narg);
    return PLANCL_OK;
}

/* A buffer of the arena is in an arena's slab, any other is not: nothing
 * persistent can be overwritten by sharing. */
static enum plancl_status check_place(const struct plan *p, uint32_t i,
                                      const struct plancl_callbacks *cb)
{
    const struct plan_buffer *b = p->buffer + i;
    const char *name = plan_string(p, b->name);
    uint64_t end;

    if (b->slab >= p->nslab)
        REFUSE("buffer %" PRIu32 " (%s) is in slab %" PRIu32 " of %" PRIu32, i,
               name, b->slab, p->nslab);
    if (b->bytes == 0 || !add_u64(b->offset, b->bytes, &end) ||
        end > p->slab_bytes[b->slab])
        REFUSE("buffer %" PRIu32 " (%s) takes %" PRIu64 " bytes at %" PRIu64
               " of slab %" PRIu32 ", which has %" PRIu64,
               i, name, b->bytes, b->offset, b->slab, p->slab_bytes[b->slab]);
    if (b->offset % dtype_bytes(b->dtype))
        REFUSE("buffer %" PRIu32 " (%s) begins at byte %" PRIu64
               ", which is no element of %s",
               i, name, b->offset, dtype_name(b->dtype));
    if ((p->slab_kind[b->slab] == PLAN_TRANSIENT) != plan_kind_shared(b->kind))
        REFUSE("buffer %" PRIu32 " (%s), a %s, is in a slab of kind %s", i,
               name, plan_kind_name(b->kind),
               plan_kind_name(p->slab_kind[b->slab]));
    return PLANCL_OK;
}

static enum plancl_status check_buffer(const struct plan *p, uint32_t i,
                                       const struct plancl_callbacks *cb)
{
    const struct plan_buffer *b = p->buffer + i;

    if (!string_fits(p, b->name) || b->kind >= PLAN_KINDS ||
        b->dtype == DT_NONE || b->dtype > DT_BOOL)
        REFUSE("buffer %" PRIu32 " has a name, kind or type that is unknown",
               i);
    if (!plan_kind_shared(b->kind))
        return check_place(p, i, cb);
    if (b->sequence >= SEQ_KINDS || b->first > b->last ||
        b->last >= p->sequence[b->sequence].count)
        REFUSE("buffer %" PRIu32 " (%s) lives from entry %" PRIu32
               " to %" PRIu32 ", which its sequence does not have",
               i, plan_string(p, b->name), b->first, b->last);
    if (b->kind == PLAN_WORKSPACE && b->first != b->last)
        REFUSE("workspace %" PRIu32 " (%s) lives for more than one entry", i,
               plan_string(p, b->name));
    return check_place(p, i, cb);
}

/* Constants are uploaded by adding up their buffers' sizes, so these must be
 * all the bytes there are. */
static enum plancl_status check_buffers(const struct plan *p,
                                        const struct plancl_callbacks *cb)
{
    uint64_t constants = 0;

    for (uint32_t i = 0; i < p->nbuffer; i++) {
        enum plancl_status status = check_buffer(p, i, cb);

        if (status)
            return status;
        if (p->buffer[i].kind == PLAN_CONSTANT &&
            !add_u64(constants, p->buffer[i].bytes, &constants))
            REFUSE("the constants have more than 2^64 bytes");
    }
    if (constants != p->nconstant_bytes)
        REFUSE("the plan holds %" PRIu32
               " bytes of constants, their buffers have %" PRIu64,
               p->nconstant_bytes, constants);
    return PLANCL_OK;
}

/* OpenCL 1.2 wants whole groups.  Unused dimensions are 1, never 0. */
static enum plancl_status check_launch(const struct plan *p, uint32_t i,
                                       const struct plancl_callbacks *cb)
{
    const struct plan_entry *e = p->entry + i;
    uint64_t items = 1;
    uint64_t group = 1;

    if (!string_fits(p, e->kernel) || !string_fits(p, e->layer) ||
        !*plan_string(p, e->kernel))
        REFUSE("entry %" PRIu32 " has no kernel or no layer", i);
    for (int d = 0; d < 3; d++) {
        uint64_t global = e->global[d];
        uint64_t local = e->local[d];

        if (global == 0 || local == 0 || global % local)
            REFUSE("entry %" PRIu32 " (%s): dimension %d has %" PRIu64
                   " work-items in groups of %" PRIu64,
                   i, plan_string(p, e->kernel), d, global, local);
        if (!mul_u64(items, global, &items) || items > INT64_MAX ||
            !mul_u64(group, local, &group) || group > LARGEST_GROUP)
            REFUSE("entry %" PRIu32 " (%s) has too many work-items", i,
                   plan_string(p, e->kernel));
    }
    if (!isfinite(e->seconds) || e->seconds < 0)
        REFUSE("entry %" PRIu32 " (%s) is predicted to take %g seconds", i,
               plan_string(p, e->kernel), e->seconds);
    return PLANCL_OK;
}

/* Null, or how an argument leaves its buffer or its rights. */
static const char *wrong_extent(const struct plan_buffer *b,
                                const struct plan_arg *a)
{
    uint64_t end;

    if (a->bytes == 0 || !add_u64(a->value, a->bytes, &end) || end > b->bytes)
        return "reaches beyond it";
    if (a->value % dtype_bytes(b->dtype))
        return "does not begin at an element";
    if (a->access == 0 || a->access > (PLAN_READ | PLAN_WRITE))
        return "neither reads nor writes it";
    if ((a->access & PLAN_WRITE) &&
        (b->kind == PLAN_CONSTANT || b->kind == PLAN_INPUT))
        return "writes it, which only the host may";
    if (b->kind == PLAN_WORKSPACE && !(a->access & PLAN_WRITE))
        return "reads it and never writes it";
    return NULL;
}

/* at: entry within sequence s. */
static enum plancl_status check_use(const struct plan *p, unsigned s,
                                    uint32_t at, const struct plan_arg *a,
                                    const struct plancl_callbacks *cb)
{
    const struct plan_buffer *b = p->buffer + a->index;
    const char *wrong;

    if (a->index >= p->nbuffer)
        REFUSE("%s entry %" PRIu32 " takes buffer %" PRIu32 " of %" PRIu32,
               plan_sequence_name(s), at, a->index, p->nbuffer);
    wrong = wrong_extent(b, a);
    if (!wrong && plan_kind_shared(b->kind) &&
        (b->sequence != s || at < b->first || at > b->last))
        wrong = "uses it outside its lifetime";
    if (wrong)
        REFUSE("%s entry %" PRIu32 ", buffer %" PRIu32 " (%s): the kernel %s",
               plan_sequence_name(s), at, a->index, plan_string(p, b->name),
               wrong);
    return PLANCL_OK;
}

static enum plancl_status check_arg(const struct plan *p, unsigned s,
                                    uint32_t at, const struct plan_arg *a,
                                    const struct plancl_callbacks *cb)
{
    bool fits = false;

    switch ((enum plan_arg_kind)a->kind) {
    case PLAN_ARG_BUFFER:
        return check_use(p, s, at, a, cb);
    case PLAN_ARG_U32:
    case PLAN_ARG_F32:
        fits = a->value <= UINT32_MAX;
        break;
    case PLAN_ARG_SETTING:
        fits = a->index < SETTING_KINDS;
        break;
    case PLAN_ARG_LOCAL:
        fits = a->value > 0 && a->value <= UINT32_MAX;
        break;
    }
    if (!fits)
        REFUSE("%s entry %" PRIu32 " has an argument of kind %" PRIu32
               " with the value %" PRIu64 " or the index %" PRIu32,
               plan_sequence_name(s), at, a->kind, a->value, a->index);
    return PLANCL_OK;
}

static enum plancl_status check_entry(const struct plan *p, unsigned s,
                                      uint32_t at,
                                      const struct plancl_callbacks *cb)
{
    uint32_t i = p->sequence[s].first + at;
    const struct plan_entry *e = p->entry + i;
    enum plancl_status status = check_launch(p, i, cb);

    for (uint32_t k = 0; k < e->narg && !status; k++)
        status = check_arg(p, s, at, p->arg + e->first_arg + k, cb);
    return status;
}

static enum plancl_status check_entries(const struct plan *p,
                                        const struct plancl_callbacks *cb)
{
    for (unsigned s = 0; s < SEQ_KINDS; s++)
        for (uint32_t at = 0; at < p->sequence[s].count; at++) {
            enum plancl_status status = check_entry(p, s, at, cb);

            if (status)
                return status;
        }
    return PLANCL_OK;
}

static bool may_be_named(enum plan_kind kind)
{
    return kind == PLAN_PARAMETER || kind == PLAN_STATE || kind == PLAN_INPUT ||
           kind == PLAN_OUTPUT || kind == PLAN_METRIC || kind == PLAN_OBSERVED;
}

/* Null, or what is wrong with the shape. */
static const char *wrong_shape(const struct plan *p,
                               const struct plan_tensor *t)
{
    const struct plan_buffer *b = p->buffer + t->buffer;
    uint64_t bytes = dtype_bytes(b->dtype);
    unsigned seen = 0;

    if (t->rank > PLAN_RANK)
        return "has too many dimensions";
    for (uint32_t i = 0; i < t->rank; i++) {
        if (t->perm[i] >= t->rank || (seen & 1u << t->perm[i]))
            return "is not stored as a permutation of its dimensions";
        seen |= 1u << t->perm[i];
        if (!mul_u64(bytes, t->dim[i], &bytes))
            return "has more than 2^64 bytes";
    }
    if (bytes != b->bytes)
        return "is not of its buffer's size";
    if (t->batched && (t->rank == 0 || t->dim[0] % p->batch))
        return "has a first dimension that does not count samples";
    return NULL;
}

static enum plancl_status check_tensor(const struct plan *p, uint32_t i,
                                       const struct plancl_callbacks *cb)
{
    const struct plan_tensor *t = p->tensor + i;
    const char *wrong = NULL;

    if (!string_fits(p, t->name) || !*plan_string(p, t->name) ||
        t->buffer >= p->nbuffer)
        REFUSE("tensor %" PRIu32 " has no name or no buffer", i);
    if (!may_be_named(p->buffer[t->buffer].kind))
        wrong = "is of a kind that has no name";
    else if (t->dtype != p->buffer[t->buffer].dtype)
        wrong = "is not of its buffer's type";
    else if (t->limited && dtype_is_float(t->dtype))
        wrong = "holds no integers and cannot be limited";
    else if (t->batched > 1 || t->limited > 1)
        wrong = "has a mark that is neither 0 nor 1";
    else
        wrong = wrong_shape(p, t);
    if (wrong)
        REFUSE("tensor %" PRIu32 " (%s) %s", i, plan_string(p, t->name), wrong);
    return PLANCL_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names find tensors, so no two may be alike.  Sorted: n log n. */
static enum plancl_status check_names(const struct plan *p, struct arena *a,
                                      const struct plancl_callbacks *cb)
{
    const char **name = ARENA_NEW(a, const char *, p->ntensor);

    for (uint32_t i = 0; i < p->ntensor; i++)
        name[i] = plan_string(p, p->tensor[i].name);
    if (p->ntensor)
        qsort(name, p->ntensor, sizeof(*name), by_text);
    for (uint32_t i = 1; i < p->ntensor; i++)
        if (strcmp(name[i - 1], name[i]) == 0)
            REFUSE("two tensors are called %s", name[i]);
    return PLANCL_OK;
}

static enum plancl_status check_tensors(const struct plan *p,
                                        const struct plancl_callbacks *cb)
{
    for (uint32_t i = 0; i < p->ntensor; i++) {
        enum plancl_status status = check_tensor(p, i, cb);

        if (status)
            return status;
    }
    return PLANCL_OK;
}

/* Reading a meter takes its sums by place, so the shape is fixed. */
static enum plancl_status check_meters(const struct plan *p,
                                       const struct plancl_callbacks *cb)
{
    for (uint32_t i = 0; i < p->nmeter; i++) {
        const struct plan_meter *m = p->meter + i;
        const struct plan_tensor *t;

        if (!string_fits(p, m->name) || m->tensor >= p->ntensor)
            REFUSE("meter %" PRIu32 " has no name or no tensor", i);
        t = p->tensor + m->tensor;
        if (p->buffer[t->buffer].kind != PLAN_METRIC || t->dtype != DT_F32 ||
            t->rank != 2 || t->dim[0] != METER_LANES ||
            t->dim[1] != METER_PARTS)
            REFUSE("meter %" PRIu32 " (%s) is not over a metric f32 [%d,%d]", i,
                   plan_string(p, m->name), METER_LANES, METER_PARTS);
        if (m->training > 1 || m->is_loss > 1 || !isfinite(m->weight))
            REFUSE("meter %" PRIu32 " (%s) has a mark that is neither 0 nor 1 "
                   "or a weight that is not finite",
                   i, plan_string(p, m->name));
    }
    return PLANCL_OK;
}

enum plancl_status plan_check_ranges(const struct plan *p, struct arena *a,
                                     const struct plancl_callbacks *cb)
{
    static enum plancl_status (*const checks[])(
        const struct plan *, const struct plancl_callbacks *) = {
        check_counts,  check_header,  check_slabs,   check_sequences,
        check_buffers, check_entries, check_tensors, check_meters,
    };

    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        enum plancl_status status = checks[i](p, cb);

        if (status)
            return status;
    }
    return check_names(p, a, cb);
}
