/*
 * layer.c: an OpenCL layer for tests, loaded by ocl-icd from OPENCL_LAYERS.
 *
 * It counts what a program creates, releases and launches, and writes the
 * counts as a JSON object to the file named by PLANCL_LAYER_LOG when the
 * program ends.  With PLANCL_LAYER_FAIL=k the k-th call that can fail does, with
 * the error PLANCL_LAYER_ERROR (a number; -5, CL_OUT_OF_RESOURCES, when unset),
 * and is not passed on.
 *
 * Only calls that the runtime makes are wrapped; the others pass through
 * uncounted.  Counters are not atomic: a session belongs to one thread.
 */
#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl_layer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum object { BUFFER, CONTEXT, QUEUE, PROGRAM, KERNEL, EVENT, OBJECTS };

static const char *const object_name[] = {"buffer",  "context", "queue",
                                          "program", "kernel",  "event"};

/* A layer lives as long as the process, and its entry points get no context of
 * their own. */
static struct {
    const struct _cl_icd_dispatch *next;
    struct _cl_icd_dispatch mine;
    unsigned long calls, fail_at, launches;
    cl_int error;
    const char *failed; /* name of the call that was made to fail */
    unsigned long created[OBJECTS], released[OBJECTS];
    unsigned long long buffer_bytes;
    /* of buffers, by when: see report() */
    unsigned long created_after_first_launch, released_by_last_launch;
} layer;

/* ---- the report ---- */

/* By kind what was created and released, which must be equal at the end, and
 * the buffers made or given back between launches, of which there must be
 * none. */
static void report(FILE *f)
{
    fprintf(f, "{\n  \"calls\": %lu,\n  \"launches\": %lu,\n", layer.calls,
            layer.launches);
    fprintf(f, "  \"failed\": \"%s\",\n", layer.failed ? layer.failed : "");
    fprintf(f, "  \"buffer_bytes\": %llu,\n", layer.buffer_bytes);
    fprintf(f, "  \"buffers_created_after_first_launch\": %lu,\n",
            layer.created_after_first_launch);
    fprintf(f, "  \"buffers_released_before_last_launch\": %lu",
            layer.released_by_last_launch);
    for (int i = 0; i < OBJECTS; i++)
        fprintf(f, ",\n  \"%s_created\": %lu,\n  \"%s_released\": %lu",
                object_name[i], layer.created[i], object_name[i],
                layer.released[i]);
    fprintf(f, "\n}\n");
}

__attribute__((destructor)) static void write_report(void)
{
    const char *path = getenv("PLANCL_LAYER_LOG");
    FILE *f = path ? fopen(path, "w") : NULL;

    if (!f)
        return;
    report(f);
    fclose(f);
}

/* ---- counting and failing ---- */

/* The error to give, or CL_SUCCESS for the call to go on. */
static cl_int count(const char *call)
{
    layer.calls++;
    if (layer.calls != layer.fail_at)
        return CL_SUCCESS;
    layer.failed = call;
    return layer.error;
}

/* Failed calls create nothing. */
static void created(enum object o, const void *object)
{
    if (!object)
        return;
    layer.created[o]++;
    if (o == BUFFER && layer.launches)
        layer.created_after_first_launch++;
}

static void created_event(const cl_event *event)
{
    if (event)
        created(EVENT, *event);
}

