/*
 * soft_labels.c: cross entropy where the target is spread over the classes: by
 * label smoothing, or as probabilities that an input gives.
 *
 * Both are built around LogSoftmax, which has the gradient.
 */
#include "compiler/ops/loss.h"

/* In f32, whatever x is: a sum over many classes wants the digits. x [N, C,
 * ...], classes along the axis. */
static val log_softmax(struct graph *g, val x, int64_t axis)
{
    const union attr along[] = {{.i = axis}}, to[] = {{.s = "f32"}};

    if (type_of(g, x)->dtype != DT_F32)
        x = graph_add(g, &op_Cast, &x, 1, to);
    return graph_add(g, &op_LogSoftmax, &x, 1, along);
}

/* One that its type cannot hold never is.  A comparison in the label's own
 * type, so no index is rounded. */
val label_without_ignored(struct graph *g, val v, val label, int64_t ignore)
{
    const struct type t = {.dtype = type_of(g, label)->dtype};
    const double wanted = (double)ignore;
    val pair[2] = {label}, is_ignored;

    if (ignore == INT64_MIN ||
        (t.dtype == DT_U8 && ignore != (uint8_t)ignore) ||
        (t.dtype == DT_I32 && ignore != (int32_t)ignore))
        return v;
    pair[1] = graph_constant(g, &t, &wanted);
    is_ignored = graph_add(g, &op_Equal, pair, 2, NULL);
    return graph_add(g, &op_Where, (val[]){is_ignored, val_scalar(g, 0), v}, 3,
                     NULL);
}

/*
 * A share of the label's probability goes to all classes evenly: that share of
 * the terms becomes the mean of all classes' terms. (1 - s) term - s / C sum_j
 * c_j log p_j, with the class weights c where there are any: PyTorch's form of
 * smoothing.
 */
val label_smoothed(struct graph *g, val terms, const val *rows,
                   const union attr *attr)
{
    const double share = attr[LABEL_SMOOTHING].f;
    const double classes = (double)type_of(g, rows[0])->dim[1];
    const int64_t axis = 1;
    val even, c = class_weights(g, attr, type_of(g, rows[0])->rank - 2);

    if (share == 0 || !terms.id)
        return terms;
    even = log_softmax(g, rows[0], axis);
    if (c.id)
        even = val_mul(g, even, c);
    even = val_reduce_sum(g, even, ints_copy(g, &axis, 1), false);
    even = label_without_ignored(g, even, rows[1], attr[LABEL_IGNORE].i);
    even = val_mul(g, loss_sample_sums(g, even),
                   val_scalar(g, -share / classes));
    return val_add(g, val_mul(g, terms, val_scalar(g, 1 - share)), even);
}

/*
 * -sum_c t_c log p_c with t the target, smoothed (1 - s) t + s / C and times
 * the class weights; PyTorch too divides by positions here, not by weights.
 * Where positions have weights the classes are summed first, so that each
 * position counts once.
 */
bool label_probabilities(struct graph *g, const val *in, int nin,
                         const union attr *attr, val *y)
{
    const double share = attr[LABEL_SMOOTHING].f;
    const struct type x = *type_of(g, in[0]);
    int64_t axis = attr[LABEL_AXIS].i;
    val t = in[1], logs, w = loss_weights_of(in, nin);

    if (!loss_pair_fits(g, in))
        return false;
    axis += axis < 0 ? x.rank : 0;
    if (x.rank < 2 || (axis != 1 && axis != x.rank - 1))
        return reject_here(g, "axis is %lld of logits %s, wanted 1 or the last",
                           (long long)attr[LABEL_AXIS].i,
                           type_text(g->arena, &x));
    if (attr[LABEL_IGNORE].i != INT64_MIN)
        return reject_here(g,
                           "ignore_index is %lld, but the target has "
                           "probabilities, not labels",
                           (long long)attr[LABEL_IGNORE].i);
    if (share > 0)
        t = val_add(g, val_mul(g, t, val_scalar(g, 1 - share)),
                    val_scalar(g, share / (double)x.dim[axis]));
    if (!class_weights_fit(g, attr, x.dim[axis]))
        return false;
    if (attr[LABEL_CLASS_WEIGHTS].tensor)
        t = val_mul(g, t, class_weights(g, attr, x.rank - 1 - (int)axis));
    logs = val_neg(g, val_mul(g, t, log_softmax(g, in[0], axis)));
    if (w.id)
        logs = val_reduce_sum(g, logs, ints_copy(g, &axis, 1), false);
    return loss_finish(g, logs, w, y);
}
