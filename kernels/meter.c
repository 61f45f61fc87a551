/* meter.c: how meter.cl is launched.  Its work is too small to matter. */
#include "kernels/meter.h"

enum { LOCAL = 64 };

/* Weights are no whole numbers, so their sums are rounded. */
static void counts_option(struct launch *l, enum dtype counts)
{
    if (counts)
        launch_option(l, "COUNTS=%s", dtype_name(counts));
    if (counts == DT_F32)
        launch_option(l, "ROUNDED=1");
}

/* One group: its items are the lanes, which must see one number of rows. */
static void meter_launch(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    const struct meter_problem *p = problem;

    (void)dev;
    l->source = "meter.cl";
    l->entry = "meter_add";
    launch_option(l, "LANES=%d", p->lanes);
    if (p->once)
        launch_option(l, "ONCE=1");
    counts_option(l, p->counts);
    launch_u64(l, (uint64_t)p->per_sample);
    launch_u32(l, (uint64_t)p->N);
    launch_setting(l, SETTING_ROWS);
    launch_setting(l, SETTING_FIRST);
    launch_grid(l, (uint64_t)p->lanes, (uint64_t)p->lanes);
    l->bytes = 4 * (double)p->N;
}

const struct kernel kernels_meter_add[] = {
    {"meter_add", fits_always, meter_launch},
    {0},
};

/* One item alone: the grid is left at 1. */
static void count_launch(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    const struct count_problem *p = problem;

    (void)dev;
    l->source = "meter.cl";
    l->entry = "count_add";
    counts_option(l, p->counts);
    launch_u32(l, (uint64_t)p->N);
    launch_setting(l, SETTING_ROWS);
    launch_setting(l, SETTING_FIRST);
    l->bytes = 4 * (double)p->N;
}

const struct kernel kernels_count_add[] = {
    {"count_add", fits_always, count_launch},
    {0},
};

/* One item per sample; the weight is a constant of the model, the counts are
 * not. */
static void seed_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct seed_problem *p = problem;

    (void)dev;
    l->source = "meter.cl";
    l->entry = "loss_seed";
    counts_option(l, p->counts);
    launch_f32(l, p->weight);
    launch_u64(l, (uint64_t)p->per_sample);
    launch_u32(l, (uint64_t)p->N);
    launch_setting(l, SETTING_ROWS);
    launch_setting(l, SETTING_EFFECTIVE);
    launch_grid(l, (uint64_t)p->N, LOCAL);
    l->bytes = 4 * (double)p->N;
}

const struct kernel kernels_loss_seed[] = {
    {"loss_seed", fits_always, seed_launch},
    {0},
};
