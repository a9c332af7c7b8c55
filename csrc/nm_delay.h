/* The last steps' spikes: a ring of lists, one per step and part, long enough for the longest delay and the
 * steps that one part may be ahead of another. A spike emitted in step t is looked up in step t + d by every
 * projection that has a delay d ("pull"), so weights act as they stand at arrival. Rows are n_neurons wide, a
 * part's list begins at its first slot, and only the pages that spikes reached are ever touched.
 * SPDX-License-Identifier: MIT */
#ifndef NM_DELAY_H
#define NM_DELAY_H

#include <stdint.h>

/* Steps at most that a part takes by itself, a power of 2. What it is to know of other parts are spikes at
 * least the shortest delay old: so parts meet once in that time, not in every step. */
enum { NM_INTERVAL = 32 };

typedef struct nm_delay {
    int64_t length;                        /* max_delay + the steps that are taken at a time */
    int64_t width;                         /* n_neurons */
    int64_t n_partitions, partition_width; /* as in the network */
    int32_t *slot;                         /* [length * width], ascending within a list */
    int64_t *count;                        /* [length * n_partitions] */
} nm_delay;

/* Of a step that the ring still has: 0 and those before the first are empty. One division, of numbers known
 * to be positive: some thirty such rows are asked for in a step, and a division takes some 15 cycles. */
static inline int64_t nm_delay_row(const nm_delay *ring, int64_t step) {
    return (int64_t)((uint64_t)(step + ring->length) % (uint64_t)ring->length);
}
static inline int32_t *nm_delay_list(const nm_delay *ring, int64_t step, int64_t partition) {
    return ring->slot + nm_delay_row(ring, step) * ring->width + partition * ring->partition_width;
}
static inline int64_t *nm_delay_count(const nm_delay *ring, int64_t step, int64_t partition) {
    return ring->count + nm_delay_row(ring, step) * ring->n_partitions + partition;
}

#endif
