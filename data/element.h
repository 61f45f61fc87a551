/*
 * element.h: the element types that files hold, and their conversion.
 *
 * Files know more types than plans do (f64, i16, u16, u32, u64): a column
 * shows each as the smallest type of plans that takes its place, and its
 * values are converted, and checked, when they are read.
 */
#ifndef DATA_ELEMENT_H
#define DATA_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/plancl.h"

enum element {
    ELEMENT_F16,
    ELEMENT_F32,
    ELEMENT_F64,
    ELEMENT_I8,
    ELEMENT_I16,
    ELEMENT_I32,
    ELEMENT_I64,
    ELEMENT_U8,
    ELEMENT_U16,
    ELEMENT_U32,
    ELEMENT_U64,
    ELEMENT_BOOL
};

unsigned element_bytes(enum element);
/* The type that a column shows: f64 as f32, i16 and u16 as i32, u32 and u64
 * as i64, the others as they are. */
enum plancl_dtype element_dtype(enum element);

/* Bytes and name of a type of plans. */
size_t dtype_size(enum plancl_dtype);
const char *dtype_text(enum plancl_dtype);

/* numerator / denominator, kept apart so that v/255 is one division. */
struct scale {
    double numerator, denominator;
};

struct conversion {
    enum element from;
    bool big_endian; /* the file's order of bytes */
    struct scale scale;
    enum plancl_dtype to;
};

/* True when the bytes of the file are already the result. */
bool conversion_is_copy(const struct conversion *);

/*
 * Convert n elements; returns how many came before the first one that the
 * result's type does not hold, n when all fit.
 *
 * To a float: double(value) * numerator / denominator is rounded once, to the
 * nearest and ties to even; an integer without scale is rounded directly.
 * Infinities and NaN pass; a finite value that would become infinite does not
 * fit.  To an integer: value * scale must be an integer in range, exactly.
 * To bool: 0 or 1.  Unsigned 64-bit values above 2^63-1 do not fit unless a
 * scale is given.
 */
size_t element_convert(const struct conversion *, const uint8_t *from, size_t n,
                       void *to);

/* The value of one element as text, for messages. */
void element_text(const struct conversion *, const uint8_t *at, char text[32]);

#endif
