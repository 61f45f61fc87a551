/* loss.h: what losses and metrics share: samples first, labels, counts. */
#ifndef COMPILER_OPS_LOSS_H
#define COMPILER_OPS_LOSS_H

#include "compiler/op.h"
#include "kernels/loss.h"

/* False after a refusal: the first dimension must count the samples. */
bool loss_has_samples(struct graph *, const char *what, const struct type *);

/* ---- classes: logits [N, C, spatial...], label [N, spatial...] ---- */

/* The one attribute of these ops. */
enum { LABEL_IGNORE };
extern const struct attr_spec label_attrs[];

/* False after a refusal of a node whose operands from `first` on are logits and
 * labels. */
bool label_fits(struct graph *, const struct node *, int first);
/* Empty where every label counts. */
val label_counts(struct graph *, val label, const union attr *);
int64_t label_per_sample(const struct type *logits);
bool label_ignored(const struct node *, double label);
struct loss_problem label_problem(const struct type *logits,
                                  const struct type *label, const union attr *);
/* What is one number per sample of x. */
struct type loss_per_sample(const struct type *x, enum dtype);

#endif
