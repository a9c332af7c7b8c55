/* Leaky integrate-and-fire with synaptic conductances (Brette et al. 2007, doi:10.1007/s10827-007-0038-6, the
 * network of conductances among its benchmarks, after Vogels & Abbott 2005).
 *   tau_m dv/dt = -(v - v_rest) + g_exc (e_rev_exc - v) + g_inh (e_rev_inh - v) + I ;   tau_syn dg/dt = -g
 * g is in units of the leak conductance, so a weight is a pure number: 0.6 stands for 6 nS if the leak is 10
 * nS. A weight adds its magnitude to g of its port at the end of the step and first acts in the next step.
 *
 * Within a step each g is its own mean over that step, exactly, and v relaxes exactly towards
 *   v_inf = (v_rest + I + g_exc e_rev_exc + g_inh e_rev_inh) / (1 + g_exc + g_inh)
 * with the time constant tau_m / (1 + g_exc + g_inh): no step is too long to be stable, and v never leaves
 * the range of its reversal potentials. Of second order in dt: after inputs of 2 and 1 leak conductances v is
 * right to 0.016 mV at dt = 1 ms and to 2.4e-4 mV at 1/8 ms (tests/test_neuron_lif_cond.py).
 *
 * v >= threshold at the end of a step is a spike: v = v_reset, and v stays there for round(refractory_period
 * / dt) further steps, in which conductances continue to decay.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

#include <math.h>

enum { TAU_M, V_REST, V_RESET, V_THRESHOLD, REFRACTORY_PERIOD, E_REV_EXCITATORY, E_REV_INHIBITORY };
enum { TAU_SYN_EXCITATORY = E_REV_INHIBITORY + 1, TAU_SYN_INHIBITORY };
static const nm_field params[] = {
    [TAU_M] = {"tau_m", "ms", 20.0, NM_POSITIVE, "Membrane time constant."},
    [V_REST] = {"v_rest", "mV", -60.0, NM_ANY, "Resting potential, and the initial one."},
    [V_RESET] = {"v_reset", "mV", -60.0, NM_ANY, "Potential after a spike."},
    [V_THRESHOLD] = {"v_threshold", "mV", -50.0, NM_ANY, "Potential at which a spike is fired."},
    [REFRACTORY_PERIOD] = {"refractory_period", "ms", 5.0, NM_NON_NEGATIVE,
                           "Time after a spike during which the potential is held at v_reset."},
    [E_REV_EXCITATORY] = {"e_rev_excitatory", "mV", 0.0, NM_ANY, "Reversal potential of excitation."},
    [E_REV_INHIBITORY] = {"e_rev_inhibitory", "mV", -80.0, NM_ANY, "Reversal potential of inhibition."},
    [TAU_SYN_EXCITATORY] = {"tau_syn_excitatory", "ms", 5.0, NM_POSITIVE,
                            "Decay time of the excitatory conductance."},
    [TAU_SYN_INHIBITORY] = {"tau_syn_inhibitory", "ms", 10.0, NM_POSITIVE,
                            "Decay time of the inhibitory conductance."},
    NM_END,
};

enum { V_MEMBRANE, G_EXCITATORY, G_INHIBITORY, REFRACTORY_LEFT };
static const nm_field state[] = {
    [V_MEMBRANE] = {"v_membrane", "mV", -60.0, NM_ANY, "Membrane potential."},
    [G_EXCITATORY] = {"g_syn_excitatory", "1", 0.0, NM_NON_NEGATIVE,
                      "Excitatory conductance in units of the leak's."},
    [G_INHIBITORY] = {"g_syn_inhibitory", "1", 0.0, NM_NON_NEGATIVE,
                      "Inhibitory conductance in units of the leak's."},
    [REFRACTORY_LEFT] = {"refractory_left", "steps", 0.0, NM_NON_NEGATIVE,
                         "Steps for which the potential is still held at v_reset."},
    NM_END,
};

static const nm_greater_than greater_than[] = {{V_THRESHOLD, V_RESET}, {0, 0}};

/* LEAK: dt / tau_m. KEPT, MEAN: factor of a conductance over a step, and its mean over the step. */
enum { LEAK, KEPT_EXC, KEPT_INH, MEAN_EXC, MEAN_INH, REFRACTORY_STEPS, N_DERIVED };

