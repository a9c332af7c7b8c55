/* A source that fires at random: in a step with probability 1 - exp(-rate dt / 1000), independently of all
 * else. That is the probability that a Poisson process of that rate has an event in the step, so at most one
 * spike per step; the mean rate is below `rate` by rate dt / 2000 of it (0.5 % at 10 Hz and 1 ms).
 * A draw has 32 bits: probabilities are met to 1.2e-10. All inputs and the threshold are without effect.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

enum { RATE };
static const nm_field params[] = {
    [RATE] = {"rate", "Hz", 10.0, NM_NON_NEGATIVE, "Rate of the Poisson process."},
    NM_END,
};

static const nm_field state[] = {NM_END};

enum { PROBABILITY, N_DERIVED };

static void prepare(const nm_prepare_chunk *c) {
    for (size_t i = 0; i < c->n; i++) {
        double mean = c->params[RATE][i] * (c->dt / 1000.0);
        /* 1 - exp(-mean), without losing the digits of a small mean */
        c->derived[PROBABILITY][i] = mean * nm_exp_mean(mean);
    }
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

NM_CLONES static void step(const nm_neuron_chunk *c) {
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
    .prepare = prepare,
    .step = step,
};
