/*
 * attention_tile.cl: attention and its gradient on a GPU, by tiles in local
 * memory.
 *
 * See attention.h for the operands.  A work-group is 16 x 8 work-items; of a
 * tile of scores or of results a work-item has the neighbouring rows of its y
 * and every 16th column from its x on.  Channels are padded with zeros to DP
 * and EP, multiples of 16; rows of local memory are 4 floats longer, so that
 * neighbouring rows lie in other banks.
 *
 * Going forward, maximum and sum of a row are corrected from tile to tile
 * (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018).
 * The order of all sums depends on the tiles alone.
 */
#ifndef DP
#define DP     32
#define EP     32
#define KEYS   32
#define QUERIES 32
#define DP_IS_DEFAULT
#endif
#define ITEMS 128
#define AHEAD 4 /* floats between the rows of a tile */
#define GROUP __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
#define BARRIER barrier(CLK_LOCAL_MEM_FENCE)

#if JOINED
#define STEP(width) ((ulong)heads * (width))
#define HEAD(rows, width) \
    ((nh / heads * (rows) * heads + nh % heads) * (width))
#else
#define STEP(width)       ((ulong)(width))
#define HEAD(rows, width) (nh * (rows) * (width))
#endif

#ifdef MASK
#define MASK_PARAMETERS const __global T(MASK) *mask, ulong mask_off,
#define MASK_HEAD                                   \
    (mask + mask_off + nh / heads * join(mn, mnh) + \
     nh % heads * join(mh, mhh))
#else
#define MASK_PARAMETERS
#define MASK_HEAD ((const __global float *)0)
#define MASK      f32
#define MASK_IS_DEFAULT
#endif
#define SHAPE_PARAMETERS                                                      \
    uint N, uint heads, uint T, uint S, uint D, uint E, float scale, uint mn, \
        uint mnh, uint mh, uint mhh, uint mt, uint mth, uint ms, uint msh

/* What a score of a query and a key depends on beside their product. */
struct KERNEL(scores) {
    int T, S;
    float scale;
    const __global T(MASK) *mask;
    ulong mask_t, mask_s;
};

/* Does the pair take part, and exist? */
INLINE int KERNEL(in)(const struct KERNEL(scores) s, int t, int j)
{
    return t < s.T && j < s.S && (!CAUSAL || j <= t);
}

/* The mask belongs to the head already. */
INLINE float KERNEL(score)(const struct KERNEL(scores) s, float x, int t, int j)
{
#ifdef MASK_IS_DEFAULT
    return x * s.scale;
#else
    const float m = LD(MASK, s.mask, t * s.mask_t + j * s.mask_s);

#ifdef MASK_BOOL
    return m != 0.0f ? x * s.scale : -INFINITY;
#else
    return x * s.scale + m;
#endif
#endif
}

/* size.x rows of an operand as rows of size.y floats; `have` of them, and
 * `width` of their channels, exist. */
INLINE void KERNEL(load)(__local float *to, int2 size,
                         const __global T(X) *from, ulong step, int have,
                         int width)
{
    for (int i = get_local_id(0); i < size.x * size.y; i += ITEMS) {
        const int r = i / size.y, c = i % size.y;

        to[r * (size.y + AHEAD) + c] =
            r < have && c < width ? LD(X, from, r * step + c) : 0.0f;
    }
}

#define MY_ROWS (QUERIES / 8)
#define MY_COLS (KEYS / 16)

/* The products of this item's queries and keys, rows of two tiles. */
INLINE void KERNEL(dots)(float sum[MY_ROWS][MY_COLS], const __local float *a,
                         const __local float *b, const int width)
{
    a += get_local_id(0) / 16 * MY_ROWS * (width + AHEAD);
    b += get_local_id(0) % 16 * (width + AHEAD);
#pragma unroll
    for (int i = 0; i < MY_ROWS; i++)
#pragma unroll
        for (int j = 0; j < MY_COLS; j++)
            sum[i][j] = 0.0f;
    for (int c = 0; c < width; c += 4) {
        float4 right[MY_COLS];

#pragma unroll
        for (int j = 0; j < MY_COLS; j++)
            right[j] = vload4(0, b + 16 * j * (width + AHEAD) + c);
#pragma unroll
        for (int i = 0; i < MY_ROWS; i++) {
            const float4 left = vload4(0, a + i * (width + AHEAD) + c);

#pragma unroll
            for (int j = 0; j < MY_COLS; j++) {
                sum[i][j] = left.x * right[j].x + sum[i][j];
                sum[i][j] = left.y * right[j].y + sum[i][j];
                sum[i][j] = left.z * right[j].z + sum[i][j];
                sum[i][j] = left.w * right[j].w + sum[i][j];
            }
        }
    }
}

