/*
 * embedding.c: the ways to run embedding.cl.
 *
 * Which candidate fits depends on the device alone, never on the batch.
 */
#include "kernels/embedding.h"

/* Groups of one item on a CPU; parts of the table for work-items of their own,
 * each of which reads all indices. */
enum { GROUPS = 32, LOCAL = 64, PARTS = 32 };

/* ---- forward ---- */

/* Traffic: a row read and written for each index. */
static void forward(const struct embedding_problem *p, struct launch *l)
{
    double n = (double)p->n * (double)p->size;

    l->source = "embedding.cl";
    launch_option(l, "I=%s", dtype_name(p->index));
    launch_option(l, "W=%s", dtype_name(p->w));
    launch_u64(l, (uint64_t)p->n);
    launch_u64(l, (uint64_t)p->count);
    launch_u64(l, (uint64_t)p->size);
    l->bytes = 2 * n * (double)dtype_bytes(p->w) +
               (double)p->n * (double)dtype_bytes(p->index);
    l->flop = n;
}

static void forward_cpu(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct embedding_problem *p = problem;

    (void)dev;
    l->entry = "embedding_cpu";
    forward(p, l);
    launch_grid(l, (uint64_t)(p->n < GROUPS ? p->n : GROUPS), 1);
    l->efficiency = 0.1;
}

static void forward_item(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    const struct embedding_problem *p = problem;

    (void)dev;
    l->entry = "embedding_item";
    forward(p, l);
    launch_grid(l, (uint64_t)(p->n * p->size), LOCAL);
    l->efficiency = 0.01;
}

const struct kernel kernels_embedding[] = {
    {"embedding_cpu", fits_cpu, forward_cpu},
    {"embedding_item", fits_always, forward_item},
    {0},
};

/* ---- gradient ---- */

/* No part without a row. */
static int64_t parts_of(const struct embedding_grad_problem *p)
{
    return p->count < PARTS ? p->count : PARTS;
}

/* Without atomics and without sorting: each item reads all indices and adds
 * those that are its own. */
static void grad(const struct embedding_grad_problem *p, struct launch *l)
{
    double n = (double)p->samples * (double)p->positions;
    double table = (double)p->lanes * (double)p->count * (double)p->size;

    l->source = "embedding.cl";
    launch_option(l, "I=%s", dtype_name(p->index));
    launch_option(l, "DY=%s", dtype_name(p->dy));
    if (p->accumulate)
        launch_option(l, "ACC=1");
    launch_u32(l, (uint64_t)p->positions);
    launch_u32(l, (uint64_t)p->count);
    launch_u32(l, (uint64_t)p->size);
    launch_u32(l, (uint64_t)p->lanes);
    launch_setting(l, SETTING_ROWS);
    launch_setting(l, SETTING_FIRST);
    l->flop = n * (double)p->size;
    l->bytes = n * (double)p->size * (double)(dtype_bytes(p->dy) + 8) +
               4 * table * (p->accumulate ? 2 : 1);
}

/* One work-item for each lane (second dimension) and a part of the blocks of 16
 * columns. */
static void grad_cpu(const void *problem, const struct device_info *dev,
                     struct launch *l)
{
    const struct embedding_grad_problem *p = problem;
    int64_t blocks = (p->size + 15) / 16;

    (void)dev;
    l->entry = "embedding_grad_cpu";
    grad(p, l);
    launch_grid(l, (uint64_t)(blocks < GROUPS ? blocks : GROUPS), 1);
    l->global[1] = (uint64_t)p->lanes;
    l->efficiency = 0.05;
}

/* One for each column, lane and part of the rows. */
static void grad_item(const void *problem, const struct device_info *dev,
                      struct launch *l)
{
    const struct embedding_grad_problem *p = problem;

    (void)dev;
    l->entry = "embedding_grad_item";
    grad(p, l);
    launch_u32(l, (uint64_t)parts_of(p));
    launch_grid(l, (uint64_t)(p->lanes * parts_of(p) * p->size), LOCAL);
    l->efficiency = 0.002;
}

const struct kernel kernels_embedding_grad[] = {
    {"embedding_grad_cpu", fits_cpu, grad_cpu},
    {"embedding_grad_item", fits_always, grad_item},
    {0},
};
