/*
 * cross_entropy.c: -log softmax(logits)[label], as in PyTorch.
 *
 * The loss is CrossEntropyTerms, summed inside each sample, and ValidCount
 * where labels may be ignored.  A term is log(sum(exp(x - top))) + top -
 * x[label]: the largest logit `top` changes nothing in exact arithmetic and
 * keeps exp from overflowing.
 *
 * A label that is neither a class nor ignored makes NaN, never an access.
 */
#include <math.h>

#include "compiler/lower.h"
#include "compiler/ops/loss.h"

/* Those of label_attrs, and one more. */
static const struct attr_spec attrs[] = {
    [LABEL_IGNORE] = {"ignore_index",
                      ATTR_INT,
                      {.i = INT64_MIN},
                      "label that counts for nothing; as it stands, none does",
                      false,
                      false},
    [LABEL_AXIS] = {"axis",
                    ATTR_INT,
                    {.i = 1},
                    "dimension of the classes: 1 or the last",
                    false,
                    false},
    [LABEL_SMOOTHING] = {"label_smoothing",
                         ATTR_FLOAT,
                         {.f = 0},
                         "share of a label that all classes get evenly",
                         false,
                         false},
    [LABEL_CLASS_WEIGHTS] =
        {"class_weights",
         ATTR_TENSOR,
         {0},
         "one for each class; the labels' are what is divided by",
         false,
         false},
    {0},
};

static const char *const names[] = {"logits", "label", NULL};
static const char *const loss_names[] = {"logits", "label", "weights", NULL};
static const char *const grad_names[] = {"dterms", "logits", "label", NULL};

/* ---- CrossEntropy ---- */

/* Losses sum inside a sample, y[0] f32 [N]; y[1] counts the labels that are
 * not ignored, and is empty where none can be.  The division by the count of
 * the effective batch comes later, where the count is known. */
static bool unweighted(struct graph *g, const val *in, const union attr *attr,
                       val *y)
{
    val rows[2], terms;

    if (!label_rows(g, in, attr, rows))
        return false;
    terms = graph_add(g, &op_CrossEntropyTerms, rows, 2, attr);
    y[0] = label_sums(g, label_smoothed(g, terms, rows, attr));
    if (!y[0].id)
        return false;
    y[1] = label_counts(g, in[1], attr);
    return true;
}

/* Three forms: probabilities (a label of f32 in the logits' shape), weights of
 * positions or classes, and plain indices. graph_limit lets the host refuse
 * labels that are no class before they reach a device. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    const struct type *x = type_of(g, in[0]);
    const int64_t ignore = attr[LABEL_IGNORE].i;
    const double share = attr[LABEL_SMOOTHING].f;

    if (!(share >= 0 && share <= 1))
        return reject_here(g, "\"label_smoothing\" is %g, wanted 0 to 1",
                           share);
    if (type_of(g, in[1])->dtype == DT_F32 && x->dtype == DT_F32 &&
        type_of(g, in[1])->rank == x->rank)
        return label_probabilities(g, in, nin, attr, y);
    if (!loss_has_samples(g, "the first input", x))
        return false;
    if (nin > 2 || attr[LABEL_CLASS_WEIGHTS].tensor
            ? !label_weighted(g, in, nin, attr, y)
            : !unweighted(g, in, attr, y))
        return false;
    graph_limit(g, in[1], label_classes(type_of(g, in[0]), attr),
                ignore == INT64_MIN ? 0 : ignore);
    return !g->diag->failed;
}

const struct op op_CrossEntropy = {
    .name = "CrossEntropy",
    .doc = "minus the log of the label's softmax: logits [N, C, ...], label "
           "[N, ...], or probabilities like the logits",
    .min_in = 2,
    .nin = 3,
    .nout = 2,
    .attr = attrs,
    .in_name = loss_names,
    .types = "f32 f16",
    .build = build,
    .is_loss = true,
    .per_sample = label_per_sample,
};

/* ---- CrossEntropyTerms ---- */

/* logits [N, C, ...] and label [N, ...] to f32 [N]. */
static bool terms_infer(struct graph *g, const struct node *n, struct type *y)
{
    if (!label_fits(g, n, 0))
        return false;
    *y = loss_per_sample(type_of(g, n->in[0]), DT_F32);
    return true;
}

/* The gradient computes the softmax again from the logits, so none is kept. */
static void terms_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);

    dx[0] = graph_add(g, &op_CrossEntropyGrad,
                      (val[]){dy[0], n->in[0], n->in[1]}, 3, n->attr);
}

static void terms_lower(struct lower *lo, const struct node *n)
{
    const struct loss_problem p = label_problem(
        type_of(lo->graph, n->in[0]), type_of(lo->graph, n->in[1]), n->attr);

    lower_call(lo, kernels_cross_entropy, &p, n);
}

