/*
 * attention_cpu.cl: attention and its gradient on a CPU.
 *
 * See attention.h for the operands.  A work-group is one work-item with scratch
 * of its own in the workspace, where rows are packed as floats: padded with
 * zeros to whole registers, and a head's keys turned, so that all products are
 * one function, whose tile of sums stays in registers.
 *
 * An element of a result is one chain over the keys (dk and dv: over the
 * queries) in order, a sum of a row 16 chains and a tree, whatever tile it fell
 * into.  Positions beyond the last, or that causal leaves out, get the weight
 * 0.
 */
#ifndef VECS
#define VECS  1
#define ROWS  12
#define PANEL 96
#define VECS_IS_DEFAULT
#endif

/* Queries of a tile of the gradient, and of a block going forward. */
#define TILE  48
#define BLOCK 24
#define PITCH(n) (((n) + 16 * VECS - 1) / (16 * VECS) * (16 * VECS))
/* Rows of whole tiles. */
#define WHOLE(n) (((n) + ROWS - 1) / ROWS * ROWS)
#define LANE16 ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))

#if JOINED
#define STEP(width)       ((ulong)heads * (width))
#define HEAD(rows, width) \
    ((nh / heads * (rows) * heads + nh % heads) * (width))
#else
#define STEP(width)       ((ulong)(width))
#define HEAD(rows, width) (nh * (rows) * (width))
#endif

#ifdef MASK
#define MASK_PARAMETERS const __global T(MASK) *mask, ulong mask_off,
#define MASK_ROW(row)                                \
    (mask + mask_off + nh / heads * join(mn, mnh) +  \
     nh % heads * join(mh, mhh) + (row) * join(mt, mth))
#else
#define MASK_PARAMETERS
#define MASK_ROW(row) ((const __global float *)0)
#define MASK          f32
#define MASK_IS_DEFAULT
#endif
#define SHAPE_PARAMETERS                                                     \
    uint N, uint heads, uint T, uint S, uint D, uint E, float scale, uint mn, \
        uint mnh, uint mh, uint mhh, uint mt, uint mth, uint ms, uint msh,    \
        uint scratch

/* A matrix in the workspace: elements from row to row, from column to
 * column. */
struct KERNEL(matrix) {
    __global float *at;
    int row, column;
};

INLINE struct KERNEL(matrix) KERNEL(matrix)(__global float *at, int row,
                                            int column)
{
    struct KERNEL(matrix) m = {at, row, column};

    return m;
}

/*
 * e^x for x <= 0, NaN for NaN: 2^n 2^f with f in [-1/2, 1/2], its polynomial
 * that of Cephes' exp2f.  Below 2^-126 it is 0.
 */
INLINE float16 KERNEL(exp)(float16 x)
{
    const float16 u = x * 1.44269504f;
    const int16 none = u < -126.0f;
    const float16 low = select(u, (float16)(-126.0f), none);
    const float16 t = low + 12582912.0f; /* 1.5 2^23: rounds to an integer */
    const float16 f = low - (t - 12582912.0f);
    const float16 two_n = as_float16((as_int16(t) - 0x4B400000 + 127) << 23);
    float16 p = 1.535336188e-4f * f + 1.339887440e-3f;

    p = p * f + 9.618437357e-3f;
    p = p * f + 5.550332471e-2f;
    p = p * f + 2.402264791e-1f;
    p = p * f + 6.931472028e-1f;
    p = p * f + 1.0f;
    return select(p * two_n, (float16)(0.0f), none);
}

/* One fixed tree, so that the sum does not depend on the width of the
 * device. */
INLINE float KERNEL(tree)(float16 v)
{
    const float8 a = v.lo + v.hi;
    const float4 b = a.lo + a.hi;

    return (b.x + b.y) + (b.z + b.w);
}

INLINE float KERNEL(largest)(float16 v)
{
    const float8 a = fmax(v.lo, v.hi);
    const float4 b = fmax(a.lo, a.hi);

    return fmax(fmax(b.x, b.y), fmax(b.z, b.w));
}

/* Rows of an operand, `step` apart, as [rows][pitch]; `have` of them exist.
 * size: rows and pitch. */
