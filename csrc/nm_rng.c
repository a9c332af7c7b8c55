/* Philox-4x32-10: ten rounds of two 32 x 32 -> 64 bit products, crosswise (Salmon et al. 2011, section 3.3;
 * multipliers and key increments from there). Checked against the authors' known answers: tests/c/test_rng.c.
 * SPDX-License-Identifier: MIT */
#include "nm_rng.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { ROUNDS = 10 };
#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define NEXT_KEY_0   0x9E3779B9u /* added to the key after each round */
#define NEXT_KEY_1   0xBB67AE85u

/* Scalars only, so that a loop over blocks vectorises: each variable becomes one vector register. */
INLINE void philox(uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3, uint32_t k0, uint32_t k1,
                   uint32_t *out) {
#pragma GCC unroll 10
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t a = (uint64_t)MULTIPLIER_0 * x0, b = (uint64_t)MULTIPLIER_1 * x2;
        x0 = (uint32_t)(b >> 32) ^ x1 ^ k0;
        x1 = (uint32_t)b;
        x2 = (uint32_t)(a >> 32) ^ x3 ^ k1;
        x3 = (uint32_t)a;
        k0 += NEXT_KEY_0;
        k1 += NEXT_KEY_1;
    }
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
}

void nm_rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1], out);
}

INLINE void block(uint64_t seed, uint32_t stream, uint32_t id, uint64_t step, uint32_t *out) {
    philox((uint32_t)step, (uint32_t)(step >> 32), id, stream, (uint32_t)seed, (uint32_t)(seed >> 32), out);
}

void nm_rng_block(uint64_t seed, uint32_t stream, uint32_t id, uint64_t step, uint32_t out[4]) {
    block(seed, stream, id, step, out);
}

uint32_t nm_rng_word(uint64_t seed, uint32_t stream, uint32_t id, uint64_t step) {
    uint32_t out[4];
    block(seed, stream, id >> 2, step, out);
    return out[id & 3];
}

void nm_rng_each(uint64_t seed, uint32_t stream, const int64_t *id, const int64_t *step, size_t n,
                 int n_words, uint32_t *out) {
    enum { AT_ONCE = 64 };
    uint32_t words[4][AT_ONCE];
    for (size_t first = 0; first < n; first += AT_ONCE) {
        const size_t here = n - first < AT_ONCE ? n - first : AT_ONCE;
        for (size_t i = 0; i < here; i++) {
            const uint64_t whose = (uint64_t)id[first + i], when = (uint64_t)step[first + i];
            uint32_t own[4];
            block(seed, stream, (uint32_t)whose, when | whose >> 32 << 56, own);
            words[0][i] = own[0], words[1][i] = own[1], words[2][i] = own[2], words[3][i] = own[3];
        }
        for (int k = 0; k < n_words; k++)
            memcpy(out + (size_t)k * n + first, words[k], here * sizeof **words);
    }
}

/* ---- many blocks --------------------------------------------------------------------------------- */

#define ID_MASK 0x3FFFFFFFu

/* Consecutive blocks: the counters of the first block. From one block to the next the step increases by one
 * (by_step), or else the id. */
typedef struct nm_rng_range {
    uint64_t seed, step;
    uint32_t stream, id;
    int by_step;
} nm_rng_range;

#if defined(__x86_64__) && defined(__GNUC__)
#include "nm_rng_lanes.h"
#else /* another machine or compiler */

static void many_blocks(const nm_rng_range *r, size_t n, uint32_t *restrict out) {
    for (size_t i = 0; i < n; i++)
        block(r->seed, r->stream, r->by_step ? r->id : (r->id + (uint32_t)i) & ID_MASK,
              r->by_step ? r->step + i : r->step, out + 4 * i);
}

#endif

static void fill_blocks(uint64_t seed, uint32_t stream, uint32_t first, uint64_t step, size_t n,
                        uint32_t *out) {
    const nm_rng_range range = {.seed = seed, .step = step, .stream = stream, .id = first};
    many_blocks(&range, n, out);
}

void nm_rng_fill(uint64_t seed, uint32_t stream, uint32_t first_id, uint64_t step, size_t n, uint32_t *out) {
    uint32_t edge[4];
    size_t skip = first_id & 3; /* words of the first block that belong to smaller ids */
    uint32_t first = first_id >> 2;
    if (skip != 0) {
        size_t head = n < 4 - skip ? n : 4 - skip;
        block(seed, stream, first, step, edge);
        memcpy(out, edge + skip, head * sizeof *out);
        out += head;
        n -= head;
        first++;
    }
    fill_blocks(seed, stream, first, step, n / 4, out);
    if (n % 4 != 0) {
        block(seed, stream, (first + (uint32_t)(n / 4)) & 0x3FFFFFFFu, step, edge);
        memcpy(out + n / 4 * 4, edge, n % 4 * sizeof *out);
    }
}

void nm_rng_sequence(uint64_t seed, uint32_t stream, uint32_t id, uint64_t first_step, size_t n_blocks,
                     uint32_t *out) {
    const nm_rng_range range = {.seed = seed, .step = first_step, .stream = stream, .id = id, .by_step = 1};
    many_blocks(&range, n_blocks, out);
}
