/*
 * plan_json_write.c: a plan as JSON that can be read and compared.
 *
 * A line holds one buffer, one entry or one argument.  JSON numbers are
 * doubles in most readers, so only what fits 32 bits is written as a number;
 * 64-bit integers are decimal strings, floats are strings of their bits in
 * hexadecimal.  The last member is the SHA-256 of all text before its line.
 *
 * The same plan gives the same bytes: members stand in a fixed order, nothing
 * depends on locale or address.
 */
#include <inttypes.h>
#include <string.h>

#include "runtime/plan_io.h"
#include "runtime/plan_json.h"

/* ---- values ---- */

void text_json_string(struct text *t, const char *s)
{
    text_bytes(t, "\"", 1);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            text_add(t, "\\%c", *s);
        else if ((unsigned char)*s < ' ')
            text_add(t, "\\u%04x", (unsigned)*s);
        else
            text_bytes(t, s, 1);
    }
    text_bytes(t, "\"", 1);
}

static void put_string(struct text *t, const char *key, const char *s)
{
    text_add(t, "\"%s\": ", key);
    text_json_string(t, s);
}

static void put_u64(struct text *t, const char *key, uint64_t x)
{
    text_add(t, "\"%s\": \"%" PRIu64 "\"", key, x);
}

/* %g in 17 digits would come back exactly too, but not through every reader,
 * and not a NaN. */
static void put_double(struct text *t, const char *key, double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof(bits));
    text_add(t, "\"%s\": \"%016" PRIx64 "\"", key, bits);
}

static void put_triple(struct text *t, const char *key, const uint64_t v[3])
{
    text_add(t, "\"%s\": [\"%" PRIu64 "\", \"%" PRIu64 "\", \"%" PRIu64 "\"]",
             key, v[0], v[1], v[2]);
}

/* Between the members of a list, each on its own line. */
static void next_line(struct text *t, uint32_t i)
{
    text_add(t, i ? ",\n" : "\n");
}

/* ---- lists ---- */

static void write_header(const struct plan *p, struct text *t)
{
    static const char *const family[] = {"cpu", "gpu"};

    text_add(t, PLAN_JSON_START "%u,\n", (unsigned)p->version);
    put_string(t, "name", plan_string(p, p->name));
    text_add(t, ",\n");
    put_string(t, "device_name", plan_string(p, p->device_name));
    text_add(t, ",\n");
    put_string(t, "family", family[p->family]);
    text_add(t, ",\n\"batch\": %" PRIu32 ",\n\"effective\": %" PRIu32 ",\n",
             p->batch, p->effective);
    put_double(t, "learning_rate", p->learning_rate);
    text_add(t, ",\n");
    put_u64(t, "device_bytes", p->device_bytes);
    text_add(t, ",\n");
    put_u64(t, "host_bytes", p->host_bytes);
    text_add(t, ",\n");
    put_u64(t, "arena_bytes", p->arena_bytes);
    text_add(t, ",\n");
    put_u64(t, "live_lower_bound", p->live_lower_bound);
    text_add(t, ",\n");
    put_u64(t, "max_allocation", p->max_allocation);
    text_add(t, ",\n");
    put_string(t, "numerics", p->numerics);
    text_add(t, ",\n");
}

static void write_slabs(const struct plan *p, struct text *t)
{
    text_add(t, "\"slabs\": [");
    for (uint32_t i = 0; i < p->nslab; i++) {
        next_line(t, i);
        text_add(t, "  {");
        put_string(t, "kind", plan_kind_name(p->slab_kind[i]));
        text_add(t, ", ");
        put_u64(t, "bytes", p->slab_bytes[i]);
        text_add(t, "}");
    }
    text_add(t, "\n],\n");
}

static void write_buffer(const struct plan *p, const struct plan_buffer *b,
                         struct text *t)
{
    text_add(t, "  {");
    put_string(t, "name", plan_string(p, b->name));
    text_add(t, ", ");
    put_string(t, "kind", plan_kind_name(b->kind));
    text_add(t, ", ");
    put_string(t, "dtype", dtype_name(b->dtype));
    text_add(t, ", \"slab\": %" PRIu32 ", ", b->slab);
    put_u64(t, "offset", b->offset);
    text_add(t, ", ");
    put_u64(t, "bytes", b->bytes);
    if (plan_kind_shared(b->kind)) {
        text_add(t, ", ");
        put_string(t, "sequence", plan_sequence_name(b->sequence));
        text_add(t, ", \"first\": %" PRIu32 ", \"last\": %" PRIu32, b->first,
                 b->last);
    }
    text_add(t, "}");
}

static void write_buffers(const struct plan *p, struct text *t)
{
    text_add(t, "\"buffers\": [");
    for (uint32_t i = 0; i < p->nbuffer; i++) {
        next_line(t, i);
        write_buffer(p, p->buffer + i, t);
    }
    text_add(t, "\n],\n");
}

/* A reader tells the kind by the member that is there. */
static void write_arg(const struct plan_arg *a, struct text *t)
{
    text_add(t, "    {");
    switch ((enum plan_arg_kind)a->kind) {
    case PLAN_ARG_BUFFER:
        text_add(t, "\"buffer\": %" PRIu32 ", ", a->index);
        put_string(t, "access", plan_access_name(a->access));
        text_add(t, ", \"version\": %" PRIu32 ", ", a->version);
        put_u64(t, "first_byte", a->value);
        text_add(t, ", ");
        put_u64(t, "bytes", a->bytes);
        break;
    case PLAN_ARG_U32:
        text_add(t, "\"u32\": %" PRIu32, (uint32_t)a->value);
        break;
    case PLAN_ARG_F32:
        text_add(t, "\"f32\": \"%08" PRIx32 "\"", (uint32_t)a->value);
        break;
    case PLAN_ARG_SETTING:
        put_string(t, "setting", plan_setting_name(a->index));
        break;
    case PLAN_ARG_LOCAL:
        put_u64(t, "local", a->value);
        break;
    }
    text_add(t, "}");
}

