/* What Python would lend to the core: buffers, the ring of spikes, and those of a pair rule.
 * SPDX-License-Identifier: MIT */
#ifndef LENT_H
#define LENT_H

#include "nm_delay.h"
#include "nm_dense.h"
#include "nm_events.h"
#include "nm_pairs.h"
#include "nm_scatter.h"
#include "nm_short_term.h"

#include <stdlib.h>

/* Arrays that are freed together. */
enum { MAX_ARRAYS = 512 };
typedef struct arena {
    void *array[MAX_ARRAYS];
    int n;
} arena;

/* Zeroed; at least one entry, so that no length needs a case of its own. */
static inline void *zeros(arena *a, int64_t n, size_t size) {
    if (a->n == MAX_ARRAYS)
        abort();
    return a->array[a->n++] = calloc((size_t)(n > 0 ? n : 1), size);
}

static inline void free_arena(arena *a) {
    while (a->n > 0)
        free(a->array[--a->n]);
}

/* Lists of spikes for delays of up to `max_delay` steps, in a network whose parts take `interval` steps at a
 * time.
 */
static inline nm_delay make_ring(arena *a, const nm_network *network, int64_t max_delay, int64_t interval) {
    nm_delay ring = {.length = max_delay + interval,
                     .width = network->n_neurons,
                     .n_parts = network->n_parts,
                     .part_width = network->part_width};
    ring.slot = zeros(a, ring.length * ring.width, sizeof *ring.slot);
    ring.count = zeros(a, ring.length * ring.n_parts, sizeof *ring.count);
    return ring;
}

/* The buffers of a projection with a pair rule, and a fresh start after step 0. `sweep` 0: that of
 * nm_pairs_sweep. */
static inline void lend_pairs(arena *a, const nm_network *network, nm_projection *p, nm_pairs *pairs,
                              double dt, int64_t sweep, int64_t n_regions) {
    const nm_eligibility *about = p->rule->eligibility;
    const int64_t n = network->n_neurons;
    p->pairs = pairs;
    pairs->sweep = sweep > 0 ? sweep : nm_pairs_sweep(dt, about == NULL ? 0.0 : p->params[about->tau_c]);
    pairs->length = nm_pairs_length(pairs->sweep);
    pairs->n_regions = n_regions;
    pairs->course = zeros(a, n_regions * pairs->length * NM_MOMENT, sizeof *pairs->course);
    pairs->ltp = zeros(a, NM_INTERVAL * n_regions, sizeof(double));
    pairs->ltd = zeros(a, NM_INTERVAL * n_regions, sizeof(double));
    pairs->since = zeros(a, p->n_segments, sizeof(int64_t));
    pairs->newest = zeros(a, n, sizeof(int32_t));
    pairs->recent = zeros(a, n, sizeof *pairs->recent);
    pairs->former = zeros(a, n, sizeof *pairs->former);
    pairs->spike = zeros(a, n * NM_SPIKES, sizeof(int64_t));
    pairs->gain = zeros(a, n * NM_SPIKES, sizeof(double));
    pairs->n_spikes = zeros(a, n, sizeof(int64_t));
    pairs->floor = zeros(a, network->n_parts, sizeof(int64_t));
    for (int k = 0; p->rule->pre_traces[k].name != NULL; k++) {
        pairs->trace[k] = zeros(a, p->n_segments, sizeof(double));
        pairs->decay[k] = zeros(a, nm_pairs_decay_length(pairs->sweep), sizeof(double));
    }
    nm_pairs_start(network, p, dt, 0);
}

/* The buffers of a projection with an event rule that reads no columns; no spike yet. */
static inline void lend_events(arena *a, const nm_network *network, nm_projection *p, nm_events *e,
                               double dt) {
    const nm_trace *traces = p->rule->pre_traces;
    p->events = e;
    e->lag = p->rule->pre_lag ? (int64_t)(p->params[p->rule->pre_lag - 1] / dt + 0.5) : 0;
    for (int k = 0; traces != NULL && traces[k].name != NULL; k++) {
        e->rate[k] = dt / p->params[traces[k].tau];
        e->trace[k] = zeros(a, p->n_segments, sizeof(double));
    }
    if (e->trace[0] != NULL)
        e->arrived = zeros(a, p->n_segments, sizeof(int64_t));
    for (int64_t segment = 0; e->arrived != NULL && segment < p->n_segments; segment++)
        e->arrived[segment] = -1;
    if (p->rule->needs_elapsed)
        e->last = zeros(a, p->n_synapses, sizeof(int64_t));
    for (int64_t s = 0; e->last != NULL && s < p->n_synapses; s++)
        e->last[s] = -1;
    if (p->rule->on_post != NULL) {
        int64_t *start = zeros(a, network->n_neurons + 1, sizeof *start);
        int64_t *next = zeros(a, network->n_neurons, sizeof *next);
        uint32_t *incoming = zeros(a, p->n_synapses, sizeof *incoming);
        uint32_t *segment = zeros(a, p->n_synapses, sizeof *segment);
        nm_events_index(network, p, start, incoming, segment, next);
        e->incoming_start = start, e->incoming = incoming, e->incoming_segment = segment;
    }
}

/* Efficacies for a ring of `length` steps; no spike yet. */
static inline void lend_short_term(arena *a, nm_projection *p, nm_short_term *s, int64_t length) {
    s->length = length;
    s->u = zeros(a, p->n_rows, sizeof *s->u), s->left = zeros(a, p->n_rows, sizeof *s->left);
    s->last = zeros(a, p->n_rows, sizeof *s->last);
    s->efficacy = zeros(a, length * p->n_rows, sizeof *s->efficacy);
    for (int64_t row = 0; row < p->n_rows; row++)
        s->last[row] = -1;
    p->short_term = s;
}

/* Bit-maps of a projection whose weights are all equal; whether it gains by them. */
static inline int lend_dense(arena *a, const nm_network *network, nm_projection *p, nm_dense *dense) {
    const int64_t n_places = p->n_rows * network->n_parts, words = nm_dense_words(network->part_width);
    int64_t *extra_start = zeros(a, n_places + 1, sizeof *extra_start);
    uint64_t *bits = zeros(a, n_places * words, sizeof *bits);
    dense->most = nm_dense_worth(p, network->n_neurons, network->n_parts, extra_start);
    if (dense->most == 0)
        return 0;
    uint16_t *extra = zeros(a, extra_start[n_places], sizeof *extra);
    nm_dense_fill(p, n_places, words, bits, extra);
    dense->words = words, dense->bits = bits, dense->extra_start = extra_start, dense->extra = extra;
    p->dense = dense;
    return 1;
}

/* The ring of sums of a projection that is pushed; whether it gains by that. */
static inline int lend_scatter(arena *a, const nm_network *network, nm_projection *p, nm_scatter *scatter) {
    scatter->sum = zeros(a, NM_SCATTER * network->n_neurons, sizeof *scatter->sum);
    p->scatter = scatter;
    return nm_scatter_worth(p);
}

#endif