#ifdef ENTRY_attention_tile
/* A group takes QUERIES queries of a head, and KEYS keys after KEYS keys. */
__kernel GROUP void KERNEL(attention_tile)(
    const __global T(X) *q, ulong q_off, const __global T(X) *k, ulong k_off,
    const __global T(X) *v, ulong v_off, MASK_PARAMETERS __global T(X) *y,
    ulong y_off, __global float *lse, ulong lse_off, SHAPE_PARAMETERS)
{
    __local float qs[QUERIES * (DP + AHEAD)], ks[KEYS * (DP + AHEAD)];
    __local float vs[KEYS * (EP + AHEAD)], ps[QUERIES * (KEYS + 1)];
    __local float part[QUERIES * 17];
    const int tiles = (T + QUERIES - 1) / QUERIES;
    const ulong nh = get_group_id(0) / tiles;
    const int t0 = get_group_id(0) % tiles * QUERIES;
    const int x = get_local_id(0) % 16;
    const int row = get_local_id(0) / 16 * MY_ROWS;
    const struct KERNEL(scores) about = {
        T, S, scale, MASK_HEAD, join(mt, mth), join(ms, msh)};
    const int end = CAUSAL ? min((int)S, t0 + QUERIES) : (int)S;
    float result[MY_ROWS][EP / 16], top[MY_ROWS], total[MY_ROWS];

#pragma unroll
    for (int i = 0; i < MY_ROWS; i++) {
        top[i] = -INFINITY;
        total[i] = 0.0f;
#pragma unroll
        for (int c = 0; c < EP / 16; c++)
            result[i][c] = 0.0f;
    }
    KERNEL(load)(qs, (int2)(QUERIES, DP),
                 q + q_off + HEAD(T, D) + t0 * STEP(D), STEP(D), T - t0, D);
    for (int j0 = 0; j0 < end; j0 += KEYS) {
        float s[MY_ROWS][MY_COLS];

        BARRIER; /* ks, vs and ps of the tile before were read */
        KERNEL(load)(ks, (int2)(KEYS, DP),
                     k + k_off + HEAD(S, D) + j0 * STEP(D), STEP(D), S - j0, D);
        KERNEL(load)(vs, (int2)(KEYS, EP),
                     v + v_off + HEAD(S, E) + j0 * STEP(E), STEP(E), S - j0, E);
        BARRIER; /* ks and vs are there */
        KERNEL(dots)(s, qs, ks, DP);
#pragma unroll
        for (int i = 0; i < MY_ROWS; i++) {
            float most = -INFINITY;

#pragma unroll
            for (int j = 0; j < MY_COLS; j++) {
                const int t = t0 + row + i, key = j0 + x + 16 * j;

                s[i][j] = KERNEL(in)(about, t, key)
                              ? KERNEL(score)(about, s[i][j], t, key)
                              : -INFINITY;
                most = fmax(most, s[i][j]);
            }
            part[(row + i) * 17 + x] = most;
        }
        BARRIER; /* part has the maxima of all columns */
#pragma unroll
        for (int i = 0; i < MY_ROWS; i++) {
            float now = top[i];

            for (int c = 0; c < 16; c++)
                now = fmax(now, part[(row + i) * 17 + c]);
            /* Nothing seen so far: any number but -inf will do. */
            const float base = now == -INFINITY ? 0.0f : now;
            const float before = exp(top[i] - base);

            top[i] = now;
            total[i] *= before;
#pragma unroll
            for (int c = 0; c < EP / 16; c++)
                result[i][c] *= before;
#pragma unroll
            for (int j = 0; j < MY_COLS; j++) {
                const float p = exp(s[i][j] - base);

                total[i] += p;
                ps[(row + i) * (KEYS + 1) + x + 16 * j] = p;
            }
        }
        BARRIER; /* ps is there, and part was read */
        for (int j = 0; j < KEYS; j++) {
            float value[EP / 16];

#pragma unroll
            for (int c = 0; c < EP / 16; c++)
                value[c] = vs[j * (EP + AHEAD) + x + 16 * c];
#pragma unroll
            for (int i = 0; i < MY_ROWS; i++) {
                const float p = ps[(row + i) * (KEYS + 1) + j];

#pragma unroll
                for (int c = 0; c < EP / 16; c++)
                    result[i][c] = p * value[c] + result[i][c];
            }
        }
    }
    BARRIER;
#pragma unroll
    for (int i = 0; i < MY_ROWS; i++)
        part[(row + i) * 17 + x] = total[i];
    BARRIER; /* part has the sums of all columns */
#pragma unroll
    for (int i = 0; i < MY_ROWS; i++) {
        const int t = t0 + row + i;
        float sum = 0.0f;

        for (int c = 0; c < 16; c++)
            sum += part[(row + i) * 17 + c];
        if (t < T && x == 0)
            lse[lse_off + nh * T + t] = top[i] + log(sum);
#pragma unroll
        for (int c = 0; c < EP / 16; c++)
            if (t < T && x + 16 * c < E)
                ST(X, y, y_off + HEAD(T, E) + t * STEP(E) + x + 16 * c,
                   result[i][c] / sum);
    }
}
#endif

