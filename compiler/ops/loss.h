/* loss.h: what losses and metrics share: samples first, labels, counts. */
#ifndef COMPILER_OPS_LOSS_H
#define COMPILER_OPS_LOSS_H

#include "compiler/op.h"
#include "kernels/loss.h"

/* False after a refusal: the first dimension must count the samples. */
bool loss_has_samples(struct graph *, const char *what, const struct type *);

/* ---- classes: logits [N, C, spatial...], label [N, spatial...] ---- */

/* The attributes of these ops; the last two are the loss's only. */
enum {
    LABEL_IGNORE,
    LABEL_AXIS,
    LABEL_SMOOTHING,
    LABEL_CLASS_WEIGHTS,
    LABEL_ATTRS
};
extern const struct attr_spec label_attrs[];

/* False after a refusal of a node whose operands from `first` on are logits and
 * labels. */
bool label_fits(struct graph *, const struct node *, int first);
/* The same of types, where the classes are dimension 1. */
bool label_shape_fits(struct graph *, const struct type *x,
                      const struct type *label);
/* Empty where every label counts. */
val label_counts(struct graph *, val label, const union attr *);
int64_t label_classes(const struct type *x, const union attr *);
int64_t label_per_sample(const struct type *x, const union attr *);
/* The losses and metrics that models write take the classes last as well.  Then
 * each position becomes a row of logits, the rows of a sample together; and the
 * rows' results are summed to one for each sample. */
bool label_rows(struct graph *, const val *in, const union attr *, val *rows);
val label_sums(struct graph *, val results);
bool label_ignored(const struct node *, double label);
struct loss_problem label_problem(const struct type *x,
                                  const struct type *label, const union attr *);
/* What is one number per sample of x. */
struct type loss_per_sample(const struct type *x, enum dtype);

/* v, of the labels' shape, and 0 where the label is to be ignored. */
val label_without_ignored(struct graph *, val v, val label, int64_t ignore);
/* Terms of rows, with the attribute's share of each label given to all classes
 * evenly. */
val label_smoothed(struct graph *, val terms, const val *rows,
                   const union attr *);
/* The results of a cross entropy with probabilities as target. */
bool label_probabilities(struct graph *, const val *in, int nin,
                         const union attr *, val *y);
/* The results of one where labels have weights. */
bool label_weighted(struct graph *, const val *in, int nin, const union attr *,
                    val *y);
/* Those of an accuracy, with a third operand of weights. */
bool label_weighted_hits(struct graph *, const val *in, int nin,
                         const union attr *, val *y);
/* False after a refusal. */
bool class_weights_fit(struct graph *, const union attr *, int64_t classes);
/* f32 [C, 1, ...], with so many dimensions behind; or empty. */
val class_weights(struct graph *, const union attr *, int behind);

/* ---- weights of samples or positions ---- */

/* The operand after prediction and target, or empty. */
val loss_weights_of(const val *in, int nin);
struct weighting {
    val terms;   /* of each element, its shape [N, ...] */
    val counts;  /* what each element counts, in that shape; or empty: one */
    val weights; /* operand, f32, the elements' first dimensions; or empty */
};
/* The results of a loss: y[0] sums terms inside each sample, y[1], which may be
 * empty, what they count. */
bool loss_weighted(struct graph *, const struct weighting *, val *y);

/* ---- a prediction and a target, both f32 and of one shape ---- */

extern const char *const loss_pair_names[];
/* False after a refusal. */
bool loss_pair_fits(struct graph *, const val *in);
val loss_sample_sums(struct graph *, val elements);
/* The results of a loss where every element counts, as its weight says if there
 * are any. */
bool loss_finish(struct graph *, val elements, val weights, val *y);
/* Counts per sample: the elements of the prediction, or one. */
int64_t loss_all_elements(const struct type *x, const union attr *);
int64_t loss_one_each(const struct type *x, const union attr *);

#define PAIR_LOSS(nm, text, attrs, builder, counted) \
    const struct op op_##nm = {                      \
        .name = #nm,                                 \
        .doc = text,                                 \
        .min_in = 2,                                 \
        .nin = 3,                                    \
        .nout = 2,                                   \
        .attr = attrs,                               \
        .in_name = loss_pair_names,                  \
        .types = "f32",                              \
        .build = builder,                            \
        .is_loss = true,                             \
        .per_sample = counted,                       \
    };

#endif
