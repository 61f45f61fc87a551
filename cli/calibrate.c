/*
 * calibrate.c: a device is measured, and becomes a profile.
 *
 * The compiler predicts a launch from its fixed cost, its operations and its bytes.
 * Measured are
 * - the bandwidth, with one kernel that only moves bytes;
 * - the cost of a launch, with a network of small kernels: the time of the quickest
 *   and what a step takes beyond the sum of all;
 * - by kernel, what its operations and its bytes cost beside what the device's
 *   speeds would have them cost: least squares over all its launches in a step of
 *   some networks.  Kernels that are measured one by one do not add up to their
 *   step; times are scaled so that they do.
 * Of several runs the least time counts: other programs only make it longer.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/calibrate_probe.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/rate_fit.h"
#include "cli/report.h"
#include "cli/step_timer.h"
#include "cli/target.h"
#include "runtime/base.h"
#include "runtime/plan_io.h"
#include "runtime/profile.h"

/* A speed beside which all times vanish. */
static const double ENDLESS = 1e30;

struct calibrate_options {
    const char *out, *device;
    struct texts models, dims;
    bool quiet;
};

struct calibration {
    const struct calibrate_options *options;
    struct report report;
    struct plancl_callbacks cb;
    struct plancl_dim *dim; /* for models that were named */
    char *part;             /* the profile on its way, beside the file */
    struct device_profile profile;
    struct samples samples;
    double floor;   /* seconds of the quickest kernel */
    double between; /* seconds of a step, by launch, that no kernel took */
};

static const struct usage usage = {
    .command = "calibrate",
    .operands = "",
    .summary =
        "Measure an OpenCL device and write a profile of it, by which "
        "compile and fit\npredict seconds.  Predictions weigh one way to save "
        "memory against another;\nthey change no kernel and no result.",
    .example = "  plancl calibrate -o this.json\n"
               "  plancl compile models/unet.json -o unet.plan --device "
               "this.json\n",
};

/* ---- probes ---- */

/* By the profile as it stands. */
static enum plancl_status compile_by(struct calibration *c,
                                     const struct device_profile *by,
                                     const struct probe *p,
                                     struct plancl_plan **plan)
{
    struct plancl_compile_options options = {.profile = c->part,
                                             .skip = PLANCL_SKIP_RECOMPUTE};
    enum plancl_status status = profile_write(by, c->part, &c->cb);

    if (status)
        return status;
    if (!p->text) {
        options.dim = c->dim;
        options.ndim = c->options->dims.n;
    }
    return plancl_compile(p->name, p->text, &options, &c->cb, plan);
}

/* A probe's plan by two profiles, one that only computes and one that only moves
 * bytes: the entries are the same, since speeds choose no kernels. */
struct parts {
    struct plancl_plan *compute, *traffic;
};

static enum plancl_status
compile_parts(struct calibration *c, const struct probe *p, struct parts *parts)
{
    struct device_profile by = c->profile;
    enum plancl_status status;

    by.info.launch_seconds = 1 / ENDLESS;
    by.info.bytes_per_second = ENDLESS;
    status = compile_by(c, &by, p, &parts->compute);
    by.info.bytes_per_second = c->profile.info.bytes_per_second;
    by.info.flops = ENDLESS;
    return status ? status : compile_by(c, &by, p, &parts->traffic);
}

/* 0 where only an endless speed had anything to do. */
static double part_seconds(const struct plancl_plan *part, uint32_t i)
{
    double seconds = part->plan.entry[i].seconds;

    return seconds > 1e-15 ? seconds : 0;
}

/* "k12_matmul_tile" is the plan's name of matmul_tile. */
static const char *name_in_source(const char *kernel)
{
    const char *behind = strchr(kernel, '_');

    return behind ? behind + 1 : kernel;
}

/* The samples from `first` on are of one step, which took so many seconds. */
static void add_up(struct calibration *c, size_t first, double step)
{
    double sum = 0, scale;

    for (size_t i = first; i < c->samples.n; i++)
        sum += c->samples.v[i].measured;
    scale = (step - c->between * (double)(c->samples.n - first)) / sum;
    for (size_t i = first; scale > 0 && i < c->samples.n; i++)
        c->samples.v[i].measured *= scale;
}

