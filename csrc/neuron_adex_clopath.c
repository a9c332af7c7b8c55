/* Adaptive exponential integrate-and-fire with an adaptive threshold and a current after each spike: the
 * postsynaptic neuron of Clopath, Buesing, Vasilaki & Gerstner (2010, doi:10.1038/nn.2479, Online Methods).
 *   C du/dt = -g_L (u - E_L) + g_L Delta_T exp((u - V_T) / Delta_T) - w + z + I
 *   tau_w dw/dt = a (u - E_L) - w ;   tau_z dz/dt = -z ;   tau_VT dV_T/dt = -(V_T - V_Trest)
 * u passes v_peak: u = v_clamp for t_clamp, during which w stands still. At the end of the clamp
 *   u = v_reset,  w = w + b,  z = I_sp,  V_T = V_Tmax.
 * The states are v_membrane (u), u_recovery (w), i_afterpotential (z) and v_threshold_excess (V_T - V_Trest).
 * Currents in pA, conductances in nS, capacitance in pF: mV and ms come out.
 *
 * Defaults: Table 1a of the paper. The paper prints neither v_peak nor the shape of a spike, and V_Tmax =
 * 30.4 mV without the sign. These values are those of the authors' program (ModelDB 144566, aEIF.m): v_peak
 * 20 mV, V_Tmax -30.4 mV, v_reset E_L + 21.1 mV, and a spike of 2 ms at the mean of its two samples, 29.4 and
 * 32.862 mV. The clamp stands for the integral of a finely resolved spike, which the plasticity rule reads.
 * The paper prints b = 0.805 pA. The program adds 0.0805 pA; Brette & Gerstner (2005) have 80.5 pA.
 *
 * A spike belongs to the step in which u passes v_peak. u is v_clamp at the end of round(t_clamp / dt) steps,
 * of which that step is the first; the next step begins with the four values above. With t_clamp = 0 they are
 * taken at the end of the step of the spike. Jumps of the potential that arrive during the clamp are lost. A
 * raised threshold (serotonin) shifts V_T and v_peak by the same amount.
 *
 * u and w are integrated by the classical Runge-Kutta method in equal substeps of at most 0.25 ms, z and V_T
 * exactly. Spikes arrive at the end of the step: with tau_syn = 0 a weight is a jump of v in mV; with tau_syn
 * > 0 a jump in pA of a decaying current, of which each later step uses its mean.
 *
 * A step may last LONGEST ms, 400 substeps: the cost of a step is bounded.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

#include <math.h>

#define LONGEST 100.0

enum { CAPACITANCE, G_LEAK, E_LEAK, V_THRESHOLD, V_THRESHOLD_MAX, TAU_V_THRESHOLD, DELTA_T, A, B, TAU_W };
enum { I_SP = TAU_W + 1, TAU_Z, V_RESET, V_PEAK, V_CLAMP, T_CLAMP, TAU_SYN_EXCITATORY, TAU_SYN_INHIBITORY };
static const nm_field params[] = {
    [CAPACITANCE] = {"capacitance", "pF", 281.0, NM_POSITIVE, "Membrane capacitance."},
    [G_LEAK] = {"g_leak", "nS", 30.0, NM_POSITIVE, "Leak conductance."},
    [E_LEAK] = {"e_leak", "mV", -70.6, NM_ANY, "Leak reversal potential, and the initial potential."},
    [V_THRESHOLD] = {"v_threshold", "mV", -50.4, NM_ANY,
                     "Potential at which the upswing begins, long after a spike (V_Trest)."},
    [V_THRESHOLD_MAX] = {"v_threshold_max", "mV", -30.4, NM_ANY,
                         "Potential at which the upswing begins, right after a spike (V_Tmax)."},
    [TAU_V_THRESHOLD] = {"tau_v_threshold", "ms", 50.0, NM_POSITIVE,
                         "Time constant from v_threshold_max back to v_threshold."},
    [DELTA_T] = {"delta_t", "mV", 2.0, NM_POSITIVE, "Slope factor: how sharply the upswing begins."},
    [A] = {"a", "nS", 4.0, NM_ANY, "Adaptation below threshold."},
    [B] = {"b", "pA", 0.805, NM_ANY, "What a spike adds to u_recovery."},
    [TAU_W] = {"tau_w", "ms", 144.0, NM_POSITIVE, "Time constant of adaptation."},
    [I_SP] = {"i_sp", "pA", 400.0, NM_ANY, "Value of i_afterpotential right after a spike (I_sp)."},
    [TAU_Z] = {"tau_z", "ms", 40.0, NM_POSITIVE, "Time constant of i_afterpotential."},
    [V_RESET] = {"v_reset", "mV", -49.5, NM_ANY, "Potential at the end of the clamp."},
    [V_PEAK] = {"v_peak", "mV", 20.0, NM_ANY, "Potential at which a spike is registered."},
    [V_CLAMP] = {"v_clamp", "mV", 31.131, NM_ANY, "Potential during a spike."},
    [T_CLAMP] = {"t_clamp", "ms", 2.0, NM_NON_NEGATIVE, "Duration of a spike."},
    [TAU_SYN_EXCITATORY] = {"tau_syn_excitatory", "ms", 0.0, NM_NON_NEGATIVE,
                            "Decay time of excitatory synaptic current; 0: weights are jumps of v_membrane."},
    [TAU_SYN_INHIBITORY] = {"tau_syn_inhibitory", "ms", 0.0, NM_NON_NEGATIVE,
                            "Decay time of inhibitory synaptic current; 0: weights are jumps of v_membrane."},
    NM_END,
};

enum { V_MEMBRANE, U_RECOVERY, Z, V_THRESHOLD_EXCESS, I_EXCITATORY, I_INHIBITORY, CLAMP_LEFT };
static const nm_field state[] = {
    [V_MEMBRANE] = {"v_membrane", "mV", -70.6, NM_ANY, "Membrane potential u."},
    [U_RECOVERY] = {"u_recovery", "pA", 0.0, NM_ANY, "Adaptation current w."},
    [Z] = {"i_afterpotential", "pA", 0.0, NM_ANY, "Depolarising current z after a spike."},
    [V_THRESHOLD_EXCESS] = {"v_threshold_excess", "mV", 0.0, NM_ANY,
                            "Distance of the adaptive threshold V_T from v_threshold."},
    [I_EXCITATORY] = {"i_syn_excitatory", "pA", 0.0, NM_ANY, "Excitatory synaptic current."},
    [I_INHIBITORY] = {"i_syn_inhibitory", "pA", 0.0, NM_ANY, "Inhibitory synaptic current."},
    [CLAMP_LEFT] = {"clamp_left", "steps", 0.0, NM_NON_NEGATIVE,
                    "Steps to the one that begins with the end of the clamp; 0: there is no spike."},
    NM_END,
};

static const nm_greater_than greater_than[] = {{V_PEAK, V_THRESHOLD}, {V_PEAK, V_RESET}, {0, 0}};

/* Per port. KEPT: what is left of the current after a step; MEAN: its mean over a step; JUMP_I, JUMP_V:
 * what a weight adds to it and to v. Z_HALF, T_HALF: what is left of z and of V_T's excess after half a
 * substep. */
