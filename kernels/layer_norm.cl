/*
 * layer_norm.cl: layer norm and its gradient.
 *
 * *_cpu entries: a work-group is one work-item.  Elements of a row go into 16
 * sums, number i into i mod 16, which are then added as a tree; the end of a
 * row runs the same code on registers padded with zeros.  *_item entries: a
 * work-item per row or, for the sums, per lane and channel.
 *
 * The variance is that of the differences from the mean, in a second pass.  A
 * row is read and written by one work-item, and an element is written only
 * after the last read of it, so y may lie over x, and dx over dy.
 */
#define BEGIN(tasks) ((tasks) * get_group_id(0) / get_num_groups(0))
#define END(tasks) ((tasks) * (get_group_id(0) + 1) / get_num_groups(0))
#define LANE16 ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))

#if defined ENTRY_layer_norm_cpu || defined ENTRY_layer_norm_grad_cpu
/* The last additions, in one order for rows of any length. */
INLINE float KERNEL(tree)(float16 v)
{
    const float8 a = v.lo + v.hi;
    const float4 b = a.lo + a.hi;

    return (b.x + b.y) + (b.z + b.w);
}
#endif

#ifdef ENTRY_layer_norm_cpu
INLINE float KERNEL(row_mean)(const __global T(X) *x, ulong n)
{
    float16 sum = 0.0f;

    for (ulong i = 0; i < n; i += 16)
        sum += LD16N(X, x, i, (int)min(n - i, (ulong)16));
    return KERNEL(tree)(sum) / (float)n;
}

/* x [n].  Padding is not x - mean = 0 but -mean, so it is left out by
 * selection. */
INLINE float KERNEL(row_variance)(const __global T(X) *x, ulong n, float mean)
{
    float16 sum = 0.0f;

    for (ulong i = 0; i < n; i += 16) {
        const int left = min(n - i, (ulong)16);
        const float16 v = LD16N(X, x, i, left) - mean;
        const float16 d = LANE16 < left ? v : (float16)(0.0f);

        sum = d * d + sum;
    }
    return KERNEL(tree)(sum) / (float)n;
}

/* x, y [rows, C], scale, bias [C], mean, rstd [rows].  A group takes a
 * contiguous part of the rows. */
__kernel ONE_ITEM void KERNEL(layer_norm_cpu)(
    const __global T(X) *x, ulong x_off, const __global float *scale,
    ulong scale_off, const __global float *bias, ulong bias_off,
    __global T(X) *y, ulong y_off, __global float *mean, ulong mean_off,
    __global float *rstd, ulong rstd_off, uint rows, uint rows_high, uint C,
    uint C_high, float epsilon)
{
    const ulong all = join(rows, rows_high), n = join(C, C_high);

    for (ulong row = BEGIN(all); row < END(all); row++) {
        const __global T(X) *from = x + x_off + row * n;
        const float m = KERNEL(row_mean)(from, n);
        const float r = 1.0f / sqrt(KERNEL(row_variance)(from, n, m) + epsilon);

        for (ulong i = 0; i < n; i += 16) {
            const int left = min(n - i, (ulong)16);
            const float16 z = (LD16N(X, from, i, left) - m) * r;

            ST16N(X, y, y_off + row * n + i,
                  z * LD16N(f32, scale, scale_off + i, left) +
                      LD16N(f32, bias, bias_off + i, left),
                  left);
        }
        mean[mean_off + row] = m;
        rstd[rstd_off + row] = r;
    }
}
#endif

