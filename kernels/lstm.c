/* lstm.c: the ways to run lstm.cl, best first. */
#include "kernels/lstm.h"

enum { CPU_SAMPLES = 4 }; /* samples of a group; see lstm.cl */

/* Below 4 units a vector of 16 is mostly padding. */
static bool wide_fits(const void *problem, const struct device_info *dev)
{
    const struct lstm_problem *p = problem;

    return fits_cpu(problem, dev) && p->H >= 4;
}

/* 4 products of H by H for each sample of a group, be it there or not, and step,
 * at 2 operations; each group reads all weights in each step. */
static void launch(const struct lstm_problem *p, const char *entry,
                   int64_t samples, struct launch *l)
{
    int64_t groups = (p->N + samples - 1) / samples;
    double reads = (double)(groups * p->T) * (double)(p->H * p->H);

    l->source = "lstm.cl";
    l->entry = entry;
    launch_option(l, "SAMPLES=%d", (int)samples);
    launch_u32(l, (uint64_t)p->N);
    launch_u32(l, (uint64_t)p->T);
    launch_u32(l, (uint64_t)p->H);
    launch_u32(l, p->reverse);
    launch_grid(l, (uint64_t)groups, 1);
    l->flop = 8.0 * (double)samples * reads;
    l->bytes = 40.0 * (double)(p->N * p->T * p->H) + 16.0 * reads;
}

static void wide_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    (void)dev;
    launch(problem, "lstm", CPU_SAMPLES, l);
    launch_option(l, "WIDE=1");
    l->efficiency = 0.2;
}

/* One sample to an item: for any device, and the reference for the other. */
static void plain_launch(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    (void)dev;
    launch(problem, "lstm", 1, l);
    l->efficiency = 0.002;
}

/* dh and dc of each sample. */
static uint64_t state_bytes(const struct lstm_problem *p)
{
    return (uint64_t)(p->N * 2 * p->H) * sizeof(float);
}

static void wide_grad_launch(const void *problem, const struct device_info *dev,
                             struct launch *l)
{
    (void)dev;
    launch(problem, "lstm_grad", CPU_SAMPLES, l);
    launch_option(l, "WIDE=1");
    l->workspace = state_bytes(problem);
    l->efficiency = 0.2;
}

static void plain_grad_launch(const void *problem,
                              const struct device_info *dev, struct launch *l)
{
    (void)dev;
    launch(problem, "lstm_grad", 1, l);
    l->workspace = state_bytes(problem);
    l->efficiency = 0.002;
}

const struct kernel kernels_lstm[] = {
    {"lstm_wide", wide_fits, wide_launch},
    {"lstm_plain", fits_always, plain_launch},
    {0},
};

const struct kernel kernels_lstm_grad[] = {
    {"lstm_grad_wide", wide_fits, wide_grad_launch},
    {"lstm_grad_plain", fits_always, plain_grad_launch},
    {0},
};
