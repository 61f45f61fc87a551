/*
 * select.cl: the first k of each row by size, one work-item for each row.
 *
 * Each of the k is found by a walk over the row: the first by size of those
 * that come after the one before.  Nothing is stored in between, and no order
 * depends on anything but the values.  SIGN - turns the order round.
 */

/* Does a come before b, whatever their places? */
#define BEFORE(a, b) (SIGN(a) > SIGN(b) || (isnan(a) && !isnan(b)))
#ifdef LAST
#define EARLIER(i, j) ((i) > (j))
#else
#define EARLIER(i, j) ((i) < (j))
#endif
/* The whole order: by size, then by place. */
#define FIRST(a, i, b, j)                                                      \
    (BEFORE(a, b) || (!BEFORE(b, a) && EARLIER(i, j)))

/* x [outer, len, inner] -> value, index [outer, k, inner]; elements of a row
 * are `inner` apart. `before` and `at` are the last one found. */
__kernel void KERNEL(select_item)(const __global T(X) *x, ulong x_off,
#ifdef VALUES
                                  __global T(X) *value, ulong value_off,
#endif
                                  __global long *index, ulong index_off,
                                  uint outer, uint outer_high, uint len,
                                  uint len_high, uint inner, uint inner_high,
                                  uint k, uint k_high)
{
    const ulong n = join(len, len_high), width = join(inner, inner_high);
    const ulong count = join(k, k_high), row = get_global_id(0);
    if (row >= join(outer, outer_high) * width)
        return;
    const ulong from = x_off + row / width * n * width + row % width;
    const ulong to = row / width * count * width + row % width;
    float before = 0.0f;
    ulong at = 0;

    for (ulong j = 0; j < count; j++) {
        float best = 0.0f;
        ulong found = n;

        for (ulong i = 0; i < n; i++) {
            const float v = LD(X, x, from + i * width);

            if (j && !FIRST(before, at, v, i))
                continue;
            if (found == n || FIRST(v, i, best, found)) {
                best = v;
                found = i;
            }
        }
#ifdef VALUES
        ST(X, value, value_off + to + j * width, best);
#endif
        index[index_off + to + j * width] = found;
        before = best;
        at = found;
    }
}

#undef BEFORE
#undef EARLIER
#undef FIRST
