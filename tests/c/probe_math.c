/* Not a test by itself: the doubles behind the draws, for tests/test_rng.py to compare bit by bit between
 * builds for different instruction sets. (The draws themselves are rounded to floats or whole numbers, which
 * would hide a last bit.)
 * SPDX-License-Identifier: MIT */
#include "nm_math.h"
#include "nm_normal.h"

#include <stddef.h>

void probe_log(const uint32_t *word, size_t n, double *out);
void probe_exp(const uint32_t *word, size_t n, double *out);
void probe_normal(const uint32_t *word, size_t n, double *out);

void probe_log(const uint32_t *word, size_t n, double *out) {
    for (size_t i = 0; i < n; i++)
        out[i] = nm_log(nm_uniform(word[i]));
}

void probe_exp(const uint32_t *word, size_t n, double *out) {
    for (size_t i = 0; i < n; i++)
        out[i] = nm_exp(-40.0 * nm_uniform(word[i]));
}

void probe_normal(const uint32_t *word, size_t n, double *out) {
    for (size_t i = 0; i + 1 < n; i += 2)
        nm_normal_pair(word[i], word[i + 1], &out[i], &out[i + 1]);
}
