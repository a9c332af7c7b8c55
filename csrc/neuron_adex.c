/* Adaptive exponential integrate-and-fire (Brette & Gerstner 2005, doi:10.1152/jn.00686.2005).
 *   C dv/dt = -g_leak (v - e_leak) + g_leak delta_t exp((v - v_threshold) / delta_t) - w + I
 *   tau_w dw/dt = a (v - e_leak) - w ;    v >= v_peak: v = v_reset, w = w + b
 * Currents in pA, conductances in nS, capacitance in pF: mV and ms come out. w is the state `u_recovery`.
 *
 * Integrated by the classical Runge-Kutta method in equal substeps of at most 0.25 ms; stable while
 * capacitance / g_leak > 0.09 ms. Measured against a 30-digit Taylor solution (tests/data/adex.csv, 500 to
 * 2,000 pA) at dt = 0.1 ms: v to 3e-8 mV and w to 4e-9 pA until 1 ms before the first spike, at dt = 1 ms v
 * to 1e-6 mV. The first spike is 0 to 1.1 steps late, since spikes end with steps; every later one adds as
 * much, so that of 24 spikes in 197 ms the last is 1.3 ms late at dt = 0.1 ms.
 *
 * A spike belongs to the step in which v passes v_peak. v is then v_reset to the end of that step and for
 * round(refractory_period / dt) further steps; w continues to evolve. v_peak cuts the upswing, which by then
 * is faster than 1e9 mV/ms: spike times hardly depend on v_peak. A raised threshold (serotonin) shifts
 * v_threshold and v_peak by the same amount. delta_t = 0 is the limit of a steep upswing, the integrate-and-fire
 * neuron: a spike is registered at v_threshold.
 *
 * A step may last LONGEST ms, 400 substeps: the cost of a step is bounded.
 *
 * Spikes arrive at the end of the step: with tau_syn = 0 a weight is a jump of v in mV; with tau_syn > 0 a
 * jump in pA of a decaying current, of which each later step uses its mean.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

#include <math.h>

#define LONGEST 100.0

enum { CAPACITANCE, G_LEAK, E_LEAK, V_THRESHOLD, DELTA_T, A, B, TAU_W, V_RESET, V_PEAK, REFRACTORY_PERIOD };
enum { TAU_SYN_EXCITATORY = REFRACTORY_PERIOD + 1, TAU_SYN_INHIBITORY };
static const nm_field params[] = {
    [CAPACITANCE] = {"capacitance", "pF", 281.0, NM_POSITIVE, "Membrane capacitance."},
    [G_LEAK] = {"g_leak", "nS", 30.0, NM_POSITIVE, "Leak conductance."},
    [E_LEAK] = {"e_leak", "mV", -70.6, NM_ANY, "Leak reversal potential, and the initial potential."},
    [V_THRESHOLD] = {"v_threshold", "mV", -50.4, NM_ANY, "Potential at which the upswing begins (V_T)."},
    [DELTA_T] = {"delta_t", "mV", 2.0, NM_NON_NEGATIVE,
                 "Slope factor: how sharply the upswing begins; 0: a spike where v passes v_threshold."},
    [A] = {"a", "nS", 4.0, NM_ANY, "Adaptation below threshold."},
    [B] = {"b", "pA", 80.5, NM_ANY, "What a spike adds to u_recovery."},
    [TAU_W] = {"tau_w", "ms", 144.0, NM_POSITIVE, "Time constant of adaptation."},
    [V_RESET] = {"v_reset", "mV", -70.6, NM_ANY, "Potential after a spike."},
    [V_PEAK] = {"v_peak", "mV", 0.0, NM_ANY, "Potential at which a spike is registered."},
    [REFRACTORY_PERIOD] = {"refractory_period", "ms", 0.0, NM_NON_NEGATIVE,
                           "Time after a spike during which the potential is held at v_reset."},
    [TAU_SYN_EXCITATORY] = {"tau_syn_excitatory", "ms", 0.0, NM_NON_NEGATIVE,
                            "Decay time of excitatory synaptic current; 0: weights are jumps of v_membrane."},
    [TAU_SYN_INHIBITORY] = {"tau_syn_inhibitory", "ms", 0.0, NM_NON_NEGATIVE,
                            "Decay time of inhibitory synaptic current; 0: weights are jumps of v_membrane."},
    NM_END,
};

enum { V_MEMBRANE, U_RECOVERY, I_EXCITATORY, I_INHIBITORY, REFRACTORY_LEFT };
static const nm_field state[] = {
    [V_MEMBRANE] = {"v_membrane", "mV", -70.6, NM_ANY, "Membrane potential."},
    [U_RECOVERY] = {"u_recovery", "pA", 0.0, NM_ANY, "Adaptation current w."},
    [I_EXCITATORY] = {"i_syn_excitatory", "pA", 0.0, NM_ANY, "Excitatory synaptic current."},
    [I_INHIBITORY] = {"i_syn_inhibitory", "pA", 0.0, NM_ANY, "Inhibitory synaptic current."},
    [REFRACTORY_LEFT] = {"refractory_left", "steps", 0.0, NM_NON_NEGATIVE,
                         "Steps for which the potential is still held at v_reset."},
    NM_END,
};

static const nm_greater_than greater_than[] = {{V_PEAK, V_THRESHOLD}, {V_PEAK, V_RESET}, {0, 0}};

/* Per port. KEPT: factor of the current over a step; MEAN: its mean over a step; JUMP_I, JUMP_V: the jumps
 * of the current and of v for a weight of 1. */
