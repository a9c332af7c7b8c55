/* Lazy rules: a spike of a target enters the target's history and sums. See nm_lazy.h for the symbols.
 * SPDX-License-Identifier: MIT */
#include "nm_lazy.h"
#include "nm_loop.h"

#include <string.h>

/* A spike and its sums, while it is moved to the next index. */
typedef struct moved {
    int16_t time;
    double sums[2];
} moved;

/* Store the spike at one index. The spike that was there gets the new term added and is returned in
 * *spike. */
NM_INLINE void take_bucket(moved *spike, int16_t *time, double *sums, const double *term) {
    const moved old = {*time, {sums[0] + term[0], sums[1] + term[1]}};
    *time = spike->time;
    memcpy(sums, spike->sums, sizeof spike->sums);
    *spike = old;
}

/* Insert a spike with gain a. Add its term to the sums of every retained earlier spike and shift them by
 * one; stop at the first spike older than any possible query. */
static void enter_sums(const nm_lazy *lazy, const nm_projection *p, int64_t slot, const double *snapshot,
                       double gain, int64_t now) {
    const int direct = p->rule->eligibility == NULL;
    const double left = gain * nm_lazy_decayed(lazy->decay[0], now - *lazy->origin);
    const double s = direct ? 0.0 : left * snapshot[NM_E];
    const double term[2] = {s, direct ? -left * snapshot[NM_K] : s * snapshot[NM_F]};
    const int64_t today = now - *lazy->epoch, oldest = today - 2 * lazy->sweep - 4;
    nm_recent *recent = &lazy->recent[slot];
    nm_former *former = &lazy->former[slot];
    moved spike = {(int16_t)today, {term[0], term[1]}};
    lazy->newest[slot] = spike.time;
    int q = 0;
    for (; q < NM_CLOSE && spike.time >= oldest; q++)
        take_bucket(&spike, &recent->time[q], recent->sums[q], term);
    for (; q < NM_RECENT / 2 && spike.time >= oldest; q++)
        take_bucket(&spike, &recent->time[q], former->sums[q - NM_CLOSE], term);
    for (; q < NM_RECENT && spike.time >= oldest; q++)
        take_bucket(&spike, &former->time[q - NM_RECENT / 2], former->sums[q - NM_CLOSE], term);
}

static void fire(const nm_lazy_step *step, int64_t slot) {
    const nm_projection *p = step->projection;
    nm_lazy *lazy = p->lazy;
    const int64_t zone = nm_lazy_zone(step->network, lazy, slot), n = lazy->n_spikes[slot];
    const int64_t bucket = slot * NM_SPIKES + n % NM_SPIKES;
    double post[NM_MAX_TRACES] = {0.0};
    for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++)
        post[k] = p->post_trace[k][slot];
    const double gain =
        p->rule->post_amplitude(p->params, post) * lazy->ltp[nm_lazy_bucket(lazy, zone, step->now)];
    lazy->spike[bucket] = step->now;
    lazy->gain[bucket] = gain;
    if (nm_rule_shares(p->rule, p->params).after > 0.0)
        lazy->late[bucket] =
            lazy->ltd[nm_lazy_bucket(lazy, zone, step->now)] *
            (p->rule->coincident_post == NULL ? 1.0 : p->rule->coincident_post(p->params, post));
    lazy->n_spikes[slot] = n + 1;
    enter_sums(lazy, p, slot, nm_lazy_snapshot(lazy, zone, step->now), gain, step->now);
}

/* 1 if a further spike of this neuron would overwrite a spike that some synapse has not been updated for. */
static int is_full(const nm_lazy *lazy, int64_t partition, int64_t slot, int64_t now) {
    const int64_t n = lazy->n_spikes[slot], swept = now - 2 * lazy->sweep - 2;
    if (n < NM_SPIKES)
        return 0;
    const int64_t floor = lazy->floor[partition] > swept ? lazy->floor[partition] : swept;
    return lazy->spike[slot * NM_SPIKES + n % NM_SPIKES] >= floor;
}

/* Of all projections that share a history. */
static void update_all(const nm_lazy_step *step, int64_t partition) {
    nm_lazy_step each = *step;
    for (; each.projection != NULL; each.projection = each.projection->lazy->next)
        nm_lazy_update_partition(&each, partition);
}

void nm_lazy_fire(const nm_lazy_step *step, int64_t partition, const int32_t *slot, int64_t n) {
    int full = 0;
    if (step->projection->lazy->follows)
        return;
    for (int64_t i = 0; i < n; i++)
        full |= is_full(step->projection->lazy, partition, slot[i], step->now);
    if (full)
        update_all(step, partition);
    for (int64_t i = 0; i < n; i++)
        fire(step, slot[i]);
}
