/*
 * unpack.c: a gzipped IDX file, unpacked once when it is opened.
 *
 * gzip cannot be read by place.  The size is known as soon as the IDX head is
 * unpacked; what is small goes to memory, what is large to a temporary file,
 * so that memory does not grow with the data.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "data/source.h"
#include "runtime/base.h"

#define LARGEST_IN_MEMORY ((uint64_t)64 << 20)

struct unpack {
    gzFile gz;
    const char *path;
    const struct plancl_callbacks *callbacks;
    struct source *to;
    uint64_t done, total;
};

/* Without the name that zlib has for the file. */
static const char *reason(const char *text)
{
    const char *colon = strstr(text, ": ");

    return colon ? colon + 2 : text;
}

/* What zlib says after reading failed or stopped. */
static enum plancl_status fail_gz(const struct unpack *u)
{
    int code = Z_OK;
    const char *text = gzerror(u->gz, &code);

    if (code == Z_ERRNO)
        return fail(u->callbacks, PLANCL_FAILED, "%s: reading failed: %s",
                    u->path, strerror(errno));
    if (code == Z_MEM_ERROR)
        return fail(u->callbacks, PLANCL_MEMORY, "%s: out of memory", u->path);
    if (code != Z_OK)
        return fail(u->callbacks, PLANCL_REFUSED,
                    "%s: the gzip data is damaged or cut short: %s", u->path,
                    reason(text));
    return fail(u->callbacks, PLANCL_REFUSED,
                "%s: unpacked, the file has %" PRIu64
                " bytes, its header says %" PRIu64,
                u->path, u->done, u->total);
}

static enum plancl_status refuse_rest(const struct unpack *u)
{
    return fail(u->callbacks, PLANCL_REFUSED,
                "%s: unpacked, the file goes on after the %" PRIu64
                " bytes that its header says",
                u->path, u->total);
}

/* Unlinked at once: it is gone with its descriptor, however the process
 * ends. */
static enum plancl_status open_temporary(const struct unpack *u)
{
    const char *folder = getenv("TMPDIR");
    char name[4096];
    int n;

    if (!folder || !*folder)
        folder = "/tmp";
    n = snprintf(name, sizeof name, "%s/plancl-XXXXXX", folder);
    if (n < 0 || (size_t)n >= sizeof name)
        return fail(u->callbacks, PLANCL_REFUSED, "TMPDIR is too long");
    u->to->fd = mkstemp(name);
    if (u->to->fd < 0)
        return fail(u->callbacks, PLANCL_FAILED,
                    "%s: cannot make a temporary file in %s (TMPDIR chooses "
                    "the folder): %s",
                    u->path, folder, strerror(errno));
    unlink(name);
    fcntl(u->to->fd, F_SETFD, FD_CLOEXEC);
    return PLANCL_OK;
}

static enum plancl_status open_target(const struct unpack *u)
{
    if (u->total > LARGEST_IN_MEMORY)
        return open_temporary(u);
    u->to->heap = malloc((size_t)u->total);
    if (!u->to->heap)
        return fail(u->callbacks, PLANCL_MEMORY,
                    "%s: out of memory for %" PRIu64 " unpacked bytes", u->path,
                    u->total);
    u->to->heap_bytes = u->total;
    return PLANCL_OK;
}

static enum plancl_status put(struct unpack *u, const uint8_t *bytes, size_t n)
{
    if (u->to->heap) {
        memcpy(u->to->heap + u->done, bytes, n);
        u->done += n;
        return PLANCL_OK;
    }
    while (n > 0) {
        ssize_t put = write(u->to->fd, bytes, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail(u->callbacks, PLANCL_FAILED,
                        "%s: writing %" PRIu64 " unpacked bytes to a temporary "
                        "file failed (TMPDIR chooses the folder): %s",
                        u->path, u->total, strerror(errno));
        bytes += put;
        n -= (size_t)put;
        u->done += (uint64_t)put;
    }
    return PLANCL_OK;
}

/* All elements after the head, through the same buffer. */
static enum plancl_status unpack_rest(struct unpack *u, uint8_t *buffer)
{
    while (u->done < u->total) {
        uint64_t left = u->total - u->done;
        unsigned part = left < HEAD_BYTES ? (unsigned)left : HEAD_BYTES;
        int got = gzread(u->gz, buffer, part);
        enum plancl_status status;

        if (got <= 0)
            return fail_gz(u);
        status = put(u, buffer, (size_t)got);
        if (status)
            return status;
        if (progress(u->callbacks, "unpack", u->done, u->total))
            return PLANCL_CANCELLED;
    }
    return PLANCL_OK;
}

/* The end must come now; looking for it also checks gzip's checksum. */
static enum plancl_status check_end(struct unpack *u, uint8_t *buffer)
{
    int code = Z_OK;
    int got = gzread(u->gz, buffer, 1);

    gzerror(u->gz, &code);
    if (got > 0)
        return refuse_rest(u);
    return got < 0 || code != Z_OK ? fail_gz(u) : PLANCL_OK;
}

static enum plancl_status unpack_all(struct unpack *u, uint8_t *buffer,
                                     struct layout *l)
{
    int got = gzread(u->gz, buffer, HEAD_BYTES);
    struct head head = {u->path, buffer, got > 0 ? (size_t)got : 0};
    enum plancl_status status;

    if (got < 0)
        return fail_gz(u);
    if (npy_matches(&head))
        return fail(u->callbacks, PLANCL_REFUSED,
                    "%s: a gzipped .npy file; unpack it with gunzip, then it "
                    "is read in place",
                    u->path);
    status = format_parse(&head, u->callbacks, l);
    if (status)
        return status;
    u->total = l->data + l->bytes;
    if (head.n > u->total)
        return refuse_rest(u);
    status = open_target(u);
    if (!status)
        status = put(u, buffer, head.n);
    if (!status)
        status = unpack_rest(u, buffer);
    return status ? status : check_end(u, buffer);
}

/* gzdopen takes fd over: gzclose closes it. */
enum plancl_status source_unpack(struct source *s, int fd, const char *path,
                                 uint8_t *head,
                                 const struct plancl_callbacks *cb,
                                 struct layout *l)
{
    struct unpack u = {.path = path, .callbacks = cb, .to = s};
    enum plancl_status status;

    if (lseek(fd, 0, SEEK_SET) != 0 || !(u.gz = gzdopen(fd, "rb"))) {
        close(fd);
        return fail(cb, PLANCL_FAILED, "%s: cannot be unpacked: %s", path,
                    strerror(errno));
    }
    status = unpack_all(&u, head, l);
    gzclose_r(u.gz);
    return status;
}
