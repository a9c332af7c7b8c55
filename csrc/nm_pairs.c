/* What pair rules keep besides their synapses: the course of e, k, F and V, and the targets' last spikes.
 * SPDX-License-Identifier: MIT */
#include "nm_pairs.h"

#include <math.h>
#include <string.h>

/* e and k are rescaled beyond this: exp(4), four time constants (F keeps 14 of a double's 16 digits then). */
static const double RESCALE = 54.598150033144236;
/* The origin moves on after as many time constants of the trace: doubles bear hundreds, so this is often
 * enough for any rule, and rare. And after two sweeps, since the tables of the decay go no further. */
static const double ORIGIN_AGE = 8.0;

/* Times count steps in 16 bits: its epoch moves on by EPOCH_STEP when it lies EPOCH_AGE back. Spikes
 * older than 2 * NM_SWEEP_MAX + 4 = 10,004 steps are never asked for, so those that fall off are no loss. */
enum { EPOCH_START = 12000, EPOCH_AGE = 30000, EPOCH_STEP = 16000 };

int64_t nm_pairs_sweep(double dt, double tau_c) {
    double steps = floor(500.0 / dt);
    if (tau_c > 0.0)
        steps = fmin(steps, floor(25.0 * tau_c / dt));
    return (int64_t)fmin(fmax(steps, 16.0), NM_SWEEP_MAX);
}

static int64_t region_of(const nm_network *network, const nm_pairs *pairs, int64_t slot) {
    return pairs->n_regions > 1 ? network->region[slot] : 0;
}

/* ---- a fresh start ------------------------------------------------------------------------------- */

static void fill_decay(const nm_pairs *pairs, double *table, double dt, double tau) {
    const int64_t n_coarse = nm_pairs_decay_length(pairs->sweep) - NM_FINE;
    for (int64_t k = 0; k < NM_FINE; k++)
        table[k] = nm_exp(-(double)k * dt / tau);
    for (int64_t k = 0; k < n_coarse; k++) /* 0 below 1e-304, where nm_exp stops falling */
        table[NM_FINE + k] =
            (double)k * NM_FINE * dt / tau < 700.0 ? nm_exp(-(double)k * NM_FINE * dt / tau) : 0.0;
}

void nm_pairs_start(const nm_network *network, const nm_projection *projection, double dt, int64_t now) {
    nm_pairs *pairs = projection->pairs;
    const nm_trace *traces = projection->rule->pre_traces;
    const double start[NM_MOMENT] = {[NM_E] = 1.0, [NM_K] = 1.0};
    for (int64_t r = 0; r < pairs->n_regions; r++)
        memcpy(nm_pairs_moment(pairs, r, now), start, sizeof start);
    for (int k = 0; traces[k].name != NULL; k++)
        fill_decay(pairs, pairs->decay[k], dt, projection->params[traces[k].tau]);
    for (int64_t segment = 0; segment < projection->n_segments; segment++)
        pairs->since[segment] = 2 * now + 1;
    for (int64_t part = 0; part < network->n_parts; part++)
        pairs->floor[part] = now;
    for (int64_t slot = 0; slot < network->n_neurons; slot++) {
        pairs->newest[slot] = NM_NEVER;
        for (int p = 0; p < NM_RECENT; p++)
            *nm_pairs_time(pairs, slot, p) = NM_NEVER;
    }
    pairs->epoch = now - EPOCH_START;
    pairs->origin = now;
}

/* ---- a step begins ------------------------------------------------------------------------------- */

static void rescale_sums(const nm_network *network, nm_pairs *pairs, int64_t region, const double *now) {
    const double by_e = 1.0 / now[NM_E], by_k = 1.0 / now[NM_K];
    for (int64_t slot = 0; slot < network->n_neurons; slot++) {
        if (region_of(network, pairs, slot) != region)
            continue;
        for (int p = 0; p < NM_RECENT; p++) {
            double *sums = nm_pairs_sums(pairs, slot, p);
            sums[1] = by_k * (sums[1] - now[NM_F] * sums[0]);
            sums[0] *= by_e;
        }
    }
}