enum { KEPT_EXC, KEPT_INH, MEAN_EXC, MEAN_INH, JUMP_I_EXC, JUMP_I_INH, JUMP_V_EXC, JUMP_V_INH };
enum { REFRACTORY_STEPS = JUMP_V_INH + 1, N_DERIVED };

static void prepare(const nm_prepare_chunk *c) {
    for (size_t i = 0; i < c->n; i++)
        c->derived[REFRACTORY_STEPS][i] = floor(c->params[REFRACTORY_PERIOD][i] / c->dt + 0.5);
    for (size_t port = 0; port < 2; port++)
        for (size_t i = 0; i < c->n; i++) {
            double tau = c->params[TAU_SYN_EXCITATORY + port][i];
            double steps = tau > 0.0 ? c->dt / tau : 0.0;
            c->derived[KEPT_EXC + port][i] = tau > 0.0 ? nm_exp(-steps) : 0.0;
            c->derived[MEAN_EXC + port][i] = tau > 0.0 ? nm_exp_mean(steps) : 0.0;
            c->derived[JUMP_I_EXC + port][i] = tau > 0.0 ? 1.0 : 0.0;
            c->derived[JUMP_V_EXC + port][i] = tau > 0.0 ? 0.0 : 1.0;
        }
}

/* Constants of a step, computed from the parameters. */
typedef struct constants {
    double g_leak, e_leak, v_threshold, delta_t, a, b, v_reset, v_peak, steps;
    double per_capacitance, per_delta_t, per_tau_w; /* inverted: a division costs as much as ten products */
    double kept_exc, kept_inh, mean_exc, mean_inh, jump_i_exc, jump_i_inh, jump_v_exc, jump_v_inh;
} constants;

NM_INLINE constants load(const nm_neuron_chunk *c, size_t i) {
    const double shift = fabs(c->params[V_THRESHOLD][i]) * c->threshold_rise;
    const double delta_t = c->params[DELTA_T][i];
    const double v_peak = delta_t > 0.0 ? c->params[V_PEAK][i] : c->params[V_THRESHOLD][i];
    return (constants){.g_leak = c->params[G_LEAK][i],
                       .e_leak = c->params[E_LEAK][i],
                       .v_threshold = c->params[V_THRESHOLD][i] + shift,
                       .delta_t = delta_t,
                       .a = c->params[A][i],
                       .b = c->params[B][i],
                       .v_reset = c->params[V_RESET][i],
                       .v_peak = v_peak + shift,
                       .per_capacitance = 1.0 / c->params[CAPACITANCE][i],
                       .per_delta_t = delta_t > 0.0 ? 1.0 / delta_t : 0.0,
                       .per_tau_w = 1.0 / c->params[TAU_W][i],
                       .steps = c->derived[REFRACTORY_STEPS][i],
                       .kept_exc = c->derived[KEPT_EXC][i],
                       .kept_inh = c->derived[KEPT_INH][i],
                       .mean_exc = c->derived[MEAN_EXC][i],
                       .mean_inh = c->derived[MEAN_INH][i],
                       .jump_i_exc = c->derived[JUMP_I_EXC][i],
                       .jump_i_inh = c->derived[JUMP_I_INH][i],
                       .jump_v_exc = c->derived[JUMP_V_EXC][i],
                       .jump_v_inh = c->derived[JUMP_V_INH][i]};
}

/* dv/dt and dw/dt. Above v_peak the values at v_peak are used, so that an overshoot of v does not enter w.
 * The exponent is limited to 50, where the upswing is 1e21 times the leak, so that nothing overflows.
 * `moves`: 0 while v is held in the refractory period, else 1. */
NM_INLINE void slope(const constants *k, double input, double moves, double v, double w, double *dv,
                     double *dw) {
    v = v < k->v_peak ? v : k->v_peak;
    double x = (v - k->v_threshold) * k->per_delta_t;
    double upswing = k->g_leak * k->delta_t * nm_exp(x < 50.0 ? x : 50.0);
    double away = v - k->e_leak;
    *dv = moves * ((upswing - k->g_leak * away - w + input) * k->per_capacitance);
    *dw = (k->a * away - w) * k->per_tau_w;
}

