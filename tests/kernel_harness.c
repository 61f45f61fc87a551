/*
 * kernel_harness.c: a device, one program, buffers between canaries.
 *
 * Canaries are bytes of 0xff around each buffer, NaN in f32: an access outside
 * shows in the result, a write outside when the bytes are compared.
 */
#include "tests/kernel_harness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/half.h"

/* Elements before and after a buffer's data; odd on purpose. */
enum { BEFORE = 5, AFTER = 19, CANARY = 0xff, TIMES = 15 };

/* Any OpenCL error ends the test at once. */
static void check(cl_int error, const char *what)
{
    if (error)
        fail_msg("%s: OpenCL error %d", what, (int)error);
}

/* The first device there is; its profile is fixed, so that the same candidates
 * are tried on every machine. */
void harness_open(struct harness *h)
{
    cl_platform_id platform;
    cl_int error;

    memset(h, 0, sizeof *h);
    if (clGetPlatformIDs(1, &platform, NULL) ||
        clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &h->device, NULL)) {
        printf("skipped: no OpenCL device\n");
        exit(77);
    }
    h->context = clCreateContext(NULL, 1, &h->device, NULL, NULL, &error);
    check(error, "clCreateContext");
    h->queue = clCreateCommandQueue(h->context, h->device, 0, &error);
    check(error, "clCreateCommandQueue");
    h->info = (struct device_info){.family = FAMILY_CPU,
                                   .max_group = 64,
                                   .local_bytes = 32768,
                                   .flops = 2e11,
                                   .bytes_per_second = 2e10,
                                   .launch_seconds = 5e-6};
}

void harness_close(struct harness *h)
{
    for (int i = 0; i < h->nkernel; i++)
        if (h->kernel[i])
            clReleaseKernel(h->kernel[i]);
    if (h->program)
        clReleaseProgram(h->program);
    clReleaseCommandQueue(h->queue);
    clReleaseContext(h->context);
    free(h->source);
}

/* False where the candidate does not fit the problem. */
bool harness_launch(const struct harness *h, const struct kernel *k,
                    const void *problem, struct launch *l)
{
    const struct kernel one[] = {*k, {0}};

    return kernel_choose(one, problem, &h->info, l) != NULL;
}

/* Instances differ by entry, options and text alone: sizes are arguments. */
static int find(const struct harness *h, const struct launch *l)
{
    for (int i = 0; i < h->nkernel; i++)
        if (strcmp(h->instance[i].entry, l->entry) == 0 &&
            strcmp(h->instance[i].options, l->options) == 0 &&
            (!l->text || strcmp(h->instance[i].text, l->text) == 0))
            return i;
    return -1;
}

static void append(struct harness *h, const char *text)
{
    size_t old = h->source ? strlen(h->source) : 0;

    h->source = realloc(h->source, old + strlen(text) + 1);
    assert_non_null(h->source);
    memcpy(h->source + old, text, strlen(text) + 1);
}

/* All problems of a test go into one program, since building is what takes
 * time. */
void harness_add(struct harness *h, const struct kernel *family,
                 const void *problem)
{
    for (const struct kernel *k = family; k->name; k++) {
        struct launch l;
        char *text;

        if (!harness_launch(h, k, problem, &l) || find(h, &l) >= 0)
            continue;
        assert_true(h->nkernel < HARNESS_KERNELS);
        text = kernel_instance(&l, (unsigned)h->nkernel);
        assert_non_null(text);
        if (!h->source)
            append(h, kernel_source("preamble.cl"));
        append(h, text);
        free(text);
        h->instance[h->nkernel++] = l;
    }
}

static void print_log(const struct harness *h)
{
    static char log[65536];

    if (!clGetProgramBuildInfo(h->program, h->device, CL_PROGRAM_BUILD_LOG,
                               sizeof log - 1, log, NULL))
        fprintf(stderr, "%s\n", log);
}

void harness_build(struct harness *h)
{
    const char *source = h->source;
    cl_int error;

    h->program = clCreateProgramWithSource(h->context, 1, &source, NULL,
                                           &error);
    check(error, "clCreateProgramWithSource");
    error = clBuildProgram(h->program, 1, &h->device, "-cl-std=CL1.2", NULL,
                           NULL);
    if (error)
        print_log(h);
    check(error, "clBuildProgram");
    for (int i = 0; i < h->nkernel; i++) {
        char name[128];

        snprintf(name, sizeof name, "k%d_%s", i, h->instance[i].entry);
        h->kernel[i] = clCreateKernel(h->program, name, &error);
        check(error, name);
    }
}

