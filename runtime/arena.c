/*
 * arena.c: memory that is freed all at once.
 *
 * Allocations are cut from chunks that grow with the arena.  Under the address
 * sanitizer each allocation is a chunk of its own and of its exact size, or an
 * overrun would fall into its neighbour unseen.
 *
 * Who makes an arena sets a jmp_buf, and everything below asks for memory
 * without looking: a failed malloc jumps there.  Objects hold no pointers to be
 * freed, so nothing leaks on the way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_APART 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_APART 1
#endif
#endif
#ifndef ARENA_APART
#define ARENA_APART 0
#endif

enum {
    ALIGNMENT = 64,
    SMALLEST_CHUNK = 1 << 16,
    LARGEST_CHUNK = 1 << 22 /* but for a single larger allocation */
};

/* The memory itself follows, ALIGNMENT bytes after the start. */
struct arena_chunk {
    struct arena_chunk *next;
    size_t used, cap;
};

static _Noreturn void exhausted(struct arena *a)
{
    longjmp(*a->out_of_memory, 1);
}

/* As large as all chunks so far, within bounds: an arena of n bytes takes O(log
 * n) calls of malloc while it is small and wastes less than half. */
static size_t chunk_size(const struct arena *a, size_t need)
{
    size_t size = LARGEST_CHUNK;

    if (ARENA_APART)
        return need;
    if (a->bytes < size)
        size = (size_t)a->bytes;
    if (size < SMALLEST_CHUNK)
        size = SMALLEST_CHUNK;
    return need > size ? need : size;
}

static void add_chunk(struct arena *a, size_t need)
{
    size_t cap = chunk_size(a, need);
    void *memory = NULL;
    struct arena_chunk *c;

    if (posix_memalign(&memory, ALIGNMENT, ALIGNMENT + cap) != 0)
        exhausted(a);
    c = memory;
    c->next = a->chunk;
    c->used = 0;
    c->cap = cap;
    a->chunk = c;
    a->bytes += ALIGNMENT + cap;
}

void arena_open(struct arena *a, jmp_buf *out_of_memory)
{
    a->chunk = NULL;
    a->bytes = 0;
    a->out_of_memory = out_of_memory;
}

void arena_close(struct arena *a)
{
    struct arena_chunk *c = a->chunk;

    while (c) {
        struct arena_chunk *next = c->next;

        free(c);
        c = next;
    }
    a->chunk = NULL;
    a->bytes = 0;
}

/* What is left in a chunk that is too small stays unused.  SIZE_MAX / 2 leaves
 * room for the rounding and the chunk's head. */
void *arena_alloc(struct arena *a, size_t count, size_t size)
{
    struct arena_chunk *c = a->chunk;
    uint64_t need;
    char *p;

    if (!mul_u64(count, size, &need) || need > SIZE_MAX / 2)
        exhausted(a);
    if (!ARENA_APART)
        need = round_up_u64(need, ALIGNMENT);
    if (ARENA_APART || !c || c->cap - c->used < need) {
        add_chunk(a, (size_t)need);
        c = a->chunk;
    }
    p = (char *)c + ALIGNMENT + c->used;
    c->used += (size_t)need;
    return memset(p, 0, (size_t)need);
}

char *arena_string(struct arena *a, const char *s)
{
    size_t size = strlen(s) + 1;

    return memcpy(arena_alloc(a, size, 1), s, size);
}

char *arena_vformat(struct arena *a, const char *format, va_list args)
{
    va_list again;
    char *s;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0)
        exhausted(a);
    s = arena_alloc(a, (size_t)len + 1, 1);
    vsnprintf(s, (size_t)len + 1, format, args);
    return s;
}

char *arena_format(struct arena *a, const char *format, ...)
{
    va_list args;
    char *s;

    va_start(args, format);
    s = arena_vformat(a, format, args);
    va_end(args);
    return s;
}
