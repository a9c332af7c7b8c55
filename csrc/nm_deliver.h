/* Spike delivery: phase 1 of a step.
 * SPDX-License-Identifier: MIT */
#ifndef NM_DELIVER_H
#define NM_DELIVER_H

#include "nm_bitmap_deliver.h"
#include "nm_delay.h"
#include "nm_network.h"

typedef struct nm_delivery {
    const nm_network *network;
    const nm_delay *ring;
    double dt;
    uint64_t seed;
    int64_t first, last;  /* first and last step of the run */
    double *const *input; /* [port][slot] weights are added here; all zero at the start of the step */
    nm_bitmap_room bitmap;
    int touched[NM_MAX_INPUTS]; /* by port: 1 if nm_deliver_static may have added something */
} nm_delivery;

/* Deliver the spikes that arrive in step `now` over static projections without bitmaps, at the partitions `first` ..
 * `end` - 1: these are one, or all that a bucket of a joined table covers. Comes before nm_deliver. */
void nm_deliver_static(nm_delivery *to, int64_t now, int64_t first, int64_t end);

/* Deliver all other spikes that arrive at one partition in step `now`. Lazy rules update the synapses that
 * transmit. */
void nm_deliver(const nm_delivery *to, int64_t now, int64_t partition);

#endif
