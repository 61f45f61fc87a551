/*
 * fuzz.c: see fuzz.h.
 *
 * Two parsers take a file and no memory: theirs is written into the working
 * folder and removed again.  ONNX files may name others there.
 */
#include "tests/fuzz.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/plancl_data.h"
#include "onnx/onnx.h"
#include "runtime/plan_live.h"
#include "runtime/safetensors.h"
#include "tests/plan_sample.h"

struct fuzz_input {
    const uint8_t *bytes;
    size_t size;
    struct plancl_callbacks cb;
    struct arena *arena; /* for the one input */
    int *errors;         /* messages since the last call was judged */
};

/* Corpora hold small files. */
static const char greedy[] = "more memory than there is, for a small file";

static void hear(void *context, const struct plancl_message *m)
{
    int *errors = context;

    if (m->severity == PLANCL_ERROR)
        *errors += *m->text ? 1 : 2;
}

/* What every call owes. */
static const char *judge(const struct fuzz_input *in, enum plancl_status status)
{
    int errors = *in->errors;

    *in->errors = 0;
    if (status == PLANCL_OK)
        return errors ? "success with the message of an error" : NULL;
    if (status == PLANCL_MEMORY)
        return greedy;
    if (errors == 0)
        return "a refusal without a message";
    return errors == 1 ? NULL : "more messages than one, or an empty one";
}

/* ---- model files ---- */

static enum plancl_status read_model(const struct fuzz_input *in,
                                     const char *text)
{
    const struct plancl_compile_options opt = {
        .stop_stage = plancl_stage_name(0)};
    struct plancl_plan *plan = NULL;

    return plancl_compile("fuzz.json", text, &opt, &in->cb, &plan);
}

static char *text_of(const struct fuzz_input *in)
{
    char *text = arena_alloc(in->arena, in->size + 1, 1);

    if (in->size)
        memcpy(text, in->bytes, in->size);
    return text;
}

static const char *feed_model(const struct fuzz_input *in)
{
    return judge(in, read_model(in, text_of(in)));
}

/* ---- ONNX files ---- */

/* So that the address sanitizer sees each byte read. */
static void copy_weights(const struct fuzz_input *in,
                         const struct onnx_model *m)
{
    for (unsigned i = 0; i < m->nweight; i++) {
        const struct type *t = &m->weight[i].type;
        size_t bytes = (size_t)type_count(t) * dtype_bytes(t->dtype);

        memcpy(arena_alloc(in->arena, bytes + 1, 1), m->weight[i].data, bytes);
    }
}

/* What is imported is a model that the compiler reads. */
static const char *feed_onnx(const struct fuzz_input *in)
{
    const struct onnx_bytes bytes = {
        .name = "fuzz.onnx", .at = in->bytes, .len = in->size, .folder = "."};
    const struct onnx_options none = {0};
    struct onnx_model m = {0};
    enum plancl_status status = onnx_import_bytes(&bytes, &none, in->arena,
                                                  &in->cb, &m);
    const char *wrong = judge(in, status);

    if (wrong || status)
        return wrong;
    if (read_model(in, m.text))
        return "it was imported as a model that is refused";
    copy_weights(in, &m);
    return NULL;
}

/* ---- files that have to be files ---- */

/* Several fuzzers may share the folder. */
static const char *write_file(const struct fuzz_input *in)
{
    const char *path = arena_format(in->arena, "fuzz-%ld.tmp", (long)getpid());
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(in->bytes, 1, in->size, f) != in->size || fclose(f) != 0)
        abort(); /* a full disk is no finding */
    return path;
}

/* The first and the last sample, with and without conversion. */
static const char *read_samples(const struct fuzz_input *in,
                                struct plancl_data *d)
{
    struct plancl_column c = plancl_data_column(d, 0);
    const enum plancl_dtype dtype[] = {PLANCL_F32, PLANCL_I64, c.dtype};
    uint64_t n = plancl_data_samples(d), elements = 1;
    const char *wrong = NULL;
    void *out;

