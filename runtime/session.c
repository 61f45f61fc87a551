/*
 * session.c: a plan gets a device, all its memory and all its programs.
 *
 * Everything that can fail for want of memory fails here: slabs are touched as
 * soon as they are there, because drivers hand out memory lazily.  What is left
 * for later is to enqueue.
 *
 * The order of opening: what can be refused without the device, queue, slabs,
 * constants, program, arguments, first weights.  After a failure at any of
 * these plancl_session_close() gives back what was there, each handle being
 * null until it is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/plan_io.h"
#include "runtime/program.h"
#include "runtime/session_state.h"

/* Steps of opening for the progress callback, beside the memory. */
enum { STEPS_BUILD = 1, STEPS_BIND = 1 };

/* ---- does the plan fit the device ---- */

/* Asked before anything is taken, so that the message can name both numbers. */
static enum plancl_status check_memory(const struct plan *p,
                                       const struct device *d,
                                       const struct plancl_callbacks *cb)
{
    for (uint32_t i = 0; i < p->nslab; i++)
        if (p->slab_bytes[i] > d->max_allocation)
            return fail(cb, PLANCL_MEMORY,
                        "%s allocates at most %" PRIu64 " bytes at once, the "
                        "plan has a slab of %" PRIu64 ": compile it for this "
                        "device",
                        d->name, d->max_allocation, p->slab_bytes[i]);
    if (p->device_bytes > d->memory)
        return fail(cb, PLANCL_MEMORY,
                    "the plan takes %" PRIu64 " bytes of device memory, %s "
                    "has %" PRIu64 "%s: compile with a smaller batch",
                    p->device_bytes, d->name, d->memory,
                    d->is_cpu ? " available now" : "");
    return PLANCL_OK;
}

static uint64_t local_bytes(const struct plan *p, const struct plan_entry *e)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < e->narg; i++)
        if (p->arg[e->first_arg + i].kind == PLAN_ARG_LOCAL)
            bytes += p->arg[e->first_arg + i].value;
    return bytes;
}

/* pocl aborts the process when a kernel wants more local memory than there is,
 * so this must be known before a launch. */
static enum plancl_status check_entry(const struct plan *p,
                                      const struct plan_entry *e,
                                      const struct device *d,
                                      const struct plancl_callbacks *cb)
{
    uint64_t group = e->local[0] * e->local[1] * e->local[2];
    uint64_t local = local_bytes(p, e);

    if (group > d->max_group)
        return fail(cb, PLANCL_DEVICE,
                    "%s (%s) runs groups of %" PRIu64 " work-items, %s has at "
                    "most %" PRIu64 ": compile the plan for this device",
                    plan_string(p, e->layer), plan_string(p, e->kernel), group,
                    d->name, d->max_group);
    if (local > d->local_bytes)
        return fail(cb, PLANCL_DEVICE,
                    "%s (%s) takes %" PRIu64 " bytes of local memory, %s has "
                    "%" PRIu64 ": compile the plan for this device",
                    plan_string(p, e->layer), plan_string(p, e->kernel), local,
                    d->name, d->local_bytes);
    return PLANCL_OK;
}

static enum plancl_status check_device(const struct plan *p,
                                       const struct device *d,
                                       const struct plancl_callbacks *cb)
{
    enum plancl_status status = check_memory(p, d, cb);

    for (uint32_t i = 0; i < p->nentry && !status; i++)
        status = check_entry(p, &p->entry[i], d, cb);
    if (!status && (p->family == FAMILY_CPU) != d->is_cpu)
        note(cb, PLANCL_NOTE,
             "the plan was compiled for a %s (%s) and runs on a %s (%s): "
             "right, but slow",
             p->family == FAMILY_CPU ? "CPU" : "GPU",
             plan_string(p, p->device_name), d->is_cpu ? "CPU" : "GPU",
             d->name);
    return status;
}

/* ---- memory ---- */

/* In order and, but for measuring, without profiling, which costs an event for
 * each launch. */
static enum plancl_status create_queue(struct plancl_session *s)
{
    cl_int error;

    s->context = clCreateContext(NULL, 1, &s->device.id, NULL, NULL, &error);
    if (error)
        return cl_check(&s->cb, error, "clCreateContext", s->device.name);
    s->queue = clCreateCommandQueue(s->context, s->device.id,
                                    s->profile ? CL_QUEUE_PROFILING_ENABLE : 0,
                                    &error);
    return cl_check(&s->cb, error, "clCreateCommandQueue", s->device.name);
}

/* Constants stand in the plan in the order of their buffers, without gaps. */
static enum plancl_status upload_constants(struct plancl_session *s)
{
    const struct plan *p = s->plan;
    const uint8_t *from = p->constant;

