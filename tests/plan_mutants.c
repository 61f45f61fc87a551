/*
 * plan_mutants.c: valid plan files with something changed.
 *
 * Plans of random models, some in little memory or in small slabs, are changed
 * in one place or two: a number of a buffer, an argument, an entry, a tensor or
 * the head; entries swapped, dropped, repeated or moved, with the counts of
 * writes put right or not; or any number in the file's text.  The file gets its
 * right digest and is read and verified.  It must be refused with one message,
 * or, where it is accepted, break no rule of plan_oracle.h.
 *
 * PLANCL_MUTANTS=n makes n, PLANCL_RANDOM_SEED=s begins with that seed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/plancl_compile.h"
#include "tests/plan_oracle.h"
#include "tests/plan_sample.h"
#include "tests/random_graph.h"

enum {
    MUTANTS = 10000,
    FIRST_SEED = 9000,
    FILES = 12,
    MOST_TEXT = 32000, /* of a file, so that reading it is quick */
    CHANGES = 2        /* to one plan, at most */
};

/* A plan that may be changed, in an arena. */
struct mutant {
    struct plan plan;
    struct plan_buffer *buffer;
    struct plan_entry *entry;
    struct plan_arg *arg;
    struct plan_tensor *tensor;
    uint64_t *slab_bytes;
    uint64_t state; /* of the random numbers */
};

/* What came of them. */
struct tally {
    unsigned accepted, unread, unverified, wrong;
};

static unsigned below(struct mutant *m, unsigned n)
{
    return random_below(&m->state, n);
}

/* ---- numbers ---- */

/* Something near, or something that is likely to be a border. */
static uint64_t near(struct mutant *m, uint64_t x)
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
    return (uint32_t)near(m, x);
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
        b->offset = near(m, b->offset);
        break;
    case 1:
        b->offset = any_buffer(m)->offset;
        break;
    case 2:
        b->bytes = near(m, b->bytes);
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
        a->value = near(m, a->value);
        break;
    case 5:
        a->bytes = near(m, a->bytes);
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
        *number[i] = near(m, *number[i]);
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
        t->dim[d] = near(m, t->dim[d]);
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
        e->global[d] = near(m, e->global[d]);
    else
        e->local[d] = near(m, e->local[d]);
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

static void change(struct mutant *m)
{
    static void (*const kind[])(struct mutant *) = {
        change_buffer, change_buffer, change_buffer, swap_places,  change_arg,
        change_arg,    change_arg,    change_order,  change_order, change_order,
        change_head,   change_tensor, change_launch};

    kind[below(m, sizeof kind / sizeof *kind)](m);
}

/* ---- files ---- */

#define COPY(a, type, from, n, room) \
    memcpy(ARENA_NEW(a, type, room), from, (n) * sizeof(type))

static void copy_plan(const struct plan *p, struct arena *a, struct mutant *m)
{
    m->plan = *p;
    m->buffer = COPY(a, struct plan_buffer, p->buffer, p->nbuffer, p->nbuffer);
    m->entry = COPY(a, struct plan_entry, p->entry, p->nentry,
                    p->nentry + CHANGES);
    m->arg = COPY(a, struct plan_arg, p->arg, p->narg, p->narg);
    m->tensor = COPY(a, struct plan_tensor, p->tensor, p->ntensor, p->ntensor);
    m->slab_bytes = COPY(a, uint64_t, p->slab_bytes, p->nslab, p->nslab);
    m->plan.buffer = m->buffer;
    m->plan.entry = m->entry;
    m->plan.arg = m->arg;
    m->plan.tensor = m->tensor;
    m->plan.slab_bytes = m->slab_bytes;
}

/* Another number where one stands in the text; it may not become longer than
 * what there is room for. */
static void change_text(struct mutant *m, struct text *t)
{
    size_t at = random_next(&m->state) % (t->len * 3 / 4), digits, len;
    char number[32];

    at += strcspn(t->s + at, "0123456789");
    digits = strspn(t->s + at, "0123456789");
    if (!digits || t->len - at < 200)
        return;
    len = (size_t)snprintf(number, sizeof number, "%" PRIu64,
                           near(m, strtoull(t->s + at, NULL, 10)));
    text_bytes(t, number, sizeof number); /* makes room */
    t->len -= sizeof number;
    memmove(t->s + at + len, t->s + at + digits, t->len - at - digits + 1);
    memcpy(t->s + at, number, len);
    t->len += len - digits;
    t->s[t->len] = '\0';
    sample_sign(t->s, t->len);
}

