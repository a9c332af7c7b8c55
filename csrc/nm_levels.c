/* SPDX-License-Identifier: MIT */
#include "nm_levels.h"
#include "nm_response.h"

#include <math.h>
#include <stddef.h>

static const double *params_of(const nm_levels *levels, int64_t m) {
    return levels->params + m * NM_MAX_PARAMS;
}

static double baseline_of(const nm_levels *levels, int64_t region, int64_t m) {
    return levels->baseline != NULL ? levels->baseline[region * levels->n_modulators + m]
                                    : params_of(levels, m)[NM_BASELINE];
}

static uint32_t targets_of(const nm_levels *levels, int64_t m) {
    return levels->targets != NULL ? levels->targets[m] : levels->modulators[m]->targets;
}

static double offset_of(const nm_levels *levels, int64_t m) {
    return levels->offset != NULL ? levels->offset[m] : levels->modulators[m]->offset;
}

static int64_t region_of(const nm_levels *levels, int64_t zone) {
    if (levels->zone_region != NULL)
        return levels->zone_region[zone];
    return levels->n_regions == 1 ? 0 : zone;
}

static double density_of(const nm_levels *levels, int64_t zone, int64_t m) {
    return levels->density != NULL ? levels->density[zone * levels->n_modulators + m] : 1.0;
}

static int is_clamped(const nm_levels *levels, int64_t region, int64_t m) {
    return levels->clamped != NULL && !isnan(levels->clamped[region * levels->n_modulators + m]);
}

static int is_neutral(const nm_levels *levels, int64_t m) {
    return levels->neutral != NULL && levels->neutral[m];
}

/* ---- the effect of one modulator ------------------------------------------------------------------- */

/* The effect before it is bounded by its least value. */
static double raw_effect(const nm_levels *levels, int64_t m, nm_target target, double level) {
    double response = nm_response_value(levels->modulators[m]->response, params_of(levels, m), level);
    return nm_targets[target].effect == NM_RISE ? response : offset_of(levels, m) + response;
}

static double at_least(nm_target target, double effect) {
    double least = nm_targets[target].least;
    return effect < least ? least : effect;
}

static double effect_at(const nm_levels *levels, int64_t m, nm_target target, double level) {
    return at_least(target, raw_effect(levels, m, target, level));
}

/* Whether every factor of a neutral modulator can be divided by its factor at the baseline. */
static int has_rest(const nm_levels *levels, int64_t region, int64_t m) {
    const double baseline = baseline_of(levels, region, m);
    for (int t = 0; t < NM_N_TARGETS; t++)
        if ((targets_of(levels, m) & NM_ON(t)) && nm_targets[t].effect == NM_FACTOR &&
            !(effect_at(levels, m, (nm_target)t, baseline) > 0.0))
            return 0;
    return 1;
}

static double neutral_effect(const nm_levels *levels, int64_t m, nm_target target, double level,
                             double baseline) {
    const double now = effect_at(levels, m, target, level), rest = effect_at(levels, m, target, baseline);
    return nm_targets[target].effect == NM_RISE ? now - rest : now / rest;
}

/* ---- levels -------------------------------------------------------------------------------------- */

static int check_modulator(const nm_levels *levels, int64_t m, nm_error *error) {
    const nm_field *fields = levels->modulators[m]->params;
    const int n_fields = nm_field_count(fields);
    for (int k = 0; k < n_fields; k++)
        if (!nm_field_holds(&fields[k], params_of(levels, m)[k]))
            return nm_fail(error, NM_ERR_BAD_VALUE, -1, m * NM_MAX_PARAMS + k, params_of(levels, m)[k]);
    for (int64_t r = 0; r < levels->n_regions; r++) {
        double level = levels->level[r * levels->n_modulators + m], baseline = baseline_of(levels, r, m);
        if (!nm_domain_holds(NM_UNIT_INTERVAL, baseline))
            return nm_fail(error, NM_ERR_BAD_VALUE, r, m * NM_MAX_PARAMS + NM_BASELINE, baseline);
        if (!nm_domain_holds(NM_UNIT_INTERVAL, level))
            return nm_fail(error, NM_ERR_BAD_VALUE, r, -1 - m, level);
        if (is_neutral(levels, m) && !has_rest(levels, r, m))
            return nm_fail(error, NM_ERR_BAD_ORDER, r, m * NM_MAX_PARAMS + NM_BASELINE, baseline);
    }
    return NM_OK;
}

int nm_levels_check(const nm_levels *levels, nm_error *error) {
    for (int64_t m = 0; m < levels->n_modulators; m++) {
        int status = check_modulator(levels, m, error);
        if (status != NM_OK)
            return status;
    }
    return NM_OK;
}

void nm_levels_hold(const nm_levels *levels) {
    for (int64_t r = 0; r < levels->n_regions; r++)
        for (int64_t m = 0; m < levels->n_modulators; m++)
            if (is_clamped(levels, r, m))
                levels->level[r * levels->n_modulators + m] = levels->clamped[r * levels->n_modulators + m];
}

