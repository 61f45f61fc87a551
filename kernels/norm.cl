/*
 * norm.cl: statistics of batch norm, and the sums of its gradient.
 *
 * x and dy are [samples, positions, C].  *_cpu entries: a work-group is one
 * work-item: a lane (second dimension) and a part of the blocks of 16 channels.
 * *_item entries: a work-item per lane and channel.  Samples from `rows` on are
 * stale and not read.
 *
 * Moments are joined as in Chan, Golub, LeVeque, "Updating formulae and a
 * pairwise algorithm for computing sample variances" (1979): of a and b
 * elements with means m and k and squares s and t, the mean is
 * m + (k - m) b / (a + b) and the squares are s + t + (k - m)^2 a b / (a + b).
 */

#if defined ENTRY_batch_moments_cpu || defined ENTRY_batch_moments_item
/* Positions whose moments are computed in two passes, in cache, and joined to
 * what came before; a part of a sample. */
#define PART 64u
#endif

#ifdef ENTRY_batch_moments_cpu
/* x [samples, positions, C] -> y [lanes, 2, C]. `ratio` is b / (a + b): of the
 * part in what there is with it; the first part has count 0 and ratio 1. */
__kernel ONE_ITEM void KERNEL(batch_moments_cpu)(const __global T(X) *x,
                                                 ulong x_off,
                                                 __global float *y, ulong y_off,
                                                 uint positions, uint C,
                                                 uint lanes, uint rows)
{
    const uint lane = get_group_id(1), blocks = (C + 15) / 16;
    const uint end = (ulong)blocks * (get_group_id(0) + 1) / get_num_groups(0);

    for (uint b = (ulong)blocks * get_group_id(0) / get_num_groups(0); b < end;
         b++) {
        const int left = C - b * 16;
        float16 mean = 0.0f, squares = 0.0f;
        float count = 0.0f;

        for (uint n = lane; n < rows; n += lanes)
            for (uint s = 0; s < positions; s += PART) {
                const uint size = min(positions - s, PART);
                const __global T(X) *from =
                    x + x_off + ((ulong)n * positions + s) * C + b * 16;
                const float ratio = size / (count + size);
                float16 sum = 0.0f, part = 0.0f;

                for (uint i = 0; i < size; i++)
                    sum += LD16N(X, from, (ulong)i * C, left);
                sum /= (float)size;
                for (uint i = 0; i < size; i++) {
                    const float16 d = LD16N(X, from, (ulong)i * C, left) - sum;

                    part = d * d + part;
                }
                const float16 step = sum - mean;

                squares += step * step * (count * ratio) + part;
                mean = step * ratio + mean;
                count += size;
            }
        const ulong at = y_off + (ulong)lane * 2 * C + b * 16;

        ST16N(f32, y, at, mean, left);
        ST16N(f32, y, at + C, squares, left);
    }
}
#endif

#ifdef ENTRY_batch_moments_item
/* As batch_moments_cpu, one channel an item, with the same parts and joins. */
__kernel void KERNEL(batch_moments_item)(const __global T(X) *x, ulong x_off,
                                         __global float *y, ulong y_off,
                                         uint positions, uint C, uint lanes,
                                         uint rows)
{
    const uint c = get_global_id(0) % C, lane = get_global_id(0) / C;
    if (lane >= lanes)
        return;
    float mean = 0.0f, squares = 0.0f, count = 0.0f;

    for (uint n = lane; n < rows; n += lanes)
        for (uint s = 0; s < positions; s += PART) {
            const uint size = min(positions - s, PART);
            const ulong from = x_off + ((ulong)n * positions + s) * C + c;
            const float ratio = size / (count + size);
            float sum = 0.0f, part = 0.0f;

            for (uint i = 0; i < size; i++)
                sum += LD(X, x, from + (ulong)i * C);
            sum /= (float)size;
            for (uint i = 0; i < size; i++) {
                const float d = LD(X, x, from + (ulong)i * C) - sum;

                part = d * d + part;
            }
            const float step = sum - mean;

            squares += step * step * (count * ratio) + part;
            mean = step * ratio + mean;
            count += size;
        }
    y[y_off + (ulong)lane * 2 * C + c] = mean;
    y[y_off + ((ulong)lane * 2 + 1) * C + c] = squares;
}
#endif

#if defined ENTRY_batch_moments_cpu || defined ENTRY_batch_moments_item
#undef PART
#endif

#ifdef ENTRY_batch_stats
/*
 * A work-item joins the lanes of one channel, in their order. x [lanes, 2, C]
 * -> mean, var, unbiased [C].  Lane i has every lanes-th sample from i on;
 * lanes beyond the rows have none and are left out.
 */
__kernel void KERNEL(batch_stats)(const __global float *x, ulong x_off,
                                  __global float *mean, ulong mean_off,
                                  __global float *var, ulong var_off,
                                  __global float *unbiased, ulong unbiased_off,
                                  uint positions, uint C, uint lanes, uint rows)
{
    const uint c = get_global_id(0);
    if (c >= C)
        return;
    float m = 0.0f, squares = 0.0f, count = 0.0f;

    for (uint lane = 0; lane < min(lanes, rows); lane++) {
        const ulong at = x_off + (ulong)lane * 2 * C + c;
        const float size =
            (float)((rows - lane + lanes - 1) / lanes) * (float)positions;
        const float ratio = size / (count + size), step = x[at] - m;

        squares += step * step * (count * ratio) + x[at + C];
        m = step * ratio + m;
        count += size;
    }
    mean[mean_off + c] = m;
    var[var_off + c] = squares / count;
    unbiased[unbiased_off + c] = squares / max(count - 1.0f, 1.0f);
}
#endif

