/*
 * random.h: numbers that are pure functions of what they are for.
 *
 * Philox-4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3", 2011) makes 4 words from a counter and a key.  The counter
 * is {element / 4, sample, step, high half of the name's hash}, the key {seed,
 * low half of the hash}; numbers that belong to no step have step 0, and then
 * `sample` is the high half of element / 4.
 */
#ifndef KERNELS_RANDOM_H
#define KERNELS_RANDOM_H

#include "kernels/kernel.h"

/* FNV-1a of a name, 64 bits. */
uint64_t random_hash(const char *name);
void random_words(const uint32_t counter[4], const uint32_t key[2],
                  uint32_t word[4]);

/*
 * kernels_random: -> y f32 [elements].  Uniform: a + (b - a) u, below b, where
 * u is the upper 24 bits of an element's word.  Normal: a + b z, z by Box and
 * Muller (1958) from two neighbouring words.
 */
struct random_problem {
    int64_t elements;
    bool normal;
    double a, b;
    uint64_t hash;
};
extern const struct kernel kernels_random[];
/* Largest float below b, b itself if the range is empty. */
double random_top(double a, double b);

/*
 * kernels_dropout: x -> y [samples, per_sample].  y is x / (1 - ratio) where
 * the upper 24 bits of the element's word are at least `threshold`, else 0.
 */
struct dropout_problem {
    int64_t samples, per_sample; /* per_sample: below 2^32 */
    double ratio;
    uint64_t hash;
    enum dtype x;
};
extern const struct kernel kernels_dropout[];
uint32_t dropout_threshold(double ratio);

#endif
