/* Delivery: phase 1 of a step. SPDX-License-Identifier: MIT */
#ifndef NM_DELIVER_H
#define NM_DELIVER_H

#include "nm_sim.h"

/* All spikes that reach the neurons of one part in step `now`, added to sim->excitatory and sim->inhibitory;
 * and the learning of pair rules that comes with it. */
void nm_deliver(const nm_sim *sim, int64_t now, int64_t part);

#endif
