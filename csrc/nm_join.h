/* Joined rows: the synapses of several static projections in the rows of one table, so that a spike finds all its
 * synapses in one place, whatever number of projections they were made by. A delay run holds the synapses of the
 * first member with that delay, then those of the second, each in their order. Of any source no two members reach the
 * same target: so the targets of a member tell its synapses from those of the others, and the sums of delivery do
 * not depend on whether projections are joined.
 * SPDX-License-Identifier: MIT */
#ifndef NM_JOIN_H
#define NM_JOIN_H

#include "nm_network.h"

enum { NM_JOIN_DELAYS = 1 << 16 }; /* entries of the scratch: one for each delay */

/* The members, and the rows `first` .. `first + n_rows - 1` (slots of sources) of the table. */
typedef struct nm_join {
    const nm_projection *members;
    int64_t n_members, first, n_rows, n_partitions;
    int64_t *scratch; /* [NM_JOIN_DELAYS] all zero between calls */
} nm_join;

/* Fill bucket_run [n_rows * n_partitions + 1]: its last entry is the number of delay runs. */
void nm_join_measure(const nm_join *join, int64_t *bucket_run);

/* Fill the table: run_start [n_runs + 1], run_delay [n_runs], target and weight [synapse]; weight NULL: all are equal. */
void nm_join_fill(const nm_join *join, const int64_t *bucket_run, int64_t *run_start, uint16_t *run_delay,
                  uint16_t *target, float *weight);

/* Set to 1 the entries of targets [n_neurons] that a projection reaches. */
void nm_join_targets(const nm_projection *p, int64_t n_partitions, int64_t partition_width, uint8_t *targets);

/* Positions in the table of a member's synapses, in the member's order. `sources` [n_rows of the table], `targets`
 * [n_neurons]: 1 for those of the member. Returns their number; `position` NULL: they are counted. */
int64_t nm_join_positions(const nm_projection *table, int64_t n_partitions, int64_t partition_width,
                          const uint8_t *sources, const uint8_t *targets, int64_t *position);

#endif
