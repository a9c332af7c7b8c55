/* Standard normal deviates from random words, one each. The lowest 31 bits k of a word give the distance from 0:
 * beyond it lies the probability (k + 1/2) / 2^32. The highest bit gives the side: 1 above 0, 0 below. Single
 * precision is enough for a background current: the error is below 1e-6 everywhere, out to the last of 6.34
 * standard deviations.
 * SPDX-License-Identifier: MIT */
#ifndef NM_QUANTILE_H
#define NM_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

void nm_quantile_fill(const uint32_t *word, size_t n, float *deviate);

#endif
