/*
 * safetensors_write.c: write named arrays to one file.
 *
 * The header is padded with spaces so that the data begins at a multiple of 64
 * bytes: readers that map the file then find every tensor aligned to its type.
 *
 * Offsets are known from the shapes alone, so the header is written first and
 * no seek is needed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/plan_io.h"
#include "runtime/safetensors.h"

enum { ALIGNMENT = 64, LENGTH_BYTES = 8 };

int safetensors_compare(const void *a, const void *b)
{
    const struct safetensors_tensor *s = a, *t = b;
    unsigned m = safetensors_bits(s->dtype), n = safetensors_bits(t->dtype);

    if (m != n)
        return m > n ? -1 : 1;
    return strcmp(s->name, t->name);
}

/* The caller's tensors are a plan's or a model's, whose sizes were checked. */
static uint64_t size_of(const struct safetensors_tensor *t)
{
    uint64_t bits = safetensors_bits(t->dtype);

    for (uint64_t i = 0; i < t->rank; i++)
        bits *= t->dim[i];
    return bits / 8;
}

static void add_metadata(struct text *x, const struct safetensors_pair *m)
{
    text_add(x, "\"__metadata__\":{");
    for (int i = 0; m[i].key; i++) {
        text_add(x, "%s", i ? "," : "");
        text_json_string(x, m[i].key);
        text_add(x, ":");
        text_json_string(x, m[i].value);
    }
    text_add(x, "}");
}

static void add_tensor(struct text *x, const struct safetensors_tensor *t)
{
    text_json_string(x, t->name);
    text_add(x, ":{\"dtype\":\"%s\",\"shape\":[", t->dtype);
    for (uint64_t i = 0; i < t->rank; i++)
        text_add(x, "%s%" PRIu64, i ? "," : "", t->dim[i]);
    text_add(x, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", t->begin,
             t->end);
}

static void add_header(struct text *x, const struct safetensors_tensor *t,
                       uint64_t n, const struct safetensors_pair *m)
{
    text_add(x, "{");
    if (m)
        add_metadata(x, m);
    for (uint64_t i = 0; i < n; i++) {
        text_add(x, "%s", i || m ? "," : "");
        add_tensor(x, &t[i]);
    }
    text_add(x, "}");
    while ((x->len + LENGTH_BYTES) % ALIGNMENT)
        text_add(x, " ");
}

static bool write_header(FILE *f, const struct text *x)
{
    unsigned char length[LENGTH_BYTES];

    for (int i = 0; i < LENGTH_BYTES; i++)
        length[i] = (unsigned char)((uint64_t)x->len >> 8 * i);
    return fwrite(length, 1, sizeof length, f) == sizeof length &&
           fwrite(x->s, 1, x->len, f) == x->len;
}

static enum plancl_status write_failed(struct safetensors_writer *w,
                                       const struct plancl_callbacks *cb)
{
    int error = errno;

    fail(cb, PLANCL_FAILED, "cannot write %s: %s", w->file.path,
         strerror(error));
    file_abandon(&w->file);
    return PLANCL_FAILED;
}

enum plancl_status safetensors_create(struct safetensors_writer *w,
                                      const char *path,
                                      struct safetensors_tensor *tensor,
                                      uint64_t ntensor,
                                      const struct safetensors_pair *metadata,
                                      const struct plancl_callbacks *cb)
{
    struct arena arena;
    struct text header = {.arena = &arena};
    jmp_buf out_of_memory;
    enum plancl_status status;
    bool ok;

    w->left = 0;
    for (uint64_t i = 0; i < ntensor; i++) {
        tensor[i].begin = w->left;
        w->left += size_of(&tensor[i]);
        tensor[i].end = w->left;
    }
    status = file_begin(&w->file, path, cb);
    if (status)
        return status;
    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&arena);
        file_abandon(&w->file);
        return fail(cb, PLANCL_MEMORY, "no host memory to write %s", path);
    }
    add_header(&header, tensor, ntensor, metadata);
    errno = 0;
    ok = write_header(w->file.stream, &header);
    arena_close(&arena);
    return ok ? PLANCL_OK : write_failed(w, cb);
}

enum plancl_status safetensors_add(struct safetensors_writer *w,
                                   const void *data, uint64_t bytes,
                                   const struct plancl_callbacks *cb)
{
    if (bytes > w->left) {
        fail(cb, PLANCL_REFUSED, "%s: more bytes than its tensors have",
             w->file.path);
        file_abandon(&w->file);
        return PLANCL_REFUSED;
    }
    w->left -= bytes;
    errno = 0;
    return fwrite(data, 1, bytes, w->file.stream) == bytes
               ? PLANCL_OK
               : write_failed(w, cb);
}

enum plancl_status safetensors_commit(struct safetensors_writer *w,
                                      const struct plancl_callbacks *cb)
{
    if (!w->left)
        return file_commit(&w->file, cb);
    fail(cb, PLANCL_REFUSED, "%s: %" PRIu64 " bytes of its tensors are missing",
         w->file.path, w->left);
    file_abandon(&w->file);
    return PLANCL_REFUSED;
}

void safetensors_abandon(struct safetensors_writer *w)
{
    file_abandon(&w->file);
}
