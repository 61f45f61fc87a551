/*
 * text.c: a string that grows in an arena.
 *
 * It doubles when it is full and leaves the old copy to the arena.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base.h"

enum { FIRST_CAPACITY = 256 };

/* Room for len more bytes and a final zero. */
static void make_room(struct text *t, size_t len)
{
    size_t cap = t->cap ? t->cap : FIRST_CAPACITY;
    char *s;

    if (t->s && len < t->cap - t->len)
        return;
    while (cap - t->len <= len && cap <= SIZE_MAX / 2)
        cap *= 2;
    if (cap - t->len <= len)
        longjmp(*t->arena->out_of_memory, 1);
    s = arena_alloc(t->arena, cap, 1);
    if (t->s)
        memcpy(s, t->s, t->len);
    t->s = s;
    t->cap = cap;
}

void text_bytes(struct text *t, const char *bytes, size_t len)
{
    make_room(t, len);
    if (len)
        memcpy(t->s + t->len, bytes, len);
    t->len += len;
    t->s[t->len] = '\0';
}

enum plancl_status text_file(struct text *t, const char *path,
                             const struct plancl_callbacks *cb)
{
    FILE *f = fopen(path, "rb");
    char part[4096];
    size_t n;
    int error;

    if (!f)
        return fail(cb, PLANCL_FAILED, "%s: %s", path, strerror(errno));
    text_bytes(t, "", 0);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        text_bytes(t, part, n);
    error = ferror(f) ? errno : 0;
    fclose(f);
    return error ? fail(cb, PLANCL_FAILED, "%s: %s", path, strerror(error))
                 : PLANCL_OK;
}

/* Formatted in place at first; only what does not fit is formatted twice. */
void text_add(struct text *t, const char *format, ...)
{
    va_list args;
    int len;

    make_room(t, 0);
    va_start(args, format);
    len = vsnprintf(t->s + t->len, t->cap - t->len, format, args);
    va_end(args);
    if (len < 0)
        longjmp(*t->arena->out_of_memory, 1);
    if ((size_t)len >= t->cap - t->len) {
        make_room(t, (size_t)len);
        va_start(args, format);
        vsnprintf(t->s + t->len, t->cap - t->len, format, args);
        va_end(args);
    }
    t->len += (size_t)len;
}

void text_size(struct text *t, uint64_t bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double x = (double)bytes;
    int u = 0;

    for (; x >= 1024 && u < 4; u++)
        x /= 1024;
    text_add(t, u ? "%.2f %s" : "%.0f %s", x, unit[u]);
}
