/* One synapse under a lazy rule from event to event, so that bounds act as if they did in every step.
 *
 * Between two events C is constant, and w k moves by C times what F moves. Without weight decay the weight therefore
 * moves in one direction as long as the signal keeps its sign, and clipping at the end of such a stretch is clipping
 * in every step. Stretches end at the target's spikes and at the turns of F. Weight decay may oppose the signal: where
 * a bound may then have been reached, the stretch is taken step by step.
 * SPDX-License-Identifier: MIT */
#include "nm_lazy_batch.h"

typedef struct path {
    const nm_lazy_batch *a;
    const nm_lazy *lazy;
    int64_t zone, at, turn; /* step reached; number of the next turn of F */
    double w, c;            /* weight, and C = c e, at the end of step `at` */
} path;

/* Whether a weight may reach a bound inside the stretch and leave it again. */
static int may_return(const path *p, const double *then, const double *end) {
    const nm_lazy_batch *a = p->a;
    if (!nm_lazy_decays(a) || a->step->projection->rule->eligibility == NULL)
        return 0;
    if (a->low >= 0.0 && p->w >= 0.0 && p->w <= a->high && p->c * (end[NM_F] - then[NM_F]) <= 0.0)
        return 0; /* decay and signal both lower it */
    const double kept = p->w * then[NM_K] / end[NM_K];
    const double reach = fabs(p->c) * (end[NM_V] - then[NM_V]) / then[NM_K];
    return fmin(p->w, kept) - reach < a->low || fmax(p->w, kept) + reach > a->high;
}

static void leap(path *p, int64_t to) {
    const double *then = nm_lazy_snapshot(p->lazy, p->zone, p->at),
                 *end = nm_lazy_snapshot(p->lazy, p->zone, to);
    const double moved = (p->w * then[NM_K] + p->c * (end[NM_F] - then[NM_F])) / end[NM_K];
    p->w = nm_lazy_bounded(p->a, p->a->step->projection->frozen ? p->w : moved, p->w);
    p->at = to;
}

/* The signal keeps its sign until the end of step `to`. */
static void stretch(path *p, int64_t to) {
    if (may_return(p, nm_lazy_snapshot(p->lazy, p->zone, p->at), nm_lazy_snapshot(p->lazy, p->zone, to)))
        while (p->at < to)
            leap(p, p->at + 1);
    else
        leap(p, to);
}

static void go_on(path *p, int64_t to) {
    for (; p->turn < p->lazy->n_turns[p->zone] && nm_lazy_turn(p->lazy, p->zone, p->turn) < to; p->turn++)
        stretch(p, nm_lazy_turn(p->lazy, p->zone, p->turn));
    stretch(p, to);
}

/* The number of the first spike of a target that counts. */
static int64_t first_spike(const nm_lazy *lazy, int64_t slot, int64_t count_from) {
    int64_t k = lazy->n_spikes[slot], oldest = k > NM_SPIKES ? k - NM_SPIKES : 0;
    while (k > oldest && lazy->spike[slot * NM_SPIKES + (k - 1) % NM_SPIKES] >= count_from)
        k--;
    return k;
}

/* What a spike of the target adds to the weight, or to the eligibility. */
static void add(path *p, double change, int direct) {
    const double left = nm_lazy_scaled(p->a, change, p->w);
    if (direct)
        p->w = nm_lazy_bounded(p->a, p->w + left, p->w);
    else
        p->c += left * nm_lazy_snapshot(p->lazy, p->zone, p->at)[NM_E];
}

void nm_lazy_replay(nm_lazy_batch *a, size_t j, int64_t slot) {
    const nm_projection *projection = a->step->projection;
    const nm_lazy *lazy = projection->lazy;
    const int direct = projection->rule->eligibility == NULL;
    path p = {.a = a, .lazy = lazy, .zone = nm_lazy_zone(a->step->network, lazy, slot), .at = a->from};
    p.turn = nm_lazy_first_turn(lazy, p.zone, a->from);
    p.w = nm_lazy_strength(a, j, projection->inhibitory != 0);
    p.c = direct ? 0.0 : (double)a->trace_was[j] * nm_lazy_snapshot(lazy, p.zone, a->from)[NM_E];
    for (int64_t q = first_spike(lazy, slot, a->count_from); q < lazy->n_spikes[slot]; q++) {
        const int64_t bucket = slot * NM_SPIKES + q % NM_SPIKES, at = lazy->spike[bucket];
        go_on(&p, at);
        double trace = a->trace[0] * nm_lazy_decayed(lazy->decay[0], at - a->from);
        if (a->coincides && at == a->from) {
            add(&p, a->shares.after * a->late * lazy->late[bucket], direct);
            trace -= 1.0 - a->shares.before;
        }
        add(&p, trace * lazy->gain[bucket], direct);
    }
    go_on(&p, a->step->now);
    a->weight[j] = p.w;
    a->c[j] = p.c / nm_lazy_snapshot(lazy, p.zone, a->step->now)[NM_E];
}
