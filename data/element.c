/*
 * element.c: the element types that files hold, and their conversion.
 *
 * Elements pass in blocks: bytes to raw bits, raw bits to numbers, numbers to
 * the result.  The type is looked at once per block, so that the loops stay
 * plain.  Numbers are int64 where an integer goes unscaled, since a double
 * does not hold all of them, and double everywhere else.
 *
 * Nothing is rounded silently into an integer: a label of 2.5 or 300 for u8 is
 * refused with its place.
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/element.h"

enum { BLOCK = 512 };

enum kind { SIGNED, UNSIGNED, FLOAT, BOOLEAN };

static const struct {
    unsigned char bytes;
    enum kind kind;
    enum plancl_dtype dtype;
} elements[] = {
    [ELEMENT_F16] = {2, FLOAT, PLANCL_F16},
    [ELEMENT_F32] = {4, FLOAT, PLANCL_F32},
    [ELEMENT_F64] = {8, FLOAT, PLANCL_F32},
    [ELEMENT_I8] = {1, SIGNED, PLANCL_I8},
    [ELEMENT_I16] = {2, SIGNED, PLANCL_I32},
    [ELEMENT_I32] = {4, SIGNED, PLANCL_I32},
    [ELEMENT_I64] = {8, SIGNED, PLANCL_I64},
    [ELEMENT_U8] = {1, UNSIGNED, PLANCL_U8},
    [ELEMENT_U16] = {2, UNSIGNED, PLANCL_I32},
    [ELEMENT_U32] = {4, UNSIGNED, PLANCL_I64},
    [ELEMENT_U64] = {8, UNSIGNED, PLANCL_I64},
    [ELEMENT_BOOL] = {1, BOOLEAN, PLANCL_BOOL},
};

unsigned element_bytes(enum element e)
{
    return elements[e].bytes;
}

enum plancl_dtype element_dtype(enum element e)
{
    return elements[e].dtype;
}

size_t dtype_size(enum plancl_dtype t)
{
    static const unsigned char bytes[] = {0, 4, 2, 4, 8, 1, 1, 1};

    return bytes[t];
}

const char *dtype_text(enum plancl_dtype t)
{
    static const char *const names[] = {"none", "f32", "f16", "i32",
                                        "i64",  "u8",  "i8",  "bool"};

    return names[t];
}

/* The loop is unrolled to one load, and one swap, where bytes is constant. */
static inline uint64_t raw_at(const uint8_t *p, unsigned bytes, bool big)
{
    uint64_t raw = 0;

    for (unsigned i = 0; i < bytes; i++)
        raw |= (uint64_t)p[big ? bytes - 1 - i : i] << 8 * i;
    return raw;
}

static void load_raw(const struct conversion *c, const uint8_t *from, size_t n,
                     uint64_t *raw)
{
    bool big = c->big_endian;

    switch (elements[c->from].bytes) {
    case 1:
        for (size_t i = 0; i < n; i++)
            raw[i] = from[i];
        break;
    case 2:
        for (size_t i = 0; i < n; i++)
            raw[i] = raw_at(from + 2 * i, 2, big);
        break;
    case 4:
        for (size_t i = 0; i < n; i++)
            raw[i] = raw_at(from + 4 * i, 4, big);
        break;
    default:
        for (size_t i = 0; i < n; i++)
            raw[i] = raw_at(from + 8 * i, 8, big);
        break;
    }
}

/* Left and back: >> of a negative number carries the sign, as gcc and clang
 * promise. */
static int64_t sign_extend(uint64_t raw, unsigned bytes)
{
    unsigned unused = 64 - 8 * bytes;

    return (int64_t)(raw << unused) >> unused;
}

/* IEEE 754 binary16: fraction * 2^-24 below the smallest normal number, else
 * (1024 + fraction) * 2^(exponent - 25). */
static double half_to_double(uint64_t raw)
{
    int exponent = (int)(raw >> 10 & 31);
    double fraction = (double)(raw & 1023);
    double x;

    if (exponent == 31)
        x = fraction > 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        x = ldexp(fraction, -24);
    else
        x = ldexp(1024 + fraction, exponent - 25);
    return raw >> 15 & 1 ? -x : x;
}

static double float_to_double(uint64_t raw)
{
    uint32_t bits = (uint32_t)raw;
    float x;

    memcpy(&x, &bits, sizeof x);
    return (double)x;
}

/* Integers for the unscaled way; the count before the first that int64 does
 * not hold. */
