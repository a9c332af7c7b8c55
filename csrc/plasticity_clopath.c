/* Voltage-based plasticity with homeostasis (Clopath, Buesing, Vasilaki & Gerstner 2010, doi:10.1038/nn.2479,
 * equation 3).
 *   dw/dt = -A_LTD(u_bar_bar) X (u_bar_minus - theta_minus)_+
 *           +A_LTP x_bar (u - theta_plus)_+ (u_bar_plus - theta_minus)_+
 *   tau_x dx_bar/dt = -x_bar + X ;   tau_plus du_bar_plus/dt = u - u_bar_plus ;   u_bar_minus likewise
 *   A_LTD(u_bar_bar) = A_LTD d^2 / u_ref^2
 * X are the spikes that arrive, u is the target's potential, d its mean depolarisation u_bar_bar - u_rest
 * over tau_u_bar_bar. A spike raises x_bar by 1 / tau_x. Defaults: Table 1b, visual cortex, and the text (1
 * s). The other rows of Table 1b, as theta_minus, theta_plus, a_ltd, a_ltp, tau_x, tau_minus, tau_plus:
 *   somatosensory cortex  -70.6  -45.3  21e-5  30e-5  30   6  5
 *   hippocampus           -41    -38    38e-5   2e-5  16   -  -   (under voltage clamp alone)
 *
 * The target is any neuron with v_membrane. The paper's pairings need spikes with a shape: adex_clopath.
 *
 * The means of u are read delay_u_bars late, so that a spike does not meet its own trace. The paper has no
 * such delay. The authors' program (ModelDB 144566, VoTri.m) has 3 ms, the length of a spike and one step,
 * and NEST has the parameter. In step k the means hold u up to step k - 1 - round(delay_u_bars / dt), as in
 * that program.
 *
 * Each step in which u and the delayed u_bar_plus are above their thresholds is an event of the target; its
 * gain is that of u at the end of the step, times dt. Depression comes first in a step, and a spike that
 * arrives in a step is in x_bar at the end of that step. The weight is bounded after either.
 *
 * The paper squares the mean depolarisation, and so does this rule. The authors' RFdevelop.m averages the
 * squared depolarisation over 1.2 s instead, which is larger by the variance of u. u_ref_squared = 0 keeps
 * A_LTD constant, as in the paper's pairings.
 *
 * Weights are stored as a float32 after each event, rounded without bias: gains below the spacing of float32
 * (6e-8 at weights of 0.5 to 1) add up on average.
 *
 * The rule has no parameter `coincident`: no change depends on a spike of the target, whose potential acts in
 * each step.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

enum { LEARNING_RATE, A_LTD, A_LTP, THETA_MINUS, THETA_PLUS, TAU_X, TAU_MINUS, TAU_PLUS };
enum { DELAY_U_BARS = TAU_PLUS + 1, TAU_U_BAR_BAR, U_REF_SQUARED, U_REST };
static const nm_field params[] = {
    [LEARNING_RATE] = {"learning_rate", "1", 1.0, NM_NON_NEGATIVE, "Multiplies the two amplitudes."},
    [A_LTD] = {"a_ltd", "1", 14e-5, NM_NON_NEGATIVE,
               "Weight lost at an arrival for each mV of u_bar_minus above theta_minus."},
    [A_LTP] =
        {"a_ltp", "1/mV", 8e-5, NM_NON_NEGATIVE,
         "Weight gained for each mV ms of u above theta_plus and mV of u_bar_plus above theta_minus, at "
         "x_bar = 1/ms."},
    [THETA_MINUS] = {"theta_minus", "mV", -70.6, NM_ANY, "Threshold of u_bar_minus and u_bar_plus."},
    [THETA_PLUS] = {"theta_plus", "mV", -45.3, NM_ANY, "Threshold of the potential u for a gain."},
    [TAU_X] = {"tau_x", "ms", 15.0, NM_POSITIVE, "Time constant of x_bar, the trace of arrivals."},
    [TAU_MINUS] = {"tau_minus", "ms", 10.0, NM_POSITIVE, "Time constant of u_bar_minus."},
    [TAU_PLUS] = {"tau_plus", "ms", 7.0, NM_POSITIVE, "Time constant of u_bar_plus."},
    [DELAY_U_BARS] = {"delay_u_bars", "ms", 3.0, NM_NON_NEGATIVE,
                      "Delay with which the means of the potential are read."},
    [TAU_U_BAR_BAR] = {"tau_u_bar_bar", "ms", 1000.0, NM_POSITIVE, "Time constant of u_bar_bar."},
    [U_REF_SQUARED] = {"u_ref_squared", "mV^2", 60.0, NM_NON_NEGATIVE,
                       "Squared mean depolarisation at which a loss is that of a_ltd; 0: every loss is."},
    [U_REST] = {"u_rest", "mV", -70.6, NM_ANY, "Potential from which the mean depolarisation counts."},
    NM_END,
};
static const nm_trace pre_traces[] = {{"x_bar", TAU_X, NM_TRACE_ALL, NULL}, NM_NO_TRACE};
enum { U_BAR_MINUS, U_BAR_PLUS, U_BAR_BAR };
static const nm_trace post_traces[] = {
    [U_BAR_MINUS] = {"u_bar_minus", TAU_MINUS, NM_TRACE_LOWPASS, "v_membrane"},
    [U_BAR_PLUS] = {"u_bar_plus", TAU_PLUS, NM_TRACE_LOWPASS, "v_membrane"},
    [U_BAR_BAR] = {"u_bar_bar", TAU_U_BAR_BAR, NM_TRACE_LOWPASS, "v_membrane"},
    NM_NO_TRACE};
static const char *const post_columns[] = {"v_membrane", NULL};

NM_INLINE double above(double value, double threshold) {
    return value > threshold ? value - threshold : 0.0;
}

static void on_pre(const nm_synapse_chunk *c) {
    const double *p = c->params;
    const double a_ltd = -p[LEARNING_RATE] * p[A_LTD];
    const double adapts = p[U_REF_SQUARED] > 0.0 ? 1.0 / p[U_REF_SQUARED] : 0.0;
    const double constant = p[U_REF_SQUARED] > 0.0 ? 0.0 : 1.0;
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++) {
        const double depolarisation = c->post[U_BAR_BAR][j] - p[U_REST];
        const double amplitude = a_ltd * (constant + adapts * depolarisation * depolarisation);
        c->change[j] = amplitude * above(c->post[U_BAR_MINUS][j], p[THETA_MINUS]);
    }
}

static void on_post(const nm_synapse_chunk *c) {
    const double *p = c->params;
    const double gain = p[LEARNING_RATE] * p[A_LTP] / p[TAU_X] * c->dt *
                        above(c->post_column[0][0], p[THETA_PLUS]) *
                        above(c->post[U_BAR_PLUS][0], p[THETA_MINUS]);
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++)
        c->change[j] = gain * c->pre[0][j];
}

static void event(const nm_target_chunk *c) {
    const double *u = c->post_column[0], *u_bar_plus = c->post[U_BAR_PLUS];
    const double theta_plus = c->params[THETA_PLUS], theta_minus = c->params[THETA_MINUS];
    NM_INDEPENDENT
    for (size_t i = 0; i < c->n; i++)
        c->event[i] = (u[i] > theta_plus) & (u_bar_plus[i] > theta_minus);
}

const nm_plasticity_rule nm_plasticity_clopath = {
    .name = "clopath",
    .title = "Voltage-based spike-timing-dependent plasticity with homeostasis",
    .reference = "Clopath et al. (2010), Nature Neuroscience 13:344, doi:10.1038/nn.2479",
    .params = params,
    .pre_traces = pre_traces,
    .post_traces = post_traces,
    .on_pre = on_pre,
    .on_post = on_post,
    .event = event,
    .post_columns = post_columns,
    .lowpass_lag = 1 + DELAY_U_BARS,
};
