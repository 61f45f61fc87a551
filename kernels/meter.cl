/* meter.cl: running sums for means, counts, and a loss's first gradient. */

#if defined ENTRY_meter_add || (defined ENTRY_count_add && defined ROUNDED)
/*
 * Knuth's TwoSum: the sum, and in *lost exactly what it was rounded by.  It has
 * no products, so nothing in it can be contracted.
 */
INLINE float KERNEL(add)(float sum, float x, float *lost)
{
    const float next = sum + x;
    const float part = next - sum;

    *lost += (sum - (next - part)) + (x - part);
    return next;
}
#endif

#ifdef ENTRY_meter_add
#ifndef LANES
#define LANES 16
#define LANES_IS_DEFAULT
#endif

/* Counts may need more bits than a float has: the second addend is what the
 * first lacks. */
INLINE float KERNEL(add_count)(float sum, long count, float *lost)
{
    const float near = (float)count;

    *lost += (float)(count - (long)near);
    return KERNEL(add)(sum, near, lost);
}

/* One item per lane. state, next [LANES, 4], terms, counts [N]; `next` may lie
 * over state, as each item reads its lane before it writes it. */
__kernel void KERNEL(meter_add)(
    const __global float *state, ulong state_off, const __global float *terms,
    ulong terms_off,
#ifdef COUNTS
    const __global T(COUNTS) *counts, ulong counts_off,
#endif
    __global float *next, ulong next_off, uint per_sample_low,
    uint per_sample_high, uint N, uint rows, uint first)
{
    const uint lane = get_global_id(0);
    float4 s = vload4(0, state + state_off + lane * 4);
    float lost = s.y, count_lost = s.w;

#ifdef ONCE
    if (lane == 0) {
        s.x = KERNEL(add)(s.x, terms[terms_off], &lost);
        s.z = KERNEL(add_count)(s.z, 1, &count_lost);
    }
#else
    for (uint n = lane_start(lane, LANES, first); n < min(rows, N);
         n += LANES) {
        s.x = KERNEL(add)(s.x, terms[terms_off + n], &lost);
#ifdef ROUNDED
        s.z = KERNEL(add)(s.z, counts[counts_off + n], &count_lost);
#elif defined COUNTS
        s.z = KERNEL(add_count)(s.z, counts[counts_off + n], &count_lost);
#else
        s.z = KERNEL(add_count)(s.z, join(per_sample_low, per_sample_high),
                                &count_lost);
#endif
    }
#endif
    vstore4((float4)(s.x, lost, s.z, count_lost), 0,
            next + next_off + lane * 4);
}

#ifdef LANES_IS_DEFAULT
#undef LANES
#undef LANES_IS_DEFAULT
#endif
#endif

#ifdef ENTRY_count_add
/* One item, and one chain: rounded sums too are the same wherever the batch is
 * cut. */
__kernel ONE_ITEM void KERNEL(count_add)(
    const __global T(COUNTS) *state, ulong state_off,
    const __global T(COUNTS) *counts, ulong counts_off,
    __global T(COUNTS) *next, ulong next_off, uint N, uint rows, uint first)
{
    T(COUNTS) sum = first ? state[state_off] : 0;
#ifdef ROUNDED
    float lost = first ? state[state_off + 1] : 0.0f;
#endif

    for (uint n = 0; n < min(rows, N); n++) {
#ifdef ROUNDED
        sum = KERNEL(add)(sum, counts[counts_off + n], &lost);
#else
        sum += counts[counts_off + n];
#endif
    }
    next[next_off] = sum;
#ifdef ROUNDED
    next[next_off + 1] = lost;
#endif
}
#endif

#ifdef ENTRY_loss_seed
/* One item per sample; rows beyond the batch, and a batch of which nothing
 * counts, get nothing. */
__kernel void KERNEL(loss_seed)(
#ifdef COUNTS
    const __global T(COUNTS) *state, ulong state_off,
#endif
    __global float *seed, ulong seed_off, float weight, uint per_sample_low,
    uint per_sample_high, uint N, uint rows, uint effective)
{
    const uint n = get_global_id(0);
#ifdef ROUNDED
    const float count = state[state_off] + state[state_off + 1];
#elif defined COUNTS
    const float count = (float)state[state_off];
#else
    const float count =
        (float)(effective * join(per_sample_low, per_sample_high));
#endif

    /* A NaN among the weights is to be seen. */
    if (n < N)
        seed[seed_off + n] =
            n < rows && count != 0.0f ? weight / count : 0.0f;
}
#endif
