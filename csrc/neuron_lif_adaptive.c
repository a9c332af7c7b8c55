/* Leaky integrate-and-fire, as neuron_lif.c, with a threshold that adapts (Diehl & Cook 2015,
 * doi:10.3389/fncom.2015.00099):
 *   tau_m dv/dt = -(v - v_rest) + I + i_exc + i_inh ;   tau_syn di/dt = -i ;   tau_theta dtheta/dt = -theta
 * A spike is fired where v >= v_threshold + theta at the end of a step. Then theta grows by theta_plus. Potential
 * and theta are exact between spikes, with no error but rounding.
 * Serotonin raises v_threshold by a fraction of its magnitude; theta is added to the raised threshold.
 *
 * Inputs are in mV (R = 1). Spikes arrive at the end of the step: with tau_syn = 0 a weight is a jump of v, just
 * before the threshold is tested; with tau_syn > 0 it is a jump of i, which first acts in the next step. After
 * a spike v stays at v_reset for round(refractory_period / dt) further steps, in which jumps of v are lost, and
 * currents and theta continue to decay.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

#include <math.h>

enum {
    TAU_M,
    V_REST,
    V_RESET,
    V_THRESHOLD,
    REFRACTORY_PERIOD,
    TAU_SYN_EXCITATORY,
    TAU_SYN_INHIBITORY,
    THETA_PLUS,
    TAU_THETA
};
static const nm_field params[] = {
    [TAU_M] = {"tau_m", "ms", 20.0, NM_POSITIVE, "Membrane time constant."},
    [V_REST] = {"v_rest", "mV", -65.0, NM_ANY, "Resting potential, and the initial one."},
    [V_RESET] = {"v_reset", "mV", -70.0, NM_ANY, "Potential after a spike."},
    [V_THRESHOLD] = {"v_threshold", "mV", -50.0, NM_ANY, "Potential at which a spike is fired."},
    [REFRACTORY_PERIOD] = {"refractory_period", "ms", 5.0, NM_NON_NEGATIVE,
                           "Time after a spike during which the potential is held at v_reset."},
    [TAU_SYN_EXCITATORY] = {"tau_syn_excitatory", "ms", 0.0, NM_NON_NEGATIVE,
                            "Decay time of excitatory synaptic current; 0: weights are jumps of v_membrane."},
    [TAU_SYN_INHIBITORY] = {"tau_syn_inhibitory", "ms", 0.0, NM_NON_NEGATIVE,
                            "Decay time of inhibitory synaptic current; 0: weights are jumps of v_membrane."},
    [THETA_PLUS] = {"theta_plus", "mV", 0.05, NM_NON_NEGATIVE, "Rise of the threshold at each spike."},
    [TAU_THETA] = {"tau_theta", "ms", 1e7, NM_POSITIVE, "Time constant with which the threshold falls back."},
    NM_END,
};

enum { V_MEMBRANE, I_EXCITATORY, I_INHIBITORY, REFRACTORY_LEFT, THETA };
static const nm_field state[] = {
    [V_MEMBRANE] = {"v_membrane", "mV", -65.0, NM_ANY, "Membrane potential."},
    [I_EXCITATORY] = {"i_syn_excitatory", "mV", 0.0, NM_ANY, "Excitatory synaptic current times resistance."},
    [I_INHIBITORY] = {"i_syn_inhibitory", "mV", 0.0, NM_ANY, "Inhibitory synaptic current times resistance."},
    [REFRACTORY_LEFT] = {"refractory_left", "steps", 0.0, NM_NON_NEGATIVE,
                         "Steps for which the potential is still held at v_reset."},
    [THETA] = {"theta", "mV", 0.0, NM_ANY, "What the spikes so far have added to the threshold."},
    NM_END,
};

static const nm_greater_than greater_than[] = {{V_THRESHOLD, V_RESET}, {0, 0}};

/* KEPT: factors of v - v_rest, i_exc, i_inh and theta over a step. ACTS: the change of v in a step for i = 1 mV.
 * JUMP: 1 if a weight is a jump of v, 0 if it is a jump of i. */
enum {
    KEPT_V,
    KEPT_EXC,
    KEPT_INH,
    ACTS_EXC,
    ACTS_INH,
    JUMP_EXC,
    JUMP_INH,
    REFRACTORY_STEPS,
    KEPT_THETA,
    N_DERIVED
};

/* dt / tau, capped so that the smallest double as a time constant does not give infinity. */
static double per_tau(double dt, double tau) {
    return fmin(dt / tau, 1e300);
}

/* i e^(-s/tau_syn) through the membrane for dt: (dt/tau_m) (e^-m - e^-s) / (s - m) with m = dt/tau_m and
 * s = dt/tau_syn, in a form that holds at s = m as well and never subtracts nearly equal numbers. */
static double acts(double m, double s) {
    return m * nm_exp(-fmin(m, s)) * nm_exp_mean(fabs(s - m));
}

static void prepare_synapse(double dt, double tau_m, double tau_syn, double *kept, double *act,
                            double *jump) {
    *jump = tau_syn > 0.0 ? 0.0 : 1.0;
    *kept = tau_syn > 0.0 ? nm_exp(-per_tau(dt, tau_syn)) : 0.0;
    *act = tau_syn > 0.0 ? acts(per_tau(dt, tau_m), per_tau(dt, tau_syn)) : 0.0;
}

