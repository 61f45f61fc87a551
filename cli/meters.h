/*
 * meters.h: losses and metrics, read together.
 *
 * Reading waits for the device, so callers read seldom: about twice a second in
 * training, once for an evaluation.
 */
#ifndef CLI_METERS_H
#define CLI_METERS_H

#include <stdbool.h>

#include "runtime/plancl.h"

enum { METERS_MAX = 64 };
enum meters_side { METERS_EVALUATION, METERS_TRAINING };

struct meters {
    struct plancl_meter v[METERS_MAX];
    unsigned n, losses;
    double loss; /* sum of weight * mean over the losses that counted */
    bool finite; /* of every mean that counted something */
};

/* Waits for the runs before. */
enum plancl_status meters_read(struct plancl_session *,
                               const struct plancl_plan *, enum meters_side,
                               struct meters *);
/* "loss 0.41, accuracy 0.85" */
void meters_text(const struct meters *, char *text, size_t size);
/* True where the total says something that no meter does. */
bool meters_total_is_extra(const struct meters *);

#endif
