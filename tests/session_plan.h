/*
 * session_plan.h: a plan by hand, small enough to check every number.
 *
 *   x  input  f32 [4,2,3], stored [4,3,2]      label  input i32 [4], 0..2 or -1
 *   w  parameter f32 [2,3], stored [3,2]       m      state f32 [1]
 *   y  output f32 [4,2,3], stored as x         hits   metric f32 [16,4]
 *
 *   init:      w[i] = seed + i in stored order, m = 0
 *   load:      packed = 2 w
 *   predict:   y = x packed, element by element
 *   evaluate:  lane row % 16 of hits counts rows whose label is 1
 *   accumulate, step: m += step number; step also: w -= rate (first + rows)
 */
#ifndef TESTS_SESSION_PLAN_H
#define TESTS_SESSION_PLAN_H

#include "runtime/plan_io.h"

enum {
    PLAN_N = 4,     /* batch */
    PLAN_ROW = 6,   /* elements of a sample of x and y */
    PLAN_LABELS = 3 /* allowed values of label */
};

/* Owned by the caller; null after a message. */
struct plancl_plan *session_plan(const struct plancl_callbacks *);

#endif
