/* Lists of the few among many, made without a branch for each: the neurons that fire in a step, one in some
 * hundred, and the targets of a segment that have fired since its last visit, half of them in the usual case,
 * which no branch could foretell.
 * SPDX-License-Identifier: MIT */
#ifndef NM_HITS_H
#define NM_HITS_H

#include <stddef.h>
#include <stdint.h>

/* The j, 0 <= j < n, with newest[target[j]] >= since, ascending, into `hit`, which has room for n; returns
 * how many. */
size_t nm_compact_find(const int32_t *newest, const uint16_t *target, size_t n, int32_t since, int32_t *hit);

/* first + i of the i, 0 <= i < n, with fired[i] != 0, ascending, into `list`, which has room for n; returns
 * how many. */
int64_t nm_compact_fired(const int64_t *fired, int64_t n, int32_t first, int32_t *list);

#endif
