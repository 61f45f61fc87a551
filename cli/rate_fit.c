/* rate_fit.c: least squares over launches; see rate_fit.h. */
#include "cli/rate_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base.h"

enum plancl_status samples_add(struct samples *s, const struct sample *x,
                               const struct plancl_callbacks *cb)
{
    if (s->n == s->room) {
        size_t room = s->room ? 2 * s->room : 256;
        struct sample *more = realloc(s->v, room * sizeof *more);

        if (!more)
            return fail(cb, PLANCL_MEMORY, "no host memory for times");
        s->v = more;
        s->room = room;
    }
    s->v[s->n++] = *x;
    return PLANCL_OK;
}

/* Sums of a least-squares fit, each launch weighed by 1 / measured: between equal
 * care for each second and for each launch. */
struct sums {
    double cc, ct, tt, cm, tm;         /* compute, traffic, measured */
    double compute, traffic, measured; /* of all launches */
    unsigned launches;
};

static struct sums sums_of(const struct samples *all, double floor,
                           const char *kernel)
{
    struct sums s = {0};

    for (size_t i = 0; i < all->n; i++) {
        const struct sample *x = &all->v[i];
        double m = fmax(x->measured - floor, 0), w = 1 / x->measured;

        if (strcmp(x->kernel, kernel) != 0)
            continue;
        s.cc += w * x->compute * x->compute;
        s.ct += w * x->compute * x->traffic;
        s.tt += w * x->traffic * x->traffic;
        s.cm += w * x->compute * m;
        s.tm += w * x->traffic * m;
        s.compute += x->compute;
        s.traffic += x->traffic;
        s.measured += m;
        s.launches++;
    }
    return s;
}

/* The least squares of which neither factor is negative. */
static void fit_rate(const struct sums *s, struct kernel_rate *r)
{
    double det = s->cc * s->tt - s->ct * s->ct;
    bool computes = s->cc > s->tt;

    *r = (struct kernel_rate){{0}, 0, 0};
    /* Launches that are all alike tell the two apart by noise only. */
    if (det > 1e-2 * s->cc * s->tt) {
        r->compute = (s->cm * s->tt - s->tm * s->ct) / det;
        r->traffic = (s->tm * s->cc - s->cm * s->ct) / det;
        if (r->compute >= 0 && r->traffic >= 0)
            return;
        /* At the edge one explains it alone, the one that explains more. */
        computes = s->cm * s->cm * s->tt > s->tm * s->tm * s->cc;
    }
    r->compute = computes ? s->cm / s->cc : 0;
    r->traffic = computes ? 0 : s->tm / s->tt;
}

/* The fit does well by small launches, whose data the caches hold; so that large
 * ones add up to their steps more would be wanted.  Half the way is taken. */
static void near_sum(const struct sums *s, struct kernel_rate *r)
{
    double sum = r->compute * s->compute + r->traffic * s->traffic;

    if (sum > 0 && s->measured > 0) {
        r->compute *= sqrt(s->measured / sum);
        r->traffic *= sqrt(s->measured / sum);
    }
}

static bool has_rate(const struct device_info *info, const char *kernel)
{
    for (int i = 0; i < info->nrate; i++)
        if (strcmp(info->rate[i].kernel, kernel) == 0)
            return true;
    return false;
}

/* Where the cost of launches hides what a kernel does, the roofline stays. */
void rates_fit(const struct samples *all, double floor,
               struct device_info *info)
{
    info->nrate = 0;
    for (size_t i = 0; i < all->n && info->nrate < KERNEL_RATES; i++) {
        struct kernel_rate *r = &info->rate[info->nrate];
        struct sums s = sums_of(all, floor, all->v[i].kernel);

        if (has_rate(info, all->v[i].kernel) ||
            s.measured < s.launches * floor / 4)
            continue;
        fit_rate(&s, r);
        near_sum(&s, r);
        memcpy(r->kernel, all->v[i].kernel, sizeof r->kernel);
        info->nrate += r->compute > 0 || r->traffic > 0;
    }
}
