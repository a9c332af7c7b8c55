/* Background events of neurons that get few of them, at most one in 128 steps: found by skipping from one to
 * the next, not by a word for each neuron (0.9 ns a neuron; 0.55 here at one event in 1,000 steps).
 *
 * The events of 512 neurons in a step are those of a Poisson process along a line on which each neuron has
 * one unit: exponential gaps lead from one to the next. It has the rate of an envelope, the power of 2 next
 * above a neuron's mean, and each event counts with probability mean / envelope (thinning: Lewis & Shedler
 * 1979, doi:10.1002/nav.3800260304). So a neuron's count is exactly Poisson, and follows from (seed, id,
 * step, mean) alone: not from its neighbours' rates, nor from how the network is cut.
 * SPDX-License-Identifier: MIT */
#ifndef NM_RARE_H
#define NM_RARE_H

#include "nm_network.h"

#define NM_RARE_MEAN (1.0 / 128.0) /* events a step; above it a word for each neuron is as fast */

/* The count of one neuron; 0 < mean <= NM_RARE_MEAN. */
double nm_rare_count(double mean, uint64_t seed, uint32_t id, uint64_t step);

/* Add `factor` times its weight for each event of those neurons of a piece that have so small a mean. */
void nm_rare_add(const nm_network *network, const nm_piece *piece, double dt, uint64_t seed, uint64_t step,
                 double factor, double *excitatory, double *inhibitory);

#endif