INLINE void KERNEL(pack_rows)(__global float *to, int2 size,
                              const __global T(X) *from, ulong step, int have,
                              int width)
{
    for (int r = 0; r < size.x; r++)
        for (int c = 0; c < size.y; c += 16)
            st16_f32(to + r * size.y + c,
                     r < have && c < width
                         ? LD16N(X, from, r * step + c, width - c)
                         : (float16)(0.0f));
}

/* PANEL rows as columns: [width][PANEL]. */
INLINE void KERNEL(pack_columns)(__global float *to, const __global T(X) *from,
                                 ulong step, int have, int width)
{
    for (int n = 0; n < PANEL; n += 16)
        for (int c = 0; c < width; c += 16) {
            float16 v[16];

#pragma unroll
            for (int i = 0; i < 16; i++)
                v[i] = n + i < have
                           ? LD16N(X, from, (n + i) * step + c, width - c)
                           : (float16)(0.0f);
            transpose16(v);
#pragma unroll
            for (int i = 0; i < 16; i++)
                if (c + i < width)
                    st16_f32(to + (c + i) * PANEL + n, v[i]);
        }
}

/* Rows of scratch to a result. */
INLINE void KERNEL(unpack)(__global T(X) *to, ulong step,
                           const __global float *from, int rows, int2 width)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < width.x; c += 16)
            ST16N(X, to, r * step + c, ld16_f32(from + r * width.y + c),
                  width.x - c);
}

/* One tile of y = a b, or of y + a b where `more`. `more` is a constant where
 * it is called. */
INLINE void KERNEL(tile)(struct KERNEL(matrix) y, struct KERNEL(matrix) a,
                         struct KERNEL(matrix) b, int K, const int more)
{
    float16 sum[ROWS][VECS];

#pragma unroll
    for (int j = 0; j < ROWS; j++)
#pragma unroll
        for (int v = 0; v < VECS; v++)
            sum[j][v] = more ? ld16_f32(y.at + j * y.row + v * 16)
                             : (float16)(0.0f);
    for (int k = 0; k < K; k++) {
        float16 c[VECS];

#pragma unroll
        for (int v = 0; v < VECS; v++)
            c[v] = ld16_f32(b.at + v * 16);
#pragma unroll
        for (int j = 0; j < ROWS; j++) {
            const float16 r = a.at[j * a.row];
#pragma unroll
            for (int v = 0; v < VECS; v++)
                sum[j][v] = r * c[v] + sum[j][v];
        }
        a.at += a.column;
        b.at += b.row;
    }
#pragma unroll
    for (int j = 0; j < ROWS; j++)
#pragma unroll
        for (int v = 0; v < VECS; v++)
            st16_f32(y.at + j * y.row + v * 16, sum[j][v]);
}

/* size: rows and columns of y, to which whole tiles are added, and K. y and a
 * are read and written up to whole tiles of rows: scratch has room for them. */
INLINE void KERNEL(product)(struct KERNEL(matrix) y, struct KERNEL(matrix) a,
                            struct KERNEL(matrix) b, int3 size, const int more)
{
    for (int c = 0; c < size.y; c += 16 * VECS)
        for (int r = 0; r < size.x; r += ROWS)
            KERNEL(tile)(KERNEL(matrix)(y.at + r * y.row + c, y.row, 1),
                         KERNEL(matrix)(a.at + r * a.row, a.row, a.column),
                         KERNEL(matrix)(b.at + c, b.row, 1), size.z, more);
}

/* Scores of 16 keys, scaled, with their mask; `left` of them exist. */
INLINE float16 KERNEL(score)(float16 x, float scale,
                             const __global T(MASK) *mask, ulong step, int left)
{
#ifdef MASK_IS_DEFAULT
    return x * scale;
#else
    float m[16];

    for (int i = 0; i < 16; i++)
        m[i] = i < left ? LD(MASK, mask, i * step) : 0.0f;
#ifdef MASK_BOOL
    return select((float16)(-INFINITY), x * scale, vload16(0, m) != 0.0f);
#else
    return x * scale + vload16(0, m);
#endif
#endif
}

