/*
 * transpose.c: dimensions in another order: y's k-th is x's perm[k]-th.
 *
 * The gradient is the transpose by the inverse permutation.
 */
#include "kernels/transpose.h"
#include "compiler/lower.h"
#include "compiler/op.h"

enum { PERM };

static const struct attr_spec attrs[] = {
    [PERM] = {"perm",
              ATTR_INTS,
              {0},
              "which dimension of x each is; none: the reverse",
              false,
              false},
    {0},
};

/* Without a list dimensions are reversed, as in ONNX. */
static void perm_of(const struct node *n, int rank, int *perm)
{
    const struct ints *given = &n->attr[PERM].ints;

    for (int k = 0; k < rank; k++)
        perm[k] = given->n ? (int)given->v[k] : rank - 1 - k;
}

static bool is_permutation(const struct ints *perm, int rank)
{
    unsigned seen = 0;

    if (perm->n != rank)
        return false;
    for (int k = 0; k < rank; k++) {
        if (perm->v[k] < 0 || perm->v[k] >= rank)
            return false;
        seen |= 1U << perm->v[k];
    }
    return seen + 1 == 1U << rank;
}

/* The samples' axis moves with its dimension, to wherever the model wants
 * it. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);
    const struct ints *given = &n->attr[PERM].ints;
    int perm[MAX_RANK];

    if (given->n && !is_permutation(given, x->rank))
        return reject(g, n,
                      "perm does not name each of the %d dimensions "
                      "once",
                      x->rank);
    perm_of(n, x->rank, perm);
    *y = (struct type){.dtype = x->dtype, .rank = x->rank};
    for (int k = 0; k < x->rank; k++) {
        y->dim[k] = x->dim[perm[k]];
        if (x->batch == perm[k] + 1)
            y->batch = k + 1;
    }
    return true;
}

/* If y's k-th is x's perm[k]-th, x's perm[k]-th is y's k-th. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    int perm[MAX_RANK], inverse[MAX_RANK];

    perm_of(n, n->type.rank, perm);
    for (int k = 0; k < n->type.rank; k++)
        inverse[perm[k]] = k;
    dx[0] = val_transpose(g, dy[0], inverse);
}

/* Neighbours that stay neighbours become one dimension, and dimensions of 1
 * go; what is in order then moves nothing. */
static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    struct transpose_problem p = {.rank = x->rank,
                                  .bytes = (int)dtype_bytes(x->dtype)};

    perm_of(n, x->rank, p.perm);
    for (int d = 0; d < x->rank; d++)
        p.dim[d] = x->dim[d];
    transpose_collapse(&p);
    if (p.rank < 2)
        lower_view(lo, n);
    else
        lower_call(lo, kernels_transpose, &p, n);
}

/* step[d] is the distance in x of neighbours along d; i runs through y, and
 * `at` is its element of x. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const struct type *x = &in->type;
    int64_t step[MAX_RANK] = {0}, size = 1;
    int perm[MAX_RANK];

    (void)env;
    perm_of(n, x->rank, perm);
    for (int d = x->rank - 1; d >= 0; d--) {
        step[d] = size;
        size *= x->dim[d];
    }
    for (int64_t i = 0; i < size; i++) {
        int64_t at = 0, rest = i;

        for (int k = x->rank - 1; k >= 0; k--) {
            at += rest % out->type.dim[k] * step[perm[k]];
            rest /= out->type.dim[k];
        }
        out->data[i] = in->data[at];
    }
}

const struct op op_Transpose = {
    .name = "Transpose",
    .doc = "dimensions in another order",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .infer = infer,
    .grad = grad,
    .lower = lower,
    .ref = ref,
};
