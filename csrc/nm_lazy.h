/* Pair rules, event by event and exactly (Izhikevich 2007, doi:10.1093/cercor/bhl152, for the eligibility
 * trace). A segment of synapses is left alone until a spike of its source arrives; then all that happened to
 * it since the last visit, at t0, is made up for in closed form, however many spikes its targets fired and
 * however the modulators moved.
 *
 * With e(t) = exp(integral of dt / tau_c), k(t) = 1 / (what weight decay has left), g the signal of learning:
 *   F(t) = integral of  rate g k / e dt            one number for a region, advanced once a step
 *   C = c e  is constant between events            w k = (w k at t0) + C (F - F0)
 * A spike of the target at t_q adds  x0 d(t_q - t0) a_q e_q  to C, where x0 is the source's trace at t0, d
 * its decay and a_q the rule's post_amplitude. With an origin T near the present, d(t_q - t0) = d(t_q - T) d(T -
 * t0), and what all the spikes q >= p add, p being the first one since t0, is x0 d(T - t0) times
 *   S_p = sum of  d(t_q - T) a_q e_q               H_p = sum of  d(t_q - T) a_q e_q F_q
 * so that  C1 = C + x0 d S_p,  w k = ... + x0 d (S_p F1 - H_p). Each target keeps the two sums for its last
 * 16 spikes; one more spike adds the same term to all of them. (Differences of sums over all spikes would
 * cancel; these are sums of one sign.) A rule without eligibility has e = 1, F = 0 and H =
 * -sum d a k.
 *
 * Bounds hold in every step. The closed form ignores them inside the interval. Where a bound may have been reached,
 * or more than 16 spikes occurred, the events are replayed one at a time, with a clip at each of them and at each
 * turn of F (nm_lazy_replay.c): between these the weight moves in one direction. Both ways agree up to rounding.
 *
 * e grows; before it passes exp(4) everything that is measured in it is rescaled (F would lose its digits). T
 * moves on every eight time constants of d.
 * SPDX-License-Identifier: MIT */
#ifndef NM_LAZY_H
#define NM_LAZY_H

#include "nm_delay.h"
#include "nm_levels.h"
#include "nm_loop.h"
#include "nm_network.h"

enum {
    NM_RECENT = 16,  /* spikes of a target that have sums; at equal rates one hit in 32,768 has more */
    NM_CLOSE = 3,    /* of those, with their sums in the target's first line: 7 hits of 8 at equal rates */
    NM_SPIKES = 32,  /* spikes of a target that can be gone through one by one */
    NM_FINE = 64,    /* steps in the fine table of a trace's decay; the coarse one goes by as many */
    NM_SNAPSHOT = 4, /* numbers of a moment: e, k, F, and V = integral of |rate g| k / e */
    NM_SWEEP_MAX = 5000,
    NM_NEVER = -32768 /* as a time: no spike */
};
#define NM_ARRIVED                                                                                           \
    (INT64_C(1) << 62) /* in `since`: the last update was an arrival whose step's spikes do not count yet */
enum { NM_E, NM_K, NM_F, NM_V };

/* A target's last spikes, newest first, steps from the epoch, with the sums S and H of each. One line of 64
 * bytes, and what rarely is looked at behind it: what a visit waits for is these lines (500 KB of tables in
 * place of 1.4 MB at 10,000 neurons). */
typedef struct nm_recent {
    int16_t time[NM_RECENT / 2];
    double sums[NM_CLOSE][2];
} nm_recent;
typedef struct nm_former {
    int16_t time[NM_RECENT / 2];
    double sums[NM_RECENT - NM_CLOSE][2];
} nm_former;

/* All arrays are Python's. */
struct nm_lazy {
    int64_t sweep;  /* steps in which every segment is looked at once; one left alone for longer is visited */
    int64_t length; /* steps in `course`, a power of 2: twice `sweep` and some back, and an interval ahead */
    int64_t n_zones;
    int64_t origin;    /* step T that the sums' decay is measured from */
    int64_t epoch;     /* step that the times of spikes count from */
    double *snapshots; /* [(region * length + step % length) * NM_SNAPSHOT] */
    double *ltp;       /* [step % NM_INTERVAL * n_regions + region] factor on post_amplitude in that step */
    double *ltd;       /* likewise, on an arrival's change */
    int64_t *since; /* [segment] 2 * step of the last visit; + 1 where that step's spikes have been counted;
                     * + NM_ARRIVED */
    double *trace[NM_MAX_TRACES]; /* [segment] presynaptic traces right after the last visit */
    double *decay[NM_MAX_TRACES]; /* [NM_FINE + coarse] exp(-k dt / tau), then exp(-k NM_FINE dt / tau) */
    int32_t *newest;   /* [slot] step of the last spike, from `epoch`: all that half of the visits ask */
    nm_recent *recent; /* [slot] on a border of 64 bytes */
    nm_former *former; /* [slot] */
    int64_t *spike;    /* [slot * NM_SPIKES + k % NM_SPIKES] step of the k-th spike */
    double *gain;      /* likewise: its gain */
    double *late;      /* likewise: factor on coincident_pre of an arrival in that step */
    int64_t *n_spikes; /* [slot] */
    int64_t *floor;    /* [part] no segment was last visited before this step */
    /* Turns of a zone: steps at whose ends F has an extremum, since the signal of learning changes its sign then. */
    int64_t *turn;    /* [zone * length + k % length] the k-th */
    int64_t *n_turns; /* [zone] */
    int64_t *sign;    /* [zone] of the signal when it last was not 0; 0: it always was */
};

