/*
 * session_plan.c: a plan by hand, see the header.
 *
 * Small integers and powers of two, so that every result is exact and can be
 * said in advance.
 */
#include <string.h>

#include "runtime/session.h"
#include "tests/session_plan.h"

static const char source[] =
    "__kernel void draw(__global float *w, ulong w_off, __global float *m,\n"
    "                   ulong m_off, uint seed, uint n)\n"
    "{\n"
    "    uint i = get_global_id(0);\n"
    "    if (i < n) w[w_off + i] = (float)(seed + i);\n"
    "    if (i == 0) m[m_off] = 0.0f;\n"
    "}\n"
    "__kernel void pack(__global const float *w, ulong w_off,\n"
    "                   __global const float *two, ulong two_off,\n"
    "                   __global float *p, ulong p_off, uint n,\n"
    "                   __local float *scratch)\n"
    "{\n"
    "    uint i = get_global_id(0);\n"
    "    scratch[get_local_id(0)] = two[two_off];\n"
    "    if (i < n) p[p_off + i] = scratch[get_local_id(0)] * w[w_off + i];\n"
    "}\n"
    "__kernel void apply(__global const float *x, ulong x_off,\n"
    "                    __global const float *p, ulong p_off,\n"
    "                    __global float *y, ulong y_off, uint n, uint rows)\n"
    "{\n"
    "    uint i = get_global_id(0);\n"
    "    if (i < n * rows) y[y_off + i] = x[x_off + i] * p[p_off + i % n];\n"
    "}\n"
    "__kernel void count(__global const int *label, ulong label_off,\n"
    "                    __global float *lane, ulong lane_off, uint rows)\n"
    "{\n"
    "    uint i = get_global_id(0);\n"
    "    if (i >= rows) return;\n"
    "    lane[lane_off + 4 * i] += label[label_off + i] == 1 ? 1.0f : 0.0f;\n"
    "    lane[lane_off + 4 * i + 2] += 1.0f;\n"
    "}\n"
    "__kernel void moment(__global float *m, ulong m_off, uint step)\n"
    "{\n"
    "    m[m_off] += (float)step;\n"
    "}\n"
    "__kernel void update(__global float *w, ulong w_off, float rate,\n"
    "                     uint first, uint rows, uint n)\n"
    "{\n"
    "    uint i = get_global_id(0);\n"
    "    if (i < n) w[w_off + i] -= rate * (float)(first + rows);\n"
    "}\n";

/* Strings live in one table; each macro below is its text's offset. */
struct strings {
    char text[8192];
    uint32_t len;
};

static uint32_t add(struct strings *s, const char *text)
{
    uint32_t at = s->len;
    size_t n = strlen(text) + 1;

    memcpy(s->text + at, text, n);
    s->len += (uint32_t)n;
    return at;
}

enum { W, M, X, LABEL, Y, HITS, TWO, PACKED, BUFFERS };
/* In the order of the sequences. */
enum { DRAW, PACK, MOMENT_A, MOMENT, UPDATE, COUNT, APPLY, ENTRIES };

/* Offsets leave gaps, so that an offset that is ignored shows.  Kind, slab,
 * type, and at the end offset and bytes. */
static const struct plan_buffer buffers[] = {
    [W] = {PLAN_PARAMETER, 0, DT_F32, 0, 0, 0, 0, 256, 24},
    [M] = {PLAN_STATE, 0, DT_F32, 0, 0, 0, 0, 512, 4},
    [X] = {PLAN_INPUT, 0, DT_F32, 0, 0, 0, 0, 768, 96},
    [LABEL] = {PLAN_INPUT, 1, DT_I32, 0, 0, 0, 0, 256, 16},
    [Y] = {PLAN_OUTPUT, 1, DT_F32, 0, 0, 0, 0, 512, 96},
    [HITS] = {PLAN_METRIC, 1, DT_F32, 0, 0, 0, 0, 768, 256},
    [TWO] = {PLAN_CONSTANT, 0, DT_F32, 0, 0, 0, 0, 1024, 4},
    [PACKED] = {PLAN_ACCUMULATOR, 1, DT_F32, 0, 0, 0, 0, 1024, 24},
};

#define ALL(b, access, size)                   \
    {                                          \
        PLAN_ARG_BUFFER, access, b, 0, 0, size \
    }
#define NUMBER(n)                   \
    {                               \
        PLAN_ARG_U32, 0, 0, 0, n, 0 \
    }
#define SETTING(s)                      \
    {                                   \
        PLAN_ARG_SETTING, 0, s, 0, 0, 0 \
    }

