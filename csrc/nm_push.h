/* Push delivery, for static projections with many delays and hence short delay runs (say 300 synapses per bucket
 * over 50 delays). Pull delivery would look up one short run of every spike of the last 50 steps in every
 * step. Push delivery visits each spike once per epoch, and adds the weights of all synapses that transmit the spike
 * before the epoch ends to a ring of sums with one row per step. All projections onto one port share a ring, so a
 * step costs the same for any number of projections. The cost is bound by the latency of the rows' first cache
 * lines and by scattered additions into the ring, which fits into the second-level cache.
 *
 * The sum of a step is formed in the order (age descending, source, projection, synapse), as in pull delivery, and
 * then added to the inputs. Hence the beginning of a run or of an epoch, and the length of an epoch, do not affect
 * results. The ring is empty between runs; spikes in flight are kept in the spike lists. The weights at the beginning
 * of the run or the epoch act. They equal the weights at arrival, since only Python changes the weights of a static
 * projection.
 * SPDX-License-Identifier: MIT */
#ifndef NM_PUSH_H
#define NM_PUSH_H

#include "nm_delay.h"
#include "nm_network.h"

struct nm_push {
    int64_t steps;                /* of an epoch; a power of 2 */
    int64_t min_delay, max_delay; /* over the projections that are pushed */
    double *sum[NM_MAX_INPUTS]; /* by port: [step % steps * n_neurons + slot], all zero between runs; NULL: no
                                    * projection arrives there */
};

/* Whether push delivery is faster for a projection: static, with fewer than 25 synapses per delay run. */
int nm_push_worth(const nm_projection *p);

/* Steps of an epoch: 16, and more where delays are long, since each spike is visited max_delay / steps times. */
int64_t nm_push_steps(int64_t max_delay, int64_t n_neurons);

/* Add the spikes that arrive in step `now` at the partitions `begin` .. `end` - 1 over all pushed projections to
 * input[port][slot]. Sets touched[port] to 1 where something may have been added. The run covers the steps `first` to
 * `last`. */
void nm_push_deliver(const nm_network *network, const nm_delay *ring, int64_t now, int64_t first,
                     int64_t last, int64_t begin, int64_t end, double *const *input, int *touched);

/* Empty the rings of sums after a run that stopped before its last step. */
void nm_push_clear(const nm_network *network);

#endif
