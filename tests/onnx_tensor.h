/*
 * onnx_tensor.h: inputs and outputs that come with ONNX models, in files of
 * their own.
 */
#ifndef TESTS_ONNX_TENSOR_H
#define TESTS_ONNX_TENSOR_H

#include "onnx/constant.h"

/* A serialized TensorProto, in the arena; older files have no name inside, *name
 * is "" then.  Null: no such file, or *wrong says what is not read. */
struct constant *onnx_tensor_read(struct arena *, const char *path,
                                  const char **name, const char **wrong);

#endif
