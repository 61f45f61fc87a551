/*
 * run.h: what train, evaluate and predict have in common: a plan in a session,
 * with weights and data.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/feed.h"
#include "cli/options.h"
#include "cli/report.h"
#include "runtime/plancl.h"

struct run_options {
    struct texts data;
    const char *samples; /* of the data; null: all */
    const char *weights, *device, *trace;
    uint64_t seed;
    bool allow_missing, profile, debug_memory, quiet;
};

struct run {
    const struct run_options *options;
    struct report report;
    struct plancl_callbacks cb;
    struct plancl_plan *plan;
    struct plancl_session *session;
    struct feed feed;
};

/* Rows of an option table that several commands have. */
#define RUN_OPTION_DATA(o)                                             \
    {                                                                  \
        "data", 'd', OPTION_LIST, &(o)->data, "NAME=FILE[:scale=A/B]", \
            "samples for an input; once for each input"                \
    }
#define RUN_OPTION_SAMPLES(o)                             \
    {                                                     \
        "samples", 0, OPTION_TEXT, &(o)->samples, "LIST", \
            "only 0-99,200 or FILE=VALUES; from 0"        \
    }
#define RUN_OPTION_ALLOW_MISSING(o)                                 \
    {                                                               \
        "allow-missing", 0, OPTION_FLAG, &(o)->allow_missing, NULL, \
            "first values for what --weights lacks"                 \
    }
#define RUN_OPTION_DEVICE(o)                                  \
    {                                                         \
        "device", 0, OPTION_TEXT, &(o)->device, "INDEX|NAME", \
            "OpenCL device; see plancl devices"               \
    }
#define RUN_OPTION_PROFILE(o)                               \
    {                                                       \
        "profile", 0, OPTION_FLAG, &(o)->profile, NULL,     \
            "measure each launch and print where time went" \
    }
#define RUN_OPTION_TRACE(o)                             \
    {                                                   \
        "trace", 0, OPTION_TEXT, &(o)->trace, "FILE",   \
            "write a Chrome trace of the last launches" \
    }
#define RUN_OPTION_DEBUG_MEMORY(o)                                 \
    {                                                              \
        "debug-memory", 0, OPTION_FLAG, &(o)->debug_memory, NULL,  \
            "each buffer apart, NaN while dead: finds wrong plans" \
    }
#define RUN_OPTION_QUIET(o)                                                   \
    {                                                                         \
        "quiet", 'q', OPTION_FLAG, &(o)->quiet, NULL, "no notes, no progress" \
    }

/* Opens plan, data and session; sequences: bits of those that will run.  After
 * a failure run_close is still due. */
enum plancl_status run_open(struct run *, const struct run_options *,
                            const char *plan_path, unsigned sequences);
/* Profile and trace, where they were asked for. */
enum plancl_status run_finish(struct run *);
void run_close(struct run *);

/* Loss and metrics of the feed's first `samples`, into the meters. */
enum plancl_status run_evaluate(struct run *, struct feed *, uint64_t samples);

/* `first` where it was given (not 0) and is at most what there is. */
enum plancl_status run_samples(struct run *, uint64_t first, uint64_t *samples);

#endif
