/* SPDX-License-Identifier: MIT */
#include "nm_hits.h"
#include "nm_model.h"

#if NM_HAS_LANES_512
#include <immintrin.h>
#endif

/* ---- targets --------------------------------------------------------------------------------------- */

static size_t find_from(size_t first, const int32_t *newest, const uint16_t *target, size_t n, int32_t since,
                        int32_t *hit) {
    size_t n_hits = 0;
    for (size_t j = first; j < n; j++) {
        hit[n_hits] = (int32_t)j;
        n_hits += newest[target[j]] >= since;
    }
    return n_hits;
}

static size_t find_plainly(const int32_t *newest, const uint16_t *target, size_t n, int32_t since,
                           int32_t *hit) {
    return find_from(0, newest, target, n, since, hit);
}

/* Sixteen at a time: gathered, compared, and packed to the left, in 0.6 ns a target in place of 1.1.
 * There is no packing in plain C, nor before AVX-512. */
#if NM_HAS_LANES_512
NM_LANES_512 static size_t find_lanes(const int32_t *newest, const uint16_t *target, size_t n, int32_t since,
                                      int32_t *hit) {
    enum { LANES = 16 };
    const __m512i since_all = _mm512_set1_epi32(since), step = _mm512_set1_epi32(LANES);
    __m512i number = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    size_t n_hits = 0, j = 0;
    for (; j + LANES <= n; j += LANES) {
        const __m512i slot = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)(target + j)));
        const __m512i time = _mm512_i32gather_epi32(slot, newest, sizeof *newest);
        const __mmask16 counts = _mm512_cmpge_epi32_mask(time, since_all);
        _mm512_storeu_si512(hit + n_hits, _mm512_maskz_compress_epi32(counts, number));
        n_hits += (size_t)__builtin_popcount(counts);
        number = _mm512_add_epi32(number, step);
    }
    return n_hits + find_from(j, newest, target, n, since, hit + n_hits);
}
#endif

NM_BY_MACHINE(size_t, find, find_lanes, find_plainly,
              (const int32_t *newest, const uint16_t *target, size_t n, int32_t since, int32_t *hit))

size_t nm_hits_find(const int32_t *newest, const uint16_t *target, size_t n, int32_t since, int32_t *hit) {
    return find(newest, target, n, since, hit);
}

/* ---- the fired ------------------------------------------------------------------------------------- */

enum { BLOCK = 16, WIDE_BLOCK = 32, WORDS = 8 };

/* Most blocks are empty, and one look settles each. Within a block no branch is taken. */
NM_CLONES static int64_t list_plainly(const int64_t *restrict fired, int64_t n, int32_t first,
                                      int32_t *restrict list) {
    int64_t n_fired = 0;
    for (int64_t block = 0; block < n; block += BLOCK) {
        const int64_t end = block + BLOCK < n ? block + BLOCK : n;
        int64_t any = 0;
        for (int64_t i = block; i < end; i++)
            any |= fired[i];
        if (!any)
            continue;
        NM_UNROLL
        for (int64_t i = block; i < end; i++) {
            list[n_fired] = first + (int32_t)i;
            n_fired += fired[i] != 0;
        }
    }
    return n_fired;
}

/* A vector is compared with 0 by one instruction, where plain C folds it down to one number first: 0.1 ns a
 * neuron in place of 0.2. */
#if NM_HAS_LANES_512
NM_LANES_512 static int64_t list_lanes(const int64_t *fired, int64_t n, int32_t first, int32_t *list) {
    int64_t n_fired = 0, block = 0;
    for (; block + WIDE_BLOCK <= n; block += WIDE_BLOCK) {
        const __m512i a = _mm512_loadu_si512(fired + block), b = _mm512_loadu_si512(fired + block + WORDS),
                      c = _mm512_loadu_si512(fired + block + 2 * WORDS),
                      d = _mm512_loadu_si512(fired + block + 3 * WORDS);
        const __m512i any = _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d));
        if (_mm512_test_epi64_mask(any, any) == 0)
            continue;
        uint32_t found =
            (uint32_t)_mm512_test_epi64_mask(a, a) | (uint32_t)_mm512_test_epi64_mask(b, b) << 8 |
            (uint32_t)_mm512_test_epi64_mask(c, c) << 16 | (uint32_t)_mm512_test_epi64_mask(d, d) << 24;
        for (; found != 0; found &= found - 1)
            list[n_fired++] = first + (int32_t)block + __builtin_ctz(found);
    }
    return n_fired + list_plainly(fired + block, n - block, first + (int32_t)block, list + n_fired);
}
#endif

NM_BY_MACHINE(int64_t, list_fired, list_lanes, list_plainly,
              (const int64_t *fired, int64_t n, int32_t first, int32_t *list))

int64_t nm_hits_fired(const int64_t *fired, int64_t n, int32_t first, int32_t *list) {
    return list_fired(fired, n, first, list);
}
