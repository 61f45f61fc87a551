/*
 * softmax.c: the ways to run softmax.cl.
 *
 * Which candidate fits depends on len and inner, not on the number of rows.
 */
#include "kernels/softmax.h"

/* Groups of one item on a CPU; what an exponential costs, in operations. */
enum { GROUPS = 32, LOCAL = 64, EXP_FLOP = 20 };

/* Two passes of exponentials: for the sum, and for y. */
static void softmax(const struct softmax_problem *p, struct launch *l)
{
    double n = (double)p->outer * (double)p->len * (double)p->inner;

    l->source = "softmax.cl";
    if (p->kind == SOFTMAX_LOG)
        launch_option(l, "LOGARITHM=1");
    if (p->causal)
        launch_option(l, "CAUSAL=%lldul", (long long)p->causal);
    launch_option(l, "X=%s", dtype_name(p->x));
    launch_option(l, "Y=%s", dtype_name(p->y));
    launch_u64(l, (uint64_t)p->outer);
    launch_u64(l, (uint64_t)p->len);
    l->flop = 2 * EXP_FLOP * n;
    l->bytes = n * (double)(dtype_bytes(p->x) + dtype_bytes(p->y));
}

/* A group of one item for a part of the tasks. */
static void share(struct launch *l, int64_t tasks)
{
    launch_grid(l, (uint64_t)(tasks < GROUPS ? tasks : GROUPS), 1);
    l->efficiency = 0.3;
}

static bool rows_fits(const void *problem, const struct device_info *dev)
{
    const struct softmax_problem *p = problem;

    return dev->family == FAMILY_CPU && p->inner == 1;
}

static void rows_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct softmax_problem *p = problem;

    (void)dev;
    l->entry = "softmax_rows_cpu";
    softmax(p, l);
    share(l, p->outer);
}

static bool columns_fits(const void *problem, const struct device_info *dev)
{
    const struct softmax_problem *p = problem;

    return dev->family == FAMILY_CPU && p->inner > 1;
}

static void columns_launch(const void *problem, const struct device_info *dev,
                           struct launch *l)
{
    const struct softmax_problem *p = problem;

    (void)dev;
    l->entry = "softmax_columns_cpu";
    softmax(p, l);
    launch_u64(l, (uint64_t)p->inner);
    share(l, p->outer * ((p->inner + 15) / 16));
}

/* One item a row: for a GPU too, slow where rows are long. */
static void item_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct softmax_problem *p = problem;

    (void)dev;
    l->entry = "softmax_item";
    softmax(p, l);
    launch_u64(l, (uint64_t)p->inner);
    launch_grid(l, (uint64_t)(p->outer * p->inner), LOCAL);
    l->efficiency = 0.02;
}

const struct kernel kernels_softmax[] = {
    {"softmax_rows_cpu", rows_fits, rows_launch},
    {"softmax_columns_cpu", columns_fits, columns_launch},
    {"softmax_item", fits_always, item_launch},
    {0},
};
