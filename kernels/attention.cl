/*
 * attention.cl: attention and its gradient, plainly: one work-item computes 16
 * channels of one row of a result, and for them all the scores of that row.
 *
 * See attention.h for the operands.  A row's maximum is found first; its sum
 * and its products are chains in the order of the keys (of the queries for dk
 * and dv), channels beyond the last are zeros in a register.
 */
#define BLOCKS(n) (((n) + 15) / 16)

#ifdef MASK
#define MASK_PARAMETERS const __global T(MASK) *mask, ulong mask_off,
#define MASK_ARGUMENTS  mask + mask_off,
#else
#define MASK_PARAMETERS
#define MASK_ARGUMENTS 0,
#define MASK           f32
#define MASK_IS_DEFAULT
#endif
#define SHAPE_PARAMETERS                                                     \
    uint N, uint heads, uint T, uint S, uint D, uint E, float scale, uint mn, \
        uint mnh, uint mh, uint mhh, uint mt, uint mth, uint ms, uint msh
#define SHAPE                                                             \
    {                                                                     \
        heads, T, S, D, E, scale, join(mn, mnh), join(mh, mhh),           \
            join(mt, mth), join(ms, msh)                                  \
    }

/* What a kernel is told of its problem. */
struct KERNEL(shape) {
    uint heads, T, S, D, E;
    float scale;
    ulong mask_n, mask_h, mask_t, mask_s;
};

/* Row t of head h of sample n, of an operand with that many rows of a head. */
INLINE ulong KERNEL(row)(const struct KERNEL(shape) s, ulong nh, ulong t,
                         ulong rows, ulong width)
{
#if JOINED
    return ((nh / s.heads * rows + t) * s.heads + nh % s.heads) * width;
#else
    return (nh * rows + t) * width;
#endif
}

/* One chain over the channels, [n] each. */
INLINE float KERNEL(dot)(const __global T(X) *a, const __global T(X) *b, uint n)
{
    float sum = 0.0f;

    for (uint i = 0; i < n; i++)
        sum = LD(X, a, i) * LD(X, b, i) + sum;
    return sum;
}

/* The score of a query and a key; not called where causal leaves it out. */
INLINE float KERNEL(score)(const struct KERNEL(shape) s,
                           const __global T(X) *q, const __global T(X) *k,
                           const __global T(MASK) *mask, ulong nh, uint2 at)
{
    const float x =
        KERNEL(dot)(q + KERNEL(row)(s, nh, at.x, s.T, s.D),
                    k + KERNEL(row)(s, nh, at.y, s.S, s.D), s.D) *
        s.scale;
#ifndef MASK_IS_DEFAULT
    const float m = LD(MASK, mask,
                       nh / s.heads * s.mask_n + nh % s.heads * s.mask_h +
                           at.x * s.mask_t + at.y * s.mask_s);

#ifdef MASK_BOOL
    return m != 0.0f ? x : -INFINITY;
#else
    return x + m;
#endif
#else
    return x;
#endif
}

/* Keys that a query sees. */
INLINE uint KERNEL(seen)(const struct KERNEL(shape) s, uint t)
{
    return CAUSAL ? min(s.S, t + 1) : s.S;
}

#ifdef ENTRY_attention_item
/* One item per 16 channels of a row of y; the rows of a head lie together.
 * Two passes over the keys: the maximum, then exponentials, their sum and y.
 * The item of the first channels writes the row's lse. */
__kernel void KERNEL(attention_item)(
    const __global T(X) *q, ulong q_off, const __global T(X) *k, ulong k_off,
    const __global T(X) *v, ulong v_off, MASK_PARAMETERS __global T(X) *y,
    ulong y_off, __global float *lse, ulong lse_off, SHAPE_PARAMETERS)
{
    const struct KERNEL(shape) s = SHAPE;
    const ulong id = get_global_id(0), row = id / BLOCKS(E);
    if (row >= (ulong)N * heads * T)
        return;
    const ulong nh = row / T;
    const uint t = row % T, e = id % BLOCKS(E) * 16;
    const int left = min(E - e, 16u);
    const uint seen = KERNEL(seen)(s, t);
    float top = -INFINITY, total = 0.0f;
    float16 sum = 0.0f;

    for (uint j = 0; j < seen; j++)
        top = fmax(top, KERNEL(score)(s, q + q_off, k + k_off,
                                      MASK_ARGUMENTS nh, (uint2)(t, j)));
    for (uint j = 0; j < seen; j++) {
        const float p = exp(KERNEL(score)(s, q + q_off, k + k_off,
                                          MASK_ARGUMENTS nh, (uint2)(t, j)) -
                            top);
        const ulong at = v_off + KERNEL(row)(s, nh, j, S, E) + e;

        total += p;
        sum = p * LD16N(X, v, at, left) + sum;
    }
    ST16N(X, y, y_off + KERNEL(row)(s, nh, t, T, E) + e, sum / total, left);
    if (e == 0)
        lse[lse_off + row] = top + log(total);
}
#endif

#ifdef ENTRY_attention_grad_item
/* All that a weight and its gradient depend on. */
struct KERNEL(data) {
    const __global T(X) *q, *k, *v, *y, *dy;
    const __global T(MASK) *mask;
    const __global float *lse;
};

