/*
 * permute.c: elements of a tensor between the user's order and the order in
 * which a device stores them.
 *
 * Both walk the user's order; an element's place in the stored order is the sum
 * of its indices times the strides that the stored order gives the user's
 * dimensions.  The innermost dimension is one strided copy.
 *
 * For stored dimension k being the user's perm[k], the user's dimension perm[k]
 * has as stride the product of the stored dimensions behind k.  A run is at
 * most one row of the innermost dimension, so the indices are worked out once a
 * row and not once an element.
 */
#include <string.h>

#include "runtime/tensors.h"

uint64_t tensor_count(const struct plan_tensor *t)
{
    uint64_t n = 1;

    for (uint32_t i = 0; i < t->rank; i++)
        n *= t->dim[i];
    return n;
}

uint64_t tensor_bytes(const struct plan_tensor *t)
{
    return tensor_count(t) * dtype_bytes((enum dtype)t->dtype);
}

bool tensor_permuted(const struct plan_tensor *t)
{
    uint32_t last = 0;

    for (uint32_t k = 0; k < t->rank; k++) {
        if (t->dim[t->perm[k]] == 1)
            continue;
        if (t->perm[k] < last)
            return true;
        last = t->perm[k];
    }
    return false;
}

/* Where a walk through the user's order is. */
struct cursor {
    uint64_t index[PLAN_RANK];
    uint64_t stride[PLAN_RANK]; /* of the user's dimensions, stored elements */
};

/* element counts in the user's order, the last dimension fastest. */
static void cursor_at(struct cursor *c, const struct plan_tensor *t,
                      uint64_t element)
{
    uint64_t stride = 1;

    memset(c, 0, sizeof *c);
    for (uint32_t k = t->rank; k-- > 0;) {
        c->stride[t->perm[k]] = stride;
        stride *= t->dim[t->perm[k]];
    }
    for (uint32_t i = t->rank; i-- > 0;) {
        c->index[i] = element % t->dim[i];
        element /= t->dim[i];
    }
}

static uint64_t cursor_stored(const struct cursor *c, uint32_t rank)
{
    uint64_t at = 0;

    for (uint32_t i = 0; i < rank; i++)
        at += c->index[i] * c->stride[i];
    return at;
}

/* Go on by a run that ends at most with the innermost dimension. */
static void cursor_advance(struct cursor *c, const struct plan_tensor *t,
                           uint64_t run)
{
    uint32_t i = t->rank - 1;

    c->index[i] += run;
    while (i > 0 && c->index[i] == t->dim[i]) {
        c->index[i] = 0;
        c->index[--i]++;
    }
}

/* Elements until the end of the innermost dimension, at most n. */
static uint64_t run_length(const struct cursor *c, const struct plan_tensor *t,
                           uint64_t n)
{
    uint64_t rest = t->dim[t->rank - 1] - c->index[t->rank - 1];

    return rest < n ? rest : n;
}

/* n elements, strides in elements; the sizes are constants so that each copy
 * is one load and one store. */
static void copy_run(char *to, uint64_t to_stride, const char *from,
                     uint64_t from_stride, uint64_t n, size_t size)
{
    switch (size) {
    case 1:
        for (uint64_t i = 0; i < n; i++)
            to[i * to_stride] = from[i * from_stride];
        return;
    case 2:
        for (uint64_t i = 0; i < n; i++)
            memcpy(to + 2 * i * to_stride, from + 2 * i * from_stride, 2);
        return;
    case 4:
        for (uint64_t i = 0; i < n; i++)
            memcpy(to + 4 * i * to_stride, from + 4 * i * from_stride, 4);
        return;
    default:
        for (uint64_t i = 0; i < n; i++)
            memcpy(to + 8 * i * to_stride, from + 8 * i * from_stride, 8);
    }
}

/* stored: the whole tensor; user: n elements, packed. */
void tensor_gather(const struct plan_tensor *t, const void *stored,
                   uint64_t first, uint64_t n, void *user)
{
    size_t size = dtype_bytes((enum dtype)t->dtype);
    struct cursor c;
    char *to = user;

    if (!n)
        return;
    if (!t->rank) {
        memcpy(user, stored, size);
        return;
    }
    cursor_at(&c, t, first);
    for (uint64_t run; n; n -= run) {
        run = run_length(&c, t, n);
        copy_run(to, 1,
                 (const char *)stored + cursor_stored(&c, t->rank) * size,
                 c.stride[t->rank - 1], run, size);
        to += run * size;
        cursor_advance(&c, t, run);
    }
}

void tensor_scatter(const struct plan_tensor *t, void *stored, uint64_t first,
                    uint64_t n, const void *user)
{
    size_t size = dtype_bytes((enum dtype)t->dtype);
    struct cursor c;
    const char *from = user;

    if (!n)
        return;
    if (!t->rank) {
        memcpy(stored, user, size);
        return;
    }
    cursor_at(&c, t, first);
    for (uint64_t run; n; n -= run) {
        run = run_length(&c, t, n);
        copy_run((char *)stored + cursor_stored(&c, t->rank) * size,
                 c.stride[t->rank - 1], from, 1, run, size);
        from += run * size;
        cursor_advance(&c, t, run);
    }
}