static void prepare(const nm_prepare_chunk *c) {
    double *const *d = c->derived;
    for (size_t i = 0; i < c->n; i++) {
        /* capped so that the smallest double as a time constant does not give infinity */
        const double exc = fmin(c->dt / c->params[TAU_SYN_EXCITATORY][i], 1e300);
        const double inh = fmin(c->dt / c->params[TAU_SYN_INHIBITORY][i], 1e300);
        d[LEAK][i] = fmin(c->dt / c->params[TAU_M][i], 1e300);
        d[KEPT_EXC][i] = nm_exp(-exc);
        d[KEPT_INH][i] = nm_exp(-inh);
        d[MEAN_EXC][i] = nm_exp_mean(exc);
        d[MEAN_INH][i] = nm_exp_mean(inh);
        d[REFRACTORY_STEPS][i] = floor(c->params[REFRACTORY_PERIOD][i] / c->dt + 0.5);
    }
}

/* Constants of a step, computed from the parameters. */
typedef struct constants {
    double v_rest, v_reset, v_threshold, e_exc, e_inh, leak, kept_exc, kept_inh, mean_exc, mean_inh, steps;
} constants;

NM_INLINE constants load(const nm_neuron_chunk *c, size_t i) {
    return (constants){.v_rest = c->params[V_REST][i],
                       .v_reset = c->params[V_RESET][i],
                       .v_threshold = nm_raised(c->params[V_THRESHOLD][i], c->threshold_rise),
                       .e_exc = c->params[E_REV_EXCITATORY][i],
                       .e_inh = c->params[E_REV_INHIBITORY][i],
                       .leak = c->derived[LEAK][i],
                       .kept_exc = c->derived[KEPT_EXC][i],
                       .kept_inh = c->derived[KEPT_INH][i],
                       .mean_exc = c->derived[MEAN_EXC][i],
                       .mean_inh = c->derived[MEAN_INH][i],
                       .steps = c->derived[REFRACTORY_STEPS][i]};
}

NM_INLINE void advance(const nm_neuron_chunk *c, const size_t stride) {
    double *v_membrane = c->state[V_MEMBRANE], *left = c->state[REFRACTORY_LEFT];
    double *g_exc = c->state[G_EXCITATORY], *g_inh = c->state[G_INHIBITORY];
    const double *exc = c->input[NM_EXCITATORY], *inh = c->input[NM_INHIBITORY];
    const size_t n = c->n;
    const constants shared = load(c, 0);
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const constants k = stride ? load(c, i) : shared;
        const double mean_exc = g_exc[i] * k.mean_exc, mean_inh = g_inh[i] * k.mean_inh;
        const double total = 1.0 + mean_exc + mean_inh, was_left = left[i];
        const double drive = k.v_rest + c->current[i] + mean_exc * k.e_exc + mean_inh * k.e_inh;
        const double settles_at = drive / total;
        double v = settles_at + nm_flush(v_membrane[i] - settles_at) * nm_exp(-k.leak * total);
        v = was_left > 0.0 ? k.v_reset : v;
        /* A refractory neuron cannot fire: v_reset lies below the threshold, which is only ever raised. */
        const int spike = nm_crossed(v, k.v_threshold);
        const double less = was_left > 1.0 ? was_left - 1.0 : 0.0;
        v_membrane[i] = spike ? k.v_reset : v;
        left[i] = spike ? k.steps : less;
        c->fired[i] = spike;
        /* Magnitudes: a negative weight of an excitatory synapse cannot make a conductance negative. */
        g_exc[i] = nm_flush(g_exc[i] * k.kept_exc + fabs(exc[i]));
        g_inh[i] = nm_flush(g_inh[i] * k.kept_inh + fabs(inh[i]));
    }
}

static void step(const nm_neuron_chunk *c) {
    NM_STEP_BY_STRIDE(c, advance);
}

const nm_neuron_model nm_neuron_lif_cond = {
    .name = "lif_cond",
    .title = "Leaky integrate-and-fire, synaptic conductances",
    .reference = "Brette et al. (2007), J. Comput. Neurosci. 23:349, doi:10.1007/s10827-007-0038-6",
    .params = params,
    .state = state,
    .greater_than = greater_than,
    .n_derived = N_DERIVED,
    .initial_v_from = 1 + V_REST,
    .prepare = prepare,
    .step = step,
};
