/*
 * conv_depthwise_cpu.cl: convolution of each channel by itself (as many groups
 * as channels) and its gradients, on a CPU.
 *
 * Forward and data gradient are one sum over the taps that fall into the input:
 * x, its pixels STEP_W apart, with w for the one; dy, spread out by UP_H and
 * UP_W, with w turned round for the other.  "In" and "out" below are the two
 * ends of that sum.  Which taps a pixel has is found once for a run of pixels
 * that share them; then 16 channels of PIXELS pixels at a time keep their sums
 * in registers.
 *
 * A work-group is one work-item: of the first two, with some rows of output; of
 * the weight gradient, with a lane and a block of 16 channels, whose TAPS sums
 * are chains over samples, rows and columns.  Pads are left out of every sum.
 *
 * Assumes that a sample's tensors have less than 2^31 elements.
 */
#ifndef TAPS_H
#define TAPS_H 3
#define TAPS_W 3
#define UP_H 1
#define UP_W 1
#define STEP_W 1
#define TAPS_ARE_DEFAULT
#endif
#define TAPS   (TAPS_H * TAPS_W)
#define PIXELS 4

#ifdef ENTRY_conv_depthwise_grad_x_cpu
#define IN Y
#define OUT X
#define TURN(t) (TAPS - 1 - (t))
#else
#define IN X
#define OUT Y
#define TURN(t) (t)
#endif

/* What stays the same during a launch. */
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
            l->at[l->n] = (row / UP_H * g->IW + column) * g->C;
            l->tap[l->n++] = TURN(r * TAPS_W + s);
        }
    }
}

#ifndef ENTRY_conv_depthwise_grad_w_cpu
/* 16 channels of `count` pixels, the first n only where these are fewer. */
INLINE void KERNEL(block)(__global T(OUT) *out, const __global T(IN) *in,
                          const __global T(F) *w, float16 start,
                          const struct KERNEL(taps) * l,
                          const struct KERNEL(shape) * g, const int count,
                          const int n)
{
    float16 sum[PIXELS];

#pragma unroll
    for (int j = 0; j < count; j++)
        sum[j] = start;
    for (int t = 0; t < l->n; t++) {
        const float16 b = LD16N(F, w, l->tap[t] * g->C, n);
        const __global T(IN) *from = in + l->at[t];

#pragma unroll
        for (int j = 0; j < count; j++)
            sum[j] = LD16N(IN, from, j * STEP_W * g->C, n) * b + sum[j];
    }
#pragma unroll
    for (int j = 0; j < count; j++)
        ST16N(OUT, out, j * UP_W * g->C, sum[j], n);
}

/* All channels of `count` pixels.  The last block of 16 begins where it ends
 * with the last channel: it computes some channels again, to the same bits. */
INLINE void KERNEL(pixels)(__global T(OUT) *out, const __global T(IN) *in,
                           const __global T(F) *w,
#ifdef BIAS
                           const __global float *bias,
#endif
                           const struct KERNEL(taps) * l,
                           const struct KERNEL(shape) * g, const int count)
{
    float16 start = 0.0f;

    if (g->C < 16) {
#ifdef BIAS
        start = LD16N(f32, bias, 0, g->C);
#endif
        KERNEL(block)(out, in, w, start, l, g, count, g->C);
        return;
    }
    for (int i = 0; i < g->C; i += 16) {
        const int c = min(i, g->C - 16);

#ifdef BIAS
        start = LD16(f32, bias, c);
#endif
        KERNEL(block)(out + c, in + c, w + c, start, l, g, count, 16);
    }
}

