/*
 * plan_oracle.h: the rules of a plan, looked at plainly.
 *
 * For tests: nothing is shared with plan_verify, and nothing is clever.  Every
 * pair of buffers is compared, and every byte of the arena has an owner.
 */
#ifndef TESTS_PLAN_ORACLE_H
#define TESTS_PLAN_ORACLE_H

#include "runtime/plan.h"

/* Null, or the rule that the plan breaks. */
const char *plan_oracle(const struct plan *);

#endif