    for (uint32_t i = 0; i < p->nbuffer; i++) {
        const struct plan_buffer *b = &p->buffer[i];
        struct place at = session_place(s, i);
        enum plancl_status status;

        if (b->kind != PLAN_CONSTANT || !b->bytes)
            continue;
        status = CL_CALL(&s->cb, clEnqueueWriteBuffer,
                         (s->queue, at.memory, CL_TRUE, at.offset, b->bytes,
                          from, 0, NULL, NULL));
        if (status)
            return status;
        from += b->bytes;
    }
    return PLANCL_OK;
}

/* ---- kernels ---- */

static enum plancl_status build(struct plancl_session *s, const char *cache)
{
    struct program_request r = {
        .device = &s->device,
        .context = s->context,
        .source = plan_string(s->plan, s->plan->program),
        .options = plan_string(s->plan, s->plan->options),
        .cache = cache,
    };
    uint32_t n = s->nmemory;

    if (progress(&s->cb, "load", n, n + STEPS_BUILD + STEPS_BIND))
        return PLANCL_CANCELLED;
    return program_build(&r, &s->cb, &s->program);
}

/* A buffer is two arguments: its memory, and where it begins in elements. */
static cl_int bind_buffer(struct plancl_session *s, cl_kernel k, cl_uint *at,
                          const struct plan_arg *a)
{
    const struct plan_buffer *b = &s->plan->buffer[a->index];
    struct place place = session_place(s, a->index);
    size_t size = dtype_bytes((enum dtype)b->dtype);
    cl_ulong first = (place.offset + a->value) / (size ? size : 1);
    cl_int error = clSetKernelArg(k, (*at)++, sizeof(cl_mem), &place.memory);

    return error ? error : clSetKernelArg(k, (*at)++, sizeof first, &first);
}

/* Returns the OpenCL error; *at: number of the next argument. */
static cl_int bind_arg(struct plancl_session *s, struct bound_entry *e,
                       cl_uint *at, const struct plan_arg *a)
{
    struct bound_setting *bound;
    uint32_t bits = (uint32_t)a->value;

    switch (a->kind) {
    case PLAN_ARG_BUFFER:
        return bind_buffer(s, e->kernel, at, a);
    case PLAN_ARG_LOCAL:
        return clSetKernelArg(e->kernel, (*at)++, a->value, NULL);
    case PLAN_ARG_SETTING:
        bound = &s->bound[e->setting + e->nsetting++];
        bits = s->setting[a->index];
        *bound = (struct bound_setting){a->index, *at, bits};
        break;
    default:
        break;
    }
    return clSetKernelArg(e->kernel, (*at)++, sizeof bits, &bits);
}

static enum plancl_status bind_failed(struct plancl_session *s,
                                      const struct plan_entry *e, cl_int error,
                                      const char *call, cl_uint arg)
{
    return fail(&s->cb, cl_status(error),
                "%s (%s): %s failed: %s (%d), argument %u",
                plan_string(s->plan, e->layer), plan_string(s->plan, e->kernel),
                call, cl_error_name(error), (int)error, arg);
}

/* Registers may allow a kernel smaller groups than the device has. */
static enum plancl_status check_group(struct plancl_session *s,
                                      const struct plan_entry *e,
                                      cl_kernel kernel)
{
    uint64_t group = e->local[0] * e->local[1] * e->local[2];
    size_t most = 0;
    cl_int error = clGetKernelWorkGroupInfo(kernel, s->device.id,
                                            CL_KERNEL_WORK_GROUP_SIZE,
                                            sizeof most, &most, NULL);

    if (error)
        return bind_failed(s, e, error, "clGetKernelWorkGroupInfo", 0);
    if (most && group > most)
        return fail(&s->cb, PLANCL_DEVICE,
                    "%s (%s) runs groups of %" PRIu64 " work-items, this "
                    "kernel can have at most %zu on %s: compile the plan for "
                    "this device",
                    plan_string(s->plan, e->layer),
                    plan_string(s->plan, e->kernel), group, most,
                    s->device.name);
    return PLANCL_OK;
}

/* A kernel object for each entry, though several share a kernel: arguments
 * belong to the object, so only settings are set again later. */
static enum plancl_status bind_entry(struct plancl_session *s, uint32_t i)
{
    const struct plan_entry *e = &s->plan->entry[i];
    struct bound_entry *b = &s->entry[i];
    cl_uint at = 0;
    cl_int error;

    b->kernel = clCreateKernel(s->program, plan_string(s->plan, e->kernel),
                               &error);
    if (error)
        return bind_failed(s, e, error, "clCreateKernel", 0);
    for (uint32_t k = 0; k < e->narg && !error; k++)
        error = bind_arg(s, b, &at, &s->plan->arg[e->first_arg + k]);
    if (error)
        return bind_failed(s, e, error, "clSetKernelArg", at - 1);
    return check_group(s, e, b->kernel);
}

