/* dtype.h: element types, the same numbers everywhere and in plancl.h. */
#ifndef KERNELS_DTYPE_H
#define KERNELS_DTYPE_H

#include <stddef.h>

enum dtype { DT_NONE, DT_F32, DT_F16, DT_I32, DT_I64, DT_U8, DT_I8, DT_BOOL };

static inline size_t dtype_bytes(enum dtype t)
{
    static const unsigned char bytes[] = {0, 4, 2, 4, 8, 1, 1, 1};

    return bytes[t];
}

/* As model files, messages and the kernels' macros spell it. */
static inline const char *dtype_name(enum dtype t)
{
    static const char *const name[] = {"none", "f32", "f16", "i32",
                                       "i64",  "u8",  "i8",  "bool"};
    return name[t];
}

static inline int dtype_is_float(enum dtype t)
{
    return t == DT_F32 || t == DT_F16;
}

#endif