#ifdef ENTRY_attention_cpu
/*
 * A task is CHUNK queries of a head, which take whole rows of scores by BLOCK.
 * Scratch: the keys in panels, [panels][D][PANEL]; the values, [S][pitch];
 * BLOCK queries, their weights, their results.
 */
#define CHUNK (8 * BLOCK)

/*
 * Products of a row become exponentials, zeros from `used` to `padded`; returns
 * the largest score and the sum.
 */
INLINE float2 KERNEL(exponentials)(__global float *p, int used, int padded,
                                   float scale, const __global T(MASK) *mask,
                                   ulong step)
{
    float16 top = -INFINITY, total = 0.0f;

    for (int k = 0; k < used; k += 16) {
        const float16 x = KERNEL(score)(ld16_f32(p + k), scale,
                                        mask + k * step, step, used - k);

        st16_f32(p + k, x);
        top = fmax(top,
                   select((float16)(-INFINITY), x, LANE16 < used - k));
    }
    const float m = KERNEL(largest)(top);

    for (int k = 0; k < padded; k += 16) {
        const float16 e = select((float16)(0.0f),
                                 KERNEL(exp)(ld16_f32(p + k) - m),
                                 LANE16 < used - k);

        total += e;
        st16_f32(p + k, e);
    }
    return (float2)(m, KERNEL(tree)(total));
}

/* Neighbouring tasks mostly have one head, whose keys and values stay
 * packed. */
__kernel ONE_ITEM void KERNEL(attention_cpu)(
    const __global T(X) *q, ulong q_off, const __global T(X) *k, ulong k_off,
    const __global T(X) *v, ulong v_off, MASK_PARAMETERS __global T(X) *y,
    ulong y_off, __global float *lse, ulong lse_off, __global float *workspace,
    ulong workspace_off, SHAPE_PARAMETERS)
{
    const int panels = (S + PANEL - 1) / PANEL, wide = panels * PANEL + 16;
    const int pitch = PITCH(E), pitch_q = (int)(D + 15) / 16 * 16;
    const ulong chunks = (T + CHUNK - 1) / CHUNK;
    const ulong tasks = (ulong)N * heads * chunks;
    const ulong group = get_group_id(0), groups = get_num_groups(0);
    __global float *keys = workspace + workspace_off + group * scratch;
    __global float *values = keys + (ulong)panels * D * PANEL;
    __global float *queries = values + (ulong)S * pitch;
    __global float *weights = queries + BLOCK * pitch_q;
    __global float *results = weights + BLOCK * wide;
    ulong last = ULONG_MAX;

    for (ulong task = tasks * group / groups;
         task < tasks * (group + 1) / groups; task++) {
        const ulong nh = task / chunks, first = task % chunks * CHUNK;

        if (nh != last) {
            for (int j = 0; j < panels; j++)
                KERNEL(pack_columns)(
                    keys + j * D * PANEL,
                    k + k_off + HEAD(S, D) + j * PANEL * STEP(D), STEP(D),
                    S - j * PANEL, D);
            KERNEL(pack_rows)(values, (int2)(S, pitch), v + v_off + HEAD(S, E),
                              STEP(E), S, E);
            last = nh;
        }
        for (ulong t = first; t < min(first + CHUNK, (ulong)T); t += BLOCK) {
            const int have = min(T - t, (ulong)BLOCK);
            const int seen = CAUSAL ? min((ulong)S, t + have) : S;

            KERNEL(pack_rows)(queries, (int2)(BLOCK, pitch_q),
                              q + q_off + HEAD(T, D) + t * STEP(D), STEP(D),
                              have, D);
            for (int j = 0; j * PANEL < seen; j++)
                KERNEL(product)(KERNEL(matrix)(weights + j * PANEL, wide, 1),
                                KERNEL(matrix)(queries, pitch_q, 1),
                                KERNEL(matrix)(keys + j * D * PANEL, PANEL, 1),
                                (int3)(have, PANEL, D), 0);
            float total[BLOCK];

            for (int r = 0; r < have; r++) {
                const int used = CAUSAL ? min((ulong)S, t + r + 1) : S;
                const float2 e = KERNEL(exponentials)(
                    weights + r * wide, used, (seen + 15) / 16 * 16, scale,
                    MASK_ROW(t + r), join(ms, msh));

                lse[lse_off + nh * T + t + r] = e.x + log(e.y);
                total[r] = e.y;
            }
            KERNEL(product)(KERNEL(matrix)(results, pitch, 1),
                            KERNEL(matrix)(weights, wide, 1),
                            KERNEL(matrix)(values, pitch, 1),
                            (int3)(have, pitch, seen), 0);
            for (int r = 0; r < have; r++)
                for (int c = 0; c < pitch; c += 16)
                    st16_f32(results + r * pitch + c,
                             ld16_f32(results + r * pitch + c) / total[r]);
            KERNEL(unpack)(y + y_off + HEAD(T, E) + t * STEP(E), STEP(E),
                           results, have, (int2)(E, pitch));
        }
    }
}
#undef CHUNK
#endif