    if (!n) /* a sample may then be as large as it likes to say */
        return NULL;
    for (unsigned k = 0; k < c.rank; k++)
        elements *= c.dim[k];
    out = arena_alloc(in->arena, elements + 1, sizeof(int64_t));
    for (size_t i = 0; !wrong && i < sizeof dtype / sizeof *dtype; i++) {
        const uint64_t first = 0, last = n - 1;

        wrong = judge(in, plancl_data_read(d, 0, &first, 1, dtype[i], out));
        if (!wrong)
            wrong = judge(in, plancl_data_read(d, 0, &last, 1, dtype[i], out));
    }
    return wrong;
}

static const char *feed_data(const struct fuzz_input *in)
{
    const char *path = write_file(in);
    const char *spec = arena_format(in->arena, "x=%s", path);
    struct plancl_data *d = NULL;
    enum plancl_status status = plancl_data_open(&spec, 1, &in->cb, &d);
    const char *wrong = judge(in, status);

    if (!status && !wrong)
        wrong = read_samples(in, d);
    plancl_data_close(d);
    remove(path);
    return wrong;
}

static const char *feed_safetensors(const struct fuzz_input *in)
{
    const char *path = write_file(in);
    struct safetensors st;
    enum plancl_status status = safetensors_open(path, &in->cb, &st);
    const char *wrong = judge(in, status);

    for (uint64_t i = 0; !status && !wrong && i < st.ntensor; i++) {
        const struct safetensors_tensor *t = &st.tensor[i];
        uint64_t bytes = t->end - t->begin;
        void *to = arena_alloc(in->arena, bytes + 1, 1);

        wrong = judge(in, safetensors_read(&st, t, 0, to, bytes, &in->cb));
    }
    if (!status)
        safetensors_close(&st);
    remove(path);
    return wrong;
}

/* ---- plans ---- */

/* All that inspect shows; and written, it is the same plan again. */
static const char *use_plan(const struct fuzz_input *in, const struct plan *p)
{
    struct text shown = {.arena = in->arena}, one = shown, two = shown;
    struct plancl_plan *again = NULL;

    plan_print(p, &shown);
    plan_inspect_json(p, &shown);
    plan_print_memory(p, &shown);
    plan_draw_memory(p, &shown);
    plan_json_write(p, &one);
    if (plan_json_read(one.s, one.len, &in->cb, &again))
        return "a plan that cannot be read again once it is written";
    plan_json_write(&again->plan, &two);
    plancl_plan_free(again);
    return one.len == two.len && memcmp(one.s, two.s, one.len) == 0
               ? NULL
               : "a plan that changes when it is written and read";
}

/* The digest is made right, or nothing would get past it. */
static const char *feed_plan(const struct fuzz_input *in)
{
    char *text = text_of(in);
    struct plancl_plan *plan = NULL;
    enum plancl_status status;
    const char *wrong;

    sample_sign(text, in->size);
    status = plan_json_read(text, in->size, &in->cb, &plan);
    if (!status)
        status = plan_verify(&plan->plan, &in->cb);
    wrong = judge(in, status);
    if (!status && !wrong)
        wrong = use_plan(in, &plan->plan);
    plancl_plan_free(plan);
    return wrong;
}

/* ---- all of them ---- */

const struct fuzz_parser *fuzz_parsers(void)
{
    static const struct fuzz_parser parsers[] = {
        {"idx", feed_data},  {"model", feed_model},
        {"npy", feed_data},  {"onnx", feed_onnx},
        {"plan", feed_plan}, {"safetensors", feed_safetensors},
        {NULL, NULL},
    };

    return parsers;
}

const char *fuzz_feed(const struct fuzz_parser *parser, const uint8_t *bytes,
                      size_t size)
{
    int errors = 0;
    jmp_buf out_of_memory;
    struct arena arena;
    struct fuzz_input *in;
    const char *wrong;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&arena);
        return greedy;
    }
    in = ARENA_NEW(&arena, struct fuzz_input, 1);
    *in = (struct fuzz_input){
        bytes, size, {&errors, hear, NULL}, &arena, &errors};
    wrong = parser->feed(in);
    arena_close(&arena);
    return wrong;
}
