/* Izhikevich (2003), doi:10.1109/TNN.2003.820440.
 *   dv/dt = 0.04 v^2 + 5 v + 140 - u + I ;   du/dt = a (b v - u) ;   v >= v_peak: v = c, u = u + d
 * Integrated as published: two half steps of v, then one step of u with the new v, then the test:
 *   v += 0.5 dt (0.04 v^2 + 5 v + 140 - u + I)  twice ;   u += dt a (b v - u) ;   v >= v_peak: v = c, u += d
 * The published programs test for a spike at the start of the next step. The trajectory is the same, but here
 * v and u are already reset at the end of the step. At dt = 1 ms every operation is the published one; other
 * values of dt scale the same scheme. The scheme is not an accurate integrator of the equations: the model is
 * this map. Measured with seven published types and constant currents of 4 to 20 mV/ms: at 1 ms they fire at
 * 0.25 to 0.9 of their rates at 0.01 ms. Above 1 ms rates fall further at first; from 1.5 ms on some types fire
 * more often the longer the step; at 2.5 ms all fire in a third of the steps or more, at 4 ms in nearly all.
 * Runs therefore warn of steps above 1 ms (`published_step`). Below about -112 mV a half step of 0.5 ms does not
 * contract, and strong inhibition would drive v and u to infinity. Hence v is bounded by v_min after each half
 * step, far below all published trajectories (as NEST's V_min).
 *
 * I is the external current, plus synapses: with tau_syn = 0 the current weight / dt for the step in which
 * the spike arrives (at dt = 1 ms: the sum of the weights); with tau_syn > 0 a current that jumps by the
 * weight at the end of that step and decays, of which each later step uses its mean. A raised threshold
 * (serotonin) raises v_peak.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

enum { A, B, C, D, V_PEAK, V_MIN, TAU_SYN_EXCITATORY, TAU_SYN_INHIBITORY };
static const nm_field params[] = {
    [A] = {"a", "1/ms", 0.02, NM_ANY, "Rate of recovery."},
    [B] = {"b", "1", 0.2, NM_ANY, "Sensitivity of recovery to the membrane potential."},
    [C] = {"c", "mV", -65.0, NM_ANY, "Potential after a spike."},
    [D] = {"d", "mV/ms", 8.0, NM_ANY, "What a spike adds to u_recovery."},
    [V_PEAK] = {"v_peak", "mV", 30.0, NM_ANY, "Potential at which a spike is registered."},
    [V_MIN] = {"v_min", "mV", -200.0, NM_ANY, "Lowest potential: what is below counts as it."},
    [TAU_SYN_EXCITATORY] = {"tau_syn_excitatory", "ms", 0.0, NM_NON_NEGATIVE,
                            "Decay time of excitatory synaptic current; 0: weight / dt for one step."},
    [TAU_SYN_INHIBITORY] = {"tau_syn_inhibitory", "ms", 0.0, NM_NON_NEGATIVE,
                            "Decay time of inhibitory synaptic current; 0: weight / dt for one step."},
    NM_END,
};

enum { V_MEMBRANE, U_RECOVERY, I_EXCITATORY, I_INHIBITORY };
static const nm_field state[] = {
    [V_MEMBRANE] = {"v_membrane", "mV", -65.0, NM_ANY, "Membrane potential."},
    [U_RECOVERY] = {"u_recovery", "mV/ms", -13.0, NM_ANY, "Membrane recovery; starts at 0.2 v_membrane."},
    [I_EXCITATORY] = {"i_syn_excitatory", "mV/ms", 0.0, NM_ANY, "Excitatory synaptic current."},
    [I_INHIBITORY] = {"i_syn_inhibitory", "mV/ms", 0.0, NM_ANY, "Inhibitory synaptic current."},
    NM_END,
};

static const nm_greater_than greater_than[] = {{V_PEAK, C}, {C, V_MIN}, {0, 0}};

/* Per port. KEPT: factor of the current over a step; MEAN: its mean over a step; JUMP: the jump of the
 * current for a weight of 1; HELD: the current of a weight of 1 in the step of arrival. */
enum { KEPT_EXC, KEPT_INH, MEAN_EXC, MEAN_INH, JUMP_EXC, JUMP_INH, HELD_EXC, HELD_INH, N_DERIVED };

static void prepare(const nm_prepare_chunk *c) {
    for (size_t port = 0; port < 2; port++)
        for (size_t i = 0; i < c->n; i++) {
            double tau = c->params[TAU_SYN_EXCITATORY + port][i];
            double steps = tau > 0.0 ? c->dt / tau : 0.0;
            c->derived[KEPT_EXC + port][i] = tau > 0.0 ? nm_exp(-steps) : 0.0;
            c->derived[MEAN_EXC + port][i] = tau > 0.0 ? nm_exp_mean(steps) : 0.0;
            c->derived[JUMP_EXC + port][i] = tau > 0.0 ? 1.0 : 0.0;
            c->derived[HELD_EXC + port][i] = tau > 0.0 ? 0.0 : 1.0 / c->dt;
        }
}

static int delta_synapses(const nm_neuron_chunk *c) {
    return nm_has_delta_synapses(c, TAU_SYN_EXCITATORY, TAU_SYN_INHIBITORY, I_EXCITATORY, I_INHIBITORY);
}

