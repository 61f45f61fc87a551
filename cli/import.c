/*
 * import.c: an ONNX file to a model file and its weights.
 *
 * The conversion is onnx/'s; here are the command line and the two files.  The
 * weights go first, so that a model file is there only when they are.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/target.h"
#include "onnx/onnx.h"
#include "runtime/safetensors.h"

struct import_options {
    const char *out, *weights;
    struct texts dims, shapes, values;
    bool quiet;
};

static const struct usage usage = {
    .command = "import",
    .operands = "MODEL.onnx",
    .summary = "Make a model file, and a file of its weights, from an ONNX "
               "file.",
    .example = "  plancl import resnet.onnx -o resnet.json --weights "
               "resnet.safetensors\n",
    .operands_wanted = 1,
};

/* ---- what is given ---- */

/* "input=1,3,224,224" Sizes are at most 2^31 - 1, as in a model file. */
static bool shape_parse(const char *text, struct arena *a, struct onnx_shape *s)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text)
        return false;
    s->input = arena_format(a, "%.*s", (int)(equals - text), text);
    for (const char *c = equals + 1; s->rank < MAX_RANK; c++) {
        size_t len = strcspn(c, ",");
        uint64_t n;

        if (!count_parse(arena_format(a, "%.*s", (int)len, c), &n) || n < 1 ||
            n > INT32_MAX)
            return false;
        s->dim[s->rank++] = (int64_t)n;
        c += len;
        if (!*c)
            return true;
    }
    return false;
}

/* "shape=0,-1,64"; nothing behind the sign is an empty list. */
static bool value_parse(const char *text, struct arena *a, struct onnx_given *g)
{
    const char *equals = strchr(text, '=');
    double *v = ARENA_NEW(a, double, strlen(text) + 1);
    const char *c;
    char *end;

    if (!equals || equals == text)
        return false;
    g->input = arena_format(a, "%.*s", (int)(equals - text), text);
    g->v = v;
    for (c = equals + 1; *c; c = end + (*end == ',' && end[1])) {
        v[g->n++] = strtod(c, &end);
        if (end == c || (*end && *end != ',') || (*end && !end[1]))
            return false;
    }
    return true;
}

static enum plancl_status values_parse(const struct texts *t, struct arena *a,
                                       struct onnx_options *o,
                                       const struct plancl_callbacks *cb)
{
    struct onnx_given *value = ARENA_NEW(a, struct onnx_given, t->n + 1U);

    for (unsigned i = 0; i < t->n; i++)
        if (!value_parse(t->v[i], a, &value[i]))
            return fail(cb, PLANCL_REFUSED,
                        "--value=%s: wanted INPUT=NUMBER,NUMBER,...", t->v[i]);
    o->value = value;
    o->nvalue = t->n;
    return PLANCL_OK;
}

static enum plancl_status shapes_parse(const struct texts *t, struct arena *a,
                                       struct onnx_options *o,
                                       const struct plancl_callbacks *cb)
{
    struct onnx_shape *shape = ARENA_NEW(a, struct onnx_shape, t->n + 1U);

    for (unsigned i = 0; i < t->n; i++)
        if (!shape_parse(t->v[i], a, &shape[i]))
            return fail(cb, PLANCL_REFUSED,
                        "--shape=%s: wanted INPUT=SIZE,SIZE,... with at most "
                        "%d sizes",
                        t->v[i], MAX_RANK);
    o->shape = shape;
    o->nshape = t->n;
    return PLANCL_OK;
}

/* ---- what is made ---- */

static enum plancl_status save_text(const char *path, const char *text,
                                    const struct plancl_callbacks *cb)
{
    struct file_writer w;
    enum plancl_status status = file_begin(&w, path, cb);

    if (status)
        return status;
    fputs(text, w.stream);
    return file_commit(&w, cb);
}

/* In the order of the import, one tensor at a time; the file appears when all
 * are in it. */
