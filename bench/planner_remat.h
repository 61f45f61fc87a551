/*
 * planner_remat.h: the half of the planner's benchmark that recomputes.
 */
#ifndef BENCH_PLANNER_REMAT_H
#define BENCH_PLANNER_REMAT_H

#include "runtime/base.h"

/* Over all budgets so far, and over those of small instances. */
struct planner_sums {
    int n, small;
    double ratio, small_ratio, worst;
};

/* Measure one instance at its budgets in the table of curves. */
bool planner_remat(const char *path, const char *curves, struct planner_sums *,
                   struct arena *);
void planner_remat_end(const struct planner_sums *);

#endif
