/* Push delivery, for projections with many delays and hence short delay runs (say 300 synapses per bucket
 * over 50 delays). Pull delivery would look up one short run of every spike of the last 50 steps in every
 * step. Push delivery visits each spike once per epoch of NM_PUSH_STEPS steps, and adds the weights of all
 * synapses that transmit the spike before the epoch ends to a ring of sums with one row per step. The ring
 * fits into the second-level cache. The cost is bound by the latency of the rows' first cache lines and by
 * scattered additions.
 *
 * The sum of a step is formed in the order (age descending, source, synapse), as in pull delivery, and then
 * added to the inputs. Hence the beginning of a run or of an epoch does not affect results. The ring is empty
 * between runs; spikes in flight are kept in the spike lists. The weights at the beginning of the run or the
 * epoch act. They equal the weights at arrival, since only Python changes the weights of a static projection.
 * SPDX-License-Identifier: MIT */
#ifndef NM_PUSH_H
#define NM_PUSH_H

#include "nm_delay.h"
#include "nm_network.h"

enum { NM_PUSH_STEPS = 16 }; /* steps of an epoch; a power of 2 */

struct nm_push {
    double *sum; /* [step % NM_PUSH_STEPS * n_neurons + slot], all zero between runs */
};

/* Whether push delivery is faster for a projection: static, with fewer than 25 synapses per delay run. */
int nm_push_worth(const nm_projection *p);

/* Add the spikes that arrive at a partition over a projection in step `now` to input[slot]. The run covers
 * the steps `first` to `last`. */
void nm_push_deliver(const nm_network *network, const nm_projection *p, const nm_delay *ring, int64_t now,
                     int64_t first, int64_t last, int64_t partition, double *input);

/* Empty the ring of sums after a run that stopped before its last step. */
void nm_push_clear(const nm_network *network);

#endif
