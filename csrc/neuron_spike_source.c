/* A source that fires in exactly the steps that set_spike_times() has scheduled for it: for driving a rule or
 * a network with known spike trains. All inputs and the threshold are without effect.
 * SPDX-License-Identifier: MIT */
#include "nm_model.h"

static const nm_field params[] = {NM_END};
static const nm_field state[] = {NM_END};

static void step(const nm_neuron_chunk *c) {
    for (size_t i = 0; i < c->n; i++)
        c->fired[i] = c->scheduled[i] > 0.0;
}

const nm_neuron_model nm_neuron_spike_source = {
    .name = "spike_source",
    .title = "Source of given spike times",
    .reference = "none: the spikes are given",
    .params = params,
    .state = state,
    .is_source = 1,
    .step = step,
};