/* Measure everything from the present moment: e = k = 1 and F = V = 0 there. */
static void rescale(const nm_network *network, nm_pairs *pairs, int64_t region, int64_t step) {
    double now[NM_MOMENT];
    memcpy(now, nm_pairs_moment(pairs, region, step), sizeof now);
    const double by_e = 1.0 / now[NM_E], by_k = 1.0 / now[NM_K], by_f = by_k * now[NM_E];
    for (int64_t k = 0; k < pairs->length; k++) {
        double *moment = pairs->course + (region * pairs->length + k) * NM_MOMENT;
        moment[NM_E] *= by_e;
        moment[NM_K] *= by_k;
        moment[NM_F] = (moment[NM_F] - now[NM_F]) * by_f;
        moment[NM_V] = (moment[NM_V] - now[NM_V]) * by_f;
    }
    rescale_sums(network, pairs, region, now);
}

static void move_epoch(const nm_network *network, nm_pairs *pairs) {
    for (int64_t slot = 0; slot < network->n_neurons; slot++) {
        for (int p = 0; p < NM_RECENT; p++) {
            int16_t *time = nm_pairs_time(pairs, slot, p);
            const int from_epoch = *time - EPOCH_STEP;
            *time = (int16_t)(from_epoch < NM_NEVER ? NM_NEVER : from_epoch);
        }
        pairs->newest[slot] = *nm_pairs_time(pairs, slot, 0);
    }
    pairs->epoch += EPOCH_STEP;
}

/* d(T - t) for all that is kept becomes that of a later T. What overflows is older than any visit looks at it
 * by its sums (look_up in nm_pairs_visit.c). */
static void move_origin(const nm_network *network, nm_pairs *pairs, int64_t now) {
    const double grown = 1.0 / nm_pairs_decayed(pairs->decay[0], now - pairs->origin);
    for (int64_t slot = 0; slot < network->n_neurons; slot++)
        for (int p = 0; p < NM_RECENT; p++) {
            nm_pairs_sums(pairs, slot, p)[0] *= grown;
            nm_pairs_sums(pairs, slot, p)[1] *= grown;
        }
    pairs->origin = now;
}

static int origin_ages(const nm_projection *p, double dt, int64_t now) {
    const int64_t age = now - p->pairs->origin;
    return (double)age * dt > ORIGIN_AGE * p->params[p->rule->pre_traces[0].tau] ||
           age >= 2 * p->pairs->sweep;
}

static void advance_region(const nm_projection *p, const nm_levels *levels, int64_t region, double dt,
                           int64_t now) {
    nm_pairs *pairs = p->pairs;
    const nm_eligibility *about = p->rule->eligibility;
    const nm_factors factors = nm_levels_factors(levels, region);
    const double *before = nm_pairs_moment(pairs, region, now - 1);
    double *after = nm_pairs_moment(pairs, region, now);
    after[NM_K] = before[NM_K] / fmax(p->weight_kept, 1e-200);
    after[NM_E] = before[NM_E];
    after[NM_F] = before[NM_F];
    after[NM_V] = before[NM_V];
    const double learning = about == NULL ? factors.learning_rate : 1.0; /* F has it otherwise */
    pairs->ltp[nm_pairs_place(pairs, region, now)] = learning * factors.ltp;
    pairs->ltd[nm_pairs_place(pairs, region, now)] = learning * factors.ltd;
    if (about == NULL)
        return;
    const double tau_c = p->params[about->tau_c] * factors.tau_c;
    const double signal = p->params[about->rate] *
                          nm_levels_signal(levels, region, p->params[about->subtract_baseline], dt, tau_c);
    after[NM_E] *= nm_exp(fmin(dt / tau_c, 600.0));
    after[NM_F] += signal * after[NM_K] / before[NM_E];
    after[NM_V] += fabs(signal) * after[NM_K] / before[NM_E];
}

static int has_grown(const nm_pairs *pairs, int64_t region, int64_t now) {
    const double *moment = nm_pairs_moment(pairs, region, now);
    return moment[NM_E] > RESCALE || moment[NM_K] > RESCALE;
}

