/* Lazy rules: the snapshots of each zone, and the start and rescaling of all state. See nm_lazy.h for the
 * symbols.
 * SPDX-License-Identifier: MIT */
#include "nm_lazy.h"
#include "nm_change.h"

#include <math.h>
#include <string.h>

/* e and k are rescaled beyond exp(4), so that F keeps 14 of a double's 16 digits. */
static const double RESCALE = 54.598150033144236;
/* The origin T moves after this number of time constants of the trace (a double could hold hundreds), and
 * after two sweeps, where the tables of the decay end. */
static const double ORIGIN_AGE = 8.0;

/* Times of spikes have 16 bits: the epoch moves by EPOCH_STEP when it is EPOCH_AGE steps old. Times that
 * no longer fit are older than 2 * NM_SWEEP_MAX + 4 = 10,004 steps, and no update needs these. */
enum { EPOCH_START = 12000, EPOCH_AGE = 30000, EPOCH_STEP = 16000 };

/* An update comes after 2 * sweep + 4 steps at the latest, in which e must not overflow: after 54 time constants, or 540
 * where modulators shorten them (NM_LEAST_TAU_C). Where a step has many of them, a sweep has SHORTEST steps, and e grows by exp(FASTEST)
 * in a step at most: c then falls to 1.5e-8 of what it was, which float32 cannot tell from nothing beside a weight. */
enum { SHORTEST = 16 };
static const double FASTEST = 18.0;

int64_t nm_lazy_sweep(double dt, double tau_c) {
    double steps = floor(500.0 / dt);
    if (tau_c > 0.0)
        steps = fmin(steps, floor(25.0 * tau_c / dt));
    return (int64_t)fmin(fmax(steps, SHORTEST), NM_SWEEP_MAX);
}

/* ---- start --------------------------------------------------------------------------------------- */

static void fill_decay(const nm_lazy *lazy, double *table, double dt, double tau) {
    const int64_t n_coarse = nm_lazy_decay_length(lazy->sweep) - NM_FINE;
    for (int64_t k = 0; k < NM_FINE; k++)
        table[k] = nm_exp(-(double)k * dt / tau);
    for (int64_t k = 0; k < n_coarse; k++) /* 0 below 1e-304: nm_exp does not go lower */
        table[NM_FINE + k] =
            (double)k * NM_FINE * dt / tau < 700.0 ? nm_exp(-(double)k * NM_FINE * dt / tau) : 0.0;
}

/* Bounds under eligibility hold from the start. */
static void clip_weights(const nm_projection *p) {
    double low, high;
    nm_change_bounds(p->weight_min, p->weight_max, p->inhibitory, &low, &high);
    for (int64_t s = 0; s < p->n_synapses; s++) {
        const double was = (double)p->weight[s];
        p->weight[s] = p->inhibitory ? copysignf((float)nm_clip(fabs(was), low, high), p->weight[s])
                                     : (float)nm_clip(was, low, high);
    }
}

static void start_history(const nm_network *network, const nm_projection *projection, double dt,
                          int64_t now) {
    const nm_lazy *lazy = projection->lazy;
    const nm_trace *traces = projection->rule->pre_traces;
    const double start[NM_SNAPSHOT] = {[NM_E] = 1.0, [NM_K] = 1.0};
    for (int64_t r = 0; r < lazy->n_zones; r++)
        memcpy(nm_lazy_snapshot(lazy, r, now), start, sizeof start), lazy->n_turns[r] = lazy->sign[r] = 0;
    for (int k = 0; traces[k].name != NULL; k++)
        fill_decay(lazy, lazy->decay[k], dt, projection->params[traces[k].tau]);
    for (int64_t partition = 0; partition < network->n_partitions; partition++)
        lazy->floor[partition] = now;
    for (int64_t slot = 0; slot < network->n_neurons; slot++) {
        lazy->newest[slot] = NM_NEVER;
        for (int p = 0; p < NM_RECENT; p++)
            *nm_lazy_time(lazy, slot, p) = NM_NEVER;
    }
    *lazy->epoch = now - EPOCH_START;
    *lazy->origin = now;
}

void nm_lazy_start(const nm_network *network, const nm_projection *projection, double dt, int64_t now) {
    const nm_lazy *lazy = projection->lazy;
    if (!lazy->follows)
        start_history(network, projection, dt, now);
    for (int64_t delay_run = 0; delay_run < projection->n_runs; delay_run++)
        nm_lazy_visit(lazy, delay_run)[0].since = 2 * now + 1;
    if (projection->rule->eligibility != NULL)
        clip_weights(projection);
}

/* ---- the beginning of a step ---------------------------------------------------------------------- */

static void rescale_sums(const nm_network *network, nm_lazy *lazy, int64_t zone, const double *now) {
    const double by_e = 1.0 / now[NM_E], by_k = 1.0 / now[NM_K];
    for (int64_t slot = 0; slot < network->n_neurons; slot++) {
        if (nm_lazy_zone(network, lazy, slot) != zone)
            continue;
        for (int p = 0; p < NM_RECENT; p++) {
            double *sums = nm_lazy_sums(lazy, slot, p);
            sums[1] = by_k * (sums[1] - now[NM_F] * sums[0]);
            sums[0] *= by_e;
        }
    }
}

