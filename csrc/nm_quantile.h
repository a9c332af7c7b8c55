/* Standard normal deviates from random words, one each: the quantile of (word + 1/2) / 2^32, in single
 * precision, which is enough for a background current. The error is below 1e-6 everywhere, out to the last of
 * 6.34 standard deviations.
 * SPDX-License-Identifier: MIT */
#ifndef NM_QUANTILE_H
#define NM_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

void nm_quantile_fill(const uint32_t *word, size_t n, float *deviate);

#endif