__kernel ONE_ITEM void
#ifdef ENTRY_conv_depthwise_grad_x_cpu
KERNEL(conv_depthwise_grad_x_cpu)(
#else
KERNEL(conv_depthwise_cpu)(
#endif
    const __global T(IN) *in, ulong in_off, const __global T(F) *w,
    ulong w_off,
#ifdef BIAS
    const __global float *bias, ulong bias_off,
#endif
    __global T(OUT) *out, ulong out_off, int IH, int IW, int OH, int OW, int C,
    int sh, int ph, int pw, int dh, int dw, uint rows)
{
    const uint group = get_group_id(0), groups = get_num_groups(0);
    const uint end = (ulong)rows * (group + 1) / groups;
    const struct KERNEL(shape) g = {IH, IW, OH, OW, C, sh, ph, pw, dh, dw};
    struct KERNEL(taps) l;

    for (uint i = (ulong)rows * group / groups; i < end; i++)
        for (int q0 = 0; q0 < UP_W; q0++)
            for (int q = q0; q < OW; q += l.run * UP_W) {
                const __global T(IN) *from = in + in_off +
                                             (ulong)(i / OH) * IH * IW * C;
                __global T(OUT) *to = out + out_off + ((ulong)i * OW + q) * C;
                int j = 0;

                KERNEL(find)(&l, &g, i % OH, q);
                for (; j + PIXELS <= l.run; j += PIXELS)
                    KERNEL(pixels)(to + j * UP_W * C, from + j * STEP_W * C,
                                   w + w_off,
#ifdef BIAS
                                   bias + bias_off,
#endif
                                   &l, &g, PIXELS);
                for (; j < l.run; j++)
                    KERNEL(pixels)(to + j * UP_W * C, from + j * STEP_W * C,
                                   w + w_off,
#ifdef BIAS
                                   bias + bias_off,
#endif
                                   &l, &g, 1);
            }
}
#else
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
        const float16 d = LD16N(Y, dy, j * g->C, n);

#pragma unroll
        for (int r = 0; r < TAPS_H; r++)
#pragma unroll
            for (int s = 0; s < TAPS_W; s++)
                sum[r * TAPS_W + s] =
                    LD16N(X, x, r * row + s * column, n) * d +
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
                      LD16N(Y, dy, j * g->C, n) +
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
            const __global T(Y) *from = dy + (p * g->OW + q) * g->C;

            KERNEL(find)(&l, g, p, q);
            if (l.n == TAPS)
                KERNEL(add_whole)(total, x, from, &l, g, n);
            else
                KERNEL(add_some)(total, x, from, &l, g, n);
        }
}

__kernel ONE_ITEM void KERNEL(conv_depthwise_grad_w_cpu)(
    const __global T(X) *x, ulong x_off, const __global T(Y) *dy, ulong dy_off,
#ifdef ACC
    const __global float *acc, ulong acc_off,
#endif
    __global float *dw_out, ulong dw_off, int IH, int IW, int OH, int OW, int C,
    int sh, int ph, int pw, int dh, int dw, uint lanes, uint rows,
    uint first)
{
    const uint c0 = get_group_id(0) * 16, lane = get_group_id(1);
    const int n = min(C - (int)c0, 16);
    const struct KERNEL(shape) g = {IH, IW, OH, OW, C, sh, ph, pw, dh, dw};
    float16 total[TAPS];

    for (int t = 0; t < TAPS; t++) {
        total[t] = 0.0f;
#ifdef ACC
        if (first)
            total[t] = LD16N(f32, acc,
                             acc_off + ((ulong)lane * TAPS + t) * C + c0, n);
#endif
    }
    x += x_off + c0;
    dy += dy_off + c0;
    for (uint i = lane_start(lane, lanes, first); i < rows; i += lanes) {
        const __global T(X) *sample = x + (ulong)i * IH * IW * C;

        if (n == 16)
            KERNEL(add_sample)(total, sample, dy + (ulong)i * OH * OW * C, &g,
                               16);
        else
            KERNEL(add_sample)(total, sample, dy + (ulong)i * OH * OW * C, &g,
                               n);
    }
    for (int t = 0; t < TAPS; t++)
        ST16N(f32, dw_out, dw_off + ((ulong)lane * TAPS + t) * C + c0,
              total[t], n);
}
#endif

#undef IN
#undef OUT
#undef TURN
#undef TAPS
#undef PIXELS
#ifdef TAPS_ARE_DEFAULT
#undef TAPS_H
#undef TAPS_W
#undef UP_H
#undef UP_W
#undef STEP_W
#undef TAPS_ARE_DEFAULT
#endif
