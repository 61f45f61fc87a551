/*
 * emit.c: steps with places become a plan.
 *
 * All kernels go into one program: an instance for each distinct source, entry
 * and options.  Buffers: the leaves first, then the transients of each sequence.
 * A value that is made in a leaf's memory is a write of the leaf's buffer.
 *
 * A buffer's argument has a version: how many entries of the sequence wrote it
 * before.  The verifier counts again, so a read of stale content is found
 * whoever made the plan.  Numbers, not pointers: the plan is one block that is
 * copied and written as it stands.
 */
#include "compiler/emit.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "runtime/profile.h"

struct emit {
    struct graph *g;
    struct arena *arena;
    struct plan *p;
    const struct memory *m;
    struct steps *const *seq;
    /* string: all, each with its NUL; program: the kernels' text */
    struct text string, program;
    uint32_t *table; /* of strings */
    size_t table_size, nstring;
    struct plan_buffer *buffer;
    struct plan_entry *entry;
    struct plan_arg *arg;
    uint32_t *leaf_buffer; /* by leaf: its number in the plan */
    uint32_t *local;       /* by buffer of the sequence at hand */
    uint32_t *version;     /* by plan buffer: writes so far */
    const struct launch **instance;
    uint32_t *instance_name;
    int ninstance;
};

/* FNV-1a; a slot holds where the string begins, and 0, the empty string's
 * place, says that it is free. */
static uint32_t *slot_of(const struct emit *e, const char *s)
{
    uint64_t h = 14695981039346656037U;
    size_t at;

    for (const char *c = s; *c; c++)
        h = (h ^ (unsigned char)*c) * 1099511628211U;
    at = (size_t)(h ^ h >> 32) & (e->table_size - 1);
    while (e->table[at] && strcmp(e->string.s + e->table[at], s) != 0)
        at = (at + 1) & (e->table_size - 1);
    return &e->table[at];
}

/* Each string is kept once: a hash table of where they begin, open addressing,
 * a quarter full at most. */
static void grow_table(struct emit *e)
{
    uint32_t *old = e->table;
    size_t n = e->table_size;

    e->table_size = n ? 2 * n : 1024;
    e->table = ARENA_NEW(e->arena, uint32_t, e->table_size);
    for (size_t i = 0; i < n; i++)
        if (old[i])
            *slot_of(e, e->string.s + old[i]) = old[i];
}

