/* pick.c: the ways to run pick.cl. */
#include "kernels/pick.h"

enum { LOCAL = 64 };

static void pick(const struct pick_problem *p, int64_t items, struct launch *l)
{
    double rows = (double)p->outer * (double)p->inner;
    double indices = (p->shared ? 1 : rows) * (double)p->n;

    l->source = "pick.cl";
    launch_option(l, "X=%s", dtype_name(p->x));
    launch_option(l, "I=%s", dtype_name(p->index));
    if (p->shared)
        launch_option(l, "SHARED=1");
    launch_u64(l, (uint64_t)p->outer);
    launch_u64(l, (uint64_t)p->len);
    launch_u64(l, (uint64_t)p->inner);
    launch_u64(l, (uint64_t)p->n);
    launch_grid(l, (uint64_t)items, LOCAL);
    l->flop = rows * (double)p->n;
    l->bytes = indices * (double)dtype_bytes(p->index) +
               rows * (double)(p->len + p->n) * (double)dtype_bytes(p->x);
}

static void item_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct pick_problem *p = problem;

    (void)dev;
    l->entry = "pick_item";
    pick(p, p->outer * p->n * p->inner, l);
    l->efficiency = 0.01;
}

const struct kernel kernels_pick[] = {
    {"pick_item", fits_always, item_launch},
    {0},
};

/* A half would be rounded after each term. */
static bool column_fits(const void *problem, const struct device_info *dev)
{
    const struct pick_problem *p = problem;

    (void)dev;
    return p->x == DT_F32;
}

static void column_launch(const void *problem, const struct device_info *dev,
                          struct launch *l)
{
    const struct pick_problem *p = problem;

    (void)dev;
    l->entry = "pick_grad_column";
    pick(p, p->outer * p->inner, l);
    l->efficiency = 0.01;
}

static void grad_item_launch(const void *problem, const struct device_info *dev,
                             struct launch *l)
{
    const struct pick_problem *p = problem;

    (void)dev;
    l->entry = "pick_grad_item";
    pick(p, p->outer * p->len * p->inner, l);
    l->flop *= (double)p->len;
    l->efficiency = 0.002;
}

const struct kernel kernels_pick_grad[] = {
    {"pick_grad_column", column_fits, column_launch},
    {"pick_grad_item", fits_always, grad_item_launch},
    {0},
};
