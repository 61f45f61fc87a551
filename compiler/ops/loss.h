/* loss.h: what losses and metrics share: samples first, labels, counts. */
#ifndef COMPILER_OPS_LOSS_H
#define COMPILER_OPS_LOSS_H

#include "compiler/op.h"
#include "kernels/loss.h"

/* False after a refusal: the first dimension must count the samples. */
bool loss_has_samples(struct graph *, const char *what, const struct type *);

/* ---- classes: logits [N, C, spatial...], label [N, spatial...] ---- */

/* The attributes of these ops. */
enum { LABEL_IGNORE, LABEL_AXIS };
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

#endif
