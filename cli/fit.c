/*
 * fit.c: the largest batch that a budget of memory takes, by compiling.
 *
 * From one sample on the batch is doubled until the compiler refuses, and what
 * lies between the last that fits and the first that does not is halved until
 * the two are neighbours.  Batches stay in one piece: cut into pieces small
 * enough, any would fit.
 *
 * With b the answer there are about 2 log2(b) compiles.  The search takes for
 * granted that a batch fits where a larger one does.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/target.h"
#include "runtime/plan_io.h"

/* Twice: sizes are below 2^31. */
enum { MOST_TRIALS = 64 };

struct fit_options {
    const char *device, *memory;
    struct texts dims;
    uint64_t max_allocation;
    bool json, quiet;
};

/* One batch that was compiled. */
struct trial {
    uint64_t batch;
    bool fits;
    uint64_t bytes; /* of the device; where it does not fit those that would do,
                     * or 0 where memory is not the reason */
    double
        seconds; /* predicted, of a step or, without training, a prediction */
    struct plancl_compile_done done;
    char why[512]; /* it does not fit */
};

struct fit {
    const char *model, *memory;
    struct plancl_compile_options c;
    uint64_t *size; /* of the dimension N among c.dim */
    struct report *report;
    const struct plancl_callbacks *cb;
    bool trains;
    struct trial trial[MOST_TRIALS];
    int n;
};

static const struct usage usage = {
    .command = "fit",
    .operands = "MODEL",
    .summary = "Find the largest batch N whose training fits into a device's "
               "memory, by\ncompiling.  The batch stays in one piece: cut into "
               "micro-batches, any fits.",
    .example = "  plancl fit models/unet.json --device t4 --memory 14GiB\n",
    .operands_wanted = 1,
};

/* ---- one batch ---- */

/* That a batch does not fit is an answer, unless it is the first. */
static void trial_message(void *context, const struct plancl_message *m)
{
    struct fit *f = context;
    struct trial *t = &f->trial[f->n];

    if (m->severity == PLANCL_ERROR && !f->n)
        f->cb->message(f->cb->context, m);
    else if (m->severity == PLANCL_ERROR)
        snprintf(t->why, sizeof t->why, "%s", m->text);
}

static int trial_progress(void *context, const struct plancl_progress *p)
{
    struct fit *f = context;

    return f->cb->progress(f->cb->context, p);
}

/* Predicted seconds are of a step of this batch, so samples a second can be
 * compared between batches. */
static void keep_result(struct fit *f, struct trial *t,
                        const struct plancl_plan *plan)
{
    f->trains = plancl_can_train(plan);
    t->fits = true;
    t->bytes = plancl_plan_device_bytes(plan);
    t->seconds = plan_batch_seconds(&plan->plan);
}

/* A status other than of success is an error that ends the search.  micro_batch
 * is the batch itself, which keeps the compiler from cutting it. */
static enum plancl_status try_batch(struct fit *f, uint64_t batch)
{
    const struct plancl_callbacks cb = {f, trial_message, trial_progress};
    struct trial *t = &f->trial[f->n];
    struct plancl_plan *plan = NULL;
    enum plancl_status status;

    report_progress(f->report, "compiling for a batch of %" PRIu64, batch);
    *t = (struct trial){.batch = batch};
    *f->size = f->c.micro_batch = batch;
    f->c.would_do = &t->bytes;
    f->c.done = &t->done;
    status = plancl_compile(f->model, NULL, &f->c, &cb, &plan);
    if (!status)
        keep_result(f, t, plan);
    plancl_plan_free(plan);
    if (status && !f->n)
        return status;
    if (status && status != PLANCL_REFUSED)
        return fail(f->cb, status, "%s", t->why);
    f->n++;
    return PLANCL_OK;
}

/* ---- the search ---- */

static int by_batch(const void *a, const void *b)
{
    const struct trial *x = a, *y = b;

    return (x->batch > y->batch) - (x->batch < y->batch);
}

/* Afterwards the trials are in order, each that fits before each that does
 * not. */
static enum plancl_status search(struct fit *f)
{
    enum plancl_status status = try_batch(f, 1);
    uint64_t fits = 1, too_large = 2;

    while (!status) {
        status = try_batch(f, too_large);
        if (status || !f->trial[f->n - 1].fits)
            break;
        fits = too_large;
        too_large *= 2;
    }
    while (!status && too_large - fits > 1) {
        uint64_t middle = fits + (too_large - fits) / 2;

        status = try_batch(f, middle);
        if (!status && f->trial[f->n - 1].fits)
            fits = middle;
        else
            too_large = middle;
    }
    qsort(f->trial, (size_t)f->n, sizeof *f->trial, by_batch);
    return status;
}

/* There is one: a batch of 1 that does not fit ends the search with its
 * message. */
static const struct trial *largest(const struct fit *f)
{
    const struct trial *t = &f->trial[f->n - 1];

    while (!t->fits)
        t--;
    return t;
}

/* Samples a second, predicted. */
static double rate_of(const struct trial *t)
{
    return t->seconds > 0 ? (double)t->batch / t->seconds : 0;
}

/* The fewest samples among the most of them a second. */
static const struct trial *fastest(const struct fit *f)
{
    const struct trial *best = f->trial;

    for (int i = 1; i < f->n && f->trial[i].fits; i++)
        if (rate_of(&f->trial[i]) > rate_of(best))
            best = &f->trial[i];
    return best;
}

/* ---- what was found ---- */

