/* Leaky integrate-and-fire with four receptors: AMPA and GABA_A at the ports that every model has, NMDA and
 * GABA_B at ports of their own (`nmda`, `gaba_b`).
 *   tau_m dv/dt = -(v - v_rest) + sum_k g_k (e_rev_k - v) + B(v) g_nmda (e_rev_nmda - v) + I,   k: ampa, gaba_a, gaba_b
 *   B(v) = 1 / (1 + (mg / 3.57 mM) exp(-0.062 v))        block of NMDA by magnesium (Jahr & Stevens 1990)
 * AMPA and GABA_A decay exponentially. NMDA and GABA_B rise and decay (Hill & Tononi 2005):
 *   g(t) = w (exp(-t / tau_decay) - exp(-t / tau_rise)) / peak,
 * with `peak` such that a spike of weight w has its maximum at w. Conductances are in units of the leak
 * conductance, as in neuron_lif_cond.c. A weight adds its magnitude to g of its port at the end of the step;
 * it first acts in the next.
 *
 * Within a step each g is its own mean over that step, exactly, and v relaxes exactly to the potential at
 * which the currents cancel. B is taken at the middle of the step, by a first relaxation with B at its start.
 * Of second order in dt: tests/test_neuron_lif_nmda_gaba_b.py.
 *
 * v >= threshold at the end of a step is a spike: v = v_reset, and v stays there for round(refractory_period
 * / dt) further steps, in which conductances decay on.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

#include <math.h>

enum { TAU_M, V_REST, V_RESET, V_THRESHOLD, REFRACTORY_PERIOD };
enum { E_REV_EXC = REFRACTORY_PERIOD + 1, E_REV_INH, E_REV_NMDA, E_REV_GABA_B, TAU_EXC, TAU_INH };
enum { RISE_NMDA = TAU_INH + 1, DECAY_NMDA, RISE_GABA_B, DECAY_GABA_B, MG };
static const nm_field params[] = {
    [TAU_M] = {"tau_m", "ms", 20.0, NM_POSITIVE, "Membrane time constant."},
    [V_REST] = {"v_rest", "mV", -70.0, NM_ANY, "Resting potential, and the initial one."},
    [V_RESET] = {"v_reset", "mV", -60.0, NM_ANY, "Potential after a spike."},
    [V_THRESHOLD] = {"v_threshold", "mV", -50.0, NM_ANY, "Potential at which a spike is fired."},
    [REFRACTORY_PERIOD] = {"refractory_period", "ms", 2.0, NM_NON_NEGATIVE,
                           "Time after a spike during which the potential is held at v_reset."},
    [E_REV_EXC] = {"e_rev_excitatory", "mV", 0.0, NM_ANY, "Reversal potential of AMPA."},
    [E_REV_INH] = {"e_rev_inhibitory", "mV", -70.0, NM_ANY, "Reversal potential of GABA_A."},
    [E_REV_NMDA] = {"e_rev_nmda", "mV", 0.0, NM_ANY, "Reversal potential of NMDA."},
    [E_REV_GABA_B] = {"e_rev_gaba_b", "mV", -90.0, NM_ANY, "Reversal potential of GABA_B."},
    [TAU_EXC] = {"tau_syn_excitatory", "ms", 2.0, NM_POSITIVE, "Decay time of AMPA."},
    [TAU_INH] = {"tau_syn_inhibitory", "ms", 7.0, NM_POSITIVE, "Decay time of GABA_A."},
    [RISE_NMDA] = {"tau_rise_nmda", "ms", 4.0, NM_POSITIVE, "Rise time of NMDA."},
    [DECAY_NMDA] = {"tau_decay_nmda", "ms", 40.0, NM_POSITIVE, "Decay time of NMDA."},
    [RISE_GABA_B] = {"tau_rise_gaba_b", "ms", 60.0, NM_POSITIVE, "Rise time of GABA_B."},
    [DECAY_GABA_B] = {"tau_decay_gaba_b", "ms", 200.0, NM_POSITIVE, "Decay time of GABA_B."},
    [MG] = {"mg", "mM", 1.0, NM_NON_NEGATIVE, "Concentration of magnesium, which blocks NMDA; 0: no block."},
    NM_END,
};

enum { V_MEMBRANE, G_EXC, G_INH, NMDA_RISE, NMDA_DECAY, GABA_B_RISE, GABA_B_DECAY, REFRACTORY_LEFT };
static const nm_field state[] = {
    [V_MEMBRANE] = {"v_membrane", "mV", -70.0, NM_ANY, "Membrane potential."},
    [G_EXC] = {"g_syn_excitatory", "1", 0.0, NM_NON_NEGATIVE, "Conductance of AMPA in units of the leak's."},
    [G_INH] = {"g_syn_inhibitory", "1", 0.0, NM_NON_NEGATIVE,
               "Conductance of GABA_A in units of the leak's."},
    [NMDA_RISE] = {"g_rise_nmda", "1", 0.0, NM_NON_NEGATIVE,
                   "Part of NMDA's conductance that is subtracted."},
    [NMDA_DECAY] = {"g_decay_nmda", "1", 0.0, NM_NON_NEGATIVE,
                    "NMDA's conductance, without block, is g_decay_nmda - g_rise_nmda."},
    [GABA_B_RISE] = {"g_rise_gaba_b", "1", 0.0, NM_NON_NEGATIVE,
                     "Part of GABA_B's conductance that is subtracted."},
    [GABA_B_DECAY] = {"g_decay_gaba_b", "1", 0.0, NM_NON_NEGATIVE,
                      "GABA_B's conductance is g_decay_gaba_b - g_rise_gaba_b."},
    [REFRACTORY_LEFT] = {"refractory_left", "steps", 0.0, NM_NON_NEGATIVE,
                         "Steps for which the potential is still held at v_reset."},
    NM_END,
};

static const nm_greater_than greater_than[] = {
    {V_THRESHOLD, V_RESET}, {DECAY_NMDA, RISE_NMDA}, {DECAY_GABA_B, RISE_GABA_B}, {0, 0}};

enum { NMDA = NM_FIRST_OWN_PORT, GABA_B };
static const char *const ports[] = {"nmda", "gaba_b", NULL};

/* LEAK: dt / tau_m. KEPT, MEAN: factor of a conductance over a step, and its mean over the step.
 * PER_WEIGHT: the jump of both components of a dual-exponential conductance for a weight of 1. */
