/*
 * copy.c: which way of copying fits, and how it is launched.
 *
 * On a CPU a work-group of one item copies rows, or parts of long ones; what is
 * outside of x is at a row's ends.  The plain kernels have an item per element.
 */
#include "kernels/copy.h"

#include <string.h>

enum { CHUNK = 16384 };

static const char *const unsigned_of[] = {
    [1] = "uchar", [2] = "ushort", [4] = "uint", [8] = "ulong"};

/* Quotient, rounded up. */
static uint64_t over(int64_t n, int64_t by)
{
    return (uint64_t)((n + by - 1) / by);
}

/* ---- copy ---- */

/* Does y have all indices of x, in order? */
static bool is_whole(const struct copy_dim *d)
{
    return d->mul == 1 && d->div == 1 && d->add == 0 && d->in == d->out;
}

/* May a whole dimension go into the one before it?  Where a step is 1, an index
 * outside of x stays outside when all elements behind it are counted in, and
 * one that starts again does so as well. */
static bool takes_next(const struct copy_problem *p, int k)
{
    const struct copy_dim *d = &p->dim[k], *next = &p->dim[k + 1];
    int64_t most = d->out > d->in ? d->out : d->in;

    if (!is_whole(next) || most * next->in > INT32_MAX)
        return false;
    return is_whole(d) ||
           ((p->outside == COPY_FILL || p->outside == COPY_WRAP) &&
            d->mul == 1 && d->div == 1);
}

/* From the last dimension to the first, so that one that has taken the next
 * may go into the one before it.  An index (i + add) n + rest is i n + rest +
 * add n: sizes and add grow alike. */
void copy_collapse(struct copy_problem *p)
{
    for (int k = p->rank - 2; k >= 0; k--) {
        int64_t n = p->dim[k + 1].in;

        if (!takes_next(p, k))
            continue;
        p->dim[k].out *= n;
        p->dim[k].in *= n;
        p->dim[k].add *= n;
        p->rank--;
        memmove(&p->dim[k + 1], &p->dim[k + 2],
                (size_t)(p->rank - k - 1) * sizeof *p->dim);
    }
    if (p->rank == 0)
        p->dim[p->rank++] = (struct copy_dim){1, 1, 1, 0, 1};
}

/* Elements of y. */
static int64_t count(const struct copy_problem *p)
{
    int64_t n = 1;

    for (int d = 0; d < p->rank; d++)
        n *= p->dim[d].out;
    return n;
}

