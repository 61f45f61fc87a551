/*
 * plan_mutant.h: one thing in a plan becomes another.
 *
 * A number of a buffer, an argument, an entry, a tensor or the head; or entries of
 * a sequence swapped, dropped, repeated or moved, with the counts of writes put
 * right or not.  What a file has no words for is not made.
 */
#ifndef TESTS_PLAN_MUTANT_H
#define TESTS_PLAN_MUTANT_H

#include "runtime/base.h"
#include "runtime/plan.h"

enum { MUTANT_CHANGES = 2 }; /* to one plan, at most */

/* A plan that may be changed, in an arena. */
struct mutant {
    struct plan plan;
    struct plan_buffer *buffer;
    struct plan_entry *entry;
    struct plan_arg *arg;
    struct plan_tensor *tensor;
    uint64_t *slab_bytes;
    uint64_t state; /* of the random numbers */
};

/* Of a plan, in the arena; m->state stays as it is. */
void mutant_copy(const struct plan *, struct arena *, struct mutant *m);
void mutant_change(struct mutant *);
/* A number near x, or one that is likely to be a border. */
uint64_t mutant_near(struct mutant *, uint64_t x);

#endif