int nm_levels_event(const nm_levels *levels, int64_t m, int64_t region, const double *event,
                    nm_error *error) {
    const nm_modulator *modulator = levels->modulators[m];
    const int n = nm_field_count(modulator->inputs);
    for (int k = 0; k < n; k++)
        if (!nm_domain_holds(modulator->inputs[k].domain, event[k]))
            return nm_fail(error, NM_ERR_BAD_VALUE, region, k, event[k]);
    double drive = 0.0;
    for (int k = 0; k < n; k++)
        drive += modulator->sign[k] * event[k];
    drive = nm_clip(drive, -1e300, 1e300); /* two inputs of 1e308 sum to infinity, and 0 * infinity is NaN */
    for (int64_t r = 0; r < levels->n_regions; r++)
        if ((region < 0 || r == region) && !is_clamped(levels, r, m)) {
            double moved = baseline_of(levels, r, m) + params_of(levels, m)[NM_SENSITIVITY] * drive;
            levels->level[r * levels->n_modulators + m] = nm_clip(moved, 0.0, 1.0);
        }
    return NM_OK;
}

void nm_levels_add(const nm_levels *levels, int64_t m, int64_t region, double amount) {
    for (int64_t r = 0; r < levels->n_regions; r++)
        if ((region < 0 || r == region) && !is_clamped(levels, r, m)) {
            double *level = &levels->level[r * levels->n_modulators + m];
            *level = nm_clip(*level + amount, 0.0, 1.0);
        }
}

/* flow[r] = exchange times the sum of (x[neighbour] - x[r]). What leaves one region enters the other, to the
 * last bit of the flow. */
static void flow_of(const nm_diffusion *d, const double *x, int64_t n_regions) {
    for (int64_t r = 0; r < n_regions; r++)
        d->flow[r] = 0.0;
    for (int64_t k = 0; k < d->n_pairs; k++) {
        const int32_t a = d->pair[2 * k], b = d->pair[2 * k + 1];
        const double flow = d->exchange * (x[b] - x[a]);
        d->flow[a] += flow;
        d->flow[b] -= flow;
    }
}

/* Adds the term of that order of the series, made from the one before. 0: it changed no level. */
static int add_term(const nm_levels *levels, const nm_diffusion *d, int64_t m, int order) {
    double *level = levels->level + m;
    int changed = 0;
    flow_of(d, d->term, levels->n_regions);
    for (int64_t r = 0; r < levels->n_regions; r++) {
        const double before = level[r * levels->n_modulators];
        const double relaxing = order == 1 ? d->term[r] - baseline_of(levels, r, m) : d->term[r];
        d->term[r] = is_clamped(levels, r, m) ? 0.0 : (d->flow[r] - d->decay * relaxing) / order;
        level[r * levels->n_modulators] += d->term[r];
        changed |= level[r * levels->n_modulators] != before;
    }
    return changed;
}

/* Flow between neighbours and decay towards the baselines at once: the exact solution of
 *   dL/dt = (baseline - L) / tau + rate * sum over neighbours of (L' - L)
 * over a step, by its Taylor series in each substep; a clamped level is constant in it. The eigenvalues times a substep lie in -1 .. 0, where 18 terms
 * leave an error below 1e-17. */
static void flow_and_decay(const nm_levels *levels, int64_t m) {
    const nm_diffusion *d = &levels->diffusion[m];
    double *level = levels->level + m;
    for (int64_t substep = 0; substep < d->n_substeps; substep++) {
        for (int64_t r = 0; r < levels->n_regions; r++)
            d->term[r] = level[r * levels->n_modulators];
        int order = 1;
        while (order <= 18 && add_term(levels, d, m, order))
            order++;
    }
    for (int64_t r = 0; r < levels->n_regions; r++)
        level[r * levels->n_modulators] = nm_clip(level[r * levels->n_modulators], 0.0, 1.0);
}

static void decay(const nm_levels *levels, int64_t m) {
    for (int64_t r = 0; r < levels->n_regions; r++) {
        double *level = &levels->level[r * levels->n_modulators + m];
        const double baseline = baseline_of(levels, r, m);
        if (!is_clamped(levels, r, m))
            *level = baseline + nm_flush((*level - baseline) * levels->kept[m]);
    }
}

void nm_levels_step(const nm_levels *levels) {
    for (int64_t m = 0; m < levels->n_modulators; m++)
        if (levels->diffusion != NULL && levels->diffusion[m].n_pairs > 0 &&
            levels->diffusion[m].n_substeps > 0)
            flow_and_decay(levels, m);
        else
            decay(levels, m);
}

/* ---- release by spikes --------------------------------------------------------------------------- */

