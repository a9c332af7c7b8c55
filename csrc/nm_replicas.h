/* Independent copies of one network, advanced side by side: each on one thread at a time, with the bits that
 * it would have alone.
 * SPDX-License-Identifier: MIT */
#ifndef NM_REPLICAS_H
#define NM_REPLICAS_H

#include "nm_sim.h"

typedef struct nm_replica {
    nm_sim *sim;
    int64_t left; /* steps still to do; counted down */
    int status;   /* as of nm_sim_run; one that is not NM_OK waits for its caller */
    nm_error error;
} nm_replica;

/* Advance every replica whose status is NM_OK until it has no step left or stops. */
void nm_replicas_run(nm_replica *replicas, int64_t n, nm_pool *pool);

#endif
