/*
 * session_layout.c: how much host memory a session takes, and where in its one
 * block each array lies.
 *
 * The compiler asks for the total before any device is there; open asks again
 * and lays out the same.
 */
#include <string.h>

#include "runtime/session_state.h"
#include "runtime/tensors.h"

/* Aligned to 64 bytes: a line of the cache, and more than any type needs. */
static uint64_t place(struct session_layout *l, uint64_t count, uint64_t size)
{
    uint64_t at = l->total;

    l->total = round_up_u64(at + count * size, 64);
    return at;
}

static uint64_t count_settings(const struct plan *p)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < p->narg; i++)
        n += p->arg[i].kind == PLAN_ARG_SETTING;
    return n;
}

static uint64_t longest_sequence(const struct plan *p)
{
    uint64_t n = 0;

    for (int i = 0; i < SEQ_KINDS; i++)
        if (p->sequence[i].count > n)
            n = p->sequence[i].count;
    return n;
}

/* Only these go through the staging; a tensor that is stored as the user sees
 * it needs none. */
static uint64_t largest_permuted(const struct plan *p)
{
    uint64_t most = 0;

    for (uint32_t i = 0; i < p->ntensor; i++) {
        const struct plan_tensor *t = &p->tensor[i];

        if (tensor_permuted(t) && tensor_bytes(t) > most)
            most = tensor_bytes(t);
    }
    return most;
}

bool session_saves(const struct plan *p, const struct plan_tensor *t)
{
    uint32_t kind = p->buffer[t->buffer].kind;

    return kind == PLAN_PARAMETER || kind == PLAN_STATE;
}

bool session_optimizes(const struct plan *p, const struct plan_tensor *t)
{
    const char *rest = plan_string(p, t->name);

    if (p->buffer[t->buffer].kind != PLAN_STATE)
        return false;
    while ((rest = strchr(rest, '.')) != NULL) {
        int64_t k = tensor_find(p, ++rest);

        if (k >= 0 && p->buffer[p->tensor[k].buffer].kind == PLAN_PARAMETER)
            return true;
    }
    return false;
}

static uint64_t count_saved(const struct plan *p)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < p->ntensor; i++)
        n += session_saves(p, &p->tensor[i]);
    return n;
}

/* What reading and writing weights takes from the heap and gives back: some
 * strings for each tensor, its name in several copies, buffers that double. */
static uint64_t files_bytes(const struct plan *p)
{
    uint64_t bytes = 128 * 1024;

    for (uint32_t i = 0; i < p->ntensor; i++)
        bytes += 2048 + 8 * strlen(plan_string(p, p->tensor[i].name));
    return bytes;
}

void session_layout(const struct plan *p, struct session_layout *l)
{
    uint64_t saved = count_saved(p);

    *l = (struct session_layout){.files = files_bytes(p)};
    place(l, 1, sizeof(struct plancl_session));
    l->memory = place(l, p->nslab, sizeof(cl_mem));
    l->entry = place(l, p->nentry, sizeof(struct bound_entry));
    l->bound = place(l, count_settings(p), sizeof(struct bound_setting));
    l->event = place(l, longest_sequence(p), sizeof(cl_event));
    l->time = place(l, p->nentry, sizeof(struct entry_time));
    l->trace = place(l, TRACE_EVENTS, sizeof(struct trace_event));
    l->saved = place(l, saved, sizeof(struct safetensors_tensor));
    l->saved_dim = place(l, saved, sizeof(uint64_t[PLAN_RANK]));
    l->chunk = place(l, 1, CHUNK_BYTES);
    l->staging = place(l, 1, largest_permuted(p));
}

uint64_t session_host_bytes(const struct plan *p)
{
    struct session_layout l;

    session_layout(p, &l);
    return l.total + l.files;
}
