/* Learning: the plasticity pass of a step (phase 5 of nm_sim.c), for every projection that has a rule.
 * SPDX-License-Identifier: MIT */
#ifndef NM_PLASTICITY_H
#define NM_PLASTICITY_H

#include "nm_delay.h"
#include "nm_levels.h"
#include "nm_network.h"

/* Post traces of one part decay over a step; called at its beginning, since arrivals read them. */
void nm_plasticity_decay(const nm_network *network, int64_t partition);

/* The end of a step for one part of the network. Called once the part's list of `step` stands in the ring and
 * before the next one begins. `factor`: [zone] what the modulators do in this step. `fired`: [slot] 1.0 where
 * the neuron fires in it, else 0.0.
 *
 * Per projection: weight decay and on_pre for the spikes that arrive now (of a rule that is no pair rule);
 * then this step's spikes are entered.
 *
 * What is bounded is the weight as stored; in an inhibitory projection, which acts as -|weight|, it is the
 * strength |weight|: rules, decay and bounds act on the strength (bounds below 0 count as 0) and the stored
 * sign is kept. A change of exactly 0 leaves a weight as it is, even outside its bounds; any other change
 * ends within them. Decay is not modulated. */
void nm_plasticity_step(const nm_network *network, const nm_delay *ring, const nm_factors *factor,
                        const double *fired, double dt, uint64_t seed, int64_t step, int64_t partition);

#endif
