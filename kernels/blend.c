/* blend.c: the ways to run blend.cl. */
#include "kernels/blend.h"

/* Groups of one item on a CPU, each with a part of the rows. */
enum { GROUPS = 32, LOCAL = 64 };

/* Scalars and work are the same for both candidates. */
static void blend(const struct blend_problem *p, struct launch *l)
{
    double terms = (double)(p->outer * p->inner) * (double)p->terms;

    l->source = "blend.cl";
    launch_option(l, "X=%s", dtype_name(p->dtype));
    if (p->weighted)
        launch_option(l, "WEIGHTED=1");
    launch_u64(l, (uint64_t)p->outer);
    launch_u32(l, (uint64_t)p->in);
    launch_u32(l, (uint64_t)p->out);
    launch_u64(l, (uint64_t)p->inner);
    l->flop = 2 * terms;
    l->bytes = (terms + (double)(p->outer * p->inner) * (double)p->out) *
               (double)dtype_bytes(p->dtype);
}

/* Shorter rows would waste most of a vector of 16. */
static bool cpu_fits(const void *problem, const struct device_info *dev)
{
    const struct blend_problem *p = problem;

    return dev->family == FAMILY_CPU && p->inner >= 8;
}

static void cpu_launch(const void *problem, const struct device_info *dev,
                       struct launch *l)
{
    const struct blend_problem *p = problem;
    int64_t rows = p->outer * p->out;

    (void)dev;
    l->entry = "blend_cpu";
    blend(p, l);
    launch_grid(l, (uint64_t)(rows < GROUPS ? rows : GROUPS), 1);
    l->efficiency = 0.1;
}

/* Also the way on a CPU for narrow rows. */
static void item_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct blend_problem *p = problem;

    (void)dev;
    l->entry = "blend_item";
    blend(p, l);
    launch_grid(l, (uint64_t)(p->outer * p->out * p->inner), LOCAL);
    l->efficiency = 0.01;
}

const struct kernel kernels_blend[] = {
    {"blend_cpu", cpu_fits, cpu_launch},
    {"blend_item", fits_always, item_launch},
    {0},
};
