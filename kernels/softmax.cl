/*
 * softmax.cl: y = e / sum of e along len, e = exp(x - largest x), or, with
 * LOGARITHM, y = (x - largest x) - log(sum of e).
 *
 * x and y are [outer, len, inner].  *_cpu entries: a work-group is one
 * work-item that takes some of the tasks; softmax_item: a work-item per row.  A
 * row is read and written by one work-item, and an element of y only after the
 * last read of its element of x, so y may lie over x.
 *
 * CAUSAL: rows of a matrix; of row i the elements 0..i take part.
 */
#define BEGIN(tasks) ((tasks) * get_group_id(0) / get_num_groups(0))
#define END(tasks) ((tasks) * (get_group_id(0) + 1) / get_num_groups(0))

#ifdef CAUSAL
#define USED(row, n) min((n), (row) % CAUSAL + 1)
#else
#define USED(row, n) (n)
#endif

#ifdef LOGARITHM
#define FINISH(x, top, total) (((x) - (top)) - log(total))
#else
#define FINISH(x, top, total) (exp((x) - (top)) / (total))
#endif

#ifdef ENTRY_softmax_rows_cpu
/*
 * inner is 1: a task is a row.  Elements go into 16 sums, number i into i mod
 * 16, which are then added as a tree.  The end of a row runs the same code on a
 * register padded with what takes no part.
 */
#define LANE16 ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))

INLINE float16 KERNEL(row16)(const __global T(X) *x, ulong i, ulong len)
{
    const int left = min(len - i, (ulong)16);

    return LANE16 < left ? LD16N(X, x, i, left) : (float16)(-INFINITY);
}

/* fmax drops a NaN; it comes back with the sum of exponentials. */
INLINE float KERNEL(top)(const __global T(X) *x, ulong len)
{
    float16 top = -INFINITY;

    for (ulong i = 0; i < len; i += 16)
        top = fmax(top, KERNEL(row16)(x, i, len));
    const float8 a = fmax(top.lo, top.hi);
    const float4 b = fmax(a.lo, a.hi);

    return fmax(fmax(b.x, b.y), fmax(b.z, b.w));
}

INLINE float KERNEL(total)(const __global T(X) *x, ulong len, float top)
{
    float16 total = 0.0f;

    for (ulong i = 0; i < len; i += 16)
        total += exp(KERNEL(row16)(x, i, len) - top);
    const float8 a = total.lo + total.hi;
    const float4 b = a.lo + a.hi;

    return (b.x + b.y) + (b.z + b.w);
}

/* top and total are vectors of one number, so that FINISH is vector code
 * throughout. */
__kernel ONE_ITEM void KERNEL(softmax_rows_cpu)(const __global T(X) *x,
                                                ulong x_off, __global T(Y) *y,
                                                ulong y_off, uint outer,
                                                uint outer_high, uint len,
                                                uint len_high)
{
    const ulong rows = join(outer, outer_high), n = join(len, len_high);

    for (ulong row = BEGIN(rows); row < END(rows); row++) {
        const __global T(X) *from = x + x_off + row * n;
        const ulong used = USED(row, n);
        const float16 top = KERNEL(top)(from, used);
        const float16 total = KERNEL(total)(from, used, top.s0);
        ulong i = 0;

        for (; i < used; i += 16) {
            const float16 v = KERNEL(row16)(from, i, used);

            ST16N(Y, y, y_off + row * n + i, FINISH(v, top, total),
                  (int)min(n - i, (ulong)16));
        }
#ifdef CAUSAL
        for (; i < n; i += 16)
            ST16N(Y, y, y_off + row * n + i, (float16)(0.0f),
                  (int)min(n - i, (ulong)16));
#endif
    }
}
#undef LANE16
#endif

#ifdef ENTRY_softmax_columns_cpu
/* A task is 16 neighbours of inner; each is a chain along len. */
__kernel ONE_ITEM void
KERNEL(softmax_columns_cpu)(const __global T(X) *x, ulong x_off,
                            __global T(Y) *y, ulong y_off, uint outer,
                            uint outer_high, uint len, uint len_high,
                            uint inner, uint inner_high)
{
    const ulong n = join(len, len_high), width = join(inner, inner_high);
    const ulong blocks = (width + 15) / 16;
    const ulong tasks = join(outer, outer_high) * blocks;

    for (ulong t = BEGIN(tasks); t < END(tasks); t++) {
        const ulong at = t / blocks * n * width + t % blocks * 16;
        const int left = min(width - t % blocks * 16, (ulong)16);
        float16 top = -INFINITY, total = 0.0f;

        for (ulong k = 0; k < n; k++)
            top = fmax(top, LD16N(X, x, x_off + at + k * width, left));
        for (ulong k = 0; k < n; k++)
            total += exp(LD16N(X, x, x_off + at + k * width, left) - top);
        for (ulong k = 0; k < n; k++) {
            const float16 v = LD16N(X, x, x_off + at + k * width, left);

            ST16N(Y, y, y_off + at + k * width, FINISH(v, top, total), left);
        }
    }
}
#endif

#ifdef ENTRY_softmax_item
/* x, y [outer, len, inner]; elements of a row are `inner` apart. */
__kernel void KERNEL(softmax_item)(const __global T(X) *x, ulong x_off,
                                   __global T(Y) *y, ulong y_off, uint outer,
                                   uint outer_high, uint len, uint len_high,
                                   uint inner, uint inner_high)
{
    const ulong n = join(len, len_high), width = join(inner, inner_high);
    const ulong i = get_global_id(0);
    if (i >= join(outer, outer_high) * width)
        return;
    const ulong at = i / width * n * width + i % width;
    const ulong used = USED(i, n);
    float top = -INFINITY, total = 0.0f;

    for (ulong k = 0; k < used; k++)
        top = fmax(top, LD(X, x, x_off + at + k * width));
    for (ulong k = 0; k < used; k++)
        total += exp(LD(X, x, x_off + at + k * width) - top);
    for (ulong k = 0; k < used; k++) {
        const float v = LD(X, x, x_off + at + k * width);

        ST(Y, y, y_off + at + k * width, FINISH(v, top, total));
    }
#ifdef CAUSAL
    for (ulong k = used; k < n; k++)
        ST(Y, y, y_off + at + k, 0.0f);
#endif
}
#endif

#undef FINISH
#undef USED
#undef BEGIN
#undef END
