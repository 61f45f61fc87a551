/*
 * conv_grad_w_cpu.cl: the weight gradient of a convolution on a CPU, without
 * groups.
 *
 * dw[lane] is a product [taps * C] x [K] over the pixels of the lane's samples:
 * one chain per element, samples outermost, then rows, then columns.
 *
 * A work-group is one work-item: a lane and a part of its tiles of TAPS x
 * 16 * VECS elements.  Band by band it copies the padded x and dy (channels
 * filled up to whole tiles) into its slice of the workspace; each tile loads
 * its sums from dw, adds the band's pixels in registers, and stores them.
 *
 * Assumes that a sample's tensors and a lane's dw have less than 2^31 elements.
 */
#ifndef VECS
#define VECS 1
#define VECS_IS_DEFAULT
#endif
#ifndef TAPS
#define TAPS 8
#define TAPS_IS_DEFAULT
#endif
#define TILE (16 * VECS)

#define COPY(X, to, from, n)                                                   \
    do {                                                                       \
        int copied = 0;                                                        \
        for (; copied + 16 <= (n); copied += 16)                               \
            st16_f32((to) + copied, LD16(X, from, copied));                    \
        for (; copied < (n); copied++)                                         \
            (to)[copied] = LD(X, from, copied);                                \
    } while (0)

INLINE void KERNEL(clear)(__global float *to, int n)
{
    int i = 0;

    for (; i + 16 <= n; i += 16)
        st16_f32(to + i, (float16)(0.0f));
    for (; i < n; i++)
        to[i] = 0.0f;
}

/* Columns [-pw, width - pw) of a row of W pixels. */
INLINE void KERNEL(pad_row)(__global float *to, const __global T(X) *row,
                            int width, int W, int C, int pw)
{
    const int begin = clamp(pw, 0, width);
    const int end = clamp(W + pw, begin, width);

    KERNEL(clear)(to, begin * C);
    COPY(X, to + begin * C, row + (begin - pw) * C, (end - begin) * C);
    KERNEL(clear)(to + end * C, (width - end) * C);
}

/* Pixels of dy, K channels, to rows of `pitch` floats. */
INLINE void KERNEL(copy_dy)(__global float *to, const __global T(Y) *dy,
                            int pixels, int K, int pitch)
{
    if (pitch == K) {
        COPY(Y, to, dy, pixels * K);
        return;
    }
    for (int i = 0; i < pixels; i++, to += pitch, dy += K) {
        COPY(Y, to, dy, K);
        KERNEL(clear)(to + K, pitch - K);
    }
}

/* What stays the same during a launch. */
struct KERNEL(shape) {
    int H, W, C, K, R, S, P, Q, sh, sw, ph, pw, dh, dw;
    int width, pitch; /* pixels of a padded row of x; floats of one of dy */
};

/* Rows [p0, p0 + count) of dy of sample n, and what they see of x. band:
 * [height, width, C]; pixels: [count, Q, pitch]. */
INLINE void KERNEL(load_band)(__global float *band, __global float *pixels,
                              const __global T(X) *x, const __global T(Y) *dy,
                              const struct KERNEL(shape) * g, const int2 rows)
{
    const int p0 = rows.x, count = rows.y, row = g->width * g->C;
    const int height = (count - 1) * g->sh + (g->R - 1) * g->dh + 1;

    for (int h = 0; h < height; h++) {
        const int from = p0 * g->sh - g->ph + h;

        if (from < 0 || from >= g->H)
            KERNEL(clear)(band + h * row, row);
        else
            KERNEL(pad_row)(band + h * row, x + from * g->W * g->C, g->width,
                            g->W, g->C, g->pw);
    }
    KERNEL(copy_dy)(pixels, dy + p0 * g->Q * g->K, count * g->Q, g->K,
                    g->pitch);
}

/* Add the pixels of a band to the sums of one tile. at[t]: where tap and
 * channel t of the tile begin in the band.  One product a pixel: the outer
 * product of TAPS elements of x and TILE of dy. */
INLINE void KERNEL(tile)(float16 sum[TAPS][VECS], const __global float *band,
                         const int *at, const __global float *dy,
                         const struct KERNEL(shape) * g, int rows)
{
    for (int p = 0; p < rows; p++) {
        const __global float *from = band + p * g->sh * g->width * g->C;

        for (int q = 0; q < g->Q; q++) {
            float16 b[VECS];

#pragma unroll
            for (int v = 0; v < VECS; v++)
                b[v] = ld16_f32(dy + v * 16);
#pragma unroll
            for (int t = 0; t < TAPS; t++) {
                const float16 a = from[at[t]];
#pragma unroll
                for (int v = 0; v < VECS; v++)
                    sum[t][v] = a * b[v] + sum[t][v];
            }
            from += g->sw * g->C;
            dy += g->pitch;
        }
    }
}

