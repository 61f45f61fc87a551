/* pick.c: the ways to run pick.cl. */
#include "kernels/pick.h"

enum { LOCAL = 64 };

static double places(const struct pick_problem *p)
{
    double n = 1;

    for (int d = 0; d < p->rank; d++)
        n *= (double)p->dim[d];
    return n;
}

static void common(const struct pick_problem *p, struct launch *l)
{
    l->source = "pick.cl";
    launch_option(l, "X=%s", dtype_name(p->dtype));
    launch_option(l, "I=%s", dtype_name(p->index));
    launch_option(l, "V=%s", dtype_is_float(p->dtype) ? "float" : "long");
    launch_option(l, "FORM=%d", (int)p->form);
    launch_option(l, "RANK=%d", p->rank);
    launch_u64(l, (uint64_t)p->outer);
    launch_u64(l, (uint64_t)p->count);
    launch_u64(l, (uint64_t)p->inner);
    for (int d = 0; d < PICK_RANK; d++)
        launch_u32(l, d < p->rank ? (uint64_t)p->dim[d] : 1);
}

static void pick_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct pick_problem *p = problem;
    double n = (double)p->outer * (double)p->count * (double)p->inner;

    (void)dev;
    l->entry = "pick_item";
    common(p, l);
    launch_option(l, "MISSING=%s", dtype_is_float(p->dtype) ? "NAN" : "0");
    launch_grid(l, (uint64_t)(p->outer * p->count * p->inner), LOCAL);
    l->flop = n;
    l->bytes = n * (double)(2 * dtype_bytes(p->dtype) + dtype_bytes(p->index));
    l->efficiency = 0.05;
}

static void place_launch(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    static const char *const sign[] = {
        [PICK_PUT] = "PUT", [PICK_ADD] = "ADD", [PICK_MUL] = "MUL"};
    const struct pick_problem *p = problem;
    double rows = (double)p->outer * (double)p->inner;
    double count = (double)p->count;

    (void)dev;
    l->entry = "place_item";
    common(p, l);
    launch_option(l, "%s=1", sign[p->reduction]);
    launch_grid(l, (uint64_t)(p->outer * p->inner), LOCAL);
    l->flop = rows * (places(p) + count);
    l->bytes = rows * (2 * places(p) + count) * (double)dtype_bytes(p->dtype) +
               rows * count * (double)dtype_bytes(p->index);
    l->efficiency = 0.01;
}

const struct kernel kernels_pick[] = {
    {"pick_item", fits_always, pick_launch},
    {0},
};

const struct kernel kernels_place[] = {
    {"place_item", fits_always, place_launch},
    {0},
};
