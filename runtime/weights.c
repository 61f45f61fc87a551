/*
 * weights.c: parameters and state to and from safetensors files, and their
 * hash.
 *
 * Files and hashes hold the user's order, so they do not depend on how a plan
 * stores its tensors.  A file is checked whole before the first tensor of the
 * session changes.
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

/* Names for a message, as many as fit. */
struct names {
    char text[600];
    size_t len;
    unsigned count, shown;
};

static void add_name(struct names *list, const char *name)
{
    size_t len = strlen(name);

    list->count++;
    if (list->len + len + 3 > sizeof list->text)
        return;
    list->len += (size_t)snprintf(list->text + list->len,
                                  sizeof list->text - list->len, "%s%s",
                                  list->shown ? ", " : "", name);
    list->shown++;
}

/* " and N more", or nothing. */
static const char *and_more(const struct names *list, char text[32])
{
    text[0] = 0;
    if (list->shown < list->count)
        snprintf(text, 32, " and %u more", list->count - list->shown);
    return text;
}

static void shape_text(char *s, size_t size, uint64_t rank, const uint64_t *dim)
{
    size_t len = (size_t)snprintf(s, size, "[");

    for (uint64_t i = 0; i < rank && len < size; i++)
        len += (size_t)snprintf(s + len, size - len, "%s%" PRIu64, i ? "," : "",
                                dim[i]);
    if (len < size)
        snprintf(s + len, size - len, "]");
}

static enum plancl_status check_tensor(const struct plancl_session *s,
                                       const struct plan_tensor *t,
                                       const struct safetensors_tensor *in,
                                       const char *path)
{
    const char *dtype = safetensors_dtype((enum dtype)t->dtype);
    char found[200], wanted[200];

    if (!strcmp(in->dtype, dtype) && in->rank == t->rank &&
        (!t->rank || !memcmp(in->dim, t->dim, t->rank * sizeof *t->dim)))
        return PLANCL_OK;
    shape_text(found, sizeof found, in->rank, in->dim);
    shape_text(wanted, sizeof wanted, t->rank, t->dim);
    return fail(&s->cb, PLANCL_REFUSED, "%s: %s is %s %s, the plan has %s %s",
                path, in->name, in->dtype, found, dtype, wanted);
}

struct comparison {
    struct names missing; /* parameters of the plan */
    struct names state;   /* state of the plan that the file lacks */
    struct names extra;   /* tensors of the file that the plan lacks */
};

static enum plancl_status compare(const struct plancl_session *s,
                                  const struct safetensors *st,
                                  struct comparison *c)
{
    const struct plan *p = s->plan;
    enum plancl_status status = PLANCL_OK;

    memset(c, 0, sizeof *c);
    for (uint32_t i = 0; i < p->ntensor && !status; i++) {
        const struct plan_tensor *t = &p->tensor[i];
        const char *name = plan_string(p, t->name);
        const struct safetensors_tensor *in = safetensors_find(st, name);

        if (!session_saves(p, t))
            continue;
        if (in)
            status = check_tensor(s, t, in, st->path);
        else if (p->buffer[t->buffer].kind == PLAN_PARAMETER)
            add_name(&c->missing, name);
        else
            add_name(&c->state, name);
    }
    for (uint64_t i = 0; i < st->ntensor; i++) {
        int64_t k = tensor_find(p, st->tensor[i].name);

        if (k < 0 || !session_saves(p, &p->tensor[k]))
            add_name(&c->extra, st->tensor[i].name);
    }
    return status;
}

static enum plancl_status report(const struct plancl_session *s,
                                 const struct safetensors *st,
                                 const struct comparison *c)
{
    const char *numerics = safetensors_metadata(st, "numerics");
    char more[32], more_extra[32];

    if (c->missing.count)
        return fail(&s->cb, PLANCL_REFUSED,
                    "%s: parameters of the plan are missing: %s%s%s%s%s",
                    st->path, c->missing.text, and_more(&c->missing, more),
                    c->extra.count ? "; not in the plan are: " : "",
                    c->extra.text, and_more(&c->extra, more_extra));
    if (c->extra.count)
        note(&s->cb, PLANCL_NOTE, "%s: not in the plan, so not used: %s%s",
             st->path, c->extra.text, and_more(&c->extra, more));
    if (c->state.count)
        note(&s->cb, PLANCL_NOTE,
             "%s: state that is not in the file starts anew: %s%s", st->path,
             c->state.text, and_more(&c->state, more));
    else if (numerics && strcmp(numerics, s->plan->numerics) != 0)
        note(&s->cb, PLANCL_NOTE,
             "%s: was saved by a plan with other numerics: going on from it "
             "is right, but not bit for bit what that plan would do",
             st->path);
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
                                       struct safetensors *st)
{
    const struct plan *p = s->plan;
    enum plancl_status status = PLANCL_OK;

    for (uint32_t i = 0; i < p->ntensor && !status; i++) {
        const struct plan_tensor *t = &p->tensor[i];
        const struct safetensors_tensor *in = safetensors_find(
            st, plan_string(p, t->name));

        if (in && session_saves(p, t))
            status = load_tensor(s, t, st, in);
    }
    /* Half of one file's weights and half of another's are no weights. */
    if (status)
        s->failed = true;
    return status;
}

/* The count of updates belongs to the state; without it both start anew. */
static uint64_t updates_in(const struct safetensors *st,
                           const struct comparison *c)
{
    const char *text = safetensors_metadata(st, "updates");
    unsigned long long updates;
    char *end;

    if (!text || c->state.count || *text < '0' || *text > '9')
        return 0;
    errno = 0;
    updates = strtoull(text, &end, 10);
    return *end || errno ? 0 : updates;
}

static enum plancl_status load_file(struct plancl_session *s,
                                    struct safetensors *st)
{
    struct comparison c;
    enum plancl_status status = compare(s, st, &c);

    if (!status)
        status = report(s, st, &c);
    if (!status && c.state.count)
        status = plancl_init(s);
    if (!status)
        status = load_tensors(s, st);
    if (status)
        return status;
    s->updates = updates_in(st, &c);
    return plancl_weights_changed(s);
}

enum plancl_status plancl_weights_load(struct plancl_session *s,
                                       const char *path)
{
    struct safetensors st;
    enum plancl_status status = session_usable(s);

    if (!status)
        status = safetensors_open(path, &s->cb, &st);
    if (status)
        return status;
    status = load_file(s, &st);
    safetensors_close(&st);
    return status;
}
