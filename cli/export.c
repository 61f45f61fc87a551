/* export.c: a model and its weights to an ONNX file. */
#include <setjmp.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/target.h"
#include "onnx/onnx.h"

struct export_options {
    const char *out, *weights;
    struct texts dims;
    bool quiet;
};

static const struct usage usage = {
    .command = "export",
    .operands = "MODEL.json",
    .summary = "Write a model, as it infers, and its weights to an ONNX file.",
    .example = "  plancl export fashion_cnn.json --weights fashion.safetensors "
               "-o fashion.onnx\n",
    .operands_wanted = 1,
};

static enum plancl_status run(const char *path, const struct export_options *o,
                              const struct plancl_callbacks *cb)
{
    struct onnx_source from = {
        .path = path, .ndim = o->dims.n, .weights = o->weights};
    struct plancl_dim *dim = NULL;
    jmp_buf out_of_memory;
    struct arena arena;
    enum plancl_status status;

    if (!o->out)
        return fail(cb, PLANCL_REFUSED, "no -o FILE for the ONNX file");
    if (!o->weights)
        return fail(cb, PLANCL_REFUSED, "no --weights FILE to export");
    status = target_dims(&o->dims, cb, &dim);
    from.dim = dim;
    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&arena);
        free((void *)from.dim);
        return fail(cb, PLANCL_MEMORY, "%s: no memory left to export", path);
    }
    if (!status)
        status = onnx_export(&from, o->out, &arena, cb);
    arena_close(&arena);
    free((void *)from.dim);
    return status;
}

enum plancl_status command_export(int argc, char **argv)
{
    struct export_options o = {0};
    const struct option_spec spec[] = {
        {"out", 'o', OPTION_TEXT, &o.out, "FILE", "where the ONNX file goes"},
        {"weights", 'w', OPTION_TEXT, &o.weights, "FILE",
         "the weights, as safetensors"},
        {"dim", 'D', OPTION_LIST, &o.dims, "NAME=SIZE",
         "a dimension of the model; the batch N stays open"},
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
    return status;
}
