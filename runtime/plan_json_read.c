/*
 * plan_json_read.c: the text of plan_json_write.c back into a plan.
 *
 * The first complaint is kept and everything after it gives zeros, so that
 * reading goes on without checks until somebody looks at the status.  Counts
 * come from what is there, never from a number in the file.
 *
 * Reading costs O(text); strings are shared through a hash table, so a plan
 * with many entries of few layers stays small.
 */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/plan_io.h"
#include "runtime/plan_json.h"
#include "runtime/plan_json_value.h"

enum { DIGEST_DIGITS = 64 };

static const char *kind_name(unsigned i)
{
    return plan_kind_name(i);
}

static const char *sequence_name(unsigned i)
{
    return plan_sequence_name(i);
}

static const char *setting_name(unsigned i)
{
    return plan_setting_name(i);
}

static const char *type_name(unsigned i)
{
    return dtype_name(i);
}

static const char *access_name(unsigned i)
{
    return i ? plan_access_name(i) : "none";
}

static const char *family_name(unsigned i)
{
    return i == FAMILY_CPU ? "cpu" : "gpu";
}

/* ---- members, in the order of the file ---- */

static void read_header(struct json_reader *r, const cJSON *top, struct plan *p)
{
    const char *numerics = json_string(r, top, "numerics");

    p->version = PLAN_VERSION;
    p->name = json_name(r, top, "name");
    p->device_name = json_name(r, top, "device_name");
    p->family = json_word(r, top, "family", family_name, FAMILY_GPU + 1);
    p->batch = json_u32(r, top, "batch");
    p->effective = json_u32(r, top, "effective");
    p->learning_rate = json_double(r, top, "learning_rate");
    p->device_bytes = json_u64(r, top, "device_bytes");
    p->host_bytes = json_u64(r, top, "host_bytes");
    p->arena_bytes = json_u64(r, top, "arena_bytes");
    p->live_lower_bound = json_u64(r, top, "live_lower_bound");
    p->max_allocation = json_u64(r, top, "max_allocation");
    if (strlen(numerics) >= sizeof(p->numerics))
        json_complain(r, "numerics", "is longer than a digest");
    else
        memcpy(p->numerics, numerics, strlen(numerics) + 1);
}

/* Lists are read into arrays as long as they are; the arena frees what a
 * refusal leaves. */
static void read_slabs(struct json_reader *r, const cJSON *top, struct plan *p)
{
    const cJSON *items = json_list(r, top, "slabs", &p->nslab);
    uint64_t *bytes = ARENA_NEW(r->arena, uint64_t, p->nslab);
    uint32_t *kind = ARENA_NEW(r->arena, uint32_t, p->nslab);
    const cJSON *item;
    uint32_t i = 0;

    p->slab_bytes = bytes;
    p->slab_kind = kind;
    cJSON_ArrayForEach(item, items)
    {
        json_at(r, "slab", i);
        kind[i] = json_word(r, item, "kind", kind_name, PLAN_KINDS);
        bytes[i++] = json_u64(r, item, "bytes");
    }
    json_at(r, NULL, 0);
}

/* Only shared buffers have a lifetime in the file. */
static struct plan_buffer read_buffer(struct json_reader *r, const cJSON *in)
{
    struct plan_buffer b = {0};

    b.name = json_name(r, in, "name");
    b.kind = json_word(r, in, "kind", kind_name, PLAN_KINDS);
    b.dtype = json_word(r, in, "dtype", type_name, DT_BOOL + 1);
    b.slab = json_u32(r, in, "slab");
    b.offset = json_u64(r, in, "offset");
    b.bytes = json_u64(r, in, "bytes");
    if (!plan_kind_shared(b.kind))
        return b;
    b.sequence = json_word(r, in, "sequence", sequence_name, SEQ_KINDS);
    b.first = json_u32(r, in, "first");
    b.last = json_u32(r, in, "last");
    return b;
}

static void read_buffers(struct json_reader *r, const cJSON *top,
                         struct plan *p)
{
    const cJSON *items = json_list(r, top, "buffers", &p->nbuffer);
    struct plan_buffer *buffer = ARENA_NEW(r->arena, struct plan_buffer,
                                           p->nbuffer);
    const cJSON *item;
    uint32_t i = 0;

