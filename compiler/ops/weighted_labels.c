/*
 * weighted_labels.c: cross entropy whose labels have weights: of their classes,
 * from an operand, or both; and accuracy with those of an operand.
 *
 * As in PyTorch, with class weights c, a label k, the softmax p of C logits and
 * a share s of label smoothing, a position costs
 *
 *   (1 - s) c[k] -log p[k] + s / C sum_j c[j] -log p[j]
 *
 * and counts c[k] in what the sum is divided by.  For that every position needs
 * a term of its own: it becomes a row of logits.
 */
#include "compiler/ops/loss.h"

/* c is [classes], none below 0: PyTorch lets those through, and divides by
 * their sum. */
bool class_weights_fit(struct graph *g, const union attr *attr, int64_t classes)
{
    const struct tensor *c = attr[LABEL_CLASS_WEIGHTS].tensor;

    if (!c)
        return true;
    if (c->type.rank != 1 || c->type.dim[0] != classes)
        return reject_here(g, "class_weights are %s, wanted a list of %lld",
                           type_text(g->arena, &c->type), (long long)classes);
    for (int64_t k = 0; k < classes; k++)
        if (!(c->data[k] >= 0))
            return reject_here(g,
                               "class_weights has %g for class %lld, wanted 0 "
                               "or more",
                               c->data[k], (long long)k);
    return true;
}

/* Constant [C, 1, ...], so that it broadcasts against logits from the classes
 * on. */
val class_weights(struct graph *g, const union attr *attr, int behind)
{
    const struct tensor *c = attr[LABEL_CLASS_WEIGHTS].tensor;
    struct type t = {.dtype = DT_F32};

    if (!c)
        return (val){0};
    t.dim[t.rank++] = c->type.dim[0];
    while (behind-- > 0)
        t.dim[t.rank++] = 1;
    return graph_constant(g, &t, c->data);
}

/* rows: logits [positions, C], labels [positions]; those of a sample are
 * together.  shape: of the positions.  Classes of dimension 1 are moved to the
 * end first; label_rows does the rest. */
static bool position_rows(struct graph *g, const val *in,
                          const union attr *attr, val *rows, struct type *shape)
{
    const struct type x = *type_of(g, in[0]);
    union attr last[LABEL_ATTRS];
    int perm[MAX_RANK] = {0};
    val moved[2] = {in[0], in[1]};

    *shape = *type_of(g, in[1]);
    if (attr[LABEL_AXIS].i != 1 || x.rank < 3)
        return label_rows(g, in, attr, rows);
    if (!label_shape_fits(g, &x, shape))
        return false;
    for (int i = 0; i < LABEL_ATTRS; i++)
        last[i] = attr[i];
    last[LABEL_AXIS].i = -1;
    for (int d = 1; d < x.rank; d++)
        perm[d] = d + 1 < x.rank ? d + 1 : 1;
    moved[0] = val_transpose(g, in[0], perm);
    return label_rows(g, moved, last, rows);
}

/* The weights of the labels' classes, or one; 0 of those to be ignored.  Empty
 * where all are one. */
static val weights_of(struct graph *g, val label, const union attr *attr)
{
    const struct type t = *type_of(g, label);
    val v = class_weights(g, attr, 1);

    if (v.id) {
        v = graph_add(g, &op_Embedding, (val[]){label, v}, 2, NULL);
        v = val_reshape(g, v, t.dim, t.rank, t.batch);
    } else {
        v = val_scalar(g, 1);
    }
    v = label_without_ignored(g, v, label, attr[LABEL_IGNORE].i);
    return type_of(g, v)->rank ? v : (val){0};
}

/* The value of the rows in the positions' shape. */
static val in_shape(struct graph *g, val v, const struct type *shape)
{
    return v.id ? val_reshape(g, v, shape->dim, shape->rank, shape->batch) : v;
}

bool label_weighted_hits(struct graph *g, const val *in, int nin,
                         const union attr *attr, val *y)
{
    /* The attributes that a loss has beside, at their defaults. */
    const union attr all[LABEL_ATTRS] = {attr[LABEL_IGNORE], attr[LABEL_AXIS]};
    struct weighting w = {.weights = loss_weights_of(in, nin)};
    struct type shape;
    val rows[2];

    if (!position_rows(g, in, all, rows, &shape))
        return false;
    w.terms = in_shape(g, graph_add(g, &op_AccuracyHits, rows, 2, all), &shape);
    w.counts = in_shape(g, weights_of(g, rows[1], all), &shape);
    return loss_weighted(g, &w, y);
}

/* Terms are weighted before smoothing, which has c of all classes in its own
 * sum. */
bool label_weighted(struct graph *g, const val *in, int nin,
                    const union attr *attr, val *y)
{
    struct weighting w = {.weights = loss_weights_of(in, nin)};
    struct type shape;
    val rows[2], terms, own;

    if (!position_rows(g, in, attr, rows, &shape))
        return false;
    terms = graph_add(g, &op_CrossEntropyTerms, rows, 2, attr);
    if (!terms.id || !class_weights_fit(g, attr, type_of(g, rows[0])->dim[1]))
        return false;
    own = weights_of(g, rows[1], attr);
    if (attr[LABEL_CLASS_WEIGHTS].tensor)
        terms = val_mul(g, terms, own);
    terms = label_smoothed(g, terms, rows, attr);
    w.terms = in_shape(g, terms, &shape);
    w.counts = in_shape(g, own, &shape);
    return loss_weighted(g, &w, y);
}