/* Rescale all quantities such that e = k = 1 and F = V = 0 at the present step. */
static void rescale(const nm_network *network, nm_lazy *lazy, int64_t zone, int64_t step) {
    double now[NM_SNAPSHOT];
    memcpy(now, nm_lazy_snapshot(lazy, zone, step), sizeof now);
    const double by_e = 1.0 / now[NM_E], by_k = 1.0 / now[NM_K], by_f = by_k * now[NM_E];
    for (int64_t k = 0; k < lazy->length; k++) {
        double *snapshot = lazy->snapshots + (zone * lazy->length + k) * NM_SNAPSHOT;
        snapshot[NM_E] *= by_e;
        snapshot[NM_K] *= by_k;
        snapshot[NM_F] = (snapshot[NM_F] - now[NM_F]) * by_f;
        snapshot[NM_V] = (snapshot[NM_V] - now[NM_V]) * by_f;
    }
    rescale_sums(network, lazy, zone, now);
}

static void move_epoch(const nm_network *network, nm_lazy *lazy) {
    for (int64_t slot = 0; slot < network->n_neurons; slot++) {
        for (int p = 0; p < NM_RECENT; p++) {
            int16_t *time = nm_lazy_time(lazy, slot, p);
            const int from_epoch = *time - EPOCH_STEP;
            *time = (int16_t)(from_epoch < NM_NEVER ? NM_NEVER : from_epoch);
        }
        lazy->newest[slot] = *nm_lazy_time(lazy, slot, 0);
    }
    *lazy->epoch += EPOCH_STEP;
}

/* Move the origin T to the present: rescale the sums. Sums that overflow are older than any update that
 * reads sums (look_up in nm_lazy_update.c). */
static void move_origin(const nm_network *network, nm_lazy *lazy, int64_t now) {
    const double grown = 1.0 / nm_lazy_decayed(lazy->decay[0], now - *lazy->origin);
    for (int64_t slot = 0; slot < network->n_neurons; slot++)
        for (int p = 0; p < NM_RECENT; p++) {
            nm_lazy_sums(lazy, slot, p)[0] *= grown;
            nm_lazy_sums(lazy, slot, p)[1] *= grown;
        }
    *lazy->origin = now;
}

static int origin_ages(const nm_projection *p, double dt, int64_t now) {
    const int64_t age = now - *p->lazy->origin;
    return (double)age * dt > ORIGIN_AGE * p->params[p->rule->pre_traces[0].tau] || age >= 2 * p->lazy->sweep;
}

/* The signal has this sign in step `now`. */
static void note_sign(nm_lazy *lazy, int64_t zone, int sign, int64_t now) {
    if (sign == 0)
        return;
    if (lazy->sign[zone] == -sign)
        lazy->turn[zone * lazy->length + (lazy->n_turns[zone]++ & (lazy->length - 1))] = now - 1;
    lazy->sign[zone] = sign;
}

static void advance_zone(const nm_projection *p, const nm_levels *levels, int64_t zone, double dt,
                         int64_t now) {
    nm_lazy *lazy = p->lazy;
    const nm_eligibility *about = p->rule->eligibility;
    const nm_factors factors = nm_levels_factors(levels, zone);
    const double *before = nm_lazy_snapshot(lazy, zone, now - 1);
    double *after = nm_lazy_snapshot(lazy, zone, now);
    after[NM_K] = before[NM_K] / fmax(p->frozen ? 1.0 : p->weight_kept, 1e-200);
    after[NM_E] = before[NM_E];
    after[NM_F] = before[NM_F];
    after[NM_V] = before[NM_V];
    /* with eligibility, F contains the learning rate */
    const double learning = about != NULL ? 1.0 : p->frozen ? 0.0 : factors.learning_rate;
    lazy->ltp[nm_lazy_bucket(lazy, zone, now)] = learning * factors.ltp;
    lazy->ltd[nm_lazy_bucket(lazy, zone, now)] = learning * factors.ltd;
    if (about == NULL)
        return;
    const double tau_c = p->params[about->tau_c] * factors.tau_c;
    const double rate = p->frozen ? 0.0 : p->params[about->rate];
    const double signal =
        rate * nm_levels_signal(levels, zone, p->params[about->subtract_baseline], dt, tau_c);
    after[NM_E] *= nm_exp(fmin(dt / tau_c, FASTEST));
    after[NM_F] += signal * after[NM_K] / before[NM_E];
    after[NM_V] += fabs(signal) * after[NM_K] / before[NM_E];
    note_sign(lazy, zone, (signal > 0.0) - (signal < 0.0), now);
}

static int has_grown(const nm_lazy *lazy, int64_t zone, int64_t now) {
    const double *snapshot = nm_lazy_snapshot(lazy, zone, now);
    return snapshot[NM_E] > RESCALE || snapshot[NM_K] > RESCALE;
}

int nm_lazy_advance(const nm_network *network, const nm_projection *projection, const nm_levels *levels,
                    double dt, int64_t now, int ahead) {
    nm_lazy *lazy = projection->lazy;
    if (lazy->follows)
        return 1;
    const int ages = now - *lazy->epoch > EPOCH_AGE, moves = origin_ages(projection, dt, now);
    int due = ages | moves;
    for (int64_t zone = 0; zone < lazy->n_zones; zone++) {
        advance_zone(projection, levels, zone, dt, now);
        due |= has_grown(lazy, zone, now);
    }
    if (!due || ahead)
        return !due;
    for (int64_t zone = 0; zone < lazy->n_zones; zone++)
        if (has_grown(lazy, zone, now))
            rescale(network, lazy, zone, now);
    if (ages)
        move_epoch(network, lazy);
    if (moves)
        move_origin(network, lazy, now);
    return 1;
}