enum { KEPT_EXC, KEPT_INH, MEAN_EXC, MEAN_INH, JUMP_I_EXC, JUMP_I_INH, JUMP_V_EXC, JUMP_V_INH };
enum { CLAMP_STEPS = JUMP_V_INH + 1, Z_HALF, T_HALF, N_DERIVED };

static double n_substeps(double dt) {
    return ceil(dt / 0.25);
}

static void prepare(const nm_prepare_chunk *c) {
    const double half = 0.5 * c->dt / n_substeps(c->dt);
    for (size_t i = 0; i < c->n; i++) {
        c->derived[CLAMP_STEPS][i] = floor(c->params[T_CLAMP][i] / c->dt + 0.5);
        c->derived[Z_HALF][i] = nm_exp(-half / c->params[TAU_Z][i]);
        c->derived[T_HALF][i] = nm_exp(-half / c->params[TAU_V_THRESHOLD][i]);
    }
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

/* What a neuron's step takes from its parameters. */
typedef struct constants {
    double g_leak, e_leak, v_threshold, excess_max, delta_t, a, b, i_sp, v_reset, v_peak, v_clamp, steps;
    double per_capacitance, per_delta_t, per_tau_w; /* inverted: a division costs as much as ten products */
    double z_half, t_half;
    double kept_exc, kept_inh, mean_exc, mean_inh, jump_i_exc, jump_i_inh, jump_v_exc, jump_v_inh;
} constants;

NM_INLINE constants load(const nm_neuron_chunk *c, size_t i) {
    const double shift = fabs(c->params[V_THRESHOLD][i]) * c->threshold_rise;
    return (constants){.g_leak = c->params[G_LEAK][i],
                       .e_leak = c->params[E_LEAK][i],
                       .v_threshold = c->params[V_THRESHOLD][i] + shift,
                       .excess_max = c->params[V_THRESHOLD_MAX][i] - c->params[V_THRESHOLD][i],
                       .delta_t = c->params[DELTA_T][i],
                       .a = c->params[A][i],
                       .b = c->params[B][i],
                       .i_sp = c->params[I_SP][i],
                       .v_reset = c->params[V_RESET][i],
                       .v_peak = c->params[V_PEAK][i] + shift,
                       .v_clamp = c->params[V_CLAMP][i],
                       .steps = c->derived[CLAMP_STEPS][i],
                       .per_capacitance = 1.0 / c->params[CAPACITANCE][i],
                       .per_delta_t = 1.0 / c->params[DELTA_T][i],
                       .per_tau_w = 1.0 / c->params[TAU_W][i],
                       .z_half = c->derived[Z_HALF][i],
                       .t_half = c->derived[T_HALF][i],
                       .kept_exc = c->derived[KEPT_EXC][i],
                       .kept_inh = c->derived[KEPT_INH][i],
                       .mean_exc = c->derived[MEAN_EXC][i],
                       .mean_inh = c->derived[MEAN_INH][i],
                       .jump_i_exc = c->derived[JUMP_I_EXC][i],
                       .jump_i_inh = c->derived[JUMP_I_INH][i],
                       .jump_v_exc = c->derived[JUMP_V_EXC][i],
                       .jump_v_inh = c->derived[JUMP_V_INH][i]};
}

/* du/dt and dw/dt. Above v_peak they are those at v_peak, so that an overshoot does not leak into w; the
 * exponent ends at 50, where the upswing is 1e21 times the leak, so that nothing overflows. `moves`: 1; 0
 * during a spike. */
NM_INLINE void slope(const constants *k, double input, double excess, double moves, double v, double w,
                     double *dv, double *dw) {
    v = v < k->v_peak ? v : k->v_peak;
    double x = (v - k->v_threshold - excess) * k->per_delta_t;
    double upswing = k->g_leak * k->delta_t * nm_exp(x < 50.0 ? x : 50.0);
    double away = v - k->e_leak;
    *dv = moves * ((upswing - k->g_leak * away - w + input) * k->per_capacitance);
    *dw = moves * ((k->a * away - w) * k->per_tau_w);
}

/* z and excess: at the beginning of the substep. */
NM_INLINE void runge_kutta(const constants *k, double input, double z, double excess, double moves, double h,
                           double *v, double *w) {
    const double z_mid = z * k->z_half, z_end = z_mid * k->z_half;
    const double x_mid = excess * k->t_half, x_end = x_mid * k->t_half;
    double v1, v2, v3, v4, w1, w2, w3, w4;
    slope(k, input + z, excess, moves, *v, *w, &v1, &w1);
    slope(k, input + z_mid, x_mid, moves, *v + 0.5 * h * v1, *w + 0.5 * h * w1, &v2, &w2);
    slope(k, input + z_mid, x_mid, moves, *v + 0.5 * h * v2, *w + 0.5 * h * w2, &v3, &w3);
    slope(k, input + z_end, x_end, moves, *v + h * v3, *w + h * w3, &v4, &w4);
    *v += h / 6.0 * (v1 + 2.0 * v2 + 2.0 * v3 + v4);
    *w += h / 6.0 * (w1 + 2.0 * w2 + 2.0 * w3 + w4);
}

/* What follows a spike, where `ends` is 1. */
NM_INLINE void end_spike(const nm_neuron_chunk *c, const constants *k, size_t i, int ends) {
    double *v = c->state[V_MEMBRANE], *w = c->state[U_RECOVERY];
    double *z = c->state[Z], *excess = c->state[V_THRESHOLD_EXCESS];
    const double risen = w[i] + k->b;
    v[i] = ends ? k->v_reset : v[i];
    w[i] = ends ? risen : w[i];
    z[i] = ends ? k->i_sp : z[i];
    excess[i] = ends ? k->excess_max : excess[i];
}

/* The beginning of the step: spikes end. */
NM_INLINE void begin(const nm_neuron_chunk *c, const size_t stride) {
    double *left = c->state[CLAMP_LEFT];
    const size_t n = c->n;
    const constants shared = load(c, 0);
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const constants k = stride ? load(c, i) : shared;
        end_spike(c, &k, i, left[i] == 1.0);
        left[i] = left[i] > 1.0 ? left[i] - 1.0 : 0.0;
        c->fired[i] = 0;
    }
}