    p->buffer = buffer;
    cJSON_ArrayForEach(item, items)
    {
        json_at(r, "buffer", i);
        buffer[i++] = read_buffer(r, item);
    }
    json_at(r, NULL, 0);
}

/* The member that is there says what kind of argument it is. */
static struct plan_arg read_arg(struct json_reader *r, const cJSON *in)
{
    struct plan_arg a = {0};

    if (json_has(in, "buffer")) {
        a.kind = PLAN_ARG_BUFFER;
        a.index = json_u32(r, in, "buffer");
        a.access = json_word(r, in, "access", access_name, 4);
        a.version = json_u32(r, in, "version");
        a.value = json_u64(r, in, "first_byte");
        a.bytes = json_u64(r, in, "bytes");
    } else if (json_has(in, "setting")) {
        a.kind = PLAN_ARG_SETTING;
        a.index = json_word(r, in, "setting", setting_name, SETTING_KINDS);
    } else if (json_has(in, "f32")) {
        a.kind = PLAN_ARG_F32;
        a.value = json_bits(r, in, "f32", 8);
    } else if (json_has(in, "local")) {
        a.kind = PLAN_ARG_LOCAL;
        a.value = json_u64(r, in, "local");
    } else {
        a.kind = PLAN_ARG_U32;
        a.value = json_u32(r, in, "u32");
    }
    return a;
}

static void read_triple(struct json_reader *r, const cJSON *in, const char *key,
                        uint64_t v[3])
{
    if (json_u64s(r, in, key, 3, v) != 3)
        json_complain(r, key, "does not have 3 numbers");
}

/* Entry and argument arrays with how much of them is filled. */
struct filling {
    struct plan_entry *entry;
    struct plan_arg *arg;
    uint32_t nentry, narg;
};

static void read_entry(struct json_reader *r, const cJSON *in,
                       struct filling *f)
{
    struct plan_entry *e = f->entry + f->nentry++;
    const cJSON *items = json_list(r, in, "args", &e->narg);
    const cJSON *item;

    e->kernel = json_name(r, in, "kernel");
    e->layer = json_name(r, in, "layer");
    read_triple(r, in, "global", e->global);
    read_triple(r, in, "local", e->local);
    e->seconds = json_double(r, in, "seconds");
    e->first_arg = f->narg;
    cJSON_ArrayForEach(item, items)
    {
        f->arg[f->narg++] = read_arg(r, item);
    }
}

/* How many entries and arguments the sequences have in all. */
static void count_entries(struct json_reader *r, const cJSON *sequences,
                          uint64_t *nentry, uint64_t *narg)
{
    *nentry = 0;
    *narg = 0;
    for (unsigned s = 0; s < SEQ_KINDS; s++) {
        uint32_t n;
        const cJSON *entries = json_list(r, sequences, plan_sequence_name(s),
                                         &n);
        const cJSON *entry;

        *nentry += n;
        cJSON_ArrayForEach(entry, entries)
        {
            json_list(r, entry, "args", &n);
            *narg += n;
        }
    }
    if (*narg > UINT32_MAX || *nentry > UINT32_MAX)
        json_complain(r, "sequences", "have too many arguments");
}

static void read_sequences(struct json_reader *r, const cJSON *top,
                           struct plan *p)
{
    const cJSON *sequences = cJSON_GetObjectItemCaseSensitive(top, "sequences");
    struct filling f = {0};
    uint64_t nentry;
    uint64_t narg;

    count_entries(r, sequences, &nentry, &narg);
    if (r->status)
        return;
    f.entry = ARENA_NEW(r->arena, struct plan_entry, nentry);
    f.arg = ARENA_NEW(r->arena, struct plan_arg, narg);
    for (unsigned s = 0; s < SEQ_KINDS; s++) {
        struct plan_sequence *q = p->sequence + s;
        const cJSON *entries = json_list(r, sequences, plan_sequence_name(s),
                                         &q->count);
        const cJSON *entry;

        q->first = q->count ? f.nentry : 0;
        cJSON_ArrayForEach(entry, entries)
        {
            json_at(r, "entry", f.nentry);
            read_entry(r, entry, &f);
        }
        json_at(r, NULL, 0);
    }
    p->entry = f.entry;
    p->arg = f.arg;
    p->nentry = f.nentry;
    p->narg = f.narg;
}

