/*
 * tensors.c: named tensors in and out of a session, in the user's order, and
 * the means that training and evaluation report.
 *
 * Every copy waits.  A tensor that is stored as the user sees it goes straight
 * from or to the user's memory; another one through the session's staging.
 *
 * A read or a write of OpenCL that blocks also flushes what was enqueued before
 * and waits for it, since the queue is in order.
 */
#include "runtime/tensors.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/session_state.h"

int64_t tensor_find(const struct plan *p, const char *name)
{
    for (uint32_t i = 0; i < p->ntensor; i++)
        if (!strcmp(plan_string(p, p->tensor[i].name), name))
            return i;
    return -1;
}

enum plancl_status tensor_from_device(struct plancl_session *s,
                                      const struct plan_tensor *t,
                                      uint64_t offset, void *to, uint64_t bytes)
{
    struct place at = session_place(s, t->buffer);
    cl_int error;

    if (!bytes)
        return PLANCL_OK;
    s->unflushed = 0;
    error = clEnqueueReadBuffer(s->queue, at.memory, CL_TRUE,
                                at.offset + offset, bytes, to, 0, NULL, NULL);
    if (error)
        return session_fail(s, error, "reading %s: clEnqueueReadBuffer",
                            plan_string(s->plan, t->name));
    return PLANCL_OK;
}

enum plancl_status tensor_to_device(struct plancl_session *s,
                                    const struct plan_tensor *t,
                                    uint64_t offset, const void *from,
                                    uint64_t bytes)
{
    struct place at = session_place(s, t->buffer);
    cl_int error;

    if (!bytes)
        return PLANCL_OK;
    s->unflushed = 0;
    error = clEnqueueWriteBuffer(s->queue, at.memory, CL_TRUE,
                                 at.offset + offset, bytes, from, 0, NULL,
                                 NULL);
    if (error)
        return session_fail(s, error, "writing %s: clEnqueueWriteBuffer",
                            plan_string(s->plan, t->name));
    return PLANCL_OK;
}

/* Of a sample; where the first dimension is a multiple of the batch, of one
 * index of it. */
static uint64_t row_bytes(const struct plan_tensor *t)
{
    return t->batched && t->dim[0] ? tensor_bytes(t) / t->dim[0]
                                   : tensor_bytes(t);
}

/* Bytes of the stored order, from its start, that hold the first `bytes` of the
 * user's order.  Where samples are outermost in both orders, their first rows
 * lie together in both. */
static uint64_t stored_extent(const struct plan_tensor *t, uint64_t bytes)
{
    return t->rank && t->perm[0] == 0 ? bytes : tensor_bytes(t);
}

/* A batched tensor may come in fewer rows, any other only whole. */
static enum plancl_status check_size(const struct plancl_session *s,
                                     const struct plan_tensor *t,
                                     uint64_t bytes)
{
    const char *name = plan_string(s->plan, t->name);
    uint64_t whole = tensor_bytes(t), row = row_bytes(t);

    if (bytes == whole)
        return PLANCL_OK;
    if (!t->batched)
        return fail(&s->cb, PLANCL_REFUSED,
                    "%s: %" PRIu64 " bytes given, the tensor has %" PRIu64,
                    name, bytes, whole);
    if (!bytes || bytes > whole || bytes % row)
        return fail(&s->cb, PLANCL_REFUSED,
                    "%s: %" PRIu64 " bytes given; a sample has %" PRIu64
                    ", and 1 to %" PRIu64 " of them can be copied",
                    name, bytes, row, t->dim[0]);
    return PLANCL_OK;
}

/* memcpy, since the caller's data need not be aligned. */
static int64_t integer_at(enum dtype dtype, const void *data, uint64_t i)
{
    const char *at = (const char *)data + i * dtype_bytes(dtype);
    int32_t i32;
    int64_t i64;

    switch (dtype) {
    case DT_I32:
        memcpy(&i32, at, sizeof i32);
        return i32;
    case DT_I64:
        memcpy(&i64, at, sizeof i64);
        return i64;
    case DT_I8:
        return *(const int8_t *)at;
    default:
        return *(const uint8_t *)at;
    }
}

static enum plancl_status out_of_range(const struct plancl_session *s,
                                       const struct plan_tensor *t,
                                       uint64_t element, int64_t v)
{
    uint64_t row = row_bytes(t) / dtype_bytes((enum dtype)t->dtype);
    const char *name = plan_string(s->plan, t->name);
    char or_except[48] = "";

    if (t->except < 0 || t->except >= t->limit)
        snprintf(or_except, sizeof or_except, ", or %" PRId64, t->except);
    return fail(&s->cb, PLANCL_REFUSED,
                "%s: %s %" PRIu64 " has the value %" PRId64
                ", allowed is 0 to %" PRId64 "%s",
                name, t->batched ? "sample" : "element",
                t->batched ? element / row : element, v, t->limit - 1,
                or_except);
}

/* Kernels index with these values, so a wrong one would read or write memory
 * of something else. */
