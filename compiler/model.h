/*
 * model.h: what the files of the model reader share.
 *
 * Every function that can refuse returns false (or null) after one message;
 * callers return at once, so nothing is built on what was refused.
 */
#ifndef COMPILER_MODEL_H
#define COMPILER_MODEL_H

#include "compiler/json.h"
#include "compiler/names.h"
#include "compiler/op.h"
#include "compiler/passes.h"

/* Bounds that keep sizes far from overflow and a wrong model from filling
 * memory. */
#define MODEL_MAX_INT   INT64_C(2147483647)
#define MODEL_MAX_COUNT (INT64_C(1) << 40) /* elements of a tensor */
enum { MODEL_MAX_DEPTH = 16, MODEL_MAX_LAYERS = 50000, MODEL_MAX_NAME = 200 };

/* What a layer, an input or a parameter stands for. */
struct value {
    const struct scope *owner; /* who may name it */
    struct source at;
    int nout; /* 0 while its layer is being read */
    val v[MAX_OUT];
};

struct binding {
    const char *name;
    const struct json *value; /* holds no `$` any more */
};

/* The model's layers, or those of one call of a block. */
struct scope {
    const char *path; /* null at the top */
    const struct json *layers;
    const struct binding *arg;
    int narg;
    bool repeating;
    int64_t i; /* $i while repeating */
    bool frozen;
    struct names counter;     /* unnamed layers: int, by op */
    const struct value *last; /* what a layer without inputs takes, or null */
};

struct layer;

/* Who follows the layers of a model as they are built, calls of blocks apart:
 * operands with the layer's own parameters, and results.  False after a
 * refusal. */
struct layer_watch {
    bool (*layer)(struct layer_watch *, const struct layer *, const val *in,
                  int nin, const struct value *out);
};

struct model {
    struct graph *g;
    struct layer_watch *watch; /* or null */
    struct training *training; /* of the result */
    const struct json *root;
    struct names dims;   /* int64_t */
    struct names values; /* struct value by full path, of this pass */
    struct names leaves; /* struct value: inputs, parameters, outputs */
    bool in_training;    /* which pass over the layers */
    bool first_pass;     /* parameters are made */
    const struct json *open[MODEL_MAX_DEPTH]; /* blocks being called */
    int depth, layers;
    val penalty[PENALTIES]; /* sums over the layers, in training */
};

/* ---- model.c ---- */

/* For who makes a model layer by layer, or follows its layers: text has all up to
 * "layers" at the least.  Layers are then given to layers_read, for inference;
 * options may be null.  Null after a refusal. */
struct scope *model_open(struct model *, struct graph *, const char *file,
                         const char *text,
                         const struct plancl_compile_options *);

/* ---- model_check.c: what stands in the file, and refusals ---- */

bool model_reject(struct model *, const struct source *at, const char *format,
                  ...) PRINTF_LIKE(3, 4);
/* Every key is one of those listed (null at the end), or it is refused. */
bool check_keys(struct model *, const struct json *object,
                const char *const *key);
bool key_listed(const char *const *list, const char *key);
/* what: as the message calls it. */
bool check_kind(struct model *, const struct json *, enum json_kind,
                const char *what);
bool check_int(struct model *, const struct json *, const char *what,
               int64_t least, int64_t *value);
bool check_number(struct model *, const struct json *, const char *what,
                  double *value);
/* Letters, digits, '_', '-' and '.', not empty, not too long. */
bool check_name(struct model *, const struct source *at, const char *name);
/* The member, or null after a refusal at the object. */
const struct json *need_member(struct model *, const struct json *object,
                               const char *key);
/* All dimensions positive, and not too many elements. */
bool check_size(struct model *, const struct type *, const char *what);

/* ---- model_expr.c: strings that hold `$` ---- */

bool expr_int(struct model *, const struct scope *, const struct json *,
              int64_t *value);
/* Null, or the value without any `$`. */
const struct json *expr_resolve(struct model *, const struct scope *,
                                const struct json *);
/* Null, or the string with `$name` and `${expression}` replaced. */
const char *expr_text(struct model *, const struct scope *,
                      const struct json *);

/* ---- model_attr.c ---- */

/* The op's attributes from an object's members, but for the keys listed; null
 * after a refusal. */
union attr *attr_read(struct model *, const struct scope *, const struct op *,
                      const struct json *object, const char *const *others);
/* The op that a name means, or null after a refusal. */
const struct op *op_named(struct model *, const struct json *name);

/* ---- model_inputs.c ---- */

const char *path_join(struct model *, const char *path, const char *name);
/* Give a value its name; null if that is taken. */
struct value *value_add(struct model *, const char *path, const struct value *);
bool leaf_add(struct model *, const char *name, val, const struct source *at);
/* Find what an input names. */
bool value_find(struct model *, const struct scope *, const struct json *ref,
                val *v);
/* Operands that the model gives: a list of names, an array of the arena. */
bool inputs_read(struct model *, const struct scope *, const struct json *list,
                 val **in, int *nin);

/* ---- model_layers.c, model_block.c ---- */

/* One node, or what an op builds, with its parameters. */
struct layer {
    const struct json *json;
    const struct op *op; /* or null: a call of block */
    const struct json *block;
    const char *path;
    const char *const *keys; /* that are not attributes */
    bool frozen;
    const val *in;
    int nin;
    const union attr *attr; /* set by layer_build */
};
bool layer_build(struct model *, const struct scope *, struct layer *,
                 struct value *);
bool layers_read(struct model *, struct scope *, const struct json *list);
bool block_call(struct model *, const struct scope *, const struct layer *,
                struct value *);
/* Structure of all blocks, called or not. */
bool blocks_check(struct model *);

/* ---- model_params.c, initializer.c ---- */

/* Keys of a layer, "l1" and "l2", and names of what they add to the loss; null
 * at the end. */
extern const char *const penalty_keys[PENALTIES + 1];

/* Complete a layer's operands with parameters of its own: in has room for
 * op->nin.  Returns how many operands there are now, or -1. */
int params_add(struct model *, const struct scope *, const struct layer *,
               const union attr *, val *in);
/* The first value of a parameter; spec null: as the op says. */
struct initializer_form {
    const char *name, *arg[2]; /* arguments, or null */
    bool required;             /* the first one */
};
/* False after the last. */
bool initializer_at(unsigned index, struct initializer_form *);
bool initializer_build(struct model *, const struct param_decl *,
                       const char *name, const struct json *spec, val *value);

/* ---- model_training.c ---- */

/* Losses and metrics of one pass. */
bool training_read(struct model *, const struct scope *,
                   const struct json *training);
/* Its structure and the optimizer; before the passes. */
bool training_open(struct model *, const struct json *training);

#endif
