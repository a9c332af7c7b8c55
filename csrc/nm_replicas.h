/* Independent replicas of one network, advanced in parallel. Each runs on one thread at a time and gives
 * exactly the results of a single run.
 * SPDX-License-Identifier: MIT */
#ifndef NM_REPLICAS_H
#define NM_REPLICAS_H

#include "nm_sim.h"

typedef struct nm_replica {
    nm_sim *sim;
    int64_t left; /* remaining steps */
    int status;   /* of nm_sim_run; a replica whose status is not NM_OK is not advanced */
    nm_error error;
} nm_replica;

/* Advance every replica whose status is NM_OK until no step is left or the replica stops. */
void nm_replicas_run(nm_replica *replicas, int64_t n, nm_pool *pool);

#endif
