/*
 * conv_depthwise_cpu.cl: convolution of each channel by itself (as many groups
 * as channels) with APART filters, and its gradients, on a CPU.
 *
 * Forward and data gradient are one sum over the taps that fall into the input:
 * x, its pixels STEP_W apart, with w for the one; dy, spread out by UP_H and
 * UP_W, with w turned round for the other.  "In" and "out" below are the two
 * ends of that sum.  Which taps a pixel has is found once for a run of pixels
 * that share them; then 16 channels of PIXELS pixels at a time keep their sums
 * in registers.
 *
 * The filters of a channel lie side by side, so with several of them the
 * channels of one filter of each lie APART elements apart.  Forward takes filter
 * by filter, with weights packed so once, and stores apart; the data gradient
 * takes the APART vectors of 16 channels and adds neighbours at the end.
 *
 * A work-group is one work-item: of the first two, with some rows of output; of
 * the weight gradient, with a lane and a filter of each of 16 channels, whose
 * TAPS sums are chains over samples, rows and columns.  Pads are left out of
 * every sum.
 *
 * Assumes that a sample's tensors have less than 2^31 elements.
 */
#ifndef TAPS_H
#define TAPS_H 3
#define TAPS_W 3
#define UP_H   1
#define UP_W   1
#define STEP_W 1
#define APART  1
#define TAPS_ARE_DEFAULT
#endif
#define TAPS   (TAPS_H * TAPS_W)
#define PIXELS 4

#ifdef ENTRY_conv_depthwise_grad_x_cpu
#define IN       Y
#define OUT      X
#define TURN(t)  (TAPS - 1 - (t))
#define IN_C(g)  ((g)->C * APART)
#define OUT_C(g) ((g)->C)
#else
#define IN       X
#define OUT      Y
#define TURN(t)  (t)
#define IN_C(g)  ((g)->C)
#define OUT_C(g) ((g)->C * APART)
#endif

/* What stays the same during a launch; C channels of x. */
struct KERNEL(shape) {
    int IH, IW, OH, OW, C, sh, ph, pw, dh, dw;
};

/* The taps of a run of pixels that lie UP_W apart: where the first pixel reads
 * the sample, and which weights. */
struct KERNEL(taps) {
    int n, run, at[TAPS], tap[TAPS];
};

/* For the pixel in row o and column q, and those behind it with the same. */
INLINE void KERNEL(find)(struct KERNEL(taps) * l,
                         const struct KERNEL(shape) * g, int o, int q)
{
    l->n = 0;
    l->run = (g->OW - q + UP_W - 1) / UP_W;
    for (int r = 0; r < TAPS_H; r++) {
        const int row = o * g->sh - g->ph + r * g->dh;

        if (row < 0 || row % UP_H || row / UP_H >= g->IH)
            continue;
        for (int s = 0; s < TAPS_W; s++) {
            const int spread = q * STEP_W - g->pw + s * g->dw;
            const int column = spread / UP_W;
            const int end = column < 0 ? 0 : g->IW;

            if (spread % UP_W || column >= g->IW)
                continue;
            l->run = min(l->run, (end - column + STEP_W - 1) / STEP_W);
            if (column < 0)
                continue;
            l->at[l->n] = (row / UP_H * g->IW + column) * IN_C(g);
            l->tap[l->n++] = TURN(r * TAPS_W + s);
        }
    }
}

#ifndef ENTRY_conv_depthwise_grad_w_cpu
#if defined ENTRY_conv_depthwise_cpu && APART > 1
#define W f32
#define PACKED
#define FILTERS APART

/* Weights [taps, C, APART] to [APART][taps, C], bias [C, APART] to [APART][C]
 * or to zeros. */
INLINE void KERNEL(pack)(__global float *to, const __global T(F) *w,
                         const __global float *bias, int C)
{
    for (int m = 0; m < APART; m++)
        for (int i = 0; i < TAPS * C; i++)
            *to++ = LD(F, w, i * APART + m);
    for (int m = 0; m < APART; m++)
        for (int c = 0; c < C; c++)
            *to++ = bias ? bias[c * APART + m] : 0.0f;
}

