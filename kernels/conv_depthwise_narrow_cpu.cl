/*
 * conv_depthwise_narrow_cpu.cl: the weight gradient of a convolution of each
 * channel by itself, with APART filters, on a CPU, for less than 16 channels.
 *
 * The elements of a vector are neighbours in dy: some pixels of all the K = C *
 * APART filters, or 16 filters of one pixel.  A work-group is one work-item
 * with a lane and at most 16 filters.  For each sample and tap, a sum of
 * vectors goes over rows and columns; then those of its pixels are added in
 * order, and the result to the total.  Pads are left out of every sum.
 *
 * Assumes that a sample's tensors have less than 2^31 elements.
 */
#ifndef TAPS_H
#define TAPS_H 3
#define TAPS_W 3
#define STEP_W 1
#define APART  1
#define TAPS_ARE_DEFAULT
#endif
#define TAPS (TAPS_H * TAPS_W)

/* What stays the same during a launch. */
struct KERNEL(shape) {
    int H, W, P, Q, C, K, sh, ph, pw, dh, dw;
    int pixels, used; /* elements that are used, of `pixels` pixels */
    int at[16];       /* where they read x, behind the first pixel */
    const __global T(X) *x_end;
    const __global T(Y) *dy_end;
};

/* Vectors of filters k0 and on, over whole pixels where K is small. */
INLINE void KERNEL(spread)(struct KERNEL(shape) * g, int k0)
{
    g->pixels = max(16 / g->K, 1);
    g->used = g->K < 16 ? g->pixels * g->K : min(g->K - k0, 16);
    for (int i = 0; i < 16; i++) {
        const int k = k0 + min(i, g->used - 1);

        g->at[i] = k / g->K * STEP_W * g->C + k % g->K / APART;
    }
}

/* The first n elements of x; behind those that are used anything. */
INLINE float16 KERNEL(x16)(const __global T(X) *x,
                           const struct KERNEL(shape) * g, int n)
{
    float a[16];

#if APART == 1 && STEP_W == 1
    if (n == g->used && x + g->at[0] + 16 <= g->x_end)
        return LD16(X, x, g->at[0]);
#endif
#pragma unroll
    for (int i = 0; i < 16; i++)
        a[i] = i < n ? LD(X, x, g->at[i]) : 0.0f;
    return vload16(0, a);
}

INLINE float16 KERNEL(dy16)(const __global T(Y) *dy,
                            const struct KERNEL(shape) * g, int n)
{
    if (n == g->used && dy + 16 <= g->dy_end)
        return LD16(Y, dy, 0);
    return LD16N(Y, dy, 0, n);
}

/* Add `run` pixels of a row. */
INLINE float16 KERNEL(add_run)(float16 sum, const __global T(X) *x,
                               const __global T(Y) *dy,
                               const struct KERNEL(shape) * g, int run)
{
    for (int j = 0; j < run; j += g->pixels) {
        const int n = run - j < g->pixels ? (run - j) * g->K : g->used;

        sum = KERNEL(x16)(x + j * STEP_W * g->C, g, n) *
                  KERNEL(dy16)(dy + j * g->K, g, n) +
              sum;
    }
    return sum;
}

/* The sums of one sample and tap (r, s). */
INLINE float16 KERNEL(add_tap)(const __global T(X) *x,
                               const __global T(Y) *dy,
                               const struct KERNEL(shape) * g, int r, int s)
{
    /* Columns q whose q * STEP_W - left lies in the input. */
    const int left = g->pw - s * g->dw;
    const int begin = max((left + STEP_W - 1) / STEP_W, 0);
    const int end = min((max(g->W + left, 0) + STEP_W - 1) / STEP_W, g->Q);
    float16 sum = 0.0f;

    for (int p = 0; p < g->P; p++) {
        const int h = p * g->sh - g->ph + r * g->dh;

        if (h >= 0 && h < g->H)
            sum = KERNEL(add_run)(
                sum, x + (h * g->W + begin * STEP_W - left) * g->C,
                dy + (p * g->Q + begin) * g->K, g, end - begin);
    }
    return sum;
}

/* Add one sample to the totals. */
INLINE void KERNEL(add_sample)(float *total, const __global T(X) *x,
                               const __global T(Y) *dy,
                               const struct KERNEL(shape) * g)
{
    const int filters = min(g->K, g->used);

    for (int t = 0; t < TAPS; t++) {
        float a[16];

        vstore16(KERNEL(add_tap)(x, dy, g, t / TAPS_W, t % TAPS_W), 0, a);
        for (int k = 0; k < filters; k++) {
            float sum = a[k];

            for (int j = 1; j < g->pixels; j++)
                sum += a[j * g->K + k];
            total[t * 16 + k] += sum;
        }
    }
}

__kernel ONE_ITEM void KERNEL(conv_depthwise_narrow_grad_w_cpu)(
    const __global T(X) *x, ulong x_off, const __global T(Y) *dy,
    ulong dy_off,
#ifdef ACC
    const __global float *acc, ulong acc_off,
#endif
    __global float *dw_out, ulong dw_off, int H, int W, int P, int Q, int C,
    int sh, int ph, int pw, int dh, int dw, uint lanes, uint rows, uint first)
{
    const int k0 = get_group_id(0) * 16, K = C * APART, n = min(K - k0, 16);
    const uint lane = get_group_id(1);
    const ulong at = (ulong)lane * TAPS * K + k0;
    const ulong x_size = (ulong)H * W * C, dy_size = (ulong)P * Q * K;
    struct KERNEL(shape) g = {H, W, P, Q, C, K, sh, ph, pw, dh, dw};
    float total[TAPS * 16];

    KERNEL(spread)(&g, k0);
    x += x_off;
    dy += dy_off;
    g.x_end = x + rows * x_size;
    g.dy_end = dy + rows * dy_size;
    for (int i = 0; i < TAPS * 16; i++) {
        total[i] = 0.0f;
#ifdef ACC
        if (first && i % 16 < n)
            total[i] = acc[acc_off + at + i / 16 * K + i % 16];
#endif
    }
    for (uint i = lane_start(lane, lanes, first); i < rows; i += lanes)
        KERNEL(add_sample)(total, x + i * x_size, dy + i * dy_size + k0, &g);
    for (int i = 0; i < TAPS * 16; i++)
        if (i % 16 < n)
            dw_out[dw_off + at + i / 16 * K + i % 16] = total[i];
}

#undef TAPS
#ifdef TAPS_ARE_DEFAULT
#undef TAPS_H
#undef TAPS_W
#undef STEP_W
#undef APART
#undef TAPS_ARE_DEFAULT
#endif
