/* scan.c: the ways to run scan.cl. */
#include "kernels/scan.h"

/* Groups of one item on a CPU, each with a part of the blocks of 16. */
enum { GROUPS = 32, LOCAL = 64 };

static void scan(const struct scan_problem *p, struct launch *l)
{
    double elements = (double)p->outer * (double)p->len * (double)p->inner;

    l->source = "scan.cl";
    launch_option(l, "X=%s", dtype_name(p->dtype));
    if (p->product)
        launch_option(l, "PRODUCT=1");
    if (p->exclusive)
        launch_option(l, "EXCLUSIVE=1");
    if (p->reverse)
        launch_option(l, "REVERSE=1");
    launch_u64(l, (uint64_t)p->outer);
    launch_u64(l, (uint64_t)p->len);
    launch_u64(l, (uint64_t)p->inner);
    l->flop = elements;
    l->bytes = 2 * elements * (double)dtype_bytes(p->dtype);
}

/* Narrower rows would waste most of a vector of 16. */
static bool cpu_fits(const void *problem, const struct device_info *dev)
{
    const struct scan_problem *p = problem;

    return dev->family == FAMILY_CPU && p->inner >= 8;
}

static void cpu_launch(const void *problem, const struct device_info *dev,
                       struct launch *l)
{
    const struct scan_problem *p = problem;
    int64_t tasks = p->outer * ((p->inner + 15) / 16);

    (void)dev;
    l->entry = "scan_cpu";
    scan(p, l);
    launch_grid(l, (uint64_t)(tasks < GROUPS ? tasks : GROUPS), 1);
    l->efficiency = 0.05;
}

/* A row is one chain, so it is one item's. */
static void item_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct scan_problem *p = problem;

    (void)dev;
    l->entry = "scan_item";
    scan(p, l);
    launch_grid(l, (uint64_t)(p->outer * p->inner), LOCAL);
    l->efficiency = 0.005;
}

const struct kernel kernels_scan[] = {
    {"scan_cpu", cpu_fits, cpu_launch},
    {"scan_item", fits_always, item_launch},
    {0},
};
