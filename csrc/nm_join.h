/* Joined rows: the synapses of several static projections in the rows of one table, so that a spike finds all its
 * synapses in one place, whatever number of projections they were made by. A delay run holds the synapses of the
 * first member with that delay, then those of the second, each in their order. Of any source no two members reach the
 * same target: so the targets of a member tell its synapses from those of the others, and the sums of delivery do
 * not depend on whether projections are joined.
 *
 * A bucket of a table may cover several consecutive partitions, since short delay runs cost much: the first cache lines of
 * each are fetched from the memory. Then the targets of a run are stored relative to the first slot of the first of these
 * partitions, and the synapses of a delay run are ordered by partition, then by member. A target still has its synapses in
 * the same order, so the sums are the same again.
 * SPDX-License-Identifier: MIT */
#ifndef NM_JOIN_H
#define NM_JOIN_H

#include "nm_network.h"

enum { NM_JOIN_DELAYS = 1 << 16 }; /* entries of the scratch: one for each delay */

/* The members, or the rows of them that lie among the rows `first` .. `first + n_rows - 1` (slots of sources) of the
 * table, which is made some rows at a time. */
typedef struct nm_join {
    const nm_projection *members;
    int64_t n_members, first, n_rows, n_partitions, partition_width; /* partitions that have buckets */
    int64_t parts;    /* partitions of a bucket of the table, >= 1 */
    int64_t *scratch; /* [NM_JOIN_DELAYS] all zero between calls */
} nm_join;

/* Number of buckets of a row of the table. */
int64_t nm_join_buckets(const nm_join *join);

/* Fill bucket_run [n_rows * nm_join_buckets + 1] of these rows. `n_runs`: number of delay runs before them; the last
 * entry is the number with them. */
void nm_join_measure(const nm_join *join, int64_t n_runs, int64_t *bucket_run);

/* Fill these rows: `bucket_run` is theirs; run_start [n_runs + 1], run_delay [n_runs], target and weight [synapse] are the
 * whole table's; weight NULL: all are equal. `n`: number of synapses before them. Returns the number with them. */
int64_t nm_join_fill(const nm_join *join, int64_t n, const int64_t *bucket_run, int64_t *run_start,
                     uint16_t *run_delay, uint16_t *target, float *weight);

/* Set to 1 the entries of `targets` that a projection reaches. `n_partitions`: those that have buckets; `targets`: of
 * their neurons. */
void nm_join_targets(const nm_projection *p, int64_t n_partitions, int64_t partition_width, uint8_t *targets);

/* What is known of a member's synapses, each in the member's order; NULL: not asked for. */
typedef struct nm_join_found {
    int64_t *position; /* in the table */
    uint16_t *target;  /* relative to the first slot of its partition */
    uint16_t *delay;
    float *weight;   /* the table has a column of weights */
    int64_t *bucket; /* [n_rows * n_partitions] number of synapses of each row for each partition */
} nm_join_found;

/* Find the synapses of a member. `n_partitions`: those that have buckets. `sources` [n_rows of the table], `targets` [of
 * the neurons of these partitions]: 1 for those of the member. Returns their number. */
int64_t nm_join_find(const nm_projection *table, int64_t n_partitions, int64_t partition_width,
                     const uint8_t *sources, const uint8_t *targets, const nm_join_found *found);

#endif
