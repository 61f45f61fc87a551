/*
 * weights.c: parameters and state to and from safetensors files, and their
 * hash.
 *
 * Files and hashes hold the user's order, so they do not depend on how a plan
 * stores its tensors.  A file is checked whole before the first tensor of the
 * session changes.
 *
 * Memory: one chunk of a tensor at a time, or the staging for one that is
 * permuted, both part of the session's block; only the lists of names in
 * messages take more.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/plan_io.h"
#include "runtime/safetensors.h"
#include "runtime/session_state.h"
#include "runtime/tensors.h"

/* ---- out ---- */

/* Who takes the bytes of tensors, piece by piece. */
struct sink {
    enum plancl_status (*take)(void *context, const void *data, uint64_t bytes);
    void *context;
};

/* Through the chunk; a permuted tensor comes to the staging first. */
static enum plancl_status send_tensor(struct plancl_session *s,
                                      const struct plan_tensor *t,
                                      const struct sink *sink)
{
    uint64_t bytes = tensor_bytes(t), size = dtype_bytes((enum dtype)t->dtype);
    bool permuted = tensor_permuted(t);
    enum plancl_status status = PLANCL_OK;

    if (permuted)
        status = tensor_from_device(s, t, 0, s->staging, bytes);
    for (uint64_t at = 0, n; at < bytes && !status; at += n) {
        n = bytes - at < CHUNK_BYTES ? bytes - at : CHUNK_BYTES;
        if (permuted)
            tensor_gather(t, s->staging, at / size, n / size, s->chunk);
        else
            status = tensor_from_device(s, t, at, s->chunk, n);
        if (!status)
            status = sink->take(sink->context, s->chunk, n);
    }
    return status;
}

static enum plancl_status take_hash(void *context, const void *data,
                                    uint64_t bytes)
{
    sha256_add(context, data, bytes);
    return PLANCL_OK;
}

enum plancl_status plancl_weights_hash(struct plancl_session *s, char hex[65])
{
    const struct plan *p = s->plan;
    struct sha256 h;
    struct sink sink = {take_hash, &h};
    enum plancl_status status = session_usable(s);

    sha256_init(&h);
    for (uint32_t i = 0; i < p->ntensor && !status; i++) {
        const char *name = plan_string(p, p->tensor[i].name);

        if (!session_saves(p, &p->tensor[i]))
            continue;
        sha256_add(&h, name, strlen(name) + 1);
        status = send_tensor(s, &p->tensor[i], &sink);
    }
    if (!status)
        sha256_hex(&h, hex);
    return status;
}

struct save {
    struct safetensors_writer w;
    const struct plancl_callbacks *cb;
    bool written; /* false once the writer failed and cleaned up */
};

static enum plancl_status take_save(void *context, const void *data,
                                    uint64_t bytes)
{
    struct save *save = context;
    enum plancl_status status = safetensors_add(&save->w, data, bytes,
                                                save->cb);

    save->written = !status;
    return status;
}

/* Fills s->saved, in the order of the file. */
static uint64_t list_saved(struct plancl_session *s)
{
    const struct plan *p = s->plan;
    uint64_t n = 0;

    for (uint32_t i = 0; i < p->ntensor; i++) {
        const struct plan_tensor *t = &p->tensor[i];

        if (!session_saves(p, t))
            continue;
        memcpy(s->saved_dim[n], t->dim, sizeof s->saved_dim[n]);
        s->saved[n] = (struct safetensors_tensor){
            .name = plan_string(p, t->name),
            .dtype = safetensors_dtype((enum dtype)t->dtype),
            .rank = t->rank,
            .dim = s->saved_dim[n]};
        n++;
    }
    qsort(s->saved, n, sizeof *s->saved, safetensors_compare);
    return n;
}

/* In the order of the header: by falling size of an element, then by name. */
static enum plancl_status save_tensors(struct plancl_session *s,
                                       struct save *save, uint64_t n)
{
    struct sink sink = {take_save, save};
    enum plancl_status status = PLANCL_OK;

