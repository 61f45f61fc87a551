/*
 * plan_sample.c: see the header.
 *
 * Small enough to follow by hand, with one of everything: a constant, an alias
 * (over lies on hidden), a workspace, a buffer that is written in two halves,
 * names with quotes and bytes beyond ASCII, a float that is no number.
 */
#include "tests/plan_sample.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "runtime/plan_json.h"

static uint32_t string(struct sample *s, const char *text)
{
    uint32_t at = s->plan.nstring;
    size_t size = strlen(text) + 1;

    assert(at + size <= SAMPLE_STRINGS);
    memcpy(s->string + at, text, size);
    s->plan.nstring += (uint32_t)size;
    return at;
}

static const struct {
    const char *name;
    struct plan_buffer b;
} buffers[SAMPLE_BUFFERS] = {
    [WEIGHT] = {"fc.weight", {.kind = PLAN_PARAMETER, .bytes = 24}},
    [CONSTANT] = {"", {.kind = PLAN_CONSTANT, .offset = 64, .bytes = 4}},
    [IMAGE] = {"image", {.kind = PLAN_INPUT, .offset = 128, .bytes = 48}},
    [LABEL] =
        {"label",
         {.kind = PLAN_INPUT, .dtype = DT_I32, .offset = 192, .bytes = 16}},
    [RESULT] = {"logits", {.kind = PLAN_OUTPUT, .offset = 256, .bytes = 32}},
    [LOSS] = {"loss", {.kind = PLAN_METRIC, .offset = 320, .bytes = 256}},
    [HIDDEN] = {"hidden", {.kind = PLAN_TRANSIENT, .last = 1, .bytes = 64}},
    [OVER] = {"over",
              {.kind = PLAN_TRANSIENT, .first = 1, .last = 2, .bytes = 64}},
    [SCRATCH] = {"scratch",
                 {.kind = PLAN_WORKSPACE,
                  .first = 1,
                  .last = 1,
                  .offset = 64,
                  .bytes = 32}},
    [DELTA] = {"delta",
               {.kind = PLAN_TRANSIENT,
                .first = 2,
                .last = 3,
                .offset = 64,
                .bytes = 32}},
    [LOGITS] = {"logits",
                {.kind = PLAN_TRANSIENT,
                 .sequence = SEQ_PREDICT,
                 .last = 1,
                 .bytes = 32}},
};

/* Shared ones lie in slab 1, the arena; all others in slab 0. */
static void add_buffers(struct sample *s)
{
    for (int i = 0; i < SAMPLE_BUFFERS; i++) {
        struct plan_buffer *b = s->buffer + i;

        *b = buffers[i].b;
        b->name = *buffers[i].name ? string(s, buffers[i].name) : 0;
        b->dtype = b->dtype ? b->dtype : DT_F32;
        b->slab = plan_kind_shared(b->kind);
        if (b->slab && !b->sequence)
            b->sequence = SEQ_STEP;
    }
    s->plan.nbuffer = SAMPLE_BUFFERS;
}

static void add_entry(struct sample *s, enum plan_sequence_id id,
                      const char *kernel)
{
    struct plan *p = &s->plan;
    struct plan_sequence *q = p->sequence + id;

    if (!q->count)
        q->first = p->nentry;
    q->count++;
    s->entry[p->nentry++] = (struct plan_entry){
        .kernel = string(s, kernel),
        .layer = string(s, "fc \"quoted\"\\\t\xc3\xa9"),
        .first_arg = p->narg,
        .global = {64, 2, 1},
        .local = {16, 1, 1},
        .seconds = 1e-5 / 3,
    };
}

static void add_arg(struct sample *s, struct plan_arg arg)
{
    struct plan *p = &s->plan;

    s->arg[p->narg++] = arg;
    s->entry[p->nentry - 1].narg++;
}

static void add_use(struct sample *s, enum sample_buffer b, unsigned access,
                    uint32_t version)
{
    add_arg(s, (struct plan_arg){.kind = PLAN_ARG_BUFFER,
                                 .access = access,
                                 .index = b,
                                 .version = version,
                                 .bytes = s->buffer[b].bytes});
}

/* Two writes of one entry that make one version. */
static void add_half(struct sample *s, enum sample_buffer b, uint64_t from)
{
    add_arg(s, (struct plan_arg){.kind = PLAN_ARG_BUFFER,
                                 .access = PLAN_WRITE,
                                 .index = b,
                                 .value = from,
                                 .bytes = s->buffer[b].bytes / 2});
}

static void add_value(struct sample *s, enum plan_arg_kind kind, uint32_t index,
                      uint64_t value)
{
    add_arg(s, (struct plan_arg){.kind = kind, .index = index, .value = value});
}

