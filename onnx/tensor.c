/*
 * tensor.c: a TensorProto becomes a constant.
 *
 * The elements stand in raw_data, little-endian, or in a list whose width the
 * type chooses, or in a file beside the model.  Their number must be the
 * shape's, whichever it is.
 */
#include <math.h>
#include <string.h>

#include "onnx/constant.h"
#include "onnx/onnx.pb-c.h"

#define MAX_ELEMENTS (INT64_C(1) << 31) /* indices are 32 bits */

enum dtype constant_dtype(int onnx)
{
    switch (onnx) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return DT_F32;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        return DT_I32;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return DT_I64;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
        return DT_U8;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
        return DT_I8;
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
        return DT_BOOL;
    default:
        return DT_NONE;
    }
}

int constant_onnx(enum dtype t)
{
    static const int kind[] = {
        [DT_F32] = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
        [DT_F16] = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16,
        [DT_I32] = ONNX__TENSOR_PROTO__DATA_TYPE__INT32,
        [DT_I64] = ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
        [DT_U8] = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8,
        [DT_I8] = ONNX__TENSOR_PROTO__DATA_TYPE__INT8,
        [DT_BOOL] = ONNX__TENSOR_PROTO__DATA_TYPE__BOOL,
    };

    return kind[t];
}

/* Bytes of an element in raw_data. */
static size_t raw_size(int onnx)
{
    switch (onnx) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
        return 2;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return 8;
    default:
        return dtype_bytes(constant_dtype(onnx));
    }
}

/* IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction; exponent 0 is
 * subnormal. */
static double half(unsigned bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double fraction = bits & 1023, sign = bits & 0x8000 ? -1 : 1;

    if (exponent == 31)
        return fraction != 0 ? NAN : sign * (double)INFINITY;
    if (exponent == 0)
        return sign * ldexp(fraction, -24);
    return sign * ldexp(fraction + 1024, exponent - 25);
}

/* A number in 16 bits, or of a type of ours that has other ones. bfloat16 is
 * the upper half of an f32. */
static double narrow(int onnx, unsigned bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float f;

    if (onnx == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16)
        return half(bits);
    memcpy(&f, &wide, sizeof f);
    return f;
}

/* Copied as they are: the host is taken to be little-endian, as the file is. */
static void from_raw(struct constant *c, int onnx, const uint8_t *raw)
{
    size_t size = raw_size(onnx);
    int64_t n = type_count(&c->type);

    if (size == 2) {
        for (int64_t i = 0; i < n; i++)
            constant_set(
                c, i, narrow(onnx, raw[2 * i] | (unsigned)raw[2 * i + 1] << 8));
    } else if (onnx == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE) {
        for (int64_t i = 0; i < n; i++) {
            double v;

            memcpy(&v, raw + 8 * i, sizeof v);
            constant_set(c, i, v);
        }
    } else if (n && raw) {
        memcpy(c->data, raw, (size_t)n * size);
    }
}

/* The list that holds elements of a type; 16 bits lie in int32_data. */
static size_t list_length(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return t->n_float_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return t->n_double_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return t->n_int64_data;
    default:
        return t->n_int32_data;
    }
}

/* i64 goes as it is: a double would round it. */
static void from_list(struct constant *c, const Onnx__TensorProto *t)
{
    int64_t n = type_count(&c->type);

    for (int64_t i = 0; i < n; i++) {
        if (t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
            constant_set(c, i, t->float_data[i]);
        else if (t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE)
            constant_set(c, i, t->double_data[i]);
        else if (t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64)
            ((int64_t *)c->data)[i] = t->int64_data[i];
        else if (raw_size(t->data_type) == 2)
            constant_set(c, i, narrow(t->data_type, t->int32_data[i] & 0xffff));
        else
            constant_set(c, i, t->int32_data[i]);
    }
}

/* The bound is checked at each step, so no product overflows. */
static bool count_elements(const Onnx__TensorProto *t, int64_t *n)
{
    *n = 1;
    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->dims[i] < 0 || t->dims[i] > MAX_ELEMENTS ||
            __builtin_mul_overflow(*n, t->dims[i], n) || *n > MAX_ELEMENTS)
            return false;
    }
    return true;
}

/* Old files have no location: their data is inside. */
static bool is_external(const Onnx__TensorProto *t)
{
    return t->has_data_location &&
           t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

/* As many bytes or numbers as the shape has. */
static bool is_complete(const Onnx__TensorProto *t, uint64_t n)
{
    size_t size = raw_size(t->data_type);

    if (t->has_raw_data)
        return t->raw_data.len / size == n && t->raw_data.len % size == 0;
    return list_length(t) == n;
}

/* Null, or why the tensor cannot be read. */
static const char *refusal(const Onnx__TensorProto *t, int64_t *n)
{
    if (constant_dtype(t->data_type) == DT_NONE)
        return "its type of elements is not supported";
    if (t->n_dims > MAX_RANK)
        return "it has more than 8 dimensions";
    if (!count_elements(t, n))
        return "its dimensions are below zero or too large";
    if (is_external(t))
        return t->has_raw_data || list_length(t)
                   ? "it has data, and data in a file of its own"
                   : NULL;
    return is_complete(t, (uint64_t)*n)
               ? NULL
               : "its data is not as long as its shape says";
}

struct constant *constant_read(struct arena *a,
                               const struct Onnx__TensorProto *t,
                               const char *folder, const char **wrong)
{
    const uint8_t *raw = t->has_raw_data ? t->raw_data.data : NULL;
    struct constant *c;
    int64_t n = 0;

    *wrong = refusal(t, &n);
    if (!*wrong && is_external(t))
        raw = external_read(a, t, folder, (uint64_t)n * raw_size(t->data_type),
                            wrong);
    if (*wrong)
        return NULL;
    c = constant_new(a, constant_dtype(t->data_type), (int)t->n_dims, t->dims);
    if (t->name && *t->name)
        c->name = t->name;
    if (raw || t->has_raw_data)
        from_raw(c, t->data_type, raw);
    else
        from_list(c, t);
    return c;
}