    for (uint64_t i = 0; i < n && !status; i++) {
        int64_t k = tensor_find(s->plan, s->saved[i].name);

        status = send_tensor(s, &s->plan->tensor[k], &sink);
    }
    if (!status)
        return safetensors_commit(&save->w, &s->cb);
    if (save->written)
        safetensors_abandon(&save->w);
    return status;
}

enum plancl_status plancl_weights_save(struct plancl_session *s,
                                       const char *path)
{
    struct save save = {.cb = &s->cb, .written = true};
    char updates[24];
    struct safetensors_pair metadata[] = {
        {"model", plan_string(s->plan, s->plan->name)},
        {"numerics", s->plan->numerics},
        {"plancl", plancl_version()},
        {"updates", updates},
        {NULL, NULL},
    };
    enum plancl_status status = session_usable(s);
    uint64_t n;

    if (status)
        return status;
    snprintf(updates, sizeof updates, "%" PRIu64, s->updates);
    n = list_saved(s);
    status = safetensors_create(&save.w, path, s->saved, n, metadata, &s->cb);
    return status ? status : save_tensors(s, &save, n);
}

/* ---- in ---- */

/* Names for a message; text is null while there are none. */
struct names {
    struct text text;
    unsigned count;
    unsigned most; /* to show; 0: all */
};

struct comparison {
    struct names missing; /* parameters of the plan */
    struct names shaped;  /* found, with another shape or type */
    struct names state;   /* state of the plan that the file lacks */
    struct names extra;   /* tensors of the file that the plan lacks */
    unsigned optimizer;   /* tensors of the optimizer that the file has */
};

enum { SHORT_LIST = 10 };

/* Where the text goes on; false if the name is only counted. */
static bool next_name(struct names *list)
{
    if (list->most && list->count >= list->most) {
        list->count++;
        return false;
    }
    if (list->count++)
        text_add(&list->text, ", ");
    return true;
}

static void add_name(struct names *list, const char *name)
{
    if (next_name(list))
        text_add(&list->text, "%s", name);
}

/* " and N more", or nothing. */
static const char *and_more(const struct names *list, char text[32])
{
    text[0] = 0;
    if (list->most && list->count > list->most)
        snprintf(text, 32, " and %u more", list->count - list->most);
    return text;
}

static void add_shape(struct text *text, const char *dtype, uint64_t rank,
                      const uint64_t *dim)
{
    text_add(text, "%s [", dtype);
    for (uint64_t i = 0; i < rank; i++)
        text_add(text, "%s%" PRIu64, i ? "," : "", dim[i]);
    text_add(text, "]");
}

static bool fits(const struct plan_tensor *t,
                 const struct safetensors_tensor *in)
{
    return !strcmp(in->dtype, safetensors_dtype((enum dtype)t->dtype)) &&
           in->rank == t->rank &&
           (!t->rank || !memcmp(in->dim, t->dim, t->rank * sizeof *t->dim));
}

static void add_unfit(struct names *list, const struct plan_tensor *t,
                      const struct safetensors_tensor *in)
{
    if (!next_name(list))
        return;
    text_add(&list->text, "%s is ", in->name);
    add_shape(&list->text, in->dtype, in->rank, in->dim);
    text_add(&list->text, ", the plan has ");
    add_shape(&list->text, safetensors_dtype((enum dtype)t->dtype), t->rank,
              t->dim);
}

static void compare_tensor(const struct plan *p, const struct plan_tensor *t,
                           const struct safetensors *st, struct comparison *c)
{
    const char *name = plan_string(p, t->name);
    const struct safetensors_tensor *in = safetensors_find(st, name);

    if (in && !fits(t, in))
        add_unfit(&c->shaped, t, in);
    else if (!in && p->buffer[t->buffer].kind == PLAN_PARAMETER)
        add_name(&c->missing, name);
    else if (!in)
        add_name(&c->state, name);
    else
        c->optimizer += session_optimizes(p, t);
}

/* Every tensor of the plan is looked up in the file, and every one of the file
 * in the plan. */