static size_t load_integers(enum element e, const uint64_t *raw, size_t n,
                            int64_t *v)
{
    unsigned bytes = elements[e].bytes;

    for (size_t i = 0; i < n; i++) {
        if (elements[e].kind == SIGNED)
            v[i] = sign_extend(raw[i], bytes);
        else if (elements[e].kind == BOOLEAN)
            v[i] = raw[i] != 0;
        else if (raw[i] <= INT64_MAX)
            v[i] = (int64_t)raw[i];
        else
            return i;
    }
    return n;
}

static double double_of(enum element e, uint64_t raw)
{
    double x;

    if (elements[e].kind == SIGNED)
        return (double)sign_extend(raw, elements[e].bytes);
    if (elements[e].kind == BOOLEAN)
        return raw != 0;
    if (elements[e].kind == UNSIGNED)
        return (double)raw;
    if (e == ELEMENT_F16)
        return half_to_double(raw);
    if (e == ELEMENT_F32)
        return float_to_double(raw);
    memcpy(&x, &raw, sizeof x);
    return x;
}

/*
 * Round to the nearest half, ties to even.  A half with exponent e is a
 * multiple q of 2^(e-10), 1024 <= q < 2048, and below 2^-14 the exponent stays
 * there; (e + 15) * 1024 + (q - 1024) is its bits in both cases, and a q that
 * was rounded up to 2048 carries into the exponent by itself.
 */
static bool half_of(double x, uint16_t *half)
{
    unsigned sign = signbit(x) ? 0x8000u : 0;
    double magnitude = fabs(x);
    int exponent;

    if (isnan(x) || isinf(x)) {
        *half = (uint16_t)(sign | (isnan(x) ? 0x7e00u : 0x7c00u));
        return true;
    }
    if (magnitude >= 65520) /* half way from the largest to 2^16 */
        return false;
    frexp(magnitude, &exponent);
    exponent -= 1;
    if (exponent < -14 || magnitude == 0)
        exponent = -14;
    *half = (uint16_t)(sign + (unsigned)(exponent + 14) * 1024u +
                       (unsigned)nearbyint(ldexp(magnitude, 10 - exponent)));
    return true;
}

/* False where a finite value would become infinite. */
static bool float_of(double x, float *y)
{
    /* Half way from the largest float to 2^128. */
    if (fabs(x) >= 0x1.ffffffp127 && !isinf(x))
        return false;
    *y = (float)x;
    return true;
}

static bool integer_fits(int64_t v, enum plancl_dtype to)
{
    switch (to) {
    case PLANCL_I32:
        return v >= INT32_MIN && v <= INT32_MAX;
    case PLANCL_I64:
        return true;
    case PLANCL_U8:
        return v >= 0 && v <= UINT8_MAX;
    case PLANCL_I8:
        return v >= INT8_MIN && v <= INT8_MAX;
    default:
        return v == 0 || v == 1;
    }
}

/* An integer that is known to fit. */
static void store_integer(int64_t v, enum plancl_dtype to, void *out, size_t i)
{
    switch (to) {
    case PLANCL_I32:
        ((int32_t *)out)[i] = (int32_t)v;
        break;
    case PLANCL_I64:
        ((int64_t *)out)[i] = v;
        break;
    case PLANCL_I8:
        ((int8_t *)out)[i] = (int8_t)v;
        break;
    default:
        ((uint8_t *)out)[i] = (uint8_t)v;
        break;
    }
}

/* Returns how many were stored before the first that does not fit.  int64 to
 * f32 is rounded once; to f16 by way of double, which is exact for all that f16
 * can hold. */
static size_t store_integers(const int64_t *v, size_t n, enum plancl_dtype to,
                             void *out)
{
    for (size_t i = 0; i < n; i++) {
        if (to == PLANCL_F32)
            ((float *)out)[i] = (float)v[i];
        else if (to == PLANCL_F16) {
            if (!half_of((double)v[i], &((uint16_t *)out)[i]))
                return i;
        } else if (integer_fits(v[i], to))
            store_integer(v[i], to, out, i);
        else
            return i;
    }
    return n;
}

static size_t store_floats(const double *x, size_t n, enum plancl_dtype to,
                           void *out)
{
    for (size_t i = 0; i < n; i++) {
        if (to == PLANCL_F32) {
            if (!float_of(x[i], &((float *)out)[i]))
                return i;
        } else if (!half_of(x[i], &((uint16_t *)out)[i]))
            return i;
    }
    return n;
}

static bool is_int64(double x)
{
    const double end = 0x1p63;

    return x >= -end && x < end && x == floor(x);
}

