/*
 * export.h: what the files of the exporter share.
 *
 * Layers are followed as the model's reader builds them; each becomes one node,
 * or a few.  Every function that can refuse returns false after one message.
 */
#ifndef ONNX_EXPORT_H
#define ONNX_EXPORT_H

#include "compiler/model.h"
#include "onnx/constant.h"
#include "onnx/onnx.h"
#include "runtime/safetensors.h"

struct Onnx__NodeProto;
struct Onnx__TensorProto;

/* Pointers that protobuf-c wants in an array. */
struct list {
    void **v;
    size_t n, cap;
};

struct export
{
    struct layer_watch watch; /* first */
    struct arena *arena;
    const char *path; /* of the model */
    const struct plancl_callbacks *cb;
    struct safetensors weights;
    struct graph graph;
    struct diag diag;
    struct model model;
    const char **name; /* ONNX's, by a value's id; null: none yet */
    int nname;
    struct names taken;   /* ONNX names */
    struct names missing; /* ops that have no counterpart: int, how many */
    struct names lost;    /* parameters that the file lacks */
    struct list nodes, tensors, inputs, outputs;

    /* The layer in hand. */
    const struct layer *layer;
    const val *in;
    int nin;
    const struct value *out;
};

bool export_reject(struct export *, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- export_node.c: parts of the file ---- */

void list_add(struct export *, struct list *, void *);
/* The wanted name, or with a number where something has it. */
const char *new_name(struct export *, const char *wanted);
/* A value's name; inputs, parameters and constants come into the file when they
 * are asked for.  Null after a message. */
const char *put_value(struct export *, val);
/* An initializer, by a name of its own. */
const char *put_tensor(struct export *, const char *wanted,
                       const struct constant *);
const char *put_ints(struct export *, const char *wanted, const int64_t *,
                     int n);
const char *put_number(struct export *, const char *wanted, enum dtype, double);
/* A parameter's numbers, by its leaf; null after a message, or once its name is
 * among those that are lost. */
const struct constant *param_data(struct export *, val);

/* A node without operands; it is named after the layer in hand. */
struct Onnx__NodeProto *put_node(struct export *, const char *op);
/* Null is an operand left out. */
void node_input(struct export *, struct Onnx__NodeProto *, const char *name);
void node_output(struct export *, struct Onnx__NodeProto *, const char *name);
void node_set_int(struct export *, struct Onnx__NodeProto *, const char *name,
                  int64_t);
void node_set_float(struct export *, struct Onnx__NodeProto *, const char *name,
                    double);
void node_set_ints(struct export *, struct Onnx__NodeProto *, const char *name,
                   const int64_t *, int count);
void node_set_string(struct export *, struct Onnx__NodeProto *,
                     const char *name, const char *);

/* A node on the way to the layer's result: its result's name.  b may be null;
 * a null operand after a refusal gives null. */
const char *put_step(struct export *, const char *op, const char *a,
                     const char *b);
const char *put_reshape(struct export *, const char *x, const int64_t *shape,
                        int n);
const char *put_transpose(struct export *, const char *x, const int64_t *perm,
                          int rank);
/* The node's results are the layer's; or the value of that name, which the last
 * step made, is its only one. */
bool put_results(struct export *, struct Onnx__NodeProto *);
bool put_result(struct export *, const char *name);

/* ---- export_op.c, export_layer.c, export_recurrent.c ---- */

typedef bool export_fn(struct export *);

/* The function for an op; null: it has no counterpart. */
export_fn *export_find(const struct op *);
/* Attribute of the layer in hand; null where its op has none of that name. */
const union attr *layer_attribute(const struct export *, const char *name);

/* The layer's attributes but those that are the node's operands, whose names
 * end in null, or null where none are. */
void node_set_attributes(struct export *, struct Onnx__NodeProto *,
                         const char *const *operands);

export_fn export_attention, export_embedding, export_gelu, export_group_norm,
    export_linear, export_mish, export_prelu, export_recurrent, export_resize,
    export_silu;

#endif
