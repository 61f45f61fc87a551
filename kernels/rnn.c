/* rnn.c: the ways to run rnn.cl, best first. */
#include "kernels/rnn.h"

/* Below 4 units a vector of 16 is mostly padding. */
static bool wide_fits(const void *problem, const struct device_info *dev)
{
    const struct rnn_problem *p = problem;

    return fits_cpu(problem, dev) && p->H >= 4;
}

/* A sample is a group, so its bits do not depend on N. */
static void launch(const struct rnn_problem *p, const char *entry, bool wide,
                   struct launch *l)
{
    l->source = "rnn.cl";
    l->entry = entry;
    if (p->relu)
        launch_option(l, "RELU=1");
    if (wide)
        launch_option(l, "WIDE=1");
    launch_u32(l, (uint64_t)p->T);
    launch_u32(l, (uint64_t)p->H);
    launch_u32(l, p->reverse);
    launch_grid(l, (uint64_t)p->N, 1);
    l->flop = 2.0 * (double)(p->N * p->T) * (double)(p->H * p->H);
    l->bytes = 16.0 * (double)(p->N * p->T * p->H) +
               4.0 * (double)(p->N * p->T * p->H * p->H);
    l->efficiency = wide ? 0.1 : 0.002;
}

static void wide_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    (void)dev;
    launch(problem, "rnn", true, l);
}

static void plain_launch(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    (void)dev;
    launch(problem, "rnn", false, l);
}

static void wide_grad_launch(const void *problem, const struct device_info *dev,
                             struct launch *l)
{
    (void)dev;
    launch(problem, "rnn_grad", true, l);
}

static void plain_grad_launch(const void *problem,
                              const struct device_info *dev, struct launch *l)
{
    (void)dev;
    launch(problem, "rnn_grad", false, l);
}

const struct kernel kernels_rnn[] = {
    {"rnn_wide", wide_fits, wide_launch},
    {"rnn_plain", fits_always, plain_launch},
    {0},
};

const struct kernel kernels_rnn_grad[] = {
    {"rnn_grad_wide", wide_fits, wide_grad_launch},
    {"rnn_grad_plain", fits_always, plain_grad_launch},
    {0},
};