static void write_entry(const struct plan *p, const struct plan_entry *e,
                        struct text *t)
{
    text_add(t, "  {");
    put_string(t, "kernel", plan_string(p, e->kernel));
    text_add(t, ", ");
    put_string(t, "layer", plan_string(p, e->layer));
    text_add(t, ", ");
    put_triple(t, "global", e->global);
    text_add(t, ", ");
    put_triple(t, "local", e->local);
    text_add(t, ", ");
    put_double(t, "seconds", e->seconds);
    text_add(t, ", \"args\": [");
    for (uint32_t i = 0; i < e->narg; i++) {
        next_line(t, i);
        write_arg(p->arg + e->first_arg + i, t);
    }
    text_add(t, "]}");
}

static void write_sequences(const struct plan *p, struct text *t)
{
    text_add(t, "\"sequences\": {");
    for (uint32_t s = 0; s < SEQ_KINDS; s++) {
        const struct plan_sequence *q = p->sequence + s;

        next_line(t, s);
        text_add(t, " \"%s\": [", plan_sequence_name(s));
        for (uint32_t i = 0; i < q->count; i++) {
            next_line(t, i);
            write_entry(p, p->entry + q->first + i, t);
        }
        text_add(t, "]");
    }
    text_add(t, "\n},\n");
}

static void write_tensor(const struct plan *p, const struct plan_tensor *x,
                         struct text *t)
{
    text_add(t, "  {");
    put_string(t, "name", plan_string(p, x->name));
    text_add(t, ", \"buffer\": %" PRIu32 ", ", x->buffer);
    put_string(t, "dtype", dtype_name(x->dtype));
    text_add(t, ", \"shape\": [");
    for (uint32_t i = 0; i < x->rank; i++)
        text_add(t, "%s\"%" PRIu64 "\"", i ? ", " : "", x->dim[i]);
    text_add(t, "], \"stored\": [");
    for (uint32_t i = 0; i < x->rank; i++)
        text_add(t, "%s\"%" PRIu32 "\"", i ? ", " : "", x->perm[i]);
    text_add(t, "], \"batched\": %s", x->batched ? "true" : "false");
    if (x->limited)
        text_add(t, ", \"limit\": \"%" PRId64 "\", \"except\": \"%" PRId64 "\"",
                 x->limit, x->except);
    text_add(t, "}");
}

static void write_tensors(const struct plan *p, struct text *t)
{
    text_add(t, "\"tensors\": [");
    for (uint32_t i = 0; i < p->ntensor; i++) {
        next_line(t, i);
        write_tensor(p, p->tensor + i, t);
    }
    text_add(t, "\n],\n");
}

static void write_meters(const struct plan *p, struct text *t)
{
    text_add(t, "\"meters\": [");
    for (uint32_t i = 0; i < p->nmeter; i++) {
        const struct plan_meter *m = p->meter + i;

        next_line(t, i);
        text_add(t, "  {");
        put_string(t, "name", plan_string(p, m->name));
        text_add(t, ", \"tensor\": %" PRIu32, m->tensor);
        text_add(t, ", \"training\": %s", m->training ? "true" : "false");
        text_add(t, ", \"is_loss\": %s, ", m->is_loss ? "true" : "false");
        put_double(t, "weight", m->weight);
        text_add(t, "}");
    }
    text_add(t, "\n],\n");
}

static void write_constants(const struct plan *p, struct text *t)
{
    static const char digit[] = "0123456789abcdef";
    char hex[2 * PLAN_JSON_LINE_BYTES];

    text_add(t, "\"constants\": [");
    for (uint32_t i = 0; i < p->nconstant_bytes;) {
        int n = 0;

        text_add(t, i ? ",\n  \"" : "\n  \"");
        for (; n < 2 * PLAN_JSON_LINE_BYTES && i < p->nconstant_bytes; i++) {
            hex[n++] = digit[p->constant[i] >> 4];
            hex[n++] = digit[p->constant[i] & 15];
        }
        text_bytes(t, hex, (size_t)n);
        text_bytes(t, "\"", 1);
    }
    text_add(t, "\n],\n");
}

/* The source in lines; joined with newlines they give it back. */
static void write_program(const char *source, struct arena *a, struct text *t)
{
    text_add(t, "\"program\": [");
    for (uint32_t i = 0;; i++) {
        size_t len = strcspn(source, "\n");
        char *line = memcpy(arena_alloc(a, len + 1, 1), source, len);

        next_line(t, i);
        text_add(t, "  ");
        text_json_string(t, line);
        if (!source[len])
            break;
        source += len + 1;
    }
    text_add(t, "\n],\n");
}

static void write_digest(struct text *t)
{
    struct sha256 digest;
    char hex[65];

    sha256_init(&digest);
    sha256_add(&digest, t->s, t->len);
    sha256_hex(&digest, hex);
    text_add(t, PLAN_JSON_DIGEST "%s" PLAN_JSON_END, hex);
}

void plan_json_write(const struct plan *p, struct text *t)
{
    write_header(p, t);
    write_slabs(p, t);
    write_buffers(p, t);
    write_sequences(p, t);
    write_tensors(p, t);
    write_meters(p, t);
    write_constants(p, t);
    put_string(t, "options", plan_string(p, p->options));
    text_add(t, ",\n");
    write_program(plan_string(p, p->program), t->arena, t);
    write_digest(t);
}
