/*
 * source.c: opening and reading a plain data file.
 *
 * pread moves no position, so reads need no order between them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/source.h"
#include "data/spec.h"
#include "runtime/base.h"

/* As many bytes as there are, up to n; -1 with errno set. */
static int64_t read_at(int fd, uint64_t offset, uint64_t n, uint8_t *out)
{
    uint64_t done = 0;

    while (done < n) {
        /* Linux moves less than 2 GiB a call, some systems refuse more. */
        size_t part = n - done < 1 << 30 ? (size_t)(n - done) : 1 << 30;
        ssize_t got = pread(fd, out + done, part, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (uint64_t)got;
    }
    return (int64_t)done;
}

enum plancl_status source_read(const struct source *s, const char *path,
                               uint64_t offset, uint64_t bytes, void *out,
                               const struct plancl_callbacks *cb)
{
    int64_t got;

    if (s->heap) {
        if (bytes)
            memcpy(out, s->heap + offset, (size_t)bytes);
        return PLANCL_OK;
    }
    got = read_at(s->fd, offset, bytes, out);
    if (got < 0)
        return fail(cb, PLANCL_FAILED, "%s: reading failed: %s", path,
                    strerror(errno));
    if ((uint64_t)got < bytes)
        return fail(cb, PLANCL_FAILED,
                    "%s: the file became shorter while it was in use", path);
    return PLANCL_OK;
}

/* A file that is longer than its header says is as suspicious as a shorter
 * one. */
static enum plancl_status parse_plain(const struct head *h, uint64_t file_bytes,
                                      const struct plancl_callbacks *cb,
                                      struct layout *l)
{
    enum plancl_status status = format_parse(h, cb, l);

    if (status)
        return status;
    if (l->data + l->bytes != file_bytes)
        return fail(cb, PLANCL_REFUSED,
                    "%s: the file has %" PRIu64 " bytes, its header says "
                    "%" PRIu64,
                    h->path, file_bytes, l->data + l->bytes);
    return PLANCL_OK;
}

static enum plancl_status open_regular(struct source *s, const char *path,
                                       const struct plancl_callbacks *cb,
                                       uint64_t *bytes)
{
    struct stat st;

    s->heap = NULL;
    s->heap_bytes = 0;
    /* Without waiting, or a pipe by this name would hold us here. */
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0)
        return fail(cb, PLANCL_FAILED, "%s: cannot be opened: %s%s", path,
                    strerror(errno),
                    strchr(path, ':') ? "; options are " SPEC_OPTIONS : "");
    if (fstat(s->fd, &st) != 0)
        return fail(cb, PLANCL_FAILED, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail(cb, PLANCL_REFUSED, "%s: not a regular file", path);
    *bytes = (uint64_t)st.st_size;
    return PLANCL_OK;
}

static bool is_gzip(const uint8_t *bytes, int64_t n)
{
    return n >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static enum plancl_status open_head(struct source *s, const char *path,
                                    uint8_t *bytes,
                                    const struct plancl_callbacks *cb,
                                    struct layout *l)
{
    uint64_t file_bytes;
    enum plancl_status status = open_regular(s, path, cb, &file_bytes);
    int64_t n;

    if (status)
        return status;
    n = read_at(s->fd, 0, HEAD_BYTES, bytes);
    if (n < 0)
        return fail(cb, PLANCL_FAILED, "%s: reading failed: %s", path,
                    strerror(errno));
    if (is_gzip(bytes, n)) {
        int fd = s->fd;

        s->fd = -1;
        return source_unpack(s, fd, path, bytes, cb, l);
    }
    return parse_plain(&(struct head){path, bytes, (size_t)n}, file_bytes, cb,
                       l);
}

/* After a refusal nothing is left open; the head's 64 KiB are given back. */
enum plancl_status source_open(struct source *s, const char *path,
                               const struct plancl_callbacks *cb,
                               struct layout *l)
{
    uint8_t *head = malloc(HEAD_BYTES);
    enum plancl_status status;

    *s = (struct source){.fd = -1};
    if (!head)
        return fail(cb, PLANCL_MEMORY, "%s: out of memory", path);
    status = open_head(s, path, head, cb, l);
    free(head);
    if (!status && l->fortran)
        status = source_reorder(s, path, cb, l);
    if (status)
        source_close(s);
    return status;
}

/* Rank 1 of u8: dataset.c makes characters of it. */
static enum plancl_status open_text(struct source *s, const char *path,
                                    const struct plancl_callbacks *cb,
                                    struct layout *l)
{
    uint8_t head[2];
    uint64_t bytes;
    enum plancl_status status = open_regular(s, path, cb, &bytes);

    if (status)
        return status;
    if (is_gzip(head, read_at(s->fd, 0, sizeof head, head)))
        return fail(cb, PLANCL_REFUSED,
                    "%s: the text is packed by gzip; unpack it first", path);
    *l = (struct layout){
        .element = ELEMENT_U8, .rank = 1, .dim = {bytes}, .bytes = bytes};
    return PLANCL_OK;
}

enum plancl_status source_open_text(struct source *s, const char *path,
                                    const struct plancl_callbacks *cb,
                                    struct layout *l)
{
    enum plancl_status status;

    *s = (struct source){.fd = -1};
    status = open_text(s, path, cb, l);
    if (status)
        source_close(s);
    return status;
}

void source_close(struct source *s)
{
    if (s->fd >= 0)
        close(s->fd);
    free(s->heap);
    *s = (struct source){.fd = -1};
}
