/*
 * pool.c: the ways to run pool.cl.
 *
 * All candidates run the same code; on a CPU a few work-items take many rows
 * each, elsewhere each takes 16 channels of one pixel.
 */
#include "kernels/pool.h"

enum { GROUPS = 32 };

enum result { RESULT_Y, RESULT_X }; /* whose pixels are computed */

/* Options, so that loops over a window can be unrolled. */
static void geometry(const struct pool_problem *p, struct launch *l)
{
    static const char *const name[][2] = {
        {"RH", "RW"}, {"SH", "SW"}, {"PH", "PW"}, {"EH", "EW"}, {"DH", "DW"}};
    const int64_t *const value[] = {p->window, p->stride, p->pad, p->pad_end,
                                    p->dilation};

    for (int i = 0; i < 5; i++)
        for (int d = 0; d < 2; d++)
            launch_option(l, "%s=%d", name[i][d], (int)value[i][d]);
}

static void pool(const struct pool_problem *p, struct launch *l)
{
    double x = (double)(p->N * p->H * p->W * p->C);
    double y = (double)(p->N * p->P * p->Q * p->C);

    l->source = "pool.cl";
    launch_option(l, "X=%s", dtype_name(p->x));
    launch_option(l, "Y=%s", dtype_name(p->y));
    geometry(p, l);
    launch_u32(l, (uint64_t)p->N);
    launch_i32(l, p->H);
    launch_i32(l, p->W);
    launch_i32(l, p->C);
    launch_i32(l, p->P);
    launch_i32(l, p->Q);
    l->flop = y * (double)(p->window[0] * p->window[1]);
    l->bytes = x * (double)dtype_bytes(p->x) + y * (double)dtype_bytes(p->y);
}

/* Third dimension: rows of all samples; second: columns; first: blocks of 16
 * channels.  On a CPU only rows are divided. */
static void grid(const struct pool_problem *p, const struct device_info *dev,
                 struct launch *l, enum result result)
{
    int64_t rows = p->N * (result == RESULT_Y ? p->P : p->H);
    int64_t columns = result == RESULT_Y ? p->Q : p->W;

    l->global[2] = (uint64_t)rows;
    l->efficiency = 0.1;
    if (dev->family == FAMILY_CPU) {
        l->global[2] = (uint64_t)(rows < GROUPS ? rows : GROUPS);
        return;
    }
    l->global[0] = (uint64_t)(p->C + 15) / 16;
    l->local[1] = 32;
    l->global[1] = (uint64_t)(columns + 31) / 32 * 32;
}

static void max_pool(const void *problem, const struct device_info *dev,
                     struct launch *l)
{
    l->entry = "max_pool";
    pool(problem, l);
    grid(problem, dev, l, RESULT_Y);
}

static void max_pool_index(const void *problem, const struct device_info *dev,
                           struct launch *l)
{
    const struct pool_problem *p = problem;

    max_pool(problem, dev, l);
    launch_option(l, "INDEX=%s", dtype_name(p->index));
}

static void max_pool_index_grad(const void *problem,
                                const struct device_info *dev, struct launch *l)
{
    const struct pool_problem *p = problem;

    l->entry = "max_pool_index_grad";
    pool(problem, l);
    launch_option(l, "INDEX=%s", dtype_name(p->index));
    grid(problem, dev, l, RESULT_X);
}

static void max_pool_grad(const void *problem, const struct device_info *dev,
                          struct launch *l)
{
    l->entry = "max_pool_grad";
    pool(problem, l);
    grid(problem, dev, l, RESULT_X);
}

static void average(const struct pool_problem *p, struct launch *l)
{
    pool(p, l);
    launch_option(l, "INCLUDE_PAD=%d", p->count_include_pad);
}

static void average_pool(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    l->entry = "average_pool";
    average(problem, l);
    grid(problem, dev, l, RESULT_Y);
}

static void average_pool_grad(const void *problem,
                              const struct device_info *dev, struct launch *l)
{
    l->entry = "average_pool_grad";
    average(problem, l);
    grid(problem, dev, l, RESULT_X);
}

const struct kernel kernels_max_pool[] = {
    {"max_pool", fits_always, max_pool},
    {0},
};

const struct kernel kernels_max_pool_index[] = {
    {"max_pool_index", fits_always, max_pool_index},
    {0},
};

const struct kernel kernels_max_pool_index_grad[] = {
    {"max_pool_index_grad", fits_always, max_pool_index_grad},
    {0},
};

const struct kernel kernels_max_pool_grad[] = {
    {"max_pool_grad", fits_always, max_pool_grad},
    {0},
};

const struct kernel kernels_average_pool[] = {
    {"average_pool", fits_always, average_pool},
    {0},
};

const struct kernel kernels_average_pool_grad[] = {
    {"average_pool_grad", fits_always, average_pool_grad},
    {0},
};
