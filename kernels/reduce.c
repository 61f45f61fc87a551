/*
 * reduce.c: the ways to run reduce.cl.
 */
#include "kernels/reduce.h"

/* Of a CPU's launch at most: a group is one work-item that takes its part of
 * the tasks, and a few for each core balance the load. */
enum { GROUPS = 32 };

static uint64_t groups(int64_t tasks)
{
    return (uint64_t)(tasks < GROUPS ? tasks : GROUPS);
}

/* What the three ways have in common: the first arguments, and the cost.  KIND
 * is a name that reduce.cl pastes. */
static void reduce(const struct reduce_problem *p, struct launch *l)
{
    static const char *const kind[] = {"SUM", "MEAN", "MAXIMUM", "MINIMUM",
                                       "PRODUCT"};
    double y = (double)p->outer * (double)p->inner;

    l->source = "reduce.cl";
    launch_option(l, "KIND=%s", kind[p->kind]);
    launch_option(l, "X=%s", dtype_name(p->x));
    launch_option(l, "Y=%s", dtype_name(p->y));
    launch_u64(l, (uint64_t)p->outer);
    launch_u64(l, (uint64_t)p->len);
    l->flop = y * (double)p->len;
    l->bytes = y * (double)p->len * (double)dtype_bytes(p->x) +
               y * (double)dtype_bytes(p->y);
}

/* A row's elements lie together. */
static bool rows_fits(const void *problem, const struct device_info *dev)
{
    const struct reduce_problem *p = problem;

    return dev->family == FAMILY_CPU && p->inner == 1;
}

static void rows_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct reduce_problem *p = problem;

    (void)dev;
    l->entry = "reduce_rows_cpu";
    reduce(p, l);
    launch_grid(l, groups(p->outer), 1);
    l->efficiency = 0.1;
}

/* Neighbours of inner lie together: a vector holds 16 of them. */
static bool columns_fits(const void *problem, const struct device_info *dev)
{
    const struct reduce_problem *p = problem;

    return dev->family == FAMILY_CPU && p->inner > 1;
}

/* A task is 16 columns, as many as a vector has. */
static void columns_launch(const void *problem, const struct device_info *dev,
                           struct launch *l)
{
    const struct reduce_problem *p = problem;

    (void)dev;
    l->entry = "reduce_columns_cpu";
    reduce(p, l);
    launch_u64(l, (uint64_t)p->inner);
    launch_grid(l, groups(p->outer * ((p->inner + 15) / 16)), 1);
    l->efficiency = 0.1;
}

/* For every device and shape; one chain for each element of y. */
static void item_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct reduce_problem *p = problem;

    (void)dev;
    l->entry = "reduce_item";
    reduce(p, l);
    launch_u64(l, (uint64_t)p->inner);
    launch_grid(l, (uint64_t)(p->outer * p->inner), 64);
    l->efficiency = 0.002;
}

/* x is [samples, A, B, C]; lanes and positions as in reduce.h. */
static void batch_sum(const struct batch_sum_problem *p, struct launch *l)
{
    l->source = "reduce.cl";
    launch_option(l, "X=%s", dtype_name(p->x));
    if (p->accumulate)
        launch_option(l, "ACC=1");
    launch_u32(l, (uint64_t)p->A);
    launch_u32(l, (uint64_t)p->B);
    launch_u32(l, (uint64_t)p->C);
    launch_u32(l, (uint64_t)p->lanes);
    launch_setting(l, SETTING_ROWS);
    launch_setting(l, SETTING_FIRST);
    l->flop = (double)p->samples * (double)(p->A * p->B * p->C);
    l->bytes = l->flop * (double)dtype_bytes(p->x) +
               4.0 * p->lanes * (double)(p->A * p->C);
}

/* Groups along the second dimension take a lane each, so that the order of
 * additions does not depend on how many groups there are. */
static void batch_sum_cpu(const void *problem, const struct device_info *dev,
                          struct launch *l)
{
    const struct batch_sum_problem *p = problem;

    (void)dev;
    l->entry = "batch_sum_cpu";
    batch_sum(p, l);
    launch_grid(l, groups(p->A * ((p->C + 15) / 16)), 1);
    l->global[1] = (uint64_t)p->lanes;
    l->efficiency = 0.05;
}

static void batch_sum_item(const void *problem, const struct device_info *dev,
                           struct launch *l)
{
    const struct batch_sum_problem *p = problem;

    (void)dev;
    l->entry = "batch_sum_item";
    batch_sum(p, l);
    launch_grid(l, (uint64_t)(p->lanes * p->A * p->C), 64);
    l->efficiency = 0.002;
}

/* One chain per element on all devices: there are few lanes. */
static void lane_sum(const void *problem, const struct device_info *dev,
                     struct launch *l)
{
    const struct lane_sum_problem *p = problem;
    int64_t blocks = (p->elements + 15) / 16;

    l->source = "reduce.cl";
    l->entry = "lane_sum";
    launch_u32(l, (uint64_t)p->lanes);
    launch_u64(l, (uint64_t)p->elements);
    l->flop = (double)p->lanes * (double)p->elements;
    l->bytes = 4.0 * (p->lanes + 1) * (double)p->elements;
    l->efficiency = 0.1;
    if (dev->family == FAMILY_CPU)
        launch_grid(l, groups(blocks), 1);
    else
        launch_grid(l, (uint64_t)blocks, 64);
}

/* No settings: a gradient has no samples, none of it is stale. */
static void square_sum(const struct square_sum_problem *p, struct launch *l)
{
    l->source = "reduce.cl";
    launch_option(l, "X=%s", dtype_name(p->x));
    if (p->accumulate)
        launch_option(l, "ACC=1");
    launch_u64(l, (uint64_t)p->elements);
    launch_u32(l, (uint64_t)p->lanes);
    l->flop = 2.0 * (double)p->elements;
    l->bytes = (double)p->elements * (double)dtype_bytes(p->x) +
               4.0 * (p->accumulate ? 2 : 1) * p->lanes;
}

static void square_sum_cpu(const void *problem, const struct device_info *dev,
                           struct launch *l)
{
    const struct square_sum_problem *p = problem;

    (void)dev;
    l->entry = "square_sum_cpu";
    square_sum(p, l);
    launch_grid(l, (uint64_t)(p->lanes / SQUARE_SUM_LANES), 1);
    l->efficiency = 0.1;
}

static void square_sum_item(const void *problem, const struct device_info *dev,
                            struct launch *l)
{
    const struct square_sum_problem *p = problem;

    (void)dev;
    l->entry = "square_sum_item";
    square_sum(p, l);
    launch_grid(l, (uint64_t)p->lanes, 64);
    l->efficiency = 0.01;
}

const struct kernel kernels_reduce[] = {
    {"reduce_rows_cpu", rows_fits, rows_launch},
    {"reduce_columns_cpu", columns_fits, columns_launch},
    {"reduce_item", fits_always, item_launch},
    {0},
};

const struct kernel kernels_batch_sum[] = {
    {"batch_sum_cpu", fits_cpu, batch_sum_cpu},
    {"batch_sum_item", fits_always, batch_sum_item},
    {0},
};

const struct kernel kernels_lane_sum[] = {
    {"lane_sum", fits_always, lane_sum},
    {0},
};

const struct kernel kernels_square_sum[] = {
    {"square_sum_cpu", fits_cpu, square_sum_cpu},
    {"square_sum_item", fits_always, square_sum_item},
    {0},
};
