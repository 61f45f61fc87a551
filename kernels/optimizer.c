/* optimizer.c: how optimizer.cl is launched. */
#include "kernels/optimizer.h"

#include <math.h>

enum { CPU_CHUNK = 4096, CPU_GROUPS = 32768 };

/* expm1(-1000) is -1, and so is that of anything below: beta may be zero. */
static double log_beta(double beta)
{
    return fmax(log(beta), -1000);
}

/* Differences from 1 are taken in double, before they are rounded to f32. */
static void sgd_scalars(const struct optimizer_problem *p, struct launch *l)
{
    launch_option(l, "SLOTS=%d", p->kind == OPTIMIZER_MOMENTUM);
    if (p->nesterov)
        launch_option(l, "NESTEROV=1");
    launch_f32(l, p->momentum);
    launch_f32(l, 1 - p->dampening);
}

/* Logarithms of the betas, for the corrections of any step; see
 * optimizer.cl. */
static void adam_scalars(const struct optimizer_problem *p, struct launch *l)
{
    launch_option(l, "SLOTS=2");
    if (p->kind == OPTIMIZER_ADAMW)
        launch_option(l, "DECOUPLED=1");
    launch_f32(l, 1 - p->beta1);
    launch_f32(l, p->beta2);
    launch_f32(l, 1 - p->beta2);
    launch_f32(l, log_beta(p->beta1));
    launch_f32(l, log_beta(p->beta2));
    launch_f32(l, p->epsilon);
}

/* Bytes: w and each slot are read and written, g is read. */
static void launch(const struct optimizer_problem *p, struct launch *l)
{
    bool adam = p->kind == OPTIMIZER_ADAM || p->kind == OPTIMIZER_ADAMW;
    int slots = adam ? 2 : p->kind == OPTIMIZER_MOMENTUM;
    double n = (double)p->elements;

    l->source = "optimizer.cl";
    launch_u64(l, (uint64_t)p->elements);
    launch_setting(l, SETTING_LEARNING_RATE);
    launch_setting(l, SETTING_STEP);
    launch_f32(l, p->weight_decay);
    if (adam)
        adam_scalars(p, l);
    else
        sgd_scalars(p, l);
    l->bytes = n * (3 + 2 * slots) * sizeof(float);
    l->flop = n * (adam ? 14 : 6);
}

/* Chunks are many times a vector, and grow where there would be too many
 * groups. */
static void cpu_launch(const void *problem, const struct device_info *dev,
                       struct launch *l)
{
    const struct optimizer_problem *p = problem;
    uint64_t chunk = CPU_CHUNK, n = (uint64_t)p->elements;

    (void)dev;
    while ((n + chunk - 1) / chunk > CPU_GROUPS)
        chunk *= 2;
    l->entry = "optimizer_cpu";
    launch(p, l);
    launch_u64(l, chunk);
    launch_grid(l, (n + chunk - 1) / chunk, 1);
    l->efficiency = 0.5;
}

static void item_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct optimizer_problem *p = problem;

    l->entry = "optimizer_item";
    launch(p, l);
    launch_grid(l, (uint64_t)p->elements, 64);
    l->efficiency = dev->family == FAMILY_CPU ? 0.02 : 0.2;
}

const struct kernel kernels_optimizer[] = {
    {"optimizer_cpu", fits_cpu, cpu_launch},
    {"optimizer_item", fits_always, item_launch},
    {0},
};
