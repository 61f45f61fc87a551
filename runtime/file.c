/*
 * file.c: write a file whole or not at all.
 *
 * The text goes to a temporary file beside the target, reaches the disk, and
 * takes the target's name in one step.  What is no ordinary file (a pipe, a
 * device) cannot be replaced and is written in place.
 *
 * rename() is what makes it whole: a reader sees the old file or the new one.
 * The temporary file is in the same folder, because rename() does not cross
 * file systems.
 */
/* For realpath.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base.h"

enum { ATTEMPTS = 100 };

static void forget(struct file_writer *w)
{
    free(w->temporary);
    free(w->path);
    memset(w, 0, sizeof(*w));
}

static bool is_special(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

/* Create temporary, a file that was not there before.  The mode is the umask's
 * business, which mkstemp would not ask. */
static int create(struct file_writer *w)
{
    size_t size = strlen(w->path) + 48;
    int fd = -1;

    w->temporary = malloc(size);
    if (!w->temporary)
        return -1;
    for (int i = 0; i < ATTEMPTS && fd < 0; i++) {
        snprintf(w->temporary, size, "%s.%ld-%d.tmp", w->path, (long)getpid(),
                 i);
        fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    return fd;
}

/* w->temporary stays null where the file is written in place: commit() then has
 * nothing to rename. */
static void open_stream(struct file_writer *w)
{
    int fd;

    if (is_special(w->path)) {
        w->stream = fopen(w->path, "wb");
        return;
    }
    fd = create(w);
    if (fd < 0)
        return;
    w->stream = fdopen(fd, "wb");
    if (!w->stream) {
        close(fd);
        unlink(w->temporary);
    }
}

enum plancl_status file_begin(struct file_writer *w, const char *path,
                              const struct plancl_callbacks *cb)
{
    int error;

    memset(w, 0, sizeof(*w));
    /* Through a symbolic link: its target is replaced, not the link. */
    w->path = realpath(path, NULL);
    if (!w->path)
        w->path = strdup(path);
    if (w->path)
        open_stream(w);
    if (w->stream)
        return PLANCL_OK;
    error = errno;
    forget(w);
    return fail(cb, PLANCL_FAILED, "cannot write %s: %s", path,
                strerror(error));
}

/* Pipes and devices have no disk to reach. */
static bool reach_disk(FILE *stream, bool ordinary)
{
    if (ferror(stream) || fflush(stream) != 0)
        return false;
    return !ordinary || fsync(fileno(stream)) == 0;
}

/* The new name survives a crash once the folder is on disk too.  Some file
 * systems refuse to sync folders, so failing here is no failure. */
static void sync_folder(const char *path)
{
    char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    int fd;

    if (slash)
        slash[slash == folder] = '\0';
    fd = open(slash ? folder : ".", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

/* The order matters: content to the disk first, then the name; the other way a
 * crash could leave the name with no content. */
static bool commit(struct file_writer *w)
{
    FILE *stream = w->stream;
    bool ok;

    /* A write that failed before has left its reason. */
    if (!ferror(stream))
        errno = 0;
    ok = reach_disk(stream, w->temporary);
    w->stream = NULL;
    if (!ok) {
        int error = errno;

        fclose(stream);
        errno = error;
        return false;
    }
    if (fclose(stream) != 0)
        return false;
    return !w->temporary || rename(w->temporary, w->path) == 0;
}

enum plancl_status file_commit(struct file_writer *w,
                               const struct plancl_callbacks *cb)
{
    enum plancl_status status = PLANCL_OK;

    if (!commit(w)) {
        int error = errno;

        status = fail(cb, PLANCL_FAILED, "cannot write %s: %s", w->path,
                      error ? strerror(error) : "an earlier write failed");
        file_abandon(w);
        return status;
    }
    if (w->temporary)
        sync_folder(w->path);
    forget(w);
    return status;
}

void file_abandon(struct file_writer *w)
{
    if (w->stream)
        fclose(w->stream);
    if (w->temporary)
        unlink(w->temporary);
    forget(w);
}

enum plancl_status file_check(const char *path,
                              const struct plancl_callbacks *cb)
{
    struct file_writer w;
    struct stat st;
    enum plancl_status status;

    /* Opening a pipe would wait for its reader, or tell it of an end. */
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return PLANCL_OK;
    status = file_begin(&w, path, cb);
    if (!status)
        file_abandon(&w);
    return status;
}
