/*
 * predict.c: outputs for all samples, to a file, or the best classes of each
 * in words.
 *
 * Memory is one batch of the widest output; results go out batch by batch.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/ranking.h"
#include "cli/run.h"
#include "runtime/base.h"

struct predict_options {
    struct run_options run;
    const char *file, *output, *classes;
    uint64_t first, top;
};

/* What is open during one command; close_all() takes it at any stage. */
struct predictor {
    const struct predict_options *o;
    struct run run;
    struct plancl_tensor tensor[OUTPUTS_MAX];
    uint64_t sample_bytes[OUTPUTS_MAX];
    unsigned n;
    struct output output;
    struct class_names classes;
    void *rows; /* one batch of the widest output */
};

static const struct usage usage = {
    .command = "predict",
    .operands = "PLAN",
    .summary = "Write the outputs of a plan for all samples to a file, or "
               "print the best\nclasses of each.",
    .example =
        "  plancl predict fashion.plan --weights fashion.safetensors \\\n"
        "      --data image=t10k-images-idx3-ubyte.gz:scale=1/255 \\\n"
        "      --first 5 --top 3\n",
    .operands_wanted = 1,
};

/* ---- which outputs ---- */

static bool wanted(const struct predictor *p, const struct plancl_tensor *t)
{
    return t->role == PLANCL_OUTPUT &&
           (!p->o->output || strcmp(p->o->output, t->name) == 0);
}

static enum plancl_status choose_outputs(struct predictor *p)
{
    const struct plancl_plan *plan = p->run.plan;
    uint32_t n = plancl_plan_tensors(plan);

    for (uint32_t i = 0; i < n; i++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, i);

        if (!wanted(p, &t))
            continue;
        if (!t.batched)
            return fail(&p->run.cb, PLANCL_REFUSED,
                        "output \"%s\" is not one per sample", t.name);
        if (p->n == OUTPUTS_MAX)
            return fail(&p->run.cb, PLANCL_REFUSED,
                        "more than %d outputs: give --output NAME",
                        OUTPUTS_MAX);
        p->tensor[p->n++] = t;
    }
    if (p->n)
        return PLANCL_OK;
    return fail(&p->run.cb, PLANCL_REFUSED, "the plan has no output%s%s%s",
                p->o->output ? " \"" : "s", p->o->output ? p->o->output : "",
                p->o->output ? "\"" : "");
}

/* Words need one output of floats, with a score for each class. */
static enum plancl_status check_classes(struct predictor *p)
{
    const struct plancl_callbacks *cb = &p->run.cb;
    uint64_t scores = p->sample_bytes[0] / sizeof(float);
    enum plancl_status status;

    if (p->n != 1 || p->tensor[0].dtype != PLANCL_F32)
        return fail(cb, PLANCL_REFUSED,
                    "--top wants one output of f32: give --output NAME");
    if (!p->o->classes)
        return PLANCL_OK;
    status = class_names_read(&p->classes, p->o->classes, cb);
    if (!status && p->classes.n != scores)
        return fail(cb, PLANCL_REFUSED,
                    "--classes has %" PRIu64 " names, output \"%s\" has "
                    "%" PRIu64 " scores",
                    p->classes.n, p->tensor[0].name, scores);
    return status;
}

static enum plancl_status allocate(struct predictor *p)
{
    uint64_t widest = 1;

    for (unsigned i = 0; i < p->n; i++)
        if (p->tensor[i].bytes > widest)
            widest = p->tensor[i].bytes;
    p->rows = malloc(widest);
    if (!p->rows)
        return fail(&p->run.cb, PLANCL_MEMORY,
                    "out of memory for %" PRIu64 " bytes of output", widest);
    return PLANCL_OK;
}

/* Sizes of a sample are taken after output_open() has sorted the tensors. */
static enum plancl_status prepare(struct predictor *p, uint64_t samples)
{
    uint32_t batch = plancl_plan_batch(p->run.plan);
    enum plancl_status status = choose_outputs(p);

    if (!status && !p->o->file && !p->o->top)
        status = fail(&p->run.cb, PLANCL_REFUSED,
                      "give -o FILE for the outputs, or --top K");
    if (!status)
        status = allocate(p);
    for (unsigned i = 0; i < p->n; i++)
        p->tensor[i].dim[0] = p->tensor[i].dim[0] / batch * samples;
    /* The file's order is the order of the tensors from here on. */
    if (!status && p->o->file)
        status = output_open(&p->output, p->o->file, p->tensor, p->n,
                             &p->run.cb);
    for (unsigned i = 0; i < p->n; i++)
        p->sample_bytes[i] = p->tensor[i].bytes / batch;
    if (!status && p->o->top)
        status = check_classes(p);
    return status;
}

