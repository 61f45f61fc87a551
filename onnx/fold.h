/* fold.h: what the files of folding share. */
#ifndef ONNX_FOLD_H
#define ONNX_FOLD_H

#include "onnx/import.h"

/* The result of a node; null where it is not known, or would be too large. */
typedef const struct constant *fold_fn(struct import *,
                                       const struct onnx_node *);

/* ---- fold_element.c ---- */

fold_fn fold_binary, fold_unary, fold_where, fold_product;

/* ---- fold_shape.c ---- */

fold_fn fold_shape, fold_reshape, fold_unsqueeze, fold_squeeze, fold_transpose,
    fold_gather, fold_slice, fold_concat, fold_expand;

/* ---- fold_window.c ---- */

fold_fn fold_window, fold_mel;

#endif
