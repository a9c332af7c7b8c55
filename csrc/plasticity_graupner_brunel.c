/* Calcium-based plasticity of Graupner & Brunel (2012, doi:10.1073/pnas.1109359109; noise term as corrected
 * in doi:10.1073/pnas.1220044110):
 *   tau drho/dt = -rho (1 - rho) (rho_star - rho)
 *                 + gamma_p (1 - rho) Theta[c - theta_p] - gamma_d rho Theta[c - theta_d] + Noise
 *   Noise       = sigma sqrt(tau (Theta[c - theta_d] + Theta[c - theta_p])) eta(t)
 *   tau_ca dc/dt = -c,   c += c_pre  delay_ca after an arrival,   c += c_post  as the target fires
 *   weight      = weight_min + rho (weight_max - weight_min), bounded
 * eta is Gaussian white noise of unit density. The paper's w0 and w1 are weight_min and weight_max; its b is
 * their ratio. The defaults are its set DP of figure 2 (Table S1).
 *
 * Between two updates of a synapse c decays exponentially, so it is above each threshold for tau_ca ln(c /
 * theta) at first: above both, then above the lower one, then above none. In the first two times the terms of
 * gamma and sigma are an Ornstein-Uhlenbeck process, whose mean and variance are exact after any time. The
 * term of rho_star is small there and taken as a Taylor series; in the third it acts alone, and for rho_star
 * = 1/2 exactly: y = rho - 1/2 becomes  y / sqrt(4 y^2 + exp(-t / (2 tau)) (1 - 4 y^2)).  Both are composed
 * symmetrically (Strang 1968, doi:10.1137/0705041), with a local error of third order: below 1e-7 in rho for
 * the nine published sets of parameters, rho from 0 to 1 and c up to 3. rho is kept as a float32, whose
 * spacing is 6e-8. With another rho_star, or where tau is not 200 times tau_ca, the term of rho_star is
 * integrated by the classical Runge-Kutta method.
 *
 * rho is not bounded: noise carries it below 0 and above 1. The weight is. Where the weight is not that of
 * rho, somebody has set it, and rho is taken from it.
 *
 * The noise of an interval is one normal deviate, drawn for the update that the interval begins with. So the
 * path of rho up to the next update is one function of time, and readings follow it without changing it. rho
 * has the law of the process at each time, and at all updates jointly; two readings before the next update,
 * both while calcium is above a threshold, are correlated more than the process is.
 *
 * Order in a step: a spike that arrives finds the weight as it is at the end of the step; then calcium of
 * earlier arrivals comes in, then that of the target's spike. Calcium is a sum, so the order of
 * two spikes in a step changes nothing, and the rule has no parameter `coincident`. delay_ca is rounded to whole steps.
 *
 * Modulators multiply gamma_p and gamma_d, and the noise of each, by their factors on learning times that on
 * potentiation or depression, as they are in the step in which calcium came in last. They leave the term of
 * rho_star.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"
#include "nm_round.h"

enum {
    TAU_CA,
    C_PRE,
    C_POST,
    THETA_D,
    THETA_P,
    GAMMA_D,
    GAMMA_P,
    SIGMA,
    TAU,
    RHO_STAR,
    DELAY_CA,
};
static const nm_field params[] = {
    [TAU_CA] = {"tau_ca", "ms", 20.0, NM_POSITIVE, "Time constant of the decay of calcium."},
    [C_PRE] = {"c_pre", "1", 1.0, NM_NON_NEGATIVE, "Calcium gained at an arrival, `delay_ca` later."},
    [C_POST] = {"c_post", "1", 2.0, NM_NON_NEGATIVE, "Calcium gained as the target fires."},
    [THETA_D] = {"theta_d", "1", 1.0, NM_POSITIVE, "Calcium above which there is depression."},
    [THETA_P] = {"theta_p", "1", 1.3, NM_POSITIVE, "Calcium above which there is potentiation."},
    [GAMMA_D] = {"gamma_d", "1", 200.0, NM_NON_NEGATIVE, "Rate of depression, in units of 1 / tau."},
    [GAMMA_P] = {"gamma_p", "1", 321.808, NM_NON_NEGATIVE, "Rate of potentiation, in units of 1 / tau."},
    [SIGMA] = {"sigma", "1", 2.8284, NM_NON_NEGATIVE, "Amplitude of the noise above each threshold."},
    [TAU] = {"tau", "ms", 150000.0, NM_POSITIVE, "Time constant of the efficacy rho."},
    [RHO_STAR] = {"rho_star", "1", 0.5, NM_UNIT_INTERVAL,
                  "Efficacy between the stable ones, 0 and 1, from which it drifts away."},
    [DELAY_CA] = {"delay_ca", "ms", 13.7, NM_NON_NEGATIVE,
                  "Delay D of the calcium of an arrival, in whole steps."},
    NM_END,
};

enum { RHO, C, OF_P, OF_D };
static const nm_field state[] = {
    [RHO] = {"rho", "1", 0.0, NM_ANY, "Efficacy; 0 at weight_min, 1 at weight_max."},
    [C] = {"c", "1", 0.0, NM_NON_NEGATIVE, "Calcium."},
    [OF_P] = {"factor_p", "1", 1.0, NM_NON_NEGATIVE, "Factor of the modulators on potentiation."},
    [OF_D] = {"factor_d", "1", 1.0, NM_NON_NEGATIVE, "Factor of the modulators on depression."},
    NM_END,
};

/* ---- the flows that an interval is composed of --------------------------------------------------- */

