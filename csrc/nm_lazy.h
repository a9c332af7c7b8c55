/* Lazy rules, exact and event by event (eligibility trace: Izhikevich 2007, doi:10.1093/cercor/bhl152). The
 * synapses of a delay run are not touched until a spike of their source arrives. Then they are updated in
 * closed form from the last update at t0 to the present t1, for any number of spikes of the targets and any
 * course of the levels.
 *
 * Symbols
 *   c      eligibility trace of a synapse, dc/dt = -c / tau_c
 *   w      weight (strength, if inhibitory), dw/dt = rate g c, with weight decay
 *   e      exp(integral of dt / tau_c): inverse decay factor of c                           per zone
 *   k      inverse decay factor of w                                                        per zone
 *   g      signal of learning (nm_levels_signal)                                            per zone
 *   F      integral of rate g k / e dt                                                      per zone
 *   V      integral of |rate g| k / e dt: bound of the change of w k between updates        per zone
 *   t_q    time of spike q of the target; a_q the rule's post_amplitude at that spike
 *   x0     presynaptic trace at t0; d(t) = exp(-t / tau) its decay
 *   T      origin near the present, from which the sums measure d
 *   S, H   sums over the spikes of the target (below)                                       per spike of a target
 *
 * Between events C = c e is constant and w k = (w k at t0) + C (F - F0). A spike of the target adds x0 d(t_q
 * - t0) a_q e_q to C. Since d(t_q - t0) = d(t_q - T) d(T - t0), the spikes q >= p, where p is the first spike
 * after t0, add x0 d(T - t0) times
 *   S_p = sum of d(t_q - T) a_q e_q                  H_p = sum of d(t_q - T) a_q e_q F_q
 * so that C1 = C + x0 d S_p and w k = ... + x0 d (S_p F1 - H_p). Each target keeps both sums for each of its
 * last 16 spikes; a further spike adds one term to all of them. (Differences of sums over all spikes would
 * suffer from cancellation; S and H are sums of one sign.) A rule without eligibility has e = 1, F = 0 and H
 * = -sum of d a k.
 *
 * Bounds hold in every step. The closed form ignores the bounds inside the interval. If a bound might have been
 * reached (by V), or more than 16 spikes occurred, the events are replayed one at a time, with a clip at each of
 * them and at each extremum of F (nm_lazy_replay.c): in between the weight moves in one direction. Both ways agree
 * up to rounding.
 *
 * e grows. Before e passes exp(4), all quantities that contain e are rescaled, since F would lose digits. T
 * moves to the present every eight time constants of d.
 * SPDX-License-Identifier: MIT */
#ifndef NM_LAZY_H
#define NM_LAZY_H

#include "nm_delay.h"
#include "nm_levels.h"
#include "nm_loop.h"
#include "nm_network.h"

enum {
    NM_RECENT = 16, /* spikes of a target with sums; at equal rates one update in 32,768 needs more */
    NM_CLOSE =
        3, /* of these, spikes whose sums are in the target's first cache line: enough for 7 of 8 updates */
    NM_SPIKES = 32,  /* spikes of a target that can be replayed */
    NM_FINE = 64,    /* steps of the fine table of a trace's decay, and stride of the coarse table */
    NM_SNAPSHOT = 4, /* numbers of a snapshot: e, k, F, V */
    NM_SWEEP_MAX = 5000,
    NM_NEVER = -32768 /* as a time: no spike */
};
#define NM_ARRIVED                                                                                           \
    (INT64_C(1) << 62) /* in `since`: the last update was an arrival whose step's spikes do not count yet */
enum { NM_E, NM_K, NM_F, NM_V };

/* The last spikes of a target, newest first: their times in steps from the epoch, and the sums S and H of
 * each. The entries that are read most are in one cache line of 64 bytes (nm_recent), the others behind it
 * (nm_former): an update is bound by the latency of these lines. */
typedef struct nm_recent {
    int16_t time[NM_RECENT / 2];
    double sums[NM_CLOSE][2];
} nm_recent;
typedef struct nm_former {
    int16_t time[NM_RECENT / 2];
    double sums[NM_RECENT - NM_CLOSE][2];
} nm_former;

/* What an update of a delay run reads first, in one cache line. */
typedef union nm_visit {
    int64_t
        since; /* 2 * step of the last update; + 1 where that step's spikes have been counted; + NM_ARRIVED */
    double trace;
} nm_visit;

/* Python owns all arrays. Projections under equal rules share all arrays but `visits`: the history of a target is
 * kept once. The first of them updates the history, and the others follow. */
struct nm_lazy {
    int64_t follows;           /* 1: another projection updates the history */
    const nm_projection *next; /* the next projection that shares the history; NULL: there are no more */
    int64_t
        sweep; /* steps in which every delay run is checked once; it is updated if its last update is older */
    int64_t length; /* steps of `snapshots`, a power of 2: more than 2 * sweep back, and an interval ahead */
    int64_t n_zones;
    int64_t *origin;   /* step T: origin of the decay in the sums */
    int64_t *epoch;    /* step from which the times of spikes count */
    double *snapshots; /* [(zone * length + step % length) * NM_SNAPSHOT] */
    double *ltp;       /* [step % NM_INTERVAL * n_zones + zone] factor of post_amplitude in that step */
    double *ltd;       /* likewise, factor of the change at an arrival */
    int64_t n_traces;  /* presynaptic */
    nm_visit *visits;  /* [delay run * (1 + n_traces)] the last update, and the traces right after it */
    double *decay[NM_MAX_TRACES]; /* [NM_FINE + coarse] exp(-k dt / tau), then exp(-k NM_FINE dt / tau) */
    int32_t *newest; /* [slot] step of the last spike, from `epoch`: half of the updates read nothing else */
    nm_recent *recent; /* [slot] aligned to 64 bytes */
    nm_former *former; /* [slot] */
    int64_t *spike;    /* [slot * NM_SPIKES + k % NM_SPIKES] step of spike k */
    double *gain;      /* likewise: its post_amplitude, modulated */
    double *
        late; /* likewise: factor of coincident_pre at an arrival in that step; kept where such pairs count */
    int64_t *n_spikes; /* [slot] */
    int64_t *floor;    /* [partition] no delay run was last updated before this step */
    /* Turns of a zone: steps at whose ends F has an extremum, since the signal of learning changes its sign then. */
    int64_t *turn;    /* [zone * length + k % length] turn k */
    int64_t *n_turns; /* [zone] */
    int64_t *sign;    /* [zone] sign of the signal when it last was not 0; 0: it always was */
};