static void prepare(const nm_prepare_chunk *c) {
    double *const *d = c->derived;
    for (size_t i = 0; i < c->n; i++) {
        double tau_m = c->params[TAU_M][i];
        d[KEPT_V][i] = nm_exp(-per_tau(c->dt, tau_m));
        d[REFRACTORY_STEPS][i] = floor(c->params[REFRACTORY_PERIOD][i] / c->dt + 0.5);
        d[KEPT_THETA][i] = nm_exp(-per_tau(c->dt, c->params[TAU_THETA][i]));
        prepare_synapse(c->dt, tau_m, c->params[TAU_SYN_EXCITATORY][i], &d[KEPT_EXC][i], &d[ACTS_EXC][i],
                        &d[JUMP_EXC][i]);
        prepare_synapse(c->dt, tau_m, c->params[TAU_SYN_INHIBITORY][i], &d[KEPT_INH][i], &d[ACTS_INH][i],
                        &d[JUMP_INH][i]);
    }
}

static int delta_synapses(const nm_neuron_chunk *c) {
    return nm_has_delta_synapses(c, TAU_SYN_EXCITATORY, TAU_SYN_INHIBITORY, I_EXCITATORY, I_INHIBITORY);
}

/* Constants of a step, computed from the parameters. */
typedef struct constants {
    double v_rest, v_reset, v_threshold, kept, kept_exc, kept_inh, acts_exc, acts_inh, jump_exc, jump_inh,
        steps, kept_theta, theta_plus;
} constants;

NM_INLINE constants load(const nm_neuron_chunk *c, size_t i) {
    return (constants){.v_rest = c->params[V_REST][i],
                       .v_reset = c->params[V_RESET][i],
                       .v_threshold = nm_raised(c->params[V_THRESHOLD][i], c->threshold_rise),
                       .kept = c->derived[KEPT_V][i],
                       .kept_exc = c->derived[KEPT_EXC][i],
                       .kept_inh = c->derived[KEPT_INH][i],
                       .acts_exc = c->derived[ACTS_EXC][i],
                       .acts_inh = c->derived[ACTS_INH][i],
                       .jump_exc = c->derived[JUMP_EXC][i],
                       .jump_inh = c->derived[JUMP_INH][i],
                       .steps = c->derived[REFRACTORY_STEPS][i],
                       .kept_theta = c->derived[KEPT_THETA][i],
                       .theta_plus = c->params[THETA_PLUS][i]};
}

/* The loop vectorises: no branch, columns of one width, constants loaded before the loop. With delta synapses
 * (`has_currents` is 0) the current columns are 0 and are not touched. */
NM_INLINE void advance(const nm_neuron_chunk *c, const size_t stride, const int has_currents) {
    double *v_membrane = c->state[V_MEMBRANE], *left = c->state[REFRACTORY_LEFT], *theta = c->state[THETA];
    double *i_exc = c->state[I_EXCITATORY], *i_inh = c->state[I_INHIBITORY];
    const double *exc = c->input[NM_EXCITATORY], *inh = c->input[NM_INHIBITORY];
    const size_t n = c->n;
    const constants shared = load(c, 0);
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const constants k = stride ? load(c, i) : shared;
        const double settles_at = k.v_rest + c->current[i], was_left = left[i];
        const double jump = has_currents ? exc[i] * k.jump_exc + inh[i] * k.jump_inh : exc[i] + inh[i];
        double v = settles_at + nm_flush(v_membrane[i] - settles_at) * k.kept;
        if (has_currents)
            v += i_exc[i] * k.acts_exc + i_inh[i] * k.acts_inh;
        v += jump;
        v = was_left > 0.0 ? k.v_reset : v;
        const double fallen = nm_flush(theta[i] * k.kept_theta);
        /* A theta below 0, written by the user, may take the threshold below v_reset. */
        const int spike = nm_crossed(v, k.v_threshold + fallen) & (was_left <= 0.0);
        const double less = (was_left < 1.0 ? 1.0 : was_left) - 1.0;
        v_membrane[i] = spike ? k.v_reset : v;
        left[i] = spike ? k.steps : less;
        theta[i] = fallen + (spike ? k.theta_plus : 0.0);
        c->fired[i] = spike;
        if (has_currents) {
            i_exc[i] = nm_flush(i_exc[i] * k.kept_exc + exc[i] * (1.0 - k.jump_exc));
            i_inh[i] = nm_flush(i_inh[i] * k.kept_inh + inh[i] * (1.0 - k.jump_inh));
        }
    }
}

static void step(const nm_neuron_chunk *c) {
    NM_STEP_BY_CURRENTS(c, advance);
}

const nm_neuron_model nm_neuron_lif_adaptive = {
    .name = "lif_adaptive",
    .title = "Leaky integrate-and-fire with an adaptive threshold",
    .reference = "Diehl & Cook (2015), Front. Comput. Neurosci. 9:99, doi:10.3389/fncom.2015.00099",
    .params = params,
    .state = state,
    .greater_than = greater_than,
    .n_derived = N_DERIVED,
    .initial_v_from = 1 + V_REST,
    .prepare = prepare,
    .step = step,
    .delta_synapses = delta_synapses,
};
