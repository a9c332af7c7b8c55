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

/* Factors of a dual-exponential conductance, as in `derived`. */
typedef struct dual {
    double kept_rise, mean_rise, kept_decay, mean_decay, per_weight;
} dual;

/* Parameters and derived values of one neuron. */
typedef struct constants {
    double v_rest, v_reset, v_threshold, steps, leak, mg;
    double e_exc, e_inh, e_nmda, e_gaba_b, kept_exc, mean_exc, kept_inh, mean_inh;
    dual nmda, gaba_b;
} constants;

NM_INLINE dual load_dual(const double *const *d, int of, size_t i) {
    return (dual){d[of + KEPT_RISE][i], d[of + MEAN_RISE][i], d[of + KEPT_DECAY][i], d[of + MEAN_DECAY][i],
                  d[of + PER_WEIGHT][i]};
}

NM_INLINE constants load(const nm_neuron_chunk *c, size_t i) {
    const double *const *p = c->params, *const *d = c->derived;
    return (constants){.v_rest = p[V_REST][i],
                       .v_reset = p[V_RESET][i],
                       .v_threshold = nm_raised(p[V_THRESHOLD][i], c->threshold_rise),
                       .steps = d[REFRACTORY_STEPS][i],
                       .leak = d[LEAK][i],
                       .mg = p[MG][i],
                       .e_exc = p[E_REV_EXC][i],
                       .e_inh = p[E_REV_INH][i],
                       .e_nmda = p[E_REV_NMDA][i],
                       .e_gaba_b = p[E_REV_GABA_B][i],
                       .kept_exc = d[KEPT_EXC][i],
                       .mean_exc = d[MEAN_EXC][i],
                       .kept_inh = d[KEPT_INH][i],
                       .mean_inh = d[MEAN_INH][i],
                       .nmda = load_dual(d, OF_NMDA, i),
                       .gaba_b = load_dual(d, OF_GABA_B, i)};
}

/* Conductances of a step without NMDA: their sum, and that of conductance times reversal potential; NMDA's. */
NM_INLINE double relaxed(double v, double block_at, double others, double drive, double unblocked,
                         const constants *k) {
    const double nmda = unblocked / (1.0 + k->mg * (1.0 / 3.57) * nm_exp(-0.062 * block_at));
    const double total = others + nmda, settles_at = (drive + nmda * k->e_nmda) / total;
    return settles_at + nm_flush(v - settles_at) * nm_exp(-k->leak * total);
}

/* The mean of a dual-exponential conductance over the step. */
NM_INLINE double mean_dual(double rise, double decay, const dual *k) {
    const double mean = decay * k->mean_decay - rise * k->mean_rise;
    return mean > 0.0 ? mean : 0.0;
}

NM_INLINE void advance(const nm_neuron_chunk *c, const size_t stride) {
    double *v_membrane = c->state[V_MEMBRANE], *left = c->state[REFRACTORY_LEFT];
    double *g_exc = c->state[G_EXC], *g_inh = c->state[G_INH];
    double *nmda_rise = c->state[NMDA_RISE], *nmda_decay = c->state[NMDA_DECAY];
    double *gaba_b_rise = c->state[GABA_B_RISE], *gaba_b_decay = c->state[GABA_B_DECAY];
    const double *in_exc = c->input[NM_EXCITATORY], *in_inh = c->input[NM_INHIBITORY];
    const double *in_nmda = c->input[NMDA], *in_gaba_b = c->input[GABA_B];
    const size_t n = c->n;
    const constants shared = load(c, 0);
    NM_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const constants k = stride ? load(c, i) : shared;
        const double exc = g_exc[i] * k.mean_exc, inh = g_inh[i] * k.mean_inh;
        const double gaba_b = mean_dual(gaba_b_rise[i], gaba_b_decay[i], &k.gaba_b);
        const double nmda = mean_dual(nmda_rise[i], nmda_decay[i], &k.nmda);
        const double others = 1.0 + exc + inh + gaba_b;
        const double drive = k.v_rest + c->current[i] + exc * k.e_exc + inh * k.e_inh + gaba_b * k.e_gaba_b;
        const double v0 = v_membrane[i], was_left = left[i];
        const double middle = 0.5 * (v0 + relaxed(v0, v0, others, drive, nmda, &k));
        double v = relaxed(v0, middle, others, drive, nmda, &k);
        v = was_left > 0.0 ? k.v_reset : v;
        /* A refractory neuron cannot fire: v_reset lies below the threshold, which is only ever raised. */
        const int spike = nm_crossed(v, k.v_threshold);
        const double less = was_left > 1.0 ? was_left - 1.0 : 0.0;
        v_membrane[i] = spike ? k.v_reset : v;
        left[i] = spike ? k.steps : less;
        c->fired[i] = spike;
        const double to_nmda = fabs(in_nmda[i]) * k.nmda.per_weight;
        const double to_gaba_b = fabs(in_gaba_b[i]) * k.gaba_b.per_weight;
        g_exc[i] = nm_flush(g_exc[i] * k.kept_exc + fabs(in_exc[i]));
        g_inh[i] = nm_flush(g_inh[i] * k.kept_inh + fabs(in_inh[i]));
        nmda_rise[i] = nm_flush(nmda_rise[i] * k.nmda.kept_rise + to_nmda);
        nmda_decay[i] = nm_flush(nmda_decay[i] * k.nmda.kept_decay + to_nmda);
        gaba_b_rise[i] = nm_flush(gaba_b_rise[i] * k.gaba_b.kept_rise + to_gaba_b);
        gaba_b_decay[i] = nm_flush(gaba_b_decay[i] * k.gaba_b.kept_decay + to_gaba_b);
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
