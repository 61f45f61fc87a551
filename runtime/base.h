/*
 * base.h: what compiler, data and runtime share: checked sizes, arenas,
 * messages.
 */
#ifndef RUNTIME_BASE_H
#define RUNTIME_BASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/plancl.h"

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* Products and sums that say when they do not fit; false on overflow. */
static inline bool mul_u64(uint64_t a, uint64_t b, uint64_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}
static inline bool add_u64(uint64_t a, uint64_t b, uint64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}
static inline uint64_t round_up_u64(uint64_t n, uint64_t to)
{
    return (n + to - 1) / to * to;
}

/*
 * Memory that is freed all at once.  Where it runs out, control returns to
 * the setjmp of whoever made the arena, so that nobody in between checks.
 */
struct arena {
    struct arena_chunk *chunk;
    uint64_t bytes; /* taken from malloc so far */
    jmp_buf *out_of_memory;
};
void arena_open(struct arena *, jmp_buf *out_of_memory);
void arena_close(struct arena *);
/* Zeroed, aligned to 64 bytes. */
void *arena_alloc(struct arena *, size_t count, size_t size);
char *arena_string(struct arena *, const char *);
char *arena_format(struct arena *, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vformat(struct arena *, const char *format, va_list);
#define ARENA_NEW(arena, type, n) ((type *)arena_alloc(arena, n, sizeof(type)))

/* A string that grows in an arena. */
struct text {
    struct arena *arena;
    char *s; /* never null once something was added */
    size_t len, cap;
};
void text_add(struct text *, const char *format, ...) PRINTF_LIKE(2, 3);
void text_bytes(struct text *, const char *, size_t);
/* Add all that is in a file. */
enum plancl_status text_file(struct text *, const char *path,
                             const struct plancl_callbacks *);
/* "12.30 MiB", for the eye; exact bytes stand beside it. */
void text_size(struct text *, uint64_t bytes);

/* Give a message and return the status, so that a refusal is one line. */
enum plancl_status fail(const struct plancl_callbacks *, enum plancl_status,
                        const char *format, ...) PRINTF_LIKE(3, 4);
void note(const struct plancl_callbacks *, enum plancl_severity,
          const char *format, ...) PRINTF_LIKE(3, 4);
/* True when the caller wants to stop. */
bool progress(const struct plancl_callbacks *, const char *stage, uint64_t done,
              uint64_t total);

/* SHA-256 (FIPS 180-4). */
struct sha256 {
    uint32_t h[8];
    uint64_t bytes;
    uint8_t block[64];
};
void sha256_init(struct sha256 *);
void sha256_add(struct sha256 *, const void *, size_t);
void sha256_hex(struct sha256 *, char hex[65]);

/* Write a whole file through a temporary one in the same folder and a rename,
 * so that the old file survives a failure. */
struct file_writer {
    void *stream; /* FILE * */
    char *temporary, *path;
};
enum plancl_status file_begin(struct file_writer *, const char *path,
                              const struct plancl_callbacks *);
enum plancl_status file_commit(struct file_writer *,
                               const struct plancl_callbacks *);
void file_abandon(struct file_writer *);
/* Could the file be written?  Asked before work whose result goes there; what
 * is no ordinary file is left alone. */
enum plancl_status file_check(const char *path,
                              const struct plancl_callbacks *);

#endif
