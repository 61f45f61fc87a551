/* half.h: IEEE 754 binary16, which C11 has no type for. */
#ifndef TESTS_HALF_H
#define TESTS_HALF_H

#include <stdint.h>

/* To nearest even. */
uint16_t half_of(double d);
double of_half(uint16_t h);

#endif