/* x: the weight of a query and a key; y: the gradient of its score. */
INLINE float2 KERNEL(weight)(const struct KERNEL(shape) s,
                             const struct KERNEL(data) d, ulong nh, uint2 at)
{
    const ulong query = KERNEL(row)(s, nh, at.x, s.T, s.E);
    const float p = exp(KERNEL(score)(s, d.q, d.k, d.mask, nh, at) -
                        d.lse[nh * s.T + at.x]);
    const float delta = KERNEL(dot)(d.dy + query, d.y + query, s.E);
    const float dp = KERNEL(dot)(
        d.dy + query, d.v + KERNEL(row)(s, nh, at.y, s.S, s.E), s.E);

    return (float2)(p, p * (dp - delta) * s.scale);
}

/* dq = ds k */
INLINE void KERNEL(grad_q)(const struct KERNEL(shape) s,
                           const struct KERNEL(data) d, __global T(X) *dq,
                           ulong id)
{
    const ulong row = id / BLOCKS(s.D), nh = row / s.T;
    const uint t = row % s.T, c = id % BLOCKS(s.D) * 16;
    const int left = min(s.D - c, 16u);
    float16 sum = 0.0f;

    for (uint j = 0; j < KERNEL(seen)(s, t); j++)
        sum = KERNEL(weight)(s, d, nh, (uint2)(t, j)).y *
                  LD16N(X, d.k, KERNEL(row)(s, nh, j, s.S, s.D) + c, left) +
              sum;
    ST16N(X, dq, KERNEL(row)(s, nh, t, s.T, s.D) + c, sum, left);
}

/* dk = ds^T q */
INLINE void KERNEL(grad_k)(const struct KERNEL(shape) s,
                           const struct KERNEL(data) d, __global T(X) *dk,
                           ulong id)
{
    const ulong row = id / BLOCKS(s.D), nh = row / s.S;
    const uint j = row % s.S, c = id % BLOCKS(s.D) * 16;
    const int left = min(s.D - c, 16u);
    float16 sum = 0.0f;

    for (uint t = CAUSAL ? j : 0; t < s.T; t++)
        sum = KERNEL(weight)(s, d, nh, (uint2)(t, j)).y *
                  LD16N(X, d.q, KERNEL(row)(s, nh, t, s.T, s.D) + c, left) +
              sum;
    ST16N(X, dk, KERNEL(row)(s, nh, j, s.S, s.D) + c, sum, left);
}

/* dv = p^T dy */
INLINE void KERNEL(grad_v)(const struct KERNEL(shape) s,
                           const struct KERNEL(data) d, __global T(X) *dv,
                           ulong id)
{
    const ulong row = id / BLOCKS(s.E), nh = row / s.S;
    const uint j = row % s.S, c = id % BLOCKS(s.E) * 16;
    const int left = min(s.E - c, 16u);
    float16 sum = 0.0f;

    for (uint t = CAUSAL ? j : 0; t < s.T; t++)
        sum = KERNEL(weight)(s, d, nh, (uint2)(t, j)).x *
                  LD16N(X, d.dy, KERNEL(row)(s, nh, t, s.T, s.E) + c, left) +
              sum;
    ST16N(X, dv, KERNEL(row)(s, nh, j, s.S, s.E) + c, sum, left);
}

/* Items in three ranges, each for 16 channels of a row: of dq, of dk, of dv.
 * Every result gathers its own terms, so none is written twice and no atomics
 * are needed. */
__kernel void KERNEL(attention_grad_item)(
    const __global T(X) *q, ulong q_off, const __global T(X) *k, ulong k_off,
    const __global T(X) *v, ulong v_off, const __global T(X) *y, ulong y_off,
    const __global float *lse, ulong lse_off, const __global T(X) *dy,
    ulong dy_off, MASK_PARAMETERS __global T(X) *dq, ulong dq_off,
    __global T(X) *dk, ulong dk_off, __global T(X) *dv, ulong dv_off,
    SHAPE_PARAMETERS)
{
    const struct KERNEL(shape) s = SHAPE;
    const struct KERNEL(data) d = {q + q_off,
                                   k + k_off,
                                   v + v_off,
                                   y + y_off,
                                   dy + dy_off,
                                   MASK_ARGUMENTS lse + lse_off};
    const ulong id = get_global_id(0), nh = (ulong)N * heads;
    const ulong of_q = nh * T * BLOCKS(D), of_k = nh * S * BLOCKS(D);

    if (id < of_q)
        KERNEL(grad_q)(s, d, dq + dq_off, id);
    else if (id < of_q + of_k)
        KERNEL(grad_k)(s, d, dk + dk_off, id - of_q);
    else if (id < of_q + of_k + nh * S * BLOCKS(E))
        KERNEL(grad_v)(s, d, dv + dv_off, id - of_q - of_k);
}
#endif

#ifdef MASK_IS_DEFAULT
#undef MASK
#undef MASK_IS_DEFAULT
#endif
#undef MASK_PARAMETERS
#undef MASK_ARGUMENTS
#undef SHAPE_PARAMETERS
#undef SHAPE
#undef BLOCKS