#ifdef ENTRY_batch_norm_sums_cpu
/* A sample's sums go to its lane's, which is cut between samples only. */
__kernel ONE_ITEM void
KERNEL(batch_norm_sums_cpu)(const __global T(DY) *dy, ulong dy_off,
                            const __global T(X) *x, ulong x_off,
                            const __global float *mean, ulong mean_off,
                            const __global float *scale, ulong scale_off,
#ifdef ACC
                            const __global float *acc, ulong acc_off,
#endif
                            __global float *y, ulong y_off, uint positions,
                            uint C, uint lanes, uint rows, uint first)
{
    const uint lane = get_group_id(1), blocks = (C + 15) / 16;
    const uint end = (ulong)blocks * (get_group_id(0) + 1) / get_num_groups(0);

    for (uint b = (ulong)blocks * get_group_id(0) / get_num_groups(0); b < end;
         b++) {
        const int left = C - b * 16;
        const ulong at = (ulong)lane * 2 * C + b * 16;
        const float16 m = LD16N(f32, mean, mean_off + b * 16, left);
        float16 all = 0.0f, all_x = 0.0f;

#ifdef ACC
        if (first) {
            all = LD16N(f32, acc, acc_off + at, left);
            all_x = LD16N(f32, acc, acc_off + at + C, left);
        }
#endif
        for (uint n = lane_start(lane, lanes, first); n < rows; n += lanes) {
            const ulong from = (ulong)n * positions * C + b * 16;
            float16 sum = 0.0f, sum_x = 0.0f;

            for (uint i = 0; i < positions; i++) {
                const float16 d =
                    LD16N(DY, dy, dy_off + from + (ulong)i * C, left);
                const float16 v =
                    LD16N(X, x, x_off + from + (ulong)i * C, left) - m;

                sum += d;
                sum_x = d * v + sum_x;
            }
            all += sum;
            all_x = sum_x * LD16N(f32, scale, scale_off + b * 16, left) +
                    all_x;
        }
        ST16N(f32, y, y_off + at, all, left);
        ST16N(f32, y, y_off + at + C, all_x, left);
    }
}
#endif

#ifdef ENTRY_batch_norm_sums_item
/* dy, x [samples, positions, C], mean, scale [C], acc -> y [lanes, 2, C].  The
 * scale is constant over a sample's sum, so it is multiplied in once for
 * each. */
__kernel void KERNEL(batch_norm_sums_item)(
    const __global T(DY) *dy, ulong dy_off, const __global T(X) *x, ulong x_off,
    const __global float *mean, ulong mean_off, const __global float *scale,
    ulong scale_off,
#ifdef ACC
    const __global float *acc, ulong acc_off,
#endif
    __global float *y, ulong y_off, uint positions, uint C, uint lanes,
    uint rows, uint first)
{
    const uint c = get_global_id(0) % C, lane = get_global_id(0) / C;
    if (lane >= lanes)
        return;
    const ulong at = (ulong)lane * 2 * C + c;
    const float m = mean[mean_off + c];
    float all = 0.0f, all_x = 0.0f;

#ifdef ACC
    if (first) {
        all = acc[acc_off + at];
        all_x = acc[acc_off + at + C];
    }
#endif
    for (uint n = lane_start(lane, lanes, first); n < rows; n += lanes) {
        const ulong from = (ulong)n * positions * C + c;
        float sum = 0.0f, sum_x = 0.0f;

        for (uint i = 0; i < positions; i++) {
            const float d = LD(DY, dy, dy_off + from + (ulong)i * C);
            const float v = LD(X, x, x_off + from + (ulong)i * C) - m;

            sum += d;
            sum_x = d * v + sum_x;
        }
        all += sum;
        all_x = sum_x * scale[scale_off + c] + all_x;
    }
    y[y_off + at] = all;
    y[y_off + at + C] = all_x;
}
#endif

#ifdef ENTRY_batch_norm_totals
/* A work-item per channel: its sums over the rows at hand, and their means. x
 * [2, C]; all results [C]. */
__kernel void KERNEL(batch_norm_totals)(
    const __global float *x, ulong x_off, __global float *sum, ulong sum_off,
    __global float *sum_x, ulong sum_x_off, __global float *mean,
    ulong mean_off, __global float *mean_x, ulong mean_x_off, uint positions,
    uint C, uint rows)
{
    const uint c = get_global_id(0);
    if (c >= C)
        return;
    const float count = (float)rows * (float)positions;
    const float a = x[x_off + c], b = x[x_off + C + c];

    sum[sum_off + c] = a;
    sum_x[sum_x_off + c] = b;
    mean[mean_off + c] = a / count;
    mean_x[mean_x_off + c] = b / count;
}
#endif
