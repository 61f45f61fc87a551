/*
 * kernel.c: choosing among a family's candidates, and what their launch
 * functions are written with.
 */
#include "kernels/kernel.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How many times longer than the device's speeds say: while the last groups run,
 * or where groups are few, some units have nothing to do. */
static double idle_factor(const struct launch *l, const struct device_info *dev)
{
    double groups = 1;

    if (!dev->units)
        return 1;
    for (int d = 0; d < 3; d++)
        groups *= (double)l->global[d] / (double)l->local[d];
    return ceil(groups / (double)dev->units) * (double)dev->units / groups;
}

/*
 * A roofline: compute and traffic overlap, so the slower one counts, and every
 * launch has its fixed cost.  Of a kernel that was measured the two are added,
 * by what was found for each: few channels, for one, leave a convolution's
 * traffic uncovered.
 */
double launch_seconds(const struct launch *l, const struct device_info *dev)
{
    double idle = idle_factor(l, dev);
    double compute = idle * l->flop / (dev->flops * l->efficiency);
    double traffic = idle * l->bytes / dev->bytes_per_second;

    for (int i = 0; i < dev->nrate; i++) {
        const struct kernel_rate *r = &dev->rate[i];

        if (strcmp(r->kernel, l->entry) == 0)
            return dev->launch_seconds + r->compute * compute +
                   r->traffic * traffic;
    }
    return dev->launch_seconds + fmax(compute, traffic);
}

/* Zeros and ones where a launch function says nothing: one item, no
 * workspace. */
static void launch_init(struct launch *l)
{
    memset(l, 0, sizeof *l);
    for (int d = 0; d < 3; d++)
        l->global[d] = l->local[d] = 1;
    l->efficiency = 1;
}

/* The launch points into the problem where it has a generated text, so the
 * problem must outlive it. */
bool kernel_try(const struct kernel *k, const void *problem,
                const struct device_info *dev, struct launch *l)
{
    if (!k->fits(problem, dev))
        return false;
    launch_init(l);
    k->launch(problem, dev, l);
    return true;
}

/*
 * All candidates of a family do the same work, so the cheapest is the most
 * efficient one.  Seconds are not compared: they hold terms that do not grow
 * with the batch, and the choice must be the same for a micro-batch as for the
 * effective batch, or bits would depend on the cut.
 */
const struct kernel *kernel_choose(const struct kernel *family,
                                   const void *problem,
                                   const struct device_info *dev,
                                   struct launch *out)
{
    const struct kernel *best = NULL;

    for (const struct kernel *k = family; k->name; k++) {
        struct launch l;

        if (!kernel_try(k, problem, dev, &l))
            continue;
        if (!best || l.efficiency > out->efficiency) {
            best = k;
            *out = l;
        }
    }
    /* Again, because a generated text is where the last one tried left it. */
    if (best)
        kernel_try(best, problem, dev, out);
    return best;
}

/* Options are text, so they are part of what makes two instances of a source
 * differ; what varies with the batch goes into scalars. */
void launch_option(struct launch *l, const char *format, ...)
{
    size_t used = strlen(l->options);
    va_list arg;
    int n;

    if (used)
        l->options[used++] = ' ';
    va_start(arg, format);
    n = vsnprintf(l->options + used, sizeof l->options - used, format, arg);
    va_end(arg);
    assert(n > 0 && (size_t)n < sizeof l->options - used);
    (void)n;
}

/* Overflow is our mistake, not the user's, hence the assertion. */
static struct scalar *scalar_add(struct launch *l)
{
    assert(l->nscalar < LAUNCH_SCALARS);
    return &l->scalar[l->nscalar++];
}

void launch_u32(struct launch *l, uint64_t value)
{
    struct scalar *s = scalar_add(l);

    assert(value <= UINT32_MAX);
    s->kind = SCALAR_U32;
    s->u32 = (uint32_t)value;
}

void launch_i32(struct launch *l, int64_t value)
{
    assert(value >= INT32_MIN && value <= INT32_MAX);
    launch_u32(l, (uint32_t)(int32_t)value);
}

void launch_u64(struct launch *l, uint64_t value)
{
    launch_u32(l, value & UINT32_MAX);
    launch_u32(l, value >> 32);
}

void launch_f32(struct launch *l, double value)
{
    struct scalar *s = scalar_add(l);

    s->kind = SCALAR_F32;
    s->f32 = (float)value;
}

/* The host fills the value in for each run, so that a plan holds for all of
 * them. */
void launch_setting(struct launch *l, enum setting setting)
{
    struct scalar *s = scalar_add(l);

    s->kind = SCALAR_SETTING;
    s->setting = setting;
}

/* Rounded up to whole groups: kernels with groups of more than one item check
 * their number.  At least one group, as OpenCL 1.2 refuses a global size of
 * 0. */
void launch_grid(struct launch *l, uint64_t items, uint64_t local)
{
    uint64_t groups = (items + local - 1) / local;

    l->local[0] = local;
    l->global[0] = (groups ? groups : 1) * local;
}

bool fits_always(const void *problem, const struct device_info *dev)
{
    (void)problem;
    (void)dev;
    return true;
}

bool fits_cpu(const void *problem, const struct device_info *dev)
{
    (void)problem;
    return dev->family == FAMILY_CPU;
}
