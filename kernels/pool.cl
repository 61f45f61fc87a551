/*
 * pool.cl: pooling and its gradients, channels last.
 *
 * 16 channels of one pixel of the result are computed at a time, the last of a
 * pixel on a padded register.  Rows of all samples, columns and blocks of
 * channels are divided among the work-items of the third, second and first
 * dimension; how many there are of each is the launch's choice and changes
 * nothing.
 *
 * The geometry (RH, RW window, SH, SW stride, PH, PW padding, EH, EW padding at
 * the end, DH, DW dilation) is compiled in.  Assumes that a sample has less
 * than 2^31 elements.
 */

/* This work-item's share of n things. */
#define SHARE_BEGIN(n, d) ((ulong)(n) * get_global_id(d) / get_global_size(d))
#define SHARE_END(n, d)                                                        \
    ((ulong)(n) * (get_global_id(d) + 1) / get_global_size(d))

#define SIZES int H, int W, int C, int P, int Q

#if defined ENTRY_max_pool || defined ENTRY_max_pool_grad
/*
 * The maximum of a window of a sample, and where it is first. x [H, W, C] of
 * the sample; (p, q) the window, c the first of 16 channels.  The first
 * position inside is taken whatever it holds, so that -inf and NaN are found
 * too.
 */
INLINE float16 KERNEL(maximum)(const __global T(X) *x, int p, int q, int c,
                               int H, int W, int C, int16 *where)
{
    float16 best = -INFINITY;
    int16 none = -1;

    *where = 0;
    for (int r = 0; r < RH; r++)
        for (int s = 0; s < RW; s++) {
            const int h = p * SH - PH + r * DH, w = q * SW - PW + s * DW;

            if (h < 0 || h >= H || w < 0 || w >= W)
                continue;
            const float16 v = LD16N(X, x, (h * W + w) * C + c, C - c);
            const int16 take = none | (v > best) | (v != v);

            best = select(best, v, take);
            *where = select(*where, (int16)(r * RW + s), take);
            none = 0;
        }
    return best;
}
#endif

#ifdef INDEX
#define INDEX16 PASTE(T(INDEX), 16)

/* n: channels that exist. */
INLINE int16 KERNEL(load_index)(const __global T(INDEX) *p, int n)
{
    T(INDEX) v[16];

    if (n >= 16)
        return convert_int16(vload16(0, p));
    for (int i = 0; i < 16; i++)
        v[i] = i < n ? p[i] : 0;
    return convert_int16(vload16(0, v));
}

INLINE void KERNEL(store_index)(__global T(INDEX) *p, int16 index, int n)
{
    const INDEX16 v = PASTE(convert_, INDEX16)(index);
    T(INDEX) a[16];

    if (n >= 16) {
        vstore16(v, 0, p);
        return;
    }
    vstore16(v, 0, a);
    for (int i = 0; i < n; i++)
        p[i] = a[i];
}
#endif

#ifdef ENTRY_max_pool
/* x [N, H, W, C] -> y, index [N, P, Q, C]. */
__kernel void KERNEL(max_pool)(const __global T(X) *x, ulong x_off,
                               __global T(Y) *y, ulong y_off,
#ifdef INDEX
                               __global T(INDEX) *index, ulong index_off,
#endif
                               uint N, SIZES)
{
    const ulong end = SHARE_END((ulong)N * P, 2);
    const int blocks = (C + 15) / 16;

    for (ulong row = SHARE_BEGIN((ulong)N * P, 2); row < end; row++)
        for (int q = SHARE_BEGIN(Q, 1); q < SHARE_END(Q, 1); q++)
            for (int b = SHARE_BEGIN(blocks, 0); b < SHARE_END(blocks, 0);
                 b++) {
                const ulong at = (row * Q + q) * C + b * 16;
                int16 where;
                const float16 best = KERNEL(maximum)(
                    x + x_off + row / P * H * W * C, (int)(row % P), q, b * 16,
                    H, W, C, &where);

                ST16N(Y, y, y_off + at, best, C - b * 16);
#ifdef INDEX
                KERNEL(store_index)(index + index_off + at, where, C - b * 16);
#endif
            }
}
#endif

