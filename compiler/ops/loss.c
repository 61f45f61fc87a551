/*
 * loss.c: what losses and metrics share, and ValidCount, the labels of a sample
 * that are not ignored.
 *
 * An ignored label has no term, no gradient and no part in the count that the
 * loss is divided by.
 */
#include "compiler/ops/loss.h"

#include "compiler/lower.h"

const struct attr_spec label_attrs[] = {
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
    {0},
};

/* g->batch exactly: a loss has one number per sample, so rows of samples, a
 * multiple of it, will not do. */
bool loss_has_samples(struct graph *g, const char *what, const struct type *t)
{
    if (t->rank && t->batch == 1 && t->dim[0] == g->batch)
        return true;
    return reject_here(g,
                       "%s is %s, and its first dimension does not count "
                       "the %lld samples of the batch",
                       what, type_text(g->arena, t), (long long)g->batch);
}

struct type loss_per_sample(const struct type *x, enum dtype dtype)
{
    return (struct type){
        .dtype = dtype, .rank = 1, .dim = {x->dim[0]}, .batch = x->batch};
}

/* The logits' shape without the classes. */
static struct type label_shape(const struct type *x)
{
    struct type t = {.rank = x->rank - 1, .dim = {x->dim[0]}};

    for (int d = 2; d < x->rank; d++)
        t.dim[d - 1] = x->dim[d];
    return t;
}

/* Types that hold class indices. */
static bool is_label(enum dtype t)
{
    return t == DT_I32 || t == DT_I64 || t == DT_U8;
}

/* Dimensions and samples; element types may differ. */
static bool same_shape(const struct type *t, const struct type *u)
{
    struct type v = *u;

    v.dtype = t->dtype;
    return type_equal(t, &v);
}

bool label_shape_fits(struct graph *g, const struct type *x,
                      const struct type *label)
{
    struct type wanted = label_shape(x);

    if (same_shape(&wanted, label))
        return true;
    return reject_here(g, "logits are %s and labels %s, wanted labels %s",
                       type_text(g->arena, x), type_text(g->arena, label),
                       type_text(g->arena, &wanted));
}

bool label_fits(struct graph *g, const struct node *n, int first)
{
    const struct type *x = type_of(g, n->in[first]);
    const struct type *label = type_of(g, n->in[first + 1]);

    if (!dtype_is_float(x->dtype))
        return reject(g, n, "logits are %s, not floats", dtype_name(x->dtype));
    if (!is_label(label->dtype))
        return reject(g, n, "labels are %s, wanted i32, i64 or u8",
                      dtype_name(label->dtype));
    if (x->rank < 2)
        return reject(g, n,
                      "logits are %s, wanted [N, classes] or [N, "
                      "classes, ...]",
                      type_text(g->arena, x));
    return label_shape_fits(g, x, label);
}

/* An axis below 0 counts from the end. */
static int axis_of(const struct type *x, const union attr *attr)
{
    int64_t axis = attr[LABEL_AXIS].i;

    return (int)(axis < 0 ? axis + x->rank : axis);
}

int64_t label_classes(const struct type *x, const union attr *attr)
{
    return x->dim[axis_of(x, attr)];
}

/* Positions of a sample: each has one label, however many classes. */
int64_t label_per_sample(const struct type *x, const union attr *attr)
{
    return type_count(x) / (x->dim[0] * label_classes(x, attr));
}

/* rows[0] is [N * positions, C], rows[1] [N * positions].  Labels are checked
 * here because the rows would hide a wrong shape. */