#ifdef ENTRY_layer_norm_item
/* As layer_norm_cpu, a row an item, each sum one chain. */
__kernel void KERNEL(layer_norm_item)(
    const __global T(X) *x, ulong x_off, const __global float *scale,
    ulong scale_off, const __global float *bias, ulong bias_off,
    __global T(X) *y, ulong y_off, __global float *mean, ulong mean_off,
    __global float *rstd, ulong rstd_off, uint rows, uint rows_high, uint C,
    uint C_high, float epsilon)
{
    const ulong n = join(C, C_high), row = get_global_id(0);
    if (row >= join(rows, rows_high))
        return;
    const ulong from = x_off + row * n;
    float m = 0.0f, squares = 0.0f;

    for (ulong i = 0; i < n; i++)
        m += LD(X, x, from + i);
    m /= (float)n;
    for (ulong i = 0; i < n; i++) {
        const float d = LD(X, x, from + i) - m;

        squares = d * d + squares;
    }
    const float r = 1.0f / sqrt(squares / (float)n + epsilon);

    for (ulong i = 0; i < n; i++) {
        const float z = (LD(X, x, from + i) - m) * r;

        ST(X, y, y_off + row * n + i,
           z * scale[scale_off + i] + bias[bias_off + i]);
    }
    mean[mean_off + row] = m;
    rstd[rstd_off + row] = r;
}
#endif

/*
 * With z = (x - mean) r and g = dy scale, both means over the row:
 * dx = r (g - mean(g) - z mean(g z)).
 */
#ifdef ENTRY_layer_norm_grad_cpu
/* dy, x, dx [rows, C], mean, rstd [rows], scale [C].  Two passes over the row:
 * sums, then dx. */
__kernel ONE_ITEM void KERNEL(layer_norm_grad_cpu)(
    const __global T(DY) *dy, ulong dy_off, const __global T(X) *x, ulong x_off,
    const __global float *mean, ulong mean_off, const __global float *rstd,
    ulong rstd_off, const __global float *scale, ulong scale_off,
    __global T(DY) *dx, ulong dx_off, uint rows, uint rows_high, uint C,
    uint C_high)
{
    const ulong all = join(rows, rows_high), n = join(C, C_high);

    for (ulong row = BEGIN(all); row < END(all); row++) {
        const __global T(DY) *d = dy + dy_off + row * n;
        const __global T(X) *from = x + x_off + row * n;
        const float m = mean[mean_off + row], r = rstd[rstd_off + row];
        float16 sum = 0.0f, sum_z = 0.0f;

        for (ulong i = 0; i < n; i += 16) {
            const int left = min(n - i, (ulong)16);
            const float16 g = LD16N(DY, d, i, left) *
                              LD16N(f32, scale, scale_off + i, left);

            sum += g;
            sum_z = g * ((LD16N(X, from, i, left) - m) * r) + sum_z;
        }
        const float a = KERNEL(tree)(sum) / (float)n;
        const float b = KERNEL(tree)(sum_z) / (float)n;

        for (ulong i = 0; i < n; i += 16) {
            const int left = min(n - i, (ulong)16);
            const float16 z = (LD16N(X, from, i, left) - m) * r;
            const float16 g = LD16N(DY, d, i, left) *
                              LD16N(f32, scale, scale_off + i, left);

            ST16N(DY, dx, dx_off + row * n + i, ((g - a) - z * b) * r, left);
        }
    }
}
#endif

#ifdef ENTRY_layer_norm_grad_item
__kernel void KERNEL(layer_norm_grad_item)(
    const __global T(DY) *dy, ulong dy_off, const __global T(X) *x, ulong x_off,
    const __global float *mean, ulong mean_off, const __global float *rstd,
    ulong rstd_off, const __global float *scale, ulong scale_off,
    __global T(DY) *dx, ulong dx_off, uint rows, uint rows_high, uint C,
    uint C_high)
{
    const ulong n = join(C, C_high), row = get_global_id(0);
    if (row >= join(rows, rows_high))
        return;
    const float m = mean[mean_off + row], r = rstd[rstd_off + row];
    float a = 0.0f, b = 0.0f;

    for (ulong i = 0; i < n; i++) {
        const float g =
            LD(DY, dy, dy_off + row * n + i) * scale[scale_off + i];

        a += g;
        b = g * ((LD(X, x, x_off + row * n + i) - m) * r) + b;
    }
    a /= (float)n;
    b /= (float)n;
    for (ulong i = 0; i < n; i++) {
        const float z = (LD(X, x, x_off + row * n + i) - m) * r;
        const float g =
            LD(DY, dy, dy_off + row * n + i) * scale[scale_off + i];

        ST(DY, dx, dx_off + row * n + i, ((g - a) - z * b) * r);
    }
}
#endif

