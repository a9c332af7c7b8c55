/* SPDX-License-Identifier: MIT */
#include "nm_compact.h"
#include "nm_loop.h"

/* Four entries at a time: their positions in the list follow from one sum and not from a chain of four. */
size_t nm_compact_find(const int32_t *newest, const uint16_t *target, size_t n, int32_t since, int32_t *hit) {
    size_t n_found = 0, j = 0;
    for (; j + 4 <= n; j += 4) {
        const size_t a = newest[target[j]] >= since, b = newest[target[j + 1]] >= since,
                     c = newest[target[j + 2]] >= since, d = newest[target[j + 3]] >= since;
        int32_t *next = hit + n_found;
        next[0] = (int32_t)j;
        next[a] = (int32_t)j + 1;
        next[a + b] = (int32_t)j + 2;
        next[a + b + c] = (int32_t)j + 3;
        n_found += a + b + c + d;
    }
    for (; j < n; j++) {
        hit[n_found] = (int32_t)j;
        n_found += newest[target[j]] >= since;
    }
    return n_found;
}

/* Append the neurons from `begin` to `end` - 1 that fired to the list, without a branch per neuron. */
NM_INLINE int64_t list_run(const int64_t *fired, int64_t begin, int64_t end, int32_t first, int32_t *list,
                           int64_t n_fired) {
    NM_UNROLL
    for (int64_t i = begin; i < end; i++) {
        list[n_fired] = first + (int32_t)i;
        n_fired += fired[i] != 0;
    }
    return n_fired;
}

enum { BLOCK = 32 };

/* Most groups of 32 neurons have no spike; one test skips each of them. */
int64_t nm_compact_fired(const int64_t *fired, int64_t n, int32_t first, int32_t *list) {
    const int64_t whole = n - n % BLOCK;
    int64_t n_fired = 0;
    for (int64_t block = 0; block < whole; block += BLOCK) {
        int64_t any = 0;
        for (int64_t i = 0; i < BLOCK; i++)
            any |= fired[block + i];
        if (any != 0)
            n_fired = list_run(fired, block, block + BLOCK, first, list, n_fired);
    }
    return list_run(fired, whole, n, first, list, n_fired);
}