static void compare(const struct plan *p, const struct safetensors *st,
                    struct comparison *c)
{
    for (uint32_t i = 0; i < p->ntensor; i++)
        if (session_saves(p, &p->tensor[i]))
            compare_tensor(p, &p->tensor[i], st, c);
    for (uint64_t i = 0; i < st->ntensor; i++) {
        int64_t k = tensor_find(p, st->tensor[i].name);

        if (k < 0 || !session_saves(p, &p->tensor[k]))
            add_name(&c->extra, st->tensor[i].name);
    }
}

static bool partial(const struct comparison *c)
{
    return c->missing.count || c->shaped.count;
}

/* Moments mean nothing without the count of updates that made them, and one
 * count serves all parameters: so unless the file has everything, the optimizer
 * starts anew, count and all. */
static bool anew(const struct comparison *c)
{
    return c->state.count || partial(c);
}

/* All that does not fit, in one message: the counts, then the names. */
static enum plancl_status refuse(const struct plancl_session *s,
                                 const struct safetensors *st,
                                 const struct comparison *c)
{
    struct text all = {.arena = c->missing.text.arena};

    text_add(&all,
             "%s does not fit the plan: %u missing, %u of another shape or "
             "type; %u not in the plan",
             st->path, c->missing.count, c->shaped.count, c->extra.count);
    if (c->missing.count)
        text_add(&all, "; missing: %s", c->missing.text.s);
    if (c->shaped.count)
        text_add(&all, "; of another shape or type: %s", c->shaped.text.s);
    if (c->extra.count)
        text_add(&all, "; not in the plan are: %s", c->extra.text.s);
    return fail(&s->cb, PLANCL_REFUSED, "%s", all.s);
}

static void report_partial(const struct plancl_session *s,
                           const struct safetensors *st,
                           const struct comparison *c)
{
    if (c->missing.count) {
        char more[32];

        note(&s->cb, PLANCL_NOTE,
             "%s: %u parameters of the plan are missing and keep their first "
             "values: %s%s",
             st->path, c->missing.count, c->missing.text.s,
             and_more(&c->missing, more));
    }
    if (c->shaped.count)
        note(&s->cb, PLANCL_WARNING,
             "%s: %u tensors have another shape or type and keep their first "
             "values: %s",
             st->path, c->shaped.count, c->shaped.text.s);
}

static void report(const struct plancl_session *s, const struct safetensors *st,
                   const struct comparison *c)
{
    const char *numerics = safetensors_metadata(st, "numerics");
    char more[32];

    report_partial(s, st, c);
    if (anew(c) && c->optimizer)
        note(&s->cb, PLANCL_NOTE,
             "%s: not all of the plan is there, so the optimizer starts anew: "
             "%u tensors of its state are not used, updates count from 0",
             st->path, c->optimizer);
    if (c->extra.count)
        note(&s->cb, PLANCL_NOTE, "%s: %u not in the plan, so not used: %s%s",
             st->path, c->extra.count, c->extra.text.s,
             and_more(&c->extra, more));
    if (c->state.count)
        note(&s->cb, PLANCL_NOTE,
             "%s: state that is not in the file starts anew: %s%s", st->path,
             c->state.text.s, and_more(&c->state, more));
    else if (numerics && strcmp(numerics, s->plan->numerics) != 0)
        note(&s->cb, PLANCL_NOTE,
             "%s: was saved by a plan with other numerics: going on from it "
             "is right, but not bit for bit what that plan would do",
             st->path);
}

/* Compares, and says what came of it; the texts live in the arena. */
static enum plancl_status check(const struct plancl_session *s,
                                const struct safetensors *st,
                                const struct plancl_weights_options *o,
                                struct arena *arena, struct comparison *c)
{
    const bool allow = o && o->allow_missing;
    const struct names all = {.text = {.arena = arena}};
    const struct names few = {.text = {.arena = arena}, .most = SHORT_LIST};