/* Tile i of a lane: from dw to registers, the band, and back.  Tiles are TAPS
 * rows of dw by TILE columns, columns fastest.  Rows past the last repeat it
 * and are not stored. */
INLINE void KERNEL(add_band)(__global float *dw_out, const __global float *band,
                             const __global float *dy,
                             const struct KERNEL(shape) * g, int i, int rows)
{
    const int blocks = g->pitch / TILE, taps = g->R * g->S * g->C;
    const int t0 = i / blocks * TAPS, k0 = i % blocks * TILE;
    float16 sum[TAPS][VECS];
    int at[TAPS];

    dw_out += t0 * g->K + k0;
#pragma unroll
    for (int t = 0; t < TAPS; t++) {
        const int tap = min(t0 + t, taps - 1), c = tap % g->C;
        const int s = tap / g->C % g->S, r = tap / g->C / g->S;

        at[t] = (r * g->dh * g->width + s * g->dw) * g->C + c;
#pragma unroll
        for (int v = 0; v < VECS; v++) {
            sum[t][v] = 0.0f;
            if (t0 + t < taps && k0 + v * 16 < g->K)
                sum[t][v] = LD16N(f32, dw_out, t * g->K + v * 16,
                                  g->K - k0 - v * 16);
        }
    }
    KERNEL(tile)(sum, band, at, dy + k0, g, rows);
#pragma unroll
    for (int t = 0; t < TAPS; t++)
#pragma unroll
        for (int v = 0; v < VECS; v++)
            if (t0 + t < taps && k0 + v * 16 < g->K)
                ST16N(f32, dw_out, t * g->K + v * 16, sum[t][v],
                      g->K - k0 - v * 16);
}

/* What the sums of tile i start from. */
INLINE void KERNEL(start)(__global float *dw_out, const __global float *acc,
                          const struct KERNEL(shape) * g, int i)
{
    const int blocks = g->pitch / TILE, taps = g->R * g->S * g->C;
    const int t0 = i / blocks * TAPS, k0 = i % blocks * TILE;

    for (int t = t0; t < min(t0 + TAPS, taps); t++)
        for (int k = k0; k < min(k0 + TILE, g->K); k++)
            dw_out[t * g->K + k] = acc ? acc[t * g->K + k] : 0.0f;
}

/* x [N, H, W, C], dy [N, P, Q, K], acc -> dw [lanes, R, S, C, K]; slice: band,
 * then pixels.  Sums go through dw between bands, as f32 either way, so the
 * size of a band changes no bit. */
__kernel ONE_ITEM void KERNEL(conv_grad_w_cpu)(
    const __global T(X) *x, ulong x_off, const __global T(Y) *dy, ulong dy_off,
#ifdef ACC
    const __global float *acc, ulong acc_off,
#endif
    __global float *dw_out, ulong dw_off, __global float *workspace,
    ulong workspace_off, int H, int W, int C, int K, int R, int S, int P, int Q,
    int sh, int sw, int ph, int pw, int dh, int dw, uint lanes, uint rows,
    uint first, int band_rows, uint slice)
{
    const uint part = get_group_id(0), parts = get_num_groups(0);
    const uint lane = get_group_id(1);
    const int blocks = (K + TILE - 1) / TILE;
    const int tiles = (R * S * C + TAPS - 1) / TAPS * blocks;
    const int begin = (long)tiles * part / parts;
    const int end = (long)tiles * (part + 1) / parts;
    const int width = (Q - 1) * sw + (S - 1) * dw + 1;
    const struct KERNEL(shape) g = {
        H,  W,  C,  K,  R,  S,  P,     Q,
        sh, sw, ph, pw, dh, dw, width, blocks * TILE};
    __global float *band =
        workspace + workspace_off + ((ulong)lane * parts + part) * slice;
    __global float *pixels =
        band + ((band_rows - 1) * sh + (R - 1) * dh + 1) * width * C;
    const __global float *carry = 0;

    dw_out += dw_off + (ulong)lane * R * S * C * K;
#ifdef ACC
    if (first)
        carry = acc + acc_off + (ulong)lane * R * S * C * K;
#endif
    for (int i = begin; i < end; i++)
        KERNEL(start)(dw_out, carry, &g, i);
    for (uint n = lane_start(lane, lanes, first); n < rows; n += lanes)
        for (int p0 = 0; p0 < P; p0 += band_rows) {
            const int count = min(band_rows, P - p0);

            KERNEL(load_band)(band, pixels, x + x_off + (ulong)n * H * W * C,
                              dy + dy_off + (ulong)n * P * Q * K, &g,
                              (int2)(p0, count));
            for (int i = begin; i < end; i++)
                KERNEL(add_band)(dw_out, band, pixels, &g, i, count);
        }
}

#undef COPY
#undef TILE
#ifdef VECS_IS_DEFAULT
#undef VECS
#undef VECS_IS_DEFAULT
#endif
#ifdef TAPS_IS_DEFAULT
#undef TAPS
#undef TAPS_IS_DEFAULT
#endif
