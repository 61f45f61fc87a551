/*
 * graph.h: what is computed.  Nodes in one array, topological by construction,
 * never changed after being added.
 *
 * A node makes one value, or a tuple that `Result` nodes take apart.  Leaves
 * (parameters, state, inputs, constants, outputs) are nodes with a `leaf`.  What
 * a run must bring about is a list of assignments: in these sequences, this
 * value ends up in that leaf.  Everything is computed because an assignment
 * needs it.
 */
#ifndef COMPILER_GRAPH_H
#define COMPILER_GRAPH_H

#include "kernels/dtype.h"
#include "runtime/base.h"
#include "runtime/plan.h"

enum { MAX_RANK = 8, MAX_OUT = 8 };

struct type {
    enum dtype dtype;
    int rank;
    int64_t dim[MAX_RANK];
    /* 1 + the axis whose index counts samples of the batch, 0: none.  That
     * dimension may be a multiple of the batch (samples outermost). */
    int batch;
};

/* Where a node came from in the model file, for messages. */
struct source {
    const char *file;
    int line, column;
};

/* A value is the index of the node that makes it; 0 is "no value". */
typedef struct val {
    int id;
} val;

struct ints {
    int n;
    const int64_t *v;
};

/* An attribute's value; its spec in the op's record says which member. */
union attr {
    int64_t i;
    double f;
    const char *s;
    struct ints ints;
    const struct tensor *tensor;
    const struct fused *fused;
};

/* A value in host memory, in double whatever its type: references, folding,
 * constants. */
struct tensor {
    struct type type;
    double *data;
};

struct leaf {
    enum plan_kind kind;
    const char *name;
    int perm[MAX_RANK]; /* stored dimension k is the user's perm[k] */
    bool permuted;      /* perm is set; the node's type is the stored one */
    int like;           /* id of the parameter whose storage it shares, or 0 */
    bool frozen;        /* a parameter without gradient */
    bool limited;       /* input of indices, see struct plan_tensor */
    int64_t limit, except;
    const struct tensor *constant; /* of PLAN_CONSTANT */
};

struct node {
    const struct op *op;
    int nin;
    const val *in;
    const union attr *attr; /* as many as the op's record has */
    struct type type;       /* of a tuple: dtype DT_NONE */
    int nout;               /* 1; of a tuple: how many */
    const struct type *out; /* types of a tuple's results */
    const struct leaf *leaf;
    struct source at;
    const char *path; /* layer, "s1.conv"; part of random keys */
};

/* All values of a sequence are computed from what the leaves held before: an
 * assignment is never seen by another one of the same sequence. */
struct assign {
    unsigned sequences; /* bit 1 << enum plan_sequence_id */
    val leaf, value;
};

struct meter {
    const char *name;
    val leaf; /* f32 [METER_LANES, 4] */
    bool training, is_loss;
    double weight;
};
enum { METER_LANES = 16 };

/* The first refusal, shared by all graphs of an attempt; builders look at
 * `failed` and give the empty value from then on. */
struct diag {
    bool failed;
    struct source at;
    char text[1024];
};

struct graph {
    struct arena *arena;
    struct node **node; /* node[0] is the poison node */
    int len, cap;
    struct assign *assign;
    int nassign, cap_assign;
    struct meter *meter;
    int nmeter, cap_meter;

    int64_t batch, effective; /* samples in a micro-batch, in an update */
    const char *name;         /* the model's */
    double learning_rate;

    /* Given to new nodes. */
    struct source at;
    const char *path;
    struct diag *diag;
};

void graph_init(struct graph *, struct arena *, struct diag *);
/* A new graph with the old one's name, batch, rate; no nodes. */
void graph_init_like(struct graph *, const struct graph *old);

/* Empty inputs at the end are optional operands left out (id 0 is allowed
 * there by ops whose min_in says so).  attr null: defaults. */
val graph_add(struct graph *, const struct op *, const val *in, int nin,
              const union attr *attr);
/* A copy of an old node with other operands, and at, path and leaf of the old.
 * Shapes are inferred again. */
val graph_copy(struct graph *, const struct node *, const val *in);
val graph_leaf(struct graph *, const struct type *, const struct leaf *);
/* An input holds indices: the host will refuse values outside [0, limit) but
 * for `except` (0: nothing else).  Several readers: the least limit.  Only while
 * the model is read, before any pass; other values than input leaves are left
 * alone. */
void graph_limit(struct graph *, val v, int64_t limit, int64_t except);
val graph_constant(struct graph *, const struct type *, const double *data);
val graph_result(struct graph *, val tuple, int k);
void graph_assign(struct graph *, unsigned sequences, val leaf, val value);
/* The end of a rewriting pass: assignments and meters of old, by its map from
 * old ids to new values. */
void graph_finish_copy(const struct graph *old, struct graph *, const val *map);
/* Its second half. */
void graph_copy_meters(const struct graph *old, struct graph *, const val *map);
/* Nodes that some assignment needs, by id, in the graph's arena. */
bool *graph_used(const struct graph *, unsigned sequences);

/* What a meter adds up, and in which sequences. */
struct metering {
    const char *name;
    bool training, is_loss;
    double weight;
    val terms, counts;  /* of samples; counts may be empty */
    int64_t per_sample; /* what a sample counts as where counts is empty */
    unsigned sequences;
};
/* Assign a new meter's leaf its next value. */
void meter_add(struct graph *, const struct metering *);

static inline const struct node *graph_node(const struct graph *g, val v)
{
    return g->node[v.id];
}
static inline const struct type *type_of(const struct graph *g, val v)
{
    return &g->node[v.id]->type;
}

/* Record the first error, at the node's place, and return false. */
bool reject(struct graph *, const struct node *, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* The same without a node: at g->at, for g->path. */
bool reject_here(struct graph *, const char *format, ...) PRINTF_LIKE(2, 3);

int64_t type_count(const struct type *);
uint64_t type_bytes(const struct type *);
bool type_equal(const struct type *, const struct type *);
/* "[8,64,30,30]", in one of a few rotating buffers of the caller's arena */
const char *type_text(struct arena *, const struct type *);
/* Split around an axis: [outer, len, inner]. */
struct rows {
    int64_t outer, len, inner;
};
struct rows rows_along(const struct type *, int axis);
/* Type of a NumPy broadcast of t and u, aligned at the last dimension; false
 * if they do not fit. */
bool type_broadcast(struct type *t, const struct type *u);
/* Element of an operand of type in that element i of out reads. */
int64_t broadcast_index(const struct type *out, const struct type *in,
                        int64_t i);

void graph_print(const struct graph *, struct text *);
/* Null, or what is wrong. */
const char *graph_verify(const struct graph *, struct arena *);

#endif
