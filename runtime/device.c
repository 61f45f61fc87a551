/*
 * device.c: the OpenCL devices of this machine, and the one that was asked for.
 *
 * Devices are numbered through all platforms in the loader's order.  A visitor
 * that finds what it looks for ends the walk.
 *
 * Queries allocate nothing and keep no handles: devices of a platform live as
 * long as the process.
 */
#include "runtime/device.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/host_memory.h"

enum { MAX_PLATFORMS = 32, MAX_DEVICES = 64 };

struct walk {
    const struct plancl_callbacks *cb;
    /* Returns true to end the walk. */
    bool (*visit)(void *context, unsigned index, const struct device *);
    void *context;
    unsigned index; /* of the next device */
    bool done;
};

static enum plancl_status no_platform(const struct plancl_callbacks *cb)
{
    return fail(cb, PLANCL_DEVICE,
                "no OpenCL platform is installed: install pocl-opencl-icd "
                "(runs on the CPU) or your GPU's OpenCL driver");
}

/* Queries of one device; the first error is kept. */
struct query {
    cl_device_id id;
    cl_int error;
};

static void get(struct query *q, cl_device_info what, size_t size, void *value)
{
    cl_int error = clGetDeviceInfo(q->id, what, size, value, NULL);

    if (error && !q->error)
        q->error = error;
}

static uint64_t get_u64(struct query *q, cl_device_info what)
{
    cl_ulong value = 0;

    get(q, what, sizeof value, &value);
    return value;
}

static uint64_t get_size(struct query *q, cl_device_info what)
{
    size_t value = 0;

    get(q, what, sizeof value, &value);
    return value;
}

static unsigned get_u32(struct query *q, cl_device_info what)
{
    cl_uint value = 0;

    get(q, what, sizeof value, &value);
    return value;
}

/* On a CPU the memory is what the process can still get, not what the driver
 * reports; the largest allocation is binding as reported. */
static cl_int device_query(cl_platform_id platform, cl_device_id id,
                           struct device *d)
{
    struct query q = {.id = id};
    cl_int error;

    memset(d, 0, sizeof *d);
    d->platform = platform;
    d->id = id;
    get(&q, CL_DEVICE_NAME, sizeof d->name - 1, d->name);
    get(&q, CL_DRIVER_VERSION, sizeof d->driver - 1, d->driver);
    d->is_cpu = get_u64(&q, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_CPU;
    d->max_allocation = get_u64(&q, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    d->local_bytes = get_u64(&q, CL_DEVICE_LOCAL_MEM_SIZE);
    d->max_group = get_size(&q, CL_DEVICE_MAX_WORK_GROUP_SIZE);
    d->units = get_u32(&q, CL_DEVICE_MAX_COMPUTE_UNITS);
    d->memory = get_u64(&q, CL_DEVICE_GLOBAL_MEM_SIZE);
    if (d->is_cpu && host_memory_available() != UINT64_MAX)
        d->memory = host_memory_available();
    error = clGetPlatformInfo(platform, CL_PLATFORM_NAME,
                              sizeof d->platform_name - 1, d->platform_name,
                              NULL);
    return q.error ? q.error : error;
}

/* One platform that is broken does not hide the others. */
static cl_uint platform_devices(const struct walk *w, cl_platform_id platform,
                                cl_device_id id[MAX_DEVICES])
{
    cl_uint n = 0;
    cl_int error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, MAX_DEVICES, id,
                                  &n);

    if (error && error != CL_DEVICE_NOT_FOUND)
        note(w->cb, PLANCL_WARNING,
             "an OpenCL platform is left out: clGetDeviceIDs failed: %s (%d)",
             cl_error_name(error), (int)error);
    if (error)
        return 0;
    return n > MAX_DEVICES ? MAX_DEVICES : n;
}

static enum plancl_status walk_platform(struct walk *w, cl_platform_id platform)
{
    cl_device_id id[MAX_DEVICES];
    cl_uint n = platform_devices(w, platform, id);
    struct device d;

    for (cl_uint i = 0; i < n && !w->done; i++) {
        cl_int error = device_query(platform, id[i], &d);

        if (error)
            return cl_check(w->cb, error, "clGetDeviceInfo", d.name);
        w->done = w->visit(w->context, w->index++, &d);
    }
    return PLANCL_OK;
}

static enum plancl_status walk_devices(struct walk *w)
{
    cl_platform_id platform[MAX_PLATFORMS];
    cl_uint n = 0;
    cl_int error = clGetPlatformIDs(MAX_PLATFORMS, platform, &n);
    enum plancl_status status = PLANCL_OK;

