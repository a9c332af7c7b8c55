/* The rule of Bienenstock, Cooper & Munro (1982, doi:10.1523/JNEUROSCI.02-01-00032.1982) in spikes: the
 * triplet rule whose loss slides with the target's own rate, as Pfister & Gerstner (2006, section "Relation
 * to BCM", doi:10.1523/JNEUROSCI.1425-06.2006) and Gjorgjieva et al. (2011, doi:10.1073/pnas.1105933108)
 * derive it.
 *   the target fires:   w += a r1 o2                                    r1: tau_plus, o2: tau_y
 *   a spike arrives:    w -= a (tau_plus tau_y / tau_minus) theta o1    o1: tau_minus
 *   theta = nu^2 / target_rate                                          nu: the target's rate over tau_theta
 * For Poisson spikes dw/dt = a tau_plus tau_y rho_pre rho (rho - theta) on average, which is BCM's: a rate
 * above theta strengthens, one below weakens, and since theta grows with the square of the rate, it comes to
 * rest at rho = target_rate. nu starts from 0.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

enum { LEARNING_RATE, A, TAU_PLUS, TAU_MINUS, TAU_Y, TAU_THETA, TARGET_RATE, COINCIDENT };
static const nm_field params[] = {
    [LEARNING_RATE] = {"learning_rate", "1", 1.0, NM_NON_NEGATIVE, "Multiplies a."},
    [A] = {"a", "mV", 6.5e-3, NM_NON_NEGATIVE,
           "Weight gained by an arrival between two spikes of the target, as the distances go to 0."},
    [TAU_PLUS] = {"tau_plus", "ms", 16.8, NM_POSITIVE, "Time constant from an arrival to a gain."},
    [TAU_MINUS] = {"tau_minus", "ms", 33.7, NM_POSITIVE,
                   "Time constant from a spike of the target to a loss."},
    [TAU_Y] = {"tau_y", "ms", 114.0, NM_POSITIVE, "Time constant between two spikes of the target."},
    [TAU_THETA] = {"tau_theta", "ms", 10000.0, NM_POSITIVE,
                   "Time constant over which the target's rate is averaged for the threshold."},
    [TARGET_RATE] = {"target_rate", "Hz", 10.0, NM_POSITIVE, "Rate at which the target comes to rest."},
    [COINCIDENT] = NM_COINCIDENT_FIELD,
    NM_END,
};
static const nm_field state[] = {NM_END};
static const nm_trace pre_traces[] = {{"r1", TAU_PLUS, NM_TRACE_ALL, NULL}, NM_NO_TRACE};
static const nm_trace post_traces[] = {{"o1", TAU_MINUS, NM_TRACE_ALL, NULL},
                                       {"o2", TAU_Y, NM_TRACE_ALL, NULL},
                                       {"nu", TAU_THETA, NM_TRACE_ALL, NULL},
                                       NM_NO_TRACE};

/* Loss per o1 and per square of nu's trace: nu = trace / tau_theta, so theta = trace^2 / (tau_theta^2 rho0). */
static double loss_of(const double *p) {
    const double rho0 = p[TARGET_RATE] * 1e-3; /* 1/ms */
    return -p[LEARNING_RATE] * p[A] * p[TAU_PLUS] * p[TAU_Y] /
           (p[TAU_MINUS] * p[TAU_THETA] * p[TAU_THETA] * rho0);
}

static void on_pre(const nm_synapse_chunk *c) {
    const double loss = loss_of(c->params);
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++)
        c->change[j] = loss * c->post[2][j] * c->post[2][j] * c->post[0][j];
}

static double post_amplitude(const double *p, const double *post) {
    return p[LEARNING_RATE] * p[A] * post[1];
}

static double coincident_pre(const double *p, const double *pre) {
    (void)pre;
    return loss_of(p);
}

/* The spike that comes first counts in o1 and in nu. */
static double coincident_post(const double *p, const double *post) {
    const double after = post[2] + 1.0;
    (void)p;
    return after * after * (post[0] + 1.0) - post[2] * post[2] * post[0];
}

const nm_plasticity_rule nm_plasticity_bcm = {
    .name = "bcm",
    .title = "Triplet rule with the sliding threshold of Bienenstock, Cooper & Munro",
    .reference = "Bienenstock, Cooper & Munro (1982), Journal of Neuroscience 2:32, "
                 "doi:10.1523/JNEUROSCI.02-01-00032.1982",
    .params = params,
    .state = state,
    .pre_traces = pre_traces,
    .post_traces = post_traces,
    .on_pre = on_pre,
    .post_amplitude = post_amplitude,
    .coincident_pre = coincident_pre,
    .coincident_post = coincident_post,
    .coincident = 1 + COINCIDENT,
};
