/*
 * remat_sample.h: random jobs for the tests of recomputation and of orders, and
 * what a list of their ops takes.
 */
#ifndef TESTS_REMAT_SAMPLE_H
#define TESTS_REMAT_SAMPLE_H

#include "compiler/remat.h"

enum { OPS = 40, VALUES = 2 * OPS };

struct sample {
    struct remat_job job;
    struct remat_op op[OPS];
    struct remat_value value[VALUES];
    int in[OPS][VALUES];
};

/* SplitMix64, as the search itself uses it. */
int draw(uint64_t *random, int below);
/* One result or two, some workspaces, results over inputs where asked, and some
 * ops and values that limit what may be repeated. */
void draw_job(uint64_t *random, struct sample *, int nop, bool over);

/* Run a list of ops with a set of values that are there; its peak.  Shares no code
 * with what it checks. */
uint64_t simulate(const struct remat_job *, const int *order, int n);

/* In an arena of its own. */
void with_arena(void (*body)(struct arena *));

#endif