/* The arguments of all updates of one projection in one step. */
typedef struct nm_lazy_step {
    const nm_network *network;
    const nm_projection *projection;
    double *input;   /* [slot] weights that arrive are added here, */
    double efficacy; /* times the efficacy; 1 without short-term plasticity */
    /* At an arrival: the spike of step `fired` reaches the synapses that were made before that step. */
    const int64_t *born; /* [synapse] step in which it was made; NULL: the spike reaches all */
    int64_t fired;
    double dt;
    uint64_t seed; /* of the rounding */
    int64_t now;
} nm_lazy_step;

/* Sizes of the arrays that Python lends. Steps of a sweep: 500 ms, but at most 25 tau_c (tau_c = 0: no
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
/* Compute F and the factors over step `now`, from the levels at its start. Called before anything else in
 * the step, for the whole network. Returns 0 where e or T must be rescaled in this step but earlier steps
 * have not been taken yet (`ahead`); nothing is changed then, and the call is to be repeated. */
int nm_lazy_advance(const nm_network *network, const nm_projection *projection, const nm_levels *levels,
                    double dt, int64_t now, int ahead);
/* A delay run of a lazy projection; projection NULL: none. */
typedef struct nm_lazy_run {
    const nm_projection *projection;
    int64_t delay_run;
} nm_lazy_run;
/* A spike arrives at a delay run of a row: update the synapses, deliver their weights, apply the rule's change.
 * `next`: the delay run of the next arrival, which is prefetched. */
void nm_lazy_arrive(const nm_lazy_step *step, int64_t partition, int64_t row, int64_t delay_run,
                    nm_lazy_run next);
/* The rows that are swept in step `now`: row .. end - 1; of few rows none in most steps. */
static inline void nm_lazy_swept_rows(int64_t sweep, int64_t n_rows, int64_t now, int64_t *row,
                                      int64_t *end) {
    const int64_t turn = now % sweep;
    *row = n_rows * turn / sweep;
    *end = n_rows * (turn + 1) / sweep;
}
/* Update those delay runs of one partition whose last update is older than a sweep; some in every step. */
void nm_lazy_sweep_partition(const nm_lazy_step *step, int64_t partition);
/* Update all delay runs of one partition, before its spikes of this step are entered. */
void nm_lazy_update_partition(const nm_lazy_step *step, int64_t partition);
/* Enter the n spikes of one partition in this step. The traces of the targets do not contain these spikes
 * yet. */
void nm_lazy_fire(const nm_lazy_step *step, int64_t partition, const int32_t *slot, int64_t n);

/* Between steps, for the buckets first .. last - 1: write the present weights and eligibility traces
 * (NULL: not wanted) to [synapse - base]. Nothing else is written. */
void nm_lazy_read(const nm_lazy_step *step, int64_t first, int64_t last, int64_t base, float *weight,
                  float *eligibility);
/* Likewise, the synapses first .. last - 1 of one delay run, to the beginning of both arrays. */
void nm_lazy_read_run(const nm_lazy_step *step, int64_t bucket, int64_t delay_run, int64_t first,
                      int64_t last, float *weight, float *eligibility);
/* Between steps, for the buckets first .. last - 1: update the synapses in place, so that they may be
 * written. */
void nm_lazy_flush(const nm_lazy_step *step, int64_t first, int64_t last);

/* exp(-steps dt / tau), from a table of `decay`. */
static inline double nm_lazy_decayed(const double *table, int64_t steps) {
    return table[steps % NM_FINE] * table[NM_FINE + steps / NM_FINE];
}
/* The last update of a delay run: [0].since, then [1 + k].trace. */
static inline nm_visit *nm_lazy_visit(const nm_lazy *lazy, int64_t delay_run) {
    return lazy->visits + delay_run * (1 + lazy->n_traces);
}
/* Prefetch what the prefetch of the next update itself reads. */
NM_INLINE void nm_lazy_fetch(const nm_projection *projection, int64_t delay_run) {
    NM_FETCH(nm_lazy_visit(projection->lazy, delay_run));
}
static inline int64_t nm_lazy_last(const nm_lazy *lazy, int64_t delay_run) {
    return (nm_lazy_visit(lazy, delay_run)[0].since & ~NM_ARRIVED) / 2;
}
/* Time and sums of spike p of a target, counted from the newest. */
static inline int16_t *nm_lazy_time(const nm_lazy *lazy, int64_t slot, int64_t p) {
    return p < NM_RECENT / 2 ? &lazy->recent[slot].time[p] : &lazy->former[slot].time[p - NM_RECENT / 2];
}
static inline double *nm_lazy_sums(const nm_lazy *lazy, int64_t slot, int64_t p) {
    return p < NM_CLOSE ? lazy->recent[slot].sums[p] : lazy->former[slot].sums[p - NM_CLOSE];
}
/* Index into `ltp` and `ltd`. */
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
