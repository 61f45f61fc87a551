/*
 * pick.cl: elements by indices that are data, and the way back: see pick.h.
 *
 * Whatever an index is, only one inside its dimension becomes an address.
 */
#if FORM == 0
#define INDEX_AT(o, k, i) (((o) * count + (k)) * inner + (i))
#elif FORM == 1
#define INDEX_AT(o, k, i) (((o) * count + (k)) * RANK)
#else
#define INDEX_AT(o, k, i) ((k) * RANK)
#endif

/* Which of the places; below zero where there is none. */
INLINE long KERNEL(place_of)(const __global T(I) *index, ulong at,
                             const uint *dim)
{
    long place = 0;
    bool inside = true;

    for (int d = 0; d < RANK; d++) {
        long v = index[at + d];

        v += v < 0 ? (long)dim[d] : 0;
        inside = inside && v >= 0 && v < (long)dim[d];
        place = place * (long)dim[d] + v;
    }
    return inside ? place : -1;
}

#define SIZES                                                                  \
    uint outer_low, uint outer_high, uint count_low, uint count_high,          \
        uint inner_low, uint inner_high, uint d0, uint d1, uint d2, uint d3,   \
        uint d4, uint d5, uint d6, uint d7
#define READ_SIZES                                                             \
    const ulong outer = join(outer_low, outer_high);                           \
    const ulong count = join(count_low, count_high);                           \
    const ulong inner = join(inner_low, inner_high);                           \
    const uint dim[] = {d0, d1, d2, d3, d4, d5, d6, d7};                       \
    const ulong places = (ulong)d0 * d1 * d2 * d3 * d4 * d5 * d6 * d7

#ifdef ENTRY_pick_item
/* One work-item for each element of y. */
__kernel void KERNEL(pick_item)(const __global T(X) *x, ulong x_off,
                                const __global T(I) *index, ulong index_off,
                                __global T(X) *y, ulong y_off, SIZES)
{
    READ_SIZES;
    const ulong at = get_global_id(0);
    const ulong i = at % inner, k = at / inner % count, o = at / inner / count;
    if (o >= outer)
        return;
    const long place = KERNEL(place_of)(index, index_off + INDEX_AT(o, k, i),
                                        dim);
    V v = MISSING;

    if (place >= 0)
        v = LD(X, x, x_off + (o * places + place) * inner + i);
    ST(X, y, y_off + at, v);
}
#endif

#ifdef ENTRY_place_item
#if defined(ADD)
#define JOIN(a, b) ((a) + (b))
#elif defined(MUL)
#define JOIN(a, b) ((a) * (b))
#else
#define JOIN(a, b) (b)
#endif
/* One work-item for each (o, i), which alone writes y[o, :, i], in the order of
 * k: so each sum is a chain, and of several put at one place the last stays.  y
 * may lie over x. */
__kernel void KERNEL(place_item)(const __global T(X) *x, ulong x_off,
                                 const __global T(I) *index, ulong index_off,
                                 const __global T(X) *u, ulong u_off,
                                 __global T(X) *y, ulong y_off, SIZES)
{
    READ_SIZES;
    const ulong i = get_global_id(0) % inner, o = get_global_id(0) / inner;
    if (o >= outer)
        return;
    const ulong base = o * places * inner + i;

    for (ulong p = 0; p < places; p++) {
        const V v = LD(X, x, x_off + base + p * inner);

        ST(X, y, y_off + base + p * inner, v);
    }
    for (ulong k = 0; k < count; k++) {
        const long place = KERNEL(place_of)(
            index, index_off + INDEX_AT(o, k, i), dim);
        const V v = LD(X, u, u_off + (o * count + k) * inner + i);

        if (place >= 0) {
            const ulong to = y_off + base + place * inner;
            const V before = LD(X, y, to);

            ST(X, y, to, JOIN(before, v));
        }
    }
}
#undef JOIN
#endif

#undef INDEX_AT
#undef SIZES
#undef READ_SIZES