#ifdef ENTRY_attention_grad_tile
/*
 * A group takes QUERIES queries of a head and all its keys, for dq, or, the
 * groups behind those, KEYS keys and all queries, for dk and dv.
 */
struct KERNEL(tiles) {
    __local float *q, *k, *v, *dy, *p, *ds;
};

/* One head of the operands; elements from row to row. */
struct KERNEL(head) {
    const __global T(X) *q, *k, *v, *y, *dy;
    const __global float *lse;
    ulong d_step, e_step;
    int T, S, D, E;
};

INLINE void KERNEL(load_keys)(struct KERNEL(tiles) l, struct KERNEL(head) h,
                              int j0)
{
    KERNEL(load)(l.k, (int2)(KEYS, DP), h.k + j0 * h.d_step, h.d_step,
                 h.S - j0, h.D);
    KERNEL(load)(l.v, (int2)(KEYS, EP), h.v + j0 * h.e_step, h.e_step,
                 h.S - j0, h.E);
    BARRIER; /* k and v are there */
}

/* Also delta = the sum of dy y, for this item's rows; p is free until the
 * scores are there. */
INLINE void KERNEL(load_queries)(struct KERNEL(tiles) l, struct KERNEL(head) h,
                                 int t0, float delta[MY_ROWS])
{
    const int x = get_local_id(0) % 16;
    const int row = get_local_id(0) / 16 * MY_ROWS;

    KERNEL(load)(l.q, (int2)(QUERIES, DP), h.q + t0 * h.d_step, h.d_step,
                 h.T - t0, h.D);
    KERNEL(load)(l.dy, (int2)(QUERIES, EP), h.dy + t0 * h.e_step, h.e_step,
                 h.T - t0, h.E);
    BARRIER; /* q and dy are there */
    for (int i = 0; i < MY_ROWS; i++) {
        const int r = row + i;
        float sum = 0.0f;

        for (int c = x; c < EP; c += 16)
            if (t0 + r < h.T && c < h.E)
                sum = l.dy[r * (EP + AHEAD) + c] *
                          LD(X, h.y, (t0 + r) * h.e_step + c) +
                      sum;
        l.p[r * (KEYS + 1) + x] = sum;
    }
    BARRIER; /* p has every column's part of delta */
    for (int i = 0; i < MY_ROWS; i++) {
        delta[i] = 0.0f;
        for (int c = 0; c < 16; c++)
            delta[i] += l.p[(row + i) * (KEYS + 1) + c];
    }
    BARRIER; /* p was read: the weights may come */
}