int nm_pairs_advance(const nm_network *network, const nm_projection *projection, const nm_levels *levels,
                     double dt, int64_t now, int ahead) {
    nm_pairs *pairs = projection->pairs;
    const int ages = now - pairs->epoch > EPOCH_AGE, moves = origin_ages(projection, dt, now);
    int due = ages | moves;
    for (int64_t region = 0; region < pairs->n_regions; region++) {
        advance_region(projection, levels, region, dt, now);
        due |= has_grown(pairs, region, now);
    }
    if (!due || ahead)
        return !due;
    for (int64_t region = 0; region < pairs->n_regions; region++)
        if (has_grown(pairs, region, now))
            rescale(network, pairs, region, now);
    if (ages)
        move_epoch(network, pairs);
    if (moves)
        move_origin(network, pairs, now);
    return 1;
}

/* ---- a target fires ------------------------------------------------------------------------------ */

/* A spike with its sums, on its way to the next place. */
typedef struct moved {
    int16_t time;
    double sums[2];
} moved;

/* It takes a place; who stood there gets the new spike's term and moves on. */
NM_INLINE void take_place(moved *spike, int16_t *time, double *sums, const double *term) {
    const moved old = {*time, {sums[0] + term[0], sums[1] + term[1]}};
    *time = spike->time;
    memcpy(sums, spike->sums, sizeof spike->sums);
    *spike = old;
}

/* One more spike, of gain a: each that still has sums gets its term and moves one place on, up to the first
 * that nobody can ask for any more, which is lost. */
static void enter_sums(const nm_pairs *pairs, const nm_projection *p, int64_t slot, const double *moment,
                       double gain, int64_t now) {
    const int direct = p->rule->eligibility == NULL;
    const double left = gain * nm_pairs_decayed(pairs->decay[0], now - pairs->origin);
    const double s = direct ? 0.0 : left * moment[NM_E];
    const double term[2] = {s, direct ? -left * moment[NM_K] : s * moment[NM_F]};
    const int64_t today = now - pairs->epoch, oldest = today - 2 * pairs->sweep - 4;
    nm_recent *recent = &pairs->recent[slot];
    nm_former *former = &pairs->former[slot];
    moved spike = {(int16_t)today, {term[0], term[1]}};
    pairs->newest[slot] = spike.time;
    int q = 0;
    for (; q < NM_CLOSE && spike.time >= oldest; q++)
        take_place(&spike, &recent->time[q], recent->sums[q], term);
    for (; q < NM_RECENT / 2 && spike.time >= oldest; q++)
        take_place(&spike, &recent->time[q], former->sums[q - NM_CLOSE], term);
    for (; q < NM_RECENT && spike.time >= oldest; q++)
        take_place(&spike, &former->time[q - NM_RECENT / 2], former->sums[q - NM_CLOSE], term);
}

static void fire(const nm_pairs_step *step, int64_t slot) {
    const nm_projection *p = step->projection;
    nm_pairs *pairs = p->pairs;
    const int64_t region = region_of(step->network, pairs, slot), n = pairs->n_spikes[slot];
    const int64_t place = slot * NM_SPIKES + n % NM_SPIKES;
    double post[NM_MAX_TRACES] = {0.0};
    for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++)
        post[k] = p->post_trace[k][slot];
    const double gain =
        p->rule->post_amplitude(p->params, post) * pairs->ltp[nm_pairs_place(pairs, region, step->now)];
    pairs->spike[place] = step->now;
    pairs->gain[place] = gain;
    pairs->n_spikes[slot] = n + 1;
    enter_sums(pairs, p, slot, nm_pairs_moment(pairs, region, step->now), gain, step->now);
}

/* Would one more spike of this neuron overwrite one that a synapse may not have seen yet? */
static int is_full(const nm_pairs *pairs, int64_t part, int64_t slot, int64_t now) {
    const int64_t n = pairs->n_spikes[slot], swept = now - 2 * pairs->sweep - 2;
    if (n < NM_SPIKES)
        return 0;
    const int64_t floor = pairs->floor[part] > swept ? pairs->floor[part] : swept;
    return pairs->spike[slot * NM_SPIKES + n % NM_SPIKES] >= floor;
}

void nm_pairs_fire(const nm_pairs_step *step, int64_t part, const int32_t *slot, int64_t n) {
    int full = 0;
    for (int64_t i = 0; i < n; i++)
        full |= is_full(step->projection->pairs, part, slot[i], step->now);
    if (full)
        nm_pairs_visit_part(step, part);
    for (int64_t i = 0; i < n; i++)
        fire(step, slot[i]);
}