/* The first n of v, APART elements apart. */
INLINE void KERNEL(put)(__global T(OUT) *out, float16 v, const int n)
{
    float a[16];

    vstore16(v, 0, a);
    for (int i = 0; i < n; i++)
        ST(OUT, out, i * APART, a[i]);
}
#else
#define W       F
#define FILTERS 1

INLINE void KERNEL(put)(__global T(OUT) *out, float16 v, const int n)
{
    ST16N(OUT, out, 0, v, n);
}
#endif

/* Add all taps to the sums of 16 channels of `count` pixels, the first n only
 * where these are fewer.  A further tap's weights lie `pitch` behind. */
INLINE void KERNEL(add_taps)(float16 *sum, const __global T(IN) *in,
                             const __global T(W) *w,
                             const struct KERNEL(taps) * l, const int pitch,
                             const int count, const int n)
{
    for (int t = 0; t < l->n; t++) {
        const float16 b = LD16N(W, w, l->tap[t] * pitch, n);
        const __global T(IN) *from = in + l->at[t];

#pragma unroll
        for (int j = 0; j < count; j++)
            sum[j] = LD16N(IN, from, j * STEP_W * pitch, n) * b + sum[j];
    }
}

#if defined ENTRY_conv_depthwise_cpu || APART == 1
/* 16 channels of `count` pixels, the first n only where these are fewer. */
INLINE void KERNEL(block)(__global T(OUT) *out, const __global T(IN) *in,
                          const __global T(W) *w, float16 start,
                          const struct KERNEL(taps) * l,
                          const struct KERNEL(shape) * g, const int count,
                          const int n)
{
    float16 sum[PIXELS];

#pragma unroll
    for (int j = 0; j < count; j++)
        sum[j] = start;
    KERNEL(add_taps)(sum, in, w, l, g->C, count, n);
#pragma unroll
    for (int j = 0; j < count; j++)
        KERNEL(put)(out + j * UP_W * OUT_C(g), sum[j], n);
}
#else
/* As above, each channel's sum over its filters in order. */
INLINE void KERNEL(block)(__global T(OUT) *out, const __global T(IN) *in,
                          const __global T(W) *w, float16 start,
                          const struct KERNEL(taps) * l,
                          const struct KERNEL(shape) * g, const int count,
                          const int n)
{
    float part[PIXELS][16 * APART];

    for (int v = 0; v * 16 < n * APART; v++) {
        float16 sum[PIXELS];

#pragma unroll
        for (int j = 0; j < count; j++)
            sum[j] = start;
        KERNEL(add_taps)(sum, in + v * 16, w + v * 16, l, IN_C(g), count,
                         n == 16 ? 16 : min(n * APART - v * 16, 16));
#pragma unroll
        for (int j = 0; j < count; j++)
            vstore16(sum[j], v, part[j]);
    }
    for (int j = 0; j < count; j++)
        for (int i = 0; i < n; i++) {
            float sum = part[j][i * APART];

#pragma unroll
            for (int m = 1; m < APART; m++)
                sum += part[j][i * APART + m];
            ST(OUT, out, j * UP_W * g->C + i, sum);
        }
}
#endif

/* All channels of `count` pixels, for one filter of each where forward.  The
 * last block of 16 begins where it ends with the last channel: it computes some
 * channels again, to the same bits. */
INLINE void KERNEL(pixels)(__global T(OUT) *out, const __global T(IN) *in,
                           const __global T(W) *w, const __global float *bias,
                           const struct KERNEL(taps) * l,
                           const struct KERNEL(shape) * g, const int count)
{
    const int in_step = IN_C(g) / g->C, out_step = OUT_C(g) / g->C;
    const int w_step = in_step;
    float16 start = 0.0f;

    if (g->C < 16) {
        if (bias)
            start = LD16N(f32, bias, 0, g->C);
        KERNEL(block)(out, in, w, start, l, g, count, g->C);
        return;
    }
    for (int i = 0; i < g->C; i += 16) {
        const int c = min(i, g->C - 16);

        if (bias)
            start = LD16(f32, bias, c);
        KERNEL(block)(out + c * out_step, in + c * in_step, w + c * w_step,
                      start, l, g, count, 16);
    }
}

