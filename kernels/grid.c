/* grid.c: the ways to run grid.cl. */
#include "kernels/grid.h"

enum { LOCAL = 64 };

/* Items and how many elements each of the three takes. */
static void common(const struct grid_problem *p, const char *entry,
                   int64_t items, struct launch *l)
{
    static const int taps[] = {
        [GRID_NEAREST] = 1, [GRID_BILINEAR] = 2, [GRID_BICUBIC] = 4};
    double places = (double)p->N * (double)p->P;
    double square = taps[p->mode] * taps[p->mode];

    l->source = "grid.cl";
    l->entry = entry;
    launch_option(l, "TAPS=%d", taps[p->mode]);
    launch_option(l, "PADDING=%d", (int)p->padding);
    launch_option(l, "CORNERS=%d", p->align_corners);
    launch_u32(l, (uint64_t)p->N);
    launch_u32(l, (uint64_t)p->C);
    launch_u32(l, (uint64_t)p->H);
    launch_u32(l, (uint64_t)p->W);
    launch_u32(l, (uint64_t)p->P);
    launch_grid(l, (uint64_t)items, LOCAL);
    l->flop = places * (double)p->C * square * 3;
    l->bytes = places * (8 + 4 * (double)p->C * (1 + square));
    l->efficiency = 0.02;
}

static void grid_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct grid_problem *p = problem;

    (void)dev;
    common(p, "grid_item", p->N * p->P, l);
}

static void x_launch(const void *problem, const struct device_info *dev,
                     struct launch *l)
{
    const struct grid_problem *p = problem;

    (void)dev;
    common(p, "grid_x_item", p->N * p->C, l);
}

static void places_launch(const void *problem, const struct device_info *dev,
                          struct launch *l)
{
    const struct grid_problem *p = problem;

    (void)dev;
    common(p, "grid_places_item", p->N * p->P, l);
}

const struct kernel kernels_grid[] = {
    {"grid_item", fits_always, grid_launch},
    {0},
};

const struct kernel kernels_grid_x[] = {
    {"grid_x_item", fits_always, x_launch},
    {0},
};

const struct kernel kernels_grid_places[] = {
    {"grid_places_item", fits_always, places_launch},
    {0},
};