enum { LEAK, KEPT_EXC, MEAN_EXC, KEPT_INH, MEAN_INH, REFRACTORY_STEPS };
enum { OF_NMDA = REFRACTORY_STEPS + 1, OF_GABA_B = OF_NMDA + 5, N_DERIVED = OF_GABA_B + 5 };
enum { KEPT_RISE, MEAN_RISE, KEPT_DECAY, MEAN_DECAY, PER_WEIGHT }; /* from OF_NMDA, OF_GABA_B */

static void prepare_decay(const nm_prepare_chunk *c, size_t i, int tau, int kept) {
    /* capped so that the smallest double as a time constant does not give infinity */
    const double steps = fmin(c->dt / c->params[tau][i], 1e300);
    c->derived[kept][i] = nm_exp(-steps);
    c->derived[kept + 1][i] = nm_exp_mean(steps);
}

/* 1 / peak. The maximum lies at t = tau_rise tau_decay / (tau_decay - tau_rise) ln(tau_decay / tau_rise). */
static double per_weight(double rise, double decay) {
    const double ratio = rise / decay;
    return nm_exp(nm_log(decay / rise) * ratio / (1.0 - ratio)) / (1.0 - ratio);
}

static void prepare(const nm_prepare_chunk *c) {
    double *const *d = c->derived;
    for (size_t i = 0; i < c->n; i++) {
        d[LEAK][i] = fmin(c->dt / c->params[TAU_M][i], 1e300);
        d[REFRACTORY_STEPS][i] = floor(c->params[REFRACTORY_PERIOD][i] / c->dt + 0.5);
        prepare_decay(c, i, TAU_EXC, KEPT_EXC);
        prepare_decay(c, i, TAU_INH, KEPT_INH);
        prepare_decay(c, i, RISE_NMDA, OF_NMDA + KEPT_RISE);
        prepare_decay(c, i, DECAY_NMDA, OF_NMDA + KEPT_DECAY);
        prepare_decay(c, i, RISE_GABA_B, OF_GABA_B + KEPT_RISE);
        prepare_decay(c, i, DECAY_GABA_B, OF_GABA_B + KEPT_DECAY);
        d[OF_NMDA + PER_WEIGHT][i] = per_weight(c->params[RISE_NMDA][i], c->params[DECAY_NMDA][i]);
        d[OF_GABA_B + PER_WEIGHT][i] = per_weight(c->params[RISE_GABA_B][i], c->params[DECAY_GABA_B][i]);
    }
}