/* ---- running ---- */

static void print_ranks(const struct predictor *p, uint64_t at, uint32_t rows)
{
    uint64_t scores = p->sample_bytes[0] / sizeof(float);
    const float *score = p->rows; /* [rows, scores] */

    for (uint32_t i = 0; i < rows; i++)
        ranking_print(&p->classes, at + i, score + i * scores, scores,
                      p->o->top);
}

static enum plancl_status take_outputs(struct predictor *p, uint64_t at,
                                       uint32_t rows)
{
    enum plancl_status status = PLANCL_OK;

    for (unsigned i = 0; !status && i < p->n; i++) {
        uint64_t bytes = rows * p->sample_bytes[i];

        status = plancl_read(p->run.session, p->tensor[i].name, p->rows, bytes);
        if (!status && p->o->file)
            status = output_add(&p->output, i, p->rows, bytes);
    }
    if (!status && p->o->top)
        print_ranks(p, at, rows);
    return status;
}

/* Progress is left out where results are printed, which would stand in the
 * middle of them. */
static enum plancl_status predict_all(struct predictor *p, uint64_t samples)
{
    const struct sample_order in_order = {0};
    struct feed *f = &p->run.feed;
    enum plancl_status status = PLANCL_OK;

    for (uint64_t at = 0; !status && at < samples;) {
        uint32_t rows = feed_rows(f, samples - at);

        if (interrupt_seen())
            return PLANCL_CANCELLED;
        status = feed_write(f, p->run.session, SEQ_PREDICT, &in_order, at,
                            rows);
        if (!status)
            status = plancl_predict(p->run.session, rows);
        if (!status)
            status = take_outputs(p, at, rows);
        at += rows;
        if (!p->o->top)
            report_progress(&p->run.report, "predict %" PRIu64 " of %" PRIu64,
                            at, samples);
    }
    return status;
}

static enum plancl_status predict(struct predictor *p)
{
    uint64_t samples;
    enum plancl_status status = run_samples(&p->run, p->o->first, &samples);

    if (!status)
        status = prepare(p, samples);
    if (!status)
        status = predict_all(p, samples);
    if (!status && p->o->file)
        status = output_commit(&p->output);
    return status ? status : run_finish(&p->run);
}

static void close_all(struct predictor *p)
{
    output_abandon(&p->output);
    class_names_free(&p->classes);
    free(p->rows);
    run_close(&p->run);
}

enum plancl_status command_predict(int argc, char **argv)
{
    struct predict_options o = {0};
    const struct option_spec spec[] = {
        RUN_OPTION_DATA(&o.run),
        RUN_OPTION_SAMPLES(&o.run),
        {"weights", 'w', OPTION_TEXT, &o.run.weights, "FILE",
         "safetensors file; without it, the first weights"},
        RUN_OPTION_ALLOW_MISSING(&o.run),
        {"out", 'o', OPTION_TEXT, &o.file, "FILE",
         ".npy (one output) or .safetensors"},
        {"output", 0, OPTION_TEXT, &o.output, "NAME", "only this output"},
        {"first", 0, OPTION_COUNT, &o.first, "N", "only the first N samples"},
        {"top", 0, OPTION_COUNT, &o.top, "K",
         "print the K highest scores of each sample"},
        {"classes", 0, OPTION_TEXT, &o.classes, "A,B,...|FILE",
         "names for them; sets --top to 1"},
        {"seed", 0, OPTION_NUMBER, &o.run.seed, "N", "of the first weights; 0"},
        RUN_OPTION_DEVICE(&o.run),
        RUN_OPTION_PROFILE(&o.run),
        RUN_OPTION_TRACE(&o.run),
        RUN_OPTION_DEBUG_MEMORY(&o.run),
        RUN_OPTION_QUIET(&o.run),
        {0},
    };
    struct predictor p = {.o = &o};
    const char *plan;
    enum options_result parsed = options_parse(&usage, spec, argc, argv, &plan);
    enum plancl_status status = options_status(parsed);

    if (parsed == OPTIONS_GO_ON) {
        if (o.classes && !o.top)
            o.top = 1;
        status = run_open(&p.run, &o.run, plan, 1u << SEQ_PREDICT);
        if (!status)
            status = predict(&p);
        close_all(&p);
    }
    texts_free(&o.run.data);
    return status;
}
