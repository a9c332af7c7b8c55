/* Vectorised Philox blocks, as a template. nm_rng.c includes this file for each vector width, with
 *   BLOCKS (name of the function), WIDTH (blocks per vector), GROUP (vectors per iteration) and
 *   PRODUCT (the instruction that multiplies the lower 32 bits of each 64-bit lane).
 * This is the only file that names instructions: gcc 12 does not find the product by itself and emits three
 * multiplications and several permutations. PRODUCT ignores the upper half of a lane, which may hold
 * anything. GROUP vectors per iteration hide the latency of the product.
 * SPDX-License-Identifier: MIT */
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define LANES       JOIN(lanes_of_, BLOCKS)

typedef uint64_t LANES __attribute__((vector_size(8 * WIDTH)));

/* The words of n_vectors * WIDTH blocks, with n_vectors <= GROUP. `count` is the step or the id, whichever
 * differs between the blocks. */
INLINE void JOIN(BLOCKS, _group)(const nm_rng_range *r, LANES count, const int n_vectors, uint32_t *out) {
    const LANES zero = {0}, m0 = zero + 0xD2511F53u, m1 = zero + 0xCD9E8D57u, low = zero + 0xFFFFFFFFu;
    LANES x0[GROUP], x1[GROUP], x2[GROUP], x3[GROUP];
    uint32_t k0 = (uint32_t)r->seed, k1 = (uint32_t)(r->seed >> 32);
    for (int g = 0; g < n_vectors; g++) {
        x0[g] = r->by_step ? count : zero + r->step;
        x1[g] = x0[g] >> 32;
        x2[g] = r->by_step ? zero + r->id : count & ID_MASK;
        x3[g] = zero + r->stream;
        count += WIDTH;
    }
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
#pragma GCC unroll 4
        for (int g = 0; g < n_vectors; g++) {
            const LANES a = (LANES)PRODUCT(x0[g], m0), b = (LANES)PRODUCT(x2[g], m1);
            x0[g] = (b >> 32) ^ x1[g] ^ (zero + k0);
            x1[g] = b;
            x2[g] = (a >> 32) ^ x3[g] ^ (zero + k1);
            x3[g] = a;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int g = 0; g < n_vectors; g++) {
        const LANES first = (x0[g] & low) | x1[g] << 32, second = (x2[g] & low) | x3[g] << 32;
        LANES take = {0}, pair[2];
        for (int i = 0; i < WIDTH;
             i++) /* in the order of blocks: pair i of 2 WIDTH is a half of block i / 2 */
            take[i] = (uint64_t)(i / 2 + i % 2 * WIDTH);
        pair[0] = __builtin_shuffle(first, second, take);
        pair[1] = __builtin_shuffle(first, second, take + WIDTH / 2);
        memcpy(out + (size_t)g * 4 * WIDTH, pair, sizeof pair);
    }
}

static void BLOCKS(const nm_rng_range *r, size_t n, uint32_t *out) {
    enum { AT_ONCE = GROUP * WIDTH };
    uint32_t more[4 * AT_ONCE];
    LANES count = {0};
    for (int i = 0; i < WIDTH; i++)
        count[i] = (r->by_step ? r->step : r->id) + (uint64_t)i;
    for (; n >= AT_ONCE; n -= AT_ONCE, out += 4 * AT_ONCE, count += AT_ONCE)
        JOIN(BLOCKS, _group)(r, count, GROUP, out);
    if (n == 0)
        return;
    if (n <= WIDTH)
        JOIN(BLOCKS, _group)(r, count, 1, more);
    else
        JOIN(BLOCKS, _group)(r, count, GROUP, more);
    memcpy(out, more, 4 * n * sizeof *out);
}

#undef BLOCKS
#undef WIDTH
#undef GROUP
#undef PRODUCT
#undef LANES
#undef JOIN
#undef JOIN_
