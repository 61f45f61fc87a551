/*
 * pick.cl: elements of rows by index, and the gradient of the rows.
 *
 * Rows lie along the middle of [outer, len, inner].  The gradient goes without
 * atomics: either a work-item has a row to itself and adds to it as it walks
 * over the indices, or it has one element and walks over them for those that
 * are its own.  Both add in the order of the indices, to the same bits.
 */
#define SIZES                                                                  \
    uint outer_low, uint outer_high, uint len_low, uint len_high,              \
        uint inner_low, uint inner_high, uint n_low, uint n_high
#define READ_SIZES                                                             \
    const ulong outer = join(outer_low, outer_high);                           \
    const long len = join(len_low, len_high);                                  \
    const ulong inner = join(inner_low, inner_high), n = join(n_low, n_high);  \
    const ulong id = get_global_id(0)

/* Where the index of element j of row (o, i) stands. */
#ifdef SHARED
#define INDEX(o, j, i) (j)
#else
#define INDEX(o, j, i) (((o)*n + (j)) * inner + (i))
#endif

/* Counted from the beginning, and -1 outside. */
INLINE long KERNEL(found)(const __global T(I) *index, ulong at, long len)
{
    const long v = (long)LD(I, index, at), k = v < 0 ? v + len : v;

    return k >= 0 && k < len ? k : -1;
}

#ifdef ENTRY_pick_item
__kernel void KERNEL(pick_item)(const __global T(X) *x, ulong x_off,
                                const __global T(I) *index, ulong index_off,
                                __global T(X) *y, ulong y_off, SIZES)
{
    READ_SIZES;
    if (id >= outer * n * inner)
        return;
    const ulong i = id % inner, j = id / inner % n, o = id / inner / n;
    const long k = KERNEL(found)(index, index_off + INDEX(o, j, i), len);

    ST(X, y, y_off + id,
       k < 0 ? NAN : LD(X, x, x_off + (o * len + k) * inner + i));
}
#endif

#ifdef ENTRY_pick_grad_column
__kernel void KERNEL(pick_grad_column)(const __global T(I) *index,
                                       ulong index_off,
                                       const __global T(X) *dy, ulong dy_off,
                                       __global T(X) *dx, ulong dx_off, SIZES)
{
    READ_SIZES;
    if (id >= outer * inner)
        return;
    const ulong i = id % inner, o = id / inner;

    dx += dx_off + o * len * inner + i;
    for (long k = 0; k < len; k++)
        ST(X, dx, k * inner, 0.0f);
    for (ulong j = 0; j < n; j++) {
        const long k = KERNEL(found)(index, index_off + INDEX(o, j, i), len);

        if (k >= 0)
            ST(X, dx, k * inner,
               LD(X, dx, k * inner) +
                   LD(X, dy, dy_off + (o * n + j) * inner + i));
    }
}
#endif

#ifdef ENTRY_pick_grad_item
__kernel void KERNEL(pick_grad_item)(const __global T(I) *index,
                                     ulong index_off,
                                     const __global T(X) *dy, ulong dy_off,
                                     __global T(X) *dx, ulong dx_off, SIZES)
{
    READ_SIZES;
    if (id >= outer * len * inner)
        return;
    const ulong i = id % inner, o = id / inner / len;
    const long k = id / inner % len;
    float sum = 0.0f;

    for (ulong j = 0; j < n; j++)
        if (KERNEL(found)(index, index_off + INDEX(o, j, i), len) == k)
            sum += LD(X, dy, dy_off + (o * n + j) * inner + i);
    ST(X, dx, dx_off + id, sum);
}
#endif

#undef SIZES
#undef READ_SIZES
#undef INDEX
