/*
 * safetensors.c: read named arrays from one file.
 *
 * The file: 8 bytes of header length, little-endian; the header, JSON; the
 * tensors, one after another without holes.  Offsets need not be aligned, so
 * nothing here casts.
 *
 * Sorting by offset makes one walk enough to see that tensors neither overlap
 * nor leave holes; sorting by name that none is there twice.
 */
#include "runtime/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const uint64_t largest_header = 100000000;

static const struct {
    const char *name;
    unsigned bits;
} dtypes[] = {
    {"BOOL", 8},    {"U8", 8},          {"I8", 8},          {"I16", 16},
    {"U16", 16},    {"F16", 16},        {"BF16", 16},       {"I32", 32},
    {"U32", 32},    {"F32", 32},        {"F64", 64},        {"I64", 64},
    {"U64", 64},    {"C64", 64},        {"F8_E4M3", 8},     {"F8_E5M2", 8},
    {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F4", 4},
    {"F6_E2M3", 6}, {"F6_E3M2", 6},     {NULL, 0},
};

unsigned safetensors_bits(const char *dtype)
{
    int i = 0;

    while (dtypes[i].name && strcmp(dtypes[i].name, dtype) != 0)
        i++;
    return dtypes[i].bits;
}

const char *safetensors_dtype(enum dtype t)
{
    static const char *const name[] = {
        [DT_NONE] = "",   [DT_F32] = "F32",   [DT_F16] = "F16",
        [DT_I32] = "I32", [DT_I64] = "I64",   [DT_U8] = "U8",
        [DT_I8] = "I8",   [DT_BOOL] = "BOOL",
    };

    return name[t];
}

/* ---- checks ---- */

static int by_name(const void *a, const void *b)
{
    const struct safetensors_tensor *s = a, *t = b;

    return strcmp(s->name, t->name);
}

static int by_offset(const void *a, const void *b)
{
    const struct safetensors_tensor *s = a, *t = b;

    if (s->begin != t->begin)
        return s->begin < t->begin ? -1 : 1;
    if (s->end != t->end)
        return s->end < t->end ? -1 : 1;
    return strcmp(s->name, t->name);
}

static int by_key(const void *a, const void *b)
{
    const struct safetensors_pair *s = a, *t = b;

    return strcmp(s->key, t->key);
}

/* A zero dimension makes the tensor empty, but hides no overflow before it. */
static const char *check_size(struct arena *a,
                              const struct safetensors_tensor *t)
{
    uint64_t bits = safetensors_bits(t->dtype), count = 1, size;

    if (!bits)
        return arena_format(a, "%s: unknown dtype \"%s\"", t->name, t->dtype);
    for (uint64_t i = 0; i < t->rank; i++)
        if (!mul_u64(count, t->dim[i], &count))
            return arena_format(a, "%s: the shape overflows 64 bits", t->name);
    if (!mul_u64(count, bits, &size))
        return arena_format(a, "%s: the size overflows 64 bits", t->name);
    if (size % 8)
        return arena_format(a, "%s: does not fill whole bytes", t->name);
    if (t->end < t->begin)
        return arena_format(a, "%s: ends before it begins", t->name);
    if (t->end - t->begin != size / 8)
        return arena_format(a,
                            "%s: has %" PRIu64 " bytes, dtype and shape take "
                            "%" PRIu64,
                            t->name, t->end - t->begin, size / 8);
    return NULL;
}

/* O(n log n), since a file may hold many thousand tensors. */
static const char *check_names(struct safetensors *st)
{
    const struct safetensors_tensor *t = st->tensor;
    const struct safetensors_pair *m = st->metadata;

    if (st->ntensor)
        qsort(st->tensor, st->ntensor, sizeof *st->tensor, by_name);
    for (uint64_t i = 1; i < st->ntensor; i++)
        if (!strcmp(t[i - 1].name, t[i].name))
            return arena_format(&st->arena, "%s: is there twice", t[i].name);
    if (st->nmetadata)
        qsort(st->metadata, st->nmetadata, sizeof *st->metadata, by_key);
    for (uint64_t i = 1; i < st->nmetadata; i++)
        if (!strcmp(m[i - 1].key, m[i].key))
            return arena_format(&st->arena, "__metadata__: %s is there twice",
                                m[i].key);
    return NULL;
}

const char *safetensors_check(struct safetensors *st, uint64_t bytes)
{
    const char *error = check_names(st);
    uint64_t at = 0;

    if (st->ntensor)
        qsort(st->tensor, st->ntensor, sizeof *st->tensor, by_offset);
    for (uint64_t i = 0; i < st->ntensor && !error; i++) {
        const struct safetensors_tensor *t = &st->tensor[i];

        if (t->begin != at)
            return arena_format(&st->arena,
                                "%s: begins at %" PRIu64 ", the tensor before "
                                "it ends at %" PRIu64,
                                t->name, t->begin, at);
        error = check_size(&st->arena, t);
        at = t->end;
    }
    if (!error && at != bytes)
        error = arena_format(
            &st->arena, "the tensors end at %" PRIu64 " of %" PRIu64 " bytes",
            at, bytes);
    return error;
}

/* ---- files ---- */

static uint64_t little_endian(const unsigned char b[8])
{
    uint64_t n = 0;

    for (int i = 7; i >= 0; i--)
        n = n << 8 | b[i];
    return n;
}

static enum plancl_status refuse(const struct safetensors *st,
                                 const struct plancl_callbacks *cb,
                                 const char *what)
{
    return fail(cb, PLANCL_REFUSED, "%s: no good safetensors file: %s",
                st->path, what);
}

static enum plancl_status failed(const struct safetensors *st,
                                 const struct plancl_callbacks *cb)
{
    return fail(cb, PLANCL_FAILED, "cannot read %s: %s", st->path,
                errno ? strerror(errno) : "it ends too early");
}

static bool read_all(FILE *f, void *to, uint64_t bytes)
{
    errno = 0;
    return fread(to, 1, bytes, f) == bytes;
}

/* Only a regular file has a size to check the header against. */
static enum plancl_status open_stream(struct safetensors *st,
                                      const struct plancl_callbacks *cb)
{
    struct stat status;

    errno = 0;
    st->stream = fopen(st->path, "rb");
    if (!st->stream || fstat(fileno(st->stream), &status))
        return failed(st, cb);
    if (!S_ISREG(status.st_mode))
        return refuse(st, cb, "it is not a regular file");
    st->bytes = (uint64_t)status.st_size;
    return PLANCL_OK;
}

/* Lengths from the file are compared with the file's size before memory is
 * asked for them. */
static enum plancl_status read_header(struct safetensors *st,
                                      const struct plancl_callbacks *cb)
{
    unsigned char length[8];
    uint64_t n;
    char *text;
    const char *error, *unknown = NULL;
    enum plancl_status status = open_stream(st, cb);

    if (status)
        return status;
    if (st->bytes < sizeof length)
        return refuse(st, cb, "it is shorter than 8 bytes");
    if (!read_all(st->stream, length, sizeof length))
        return failed(st, cb);
    n = little_endian(length);
    if (n > largest_header)
        return refuse(st, cb, "the header is longer than 100 MB");
    if (n > st->bytes - sizeof length)
        return refuse(st, cb, "the header is longer than the file");
    text = arena_alloc(&st->arena, n + 1, 1);
    if (!read_all(st->stream, text, n))
        return failed(st, cb);

    st->data = sizeof length + n;
    error = safetensors_parse(text, n, st, &unknown);
    if (!error)
        error = safetensors_check(st, st->bytes - st->data);
    if (error)
        return refuse(st, cb, error);
    if (unknown)
        note(cb, PLANCL_WARNING,
             "%s: the unknown field \"%s\" of a tensor is not used", st->path,
             unknown);
    return PLANCL_OK;
}

/* Owns the stream and the arena until safetensors_close(); after a refusal
 * nothing is left to close. */
enum plancl_status safetensors_open(const char *path,
                                    const struct plancl_callbacks *cb,
                                    struct safetensors *st)
{
    jmp_buf out_of_memory;
    enum plancl_status status;

    *st = (struct safetensors){.path = path};
    arena_open(&st->arena, &out_of_memory);
    if (setjmp(out_of_memory))
        status = fail(cb, PLANCL_MEMORY, "no host memory to read %s", path);
    else
        status = read_header(st, cb);
    if (status)
        safetensors_close(st);
    return status;
}

void safetensors_close(struct safetensors *st)
{
    if (st->stream)
        fclose(st->stream);
    arena_close(&st->arena);
    *st = (struct safetensors){0};
}

/* Linear: used once for each tensor of a plan, of which there are hundreds. */
const struct safetensors_tensor *safetensors_find(const struct safetensors *st,
                                                  const char *name)
{
    for (uint64_t i = 0; i < st->ntensor; i++)
        if (!strcmp(st->tensor[i].name, name))
            return &st->tensor[i];
    return NULL;
}

const char *safetensors_metadata(const struct safetensors *st, const char *key)
{
    for (uint64_t i = 0; i < st->nmetadata; i++)
        if (!strcmp(st->metadata[i].key, key))
            return st->metadata[i].value;
    return NULL;
}

enum plancl_status safetensors_read(struct safetensors *st,
                                    const struct safetensors_tensor *t,
                                    uint64_t at, void *to, uint64_t bytes,
                                    const struct plancl_callbacks *cb)
{
    errno = 0;
    if (fseeko(st->stream, (off_t)(st->data + t->begin + at), SEEK_SET) ||
        !read_all(st->stream, to, bytes))
        return failed(st, cb);
    return PLANCL_OK;
}
