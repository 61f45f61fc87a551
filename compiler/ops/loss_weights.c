/*
 * loss_weights.c: weights, an operand that every loss takes last: one for each
 * sample or position.
 *
 * With the weight w of an element that costs l the loss is sum(w l) / sum(w),
 * both sums over the whole effective batch.  So the counts that come with the
 * terms are sums of weights; what a sum loses to rounding is kept beside it,
 * and its order is that of the samples: see loss_state.c.
 */
#include "compiler/ops/loss.h"

/* The weights with all dimensions of the elements: those that they lack at the
 * end, like those of one element, are repeated.  The first dimension may not
 * be repeated: it is the samples'. */
static val fitted(struct graph *g, val weights, const struct type *t)
{
    struct type w = *type_of(g, weights);
    bool fits = w.dtype == DT_F32 && w.rank && w.rank <= t->rank;

    for (int d = 0; d < w.rank && fits; d++)
        fits = w.dim[d] == t->dim[d] || (d && w.dim[d] == 1);
    if (!fits) {
        reject_here(g, "the weights are %s %s, wanted f32 %s%s",
                    dtype_name(w.dtype), type_text(g->arena, &w),
                    type_text(g->arena, t),
                    t->rank > 1 ? ", or its first dimensions" : "");
        return (val){0};
    }
    if (!loss_has_samples(g, "the weights", &w))
        return (val){0};
    if (w.rank == t->rank)
        return weights;
    while (w.rank < t->rank)
        w.dim[w.rank++] = 1;
    return val_reshape(g, weights, w.dim, w.rank, w.batch);
}

/* Sums inside samples of what has the elements' shape t when it is repeated. v
 * is summed as it is, then multiplied: v need not be repeated in memory. */
static val repeated_sums(struct graph *g, val v, const struct type *t)
{
    int64_t times = v.id ? type_count(t) / type_count(type_of(g, v)) : 1;

    v = loss_sample_sums(g, v);
    return times == 1 ? v : val_mul(g, v, val_scalar(g, (double)times));
}

/* Counts that are sums of weights stay empty where neither classes nor an
 * operand weigh: then per_sample says the number, exactly. */
bool loss_weighted(struct graph *g, const struct weighting *w, val *y)
{
    const struct type t = *type_of(g, w->terms);
    val terms = w->terms, counts = w->counts;

    if (!terms.id)
        return false;
    if (w->weights.id) {
        val v = fitted(g, w->weights, &t);

        if (!v.id)
            return false;
        terms = val_mul(g, terms, v);
        counts = counts.id ? val_mul(g, counts, v) : v;
    }
    y[0] = loss_sample_sums(g, terms);
    y[1] = counts.id ? repeated_sums(g, counts, &t) : counts;
    return y[0].id != 0;
}

val loss_weights_of(const val *in, int nin)
{
    return nin > 2 ? in[2] : (val){0};
}

/* Elements [N, ...], f32, without counts of their own. */
bool loss_finish(struct graph *g, val elements, val weights, val *y)
{
    const struct weighting w = {.terms = elements, .weights = weights};

    return loss_weighted(g, &w, y);
}
