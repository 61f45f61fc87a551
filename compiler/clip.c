/*
 * clip.c: gradients are scaled so that their norm, over all parameters together,
 * is at most what the model says; as PyTorch's clip_grad_norm_ does.
 *
 * Every gradient waits for the last one: none is used up by its update before.
 *
 * With g all gradients as one vector, each becomes g * min(1, c / (|g| +
 * 1e-6)), c being the model's clip_norm (Pascanu, Mikolov and Bengio 2013).
 * The sum of squares runs over lanes whose number is fixed here, not over
 * work-groups, so that its bits do not depend on the device's cores or on the
 * batch's cuts.
 */
#include "compiler/passes.h"

/* SIDE * SIDE partial sums, joined by columns, then by rows.  The number
 * belongs to the formula's bits: 4096 chains are enough work for a GPU and take
 * 16 KiB. */
enum { SIDE = 64 };

/* The running sum of squares goes through all of them, from the last layer's,
 * whose gradient is there first.  d[id] is the gradient of leaf id; only those
 * are in the norm, and every one is, however many tensors it is spread over. */
static val squares(struct graph *g, const val *d, int len)
{
    static const int64_t all[MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    val in[2] = {{0}};

    for (int id = len - 1; id > 0; id--) {
        union attr attr[2] = {{.i = SIDE * SIDE}};

        if (!g->node[id]->leaf || !d[id].id)
            continue;
        attr[1].ints = ints_copy(g, all, type_of(g, d[id])->rank);
        in[0] = d[id];
        in[1] = graph_add(g, &op_SquareSum, in, in[1].id ? 2 : 1, attr);
    }
    return in[1];
}

/* lanes: f32 [SIDE * SIDE].  Two sums of SIDE terms instead of one of 4096, for
 * parallel work and a smaller rounding error. */
static val joined(struct graph *g, val lanes)
{
    const int64_t shape[] = {SIDE, SIDE}, first = 0;
    struct ints axis = ints_copy(g, &first, 1);
    val rows = val_reshape(g, lanes, shape, 2, 0);

    return val_reduce_sum(g, val_reduce_sum(g, rows, axis, false), axis, false);
}

/* min(1, most / (norm + 1e-6)); a norm that is not a number stays one.  A NaN
 * must reach the weights: swallowed here, the loss would look healthy while the
 * training is not. */
static val scale(struct graph *g, val sum, double most)
{
    val norm = graph_add(g, &op_Sqrt, &sum, 1, NULL);
    val above = val_add(g, norm, val_scalar(g, 1e-6));
    val ratio = val_div(g, val_scalar(g, most), above);

    return graph_add(g, &op_Min, (val[]){ratio, val_scalar(g, 1)}, 2, NULL);
}

/* The factor is one node that all updates read, so schedule.c finds no update
 * that could run early: the peak holds all gradients at once. */
void clip_gradients(struct graph *g, const struct training *t, val *d, int len)
{
    val sum, factor;

    g->at = t->optimizer_at;
    g->path = "clip_norm";
    sum = squares(g, d, len);
    if (!sum.id)
        return;
    factor = scale(g, joined(g, sum), t->clip_norm);
    for (int id = 1; id < len; id++)
        if (g->node[id]->leaf && d[id].id)
            d[id] = val_mul(g, d[id], factor);
}
