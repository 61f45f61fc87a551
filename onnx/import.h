/*
 * import.h: what the files of the importer share.
 *
 * Every function that can refuse returns false (or null) after one message.
 */
#ifndef ONNX_IMPORT_H
#define ONNX_IMPORT_H

#include "compiler/model.h"
#include "onnx/constant.h"
#include "onnx/onnx.h"

struct Onnx__ModelProto;
struct Onnx__GraphProto;
struct Onnx__NodeProto;

/* What a name of the ONNX graph stands for. */
struct onnx_value {
    const struct constant *constant; /* or null */
    const char *ref;                 /* in the model: "conv1", "split:1" */
    struct type type;                /* where ref is set */
};

/* An attribute, or an operand that newer opsets have in its place. */
struct onnx_attr {
    const char *name;
    const char *string;            /* or null */
    const struct constant *number; /* of rank 0, a list, or a tensor */
    const char **strings;          /* a list, or null */
    int nstrings;
};

struct onnx_node {
    const char *op, *name;
    int nin, nout, nattr;
    struct onnx_value **in; /* null: left out */
    const char *const *out; /* names; empty: left out */
    struct onnx_attr *attr;
};

struct import {
    struct arena *arena;
    const char *path;
    const char *folder; /* of files of tensors, or null */
    const struct onnx_options *opt;
    const struct plancl_callbacks *cb;
    int64_t opset;        /* of the file */
    bool batched;         /* the first dimension counts samples */
    int64_t room;         /* elements that may still be made; fold_room */
    int64_t file_batch;   /* samples in the shapes of the file, or 0 */
    struct names values;  /* struct onnx_value, by ONNX name */
    struct names used;    /* names of layers, inputs, outputs and parameters */
    struct names outputs; /* their names */
    struct names uses;    /* ONNX names that something takes */
    const char **input, **output; /* names in the model */
    unsigned ninput, noutput;
    struct onnx_weight *weight;
    int nweight, cap_weight;

    struct text layers; /* of the model file */
    const char *last;   /* the layer before */
    struct graph graph;
    struct diag diag;
    struct model model;
    struct scope *top;
    const struct onnx_node *node; /* being converted, for messages */
};

/* False, after the message, which names file and node. */
bool import_reject(struct import *, const char *format, ...) PRINTF_LIKE(2, 3);
/* A tensor of the file; null after *wrong is set. */
struct constant *import_tensor(struct import *,
                               const struct Onnx__TensorProto *,
                               const char **wrong);
/* The model's text up to its layers. */
bool import_open_model(struct import *, const char *head);

/* ---- node.c ---- */

/* Operands of an op, from its second on, that stand for attributes of ours in
 * files of that opset; null: it has none. */
enum { ATTR_OPERANDS = 5 };
const char *const *node_operands(const char *op, int opset);
/* Null after a message. */
const struct onnx_node *node_read(struct import *,
                                  const struct Onnx__NodeProto *);
const struct onnx_attr *node_attr(const struct onnx_node *, const char *name);
/* Null also where it is a string. */
const struct constant *node_number(const struct onnx_node *, const char *name);
int64_t node_int(const struct onnx_node *, const char *name, int64_t dflt);
double node_float(const struct onnx_node *, const char *name, double dflt);
const char *node_string(const struct onnx_node *, const char *name,
                        const char *dflt);
/* The constant of an operand; null where there is none. */
const struct constant *node_constant(const struct onnx_node *, int k);
/* Does anything take result k? */
bool node_needed(const struct import *, int k);
/* What result k stands for from now on. */
bool node_result(struct import *, int k, const struct onnx_value *);
bool node_alias(struct import *, int k, struct onnx_value *);

/* ---- name.c ---- */

/* A name that the model format takes and that nothing has yet. */
const char *name_new(struct import *, const char *wanted, const char *op);
/* An output's, of which layers know nothing. */
const char *name_output(struct import *, const char *wanted);
/* As name_new, from a parameter's: "conv1" of "conv1.weight". */
const char *name_of_layer(struct import *, const char *op,
                          const struct constant *weight, const char *suffix);

/* ---- layer.c: layers of the model file ---- */