/* A run of pixels that share their taps. */
INLINE void KERNEL(run)(__global T(OUT) *out, const __global T(IN) *in,
                        const __global T(W) *w, const __global float *bias,
                        const struct KERNEL(taps) * l,
                        const struct KERNEL(shape) * g)
{
    const int out_pitch = UP_W * OUT_C(g), in_pitch = STEP_W * IN_C(g);
    int j = 0;

    for (; j + PIXELS <= l->run; j += PIXELS)
        KERNEL(pixels)(out + j * out_pitch, in + j * in_pitch, w, bias, l, g,
                       PIXELS);
    for (; j < l->run; j++)
        KERNEL(pixels)(out + j * out_pitch, in + j * in_pitch, w, bias, l, g,
                       1);
}

__kernel ONE_ITEM void
#ifdef ENTRY_conv_depthwise_grad_x_cpu
KERNEL(conv_depthwise_grad_x_cpu)(
#else
KERNEL(conv_depthwise_cpu)(
#endif
    const __global T(IN) *in, ulong in_off, const __global T(F) *weights,
    ulong w_off,
#ifdef BIAS
    const __global float *bias, ulong bias_off,
#endif
    __global T(OUT) *out, ulong out_off,
#ifdef PACKED
    __global float *workspace, ulong workspace_off,
#endif
    int IH, int IW, int OH, int OW, int C, int sh, int ph, int pw, int dh,
    int dw, uint rows)
{
    const uint group = get_group_id(0), groups = get_num_groups(0);
    const uint end = (ulong)rows * (group + 1) / groups;
    const struct KERNEL(shape) g = {IH, IW, OH, OW, C, sh, ph, pw, dh, dw};
    const __global float *start = 0;
    struct KERNEL(taps) l;

#ifdef BIAS
    start = bias + bias_off;
#endif
#ifdef PACKED
    __global float *w = workspace + workspace_off +
                        (ulong)group * C * APART * (TAPS + 1);

    KERNEL(pack)(w, weights + w_off, start, C);
    start = w + C * APART * TAPS;
#else
    const __global T(W) *w = weights + w_off;
#endif
    for (uint i = (ulong)rows * group / groups; i < end; i++)
        for (int q0 = 0; q0 < UP_W; q0++)
            for (int q = q0; q < OW; q += l.run * UP_W) {
                const __global T(IN) *from = in + in_off +
                                             (ulong)(i / OH) * IH * IW *
                                                 IN_C(&g);
                __global T(OUT) *to = out + out_off +
                                      ((ulong)i * OW + q) * OUT_C(&g);

                KERNEL(find)(&l, &g, i % OH, q);
                for (int m = 0; m < FILTERS; m++)
                    KERNEL(run)(to + m, from, w + m * C * TAPS,
                                start ? start + m * C : 0, &l, &g);
            }
}
#else
/* One filter of each of 16 channels, or of the first n. */
INLINE float16 KERNEL(dy16)(const __global T(Y) *dy, const int n)
{
#if APART == 1
    return LD16N(Y, dy, 0, n);
#else
    float v[16];

#pragma unroll
    for (int i = 0; i < 16; i++)
        v[i] = i < n ? LD(Y, dy, i * APART) : 0.0f;
    return vload16(0, v);
#endif
}

/* Weights of the same. */
INLINE float16 KERNEL(dw16)(const __global float *w, const int n)
{
#if APART == 1
    return LD16N(f32, w, 0, n);
#else
    float v[16];

    for (int i = 0; i < 16; i++)
        v[i] = i < n ? w[i * APART] : 0.0f;
    return vload16(0, v);
#endif
}

INLINE void KERNEL(put_dw)(__global float *w, float16 total, const int n)
{
#if APART == 1
    ST16N(f32, w, 0, total, n);
#else
    float v[16];

    vstore16(total, 0, v);
    for (int i = 0; i < n; i++)
        w[i * APART] = v[i];
#endif
}

/* Add a run of pixels that have all taps: every sum in a register. */
INLINE void KERNEL(add_whole)(float16 *total, const __global T(X) *x,
                              const __global T(Y) *dy,
                              const struct KERNEL(taps) * l,
                              const struct KERNEL(shape) * g, const int n)
{
    const int row = g->dh * g->IW * g->C, column = g->dw * g->C;
    float16 sum[TAPS];

    x += l->at[0];
#pragma unroll
    for (int t = 0; t < TAPS; t++)
        sum[t] = total[t];
    for (int j = 0; j < l->run; j++) {
        const float16 d = KERNEL(dy16)(dy + j * OUT_C(g), n);

#pragma unroll
        for (int r = 0; r < TAPS_H; r++)
#pragma unroll
            for (int s = 0; s < TAPS_W; s++)
                sum[r * TAPS_W + s] = LD16N(X, x, r * row + s * column, n) * d +
                                      sum[r * TAPS_W + s];
        x += STEP_W * g->C;
    }
#pragma unroll
    for (int t = 0; t < TAPS; t++)
        total[t] = sum[t];
}

/* Add a run of pixels that have some of the taps. */
INLINE void KERNEL(add_some)(float16 *total, const __global T(X) *x,
                             const __global T(Y) *dy,
                             const struct KERNEL(taps) * l,
                             const struct KERNEL(shape) * g, const int n)
{
    for (int t = 0; t < l->n; t++) {
        float16 sum = total[l->tap[t]];

        for (int j = 0; j < l->run; j++)
            sum = LD16N(X, x, l->at[t] + j * STEP_W * g->C, n) *
                      KERNEL(dy16)(dy + j * OUT_C(g), n) +
                  sum;
        total[l->tap[t]] = sum;
    }
}

/* Add one sample, n channels of it. */
INLINE void KERNEL(add_sample)(float16 *total, const __global T(X) *x,
                               const __global T(Y) *dy,
                               const struct KERNEL(shape) * g, const int n)
{
    struct KERNEL(taps) l;

    for (int p = 0; p < g->OH; p++)
        for (int q = 0; q < g->OW; q += l.run) {
            const __global T(Y) *from = dy + (p * g->OW + q) * OUT_C(g);

            KERNEL(find)(&l, g, p, q);
            if (l.n == TAPS)
                KERNEL(add_whole)(total, x, from, &l, g, n);
            else
                KERNEL(add_some)(total, x, from, &l, g, n);
        }
}

__kernel ONE_ITEM void KERNEL(conv_depthwise_grad_w_cpu)(
    const __global T(X) *x, ulong x_off, const __global T(Y) *dy,
    ulong dy_off,
#ifdef ACC
    const __global float *acc, ulong acc_off,
#endif
    __global float *dw_out, ulong dw_off, int IH, int IW, int OH, int OW, int C,
    int sh, int ph, int pw, int dh, int dw, uint lanes, uint rows, uint first)
{
    const uint c0 = get_group_id(0) / APART * 16, lane = get_group_id(1);
    const uint m = get_group_id(0) % APART;
    const int n = min(C - (int)c0, 16), K = C * APART;
    const struct KERNEL(shape) g = {IH, IW, OH, OW, C, sh, ph, pw, dh, dw};
    const ulong at = (ulong)lane * TAPS * K + c0 * APART + m;
    float16 total[TAPS];

    for (int t = 0; t < TAPS; t++) {
        total[t] = 0.0f;
#ifdef ACC
        if (first)
            total[t] = KERNEL(dw16)(acc + acc_off + at + t * K, n);
#endif
    }
    x += x_off + c0;
    dy += dy_off + c0 * APART + m;
    for (uint i = lane_start(lane, lanes, first); i < rows; i += lanes) {
        const __global T(X) *sample = x + (ulong)i * IH * IW * C;

        if (n == 16)
            KERNEL(add_sample)(total, sample, dy + (ulong)i * OH * OW * K, &g,
                               16);
        else
            KERNEL(add_sample)(total, sample, dy + (ulong)i * OH * OW * K, &g,
                               n);
    }
    for (int t = 0; t < TAPS; t++)
        KERNEL(put_dw)(dw_out + dw_off + at + t * K, total[t], n);
}
#endif

#undef IN
#undef OUT
#undef IN_C
#undef OUT_C
#undef W
#undef PACKED
#undef FILTERS
#undef TURN
#undef TAPS
#undef PIXELS
#ifdef TAPS_ARE_DEFAULT
#undef TAPS_H
#undef TAPS_W
#undef UP_H
#undef UP_W
#undef STEP_W
#undef APART
#undef TAPS_ARE_DEFAULT
#endif
