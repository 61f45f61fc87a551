/*
 * pair_loss.c: what losses that compare a prediction with a target share: which
 * operands they take, and how elements become one number per sample.
 */
#include "compiler/ops/loss.h"

const char *const loss_pair_names[] = {"prediction", "target", "weights", NULL};

/* f32 only: terms are added up in f32, and f16 would lose small ones. */
bool loss_pair_fits(struct graph *g, const val *in)
{
    const struct type *x = type_of(g, in[0]), *t = type_of(g, in[1]);

    if (x->dtype != DT_F32)
        return reject_here(g, "the prediction is %s, wanted f32",
                           dtype_name(x->dtype));
    if (!type_equal(x, t))
        return reject_here(g,
                           "the prediction is %s %s and the target %s %s, "
                           "wanted two of one type and shape",
                           dtype_name(x->dtype), type_text(g->arena, x),
                           dtype_name(t->dtype), type_text(g->arena, t));
    return loss_has_samples(g, "the prediction", x) &&
           loss_has_samples(g, "the target", t);
}

/* [N, ...] to [N]; what is [N] stays.  Across samples nothing is summed here:
 * meters and seeds leave stale rows out, which a sum could not. */
val loss_sample_sums(struct graph *g, val elements)
{
    int64_t axis[MAX_RANK];
    int rank = elements.id ? type_of(g, elements)->rank : 0;

    for (int d = 1; d < rank; d++)
        axis[d - 1] = d;
    if (rank < 2)
        return elements;
    return val_reduce_sum(g, elements, ints_copy(g, axis, rank - 1), false);
}

int64_t loss_all_elements(const struct type *x, const union attr *attr)
{
    (void)attr;
    return type_count(x) / x->dim[0];
}

int64_t loss_one_each(const struct type *x, const union attr *attr)
{
    (void)x, (void)attr;
    return 1;
}