/* A float's bits in the low half, an integer's value in both. */
static uint64_t fill_bits(enum dtype t, double value)
{
    float f = (float)value;
    uint32_t bits;

    if (!dtype_is_float(t))
        return (uint64_t)(int64_t)value;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* Dimensions innermost first; the fill value; f16 is rounded in the kernel. */
static void copy_begin(const struct copy_problem *p, struct launch *l)
{
    size_t bytes = dtype_bytes(p->dtype);
    double read = 1;

    l->source = "copy.cl";
    launch_option(l, "E=%s", unsigned_of[bytes]);
    launch_option(l, "RANK=%d", p->rank);
    launch_option(l, "OUTSIDE=%d", (int)p->outside);
    launch_option(l, "INDEX=%s", count(p) < 1LL << 31 ? "uint" : "ulong");
    if (p->dtype == DT_F16)
        launch_option(l, "HALF=1");
    for (int k = 0; k < COPY_RANK; k++) {
        static const struct copy_dim one = {1, 1, 1, 0, 1};
        const struct copy_dim *d = k < p->rank ? &p->dim[p->rank - 1 - k]
                                               : &one;

        launch_i32(l, d->out);
        launch_i32(l, d->in);
        launch_i32(l, d->mul);
        launch_i32(l, d->add);
        launch_i32(l, d->div);
        read *= (double)(d->in < d->out ? d->in : d->out);
    }
    launch_u64(l, fill_bits(p->dtype, p->fill));
    l->bytes = ((double)count(p) + read) * (double)bytes;
}

/* Steps of 1 along the innermost dimension, so that a row is one run of x;
 * rows are counted in 32 bits. */
static bool rows_fits(const void *problem, const struct device_info *dev)
{
    const struct copy_problem *p = problem;
    const struct copy_dim *d = &p->dim[p->rank - 1];

    return dev->family == FAMILY_CPU && d->mul == 1 && d->div == 1 &&
           count(p) < 1LL << 31;
}

/* Short rows share a group, `per` of them; long ones are cut into chunks,
 * which are the second dimension of groups.  Both are about CHUNK elements,
 * enough work to hide the cost of a group. */
static void rows(const void *problem, const struct device_info *dev,
                 struct launch *l)
{
    const struct copy_problem *p = problem;
    int64_t len = p->dim[p->rank - 1].out, all = count(p) / len;
    int64_t per = len < CHUNK ? CHUNK / len : 1;

    (void)dev;
    copy_begin(p, l);
    l->entry = "copy_rows_cpu";
    launch_u32(l, (uint64_t)all);
    launch_u32(l, (uint64_t)per);
    launch_u32(l, CHUNK);
    launch_grid(l, over(all, per), 1);
    l->global[1] = over(len, CHUNK);
}

/* The index is taken apart for every element: about 20 operations a
 * dimension. */
static void item(const void *problem, const struct device_info *dev,
                 struct launch *l)
{
    const struct copy_problem *p = problem;
    double n = (double)count(p);

    copy_begin(p, l);
    l->entry = "copy_item";
    launch_u64(l, (uint64_t)count(p));
    launch_grid(l, (uint64_t)count(p), 64);
    l->flop = n * 20 * p->rank;
    l->efficiency = dev->family == FAMILY_CPU ? 0.02 : 0.2;
}

const struct kernel kernels_copy[] = {
    {"copy_rows_cpu", rows_fits, rows},
    {"copy_item", fits_always, item},
    {0},
};

/* ---- concat, split ---- */

/* Returns the elements of a row of the whole. */
static int64_t concat_begin(const struct concat_problem *p, struct launch *l)
{
    int64_t total = 0;

    l->source = "copy.cl";
    launch_option(l, "E=%s", unsigned_of[p->bytes]);
    launch_option(l, "NIN=%d", p->nin);
    launch_u64(l, (uint64_t)p->outer);
    for (int k = 0; k < p->nin; k++) {
        launch_u64(l, (uint64_t)p->len[k]);
        total += p->len[k];
    }
    l->bytes = 2 * (double)p->outer * (double)total * p->bytes;
    return total;
}

/* As `rows`, but the second dimension cuts every part into as many pieces. */
static void rows_of_parts(const struct concat_problem *p, struct launch *l)
{
    int64_t total = concat_begin(p, l);
    int64_t per = total < CHUNK ? CHUNK / total : 1;

    launch_u32(l, (uint64_t)per);
    launch_grid(l, over(p->outer, per), 1);
    l->global[1] = over(total, CHUNK);
}

static void items_of_parts(const struct concat_problem *p,
                           const struct device_info *dev, struct launch *l)
{
    int64_t total = concat_begin(p, l);

    launch_u64(l, (uint64_t)total);
    launch_grid(l, (uint64_t)(p->outer * total), 64);
    l->flop = 10.0 * (double)(p->outer * total) * p->nin;
    l->efficiency = dev->family == FAMILY_CPU ? 0.02 : 0.2;
}

static void concat_rows(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    (void)dev;
    l->entry = "concat_rows_cpu";
    rows_of_parts(problem, l);
}

static void concat_item(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    l->entry = "concat_item";
    items_of_parts(problem, dev, l);
}

static void split_rows(const void *problem, const struct device_info *dev,
                       struct launch *l)
{
    (void)dev;
    l->entry = "split_rows_cpu";
    rows_of_parts(problem, l);
}

static void split_item(const void *problem, const struct device_info *dev,
                       struct launch *l)
{
    l->entry = "split_item";
    items_of_parts(problem, dev, l);
}

const struct kernel kernels_concat[] = {
    {"concat_rows_cpu", fits_cpu, concat_rows},
    {"concat_item", fits_always, concat_item},
    {0},
};

const struct kernel kernels_split[] = {
    {"split_rows_cpu", fits_cpu, split_rows},
    {"split_item", fits_always, split_item},
    {0},
};

/* ---- pad_fold ---- */

/* One item for each element of dx, which looks for its copies: no two items
 * write one place. */
static void pad_fold(const void *problem, const struct device_info *dev,
                     struct launch *l)
{
    const struct pad_fold_problem *p = problem;
    int64_t n = p->outer * p->in * p->inner;

    l->source = "copy.cl";
    l->entry = "pad_fold";
    launch_option(l, "X=%s", dtype_name(p->dtype));
    launch_option(l, "OUTSIDE=%d", (int)p->outside);
    launch_u64(l, (uint64_t)n);
    launch_u64(l, (uint64_t)p->inner);
    launch_u32(l, (uint64_t)p->in);
    launch_u32(l, (uint64_t)p->out);
    launch_u32(l, (uint64_t)p->begin);
    launch_grid(l, (uint64_t)n, 64);
    l->bytes = (double)(n + p->outer * p->out * p->inner) *
               (double)dtype_bytes(p->dtype);
    l->flop = 30 * (double)n;
    l->efficiency = dev->family == FAMILY_CPU ? 0.05 : 0.2;
}

const struct kernel kernels_pad_fold[] = {
    {"pad_fold", fits_always, pad_fold},
    {0},
};
