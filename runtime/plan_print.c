/*
 * plan_print.c: a plan as text for people.
 *
 * Exact bytes beside rounded sizes: what the promise of a peak is about can be
 * compared by eye and by script.
 */
#include <inttypes.h>

#include "runtime/plan_live.h"

static void put_bytes(struct text *t, const char *what, uint64_t bytes)
{
    text_add(t, "  %-20s %16" PRIu64 "  (", what, bytes);
    text_size(t, bytes);
    text_add(t, ")\n");
}

static void print_header(const struct plan *p, struct text *t)
{
    text_add(t, "plan %s, version %" PRIu32 ", for %s (%s)\n",
             plan_string(p, p->name), p->version,
             plan_string(p, p->device_name),
             p->family == FAMILY_CPU ? "cpu" : "gpu");
    text_add(
        t, "batch %" PRIu32 ", effective batch %" PRIu32 ", learning rate %g\n",
        p->batch, p->effective, p->learning_rate);
    if (p->sequence[SEQ_STEP].count)
        text_add(t, "predicted step %.3g ms\n", 1e3 * plan_step_seconds(p));
    text_add(t, "numerics %s\n\nbytes\n", p->numerics);
    put_bytes(t, "device", p->device_bytes);
    put_bytes(t, "host", p->host_bytes);
    put_bytes(t, "arena", p->arena_bytes);
    put_bytes(t, "live lower bound", p->live_lower_bound);
    put_bytes(t, "largest allocation", p->max_allocation);
}

static void print_peak(const struct plan *p, struct text *t)
{
    struct plan_live live = plan_live_of(p, t->arena);

    if (!live.n)
        return;
    text_add(t,
             "\nthe arena is fullest in %s entry %" PRIu32 ", %" PRIu64
             " bytes live\n",
             plan_sequence_name(live.peak.sequence), live.peak.entry,
             live.peak.bytes);
    plan_print_largest(p, &live, NULL, t);
}

void plan_print_categories(const struct plan *p, struct text *t)
{
    struct plan_categories c = plan_categories_of(p, t->arena);

    text_add(t, "device memory by category (shared ones at the peak)\n");
    for (unsigned k = 0; k < PLAN_KINDS; k++)
        if (c.kind_bytes[k])
            put_bytes(t, plan_kind_name(k), c.kind_bytes[k]);
    put_bytes(t, "unused", c.unused);
}

static void print_slabs(const struct plan *p, struct text *t)
{
    text_add(t, "\n%" PRIu32 " slabs\n", p->nslab);
    for (uint32_t i = 0; i < p->nslab; i++)
        text_add(t, "  %3" PRIu32 "  %-12s %16" PRIu64 "\n", i,
                 p->slab_kind[i] == PLAN_TRANSIENT
                     ? "arena"
                     : plan_kind_name(p->slab_kind[i]),
                 p->slab_bytes[i]);
}

static void print_tensor(const struct plan *p, const struct plan_tensor *x,
                         struct text *t)
{
    const struct plan_buffer *b = p->buffer + x->buffer;

    text_add(t, "  %-9s %-32s %s [", plan_kind_name(b->kind),
             plan_string(p, x->name), dtype_name(x->dtype));
    for (uint32_t i = 0; i < x->rank; i++)
        text_add(t, "%s%" PRIu64, i ? "," : "", x->dim[i]);
    text_add(t, "]  slab %" PRIu32 " at %" PRIu64 ", %" PRIu64 " bytes",
             b->slab, b->offset, b->bytes);
    if (x->limited)
        text_add(t, ", 0 to %" PRId64, x->limit - 1);
    if (x->limited && x->except)
        text_add(t, " or %" PRId64, x->except);
    text_add(t, "\n");
}

static void print_tensors(const struct plan *p, struct text *t)
{
    text_add(t, "\n%" PRIu32 " tensors\n", p->ntensor);
    for (uint32_t i = 0; i < p->ntensor; i++)
        print_tensor(p, p->tensor + i, t);
    text_add(t, "\n%" PRIu32 " meters\n", p->nmeter);
    for (uint32_t i = 0; i < p->nmeter; i++)
        text_add(t, "  %-9s %-24s %s, weight %g\n",
                 p->meter[i].training ? "training" : "evaluate",
                 plan_string(p, p->meter[i].name),
                 p->meter[i].is_loss ? "loss" : "metric", p->meter[i].weight);
}

static void print_arg(const struct plan *p, const struct plan_arg *a,
                      struct text *t)
{
    static const char *const mark[] = {"", "<-", "->", "<>"};
    const struct plan_buffer *b = p->buffer + a->index;

    if (a->kind != PLAN_ARG_BUFFER)
        return;
    text_add(t,
             "        %s #%" PRIu32 ".%" PRIu32 " %s  slab %" PRIu32
             " at %" PRIu64 ", %" PRIu64 " bytes\n",
             mark[a->access], a->index, a->version, plan_string(p, b->name),
             b->slab, b->offset + a->value, a->bytes);
}

/* Work-items are [x, y, z] in all, by those of one group. */
static void print_entry(const struct plan *p, uint32_t at,
                        const struct plan_entry *e, struct text *t)
{
    text_add(t,
             "  %4" PRIu32 "  %s  %s  [%" PRIu64 ",%" PRIu64 ",%" PRIu64
             "] by [%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]  %.3g ms\n",
             at, plan_string(p, e->kernel), plan_string(p, e->layer),
             e->global[0], e->global[1], e->global[2], e->local[0], e->local[1],
             e->local[2], 1e3 * e->seconds);
    for (uint32_t i = 0; i < e->narg; i++)
        print_arg(p, p->arg + e->first_arg + i, t);
}

static void print_sequence(const struct plan *p, enum plan_sequence_id id,
                           struct text *t)
{
    const struct plan_sequence *q = p->sequence + id;

    if (!q->count)
        return;
    text_add(t, "\nsequence %s: %" PRIu32 " entries, %.3g ms predicted\n",
             plan_sequence_name(id), q->count,
             1e3 * plan_sequence_seconds(p, id));
    for (uint32_t i = 0; i < q->count; i++)
        print_entry(p, i, p->entry + q->first + i, t);
}

void plan_print(const struct plan *p, struct text *t)
{
    print_header(p, t);
    text_add(t, "\n");
    plan_print_categories(p, t);
    print_peak(p, t);
    print_slabs(p, t);
    print_tensors(p, t);
    text_add(t,
             "\nin the sequences an entry is: kernel, layer, [work-items] by "
             "[those of a group], predicted time;\n#7.2 is buffer 7 after 2 "
             "entries wrote it; <- read, -> written, <> both\n");
    for (unsigned s = 0; s < SEQ_KINDS; s++)
        print_sequence(p, s, t);
}
