/*
 * random.cl: random numbers, and dropout, by counters; see random.h.
 *
 * One work-item takes the four elements of one counter, so that an element's
 * bits depend on nothing but its number.
 */

/* The file comes several times in one program, these once. */
#ifndef PHILOX
#define PHILOX

INLINE uint4 philox(uint4 c, uint2 key)
{
    for (int i = 0; i < 10; i++) {
        const uint high0 = mul_hi(0xD2511F53u, c.x);
        const uint high1 = mul_hi(0xCD9E8D57u, c.z);

        c = (uint4)(high1 ^ c.y ^ key.x, 0xCD9E8D57u * c.z,
                    high0 ^ c.w ^ key.y, 0xD2511F53u * c.x);
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
    return c;
}

/* Two independent normal numbers from two words.  The first uniform is in
 * (0, 1], for the logarithm. */
INLINE float2 box_muller(uint a, uint b)
{
    const float u = ((a >> 8) + 1) * 0x1p-24f;
    const float turn = (b >> 8) * 0x1p-23f;

    return sqrt(-2.0f * log(u)) * (float2)(cospi(turn), sinpi(turn));
}
#endif

#ifdef ENTRY_random_item
/* y [n].  spread: the width of the range, or the deviation. */
__kernel void KERNEL(random_item)(__global float *y, ulong y_off, uint n_low,
                                  uint n_high, float a, float spread,
                                  float top, uint hash_low, uint hash_high,
                                  uint seed)
{
    const ulong n = join(n_low, n_high), quad = get_global_id(0);
    if (quad * 4 >= n)
        return;
    const uint4 word = philox((uint4)((uint)quad, (uint)(quad >> 32), 0,
                                      hash_high),
                              (uint2)(seed, hash_low));
    float v[4];

#ifdef NORMAL
    const float4 z = (float4)(box_muller(word.x, word.y),
                              box_muller(word.z, word.w));
    vstore4(spread * z + a, 0, v);
#else
    const float4 u = convert_float4(word >> 8) * 0x1p-24f;
    vstore4(min(spread * u + a, top), 0, v);
#endif
    for (int i = 0; i < 4 && quad * 4 + i < n; i++)
        y[y_off + quad * 4 + i] = v[i];
}
#endif

#ifdef ENTRY_dropout_item
/* x, y [samples, per_sample] */
__kernel void KERNEL(dropout_item)(const __global T(X) *x, ulong x_off,
                                   __global T(X) *y, ulong y_off,
                                   uint samples, uint per_sample, float scale,
                                   uint threshold, uint hash_low,
                                   uint hash_high, uint seed, uint step,
                                   uint first)
{
    const ulong quads = ((ulong)per_sample + 3) / 4;
    const ulong n = get_global_id(0) / quads, quad = get_global_id(0) % quads;
    if (n >= samples)
        return;
    const uint4 word = philox((uint4)((uint)quad, first + (uint)n, step,
                                      hash_high),
                              (uint2)(seed, hash_low));
    const ulong at = n * per_sample + quad * 4;
    uint keep[4];

    vstore4(word >> 8, 0, keep);
    for (int i = 0; i < 4 && quad * 4 + i < per_sample; i++)
        ST(X, y, y_off + at + i,
           keep[i] >= threshold ? LD(X, x, x_off + at + i) * scale : 0.0f);
}
#endif
