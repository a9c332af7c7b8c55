/* The delay ring: lists of spikes, one for each step and partition. The ring covers the longest delay plus
 * the steps by which one partition may be ahead of another. Pull delivery: in step t + d every projection
 * with a delay d reads the spikes of step t, so the weight at arrival acts. A row of the ring has n_neurons
 * entries, and the list of a partition begins at the partition's first slot. Memory pages that no spike
 * reaches are never touched.
 * SPDX-License-Identifier: MIT */
#ifndef NM_DELAY_H
#define NM_DELAY_H

#include <stdint.h>

/* Greatest number of steps that a partition takes between two synchronisations; a power of 2. */
enum { NM_INTERVAL = 32 };

typedef struct nm_delay {
    int64_t length;                        /* steps: max_delay + the greatest interval */
    int64_t width;                         /* n_neurons */
    int64_t n_partitions, partition_width; /* as in the network */
    int32_t *slot;                         /* [length * width], ascending within a list */
    int64_t *count;                        /* [length * n_partitions] */
} nm_delay;

/* The row of a step that the ring still covers. Steps before the first have empty lists. The operands of the
 * division are positive, so one unsigned division suffices. */
static inline int64_t nm_delay_row(const nm_delay *ring, int64_t step) {
    return (int64_t)((uint64_t)(step + ring->length) % (uint64_t)ring->length);
}
static inline int32_t *nm_delay_list_in(const nm_delay *ring, int64_t row, int64_t partition) {
    return ring->slot + row * ring->width + partition * ring->partition_width;
}
static inline int64_t *nm_delay_count_in(const nm_delay *ring, int64_t row, int64_t partition) {
    return ring->count + row * ring->n_partitions + partition;
}
static inline int32_t *nm_delay_list(const nm_delay *ring, int64_t step, int64_t partition) {
    return nm_delay_list_in(ring, nm_delay_row(ring, step), partition);
}
static inline int64_t *nm_delay_count(const nm_delay *ring, int64_t step, int64_t partition) {
    return nm_delay_count_in(ring, nm_delay_row(ring, step), partition);
}
static inline int nm_delay_any(const nm_delay *ring, int64_t step) {
    const int64_t *count = nm_delay_count(ring, step, 0);
    for (int64_t partition = 0; partition < ring->n_partitions; partition++)
        if (count[partition] > 0)
            return 1;
    return 0;
}

#endif
