/* Random numbers for tests (splitmix64): tests must not lean on the generator that they test. `sequence` starts
 * a sequence.
 * SPDX-License-Identifier: MIT */
#ifndef DRAW_H
#define DRAW_H

#include <stdint.h>

static uint64_t sequence;

static inline uint64_t draw(void) {
    uint64_t z = (sequence += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
/* In [0, 1), of 53 bits. */
static inline double uniform(void) {
    return (double)(draw() >> 11) / 9007199254740992.0;
}
/* In 0 .. n - 1. */
static inline int64_t below(int64_t n) {
    return (int64_t)(draw() % (uint64_t)n);
}

#endif
