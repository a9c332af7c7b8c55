/* Pull delivery of static projections: in every step, the delay runs that arrive now are added to the inputs, for each
 * age the spikes of that step. All arrivals of a step form one list, so that the entries of a bucket, its delay runs and
 * their synapses are fetched into the cache while runs before them are added: the latency of a memory access is paid
 * once per several runs. The cost is bound by the number of cache lines that the runs touch, and by the loads and stores
 * of the inputs, which fit into the first or the second-level cache.
 * SPDX-License-Identifier: MIT */
#ifndef NM_PULL_H
#define NM_PULL_H

#include "nm_delay.h"
#include "nm_network.h"

/* Add the spikes that arrive in step `now` at the partitions `first` .. `end` - 1, over the projections that are pulled
 * (nm_routes.h), to input[port][slot]. Sets touched[port] to 1 where something may have been added. */
void nm_pull_deliver(const nm_network *network, const nm_delay *ring, int64_t now, int64_t first, int64_t end,
                     double *const *input, int *touched);

#endif
