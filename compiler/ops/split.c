/*
 * split.c: an operand cut along one axis, into several results; the other way
 * of Concat, which is its gradient.
 */
#include <string.h>

#include "compiler/lower.h"
#include "kernels/copy.h"

enum { AXIS, SPLIT, NUM_OUTPUTS };

static const struct attr_spec attrs[] = {
    [AXIS] = {"axis",
              ATTR_INT,
              {0},
              "dimension along which it is cut",
              false,
              false},
    [SPLIT] = {"split",
               ATTR_INTS,
               {0},
               "sizes of the parts, 8 at most",
               false,
               false},
    [NUM_OUTPUTS] = {"num_outputs",
                     ATTR_INT,
                     {0},
                     "without split: how many parts of one size; the last may "
                     "be smaller",
                     false,
                     false},
    {0},
};

/* ONNX counts an axis below 0 from the end. */
static int axis_of(const struct node *n, int rank)
{
    int64_t axis = n->attr[AXIS].i;

    return (int)(axis < 0 ? axis + rank : axis);
}

/* Sizes of the parts of `all`; how many, or 0 after a refusal. */
static int given_sizes(struct graph *g, const struct node *n, int64_t all,
                       int64_t *size)
{
    const struct ints *split = &n->attr[SPLIT].ints;
    int64_t rest = all;

    if (split->n > MAX_OUT)
        return reject(g, n, "split has %d parts, wanted at most %d", split->n,
                      MAX_OUT);
    for (int k = 0; k < split->n; k++) {
        size[k] = split->v[k];
        if (size[k] < 1)
            return reject(g, n, "split has %lld, wanted 1 or more",
                          (long long)size[k]);
        rest -= size[k];
    }
    if (rest)
        return reject(g, n, "the parts of split make %lld, the dimension %lld",
                      (long long)(all - rest), (long long)all);
    return split->n;
}

/* ONNX's num_outputs: all parts of one size but the last, which may be
 * smaller. */
static int equal_sizes(struct graph *g, const struct node *n, int64_t all,
                       int64_t *size)
{
    int64_t count = n->attr[NUM_OUTPUTS].i, each;

    if (count < 1 || count > MAX_OUT)
        return reject(g, n,
                      "num_outputs is %lld, wanted 1 to %d, or split in its "
                      "place",
                      (long long)count, MAX_OUT);
    each = (all + count - 1) / count;
    for (int k = 0; k < count; k++)
        size[k] = k + 1 < count ? each : all - k * each;
    if (size[count - 1] < 1)
        return reject(g, n, "%lld elements do not make %lld parts",
                      (long long)all, (long long)count);
    return (int)count;
}

/* As many results as there are sizes; a tuple whose number the attributes
 * say. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);
    int axis = axis_of(n, x->rank), count;
    int64_t size[MAX_OUT];

    if (axis < 0 || axis >= x->rank)
        return reject(g, n, "axis %lld of a rank %d input",
                      (long long)n->attr[AXIS].i, x->rank);
    if (x->batch == axis + 1)
        return reject(g, n,
                      "dimension %d of %s counts the samples of the batch, "
                      "which cannot be cut",
                      axis, type_text(g->arena, x));
    count = n->attr[SPLIT].ints.n ? given_sizes(g, n, x->dim[axis], size)
                                  : equal_sizes(g, n, x->dim[axis], size);
    for (int k = 0; k < count; k++) {
        y[k] = *x;
        y[k].dim[axis] = size[k];
    }
    return count > 0;
}

/* A result that nothing reads has no gradient: zeros.  Concat wants all its
 * operands. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    union attr attr[] = {
        {.i = axis_of(n, type_of(g, n->in[0])->rank)},
    };
    val part[MAX_OUT];

    for (int k = 0; k < n->nout; k++)
        part[k] = dy[k].id ? dy[k] : val_fill(g, &n->out[k], 0);
    dx[0] = graph_add(g, &op_Concat, part, n->nout, attr);
}

/* x [outer, all, inner] is read once from front to back; part k is [outer, its
 * size, inner]. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    int axis = axis_of(n, in->type.rank);
    struct rows all = rows_along(&in->type, axis);
    const double *from = in->data;

    (void)env;
    for (int64_t o = 0; o < all.outer; o++)
        for (int k = 0; k < n->nout; k++) {
            int64_t len = out[k].type.dim[axis] * all.inner;

            memcpy(out[k].data + o * len, from, (size_t)len * sizeof *from);
            from += len;
        }
}

/* len[k] is in elements of a row: the part's axis times what is behind it. */
static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    int axis = axis_of(n, x->rank);
    struct rows all = rows_along(x, axis);
    struct concat_problem p = {.nin = n->nout,
                               .outer = all.outer,
                               .bytes = (int)dtype_bytes(x->dtype)};

    for (int k = 0; k < n->nout; k++)
        p.len[k] = n->out[k].dim[axis] * all.inner;
    lower_call(lo, kernels_split, &p, n);
}

const struct op op_Split = {
    .name = "Split",
    .doc = "parts along one axis; \"name:1\" is the second",
    .min_in = 1,
    .nin = 1,
    .nout = MAX_OUT,
    .attr = attrs,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .infer = infer,
    .grad = grad,
    .ref = ref,
    .lower = lower,
    .axis_follows = true,
};
