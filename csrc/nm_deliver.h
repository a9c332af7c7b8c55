/* Delivery: phase 1 of a step.
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
    int64_t first, last;  /* steps of the run: those that may be thought of ahead */
    double *const *input; /* [port][slot] what arrives is added here; zero at the start of the step */
    nm_bitmap_room bitmap;
} nm_delivery;

/* All spikes that reach the neurons of one part in step `now`; and the learning of pair rules that comes with
 * it. */
void nm_deliver(const nm_delivery *to, int64_t now, int64_t partition);

#endif
