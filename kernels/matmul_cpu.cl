/*
 * matmul_cpu.cl: a batch of matrix products on a CPU.
 *
 * A task is CHUNK rows times 16 * VECS columns of one result.  A work-group is
 * one work-item that takes neighbouring tasks: it packs the columns of op(b),
 * [K][16 * VECS] floats with zeros beyond N, into its slice of the workspace
 * where the task before did not have the same, and goes down the rows by tiles
 * of ROWS whose sums stay in registers over the whole of K.  op(a) is read as
 * it lies: rows of it where it is not transposed, neighbours in a row where it
 * is.  Rows beyond M are computed on row M - 1 and not stored.
 *
 * Assumes that one matrix has less than 2^31 elements.
 */
#ifndef VECS
#define VECS 1
#define VECS_IS_DEFAULT
#endif
#ifndef ROWS
#define ROWS 8
#define ROWS_IS_DEFAULT
#endif
#ifndef CHUNK
#define CHUNK 48
#define CHUNK_IS_DEFAULT
#endif
#define TILE (16 * VECS)

#if TRANS_B
/* 16 columns, from rows of b: n_left columns, k_left of their elements. */
INLINE void KERNEL(pack16)(__global float *to, const __global T(B) *b, int K,
                           int n_left, int k_left)
{
    float16 v[16];

#pragma unroll
    for (int n = 0; n < 16; n++)
        v[n] = n < n_left ? LD16N(B, b, n * K, k_left) : 0.0f;
    transpose16(v);
#pragma unroll
    for (int k = 0; k < 16; k++)
        if (k < k_left)
            st16_f32(to + k * TILE, v[k]);
}

/* b [N, K], turned by blocks of 16 by 16 in registers -> to [K, TILE]. */
INLINE void KERNEL(pack)(__global float *to, const __global T(B) *b, int K,
                         int N, int n0)
{
    for (int n = 0; n < TILE; n += 16)
        for (int k = 0; k < K; k += 16)
            KERNEL(pack16)(to + k * TILE + n, b + (n0 + n) * K + k, K,
                           N - n0 - n, K - k);
}
#else
INLINE void KERNEL(pack)(__global float *to, const __global T(B) *b, int K,
                         int N, int n0)
{
    for (int k = 0; k < K; k++)
        for (int n = 0; n < TILE; n += 16)
            st16_f32(to + k * TILE + n,
                     n0 + n < N ? LD16N(B, b, k * N + n0 + n, N - n0 - n)
                                : 0.0f);
}
#endif

/* One tile of y from rows a + at[j]; `step` elements of a from k to k + 1. */
INLINE void KERNEL(tile)(__global T(Y) *y, const __global T(A) *a,
                         const int *at, int step, const __global float *b,
                         const float16 *bias, int K, int N, int m_left,
                         int n_left)
{
    float16 sum[ROWS][VECS];

#pragma unroll
    for (int j = 0; j < ROWS; j++)
#pragma unroll
        for (int v = 0; v < VECS; v++)
            sum[j][v] = bias[v];
    for (int k = 0; k < K; k++) {
        float16 c[VECS];

#pragma unroll
        for (int v = 0; v < VECS; v++)
            c[v] = ld16_f32(b + v * 16);
#pragma unroll
        for (int j = 0; j < ROWS; j++) {
            const float16 r = LD(A, a, at[j]);
#pragma unroll
            for (int v = 0; v < VECS; v++)
                sum[j][v] = r * c[v] + sum[j][v];
        }
        a += step;
        b += TILE;
    }
#pragma unroll
    for (int j = 0; j < ROWS; j++)
#pragma unroll
        for (int v = 0; v < VECS; v++)
            if (j < m_left && v * 16 < n_left)
                ST16N(Y, y, j * N + v * 16, sum[j][v], n_left - v * 16);
}

/* Operands and strides as in matmul.cl's matmul_item. task = (batch, block of
 * columns, chunk of rows), rows fastest; `last` is the batch and block that is
 * packed. */
__kernel ONE_ITEM void KERNEL(matmul_cpu)(
    const __global T(A) *a, ulong a_off, const __global T(B) *b, ulong b_off,
#ifdef BIAS
    const __global float *bias, ulong bias_off,
#endif
    __global T(Y) *y, ulong y_off, __global float *workspace,
    ulong workspace_off, int M, int N, int K, uint d0, uint d1, uint d2,
    uint d3, uint a0, uint a0h, uint a1, uint a1h, uint a2, uint a2h, uint a3,
    uint a3h, uint b0, uint b0h, uint b1, uint b1h, uint b2, uint b2h, uint b3,
    uint b3h)
{
    const uint chunks = (M + CHUNK - 1) / CHUNK, tiles = (N + TILE - 1) / TILE;
    const ulong tasks = (ulong)d0 * d1 * d2 * d3 * tiles * chunks;
    const ulong group = get_group_id(0), groups = get_num_groups(0);
    const ulong end = tasks * (group + 1) / groups;
    __global float *packed = workspace + workspace_off + group * K * TILE;
    ulong last = ULONG_MAX;
    float16 start[VECS];

    for (ulong task = tasks * group / groups; task < end; task++) {
        const ulong batch = task / chunks / tiles;
        const ulong i3 = batch % d3, i2 = batch / d3 % d2;
        const ulong i1 = batch / d3 / d2 % d1, i0 = batch / d3 / d2 / d1;
        const int n0 = (int)(task / chunks % tiles) * TILE;
        const int m0 = (int)(task % chunks) * CHUNK;
        const __global T(A) *from = a + a_off + i0 * join(a0, a0h) +
                                    i1 * join(a1, a1h) + i2 * join(a2, a2h) +
                                    i3 * join(a3, a3h);

        if (task / chunks != last) {
            KERNEL(pack)(packed,
                         b + b_off + i0 * join(b0, b0h) + i1 * join(b1, b1h) +
                             i2 * join(b2, b2h) + i3 * join(b3, b3h),
                         K, N, n0);
#pragma unroll
            for (int v = 0; v < VECS; v++) {
                start[v] = 0.0f;
#ifdef BIAS
                if (n0 + v * 16 < N)
                    start[v] = LD16N(f32, bias, bias_off + n0 + v * 16,
                                     N - n0 - v * 16);
#endif
            }
            last = task / chunks;
        }
        for (int m = m0; m < min(m0 + CHUNK, M); m += ROWS) {
            int at[ROWS];

#pragma unroll
            for (int j = 0; j < ROWS; j++)
                at[j] = min(m + j, M - 1) * (TRANS_A ? 1 : K);
            KERNEL(tile)(y + y_off + (batch * M + m) * N + n0, from, at,
                         TRANS_A ? M : 1, packed, start, K, N,
                         min(m0 + CHUNK, M) - m, N - n0);
        }
    }
}

#undef TILE
#ifdef VECS_IS_DEFAULT
#undef VECS
#undef VECS_IS_DEFAULT
#endif
#ifdef ROWS_IS_DEFAULT
#undef ROWS
#undef ROWS_IS_DEFAULT
#endif
#ifdef CHUNK_IS_DEFAULT
#undef CHUNK
#undef CHUNK_IS_DEFAULT
#endif