bool label_rows(struct graph *g, const val *in, const union attr *attr,
                val *rows)
{
    struct type x = *type_of(g, in[0]), t = *type_of(g, in[1]), wanted = x;
    int axis = axis_of(&x, attr);
    int64_t C = x.rank ? x.dim[x.rank - 1] : 1, n = type_count(&x) / C;

    rows[0] = in[0];
    rows[1] = in[1];
    if (axis == 1)
        return true;
    if (x.rank < 3 || axis != x.rank - 1)
        return reject_here(g, "axis is %lld of logits %s, wanted 1 or the last",
                           (long long)attr[LABEL_AXIS].i,
                           type_text(g->arena, &x));
    wanted.rank--;
    if (!same_shape(&wanted, &t))
        return reject_here(g,
                           "logits are %s with classes last and labels %s, "
                           "wanted labels %s",
                           type_text(g->arena, &x), type_text(g->arena, &t),
                           type_text(g->arena, &wanted));
    rows[0] = val_reshape(g, in[0], (const int64_t[]){n, C}, 2, x.batch);
    rows[1] = val_reshape(g, in[1], &n, 1, t.batch);
    return true;
}

/* [N * positions] to [N]; what is [N] already stays. */
val label_sums(struct graph *g, val results)
{
    const struct type *t = type_of(g, results);
    const int64_t last = 1, dim[] = {g->batch, t->dim[0] / g->batch};
    val v;

    if (!results.id || dim[1] <= 1)
        return results;
    v = val_reshape(g, results, dim, 2, t->batch);
    return val_reduce_sum(g, v, ints_copy(g, &last, 1), false);
}

/* x [N, C, inner], in the user's order. */
struct loss_problem label_problem(const struct type *x,
                                  const struct type *label,
                                  const union attr *attr)
{
    int64_t ignore = attr[LABEL_IGNORE].i;

    return (struct loss_problem){.N = x->dim[0],
                                 .C = x->dim[1],
                                 .inner = type_count(x) /
                                          (x->dim[0] * x->dim[1]),
                                 .x = x->dtype,
                                 .label = label->dtype,
                                 .ignores = ignore != INT64_MIN,
                                 .ignore = ignore};
}

/* Counts are added up in 32 bits.  Hence the limit on the whole effective
 * batch. */
val label_counts(struct graph *g, val label, const union attr *attr)
{
    const struct type *t = type_of(g, label);

    if (attr[LABEL_IGNORE].i == INT64_MIN)
        return (val){0};
    if (type_count(t) / t->dim[0] * g->effective > INT32_MAX) {
        reject_here(g,
                    "%lld labels of each of %lld samples, wanted less than "
                    "2^31 in all",
                    (long long)(type_count(t) / t->dim[0]),
                    (long long)g->effective);
        return (val){0};
    }
    return graph_add(g, &op_ValidCount, &label, 1, attr);
}

bool label_ignored(const struct node *n, double label)
{
    int64_t ignore = n->attr[LABEL_IGNORE].i;

    return ignore != INT64_MIN && label == (double)ignore;
}

/* ---- ValidCount ---- */

/* label [N, ...] to i32 [N]. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *label = type_of(g, n->in[0]);

    if (!is_label(label->dtype) || !label->rank)
        return reject(g, n, "labels are %s %s, wanted i32, i64 or u8 [N, ...]",
                      dtype_name(label->dtype), type_text(g->arena, label));
    *y = loss_per_sample(label, DT_I32);
    return true;
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *label = type_of(lo->graph, n->in[0]);
    const int64_t ignore = n->attr[LABEL_IGNORE].i;
    const struct loss_problem p = {.N = label->dim[0],
                                   .inner = type_count(label) / label->dim[0],
                                   .label = label->dtype,
                                   .ignores = ignore != INT64_MIN,
                                   .ignore = ignore};

    lower_call(lo, kernels_valid_count, &p, n);
}

/* label [N, inner], result [N]. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    int64_t N = in[0].type.dim[0], inner = type_count(&in[0].type) / N;

    (void)env;
    for (int64_t i = 0; i < N; i++) {
        out->data[i] = 0;
        for (int64_t j = 0; j < inner; j++)
            out->data[i] += !label_ignored(n, in[0].data[i * inner + j]);
    }
}

static const char *const names[] = {"label", NULL};

const struct op op_ValidCount = {
    .name = "ValidCount",
    .doc = "labels of each sample that are not ignored",
    .min_in = 1,
    .nin = 1,
    .attr = label_attrs,
    .in_name = names,
    .types = "i32 i64 u8",
    .infer = infer,
    .lower = lower,
    .ref = ref,
    .internal = true,
};
