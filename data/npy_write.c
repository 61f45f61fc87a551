/*
 * npy_write.c: an array written as .npy, format 1.0, row by row.
 *
 * The shape is in the header, so it is wanted first; the file gets its name
 * only when every byte has come, so that no reader sees half of it.
 *
 * Rows come as they are predicted, so memory does not grow with the file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/element.h"
#include "data/plancl_data.h"
#include "runtime/base.h"

struct plancl_npy_writer {
    struct file_writer file;
    struct plancl_callbacks callbacks;
    uint64_t done, total;
    bool failed; /* a message was given; the file will not be kept */
};

/* Elements are written as the host has them. */
static char host_order(void)
{
    const uint16_t one = 1;
    uint8_t first;

    memcpy(&first, &one, 1);
    return first ? '<' : '>';
}

static const char *type_name(enum plancl_dtype dtype)
{
    switch (dtype) {
    case PLANCL_F32:
        return "f4";
    case PLANCL_I32:
        return "i4";
    case PLANCL_I64:
        return "i8";
    case PLANCL_U8:
        return "u1";
    case PLANCL_I8:
        return "i1";
    default:
        return NULL;
    }
}

/* An empty array has 0 bytes, but its other dimensions must not overflow
 * either. */
static bool size_of(enum plancl_dtype dtype, unsigned rank, const uint64_t *dim,
                    uint64_t *bytes)
{
    uint64_t n = dtype_size(dtype);
    bool empty = false;

    for (unsigned i = 0; i < rank; i++) {
        if (dim[i] == 0)
            empty = true;
        else if (!mul_u64(n, dim[i], &n))
            return false;
    }
    *bytes = empty ? 0 : n;
    return n <= INT64_MAX;
}

/* Magic, version, length and the dict, padded to a multiple of 64 so that the
 * elements are aligned where the file is mapped; returns the bytes. */
static size_t format_header(enum plancl_dtype dtype, unsigned rank,
                            const uint64_t *dim, char header[512])
{
    static const char magic[8] = "\x93NUMPY\1"; /* and 0, of version 1.0 */
    size_t n = 10, end;
    char order = '|'; /* a single byte has none */

    if (dtype_size(dtype) > 1)
        order = host_order();
    memcpy(header, magic, sizeof magic);
    n += (size_t)sprintf(header + n,
                         "{'descr': '%c%s', 'fortran_order': False, "
                         "'shape': (",
                         order, type_name(dtype));
    for (unsigned i = 0; i < rank; i++)
        n += (size_t)sprintf(header + n, "%s%" PRIu64, i ? ", " : "", dim[i]);
    n += (size_t)sprintf(header + n, "%s), }", rank == 1 ? "," : "");
    end = (size_t)round_up_u64(n + 1, 64);
    memset(header + n, ' ', end - n);
    header[end - 1] = '\n';
    header[8] = (char)((end - 10) & 255);
    header[9] = (char)((end - 10) >> 8);
    return end;
}

static enum plancl_status put(struct plancl_npy_writer *w, const void *bytes,
                              size_t n)
{
    if (n == 0 || fwrite(bytes, 1, n, w->file.stream) == n)
        return PLANCL_OK;
    w->failed = true;
    return fail(&w->callbacks, PLANCL_FAILED, "%s: writing failed: %s",
                w->file.path, strerror(errno));
}

static enum plancl_status begin(struct plancl_npy_writer *w, const char *path,
                                const char *header, size_t header_bytes)
{
    enum plancl_status status = file_begin(&w->file, path, &w->callbacks);

    if (status)
        return status;
    status = put(w, header, header_bytes);
    if (status)
        file_abandon(&w->file);
    return status;
}

enum plancl_status plancl_npy_create(const char *path, enum plancl_dtype dtype,
                                     unsigned rank, const uint64_t *dim,
                                     const struct plancl_callbacks *cb,
                                     struct plancl_npy_writer **writer)
{
    struct plancl_npy_writer *w;
    enum plancl_status status;
    uint64_t total;
    char header[512];

    if (!type_name(dtype))
        return fail(cb, PLANCL_REFUSED,
                    "%s: .npy is written as f32, i32, i64, u8 or i8", path);
    if (rank > 8)
        return fail(cb, PLANCL_REFUSED, "%s: rank %u is above 8", path, rank);
    if (!size_of(dtype, rank, dim, &total))
        return fail(cb, PLANCL_REFUSED,
                    "%s: the shape is larger than any file can be", path);
    w = calloc(1, sizeof *w);
    if (!w)
        return fail(cb, PLANCL_MEMORY, "%s: out of memory", path);
    if (cb)
        w->callbacks = *cb;
    w->total = total;
    status = begin(w, path, header, format_header(dtype, rank, dim, header));
    if (status) {
        free(w);
        return status;
    }
    *writer = w;
    return PLANCL_OK;
}

/* Any number of bytes at a time; more than the shape has is an error at
 * once. */
enum plancl_status plancl_npy_add(struct plancl_npy_writer *w, const void *data,
                                  uint64_t bytes)
{
    enum plancl_status status;

    if (bytes > w->total - w->done) {
        w->failed = true;
        return fail(&w->callbacks, PLANCL_REFUSED,
                    "%s: %" PRIu64 " bytes after %" PRIu64
                    ", the shape has %" PRIu64,
                    w->file.path, bytes, w->done, w->total);
    }
    status = put(w, data, (size_t)bytes);
    if (!status)
        w->done += bytes;
    return status;
}

/* Frees the writer in any case; the file gets its name only here. */
enum plancl_status plancl_npy_close(struct plancl_npy_writer *w)
{
    enum plancl_status status = PLANCL_FAILED;

    if (!w->failed && w->done == w->total) {
        status = file_commit(&w->file, &w->callbacks);
        free(w);
        return status;
    }
    if (!w->failed)
        status = fail(&w->callbacks, PLANCL_REFUSED,
                      "%s: %" PRIu64 " bytes came, the shape has %" PRIu64,
                      w->file.path, w->done, w->total);
    file_abandon(&w->file);
    free(w);
    return status;
}
