/*
 * make_npy.c: make_npy FILE f32|i32 LOW HIGH SEED DIM...: an array of random
 * numbers, uniform in LOW to HIGH, for the tests in shell.
 *
 * The same arguments give the same file; integers include HIGH.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/plancl_data.h"

struct random {
    double low, high;
    uint64_t state;
};

/* SplitMix64, to 53 bits in 0 to 1; Steele, Lea and Flood, "Fast splittable
 * pseudorandom number generators", 2014. */
static double uniform(struct random *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15U;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return (double)((z ^ z >> 31) >> 11) / (double)(UINT64_C(1) << 53);
}

static enum plancl_status add(struct plancl_npy_writer *w, struct random *r,
                              enum plancl_dtype dtype)
{
    double x = uniform(r);
    int32_t i = (int32_t)(r->low + floor((r->high - r->low + 1) * x));
    float f = (float)(r->low + (r->high - r->low) * x);

    return dtype == PLANCL_I32 ? plancl_npy_add(w, &i, sizeof i)
                               : plancl_npy_add(w, &f, sizeof f);
}

static void say(void *context, const struct plancl_message *m)
{
    (void)context;
    fprintf(stderr, "make_npy: %s\n", m->text);
}

static enum plancl_status fill(struct plancl_npy_writer *w, struct random *r,
                               enum plancl_dtype dtype, uint64_t n)
{
    enum plancl_status status = PLANCL_OK;

    for (uint64_t i = 0; !status && i < n; i++)
        status = add(w, r, dtype);
    return status;
}

int main(int argc, char **argv)
{
    const struct plancl_callbacks cb = {NULL, say, NULL};
    struct plancl_npy_writer *w = NULL;
    enum plancl_dtype dtype;
    enum plancl_status status, closed;
    struct random r;
    uint64_t dim[8], n = 1;

    if (argc < 7 || argc > 6 + 8) {
        fputs("usage: make_npy FILE f32|i32 LOW HIGH SEED DIM...\n", stderr);
        return PLANCL_REFUSED;
    }
    dtype = strcmp(argv[2], "i32") == 0 ? PLANCL_I32 : PLANCL_F32;
    r.low = strtod(argv[3], NULL);
    r.high = strtod(argv[4], NULL);
    r.state = strtoull(argv[5], NULL, 10);
    for (int i = 6; i < argc; i++)
        n *= dim[i - 6] = strtoull(argv[i], NULL, 10);
    status = plancl_npy_create(argv[1], dtype, (unsigned)argc - 6, dim, &cb,
                               &w);
    if (status)
        return (int)status;
    status = fill(w, &r, dtype, n);
    closed = plancl_npy_close(w);
    return (int)(status ? status : closed);
}
