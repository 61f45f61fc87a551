/* global_max_pool.c: the largest of each channel, by ReduceMax. */
#include "compiler/ops/reduction.h"

/* All dimensions behind N and C are reduced and kept as 1.  Layouts follow
 * from ReduceMax, which needs no window. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    const struct type *x = type_of(g, in[0]);
    union attr reduce[2] = {{.i = 0}, {.i = 1}}; /* keepdims is 1 */

    (void)nin, (void)attr;
    if (x->rank < 3)
        return reject_here(g, "input is %s, wanted [N,C,...]",
                           type_text(g->arena, x));
    reduce[REDUCTION_AXES].ints = reduction_axes(g,
                                                 ((1U << x->rank) - 1) & ~3U);
    return op_ReduceMax.build(g, in, 1, reduce, y);
}

const struct op op_GlobalMaxPool = {
    .name = "GlobalMaxPool",
    .doc = "largest of each channel of [N,C,...], to [N,C,1,...]",
    .min_in = 1,
    .nin = 1,
    .types = "f32",
    .build = build,
};
