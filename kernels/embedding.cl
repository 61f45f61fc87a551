/*
 * embedding.cl: rows of a table by index, and the gradient of the table.
 *
 * Indices may be anything, above all in rows beyond the batch; only those in
 * 0..count-1 become an address.
 */
#ifdef ENTRY_embedding_cpu
/* A work-group is one work-item, for a part of the indices. */
__kernel ONE_ITEM void KERNEL(embedding_cpu)(
    const __global T(I) *index, ulong index_off, const __global T(W) *w,
    ulong w_off, __global T(W) *y, ulong y_off, uint n, uint n_high, uint count,
    uint count_high, uint size, uint size_high)
{
    const ulong all = join(n, n_high), width = join(size, size_high);
    const long rows = join(count, count_high);
    const ulong end = all * (get_group_id(0) + 1) / get_num_groups(0);

    for (ulong k = all * get_group_id(0) / get_num_groups(0); k < end; k++) {
        const long v = index[index_off + k];
        const bool there = v >= 0 && v < rows;
        const ulong from = w_off + (there ? (ulong)v * width : 0);

        for (ulong i = 0; i < width; i += 16) {
            const int left = min(width - i, (ulong)16);
            const float16 r =
                there ? LD16N(W, w, from + i, left) : (float16)(NAN);

            ST16N(W, y, y_off + k * width + i, r, left);
        }
    }
}
#endif

#ifdef ENTRY_embedding_item
/* One item per element of y [n, size]; index [n], w [count, size]. */
__kernel void KERNEL(embedding_item)(const __global T(I) *index,
                                     ulong index_off, const __global T(W) *w,
                                     ulong w_off, __global T(W) *y, ulong y_off,
                                     uint n, uint n_high, uint count,
                                     uint count_high, uint size, uint size_high)
{
    const ulong i = get_global_id(0), width = join(size, size_high);
    if (i >= join(n, n_high) * width)
        return;
    const long v = index[index_off + i / width];
    const bool there = v >= 0 && v < (long)join(count, count_high);
    const ulong from = w_off + (there ? (ulong)v * width : 0) + i % width;
    const float r = there ? LD(W, w, from) : NAN;

    ST(W, y, y_off + i, r);
}
#endif

/*
 * A row of the table gets its terms one by one, in the order of samples and
 * positions, into memory that no other work-item writes.  So the order is
 * fixed, and a lane can be cut anywhere.  dw may lie over acc.
 */
#ifdef ENTRY_embedding_grad_cpu
/* A work-group is one work-item: a lane (second dimension) and a part of the
 * blocks of 16 columns. */
__kernel ONE_ITEM void
KERNEL(embedding_grad_cpu)(const __global T(I) *index, ulong index_off,
                           const __global T(DY) *dy, ulong dy_off,
#ifdef ACC
                           const __global float *acc, ulong acc_off,
#endif
                           __global float *dw, ulong dw_off, uint positions,
                           uint count, uint size, uint lanes, uint rows,
                           uint first)
{
    const uint lane = get_group_id(1), blocks = (size + 15) / 16;
    const uint end = (ulong)blocks * (get_group_id(0) + 1) / get_num_groups(0);

    for (uint b = (ulong)blocks * get_group_id(0) / get_num_groups(0); b < end;
         b++) {
        const int left = size - b * 16;
        const ulong at = (ulong)lane * count * size + b * 16;

        for (uint v = 0; v < count; v++) {
            const ulong row = at + (ulong)v * size;
            float16 start = 0.0f;

#ifdef ACC
            if (first)
                start = LD16N(f32, acc, acc_off + row, left);
#endif
            ST16N(f32, dw, dw_off + row, start, left);
        }
        for (uint n = lane_start(lane, lanes, first); n < rows; n += lanes)
            for (uint i = 0; i < positions; i++) {
                const ulong k = (ulong)n * positions + i;
                const long v = index[index_off + k];
                if (v < 0 || v >= count)
                    continue;
                const ulong row = dw_off + at + (ulong)v * size;
                const float16 d =
                    LD16N(DY, dy, dy_off + k * size + b * 16, left);

                ST16N(f32, dw, row, LD16N(f32, dw, row, left) + d, left);
            }
    }
}
#endif

#ifdef ENTRY_embedding_grad_item
/* A work-item per column, part of the rows, and lane. */
__kernel void KERNEL(embedding_grad_item)(
    const __global T(I) *index, ulong index_off, const __global T(DY) *dy,
    ulong dy_off,
#ifdef ACC
    const __global float *acc, ulong acc_off,
#endif
    __global float *dw, ulong dw_off, uint positions, uint count, uint size,
    uint lanes, uint rows, uint first, uint parts)
{
    const uint c = get_global_id(0) % size;
    const uint part = get_global_id(0) / size % parts;
    const uint lane = get_global_id(0) / size / parts;
    if (lane >= lanes)
        return;
    const uint low = (ulong)count * part / parts;
    const uint high = (ulong)count * (part + 1) / parts;
    const ulong at = (ulong)lane * count * size + c;

    for (uint v = low; v < high; v++) {
        const ulong row = at + (ulong)v * size;
        float start = 0.0f;

#ifdef ACC
        if (first)
            start = acc[acc_off + row];
#endif
        dw[dw_off + row] = start;
    }
    for (uint n = lane_start(lane, lanes, first); n < rows; n += lanes)
        for (uint i = 0; i < positions; i++) {
            const ulong k = (ulong)n * positions + i;
            const long v = index[index_off + k];

            if (v >= low && v < high)
                dw[dw_off + at + (ulong)v * size] +=
                    LD(DY, dy, dy_off + k * size + c);
        }
}
#endif