#if defined ENTRY_max_pool_grad || defined ENTRY_max_pool_index_grad ||        \
    defined ENTRY_average_pool_grad
/* Outputs whose window may cover position i: from first to last.  Output p
 * covers p stride - pad + r dilation for r < window: solved for p, rounded up
 * here and down in `last`. */
INLINE int KERNEL(first)(int i, int pad, int window, int dilation, int stride)
{
    return max(i + pad - (window - 1) * dilation + stride - 1, 0) / stride;
}

INLINE int KERNEL(last)(int i, int pad, int stride, int n)
{
    return min((i + pad) / stride, n - 1);
}
#endif

#if defined ENTRY_average_pool || defined ENTRY_average_pool_grad
/* Positions of a window in one dimension that the mean divides by. */
INLINE int KERNEL(count)(int begin, int window, int dilation, int pad,
                         int pad_end, int size)
{
    int n = 0;

    for (int r = 0; r < window; r++) {
        const int i = begin + r * dilation;

        n += INCLUDE_PAD ? i >= -pad && i < size + pad_end
                         : i >= 0 && i < size;
    }
    return max(n, 1);
}

/* A window is a product of two intervals, and so is the number of its
 * positions. */
INLINE float KERNEL(divisor)(int p, int q, int H, int W)
{
    return (float)KERNEL(count)(p * SH - PH, RH, DH, PH, EH, H) *
           (float)KERNEL(count)(q * SW - PW, RW, DW, PW, EW, W);
}
#endif

#ifdef ENTRY_average_pool
/* x [H, W, C] of the sample; row by row. */
INLINE float16 KERNEL(sum)(const __global T(X) *x, int p, int q, int c, int H,
                           int W, int C)
{
    float16 sum = 0.0f;

    for (int r = 0; r < RH; r++)
        for (int s = 0; s < RW; s++) {
            const int h = p * SH - PH + r * DH, w = q * SW - PW + s * DW;

            if (h >= 0 && h < H && w >= 0 && w < W)
                sum += LD16N(X, x, (h * W + w) * C + c, C - c);
        }
    return sum;
}

/* x [N, H, W, C] -> y [N, P, Q, C]. */
__kernel void KERNEL(average_pool)(const __global T(X) *x, ulong x_off,
                                   __global T(Y) *y, ulong y_off, uint N, SIZES)
{
    const ulong end = SHARE_END((ulong)N * P, 2);
    const int blocks = (C + 15) / 16;

    for (ulong row = SHARE_BEGIN((ulong)N * P, 2); row < end; row++)
        for (int q = SHARE_BEGIN(Q, 1); q < SHARE_END(Q, 1); q++)
            for (int b = SHARE_BEGIN(blocks, 0); b < SHARE_END(blocks, 0);
                 b++) {
                const int p = row % P;
                const float16 sum = KERNEL(sum)(
                    x + x_off + row / P * H * W * C, p, q, b * 16, H, W, C);

                ST16N(Y, y, y_off + (row * Q + q) * C + b * 16,
                      sum / KERNEL(divisor)(p, q, H, W), C - b * 16);
            }
}
#endif

#ifdef ENTRY_max_pool_grad
#define SOURCES const __global T(X) *x, ulong x_off
#define SAMPLE_SOURCES const __global T(X) *x
#define SAMPLE_ARGUMENTS x + x_off + n * H * W * C
#endif
#ifdef ENTRY_max_pool_index_grad
#define SOURCES const __global T(INDEX) *index, ulong index_off
#define SAMPLE_SOURCES const __global T(INDEX) *index
#define SAMPLE_ARGUMENTS index + index_off + n * P * Q * C
#endif

#if defined ENTRY_max_pool_grad || defined ENTRY_max_pool_index_grad
/* What position (h, w) of a sample gets from the windows that cover it. dy and
 * index [P, Q, C], x [H, W, C] of the sample.  Windows are visited in order,
 * so the sum has one order whatever the launch. */