/* The weights p and the gradients ds of the scores, from all four tiles. */
INLINE void KERNEL(gradients)(struct KERNEL(tiles) l, struct KERNEL(head) h,
                              const struct KERNEL(scores) about, int2 at,
                              const float delta[MY_ROWS])
{
    const int x = get_local_id(0) % 16;
    const int row = get_local_id(0) / 16 * MY_ROWS;
    float s[MY_ROWS][MY_COLS], dp[MY_ROWS][MY_COLS];

    KERNEL(dots)(s, l.q, l.k, DP);
    KERNEL(dots)(dp, l.dy, l.v, EP);
#pragma unroll
    for (int i = 0; i < MY_ROWS; i++)
#pragma unroll
        for (int j = 0; j < MY_COLS; j++) {
            const int r = row + i, c = x + 16 * j;
            float p = 0.0f, ds = 0.0f;

            if (KERNEL(in)(about, at.x + r, at.y + c)) {
                p = exp(KERNEL(score)(about, s[i][j], at.x + r, at.y + c) -
                        h.lse[at.x + r]);
                ds = p * (dp[i][j] - delta[i]) * about.scale;
            }
            l.p[r * (KEYS + 1) + c] = p;
            l.ds[r * (KEYS + 1) + c] = ds;
        }
    BARRIER; /* p and ds are there */
}

/* dq of QUERIES queries: ds k, tile after tile of keys.  The last barrier
 * keeps the next tile's keys from overwriting those still read. */
INLINE void KERNEL(for_queries)(struct KERNEL(tiles) l, struct KERNEL(head) h,
                                const struct KERNEL(scores) about, int t0,
                                __global T(X) *dq)
{
    const int x = get_local_id(0) % 16;
    const int row = get_local_id(0) / 16 * MY_ROWS;
    const int end = CAUSAL ? min(h.S, t0 + QUERIES) : h.S;
    float sum[MY_ROWS][DP / 16] = {{0.0f}}, delta[MY_ROWS];

    KERNEL(load_queries)(l, h, t0, delta);
    for (int j0 = 0; j0 < end; j0 += KEYS) {
        KERNEL(load_keys)(l, h, j0);
        KERNEL(gradients)(l, h, about, (int2)(t0, j0), delta);
        for (int j = 0; j < KEYS; j++)
#pragma unroll
            for (int i = 0; i < MY_ROWS; i++) {
                const float ds = l.ds[(row + i) * (KEYS + 1) + j];

#pragma unroll
                for (int c = 0; c < DP / 16; c++)
                    sum[i][c] = ds * l.k[j * (DP + AHEAD) + x + 16 * c] +
                                sum[i][c];
            }
        BARRIER; /* k, v and ds were read */
    }
#pragma unroll
    for (int i = 0; i < MY_ROWS; i++)
#pragma unroll
        for (int c = 0; c < DP / 16; c++)
            if (t0 + row + i < h.T && x + 16 * c < h.D)
                ST(X, dq, (t0 + row + i) * h.d_step + x + 16 * c, sum[i][c]);
}

