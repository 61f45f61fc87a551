/*
 * grid.cl: values of images at places that a grid names, and both gradients;
 * places beyond the image as in PyTorch's grid_sample.
 *
 * Along each dimension a place has TAPS neighbours, each with a weight and the
 * weight's slope; a value is the sum over both dimensions' pairs.
 */

/* Neighbours along one dimension; at is below zero where there is none. */
struct KERNEL(line) {
    int at[TAPS];
    float weight[TAPS], slope[TAPS];
};

/* Beyond the image, back into it; *sign is turned or becomes 0. */
INLINE float KERNEL(inside)(float v, uint size, float *sign)
{
    const float last = (float)size - 1.0f;

#if PADDING == 2
    const float low = CORNERS ? 0.0f : -0.5f;
    const float span = CORNERS ? last : (float)size;
    const float far = fabs(v - low), flips = span > 0.0f ? floor(far / span)
                                                         : 0.0f;
    const float rest = span > 0.0f ? fmod(far, span) : 0.0f;
    const bool turned = fmod(flips, 2.0f) != 0.0f;

    *sign = (v < low) != turned ? -1.0f : 1.0f;
    v = span > 0.0f ? (turned ? span - rest : rest) + low : 0.0f;
#endif
#if PADDING != 0
    if (v <= 0.0f || v >= last)
        *sign = 0.0f;
    v = fmin(fmax(v, 0.0f), last);
#endif
    return v;
}

INLINE int KERNEL(index)(float v, uint size)
{
    return v >= 0.0f && v <= (float)size - 1.0f ? (int)v : -1;
}

/* Keys' kernel with -0.75, at a distance below 1 and below 2, and slopes. */
INLINE float KERNEL(near)(float d)
{
    return (1.25f * d - 2.25f) * d * d + 1.0f;
}

INLINE float KERNEL(far)(float d)
{
    return ((-0.75f * d + 3.75f) * d - 6.0f) * d + 3.0f;
}

INLINE float KERNEL(near_slope)(float d)
{
    return (3.75f * d - 4.5f) * d;
}

INLINE float KERNEL(far_slope)(float d)
{
    return (-2.25f * d + 7.5f) * d - 6.0f;
}

INLINE struct KERNEL(line) KERNEL(line_at)(float c, uint size)
{
    struct KERNEL(line) l;
    const float scale = CORNERS ? ((float)size - 1.0f) / 2.0f
                                : (float)size / 2.0f;
    const float from = CORNERS ? (c + 1.0f) * scale
                               : ((c + 1.0f) * (float)size - 1.0f) / 2.0f;
    float sign = 1.0f;
#if TAPS == 4
    const float low = floor(from), t = from - low;
    float none;

    for (int i = 0; i < 4; i++)
        l.at[i] = KERNEL(index)(
            KERNEL(inside)(low + (float)(i - 1), size, &none), size);
    l.weight[0] = KERNEL(far)(t + 1.0f);
    l.weight[1] = KERNEL(near)(t);
    l.weight[2] = KERNEL(near)(1.0f - t);
    l.weight[3] = KERNEL(far)(2.0f - t);
    l.slope[0] = scale * KERNEL(far_slope)(t + 1.0f);
    l.slope[1] = scale * KERNEL(near_slope)(t);
    l.slope[2] = -scale * KERNEL(near_slope)(1.0f - t);
    l.slope[3] = -scale * KERNEL(far_slope)(2.0f - t);
#elif TAPS == 2
    const float v = KERNEL(inside)(from, size, &sign), low = floor(v);

    l.at[0] = KERNEL(index)(low, size);
    l.at[1] = KERNEL(index)(low + 1.0f, size);
    l.weight[1] = v - low;
    l.weight[0] = 1.0f - (v - low);
    l.slope[1] = scale * sign;
    l.slope[0] = -scale * sign;
#else
    l.at[0] = KERNEL(index)(rint(KERNEL(inside)(from, size, &sign)), size);
    l.weight[0] = 1.0f;
    l.slope[0] = 0.0f;
#endif
    return l;
}

