/*
 * loss.c: the ways to run loss.cl and loss_cpu.cl.
 *
 * Which candidate fits does not depend on the number of samples.
 */
#include "kernels/loss.h"

/* Groups of one item on a CPU; what an exponential costs, in operations. */
enum { GROUPS = 32, LOCAL = 64, EXP_FLOP = 20 };

/* The label to ignore is 64-bit text: labels are compared as long. */
static void options(const struct loss_problem *p, struct launch *l)
{
    launch_option(l, "L=%s", dtype_name(p->label));
    if (p->ignores)
        launch_option(l, "IGNORE=%lldL", (long long)p->ignore);
}

static void sizes(const struct loss_problem *p, struct launch *l)
{
    launch_option(l, "X=%s", dtype_name(p->x));
    options(p, l);
    launch_u32(l, (uint64_t)p->N);
    launch_u32(l, (uint64_t)p->C);
    launch_u32(l, (uint64_t)p->inner);
}

/* `transfers`: how often the logits go through memory. */
static void predict(const struct loss_problem *p, struct launch *l,
                    int transfers)
{
    double labels = (double)p->N * (double)p->inner;
    double logits = labels * (double)p->C;

    l->flop = EXP_FLOP * logits;
    l->bytes = transfers * logits * (double)dtype_bytes(p->x) +
               labels * (double)dtype_bytes(p->label);
}

/* A group of one item for some of the tasks. */
static void share(struct launch *l, int64_t tasks)
{
    launch_grid(l, tasks < GROUPS ? (uint64_t)tasks : GROUPS, 1);
    l->source = "loss_cpu.cl";
    l->efficiency = 0.3;
}

/* A work-item for each of n tasks; on a CPU it is a group by itself. */
static void items(struct launch *l, const struct device_info *dev, int64_t n)
{
    launch_grid(l, (uint64_t)n, dev->family == FAMILY_CPU ? 1 : LOCAL);
    l->source = "loss.cl";
    l->efficiency = 0.02;
}

/* Logits of a position lie together only where there are no positions. */
static bool rows_fits(const void *problem, const struct device_info *dev)
{
    const struct loss_problem *p = problem;

    return dev->family == FAMILY_CPU && p->inner == 1;
}

static void rows_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct loss_problem *p = problem;

    (void)dev;
    l->entry = "cross_entropy_rows";
    share(l, p->N);
    sizes(p, l);
    predict(p, l, 1);
}

static void planes_launch(const void *problem, const struct device_info *dev,
                          struct launch *l)
{
    const struct loss_problem *p = problem;

    (void)dev;
    l->entry = "cross_entropy_planes";
    share(l, p->N);
    sizes(p, l);
    predict(p, l, 1);
}

static void item_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct loss_problem *p = problem;

    l->entry = "cross_entropy_item";
    items(l, dev, p->N);
    sizes(p, l);
    predict(p, l, 1);
}

const struct kernel kernels_cross_entropy[] = {
    {"cross_entropy_rows", rows_fits, rows_launch},
    {"cross_entropy_planes", fits_cpu, planes_launch},
    {"cross_entropy_item", fits_always, item_launch},
    {0},
};

static void grad_rows_launch(const void *problem, const struct device_info *dev,
                             struct launch *l)
{
    const struct loss_problem *p = problem;

    (void)dev;
    l->entry = "cross_entropy_grad_rows";
    share(l, p->N);
    sizes(p, l);
    predict(p, l, 2);
}

static void grad_planes_launch(const void *problem,
                               const struct device_info *dev, struct launch *l)
{
    const struct loss_problem *p = problem;

    (void)dev;
    l->entry = "cross_entropy_grad_planes";
    share(l, p->N * ((p->inner + 15) / 16));
    sizes(p, l);
    predict(p, l, 2);
}

static void grad_item_launch(const void *problem, const struct device_info *dev,
                             struct launch *l)
{
    const struct loss_problem *p = problem;

    l->entry = "cross_entropy_grad_item";
    items(l, dev, p->N * p->inner);
    sizes(p, l);
    predict(p, l, 2);
}

const struct kernel kernels_cross_entropy_grad[] = {
    {"cross_entropy_grad_rows", rows_fits, grad_rows_launch},
    {"cross_entropy_grad_planes", fits_cpu, grad_planes_launch},
    {"cross_entropy_grad_item", fits_always, grad_item_launch},
    {0},
};

static void hits_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct loss_problem *p = problem;

    l->entry = "hits_item";
    items(l, dev, p->N);
    sizes(p, l);
    predict(p, l, 1);
}

const struct kernel kernels_hits[] = {
    {"hits_item", fits_always, hits_launch},
    {0},
};

static void valid_count_launch(const void *problem,
                               const struct device_info *dev, struct launch *l)
{
    const struct loss_problem *p = problem;

    l->entry = "valid_count_item";
    items(l, dev, p->N);
    options(p, l);
    launch_u32(l, (uint64_t)p->N);
    launch_u32(l, (uint64_t)p->inner);
    l->flop = (double)p->N * (double)p->inner;
    l->bytes = l->flop * (double)dtype_bytes(p->label);
}

const struct kernel kernels_valid_count[] = {
    {"valid_count_item", fits_always, valid_count_launch},
    {0},
};