/* The number of entries below `limit`, in an ascending list. */
static int64_t count_below(const int32_t *number, int64_t n, int64_t limit) {
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (number[middle] < limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void nm_levels_count(const nm_levels *levels, const int32_t *fired, int64_t n_fired) {
    for (int64_t k = 0; n_fired > 0 && k < levels->n_releases; k++) {
        nm_release *release = &levels->releases[k];
        for (int64_t i = 0; i < release->n_runs; i++)
            release->n_spikes += count_below(fired, n_fired, release->run[2 * i + 1]) -
                                 count_below(fired, n_fired, release->run[2 * i]);
    }
}

void nm_levels_release(const nm_levels *levels) {
    for (int64_t k = 0; k < levels->n_releases; k++) {
        const nm_release *release = &levels->releases[k];
        double added = release->amount * (double)release->n_spikes;
        for (int64_t r = 0; r < levels->n_regions && release->n_spikes > 0; r++)
            if (release->region[r] && !is_clamped(levels, r, release->modulator))
                levels->level[r * levels->n_modulators + release->modulator] += added;
    }
    for (int64_t k = 0; k < levels->n_releases; k++) {
        if (levels->releases[k].n_spikes > 0)
            nm_levels_add(levels, levels->releases[k].modulator, -1, 0.0); /* clips */
        levels->releases[k].n_spikes = 0;
    }
}

/* ---- effects ------------------------------------------------------------------------------------- */

double nm_levels_effect(const nm_levels *levels, int64_t region, int64_t m, nm_target target, double level,
                        double density) {
    double effect = is_neutral(levels, m)
                        ? neutral_effect(levels, m, target, level, baseline_of(levels, region, m))
                        : raw_effect(levels, m, target, level);
    if (nm_targets[target].effect == NM_RISE)
        effect *= density;
    else if (density != 1.0) /* 1 + (x - 1) is not always x */
        effect = 1.0 + density * (effect - 1.0);
    return at_least(target, effect);
}

nm_factors nm_levels_factors(const nm_levels *levels, int64_t zone) {
    nm_factors factors = NM_NEUTRAL;
    if (levels == NULL)
        return factors;
    const int64_t region = region_of(levels, zone);
    for (int64_t m = 0; m < levels->n_modulators; m++) {
        int t = 0;
        for (uint32_t left = targets_of(levels, m); left != 0; left >>= 1, t++) {
            if (!(left & 1u))
                continue;
            const double level = levels->level[region * levels->n_modulators + m];
            double effect =
                nm_levels_effect(levels, region, m, (nm_target)t, level, density_of(levels, zone, m));
            factors.of[t] = nm_combined(nm_targets[t].effect, factors.of[t], effect);
        }
    }
    return factors;
}

/* ---- the signal for eligibility traces ------------------------------------------------------------ */

/* 1 / tau if the level of modulator m decays within a step and its factor is linear between the levels
 * whose factors are `now` and `resting`; else 0. */
static double decay_within_step(const nm_levels *levels, int64_t m, double now, double resting) {
    const nm_modulator *modulator = levels->modulators[m];
    int linear = modulator->response == NM_LINEAR ||
                 (modulator->response == NM_POWER && params_of(levels, m)[NM_SHAPE] == 1.0);
    if (levels->tau == NULL || isnan(levels->tau[m]) || !linear || now < 0.0 || resting < 0.0)
        return 0.0;
    return 1.0 / levels->tau[m];
}

static double signal_of(const nm_levels *levels, int64_t region, int64_t m, double subtract_baseline,
                        double dt, double tau_c) {
    double now = raw_effect(levels, m, NM_LEARNING_RATE, levels->level[region * levels->n_modulators + m]);
    double resting = raw_effect(levels, m, NM_LEARNING_RATE, baseline_of(levels, region, m));
    double rate = is_clamped(levels, region, m) ? 0.0 : decay_within_step(levels, m, now, resting);
    now = at_least(NM_LEARNING_RATE, now);
    resting = at_least(NM_LEARNING_RATE, resting);
    double subtracted = subtract_baseline * resting;
    const double unit = is_neutral(levels, m) ? resting : 1.0;
    if (rate == 0.0)
        return (now - subtracted) * dt * nm_exp_mean(dt / tau_c) / unit;
    /* g(s) = (resting - subtracted) + (now - resting) exp(-s / tau) */
    return dt *
           ((resting - subtracted) * nm_exp_mean(dt / tau_c) +
            (now - resting) * nm_exp_mean(dt / tau_c + dt * rate)) /
           unit;
}

double nm_levels_signal(const nm_levels *levels, int64_t zone, double subtract_baseline, double dt,
                        double tau_c) {
    double sum = 0.0;
    if (levels == NULL)
        return sum;
    int64_t region = region_of(levels, zone);
    for (int64_t m = 0; m < levels->n_modulators; m++)
        if (targets_of(levels, m) & NM_ON(NM_LEARNING_RATE))
            sum += density_of(levels, zone, m) * signal_of(levels, region, m, subtract_baseline, dt, tau_c);
    return sum;
}