/* log(sum(exp(x))) of x [C], logits that are `step` apart. */
static double log_sum_exp(const double *x, int64_t C, int64_t step)
{
    double top = -INFINITY, sum = 0;

    for (int64_t c = 0; c < C; c++)
        top = fmax(top, x[c * step]);
    for (int64_t c = 0; c < C; c++)
        sum += exp(x[c * step] - top);
    return log(sum) + top;
}

/* One position, x [C] in steps: log(sum(exp(x))) - x[label].  NaN shows a wrong
 * label in the loss, which is better than a silent 0. */
static double term(const struct node *n, const double *x, double label,
                   int64_t C, int64_t step)
{
    if (label_ignored(n, label))
        return 0;
    if (!(label >= 0 && label < (double)C))
        return NAN;
    return log_sum_exp(x, C, step) - x[(int64_t)label * step];
}

/* logits [N, C, inner], label [N, inner], terms [N]. */
static void terms_ref(const struct node *n, const struct ref_env *env,
                      const struct tensor *in, struct tensor *out)
{
    const struct rows r = rows_along(&in[0].type, 1); /* N, C, inner */

    (void)env;
    for (int64_t i = 0; i < r.outer; i++) {
        const double *x = in[0].data + i * r.len * r.inner; /* [C, inner] */

        out->data[i] = 0;
        for (int64_t j = 0; j < r.inner; j++)
            out->data[i] += term(n, x + j, in[1].data[i * r.inner + j], r.len,
                                 r.inner);
    }
}

const struct op op_CrossEntropyTerms = {
    .name = "CrossEntropyTerms",
    .doc = "cross entropy summed inside each sample",
    .min_in = 2,
    .nin = 2,
    .attr = label_attrs,
    .in_name = names,
    .types = "f32 f16",
    .infer = terms_infer,
    .grad = terms_grad,
    .lower = terms_lower,
    .ref = terms_ref,
    .internal = true,
};

/* ---- CrossEntropyGrad: (softmax(x) - one at the label) * dterm ---- */

/* dterms f32 [N]; the result has the logits' type, f16 too. */
static bool grad_infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *dterms = type_of(g, n->in[0]);

    if (!label_fits(g, n, 1))
        return false;
    *y = *type_of(g, n->in[1]);
    if (dterms->dtype != DT_F32 || dterms->rank != 1 ||
        dterms->dim[0] != y->dim[0])
        return reject(g, n, "gradient is %s %s, wanted f32 [%lld]",
                      dtype_name(dterms->dtype), type_text(g->arena, dterms),
                      (long long)y->dim[0]);
    return true;
}

static void grad_lower(struct lower *lo, const struct node *n)
{
    const struct loss_problem p = label_problem(
        type_of(lo->graph, n->in[1]), type_of(lo->graph, n->in[2]), n->attr);

    lower_call(lo, kernels_cross_entropy_grad, &p, n);
}

/* d/dx_c (log(sum(exp(x))) - x_label) = softmax(x)_c - [c = label].  An ignored
 * position is 0 by selection: its logits may be infinite.  x and dx are [C],
 * r->inner apart. */
static void grad_position(const struct node *n, const double *x, double label,
                          const struct rows *r, double dterm, double *dx)
{
    double all = log_sum_exp(x, r->len, r->inner);
    bool wrong = !(label >= 0 && label < (double)r->len);

    for (int64_t c = 0; c < r->len; c++) {
        double p = exp(x[c * r->inner] - all);
        double d = (p - (label == (double)c)) * dterm;

        dx[c * r->inner] = label_ignored(n, label) ? 0 : wrong ? NAN : d;
    }
}

/* dterms [N], logits and result [N, C, inner], label [N, inner]. */
static void grad_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    const struct rows r = rows_along(&in[1].type, 1);

    (void)env;
    for (int64_t i = 0; i < r.outer; i++)
        for (int64_t j = 0; j < r.inner; j++) {
            int64_t at = i * r.len * r.inner + j;

            grad_position(n, in[1].data + at, in[2].data[i * r.inner + j], &r,
                          in[0].data[i], out->data + at);
        }
}

const struct op op_CrossEntropyGrad = {
    .name = "CrossEntropyGrad",
    .doc = "gradient of CrossEntropyTerms for its logits",
    .min_in = 3,
    .nin = 3,
    .attr = label_attrs,
    .in_name = grad_names,
    .types = "f32 f16",
    .infer = grad_infer,
    .lower = grad_lower,
    .ref = grad_ref,
    .inplace = {2},
    .internal = true,
};