/* One substep of all neurons; `fired` collects. */
NM_INLINE void advance(const nm_neuron_chunk *c, double h, const size_t stride) {
    double *v_membrane = c->state[V_MEMBRANE], *u_recovery = c->state[U_RECOVERY];
    double *z = c->state[Z], *excess = c->state[V_THRESHOLD_EXCESS];
    const double *i_exc = c->state[I_EXCITATORY], *i_inh = c->state[I_INHIBITORY];
    const double *left = c->state[CLAMP_LEFT];
    const size_t n = c->n;
    const constants shared = load(c, 0);
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const constants k = stride ? load(c, i) : shared;
        const int64_t before = c->fired[i];
        const double input = c->current[i] + i_exc[i] * k.mean_exc + i_inh[i] * k.mean_inh;
        const double free = left[i] > 0.0 ? 0.0 : 1.0;
        const double moves = before != 0 ? 0.0 : free;
        double w = u_recovery[i], v = moves > 0.0 ? v_membrane[i] : k.v_clamp;
        runge_kutta(&k, input, z[i], excess[i], moves, h, &v, &w);
        const int spike = moves > 0.0 && v >= k.v_peak;
        v_membrane[i] = spike ? k.v_clamp : v;
        u_recovery[i] = w;
        z[i] = nm_flush(z[i] * k.z_half * k.z_half);
        excess[i] = nm_flush(excess[i] * k.t_half * k.t_half);
        c->fired[i] = before | spike;
    }
}

