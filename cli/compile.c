/*
 * compile.c: a model file to a plan file.
 *
 * The command only reads options, asks the library and prints: what a plan
 * looks like is decided in compiler/ alone, so that a program that links the
 * library gets the same plan.
 */
#include "compiler/plancl_compile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/explain.h"
#include "cli/model_file.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/target.h"
#include "runtime/base.h"

/* As the command line has them; 0 or null where an option is not given. */
struct compile_options {
    const char *out, *device, *dump, *stop, *memory;
    struct texts dims, skip;
    uint64_t effective_batch, micro_batch, max_allocation;
    bool observe, explain, quiet;
};

static const struct usage usage = {
    .command = "compile",
    .operands = "MODEL",
    .summary = "Make a plan from a model file, or an ONNX file, and say how "
               "much memory a run will take.",
    .example = "  plancl compile models/fashion_cnn.json -o fashion.plan "
               "--dim N=64\n",
    .operands_wanted = 1,
};

/* The optional passes, by all names that they go by. */
static const struct {
    const char *name;
    unsigned pass;
} passes[] = {
    {"simplify", PLANCL_SKIP_SIMPLIFY}, {"fuse", PLANCL_SKIP_FUSE},
    {"layout", PLANCL_SKIP_LAYOUT},     {"reuse", PLANCL_SKIP_REUSE},
    {"inplace", PLANCL_SKIP_INPLACE},   {"in-place", PLANCL_SKIP_INPLACE},
    {"early", PLANCL_SKIP_EARLY},       {"early-updates", PLANCL_SKIP_EARLY},
    {"order", PLANCL_SKIP_ORDER},       {"recompute", PLANCL_SKIP_RECOMPUTE},
};

/* name: one of a comma-separated list, not ended by a NUL. */
static enum plancl_status skip_one(const char *name, size_t len, unsigned *skip,
                                   const struct plancl_callbacks *cb)
{
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
        if (strlen(passes[i].name) == len &&
            strncmp(name, passes[i].name, len) == 0) {
            *skip |= passes[i].pass;
            return PLANCL_OK;
        }
    return fail(cb, PLANCL_REFUSED,
                "--skip=%.*s: the optional passes are simplify, layout, fuse, "
                "early, order, inplace, reuse and recompute",
                (int)len, name);
}

static enum plancl_status skip_list(const struct texts *t, unsigned *skip,
                                    const struct plancl_callbacks *cb)
{
    enum plancl_status status = PLANCL_OK;

    for (unsigned i = 0; i < t->n; i++)
        for (const char *s = t->v[i]; !status && s;) {
            size_t len = strcspn(s, ",");

            status = skip_one(s, len, skip, cb);
            s = s[len] ? s + len + 1 : NULL;
        }
    return status;
}

/* The wrong name and all that would be right, since nobody knows stages by
 * heart. */
static enum plancl_status check_stage(const char *option, const char *name,
                                      const struct plancl_callbacks *cb)
{
    char names[256] = "";

    for (unsigned i = 0; plancl_stage_name(i); i++) {
        size_t at = strlen(names);

        if (strcmp(name, plancl_stage_name(i)) == 0)
            return PLANCL_OK;
        snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "",
                 plancl_stage_name(i));
    }
    return fail(cb, PLANCL_REFUSED, "--%s=%s: the stages are %s", option, name,
                names);
}

/* Before the model is read: a slip of the pen should not cost a compile. */
static enum plancl_status check_stages(const struct compile_options *o,
                                       const struct plancl_callbacks *cb)
{
    enum plancl_status status = PLANCL_OK;

    if (o->dump && strcmp(o->dump, "all") != 0)
        status = check_stage("dump", o->dump, cb);
    if (!status && o->stop)
        status = check_stage("stop", o->stop, cb);
    if (!status && !o->out && !o->stop)
        status = fail(cb, PLANCL_REFUSED,
                      "no -o FILE for the plan; wanted -o FILE, or "
                      "--stop=STAGE to make none");
    return status;
}

/* ---- the command ---- */

/* The samples of an update are the model's N. */
static enum plancl_status bind_batch(const struct compile_options *o,
                                     struct plancl_dim *dim, unsigned *ndim,
                                     const struct plancl_callbacks *cb)
{
    struct plancl_dim *batch;

    if (!o->effective_batch)
        return PLANCL_OK;
    if (!target_batch(dim, ndim, &batch))
        return fail(cb, PLANCL_REFUSED,
                    "--effective-batch=%" PRIu64 " and --dim N=%" PRIu64
                    " both give the samples of an update; wanted one of "
                    "them, and --micro-batch=M to take M samples at a time",
                    o->effective_batch, batch->size);
    batch->size = o->effective_batch;
    return PLANCL_OK;
}

