/* program.h: OpenCL source to a built program, by way of a cache on disk. */
#ifndef RUNTIME_PROGRAM_H
#define RUNTIME_PROGRAM_H

#include "runtime/device.h"

struct program_request {
    const struct device *device;
    cl_context context;
    const char *source, *options;
    const char *cache; /* folder; null: the user's */
};

enum plancl_status program_build(const struct program_request *,
                                 const struct plancl_callbacks *, cl_program *);

#endif
