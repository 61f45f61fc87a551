/* train_log.h: one JSON object per epoch, a line each. */
#ifndef CLI_TRAIN_LOG_H
#define CLI_TRAIN_LOG_H

#include <stdio.h>

#include "cli/meters.h"
#include "runtime/plancl.h"

struct epoch_result {
    uint32_t epoch; /* from 1 */
    uint64_t updates, samples;
    double seconds, evaluate_seconds;
    struct meters training, validation;
    bool validated;
};

struct train_log {
    FILE *stream; /* null where there is no log */
    const char *path;
};

/* path null: no log, and adding to it does nothing. */
enum plancl_status train_log_open(struct train_log *, const char *path,
                                  const struct plancl_callbacks *);
enum plancl_status train_log_add(struct train_log *,
                                 const struct epoch_result *,
                                 const struct plancl_callbacks *);
void train_log_close(struct train_log *);

#endif
