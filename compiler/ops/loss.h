/* loss.h: what losses and metrics share: samples first, labels, counts. */
#ifndef COMPILER_OPS_LOSS_H
#define COMPILER_OPS_LOSS_H

#include "compiler/op.h"
#include "kernels/loss.h"

/* False after a refusal: the first dimension must count the samples. */
bool loss_has_samples(struct graph *, const char *what, const struct type *);

/* ---- classes: logits [N, C, spatial...], label [N, spatial...] ---- */

/* The attributes of these ops; the last one is the loss's only. */
enum { LABEL_IGNORE, LABEL_AXIS, LABEL_SMOOTHING };
extern const struct attr_spec label_attrs[];

/* False after a refusal of a node whose operands from `first` on are logits and
 * labels. */
bool label_fits(struct graph *, const struct node *, int first);
/* Empty where every label counts. */
val label_counts(struct graph *, val label, const union attr *);
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

/* Terms of rows, with the attribute's share of each label given to all classes
 * evenly. */
val label_smoothed(struct graph *, val terms, const val *rows,
                   const union attr *);
/* The results of a cross entropy with probabilities as target. */
bool label_probabilities(struct graph *, const val *in, const union attr *,
                         val *y);

/* ---- a prediction and a target, both f32 and of one shape ---- */

extern const char *const loss_pair_names[];
/* False after a refusal. */
bool loss_pair_fits(struct graph *, const val *in);
val loss_sample_sums(struct graph *, val elements);
/* The results of a loss where every element counts: y[0] sums its elements
 * inside each sample. */
bool loss_finish(struct graph *, val elements, val *y);
/* Counts per sample: the elements of the prediction, or one. */
int64_t loss_all_elements(const struct type *x, const union attr *);
int64_t loss_one_each(const struct type *x, const union attr *);

#define PAIR_LOSS(nm, text, attrs, builder, counted) \
    const struct op op_##nm = {                      \
        .name = #nm,                                 \
        .doc = text,                                 \
        .min_in = 2,                                 \
        .nin = 2,                                    \
        .nout = 2,                                   \
        .attr = attrs,                               \
        .in_name = loss_pair_names,                  \
        .types = "f32",                              \
        .build = builder,                            \
        .is_loss = true,                             \
        .per_sample = counted,                       \
    };

#endif
