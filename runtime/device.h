/*
 * device.h: the OpenCL devices of this machine, and the one that was asked for.
 */
#ifndef RUNTIME_DEVICE_H
#define RUNTIME_DEVICE_H

#include "runtime/cl.h"

/* Bytes, but for max_group (work-items) and units (compute units). */
struct device {
    cl_platform_id platform;
    cl_device_id id;
    char name[256], platform_name[256], driver[256];
    uint64_t memory; /* that a session may take; on a CPU: of the host */
    uint64_t max_allocation, local_bytes, max_group;
    unsigned units;
    bool is_cpu;
};

/* By index or case-insensitive part of its name; null or empty:
 * $PLANCL_DEVICE, else the first. */
enum plancl_status device_choose(const char *wanted,
                                 const struct plancl_callbacks *,
                                 struct device *);

#endif