static enum plancl_status bind_entries(struct plancl_session *s)
{
    uint32_t n = s->nmemory + STEPS_BUILD, next = 0;
    enum plancl_status status = PLANCL_OK;

    if (progress(&s->cb, "load", n, n + STEPS_BIND))
        return PLANCL_CANCELLED;
    for (uint32_t i = 0; i < s->plan->nentry && !status; i++) {
        s->entry[i].setting = next;
        status = bind_entry(s, i);
        next += s->entry[i].nsetting;
    }
    return status;
}

/* ---- opening and closing ---- */

/* The session's one allocation; zeroed, so that every handle is null. */
static struct plancl_session *session_new(const struct plan *p,
                                          const struct plancl_callbacks *cb)
{
    struct session_layout l;
    struct plancl_session *s;
    char *block;

    session_layout(p, &l);
    block = calloc(1, l.total);
    if (!block) {
        fail(cb, PLANCL_MEMORY,
             "no host memory: %" PRIu64 " bytes asked for a session", l.total);
        return NULL;
    }
    s = (struct plancl_session *)block;
    s->plan = p;
    if (cb)
        s->cb = *cb;
    s->memory = (cl_mem *)(block + l.memory);
    s->nmemory = p->nslab;
    s->entry = (struct bound_entry *)(block + l.entry);
    s->bound = (struct bound_setting *)(block + l.bound);
    s->event = (cl_event *)(block + l.event);
    s->time = (struct entry_time *)(block + l.time);
    s->trace = (struct trace_event *)(block + l.trace);
    s->saved = (struct safetensors_tensor *)(block + l.saved);
    s->saved_dim = (uint64_t(*)[PLAN_RANK])(block + l.saved_dim);
    s->chunk = block + l.chunk;
    s->staging = block + l.staging;
    return s;
}

static enum plancl_status session_load(struct plancl_session *s,
                                       const char *cache)
{
    enum plancl_status status = check_device(s->plan, &s->device, &s->cb);

    if (!status)
        status = create_queue(s);
    if (!status)
        status = session_memory_open(s, STEPS_BUILD + STEPS_BIND);
    if (!status)
        status = upload_constants(s);
    if (!status)
        status = build(s, cache);
    if (!status)
        status = bind_entries(s);
    if (!status)
        status = plancl_init(s);
    return status;
}

/* What a plan says of its host memory must hold for the session in it. */
static enum plancl_status check_host_bytes(const struct plan *p,
                                           const struct plancl_callbacks *cb)
{
    uint64_t need = session_host_bytes(p);

    if (need <= p->host_bytes)
        return PLANCL_OK;
    return fail(cb, PLANCL_REFUSED,
                "the plan says that a run takes %" PRIu64 " bytes of host "
                "memory, a session alone takes %" PRIu64
                ": compile it again with this version",
                p->host_bytes, need);
}

enum plancl_status plancl_session_open(const struct plancl_plan *plan,
                                       const struct plancl_session_options *o,
                                       const struct plancl_callbacks *cb,
                                       struct plancl_session **session)
{
    static const struct plancl_session_options defaults;
    struct plancl_session *s;
    enum plancl_status status = check_host_bytes(&plan->plan, cb);

    if (status)
        return status;
    s = session_new(&plan->plan, cb);
    if (!s)
        return PLANCL_MEMORY;
    if (!o)
        o = &defaults;
    s->seed = o->seed;
    s->profile = o->profile != 0;
    s->debug = o->debug_memory != 0;
    if (s->debug)
        s->memory = NULL;
    s->learning_rate = (float)s->plan->learning_rate;
    status = device_choose(o->device, &s->cb, &s->device);
    if (!status)
        status = session_load(s, o->cache);
    if (status) {
        plancl_session_close(s);
        return status;
    }
    *session = s;
    return PLANCL_OK;
}

/* Also of a session that opened in part.  Waits first: releasing what a kernel
 * still uses would be for the driver to sort out. */
void plancl_session_close(struct plancl_session *s)
{
    if (!s)
        return;
    if (s->queue)
        clFinish(s->queue);
    for (uint32_t i = 0; i < s->plan->nentry; i++)
        if (s->entry[i].kernel)
            clReleaseKernel(s->entry[i].kernel);
    session_memory_close(s);
    if (s->program)
        clReleaseProgram(s->program);
    if (s->queue)
        clReleaseCommandQueue(s->queue);
    if (s->context)
        clReleaseContext(s->context);
    free(s);
}
