/*
 * conv_sum.h: what the candidates for convolution share among themselves.
 */
#ifndef KERNELS_CONV_SUM_H
#define KERNELS_CONV_SUM_H

#include "kernels/conv.h"

/* Enough groups for the cores of a CPU; and cores of one that does not say. */
enum { CONV_GROUPS = 16, CONV_CORES = 4 };

/* The sum of a forward pass or a data gradient on a CPU: for each pixel of out,
 * over taps and channels; "in" and "out" as in conv_cpu.cl. */
struct conv_sum {
    int64_t N, IH, IW, IC, OH, OW, OC, R, S;
    /* up: distance of the input's pixels */
    int64_t stride[2], up[2], pad[2], dilation[2];
};

struct conv_sum conv_forward_sum(const struct conv_problem *);
struct conv_sum conv_grad_x_sum(const struct conv_problem *);

/* Options for the operands' types; work, as if every tensor were moved once. */
void conv_types(const struct conv_problem *, struct launch *);
void conv_costs(const struct conv_problem *, struct launch *);
/* Does an int count the elements of these sizes? */
bool conv_small(int64_t, int64_t, int64_t);

/* ---- conv_depthwise.c ---- */

typedef bool conv_fits(const void *problem, const struct device_info *);
typedef void conv_launch(const void *problem, const struct device_info *,
                         struct launch *);

conv_fits conv_depthwise_fits, conv_depthwise_grad_w_fits;
conv_launch conv_depthwise_cpu_launch, conv_depthwise_grad_x_launch,
    conv_depthwise_grad_w_launch, conv_depthwise_narrow_launch;

#endif
