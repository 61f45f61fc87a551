/*
 * lrn.c: local response normalisation (Krizhevsky et al., 2012), as in ONNX: x
 * divided by (bias + alpha / size times the squares of `size` channels around
 * it) ^ beta.
 *
 * The squares' mean is that of a pool over the channels, as rows of an image,
 * where padding counts.
 */
#include "compiler/op.h"

enum { ALPHA, BETA, BIAS, SIZE };

static const struct attr_spec attrs[] = {
    [ALPHA] =
        {"alpha", ATTR_FLOAT, {.f = 1e-4}, "of the squares", false, false},
    [BETA] = {"beta", ATTR_FLOAT, {.f = 0.75}, "exponent", false, false},
    [BIAS] = {"bias", ATTR_FLOAT, {.f = 1}, "to the squares", false, false},
    [SIZE] = {"size", ATTR_INT, {0}, "channels of a window", true, false},
    {0},
};

static void set_ints(struct graph *g, union attr *pool, const char *name,
                     const int64_t *v, int n)
{
    pool[op_attr(&op_AveragePool, name)].ints = ints_copy(g, v, n);
}

/* Of [N, 1, C, inner], windows of channels. */
static val mean(struct graph *g, val x, int64_t size)
{
    int n = op_attrs(&op_AveragePool);
    union attr *pool = ARENA_NEW(g->arena, union attr, (size_t)n);

    for (int i = 0; i < n; i++)
        pool[i] = op_AveragePool.attr[i].dflt;
    set_ints(g, pool, "kernel_shape", (int64_t[]){size, 1}, 2);
    set_ints(g, pool, "pads", (int64_t[]){(size - 1) / 2, 0, size / 2, 0}, 4);
    pool[op_attr(&op_AveragePool, "count_include_pad")].i = 1;
    return graph_add(g, &op_AveragePool, &x, 1, pool);
}

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    const struct type x = *type_of(g, in[0]);
    int64_t image[4] = {0, 1, 0, 1};
    val sum;

    (void)nin;
    if (x.rank < 2 || x.batch > 1 || !dtype_is_float(x.dtype))
        return reject_here(g, "input is %s %s, wanted floats [N,C,...]",
                           dtype_name(x.dtype), type_text(g->arena, &x));
    if (attr[SIZE].i < 1 || attr[SIZE].i > INT32_MAX)
        return reject_here(g, "size is %lld, wanted at least 1",
                           (long long)attr[SIZE].i);
    image[0] = x.dim[0];
    image[2] = x.dim[1];
    for (int d = 2; d < x.rank; d++)
        image[3] *= x.dim[d];
    sum = val_reshape(g, val_mul(g, in[0], in[0]), image, 4, x.batch);
    sum = val_mul(g, mean(g, sum, attr[SIZE].i), val_scalar(g, attr[ALPHA].f));
    sum = val_reshape(g, sum, x.dim, x.rank, x.batch);
    sum = val_add(g, sum, val_scalar(g, attr[BIAS].f));
    sum = graph_add(g, &op_Pow, (val[]){sum, val_scalar(g, attr[BETA].f)}, 2,
                    NULL);
    y[0] = val_div(g, in[0], sum);
    return y[0].id != 0;
}

const struct op op_LRN = {
    .name = "LRN",
    .doc = "each channel by its neighbours' squares",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .types = "f32",
    .build = build,
};
