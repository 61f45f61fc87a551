/*
 * sha256.c: SHA-256 as in FIPS 180-4, in plain C.
 */
#include <stdio.h>
#include <string.h>

#include "runtime/base.h"

/* First 32 bits of the fractional parts of the cube roots of the first 64
 * primes. */
static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static uint32_t big_endian(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
           b[3];
}

/* The message schedule, section 6.2.2 step 1. */
static void expand(const uint8_t *block, uint32_t w[64])
{
    for (int t = 0; t < 16; t++, block += 4)
        w[t] = big_endian(block);
    for (int t = 16; t < 64; t++) {
        uint32_t a = w[t - 2];
        uint32_t b = w[t - 15];

        w[t] = (rotr(a, 17) ^ rotr(a, 19) ^ a >> 10) + w[t - 7] +
               (rotr(b, 7) ^ rotr(b, 18) ^ b >> 3) + w[t - 16];
    }
}

/* v holds a to h of the standard.  Steps 2 to 4 of section 6.2.2, one block of
 * 64 bytes. */
static void compress(uint32_t h[8], const uint8_t *block)
{
    uint32_t w[64];
    uint32_t v[8];

    expand(block, w);
    memcpy(v, h, sizeof(v));
    for (int t = 0; t < 64; t++) {
        uint32_t e = v[4];
        uint32_t a = v[0];
        uint32_t t1 = v[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +
                      ((e & v[5]) ^ (~e & v[6])) + k[t] + w[t];
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof(*v));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

void sha256_init(struct sha256 *s)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                      0xa54ff53a, 0x510e527f, 0x9b05688c,
                                      0x1f83d9ab, 0x5be0cd19};

    memcpy(s->h, start, sizeof(start));
    s->bytes = 0;
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t held = s->bytes % 64;

    s->bytes += len;
    if (held && len >= 64 - held) {
        memcpy(s->block + held, p, 64 - held);
        compress(s->h, s->block);
        p += 64 - held;
        len -= 64 - held;
        held = 0;
    }
    if (!held)
        for (; len >= 64; p += 64, len -= 64)
            compress(s->h, p);
    if (len)
        memcpy(s->block + held, p, len);
}

/* Section 5.1.1: a one bit, zeros, and the length in bits as 64 bits fill the
 * last block.  The state is of no use afterwards. */
void sha256_hex(struct sha256 *s, char hex[65])
{
    static const uint8_t padding[64] = {0x80};
    uint64_t bits = s->bytes * 8;
    size_t held = s->bytes % 64;
    uint8_t length[8];

    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    sha256_add(s, padding, held < 56 ? 56 - held : 120 - held);
    sha256_add(s, length, 8);
    for (int i = 0; i < 8; i++, hex += 8)
        snprintf(hex, 9, "%08x", (unsigned)s->h[i]);
}
