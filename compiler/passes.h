/*
 * passes.h: the stages, in their order.  A graph pass takes a const graph and
 * adds to a new one; grad adds to its own.
 *
 * Failures of the model go to the graph's diag; verify failures are ours.
 */
#ifndef COMPILER_PASSES_H
#define COMPILER_PASSES_H

#include "compiler/graph.h"
#include "compiler/op.h"
#include "compiler/plancl_compile.h"
#include "runtime/profile.h"

struct plancl_dim;

/* What model.c found under "training", for grad.c and optimizer.c. */
struct loss_term {
    const char *name;
    val terms, counts;  /* training: f32 [N], i32 or f32 [N] (or empty) */
    bool per_update;    /* a penalty on parameters: a scalar, counted once */
    int64_t per_sample; /* elements counted per sample, when counts is empty */
    double weight;
};
enum {
    PENALTIES = 2, /* l1 and l2, each a loss of its own */
    MAX_LOSSES = 15 + PENALTIES,
    MAX_OPTIMIZER_ATTRS = 12
};

struct training {
    bool present;
    bool observe; /* set before reading: keep gradients and outputs of steps */
    struct loss_term loss[MAX_LOSSES];
    int nloss;
    const struct op *optimizer; /* op_SGD, op_Adam, op_AdamW */
    const union attr *optimizer_attr;
    struct source optimizer_at; /* its place in the model */
    double clip_norm; /* most that the norm of all gradients may be; 0: any */
};

/*
 * JSON text to a graph: leaves, forward nodes for training and for inference
 * (both kinds of assignment: outputs, initial weights, losses and metrics of
 * evaluation into meters), and what training needs.  Of the options it takes
 * the dimensions and the micro-batch.
 */
bool model_read(struct graph *, const char *file, const char *text,
                const struct plancl_compile_options *, struct training *);

/* Add gradients of all losses, the meters of training, counts, and the
 * optimizer's updates. */
void grad_build(struct graph *, const struct training *);
/* Gradients of every parameter leaf, by id (empty: none flows), where y's is
 * the leaf dy, added after y. */
val *grad_of(struct graph *, val y, val dy);
/* Used by it: next values of a parameter and its state. */
void optimizer_update(struct graph *, const struct training *, val param,
                      val gradient);

/* Scale the gradients d of the leaves below len, by the norm of all. */
void clip_gradients(struct graph *, const struct training *, val *d, int len);

/* Equal nodes become one, small constants are folded, what no assignment needs
 * is left out.  Assignments bring about the same values to the bit, but for
 * constants that were folded in double. */
void simplify(const struct graph *old, struct graph *g);
/* Convolutions, pools and norms get their channels last, and conversions
 * between the two orders cancel; leaves say in `perm` how they are stored now.
 * cancel false: conversions stay beside every op that wants them. */
void layout(const struct graph *old, struct graph *g, bool cancel);
/* Pointwise values with one reader are computed inside it (op Fused), and for a
 * late reader perhaps again.  Every value that an assignment wants keeps its
 * node and its type. */
void fuse(const struct graph *old, struct graph *g);

/* Interpreter: every node that the assignments of a sequence need, by the ops'
 * references, in double.  value[id] holds leaves' data before; assigned values
 * end up there.  value has g->len entries; data in the arena. */
void interp_run(const struct graph *, struct arena *, enum plan_sequence_id,
                const struct ref_env *, struct tensor *value);

#endif