/* One entry's after another's. */
static const struct plan_arg args[] = {
    /* draw */
    ALL(W, PLAN_WRITE, 24),
    ALL(M, PLAN_WRITE, 4),
    SETTING(SETTING_SEED),
    NUMBER(6),
    /* pack */
    ALL(W, PLAN_READ, 24),
    ALL(TWO, PLAN_READ, 4),
    ALL(PACKED, PLAN_WRITE, 24),
    NUMBER(6),
    {PLAN_ARG_LOCAL, 0, 0, 0, 8 * 4, 0},
    /* moment, of accumulate and of step */
    ALL(M, PLAN_READ | PLAN_WRITE, 4),
    SETTING(SETTING_STEP),
    ALL(M, PLAN_READ | PLAN_WRITE, 4),
    SETTING(SETTING_STEP),
    /* update */
    ALL(W, PLAN_READ | PLAN_WRITE, 24),
    SETTING(SETTING_LEARNING_RATE),
    SETTING(SETTING_FIRST),
    SETTING(SETTING_ROWS),
    NUMBER(6),
    /* count */
    ALL(LABEL, PLAN_READ, 16),
    ALL(HITS, PLAN_READ | PLAN_WRITE, 256),
    SETTING(SETTING_ROWS),
    /* apply */
    ALL(X, PLAN_READ, 96),
    ALL(PACKED, PLAN_READ, 24),
    ALL(Y, PLAN_WRITE, 96),
    NUMBER(6),
    SETTING(SETTING_ROWS),
};

static const struct {
    const char *kernel;
    uint32_t narg;
    uint64_t items;
} calls[] = {
    [DRAW] = {"draw", 4, 8},       [PACK] = {"pack", 5, 8},
    [MOMENT_A] = {"moment", 2, 1}, [MOMENT] = {"moment", 2, 1},
    [UPDATE] = {"update", 5, 8},   [COUNT] = {"count", 3, 8},
    [APPLY] = {"apply", 5, 24},
};

static const struct {
    const char *name;
    struct plan_tensor tensor;
} tensors[] = {
    {"x", {0, X, DT_F32, 3, {4, 2, 3}, {0, 2, 1}, 1, 0, 0, 0}},
    {"label", {0, LABEL, DT_I32, 1, {4}, {0}, 1, 1, PLAN_LABELS, -1}},
    {"w", {0, W, DT_F32, 2, {2, 3}, {1, 0}, 0, 0, 0, 0}},
    {"m", {0, M, DT_F32, 1, {1}, {0}, 0, 0, 0, 0}},
    {"y", {0, Y, DT_F32, 3, {4, 2, 3}, {0, 2, 1}, 1, 0, 0, 0}},
    {"hits", {0, HITS, DT_F32, 2, {16, 4}, {0, 1}, 0, 0, 0, 0}},
};
enum { TENSORS = sizeof tensors / sizeof *tensors };

static void fill_entries(struct strings *s, struct plan_entry *e)
{
    uint32_t first = 0;

    for (int i = 0; i < ENTRIES; i++) {
        uint64_t group = calls[i].items < 8 ? calls[i].items : 8;

        e[i] = (struct plan_entry){
            add(s, calls[i].kernel), add(s, "layer"), first, calls[i].narg,
            {calls[i].items, 1, 1},  {group, 1, 1},   1e-6};
        first += calls[i].narg;
    }
}

struct plancl_plan *session_plan(const struct plancl_callbacks *cb)
{
    static const uint64_t slab_bytes[] = {1280, 1280};
    static const uint32_t slab_kind[] = {PLAN_PARAMETER, PLAN_PARAMETER};
    static const float two = 2.0f;
    struct strings s = {.len = 1};
    struct plan_entry entry[ENTRIES];
    struct plan_tensor tensor[TENSORS];
    struct plan_meter meter = {.tensor = 5, .weight = 1};
    struct plancl_plan *owned = NULL;
    struct plan p = {
        .version = PLAN_VERSION,
        .batch = PLAN_N,
        .effective = 2 * PLAN_N,
        .family = FAMILY_CPU,
        .learning_rate = 0.5,
        .device_bytes = 2560,
        .max_allocation = 1 << 20,
        .numerics = "0123456789abcdef0123456789abcdef"
                    "0123456789abcdef0123456789abcdef",
        .nslab = 2,
        .nbuffer = BUFFERS,
        .nentry = ENTRIES,
        .narg = sizeof args / sizeof *args,
        .ntensor = TENSORS,
        .nmeter = 1,
        .nconstant_bytes = sizeof two,
        .slab_bytes = slab_bytes,
        .slab_kind = slab_kind,
        .buffer = buffers,
        .entry = entry,
        .arg = args,
        .tensor = tensor,
        .meter = &meter,
        .constant = (const uint8_t *)&two,
        .string = s.text,
        .sequence = {[SEQ_INIT] = {DRAW, 1},
                     [SEQ_LOAD] = {PACK, 1},
                     [SEQ_PREDICT] = {APPLY, 1},
                     [SEQ_EVALUATE] = {COUNT, 1},
                     [SEQ_ACCUMULATE] = {MOMENT_A, 1},
                     [SEQ_STEP] = {MOMENT, 2}},
    };

    s.text[0] = 0;
    fill_entries(&s, entry);
    for (int i = 0; i < TENSORS; i++) {
        tensor[i] = tensors[i].tensor;
        tensor[i].name = add(&s, tensors[i].name);
    }
    meter.name = add(&s, "hits");
    p.name = add(&s, "by \"hand\"");
    p.device_name = add(&s, "cpu");
    p.program = add(&s, source);
    p.options = add(&s, "-cl-std=CL1.2");
    p.nstring = s.len;
    p.host_bytes = session_host_bytes(&p);
    return plan_copy(&p, cb, &owned) ? NULL : owned;
}
