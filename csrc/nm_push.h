/* Delivery, pushed, of projections whose segments are short, since their delays are many: 6 synapses each in
 * rows of 312 a part over 50 delays. To pull them, a step would look up one such segment of every spike of
 * the last 50 steps. So a spike is looked at once in NM_PUSH_STEPS steps, and the run of neighbouring segments
 * that arrive until the end of this block goes into a ring of sums, one row a step, which is small enough for
 * the second-level cache (400 KB for a part of 3,125 neurons): 2.1 times as fast. What bounds it then is the
 * latency of the rows' first lines and the scattered additions.
 *
 * The sum of a step is formed in the ring, in the order (age descending, source, synapse), as if pulled, and
 * added to the neurons' inputs when the step comes; so where a run or a block begins changes no bit. Nothing
 * is in the ring between runs: what is under way stands in the lists of spikes, and weights act as they are
 * at the beginning of a run or a block, which is how they are at arrival, since only Python changes those of
 * a static projection.
 * SPDX-License-Identifier: MIT */
#ifndef NM_SCATTER_H
#define NM_SCATTER_H

#include "nm_delay.h"
#include "nm_network.h"

enum { NM_PUSH_STEPS = 16 }; /* steps of a block, a power of 2 */

struct nm_push {
    double *sum; /* [step % NM_PUSH_STEPS * n_neurons + slot], all zero between runs */
};

/* Whether a projection gains by it: static, with fewer than 25 synapses to a segment. */
int nm_push_worth(const nm_projection *p);

/* What a projection brings to a part in step `now`, added to `input` [slot]. A run goes from step `first` to
 * `last`. */
void nm_push_deliver(const nm_network *network, const nm_projection *p, const nm_delay *ring, int64_t now,
                     int64_t first, int64_t last, int64_t partition, double *input);

/* After a run that has ended before its last step. */
void nm_push_clear(const nm_network *network);

#endif
