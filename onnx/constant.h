/*
 * constant.h: values that are known while a model is imported: initializers,
 * constants, and what shape arithmetic makes of them.
 */
#ifndef ONNX_CONSTANT_H
#define ONNX_CONSTANT_H

#include "compiler/graph.h"

struct Onnx__TensorProto;

struct constant {
    struct type type;  /* f32, i32, i64, u8, i8 or bool */
    void *data;        /* of type's dtype and count, in the arena */
    const char *name;  /* the initializer's, or null */
    const char *param; /* parameter of the model that holds it, or null */
};

struct constant *constant_new(struct arena *, enum dtype, int rank,
                              const int64_t *dim);
struct constant *constant_ints(struct arena *, const int64_t *, int n);
struct constant *constant_number(struct arena *, enum dtype, double);
/* Of another shape with as many elements, over the same data.  Its `param` is
 * not carried over. */
struct constant *constant_view(struct arena *, const struct constant *,
                               int rank, const int64_t *dim);
/* Dimension k of the result is perm[k]. */
struct constant *constant_transpose(struct arena *, const struct constant *,
                                    const int64_t *perm);
double constant_at(const struct constant *, int64_t i);
void constant_set(struct constant *, int64_t i, double);
/* As an integer in the range of a model file's: ends of slices are often the
 * largest there is. */
int64_t constant_int(const struct constant *, int64_t i);
bool constant_finite(const struct constant *);

/* Type of ours for ONNX's: f16, bf16 and f64 become f32; DT_NONE: there is
 * none. */
enum dtype constant_dtype(int onnx);
/* ONNX's type for ours. */
int constant_onnx(enum dtype);
/* Null after *wrong is set.  Data may lie in files below the folder; null: it
 * must not. */
struct constant *constant_read(struct arena *, const struct Onnx__TensorProto *,
                               const char *folder, const char **wrong);

/* ---- external.c ---- */

/* The data of a tensor that lies in a file of its own, so many bytes by its
 * type and shape. */
const uint8_t *external_read(struct arena *, const struct Onnx__TensorProto *,
                             const char *folder, uint64_t bytes,
                             const char **wrong);

#endif
