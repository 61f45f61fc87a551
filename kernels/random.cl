/*
 * random.cl: random numbers, and dropout, by counters; see random.h.
 *
 * *_cpu: a group of one item takes blocks of 64 elements, 16 counters at once,
 * the tail in padded registers.  *_item: an item takes the four elements of one
 * counter.  So an element's bits depend on nothing but its number.
 */

/* The file comes several times in one program, these once. */
#ifndef PHILOX
#define PHILOX

#define PHILOX_ROUNDS(T)                                                       \
    for (int i = 0; i < 10; i++) {                                             \
        const T high0 = mul_hi((T)(0xD2511F53u), c[0]);                        \
        const T high1 = mul_hi((T)(0xCD9E8D57u), c[2]);                        \
        const T low0 = 0xD2511F53u * c[0], low1 = 0xCD9E8D57u * c[2];          \
                                                                               \
        c[0] = high1 ^ c[1] ^ key.x;                                           \
        c[1] = low1;                                                           \
        c[2] = high0 ^ c[3] ^ key.y;                                           \
        c[3] = low0;                                                           \
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);                              \
    }

/* From a counter to its words, in place. */
INLINE void philox(uint *c, uint2 key)
{
    PHILOX_ROUNDS(uint)
}

/* The same for 16 counters. */
INLINE void philox16(uint16 *c, uint2 key)
{
    PHILOX_ROUNDS(uint16)
}

/* Two independent normal numbers from two words.  The first uniform is in
 * (0, 1], for the logarithm. */
#define BOX_MULLER(T, convert, a, b)                                           \
    {                                                                          \
        const T u = convert((a >> 8) + 1) * 0x1p-24f;                          \
        const T turn = convert(b >> 8) * 0x1p-23f;                             \
        const T length = sqrt(-2.0f * log(u));                                 \
                                                                               \
        z[0] = length * cospi(turn);                                           \
        z[1] = length * sinpi(turn);                                           \
    }

INLINE void box_muller(float *z, uint a, uint b)
{
    BOX_MULLER(float, convert_float, a, b)
}

INLINE void box_muller16(float16 *z, uint16 a, uint16 b)
{
    BOX_MULLER(float16, convert_float16, a, b)
}

/* a0 b0 a1 b1 ...: the first halves of both, or the second ones. */
#define ZIP_LOW(T, a, b)                                                       \
    (T)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3, a.s4, b.s4, a.s5,      \
        b.s5, a.s6, b.s6, a.s7, b.s7)
#define ZIP_HIGH(T, a, b)                                                      \
    (T)(a.s8, b.s8, a.s9, b.s9, a.sa, b.sa, a.sb, b.sb, a.sc, b.sc, a.sd,      \
        b.sd, a.se, b.se, a.sf, b.sf)
/* From word j of 16 counters in v[j] to the 64 words in order. */
#define IN_ORDER(T, v)                                                         \
    {                                                                          \
        const T even0 = ZIP_LOW(T, v[0], v[2]), odd0 = ZIP_LOW(T, v[1], v[3]); \
        const T even1 = ZIP_HIGH(T, v[0], v[2]);                               \
        const T odd1 = ZIP_HIGH(T, v[1], v[3]);                                \
                                                                               \
        v[0] = ZIP_LOW(T, even0, odd0);                                        \
        v[1] = ZIP_HIGH(T, even0, odd0);                                       \
        v[2] = ZIP_LOW(T, even1, odd1);                                        \
        v[3] = ZIP_HIGH(T, even1, odd1);                                       \
    }

INLINE uint16 sixteen_from(uint first)
{
    return first + (uint16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                            15);
}
#endif

/* y [n].  spread: the width of the range, or the deviation. */
#define RANDOM                                                                 \
    __global float *y, ulong y_off, uint n_low, uint n_high, float a,          \
        float spread, float top, uint hash_low, uint hash_high, uint seed

