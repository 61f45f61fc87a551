/*
 * plan.c: the words of a plan, and the object that owns one.
 *
 * A plan is a single block, the arrays behind the struct, so that its bytes are
 * known and freeing it is one call.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/plan_io.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

const char *plan_kind_name(enum plan_kind kind)
{
    static const char *const name[PLAN_KINDS] = {
        [PLAN_CONSTANT] = "constant",   [PLAN_PARAMETER] = "parameter",
        [PLAN_STATE] = "state",         [PLAN_ACCUMULATOR] = "accumulator",
        [PLAN_METRIC] = "metric",       [PLAN_INPUT] = "input",
        [PLAN_OUTPUT] = "output",       [PLAN_TRANSIENT] = "transient",
        [PLAN_WORKSPACE] = "workspace", [PLAN_OBSERVED] = "observed",
    };

    assert(kind < PLAN_KINDS);
    return name[kind];
}

const char *plan_sequence_name(enum plan_sequence_id id)
{
    static const char *const name[SEQ_KINDS] = {
        [SEQ_INIT] = "init",
        [SEQ_LOAD] = "load",
        [SEQ_ACCUMULATE] = "accumulate",
        [SEQ_STEP] = "step",
        [SEQ_COUNT] = "count",
        [SEQ_EVALUATE] = "evaluate",
        [SEQ_PREDICT] = "predict",
    };

    assert(id < SEQ_KINDS);
    return name[id];
}

const char *plan_access_name(unsigned access)
{
    static const char *const name[] = {
        [PLAN_READ] = "read",
        [PLAN_WRITE] = "write",
        [PLAN_READ | PLAN_WRITE] = "read write",
    };

    assert(access >= PLAN_READ && access <= (PLAN_READ | PLAN_WRITE));
    return name[access];
}

const char *plan_setting_name(enum setting setting)
{
    static const char *const name[SETTING_KINDS] = {
        [SETTING_LEARNING_RATE] = "learning_rate",
        [SETTING_STEP] = "step",
        [SETTING_SEED] = "seed",
        [SETTING_ROWS] = "rows",
        [SETTING_FIRST] = "first",
        [SETTING_EFFECTIVE] = "effective",
    };

    assert(setting < SETTING_KINDS);
    return name[setting];
}

/* ---- the block ---- */

/* An array of the plan on its way into the block. */
struct part {
    const void *from;
    uint64_t bytes, offset;
};

enum { PARTS = 9, PART_ALIGNMENT = 16 };

static void parts_of(const struct plan *p, struct part part[PARTS])
{
    const struct part list[PARTS] = {
        {p->slab_bytes, sizeof(*p->slab_bytes) * (uint64_t)p->nslab, 0},
        {p->slab_kind, sizeof(*p->slab_kind) * (uint64_t)p->nslab, 0},
        {p->buffer, sizeof(*p->buffer) * (uint64_t)p->nbuffer, 0},
        {p->entry, sizeof(*p->entry) * (uint64_t)p->nentry, 0},
        {p->arg, sizeof(*p->arg) * (uint64_t)p->narg, 0},
        {p->tensor, sizeof(*p->tensor) * (uint64_t)p->ntensor, 0},
        {p->meter, sizeof(*p->meter) * (uint64_t)p->nmeter, 0},
        {p->constant, p->nconstant_bytes, 0},
        {p->string, p->nstring, 0},
    };

    memcpy(part, list, sizeof(list));
}

/* Counts are 32 bits and elements small, so the sum cannot overflow 64 bits. */
static uint64_t place_parts(struct part part[PARTS])
{
    uint64_t at = round_up_u64(sizeof(struct plancl_plan), PART_ALIGNMENT);

    for (int i = 0; i < PARTS; i++) {
        part[i].offset = at;
        at = round_up_u64(at + part[i].bytes, PART_ALIGNMENT);
    }
    return at;
}