/* "shape" is the user's; "stored" says which of its dimensions each stored one
 * is. */
static struct plan_tensor read_tensor(struct json_reader *r, const cJSON *in)
{
    struct plan_tensor t = {0};
    uint64_t perm[PLAN_RANK] = {0};

    t.name = json_name(r, in, "name");
    t.buffer = json_u32(r, in, "buffer");
    t.dtype = json_word(r, in, "dtype", type_name, DT_BOOL + 1);
    t.rank = json_u64s(r, in, "shape", PLAN_RANK, t.dim);
    if (json_u64s(r, in, "stored", PLAN_RANK, perm) != t.rank)
        json_complain(r, "stored", "is not as long as shape");
    for (uint32_t i = 0; i < t.rank; i++) {
        if (perm[i] >= PLAN_RANK)
            json_complain(r, "stored", "names a dimension that is not there");
        t.perm[i] = (uint32_t)perm[i];
    }
    t.batched = json_bool(r, in, "batched");
    t.limited = json_has(in, "limit");
    if (t.limited) {
        t.limit = json_i64(r, in, "limit");
        t.except = json_i64(r, in, "except");
    }
    return t;
}

static void read_tensors(struct json_reader *r, const cJSON *top,
                         struct plan *p)
{
    const cJSON *items = json_list(r, top, "tensors", &p->ntensor);
    struct plan_tensor *tensor = ARENA_NEW(r->arena, struct plan_tensor,
                                           p->ntensor);
    const cJSON *item;
    uint32_t i = 0;

    p->tensor = tensor;
    cJSON_ArrayForEach(item, items)
    {
        json_at(r, "tensor", i);
        tensor[i++] = read_tensor(r, item);
    }
    json_at(r, NULL, 0);
}

static void read_meters(struct json_reader *r, const cJSON *top, struct plan *p)
{
    const cJSON *items = json_list(r, top, "meters", &p->nmeter);
    struct plan_meter *meter = ARENA_NEW(r->arena, struct plan_meter,
                                         p->nmeter);
    const cJSON *item;
    struct plan_meter *m = meter;

    p->meter = meter;
    cJSON_ArrayForEach(item, items)
    {
        json_at(r, "meter", (uint32_t)(m - meter));
        m->name = json_name(r, item, "name");
        m->tensor = json_u32(r, item, "tensor");
        m->training = json_bool(r, item, "training");
        m->is_loss = json_bool(r, item, "is_loss");
        m->weight = json_double(r, item, "weight");
        m++;
    }
    json_at(r, NULL, 0);
}

/* A line of constants; returns how many bytes, 0 for what is no such line. */
static uint32_t read_hex(const cJSON *line, uint8_t *bytes)
{
    const char *s = cJSON_IsString(line) ? line->valuestring : "";
    uint32_t n = 0;

    for (; n < PLAN_JSON_LINE_BYTES && *s; n++, s += 2) {
        int high = json_hex_digit(s[0]);
        int low = json_hex_digit(s[1]);

        if (high < 0 || low < 0)
            return 0;
        bytes[n] = (uint8_t)(high << 4 | low);
    }
    return *s ? 0 : n;
}

static void read_constants(struct json_reader *r, const cJSON *top,
                           struct plan *p)
{
    uint32_t lines;
    const cJSON *items = json_list(r, top, "constants", &lines);
    uint8_t *bytes = arena_alloc(r->arena, lines, PLAN_JSON_LINE_BYTES);
    const cJSON *item;

    p->constant = bytes;
    cJSON_ArrayForEach(item, items)
    {
        uint32_t n = read_hex(item, bytes + p->nconstant_bytes);

        if (n == 0)
            json_complain(r, "constants", "has a line that is no bytes");
        p->nconstant_bytes += n;
    }
}

/* Lines joined with newlines. */
static void read_program(struct json_reader *r, const cJSON *top,
                         struct plan *p)
{
    uint32_t lines;
    const cJSON *items = json_list(r, top, "program", &lines);
    struct text source = {.arena = r->arena};
    const cJSON *item;