#ifdef ENTRY_random_cpu
/* y [n]; `blocks` of 64 elements to a group. */
__kernel ONE_ITEM void KERNEL(random_cpu)(RANDOM, uint blocks_low,
                                          uint blocks_high)
{
    const ulong n = join(n_low, n_high), blocks = join(blocks_low, blocks_high);
    const ulong begin = get_group_id(0) * blocks;
    const ulong end = min((n + 63) / 64, begin + blocks);

    for (ulong block = begin; block < end; block++) {
        /* 16 counters of a block have the same upper word. */
        uint16 c[4] = {sixteen_from((uint)(block * 16)),
                       (uint)(block * 16 >> 32), 0, hash_high};
        const ulong left = n - block * 64;
        float16 v[4];

        philox16(c, (uint2)(seed, hash_low));
#ifdef NORMAL
        box_muller16(v, c[0], c[1]);
        box_muller16(v + 2, c[2], c[3]);
        for (int j = 0; j < 4; j++)
            v[j] = spread * v[j] + a;
#else
        for (int j = 0; j < 4; j++)
            v[j] = min(spread * (convert_float16(c[j] >> 8) * 0x1p-24f) + a,
                       top);
#endif
        IN_ORDER(float16, v)
        for (int j = 0; j < 4; j++)
            ST16N(f32, y, y_off + block * 64 + j * 16, v[j],
                  (int)min(left, (ulong)64) - j * 16);
    }
}
#endif

#ifdef ENTRY_random_item
/* y [n], four elements an item. */
__kernel void KERNEL(random_item)(RANDOM)
{
    const ulong n = join(n_low, n_high), quad = get_global_id(0);
    if (quad * 4 >= n)
        return;
    uint c[4] = {(uint)quad, (uint)(quad >> 32), 0, hash_high};
    float v[4];

    philox(c, (uint2)(seed, hash_low));
#ifdef NORMAL
    box_muller(v, c[0], c[1]);
    box_muller(v + 2, c[2], c[3]);
    for (int j = 0; j < 4; j++)
        v[j] = spread * v[j] + a;
#else
    for (int j = 0; j < 4; j++)
        v[j] = min(spread * (convert_float(c[j] >> 8) * 0x1p-24f) + a, top);
#endif
    for (int j = 0; j < 4 && quad * 4 + j < n; j++)
        y[y_off + quad * 4 + j] = v[j];
}
#endif

/* x, y [samples, per_sample] */
#define DROPOUT                                                                \
    const __global T(X) *x, ulong x_off, __global T(X) *y, ulong y_off,        \
        uint samples, uint per_sample, float scale, uint threshold,            \
        uint hash_low, uint hash_high, uint seed, uint step, uint first

#ifdef ENTRY_dropout_cpu
/* The second dimension of the grid is the sample. */
__kernel ONE_ITEM void KERNEL(dropout_cpu)(DROPOUT, uint blocks)
{
    const uint n = get_group_id(1), begin = get_group_id(0) * blocks;
    const uint all = per_sample / 64 + (per_sample % 64 != 0);
    const uint end = min(all, begin + blocks);

    x += x_off + (ulong)n * per_sample;
    y += y_off + (ulong)n * per_sample;
    for (uint block = begin; block < end; block++) {
        uint16 c[4] = {sixteen_from(block * 16), first + n, step, hash_high};
        const int left = min(per_sample - block * 64, 64u);

        philox16(c, (uint2)(seed, hash_low));
        IN_ORDER(uint16, c)
        for (int j = 0; j * 16 < left; j++) {
            const ulong at = (ulong)block * 64 + j * 16;
            const float16 v = LD16N(X, x, at, left - j * 16) * scale;

            ST16N(X, y, at, (c[j] >> 8) >= threshold ? v : (float16)0.0f,
                  left - j * 16);
        }
    }
}
#endif

#ifdef ENTRY_dropout_item
/* Four elements of one sample an item, as one counter has words for them. */
__kernel void KERNEL(dropout_item)(DROPOUT)
{
    const ulong quads = ((ulong)per_sample + 3) / 4;
    const ulong n = get_global_id(0) / quads, quad = get_global_id(0) % quads;
    if (n >= samples)
        return;
    uint c[4] = {(uint)quad, first + (uint)n, step, hash_high};
    const ulong at = n * per_sample + quad * 4;

    philox(c, (uint2)(seed, hash_low));
    for (int j = 0; j < 4 && quad * 4 + j < per_sample; j++)
        ST(X, y, y_off + at + j,
           (c[j] >> 8) >= threshold ? LD(X, x, x_off + at + j) * scale : 0.0f);
}
#endif

#undef RANDOM
#undef DROPOUT
