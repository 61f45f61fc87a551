/*
 * piece.c: the op Piece; see piece.h.
 *
 * As a function its result is `before` with the piece in it, and what lies
 * elsewhere is copied; over `before`, it is there already.  So no plan depends
 * on whether the two share memory, only its time does.
 */
#include "compiler/piece.h"

#include <string.h>

#include "compiler/lower.h"
#include "kernels/pointwise.h"

enum { CHAIN, DTYPE, AXIS, AT, LEN, SIZE, BATCH, BEFORE, ATTRS };

static const struct attr_spec attrs[] = {
    [CHAIN] = {"chain", ATTR_TENSOR, {0}, "the steps", true, true},
    [DTYPE] = {"dtype", ATTR_INT, {0}, "of the result", true, true},
    [AXIS] = {"axis", ATTR_INT, {0}, "dimension that has pieces", true, true},
    [AT] = {"at", ATTR_INT, {0}, "where the piece begins", true, true},
    [LEN] = {"len", ATTR_INT, {0}, "the piece's size", true, true},
    [SIZE] = {"size", ATTR_INT, {0}, "the whole's size", true, true},
    [BATCH] =
        {"samples", ATTR_INT, {0}, "the whole's axis of them", true, true},
    [BEFORE] = {"before",
                ATTR_INT,
                {0},
                "the first operand is the whole so far",
                true,
                true},
    {0},
};

val piece_add(struct graph *g, const struct type *y, const struct piece *p,
              const struct fused *chain, const val *in, int nin)
{
    union attr a[ATTRS] = {
        [CHAIN].fused = chain, [DTYPE].i = y->dtype,
        [AXIS].i = p->axis,    [AT].i = p->at,
        [LEN].i = p->len,      [SIZE].i = y->dim[p->axis],
        [BATCH].i = y->batch,  [BEFORE].i = p->before.id != 0};
    val all[FUSED_OPERANDS + 1] = {p->before};
    int first = p->before.id != 0;

    memcpy(all + first, in, (size_t)nin * sizeof *in);
    return graph_add(g, &op_Piece, all, first + nin, a);
}

/* The piece's type. */
static struct type piece_of(const struct node *n)
{
    struct type t = n->type;

    t.dim[n->attr[AXIS].i] = n->attr[LEN].i;
    return t;
}

static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    int first = (int)n->attr[BEFORE].i;

    *y = *type_of(g, n->in[first]);
    for (int k = first + 1; k < n->nin; k++)
        if (!type_broadcast(y, type_of(g, n->in[k])))
            return reject(g, n, "operands do not broadcast");
    y->dtype = (enum dtype)n->attr[DTYPE].i;
    y->batch = (int)n->attr[BATCH].i;
    y->dim[n->attr[AXIS].i] = n->attr[SIZE].i;
    return true;
}

/* Index in the whole of element i of the piece. */
static int64_t index_in(const struct node *n, int64_t i)
{
    int axis = (int)n->attr[AXIS].i;
    int64_t inner = rows_along(&n->type, axis).inner;
    int64_t run = n->attr[LEN].i * inner;

    return i / run * n->attr[SIZE].i * inner + n->attr[AT].i * inner + i % run;
}

static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const struct fused *chain = n->attr[CHAIN].fused;
    const struct tensor *x = in + n->attr[BEFORE].i;
    const int nx = n->nin - (int)n->attr[BEFORE].i;
    const struct type piece = piece_of(n);

    (void)env;
    memset(out->data, 0, (size_t)type_count(&out->type) * sizeof *out->data);
    if (n->attr[BEFORE].i)
        memcpy(out->data, in[0].data,
               (size_t)type_count(&out->type) * sizeof *out->data);
    for (int64_t i = 0; i < type_count(&piece); i++) {
        double v[FUSED_OPERANDS] = {0};

        for (int k = 0; k < nx; k++)
            v[k] = x[k].data[broadcast_index(&piece, &x[k].type, i)];
        out->data[index_in(n, i)] = chain->n ? fused_eval(chain, v) : v[0];
    }
}

static void lower(struct lower *lo, const struct node *n)
{
    const int first = (int)n->attr[BEFORE].i, axis = (int)n->attr[AXIS].i;
    const struct type piece = piece_of(n);
    struct pointwise_problem *p = fused_problem(
        lo, &piece, n->in + first, n->nin - first, n->attr[CHAIN].fused);
    int64_t inner = rows_along(&n->type, axis).inner, step = 1;

    p->placed = true;
    p->before = first;
    for (int d = n->type.rank - 1; d >= 0; d--) {
        p->out_stride[d] = step;
        step *= n->type.dim[d];
    }
    p->at = n->attr[AT].i * inner;
    p->run = n->attr[LEN].i * inner;
    p->row = n->attr[SIZE].i * inner;
    p->all = step;
    pointwise_collapse(p);
    lower_call(lo, kernels_pointwise, p, n);
}

const struct op op_Piece = {
    .name = "Piece",
    .doc = "a chain of pointwise ops that writes a piece of a whole",
    .min_in = 1,
    .nin = FUSED_OPERANDS + 1,
    .attr = attrs,
    .infer = infer,
    .ref = ref,
    .lower = lower,
    .inplace = {1},
    .internal = true,
};
