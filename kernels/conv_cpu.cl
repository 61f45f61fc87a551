/*
 * conv_cpu.cl: convolution and its data gradient on a CPU, without groups.
 *
 * Both are one sum over (r, s, channel) of a padded input times weights, with
 * the input x and w for the one, and dy, spread out by the stride, and w turned
 * round for the other.  "In" and "out" below are the two ends of that sum.
 *
 * A work-group is one work-item with a private slice of the workspace.  It
 * takes some bands (rows of output of one sample).  For each block of 16 * VECS
 * output channels it packs the weights as [R][S][IC][16 * VECS]; for each band
 * it copies the input rows with their padding; then tiles of PIXELS pixels keep
 * their sums in registers from the first term to the last.  So every pixel and
 * channel is computed by the same instructions, wherever it falls.  Padding
 * takes part as zeros, so an infinite weight makes a NaN there.
 *
 * Assumes that a sample's tensors have less than 2^31 elements.
 */
#ifndef VECS
#define VECS 1
#define VECS_IS_DEFAULT
#endif
#ifndef PIXELS
#define PIXELS 8
#define PIXELS_IS_DEFAULT
#endif
#define TILE (16 * VECS)

#ifdef ENTRY_conv_cpu
#define IN X
#define OUT Y
#else
#define IN Y
#define OUT X
#endif

/* Copy n elements to floats. */
INLINE void KERNEL(copy)(__global float *to, const __global T(IN) *from, int n)
{
    int i = 0;

    for (; i + 16 <= n; i += 16)
        st16_f32(to + i, LD16(IN, from, i));
    for (; i < n; i++)
        to[i] = LD(IN, from, i);
}

/* Zeros are stored, not multiplied away, so stale memory never takes part. */
INLINE void KERNEL(clear)(__global float *to, int n)
{
    int i = 0;

    for (; i + 16 <= n; i += 16)
        st16_f32(to + i, (float16)(0.0f));
    for (; i < n; i++)
        to[i] = 0.0f;
}

/* One row of the padded input: columns [-pw, width - pw) of a row of IW pixels
 * that lie `up` apart. */
INLINE void KERNEL(pad_row)(__global float *to, const __global T(IN) *row,
                            int width, int IW, int IC, int pw, int up)
{
    if (up == 1) {
        const int begin = clamp(pw, 0, width);
        const int end = clamp(IW + pw, begin, width);

        KERNEL(clear)(to, begin * IC);
        KERNEL(copy)(to + begin * IC, row + (begin - pw) * IC,
                     (end - begin) * IC);
        KERNEL(clear)(to + end * IC, (width - end) * IC);
        return;
    }
    KERNEL(clear)(to, width * IC);
    for (int w = 0; w < IW; w++)
        if (w * up + pw >= 0 && w * up + pw < width)
            KERNEL(copy)(to + (w * up + pw) * IC, row + w * IC, IC);
}

#ifdef ENTRY_conv_cpu
/* Weights [taps * IC, OC] -> [taps * IC][TILE] of channels from k0. */
INLINE void KERNEL(pack)(__global float *to, const __global T(F) *w, int taps,
                         int IC, int OC, int k0)
{
    for (int t = 0; t < taps * IC; t++)
        for (int v = 0; v < VECS; v++) {
            const int n = OC - k0 - v * 16;

            st16_f32(to + t * TILE + v * 16,
                     n > 0 ? LD16N(F, w, t * OC + k0 + v * 16, n) : 0.0f);
        }
}
#else
/* 16 rows of w, from out channel c0 and in channel k0, with zeros behind. */
INLINE void KERNEL(pack16)(__global float *to, const __global T(F) *w, int IC,
                           int c_left, int k_left)
{
    float16 v[16];

#pragma unroll
    for (int c = 0; c < 16; c++)
        v[c] = c < c_left ? LD16N(F, w, c * IC, k_left) : 0.0f;
    transpose16(v);
#pragma unroll
    for (int k = 0; k < 16; k++)
        if (k < k_left)
            st16_f32(to + k * TILE, v[k]);
}

/* Weights [taps, OC, IC] -> [taps, turned round][IC][TILE]. */
INLINE void KERNEL(pack)(__global float *to, const __global T(F) *w, int taps,
                         int IC, int OC, int c0)
{
    for (int t = 0; t < taps; t++)
        for (int c = c0; c < c0 + TILE; c += 16)
            for (int k = 0; k < IC; k += 16)
                KERNEL(pack16)(to + (t * IC + k) * TILE + c - c0,
                               w + ((taps - 1 - t) * OC + c) * IC + k, IC,
                               OC - c, IC - k);
}
#endif

/* What stays the same during a launch; rows and columns of the padded input
 * that a tap further lie `row_step` and `run_step` floats apart.  The taps of a
 * row are one run of S * IC floats where they are not dilated. */
struct KERNEL(sum) {
    int IH, IW, IC, OH, OW, OC, R, S, sh, sw, uh, uw, ph, pw, dh, dw;
    int width, row_step, runs, run_step, run;
};

/* The padded input of `rows` rows of output from o0 on.  Output row o sees
 * input rows from o sh - ph on, `uh` apart where the input is spread out; rows
 * between and outside are zeros. band: [height, width, IC]. */
INLINE void KERNEL(load_band)(__global float *band,
                              const __global T(IN) *sample,
                              const struct KERNEL(sum) * g, int o0, int rows)
{
    const int height = (rows - 1) * g->sh + (g->R - 1) * g->dh + 1;
    const int row = g->width * g->IC;

    for (int h = 0; h < height; h++) {
        const int from = o0 * g->sh - g->ph + h;

        if (from < 0 || from % g->uh || from / g->uh >= g->IH)
            KERNEL(clear)(band + h * row, row);
        else
            KERNEL(pad_row)(band + h * row,
                            sample + from / g->uh * g->IW * g->IC, g->width,
                            g->IW, g->IC, g->pw, g->uw);
    }
}

