/*
 * reduce.cl: sums, means, extremes, products; sums over the batch by lanes.
 *
 * KIND is SUM, MEAN, MAXIMUM, MINIMUM or PRODUCT.  *_cpu entries: a work-group
 * is one work-item that takes a part of the rows or columns; *_item entries:
 * one per element of the result.
 */
#ifdef KIND
#define START_SUM 0.0f
#define START_MEAN 0.0f
#define START_MAXIMUM -INFINITY
#define START_MINIMUM INFINITY
#define START_PRODUCT 1.0f
#define START PASTE(START_, KIND)

/* Extremes let a NaN through, whichever side it is on. */
#define JOIN_SUM(a, b) ((a) + (b))
#define JOIN_MEAN(a, b) ((a) + (b))
#define JOIN_MAXIMUM(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))
#define JOIN_MINIMUM(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))
#define JOIN_PRODUCT(a, b) ((a) * (b))
#define JOIN(a, b) PASTE(JOIN_, KIND)(a, b)

#define JOIN16_SUM(a, b) ((a) + (b))
#define JOIN16_MEAN(a, b) ((a) + (b))
#define JOIN16_MAXIMUM(a, b) select(b, a, ((a) > (b)) | ((a) != (a)))
#define JOIN16_MINIMUM(a, b) select(b, a, ((a) < (b)) | ((a) != (a)))
#define JOIN16_PRODUCT(a, b) ((a) * (b))
#define JOIN16(a, b) PASTE(JOIN16_, KIND)(a, b)

#define FINISH_SUM(a, n) (a)
#define FINISH_MEAN(a, n) ((a) / (float)(n))
#define FINISH_MAXIMUM(a, n) (a)
#define FINISH_MINIMUM(a, n) (a)
#define FINISH_PRODUCT(a, n) (a)
#define FINISH(a, n) PASTE(FINISH_, KIND)(a, n)
#endif

#ifdef ENTRY_reduce_rows_cpu
/*
 * inner is 1.  A row goes into four times 16 partial results (element i into
 * number i mod 64), the end of it on a padded register; they are joined in
 * order.
 */
INLINE float KERNEL(row)(const __global T(X) *x, ulong len)
{
    float16 part[4] = {START, START, START, START};
    float last[16], result = START;
    ulong i = 0;

    for (; i + 64 <= len; i += 64)
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const float16 v = LD16(X, x, i + j * 16);

            part[j] = JOIN16(part[j], v);
        }
#pragma unroll
    for (int j = 0; j < 4; j++) {
        const long left = (long)(len - i) - j * 16;

        if (left > 0) {
            float v[16];

            for (int k = 0; k < 16; k++)
                v[k] = k < left ? LD(X, x, i + j * 16 + k) : START;
            part[j] = JOIN16(part[j], vload16(0, v));
        }
    }
    part[0] = JOIN16(part[0], part[1]);
    part[2] = JOIN16(part[2], part[3]);
    vstore16(JOIN16(part[0], part[2]), 0, last);
    for (int k = 0; k < 16; k++)
        result = JOIN(result, last[k]);
    return result;
}

/* x [outer, len] -> y [outer]. */
__kernel ONE_ITEM void KERNEL(reduce_rows_cpu)(const __global T(X) *x,
                                               ulong x_off, __global T(Y) *y,
                                               ulong y_off, uint outer,
                                               uint outer_high, uint len,
                                               uint len_high)
{
    const ulong rows = join(outer, outer_high), n = join(len, len_high);
    const ulong end = rows * (get_group_id(0) + 1) / get_num_groups(0);

    for (ulong i = rows * get_group_id(0) / get_num_groups(0); i < end; i++)
        ST(Y, y, y_off + i, FINISH(KERNEL(row)(x + x_off + i * n, n), n));
}
#endif

#ifdef ENTRY_reduce_columns_cpu
/*
 * 16 neighbours of inner at a time; position i of len goes into partial result
 * i mod 4, and those are joined in order.
 */
INLINE float16 KERNEL(columns)(const __global T(X) *x, ulong len, ulong inner,
                               int left)
{
    float16 part[4] = {START, START, START, START};
    ulong i = 0;

    for (; i + 4 <= len; i += 4)
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const float16 v = LD16N(X, x, (i + j) * inner, left);

            part[j] = JOIN16(part[j], v);
        }