static void point_to_parts(struct plan *p, const char *block,
                           const struct part part[PARTS])
{
    p->slab_bytes = (const void *)(block + part[0].offset);
    p->slab_kind = (const void *)(block + part[1].offset);
    p->buffer = (const void *)(block + part[2].offset);
    p->entry = (const void *)(block + part[3].offset);
    p->arg = (const void *)(block + part[4].offset);
    p->tensor = (const void *)(block + part[5].offset);
    p->meter = (const void *)(block + part[6].offset);
    p->constant = (const void *)(block + part[7].offset);
    p->string = block + part[8].offset;
}

/* Pointers of the copy lead into its own block, so the arrays of `flat` may go
 * with the compiler's arena. */
enum plancl_status plan_copy(const struct plan *flat,
                             const struct plancl_callbacks *cb,
                             struct plancl_plan **plan)
{
    struct part part[PARTS];
    struct plancl_plan *copy;
    uint64_t bytes;

    parts_of(flat, part);
    bytes = place_parts(part);
    copy = bytes <= SIZE_MAX ? calloc(1, (size_t)bytes) : NULL;
    if (!copy)
        return fail(cb, PLANCL_MEMORY,
                    "no memory for a plan of %llu bytes on the host",
                    (unsigned long long)bytes);
    copy->plan = *flat;
    copy->bytes = bytes;
    for (int i = 0; i < PARTS; i++)
        if (part[i].bytes)
            memcpy((char *)copy + part[i].offset, part[i].from,
                   (size_t)part[i].bytes);
    point_to_parts(&copy->plan, (const char *)copy, part);
    *plan = copy;
    return PLANCL_OK;
}

void plancl_plan_free(struct plancl_plan *plan)
{
    free(plan);
}

/* ---- questions ---- */

uint64_t plancl_plan_device_bytes(const struct plancl_plan *plan)
{
    return plan->plan.device_bytes;
}

uint64_t plancl_plan_host_bytes(const struct plancl_plan *plan)
{
    return plan->plan.host_bytes;
}

uint32_t plancl_plan_batch(const struct plancl_plan *plan)
{
    return plan->plan.batch;
}

uint32_t plancl_plan_effective_batch(const struct plancl_plan *plan)
{
    return plan->plan.effective;
}

uint32_t plancl_plan_tensors(const struct plancl_plan *plan)
{
    return plan->plan.ntensor;
}

static enum plancl_role role_of(enum plan_kind kind)
{
    switch (kind) {
    case PLAN_PARAMETER:
        return PLANCL_PARAMETER;
    case PLAN_INPUT:
        return PLANCL_INPUT;
    case PLAN_OUTPUT:
        return PLANCL_OUTPUT;
    case PLAN_METRIC:
        return PLANCL_METRIC;
    case PLAN_OBSERVED:
        return PLANCL_OBSERVED;
    default:
        return PLANCL_STATE; /* the verifier lets no other kind be named */
    }
}

/* Dimensions as the user sees them, whatever the order of storage. */
struct plancl_tensor plancl_plan_tensor(const struct plancl_plan *plan,
                                        uint32_t index)
{
    const struct plan *p = &plan->plan;
    const struct plan_tensor *t = p->tensor + index;
    struct plancl_tensor result = {
        .name = plan_string(p, t->name),
        .role = role_of(p->buffer[t->buffer].kind),
        .dtype = (enum plancl_dtype)t->dtype,
        .rank = t->rank,
        .bytes = p->buffer[t->buffer].bytes,
        .batched = (int)t->batched,
    };

    assert(index < p->ntensor);
    for (unsigned i = 0; i < t->rank; i++)
        result.dim[i] = t->dim[i];
    return result;
}

int plancl_has_count(const struct plancl_plan *plan)
{
    return plan->plan.sequence[SEQ_COUNT].count > 0;
}

int plancl_can_train(const struct plancl_plan *plan)
{
    return plan->plan.sequence[SEQ_STEP].count > 0;
}

uint32_t plancl_meters(const struct plancl_plan *plan)
{
    return plan->plan.nmeter;
}

const char *plancl_version(void)
{
    return PACKAGE_VERSION;
}
