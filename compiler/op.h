/* op.h: what an operation is.  One record per op; see ops/ and ops.def. */
#ifndef COMPILER_OP_H
#define COMPILER_OP_H

#include "compiler/graph.h"

struct lower; /* steps being made; see lower.h */

enum attr_kind {
    ATTR_INT,
    ATTR_FLOAT,
    ATTR_STRING,
    ATTR_INTS,
    ATTR_BOOL, /* true and false in a model, 0 and 1 in i */
    ATTR_TENSOR
};

struct attr_spec {
    const char *name;
    enum attr_kind kind;
    union attr dflt;
    const char *doc;
    bool required; /* no default */
    bool hidden;   /* set by passes, not by models */
};

/* One pointwise expression, in C and as text for OpenCL, where operands go by
 * the names given and attributes by a0, a1, ...  See pointwise.def. */
enum { FORMULA_OPERANDS = 5 }; /* at most */
struct formula {
    double (*eval)(const double *operand, const union attr *attr);
    const char *cl;
    const char *operand[FORMULA_OPERANDS];
    const char *integer; /* of a chain computed in integers; null: the same */
};

/* What a reference may know beside its operands: the settings. */
struct ref_env {
    int64_t batch, rows, first, effective;
    uint32_t seed, step;
    double learning_rate;
};

/* A parameter or state that a layer owns when the model does not name one. */
struct param_decl {
    const char *name; /* "weight"; the layer's path comes before it */
    struct type type;
    const char *initializer; /* default: "HeUniform", "Zeros", ... */
    double fan_in, fan_out;
    enum plan_kind kind; /* PLAN_PARAMETER or PLAN_STATE */
};
enum { MAX_PARAMS = 32 };

/* In which order of dimensions an op's kernels want an operand; see layout.c. */
enum layout {
    LAYOUT_USER,    /* as the model has it */
    LAYOUT_LAST,    /* N C spatial... -> N spatial... C */
    LAYOUT_WEIGHTS, /* K C spatial... -> spatial... C K */
    LAYOUT_LANES    /* lanes K C spatial... -> lanes spatial... C K */
};

struct op {
    const char *name;
    const char *doc;
    int min_in, nin;              /* operands: required, and at most */
    int nout;                     /* results, at most, of a tuple; else 0 */
    const struct attr_spec *attr; /* ends with a null name */
    const char *const *in_name;   /* for the reference; may be null */
    const char *types;            /* "f32 f16", for the reference */

    /* Fill y[0..nout), or the first ones of an op whose attributes say how many
     * there are; false after reject(). */
    bool (*infer)(struct graph *, const struct node *, struct type *y);
    /* dy: one per result, empty where nothing flows; dx: one per operand, left
     * empty where there is none. */
    void (*grad)(struct graph *, val node, const val *dy, val *dx);
    void (*lower)(struct lower *, const struct node *);
    void (*ref)(const struct node *, const struct ref_env *,
                const struct tensor *in, struct tensor *out);
    const struct formula *formula; /* pointwise ops only */

    /* Layers: the operands after those that the model gives, made where the
     * model does not name them.  n has attributes and the data operands.
     * Returns how many, or -1 after reject(). */
    int (*params)(struct graph *, const struct node *n, struct param_decl *p);
    bool bare; /* its parameter is called as the layer, without a name behind */
    /* Built from other ops instead of being a node (batch norm in training).
     * y: nout results. */
    bool (*build)(struct graph *, const val *in, int nin,
                  const union attr *attr, val *y);

    /* Layouts of operands and results of an op that has a hidden attribute
     * "channels_last", which says that they are in that form; null: user's. */
    const enum layout *layout_in, *layout_out;
    bool layout_follows; /* any order, the same for all: pointwise, updates */
    bool axis_follows;   /* any order, when attribute "axis" is renumbered */
    bool lists_follow;   /* any order, when lists, one number per dimension, are
                          * reordered */
    bool axes_follow;    /* as long as the dimensions that "axes" leaves keep
                          * their order: reductions */
    /* The op, with the same attributes, that makes the first result of a tuple
     * by itself, cheaper; or null. */
    const struct op *alone;
    /* Only the numbering of elements stays: a Reshape, whose result may share
     * the operand's memory. */
    bool is_view;
    /* A sum over samples that carries its state from micro-batch to
     * micro-batch: the last operand is the accumulator (see batch_sum). */
    bool across_batch;
    /* Result k may be written over operand inplace[k] - 1 (0: none), element by
     * element. */
    unsigned char inplace[MAX_OUT];
    /* Usable in training.loss or training.metrics.  Results: sums per sample f32
     * [N], and counts per sample, i32 [N] or, with weights, f32 [N]; an empty
     * count means as many as the first operand has elements per sample, divided
     * by those of its class axis where the op has one: see per_sample. */
    bool is_loss, is_metric;
    /* Elements counted per sample where the counts are empty. */
    int64_t (*per_sample)(const struct type *x, const union attr *attr);
    bool is_optimizer; /* usable in training.optimizer */
    bool internal;     /* not for models */
};

#define OP(name) extern const struct op op_##name;
#include "compiler/ops/ops.def"
#undef OP

const struct op *op_find(const char *name); /* or null */
const struct op *op_at(unsigned index);     /* or null after the last */
int op_attrs(const struct op *);            /* how many */
/* Index of an attribute, or -1. */
int op_attr(const struct op *, const char *name);
/* " name=value" of all that are not the default. */
void op_print_attrs(const struct op *, const union attr *, struct text *);

/* ---- builders, for gradients, layers and optimizers ---- */

val val_add(struct graph *, val, val);
val val_sub(struct graph *, val, val);
val val_mul(struct graph *, val, val);
val val_div(struct graph *, val, val);
val val_neg(struct graph *, val);
val val_scalar(struct graph *, double); /* f32 constant of rank 0 */
val val_fill(struct graph *, const struct type *, double value);
/* Philox numbers, a pure function of (seed, key_path, element): normal with mean
 * a and deviation b, or uniform in [a, b). */
val val_random(struct graph *, const struct type *, bool normal, double a,
               double b, const char *key_path);
/* Sum over axes, which go. */
val val_reduce_sum(struct graph *, val, struct ints axes, bool keepdims);
val val_reshape(struct graph *, val, const int64_t *dim, int rank, int batch);
val val_transpose(struct graph *, val, const int *perm);
/* Do the dimensions of mask, those of one element apart, stand together?  Then
 * the shape is [outer, len, inner]. */
bool type_one_range(const struct type *, unsigned mask, int64_t *outer,
                    int64_t *len, int64_t *inner);
/* Sum x down to the shape of a broadcast operand; across the batch too. */
val val_sum_to(struct graph *, val x, const struct type *shape);
/* Add a node of an op that sums over samples; in a plan with micro-batches with
 * its accumulator; and combine its lanes.  elements: of the result.  The op's
 * first attribute is its number of lanes. */
val batch_sum(struct graph *, const struct op *, const val *in, int nin,
              union attr *attr, int64_t elements);

struct ints ints_copy(struct graph *, const int64_t *, int n);

#endif
