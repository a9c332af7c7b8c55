/* Triplet rule of spike-timing-dependent plasticity, all-to-all (Pfister & Gerstner 2006,
 * doi:10.1523/JNEUROSCI.1425-06.2006, equations 1 to 4). Two traces on each side, read without the spike that
 * asks:
 *   the target fires:   w += r1 (a2_plus  + a3_plus  o2)     r1 over tau_plus,  o2 over tau_y
 *   a spike arrives:    w -= o1 (a2_minus + a3_minus r2)     o1 over tau_minus, r2 over tau_x
 * With both a3 at 0 it is the pair rule. The defaults are the paper's fit to visual cortex (Sjostrom,
 * Turrigiano & Nelson 2001), full model, per unit of weight.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

enum { LEARNING_RATE, A2_PLUS, A3_PLUS, A2_MINUS, A3_MINUS, TAU_PLUS, TAU_X, TAU_MINUS, TAU_Y, COINCIDENT };
static const nm_field params[] = {
    [LEARNING_RATE] = {"learning_rate", "1", 1.0, NM_NON_NEGATIVE, "Multiplies the four amplitudes."},
    [A2_PLUS] = {"a2_plus", "mV", 5e-10, NM_NON_NEGATIVE, "Weight gained by a pair at distance 0."},
    [A3_PLUS] = {"a3_plus", "mV", 6.2e-3, NM_NON_NEGATIVE,
                 "Weight gained by an arrival between two spikes of the target, as the distances go to 0."},
    [A2_MINUS] = {"a2_minus", "mV", 7e-3, NM_NON_NEGATIVE,
                  "Weight lost by a pair whose target fires first, as the distance goes to 0."},
    [A3_MINUS] = {"a3_minus", "mV", 2.3e-4, NM_NON_NEGATIVE,
                  "Weight lost by a spike of the target between two arrivals, as the distances go to 0."},
    [TAU_PLUS] = {"tau_plus", "ms", 16.8, NM_POSITIVE, "Time constant from an arrival to a gain."},
    [TAU_X] = {"tau_x", "ms", 101.0, NM_POSITIVE, "Time constant between two arrivals."},
    [TAU_MINUS] = {"tau_minus", "ms", 33.7, NM_POSITIVE,
                   "Time constant from a spike of the target to a loss."},
    [TAU_Y] = {"tau_y", "ms", 125.0, NM_POSITIVE, "Time constant between two spikes of the target."},
    [COINCIDENT] = NM_COINCIDENT_FIELD,
    NM_END,
};
static const nm_field state[] = {NM_END};
static const nm_trace pre_traces[] = {
    {"r1", TAU_PLUS, NM_TRACE_ALL, NULL}, {"r2", TAU_X, NM_TRACE_ALL, NULL}, NM_NO_TRACE};
static const nm_trace post_traces[] = {
    {"o1", TAU_MINUS, NM_TRACE_ALL, NULL}, {"o2", TAU_Y, NM_TRACE_ALL, NULL}, NM_NO_TRACE};

static void on_pre(const nm_synapse_chunk *c) {
    const double *p = c->params;
    const double loss = -p[LEARNING_RATE] * (p[A2_MINUS] + p[A3_MINUS] * c->pre[1][0]);
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++)
        c->change[j] = loss * c->post[0][j];
}

static double post_amplitude(const double *p, const double *post) {
    return p[LEARNING_RATE] * (p[A2_PLUS] + p[A3_PLUS] * post[1]);
}

static double coincident_pre(const double *p, const double *pre) {
    return -p[LEARNING_RATE] * (p[A2_MINUS] + p[A3_MINUS] * pre[1]);
}

const nm_plasticity_rule nm_plasticity_triplet = {
    .name = "triplet",
    .title = "Triplet spike-timing-dependent plasticity, all-to-all",
    .reference =
        "Pfister & Gerstner (2006), Journal of Neuroscience 26:9673, doi:10.1523/JNEUROSCI.1425-06.2006",
    .params = params,
    .state = state,
    .pre_traces = pre_traces,
    .post_traces = post_traces,
    .on_pre = on_pre,
    .post_amplitude = post_amplitude,
    .coincident_pre = coincident_pre,
    .coincident = 1 + COINCIDENT,
};
