/*
 * copy.cl: elements that only move, as bits of type E, which has their size;
 * and the sums of copies that a pad's gradient makes.
 */

#if defined ENTRY_copy_rows_cpu || defined ENTRY_copy_item
/* Dimensions innermost first: sizes in y and x, and the map of indices. */
#define DIM(k) int out##k, int in##k, int mul##k, int add##k, int div##k
#define DIMS DIM(0), DIM(1), DIM(2), DIM(3), DIM(4), DIM(5), DIM(6), DIM(7)
#define STEP(k)                                                                \
    if (RANK > k) {                                                            \
        const int j = KERNEL(source)((int)(q % out##k), in##k, mul##k, add##k, \
                                     div##k);                                  \
                                                                               \
        inside = inside && j >= 0;                                             \
        at += (ulong)j * stride;                                               \
        stride *= in##k;                                                       \
        q /= out##k;                                                           \
    }

/* Index of x that index i of y reads along one dimension; negative: none.
 * OUTSIDE: 0 fill, 1 reflect, 2 edge, 3 from the start again. */
INLINE int KERNEL(source)(int i, int in, int mul, int add, int div)
{
    int j = mul * i + add;

#if OUTSIDE == 0
    if (div != 1) {
        if (j % div)
            return -1;
        j /= div;
    }
    return j < in ? j : -1;
#elif OUTSIDE == 1
    j = abs(j);
    return j < in ? j : in - 1 - (j - (in - 1));
#elif OUTSIDE == 3
    return j % in;
#else
    return clamp(j, 0, in - 1);
#endif
}

/* f16 is rounded here, by the same instruction as every other store. */
INLINE E KERNEL(fill)(uint low, uint high)
{
#ifdef HALF
    ushort bits;

    vstore_half(as_float(low), 0, (half *)&bits);
    return bits;
#else
    return (E)join(low, high);
#endif
}
#endif

#ifdef ENTRY_copy_rows_cpu
/*
 * The innermost dimension has steps of 1.  A group of one item copies `per`
 * rows, of each the part that its second number says.
 */
__kernel ONE_ITEM void KERNEL(copy_rows_cpu)(
    const __global E *x, ulong x_off, __global E *y, ulong y_off, DIMS,
    uint fill_low, uint fill_high, uint rows, uint per, uint chunk)
{
    const E fill = KERNEL(fill)(fill_low, fill_high);
    const int begin = (int)(get_group_id(1) * chunk);
    const int end = min(out0, begin + (int)chunk);
    const uint first = get_group_id(0) * per;
    /* Indices [low, high) of the row lie inside x. */
    const int low = clamp(-add0, begin, end);
    const int high = clamp(in0 - add0, low, end);

    for (uint row = first; row < min(rows, first + per); row++) {
        __global E *to = y + y_off + (ulong)row * out0;
        const __global E *from = x + x_off;
        INDEX q = row;
        ulong at = 0, stride = in0;
        bool inside = true;

        STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
        if (!inside) {
            for (int i = begin; i < end; i++)
                to[i] = fill;
            continue;
        }
        from += at;
#if OUTSIDE == 0
        for (int i = begin; i < low; i++)
            to[i] = fill;
        for (int i = high; i < end; i++)
            to[i] = fill;
#elif OUTSIDE == 3
        for (int i = begin; i < end;) {
            const int j = KERNEL(source)(i, in0, 1, add0, 1);
            const int n = min(in0 - j, end - i);

            for (int k = 0; k < n; k++)
                to[i + k] = from[j + k];
            i += n;
        }
        continue;
#else
        for (int i = begin; i < low; i++)
            to[i] = from[KERNEL(source)(i, in0, 1, add0, 1)];
        for (int i = high; i < end; i++)
            to[i] = from[KERNEL(source)(i, in0, 1, add0, 1)];
#endif
        for (int i = low; i < high; i++)
            to[i] = from[i + add0];
    }
}
#endif

#ifdef ENTRY_copy_item
/* An item per element of y [n]. */
__kernel void KERNEL(copy_item)(const __global E *x, ulong x_off,
                                __global E *y, ulong y_off, DIMS,
                                uint fill_low, uint fill_high, uint n_low,
                                uint n_high)
{
    const ulong i = get_global_id(0);
    INDEX q = (INDEX)i;
    ulong at = x_off, stride = 1;
    bool inside = true;

    if (i >= join(n_low, n_high))
        return;
    STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
    y[y_off + i] = inside ? x[at] : KERNEL(fill)(fill_low, fill_high);
}
#endif

#if defined ENTRY_copy_rows_cpu || defined ENTRY_copy_item
#undef DIM
#undef DIMS
#undef STEP
#endif

#if defined ENTRY_concat_rows_cpu || defined ENTRY_concat_item || \
    defined ENTRY_split_rows_cpu || defined ENTRY_split_item
/* M(0) M(1) ... for each operand. */
#define EACH_1(M) M(0)
#define EACH_2(M) EACH_1(M) M(1)
#define EACH_3(M) EACH_2(M) M(2)
#define EACH_4(M) EACH_3(M) M(3)
#define EACH_5(M) EACH_4(M) M(4)
#define EACH_6(M) EACH_5(M) M(5)
#define EACH_7(M) EACH_6(M) M(6)
#define EACH_8(M) EACH_7(M) M(7)
#define EACH_9(M) EACH_8(M) M(8)
#define EACH_10(M) EACH_9(M) M(9)
#define EACH_11(M) EACH_10(M) M(10)
#define EACH_12(M) EACH_11(M) M(11)
#define EACH_13(M) EACH_12(M) M(12)
#define EACH_14(M) EACH_13(M) M(13)
#define EACH_15(M) EACH_14(M) M(14)
#define EACH(M) PASTE(EACH_, NIN)(M)
#define OPERAND(k) const __global E *x##k, ulong x##k##_off,
#define PART(k) , __global E *y##k, ulong y##k##_off
#define LENGTH(k) , uint len##k##_low, uint len##k##_high
#endif

#ifdef ENTRY_concat_rows_cpu
/* A group of one item copies `per` rows; of every operand's rows it takes one
 * part of as many as there are groups in the second dimension. */
#define COPY(k)                                                                \
    {                                                                          \
        const ulong len = join(len##k##_low, len##k##_high);                   \
        const ulong end = len * (part + 1) / parts;                            \
        const __global E *from = x##k + x##k##_off + row * len;                \
                                                                               \
        for (ulong i = len * part / parts; i < end; i++)                       \
            to[i] = from[i];                                                   \
        to += len;                                                             \
    }
#define TOTAL(k) +join(len##k##_low, len##k##_high)
__kernel ONE_ITEM void KERNEL(concat_rows_cpu)(
    EACH(OPERAND) __global E *y, ulong y_off, uint outer_low,
    uint outer_high EACH(LENGTH), uint per)
{
    const ulong first = (ulong)get_group_id(0) * per;
    const ulong last = min(join(outer_low, outer_high), first + per);
    const ulong part = get_group_id(1), parts = get_num_groups(1);
    __global E *to = y + y_off + first * (EACH(TOTAL));

    for (ulong row = first; row < last; row++) {
        EACH(COPY)
    }
}
#undef COPY
#undef TOTAL
#endif

#ifdef ENTRY_concat_item
/* An item per element of y [outer, total]. */
#define TRY(k)                                                                 \
    {                                                                          \
        const ulong len = join(len##k##_low, len##k##_high);                   \
                                                                               \
        if (c < len) {                                                         \
            y[y_off + i] = x##k[x##k##_off + row * len + c];                   \
            return;                                                            \
        }                                                                      \
        c -= len;                                                              \
    }
__kernel void KERNEL(concat_item)(EACH(OPERAND) __global E *y, ulong y_off,
                                  uint outer_low, uint outer_high EACH(LENGTH),
                                  uint total_low, uint total_high)
{
    const ulong total = join(total_low, total_high), i = get_global_id(0);
    const ulong row = i / total;
    ulong c = i % total;

    if (row >= join(outer_low, outer_high))
        return;
    EACH(TRY)
}
#undef TRY
#endif

#ifdef ENTRY_split_rows_cpu
/* As concat_rows_cpu, the other way. */
#define COPY(k)                                                                \
    {                                                                          \
        const ulong len = join(len##k##_low, len##k##_high);                   \
        const ulong end = len * (part + 1) / parts;                            \
        __global E *to = y##k + y##k##_off + row * len;                        \
                                                                               \
        for (ulong i = len * part / parts; i < end; i++)                       \
            to[i] = from[i];                                                   \
        from += len;                                                           \
    }
#define TOTAL(k) +join(len##k##_low, len##k##_high)
__kernel ONE_ITEM void
KERNEL(split_rows_cpu)(const __global E *x, ulong x_off EACH(PART),
                       uint outer_low, uint outer_high EACH(LENGTH), uint per)
{
    const ulong first = (ulong)get_group_id(0) * per;
    const ulong last = min(join(outer_low, outer_high), first + per);
    const ulong part = get_group_id(1), parts = get_num_groups(1);
    const __global E *from = x + x_off + first * (EACH(TOTAL));

    for (ulong row = first; row < last; row++) {
        EACH(COPY)
    }
}
#undef COPY
#undef TOTAL
#endif

#ifdef ENTRY_split_item
/* An item per element of x [outer, total]. */
#define TRY(k)                                                                 \
    {                                                                          \
        const ulong len = join(len##k##_low, len##k##_high);                   \
                                                                               \
        if (c < len) {                                                         \
            y##k[y##k##_off + row * len + c] = x[x_off + i];                   \
            return;                                                            \
        }                                                                      \
        c -= len;                                                              \
    }
__kernel void KERNEL(split_item)(const __global E *x, ulong x_off EACH(PART),
                                 uint outer_low, uint outer_high EACH(LENGTH),
                                 uint total_low, uint total_high)
{
    const ulong total = join(total_low, total_high), i = get_global_id(0);
    const ulong row = i / total;
    ulong c = i % total;

    if (row >= join(outer_low, outer_high))
        return;
    EACH(TRY)
}
#undef TRY
#endif

#if defined ENTRY_concat_rows_cpu || defined ENTRY_concat_item || \
    defined ENTRY_split_rows_cpu || defined ENTRY_split_item
#undef EACH_1
#undef EACH_2
#undef EACH_3
#undef EACH_4
#undef EACH_5
#undef EACH_6
#undef EACH_7
#undef EACH_8
#undef EACH_9
#undef EACH_10
#undef EACH_11
#undef EACH_12
#undef EACH_13
#undef EACH_14
#undef EACH_15
#undef EACH
#undef OPERAND
#undef PART
#undef LENGTH
#endif

#ifdef ENTRY_pad_fold
/*
 * dy [outer, out, inner] -> dx [outer, in, inner], n elements.  An item sums
 * the copies of its element in ascending order.  OUTSIDE 1: the element and its
 * mirror images at both ends; 2: at an end, all elements beyond it; 3: all that
 * are a multiple of in away.
 */
__kernel void KERNEL(pad_fold)(const __global T(X) *dy, ulong dy_off,
                               __global T(X) *dx, ulong dx_off, uint n_low,
                               uint n_high, uint inner_low, uint inner_high,
                               uint in, uint out, uint begin)
{
    const ulong at = get_global_id(0), inner = join(inner_low, inner_high);
    const uint j = (uint)(at / inner % in);
    const ulong first = at / inner / in * out * inner + at % inner;
    float sum = 0.0f;

    if (at >= join(n_low, n_high))
        return;
    dy += dy_off;
#if OUTSIDE == 1
    const ulong after = (ulong)begin + 2 * (in - 1) - j;

    if (j > 0 && j <= begin)
        sum += LD(X, dy, first + (begin - j) * inner);
    sum += LD(X, dy, first + ((ulong)begin + j) * inner);
    if (j + 1 < in && after < out)
        sum += LD(X, dy, first + after * inner);
#elif OUTSIDE == 3
    for (uint i = j; i < out; i += in)
        sum += LD(X, dy, first + i * inner);
#else
    const uint low = j == 0 ? 0 : begin + j;
    const uint high = j + 1 == in ? out : begin + j + 1;

    for (uint i = low; i < high; i++)
        sum += LD(X, dy, first + i * inner);
#endif
    dx += dx_off;
    ST(X, dx, at, sum);
}
#endif
