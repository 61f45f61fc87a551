/*
 * unpack.c: a gzipped IDX file, unpacked once when it is opened.
 *
 * gzip cannot be read by place.  The size is known as soon as the IDX head is
 * unpacked.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "data/store.h"
#include "runtime/base.h"

struct unpack {
    gzFile gz;
    struct store to;
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
        return fail(u->to.callbacks, PLANCL_FAILED, "%s: reading failed: %s",
                    u->to.path, strerror(errno));
    if (code == Z_MEM_ERROR)
        return fail(u->to.callbacks, PLANCL_MEMORY, "%s: out of memory",
                    u->to.path);
    if (code != Z_OK)
        return fail(u->to.callbacks, PLANCL_REFUSED,
                    "%s: the gzip data is damaged or cut short: %s", u->to.path,
                    reason(text));
    return fail(u->to.callbacks, PLANCL_REFUSED,
                "%s: unpacked, the file has %" PRIu64
                " bytes, its header says %" PRIu64,
                u->to.path, u->to.done, u->to.total);
}

static enum plancl_status refuse_rest(const struct unpack *u)
{
    return fail(u->to.callbacks, PLANCL_REFUSED,
                "%s: unpacked, the file goes on after the %" PRIu64
                " bytes that its header says",
                u->to.path, u->to.total);
}

/* All elements after the head, through the same buffer. */
static enum plancl_status unpack_rest(struct unpack *u, uint8_t *buffer)
{
    while (u->to.done < u->to.total) {
        uint64_t left = u->to.total - u->to.done;
        unsigned part = left < HEAD_BYTES ? (unsigned)left : HEAD_BYTES;
        int got = gzread(u->gz, buffer, part);
        enum plancl_status status;

        if (got <= 0)
            return fail_gz(u);
        status = store_put(&u->to, buffer, (size_t)got);
        if (status)
            return status;
        if (progress(u->to.callbacks, "unpack", u->to.done, u->to.total))
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
    struct head head = {u->to.path, buffer, got > 0 ? (size_t)got : 0};
    enum plancl_status status;

    if (got < 0)
        return fail_gz(u);
    if (npy_matches(&head))
        return fail(u->to.callbacks, PLANCL_REFUSED,
                    "%s: a gzipped .npy file; unpack it with gunzip, then it "
                    "is read in place",
                    u->to.path);
    status = format_parse(&head, u->to.callbacks, l);
    if (status)
        return status;
    u->to.total = l->data + l->bytes;
    if (head.n > u->to.total)
        return refuse_rest(u);
    status = store_open(&u->to);
    if (!status)
        status = store_put(&u->to, buffer, head.n);
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
    struct unpack u = {.to = {.to = s, .path = path, .callbacks = cb}};
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