INLINE float16 KERNEL(collect)(const __global T(Y) *dy, SAMPLE_SOURCES, int h,
                               int w, int c, SIZES)
{
    float16 sum = 0.0f;

    for (int p = KERNEL(first)(h, PH, RH, DH, SH);
         p <= KERNEL(last)(h, PH, SH, P); p++)
        for (int q = KERNEL(first)(w, PW, RW, DW, SW);
             q <= KERNEL(last)(w, PW, SW, Q); q++) {
            const int r = h + PH - p * SH, s = w + PW - q * SW;
            const int at = (p * Q + q) * C + c;
            int16 where;

            if (r % DH || s % DW)
                continue;
#ifdef INDEX
            where = KERNEL(load_index)(index + at, C - c);
#else
            KERNEL(maximum)(x, p, q, c, H, W, C, &where);
#endif
            sum = select(sum, sum + LD16N(Y, dy, at, C - c),
                         where == r / DH * RW + s / DW);
        }
    return sum;
}

__kernel void
#ifdef INDEX
KERNEL(max_pool_index_grad)(
#else
KERNEL(max_pool_grad)(
#endif
    const __global T(Y) *dy, ulong dy_off, SOURCES, __global T(X) *dx,
    ulong dx_off, uint N, SIZES)
{
    const ulong end = SHARE_END((ulong)N * H, 2);
    const int blocks = (C + 15) / 16;

    for (ulong row = SHARE_BEGIN((ulong)N * H, 2); row < end; row++)
        for (int w = SHARE_BEGIN(W, 1); w < SHARE_END(W, 1); w++)
            for (int b = SHARE_BEGIN(blocks, 0); b < SHARE_END(blocks, 0);
                 b++) {
                const ulong n = row / H;
                const float16 sum = KERNEL(collect)(
                    dy + dy_off + n * P * Q * C, SAMPLE_ARGUMENTS,
                    (int)(row % H), w, b * 16, H, W, C, P, Q);

                ST16N(X, dx, dx_off + (row * W + w) * C + b * 16, sum,
                      C - b * 16);
            }
}
#undef SOURCES
#undef SAMPLE_SOURCES
#undef SAMPLE_ARGUMENTS
#endif

#ifdef ENTRY_average_pool_grad
/* What position (h, w) gets from the windows that cover it, dy / count of
 * each; dy [P, Q, C] of the sample. */
INLINE float16 KERNEL(spread)(const __global T(Y) *dy, int h, int w, int c,
                              SIZES)
{
    float16 sum = 0.0f;

    for (int p = KERNEL(first)(h, PH, RH, DH, SH);
         p <= KERNEL(last)(h, PH, SH, P); p++)
        for (int q = KERNEL(first)(w, PW, RW, DW, SW);
             q <= KERNEL(last)(w, PW, SW, Q); q++) {
            if ((h + PH - p * SH) % DH || (w + PW - q * SW) % DW)
                continue;
            sum += LD16N(Y, dy, (p * Q + q) * C + c, C - c) /
                   KERNEL(divisor)(p, q, H, W);
        }
    return sum;
}

/* dy [N, P, Q, C] -> dx [N, H, W, C]. */
__kernel void KERNEL(average_pool_grad)(const __global T(Y) *dy, ulong dy_off,
                                        __global T(X) *dx, ulong dx_off, uint N,
                                        SIZES)
{
    const ulong end = SHARE_END((ulong)N * H, 2);
    const int blocks = (C + 15) / 16;

    for (ulong row = SHARE_BEGIN((ulong)N * H, 2); row < end; row++)
        for (int w = SHARE_BEGIN(W, 1); w < SHARE_END(W, 1); w++)
            for (int b = SHARE_BEGIN(blocks, 0); b < SHARE_END(blocks, 0);
                 b++) {
                const float16 sum = KERNEL(spread)(
                    dy + dy_off + row / H * P * Q * C, (int)(row % H), w,
                    b * 16, H, W, C, P, Q);

                ST16N(X, dx, dx_off + (row * W + w) * C + b * 16, sum,
                      C - b * 16);
            }
}
#endif

#ifdef INDEX
#undef INDEX16
#endif
#undef SIZES
#undef SHARE_BEGIN
#undef SHARE_END
