/* Delivery of projections with bitmaps (nm_bitmap.h): the choice between the bitmaps and the list of
 * synapses, for the spikes of one step. Both ways form the sum of one age from zero and then add the sum to
 * the input, so the choice does not affect results. Where the weights are in a column (a user has read them,
 * and may write them), the list is used, with the same results while all weights are equal.
 * SPDX-License-Identifier: MIT */
#ifndef NM_BITMAP_DELIVER_H
#define NM_BITMAP_DELIVER_H

#include "nm_delay.h"
#include "nm_network.h"

/* Scratch of the whole network; NULL where no projection has bitmaps. */
typedef struct nm_bitmap_room {
    uint64_t *count; /* [partition * nm_bitmap_counts(partition_width)] four 16-bit counts per word */
    double *sum;     /* [slot] all zero between calls */
} nm_bitmap_room;

/* One partition in one step. */
typedef struct nm_bitmap_partition {
    const nm_network *network;
    const nm_delay *ring;
    nm_bitmap_room room;
    int64_t partition;
    int touched
        [NM_MAX_INPUTS]; /* by port: 1 if the input may be other than zero in this step; 0 at the beginning */
} nm_bitmap_partition;

/* Called for every projection and age in the order of delivery, with and without bitmaps. Returns 1 if the
 * spikes of `step` have been delivered to `input` [neuron of the partition], and 0 if the caller must
 * deliver them. */
int nm_bitmap_deliver(nm_bitmap_partition *to, const nm_projection *p, int64_t step, double *input);

#endif
