/* Reward-modulated STDP with an eligibility trace (Izhikevich 2007, doi:10.1093/cercor/bhl152; Fremaux &
 * Gerstner 2016, doi:10.3389/fncir.2015.00085). Every pair of a spike of the target and an arrival of the
 * source's, s ms later or earlier, adds to the synapse's trace c
 *   +a_plus  exp(-s / tau_plus)     the target fires s > 0 after the arrival
 *   -a_minus exp(-s / tau_minus)    the target has fired s > 0 before the arrival
 * and for two spikes in one step what `coincident` says, and
 *   dc/dt = -c / tau_c,   dw/dt = learning_rate g c,
 *   g = learning_rate_modulation (dopamine's level - subtract_baseline times its baseline)
 * in the target's region.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

enum { LEARNING_RATE, A_PLUS, A_MINUS, TAU_PLUS, TAU_MINUS, TAU_C, SUBTRACT_BASELINE, COINCIDENT };
static const nm_field params[] = {
    [LEARNING_RATE] = {"learning_rate", "1/ms", 0.001, NM_NON_NEGATIVE,
                       "Weight gained in a ms per unit of the eligibility trace and of the dopamine signal."},
    [A_PLUS] = {"a_plus", "mV", 1.0, NM_NON_NEGATIVE,
                "Eligibility gained by a pair at distance 0: the target fires on arrival."},
    [A_MINUS] = {"a_minus", "mV", 1.0, NM_NON_NEGATIVE,
                 "Eligibility lost by a pair whose target fires first, as the distance goes to 0."},
    [TAU_PLUS] = {"tau_plus", "ms", 20.0, NM_POSITIVE,
                  "Time constant of the gain over the distance in time."},
    [TAU_MINUS] = {"tau_minus", "ms", 20.0, NM_POSITIVE,
                   "Time constant of the loss over the distance in time."},
    [TAU_C] = {"tau_c", "ms", 1000.0, NM_POSITIVE, "Time constant of the eligibility trace."},
    [SUBTRACT_BASELINE] =
        {"subtract_baseline", "1", 1.0, NM_UNIT_INTERVAL,
         "Part of the baseline that is taken from the level: 1, the signal is the deviation "
         "from the baseline; 0, it is the level itself."},
    [COINCIDENT] = NM_COINCIDENT_FIELD,
    NM_END,
};
static const nm_field state[] = {
    {"eligibility", "mV", 0.0, NM_ANY, "Eligibility trace: what pairs have left behind."},
    NM_END,
};
static const nm_trace pre_traces[] = {{"x", TAU_PLUS, NM_TRACE_ALL, NULL}, NM_NO_TRACE};
static const nm_trace post_traces[] = {{"y", TAU_MINUS, NM_TRACE_ALL, NULL}, NM_NO_TRACE};
static const nm_eligibility eligibility = {
    .tau_c = TAU_C, .rate = LEARNING_RATE, .subtract_baseline = SUBTRACT_BASELINE};

static void on_pre(const nm_synapse_chunk *c) {
    const double loss = -c->params[A_MINUS];
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++)
        c->change[j] = loss * c->post[0][j];
}

static double post_amplitude(const double *p, const double *post) {
    (void)post;
    return p[A_PLUS];
}

static double coincident_pre(const double *p, const double *pre) {
    (void)pre;
    return -p[A_MINUS];
}

const nm_plasticity_rule nm_plasticity_rstdp = {
    .name = "rstdp",
    .title = "Reward-modulated STDP with an eligibility trace",
    .reference = "Izhikevich (2007), Cerebral Cortex 17:2443, doi:10.1093/cercor/bhl152",
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