/* The end of the step: spikes arrive, those that fired begin their clamp. */
NM_INLINE void finish(const nm_neuron_chunk *c, const size_t stride) {
    double *v_membrane = c->state[V_MEMBRANE], *left = c->state[CLAMP_LEFT];
    double *i_exc = c->state[I_EXCITATORY], *i_inh = c->state[I_INHIBITORY];
    const double *exc = c->input[NM_EXCITATORY], *inh = c->input[NM_INHIBITORY];
    const size_t n = c->n;
    const constants shared = load(c, 0);
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const constants k = stride ? load(c, i) : shared;
        const int64_t before = c->fired[i];
        const double was_left = left[i];
        double v = v_membrane[i] + (exc[i] * k.jump_v_exc + inh[i] * k.jump_v_inh);
        v = was_left > 0.0 ? k.v_clamp : v;
        v = before != 0 ? k.v_clamp : v;
        const int spike = was_left == 0.0 && v >= k.v_peak;
        const int64_t any = before | spike;
        v_membrane[i] = spike ? k.v_clamp : v;
        left[i] = any != 0 ? k.steps : was_left;
        end_spike(c, &k, i, any != 0 && k.steps == 0.0);
        c->fired[i] = any;
        i_exc[i] = nm_flush(i_exc[i] * k.kept_exc + exc[i] * k.jump_i_exc);
        i_inh[i] = nm_flush(i_inh[i] * k.kept_inh + inh[i] * k.jump_i_inh);
    }
}

NM_INLINE void substeps(const nm_neuron_chunk *c, const size_t stride) {
    const double count = n_substeps(c->dt), h = c->dt / count;
    begin(c, stride);
    for (double k = 0.0; k < count; k++)
        advance(c, h, stride);
    finish(c, stride);
}

static void step(const nm_neuron_chunk *c) {
    NM_STEP_BY_STRIDE(c, substeps);
}

const nm_neuron_model nm_neuron_adex_clopath = {
    .name = "adex_clopath",
    .title = "Adaptive exponential integrate-and-fire with adaptive threshold and afterpotential",
    .reference = "Clopath et al. (2010), Nature Neuroscience 13:344, doi:10.1038/nn.2479",
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