    text_bytes(&source, "", 0);
    cJSON_ArrayForEach(item, items)
    {
        if (!cJSON_IsString(item))
            json_complain(r, "program", "has a line that is no string");
        else
            text_add(&source, "%s%s", item->valuestring,
                     item->next ? "\n" : "");
    }
    p->program = json_name_add(r, source.s);
    p->options = json_name(r, top, "options");
}

static enum plancl_status read_plan(struct json_reader *r, const cJSON *top,
                                    struct plancl_plan **plan)
{
    struct plan flat = {0};

    read_header(r, top, &flat);
    read_slabs(r, top, &flat);
    read_buffers(r, top, &flat);
    read_sequences(r, top, &flat);
    read_tensors(r, top, &flat);
    read_meters(r, top, &flat);
    read_constants(r, top, &flat);
    read_program(r, top, &flat);
    if (r->status)
        return r->status;
    flat.string = r->names.s;
    flat.nstring = (uint32_t)r->names.len;
    return plan_copy(&flat, r->cb, plan);
}

/* ---- the frame ---- */

static enum plancl_status check_version(const char *text, size_t len,
                                        const struct plancl_callbacks *cb)
{
    size_t start = strlen(PLAN_JSON_START);
    unsigned long version = 0;

    if (len < start || memcmp(text, PLAN_JSON_START, start) != 0)
        return fail(cb, PLANCL_REFUSED,
                    "this is no plan: it does not start with "
                    "\"plancl_plan\"");
    for (size_t i = start; i < len && isdigit((unsigned char)text[i]); i++)
        if (version < 1000000)
            version = 10 * version + (unsigned long)(text[i] - '0');
    if (version != PLAN_VERSION)
        return fail(cb, PLANCL_REFUSED,
                    "the plan is of version %lu, this program reads version "
                    "%d: compile the model again",
                    version, PLAN_VERSION);
    return PLANCL_OK;
}

/* The last lines have a fixed length, so the digest is found from the end
 * without parsing. */
static enum plancl_status check_digest(const char *text, size_t len,
                                       const struct plancl_callbacks *cb)
{
    size_t before = strlen(PLAN_JSON_DIGEST);
    size_t tail = before + DIGEST_DIGITS + strlen(PLAN_JSON_END);
    struct sha256 digest;
    char hex[DIGEST_DIGITS + 1];
    const char *at;

    if (len < tail)
        return fail(cb, PLANCL_REFUSED, "the plan is cut short");
    at = text + (len - tail);
    if (memcmp(at, PLAN_JSON_DIGEST, before) != 0 ||
        memcmp(at + before + DIGEST_DIGITS, PLAN_JSON_END,
               strlen(PLAN_JSON_END)) != 0)
        return fail(cb, PLANCL_REFUSED,
                    "the plan is damaged: it does not end with its digest");
    sha256_init(&digest);
    sha256_add(&digest, text, len - tail);
    sha256_hex(&digest, hex);
    if (memcmp(at + before, hex, DIGEST_DIGITS) != 0)
        return fail(cb, PLANCL_REFUSED,
                    "the plan is damaged: its content has the SHA-256 %s, it "
                    "should be %.64s",
                    hex, at + before);
    return PLANCL_OK;
}

/* Apart from the setjmp, so that no local variable lives across it. */
static enum plancl_status read_json(const cJSON *top,
                                    const struct plancl_callbacks *cb,
                                    struct plancl_plan **plan)
{
    jmp_buf out_of_memory;
    struct arena arena;
    struct json_reader reader;
    enum plancl_status status;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&arena);
        return fail(cb, PLANCL_MEMORY, "no memory to read the plan");
    }
    json_reader_init(&reader, &arena, cb);
    status = read_plan(&reader, top, plan);
    arena_close(&arena);
    return status;
}

enum plancl_status plan_json_read(const char *text, size_t len,
                                  const struct plancl_callbacks *cb,
                                  struct plancl_plan **plan)
{
    enum plancl_status status = check_version(text, len, cb);
    cJSON *top;

    if (!status)
        status = check_digest(text, len, cb);
    if (status)
        return status;
    top = cJSON_ParseWithLength(text, len);
    if (!top)
        return fail(cb, PLANCL_REFUSED, "the plan is no JSON");
    status = read_json(top, cb, plan);
    cJSON_Delete(top);
    return status;
}
