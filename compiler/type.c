/* type.c: shapes and types of values. */
#include <string.h>

#include "compiler/op.h"

int64_t type_count(const struct type *t)
{
    int64_t n = 1;

    for (int i = 0; i < t->rank; i++)
        n *= t->dim[i];
    return n;
}

uint64_t type_bytes(const struct type *t)
{
    return (uint64_t)type_count(t) * dtype_bytes(t->dtype);
}

bool type_equal(const struct type *t, const struct type *u)
{
    if (t->dtype != u->dtype || t->rank != u->rank)
        return false;
    for (int i = 0; i < t->rank; i++)
        if (t->dim[i] != u->dim[i])
            return false;
    return true;
}

const char *type_text(struct arena *arena, const struct type *t)
{
    struct text text = {.arena = arena};

    text_add(&text, "[");
    for (int i = 0; i < t->rank; i++)
        text_add(&text, "%s%lld", i ? "," : "", (long long)t->dim[i]);
    text_add(&text, "]");
    return text.s;
}

struct rows rows_along(const struct type *t, int axis)
{
    struct rows r = {1, t->dim[axis], 1};

    for (int i = 0; i < axis; i++)
        r.outer *= t->dim[i];
    for (int i = axis + 1; i < t->rank; i++)
        r.inner *= t->dim[i];
    return r;
}

/* Two operands must agree on which axis counts samples. */
bool type_broadcast(struct type *t, const struct type *u)
{
    struct type out = *t;
    int rank = t->rank > u->rank ? t->rank : u->rank;
    int tb = t->batch ? t->batch + rank - t->rank : 0;
    int ub = u->batch ? u->batch + rank - u->rank : 0;

    if (tb && ub && tb != ub)
        return false;
    out.rank = rank;
    out.batch = tb ? tb : ub;
    for (int d = 0; d < rank; d++) {
        int i = d - (rank - t->rank), j = d - (rank - u->rank);
        int64_t a = i < 0 ? 1 : t->dim[i], b = j < 0 ? 1 : u->dim[j];

        if (a != b && a != 1 && b != 1)
            return false;
        out.dim[d] = a == 1 ? b : a;
    }
    *t = out;
    return true;
}

int64_t broadcast_index(const struct type *out, const struct type *in,
                        int64_t i)
{
    int64_t at = 0, step = 1;

    for (int d = out->rank - 1; d >= 0; d--) {
        int j = d - (out->rank - in->rank);
        int64_t k = i % out->dim[d];

        i /= out->dim[d];
        if (j < 0)
            continue;
        if (in->dim[j] != 1)
            at += k * step;
        step *= in->dim[j];
    }
    return at;
}

/* Dimensions of one element may stand anywhere: they move nothing. */
bool type_one_range(const struct type *x, unsigned mask, int64_t *outer,
                    int64_t *len, int64_t *inner)
{
    int d = 0;

    *outer = *len = *inner = 1;
    for (; d < x->rank && (!(mask >> d & 1) || x->dim[d] == 1); d++)
        *outer *= x->dim[d];
    for (; d < x->rank && (mask >> d & 1 || x->dim[d] == 1); d++)
        *len *= x->dim[d];
    for (; d < x->rank && (!(mask >> d & 1) || x->dim[d] == 1); d++)
        *inner *= x->dim[d];
    return d == x->rank;
}