/* A sample's sums are added to its lane's; a lane is cut between samples only.
 * Samples from `rows` on are stale and not read. */
#ifdef ENTRY_layer_norm_sums_cpu
/* dy, x [samples, positions, C], mean, rstd [samples, positions], acc -> y
 * [lanes, 2, C].  A work-group is one work-item: a lane, and a part of the
 * blocks of 16 channels. */
__kernel ONE_ITEM void
KERNEL(layer_norm_sums_cpu)(const __global T(DY) *dy, ulong dy_off,
                            const __global T(X) *x, ulong x_off,
                            const __global float *mean, ulong mean_off,
                            const __global float *rstd, ulong rstd_off,
#ifdef ACC
                            const __global float *acc, ulong acc_off,
#endif
                            __global float *y, ulong y_off, uint positions,
                            uint C, uint lanes, uint rows, uint first)
{
    const uint lane = get_group_id(1), blocks = (C + 15) / 16;

    for (uint b = BEGIN((ulong)blocks); b < END((ulong)blocks); b++) {
        const int left = C - b * 16;
        const ulong at = (ulong)lane * 2 * C + b * 16;
        float16 all = 0.0f, all_z = 0.0f;

#ifdef ACC
        if (first) {
            all_z = LD16N(f32, acc, acc_off + at, left);
            all = LD16N(f32, acc, acc_off + at + C, left);
        }
#endif
        for (uint n = lane_start(lane, lanes, first); n < rows; n += lanes) {
            float16 sum = 0.0f, sum_z = 0.0f;

            for (uint i = 0; i < positions; i++) {
                const ulong row = (ulong)n * positions + i;
                const ulong from = row * C + b * 16;
                const float m = mean[mean_off + row], r = rstd[rstd_off + row];
                const float16 d = LD16N(DY, dy, dy_off + from, left);
                const float16 z = (LD16N(X, x, x_off + from, left) - m) * r;

                sum += d;
                sum_z = d * z + sum_z;
            }
            all += sum;
            all_z += sum_z;
        }
        ST16N(f32, y, y_off + at, all_z, left);
        ST16N(f32, y, y_off + at + C, all, left);
    }
}
#endif

#ifdef ENTRY_layer_norm_sums_item
/* One item per lane and channel; positions are summed apart first, as above,
 * for the same reason: a lane continues from whole samples. */
__kernel void KERNEL(layer_norm_sums_item)(
    const __global T(DY) *dy, ulong dy_off, const __global T(X) *x, ulong x_off,
    const __global float *mean, ulong mean_off, const __global float *rstd,
    ulong rstd_off,
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
    float all = 0.0f, all_z = 0.0f;

#ifdef ACC
    if (first) {
        all_z = acc[acc_off + at];
        all = acc[acc_off + at + C];
    }
#endif
    for (uint n = lane_start(lane, lanes, first); n < rows; n += lanes) {
        float sum = 0.0f, sum_z = 0.0f;

        for (uint i = 0; i < positions; i++) {
            const ulong row = (ulong)n * positions + i;
            const float m = mean[mean_off + row], r = rstd[rstd_off + row];
            const float d = LD(DY, dy, dy_off + row * C + c);
            const float z = (LD(X, x, x_off + row * C + c) - m) * r;

            sum += d;
            sum_z = d * z + sum_z;
        }
        all += sum;
        all_z += sum_z;
    }
    y[y_off + at] = all_z;
    y[y_off + at + C] = all;
}
#endif

#undef LANE16
#undef BEGIN
#undef END
