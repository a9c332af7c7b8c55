/* Stream compaction: list the indices of the entries that satisfy a condition, without a branch per entry.
 * Two uses: the neurons that fire in a step (about one in a hundred), and the synapses of a delay run whose
 * target has fired since the run's last update (often half of them, which a branch predictor cannot foresee).
 * SPDX-License-Identifier: MIT */
#ifndef NM_COMPACT_H
#define NM_COMPACT_H

#include <stddef.h>
#include <stdint.h>

/* Write the indices j, 0 <= j < n, with newest[target[j]] >= since to `hit`, ascending. `hit` has room for n.
 * Returns the number of indices. */
size_t nm_compact_find(const int32_t *newest, const uint16_t *target, size_t n, int32_t since, int32_t *hit);

/* Write first + i for every i, 0 <= i < n, with fired[i] != 0 to `list`, ascending. `list` has room for n.
 * Returns the number of entries. */
int64_t nm_compact_fired(const int64_t *fired, int64_t n, int32_t first, int32_t *list);

#endif