#ifdef ENTRY_grid_item
/* One work-item for each place, with all channels. */
__kernel void KERNEL(grid_item)(const __global float *x, ulong x_off,
                                const __global float *grid, ulong grid_off,
                                __global float *y, ulong y_off, uint N, uint C,
                                uint H, uint W, uint P)
{
    const uint n = get_global_id(0) / P, p = get_global_id(0) % P;
    if (n >= N)
        return;
    const ulong at = grid_off + ((ulong)n * P + p) * 2;
    const struct KERNEL(line) lx = KERNEL(line_at)(grid[at], W);
    const struct KERNEL(line) ly = KERNEL(line_at)(grid[at + 1], H);

    for (uint c = 0; c < C; c++) {
        const ulong plane = x_off + ((ulong)n * C + c) * H * W;
        float sum = 0.0f;

        for (int j = 0; j < TAPS; j++)
            for (int i = 0; i < TAPS; i++)
                if (ly.at[j] >= 0 && lx.at[i] >= 0)
                    sum += ly.weight[j] * lx.weight[i] *
                           x[plane + (ulong)ly.at[j] * W + lx.at[i]];
        y[y_off + ((ulong)n * C + c) * P + p] = sum;
    }
}
#endif

#ifdef ENTRY_grid_x_item
/* One work-item for each image's channel, which alone writes it, in the order
 * of places. */
__kernel void KERNEL(grid_x_item)(const __global float *grid, ulong grid_off,
                                  const __global float *dy, ulong dy_off,
                                  __global float *dx, ulong dx_off, uint N,
                                  uint C, uint H, uint W, uint P)
{
    const ulong nc = get_global_id(0), n = nc / C;
    if (n >= N)
        return;
    const ulong plane = dx_off + nc * H * W;

    for (ulong i = 0; i < (ulong)H * W; i++)
        dx[plane + i] = 0.0f;
    for (uint p = 0; p < P; p++) {
        const ulong at = grid_off + (n * P + p) * 2;
        const struct KERNEL(line) lx = KERNEL(line_at)(grid[at], W);
        const struct KERNEL(line) ly = KERNEL(line_at)(grid[at + 1], H);
        const float d = dy[dy_off + nc * P + p];

        for (int j = 0; j < TAPS; j++)
            for (int i = 0; i < TAPS; i++)
                if (ly.at[j] >= 0 && lx.at[i] >= 0)
                    dx[plane + (ulong)ly.at[j] * W + lx.at[i]] +=
                        ly.weight[j] * lx.weight[i] * d;
    }
}
#endif

#ifdef ENTRY_grid_places_item
/* One work-item for each place, with all channels. */
__kernel void KERNEL(grid_places_item)(
    const __global float *x, ulong x_off, const __global float *grid,
    ulong grid_off, const __global float *dy, ulong dy_off,
    __global float *dgrid, ulong dgrid_off, uint N, uint C, uint H, uint W,
    uint P)
{
    const uint n = get_global_id(0) / P, p = get_global_id(0) % P;
    if (n >= N)
        return;
    const ulong at = ((ulong)n * P + p) * 2;
    const struct KERNEL(line) lx = KERNEL(line_at)(grid[grid_off + at], W);
    const struct KERNEL(line) ly = KERNEL(line_at)(grid[grid_off + at + 1], H);
    float sx = 0.0f, sy = 0.0f;

    for (uint c = 0; c < C; c++) {
        const ulong plane = x_off + ((ulong)n * C + c) * H * W;
        const float d = dy[dy_off + ((ulong)n * C + c) * P + p];

        for (int j = 0; j < TAPS; j++)
            for (int i = 0; i < TAPS; i++) {
                if (ly.at[j] < 0 || lx.at[i] < 0)
                    continue;
                const float v = d * x[plane + (ulong)ly.at[j] * W + lx.at[i]];

                sx += ly.weight[j] * lx.slope[i] * v;
                sy += ly.slope[j] * lx.weight[i] * v;
            }
    }
    dgrid[dgrid_off + at] = sx;
    dgrid[dgrid_off + at + 1] = sy;
}
#endif
