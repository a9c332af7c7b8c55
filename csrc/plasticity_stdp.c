/* Spike-timing-dependent plasticity, pair-based, all-to-all, additive (Song, Miller & Abbott 2000,
 * doi:10.1038/78829; measured by Bi & Poo 1998; in the form of Morrison, Diesmann & Gerstner 2008,
 * section 4.1, doi:10.1007/s00422-008-0233-1). Every pair of a spike of the target and an arrival of the
 * source's, s ms later or earlier, changes the weight by
 *   +learning_rate a_plus  exp(-s / tau_plus)     target fires s > 0 after the arrival
 *   -learning_rate a_minus exp(-s / tau_minus)    target has fired s > 0 before the arrival
 * and for two spikes in one step as `coincident` says. Sums over all pairs come from one trace on each side: x = sum exp(-s / tau_plus) over arrivals, read when
 * the target fires, and y = sum exp(-s / tau_minus) over the target's spikes, read at an arrival.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

enum { LEARNING_RATE, A_PLUS, A_MINUS, TAU_PLUS, TAU_MINUS, COINCIDENT };
static const nm_field params[] = {
    [LEARNING_RATE] = {"learning_rate", "1", 1.0, NM_NON_NEGATIVE, "Multiplies a_plus and a_minus."},
    [A_PLUS] = {"a_plus", "mV", 0.01, NM_ANY,
                "Weight gained by a pair at distance 0: the target fires on arrival."},
    [A_MINUS] = {"a_minus", "mV", 0.012, NM_ANY,
                 "Weight lost by a pair whose target fires first, as the distance goes to 0."},
    [TAU_PLUS] = {"tau_plus", "ms", 20.0, NM_POSITIVE,
                  "Time constant of the gain over the distance in time."},
    [TAU_MINUS] = {"tau_minus", "ms", 20.0, NM_POSITIVE,
                   "Time constant of the loss over the distance in time."},
    [COINCIDENT] = NM_COINCIDENT_FIELD,
    NM_END,
};
static const nm_field state[] = {NM_END};
static const nm_trace pre_traces[] = {{"x", TAU_PLUS, NM_TRACE_ALL, NULL}, NM_NO_TRACE};
static const nm_trace post_traces[] = {{"y", TAU_MINUS, NM_TRACE_ALL, NULL}, NM_NO_TRACE};

static void on_pre(const nm_synapse_chunk *c) {
    const double loss = -c->params[LEARNING_RATE] * c->params[A_MINUS];
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++)
        c->change[j] = loss * c->post[0][j];
}

static double post_amplitude(const double *p, const double *post) {
    (void)post;
    return p[LEARNING_RATE] * p[A_PLUS];
}

static double coincident_pre(const double *p, const double *pre) {
    (void)pre;
    return -p[LEARNING_RATE] * p[A_MINUS];
}

const nm_plasticity_rule nm_plasticity_stdp = {
    .name = "stdp",
    .title = "Pair-based spike-timing-dependent plasticity, all-to-all",
    .reference = "Song, Miller & Abbott (2000), Nature Neuroscience 3:919, doi:10.1038/78829",
    .params = params,
    .state = state,
    .pre_traces = pre_traces,
    .post_traces = post_traces,
    .on_pre = on_pre,
    .post_amplitude = post_amplitude,
    .coincident_pre = coincident_pre,
    .coincident = 1 + COINCIDENT,
};