#ifdef ENTRY_attention_grad_cpu
/*
 * A task is a head: for each PANEL of keys, for each TILE queries, the weights
 * and the gradients of the scores, and what they add to dq, dk and dv.
 * Scratch: q, dy, dq and delta = sum of dy y of the whole head; the rest for
 * one tile.
 */
INLINE void KERNEL(clear)(__global float *to, ulong n)
{
    for (ulong i = 0; i < n; i += 16)
        st16_f32(to + i, (float16)(0.0f));
}

INLINE float KERNEL(delta)(const __global float *dy, const __global T(X) *y,
                           int width)
{
    float16 sum = 0.0f;

    for (int c = 0; c < width; c += 16)
        sum = ld16_f32(dy + c) * LD16N(X, y, c, width - c) + sum;
    return KERNEL(tree)(sum);
}

/* A row of products q k and dy v becomes the weights p and the gradients ds of
 * the scores: about is (lse, delta, scale). */
INLINE void KERNEL(gradients)(__global float *p, __global float *ds, int used,
                              float3 about, const __global T(MASK) *mask,
                              ulong step)
{
    for (int k = 0; k < PANEL; k += 16) {
        const float16 x = KERNEL(score)(ld16_f32(p + k), about.z,
                                        mask + k * step, step, used - k);
        const int16 in = LANE16 < used - k;
        const float16 e = select((float16)(0.0f), KERNEL(exp)(x - about.x), in);
        const float16 d = e * (ld16_f32(ds + k) - about.y) * about.z;

        st16_f32(p + k, e);
        st16_f32(ds + k, select((float16)(0.0f), d, in));
    }
}

/* dk and dv of a panel are complete after its loop over queries, dq of the
 * head after all panels: chains over keys or queries in order. */