/* Mean conductances of a step, and the potential that they drive v to. */
typedef struct pull {
    double total, drive; /* without NMDA: sum of conductances, and of conductance times reversal potential */
    double nmda, e_nmda, mg, leak;
} pull;

NM_INLINE double relaxed(double v, double block_at, const pull *p) {
    const double nmda = p->nmda / (1.0 + p->mg * (1.0 / 3.57) * nm_exp(-0.062 * block_at));
    const double total = p->total + nmda, settles_at = (p->drive + nmda * p->e_nmda) / total;
    return settles_at + nm_flush(v - settles_at) * nm_exp(-p->leak * total);
}

/* A dual-exponential conductance: returns the mean over the step, then applies decay and arrivals. */
NM_INLINE double advance_dual(double *rise, double *decay, double arriving, const double *const *d, int of,
                              size_t j) {
    const double mean = *decay * d[of + MEAN_DECAY][j] - *rise * d[of + MEAN_RISE][j];
    const double added = fabs(arriving) * d[of + PER_WEIGHT][j];
    *rise = nm_flush(*rise * d[of + KEPT_RISE][j] + added);
    *decay = nm_flush(*decay * d[of + KEPT_DECAY][j] + added);
    return mean > 0.0 ? mean : 0.0;
}

/* An exponential conductance, likewise. */
NM_INLINE double advance_decay(double *g, double arriving, const double *const *d, int kept, size_t j) {
    const double mean = *g * d[kept + 1][j];
    *g = nm_flush(*g * d[kept][j] + fabs(arriving));
    return mean;
}

NM_INLINE void advance(const nm_neuron_chunk *c, const size_t stride) {
    double *const *s = c->state;
    const double *const *p = c->params, *const *d = c->derived;
    const double *const *in = c->input;
    for (size_t i = 0; i < c->n; i++) {
        const size_t j = i * stride;
        const double exc = advance_decay(&s[G_EXC][i], in[NM_EXCITATORY][i], d, KEPT_EXC, j);
        const double inh = advance_decay(&s[G_INH][i], in[NM_INHIBITORY][i], d, KEPT_INH, j);
        const double gaba_b =
            advance_dual(&s[GABA_B_RISE][i], &s[GABA_B_DECAY][i], in[GABA_B][i], d, OF_GABA_B, j);
        const pull pulled = {
            .total = 1.0 + exc + inh + gaba_b,
            .drive = p[V_REST][j] + c->current[i] + exc * p[E_REV_EXC][j] + inh * p[E_REV_INH][j] +
                     gaba_b * p[E_REV_GABA_B][j],
            .nmda = advance_dual(&s[NMDA_RISE][i], &s[NMDA_DECAY][i], in[NMDA][i], d, OF_NMDA, j),
            .e_nmda = p[E_REV_NMDA][j],
            .mg = p[MG][j],
            .leak = d[LEAK][j]};
        const double v0 = s[V_MEMBRANE][i], left = s[REFRACTORY_LEFT][i];
        double v = relaxed(v0, 0.5 * (v0 + relaxed(v0, v0, &pulled)), &pulled);
        v = left > 0.0 ? p[V_RESET][j] : v;
        /* A refractory neuron cannot fire: v_reset lies below the threshold, which is only ever raised. */
        const int spike = nm_crossed(v, nm_raised(p[V_THRESHOLD][j], c->threshold_rise));
        const double less = left > 1.0 ? left - 1.0 : 0.0;
        s[V_MEMBRANE][i] = spike ? p[V_RESET][j] : v;
        s[REFRACTORY_LEFT][i] = spike ? d[REFRACTORY_STEPS][j] : less;
        c->fired[i] = spike;
    }
}

static void step(const nm_neuron_chunk *c) {
    NM_STEP_BY_STRIDE(c, advance);
}

const nm_neuron_model nm_neuron_lif_nmda_gaba_b = {
    .name = "lif_nmda_gaba_b",
    .title = "Leaky integrate-and-fire with AMPA, NMDA, GABA_A and GABA_B",
    .reference = "Hill & Tononi (2005), J. Neurophysiol. 93:1671, doi:10.1152/jn.00915.2004; "
                 "Jahr & Stevens (1990), J. Neurosci. 10:3178, doi:10.1523/JNEUROSCI.10-09-03178.1990",
    .params = params,
    .state = state,
    .greater_than = greater_than,
    .ports = ports,
    .n_derived = N_DERIVED,
    .initial_v_from = 1 + V_REST,
    .prepare = prepare,
    .step = step,
};
