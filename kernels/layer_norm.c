/*
 * layer_norm.c: the ways to run layer_norm.cl.
 *
 * Which candidate fits depends on the device alone, never on the batch.
 */
#include "kernels/layer_norm.h"

/* Groups of one item on a CPU. */
enum { GROUPS = 32, LOCAL = 64 };

/* One work-item for a part of the rows. */
static void by_rows(const struct layer_norm_problem *p, struct launch *l)
{
    launch_grid(l, (uint64_t)(p->rows < GROUPS ? p->rows : GROUPS), 1);
    l->efficiency = 0.1;
}

/* One item for each row: rows are read across by neighbours, so this is slow
 * on a GPU too, but needs no local memory. */
static void by_row(const struct layer_norm_problem *p, struct launch *l)
{
    launch_grid(l, (uint64_t)p->rows, LOCAL);
    l->efficiency = 0.004;
}

/* About 8 operations an element in each direction. */
static void sizes(const struct layer_norm_problem *p, struct launch *l)
{
    l->source = "layer_norm.cl";
    launch_option(l, "X=%s", dtype_name(p->x));
    launch_u64(l, (uint64_t)p->rows);
    launch_u64(l, (uint64_t)p->C);
    l->flop = 8.0 * (double)p->rows * (double)p->C;
}

/* ---- forward ---- */

static void forward(const struct layer_norm_problem *p, struct launch *l)
{
    sizes(p, l);
    launch_f32(l, p->epsilon);
    l->bytes = 2.0 * (double)p->rows * (double)p->C * (double)dtype_bytes(p->x);
}

static void forward_cpu(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    (void)dev;
    l->entry = "layer_norm_cpu";
    forward(problem, l);
    by_rows(problem, l);
}

static void forward_item(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    (void)dev;
    l->entry = "layer_norm_item";
    forward(problem, l);
    by_row(problem, l);
}

const struct kernel kernels_layer_norm[] = {
    {"layer_norm_cpu", fits_cpu, forward_cpu},
    {"layer_norm_item", fits_always, forward_item},
    {0},
};

/* ---- gradient of x ---- */

static void grad(const struct layer_norm_problem *p, struct launch *l)
{
    sizes(p, l);
    launch_option(l, "DY=%s", dtype_name(p->dy));
    l->bytes = (double)p->rows * (double)p->C *
               (double)(dtype_bytes(p->x) + 2 * dtype_bytes(p->dy));
}

static void grad_cpu(const void *problem, const struct device_info *dev,
                     struct launch *l)
{
    (void)dev;
    l->entry = "layer_norm_grad_cpu";
    grad(problem, l);
    by_rows(problem, l);
}

static void grad_item(const void *problem, const struct device_info *dev,
                      struct launch *l)
{
    (void)dev;
    l->entry = "layer_norm_grad_item";
    grad(problem, l);
    by_row(problem, l);
}

const struct kernel kernels_layer_norm_grad[] = {
    {"layer_norm_grad_cpu", fits_cpu, grad_cpu},
    {"layer_norm_grad_item", fits_always, grad_item},
    {0},
};

/* ---- gradients of scale and bias ---- */

static void sums(const struct layer_norm_sums_problem *p, struct launch *l)
{
    double n = (double)p->samples * (double)p->positions * (double)p->C;

    l->source = "layer_norm.cl";
    launch_option(l, "X=%s", dtype_name(p->x));
    launch_option(l, "DY=%s", dtype_name(p->dy));
    if (p->accumulate)
        launch_option(l, "ACC=1");
    launch_u32(l, (uint64_t)p->positions);
    launch_u32(l, (uint64_t)p->C);
    launch_u32(l, (uint64_t)p->lanes);
    launch_setting(l, SETTING_ROWS);
    launch_setting(l, SETTING_FIRST);
    l->flop = 5 * n;
    l->bytes = n * (double)(dtype_bytes(p->x) + dtype_bytes(p->dy)) +
               8.0 * p->lanes * (double)p->C;
}

/* One work-item for each lane (second dimension) and a part of the blocks of 16
 * channels. */
static void sums_cpu(const void *problem, const struct device_info *dev,
                     struct launch *l)
{
    const struct layer_norm_sums_problem *p = problem;
    int64_t blocks = (p->C + 15) / 16;

    (void)dev;
    l->entry = "layer_norm_sums_cpu";
    sums(p, l);
    launch_grid(l, (uint64_t)(blocks < GROUPS ? blocks : GROUPS), 1);
    l->global[1] = (uint64_t)p->lanes;
    l->efficiency = 0.1;
}

static void sums_item(const void *problem, const struct device_info *dev,
                      struct launch *l)
{
    const struct layer_norm_sums_problem *p = problem;

    (void)dev;
    l->entry = "layer_norm_sums_item";
    sums(p, l);
    launch_grid(l, (uint64_t)(p->lanes * p->C), LOCAL);
    l->efficiency = 0.004;
}

const struct kernel kernels_layer_norm_sums[] = {
    {"layer_norm_sums_cpu", fits_cpu, sums_cpu},
    {"layer_norm_sums_item", fits_always, sums_item},
    {0},
};
