/*
 * blend.cl: sums of some indices along an axis.
 *
 * The tables come from the compiler: every index is one of x.
 */
#ifdef WEIGHTED
#define TABLES                                                                 \
    const __global int *start, ulong start_off, const __global int *index,     \
        ulong index_off, const __global float *weight, ulong weight_off
#define TERM(x, e) (x) * weight[weight_off + (e)]
#else
#define TABLES                                                                 \
    const __global int *start, ulong start_off, const __global int *index,     \
        ulong index_off
#define TERM(x, e) (x)
#endif

#ifdef ENTRY_blend_cpu
/* A work-group is one work-item, for a part of the rows of inner; 16 of them at
 * a time, the tail in a padded register. */
__kernel ONE_ITEM void KERNEL(blend_cpu)(const __global T(X) *x, ulong x_off,
                                         TABLES, __global T(X) *y, ulong y_off,
                                         uint outer, uint outer_high, uint in,
                                         uint out, uint inner, uint inner_high)
{
    const ulong width = join(inner, inner_high);
    const ulong rows = join(outer, outer_high) * out;
    const ulong end = rows * (get_group_id(0) + 1) / get_num_groups(0);

    for (ulong i = rows * get_group_id(0) / get_num_groups(0); i < end; i++) {
        const int first = start[start_off + i % out];
        const int last = start[start_off + i % out + 1];
        const __global T(X) *from = x + x_off + i / out * in * width;

        for (ulong c = 0; c < width; c += 16) {
            const int left = min(width - c, (ulong)16);
            float16 sum = 0.0f;

            for (int e = first; e < last; e++)
                sum = TERM(LD16N(X, from, index[index_off + e] * width + c,
                                 left),
                           e) +
                      sum;
            ST16N(X, y, y_off + i * width + c, sum, left);
        }
    }
}
#endif

#ifdef ENTRY_blend_item
/* One item per element of y [outer, out, inner]; x [outer, in, inner].  Its
 * terms are added in the table's order, as in blend_cpu, one contracted
 * product each. */
__kernel void KERNEL(blend_item)(const __global T(X) *x, ulong x_off, TABLES,
                                 __global T(X) *y, ulong y_off, uint outer,
                                 uint outer_high, uint in, uint out, uint inner,
                                 uint inner_high)
{
    const ulong i = get_global_id(0), width = join(inner, inner_high);
    if (i >= join(outer, outer_high) * out * width)
        return;
    const ulong row = i / width, j = row % out;
    const __global T(X) *from = x + x_off + row / out * in * width + i % width;
    float sum = 0.0f;

    for (int e = start[start_off + j]; e < start[start_off + j + 1]; e++)
        sum = TERM(LD(X, from, index[index_off + e] * width), e) + sum;
    ST(X, y, y_off + i, sum);
}
#endif

#undef TABLES
#undef TERM
