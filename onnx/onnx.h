/*
 * onnx.h: models of other programs, from ONNX files.
 *
 * The result is the text of an ordinary model file and the tensors of its
 * weights.  Layers are read by the compiler's own reader as they are made, so
 * what is imported compiles.
 */
#ifndef ONNX_ONNX_H
#define ONNX_ONNX_H

#include "compiler/graph.h"
#include "compiler/plancl_compile.h"

/* A shape given for an input; dim is in its order. */
struct onnx_shape {
    const char *input;
    int rank;
    int64_t dim[MAX_RANK];
};

/* The numbers of an input that is known before: a shape, axes. */
struct onnx_given {
    const char *input;
    int n;
    const double *v;
};

struct onnx_options {
    const struct onnx_shape *shape; /* over what the file says */
    unsigned nshape;
    const struct plancl_dim *dim; /* of symbolic dimensions, by their names */
    unsigned ndim;
    const struct onnx_given *value;
    unsigned nvalue;
};

struct onnx_weight {
    const char *name;
    struct type type; /* f32 */
    const void *data;
};

struct onnx_model {
    const char *text;
    const struct onnx_weight *weight;
    unsigned nweight;
    /* Names in the model, in the file's order. */
    const char *const *input, *const *output;
    unsigned ninput, noutput;
};

/* All of the result is in the arena. */
enum plancl_status onnx_import(const char *path, const struct onnx_options *,
                               struct arena *, const struct plancl_callbacks *,
                               struct onnx_model *);

/* What a file holds; messages call it by the name. */
struct onnx_bytes {
    const char *name;
    const uint8_t *at;
    size_t len;
    const char *folder; /* where data of tensors may lie, or null */
};
enum plancl_status onnx_import_bytes(const struct onnx_bytes *,
                                     const struct onnx_options *,
                                     struct arena *,
                                     const struct plancl_callbacks *,
                                     struct onnx_model *);

/* ---- the other way ---- */

struct onnx_source {
    const char *path; /* of the model */
    const struct plancl_dim *dim;
    unsigned ndim;
    const char *weights; /* a safetensors file */
};
/* The model as it infers, with its weights, as a file of ONNX_OPSET, whose
 * batch is open. */
enum { ONNX_OPSET = 17 };
enum plancl_status onnx_export(const struct onnx_source *, const char *path,
                               struct arena *, const struct plancl_callbacks *);

#endif
