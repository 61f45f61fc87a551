/* run.c: opening and closing what a run needs, and evaluation. */
#include "cli/run.h"

#include <inttypes.h>

#include "cli/interrupt.h"
#include "cli/profile_report.h"
#include "runtime/base.h"

/* What the command line has wrong is found before the session takes memory and
 * builds kernels. */
static enum plancl_status open_session(struct run *r)
{
    const struct run_options *o = r->options;
    struct plancl_session_options so = {
        .device = o->device,
        .seed = (uint32_t)o->seed,
        .profile = o->profile || o->trace,
        .debug_memory = o->debug_memory,
    };
    const struct plancl_weights_options wo = {
        .allow_missing = o->allow_missing};
    enum plancl_status status;

    if (o->allow_missing && !o->weights)
        return fail(&r->cb, PLANCL_REFUSED,
                    "--allow-missing wants --weights FILE");
    if (o->seed > UINT32_MAX)
        return fail(&r->cb, PLANCL_REFUSED, "--seed is at most %" PRIu32,
                    UINT32_MAX);
    status = o->trace ? file_check(o->trace, &r->cb) : PLANCL_OK;
    if (!status)
        status = plancl_session_open(r->plan, &so, &r->cb, &r->session);
    if (!status && o->weights)
        status = plancl_weights_load_with(r->session, o->weights, &wo);
    return status;
}

/* Plan, then data, then device: the cheap refusals first. */
enum plancl_status run_open(struct run *r, const struct run_options *o,
                            const char *plan_path, unsigned sequences)
{
    const struct feed_data from = {&o->data, o->samples};
    enum plancl_status status;

    *r = (struct run){.options = o};
    report_open(&r->report, o->quiet);
    r->cb = report_callbacks(&r->report);
    interrupt_catch();
    status = plancl_plan_load(plan_path, &r->cb, &r->plan);
    if (!status)
        status = feed_open(&r->feed, r->plan, &from, sequences, &r->cb);
    if (!status)
        status = open_session(r);
    /* A compiler of kernels gives up when it sees the signal. */
    return status && interrupt_seen() ? PLANCL_CANCELLED : status;
}

enum plancl_status run_finish(struct run *r)
{
    enum plancl_status status = plancl_finish(r->session);

    report_close(&r->report);
    if (!status && r->options->profile)
        status = profile_print(r->session, &r->cb);
    if (!status && r->options->trace)
        status = plancl_trace_save(r->session, r->options->trace);
    return status;
}

void run_close(struct run *r)
{
    report_close(&r->report);
    plancl_session_close(r->session);
    feed_close(&r->feed);
    plancl_plan_free(r->plan);
}

/* In the files' order, since a mean does not depend on it and reads of
 * neighbours are faster. */
enum plancl_status run_evaluate(struct run *r, struct feed *f, uint64_t samples)
{
    const struct sample_order in_order = {0};
    enum plancl_status status = plancl_meters_clear(r->session, 0);

    for (uint64_t at = 0; !status && at < samples;) {
        uint32_t rows = feed_rows(f, samples - at);

        if (interrupt_seen())
            return PLANCL_CANCELLED;
        status = feed_write(f, r->session, SEQ_EVALUATE, &in_order, at, rows);
        if (!status)
            status = plancl_evaluate(r->session, rows);
        at += rows;
        report_progress(&r->report, "evaluate %" PRIu64 " of %" PRIu64, at,
                        samples);
    }
    return status;
}

enum plancl_status run_samples(struct run *r, uint64_t first, uint64_t *samples)
{
    *samples = r->feed.samples;
    if (first > *samples)
        return fail(&r->cb, PLANCL_REFUSED,
                    "--first=%" PRIu64 ": the data has %" PRIu64 " samples",
                    first, *samples);
    if (first)
        *samples = first;
    return PLANCL_OK;
}
