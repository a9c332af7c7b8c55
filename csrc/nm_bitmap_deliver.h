/* Delivery of dense projections (nm_bitmap.h): whether the spikes of one step go over the bit-maps or over the
 * list, and the delivery itself. The sum of one age of a dense projection is formed on its own, from zero,
 * and then added to the input, whatever way is taken. So the choice changes no bit. Weights that somebody has
 * asked for stand in a column and may be written; the list serves them, with the same bits while all are
 * equal.
 * SPDX-License-Identifier: MIT */
#ifndef NM_DENSE_DELIVER_H
#define NM_DENSE_DELIVER_H

#include "nm_delay.h"
#include "nm_network.h"

/* Scratch of the whole network; NULL where no projection is dense. */
typedef struct nm_bitmap_room {
    uint64_t *count; /* [part * nm_bitmap_counts(partition_width)] 16-bit counts, 4 in each */
    double *sum;     /* [slot], all zero between two uses */
} nm_bitmap_room;

/* One part in one step. */
typedef struct nm_bitmap_partition {
    const nm_network *network;
    const nm_delay *ring;
    nm_bitmap_room room;
    int64_t partition;
    int touched
        [NM_MAX_INPUTS]; /* by port: something may have been added to its input in this step; 0 at the beginning */
} nm_bitmap_partition;

/* Asked for every projection and age in the order of delivery, dense or not. 1: the spikes of `step` have
 * been delivered to `input` [neuron of the part]. 0: the caller is to deliver them over the list. */
int nm_bitmap_deliver(nm_bitmap_partition *to, const nm_projection *p, int64_t step, double *input);

#endif
