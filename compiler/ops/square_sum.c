/*
 * square_sum.c: sums of squares of all elements, in lanes, carried on from
 * tensor to tensor: what the norm of all gradients is made of.
 *
 * Element i goes into lane i mod lanes, in whatever order the tensor is stored,
 * so that no tensor is turned for it.
 */
#include "compiler/lower.h"
#include "kernels/reduce.h"

enum { LANES, AXES };

static const struct attr_spec attrs[] = {
    [LANES] = {"lanes", ATTR_INT, {.i = 1}, "partial sums", true, true},
    [AXES] = {"axes", ATTR_INTS, {0}, "all dimensions", true, true},
    {0},
};

/* Parameters' gradients have no samples; a value with samples would add stale
 * rows. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[0]);

    if (!dtype_is_float(x->dtype))
        return reject(g, n, "input is %s, not a float", dtype_name(x->dtype));
    if (x->batch)
        return reject(g, n, "input %s has samples, which may be stale",
                      type_text(g->arena, x));
    *y = (struct type){.dtype = DT_F32, .rank = 1, .dim = {n->attr[LANES].i}};
    if (n->nin == 2 && !type_equal(type_of(g, n->in[1]), y))
        return reject(g, n, "sums so far are %s, wanted %s",
                      type_text(g->arena, type_of(g, n->in[1])),
                      type_text(g->arena, y));
    return true;
}

/* x of any shape, sums so far and result [lanes]. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    int64_t lanes = n->attr[LANES].i, count = type_count(&in[0].type);

    (void)env;
    for (int64_t i = 0; i < lanes; i++)
        out->data[i] = n->nin == 2 ? in[1].data[i] : 0;
    for (int64_t i = 0; i < count; i++)
        out->data[i % lanes] += in[0].data[i] * in[0].data[i];
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    struct square_sum_problem p = {.elements = type_count(x),
                                   .lanes = (int)n->attr[LANES].i,
                                   .x = x->dtype,
                                   .accumulate = n->nin == 2};

    lower_call(lo, kernels_square_sum, &p, n);
}

const struct op op_SquareSum = {
    .name = "SquareSum",
    .doc = "sum of squares of all elements, in lanes",
    .min_in = 1,
    .nin = 2,
    .attr = attrs,
    .infer = infer,
    .ref = ref,
    .lower = lower,
    .axes_follow = true,
    .inplace = {2},
    .internal = true,
};
