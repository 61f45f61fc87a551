/*
 * conv_layer.c: see conv_layer.h.
 *
 * W is [K, C / group, ...] or, transposed, [C, K / group, ...].  First values
 * are PyTorch's, which takes W's second dimension for the fan-in of both,
 * although transposed that is the filters.
 *
 * That is U(-a, a) with a = 1 / sqrt(fan-in) for both: nn.Conv2d's
 * kaiming_uniform with slope sqrt(5) comes to the same.
 */
#include "compiler/ops/conv_layer.h"

#include "compiler/ops/volume.h"

/* The limit on a window keeps its area and dilated extents far within 64
 * bits. */
static bool check(struct graph *g, const struct node *n,
                  const struct conv_layer *l, const struct ints *kernel)
{
    const struct type *x = type_of(g, n->in[0]);

    if (x->rank < 3 || x->rank > 5)
        return reject(g, n,
                      "input is %s, wanted [N,C,L], [N,C,H,W] or [N,C,D,H,W]",
                      type_text(g->arena, x));
    if (l->filters < 1)
        return reject(g, n, "filters is %lld, wanted at least 1",
                      (long long)l->filters);
    if (kernel->n != x->rank - 2)
        return reject(g, n, "kernel_shape has %d numbers, wanted %d", kernel->n,
                      x->rank - 2);
    for (int i = 0; i < kernel->n; i++)
        if (kernel->v[i] < 1 || kernel->v[i] > 1 << 20)
            return reject(g, n, "kernel_shape has %lld",
                          (long long)kernel->v[i]);
    if (l->group < 1 || x->dim[1] % l->group || l->filters % l->group)
        return reject(g, n, "group is %lld for %lld channels and %lld filters",
                      (long long)l->group, (long long)x->dim[1],
                      (long long)l->filters);
    return true;
}

/* `to` is W's first dimension, `from` what its second has in all groups. */
int conv_layer_params(struct graph *g, const struct node *n,
                      const struct conv_layer *l, struct param_decl *p)
{
    const struct type *x = type_of(g, n->in[0]);
    const struct type *given = n->nin > 1 ? type_of(g, n->in[1]) : NULL;
    struct ints kernel = l->kernel;
    int64_t from = l->transposed ? l->filters : x->dim[1];
    int64_t to = l->transposed ? x->dim[1] : l->filters;
    struct type w = {.dtype = DT_F32, .rank = x->rank, .dim = {to}};
    struct type b = {.dtype = DT_F32, .rank = 1, .dim = {l->filters}};
    double area = 1, fan_in; /* area: elements of the window */

    if (given)
        kernel = (struct ints){given->rank - 2, given->dim + 2};
    if (!check(g, n, l, &kernel))
        return -1;
    w.dim[1] = from / l->group;
    for (int i = 0; i < kernel.n; i++) {
        w.dim[i + 2] = kernel.v[i];
        area *= (double)kernel.v[i];
    }
    fan_in = area * (double)w.dim[1];
    p[0] = (struct param_decl){"weight",
                               w,
                               "FanInUniform",
                               fan_in,
                               area *
                                   (double)(l->transposed ? to : to / l->group),
                               PLAN_PARAMETER};
    p[1] = (struct param_decl){
        "bias", b, "FanInUniform", fan_in, (double)l->filters, PLAN_PARAMETER};
    return l->bias ? 2 : 1;
}

bool conv_build(struct graph *g, const val *in, int nin, const union attr *attr,
                val *y)
{
    if (volume_is(g, in))
        return nin > 1 ? volume_conv(g, in, nin, attr, y)
                       : reject_here(g, "W is missing");
    y[0] = graph_add(g, &op_Conv, in, nin, attr);
    return y[0].id != 0;
}
