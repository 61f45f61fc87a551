/* rate_fit.h: from times of launches to what kernels take. */
#ifndef CLI_RATE_FIT_H
#define CLI_RATE_FIT_H

#include <stddef.h>

#include "kernels/kernel.h"
#include "runtime/plancl.h"

/* One launch: measured seconds, and those of its operations and of its bytes at
 * the device's speeds. */
struct sample {
    char kernel[sizeof((struct kernel_rate *)0)->kernel];
    double measured, compute, traffic;
};

struct samples {
    struct sample *v; /* freed by who holds this */
    size_t n, room;
};

enum plancl_status samples_add(struct samples *, const struct sample *,
                               const struct plancl_callbacks *);

/* A rate for each kernel in the samples that takes longer than `floor`, the
 * seconds that no launch goes below. */
void rates_fit(const struct samples *, double floor, struct device_info *);

#endif
