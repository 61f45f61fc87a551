/*
 * conv_depthwise.c: the ways to run conv_depthwise_cpu.cl and
 * conv_depthwise_narrow_cpu.cl: one channel in each group, with one filter or
 * some.
 */
#include "kernels/conv_sum.h"

/* Taps whose sums a weight gradient may hold at a time; filters of a channel,
 * whose sums a data gradient may. */
enum { DEPTHWISE_TAPS = 64, DEPTHWISE_FILTERS = 16 };

/* Channels by themselves, and a window small enough for the table of taps. */
bool conv_depthwise_fits(const void *problem, const struct device_info *dev)
{
    const struct conv_problem *p = problem;

    return dev->family == FAMILY_CPU && p->group == p->C &&
           p->K <= p->C * DEPTHWISE_FILTERS && p->R * p->S <= DEPTHWISE_TAPS &&
           conv_small(p->H, p->W, p->C) && conv_small(p->P, p->Q, p->K) &&
           conv_small(p->R, p->S, p->K);
}

/* With fewer channels, partial vectors cost what the registers save. */
bool conv_depthwise_grad_w_fits(const void *problem,
                                const struct device_info *dev)
{
    const struct conv_problem *p = problem;

    return conv_depthwise_fits(problem, dev) && p->C >= 16;
}

/* Window and steps are compiled in: loops over taps are then unrolled. */
static void depthwise_launch(const struct conv_problem *p,
                             const struct conv_sum *s, struct launch *l)
{
    const int64_t scalar[] = {
        s->IH,        s->IW,     s->OH,     s->OW,          p->C,
        s->stride[0], s->pad[0], s->pad[1], s->dilation[0], s->dilation[1]};

    l->source = "conv_depthwise_cpu.cl";
    conv_types(p, l);
    launch_option(l, "TAPS_H=%d", (int)s->R);
    launch_option(l, "TAPS_W=%d", (int)s->S);
    launch_option(l, "UP_H=%d", (int)s->up[0]);
    launch_option(l, "UP_W=%d", (int)s->up[1]);
    launch_option(l, "STEP_W=%d", (int)s->stride[1]);
    launch_option(l, "APART=%d", (int)(p->K / p->C));
    for (int i = 0; i < 10; i++)
        launch_i32(l, scalar[i]);
    conv_costs(p, l);
    l->efficiency = 0.2;
}

/* Rows of all samples are divided among the groups. */
static void depthwise_rows(const struct conv_sum *s, struct launch *l)
{
    int64_t rows = s->N * s->OH;

    launch_grid(l, (uint64_t)(rows < CONV_GROUPS ? rows : CONV_GROUPS), 1);
    launch_u32(l, (uint64_t)rows);
}

void conv_depthwise_cpu_launch(const void *problem,
                               const struct device_info *dev, struct launch *l)
{
    const struct conv_problem *p = problem;
    struct conv_sum s = conv_forward_sum(p);

    (void)dev;
    l->entry = "conv_depthwise_cpu";
    depthwise_launch(p, &s, l);
    depthwise_rows(&s, l);
    if (p->bias)
        launch_option(l, "BIAS=1");
    if (p->K > p->C)
        l->workspace = l->global[0] * sizeof(float) *
                       (uint64_t)(p->K * (p->R * p->S + 1));
}

void conv_depthwise_grad_x_launch(const void *problem,
                                  const struct device_info *dev,
                                  struct launch *l)
{
    const struct conv_problem *p = problem;
    struct conv_sum s = conv_grad_x_sum(p);

    (void)dev;
    l->entry = "conv_depthwise_grad_x_cpu";
    depthwise_launch(p, &s, l);
    depthwise_rows(&s, l);
}

/* A group for each lane and block. */
static void depthwise_lanes(const struct conv_problem *p, int64_t blocks,
                            struct launch *l)
{
    struct conv_sum s = conv_forward_sum(p);

    depthwise_launch(p, &s, l);
    l->global[0] = (uint64_t)blocks;
    l->global[1] = (uint64_t)p->lanes;
    launch_u32(l, (uint64_t)p->lanes);
    launch_setting(l, SETTING_ROWS);
    launch_setting(l, SETTING_FIRST);
    if (p->accumulate)
        launch_option(l, "ACC=1");
}

void conv_depthwise_grad_w_launch(const void *problem,
                                  const struct device_info *dev,
                                  struct launch *l)
{
    const struct conv_problem *p = problem;

    (void)dev;
    l->entry = "conv_depthwise_grad_w_cpu";
    depthwise_lanes(p, (p->C + 15) / 16 * (p->K / p->C), l);
}

void conv_depthwise_narrow_launch(const void *problem,
                                  const struct device_info *dev,
                                  struct launch *l)
{
    const struct conv_problem *p = problem;

    (void)dev;
    l->entry = "conv_depthwise_narrow_grad_w_cpu";
    depthwise_lanes(p, (p->K + 15) / 16, l);
    l->source = "conv_depthwise_narrow_cpu.cl";
    l->efficiency = 0.1;
}