NM_INLINE void runge_kutta(const constants *k, double input, double moves, double h, double *v, double *w) {
    double v1, v2, v3, v4, w1, w2, w3, w4;
    slope(k, input, moves, *v, *w, &v1, &w1);
    slope(k, input, moves, *v + 0.5 * h * v1, *w + 0.5 * h * w1, &v2, &w2);
    slope(k, input, moves, *v + 0.5 * h * v2, *w + 0.5 * h * w2, &v3, &w3);
    slope(k, input, moves, *v + h * v3, *w + h * w3, &v4, &w4);
    *v += h / 6.0 * (v1 + 2.0 * v2 + 2.0 * v3 + v4);
    *w += h / 6.0 * (w1 + 2.0 * w2 + 2.0 * w3 + w4);
}

/* One substep of all neurons. `fired` becomes 1 where v passes v_peak. */
NM_INLINE void advance(const nm_neuron_chunk *c, double h, const size_t stride) {
    double *v_membrane = c->state[V_MEMBRANE], *u_recovery = c->state[U_RECOVERY];
    const double *i_exc = c->state[I_EXCITATORY], *i_inh = c->state[I_INHIBITORY];
    const double *left = c->state[REFRACTORY_LEFT];
    const size_t n = c->n;
    const constants shared = load(c, 0);
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const constants k = stride ? load(c, i) : shared;
        const int64_t before = c->fired[i];
        const double input = c->current[i] + i_exc[i] * k.mean_exc + i_inh[i] * k.mean_inh;
        const double free = left[i] > 0.0 ? 0.0 : 1.0;
        const double moves = before != 0 ? 0.0 : free;
        double w = u_recovery[i], v = moves > 0.0 ? v_membrane[i] : k.v_reset;
        runge_kutta(&k, input, moves, h, &v, &w);
        const int spike = nm_crossed(v, k.v_peak);
        const double risen = w + k.b;
        v_membrane[i] = spike ? k.v_reset : v;
        u_recovery[i] = spike ? risen : w;
        c->fired[i] = before | spike;
    }
}

/* The end of the step: spikes arrive, and the remaining refractory time decreases by one step. */
NM_INLINE void finish(const nm_neuron_chunk *c, const size_t stride) {
    double *v_membrane = c->state[V_MEMBRANE], *u_recovery = c->state[U_RECOVERY];
    double *i_exc = c->state[I_EXCITATORY], *i_inh = c->state[I_INHIBITORY];
    double *left = c->state[REFRACTORY_LEFT];
    const double *exc = c->input[NM_EXCITATORY], *inh = c->input[NM_INHIBITORY];
    const size_t n = c->n;
    const constants shared = load(c, 0);
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const constants k = stride ? load(c, i) : shared;
        const int64_t before = c->fired[i];
        const double was_left = left[i], w = u_recovery[i], risen = w + k.b;
        double v = v_membrane[i] + (exc[i] * k.jump_v_exc + inh[i] * k.jump_v_inh);
        v = was_left > 0.0 ? k.v_reset : v;
        v = before != 0 ? k.v_reset : v;
        const int spike = nm_crossed(v, k.v_peak);
        const int64_t any = before | spike;
        const double less = was_left > 1.0 ? was_left - 1.0 : 0.0;
        v_membrane[i] = spike ? k.v_reset : v;
        u_recovery[i] = spike ? risen : w;
        left[i] = any != 0 ? k.steps : less;
        c->fired[i] = any;
        i_exc[i] = nm_flush(i_exc[i] * k.kept_exc + exc[i] * k.jump_i_exc);
        i_inh[i] = nm_flush(i_inh[i] * k.kept_inh + inh[i] * k.jump_i_inh);
    }
}

NM_INLINE void substeps(const nm_neuron_chunk *c, const size_t stride) {
    const double count = ceil(c->dt / 0.25), h = c->dt / count;
    for (double k = 0.0; k < count; k++)
        advance(c, h, stride);
    finish(c, stride);
}

static void step(const nm_neuron_chunk *c) {
    for (size_t i = 0; i < c->n; i++)
        c->fired[i] = 0;
    NM_STEP_BY_STRIDE(c, substeps);
}

const nm_neuron_model nm_neuron_adex = {
    .name = "adex",
    .title = "Adaptive exponential integrate-and-fire",
    .reference = "Brette & Gerstner (2005), J. Neurophysiol. 94:3637, doi:10.1152/jn.00686.2005",
    .current_unit = "pA",
    .params = params,
    .state = state,
    .greater_than = greater_than,
    .n_derived = N_DERIVED,
    .longest_step = LONGEST,
    .initial_v_from = 1 + E_LEAK,
    .prepare = prepare,
    .step = step,
};
