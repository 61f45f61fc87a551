/*
 * group_norm.c: y = (x - mean) / sqrt(var + epsilon) * scale + B, mean and var
 * over a group of neighbouring channels of one sample; scale and B by channel.
 *
 * A group is a row of LayerNormalization over [N, groups, elements], so that
 * it knows nothing of other samples.  InstanceNormalization has a group for
 * each channel.
 *
 * Wu, He, "Group Normalization" (2018).
 * Ulyanov, Vedaldi, Lempitsky, "Instance Normalization" (2016).
 *
 * The order of dimensions is the user's, since a group in channels last is not
 * one row; layout.c sees to that through the reshapes.
 */
#include "compiler/op.h"

enum { X, SCALE, B, OPERANDS }; /* x [N, C, ...], the others [C] */

/* `rank` is the least that the layer takes. */
static bool check_input(struct graph *g, const struct type *x, int rank)
{
    if (x->dtype != DT_F32)
        return reject_here(g, "input is %s, not f32", dtype_name(x->dtype));
    if (x->rank < rank)
        return reject_here(g, "input is %s, wanted %s", type_text(g->arena, x),
                           rank > 2 ? "[N,C,...]" : "[N,C] or [N,C,...]");
    if (x->batch > 1)
        return reject_here(g, "samples of %s are not its first dimension",
                           type_text(g->arena, x));
    return true;
}

/* x [N, C, ...], scale and B f32 [C]. */
static bool check_operands(struct graph *g, const val *in, int nin, int rank)
{
    const struct type *x = type_of(g, in[X]);

    if (!check_input(g, x, rank))
        return false;
    if (nin != OPERANDS)
        return reject_here(g, "the layer takes %d operands, got %d", OPERANDS,
                           nin);
    for (int k = SCALE; k < OPERANDS; k++) {
        const struct type *t = type_of(g, in[k]);

        if (t->rank != 1 || t->dim[0] != x->dim[1] || t->dtype != DT_F32)
            return reject_here(g, "operand %d is %s %s for %lld channels", k,
                               dtype_name(t->dtype), type_text(g->arena, t),
                               (long long)x->dim[1]);
    }
    return true;
}

/* The declarations of scale and B, [C] each: first values are the
 * identity's. */
static int by_channel(const struct type *x, struct param_decl *p)
{
    const struct type t = {.dtype = DT_F32, .rank = 1, .dim = {x->dim[1]}};
    double fan = (double)x->dim[1];

    p[0] = (struct param_decl){"weight", t, "Ones", fan, fan, PLAN_PARAMETER};
    p[1] = (struct param_decl){"bias", t, "Zeros", fan, fan, PLAN_PARAMETER};
    return 2;
}

/* Each group to mean 0 and variance 1. x [N, C, ...] as [N, groups, elements],
 * whose rows LayerNormalization takes.  Its scale and B are Fills, which have
 * no gradient and cost no sums. */
static val normalised(struct graph *g, val v, int64_t groups, double epsilon)
{
    const struct type x = *type_of(g, v);
    const int64_t of_sample = type_count(&x) / x.dim[0];
    const struct type row = {
        .dtype = DT_F32, .rank = 1, .dim = {of_sample / groups}};
    /* Its attributes: the axis and epsilon. */
    const union attr attr[] = {{.i = -1}, {.f = epsilon}};
    val in[OPERANDS], z;

    in[X] = val_reshape(g, v, (int64_t[]){x.dim[0], groups, row.dim[0]}, 3,
                        x.batch);
    in[SCALE] = val_fill(g, &row, 1);
    in[B] = val_fill(g, &row, 0);
    if (!op_LayerNormalization.build(g, in, OPERANDS, attr, &z))
        return (val){0};
    return val_reshape(g, z, x.dim, x.rank, x.batch);
}

