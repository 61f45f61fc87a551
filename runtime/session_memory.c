/*
 * session_memory.c: the memory of a session.
 *
 * It is the plan's slabs.  Or, in a session that looks for mistakes, each buffer
 * has memory of its own, which holds no number while the buffer is not alive: a
 * kernel that reads what the plan says is dead, or was never written, or lies in
 * a neighbour, computes with NaN and not with what happens to be there.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "runtime/session_state.h"

static const uint32_t nobody = UINT32_MAX;

struct place session_place(const struct plancl_session *s, uint32_t buffer)
{
    const struct plan_buffer *b = &s->plan->buffer[buffer];

    if (s->debug)
        return (struct place){s->memory[buffer], 0};
    return (struct place){s->memory[b->slab], b->offset};
}

static uint64_t bytes_of(const struct plancl_session *s, uint32_t i)
{
    return s->debug ? s->plan->buffer[i].bytes : s->plan->slab_bytes[i];
}

static enum plancl_status memory_failed(struct plancl_session *s, cl_int error,
                                        const char *call)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < s->nmemory; i++)
        bytes += bytes_of(s, i);
    return fail(&s->cb, cl_status(error),
                "%s failed: %s (%d), while taking the plan's %" PRIu64
                " bytes in %u %s on %s, which has %" PRIu64
                ": free some of its memory or compile with a smaller batch",
                call, cl_error_name(error), (int)error, bytes, s->nmemory,
                s->debug ? "buffers" : "slabs", s->device.name,
                s->device.memory);
}

/* These are all the memory objects there are until the session closes; where
 * they are the slabs, their sum is the plan's device_bytes. */
static enum plancl_status create(struct plancl_session *s)
{
    cl_int error = CL_SUCCESS;

    for (uint32_t i = 0; i < s->nmemory; i++) {
        s->memory[i] = clCreateBuffer(s->context, CL_MEM_READ_WRITE,
                                      bytes_of(s, i), NULL, &error);
        if (error)
            return memory_failed(s, error, "clCreateBuffer");
    }
    return PLANCL_OK;
}

/* ---- without numbers ---- */

/* All bits set are NaN as a float, and no index of a window.  Integers become 0:
 * another one might be followed to where nothing is. */
static cl_int poison(struct plancl_session *s, uint32_t buffer)
{
    const struct plan_buffer *b = &s->plan->buffer[buffer];
    cl_uchar byte = b->dtype == DT_I32 || b->dtype == DT_I64 ? 0 : UINT8_MAX;

    return clEnqueueFillBuffer(s->queue, s->memory[buffer], &byte, sizeof byte,
                               0, b->bytes, 0, NULL, NULL);
}

cl_int session_poison_dead(struct plancl_session *s, uint32_t entry)
{
    cl_int error = CL_SUCCESS;

    if (!s->debug)
        return CL_SUCCESS;
    for (uint32_t i = s->dies[entry]; i != nobody && !error; i = s->dies_too[i])
        error = poison(s, i);
    return error;
}

/* Chains of the buffers that die with each entry. */
static void find_dead(struct plancl_session *s)
{
    const struct plan *p = s->plan;

    for (uint32_t i = 0; i < p->nentry; i++)
        s->dies[i] = nobody;
    for (uint32_t i = 0; i < p->nbuffer; i++) {
        const struct plan_buffer *b = &p->buffer[i];
        uint32_t *last;

        if (!plan_kind_shared(b->kind))
            continue;
        last = &s->dies[p->sequence[b->sequence].first + b->last];
        s->dies_too[i] = *last;
        *last = i;
    }
}

static enum plancl_status take_apart(struct plancl_session *s)
{
    const struct plan *p = s->plan;

    s->nmemory = p->nbuffer;
    s->memory = calloc((size_t)p->nbuffer + 1, sizeof *s->memory);
    s->dies = calloc((size_t)p->nentry + 1, sizeof *s->dies);
    s->dies_too = calloc((size_t)p->nbuffer + 1, sizeof *s->dies_too);
    if (!s->memory || !s->dies || !s->dies_too)
        return fail(&s->cb, PLANCL_MEMORY,
                    "no host memory to keep %" PRIu32 " buffers apart",
                    p->nbuffer);
    find_dead(s);
    return PLANCL_OK;
}

/* ---- opening and closing ---- */

/* The pattern is 16 bytes where the size is a multiple of it. */
static cl_int fill(struct plancl_session *s, uint32_t i)
{
    static const cl_uint zero[4];
    uint64_t bytes = bytes_of(s, i);

    if (s->debug)
        return poison(s, i);
    return clEnqueueFillBuffer(s->queue, s->memory[i], zero,
                               bytes % sizeof zero ? 1 : sizeof zero, 0, bytes,
                               0, NULL, NULL);
}

/* Drivers take memory when it is first written.  One object at a time, waiting
 * for each, so that what fails is known. */
static enum plancl_status touch(struct plancl_session *s, uint32_t total)
{
    cl_int error = CL_SUCCESS;

    for (uint32_t i = 0; i < s->nmemory; i++) {
        if (progress(&s->cb, "load", i, total))
            return PLANCL_CANCELLED;
        error = fill(s, i);
        if (error)
            return memory_failed(s, error, "clEnqueueFillBuffer");
        error = clFinish(s->queue);
        if (error)
            return memory_failed(s, error, "clFinish");
    }
    return PLANCL_OK;
}

enum plancl_status session_memory_open(struct plancl_session *s, uint32_t more)
{
    enum plancl_status status = s->debug ? take_apart(s) : PLANCL_OK;

    if (!status)
        status = create(s);
    return status ? status : touch(s, s->nmemory + more);
}

void session_memory_close(struct plancl_session *s)
{
    for (uint32_t i = 0; s->memory && i < s->nmemory; i++)
        if (s->memory[i])
            clReleaseMemObject(s->memory[i]);
    if (!s->debug)
        return;
    free(s->memory);
    free(s->dies);
    free(s->dies_too);
}
