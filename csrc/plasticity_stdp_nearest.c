/* Spike-timing-dependent plasticity of nearest neighbours, in the three schemes of Morrison, Diesmann &
 * Gerstner 2008, figure 7 (doi:10.1007/s00422-008-0233-1). A pair of an arrival and a spike of the target,
 * s ms later or earlier, changes the weight as under `stdp`, whose parameters, defaults and soft bounds
 * (weight_dependence) the rule has:
 *   +learning_rate a_plus  exp(-s / tau_plus)     target fires s > 0 after the arrival
 *   -learning_rate a_minus exp(-s / tau_minus)    target has fired s > 0 before the arrival
 * The scheme says which spikes are pairs:
 *   symmetric             each spike with the last one of the other side before it (figure 7a)
 *   presynaptic_centred   each arrival with the target's last spike before it and with the next one after it
 *                         (7b; Izhikevich & Desai 2003, doi:10.1162/089976603321891783; model II of Burkitt,
 *                         Meffin & Grayden 2004, doi:10.1162/089976604773135041)
 *   reduced_symmetric     as presynaptic_centred, but only where no other spike of either side stands between
 *                         (7c; model IV of Burkitt et al.)
 *
 * Spikes in one step. The paper leaves pairs at distance 0 open. An arrival and a spike of the target in one
 * step are a chain of neighbours in either order; `half` is the mean over both orders:
 *   pre_first   the arrival pairs with the target's spike before (a loss), the target's new spike with the
 *               arrival (a gain of a_plus)
 *   half        also, by half: the target's spike pairs with the arrivals before (gains), the arrival with the
 *               target's new spike (a loss of a_minus), and waits for the target's next spike
 *   none        each of the two spikes pairs with the spikes before the other, and the arrival waits for the
 *               target's next spike. So do NEST's stdp_nn_symm_synapse, stdp_nn_pre_centered_synapse and
 *               stdp_nn_restr_synapse, which are the three schemes
 *
 * The engine keeps x = exp(-s / tau_plus), s since the last arrival, and y = exp(-s / tau_minus), s since the
 * target's last spike. The synapse keeps `waiting`, the sum of exp(-s / tau_plus) over the arrivals that the
 * target's next spike pairs with, divided by x, so that it does not decay:
 *   symmetric             1 from the first arrival on
 *   presynaptic_centred   1 + x waiting at an arrival, with x before it; 0 after a spike of the target
 *   reduced_symmetric     1 at an arrival; 0 after a spike of the target. The part that an arrival finds makes no
 *                         pair with the target's last spike, since another arrival stands between
 * After two spikes in one step it is the mean over the orders. Between the two hooks of such a step it is what
 * the target's spike pairs with, with a negative sign.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

#include <math.h>

enum { LEARNING_RATE, A_PLUS, A_MINUS, TAU_PLUS, TAU_MINUS, SCHEME, COINCIDENT };
enum { SYMMETRIC, PRESYNAPTIC_CENTRED, REDUCED_SYMMETRIC };
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
    [SCHEME] = {"scheme", "symmetric presynaptic_centred reduced_symmetric", SYMMETRIC, NM_WORD,
                "Which neighbours are pairs: figure 7 a, b or c of the reference."},
    [COINCIDENT] = NM_COINCIDENT_FIELD,
    NM_END,
};
enum { WAITING };
static const nm_field state[] = {
    [WAITING] = {"waiting", "1", 0.0, NM_NON_NEGATIVE,
                 "Arrivals that the target's next spike pairs with, in units of the presynaptic trace."},
    NM_END,
};
static const nm_trace pre_traces[] = {{"x", TAU_PLUS, NM_TRACE_NEAREST, NULL}, NM_NO_TRACE};
static const nm_trace post_traces[] = {{"y", TAU_MINUS, NM_TRACE_NEAREST, NULL}, NM_NO_TRACE};

static void on_pre(const nm_synapse_chunk *c) {
    const double *y = c->post[0], *fired = c->post_fired;
    const double loss = -c->params[LEARNING_RATE] * c->params[A_MINUS];
    const double reduced = c->params[SCHEME] == REDUCED_SYMMETRIC ? 1.0 : 0.0;
    const double centred = c->params[SCHEME] == PRESYNAPTIC_CENTRED ? 1.0 : 0.0;
    const double x = c->pre[0][0];
    const nm_shares shares = nm_shares_of((int)c->params[COINCIDENT]);
    double *waiting = c->state[WAITING];
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++) {
        const double pair = (1.0 - reduced * waiting[j]) * y[j], earlier = x * waiting[j];
        const double now = shares.before + (centred + (1.0 - centred) * (1.0 - shares.before)) * earlier;
        c->change[j] = loss * (pair + fired[j] * shares.after * (1.0 - pair));
        waiting[j] = fired[j] != 0.0 ? -now : 1.0 + centred * earlier;
    }
}

static void on_post(const nm_synapse_chunk *c) {
    const double *x = c->pre[0], gain = c->params[LEARNING_RATE] * c->params[A_PLUS];
    const double kept = c->params[SCHEME] == SYMMETRIC ? 1.0 : 0.0;
    const double left = kept != 0.0 ? 1.0 : 1.0 - nm_shares_of((int)c->params[COINCIDENT]).before;
    double *waiting = c->state[WAITING];
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++) { /* -0.0: an arrival in this step, and nothing to pair with */
        const int arrived = copysign(1.0, waiting[j]) < 0.0;
        c->change[j] = gain * x[j] * fabs(waiting[j]);
        waiting[j] = arrived ? left : kept * waiting[j];
    }
}

const nm_plasticity_rule nm_plasticity_stdp_nearest = {
    .name = "stdp_nearest",
    .title = "Spike-timing-dependent plasticity of nearest neighbours, in three pairing schemes",
    .reference =
        "Morrison, Diesmann & Gerstner (2008), Biological Cybernetics 98:459, doi:10.1007/s00422-008-0233-1",
    .params = params,
    .state = state,
    .pre_traces = pre_traces,
    .post_traces = post_traces,
    .on_pre = on_pre,
    .on_post = on_post,
    .coincident = 1 + COINCIDENT,
};