/* A call that returns its error. */
#define WRAP(call, params, args)                      \
    static cl_int CL_API_CALL my_##call params        \
    {                                                 \
        cl_int error = count(#call);                  \
                                                      \
        return error ? error : layer.next->call args; \
    }

/* A call that enqueues and may make an event. */
#define WRAP_ENQUEUE(call, params, args)       \
    static cl_int CL_API_CALL my_##call params \
    {                                          \
        cl_int error = count(#call);           \
                                               \
        if (!error)                            \
            error = layer.next->call args;     \
        if (!error)                            \
            created_event(event);              \
        return error;                          \
    }

/* A call that makes an object and gives its error through a pointer. */
#define WRAP_CREATE(object, type, call, params, args)       \
    static type CL_API_CALL my_##call params                \
    {                                                       \
        cl_int failure = count(#call);                      \
        type made = failure ? NULL : layer.next->call args; \
                                                            \
        if (failure && error)                               \
            *error = failure;                               \
        created(object, made);                              \
        return made;                                        \
    }

/* Releases are not made to fail: programs do not look at what they return. */
#define WRAP_RELEASE(object, type, call)        \
    static cl_int CL_API_CALL my_##call(type o) \
    {                                           \
        layer.released[object]++;               \
        return layer.next->call(o);             \
    }

/* How many parameters a call has is OpenCL's affair.
 * NOLINTBEGIN(readability-function-size) */
WRAP(clGetPlatformIDs, (cl_uint n, cl_platform_id *platforms, cl_uint *found),
     (n, platforms, found))
WRAP(clGetDeviceIDs,
     (cl_platform_id platform, cl_device_type type, cl_uint n,
      cl_device_id *devices, cl_uint *found),
     (platform, type, n, devices, found))
WRAP(clGetPlatformInfo,
     (cl_platform_id platform, cl_platform_info what, size_t size, void *value,
      size_t *got),
     (platform, what, size, value, got))
WRAP(clGetDeviceInfo,
     (cl_device_id device, cl_device_info what, size_t size, void *value,
      size_t *got),
     (device, what, size, value, got))
WRAP(clBuildProgram,
     (cl_program program, cl_uint n, const cl_device_id *devices,
      const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
      void *data),
     (program, n, devices, options, notify, data))
WRAP(clGetProgramInfo,
     (cl_program program, cl_program_info what, size_t size, void *value,
      size_t *got),
     (program, what, size, value, got))
WRAP(clGetProgramBuildInfo,
     (cl_program program, cl_device_id device, cl_program_build_info what,
      size_t size, void *value, size_t *got),
     (program, device, what, size, value, got))
WRAP(clSetKernelArg,
     (cl_kernel kernel, cl_uint index, size_t size, const void *value),
     (kernel, index, size, value))
WRAP(clGetKernelWorkGroupInfo,
     (cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
      size_t size, void *value, size_t *got),
     (kernel, device, what, size, value, got))
WRAP(clGetEventProfilingInfo,
     (cl_event event, cl_profiling_info what, size_t size, void *value,
      size_t *got),
     (event, what, size, value, got))
WRAP(clFlush, (cl_command_queue queue), (queue))
WRAP(clFinish, (cl_command_queue queue), (queue))

WRAP_ENQUEUE(clEnqueueReadBuffer,
             (cl_command_queue queue, cl_mem buffer, cl_bool wait,
              size_t offset, size_t size, void *to, cl_uint nwait,
              const cl_event *waits, cl_event *event),
             (queue, buffer, wait, offset, size, to, nwait, waits, event))
WRAP_ENQUEUE(clEnqueueWriteBuffer,
             (cl_command_queue queue, cl_mem buffer, cl_bool wait,
              size_t offset, size_t size, const void *from, cl_uint nwait,
              const cl_event *waits, cl_event *event),
             (queue, buffer, wait, offset, size, from, nwait, waits, event))
WRAP_ENQUEUE(clEnqueueFillBuffer,
             (cl_command_queue queue, cl_mem buffer, const void *pattern,
              size_t pattern_size, size_t offset, size_t size, cl_uint nwait,
              const cl_event *waits, cl_event *event),
             (queue, buffer, pattern, pattern_size, offset, size, nwait, waits,
              event))

WRAP_CREATE(CONTEXT, cl_context, clCreateContext,
            (const cl_context_properties *properties, cl_uint n,
             const cl_device_id *devices,
             void(CL_CALLBACK *notify)(const char *, const void *, size_t,
                                       void *),
             void *data, cl_int *error),
            (properties, n, devices, notify, data, error))
WRAP_CREATE(QUEUE, cl_command_queue, clCreateCommandQueue,
            (cl_context context, cl_device_id device,
             cl_command_queue_properties properties, cl_int *error),
            (context, device, properties, error))
WRAP_CREATE(PROGRAM, cl_program, clCreateProgramWithSource,
            (cl_context context, cl_uint n, const char **text,
             const size_t *bytes, cl_int *error),
            (context, n, text, bytes, error))
WRAP_CREATE(PROGRAM, cl_program, clCreateProgramWithBinary,
            (cl_context context, cl_uint n, const cl_device_id *devices,
             const size_t *bytes, const unsigned char **binary, cl_int *each,
             cl_int *error),
            (context, n, devices, bytes, binary, each, error))
WRAP_CREATE(KERNEL, cl_kernel, clCreateKernel,
            (cl_program program, const char *name, cl_int *error),
            (program, name, error))

WRAP_RELEASE(BUFFER, cl_mem, clReleaseMemObject)
WRAP_RELEASE(CONTEXT, cl_context, clReleaseContext)
WRAP_RELEASE(QUEUE, cl_command_queue, clReleaseCommandQueue)
WRAP_RELEASE(PROGRAM, cl_program, clReleaseProgram)
WRAP_RELEASE(KERNEL, cl_kernel, clReleaseKernel)
WRAP_RELEASE(EVENT, cl_event, clReleaseEvent)

static cl_mem CL_API_CALL my_clCreateBuffer(cl_context context,
                                            cl_mem_flags flags, size_t size,
                                            void *host, cl_int *error)
{
    cl_int failure = count("clCreateBuffer");
    cl_mem made = NULL;

    if (!failure)
        made = layer.next->clCreateBuffer(context, flags, size, host, error);
    else if (error)
        *error = failure;
    created(BUFFER, made);
    if (made)
        layer.buffer_bytes += size;
    return made;
}

static cl_int CL_API_CALL my_clEnqueueNDRangeKernel(
    cl_command_queue queue, cl_kernel kernel, cl_uint dims,
    const size_t *offset, const size_t *global, const size_t *local,
    cl_uint nwait, const cl_event *waits, cl_event *event)
{
    cl_int error = count("clEnqueueNDRangeKernel");

    if (!error)
        error = layer.next->clEnqueueNDRangeKernel(
            queue, kernel, dims, offset, global, local, nwait, waits, event);
    if (error)
        return error;
    layer.launches++;
    layer.released_by_last_launch = layer.released[BUFFER];
    created_event(event);
    return CL_SUCCESS;
}

/* NOLINTEND(readability-function-size) */

/* ---- what ocl-icd asks a layer ---- */

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info param_name,
                                               size_t param_value_size,
                                               void *param_value,
                                               size_t *param_value_size_ret)
{
    cl_layer_api_version version = CL_LAYER_API_VERSION_100;

    if (param_name != CL_LAYER_API_VERSION)
        return CL_INVALID_VALUE;
    if (param_value && param_value_size < sizeof version)
        return CL_INVALID_VALUE;
    if (param_value)
        memcpy(param_value, &version, sizeof version);
    if (param_value_size_ret)
        *param_value_size_ret = sizeof version;
    return CL_SUCCESS;
}

#define SET(call) layer.mine.call = my_##call

static void set_dispatch(void)
{
    SET(clGetPlatformIDs);
    SET(clGetDeviceIDs);
    SET(clGetPlatformInfo);
    SET(clGetDeviceInfo);
    SET(clCreateContext);
    SET(clCreateCommandQueue);
    SET(clCreateBuffer);
    SET(clCreateProgramWithSource);
    SET(clCreateProgramWithBinary);
    SET(clBuildProgram);
    SET(clGetProgramInfo);
    SET(clGetProgramBuildInfo);
    SET(clCreateKernel);
    SET(clSetKernelArg);
    SET(clGetKernelWorkGroupInfo);
    SET(clEnqueueNDRangeKernel);
    SET(clEnqueueReadBuffer);
    SET(clEnqueueWriteBuffer);
    SET(clEnqueueFillBuffer);
    SET(clGetEventProfilingInfo);
    SET(clFlush);
    SET(clFinish);
    SET(clReleaseMemObject);
    SET(clReleaseContext);
    SET(clReleaseCommandQueue);
    SET(clReleaseProgram);
    SET(clReleaseKernel);
    SET(clReleaseEvent);
}

static long number(const char *variable, long otherwise)
{
    const char *text = getenv(variable);

    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(
    cl_uint num_entries, const cl_icd_dispatch *target_dispatch,
    cl_uint *num_entries_ret, const cl_icd_dispatch **layer_dispatch_ret)
{
    if (!target_dispatch || !num_entries_ret || !layer_dispatch_ret ||
        num_entries < sizeof layer.mine / sizeof layer.mine.clGetPlatformIDs)
        return CL_INVALID_VALUE;
    layer.next = target_dispatch;
    layer.mine = *target_dispatch;
    layer.fail_at = (unsigned long)number("PLANCL_LAYER_FAIL", 0);
    layer.error = (cl_int)number("PLANCL_LAYER_ERROR", CL_OUT_OF_RESOURCES);
    set_dispatch();
    *num_entries_ret = sizeof layer.mine / sizeof layer.mine.clGetPlatformIDs;
    *layer_dispatch_ret = &layer.mine;
    return CL_SUCCESS;
}
