/*
 * conv_cpu.cl: convolution and its data gradient on a CPU, without groups.
 *
 * Both are one sum over (r, s, channel) of a padded input times weights, with
 * the input x and w for the one, and dy, spread out by the stride, and w turned
 * round for the other.  "In" and "out" below are the two ends of that sum.
 *
 * Of a spread input most terms are the zeros between its pixels.  But outputs
 * `u` apart, a phase, see those zeros through the same taps: without these taps
 * a phase is a sum over the input as it is.  There are u phases in each
 * dimension, and one where u is 1.
 *
 * A work-group is one work-item with a private slice of the workspace.  It
 * takes some bands (rows of a phase of one sample).  For each block of 16 * VECS
 * output channels and each phase it packs the weights as [R][S][IC][16 * VECS];
 * for each band it copies the input rows with their padding; then tiles of
 * PIXELS pixels keep their sums in registers from the first term to the last.
 * So every pixel and channel of a phase is computed by the same instructions,
 * wherever it falls.  Padding takes part as zeros, so an infinite weight makes a
 * NaN there.
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
#define IN  X
#define OUT Y
#else
#define IN  Y
#define OUT X
#endif

/* Copy n elements to floats. */
INLINE void KERNEL(copy)(__global float *to, const __global T(IN) * from, int n)
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

/* One row of the padded input: every `step`th column of [-pw, ...) of a row of
 * IW pixels, `width` in all. */
INLINE void KERNEL(pad_row)(__global float *to, const __global T(IN) * row,
                            int width, int IW, int IC, int pw, int step)
{
    const int begin = clamp((pw + step - 1) / step, 0, width);
    const int end = clamp((IW + pw + step - 1) / step, begin, width);

    KERNEL(clear)(to, begin * IC);
    if (step == 1)
        KERNEL(copy)
        (to + begin * IC, row + (begin - pw) * IC, (end - begin) * IC);
    else
        for (int i = begin; i < end; i++)
            KERNEL(copy)(to + i * IC, row + (i * step - pw) * IC, IC);
    KERNEL(clear)(to + end * IC, (width - end) * IC);
}

/* The taps of a phase in one dimension: `count` of them, from `first` on, `step`
 * apart; they see the input from `at` on, `dilation` apart, for output 0 of the
 * phase, of which there are `size`. */
struct KERNEL(phase) {
    int first, step, count, at, dilation, size;
};

/* Phase f of the outputs o that see o - pad + r dilation of an input `up` apart:
 * the taps r for which that is divisible. */
INLINE struct KERNEL(phase)
    KERNEL(phase_of)(int f, int up, int size, int taps, int pad, int dilation)
{
    struct KERNEL(phase) a = {0, up, 0, 0, 0, (size - f + up - 1) / up};

    while (a.first < min(up, taps) && (f - pad + a.first * dilation) % up)
        a.first++;
    if (a.first == min(up, taps))
        return a;
    /* The next one that is, too. */
    a.step = 1;
    while (a.step * dilation % up)
        a.step++;
    a.count = (taps - 1 - a.first) / a.step + 1;
    a.at = (f - pad + a.first * dilation) / up;
    a.dilation = a.step * dilation / up;
    return a;
}

