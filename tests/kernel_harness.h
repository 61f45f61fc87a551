/*
 * kernel_harness.h: run candidates of kernels/ directly with OpenCL.
 *
 * First every problem is added, then one program with all kernels is built,
 * then the problems run: pocl takes its time per program, not per case.
 */
#ifndef TESTS_KERNEL_HARNESS_H
#define TESTS_KERNEL_HARNESS_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "kernels/kernel.h"

enum { HARNESS_KERNELS = 512, HARNESS_CANDIDATES = 8, HARNESS_OPERANDS = 12 };

struct harness {
    struct device_info info;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    char *source;
    struct launch instance[HARNESS_KERNELS];
    cl_kernel kernel[HARNESS_KERNELS];
    int nkernel;
};

/* An operand: values in double, and whether the kernel writes it. */
struct operand {
    enum dtype dtype;
    size_t elements;
    double *value;
    bool output;
};

/* Initializers: what a kernel reads, and what it writes. */
#define INPUT(t, n, v)                        \
    {                                         \
        .dtype = t, .elements = n, .value = v \
    }
#define OUTPUT(t, n, v)                                       \
    {                                                         \
        .dtype = t, .elements = n, .value = v, .output = true \
    }

/* Exits with 77 where there is no device. */
void harness_open(struct harness *);
void harness_close(struct harness *);

/* A launch of the problem by a candidate; false where it does not fit. */
bool harness_launch(const struct harness *, const struct kernel *,
                    const void *problem, struct launch *);
/* Every candidate of the family that fits. */
void harness_add(struct harness *, const struct kernel *family,
                 const void *problem);
void harness_build(struct harness *);

/* Run with buffers at odd offsets between canaries; outputs start as NaN.
 * Aborts the test where a canary died. */
void harness_run(struct harness *, const struct launch *,
                 struct operand *operand, int noperand,
                 const uint32_t setting[SETTING_KINDS]);

/* The same with the last operand in the memory of an earlier one. */
void harness_run_over(struct harness *, const struct launch *,
                      struct operand *operand, int noperand, int over,
                      const uint32_t setting[SETTING_KINDS]);

/* Seconds of one launch, the median of several, with dense buffers. */
double harness_time(struct harness *, const struct launch *,
                    const struct operand *operand, int noperand,
                    const uint32_t setting[SETTING_KINDS]);

/* Small numbers, the same for the same seed, rounded to the type. */
void fill(double *value, size_t n, enum dtype, unsigned seed);
double round_to(enum dtype, double);
/* Largest relative difference that a sum of `terms` may show. */
void assert_close(const char *what, const double *got, const double *want,
                  size_t n, enum dtype, double terms);

#endif
