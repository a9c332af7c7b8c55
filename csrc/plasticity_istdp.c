/* Inhibitory plasticity that holds the target near a rate (Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011,
 * doi:10.1126/science.1211095). Spikes near to one another strengthen, whichever comes first, and every
 * arrival weakens:
 *   the target fires:   w += learning_rate x              x over arrivals, tau
 *   a spike arrives:    w += learning_rate (y - alpha)    y over the target's spikes, tau; alpha = 2 rho0 tau
 * On average dw/dt = 2 learning_rate tau nu_pre (nu_post - rho0): the target's rate goes to rho0. w is the
 * strength abs(weight) of an inhibitory projection; on an excitatory one the rule is unstable.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

enum { LEARNING_RATE, TAU, TARGET_RATE, COINCIDENT };
static const nm_field params[] = {
    [LEARNING_RATE] = {"learning_rate", "mV", 0.01, NM_NON_NEGATIVE,
                       "Strength gained by a pair of spikes at distance 0."},
    [TAU] = {"tau", "ms", 20.0, NM_POSITIVE, "Time constant of the gain over the distance in time."},
    [TARGET_RATE] = {"target_rate", "Hz", 5.0, NM_NON_NEGATIVE,
                     "Rate of the target at which gains and losses are in balance."},
    [COINCIDENT] = NM_COINCIDENT_FIELD,
    NM_END,
};
static const nm_field state[] = {NM_END};
static const nm_trace pre_traces[] = {{"x", TAU, NM_TRACE_ALL, NULL}, NM_NO_TRACE};
static const nm_trace post_traces[] = {{"y", TAU, NM_TRACE_ALL, NULL}, NM_NO_TRACE};

static void on_pre(const nm_synapse_chunk *c) {
    const double eta = c->params[LEARNING_RATE];
    const double alpha = 2.0 * c->params[TARGET_RATE] * 1e-3 * c->params[TAU];
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++)
        c->change[j] = eta * (c->post[0][j] - alpha);
}

static double post_amplitude(const double *p, const double *post) {
    (void)post;
    return p[LEARNING_RATE];
}

static double coincident_pre(const double *p, const double *pre) {
    (void)pre;
    return p[LEARNING_RATE];
}

const nm_plasticity_rule nm_plasticity_istdp = {
    .name = "istdp",
    .title = "Inhibitory plasticity towards a target rate",
    .reference = "Vogels et al. (2011), Science 334:1569, doi:10.1126/science.1211095",
    .params = params,
    .state = state,
    .pre_traces = pre_traces,
    .post_traces = post_traces,
    .on_pre = on_pre,
    .post_amplitude = post_amplitude,
    .coincident_pre = coincident_pre,
    .coincident = 1 + COINCIDENT,
};
