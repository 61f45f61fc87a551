/*
 * constant.c: see constant.h.
 *
 * Data has the constant's own type, as a file of weights will; arithmetic
 * takes and gives doubles, which hold all but the largest i64.
 */
#include "onnx/constant.h"

#include <math.h>
#include <string.h>

/* ---- making ---- */

/* One element more than asked for, so that an empty tensor has an address too;
 * zeroed, as arenas give it. */
struct constant *constant_new(struct arena *a, enum dtype dtype, int rank,
                              const int64_t *dim)
{
    struct constant *c = ARENA_NEW(a, struct constant, 1);

    c->type = (struct type){.dtype = dtype, .rank = rank};
    for (int i = 0; i < rank; i++)
        c->type.dim[i] = dim[i];
    c->data = arena_alloc(a, (size_t)type_count(&c->type) + 1,
                          dtype_bytes(dtype));
    return c;
}

struct constant *constant_ints(struct arena *a, const int64_t *v, int n)
{
    const int64_t dim[1] = {n};
    struct constant *c = constant_new(a, DT_I64, 1, dim);

    for (int i = 0; i < n; i++)
        ((int64_t *)c->data)[i] = v[i];
    return c;
}

struct constant *constant_number(struct arena *a, enum dtype dtype, double v)
{
    struct constant *c = constant_new(a, dtype, 0, NULL);

    constant_set(c, 0, v);
    return c;
}

/* The data is shared: constants are not changed once they are made. */
struct constant *constant_view(struct arena *a, const struct constant *old,
                               int rank, const int64_t *dim)
{
    struct constant *c = ARENA_NEW(a, struct constant, 1);

    *c = *old;
    c->type.rank = rank;
    for (int i = 0; i < rank; i++)
        c->type.dim[i] = dim[i];
    /* A parameter has one shape. */
    c->param = NULL;
    return c;
}

/* `at` walks through old's elements in the order of the new ones: stride[k] is
 * the distance in old of neighbours along the result's dimension k. */
struct constant *constant_transpose(struct arena *a, const struct constant *old,
                                    const int64_t *perm)
{
    int64_t dim[MAX_RANK], stride[MAX_RANK] = {0}, index[MAX_RANK] = {0};
    int64_t place = 1, at = 0, n = type_count(&old->type);
    size_t size = dtype_bytes(old->type.dtype);
    int rank = old->type.rank;
    struct constant *c;

    for (int k = rank - 1; k >= 0; k--) {
        for (int i = 0; i < rank; i++)
            if (perm[i] == k)
                stride[i] = place;
        place *= old->type.dim[k];
    }
    for (int k = 0; k < rank; k++)
        dim[k] = old->type.dim[perm[k]];
    c = constant_new(a, old->type.dtype, rank, dim);
    c->name = old->name;
    for (int64_t i = 0; i < n; i++) {
        memcpy((char *)c->data + (size_t)i * size,
               (const char *)old->data + (size_t)at * size, size);
        for (int k = rank - 1; k >= 0; k--) {
            at += stride[k];
            if (++index[k] < dim[k])
                break;
            at -= stride[k] * dim[k];
            index[k] = 0;
        }
    }
    return c;
}

/* ---- elements ---- */

double constant_at(const struct constant *c, int64_t i)
{
    switch (c->type.dtype) {
    case DT_F32:
        return ((const float *)c->data)[i];
    case DT_I32:
        return ((const int32_t *)c->data)[i];
    case DT_I64:
        return (double)((const int64_t *)c->data)[i];
    case DT_I8:
        return ((const int8_t *)c->data)[i];
    default:
        return ((const uint8_t *)c->data)[i];
    }
}

/* C leaves a number that its type cannot hold undefined. */
static double limited(double v, double least, double most)
{
    if (!(v > least))
        return least;
    return v < most ? v : most;
}

/* A number that does not fit becomes the nearest that does; for i64 the bound
 * itself is no double. */
void constant_set(struct constant *c, int64_t i, double v)
{
    switch (c->type.dtype) {
    case DT_F32:
        ((float *)c->data)[i] = (float)v;
        break;
    case DT_I32:
        ((int32_t *)c->data)[i] = (int32_t)limited(v, INT32_MIN, INT32_MAX);
        break;
    case DT_I64:
        ((int64_t *)c->data)[i] = v >= 9223372036854775807.0
                                      ? INT64_MAX
                                      : (int64_t)limited(
                                            v, -9223372036854775808.0, v);
        break;
    case DT_I8:
        ((int8_t *)c->data)[i] = (int8_t)limited(v, INT8_MIN, INT8_MAX);
        break;
    case DT_BOOL:
        ((uint8_t *)c->data)[i] = v != 0;
        break;
    default:
        ((uint8_t *)c->data)[i] = (uint8_t)limited(v, 0, UINT8_MAX);
        break;
    }
}

/* 2^31 - 1 stands for "to the end" as well as the 2^63 - 1 of files does. */
int64_t constant_int(const struct constant *c, int64_t i)
{
    return (int64_t)limited(constant_at(c, i), -INT32_MAX, INT32_MAX);
}

bool constant_finite(const struct constant *c)
{
    for (int64_t i = 0; i < type_count(&c->type); i++)
        if (!isfinite(constant_at(c, i)))
            return false;
    return true;
}