    if (error == -1001 || (!error && !n)) /* CL_PLATFORM_NOT_FOUND_KHR */
        return no_platform(w->cb);
    if (error)
        return cl_check(w->cb, error, "clGetPlatformIDs", NULL);
    if (n > MAX_PLATFORMS)
        n = MAX_PLATFORMS;
    for (cl_uint i = 0; i < n && !w->done && !status; i++)
        status = walk_platform(w, platform[i]);
    if (!w->index && !status)
        return fail(w->cb, PLANCL_DEVICE,
                    "OpenCL is installed (%u platforms), but none has a "
                    "device: is the GPU's driver loaded, are you allowed to "
                    "use it, and can pocl write its cache (in HOME, or where "
                    "POCL_CACHE_DIR says)?",
                    (unsigned)n);
    return status;
}

/* index is used where the text is a number, the name where it is not. */
struct search {
    const char *wanted; /* null: the first */
    long index;         /* or -1 */
    bool found;
    struct device *device;
    char seen[512]; /* what there was, for the message */
};

/* Blind to case, for ASCII. */
static bool contains(const char *name, const char *part)
{
    size_t n = strlen(part), i;

    for (; *name; name++) {
        for (i = 0; i < n; i++)
            if (tolower((unsigned char)name[i]) !=
                tolower((unsigned char)part[i]))
                break;
        if (i == n)
            return true;
    }
    return false;
}

static bool search_visit(void *context, unsigned index, const struct device *d)
{
    struct search *s = context;
    size_t len = strlen(s->seen);

    s->found = !s->wanted || (s->index >= 0 ? index == (unsigned long)s->index
                                            : contains(d->name, s->wanted));
    if (s->found)
        *s->device = *d;
    else
        snprintf(s->seen + len, sizeof s->seen - len, "%s%u: %s",
                 len ? ", " : "", index, d->name);
    return s->found;
}

/* -1 for a name. */
static long index_of(const char *wanted)
{
    if (!wanted || strlen(wanted) > 6 ||
        strspn(wanted, "0123456789") != strlen(wanted))
        return -1;
    return strtol(wanted, NULL, 10);
}

/* Without a word the environment chooses, and without that the loader's first
 * device; a word that matches nothing is an error and never another device. */
enum plancl_status device_choose(const char *wanted,
                                 const struct plancl_callbacks *cb,
                                 struct device *d)
{
    const char *from = "";
    struct search s = {.device = d};
    struct walk w = {.cb = cb, .visit = search_visit, .context = &s};
    enum plancl_status status;

    if (!wanted || !*wanted) {
        wanted = getenv("PLANCL_DEVICE");
        from = "$PLANCL_DEVICE: ";
    }
    s.wanted = wanted && *wanted ? wanted : NULL;
    s.index = index_of(s.wanted);
    status = walk_devices(&w);
    if (status || s.found)
        return status;
    return fail(cb, PLANCL_DEVICE,
                "%sno OpenCL device is called or numbered \"%s\"; there is %s",
                from, wanted, s.seen);
}

struct listing {
    void (*visit)(void *context, unsigned index, const struct plancl_device *);
    void *context;
};

static bool list_visit(void *context, unsigned index, const struct device *d)
{
    const struct listing *l = context;
    struct plancl_device shown = {.name = d->name,
                                  .platform = d->platform_name,
                                  .driver = d->driver,
                                  .memory = d->memory,
                                  .max_allocation = d->max_allocation,
                                  .local_bytes = d->local_bytes,
                                  .max_group = d->max_group,
                                  .units = d->units,
                                  .is_cpu = d->is_cpu};

    l->visit(l->context, index, &shown);
    return false;
}

enum plancl_status plancl_devices(const struct plancl_callbacks *cb,
                                  void (*visit)(void *context, unsigned index,
                                                const struct plancl_device *),
                                  void *context)
{
    struct listing l = {visit, context};
    struct walk w = {.cb = cb, .visit = list_visit, .context = &l};

    return walk_devices(&w);
}
