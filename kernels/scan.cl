/*
 * scan.cl: running sums, or with PRODUCT products, along an axis: each row is
 * one chain, from its start, or with REVERSE from its end.
 */
#ifdef PRODUCT
#define START 1.0f
#define JOIN(a, b) ((a) * (b))
#else
#define START 0.0f
#define JOIN(a, b) ((a) + (b))
#endif
#ifdef REVERSE
#define PLACE(i, n) ((n) - 1 - (i))
#else
#define PLACE(i, n) (i)
#endif
#ifdef EXCLUSIVE
#define KEPT(before, after) (before)
#else
#define KEPT(before, after) (after)
#endif

#ifdef ENTRY_scan_cpu
/* A work-group is one work-item, for a part of the blocks of 16 rows that are
 * neighbours; the tail of them in a padded register. */
__kernel ONE_ITEM void KERNEL(scan_cpu)(const __global T(X) *x, ulong x_off,
                                        __global T(X) *y, ulong y_off,
                                        uint outer, uint outer_high, uint len,
                                        uint len_high, uint inner,
                                        uint inner_high)
{
    const ulong n = join(len, len_high), width = join(inner, inner_high);
    const ulong blocks = (width + 15) / 16;
    const ulong tasks = join(outer, outer_high) * blocks;
    const ulong end = tasks * (get_group_id(0) + 1) / get_num_groups(0);

    for (ulong t = tasks * get_group_id(0) / get_num_groups(0); t < end; t++) {
        const ulong c = t % blocks * 16, base = t / blocks * n * width + c;
        const int left = min(width - c, (ulong)16);
        float16 sum = START;

        for (ulong i = 0; i < n; i++) {
            const ulong at = base + PLACE(i, n) * width;
            const float16 next = JOIN(sum, LD16N(X, x, x_off + at, left));

            ST16N(X, y, y_off + at, KEPT(sum, next), left);
            sum = next;
        }
    }
}
#endif

#ifdef ENTRY_scan_item
/* x, y [outer, len, inner]; one item per row, whose elements are `inner`
 * apart. */
__kernel void KERNEL(scan_item)(const __global T(X) *x, ulong x_off,
                                __global T(X) *y, ulong y_off, uint outer,
                                uint outer_high, uint len, uint len_high,
                                uint inner, uint inner_high)
{
    const ulong n = join(len, len_high), width = join(inner, inner_high);
    const ulong row = get_global_id(0);
    if (row >= join(outer, outer_high) * width)
        return;
    const ulong base = row / width * n * width + row % width;
    float sum = START;

    for (ulong i = 0; i < n; i++) {
        const ulong at = base + PLACE(i, n) * width;
        const float v = LD(X, x, x_off + at), next = JOIN(sum, v);

        ST(X, y, y_off + at, KEPT(sum, next));
        sum = next;
    }
}
#endif

#undef START
#undef JOIN
#undef PLACE
#undef KEPT
