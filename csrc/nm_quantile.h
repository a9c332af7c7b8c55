/* Standard normal deviates from random words, one each. The lowest 31 bits k of a word give the magnitude:
 * the probability beyond it is (k + 1/2) / 2^32. The highest bit gives the sign: 1 positive, 0 negative.
 * Single precision is enough for a background current: the error is below 1e-6 up to the largest value of
 * 6.34 standard deviations.
 * SPDX-License-Identifier: MIT */
#ifndef NM_QUANTILE_H
#define NM_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

void nm_quantile_fill(const uint32_t *word, size_t n, float *deviate);

#endif
