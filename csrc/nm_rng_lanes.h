/* Vectorised Philox blocks for x86-64, with gcc or clang; included by nm_rng.c alone. The width of the vectors
 * is that of the vector level for which the compiler is called. PRODUCT multiplies the lower 32 bits of each
 * 64-bit lane and ignores the upper half of a lane, which may hold anything: gcc 12 does not find this
 * instruction by itself and emits three multiplications and several permutations. GROUP vectors per
 * iteration hide the latency of the product; four do so better than two, though AVX2 lacks the registers.
 * SPDX-License-Identifier: MIT */
#include <immintrin.h>

#if defined(__AVX512F__)
enum { WIDTH = 8, GROUP = 4 }; /* blocks per vector, vectors per iteration */
#define PRODUCT(a, b) _mm512_mul_epu32((__m512i)(a), (__m512i)(b))
#elif defined(__AVX2__)
enum { WIDTH = 4, GROUP = 4 };
#define PRODUCT(a, b) _mm256_mul_epu32((__m256i)(a), (__m256i)(b))
#else
enum { WIDTH = 2, GROUP = 4 };
#define PRODUCT(a, b) _mm_mul_epu32((__m128i)(a), (__m128i)(b))
#endif

typedef uint64_t lanes __attribute__((vector_size(8 * WIDTH)));

/* The lower and the upper lanes of two vectors, in turn. Lane by lane clang would take them through memory, and gcc
 * before version 12 does not know the builtin. */
#if defined(__clang__) || __GNUC__ >= 12
#if defined(__AVX512F__)
#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define UPPER(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif defined(__AVX2__)
#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define UPPER(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 2)
#define UPPER(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif
#else
#define LOWER(a, b) in_turn(a, b, 0)
#define UPPER(a, b) in_turn(a, b, WIDTH / 2)
INLINE lanes in_turn(lanes a, lanes b, const int from) {
    lanes found;
    for (int i = 0; i < WIDTH; i++)
        found[i] = i % 2 ? b[from + i / 2] : a[from + i / 2];
    return found;
}
#endif

/* What all blocks of a range have in common, one value in all lanes. The step of blocks that differ by their id is the
 * same, and so is half of the words after the first round and one after the second: `same` has these words, with the
 * keys of their rounds where nothing else comes in between. */
enum { FIRST_X0, SECOND_X0, SECOND_X1, SECOND_X2, N_SAME };
typedef struct common {
    lanes k0[ROUNDS], k1[ROUNDS], same[N_SAME];
} common;

INLINE void set_common(common *c, const nm_rng_range *r) {
    const lanes zero = {0};
    uint32_t k0 = (uint32_t)r->seed, k1 = (uint32_t)(r->seed >> 32);
    for (int round = 0; round < ROUNDS; round++, k0 += NEXT_KEY_0, k1 += NEXT_KEY_1) {
        c->k0[round] = zero + k0;
        c->k1[round] = zero + k1;
    }
    const uint64_t a = (uint64_t)MULTIPLIER_0 * (uint32_t)r->step;
    const uint32_t x2 = (uint32_t)(a >> 32) ^ r->stream ^ (uint32_t)c->k1[0][0];
    const uint64_t b = (uint64_t)MULTIPLIER_1 * x2;
    c->same[FIRST_X0] = (zero + (r->step >> 32)) ^ c->k0[0];
    c->same[SECOND_X0] = (zero + (b >> 32)) ^ c->k0[1];
    c->same[SECOND_X1] = zero + (uint32_t)b;
    c->same[SECOND_X2] = (zero + (uint32_t)a) ^ c->k1[1];
}

/* A round. The lower 32 bits of a lane count. */
INLINE void one_round(const common *c, int round, lanes *x0, lanes *x1, lanes *x2, lanes *x3) {
    const lanes zero = {0};
    const lanes a = (lanes)PRODUCT(*x0, zero + MULTIPLIER_0), b = (lanes)PRODUCT(*x2, zero + MULTIPLIER_1);
    *x0 = (b >> 32) ^ *x1 ^ c->k0[round];
    *x1 = b;
    *x2 = (a >> 32) ^ *x3 ^ c->k1[round];
    *x3 = a;
}

/* The first two rounds of blocks whose ids are `id`. */
INLINE void two_rounds(const common *c, lanes id, lanes *x0, lanes *x1, lanes *x2, lanes *x3) {
    const lanes zero = {0};
    const lanes b = (lanes)PRODUCT(id, zero + MULTIPLIER_1);
    const lanes a = (lanes)PRODUCT((b >> 32) ^ c->same[FIRST_X0], zero + MULTIPLIER_0);
    *x0 = b ^ c->same[SECOND_X0];
    *x1 = c->same[SECOND_X1];
    *x2 = (a >> 32) ^ c->same[SECOND_X2];
    *x3 = a;
}

/* The words of n_vectors * WIDTH blocks, with n_vectors <= GROUP. `count` is the step or the id, whichever
 * differs between the blocks. */
INLINE void group_of_blocks(const nm_rng_range *r, const common *c, lanes count, const int n_vectors,
                            uint32_t *out) {
    const lanes zero = {0}, low = zero + 0xFFFFFFFFu;
    lanes x0[GROUP], x1[GROUP], x2[GROUP], x3[GROUP];
    for (int g = 0; g < n_vectors; g++, count += WIDTH) {
        if (!r->by_step) {
            two_rounds(c, count & ID_MASK, &x0[g], &x1[g], &x2[g], &x3[g]);
            continue;
        }
        x0[g] = count, x1[g] = count >> 32, x2[g] = zero + r->id, x3[g] = zero + r->stream;
        one_round(c, 0, &x0[g], &x1[g], &x2[g], &x3[g]);
        one_round(c, 1, &x0[g], &x1[g], &x2[g], &x3[g]);
    }
#pragma GCC unroll 8
    for (int round = 2; round < ROUNDS; round++) {
#pragma GCC unroll 4
        for (int g = 0; g < n_vectors; g++)
            one_round(c, round, &x0[g], &x1[g], &x2[g], &x3[g]);
    }
    for (int g = 0; g < n_vectors; g++) {
        const lanes first = (x0[g] & low) | x1[g] << 32, second = (x2[g] & low) | x3[g] << 32;
        const lanes lower = LOWER(first, second), upper = UPPER(first, second); /* in the order of blocks */
        memcpy(out + (size_t)g * 4 * WIDTH, &lower, sizeof lower);
        memcpy(out + (size_t)g * 4 * WIDTH + 2 * WIDTH, &upper, sizeof upper);
    }
}

static void many_blocks(const nm_rng_range *r, size_t n, uint32_t *out) {
    enum { AT_ONCE = GROUP * WIDTH };
    uint32_t more[4 * AT_ONCE];
    lanes count = {0};
    common shared;
    if (n == 0) /* all words are of blocks that are cut */
        return;
    set_common(&shared, r);
    for (int i = 0; i < WIDTH; i++)
        count[i] = (r->by_step ? r->step : r->id) + (uint64_t)i;
    for (; n >= AT_ONCE; n -= AT_ONCE, out += 4 * AT_ONCE, count += AT_ONCE)
        group_of_blocks(r, &shared, count, GROUP, out);
    if (n == 0)
        return;
    if (n <= WIDTH)
        group_of_blocks(r, &shared, count, 1, more);
    else
        group_of_blocks(r, &shared, count, GROUP, more);
    memcpy(out, more, 4 * n * sizeof *out);
}