/* Values are double in tests; a buffer has them rounded to its type. */
static void encode(enum dtype t, void *to, size_t i, double v)
{
    switch (t) {
    case DT_F32:
        ((float *)to)[i] = (float)v;
        return;
    case DT_F16:
        ((uint16_t *)to)[i] = half_of(v);
        return;
    case DT_I32:
        ((int32_t *)to)[i] = (int32_t)v;
        return;
    case DT_I64:
        ((int64_t *)to)[i] = (int64_t)v;
        return;
    default:
        ((uint8_t *)to)[i] = (uint8_t)v;
    }
}

static double decode(enum dtype t, const void *from, size_t i)
{
    switch (t) {
    case DT_F32:
        return (double)((const float *)from)[i];
    case DT_F16:
        return of_half(((const uint16_t *)from)[i]);
    case DT_I32:
        return ((const int32_t *)from)[i];
    case DT_I64:
        return (double)((const int64_t *)from)[i];
    default:
        return ((const uint8_t *)from)[i];
    }
}

/* A buffer of an operand's data between canaries. */
struct placed {
    cl_mem memory;
    uint8_t *host;
    size_t bytes, before, data;
};

/* before and after: elements of canaries.  An odd number before the data makes
 * every offset odd, as in a plan. */
static struct placed place(struct harness *h, const struct operand *o,
                           size_t before, size_t after)
{
    size_t size = dtype_bytes(o->dtype);
    struct placed p = {.bytes = (before + o->elements + after) * size,
                       .before = before * size,
                       .data = o->elements * size};
    cl_int error;

    p.host = malloc(p.bytes);
    assert_non_null(p.host);
    memset(p.host, CANARY, p.bytes);
    if (!o->output)
        for (size_t i = 0; i < o->elements; i++)
            encode(o->dtype, p.host, before + i, o->value[i]);
    p.memory = clCreateBuffer(h->context,
                              CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, p.bytes,
                              p.host, &error);
    check(error, "clCreateBuffer");
    return p;
}

/* Its memory is another operand's from now on. */
static void share(struct placed *p, const struct placed *with)
{
    assert_int_equal(p->bytes, with->bytes);
    clReleaseMemObject(p->memory);
    clRetainMemObject(with->memory);
    p->memory = with->memory;
}

/* Bytes outside the data must be as they were written. */
static void take_back(struct harness *h, struct placed *p, struct operand *o)
{
    check(clEnqueueReadBuffer(h->queue, p->memory, CL_TRUE, 0, p->bytes,
                              p->host, 0, NULL, NULL),
          "clEnqueueReadBuffer");
    for (size_t i = 0; i < p->bytes; i++)
        if ((i < p->before || i >= p->before + p->data) && p->host[i] != CANARY)
            fail_msg("wrote at byte %ld of %zu", (long)(i - p->before),
                     p->data);
    for (size_t i = 0; i < o->elements; i++)
        o->value[i] = decode(o->dtype, p->host + p->before, i);
}

static void set(cl_kernel k, cl_uint *at, size_t size, const void *value)
{
    check(clSetKernelArg(k, (*at)++, size, value), "clSetKernelArg");
}

static void set_scalars(cl_kernel k, const struct launch *l, cl_uint at,
                        const uint32_t *setting)
{
    for (int i = 0; i < l->nscalar; i++) {
        const struct scalar *s = &l->scalar[i];

        if (s->kind == SCALAR_SETTING)
            set(k, &at, 4, &setting[s->setting]);
        else if (s->kind == SCALAR_F32)
            set(k, &at, 4, &s->f32);
        else
            set(k, &at, 4, &s->u32);
    }
}

/* Bind everything; the workspace, if any, is filled with NaN. */
static cl_kernel bind(struct harness *h, const struct launch *l,
                      const struct placed *p, int n, cl_mem *workspace)
{
    cl_ulong offset;
    cl_uint at = 0;
    int id = find(h, l);

    assert_true(id >= 0);
    *workspace = NULL;
    for (int i = 0; i < n; i++) {
        offset = p[i].before ? BEFORE : 0;
        set(h->kernel[id], &at, sizeof(cl_mem), &p[i].memory);
        set(h->kernel[id], &at, sizeof offset, &offset);
    }
    if (l->workspace) {
        struct operand o = OUTPUT(DT_F32, l->workspace / 4, NULL);
        struct placed w = place(h, &o, 0, 0);

        offset = 0;
        *workspace = w.memory;
        free(w.host);
        set(h->kernel[id], &at, sizeof(cl_mem), workspace);
        set(h->kernel[id], &at, sizeof offset, &offset);
    }
    return h->kernel[id];
}