#ifdef ENTRY_conv_cpu
/* One tap's weights [IC, OC] -> [IC][TILE] of channels from k0. */
INLINE void KERNEL(pack_tap)(__global float *to, const __global T(F) * w,
                             int IC, int OC, int k0)
{
    for (int t = 0; t < IC; t++)
        for (int v = 0; v < VECS; v++) {
            const int n = OC - k0 - v * 16;

            st16_f32(to + t * TILE + v * 16,
                     n > 0 ? LD16N(F, w, t * OC + k0 + v * 16, n) : 0.0f);
        }
}
#else
/* 16 rows of w, from out channel c0 and in channel k0, with zeros behind. */
INLINE void KERNEL(pack16)(__global float *to, const __global T(F) * w, int IC,
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

/* One tap's weights [OC, IC] -> [IC][TILE]. */
INLINE void KERNEL(pack_tap)(__global float *to, const __global T(F) * w,
                             int IC, int OC, int c0)
{
    for (int c = c0; c < c0 + TILE; c += 16)
        for (int k = 0; k < IC; k += 16)
            KERNEL(pack16)
            (to + k * TILE + c - c0, w + c * IC + k, IC, OC - c, IC - k);
}
#endif

/* The weights of a phase's taps; those of the gradient are turned round. */
INLINE void KERNEL(pack)(__global float *to, const __global T(F) * w, int R,
                         int S, const int2 channels,
                         const struct KERNEL(phase) * h,
                         const struct KERNEL(phase) * v, int k0)
{
    const int IC = channels.x, OC = channels.y;

    for (int i = 0; i < h->count; i++)
        for (int j = 0; j < v->count; j++, to += IC * TILE) {
            const int tap = (h->first + i * h->step) * S + v->first +
                            j * v->step;

#ifdef ENTRY_conv_cpu
            KERNEL(pack_tap)(to, w + tap * IC * OC, IC, OC, k0);
#else
            KERNEL(pack_tap)(to, w + (R * S - 1 - tap) * IC * OC, IC, OC, k0);
#endif
        }
}

/* What stays the same for a phase.  Of rows that a window of one row does not see
 * the padded input has none: it takes every `skip_h`th, and outputs are sh rows
 * of it apart; so with columns.  Rows and columns that a tap further lie
 * `row_step` and `run_step` floats apart.  The taps of a row are one run of S *
 * IC floats where they are not dilated. */
struct KERNEL(sum) {
    int IH, IW, IC, OH, OW, OC, R, S, sh, sw, skip_h, skip_w, ph, pw, dh, dw;
    int width, row_step, runs, run_step, run;
    int out_row, out_step; /* floats from a row, a pixel, to the next of out */
};

/* The padded input of `rows` rows of output from o0 on; rows outside are zeros.
 * band: [height, width, IC]. */
INLINE void KERNEL(load_band)(__global float *band,
                              const __global T(IN) * sample,
                              const struct KERNEL(sum) * g, int o0, int rows)
{
    const int height = (rows - 1) * g->sh + (g->R - 1) * g->dh + 1;
    const int row = g->width * g->IC;

    for (int h = 0; h < height; h++) {
        const int from = (o0 * g->sh + h) * g->skip_h - g->ph;

        if (from < 0 || from >= g->IH)
            KERNEL(clear)(band + h * row, row);
        else
            KERNEL(pad_row)
            (band + h * row, sample + from * g->IW * g->IC, g->width, g->IW,
             g->IC, g->pw, g->skip_w);
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
            const __global float *from = band + r * g->row_step +
                                         s * g->run_step;

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
INLINE void KERNEL(tiles)(__global T(OUT) * out, const __global float *band,
                          const __global float *w, const float16 *start,
                          const struct KERNEL(sum) * g, const int2 size)
{
    const int pixels = size.x, k_left = size.y;

    for (int i = 0, p = 0, q = 0; i < pixels; i += PIXELS) {
        int at[PIXELS], to[PIXELS];
        float16 sum[PIXELS][VECS];

#pragma unroll
        for (int j = 0; j < PIXELS; j++) {
            at[j] = (p * g->sh * g->width + q * g->sw) * g->IC;
            to[j] = p * g->out_row + q * g->out_step;
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
                    ST16N(OUT, out, to[j] + v * 16, sum[j][v], k_left - v * 16);
    }
}

/*
 * in [N, IH, IW, IC], w as pack takes it, bias [OC] -> out [N, OH, OW, OC].
 * The slice: `weights` floats for the packed weights of a phase, then a band.  A
 * task is a band; each group takes a contiguous part of them, and packs the
 * weights once for each block of channels and phase.
 */
__kernel ONE_ITEM void
#ifdef ENTRY_conv_cpu
KERNEL(conv_cpu)(
#else
KERNEL(conv_grad_x_cpu)(
#endif
    const __global T(IN) * in, ulong in_off, const __global T(F) * w,
    ulong w_off,
#ifdef BIAS
    const __global float *bias, ulong bias_off,
#endif
    __global T(OUT) * out, ulong out_off, __global float *workspace,
    ulong workspace_off, int IH, int IW, int IC, int OH, int OW, int OC, int R,
    int S, int sh, int sw, int uh, int uw, int ph, int pw, int dh, int dw,
    int bands, int band_rows, uint tasks, int weights, uint slice)
{
    const uint group = get_group_id(0), groups = get_num_groups(0);
    const uint begin = (ulong)tasks * group / groups;
    const uint end = (ulong)tasks * (group + 1) / groups;
    __global float *packed = workspace + workspace_off + (ulong)group * slice;
    __global float *band = packed + weights;
    const int2 channels = (int2)(IC, OC);

    in += in_off;
    out += out_off;
    for (int k0 = 0; k0 < OC; k0 += TILE) {
        float16 start[VECS];

#pragma unroll
        for (int v = 0; v < VECS; v++) {
            start[v] = 0.0f;
#ifdef BIAS
            if (k0 + v * 16 < OC)
                start[v] = LD16N(f32, bias, bias_off + k0 + v * 16,
                                 OC - k0 - v * 16);
#endif
        }
        for (int f = 0; f < uh * uw; f++) {
            const struct KERNEL(phase)
                h = KERNEL(phase_of)(f / uw, uh, OH, R, ph, dh),
                v = KERNEL(phase_of)(f % uw, uw, OW, S, pw, dw);
            const int skip_h = h.count == 1 ? sh : 1;
            const int skip_w = v.count == 1 ? sw : 1;
            const int width = (v.size - 1) * (sw / skip_w) +
                              (v.count - 1) * v.dilation + 1;
            const struct KERNEL(sum) g = {IH,
                                          IW,
                                          IC,
                                          h.size,
                                          v.size,
                                          OC,
                                          h.count,
                                          v.count,
                                          sh / skip_h,
                                          sw / skip_w,
                                          skip_h,
                                          skip_w,
                                          -h.at,
                                          -v.at,
                                          h.dilation,
                                          v.dilation,
                                          width,
                                          h.dilation * width * IC,
                                          v.dilation == 1 ? 1 : v.count,
                                          v.dilation * IC,
                                          v.dilation == 1 ? v.count * IC : IC,
                                          uh * OW * OC,
                                          uw * OC};

            KERNEL(pack)(packed, w + w_off, R, S, channels, &h, &v, k0);
            for (uint task = begin; task < end; task++) {
                const ulong n = task / bands;
                const int o0 = (int)(task % bands) * band_rows;
                const int rows = min(band_rows, h.size - o0);

                if (rows <= 0 || v.size <= 0)
                    continue;
                if (h.count * v.count)
                    KERNEL(load_band)
                    (band, in + n * IH * IW * IC, &g, o0, rows);
                KERNEL(tiles)
                (out + n * OH * OW * OC + o0 * g.out_row +
                     (f / uw * OW + f % uw) * OC + k0,
                 band, packed, start, &g, (int2)(rows * v.size, OC - k0));
            }
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
