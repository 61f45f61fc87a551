/*
 * evaluate.c: losses and metrics of a plan on data.
 *
 * Means are over all that counts, not over batches: the last batch may be short
 * and weighs as much as its rows.
 */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/meters.h"
#include "cli/run.h"
#include "runtime/base.h"

struct evaluate_options {
    struct run_options run;
    uint64_t first;
    bool json;
};

static const struct usage usage = {
    .command = "evaluate",
    .operands = "PLAN",
    .summary = "Print the means of losses and metrics over all samples.",
    .example =
        "  plancl evaluate fashion.plan --weights fashion.safetensors \\\n"
        "      --data image=t10k-images-idx3-ubyte.gz:scale=1/255 \\\n"
        "      --data label=t10k-labels-idx1-ubyte.gz\n",
    .operands_wanted = 1,
};

/* Ten digits are one more than tell any two floats apart. */
static void print_text(const struct meters *m, uint64_t samples)
{
    if (meters_total_is_extra(m))
        printf("loss %.10g\n", m->loss);
    for (unsigned i = 0; i < m->n; i++)
        printf("%s %.10g\n", m->v[i].name, m->v[i].mean);
    printf("samples %" PRIu64 "\n", samples);
}

/* Members are the meters' names, and "samples"; what is not finite is null. */
static enum plancl_status print_json(const struct run *r,
                                     const struct meters *m, uint64_t samples)
{
    cJSON *top = cJSON_CreateObject();
    char *text;

    if (meters_total_is_extra(m))
        cJSON_AddNumberToObject(top, "loss", m->loss);
    for (unsigned i = 0; i < m->n; i++)
        cJSON_AddNumberToObject(top, m->v[i].name, m->v[i].mean);
    cJSON_AddNumberToObject(top, "samples", (double)samples);
    text = cJSON_PrintUnformatted(top);
    cJSON_Delete(top);
    if (!text)
        return fail(&r->cb, PLANCL_MEMORY, "out of memory for the result");
    puts(text);
    cJSON_free(text);
    return PLANCL_OK;
}

/* The result comes behind a profile's table, so that it is the last thing
 * printed. */
static enum plancl_status run(struct run *r, const struct evaluate_options *o)
{
    struct meters m;
    uint64_t samples;
    enum plancl_status status = run_samples(r, o->first, &samples);

    if (!status)
        status = run_evaluate(r, &r->feed, samples);
    if (!status)
        status = meters_read(r->session, r->plan, METERS_EVALUATION, &m);
    if (!status)
        status = run_finish(r);
    if (status)
        return status;
    if (o->json)
        return print_json(r, &m, samples);
    print_text(&m, samples);
    return PLANCL_OK;
}

enum plancl_status command_evaluate(int argc, char **argv)
{
    struct evaluate_options o = {0};
    const struct option_spec spec[] = {
        RUN_OPTION_DATA(&o.run),
        RUN_OPTION_SAMPLES(&o.run),
        {"weights", 'w', OPTION_TEXT, &o.run.weights, "FILE",
         "safetensors file; without it, the first weights"},
        RUN_OPTION_ALLOW_MISSING(&o.run),
        {"first", 0, OPTION_COUNT, &o.first, "N", "only the first N samples"},
        {"seed", 0, OPTION_NUMBER, &o.run.seed, "N", "of the first weights; 0"},
        {"json", 0, OPTION_FLAG, &o.json, NULL, "print a JSON object"},
        RUN_OPTION_DEVICE(&o.run),
        RUN_OPTION_PROFILE(&o.run),
        RUN_OPTION_TRACE(&o.run),
        RUN_OPTION_DEBUG_MEMORY(&o.run),
        RUN_OPTION_QUIET(&o.run),
        {0},
    };
    const char *plan;
    struct run r;
    enum options_result parsed = options_parse(&usage, spec, argc, argv, &plan);
    enum plancl_status status = options_status(parsed);

    if (parsed == OPTIONS_GO_ON) {
        status = run_open(&r, &o.run, plan, 1u << SEQ_EVALUATE);
        if (!status)
            status = run(&r, &o);
        run_close(&r);
    }
    texts_free(&o.run.data);
    return status;
}