__kernel ONE_ITEM void KERNEL(attention_grad_cpu)(
    const __global T(X) *q, ulong q_off, const __global T(X) *k, ulong k_off,
    const __global T(X) *v, ulong v_off, const __global T(X) *y, ulong y_off,
    const __global float *lse, ulong lse_off, const __global T(X) *dy,
    ulong dy_off, MASK_PARAMETERS __global T(X) *dq, ulong dq_off,
    __global T(X) *dk, ulong dk_off, __global T(X) *dv, ulong dv_off,
    __global float *workspace, ulong workspace_off, SHAPE_PARAMETERS)
{
    const int pd = PITCH(D), pe = PITCH(E);
    const ulong padded = (T + TILE - 1) / TILE * TILE;
    const ulong group = get_group_id(0), groups = get_num_groups(0);
    const ulong tasks = (ulong)N * heads;
    __global float *const qs = workspace + workspace_off + group * scratch;
    __global float *const dqs = qs + padded * pd;
    __global float *const dys = dqs + padded * pd;
    __global float *const delta = dys + padded * pe;
    __global float *const ks = delta + padded, *const dks = ks + PANEL * pd;
    __global float *const dvs = dks + WHOLE(PANEL) * pd;
    __global float *const kt = dvs + WHOLE(PANEL) * pe;
    __global float *const vt = kt + PANEL * D, *const p = vt + PANEL * E;
    __global float *const ds = p + TILE * PANEL;

    for (ulong nh = tasks * group / groups; nh < tasks * (group + 1) / groups;
         nh++) {
        KERNEL(pack_rows)(qs, (int2)(padded, pd), q + q_off + HEAD(T, D),
                          STEP(D), T, D);
        KERNEL(pack_rows)(dys, (int2)(padded, pe), dy + dy_off + HEAD(T, E),
                          STEP(E), T, E);
        KERNEL(clear)(dqs, padded * pd);
        for (int t = 0; t < T; t++)
            delta[t] = KERNEL(delta)(dys + (ulong)t * pe,
                                     y + y_off + HEAD(T, E) + t * STEP(E), E);
        for (int j = 0; j < S; j += PANEL) {
            const int keys = min((int)S - j, PANEL);
            const __global T(X) *k_at = k + k_off + HEAD(S, D) + j * STEP(D);

            KERNEL(pack_rows)(ks, (int2)(PANEL, pd), k_at, STEP(D), keys, D);
            KERNEL(pack_columns)(kt, k_at, STEP(D), keys, D);
            KERNEL(pack_columns)(vt, v + v_off + HEAD(S, E) + j * STEP(E),
                                 STEP(E), keys, E);
            KERNEL(clear)(dks, WHOLE(PANEL) * (pd + pe));
            for (int t = CAUSAL ? j / TILE * TILE : 0; t < T; t += TILE) {
                const int rows = min((int)T - t, TILE);
                const struct KERNEL(matrix) qt = KERNEL(matrix)(
                    qs + (ulong)t * pd, pd, 1);
                const struct KERNEL(matrix) dyt = KERNEL(matrix)(
                    dys + (ulong)t * pe, pe, 1);

                KERNEL(product)(KERNEL(matrix)(p, PANEL, 1), qt,
                                KERNEL(matrix)(kt, PANEL, 1),
                                (int3)(rows, PANEL, D), 0);
                KERNEL(product)(KERNEL(matrix)(ds, PANEL, 1), dyt,
                                KERNEL(matrix)(vt, PANEL, 1),
                                (int3)(rows, PANEL, E), 0);
                for (int r = 0; r < rows; r++)
                    KERNEL(gradients)(
                        p + r * PANEL, ds + r * PANEL,
                        CAUSAL ? min(keys, t + r - j + 1) : keys,
                        (float3)(lse[lse_off + nh * T + t + r], delta[t + r],
                                 scale),
                        MASK_ROW(t + r) + j * join(ms, msh), join(ms, msh));
                KERNEL(product)(KERNEL(matrix)(dvs, pe, 1),
                                KERNEL(matrix)(p, 1, PANEL), dyt,
                                (int3)(keys, pe, rows), 1);
                KERNEL(product)(KERNEL(matrix)(dks, pd, 1),
                                KERNEL(matrix)(ds, 1, PANEL), qt,
                                (int3)(keys, pd, rows), 1);
                KERNEL(product)(KERNEL(matrix)(dqs + (ulong)t * pd, pd, 1),
                                KERNEL(matrix)(ds, PANEL, 1),
                                KERNEL(matrix)(ks, pd, 1),
                                (int3)(rows, pd, keys), 1);
            }
            KERNEL(unpack)(dk + dk_off + HEAD(S, D) + j * STEP(D), STEP(D),
                           dks, keys, (int2)(D, pd));
            KERNEL(unpack)(dv + dv_off + HEAD(S, E) + j * STEP(E), STEP(E),
                           dvs, keys, (int2)(E, pe));
        }
        KERNEL(unpack)(dq + dq_off + HEAD(T, D), STEP(D), dqs, T,
                       (int2)(D, pd));
    }
}
#endif

#undef TILE
#undef BLOCK
#undef PITCH
#undef WHOLE
#undef LANE16
#undef STEP
#undef HEAD
#undef MASK_PARAMETERS
#undef MASK_ROW
#undef SHAPE_PARAMETERS
#ifdef MASK_IS_DEFAULT
#undef MASK
#undef MASK_IS_DEFAULT
#endif
#ifdef VECS_IS_DEFAULT
#undef VECS
#undef ROWS
#undef PANEL
#undef VECS_IS_DEFAULT
#endif
