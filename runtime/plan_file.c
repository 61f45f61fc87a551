/*
 * plan_file.c: plans from and to files.
 *
 * A loaded plan is verified before anybody sees it.  See plan_io.h for what
 * that does not promise.
 *
 * A file is read whole before anything is parsed, since its digest covers all
 * of it; it may be a pipe, so its size is not asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/plan_io.h"

/* Messages about a file's content name the file. */
struct naming {
    const struct plancl_callbacks *to;
    const char *path;
};

/* Messages of the reader and the verifier know no file; here they get one. */
static void name_message(void *context, const struct plancl_message *message)
{
    const struct naming *n = context;
    struct plancl_message m = *message;

    m.file = n->path;
    n->to->message(n->to->context, &m);
}

/* A file while it grows in memory. */
struct content {
    char *bytes;
    size_t len, cap;
};

static bool make_room(struct content *c)
{
    size_t cap = c->cap ? 2 * c->cap : 1 << 16;
    char *bytes = cap > c->cap ? realloc(c->bytes, cap) : NULL;

    if (!bytes)
        return false;
    c->bytes = bytes;
    c->cap = cap;
    return true;
}

static enum plancl_status read_stream(FILE *f, const char *path,
                                      const struct plancl_callbacks *cb,
                                      struct content *c)
{
    size_t got;

    do {
        if (c->len == c->cap && !make_room(c))
            return fail(cb, PLANCL_MEMORY, "no memory to read %s", path);
        got = fread(c->bytes + c->len, 1, c->cap - c->len, f);
        c->len += got;
    } while (got > 0);
    if (ferror(f))
        return fail(cb, PLANCL_FAILED, "cannot read %s: %s", path,
                    strerror(errno));
    return PLANCL_OK;
}

static enum plancl_status read_whole(const char *path,
                                     const struct plancl_callbacks *cb,
                                     struct content *c)
{
    FILE *f = fopen(path, "rb");
    enum plancl_status status;

    if (!f)
        return fail(cb, PLANCL_FAILED, "cannot read %s: %s", path,
                    strerror(errno));
    status = read_stream(f, path, cb, c);
    fclose(f);
    return status;
}

static enum plancl_status read_and_verify(const struct content *c,
                                          const struct plancl_callbacks *cb,
                                          struct plancl_plan **plan)
{
    struct plancl_plan *read = NULL;
    enum plancl_status status = plan_json_read(c->bytes, c->len, cb, &read);

    if (status)
        return status;
    status = plan_verify(&read->plan, cb);
    if (status) {
        plancl_plan_free(read);
        return status;
    }
    *plan = read;
    return PLANCL_OK;
}

enum plancl_status plancl_plan_load(const char *path,
                                    const struct plancl_callbacks *cb,
                                    struct plancl_plan **plan)
{
    struct naming naming = {cb, path};
    struct plancl_callbacks named = {&naming, NULL, NULL};
    struct content content = {0};
    enum plancl_status status = read_whole(path, cb, &content);

    if (cb && cb->message)
        named.message = name_message;
    if (!status)
        status = read_and_verify(&content, &named, plan);
    free(content.bytes);
    return status;
}

/* What is written, apart from the setjmp, so that no local variable lives
 * across it. */
static enum plancl_status write_text(const struct plan *p, struct arena *a,
                                     const char *path,
                                     const struct plancl_callbacks *cb)
{
    struct text text = {.arena = a};
    struct file_writer w;
    enum plancl_status status;

    plan_json_write(p, &text);
    status = file_begin(&w, path, cb);
    if (status)
        return status;
    /* A short write leaves the stream's error flag for file_commit. */
    fwrite(text.s, 1, text.len, w.stream);
    return file_commit(&w, cb);
}

enum plancl_status plancl_plan_save(const struct plancl_plan *plan,
                                    const char *path,
                                    const struct plancl_callbacks *cb)
{
    jmp_buf out_of_memory;
    struct arena arena;
    enum plancl_status status;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&arena);
        return fail(cb, PLANCL_MEMORY, "no memory to write %s", path);
    }
    status = write_text(&plan->plan, &arena, path, cb);
    arena_close(&arena);
    return status;
}
