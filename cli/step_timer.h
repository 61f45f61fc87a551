/* step_timer.h: how long a step of a plan takes on a device, on made-up data. */
#ifndef CLI_STEP_TIMER_H
#define CLI_STEP_TIMER_H

#include <stdint.h>

#include "runtime/plancl.h"

/* One plan in a session; of several runs the least time counts, since other
 * programs only make it longer. */
struct step_timer {
    const struct plancl_callbacks *cb;
    const struct plancl_plan *plan;
    struct plancl_session *session;
    double seconds; /* of a whole step, or a prediction where nothing trains */
    uint32_t n;     /* entries, where they were measured too */
    double
        *least; /* seconds of each by the device's clock; infinite: not run */
    double *so_far;
};

/* Measuring entries takes time, so either they or the whole count.  Close it in
 * any case; the plan must outlive it. */
enum plancl_status step_timer_run(struct step_timer *,
                                  const struct plancl_plan *,
                                  const char *device, int entries,
                                  const struct plancl_callbacks *);
void step_timer_close(struct step_timer *);

#endif
