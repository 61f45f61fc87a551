/* select.c: the way to run select.cl. */
#include "kernels/select.h"

enum { LOCAL = 64 }; /* work-items of a group */

/* The work grows with len k: meant for the few first of a row. */
static void item_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct select_problem *p = problem;
    double rows = (double)p->outer * (double)p->inner;

    (void)dev;
    l->source = "select.cl";
    l->entry = "select_item";
    launch_option(l, "X=%s", dtype_name(p->dtype));
    launch_option(l, "SIGN=%s", p->smallest ? "-" : "+");
    if (p->last)
        launch_option(l, "LAST=1");
    if (p->values)
        launch_option(l, "VALUES=1");
    launch_u64(l, (uint64_t)p->outer);
    launch_u64(l, (uint64_t)p->len);
    launch_u64(l, (uint64_t)p->inner);
    launch_u64(l, (uint64_t)p->k);
    launch_grid(l, (uint64_t)(p->outer * p->inner), LOCAL);
    l->flop = rows * (double)p->len * (double)p->k;
    l->bytes = rows * ((double)p->len * (double)dtype_bytes(p->dtype) +
                       8.0 * (double)p->k);
    l->efficiency = 0.01;
}

const struct kernel kernels_select[] = {
    {"select_item", fits_always, item_launch},
    {0},
};
