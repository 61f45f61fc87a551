/*
 * cl.c: the errors of OpenCL by name, and as a status.
 *
 * Every call goes through one of these, so that no message lacks the call's
 * name and the code; unknown codes keep their number.
 */
#include "runtime/cl.h"

struct cl_error {
    cl_int error;
    const char *name;
};

#define ERROR(name) \
    {               \
        name, #name \
    }

static const struct cl_error errors[] = {
    ERROR(CL_SUCCESS),
    ERROR(CL_DEVICE_NOT_FOUND),
    ERROR(CL_DEVICE_NOT_AVAILABLE),
    ERROR(CL_COMPILER_NOT_AVAILABLE),
    ERROR(CL_MEM_OBJECT_ALLOCATION_FAILURE),
    ERROR(CL_OUT_OF_RESOURCES),
    ERROR(CL_OUT_OF_HOST_MEMORY),
    ERROR(CL_PROFILING_INFO_NOT_AVAILABLE),
    ERROR(CL_MEM_COPY_OVERLAP),
    ERROR(CL_BUILD_PROGRAM_FAILURE),
    ERROR(CL_MAP_FAILURE),
    ERROR(CL_MISALIGNED_SUB_BUFFER_OFFSET),
    ERROR(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
    ERROR(CL_COMPILE_PROGRAM_FAILURE),
    ERROR(CL_LINKER_NOT_AVAILABLE),
    ERROR(CL_LINK_PROGRAM_FAILURE),
    ERROR(CL_KERNEL_ARG_INFO_NOT_AVAILABLE),
    ERROR(CL_INVALID_VALUE),
    ERROR(CL_INVALID_DEVICE_TYPE),
    ERROR(CL_INVALID_PLATFORM),
    ERROR(CL_INVALID_DEVICE),
    ERROR(CL_INVALID_CONTEXT),
    ERROR(CL_INVALID_QUEUE_PROPERTIES),
    ERROR(CL_INVALID_COMMAND_QUEUE),
    ERROR(CL_INVALID_HOST_PTR),
    ERROR(CL_INVALID_MEM_OBJECT),
    ERROR(CL_INVALID_BINARY),
    ERROR(CL_INVALID_BUILD_OPTIONS),
    ERROR(CL_INVALID_PROGRAM),
    ERROR(CL_INVALID_PROGRAM_EXECUTABLE),
    ERROR(CL_INVALID_KERNEL_NAME),
    ERROR(CL_INVALID_KERNEL_DEFINITION),
    ERROR(CL_INVALID_KERNEL),
    ERROR(CL_INVALID_ARG_INDEX),
    ERROR(CL_INVALID_ARG_VALUE),
    ERROR(CL_INVALID_ARG_SIZE),
    ERROR(CL_INVALID_KERNEL_ARGS),
    ERROR(CL_INVALID_WORK_DIMENSION),
    ERROR(CL_INVALID_WORK_GROUP_SIZE),
    ERROR(CL_INVALID_WORK_ITEM_SIZE),
    ERROR(CL_INVALID_GLOBAL_OFFSET),
    ERROR(CL_INVALID_EVENT_WAIT_LIST),
    ERROR(CL_INVALID_EVENT),
    ERROR(CL_INVALID_OPERATION),
    ERROR(CL_INVALID_BUFFER_SIZE),
    ERROR(CL_INVALID_GLOBAL_WORK_SIZE),
    ERROR(CL_INVALID_PROPERTY),
    {-1001, "CL_PLATFORM_NOT_FOUND_KHR"}, /* of the ICD loader */
    {-9999, "NVIDIA: illegal access or lost device"},
    {0, NULL},
};

const char *cl_error_name(cl_int error)
{
    for (int i = 0; errors[i].name; i++)
        if (errors[i].error == error)
            return errors[i].name;
    return "unknown error";
}

/* CL_OUT_OF_RESOURCES is no want of memory here: NVIDIA gives it for faults and
 * watchdogs as well, and run.c treats the device as lost. */
enum plancl_status cl_status(cl_int error)
{
    if (error == CL_SUCCESS)
        return PLANCL_OK;
    if (error == CL_MEM_OBJECT_ALLOCATION_FAILURE ||
        error == CL_OUT_OF_HOST_MEMORY)
        return PLANCL_MEMORY;
    return PLANCL_DEVICE;
}

enum plancl_status cl_check(const struct plancl_callbacks *cb, cl_int error,
                            const char *call, const char *asked)
{
    if (error == CL_SUCCESS)
        return PLANCL_OK;
    return fail(cb, cl_status(error), "%s%s%s failed: %s (%d)", call,
                asked ? ", " : "", asked ? asked : "", cl_error_name(error),
                (int)error);
}