static void write_mutant(const struct plan *p, struct mutant *m, struct text *t)
{
    copy_plan(p, t->arena, m);
    if (below(m, 5) == 0) {
        plan_json_write(&m->plan, t);
        change_text(m, t);
        return;
    }
    change(m);
    if (below(m, 3) == 0)
        change(m);
    plan_json_write(&m->plan, t);
}

/* ---- verdicts ---- */

static int judge(const struct text *t, struct tally *tally)
{
    struct plancl_plan *plan = NULL;
    struct said said;
    const char *broken = NULL;
    enum plancl_status status;
    int bad;

    said_init(&said);
    status = plan_json_read(t->s, t->len, &said.callbacks, &plan);
    tally->unread += status == PLANCL_REFUSED;
    if (!status) {
        status = plan_verify(&plan->plan, &said.callbacks);
        tally->unverified += status == PLANCL_REFUSED;
    }
    tally->accepted += status == PLANCL_OK;
    if (status == PLANCL_OK)
        broken = plan_oracle(&plan->plan);
    plancl_plan_free(plan);
    bad = broken || (status != PLANCL_OK && status != PLANCL_REFUSED) ||
          said.count != (status != PLANCL_OK);
    if (bad)
        fprintf(stderr, "status %d, %d messages (%s), breaks: %s\n", status,
                said.count, said.text, broken ? broken : "nothing");
    return bad;
}

static void keep(const struct text *t, unsigned number)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "mutant-%u.plan", number);
    fprintf(stderr, "%s failed\n", path);
    f = fopen(path, "w");
    if (!f)
        return;
    fwrite(t->s, 1, t->len, f);
    fclose(f);
}

static void try_mutant(const struct plan *p, uint64_t seed, unsigned number,
                       struct tally *tally)
{
    struct mutant m = {.state = seed + number};
    struct arena a;
    struct text t = {.arena = &a};
    jmp_buf out_of_memory;

    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    write_mutant(p, &m, &t);
    if (judge(&t, tally)) {
        keep(&t, number);
        tally->wrong++;
    }
    arena_close(&a);
}

/* ---- the plans ---- */

static bool is_small(const struct plan *p)
{
    struct plan bare = *p;
    struct arena a;
    struct text t = {.arena = &a};
    jmp_buf out_of_memory;

    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    bare.program = 0;
    plan_json_write(&bare, &t);
    arena_close(&a);
    return t.len <= MOST_TEXT;
}

/* Every third as it is, the others in the least memory, of them one half in
 * slabs of half of that.  Null for a model that is too large. */
static struct plancl_plan *compiled_model(const char *model, unsigned file)
{
    struct plancl_compile_options o = {.skip = 0};
    struct plancl_plan *plan = NULL;
    uint64_t would_do = 0;

    if (plancl_compile("model.json", model, &o, NULL, &plan))
        return NULL;
    if (file % 3 == 0 && is_small(&plan->plan))
        return plan;
    o.would_do = &would_do;
    o.memory = 1;
    if (file % 3 == 2)
        o.max_allocation = plancl_plan_device_bytes(plan) / 2;
    if (is_small(&plan->plan)) {
        plancl_plan_free(plan);
        plancl_compile("model.json", model, &o, NULL, &plan);
        o.memory = would_do;
        if (would_do)
            plancl_compile("model.json", model, &o, NULL, &plan);
        return plan;
    }
    plancl_plan_free(plan);
    return NULL;
}

/* Without its program, which no rule looks at. */
static struct plancl_plan *compiled(uint64_t seed, unsigned file)
{
    struct random_model m;
    struct plancl_plan *plan;
    struct arena a;
    jmp_buf out_of_memory;

    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    random_model(seed, &a, &m);
    plan = compiled_model(m.text, file);
    arena_close(&a);
    if (plan)
        plan->plan.program = 0;
    return plan;
}

int main(void)
{
    const char *mutants = getenv("PLANCL_MUTANTS");
    const char *first = getenv("PLANCL_RANDOM_SEED");
    uint64_t seed = first ? strtoull(first, NULL, 10) : FIRST_SEED;
    unsigned n = mutants ? (unsigned)strtoul(mutants, NULL, 10) : MUTANTS;
    struct tally tally = {0};

    for (unsigned file = 0; file < FILES; seed++) {
        struct plancl_plan *plan = compiled(seed, file);

        if (plan) {
            for (unsigned i = file; i < n; i += FILES)
                try_mutant(&plan->plan, seed * n, i, &tally);
            file++;
        }
        plancl_plan_free(plan);
    }
    printf("%u mutants: %u unreadable, %u refused, %u accepted that break no "
           "rule, %u wrong\n",
           n, tally.unread, tally.unverified, tally.accepted - tally.wrong,
           tally.wrong);
    return tally.wrong != 0;
}