struct layer_text {
    const char *op, *name;
    struct text inputs, attrs;
    int nin;
    const char *first; /* input */
};
/* name null: the node's. */
void layer_begin(struct import *, struct layer_text *, const char *op,
                 const char *name);
void layer_input(struct layer_text *, const char *ref);
void layer_attr(struct layer_text *, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);
void layer_ints(struct layer_text *, const char *name, const int64_t *, int n);
const char *number_text(struct arena *, double);
/* Read it and add it to the model; results are filled in, as many as there is
 * room for. */
bool layer_end(struct import *, struct layer_text *, struct onnx_value *out,
               int nout);
/* An operand's name in the model: a constant becomes a layer first. */
const char *operand_ref(struct import *, struct onnx_value *);
/* A layer between a node's operands and its results, of one operand or two.
 * After a refusal null, which it takes as an operand, and null comes of it. */
const char *layer_step(struct import *, const char *op, const char *a,
                       const char *b);
const char *layer_number(struct import *, double);
/* The same of three operands; and a number of a type. */
const char *layer_where(struct import *, const char *c, const char *a,
                        const char *b);
const char *layer_constant(struct import *, enum dtype, double);
/* layer_end of a layer in between: its reference, or null. */
const char *layer_ref(struct import *, struct layer_text *);
/* What a reference stands for is result k. */
bool layer_result(struct import *, int k, const char *ref);
/* A layer's own parameter gets its first value from a file.  False where the
 * name is taken. */
bool weight_add(struct import *, const char *layer, const char *param,
                const struct constant *);

/* ---- fold.c ---- */

/* True where the node's results are known now, which they then are. */
bool fold(struct import *, const struct onnx_node *);
bool fold_knows(const char *op);
/* A new constant; null where it would be too large. */
struct constant *fold_made(struct import *, enum dtype, int rank,
                           const int64_t *dim);
/* Take room for so many elements; false where there is not as much. */
bool fold_room(struct import *, int64_t count);

/* ---- convert.c, convert_*.c ---- */

typedef bool convert_fn(struct import *, const struct onnx_node *);

bool convert(struct import *, const struct onnx_node *);
bool convert_knows(const char *op);
/* The layer of the same name, with all attributes that its record has. */
bool convert_plain(struct import *, const struct onnx_node *);
/* An attribute as the model's op has it; false after a refusal. */
bool convert_attr(struct import *, struct layer_text *, const struct op *,
                  const struct onnx_attr *);

/* Operands as they are; results under the node's names. */
bool convert_operands(struct import *, struct layer_text *,
                      const struct onnx_node *);
bool convert_finish(struct import *, struct layer_text *);
/* The last layer of a node that becomes several, as layer_step. */
bool convert_last(struct import *, const char *op, const char *a,
                  const char *b);

convert_fn convert_conv, convert_gemm, convert_matmul, convert_batch_norm,
    convert_norm, convert_prelu;
convert_fn convert_alias, convert_binary, convert_cast, convert_depth_to_space,
    convert_gather, convert_reduce, convert_reshape, convert_resize,
    convert_softmax, convert_split, convert_sum;
convert_fn convert_recurrent, convert_unrolled, convert_one_hot;
convert_fn convert_conv_integer, convert_dequantize, convert_dynamic_quantize,
    convert_matmul_integer, convert_qlinear_conv, convert_qlinear_matmul,
    convert_quantize;
/* ONNX's gate of each gate of ours, in PyTorch's order; *n of them. */
const int *recurrent_gates_of(const char *op, int *n);
convert_fn convert_celu, convert_hardmax, convert_log_sum, convert_reciprocal,
    convert_space_to_depth, convert_thresholded_relu, convert_trilu;
convert_fn convert_clip, convert_loss, convert_pow;
convert_fn convert_dft, convert_max_pool, convert_stft;
convert_fn convert_batch_norm_trains, convert_dropout, convert_layer_norm;

/* ---- graph.c ---- */

/* Inputs, initializers, nodes in an order that works, outputs. */
bool graph_import(struct import *, const struct Onnx__GraphProto *,
                  struct text *model);

#endif