/* Add all taps and channels to the sums of the pixels at band + at[j]. w: [R,
 * S, IC, TILE], read once from front to back.  PIXELS * VECS sums (24 at
 * most, see tile_for) and VECS weights of 16 floats stay in registers: AVX-512
 * has 32. */
INLINE void KERNEL(tile)(float16 sum[PIXELS][VECS], const __global float *band,
                         const int *at, const __global float *w,
                         const struct KERNEL(sum) * g)
{
    for (int r = 0; r < g->R; r++)
        for (int s = 0; s < g->runs; s++) {
            const __global float *from =
                band + r * g->row_step + s * g->run_step;

            for (int c = 0; c < g->run; c++) {
                float16 b[VECS];

#pragma unroll
                for (int v = 0; v < VECS; v++)
                    b[v] = ld16_f32(w + v * 16);
#pragma unroll
                for (int j = 0; j < PIXELS; j++) {
                    const float16 a = from[at[j] + c];
#pragma unroll
                    for (int v = 0; v < VECS; v++)
                        sum[j][v] = a * b[v] + sum[j][v];
                }
                w += TILE;
            }
        }
}

/* All tiles of a band of `pixels` pixels; out: its first, channel k0.  The
 * last tile repeats its last pixel, whose sums are not stored, instead of
 * having a shorter loop with other instructions. */
INLINE void KERNEL(tiles)(__global T(OUT) *out, const __global float *band,
                          const __global float *w, const float16 *start,
                          const struct KERNEL(sum) * g, const int2 size)
{
    const int pixels = size.x, k_left = size.y;

    for (int i = 0, p = 0, q = 0; i < pixels; i += PIXELS) {
        int at[PIXELS];
        float16 sum[PIXELS][VECS];

#pragma unroll
        for (int j = 0; j < PIXELS; j++) {
            at[j] = (p * g->sh * g->width + q * g->sw) * g->IC;
            if (i + j + 1 < pixels && ++q == g->OW) {
                q = 0;
                p++;
            }
#pragma unroll
            for (int v = 0; v < VECS; v++)
                sum[j][v] = start[v];
        }
        KERNEL(tile)(sum, band, at, w, g);
#pragma unroll
        for (int j = 0; j < PIXELS; j++)
#pragma unroll
            for (int v = 0; v < VECS; v++)
                if (i + j < pixels && v * 16 < k_left)
                    ST16N(OUT, out, (i + j) * g->OC + v * 16, sum[j][v],
                          k_left - v * 16);
    }
}

/*
 * in [N, IH, IW, IC], w as pack takes it, bias [OC] -> out [N, OH, OW, OC].
 * The slice: packed weights [R * S * IC, TILE], then a band.  A task is a
 * band; each group takes a contiguous part of them, and packs the weights once
 * for each block of channels.
 */
__kernel ONE_ITEM void
#ifdef ENTRY_conv_cpu
KERNEL(conv_cpu)(
#else
KERNEL(conv_grad_x_cpu)(
#endif
    const __global T(IN) *in, ulong in_off, const __global T(F) *w,
    ulong w_off,
#ifdef BIAS
    const __global float *bias, ulong bias_off,
#endif
    __global T(OUT) *out, ulong out_off, __global float *workspace,
    ulong workspace_off, int IH, int IW, int IC, int OH, int OW, int OC, int R,
    int S, int sh, int sw, int uh, int uw, int ph, int pw, int dh, int dw,
    int bands, int band_rows, uint tasks, uint slice)
{
    const uint group = get_group_id(0), groups = get_num_groups(0);
    const uint begin = (ulong)tasks * group / groups;
    const uint end = (ulong)tasks * (group + 1) / groups;
    const int width = (OW - 1) * sw + (S - 1) * dw + 1;
    const struct KERNEL(sum) g = {
        IH, IW, IC, OH, OW, OC, R, S, sh, sw, uh, uw, ph, pw, dh, dw, width,
        dh * width * IC, dw == 1 ? 1 : S, dw * IC, dw == 1 ? S * IC : IC};
    __global float *packed = workspace + workspace_off + (ulong)group * slice;
    __global float *band = packed + R * S * IC * TILE;

    for (int k0 = 0; k0 < OC; k0 += TILE) {
        float16 start[VECS];

        KERNEL(pack)(packed, w + w_off, R * S, IC, OC, k0);
#pragma unroll
        for (int v = 0; v < VECS; v++) {
            start[v] = 0.0f;
#ifdef BIAS
            if (k0 + v * 16 < OC)
                start[v] = LD16N(f32, bias, bias_off + k0 + v * 16,
                                 OC - k0 - v * 16);
#endif
        }
        for (uint task = begin; task < end; task++) {
            const ulong n = task / bands;
            const int o0 = (int)(task % bands) * band_rows;
            const int rows = min(band_rows, OH - o0);

            KERNEL(load_band)(band, in + in_off + n * IH * IW * IC, &g, o0,
                              rows);
            KERNEL(tiles)(out + out_off + (n * OH * OW + o0 * OW) * OC + k0,
                          band, packed, start, &g,
                          (int2)(rows * OW, OC - k0));
        }
    }
}

#undef IN
#undef OUT
#undef TILE
#ifdef VECS_IS_DEFAULT
#undef VECS
#undef VECS_IS_DEFAULT
#endif
#ifdef PIXELS_IS_DEFAULT
#undef PIXELS
#undef PIXELS_IS_DEFAULT
#endif