/* Adds what the entries took. */
static enum plancl_status add_entries(struct calibration *c,
                                      const struct step_timer *t,
                                      const struct parts *parts)
{
    enum plancl_status status = PLANCL_OK;

    for (uint32_t i = 0; !status && i < t->n; i++) {
        struct sample x = {.measured = t->least[i]};
        struct plancl_profile_entry e;

        status = plancl_profile_entry(t->session, i, &e);
        if (status)
            return status;
        if (!isfinite(x.measured))
            continue; /* of another sequence, or too quick for the clock */
        snprintf(x.kernel, sizeof x.kernel, "%s", name_in_source(e.kernel));
        x.compute = part_seconds(parts->compute, i);
        x.traffic = part_seconds(parts->traffic, i);
        status = samples_add(&c->samples, &x, &c->cb);
    }
    return status;
}

static enum plancl_status measure_plan(struct calibration *c, struct probe *p,
                                       const struct plancl_plan *plan,
                                       const struct parts *parts)
{
    const char *device = c->options->device;
    struct step_timer t;
    enum plancl_status status = step_timer_run(&t, plan, device, 0, &c->cb);

    p->measured = t.seconds;
    step_timer_close(&t);
    if (status)
        return status;
    status = step_timer_run(&t, plan, device, 1, &c->cb);
    if (!status)
        status = add_entries(c, &t, parts);
    step_timer_close(&t);
    return status;
}

static enum plancl_status measure(struct calibration *c, struct probe *p)
{
    struct parts parts = {NULL, NULL};
    struct plancl_plan *plan = NULL;
    enum plancl_status status;

    report_progress(&c->report, "measuring %s", p->name);
    status = compile_by(c, &c->profile, p, &plan);
    if (!status)
        status = compile_parts(c, p, &parts);
    if (!status)
        status = measure_plan(c, p, plan, &parts);
    plancl_plan_free(parts.compute);
    plancl_plan_free(parts.traffic);
    plancl_plan_free(plan);
    return status;
}

static enum plancl_status predict(struct calibration *c, struct probe *p)
{
    struct plancl_plan *plan = NULL;
    enum plancl_status status = compile_by(c, &c->profile, p, &plan);

    if (!status)
        p->predicted = plan_batch_seconds(&plan->plan);
    plancl_plan_free(plan);
    return status;
}

/* ---- the profile ---- */

/* The one pointwise kernel of this probe says how fast bytes move. */
static enum plancl_status measure_memory(struct calibration *c)
{
    struct probe memory = probe_memory;
    enum plancl_status status = measure(c, &memory);

    if (!status && c->samples.n && c->samples.v->measured > 0)
        c->profile.info.bytes_per_second *= c->samples.v->traffic /
                                            c->samples.v->measured;
    c->samples.n = 0;
    return status;
}

static enum plancl_status measure_launches(struct calibration *c)
{
    struct probe launches = probe_launches;
    double kernels = 0;
    enum plancl_status status = measure(c, &launches);

    c->floor = c->samples.n ? INFINITY : 0;
    for (size_t i = 0; i < c->samples.n; i++) {
        c->floor = fmin(c->floor, c->samples.v[i].measured);
        kernels += c->samples.v[i].measured;
    }
    if (!status && c->samples.n) {
        c->between = fmax(launches.measured - kernels, 0) /
                     (double)c->samples.n;
        c->profile.info.launch_seconds = c->floor + c->between;
    }
    c->samples.n = 0;
    return status;
}

static enum plancl_status measure_network(struct calibration *c,
                                          struct probe *p)
{
    size_t first = c->samples.n;
    enum plancl_status status = measure(c, p);

    if (!status)
        add_up(c, first, p->measured);
    return status;
}

