/*
 * half.c: see half.h.
 *
 * Not the converter under test in data/: that the two agree is what a test may
 * conclude.
 */
#include "tests/half.h"

#include <math.h>

/* To the nearest, ties to even: nearbyint in the default mode; numbers from
 * 65520 on are infinite. */
uint16_t half_of(double d)
{
    uint16_t sign = signbit(d) ? 0x8000 : 0;
    double a = fabs(d);
    int e;

    if (isnan(d))
        return 0x7e00;
    if (a >= 65520)
        return sign | 0x7c00;
    if (a < 0x1p-14)
        return sign | (uint16_t)nearbyint(a * 0x1p24);
    frexp(a, &e);
    return sign + (uint16_t)((unsigned)(e + 13) << 10) +
           (uint16_t)(int)nearbyint(ldexp(a, 11 - e));
}

double of_half(uint16_t h)
{
    int e = h >> 10 & 31;
    double m = h & 1023;
    double a = e == 31  ? (m != 0 ? NAN : INFINITY)
               : e == 0 ? m * 0x1p-24
                        : ldexp(m + 1024, e - 25);

    return h & 0x8000 ? -a : a;
}