static void print_stage(void *context, const char *stage, const char *text)
{
    (void)context;
    printf("== %s\n%s", stage, text);
}

/* The two numbers are promises: to the byte what a session will allocate. */
static enum plancl_status finish(const struct compile_options *o,
                                 const struct plancl_plan *plan,
                                 const struct plancl_callbacks *cb)
{
    enum plancl_status status = plancl_plan_save(plan, o->out, cb);

    if (status)
        return status;
    printf("%s: %" PRIu64 " bytes of device memory, %" PRIu64
           " bytes of host memory\n",
           o->out, plancl_plan_device_bytes(plan),
           plancl_plan_host_bytes(plan));
    return PLANCL_OK;
}

/* Without -o and with --stop there is no plan, and that is no failure. */
static enum plancl_status compile(const char *model,
                                  const struct compile_options *o,
                                  const struct plancl_dim *dim, unsigned ndim,
                                  const struct plancl_callbacks *cb)
{
    struct plancl_compile_done done = {0};
    struct plancl_compile_options c = {
        .dim = dim,
        .ndim = ndim,
        .micro_batch = o->micro_batch,
        .max_allocation = o->max_allocation,
        .observe = o->observe,
        .done = &done,
        .dump = print_stage,
        .dump_stage = o->dump,
        .stop_stage = o->stop,
    };
    struct plancl_plan *plan = NULL;
    struct model_file file;
    enum plancl_status status = check_stages(o, cb);

    if (!status)
        status = target_memory(o->memory, &c, cb);
    if (!status)
        status = skip_list(&o->skip, &c.skip, cb);
    if (status)
        return status;
    target_device(o->device, &c, cb);
    status = model_file_open(&file, model, &c, cb);
    if (!status)
        status = plancl_compile(model, file.text, &c, cb, &plan);
    if (!status && plan && o->out)
        status = finish(o, plan, cb);
    if (!status && plan && o->explain)
        status = explain(&file, &c, &done, plan, cb);
    plancl_plan_free(plan);
    model_file_close(&file);
    return status;
}

static enum plancl_status run(const char *model,
                              const struct compile_options *o)
{
    struct plancl_dim *dim;
    struct report report;
    struct plancl_callbacks cb;
    enum plancl_status status;
    unsigned ndim = o->dims.n;

    report_open(&report, o->quiet);
    cb = report_callbacks(&report);
    status = target_dims(&o->dims, &cb, &dim);
    if (!status)
        status = bind_batch(o, dim, &ndim, &cb);
    if (!status)
        status = compile(model, o, dim, ndim, &cb);
    report_close(&report);
    free(dim);
    return status;
}

enum plancl_status command_compile(int argc, char **argv)
{
    struct compile_options o = {0};
    const struct option_spec spec[] = {
        {"out", 'o', OPTION_TEXT, &o.out, "FILE", "where the plan goes"},
        {"dim", 'D', OPTION_LIST, &o.dims, "NAME=SIZE",
         "bind a dimension of the model; N is the batch"},
        {"device", 0, OPTION_TEXT, &o.device, "PROFILE|INDEX",
         "cpu, t4, generic, a profile's file, or an OpenCL device"},
        {"effective-batch", 0, OPTION_COUNT, &o.effective_batch, "B",
         "samples of an update, the same as --dim N=B"},
        {"micro-batch", 0, OPTION_COUNT, &o.micro_batch, "M",
         "make an update of N samples in pieces of M"},
        {"memory", 'm', OPTION_TEXT, &o.memory, "SIZE|PART%",
         "keep to so much device memory: 14GiB, or 75% of the device's"},
        {"max-allocation", 0, OPTION_SIZE, &o.max_allocation, "SIZE",
         "no slab larger than this, such as 256MiB"},
        {"skip", 0, OPTION_LIST, &o.skip, "PASS[,PASS]",
         "leave out simplify, layout, fuse, early, order, inplace, "
         "reuse, recompute"},
        {"observe", 0, OPTION_FLAG, &o.observe, NULL,
         "keep gradients and outputs of training for programs to read"},
        {"explain", 0, OPTION_FLAG, &o.explain, NULL,
         "say what was done for the memory, and what more or less would do"},
        {"dump", 0, OPTION_TEXT, &o.dump, "STAGE",
         "print the result of a stage, or of all"},
        {"stop", 0, OPTION_TEXT, &o.stop, "STAGE",
         "end after this stage, without a plan"},
        {"quiet", 'q', OPTION_FLAG, &o.quiet, NULL, "no notes"},
        {0},
    };
    const char *model;
    enum options_result parsed = options_parse(&usage, spec, argc, argv,
                                               &model);
    enum plancl_status status = options_status(parsed);

    if (parsed == OPTIONS_GO_ON)
        status = run(model, &o);
    texts_free(&o.dims);
    texts_free(&o.skip);
    return status;
}