/* dk = ds^T q and dv = p^T dy of KEYS keys; here an item's rows are keys. */
INLINE void KERNEL(for_keys)(struct KERNEL(tiles) l, struct KERNEL(head) h,
                             const struct KERNEL(scores) about, int j0,
                             __global T(X) *dk, __global T(X) *dv)
{
    const int x = get_local_id(0) % 16;
    const int row = get_local_id(0) / 16 * (KEYS / 8);
    float sum_k[KEYS / 8][DP / 16] = {{0.0f}};
    float sum_v[KEYS / 8][EP / 16] = {{0.0f}};
    float delta[MY_ROWS];

    KERNEL(load_keys)(l, h, j0);
    for (int t0 = CAUSAL ? j0 / QUERIES * QUERIES : 0; t0 < h.T;
         t0 += QUERIES) {
        KERNEL(load_queries)(l, h, t0, delta);
        KERNEL(gradients)(l, h, about, (int2)(t0, j0), delta);
        for (int t = 0; t < QUERIES; t++)
#pragma unroll
            for (int i = 0; i < KEYS / 8; i++) {
                const float p = l.p[t * (KEYS + 1) + row + i];
                const float ds = l.ds[t * (KEYS + 1) + row + i];

#pragma unroll
                for (int c = 0; c < EP / 16; c++)
                    sum_v[i][c] = p * l.dy[t * (EP + AHEAD) + x + 16 * c] +
                                  sum_v[i][c];
#pragma unroll
                for (int c = 0; c < DP / 16; c++)
                    sum_k[i][c] = ds * l.q[t * (DP + AHEAD) + x + 16 * c] +
                                  sum_k[i][c];
            }
        BARRIER; /* q, dy, p and ds were read */
    }
#pragma unroll
    for (int i = 0; i < KEYS / 8; i++) {
        const int j = j0 + row + i;

#pragma unroll
        for (int c = 0; c < DP / 16; c++)
            if (j < h.S && x + 16 * c < h.D)
                ST(X, dk, j * h.d_step + x + 16 * c, sum_k[i][c]);
#pragma unroll
        for (int c = 0; c < EP / 16; c++)
            if (j < h.S && x + 16 * c < h.E)
                ST(X, dv, j * h.e_step + x + 16 * c, sum_v[i][c]);
    }
}

/* Weights are computed twice, once for each range of groups: cheaper than
 * atomics, and the order of sums is fixed. */
__kernel GROUP void KERNEL(attention_grad_tile)(
    const __global T(X) *q, ulong q_off, const __global T(X) *k, ulong k_off,
    const __global T(X) *v, ulong v_off, const __global T(X) *y, ulong y_off,
    const __global float *lse, ulong lse_off, const __global T(X) *dy,
    ulong dy_off, MASK_PARAMETERS __global T(X) *dq, ulong dq_off,
    __global T(X) *dk, ulong dk_off, __global T(X) *dv, ulong dv_off,
    SHAPE_PARAMETERS)
{
    __local float qs[QUERIES * (DP + AHEAD)], ks[KEYS * (DP + AHEAD)];
    __local float dys[QUERIES * (EP + AHEAD)], vs[KEYS * (EP + AHEAD)];
    __local float ps[QUERIES * (KEYS + 1)], dss[QUERIES * (KEYS + 1)];
    const struct KERNEL(tiles) l = {qs, ks, vs, dys, ps, dss};
    const int of_q = (T + QUERIES - 1) / QUERIES;
    const int tiles = of_q + (S + KEYS - 1) / KEYS;
    const ulong nh = get_group_id(0) / tiles;
    const int tile = get_group_id(0) % tiles;
    const struct KERNEL(scores) about = {
        T, S, scale, MASK_HEAD, join(mt, mth), join(ms, msh)};
    const struct KERNEL(head) h = {q + q_off + HEAD(T, D),
                                   k + k_off + HEAD(S, D),
                                   v + v_off + HEAD(S, E),
                                   y + y_off + HEAD(T, E),
                                   dy + dy_off + HEAD(T, E),
                                   lse + lse_off + nh * T,
                                   STEP(D),
                                   STEP(E),
                                   T,
                                   S,
                                   D,
                                   E};

    if (tile < of_q)
        KERNEL(for_queries)(l, h, about, tile * QUERIES,
                            dq + dq_off + HEAD(T, D));
    else
        KERNEL(for_keys)(l, h, about, (tile - of_q) * KEYS,
                         dk + dk_off + HEAD(S, D), dv + dv_off + HEAD(S, E));
}
#endif

#undef MY_ROWS
#undef MY_COLS
#undef ITEMS
#undef AHEAD
#undef GROUP
#undef BARRIER
#undef STEP
#undef HEAD
#undef MASK_PARAMETERS
#undef MASK_HEAD
#undef SHAPE_PARAMETERS
#ifdef MASK_IS_DEFAULT
#undef MASK
#undef MASK_IS_DEFAULT
#endif
#ifdef DP_IS_DEFAULT
#undef DP
#undef EP
#undef KEYS
#undef QUERIES
#undef DP_IS_DEFAULT
#endif
