/* A target fires under a lazy rule: the spike enters the target's history and sums. See nm_pairs.h for the formulas.
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_pairs.h"

#include <string.h>

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
    const int64_t region = nm_pairs_region(step->network, pairs, slot), n = pairs->n_spikes[slot];
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
