/* Counter-based random numbers: Philox-4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405). A draw is a
 * pure function of (seed, stream, id, step), so it does not depend on threads, chunks or call order, and
 * there is no state to save.
 * SPDX-License-Identifier: MIT */
#ifndef NM_RNG_H
#define NM_RNG_H

#include <stddef.h>
#include <stdint.h>

/* The purpose of a draw: the low byte of the counter's last word. The rest of that word is a salt, such as
 * the number of a projection, so that two projections draw independently: nm_stream(NM_STREAM_CONNECT, 3). */
enum {
    NM_STREAM_NEURON = 1, /* a model's own draws */
    NM_STREAM_DRIVE,      /* background Poisson input */
    NM_STREAM_DRIVE_MORE, /* further words of a neuron whose background needs more than one */
    NM_STREAM_PLACE,      /* which lattice sites hold a neuron */
    NM_STREAM_CONNECT,    /* which pairs are connected */
    NM_STREAM_WEIGHT,
    NM_STREAM_DELAY,
    NM_STREAM_USER,
    NM_STREAM_NOISE,        /* background noise, normal */
    NM_STREAM_NOISE_FLAT,   /* background noise, uniform */
    NM_STREAM_EVENT,        /* an event rule's own draws at events, */
    NM_STREAM_BETWEEN,      /* and those for the time between them */
    NM_STREAM_WEIGHT_AGAIN, /* draws in place of those that fell outside */
    NM_STREAM_DELAY_AGAIN,
    NM_STREAM_SHORT_TERM, /* which sources facilitate */
    NM_STREAM_CURRENT,    /* Ornstein-Uhlenbeck currents, */
    NM_STREAM_TRAIN,      /* spike trains that are drawn before a run, */
    NM_STREAM_DEGREE,     /* and random degrees */
    NM_STREAM_DEGREE_AGAIN,
    NM_STREAM_LIFE /* who dies, and how children differ from their parents */
};

static inline uint32_t nm_stream(uint32_t purpose, uint32_t salt) {
    return purpose | (salt << 8);
}

/* One block: counter -> four 32-bit words. */
void nm_rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Four words for (seed, stream, id, step). */
void nm_rng_block(uint64_t seed, uint32_t stream, uint32_t id, uint64_t step, uint32_t out[4]);

/* The first n_words (1 .. 4) of the block of each pair of an id below 2^40 and a step below 2^56, both >= 0: word k of
 * the i-th pair goes to out[k * n + i]. The id's bits beyond 32 are the step's highest byte. */
void nm_rng_each(uint64_t seed, uint32_t stream, const int64_t *id, const int64_t *step, size_t n,
                 int n_words, uint32_t *out);

/* One word per id for ids first_id .. first_id + n - 1. Word (id & 3) of the block numbered (id >> 2): four
 * neurons share a block, so one Philox evaluation serves four of them. */
void nm_rng_fill(uint64_t seed, uint32_t stream, uint32_t first_id, uint64_t step, size_t n, uint32_t *out);

/* The 4 * n_blocks words of one id's blocks first_step .. first_step + n_blocks - 1, in order. */
void nm_rng_sequence(uint64_t seed, uint32_t stream, uint32_t id, uint64_t first_step, size_t n_blocks,
                     uint32_t *out);

/* The word that nm_rng_fill gives for one id. */
uint32_t nm_rng_word(uint64_t seed, uint32_t stream, uint32_t id, uint64_t step);

/* (0, 1): never 0, never 1; 32 bits. */
static inline double nm_uniform(uint32_t word) {
    return ((double)word + 0.5) * (1.0 / 4294967296.0);
}

#endif