/* [C] as [C, 1, ...], which broadcasts against x. */
static val along_channels(struct graph *g, val v, const struct type *x)
{
    int64_t dim[MAX_RANK] = {x->dim[1]};

    for (int d = 1; d < x->rank - 1; d++)
        dim[d] = 1;
    return val_reshape(g, v, dim, x->rank - 1, 0);
}

/* z scale + B: pointwise with [C, 1, ...], so the gradients of scale and B are
 * those of a broadcast. */
static bool norm(struct graph *g, const val *in, int64_t groups, double epsilon,
                 val *y)
{
    const struct type x = *type_of(g, in[X]);
    val z = normalised(g, in[X], groups, epsilon);

    if (!z.id)
        return false;
    y[0] = val_add(g, val_mul(g, z, along_channels(g, in[SCALE], &x)),
                   along_channels(g, in[B], &x));
    return y[0].id != 0;
}

static const char *const names[] = {"X", "scale", "B", NULL};

/* ---- GroupNormalization ---- */

enum { NUM_GROUPS, GROUP_EPSILON };

static const struct attr_spec group_attrs[] = {
    [NUM_GROUPS] = {"num_groups",
                    ATTR_INT,
                    {0},
                    "groups of neighbouring channels, all of one size",
                    true,
                    false},
    [GROUP_EPSILON] = {"epsilon",
                       ATTR_FLOAT,
                       {.f = 1e-5},
                       "added to the variance",
                       false,
                       false},
    {0},
};

static int group_params(struct graph *g, const struct node *n,
                        struct param_decl *p)
{
    const struct type *x = type_of(g, n->in[X]);

    return check_input(g, x, 2) ? by_channel(x, p) : -1;
}

/* As ONNX's opset 21 and PyTorch: scale and B by channel (opset 18 had them by
 * group). */
static bool group_build(struct graph *g, const val *in, int nin,
                        const union attr *attr, val *y)
{
    int64_t groups = attr[NUM_GROUPS].i, channels;

    if (!check_operands(g, in, nin, 2))
        return false;
    channels = type_of(g, in[X])->dim[1];
    if (groups < 1 || channels % groups)
        return reject_here(g, "%lld groups of %lld channels", (long long)groups,
                           (long long)channels);
    return norm(g, in, groups, attr[GROUP_EPSILON].f, y);
}

const struct op op_GroupNormalization = {
    .name = "GroupNormalization",
    .doc = "groups of a sample's channels to mean 0 and variance 1, then "
           "scaled and shifted by channel",
    .min_in = 1,
    .nin = OPERANDS,
    .attr = group_attrs,
    .in_name = names,
    .types = "f32",
    .params = group_params,
    .build = group_build,
};

/* ---- InstanceNormalization ---- */

enum { INSTANCE_EPSILON };

static const struct attr_spec instance_attrs[] = {
    [INSTANCE_EPSILON] = {"epsilon",
                          ATTR_FLOAT,
                          {.f = 1e-5},
                          "added to the variance",
                          false,
                          false},
    {0},
};

static int instance_params(struct graph *g, const struct node *n,
                           struct param_decl *p)
{
    const struct type *x = type_of(g, n->in[X]);

    return check_input(g, x, 3) ? by_channel(x, p) : -1;
}

/* As many groups as channels; of [N, C] each would be a single element, so at
 * least one more dimension is wanted. */
static bool instance_build(struct graph *g, const val *in, int nin,
                           const union attr *attr, val *y)
{
    return check_operands(g, in, nin, 3) &&
           norm(g, in, type_of(g, in[X])->dim[1], attr[INSTANCE_EPSILON].f, y);
}

const struct op op_InstanceNormalization = {
    .name = "InstanceNormalization",
    .doc = "each channel of a sample to mean 0 and variance 1, then scaled and "
           "shifted",
    .min_in = 1,
    .nin = OPERANDS,
    .attr = instance_attrs,
    .in_name = names,
    .types = "f32",
    .params = instance_params,
    .build = instance_build,
};