static void print_trial(const struct trial *t)
{
    const struct plancl_compile_done *d = &t->done;

    printf("%9" PRIu64 "  ", t->batch);
    if (!t->fits && t->bytes)
        printf("does not fit: %" PRIu64 " bytes would do\n", t->bytes);
    else if (!t->fits)
        printf("refused\n");
    else if (d->repeats)
        printf("%14" PRIu64 " %11.4g %12.1f  %" PRIu32
               " computed again, %+.1f %%\n",
               t->bytes, t->seconds, rate_of(t), d->repeats,
               100 * (d->seconds / d->kept_seconds - 1));
    else
        printf("%14" PRIu64 " %11.4g %12.1f  all kept\n", t->bytes, t->seconds,
               rate_of(t));
}

static void print_table(const struct fit *f)
{
    const struct trial *most = largest(f), *best = fastest(f);

    printf("%9s  %14s %11s %12s  %s\n", "batch", "device bytes", "step, s",
           "samples/s", f->trains ? "results" : "results (prediction)");
    for (int i = 0; i < f->n; i++)
        print_trial(&f->trial[i]);
    printf("\n%" PRIu64 " is the largest batch that fits into %s%s\n",
           most->batch, f->memory,
           strchr(f->memory, '%') ? " of the device's memory" : "");
    if (most + 1 < f->trial + f->n && !most[1].bytes)
        printf("%" PRIu64 " is refused: %s\n", most[1].batch, most[1].why);
    if (best != most)
        printf("%" PRIu64 " is predicted to be the fastest of these, %.1f "
               "samples/s\n",
               best->batch, rate_of(best));
}

static void json_trial(struct text *out, const struct trial *t)
{
    text_add(out, "  {\"batch\": %" PRIu64 ", \"fits\": %s", t->batch,
             t->fits ? "true" : "false");
    if (!t->fits) {
        text_add(out, ", \"would_do\": %" PRIu64 ", \"why\": ", t->bytes);
        text_json_string(out, t->why);
        text_add(out, "}");
        return;
    }
    text_add(out,
             ", \"device_bytes\": %" PRIu64 ", \"predicted_step_s\": %.9g"
             ", \"samples_per_s\": %.9g, \"repeats\": %" PRIu32 "}",
             t->bytes, t->seconds, rate_of(t), t->done.repeats);
}

static void print_json(const struct fit *f, struct text *out)
{
    text_add(out, "{\n\"model\": ");
    text_json_string(out, f->model);
    text_add(out,
             ",\n\"memory\": %" PRIu64
             ",\n\"training\": %s,\n\"batch\": %" PRIu64
             ",\n\"fastest\": %" PRIu64 ",\n\"candidates\": [\n",
             f->trial[0].done.memory, f->trains ? "true" : "false",
             largest(f)->batch, fastest(f)->batch);
    for (int i = 0; i < f->n; i++) {
        text_add(out, "%s", i ? ",\n" : "");
        json_trial(out, &f->trial[i]);
    }
    text_add(out, "]\n}\n");
    fputs(out->s, stdout);
}

/* Everything was found before the first line is printed. */
static enum plancl_status print(const struct fit *f, bool json)
{
    jmp_buf out_of_memory;
    struct arena arena;
    struct text out = {.arena = &arena};

    if (!json) {
        print_table(f);
        return PLANCL_OK;
    }
    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&arena);
        return fail(f->cb, PLANCL_MEMORY, "out of memory for the text");
    }
    print_json(f, &out);
    arena_close(&arena);
    return PLANCL_OK;
}

/* ---- the command ---- */

/* N is ours. */
static enum plancl_status add_batch(struct fit *f, struct plancl_dim *dim,
                                    unsigned n)
{
    struct plancl_dim *batch;

    if (!target_batch(dim, &n, &batch))
        return fail(f->cb, PLANCL_REFUSED,
                    "--dim N: N is the batch, which is looked for");
    f->size = &batch->size;
    f->c.dim = dim;
    f->c.ndim = n;
    return PLANCL_OK;
}

static enum plancl_status fit(const char *model, const struct fit_options *o,
                              struct plancl_dim *dim, struct report *report)
{
    const struct plancl_callbacks cb = report_callbacks(report);
    struct fit f = {.model = model,
                    .memory = o->memory ? o->memory : "100%",
                    .c.max_allocation = o->max_allocation,
                    .report = report,
                    .cb = &cb};
    enum plancl_status status = add_batch(&f, dim, o->dims.n);

    if (!status)
        status = target_memory(f.memory, &f.c, &cb);
    if (status)
        return status;
    target_device(o->device, &f.c, &cb);
    status = search(&f);
    report_close(report);
    return status ? status : print(&f, o->json);
}

static enum plancl_status run(const char *model, const struct fit_options *o)
{
    struct plancl_dim *dim;
    struct report report;
    struct plancl_callbacks cb;
    enum plancl_status status;

    report_open(&report, o->quiet);
    cb = report_callbacks(&report);
    status = target_dims(&o->dims, &cb, &dim);
    if (!status)
        status = fit(model, o, dim, &report);
    report_close(&report);
    free(dim);
    return status;
}

enum plancl_status command_fit(int argc, char **argv)
{
    struct fit_options o = {0};
    const struct option_spec spec[] = {
        {"memory", 'm', OPTION_TEXT, &o.memory, "SIZE|PART%",
         "what must be kept to: 14GiB, or 75% of the device's"},
        {"dim", 'D', OPTION_LIST, &o.dims, "NAME=SIZE",
         "bind a dimension of the model other than N"},
        {"device", 0, OPTION_TEXT, &o.device, "PROFILE|INDEX",
         "cpu, t4, generic, a profile's file, or an OpenCL device"},
        {"max-allocation", 0, OPTION_SIZE, &o.max_allocation, "SIZE",
         "no slab larger than this, such as 256MiB"},
        {"json", 0, OPTION_FLAG, &o.json, NULL, "print a JSON object"},
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
    return status;
}
