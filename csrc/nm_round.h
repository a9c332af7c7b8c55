/* Unbiased rounding of a float64 to a float32. A value between two neighbouring float32 numbers becomes the upper one
 * with the probability of its distance to the lower one. The mean of a weight therefore follows every change, however
 * small it is against the spacing of float32, 6e-8 near 1 (Gupta et al. 2015, arXiv:1502.02551, section 3).
 *
 * The random word is a hash of (seed, projection, step, kind of event, ids of source and target, delay), so that threads,
 * cuts of a run, copies and replicas have the same bits. The key of one event is made once (splitmix64, Steele, Lea &
 * Flood 2014, doi:10.1145/2660193.2660195); the target's id is mixed into it with one multiplication, in vectors.
 * SPDX-License-Identifier: MIT */
#ifndef NM_ROUND_H
#define NM_ROUND_H

#include "nm_math.h"

#include <stdint.h>

/* A word with which `nm_round` rounds to the nearest. A projection may choose that instead (`nm_projection.nearest`):
 * changes below half the spacing of float32 are then lost. */
#define NM_ROUND_NEAREST 0x80000000u

/* What rounds the weights of a projection in a step: at most one event of each kind at a synapse. */
enum {
    NM_ROUND_ARRIVAL,
    NM_ROUND_UPDATE,
    NM_ROUND_FLUSH,
    NM_ROUND_TARGET,
    NM_ROUND_DECAY,
    NM_ROUND_SCALING,
    NM_ROUND_BETWEEN,
    NM_ROUND_KINDS
};

static inline uint64_t nm_round_mix(uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* The key of one kind of event of one projection in one step. */
static inline uint32_t nm_round_key(uint64_t seed, uint32_t projection, int64_t step, int kind) {
    const uint64_t when = (uint64_t)step * NM_ROUND_KINDS + (uint64_t)kind;
    return (uint32_t)(nm_round_mix(nm_round_mix(seed ^ (uint64_t)projection << 40) + when) >> 32);
}

/* What is added to the key for the synapses of one source and delay. */
static inline uint32_t nm_round_run(int64_t source, int64_t delay) {
    return (uint32_t)(nm_round_mix((uint64_t)source << 16 ^ (uint64_t)delay) >> 32);
}

/* The random word of the synapse onto the target of that id. */
static inline uint32_t nm_round_word(uint32_t key, uint32_t target) {
    uint32_t x = target * 0x9E3779B9u + key;
    x = (x ^ (x >> 15)) * 0x846CA68Bu;
    return x ^ (x >> 16);
}

/* Another word, for a second value that is rounded in the same event. */
static inline uint32_t nm_round_other(uint32_t word) {
    return word == NM_ROUND_NEAREST ? word : word << 13 | word >> 19;
}

/* x is rounded away from 0 where the 29 bits that a float32 lacks carry when a random number of 29 bits is added. A
 * value that a float32 holds keeps its bits. Below 1.2e-38, where float32 numbers lose digits, rounding is to the
 * nearest. */
static inline float nm_round(double x, uint32_t word) {
    const uint64_t lost = (UINT64_C(1) << 29) - 1;
    return (float)nm_from_bits((nm_to_bits(x) + (word >> 3)) & ~lost);
}

/* The largest float32 <= x, and the smallest >= x, of |x| below 1e38: bounds rounded inwards. */
static inline double nm_round_down(double x) {
    const float near = (float)x;
    uint32_t bits;
    float next;
    if ((double)near <= x)
        return (double)near;
    memcpy(&bits, &near, sizeof bits);
    bits = near == 0.0f ? 0x80000001u : near > 0.0f ? bits - 1 : bits + 1;
    memcpy(&next, &bits, sizeof next);
    return (double)next;
}

static inline double nm_round_up(double x) {
    return -nm_round_down(-x);
}

#endif