static enum plancl_status check_range(const struct plancl_session *s,
                                      const struct plan_tensor *t,
                                      const void *data, uint64_t bytes)
{
    enum dtype dtype = (enum dtype)t->dtype;
    uint64_t n = bytes / dtype_bytes(dtype);

    if (!t->limited || dtype_is_float(dtype))
        return PLANCL_OK;
    for (uint64_t i = 0; i < n; i++) {
        int64_t v = integer_at(dtype, data, i);

        if ((v < 0 || v >= t->limit) && v != t->except)
            return out_of_range(s, t, i, v);
    }
    return PLANCL_OK;
}

/* Name and size, the first two things a caller may get wrong. */
static enum plancl_status find(struct plancl_session *s, const char *name,
                               uint64_t bytes, const struct plan_tensor **t)
{
    int64_t i = tensor_find(s->plan, name);

    if (i < 0)
        return fail(&s->cb, PLANCL_REFUSED,
                    "the plan of %s has no tensor called \"%s\"",
                    plan_string(s->plan, s->plan->name), name);
    *t = &s->plan->tensor[i];
    return check_size(s, *t, bytes);
}

/* Checked before the first byte moves, so that a refusal leaves the tensor as
 * it was. */
enum plancl_status plancl_write(struct plancl_session *s, const char *name,
                                const void *data, uint64_t bytes)
{
    const struct plan_tensor *t;
    enum plancl_status status = session_usable(s);
    uint64_t extent;

    if (!status)
        status = find(s, name, bytes, &t);
    if (!status)
        status = check_range(s, t, data, bytes);
    if (status)
        return status;
    if (!tensor_permuted(t))
        return tensor_to_device(s, t, 0, data, bytes);

    /* Rows that are not stored together lie between others, which stay. */
    extent = stored_extent(t, bytes);
    if (extent != bytes)
        status = tensor_from_device(s, t, 0, s->staging, extent);
    if (status)
        return status;
    tensor_scatter(t, s->staging, 0, bytes / dtype_bytes((enum dtype)t->dtype),
                   data);
    return tensor_to_device(s, t, 0, s->staging, extent);
}

enum plancl_status plancl_read(struct plancl_session *s, const char *name,
                               void *data, uint64_t bytes)
{
    const struct plan_tensor *t;
    enum plancl_status status = session_usable(s);

    if (!status)
        status = find(s, name, bytes, &t);
    if (status)
        return status;
    if (!tensor_permuted(t))
        return tensor_from_device(s, t, 0, data, bytes);
    status = tensor_from_device(s, t, 0, s->staging, stored_extent(t, bytes));
    if (!status)
        tensor_gather(t, s->staging, 0,
                      bytes / dtype_bytes((enum dtype)t->dtype), data);
    return status;
}

/* ---- meters ---- */

/* Lanes are sums with their low parts; added in their order, in double, where
 * the parts of a lane are exact. */
static enum plancl_status meter_total(struct plancl_session *s,
                                      const struct plan_tensor *t,
                                      double total[2])
{
    uint64_t bytes = tensor_bytes(t);
    float lane[4];

    for (uint64_t at = 0, n; at < bytes; at += n) {
        n = bytes - at < CHUNK_BYTES ? bytes - at : CHUNK_BYTES;
        enum plancl_status status = tensor_from_device(s, t, at, s->chunk, n);

        if (status)
            return status;
        for (uint64_t i = 0; i + sizeof lane <= n; i += sizeof lane) {
            memcpy(lane, s->chunk + i, sizeof lane);
            total[0] += (double)lane[0] + lane[1];
            total[1] += (double)lane[2] + lane[3];
        }
    }
    return PLANCL_OK;
}

enum plancl_status plancl_meter_read(struct plancl_session *s, uint32_t index,
                                     struct plancl_meter *meter)
{
    const struct plan *p = s->plan;
    const struct plan_meter *m;
    double total[2] = {0, 0};
    enum plancl_status status = session_usable(s);

    if (status)
        return status;
    if (index >= p->nmeter)
        return fail(&s->cb, PLANCL_REFUSED,
                    "meter %u asked for, the plan has %u", index, p->nmeter);
    m = &p->meter[index];
    status = meter_total(s, &p->tensor[m->tensor], total);
    if (status)
        return status;
    *meter = (struct plancl_meter){.name = plan_string(p, m->name),
                                   .training = (int)m->training,
                                   .is_loss = (int)m->is_loss,
                                   .weight = m->weight,
                                   .mean = total[1] != 0 ? total[0] / total[1]
                                                         : NAN,
                                   .count = total[1]};
    return PLANCL_OK;
}

/* Only the meters of one side: an evaluation in the middle of an epoch leaves
 * the training's sums alone. */
enum plancl_status plancl_meters_clear(struct plancl_session *s, int training)
{
    const struct plan *p = s->plan;
    enum plancl_status status = session_usable(s);

    memset(s->chunk, 0, CHUNK_BYTES);
    for (uint32_t i = 0; i < p->nmeter && !status; i++) {
        const struct plan_tensor *t = &p->tensor[p->meter[i].tensor];
        uint64_t bytes = tensor_bytes(t);

        if (!p->meter[i].training != !training)
            continue;
        for (uint64_t at = 0, n; at < bytes && !status; at += n) {
            n = bytes - at < CHUNK_BYTES ? bytes - at : CHUNK_BYTES;
            status = tensor_to_device(s, t, at, s->chunk, n);
        }
    }
    return status;
}
