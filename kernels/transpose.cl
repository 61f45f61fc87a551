/* transpose.cl: moving elements of type E, which has their size. */

#ifdef ENTRY_transpose_swap_cpu
/*
 * x [N, A, B] -> y [N, B, A].  A group of one item takes block_a by block_b of
 * one n, in tiles of 16 by 16; whole tiles of 4-byte elements in registers.
 */
INLINE void KERNEL(tile)(const __global E *x, __global E *y, uint A, uint B,
                         uint as, uint bs)
{
#ifdef WORDS
    if (as == 16 && bs == 16) {
        float16 v[16];

#pragma unroll
        for (uint a = 0; a < 16; a++)
            v[a] = LD16(f32, (const __global float *)x, (ulong)a * B);
        transpose16(v);
#pragma unroll
        for (uint b = 0; b < 16; b++)
            ST16(f32, (__global float *)y, (ulong)b * A, v[b]);
        return;
    }
#endif
    for (uint b = 0; b < bs; b++)
        for (uint a = 0; a < as; a++)
            y[(ulong)b * A + a] = x[(ulong)a * B + b];
}

/* Columns of x outermost: a strip of 16 is read downwards while y's rows are
 * written. */
__kernel ONE_ITEM void KERNEL(transpose_swap_cpu)(
    const __global E *x, ulong x_off, __global E *y, ulong y_off, uint A,
    uint B, uint block_a, uint block_b)
{
    const ulong sample = (ulong)get_group_id(2) * A * B;
    const uint a0 = get_group_id(1) * block_a, a1 = min(A, a0 + block_a);
    const uint b0 = get_group_id(0) * block_b, b1 = min(B, b0 + block_b);

    x += x_off + sample;
    y += y_off + sample;
    for (uint b = b0; b < b1; b += 16)
        for (uint a = a0; a < a1; a += 16)
            KERNEL(tile)(x + (ulong)a * B + b, y + (ulong)b * A + a, A, B,
                         min(16u, a1 - a), min(16u, b1 - b));
}
#endif

#ifdef ENTRY_transpose_swap_tile
/*
 * x [N, A, B] -> y [N, B, A].  A group of TILE * TILE_ROWS items takes a square
 * of TILE through local memory, so that both sides are read and written in
 * neighbouring elements; one column more keeps the banks apart.
 */
__kernel __attribute__((reqd_work_group_size(TILE * TILE_ROWS, 1, 1)))
void KERNEL(transpose_swap_tile)(const __global E *x, ulong x_off,
                                 __global E *y, ulong y_off, uint A, uint B,
                                 uint across, uint down)
{
    __local E tile[TILE][TILE + 1];
    const ulong group = get_group_id(0);
    const uint b0 = group % across * TILE, a0 = group / across % down * TILE;
    const ulong sample = group / across / down * A * B;
    const uint column = get_local_id(0) % TILE, row = get_local_id(0) / TILE;

    x += x_off + sample;
    y += y_off + sample;
    for (uint i = row; i < TILE; i += TILE_ROWS)
        if (a0 + i < A && b0 + column < B)
            tile[i][column] = x[(ulong)(a0 + i) * B + b0 + column];
    /* Columns of the square are written by other items than read it. */
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = row; i < TILE; i += TILE_ROWS)
        if (b0 + i < B && a0 + column < A)
            y[(ulong)(b0 + i) * A + a0 + column] = tile[column][i];
}
#endif

#if defined ENTRY_transpose_rows_cpu || defined ENTRY_transpose_item
/* Dimensions of y and their strides in x, innermost first. */
#define DIM(k)                                                                 \
    uint d##k##_low, uint d##k##_high, uint s##k##_low, uint s##k##_high
#define DIMS DIM(0), DIM(1), DIM(2), DIM(3), DIM(4), DIM(5), DIM(6), DIM(7)
#define STEP(k)                                                                \
    if (RANK > k) {                                                            \
        const INDEX d = (INDEX)join(d##k##_low, d##k##_high);                  \
                                                                               \
        at += q % d * join(s##k##_low, s##k##_high);                           \
        q /= d;                                                                \
    }
#endif

#ifdef ENTRY_transpose_rows_cpu
/* The innermost dimension stays: a group of one item copies `per` rows. */
__kernel ONE_ITEM void KERNEL(transpose_rows_cpu)(
    const __global E *x, ulong x_off, __global E *y, ulong y_off, DIMS,
    uint rows, uint per)
{
    const uint len = d0_low, begin = get_group_id(0) * per;
    const uint end = min(rows, begin + per);

    for (uint row = begin; row < end; row++) {
        const ulong to = y_off + (ulong)row * len;
        INDEX q = row;
        ulong at = x_off;

        STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
        for (uint i = 0; i < len; i++)
            y[to + i] = x[at + i];
    }
}
#endif

#ifdef ENTRY_transpose_item
/* An item per element of y [n]. */
__kernel void KERNEL(transpose_item)(const __global E *x, ulong x_off,
                                     __global E *y, ulong y_off, DIMS,
                                     uint n_low, uint n_high)
{
    const ulong i = get_global_id(0);
    INDEX q = (INDEX)i;
    ulong at = x_off;

    if (i >= join(n_low, n_high))
        return;
    STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
    y[y_off + i] = x[at];
}
#endif

#if defined ENTRY_transpose_rows_cpu || defined ENTRY_transpose_item
#undef DIM
#undef DIMS
#undef STEP
#endif