    *c = (struct comparison){all, all, few, all, 0};
    compare(s->plan, st, c);
    if (partial(c) && !allow)
        return refuse(s, st, c);
    /* Nothing is refused: the long lists are made again, short. */
    *c = (struct comparison){few, all, few, few, 0};
    compare(s->plan, st, c);
    report(s, st, c);
    return PLANCL_OK;
}

/* A tensor's bytes from the file to the device. */
static enum plancl_status load_tensor(struct plancl_session *s,
                                      const struct plan_tensor *t,
                                      struct safetensors *st,
                                      const struct safetensors_tensor *in)
{
    uint64_t bytes = tensor_bytes(t), size = dtype_bytes((enum dtype)t->dtype);
    bool permuted = tensor_permuted(t);
    enum plancl_status status = PLANCL_OK;

    for (uint64_t at = 0, n; at < bytes && !status; at += n) {
        n = bytes - at < CHUNK_BYTES ? bytes - at : CHUNK_BYTES;
        status = safetensors_read(st, in, at, s->chunk, n, &s->cb);
        if (status)
            break;
        if (permuted)
            tensor_scatter(t, s->staging, at / size, n / size, s->chunk);
        else
            status = tensor_to_device(s, t, at, s->chunk, n);
    }
    if (permuted && !status)
        status = tensor_to_device(s, t, 0, s->staging, bytes);
    return status;
}

static enum plancl_status load_tensors(struct plancl_session *s,
                                       struct safetensors *st,
                                       const struct comparison *c)
{
    const struct plan *p = s->plan;
    enum plancl_status status = PLANCL_OK;

    for (uint32_t i = 0; i < p->ntensor && !status; i++) {
        const struct plan_tensor *t = &p->tensor[i];
        const struct safetensors_tensor *in = safetensors_find(
            st, plan_string(p, t->name));

        if (anew(c) && session_optimizes(p, t))
            continue;
        if (in && session_saves(p, t) && fits(t, in))
            status = load_tensor(s, t, st, in);
    }
    /* Half of one file's weights and half of another's are no weights. */
    if (status)
        s->failed = true;
    return status;
}

static uint64_t updates_in(const struct safetensors *st,
                           const struct comparison *c)
{
    const char *text = safetensors_metadata(st, "updates");
    unsigned long long updates;
    char *end;

    if (!text || anew(c) || *text < '0' || *text > '9')
        return 0;
    errno = 0;
    updates = strtoull(text, &end, 10);
    return *end || errno ? 0 : updates;
}

/* What the file does not have is drawn anew first, so the result does not
 * depend on what the session did before. */
static enum plancl_status load_file(struct plancl_session *s,
                                    struct safetensors *st,
                                    const struct comparison *c)
{
    enum plancl_status status = PLANCL_OK;

    if (anew(c))
        status = plancl_init(s);
    if (!status)
        status = load_tensors(s, st, c);
    if (status)
        return status;
    s->updates = updates_in(st, c);
    return plancl_weights_changed(s);
}

/* The comparison's texts take memory of their own. */
static enum plancl_status load_checked(struct plancl_session *s,
                                       struct safetensors *st,
                                       const struct plancl_weights_options *o)
{
    struct comparison c = {0};
    struct arena arena;
    jmp_buf out_of_memory;
    enum plancl_status status;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory))
        status = fail(&s->cb, PLANCL_MEMORY, "no host memory to compare %s",
                      st->path);
    else
        status = check(s, st, o, &arena, &c);
    arena_close(&arena);
    return status ? status : load_file(s, st, &c);
}

enum plancl_status
plancl_weights_load_with(struct plancl_session *s, const char *path,
                         const struct plancl_weights_options *options)
{
    struct safetensors st;
    enum plancl_status status = session_usable(s);

    if (!status)
        status = safetensors_open(path, &s->cb, &st);
    if (status)
        return status;
    status = load_checked(s, &st, options);
    safetensors_close(&st);
    return status;
}

enum plancl_status plancl_weights_load(struct plancl_session *s,
                                       const char *path)
{
    return plancl_weights_load_with(s, path, NULL);
}