/* The numbers beside entries are those of s->entry, of arguments of s->arg. */
static void add_entries(struct sample *s)
{
    add_entry(s, SEQ_INIT, "draw"); /* 0 */
    add_use(s, WEIGHT, PLAN_WRITE, 0);
    add_value(s, PLAN_ARG_SETTING, SETTING_SEED, 0);
    add_entry(s, SEQ_STEP, "forward"); /* 1: args from 2 */
    add_use(s, IMAGE, PLAN_READ, 0);
    add_use(s, WEIGHT, PLAN_READ, 0);
    add_use(s, HIDDEN, PLAN_WRITE, 0);
    add_entry(s, SEQ_STEP, "activate"); /* 2: args from 5 */
    add_use(s, HIDDEN, PLAN_READ, 1);
    add_use(s, OVER, PLAN_WRITE, 0);
    add_use(s, SCRATCH, PLAN_READ | PLAN_WRITE, 0);
    add_value(s, PLAN_ARG_U32, 0, 4000000000u);
    add_value(s, PLAN_ARG_F32, 0, 0x7fc00001); /* not a number: bits stay */
    add_value(s, PLAN_ARG_SETTING, SETTING_ROWS, 0);
    add_value(s, PLAN_ARG_LOCAL, 0, 128);
    add_entry(s, SEQ_STEP, "backward"); /* 3: args from 12 */
    add_use(s, OVER, PLAN_READ, 1);
    add_use(s, CONSTANT, PLAN_READ, 0);
    add_use(s, LABEL, PLAN_READ, 0);
    add_half(s, DELTA, 0);
    add_half(s, DELTA, 16);
    add_entry(s, SEQ_STEP, "update"); /* 4: args from 17 */
    add_use(s, DELTA, PLAN_READ, 1);
    add_use(s, WEIGHT, PLAN_READ | PLAN_WRITE, 0);
    add_use(s, LOSS, PLAN_READ | PLAN_WRITE, 0);
    add_entry(s, SEQ_PREDICT, "forward"); /* 5: args from 20 */
    add_use(s, IMAGE, PLAN_READ, 0);
    add_use(s, WEIGHT, PLAN_READ, 0);
    add_use(s, LOGITS, PLAN_WRITE, 0);
    add_entry(s, SEQ_PREDICT, "store"); /* 6: args from 23 */
    add_use(s, LOGITS, PLAN_READ, 1);
    add_use(s, RESULT, PLAN_WRITE, 0);
}

/* The weight is stored in the other order; labels are limited. */
static void add_tensors(struct sample *s)
{
    static const struct plan_tensor tensors[SAMPLE_TENSORS] = {
        {.buffer = WEIGHT, .rank = 2, .dim = {2, 3}, .perm = {1, 0}},
        {.buffer = IMAGE, .rank = 2, .dim = {4, 3}, .perm = {0, 1}},
        {.buffer = LABEL, .rank = 1, .dim = {4}, .limit = 10, .except = -1},
        {.buffer = RESULT, .rank = 2, .dim = {4, 2}, .perm = {0, 1}},
        {.buffer = LOSS, .rank = 2, .dim = {16, 4}, .perm = {0, 1}},
    };

    for (int i = 0; i < SAMPLE_TENSORS; i++) {
        struct plan_tensor *t = s->tensor + i;

        *t = tensors[i];
        t->name = s->buffer[t->buffer].name;
        t->dtype = s->buffer[t->buffer].dtype;
        t->batched = t->dim[0] == 4;
        t->limited = t->limit != 0;
    }
    s->meter[0] = (struct plan_meter){.name = s->tensor[4].name,
                                      .tensor = 4,
                                      .training = 1,
                                      .is_loss = 1,
                                      .weight = 0.1};
    s->plan.ntensor = SAMPLE_TENSORS;
    s->plan.nmeter = SAMPLE_METERS;
}

/* Numbers that lose something in a careless writer: 2^64 - 1, 1e-3. */
static void add_header(struct sample *s)
{
    struct plan *p = &s->plan;

    p->version = PLAN_VERSION;
    p->name = string(s, "sample");
    p->device_name = string(s, "cpu");
    p->program = string(s, "__kernel void draw()\n{\n}\n\n");
    p->options = string(s, "-cl-std=CL1.2");
    p->batch = 4;
    p->effective = 8;
    p->learning_rate = 1e-3;
    p->device_bytes = 576 + 96;
    p->host_bytes = UINT64_MAX; /* more than a double can say */
    p->arena_bytes = 96;
    p->live_lower_bound = 96;
    p->max_allocation = 1 << 20;
    memset(p->numerics, 'a', 64);
}

/* All arrays lie in the sample, so a test may change any number of them. */
void sample_make(struct sample *s)
{
    memset(s, 0, sizeof(*s));
    s->plan.nstring = 1;
    s->plan.nslab = SAMPLE_SLABS;
    s->slab_bytes[0] = 576;
    s->slab_bytes[1] = 96;
    s->slab_kind[0] = PLAN_PARAMETER;
    s->slab_kind[1] = PLAN_TRANSIENT;
    memcpy(s->constant, "\x00\x12\xab\xff", 4);
    s->plan.nconstant_bytes = 4;
    add_buffers(s);
    add_entries(s);
    add_tensors(s);
    add_header(s);
    s->plan.slab_bytes = s->slab_bytes;
    s->plan.slab_kind = s->slab_kind;
    s->plan.buffer = s->buffer;
    s->plan.entry = s->entry;
    s->plan.arg = s->arg;
    s->plan.tensor = s->tensor;
    s->plan.meter = s->meter;
    s->plan.constant = s->constant;
    s->plan.string = s->string;
}

static void keep(void *context, const struct plancl_message *m)
{
    struct said *said = context;

    said->count++;
    snprintf(said->text, sizeof(said->text), "%s", m->text);
    snprintf(said->file, sizeof(said->file), "%s", m->file ? m->file : "");
}

void said_init(struct said *said)
{
    memset(said, 0, sizeof(*said));
    said->callbacks.context = said;
    said->callbacks.message = keep;
}

/* So that a changed text gets past the digest. */
bool sample_sign(char *text, size_t len)
{
    size_t tail = strlen(PLAN_JSON_DIGEST) + 64 + strlen(PLAN_JSON_END);
    struct sha256 digest;
    char hex[65];

    if (len < tail || memcmp(text + len - tail, PLAN_JSON_DIGEST,
                             strlen(PLAN_JSON_DIGEST)) != 0)
        return false;
    sha256_init(&digest);
    sha256_add(&digest, text, len - tail);
    sha256_hex(&digest, hex);
    memcpy(text + len - tail + strlen(PLAN_JSON_DIGEST), hex, 64);
    return true;
}
