/* A source that fires at random: in a step with probability rate dt / 1000, independently of all else. So the
 * mean rate is `rate` at any dt. A step has at most one spike, so a rate above 1000 / dt is refused. The number
 * of spikes in n steps is binomial; its variance is below that of a Poisson process by the share
 * rate dt / 1000.
 * A draw has 32 bits: probabilities are met to 1.2e-10. All inputs and the threshold are without effect.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

enum { RATE };
static const nm_field params[] = {
    [RATE] = {"rate", "Hz", 10.0, NM_NON_NEGATIVE, "Mean rate; at most one spike in a step, 1000 / dt."},
    NM_END,
};

static const nm_field state[] = {NM_END};

enum { PROBABILITY, N_DERIVED };

static void prepare(const nm_prepare_chunk *c) {
    for (size_t i = 0; i < c->n; i++)
        c->derived[PROBABILITY][i] = c->params[RATE][i] * (c->dt / 1000.0);
}

NM_INLINE void advance(const nm_neuron_chunk *c, const size_t stride) {
    int64_t *fired = c->fired;
    const uint32_t *word = c->random;
    const double *probability = c->derived[PROBABILITY];
    const size_t n = c->n;
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++)
        fired[i] = ((double)word[i] + 0.5) * (1.0 / 4294967296.0) < probability[i * stride];
}

static void step(const nm_neuron_chunk *c) {
    NM_STEP_BY_STRIDE(c, advance);
}

const nm_neuron_model nm_neuron_poisson = {
    .name = "poisson",
    .title = "Poisson source",
    .reference = "Dayan & Abbott (2001), Theoretical Neuroscience, MIT Press, section 1.4",
    .params = params,
    .state = state,
    .n_derived = N_DERIVED,
    .needs_random = 1,
    .is_source = 1,
    .bounded_rate = 1 + RATE,
    .prepare = prepare,
    .step = step,
};
