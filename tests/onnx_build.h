/*
 * onnx_build.h: small ONNX models from lines of text, for tests.
 *
 *   in x f32 N,3,4             an input; letters are a symbolic size
 *   init w f32 2,3 = 1,2,3     an initializer; the last number is repeated
 *   ext w f32 2 = data 0 8     its data in a file: location, offset, length
 *   y z = Split x _ / axis=1   a node; _ is a name left out
 *   out y                      an output
 *   branch then_branch         a graph of the last node; its lines follow, to
 *   end
 *
 * Attributes: 1 is an int, 1.5 a float, 1,2 ints, [1] ints of one, a word a
 * string.
 */
#ifndef TESTS_ONNX_BUILD_H
#define TESTS_ONNX_BUILD_H

#include "onnx/onnx.h"

struct onnx_bytes onnx_build(struct arena *, int64_t opset,
                             const char *const *line);

#endif
