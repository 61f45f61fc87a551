/* random.c: Philox on the host, and how random.cl is launched. */
#include "kernels/random.h"

#include <math.h>

/* A block is the elements of 16 counters. */
enum { ROUNDS = 10, BLOCK = 64, CPU_BLOCKS = 64, CPU_GROUPS = 32768 };

/* FNV-1a: offset basis and prime of 64 bits. */
uint64_t random_hash(const char *name)
{
    uint64_t h = 0xcbf29ce484222325U;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3U;
    return h;
}

/* The paper's constants: two multipliers, and Weyl increments of the key
 * (golden ratio and square root of 3, less 1, in 32 bits). */
void random_words(const uint32_t counter[4], const uint32_t key[2],
                  uint32_t word[4])
{
    uint32_t k0 = key[0], k1 = key[1];

    for (int i = 0; i < 4; i++)
        word[i] = counter[i];
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t a = (uint64_t)0xD2511F53U * word[0];
        uint64_t b = (uint64_t)0xCD9E8D57U * word[2];

        word[0] = (uint32_t)(b >> 32) ^ word[1] ^ k0;
        word[1] = (uint32_t)b;
        word[2] = (uint32_t)(a >> 32) ^ word[3] ^ k1;
        word[3] = (uint32_t)a;
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
}

double random_top(double a, double b)
{
    return a < b ? (double)nextafterf((float)b, (float)a) : b;
}

/* A number is dropped when u < ratio, u a multiple of 2^-24. */
uint32_t dropout_threshold(double ratio)
{
    return (uint32_t)ceil(ratio * 0x1p24);
}

static uint64_t ceil_div(uint64_t n, uint64_t by)
{
    return (n + by - 1) / by;
}

/* `top` keeps a uniform number below b when a + (b - a) u is rounded to f32. */
static void random_launch(const struct random_problem *p, struct launch *l)
{
    double n = (double)p->elements;

    l->source = "random.cl";
    if (p->normal)
        launch_option(l, "NORMAL=1");
    launch_u64(l, (uint64_t)p->elements);
    launch_f32(l, p->a);
    launch_f32(l, p->normal ? p->b : p->b - p->a);
    launch_f32(l, random_top(p->a, p->b));
    launch_u64(l, p->hash);
    launch_setting(l, SETTING_SEED);
    l->bytes = n * sizeof(float);
    l->flop = n * (p->normal ? 60 : 20);
}

static void random_cpu(const void *problem, const struct device_info *dev,
                       struct launch *l)
{
    const struct random_problem *p = problem;
    uint64_t all = ceil_div((uint64_t)p->elements, BLOCK), blocks = CPU_BLOCKS;

    (void)dev;
    while (ceil_div(all, blocks) > CPU_GROUPS)
        blocks *= 2;
    l->entry = "random_cpu";
    random_launch(p, l);
    launch_u64(l, blocks);
    launch_grid(l, ceil_div(all, blocks), 1);
    l->efficiency = 0.3;
}

static void random_item(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct random_problem *p = problem;

    l->entry = "random_item";
    random_launch(p, l);
    launch_grid(l, ceil_div((uint64_t)p->elements, 4), 64);
    l->efficiency = dev->family == FAMILY_CPU ? 0.01 : 0.1;
}

/* The ratio goes as its threshold, computed once, so that host and device
 * cannot round it differently. */
static void dropout_launch(const struct dropout_problem *p, struct launch *l)
{
    double n = (double)p->samples * (double)p->per_sample;

    l->source = "random.cl";
    launch_option(l, "X=%s", dtype_name(p->x));
    launch_u32(l, (uint64_t)p->samples);
    launch_u32(l, (uint64_t)p->per_sample);
    launch_f32(l, 1 / (1 - p->ratio));
    launch_u32(l, dropout_threshold(p->ratio));
    launch_u64(l, p->hash);
    launch_setting(l, SETTING_SEED);
    launch_setting(l, SETTING_STEP);
    launch_setting(l, SETTING_FIRST);
    l->bytes = 2 * n * (double)dtype_bytes(p->x);
    l->flop = n * 20;
}

static void dropout_cpu(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct dropout_problem *p = problem;
    uint64_t all = ceil_div((uint64_t)p->per_sample, BLOCK);

    (void)dev;
    l->entry = "dropout_cpu";
    dropout_launch(p, l);
    launch_u32(l, CPU_BLOCKS);
    launch_grid(l, ceil_div(all, CPU_BLOCKS), 1);
    l->global[1] = (uint64_t)p->samples;
    l->efficiency = 0.3;
}

static void dropout_item(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    const struct dropout_problem *p = problem;
    uint64_t quads = ceil_div((uint64_t)p->per_sample, 4);

    l->entry = "dropout_item";
    dropout_launch(p, l);
    launch_grid(l, (uint64_t)p->samples * quads, 64);
    l->efficiency = dev->family == FAMILY_CPU ? 0.01 : 0.1;
}

const struct kernel kernels_random[] = {
    {"random_cpu", fits_cpu, random_cpu},
    {"random_item", fits_always, random_item},
    {0},
};

const struct kernel kernels_dropout[] = {
    {"dropout_cpu", fits_cpu, dropout_cpu},
    {"dropout_item", fits_always, dropout_item},
    {0},
};
