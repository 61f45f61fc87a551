/*
 * shuffle.c: a permutation of 0..n-1, one index at a time and without memory.
 *
 * An index of b bits is cut into two halves; each round adds (exclusive or) a
 * pseudo-random function of one half to the other, which can be undone, so
 * that all rounds together are a permutation of 0..2^b-1 (Luby and Rackoff,
 * 1988).  Results of n and more are sent through again until one falls below n
 * (cycle walking; Black and Rogaway, 2002): fewer than two passes on average,
 * since 2^b < 2n.  The function is Philox-4x32-10 (Salmon et al., "Parallel
 * random numbers: as easy as 1, 2, 3", 2011) keyed with seed and epoch.
 *
 * Eight rounds are twice the four after which Luby and Rackoff's construction
 * is indistinguishable from a random permutation by chosen plaintext and
 * ciphertext, since that bound is weak for halves of few bits.
 */
#include "data/plancl_data.h"

enum { PHILOX_ROUNDS = 10, FEISTEL_ROUNDS = 8 };

/* Multipliers and Weyl constants are those of the paper, so its test vectors
 * hold. */
static uint32_t philox(uint32_t half, uint32_t round, uint32_t seed,
                       uint32_t epoch)
{
    uint32_t c[4] = {half, round, 0, 0};
    uint32_t key[2] = {seed, epoch};

    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        uint64_t p0 = (uint64_t)0xD2511F53 * c[0];
        uint64_t p1 = (uint64_t)0xCD9E8D57 * c[2];

        c[0] = (uint32_t)(p1 >> 32) ^ c[1] ^ key[0];
        c[1] = (uint32_t)p1;
        c[2] = (uint32_t)(p0 >> 32) ^ c[3] ^ key[1];
        c[3] = (uint32_t)p0;
        key[0] += 0x9E3779B9;
        key[1] += 0xBB67AE85;
    }
    return c[0];
}

/* The fewest bits that hold 0..n-1: n <= 2^bits < 2n. */
static unsigned bits_below(uint64_t n)
{
    unsigned bits = 0;

    while (bits < 64 && (n - 1) >> bits)
        bits++;
    return bits;
}

uint64_t plancl_shuffle(uint64_t i, uint64_t n, uint32_t seed, uint32_t epoch)
{
    if (n < 2 || i >= n)
        return i; /* nothing to choose; or not an index, and still none */

    unsigned bits = bits_below(n);
    unsigned low_bits = bits - bits / 2; /* 1 to 32 */
    uint32_t low_mask = (uint32_t)((UINT64_C(1) << low_bits) - 1);
    uint32_t high_mask = (uint32_t)((UINT64_C(1) << bits / 2) - 1);

    do {
        uint32_t low = (uint32_t)i & low_mask;
        uint32_t high = (uint32_t)(i >> low_bits);

        for (uint32_t round = 0; round < FEISTEL_ROUNDS; round += 2) {
            low ^= philox(high, round, seed, epoch) & low_mask;
            high ^= philox(low, round + 1, seed, epoch) & high_mask;
        }
        i = (uint64_t)high << low_bits | low;
    } while (i >= n);
    return i;
}