/*
 * x * numerator / denominator as an integer, only where that is exact: the
 * remainders of the product and of the quotient, which fma gives without
 * rounding, must be zero.  A product below the smallest double would look
 * exact, hence the look at zero.
 */
static bool integer_of(double x, struct scale s, int64_t *v)
{
    double product = x * s.numerator;
    double y = product / s.denominator;

    if (!is_int64(y))
        return false;
    if (fma(x, s.numerator, -product) != 0)
        return false;
    if (fma(y, s.denominator, -product) != 0 || (y == 0 && x != 0))
        return false;
    *v = (int64_t)y;
    return true;
}

static bool is_unscaled(struct scale s)
{
    return s.numerator == 1 && s.denominator == 1;
}

/* Does the double stand for this element exactly? */
static bool double_is_exact(enum element e, uint64_t raw, double x)
{
    if (elements[e].bytes < 8 || elements[e].kind == FLOAT)
        return true;
    return is_int64(x) && (int64_t)x == (int64_t)raw;
}

static size_t convert_to_integers(const struct conversion *c,
                                  const uint64_t *raw, size_t n, void *to)
{
    for (size_t i = 0; i < n; i++) {
        double x = double_of(c->from, raw[i]);
        int64_t v;

        if (!double_is_exact(c->from, raw[i], x) ||
            !integer_of(x, c->scale, &v) || !integer_fits(v, c->to))
            return i;
        store_integer(v, c->to, to, i);
    }
    return n;
}

static size_t convert_to_floats(const struct conversion *c, const uint64_t *raw,
                                size_t n, void *to)
{
    double x[BLOCK];

    if (c->from == ELEMENT_U8) /* images: worth a loop without a branch */
        for (size_t i = 0; i < n; i++)
            x[i] = (double)(uint8_t)raw[i];
    else
        for (size_t i = 0; i < n; i++)
            x[i] = double_of(c->from, raw[i]);
    if (!is_unscaled(c->scale))
        for (size_t i = 0; i < n; i++)
            x[i] = x[i] * c->scale.numerator / c->scale.denominator;
    return store_floats(x, n, c->to, to);
}

/* At most BLOCK elements, whose arrays lie on the stack, 4 KiB each. */
static size_t convert_block(const struct conversion *c, const uint8_t *from,
                            size_t n, void *to)
{
    uint64_t raw[BLOCK];
    int64_t v[BLOCK];

    load_raw(c, from, n, raw);
    if (is_unscaled(c->scale) && elements[c->from].kind != FLOAT) {
        size_t loaded = load_integers(c->from, raw, n, v);

        return store_integers(v, loaded, c->to, to);
    }
    if (c->to == PLANCL_F32 || c->to == PLANCL_F16)
        return convert_to_floats(c, raw, n, to);
    return convert_to_integers(c, raw, n, to);
}

size_t element_convert(const struct conversion *c, const uint8_t *from,
                       size_t n, void *to)
{
    size_t from_bytes = elements[c->from].bytes;
    size_t to_bytes = dtype_size(c->to);

    for (size_t done = 0; done < n; done += BLOCK) {
        size_t part = n - done < BLOCK ? n - done : BLOCK;
        size_t good = convert_block(c, from + done * from_bytes, part,
                                    (char *)to + done * to_bytes);

        if (good < part)
            return done + good;
    }
    return n;
}

static bool host_is_big_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;

    memcpy(&first, &one, 1);
    return first == 0;
}

bool conversion_is_copy(const struct conversion *c)
{
    bool same_order = elements[c->from].bytes == 1 ||
                      c->big_endian == host_is_big_endian();
    /* A byte of a bool may hold anything; results are 0 or 1. */
    bool same_type = elements[c->from].dtype == c->to &&
                     elements[c->from].bytes == dtype_size(c->to) &&
                     c->from != ELEMENT_BOOL && c->from != ELEMENT_U64;

    return same_order && same_type && is_unscaled(c->scale);
}

void element_text(const struct conversion *c, const uint8_t *at, char text[32])
{
    uint64_t raw;

    load_raw(c, at, 1, &raw);
    if (elements[c->from].kind == FLOAT)
        snprintf(text, 32, "%.*g", c->from == ELEMENT_F64 ? 17 : 9,
                 double_of(c->from, raw));
    else if (elements[c->from].kind == SIGNED)
        snprintf(text, 32, "%" PRId64,
                 sign_extend(raw, elements[c->from].bytes));
    else
        snprintf(text, 32, "%" PRIu64, raw);
}
