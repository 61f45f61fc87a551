/*
 * graph_run.h: graphs through passes and the interpreter, leaves by their names.
 *
 * Passes give leaves new numbers and orders of dimensions; names and the
 * user's order stay, so that graphs before and after can be compared.
 */
#ifndef TESTS_GRAPH_RUN_H
#define TESTS_GRAPH_RUN_H

#include "compiler/passes.h"

/* A model with its gradients; null after a refusal, which is in diag. */
struct graph *graph_of_model(struct arena *, const char *text,
                             uint64_t micro_batch, struct diag *);

/* The passes of compile.c, but for those of `skip` (enum plancl_pass). */
const struct graph *graph_passes(const struct graph *, unsigned skip);

/* The leaf of a name, or no value. */
val graph_leaf_named(const struct graph *, const char *name);

/* A value for every leaf, by its name and element, much the same whatever the
 * salt: indices in their range, counts and variances positive. */
struct tensor *graph_leaves(const struct graph *, struct arena *,
                            uint64_t salt);
/* A leaf's data between the order that it is stored in and the user's. */
double *graph_user_order(const struct graph *, struct arena *, val leaf,
                         const double *stored);
void graph_store(const struct graph *, val leaf, const double *user,
                 double *stored);

/* Run a sequence of both from the same leaves.  The largest difference of what
 * ends up in leaves, relative to the leaf's largest element or 1; *leaf: where.
 * Infinite when b lacks a leaf. */
double graph_distance(const struct graph *a, const struct graph *b,
                      enum plan_sequence_id, const struct ref_env *,
                      const char **leaf);

/* The slope of the total training loss along some direction of the parameters:
 * by the gradients that the optimizer is given, and by central differences.
 * Gradients must not be clipped. */
struct slopes {
    double by_gradients, by_differences;
};
struct slopes graph_slopes(const struct graph *, int64_t rows);

#endif