static uint32_t string_of(struct emit *e, const char *s)
{
    uint32_t *slot;

    if (!s || !*s)
        return 0;
    if (4 * e->nstring >= e->table_size)
        grow_table(e);
    slot = slot_of(e, s);
    if (!*slot) {
        *slot = (uint32_t)e->string.len;
        e->nstring++;
        text_bytes(&e->string, s, strlen(s) + 1);
    }
    return *slot;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Global and local sizes and scalars are arguments of a launch, not of a
 * kernel: entries that differ in these alone share one. */
static bool same_instance(const struct launch *a, const struct launch *b)
{
    return same_text(a->source, b->source) && same_text(a->text, b->text) &&
           strcmp(a->entry, b->entry) == 0 &&
           strcmp(a->options, b->options) == 0;
}

/* Name of the kernel in the program, which is added where it is new.  The
 * search is linear in instances, of which even deep networks have a few
 * hundred. */
static uint32_t kernel_of(struct emit *e, const struct launch *l)
{
    unsigned id = (unsigned)e->ninstance;
    char *text;

    for (int i = 0; i < e->ninstance; i++)
        if (same_instance(e->instance[i], l))
            return e->instance_name[i];
    text = kernel_instance(l, id);
    if (!text) {
        reject_here(e->g, "no source for kernel %s", l->entry);
        return 0;
    }
    text_add(&e->program, "%s", text);
    free(text);
    e->instance[id] = l;
    e->instance_name[id] = string_of(
        e, arena_format(e->arena, "k%u_%s", id, l->entry));
    e->ninstance++;
    return e->instance_name[id];
}

/* ---- buffers ---- */

static uint32_t add_buffer(struct emit *e, struct plan_buffer b)
{
    e->buffer[e->p->nbuffer] = b;
    return e->p->nbuffer++;
}

/* init always is there, and leaves have the same numbers in all sequences. */
static void add_leaves(struct emit *e)
{
    const struct steps *s = e->seq[SEQ_INIT];

    for (int b = 0; b < s->nleaf; b++) {
        const struct buffer *x = &s->buffer[b];

        if (!e->m->used[b])
            continue;
        e->leaf_buffer[b] = add_buffer(
            e, (struct plan_buffer){.kind = x->kind,
                                    .slab = e->m->slab[b],
                                    .dtype = x->dtype,
                                    .name = string_of(e, x->name),
                                    .offset = e->m->offset[b],
                                    .bytes = x->bytes});
    }
}

/* A buffer whose place is a leaf's is none of its own: its writes are writes of
 * the leaf. */
static void add_transients(struct emit *e, const struct steps *s)
{
    for (int b = s->nleaf; b < s->nbuffer; b++) {
        const struct buffer *x = &s->buffer[b];

        if (s->root[b] < s->nleaf || s->first[b] < 0)
            continue;
        e->local[b] = add_buffer(
            e, (struct plan_buffer){.kind = x->kind,
                                    .slab = s->slab[b],
                                    .dtype = x->dtype,
                                    .sequence = s->id,
                                    .first = (uint32_t)s->first[b],
                                    .last = (uint32_t)s->last[b],
                                    .name = string_of(e, x->name),
                                    .offset = s->offset[b],
                                    .bytes = x->bytes});
    }
}

/* The plan's number of a sequence's buffer. */
static uint32_t buffer_of(const struct emit *e, const struct steps *s, int b)
{
    int root = s->root[b];

    return root < s->nleaf ? e->leaf_buffer[root] : e->local[b];
}

/* ---- entries ---- */

static void add_arg(struct emit *e, struct plan_arg a)
{
    e->arg[e->p->narg++] = a;
}

static void add_scalar(struct emit *e, const struct scalar *x)
{
    if (x->kind == SCALAR_SETTING)
        add_arg(e, (struct plan_arg){.kind = PLAN_ARG_SETTING,
                                     .index = x->setting});
    else
        add_arg(e,
                (struct plan_arg){.kind = x->kind == SCALAR_U32 ? PLAN_ARG_U32
                                                                : PLAN_ARG_F32,
                                  .value = x->u32});
}

/* Arguments in the kernel's order: buffers first, each with its byte range and
 * access, then scalars.  All reads of an entry see the versions before it, so
 * its own writes are counted last. */
static void add_entry(struct emit *e, const struct steps *s, int i)
{
    const struct step *t = &s->step[i];
    struct plan_entry *x = &e->entry[e->p->nentry++];

    *x = (struct plan_entry){.kernel = kernel_of(e, t->launch),
                             .layer = string_of(e, t->path),
                             .first_arg = e->p->narg,
                             .seconds = t->seconds};
    memcpy(x->global, t->launch->global, sizeof x->global);
    memcpy(x->local, t->launch->local, sizeof x->local);
    for (int k = 0; k < t->nuse; k++) {
        uint32_t b = buffer_of(e, s, t->use[k].buffer);

        add_arg(e, (struct plan_arg){.kind = PLAN_ARG_BUFFER,
                                     .access = t->use[k].access,
                                     .index = b,
                                     .version = e->version[b],
                                     .value = t->use[k].first,
                                     .bytes = t->use[k].bytes});
    }
    for (int k = 0; k < t->nuse; k++)
        if (t->use[k].access & PLAN_WRITE)
            e->version[buffer_of(e, s, t->use[k].buffer)]++;
    for (int k = 0; k < t->launch->nscalar; k++)
        add_scalar(e, &t->launch->scalar[k]);
    x->narg = e->p->narg - x->first_arg;
}

/* Versions count from 0 in each sequence: what a sequence finds in a leaf is
 * version 0, whoever left it there. */
static void add_sequence(struct emit *e, const struct steps *s)
{
    struct plan_sequence *q = &e->p->sequence[s->id];

    add_transients(e, s);
    memset(e->version, 0, e->p->nbuffer * sizeof *e->version);
    q->first = e->p->nentry;
    for (int i = 0; i < s->n; i++)
        add_entry(e, s, i);
    q->count = e->p->nentry - q->first;
}

/* ---- tensors, meters, constants ---- */

/* Files and users see the model's order of dimensions; stored dimension d is
 * the user's perm[d]. */
static void describe(const struct node *n, struct plan_tensor *t)
{
    const struct leaf *leaf = n->leaf;

    t->dtype = n->type.dtype;
    t->rank = (uint32_t)n->type.rank;
    t->batched = n->type.batch == 1;
    t->limited = leaf->limited;
    t->limit = leaf->limit;
    t->except = leaf->except;
    for (int d = 0; d < n->type.rank; d++) {
        int user = leaf->permuted ? leaf->perm[d] : d;

        t->perm[d] = (uint32_t)user;
        t->dim[user] = (uint64_t)n->type.dim[d];
    }
}

/* Accumulators and constants are not for the outside: the first are meaningless
 * between updates, the second never change. */
static bool is_named(enum plan_kind k)
{
    return k == PLAN_PARAMETER || k == PLAN_STATE || k == PLAN_METRIC ||
           k == PLAN_INPUT || k == PLAN_OUTPUT || k == PLAN_OBSERVED;
}

static void add_tensors(struct emit *e)
{
    const struct steps *s = e->seq[SEQ_INIT];
    struct plan_tensor *all = ARENA_NEW(e->arena, struct plan_tensor,
                                        (size_t)s->nleaf + 1);

    for (int b = 0; b < s->nleaf; b++) {
        struct plan_tensor *t = &all[e->p->ntensor];

        if (!e->m->used[b] || !is_named(s->buffer[b].kind))
            continue;
        t->name = string_of(e, s->buffer[b].name);
        t->buffer = e->leaf_buffer[b];
        describe(e->g->node[s->buffer[b].leaf], t);
        e->p->ntensor++;
    }
    e->p->tensor = all;
}

static uint32_t tensor_of(const struct emit *e, const char *name)
{
    for (uint32_t i = 0; i < e->p->ntensor; i++)
        if (strcmp(e->string.s + e->p->tensor[i].name, name) == 0)
            return i;
    return UINT32_MAX;
}

static void add_meters(struct emit *e)
{
    const struct graph *g = e->g;
    struct plan_meter *all = ARENA_NEW(e->arena, struct plan_meter,
                                       (size_t)g->nmeter + 1);

    for (int i = 0; i < g->nmeter; i++) {
        const struct meter *m = &g->meter[i];
        uint32_t tensor = tensor_of(e, graph_node(g, m->leaf)->leaf->name);

        if (tensor == UINT32_MAX)
            continue;
        all[e->p->nmeter++] = (struct plan_meter){.name = string_of(e, m->name),
                                                  .tensor = tensor,
                                                  .training = m->training,
                                                  .is_loss = m->is_loss,
                                                  .weight = m->weight};
    }
    e->p->meter = all;
}

/* References keep all values in double; here each gets its type's bytes in the
 * machine's order, as the kernels read them.  i64 constants are exact up to
 * 2^53. */
static void add_element(struct text *out, enum dtype t, double x)
{
    float f = (float)x;
    int32_t i = (int32_t)x;
    int64_t l = (int64_t)x;
    uint8_t u = (uint8_t)(int)x;

    if (t == DT_F32)
        text_bytes(out, (const char *)&f, sizeof f);
    else if (t == DT_I32)
        text_bytes(out, (const char *)&i, sizeof i);
    else if (t == DT_I64)
        text_bytes(out, (const char *)&l, sizeof l);
    else
        text_bytes(out, (const char *)&u, sizeof u);
}

/* In the order of the leaves, without gaps: the session finds each constant's
 * bytes by adding up the sizes before it. */
static void add_constants(struct emit *e)
{
    const struct steps *s = e->seq[SEQ_INIT];
    struct text bytes = {.arena = e->arena};

    for (int b = 0; b < s->nleaf; b++) {
        const struct tensor *c;

        if (!e->m->used[b] || s->buffer[b].kind != PLAN_CONSTANT)
            continue;
        c = e->g->node[s->buffer[b].leaf]->leaf->constant;
        for (int64_t i = 0; i < type_count(&c->type); i++)
            add_element(&bytes, c->type.dtype, c->data[i]);
    }
    e->p->nconstant_bytes = (uint32_t)bytes.len;
    e->p->constant = (const uint8_t *)bytes.s;
}

/* ---- the whole ---- */

/* Upper bounds, counted before anything is added: arrays of the arena do not
 * move, so pointers into them hold. */
static void make_room(struct emit *e)
{
    size_t nbuffer = 1, nentry = 1, narg = 1, nlocal = 1;

    for (int q = 0; q < SEQ_KINDS; q++) {
        const struct steps *s = e->seq[q];

        if (!s)
            continue;
        nbuffer += (size_t)s->nbuffer;
        nentry += (size_t)s->n;
        if ((size_t)s->nbuffer >= nlocal)
            nlocal = (size_t)s->nbuffer + 1;
        for (int i = 0; i < s->n; i++)
            narg += (size_t)(s->step[i].nuse + s->step[i].launch->nscalar);
    }
    e->buffer = ARENA_NEW(e->arena, struct plan_buffer, nbuffer);
    e->version = ARENA_NEW(e->arena, uint32_t, nbuffer);
    e->entry = ARENA_NEW(e->arena, struct plan_entry, nentry);
    e->arg = ARENA_NEW(e->arena, struct plan_arg, narg);
    e->leaf_buffer = ARENA_NEW(e->arena, uint32_t, nlocal);
    e->local = ARENA_NEW(e->arena, uint32_t, nlocal);
    e->instance = ARENA_NEW(e->arena, const struct launch *, nentry);
    e->instance_name = ARENA_NEW(e->arena, uint32_t, nentry);
    e->p->buffer = e->buffer;
    e->p->entry = e->entry;
    e->p->arg = e->arg;
}

static void header(struct emit *e, const struct device_profile *profile)
{
    struct plan *p = e->p;
    const struct graph *g = e->g;

    p->version = PLAN_VERSION;
    p->name = string_of(e, g->name);
    p->device_name = string_of(e, profile->name);
    p->batch = (uint32_t)g->batch;
    p->effective = (uint32_t)g->effective;
    p->family = profile->info.family;
    p->learning_rate = g->learning_rate;
    p->max_allocation = profile->max_allocation;
    p->arena_bytes = e->m->arena_bytes;
    p->live_lower_bound = e->m->live_lower_bound;
    p->nslab = (uint32_t)e->m->nslab;
    p->slab_bytes = e->m->slab_bytes;
    p->slab_kind = e->m->slab_kind;
    for (uint32_t i = 0; i < p->nslab; i++)
        p->device_bytes += p->slab_bytes[i];
}

/* String 0 is the empty one: "no name" is number 0 everywhere.  The program's
 * text goes in last, unshared, because it is by far the longest. */
bool emit(struct graph *g, struct steps *const *seq, const struct memory *m,
          const struct device_profile *profile, struct plan *p)
{
    struct emit e = {.g = g,
                     .arena = g->arena,
                     .p = p,
                     .m = m,
                     .seq = seq,
                     .string = {.arena = g->arena},
                     .program = {.arena = g->arena}};

    *p = (struct plan){0};
    text_bytes(&e.string, "", 1);
    make_room(&e);
    header(&e, profile);
    text_add(&e.program, "%s\n", kernel_source("preamble.cl"));
    add_leaves(&e);
    for (int q = 0; q < SEQ_KINDS; q++)
        if (seq[q])
            add_sequence(&e, seq[q]);
    add_tensors(&e);
    add_meters(&e);
    add_constants(&e);
    numerics_digest(g, seq, profile, p->numerics);
    p->options = string_of(&e, "-cl-std=CL1.2");
    p->program = (uint32_t)e.string.len;
    text_bytes(&e.string, e.program.s, e.program.len + 1);
    p->string = e.string.s;
    p->nstring = (uint32_t)e.string.len;
    return !g->diag->failed;
}
