/*
 * matmul_batch_sum_cpu.cl: y[lane] = sum over the lane's samples and their
 * positions of a[., m] b[., n], on a CPU.
 *
 * A work-group is one work-item: one lane (second dimension), CHUNK rows m and
 * 16 * VECS columns n of y.  Tiles of ROWS rows keep their sums in registers
 * over all samples: one chain per element.  Rows beyond M are computed on row
 * M - 1 and not stored.
 *
 * Assumes that M * N and a sample have less than 2^31 elements.
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

/* The samples of one lane, and the sizes. */
struct KERNEL(lane) {
    uint begin, step, end; /* samples */
    int per_sample, M, N; /* rows of a sample; of y */
};

/* One tile of n_left columns; `full` is a constant: all 16 * VECS of them.
 * carry, y: its first element; b: its first column; at: its columns of a. */
INLINE void KERNEL(tile)(__global float *y, const __global float *carry,
                         const __global T(A) *a, const int *at,
                         const __global T(B) *b, const struct KERNEL(lane) * s,
                         int m_left, int n_left, const bool full)
{
    float16 sum[ROWS][VECS];

#pragma unroll
    for (int j = 0; j < ROWS; j++)
#pragma unroll
        for (int v = 0; v < VECS; v++) {
            sum[j][v] = 0.0f;
            if (carry && j < m_left && v * 16 < n_left)
                sum[j][v] =
                    LD16N(f32, carry, j * s->N + v * 16, n_left - v * 16);
        }
    for (uint n = s->begin; n < s->end; n += s->step) {
        const __global T(A) *row_a = a + (ulong)n * s->per_sample * s->M;
        const __global T(B) *row_b = b + (ulong)n * s->per_sample * s->N;

        for (int t = 0; t < s->per_sample; t++) {
            float16 c[VECS];

#pragma unroll
            for (int v = 0; v < VECS; v++) {
                c[v] = 0.0f;
                if (full)
                    c[v] = LD16(B, row_b, v * 16);
                else if (v * 16 < n_left)
                    c[v] = LD16N(B, row_b, v * 16, n_left - v * 16);
            }
#pragma unroll
            for (int j = 0; j < ROWS; j++) {
                const float16 r = LD(A, row_a, at[j]);
#pragma unroll
                for (int v = 0; v < VECS; v++)
                    sum[j][v] = r * c[v] + sum[j][v];
            }
            row_a += s->M;
            row_b += s->N;
        }
    }
#pragma unroll
    for (int j = 0; j < ROWS; j++)
#pragma unroll
        for (int v = 0; v < VECS; v++)
            if (j < m_left && v * 16 < n_left)
                ST16N(f32, y, j * s->N + v * 16, sum[j][v], n_left - v * 16);
}

/* a [samples * per_sample, M], b [.., N], acc -> y [lanes, M, N].  The calls
 * differ in `full` alone, so that the usual tile has no tests in its loop. */
__kernel ONE_ITEM void KERNEL(matmul_batch_sum_cpu)(
    const __global T(A) *a, ulong a_off, const __global T(B) *b, ulong b_off,
#ifdef ACC
    const __global float *acc, ulong acc_off,
#endif
    __global float *y, ulong y_off, int M, int N, int per_sample, uint lanes,
    uint rows, uint first)
{
    const int chunks = (M + CHUNK - 1) / CHUNK;
    const int m0 = (int)get_group_id(0) % chunks * CHUNK;
    const int n0 = (int)get_group_id(0) / chunks * 16 * VECS;
    const uint lane = get_group_id(1);
    const struct KERNEL(lane) s = {
        lane_start(lane, lanes, first), lanes, rows, per_sample, M, N};
    const ulong matrix = (ulong)lane * M * N + n0;
    const __global float *carry = 0;

#ifdef ACC
    if (first)
        carry = acc + acc_off + matrix;
#endif
    a += a_off;
    b += b_off + n0;
    y += y_off + matrix;
    for (int m = m0; m < min(m0 + CHUNK, M); m += ROWS) {
        const __global float *from = carry ? carry + m * N : 0;
        const int m_left = min(m0 + CHUNK, M) - m;
        int at[ROWS];

#pragma unroll
        for (int j = 0; j < ROWS; j++)
            at[j] = min(m + j, M - 1);
        if (N - n0 >= 16 * VECS)
            KERNEL(tile)(y + m * N, from, a, at, b, &s, m_left, N - n0, true);
        else
            KERNEL(tile)(y + m * N, from, a, at, b, &s, m_left, N - n0, false);
    }
}

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
