/* Reward-modulated inhibitory plasticity: the pairs of Vogels et al. (2011, doi:10.1126/science.1211095)
 * write to an eligibility trace c, as three-factor rules do (Fremaux & Gerstner 2016,
 * doi:10.3389/fncir.2015.00085):
 *   the target fires:   c += a x              x over arrivals, tau
 *   a spike arrives:    c += a (y - alpha)    y over the target's spikes, tau; alpha = 2 rho0 tau
 *   dc/dt = -c / tau_c,   dw/dt = learning_rate g c,
 *   g = learning_rate_modulation (dopamine's level - subtract_baseline times its baseline)
 * in the target's region. A signal that stays at g holds the target near rho0, as istdp does with g
 * learning_rate a tau_c for its learning rate; a dip below the baseline undoes it. w is the strength
 * abs(weight) of an inhibitory projection.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

enum { LEARNING_RATE, A, TAU, TARGET_RATE, TAU_C, SUBTRACT_BASELINE, COINCIDENT };
static const nm_field params[] = {
    [LEARNING_RATE] =
        {"learning_rate", "1/ms", 0.001, NM_NON_NEGATIVE,
         "Strength gained in a ms per unit of the eligibility trace and of the dopamine signal."},
    [A] = {"a", "mV", 1.0, NM_NON_NEGATIVE, "Eligibility gained by a pair of spikes at distance 0."},
    [TAU] = {"tau", "ms", 20.0, NM_POSITIVE, "Time constant of the gain over the distance in time."},
    [TARGET_RATE] = {"target_rate", "Hz", 5.0, NM_NON_NEGATIVE,
                     "Rate of the target at which gains and losses are in balance."},
    [TAU_C] = {"tau_c", "ms", 1000.0, NM_POSITIVE, "Time constant of the eligibility trace."},
    [SUBTRACT_BASELINE] =
        {"subtract_baseline", "1", 1.0, NM_UNIT_INTERVAL,
         "Part of the baseline that is taken from the level: 1, the signal is the deviation "
         "from the baseline; 0, it is the level itself."},
    [COINCIDENT] = NM_COINCIDENT_FIELD,
    NM_END,
};
static const nm_field state[] = {
    {"eligibility", "mV", 0.0, NM_ANY, "Eligibility trace: what pairs and arrivals have left behind."},
    NM_END,
};
static const nm_trace pre_traces[] = {{"x", TAU, NM_TRACE_ALL, NULL}, NM_NO_TRACE};
static const nm_trace post_traces[] = {{"y", TAU, NM_TRACE_ALL, NULL}, NM_NO_TRACE};
static const nm_eligibility eligibility = {
    .tau_c = TAU_C, .rate = LEARNING_RATE, .subtract_baseline = SUBTRACT_BASELINE};

static void on_pre(const nm_synapse_chunk *c) {
    const double alpha = 2.0 * c->params[TARGET_RATE] * 1e-3 * c->params[TAU];
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++)
        c->change[j] = c->params[A] * (c->post[0][j] - alpha);
}

static double post_amplitude(const double *p, const double *post) {
    (void)post;
    return p[A];
}

static double coincident_pre(const double *p, const double *pre) {
    (void)pre;
    return p[A];
}

const nm_plasticity_rule nm_plasticity_ristdp = {
    .name = "ristdp",
    .title = "Reward-modulated inhibitory plasticity with an eligibility trace",
    .reference = "Vogels et al. (2011), Science 334:1569, doi:10.1126/science.1211095",
    .params = params,
    .state = state,
    .pre_traces = pre_traces,
    .post_traces = post_traces,
    .on_pre = on_pre,
    .post_amplitude = post_amplitude,
    .coincident_pre = coincident_pre,
    .coincident = 1 + COINCIDENT,
    .eligibility = &eligibility,
};