/* The term of rho_star in units of 1 / tau, and its first two derivatives. */
NM_INLINE double slope(double rho, double rho_star) {
    return -rho * (1.0 - rho) * (rho_star - rho);
}
NM_INLINE double slope_of_slope(double rho, double rho_star) {
    return (2.0 * (1.0 + rho_star) - 3.0 * rho) * rho - rho_star;
}
NM_INLINE double bend_of_slope(double rho, double rho_star) {
    return 2.0 * (1.0 + rho_star) - 6.0 * rho;
}

/* Its flow over a short time s, in units of tau: a Taylor series. */
NM_INLINE double drift_briefly(double rho, double rho_star, double s) {
    const double f = slope(rho, rho_star), f1 = slope_of_slope(rho, rho_star),
                 f2 = bend_of_slope(rho, rho_star);
    return rho + s * f * (1.0 + s * (0.5 * f1 + s * (1.0 / 6.0) * (f1 * f1 + f * f2)));
}

/* Its flow over any time s for rho_star = 1/2. The root is positive for rho = 1/2, too, since `left` is. */
NM_INLINE double drift_from_half(double rho, double s) {
    const double left = nm_exp(-0.5 * nm_clip(s, 0.0, 1000.0)), square = 4.0 * (rho - 0.5) * (rho - 0.5);
    return 0.5 + (rho - 0.5) / sqrt(square + left * (1.0 - square));
}

/* For any rho_star. After 512 tau rho is at rest, but for a rho_star within 0.03 of 0 or 1. */
static double drift_from(double rho, double rho_star, double s) {
    const double most = s < 512.0 ? s : 512.0;
    const int n = (int)ceil(most * 32.0);
    const double h = n > 0 ? most / n : 0.0;
    for (int k = 0; k < n; k++) {
        const double s1 = slope(rho, rho_star), s2 = slope(rho + 0.5 * h * s1, rho_star);
        const double s3 = slope(rho + 0.5 * h * s2, rho_star), s4 = slope(rho + h * s3, rho_star);
        rho += h / 6.0 * (s1 + 2.0 * (s2 + s3) + s4);
    }
    return rho;
}

/* An Ornstein-Uhlenbeck process, d rho = (up - rate rho) dt + sqrt(power) dW, over a time t: what is kept
 * of rho, what comes to it, and the variance. Without a rate it is a Wiener process with a drift. */
typedef struct driven {
    double kept, gained, variance;
} driven;

NM_INLINE driven drive(double t, double up, double rate, double power) {
    const double x = rate * t, kept = nm_exp(-x), held = x < 1e-8 ? t : (1.0 - kept) / rate;
    return (driven){1.0 - rate * held, up * held, power * held * (0.5 + 0.5 * kept)};
}

/* ---- the hooks ----------------------------------------------------------------------------------- */

/* What all synapses of a chunk share; times in units of tau. */
typedef struct shared {
    double low, range, by_range, tau, tau_ca, log_d, log_p, gamma_d, gamma_p, noise, rho_star;
    int p_is_higher; /* theta_p >= theta_d: above the lower threshold alone there is depression */
} shared;

static shared shared_by(const nm_synapse_chunk *c) {
    const double *p = c->params, range = c->weight_max - c->weight_min;
    return (shared){.low = c->weight_min,
                    .range = range,
                    .by_range = range > 0.0 ? 1.0 / range : 0.0,
                    .tau = p[TAU],
                    .tau_ca = p[TAU_CA] / p[TAU],
                    .log_d = nm_log(p[THETA_D]),
                    .log_p = nm_log(p[THETA_P]),
                    .gamma_d = p[GAMMA_D],
                    .gamma_p = p[GAMMA_P],
                    .noise = p[SIGMA] * p[SIGMA],
                    .rho_star = p[RHO_STAR],
                    .p_is_higher = p[THETA_P] >= p[THETA_D]};
}

