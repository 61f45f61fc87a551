/*
 * conv.cl: convolution and its gradients, plainly: any group, stride, dilation
 * and size.  One work-item per element of the result; the order of each sum is
 * that of the loops.
 */

/* Letters of conv.h; s, p and d are stride, pad and dilation by rows (h) and
 * columns (w). */
#define GEOMETRY                                                               \
    int H, int W, int C, int K, int R, int S, int P, int Q, int sh, int sw,    \
        int ph, int pw, int dh, int dw, int group

#ifdef ENTRY_conv_item
/* x [N, H, W, C], w [R, S, C / group, K], bias [K] -> y [N, P, Q, K]: item i
 * is element i of y.  A filter's group begins at channel c0; taps in the
 * padding are left out, so that an infinite weight there makes no NaN. */
__kernel void KERNEL(conv_item)(const __global T(X) *x, ulong x_off,
                                const __global T(F) *w, ulong w_off,
#ifdef BIAS
                                const __global float *bias, ulong bias_off,
#endif
                                __global T(Y) *y, ulong y_off, uint N,
                                GEOMETRY)
{
    const ulong i = get_global_id(0);
    if (i >= (ulong)N * P * Q * K)
        return;
    const int k = i % K, q = i / K % Q, p = i / K / Q % P;
    const int cg = C / group, c0 = k / (K / group) * cg;

    x += x_off + i / K / Q / P * H * W * C + c0;
    w += w_off + k;
#ifdef BIAS
    float sum = bias[bias_off + k];
#else
    float sum = 0.0f;
#endif
    for (int r = 0; r < R; r++)
        for (int s = 0; s < S; s++) {
            const int h = p * sh - ph + r * dh, v = q * sw - pw + s * dw;

            if (h < 0 || h >= H || v < 0 || v >= W)
                continue;
            for (int c = 0; c < cg; c++)
                sum = LD(X, x, ((ulong)h * W + v) * C + c) *
                          LD(F, w, (((ulong)r * S + s) * cg + c) * K) +
                      sum;
        }
    ST(Y, y, y_off + i, sum);
}
#endif

#ifdef ENTRY_conv_grad_x_item
/* dy [N, P, Q, K], w [R, S, C / group, K] -> dx [N, H, W, C]: item i is
 * element i of dx and gathers from dy.  Pixel h is tap r of output row (h +
 * pad - r dilation) / stride, where that is whole. */
__kernel void KERNEL(conv_grad_x_item)(const __global T(Y) *dy, ulong dy_off,
                                       const __global T(F) *w, ulong w_off,
                                       __global T(X) *dx, ulong dx_off,
                                       uint N, GEOMETRY)
{
    const ulong i = get_global_id(0);
    if (i >= (ulong)N * H * W * C)
        return;
    const int c = i % C, v = i / C % W, h = i / C / W % H;
    const int cg = C / group, kg = K / group, k0 = c / cg * kg;
    float sum = 0.0f;

    dy += dy_off + i / C / W / H * P * Q * K + k0;
    w += w_off + (ulong)(c % cg) * K + k0;
    for (int r = 0; r < R; r++)
        for (int s = 0; s < S; s++) {
            const int a = h + ph - r * dh, b = v + pw - s * dw;

            if (a < 0 || a % sh || a / sh >= P || b < 0 || b % sw ||
                b / sw >= Q)
                continue;
            for (int k = 0; k < kg; k++)
                sum = LD(Y, dy, ((ulong)(a / sh) * Q + b / sw) * K + k) *
                          LD(F, w, ((ulong)r * S + s) * cg * K + k) +
                      sum;
        }
    ST(X, dx, dx_off + i, sum);
}
#endif

#ifdef ENTRY_conv_grad_w_item
/* x [N, H, W, C], dy [N, P, Q, K], acc -> dw [lanes, R, S, C / group, K]: item
 * i is element i of dw, a chain over the samples of its lane, then rows, then
 * columns.  The batch can be cut between samples, the chain goes on from
 * acc. */
__kernel void KERNEL(conv_grad_w_item)(const __global T(X) *x, ulong x_off,
                                       const __global T(Y) *dy, ulong dy_off,
#ifdef ACC
                                       const __global float *acc,
                                       ulong acc_off,
#endif
                                       __global float *dw_out, ulong dw_off,
                                       uint lanes, uint rows, uint first,
                                       GEOMETRY)
{
    const ulong i = get_global_id(0);
    const int cg = C / group;
    const ulong size = (ulong)R * S * cg * K;
    if (i >= lanes * size)
        return;
    const int k = i % K, c = i / K % cg + k / (K / group) * cg;
    const int s = i / K / cg % S, r = i / K / cg / S % R;
    float sum = 0.0f;

#ifdef ACC
    if (first)
        sum = acc[acc_off + i];
#endif
    for (uint n = lane_start(i / size, lanes, first); n < rows; n += lanes)
        for (int p = 0; p < P; p++)
            for (int q = 0; q < Q; q++) {
                const int h = p * sh - ph + r * dh, v = q * sw - pw + s * dw;

                if (h < 0 || h >= H || v < 0 || v >= W)
                    continue;
                sum = LD(X, x, x_off + (((ulong)n * H + h) * W + v) * C + c) *
                          LD(Y, dy, dy_off + (((ulong)n * P + p) * Q + q) * K +
                                        k) +
                      sum;
            }
    dw_out[dw_off + i] = sum;
}
#endif

#undef GEOMETRY
