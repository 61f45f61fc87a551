/*
 * random_graph.h: random models as JSON text, from a seed.
 *
 * They have one or two inputs, branches, skips, shared and frozen parameters,
 * one to three losses, and ops of many kinds on few small shapes, so that a
 * device has little to compile.
 */
#ifndef TESTS_RANDOM_GRAPH_H
#define TESTS_RANDOM_GRAPH_H

#include "runtime/base.h"

struct random_model {
    const char *text;
    unsigned batch; /* 1 to 9 */
    bool cuttable;  /* all its sums across the batch can be cut */
};

/* The same seed gives the same model.  The text lies in the arena. */
void random_model(uint64_t seed, struct arena *, struct random_model *);

/* SplitMix64 (Steele, Lea, Flood, 2014): the next of a sequence of numbers. */
uint64_t random_next(uint64_t *state);
/* In [0, n). */
unsigned random_below(uint64_t *state, unsigned n);

#endif
