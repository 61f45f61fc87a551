/* store.c: see store.h. */
#include "data/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base.h"

#define LARGEST_IN_MEMORY ((uint64_t)64 << 20)

/* Unlinked at once: it is gone with its descriptor, however the process
 * ends. */
static enum plancl_status open_temporary(const struct store *s)
{
    const char *folder = getenv("TMPDIR");
    char name[4096];
    int n;

    if (!folder || !*folder)
        folder = "/tmp";
    n = snprintf(name, sizeof name, "%s/plancl-XXXXXX", folder);
    if (n < 0 || (size_t)n >= sizeof name)
        return fail(s->callbacks, PLANCL_REFUSED, "TMPDIR is too long");
    s->to->fd = mkstemp(name);
    if (s->to->fd < 0)
        return fail(s->callbacks, PLANCL_FAILED,
                    "%s: cannot make a temporary file in %s (TMPDIR chooses "
                    "the folder): %s",
                    s->path, folder, strerror(errno));
    unlink(name);
    fcntl(s->to->fd, F_SETFD, FD_CLOEXEC);
    return PLANCL_OK;
}

enum plancl_status store_open(struct store *s)
{
    if (s->total > LARGEST_IN_MEMORY)
        return open_temporary(s);
    s->to->heap = malloc((size_t)s->total);
    if (!s->to->heap)
        return fail(s->callbacks, PLANCL_MEMORY,
                    "%s: out of memory for %" PRIu64 " bytes", s->path,
                    s->total);
    s->to->heap_bytes = s->total;
    return PLANCL_OK;
}

enum plancl_status store_put(struct store *s, const uint8_t *bytes, size_t n)
{
    if (s->to->heap) {
        memcpy(s->to->heap + s->done, bytes, n);
        s->done += n;
        return PLANCL_OK;
    }
    while (n > 0) {
        ssize_t put = write(s->to->fd, bytes, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail(s->callbacks, PLANCL_FAILED,
                        "%s: writing %" PRIu64 " bytes to a temporary "
                        "file failed (TMPDIR chooses the folder): %s",
                        s->path, s->total, strerror(errno));
        bytes += put;
        n -= (size_t)put;
        s->done += (uint64_t)put;
    }
    return PLANCL_OK;
}