#pragma unroll
    for (int j = 0; j < 3; j++)
        if (i + j < len) {
            const float16 v = LD16N(X, x, (i + j) * inner, left);

            part[j] = JOIN16(part[j], v);
        }
    part[0] = JOIN16(part[0], part[1]);
    part[2] = JOIN16(part[2], part[3]);
    return JOIN16(part[0], part[2]);
}

/* x [outer, len, inner] -> y [outer, inner]; tasks are blocks of 16 columns. */
__kernel ONE_ITEM void
KERNEL(reduce_columns_cpu)(const __global T(X) *x, ulong x_off,
                           __global T(Y) *y, ulong y_off, uint outer,
                           uint outer_high, uint len, uint len_high, uint inner,
                           uint inner_high)
{
    const ulong n = join(len, len_high), width = join(inner, inner_high);
    const ulong blocks = (width + 15) / 16;
    const ulong tasks = join(outer, outer_high) * blocks;
    const ulong end = tasks * (get_group_id(0) + 1) / get_num_groups(0);

    for (ulong t = tasks * get_group_id(0) / get_num_groups(0); t < end; t++) {
        const ulong o = t / blocks, c = t % blocks * 16;
        const int left = min(width - c, (ulong)16);
        const float16 v =
            KERNEL(columns)(x + x_off + o * n * width + c, n, width, left);

        ST16N(Y, y, y_off + o * width + c, FINISH(v, n), left);
    }
}
#endif

#ifdef ENTRY_reduce_item
/* x [outer, len, inner] -> y [outer, inner], one chain an item. */
__kernel void KERNEL(reduce_item)(const __global T(X) *x, ulong x_off,
                                  __global T(Y) *y, ulong y_off, uint outer,
                                  uint outer_high, uint len, uint len_high,
                                  uint inner, uint inner_high)
{
    const ulong n = join(len, len_high), width = join(inner, inner_high);
    const ulong i = get_global_id(0);
    if (i >= join(outer, outer_high) * width)
        return;
    float result = START;

    x += x_off + i / width * n * width + i % width;
    for (ulong k = 0; k < n; k++) {
        const float v = LD(X, x, k * width);

        result = JOIN(result, v);
    }
    ST(Y, y, y_off + i, FINISH(result, n));
}
#endif

#ifdef KIND
#undef START
#undef START_SUM
#undef START_MEAN
#undef START_MAXIMUM
#undef START_MINIMUM
#undef JOIN
#undef JOIN_SUM
#undef JOIN_MEAN
#undef JOIN_MAXIMUM
#undef JOIN_MINIMUM
#undef JOIN16
#undef JOIN16_SUM
#undef JOIN16_MEAN
#undef JOIN16_MAXIMUM
#undef JOIN16_MINIMUM
#undef FINISH
#undef FINISH_SUM
#undef FINISH_MEAN
#undef FINISH_MAXIMUM
#undef FINISH_MINIMUM
#endif

#ifdef ENTRY_batch_sum_cpu
/*
 * One chain per element over the lane's samples and B; 16 neighbours of C at a
 * time.  A work-group is one work-item: a lane (second dimension) and a part of
 * the blocks of 16.
 */
__kernel ONE_ITEM void KERNEL(batch_sum_cpu)(const __global T(X) *x,
                                             ulong x_off,
#ifdef ACC
                                             const __global float *acc,
                                             ulong acc_off,
#endif
                                             __global float *y, ulong y_off,
                                             uint A, uint B, uint C, uint lanes,
                                             uint rows, uint first)
{
    const uint lane = get_group_id(1);
    const ulong blocks = (C + 15ul) / 16, tasks = A * blocks;
    const ulong end = tasks * (get_group_id(0) + 1) / get_num_groups(0);

    for (ulong t = tasks * get_group_id(0) / get_num_groups(0); t < end; t++) {
        const ulong a = t / blocks, c = t % blocks * 16;
        const ulong at = ((ulong)lane * A + a) * C + c;
        const int left = min(C - c, (ulong)16);
        float16 sum = 0.0f;

#ifdef ACC
        if (first)
            sum = LD16N(f32, acc, acc_off + at, left);
#endif
        for (uint n = lane_start(lane, lanes, first); n < rows; n += lanes) {
            const __global T(X) *p = x + x_off + ((ulong)n * A + a) * B * C + c;

            for (uint b = 0; b < B; b++, p += C)
                sum += LD16N(X, p, 0, left);
        }
        ST16N(f32, y, y_off + at, sum, left);
    }
}
#endif

