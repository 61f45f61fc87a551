/* gru.c: the ways to run gru.cl, best first. */
#include "kernels/gru.h"

enum { CPU_SAMPLES = 4 }; /* samples of a group; see gru.cl */

/* Below 4 units a vector of 16 is mostly padding. */
static bool wide_fits(const void *problem, const struct device_info *dev)
{
    const struct gru_problem *p = problem;

    return fits_cpu(problem, dev) && p->H >= 4;
}

/* 3 products of H by H for each sample of a group, be it there or not, and step,
 * at 2 operations; each group reads all weights in each step.  Groups do not
 * depend on N but for their number, so samples keep their bits in any batch. */
static void launch(const struct gru_problem *p, int64_t samples,
                   struct launch *l)
{
    int64_t groups = (p->N + samples - 1) / samples;
    double reads = (double)(groups * p->T) * (double)(p->H * p->H);

    l->source = "gru.cl";
    launch_option(l, "SAMPLES=%d", (int)samples);
    if (p->linear)
        launch_option(l, "LINEAR=1");
    launch_u32(l, (uint64_t)p->N);
    launch_u32(l, (uint64_t)p->T);
    launch_u32(l, (uint64_t)p->H);
    launch_u32(l, p->reverse);
    launch_grid(l, (uint64_t)groups, 1);
    l->flop = 6.0 * (double)samples * reads;
    l->bytes = 32.0 * (double)(p->N * p->T * p->H) + 12.0 * reads;
}

static void forward(const struct gru_problem *p, int64_t samples,
                    struct launch *l)
{
    launch(p, samples, l);
    l->entry = "gru";
    if (p->bias)
        launch_option(l, "BIAS=1");
}

/* The workspace has dh of each sample. */
static void backward(const struct gru_problem *p, int64_t samples,
                     struct launch *l)
{
    launch(p, samples, l);
    l->entry = "gru_grad";
    l->workspace = (uint64_t)(p->N * p->H) * sizeof(float);
}

static void wide_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    (void)dev;
    forward(problem, CPU_SAMPLES, l);
    launch_option(l, "WIDE=1");
    l->efficiency = 0.2;
}

/* One sample to an item: for any device, and the reference for the other. */
static void plain_launch(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    (void)dev;
    forward(problem, 1, l);
    l->efficiency = 0.002;
}

static void wide_grad_launch(const void *problem, const struct device_info *dev,
                             struct launch *l)
{
    (void)dev;
    backward(problem, CPU_SAMPLES, l);
    launch_option(l, "WIDE=1");
    l->efficiency = 0.2;
}

static void plain_grad_launch(const void *problem,
                              const struct device_info *dev, struct launch *l)
{
    (void)dev;
    backward(problem, 1, l);
    l->efficiency = 0.002;
}

const struct kernel kernels_gru[] = {
    {"gru_wide", wide_fits, wide_launch},
    {"gru_plain", fits_always, plain_launch},
    {0},
};

const struct kernel kernels_gru_grad[] = {
    {"gru_grad_wide", wide_fits, wide_grad_launch},
    {"gru_grad_plain", fits_always, plain_grad_launch},
    {0},
};