static void enqueue(struct harness *h, cl_kernel k, const struct launch *l)
{
    size_t global[3], local[3];

    for (int i = 0; i < 3; i++) {
        global[i] = l->global[i];
        local[i] = l->local[i];
    }
    check(clEnqueueNDRangeKernel(h->queue, k, 3, NULL, global, local, 0, NULL,
                                 NULL),
          l->entry);
}

static cl_uint scalars_at(const struct launch *l, int n)
{
    return (cl_uint)(2 * n + (l->workspace ? 2 : 0));
}

/* over: whose memory the last operand shares, or -1 */
static void run(struct harness *h, const struct launch *l,
                struct operand *operand, int n, int over,
                const uint32_t setting[SETTING_KINDS])
{
    struct placed p[HARNESS_OPERANDS] = {{0}};
    cl_mem workspace;
    cl_kernel k;

    for (int i = 0; i < n; i++)
        p[i] = place(h, &operand[i], BEFORE, AFTER);
    if (over >= 0)
        share(&p[n - 1], &p[over]);
    k = bind(h, l, p, n, &workspace);
    set_scalars(k, l, scalars_at(l, n), setting);
    enqueue(h, k, l);
    check(clFinish(h->queue), l->entry);
    for (int i = 0; i < n; i++) {
        if (operand[i].output)
            take_back(h, &p[i], &operand[i]);
        clReleaseMemObject(p[i].memory);
        free(p[i].host);
    }
    if (workspace)
        clReleaseMemObject(workspace);
}

void harness_run(struct harness *h, const struct launch *l,
                 struct operand *operand, int n,
                 const uint32_t setting[SETTING_KINDS])
{
    run(h, l, operand, n, -1, setting);
}

void harness_run_over(struct harness *h, const struct launch *l,
                      struct operand *operand, int n, int over,
                      const uint32_t setting[SETTING_KINDS])
{
    run(h, l, operand, n, over, setting);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The median of TIMES runs, after one that is not counted; for benchmarks,
 * never asserted. */
double harness_time(struct harness *h, const struct launch *l,
                    const struct operand *operand, int n,
                    const uint32_t setting[SETTING_KINDS])
{
    struct placed p[HARNESS_OPERANDS] = {{0}};
    double seconds[TIMES];
    cl_mem workspace;
    cl_kernel k;

    for (int i = 0; i < n; i++)
        p[i] = place(h, &operand[i], 0, 0);
    k = bind(h, l, p, n, &workspace);
    set_scalars(k, l, scalars_at(l, n), setting);
    enqueue(h, k, l);
    clFinish(h->queue);
    for (int i = 0; i < TIMES; i++) {
        seconds[i] = now();
        enqueue(h, k, l);
        clFinish(h->queue);
        seconds[i] = now() - seconds[i];
    }
    for (int i = 0; i < n; i++) {
        clReleaseMemObject(p[i].memory);
        free(p[i].host);
    }
    if (workspace)
        clReleaseMemObject(workspace);
    qsort(seconds, TIMES, sizeof *seconds, compare);
    return seconds[TIMES / 2];
}

/* Through the type's own encoding. */
double round_to(enum dtype t, double v)
{
    uint64_t place;

    encode(t, &place, 0, v);
    return decode(t, &place, 0);
}

/* In [-1, 1), rounded to the type; a linear congruence, so that a failure can
 * be repeated. */
void fill(double *value, size_t n, enum dtype t, unsigned seed)
{
    uint32_t state = seed * 2654435761u + 1;

    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        value[i] = round_to(t, (double)(state >> 8) / (1 << 23) - 1);
    }
}

/*
 * f32: each of the sum's roundings is at most 2^-24 of what it had reached,
 * which for numbers below 1 is less than the terms.  f16: one rounding, 2^-11,
 * of the result.
 */
void assert_close(const char *what, const double *got, const double *want,
                  size_t n, enum dtype t, double terms)
{
    double f32 = 0x1p-23 * (terms + 8);

    for (size_t i = 0; i < n; i++) {
        double f16 = t == DT_F16 ? 0x1p-11 * (fabs(want[i]) + 0.1) : 0;

        if (got[i] == want[i] || (isnan(got[i]) && isnan(want[i])))
            continue;
        if (!(fabs(got[i] - want[i]) <= f32 + f16))
            fail_msg("%s: element %zu of %zu is %.9g, not %.9g", what, i, n,
                     got[i], want[i]);
    }
}
