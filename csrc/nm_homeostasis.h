/* Homeostatic scaling of the synapses onto neurons that fire too much or too little (Turrigiano et al. 1998,
 * doi:10.1038/36103; van Rossum, Bi & Turrigiano 2000, doi:10.1523/JNEUROSCI.20-23-08812.2000). The rate of
 * each target is averaged over tau:
 *   d(rate)/dt = (spikes - rate) / tau
 * Every `every` steps all plastic excitatory weights onto the target are multiplied by 1 + strength e, with
 *   e = (target_rate - rate) / target_rate, clipped to [-1, 1],
 * which keeps their ratios, and then clipped to their bounds. Weights <= 0 are not scaled. The average starts
 * at target_rate when the projection is made. A neuron that fires at target_rate keeps that average from the
 * first scaling on.
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
    int64_t follows;    /* 1: the rates are those of an earlier projection, which updates them */
    double *rate; /* [slot] Hz: the average at the time of the next scaling, if no further spike comes */
};

/* `rate` after `now` completed steps of a neuron whose average is target_rate then. */
double nm_homeostasis_start(const nm_homeostasis *homeostasis, double dt, int64_t now);

/* Phase 6 for one partition, after learning: add this step's spikes to the rates; scale the weights every
 * `every` steps. Synapses of a lazy rule, or of a rule with `advance`, are updated first. The rates of a frozen
 * projection go on; its weights are not scaled. */
void nm_homeostasis_step(const nm_network *network, const nm_delay *ring, double dt, uint64_t seed,
                         int64_t now, int64_t partition);

#endif
