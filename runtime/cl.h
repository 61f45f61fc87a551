/*
 * cl.h: OpenCL, for the runtime.  Nothing else includes <CL/cl.h>.
 *
 * Version 1.2 is what the library asks of a device, so that is what it sees.
 */
#ifndef RUNTIME_CL_H
#define RUNTIME_CL_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "runtime/base.h"

/* "CL_OUT_OF_RESOURCES", or "unknown error". */
const char *cl_error_name(cl_int error);
/* PLANCL_MEMORY where the error says that memory ran out, else PLANCL_DEVICE;
 * PLANCL_OK for CL_SUCCESS. */
enum plancl_status cl_status(cl_int error);

/* One message that names the call, the error, and what was asked for (may be
 * null); PLANCL_OK and no message for CL_SUCCESS. */
enum plancl_status cl_check(const struct plancl_callbacks *, cl_int error,
                            const char *call, const char *asked);

/* Wraps a call that returns its error: CL_CALL(cb, clFinish, (queue)). */
#define CL_CALL(callbacks, call, args) cl_check(callbacks, call args, #call, 0)

#endif
