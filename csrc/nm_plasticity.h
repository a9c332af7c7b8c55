/* Plasticity: phase 6 of a step (nm_sim.c), for every projection that has a rule.
 * SPDX-License-Identifier: MIT */
#ifndef NM_PLASTICITY_H
#define NM_PLASTICITY_H

#include "nm_delay.h"
#include "nm_levels.h"
#include "nm_network.h"

/* Let the traces of the targets of one partition decay over a step. Called at the beginning of the step,
 * since arrivals read the traces. */
void nm_plasticity_decay(const nm_network *network, int64_t partition);

/* The plasticity of one partition at the end of a step. Called once the partition's spikes of `step` are in
 * the ring, before the next step begins. `factor`: [zone] effects of the modulators in this step. `fired`:
 * [slot] 1.0 where the neuron fires in this step, else 0.0.
 *
 * For each projection: weight decay and the hooks of an event rule; then this step's spikes enter the traces.
 *
 * Rules, decay and bounds act on the stored weight, and in an inhibitory projection on the strength
 * |weight|: bounds below 0 count as 0, and the stored sign is kept. A change of exactly 0 leaves a weight
 * unchanged, even outside its bounds; after any other change the weight lies within them. Decay is not
 * modulated. */
void nm_plasticity_step(const nm_network *network, const nm_delay *ring, const nm_factors *factor,
                        const double *fired, double dt, uint64_t seed, int64_t step, int64_t partition);

#endif
