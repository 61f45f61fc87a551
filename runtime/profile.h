/*
 * profile.h: what the compiler knows of a device, as a small JSON file, so that
 * plans can be made where no OpenCL is there.
 */
#ifndef RUNTIME_PROFILE_H
#define RUNTIME_PROFILE_H

#include "kernels/kernel.h"
#include "runtime/base.h"

struct device_profile {
    char name[128];
    struct device_info info; /* what candidates may know */
    uint64_t memory;         /* bytes of the device */
    uint64_t max_allocation; /* largest slab */
    uint64_t alignment;      /* of buffers in a slab, a power of two, >= 64 */
};

/* A shipped profile ("cpu", "t4", "generic") or a JSON file's path. */
enum plancl_status profile_read(const char *name_or_path,
                                const struct plancl_callbacks *,
                                struct device_profile *);
/* Of an OpenCL device (index or part of its name; null: as sessions choose). */
enum plancl_status profile_of_device(const char *device,
                                     const struct plancl_callbacks *,
                                     struct device_profile *);
/* To a JSON file that profile_read takes. */
enum plancl_status profile_write(const struct device_profile *,
                                 const char *path,
                                 const struct plancl_callbacks *);

#endif