NM_INLINE double weight_of(const nm_synapse_chunk *c, const shared *s, double rho) {
    return nm_clip(s->low + rho * s->range, c->weight_min, c->weight_max);
}

/* rho, or what the weight says where the weight is not that of rho. */
NM_INLINE double agreed(const nm_synapse_chunk *c, const shared *s, double rho, double weight) {
    const double other = nm_clip((weight - s->low) * s->by_range, 0.0, 1.0);
    return (double)(float)weight_of(c, s, rho) == weight || s->range <= 0.0 ? rho : other;
}

/* Calcium above both thresholds, above one, above none. The noise of the first two times is one deviate's;
 * what came with the first then moves along with rho. */
NM_INLINE void advance_all(const nm_synapse_chunk *c, const shared *s, int usual) {
    double *rho = c->state[RHO], *calcium = c->state[C];
    const double p_alone = s->p_is_higher ? 0.0 : 1.0, d_alone = 1.0 - p_alone,
                 star = usual ? 0.5 : s->rho_star;
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++) {
        const double t = c->elapsed[j] / s->tau, log_c = nm_log(calcium[j] > 1e-30 ? calcium[j] : 1e-30);
        const double above_p = nm_clip(s->tau_ca * (log_c - s->log_p), 0.0, t);
        const double above_d = nm_clip(s->tau_ca * (log_c - s->log_d), 0.0, t);
        const double both = s->p_is_higher ? above_p : above_d;
        const double one = (s->p_is_higher ? above_d : above_p) - both, none = t - both - one;
        const double p = c->state[OF_P][j], d = c->state[OF_D][j];
        const double up = p * s->gamma_p, down = d * s->gamma_d;
        const driven first = drive(both, up, up + down, s->noise * (p + d));
        const driven second =
            drive(one, p_alone * up, p_alone * up + d_alone * down, s->noise * (p_alone * p + d_alone * d));
        const double before = 0.5 * both, between = 0.5 * (both + one), after = 0.5 * one + none;
        const double had = agreed(c, s, rho[j], c->weight[j]);
        double now = had;
        now = usual ? drift_briefly(now, star, before) : drift_from(now, star, before);
        now = first.kept * now + first.gained;
        const double along = second.kept * (1.0 + between * slope_of_slope(now, star));
        now = usual ? drift_briefly(now, star, between) : drift_from(now, star, between);
        now = second.kept * now + second.gained;
        now += sqrt(first.variance * along * along + second.variance) * c->noise[j];
        now = usual ? drift_from_half(now, after) : drift_from(now, star, after);
        now = (double)nm_round(now, c->word[j]); /* as it is kept */
        c->change[j] = now == (double)(float)had ? 0.0 : weight_of(c, s, now) - c->weight[j];
        rho[j] = now;
        const double left = calcium[j] * nm_exp(-t / s->tau_ca);
        calcium[j] = left > 1e-30 ? left : 0.0;
    }
}

static void advance_usual(const nm_synapse_chunk *c, const shared *s) {
    advance_all(c, s, 1);
}

/* Calcium is above a threshold for no more than a few tau_ca: a short time where that is below tau / 200. */
static void advance(const nm_synapse_chunk *c) {
    const shared s = shared_by(c);
    if (s.rho_star == 0.5 && s.tau_ca < 1.0 / 200.0)
        advance_usual(c, &s);
    else
        advance_all(c, &s, 0);
}

/* Calcium comes in; its effect begins with the modulators of this step. */
NM_INLINE void come_in(const nm_synapse_chunk *c, double gained) {
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++) {
        c->state[C][j] += gained;
        c->state[OF_P][j] = c->learning[j] * c->ltp[j];
        c->state[OF_D][j] = c->learning[j] * c->ltd[j];
        c->change[j] = 0.0;
    }
}

static void on_pre(const nm_synapse_chunk *c) {
    come_in(c, c->params[C_PRE]);
}

static void on_post(const nm_synapse_chunk *c) {
    come_in(c, c->params[C_POST]);
}

const nm_plasticity_rule nm_plasticity_graupner_brunel = {
    .name = "graupner_brunel",
    .title = "Calcium-based plasticity with two thresholds and a bistable efficacy",
    .reference = "Graupner & Brunel (2012), PNAS 109:3991, doi:10.1073/pnas.1109359109",
    .params = params,
    .state = state,
    .on_pre = on_pre,
    .on_post = on_post,
    .pre_lag = 1 + DELAY_CA,
    .needs_elapsed = 1,
    .advance = advance,
    .n_noise = 1,
};
