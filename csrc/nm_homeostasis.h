/* Homeostatic scaling of the synapses onto neurons that fire too much or too little (Turrigiano et al. 1998,
 * doi:10.1038/36103; van Rossum, Bi & Turrigiano 2000, doi:10.1523/JNEUROSCI.20-23-08812.2000). The rate of
 * each target is averaged over tau:
 *   d(rate)/dt = (spikes - rate) / tau
 * Every so many ms all plastic excitatory weights onto it are multiplied by 1 + strength e, with
 *   e = (target_rate - rate) / target_rate, but not beyond -1 .. 1,
 * so that their ratios stay, and then bounded. Weights that are not above 0 are left alone. The average starts
 * from target_rate when the projection is made, and decays from then on: at its start a neuron that fires at
 * target_rate is seen at target_rate.
 * SPDX-License-Identifier: MIT */
#ifndef NM_HOMEOSTASIS_H
#define NM_HOMEOSTASIS_H

#include "nm_delay.h"
#include "nm_network.h"

struct nm_homeostasis {
    double target_rate; /* Hz, > 0 */
    double tau;         /* ms, > 0 */
    double strength;    /* 0 to 1 */
    int64_t every;      /* steps from one scaling to the next */
    double *rate; /* [slot] Hz: the average at the time of the next scaling, if no further spike comes */
};

/* `rate` after `now` completed steps of a neuron whose average is target_rate then. */
double nm_homeostasis_start(const nm_homeostasis *homeostasis, double dt, int64_t now);

/* Phase 6 for one partition, after learning: add this step's spikes to the rates; scale the weights every
 * `every` steps. Synapses of a lazy rule, or of a rule with `advance`, are updated first. */
void nm_homeostasis_step(const nm_network *network, const nm_delay *ring, double dt, uint64_t seed,
                         int64_t now, int64_t partition);

#endif
