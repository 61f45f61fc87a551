/*
 * norm.c: the ways to run norm.cl.
 *
 * Which candidate fits depends on the device alone, never on the batch.
 */
#include "kernels/norm.h"

enum { GROUPS = 32, LOCAL = 64 };

static int64_t blocks_of(const struct norm_problem *p)
{
    return (p->C + 15) / 16;
}

/* One work-item for each lane (second dimension) and a part of the blocks of 16
 * channels. */
static void by_blocks(const struct norm_problem *p, struct launch *l)
{
    int64_t blocks = blocks_of(p);

    launch_grid(l, (uint64_t)(blocks < GROUPS ? blocks : GROUPS), 1);
    l->global[1] = (uint64_t)p->lanes;
    l->efficiency = 0.1;
}

/* One item per lane and channel: right everywhere, fast nowhere. */
static void by_items(const struct norm_problem *p, struct launch *l)
{
    launch_grid(l, (uint64_t)(p->lanes * p->C), LOCAL);
    l->efficiency = 0.004;
}

/* The scalars that all but the totals begin with. */
static void sizes(const struct norm_problem *p, struct launch *l)
{
    l->source = "norm.cl";
    launch_u32(l, (uint64_t)p->positions);
    launch_u32(l, (uint64_t)p->C);
    launch_u32(l, (uint64_t)p->lanes);
    launch_setting(l, SETTING_ROWS);
}

static void moments(const struct norm_problem *p, struct launch *l)
{
    double n = (double)p->samples * (double)p->positions * (double)p->C;

    launch_option(l, "X=%s", dtype_name(p->x));
    sizes(p, l);
    l->flop = 4 * n;
    l->bytes = n * (double)dtype_bytes(p->x) + 8.0 * p->lanes * (double)p->C;
}

static void moments_cpu(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    (void)dev;
    l->entry = "batch_moments_cpu";
    moments(problem, l);
    by_blocks(problem, l);
}

static void moments_item(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    (void)dev;
    l->entry = "batch_moments_item";
    moments(problem, l);
    by_items(problem, l);
}

/* Few numbers, so one way for all devices; on a CPU in groups of one. */
static void stats_item(const void *problem, const struct device_info *dev,
                       struct launch *l)
{
    const struct norm_problem *p = problem;

    l->entry = "batch_stats";
    sizes(p, l);
    l->flop = 10.0 * p->lanes * (double)p->C;
    l->bytes = (8.0 * p->lanes + 12) * (double)p->C;
    launch_grid(l, (uint64_t)p->C, dev->family == FAMILY_CPU ? 1 : LOCAL);
    l->efficiency = 0.01;
}

static void sums(const struct norm_problem *p, struct launch *l)
{
    double n = (double)p->samples * (double)p->positions * (double)p->C;

    launch_option(l, "X=%s", dtype_name(p->x));
    launch_option(l, "DY=%s", dtype_name(p->dy));
    if (p->accumulate)
        launch_option(l, "ACC=1");
    sizes(p, l);
    launch_setting(l, SETTING_FIRST);
    l->flop = 4 * n;
    l->bytes = n * (double)(dtype_bytes(p->x) + dtype_bytes(p->dy)) +
               8.0 * p->lanes * (double)p->C;
}

static void sums_cpu(const void *problem, const struct device_info *dev,
                     struct launch *l)
{
    (void)dev;
    l->entry = "batch_norm_sums_cpu";
    sums(problem, l);
    by_blocks(problem, l);
}

static void sums_item(const void *problem, const struct device_info *dev,
                      struct launch *l)
{
    (void)dev;
    l->entry = "batch_norm_sums_item";
    sums(problem, l);
    by_items(problem, l);
}

static void totals_item(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct norm_problem *p = problem;

    l->entry = "batch_norm_totals";
    l->source = "norm.cl";
    launch_u32(l, (uint64_t)p->positions);
    launch_u32(l, (uint64_t)p->C);
    launch_setting(l, SETTING_ROWS);
    l->flop = 2.0 * (double)p->C;
    l->bytes = 24.0 * (double)p->C;
    launch_grid(l, (uint64_t)p->C, dev->family == FAMILY_CPU ? 1 : LOCAL);
    l->efficiency = 0.01;
}

const struct kernel kernels_batch_moments[] = {
    {"batch_moments_cpu", fits_cpu, moments_cpu},
    {"batch_moments_item", fits_always, moments_item},
    {0},
};

const struct kernel kernels_batch_stats[] = {
    {"batch_stats", fits_always, stats_item},
    {0},
};

const struct kernel kernels_batch_norm_sums[] = {
    {"batch_norm_sums_cpu", fits_cpu, sums_cpu},
    {"batch_norm_sums_item", fits_always, sums_item},
    {0},
};

const struct kernel kernels_batch_norm_totals[] = {
    {"batch_norm_totals", fits_always, totals_item},
    {0},
};