/* A step of one projection as the visits see it. */
typedef struct nm_lazy_step {
    const nm_network *network;
    const nm_projection *projection;
    double *input;   /* [slot] what arrives is added here, */
    double efficacy; /* times this: 1 without short-term plasticity */
    double dt;
    uint64_t seed; /* of the rounding */
    int64_t now;
} nm_lazy_step;

/* What sizes Python is to lend. Steps of a sweep: 500 ms, but no more than 25 tau_c (tau_c = 0: no
 * eligibility) and NM_SWEEP_MAX, and at least 16. */
int64_t nm_lazy_sweep(double dt, double tau_c);
static inline int64_t nm_lazy_length(int64_t sweep) {
    int64_t length = NM_INTERVAL;
    while (length < 2 * sweep + 4 + NM_INTERVAL)
        length *= 2;
    return length;
}
static inline int64_t nm_lazy_decay_length(int64_t sweep) {
    return NM_FINE + nm_lazy_length(sweep) / NM_FINE + 2;
}

/* A fresh start after step `now`: all weights and traces of the synapses are those of that moment. Under a rule with
 * eligibility weights outside their bounds are put on them. */
void nm_lazy_start(const nm_network *network, const nm_projection *projection, double dt, int64_t now);
/* Before anything else in step `now`, for the whole network, with the levels of its start: F and the factors
 * over the step. 0 where all is to be measured anew in this step, but steps before it are still to be taken
 * (`ahead`); it is then left to be asked again. */
int nm_lazy_advance(const nm_network *network, const nm_projection *projection, const nm_levels *levels,
                    double dt, int64_t now, int ahead);
/* A spike arrives at a segment of a part: made up for, delivered, changed by the rule. Another is about to
 * arrive at segment `next` (-1: none), whose columns are fetched meanwhile. */
void nm_lazy_arrive(const nm_lazy_step *step, int64_t partition, int64_t delay_run, int64_t next);
/* What look_ahead needs of a segment after next. */
NM_INLINE void nm_lazy_fetch(const nm_lazy *lazy, int64_t delay_run) {
    NM_FETCH(lazy->since + delay_run);
    for (int k = 0; k < NM_MAX_TRACES && lazy->trace[k] != NULL; k++)
        NM_FETCH(lazy->trace[k] + delay_run);
}
/* Segments of one part that have long been left alone. */
void nm_lazy_sweep_partition(const nm_lazy_step *step, int64_t partition);
/* All segments of one part, before its neurons' spikes of this step are entered. */
void nm_lazy_update_partition(const nm_lazy_step *step, int64_t partition);
/* The n neurons of a part that fire in this step; traces are still without these spikes. */
void nm_lazy_fire(const nm_lazy_step *step, int64_t partition, const int32_t *slot, int64_t n);

/* Between steps, for the places (row * n_partitions + part) first .. last - 1: what weights and traces of
 * eligibility (NULL: not asked for) are now, into [synapse - base]; nothing else is written. */
void nm_lazy_read(const nm_lazy_step *step, int64_t first, int64_t last, int64_t base, float *weight,
                  float *eligibility);
/* Likewise, but bring the synapses themselves up to date, so that they may be written. */
void nm_lazy_flush(const nm_lazy_step *step, int64_t first, int64_t last);

/* exp(-steps dt / tau) from one of the tables in `decay`. */
static inline double nm_lazy_decayed(const double *table, int64_t steps) {
    return table[steps % NM_FINE] * table[NM_FINE + steps / NM_FINE];
}
/* The step of the last update of a delay run. */
static inline int64_t nm_lazy_last(const nm_lazy *lazy, int64_t delay_run) {
    return (lazy->since[delay_run] & ~NM_ARRIVED) / 2;
}
/* The p-th of a target's last spikes. */
static inline int16_t *nm_lazy_time(const nm_lazy *lazy, int64_t slot, int64_t p) {
    return p < NM_RECENT / 2 ? &lazy->recent[slot].time[p] : &lazy->former[slot].time[p - NM_RECENT / 2];
}
static inline double *nm_lazy_sums(const nm_lazy *lazy, int64_t slot, int64_t p) {
    return p < NM_CLOSE ? lazy->recent[slot].sums[p] : lazy->former[slot].sums[p - NM_CLOSE];
}
/* A region's place in `ltp` and `ltd`. */
static inline int64_t nm_lazy_bucket(const nm_lazy *lazy, int64_t zone, int64_t step) {
    return (step & (NM_INTERVAL - 1)) * lazy->n_zones + zone;
}
static inline int64_t nm_lazy_zone(const nm_network *network, const nm_lazy *lazy, int64_t slot) {
    return lazy->n_zones > 1 ? network->zone[slot] : 0;
}
static inline double *nm_lazy_snapshot(const nm_lazy *lazy, int64_t zone, int64_t step) {
    return lazy->snapshots + (zone * lazy->length + (step & (lazy->length - 1))) * NM_SNAPSHOT;
}

#endif