static void print_result(const struct calibration *c, const struct probe *p,
                         int n)
{
    const struct device_info *info = &c->profile.info;

    printf("%s: %.1f GB/s, %.1f us a launch, %d kernels\n", c->profile.name,
           info->bytes_per_second / 1e9, info->launch_seconds * 1e6,
           info->nrate);
    printf("%12s %12s %8s  %s\n", "measured ms", "predicted ms", "ratio",
           "a step of");
    for (int i = 0; i < n; i++)
        printf("%12.3f %12.3f %8.2f  %s\n", 1e3 * p[i].measured,
               1e3 * p[i].predicted, p[i].predicted / p[i].measured, p[i].name);
}

/* Bandwidth, launches, then kernels, then what the profile says of the same networks. */
static enum plancl_status run_probes(struct calibration *c, struct probe *p,
                                     int n)
{
    enum plancl_status status = measure_memory(c);

    if (!status)
        status = measure_launches(c);
    for (int i = 0; !status && i < n; i++)
        status = measure_network(c, &p[i]);
    if (status)
        return status;
    rates_fit(&c->samples, c->floor, &c->profile.info);
    for (int i = 0; !status && i < n; i++)
        status = predict(c, &p[i]);
    if (!status)
        status = profile_write(&c->profile, c->options->out, &c->cb);
    if (!status)
        print_result(c, p, n);
    return status;
}

static enum plancl_status calibrate(struct calibration *c)
{
    const struct texts *models = &c->options->models;
    struct probe *p = calloc(models->n + 2, sizeof *p);
    int n = 0;
    enum plancl_status status;

    if (!p)
        return fail(&c->cb, PLANCL_MEMORY, "out of memory");
    for (unsigned i = 0; i < models->n; i++)
        p[n++].name = models->v[i];
    for (const struct probe *q = probe_networks; !models->n && q->name; q++)
        p[n++] = *q;
    status = profile_of_device(c->options->device, &c->cb, &c->profile);
    if (!status)
        status = run_probes(c, p, n);
    free(p);
    return status;
}

/* ---- the command ---- */

/* The compiler reads profiles from files; the one that is asked for is written
 * when it is whole. */
static enum plancl_status name_part(struct calibration *c)
{
    size_t size = strlen(c->options->out) + sizeof ".part";

    c->part = malloc(size);
    if (!c->part)
        return fail(&c->cb, PLANCL_MEMORY, "out of memory");
    snprintf(c->part, size, "%s.part", c->options->out);
    return PLANCL_OK;
}

static enum plancl_status run(struct calibration *c)
{
    enum plancl_status status;

    report_open(&c->report, c->options->quiet);
    c->cb = report_callbacks(&c->report);
    if (!c->options->out)
        return fail(&c->cb, PLANCL_REFUSED,
                    "calibrate: where to? Say --out=FILE");
    status = target_dims(&c->options->dims, &c->cb, &c->dim);
    if (!status)
        status = file_check(c->options->out, &c->cb);
    if (!status)
        status = name_part(c);
    if (!status)
        status = calibrate(c);
    if (c->part)
        remove(c->part);
    report_close(&c->report);
    free(c->dim);
    free(c->samples.v);
    free(c->part);
    return status;
}

enum plancl_status command_calibrate(int argc, char **argv)
{
    struct calibrate_options o = {0};
    const struct option_spec spec[] = {
        {"out", 'o', OPTION_TEXT, &o.out, "FILE", "where the profile goes"},
        {"device", 0, OPTION_TEXT, &o.device, "INDEX|NAME",
         "the OpenCL device to measure"},
        {"model", 0, OPTION_LIST, &o.models, "FILE",
         "measure with this model, not with ours; may come again"},
        {"dim", 'D', OPTION_LIST, &o.dims, "NAME=SIZE",
         "bind a dimension of the models that are named"},
        {"quiet", 'q', OPTION_FLAG, &o.quiet, NULL, "no progress, no notes"},
        {0}};
    struct calibration c = {.options = &o};
    enum options_result parsed = options_parse(&usage, spec, argc, argv, NULL);
    enum plancl_status status = options_status(parsed);

    if (parsed == OPTIONS_GO_ON)
        status = run(&c);
    texts_free(&o.models);
    texts_free(&o.dims);
    return status;
}