#ifdef ENTRY_batch_sum_item
/* x [samples, A, B, C], acc -> y [lanes, A, C]; the same chains as
 * batch_sum_cpu. */
__kernel void KERNEL(batch_sum_item)(const __global T(X) *x, ulong x_off,
#ifdef ACC
                                     const __global float *acc, ulong acc_off,
#endif
                                     __global float *y, ulong y_off, uint A,
                                     uint B, uint C, uint lanes, uint rows,
                                     uint first)
{
    const ulong i = get_global_id(0);
    if (i >= (ulong)lanes * A * C)
        return;
    const ulong c = i % C, a = i / C % A;
    const uint lane = i / C / A;
    float sum = 0.0f;

#ifdef ACC
    if (first)
        sum = acc[acc_off + i];
#endif
    for (uint n = lane_start(lane, lanes, first); n < rows; n += lanes)
        for (uint b = 0; b < B; b++)
            sum += LD(X, x, x_off + (((ulong)n * A + a) * B + b) * C + c);
    y[y_off + i] = sum;
}
#endif

#ifdef ENTRY_lane_sum
/* The work-items divide the blocks of 16 elements among them. */
__kernel void KERNEL(lane_sum)(const __global float *x, ulong x_off,
                               __global float *y, ulong y_off, uint lanes,
                               uint elements, uint elements_high)
{
    const ulong size = join(elements, elements_high);
    const ulong blocks = (size + 15) / 16;
    const ulong end = blocks * (get_global_id(0) + 1) / get_global_size(0);

    for (ulong b = blocks * get_global_id(0) / get_global_size(0); b < end;
         b++) {
        const int left = min(size - b * 16, (ulong)16);
        float16 sum = LD16N(f32, x, x_off + b * 16, left);

        for (uint lane = 1; lane < lanes; lane++)
            sum += LD16N(f32, x, x_off + lane * size + b * 16, left);
        ST16N(f32, y, y_off + b * 16, sum, left);
    }
}
#endif

#ifdef ENTRY_square_sum_cpu
/* A work-group is one work-item, and takes 8 times 16 neighbouring lanes. */
__kernel ONE_ITEM void KERNEL(square_sum_cpu)(const __global T(X) *x,
                                              ulong x_off,
#ifdef ACC
                                              const __global float *acc,
                                              ulong acc_off,
#endif
                                              __global float *y, ulong y_off,
                                              uint elements,
                                              uint elements_high, uint lanes)
{
    const ulong n = join(elements, elements_high);
    const ulong lane = get_group_id(0) * 128;
    float16 sum[8];
    ulong i = lane;

#pragma unroll
    for (int j = 0; j < 8; j++)
#ifdef ACC
        sum[j] = LD16(f32, acc, acc_off + lane + j * 16);
#else
        sum[j] = 0.0f;
#endif
    for (; i + 128 <= n; i += lanes)
#pragma unroll
        for (int j = 0; j < 8; j++) {
            const float16 v = LD16(X, x, x_off + i + j * 16);

            sum[j] += v * v;
        }
    for (int j = 0; j < 8 && i + j * 16 < n; j++) {
        const int left = min(n - i - j * 16, (ulong)16);
        const float16 v = LD16N(X, x, x_off + i + j * 16, left);

        sum[j] += v * v;
    }
#pragma unroll
    for (int j = 0; j < 8; j++)
        ST16(f32, y, y_off + lane + j * 16, sum[j]);
}
#endif

#ifdef ENTRY_square_sum_item
/* x [elements], acc -> y [lanes], a lane an item: neighbours read
 * neighbours. */
__kernel void KERNEL(square_sum_item)(const __global T(X) *x, ulong x_off,
#ifdef ACC
                                      const __global float *acc, ulong acc_off,
#endif
                                      __global float *y, ulong y_off,
                                      uint elements, uint elements_high,
                                      uint lanes)
{
    const ulong n = join(elements, elements_high), lane = get_global_id(0);
    if (lane >= lanes)
        return;
    float sum = 0.0f;

#ifdef ACC
    sum = acc[acc_off + lane];
#endif
    for (ulong i = lane; i < n; i += lanes) {
        const float v = LD(X, x, x_off + i);

        sum += v * v;
    }
    y[y_off + lane] = sum;
}
#endif