/* Constants of a step, computed from the parameters. */
typedef struct constants {
    double a, b, c, d, v_peak, v_min, kept_exc, kept_inh, mean_exc, mean_inh, jump_exc, jump_inh, held_exc,
        held_inh;
} constants;

NM_INLINE constants load(const nm_neuron_chunk *c, size_t i) {
    return (constants){.a = c->params[A][i],
                       .b = c->params[B][i],
                       .c = c->params[C][i],
                       .d = c->params[D][i],
                       .v_peak = nm_raised(c->params[V_PEAK][i], c->threshold_rise),
                       .v_min = c->params[V_MIN][i],
                       .kept_exc = c->derived[KEPT_EXC][i],
                       .kept_inh = c->derived[KEPT_INH][i],
                       .mean_exc = c->derived[MEAN_EXC][i],
                       .mean_inh = c->derived[MEAN_INH][i],
                       .jump_exc = c->derived[JUMP_EXC][i],
                       .jump_inh = c->derived[JUMP_INH][i],
                       .held_exc = c->derived[HELD_EXC][i],
                       .held_inh = c->derived[HELD_INH][i]};
}

/* The loops vectorise: no branch, columns of one width, constants loaded before the loop. With delta
 * synapses (`currents` is 0) the current columns are 0 and are not touched. There are three loops since the
 * operations of one neuron wait for each other: of a shorter loop the processor takes more neurons at once. */

NM_INLINE double half_step(double v, double u, double input, double half, double v_min) {
    v += half * (0.04 * (v * v) + 5.0 * v + 140.0 - u + input);
    return v < v_min ? v_min : v;
}

/* The input, the potential in the middle of the step, and the currents at its end. */
NM_INLINE void advance_first_half(const nm_neuron_chunk *c, const size_t stride, const int currents,
                                  double *input) {
    double *v_membrane = c->state[V_MEMBRANE], *i_exc = c->state[I_EXCITATORY],
           *i_inh = c->state[I_INHIBITORY];
    const double *u_recovery = c->state[U_RECOVERY];
    const double *exc = c->input[NM_EXCITATORY], *inh = c->input[NM_INHIBITORY];
    const double half = 0.5 * c->dt, per_step = 1.0 / c->dt;
    const size_t n = c->n;
    const constants shared = load(c, 0);
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const constants k = stride ? load(c, i) : shared;
        const double held =
            currents ? exc[i] * k.held_exc + inh[i] * k.held_inh : (exc[i] + inh[i]) * per_step;
        const double direct = c->current[i] + held;
        input[i] = currents ? direct + (i_exc[i] * k.mean_exc + i_inh[i] * k.mean_inh) : direct;
        v_membrane[i] = half_step(v_membrane[i], u_recovery[i], input[i], half, k.v_min);
        if (currents) {
            i_exc[i] = nm_flush(i_exc[i] * k.kept_exc + exc[i] * k.jump_exc);
            i_inh[i] = nm_flush(i_inh[i] * k.kept_inh + inh[i] * k.jump_inh);
        }
    }
}

/* The potential before the test for a spike. */
NM_INLINE void advance_second_half(const nm_neuron_chunk *c, const size_t stride, const double *input) {
    double *v_membrane = c->state[V_MEMBRANE];
    const double *u_recovery = c->state[U_RECOVERY];
    const double half = 0.5 * c->dt;
    const size_t n = c->n;
    const constants shared = load(c, 0);
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const constants k = stride ? load(c, i) : shared;
        v_membrane[i] = half_step(v_membrane[i], u_recovery[i], input[i], half, k.v_min);
    }
}

/* The recovery, the test for a spike, and what a spike resets. */
NM_INLINE void advance_recovery(const nm_neuron_chunk *c, const size_t stride) {
    double *v_membrane = c->state[V_MEMBRANE], *u_recovery = c->state[U_RECOVERY];
    const double dt = c->dt;
    const size_t n = c->n;
    const constants shared = load(c, 0);
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const constants k = stride ? load(c, i) : shared;
        const double v = v_membrane[i];
        const double u = u_recovery[i] + dt * (k.a * (k.b * v - u_recovery[i]));
        const int spike = nm_crossed(v, k.v_peak);
        const double raised = u + k.d;
        v_membrane[i] = spike ? k.c : v;
        u_recovery[i] = spike ? raised : u;
        c->fired[i] = spike;
    }
}

NM_INLINE void advance(const nm_neuron_chunk *c, const size_t stride, const int currents) {
    double input[NM_CHUNK];
    advance_first_half(c, stride, currents, input);
    advance_second_half(c, stride, input);
    advance_recovery(c, stride);
}

static void step(const nm_neuron_chunk *c) {
    NM_STEP_BY_CURRENTS(c, advance);
}

const nm_neuron_model nm_neuron_izhikevich = {
    .name = "izhikevich",
    .title = "Izhikevich",
    .reference = "Izhikevich (2003), IEEE Trans. Neural Netw. 14:1569, doi:10.1109/TNN.2003.820440",
    .params = params,
    .state = state,
    .greater_than = greater_than,
    .n_derived = N_DERIVED,
    .published_step = 1.0,
    .prepare = prepare,
    .step = step,
    .delta_synapses = delta_synapses,
};
