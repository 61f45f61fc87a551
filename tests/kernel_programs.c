/*
 * kernel_programs.c: each kernel of a plan is a program of its own, built once.
 *
 * A plan's program holds all its kernels, so two plans with one kernel that is
 * not in both share nothing, and building takes far longer than running a small
 * model.  A test that links this file runs many plans: calls that it stands
 * before take a source apart into its kernels, and the same kernel is the same
 * OpenCL program however many plans have it.  Programs live until the process
 * ends, in one context.
 */
/* For RTLD_NEXT.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cl.h"

/* The first and the last line of a kernel's text; see kernels/program.c. */
static const char begins[] = "#define KERNEL(name) k",
                  ends[] = "#undef KERNEL\n";

enum { BUCKETS = 4096, NAME_BYTES = 128 };

struct part {
    struct part *next;
    char *source;
    cl_program program;
};

/* What the library holds for a program. */
struct whole {
    unsigned n;
    struct part **part;
    struct part *failed; /* which did not build */
};

/* A test may keep what a library may not. */
static struct part *bucket[BUCKETS];
static cl_context shared;

/* The loader's function of this name. */
#define NEXT(name)          \
    __typeof__(name) *next; \
    *(void **)&next = dlsym(RTLD_NEXT, #name)

static void *memory(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (!p)
        abort();
    return p;
}

static uint64_t hash_of(const char *s)
{
    uint64_t h = 14695981039346656037U;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211U;
    return h ^ h >> 32;
}

/* The part with this source, which it takes over. */
static struct part *part_of(char *source)
{
    struct part **at = &bucket[hash_of(source) % BUCKETS];

    while (*at && strcmp((*at)->source, source) != 0)
        at = &(*at)->next;
    if (*at) {
        free(source);
        return *at;
    }
    *at = memory(1, sizeof **at);
    (*at)->source = source;
    return *at;
}

/* What comes before the first kernel, and a kernel as if it were the first. */
static char *part_source(const char *whole, size_t head, const char *from,
                         const char *to)
{
    const char *rest = from + sizeof begins - 1;
    char *s = memory(1, head + (size_t)(to - from) + 2);

    rest += strspn(rest, "0123456789");
    memcpy(s, whole, head);
    sprintf(s + head, "%s0%.*s", begins, (int)(to - rest), rest);
    return s;
}

static void take_apart(const char *source, struct whole *w)
{
    const char *at = strstr(source, begins);
    size_t head = at ? (size_t)(at - source) : 0;

    while (at) {
        const char *to = strstr(at, ends) + sizeof ends - 1;
        struct part **more = realloc(w->part, (w->n + 1) * sizeof(void *));

        if (!more)
            abort();
        w->part = more;
        w->part[w->n++] = part_of(part_source(source, head, at, to));
        at = strstr(to, begins);
    }
}

/* ---- calls that are answered here ---- */

cl_context clCreateContext(const cl_context_properties *properties,
                           cl_uint num_devices, const cl_device_id *devices,
                           void (*pfn_notify)(const char *, const void *,
                                              size_t, void *),
                           void *user_data, cl_int *errcode_ret)
{
    NEXT(clCreateContext);

    *errcode_ret = CL_SUCCESS;
    if (!shared)
        shared = next(properties, num_devices, devices, pfn_notify, user_data,
                      errcode_ret);
    if (shared)
        clRetainContext(shared);
    return shared;
}

cl_program clCreateProgramWithSource(cl_context context, cl_uint count,
                                     const char **strings,
                                     const size_t *lengths, cl_int *errcode_ret)
{
    struct whole *w = memory(1, sizeof *w);

    (void)context;
    (void)count;
    (void)lengths;
    take_apart(strings[0], w);
    *errcode_ret = CL_SUCCESS;
    return (cl_program)w;
}

static cl_int build(struct part *p, const cl_device_id *device,
                    const char *options)
{
    NEXT(clCreateProgramWithSource);
    int (*build_next)(cl_program, cl_uint, const cl_device_id *, const char *,
                      void *, void *);
    const char *source = p->source;
    cl_int error;

    if (p->program)
        return CL_SUCCESS;
    *(void **)&build_next = dlsym(RTLD_NEXT, "clBuildProgram");
    p->program = next(shared, 1, &source, NULL, &error);
    if (!error)
        error = build_next(p->program, 1, device, options, NULL, NULL);
    return error;
}

cl_int clBuildProgram(cl_program program, cl_uint num_devices,
                      const cl_device_id *device_list, const char *options,
                      void (*pfn_notify)(cl_program, void *), void *user_data)
{
    struct whole *w = (struct whole *)program;
    cl_int error = CL_SUCCESS;

    (void)num_devices;
    (void)pfn_notify;
    (void)user_data;
    for (unsigned i = 0; i < w->n && !error; i++) {
        error = build(w->part[i], device_list, options);
        w->failed = w->part[i];
    }
    return error;
}

cl_int clGetProgramBuildInfo(cl_program program, cl_device_id device,
                             cl_program_build_info param_name,
                             size_t param_value_size, void *param_value,
                             size_t *param_value_size_ret)
{
    NEXT(clGetProgramBuildInfo);

    return next(((struct whole *)program)->failed->program, device, param_name,
                param_value_size, param_value, param_value_size_ret);
}

cl_kernel clCreateKernel(cl_program program, const char *kernel_name,
                         cl_int *errcode_ret)
{
    NEXT(clCreateKernel);
    const struct whole *w = (const struct whole *)program;
    char *rest, name[NAME_BYTES];
    unsigned long i = strtoul(kernel_name + 1, &rest, 10);

    *errcode_ret = CL_INVALID_KERNEL_NAME;
    if (i >= w->n)
        return NULL;
    snprintf(name, sizeof name, "k0%s", rest);
    return next(w->part[i]->program, name, errcode_ret);
}

cl_int clReleaseProgram(cl_program program)
{
    struct whole *w = (struct whole *)program;

    free(w->part);
    free(w);
    return CL_SUCCESS;
}