static enum plancl_status save_weights(const char *path,
                                       const struct onnx_model *m,
                                       struct arena *a,
                                       const struct plancl_callbacks *cb)
{
    struct safetensors_tensor *t = ARENA_NEW(a, struct safetensors_tensor,
                                             m->nweight + 1U);
    struct safetensors_writer w;
    enum plancl_status status;

    for (unsigned i = 0; i < m->nweight; i++) {
        const struct type *type = &m->weight[i].type;
        uint64_t *dim = ARENA_NEW(a, uint64_t, MAX_RANK);

        for (int k = 0; k < type->rank; k++)
            dim[k] = (uint64_t)type->dim[k];
        t[i] = (struct safetensors_tensor){
            .name = m->weight[i].name,
            .dtype = safetensors_dtype(type->dtype),
            .rank = (uint64_t)type->rank,
            .dim = dim};
    }
    status = safetensors_create(&w, path, t, m->nweight, NULL, cb);
    for (unsigned i = 0; !status && i < m->nweight; i++)
        status = safetensors_add(&w, m->weight[i].data,
                                 type_bytes(&m->weight[i].type), cb);
    return status ? status : safetensors_commit(&w, cb);
}

static enum plancl_status import(const char *path,
                                 const struct import_options *o,
                                 struct onnx_options *how, struct arena *a,
                                 const struct plancl_callbacks *cb)
{
    struct onnx_model model = {0};
    enum plancl_status status = shapes_parse(&o->shapes, a, how, cb);

    if (!status)
        status = values_parse(&o->values, a, how, cb);
    if (!status)
        status = onnx_import(path, how, a, cb, &model);
    if (!status && o->weights)
        status = save_weights(o->weights, &model, a, cb);
    if (!status)
        status = save_text(o->out, model.text, cb);
    if (!status && !o->weights && model.nweight)
        note(cb, PLANCL_NOTE,
             "%u tensors of weights are left out; --weights=FILE writes them",
             model.nweight);
    return status;
}

static enum plancl_status run(const char *path, const struct import_options *o,
                              const struct plancl_callbacks *cb)
{
    struct plancl_dim *dim = NULL;
    struct onnx_options how = {.ndim = o->dims.n};
    jmp_buf out_of_memory;
    struct arena arena;
    enum plancl_status status;

    if (!o->out)
        return fail(cb, PLANCL_REFUSED, "no -o FILE for the model");
    status = target_dims(&o->dims, cb, &dim);
    how.dim = dim;
    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&arena);
        free((void *)how.dim);
        return fail(cb, PLANCL_MEMORY, "%s: no memory left to import", path);
    }
    if (!status)
        status = import(path, o, &how, &arena, cb);
    arena_close(&arena);
    free((void *)how.dim);
    return status;
}

enum plancl_status command_import(int argc, char **argv)
{
    struct import_options o = {0};
    const struct option_spec spec[] = {
        {"out", 'o', OPTION_TEXT, &o.out, "FILE", "where the model goes"},
        {"weights", 'w', OPTION_TEXT, &o.weights, "FILE",
         "where its weights go, as safetensors"},
        {"shape", 0, OPTION_LIST, &o.shapes, "INPUT=SIZE,...",
         "the shape of an input, over what the file says"},
        {"dim", 'D', OPTION_LIST, &o.dims, "NAME=SIZE",
         "a dimension that the file leaves open; N is the batch"},
        {"value", 0, OPTION_LIST, &o.values, "INPUT=NUMBER,...",
         "an input that operators want to know before: a shape, axes"},
        {"quiet", 'q', OPTION_FLAG, &o.quiet, NULL, "no notes"},
        {0},
    };
    const char *path;
    struct report report;
    struct plancl_callbacks cb;
    enum options_result parsed = options_parse(&usage, spec, argc, argv, &path);
    enum plancl_status status = options_status(parsed);

    if (parsed == OPTIONS_GO_ON) {
        report_open(&report, o.quiet);
        cb = report_callbacks(&report);
        status = run(path, &o, &cb);
        report_close(&report);
    }
    texts_free(&o.dims);
    texts_free(&o.shapes);
    texts_free(&o.values);
    return status;
}
