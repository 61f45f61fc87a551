/*
 * kernel.h: a problem goes in, a launch comes out.  No graph here.
 *
 * A problem is plain numbers: shapes, types, constants.  A family is a table of
 * candidates that solve one kind of problem; of those that fit, the one of the
 * largest efficiency wins (see kernel_choose), and ties go to the earlier row.
 * The last row of a family fits everything.
 *
 * What a kernel is called with, in this order:
 *   for each buffer operand, inputs first, then outputs: a pointer to the slab
 *   and a 64-bit offset into it, counted in elements of the operand's type;
 *   for a workspace, where one is asked for: the same, counted in floats;
 *   the launch's scalars, 4 bytes each.
 */
#ifndef KERNELS_KERNEL_H
#define KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/dtype.h"

enum device_family { FAMILY_CPU, FAMILY_GPU };

enum { KERNEL_RATES = 96 };

/* What a kernel takes when it was measured, in place of the roofline: these
 * times its seconds of computing, and of moving bytes, at the device's
 * speeds. */
struct kernel_rate {
    char kernel[48]; /* its name in the .cl file, the launch's entry */
    double compute, traffic;
};

/* What a candidate may know of a device. */
struct device_info {
    enum device_family family;
    uint64_t max_group;      /* work-items in a group, at most */
    uint64_t local_bytes;    /* local memory of a group */
    uint64_t units;          /* that run groups at once; 0: not known */
    double flops;            /* f32 operations per second, peak */
    double bytes_per_second; /* copy bandwidth of device memory */
    double launch_seconds;   /* cost of one launch */
    /* Used in predictions, never in the choice of kernels: bits may not depend
     * on what a machine was doing while it was measured. */
    int nrate;
    struct kernel_rate rate[KERNEL_RATES];
};

/* Scalars that the host passes anew for each run of a sequence. */
enum setting {
    SETTING_LEARNING_RATE, /* f32 */
    SETTING_STEP,          /* u32: number of this update, from 1 */
    SETTING_SEED,          /* u32 */
    SETTING_ROWS,          /* u32: samples in this batch, at most its size */
    SETTING_FIRST,         /* u32: index in the effective batch of its first */
    SETTING_EFFECTIVE,     /* u32: samples in the whole effective batch */
    SETTING_KINDS
};

struct scalar {
    enum { SCALAR_U32, SCALAR_F32, SCALAR_SETTING } kind;
    union {
        uint32_t u32;
        float f32;
        enum setting setting;
    };
};

enum { LAUNCH_SCALARS = 112, LAUNCH_OPTIONS = 512 };

/* How one kernel is built and enqueued, without its buffers. */
struct launch {
    const char *source; /* a .cl file of this folder, or null with a text */
    const char *text;   /* generated source, lives as long as the problem */
    const char *entry;  /* name of the __kernel within the source */
    char options[LAUNCH_OPTIONS]; /* "NAME=VALUE NAME=VALUE": become #define */
    uint64_t global[3], local[3]; /* unused dimensions are 1 */
    struct scalar scalar[LAUNCH_SCALARS];
    int nscalar;
    uint64_t workspace; /* bytes, zero for none */
    double flop, bytes; /* work, for the prediction */
    double efficiency;  /* part of the peak that it reaches, 0 to 1 */
};

/* One way to solve a problem.  A family's table ends with a null name. */
struct kernel {
    const char *name;
    bool (*fits)(const void *problem, const struct device_info *);
    void (*launch)(const void *problem, const struct device_info *,
                   struct launch *);
};

/* Predicted seconds of a launch on a device. */
double launch_seconds(const struct launch *, const struct device_info *);

/* One candidate's launch; false where it does not fit. */
bool kernel_try(const struct kernel *, const void *problem,
                const struct device_info *, struct launch *);

/* The candidate to take, with its launch filled in. */
const struct kernel *kernel_choose(const struct kernel *family,
                                   const void *problem,
                                   const struct device_info *, struct launch *);

/* For use inside launch functions.  option: "NAME=%..." is appended. */
void launch_option(struct launch *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void launch_u32(struct launch *, uint64_t value);
void launch_i32(struct launch *, int64_t value);
/* Two scalars, the low half first. */
void launch_u64(struct launch *, uint64_t value);
void launch_f32(struct launch *, double value);
void launch_setting(struct launch *, enum setting);
/* Group of `local` items, enough groups in x for `items` in all. */
void launch_grid(struct launch *, uint64_t items, uint64_t local);
bool fits_always(const void *problem, const struct device_info *);
bool fits_cpu(const void *problem, const struct device_info *);

/* Text of a .cl file of this folder, or null.  "preamble.cl" comes first in
 * every program. */
const char *kernel_source(const char *file);

/*
 * The text of one kernel, to be put behind the preamble: `#define` lines for
 * the options, for KERNEL(name), which gives k<id>_<name>, and for
 * ENTRY_<entry>; the source; the `#undef` lines.  The kernel is then called
 * k<id>_<entry>.  The caller frees it; null when memory ran out or the source
 * does not exist.
 */
char *kernel_instance(const struct launch *, unsigned id);

#endif
