/*
 * matmul.cl: matrix products, plainly, for every shape.  One work-item per
 * element of the result, which is one chain over k, from the bias on.
 */

#ifdef ENTRY_matmul_item
/* a [d.., M, K] or [K, M], b [d.., K, N] or [N, K], bias [N] -> y [d0, d1, d2,
 * d3, M, N].  Strides of a and b for each batch dimension come as two halves
 * of 32 bits. */
__kernel void KERNEL(matmul_item)(
    const __global T(A) *a, ulong a_off, const __global T(B) *b, ulong b_off,
#ifdef BIAS
    const __global float *bias, ulong bias_off,
#endif
    __global T(Y) *y, ulong y_off, uint M, uint N, uint K, uint d0, uint d1,
    uint d2, uint d3, uint a0, uint a0h, uint a1, uint a1h, uint a2, uint a2h,
    uint a3, uint a3h, uint b0, uint b0h, uint b1, uint b1h, uint b2, uint b2h,
    uint b3, uint b3h)
{
    const ulong i = get_global_id(0);
    const ulong batch = i / N / M;
    if (batch >= (ulong)d0 * d1 * d2 * d3)
        return;
    const ulong m = i / N % M, n = i % N;
    const ulong i3 = batch % d3, i2 = batch / d3 % d2;
    const ulong i1 = batch / d3 / d2 % d1, i0 = batch / d3 / d2 / d1;

    a += a_off + i0 * join(a0, a0h) + i1 * join(a1, a1h) +
         i2 * join(a2, a2h) + i3 * join(a3, a3h);
    b += b_off + i0 * join(b0, b0h) + i1 * join(b1, b1h) +
         i2 * join(b2, b2h) + i3 * join(b3, b3h);
#ifdef BIAS
    float sum = bias[bias_off + n];
#else
    float sum = 0.0f;
#endif
    for (ulong k = 0; k < K; k++)
        sum = LD(A, a, TRANS_A ? k * M + m : m * K + k) *
                  LD(B, b, TRANS_B ? n * K + k : k * N + n) +
              sum;
    ST(Y, y, y_off + i, sum);
}
#endif

#ifdef ENTRY_matmul_batch_sum_item
/* a [samples * per_sample, M], b [.., N], acc -> y [lanes, M, N]: item i is
 * element i of y, a chain over its lane's samples and their rows. */
__kernel void KERNEL(matmul_batch_sum_item)(
    const __global T(A) *a, ulong a_off, const __global T(B) *b, ulong b_off,
#ifdef ACC
    const __global float *acc, ulong acc_off,
#endif
    __global float *y, ulong y_off, uint M, uint N, uint per_sample, uint lanes,
    uint rows, uint first)
{
    const ulong i = get_global_id(0);
    if (i >= (ulong)lanes * M * N)
        return;
    const uint n = i % N, m = i / N % M, lane = i / N / M;
    float sum = 0.0f;

#ifdef ACC
    if (first)
        sum = acc[acc_off + i];
#endif
    for (uint s = lane_start(lane, lanes, first); s < rows; s += lanes)
        for (uint t = 0; t < per_sample; t++) {
            const ulong row = (ulong)s * per_sample + t;

            sum = LD(A, a, a_off + row * M + m) *
                      LD(B, b, b_off + row * N + n) +
                  sum;
        }
    y[y_off + i] = sum;
}
#endif
