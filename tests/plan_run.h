/*
 * plan_run.h: a random model on a device: trained for some updates on made-up
 * samples, or for one update beside the interpreter.
 */
#ifndef TESTS_PLAN_RUN_H
#define TESTS_PLAN_RUN_H

#include "compiler/plancl_compile.h"

enum { RUN_SEED = 3, RUN_UPDATES = 3 };

/* What training left. */
struct outcome {
    char hash[65];
    char numerics[65]; /* the plan's digest: the same one, the same bits */
    float *weights;    /* parameters before training, then after; to be freed */
    uint64_t count;    /* of each */
};

/* Compile, open, train RUN_UPDATES updates, the last one short.  Also checks
 * that all memory objects are made at opening and are as large as the plan
 * says.  PLANCL_OK, or a status after a message on stderr; PLANCL_REFUSED only
 * where the compiler refused. */
enum plancl_status run_train(const char *model,
                             const struct plancl_compile_options *,
                             struct outcome *);

/* The same with a plan at hand, which may also run with each buffer apart. */
enum run_memory { RUN_PLANNED_MEMORY, RUN_DEBUG_MEMORY };
enum plancl_status run_plan(const struct plancl_plan *, enum run_memory,
                            struct outcome *);

/* Initial weights, predictions, losses and the weights after one update of
 * `rows` samples are the interpreter's, within rounding.  *apart: the largest
 * difference found, as a part of what is allowed. */
enum plancl_status run_beside_interpreter(const char *model, unsigned rows,
                                          double *apart);

#endif
