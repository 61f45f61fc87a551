/*
 * slice.c: some indices of some dimensions, as in ONNX: from starts to ends by
 * steps, where numbers below zero count from the end and those beyond it are
 * taken back to it.
 *
 * A slice along one dimension is i step + first: a Remap, whose gradient puts
 * dy back and zeros between.
 */
#include "compiler/ops/remap.h"

enum { STARTS, ENDS, AXES, STEPS }; /* lists of one length */

static const struct attr_spec attrs[] = {
    [STARTS] =
        {"starts", ATTR_INTS, {0}, "first index along each axis", true, false},
    [ENDS] = {"ends",
              ATTR_INTS,
              {0},
              "index before which each axis ends",
              true,
              false},
    [AXES] = {"axes",
              ATTR_INTS,
              {0},
              "which dimensions; the first ones when "
              "empty",
              false,
              false},
    [STEPS] = {"steps",
               ATTR_INTS,
               {0},
               "distance of the indices, below zero "
               "backwards; 1",
               false,
               false},
    {0},
};

static bool lists_fit(struct graph *g, const struct type *x,
                      const union attr *attr)
{
    int n = attr[STARTS].ints.n;

    if (attr[ENDS].ints.n != n)
        return reject_here(g, "starts has %d numbers and ends %d", n,
                           attr[ENDS].ints.n);
    for (int a = AXES; a <= STEPS; a++)
        if (attr[a].ints.n && attr[a].ints.n != n)
            return reject_here(g, "%s has %d numbers and starts %d",
                               attrs[a].name, attr[a].ints.n, n);
    if (n > x->rank)
        return reject_here(g, "starts has %d numbers for a rank %d input", n,
                           x->rank);
    return true;
}

static int64_t limited(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* Entry k of the lists; a step beyond the dimension is as good as any.  Index
 * i of the result is first + i step; the count is the distance over the step,
 * rounded up.  Backwards, -1 is the end before the first element. */
static bool cut(struct graph *g, const struct type *x, const union attr *attr,
                int k, int64_t axis, struct remap *r)
{
    int64_t n = x->dim[axis], first = attr[STARTS].ints.v[k];
    int64_t end = attr[ENDS].ints.v[k];
    int64_t step = attr[STEPS].ints.n ? attr[STEPS].ints.v[k] : 1;

    if (step == 0)
        return reject_here(g, "steps has 0");
    step = limited(step, -n, n);
    first += first < 0 ? n : 0;
    end += end < 0 ? n : 0;
    if (step > 0) {
        first = limited(first, 0, n);
        end = limited(end, 0, n);
        r->dim[axis] = (end - first + step - 1) / step;
    } else if (step < 0) {
        first = limited(first, 0, n - 1);
        end = limited(end, -1, n - 1);
        r->dim[axis] = (first - end - step - 1) / -step;
    }
    if (r->dim[axis] < 1)
        return reject_here(g, "nothing is left of dimension %d of %s",
                           (int)axis, type_text(g->arena, x));
    r->mul[axis] = step;
    r->add[axis] = first;
    if (x->batch != axis + 1 || (r->dim[axis] == n && step == 1))
        return true;
    return reject_here(g,
                       "dimension %d of %s counts the samples of the batch, "
                       "which cannot be cut",
                       (int)axis, type_text(g->arena, x));
}

/* r begins as the identity; each entry changes the dimension that it names. */
static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *out)
{
    struct type x = *type_of(g, in[0]);
    const struct ints *axes = &attr[AXES].ints;
    struct remap r = {.outside = COPY_FILL};
    unsigned seen = 0;

    (void)nin;
    if (!lists_fit(g, &x, attr))
        return false;
    for (int d = 0; d < x.rank; d++) {
        r.dim[d] = x.dim[d];
        r.mul[d] = r.div[d] = 1;
    }
    for (int k = 0; k < attr[STARTS].ints.n; k++) {
        int64_t axis = axes->n ? axes->v[k] : k;

        if (axis < -x.rank || axis >= x.rank)
            return reject_here(g, "axis %lld of a rank %d input",
                               (long long)axis, x.rank);
        axis += axis < 0 ? x.rank : 0;
        if (seen >> axis & 1)
            return reject_here(g, "axes has %lld twice", (long long)axis);
        seen |= 1U << axis;
        if (!cut(g, &x, attr, k, axis, &r))
            return false;
    }
    out[0] = val_remap(g, in[0], &r);
    return out[0].id != 0;
}

static const char *const names[] = {"data", NULL};

const struct op op_Slice = {
    .name = "Slice",
    .doc = "some indices of some dimensions",
    .min_in = 1,
    .nin = 1,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .build = build,
};
