/*
 * plan_inspect.c: what is in a plan, summed up, and as a JSON object for
 * programs.
 */
#include <inttypes.h>

#include "runtime/plan_io.h"

/* Persistent kinds always, shared ones at the peak; what is left of the slabs
 * is unused. */
struct plan_categories plan_categories_of(const struct plan *p, struct arena *a)
{
    struct plan_categories c = {.unused = p->device_bytes};

    /* The plan is verified: this cannot be refused. */
    plan_check_lifetimes(p, a, NULL, &c.peak);
    for (uint32_t i = 0; i < p->nbuffer; i++)
        if (!plan_kind_shared(p->buffer[i].kind))
            c.kind_bytes[p->buffer[i].kind] += p->buffer[i].bytes;
    for (unsigned k = 0; k < PLAN_KINDS; k++) {
        c.kind_bytes[k] += c.peak.kind_bytes[k];
        c.unused -= c.kind_bytes[k];
    }
    return c;
}

double plan_sequence_seconds(const struct plan *p, enum plan_sequence_id id)
{
    const struct plan_sequence *q = p->sequence + id;
    double sum = 0;

    for (uint32_t i = 0; i < q->count; i++)
        sum += p->entry[q->first + i].seconds;
    return sum;
}

/* An update of several pieces: `accumulate` for all but the last, `step` for
 * it, and `count` for each before. */
double plan_step_seconds(const struct plan *p)
{
    uint32_t pieces = p->batch ? (p->effective + p->batch - 1) / p->batch : 1;

    if (!p->sequence[SEQ_STEP].count)
        return 0;
    return plan_sequence_seconds(p, SEQ_STEP) +
           (pieces - 1) * plan_sequence_seconds(p, SEQ_ACCUMULATE) +
           pieces * plan_sequence_seconds(p, SEQ_COUNT);
}

double plan_batch_seconds(const struct plan *p)
{
    return p->sequence[SEQ_STEP].count ? plan_step_seconds(p)
                                       : plan_sequence_seconds(p, SEQ_PREDICT);
}

static void put_u64(struct text *t, const char *key, uint64_t x)
{
    text_add(t, "\"%s\": %" PRIu64 ",\n", key, x);
}

static void put_string(struct text *t, const char *key, const char *s)
{
    text_add(t, "\"%s\": ", key);
    text_json_string(t, s);
    text_add(t, ",\n");
}

static void inspect_header(const struct plan *p, struct text *t)
{
    put_u64(t, "version", p->version);
    put_string(t, "name", plan_string(p, p->name));
    put_string(t, "device_name", plan_string(p, p->device_name));
    put_u64(t, "batch", p->batch);
    put_u64(t, "effective_batch", p->effective);
    text_add(t, "\"learning_rate\": %.17g,\n", p->learning_rate);
    text_add(t, "\"predicted_step_s\": %.9g,\n", plan_step_seconds(p));
    put_string(t, "numerics", p->numerics);
    put_u64(t, "device_bytes", p->device_bytes);
    put_u64(t, "host_bytes", p->host_bytes);
    put_u64(t, "arena_bytes", p->arena_bytes);
    put_u64(t, "live_lower_bound", p->live_lower_bound);
    put_u64(t, "max_allocation", p->max_allocation);
}

static void inspect_categories(const struct plan *p, struct text *t)
{
    struct plan_categories c = plan_categories_of(p, t->arena);

    text_add(t, "\"categories\": {");
    for (unsigned k = 0; k < PLAN_KINDS; k++)
        text_add(t, "\"%s\": %" PRIu64 ", ", plan_kind_name(k),
                 c.kind_bytes[k]);
    text_add(t, "\"unused\": %" PRIu64 "},\n", c.unused);
    text_add(t,
             "\"peak\": {\"sequence\": \"%s\", \"entry\": %" PRIu32
             ", \"bytes\": %" PRIu64 "},\n",
             plan_sequence_name(c.peak.sequence), c.peak.entry, c.peak.bytes);
}

static void inspect_slabs(const struct plan *p, struct text *t)
{
    text_add(t, "\"slabs\": [");
    for (uint32_t i = 0; i < p->nslab; i++)
        text_add(t, "%s\n  {\"kind\": \"%s\", \"bytes\": %" PRIu64 "}",
                 i ? "," : "", plan_kind_name(p->slab_kind[i]),
                 p->slab_bytes[i]);
    text_add(t, "],\n");
}

static void inspect_sequences(const struct plan *p, struct text *t)
{
    const char *comma = "";

    text_add(t, "\"sequences\": {");
    for (unsigned s = 0; s < SEQ_KINDS; s++) {
        if (!p->sequence[s].count)
            continue;
        text_add(t,
                 "%s\n  \"%s\": {\"entries\": %" PRIu32
                 ", \"predicted_s\": %.9g}",
                 comma, plan_sequence_name(s), p->sequence[s].count,
                 plan_sequence_seconds(p, s));
        comma = ",";
    }
    text_add(t, "},\n");
}

static void inspect_tensors(const struct plan *p, struct text *t)
{
    text_add(t, "\"tensors\": [");
    for (uint32_t i = 0; i < p->ntensor; i++) {
        const struct plan_tensor *x = p->tensor + i;
        const struct plan_buffer *b = p->buffer + x->buffer;

        text_add(t, "%s\n  {\"name\": ", i ? "," : "");
        text_json_string(t, plan_string(p, x->name));
        text_add(t, ", \"kind\": \"%s\", \"dtype\": \"%s\", \"shape\": [",
                 plan_kind_name(b->kind), dtype_name(x->dtype));
        for (uint32_t d = 0; d < x->rank; d++)
            text_add(t, "%s%" PRIu64, d ? ", " : "", x->dim[d]);
        text_add(t,
                 "], \"batched\": %s, \"bytes\": %" PRIu64
                 ", \"slab\": %" PRIu32 ", \"offset\": %" PRIu64 "}",
                 x->batched ? "true" : "false", b->bytes, b->slab, b->offset);
    }
    text_add(t, "],\n");
}

static void inspect_meters(const struct plan *p, struct text *t)
{
    text_add(t, "\"meters\": [");
    for (uint32_t i = 0; i < p->nmeter; i++) {
        const struct plan_meter *m = p->meter + i;

        text_add(t, "%s\n  {\"name\": ", i ? "," : "");
        text_json_string(t, plan_string(p, m->name));
        text_add(t, ", \"training\": %s, \"is_loss\": %s, \"weight\": %.17g}",
                 m->training ? "true" : "false", m->is_loss ? "true" : "false",
                 m->weight);
    }
    text_add(t, "]\n");
}

void plan_inspect_json(const struct plan *p, struct text *t)
{
    text_add(t, "{\n");
    inspect_header(p, t);
    inspect_categories(p, t);
    inspect_slabs(p, t);
    inspect_sequences(p, t);
    inspect_tensors(p, t);
    inspect_meters(p, t);
    text_add(t, "}\n");
}
