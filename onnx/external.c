/*
 * external.c: data of a tensor that lies in a file beside the model.
 *
 * The location comes from anywhere: it must be a relative path without "..",
 * and what it leads to, all links followed, an ordinary file below the model's
 * folder that has all the bytes.
 */
/* For realpath.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _XOPEN_SOURCE 700

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "onnx/constant.h"
#include "onnx/onnx.pb-c.h"

/* The value of a key, null where it is not given. */
static const char *entry(const Onnx__TensorProto *t, const char *key)
{
    for (size_t i = 0; i < t->n_external_data; i++) {
        const Onnx__StringStringEntryProto *e = t->external_data[i];

        if (e->key && e->value && strcmp(e->key, key) == 0)
            return e->value;
    }
    return NULL;
}

/* Digits alone; null is what is used without it. */
static bool number(const char *text, uint64_t dflt, uint64_t *value)
{
    *value = text ? 0 : dflt;
    if (text && !*text)
        return false;
    for (; text && *text; text++)
        if (*text < '0' || *text > '9' || !mul_u64(*value, 10, value) ||
            !add_u64(*value, (uint64_t)(*text - '0'), value))
            return false;
    return true;
}

/* Relative, and no part of it is "..". */
static bool is_inside(const char *path)
{
    if (!*path || *path == '/')
        return false;
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (!part[2] || part[2] == '/'))
            return false;
    }
    return true;
}

/* The file behind all links, or null where it is not below the folder. */
static const char *resolve(struct arena *a, const char *folder,
                           const char *location)
{
    char *base = realpath(folder, NULL);
    char *file = realpath(arena_format(a, "%s/%s", folder, location), NULL);
    size_t n = base ? strlen(base) : 0;
    const char *found = NULL;

    while (n && base[n - 1] == '/')
        n--;
    if (base && file && strncmp(base, file, n) == 0 && file[n] == '/')
        found = arena_string(a, file);
    free(base);
    free(file);
    return found;
}

/* Of the open file, so that it cannot be exchanged after the check. */
static const char *check_part(int fd, uint64_t from, uint64_t bytes)
{
    struct stat st;
    uint64_t end;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return "the file of its data is no ordinary file";
    if (!add_u64(from, bytes, &end) || end > (uint64_t)st.st_size)
        return "the file of its data ends before its data does";
    return NULL;
}

/* pread may give less than it was asked for. */
static const char *read_part(int fd, uint64_t from, uint8_t *to, uint64_t bytes)
{
    while (bytes) {
        ssize_t n = pread(fd, to, bytes, (off_t)from);

        if (n <= 0)
            return "the file of its data cannot be read";
        to += n;
        from += (uint64_t)n;
        bytes -= (uint64_t)n;
    }
    return NULL;
}

/* Every check has its message set before it: a null path, number or descriptor
 * then needs no other.  O_NONBLOCK: opening a pipe would wait for a writer. */
const uint8_t *external_read(struct arena *a, const struct Onnx__TensorProto *t,
                             const char *folder, uint64_t bytes,
                             const char **wrong)
{
    const char *location = entry(t, "location"), *path;
    uint64_t offset, length;
    uint8_t *to = NULL;
    int fd;

    *wrong = "its data lies in a file, but not in one below the model's folder";
    if (!folder || !location || !is_inside(location))
        return NULL;
    path = resolve(a, folder, location);
    if (!path)
        return NULL;
    *wrong = "the place of its data is no number, or its length is not as its "
             "shape says";
    if (!number(entry(t, "offset"), 0, &offset) ||
        !number(entry(t, "length"), bytes, &length) || length != bytes ||
        offset > INT64_MAX)
        return NULL;
    *wrong = "the file of its data cannot be opened";
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    *wrong = check_part(fd, offset, bytes);
    if (!*wrong) {
        to = arena_alloc(a, (size_t)bytes + 1, 1);
        *wrong = read_part(fd, offset, to, bytes);
    }
    close(fd);
    return *wrong ? NULL : to;
}
