/* Synapses under a lazy rule on their way from one update to the next: what nm_lazy_update.c and nm_lazy_replay.c
 * share.
 * SPDX-License-Identifier: MIT */
#ifndef NM_LAZY_BATCH_H
#define NM_LAZY_BATCH_H

#include "nm_change.h"
#include "nm_lazy.h"

#include <math.h>

enum {
    NM_LAZY_BATCH = 384,
    NM_LAZY_HITS_AHEAD =
        16 /* hits ahead of the work whose lines are fetched; as many zeros follow the list */
};

/* What the closed form takes from the snapshots at both ends: k and e at the first, 1 / k and 1 / e at the last, F
 * there and since the first, V since the first per k at the first, and the factor that weight decay leaves. */
enum { K0, E0, BY_K1, BY_E1, F1, DF, DV, KEPT, N_SPANS };

/* Some synapses of one delay run between two snapshots. All columns have one width, so that loops become vectors. */
typedef struct nm_lazy_batch {
    const nm_lazy_step *step;
    size_t n, stride;               /* spans are read as [j * stride]: 0 where all targets share a zone */
    int64_t first, partition_first; /* synapse; slot */
    int64_t from, count_from;       /* step of the last update; first step whose spikes count */
    double trace[NM_MAX_TRACES];    /* presynaptic, at `from` */
    double seen;                    /* trace[0] d(T - t0) */
    int coincides; /* 1: spikes of the target in step `from` make pairs with an arrival in it that are not pre_first */
    nm_shares shares; /* of these pairs */
    double late;      /* coincident_pre of that arrival */
    double low, high;
    nm_ids ids;                   /* of the targets */
    const float *was, *trace_was; /* weight and trace of eligibility at `from` */
    double span[N_SPANS][NM_LAZY_BATCH];
    double s[NM_LAZY_BATCH], h[NM_LAZY_BATCH];
    int64_t check[NM_LAZY_BATCH]; /* 1: the weight may have reached a bound */
    /* OUT: strength (of an inhibitory weight the magnitude) and eligibility, now */
    double weight[NM_LAZY_BATCH], c[NM_LAZY_BATCH];
    int32_t hit[NM_LAZY_BATCH + NM_LAZY_HITS_AHEAD]; /* synapses whose targets have fired */
    int32_t crowded[2 * NM_LAZY_BATCH]; /* of those, the ones whose events are to be replayed; some twice */
    size_t n_found, n_crowded;
    const char *ahead[3]; /* weights, traces and targets of the next delay run, fetched meanwhile */
    size_t n_ahead;       /* bytes of its weights */
} nm_lazy_batch;

NM_INLINE double nm_lazy_strength(const nm_lazy_batch *a, size_t j, const int inhibitory) {
    return inhibitory ? fabs((double)a->was[j]) : (double)a->was[j];
}

/* Whether weights decay between events. */
static inline int nm_lazy_decays(const nm_lazy_batch *a) {
    return a->step->projection->weight_kept < 1.0 && !a->step->projection->frozen;
}

/* What soft bounds leave of a change. */
static inline double nm_lazy_scaled(const nm_lazy_batch *a, double change, double weight) {
    return nm_change_soft(change, weight, a->low, a->high, a->step->projection->weight_dependence);
}

/* Without eligibility, and while the projection does not learn, a weight that does not change may stay outside its
 * bounds. With eligibility bounds hold in every step. */
static inline double nm_lazy_bounded(const nm_lazy_batch *a, double weight, double was) {
    const nm_projection *p = a->step->projection;
    const int may_stay = (p->frozen || p->rule->eligibility == NULL) && weight == was;
    return may_stay ? weight : nm_clip(weight, a->low, a->high);
}

/* The step in which the k-th change of sign of a zone's signal left F at an extremum. */
static inline int64_t nm_lazy_turn(const nm_lazy *lazy, int64_t zone, int64_t k) {
    return lazy->turn[zone * lazy->length + (k & (lazy->length - 1))];
}

/* The number of the first turn after step `from`; n_turns[zone] where there is none. */
static inline int64_t nm_lazy_first_turn(const nm_lazy *lazy, int64_t zone, int64_t from) {
    int64_t k = lazy->n_turns[zone], oldest = k > lazy->length ? k - lazy->length : 0;
    while (k > oldest && nm_lazy_turn(lazy, zone, k - 1) > from)
        k--;
    return k;
}

/* Whether F has an extremum after step `from` and before step `to`. */
static inline int nm_lazy_turned(const nm_lazy *lazy, int64_t zone, int64_t from, int64_t to) {
    const int64_t k = nm_lazy_first_turn(lazy, zone, from);
    return k < lazy->n_turns[zone] && nm_lazy_turn(lazy, zone, k) < to;
}

/* Take synapse j, whose target is in `slot`, from event to event. */
void nm_lazy_replay(nm_lazy_batch *a, size_t j, int64_t slot);

#endif
