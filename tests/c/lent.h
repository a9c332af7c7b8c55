/* What Python would lend to the core: buffers, the ring of spikes, and those of a pair rule.
 * SPDX-License-Identifier: MIT */
#ifndef LENT_H
#define LENT_H

#include "nm_bitmap.h"
#include "nm_delay.h"
#include "nm_events.h"
#include "nm_lazy.h"
#include "nm_push.h"
#include "nm_short_term.h"

#include <stdlib.h>

/* Arrays that are freed together. */
enum { MAX_ARRAYS = 4096 };
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
                     .n_partitions = network->n_partitions,
                     .partition_width = network->partition_width};
    ring.slot = zeros(a, ring.length * ring.width, sizeof *ring.slot);
    ring.count = zeros(a, ring.length * ring.n_partitions, sizeof *ring.count);
    return ring;
}

/* Words of the rounding, of a projection with a rule. */
static inline void lend_words(arena *a, const nm_network *network, nm_projection *p) {
    uint32_t *words = zeros(a, p->n_runs, sizeof *words);
    nm_network_run_words(network, p, words);
    p->run_word = words;
}

/* The buffers of a projection with a pair rule, and a fresh start after step 0. `sweep` 0: that of
 * nm_lazy_sweep. */
static inline void lend_lazy(arena *a, const nm_network *network, nm_projection *p, nm_lazy *lazy, double dt,
                             int64_t sweep, int64_t n_regions) {
    const nm_eligibility *about = p->rule->eligibility;
    const int64_t n = network->n_neurons;
    p->lazy = lazy;
    lazy->sweep = sweep > 0 ? sweep : nm_lazy_sweep(dt, about == NULL ? 0.0 : p->params[about->tau_c]);
    lazy->length = nm_lazy_length(lazy->sweep);
    lazy->n_zones = n_regions;
    lazy->snapshots = zeros(a, n_regions * lazy->length * NM_SNAPSHOT, sizeof *lazy->snapshots);
    lazy->ltp = zeros(a, NM_INTERVAL * n_regions, sizeof(double));
    lazy->ltd = zeros(a, NM_INTERVAL * n_regions, sizeof(double));
    lazy->origin = zeros(a, 1, sizeof(int64_t)), lazy->epoch = zeros(a, 1, sizeof(int64_t));
    lazy->newest = zeros(a, n, sizeof(int32_t));
    lazy->recent = zeros(a, n, sizeof *lazy->recent);
    lazy->former = zeros(a, n, sizeof *lazy->former);
    lazy->spike = zeros(a, n * NM_SPIKES, sizeof(int64_t));
    lazy->gain = zeros(a, n * NM_SPIKES, sizeof(double));
    lazy->late = zeros(a, n * NM_SPIKES, sizeof(double));
    lazy->n_spikes = zeros(a, n, sizeof(int64_t));
    lazy->floor = zeros(a, network->n_partitions, sizeof(int64_t));
    lazy->turn = zeros(a, n_regions * lazy->length, sizeof(int64_t));
    lazy->n_turns = zeros(a, n_regions, sizeof(int64_t));
    lazy->sign = zeros(a, n_regions, sizeof(int64_t));
    for (int k = 0; p->rule->pre_traces[k].name != NULL; k++, lazy->n_traces++)
        lazy->decay[k] = zeros(a, nm_lazy_decay_length(lazy->sweep), sizeof(double));
    lazy->visits = zeros(a, p->n_runs * (1 + lazy->n_traces), sizeof *lazy->visits);
    nm_lazy_start(network, p, dt, 0);
}

/* The buffers of a projection with an event rule that reads no columns; no spike yet. */
/* The delays that an event rule looks up: all from the longest to the shortest. */
static inline void lend_delays(arena *a, const nm_projection *p, nm_events *e) {
    int64_t *delays = zeros(a, p->max_delay - p->min_delay + 1, sizeof *delays);
    e->n_delays = 0, e->delays = delays;
    for (int64_t delay = p->max_delay; delay >= p->min_delay; delay--)
        delays[e->n_delays++] = delay;
}

static inline void lend_events(arena *a, const nm_network *network, nm_projection *p, nm_events *e,
                               double dt) {
    const nm_trace *traces = p->rule->pre_traces;
    p->events = e;
    lend_delays(a, p, e);
    lend_words(a, network, p);
    e->lag = p->rule->pre_lag ? (int64_t)(p->params[p->rule->pre_lag - 1] / dt + 0.5) : 0;
    for (int k = 0; traces != NULL && traces[k].name != NULL; k++) {
        e->rate[k] = dt / p->params[traces[k].tau];
        e->trace[k] = zeros(a, p->n_runs, sizeof(double));
    }
    if (e->trace[0] != NULL)
        e->arrived = zeros(a, p->n_runs, sizeof(int64_t));
    for (int64_t delay_run = 0; e->arrived != NULL && delay_run < p->n_runs; delay_run++)
        e->arrived[delay_run] = -1;
    if (p->rule->needs_elapsed)
        e->last = zeros(a, p->n_synapses, sizeof(int64_t));
    for (int64_t s = 0; e->last != NULL && s < p->n_synapses; s++)
        e->last[s] = -1;
    if (p->rule->on_post != NULL) {
        int64_t *start = zeros(a, network->n_neurons + 1, sizeof *start);
        int64_t *next = zeros(a, network->n_neurons, sizeof *next);
        uint32_t *incoming = zeros(a, p->n_synapses, sizeof *incoming);
        uint32_t *delay_run = zeros(a, p->n_synapses, sizeof *delay_run);
        nm_events_index(network, p, start, incoming, delay_run, next);
        e->incoming_start = start, e->incoming = incoming, e->incoming_run = delay_run;
    }
}

/* Efficacies for a ring of `length` steps; no spike yet. */
static inline void lend_short_term(arena *a, nm_projection *p, nm_short_term *s, int64_t length) {
    s->length = length, s->stride = 0;
    s->u = zeros(a, p->n_rows, sizeof *s->u), s->left = zeros(a, p->n_rows, sizeof *s->left);
    s->last = zeros(a, p->n_rows, sizeof *s->last);
    s->efficacy = zeros(a, length * p->n_rows, sizeof *s->efficacy);
    for (int64_t row = 0; row < p->n_rows; row++)
        s->last[row] = -1;
    p->short_term = s;
}

/* Bit-maps of a projection whose weights are all equal; whether it gains by them. */
static inline int lend_bitmap(arena *a, const nm_network *network, nm_projection *p, nm_bitmap *bitmap) {
    const int64_t n_buckets = p->n_rows * network->n_partitions,
                  words = nm_bitmap_words(network->partition_width);
    int64_t *extra_start = zeros(a, n_buckets + 1, sizeof *extra_start);
    uint64_t *bits = zeros(a, n_buckets * words, sizeof *bits);
    bitmap->most = nm_bitmap_worth(p, network->n_neurons, n_buckets, 0, extra_start);
    if (bitmap->most == 0)
        return 0;
    uint16_t *extra = zeros(a, extra_start[n_buckets] + NM_BITMAP_READ, sizeof *extra);
    nm_bitmap_fill(p, n_buckets, words, bits, extra);
    bitmap->words = words, bitmap->bits = bits, bitmap->extra_start = extra_start, bitmap->extra = extra;
    p->bitmap = bitmap;
    return 1;
}

/* ---- routes: every slot is a range of its own, and every delay an age ------------------------------------------ */

typedef int chooses(const nm_network *network, int64_t k, int64_t delay);

static inline int is_static(const nm_network *network, int64_t k) {
    return network->projections[k].rule == NULL && network->projections[k].bitmap == NULL;
}
/* All static projections onto a port are pushed where one of them gains by that. */
static inline int is_pushed(const nm_network *network, int64_t k, int64_t delay) {
    (void)delay;
    for (int64_t other = 0; other < network->n_projections; other++)
        if (is_static(network, other) && network->projections[other].port == network->projections[k].port &&
            nm_push_worth(&network->projections[other]))
            return is_static(network, k);
    return 0;
}
static inline int has_delay(const nm_network *network, int64_t k, int64_t delay) {
    return network->projections[k].min_delay <= delay && delay <= network->projections[k].max_delay;
}
static inline int is_pulled_static(const nm_network *network, int64_t k, int64_t delay) {
    return is_static(network, k) && !is_pushed(network, k, 0) && has_delay(network, k, delay);
}
static inline int is_other(const nm_network *network, int64_t k, int64_t delay) {
    return network->projections[k].rule != NULL && has_delay(network, k, delay);
}
static inline int is_dense(const nm_network *network, int64_t k, int64_t delay) {
    return network->projections[k].bitmap != NULL && has_delay(network, k, delay);
}

static inline nm_outgoing make_outgoing(arena *a, const nm_network *network, chooses *chosen, int64_t delay) {
    int64_t *start = zeros(a, network->n_neurons + 1, sizeof *start), n = 0;
    int32_t *numbers = zeros(a, network->n_neurons * network->n_projections, sizeof *numbers);
    for (int64_t slot = 0; slot < network->n_neurons; slot++) {
        start[slot] = n;
        for (int64_t k = 0; k < network->n_projections; k++) {
            const int64_t row = slot - network->projections[k].pre_first;
            if (row >= 0 && row < network->projections[k].n_rows && chosen(network, k, delay))
                numbers[n++] = (int32_t)k;
        }
    }
    start[network->n_neurons] = n;
    return (nm_outgoing){.start = start, .projection = numbers};
}

static inline nm_age *make_ages(arena *a, const nm_network *network, chooses *chosen, chooses *dense) {
    nm_age *ages = zeros(a, network->max_delay, sizeof *ages);
    for (int64_t at = 0; at < network->max_delay; at++) {
        const int64_t delay = network->max_delay - at;
        int32_t *bitmap = zeros(a, network->n_projections, sizeof *bitmap);
        ages[at] =
            (nm_age){.delay = delay, .bitmap = bitmap, .others = make_outgoing(a, network, chosen, delay)};
        for (int64_t k = 0; dense != NULL && k < network->n_projections; k++)
            if (dense(network, k, delay))
                bitmap[ages[at].n_bitmaps++] = (int32_t)k;
    }
    return ages;
}

static inline void lend_push(arena *a, nm_network *network, nm_push *push) {
    *push = (nm_push){.steps = 16, .min_delay = network->max_delay, .max_delay = 1};
    network->push = NULL;
    for (int64_t k = 0; k < network->n_projections; k++) {
        const nm_projection *p = &network->projections[k];
        if (!is_pushed(network, k, 0))
            continue;
        network->push = push;
        push->min_delay = p->min_delay < push->min_delay ? p->min_delay : push->min_delay;
        push->max_delay = p->max_delay > push->max_delay ? p->max_delay : push->max_delay;
        if (push->sum[p->port] == NULL)
            push->sum[p->port] = zeros(a, push->steps * network->n_neurons, sizeof(double));
    }
}

static inline void list_stepped(arena *a, nm_network *network) {
    int32_t *number[3];
    nm_swept *swept = zeros(a, network->n_projections, sizeof *swept);
    nm_routes *routes = &network->routes;
    for (int k = 0; k < 3; k++)
        number[k] = zeros(a, network->n_projections, sizeof(int32_t));
    for (int32_t k = 0; k < network->n_projections; k++) {
        const nm_projection *p = &network->projections[k];
        if (p->rule != NULL && !(p->lazy != NULL && p->lazy->follows))
            number[0][routes->n_stepped++] = k;
        if (p->short_term != NULL)
            number[1][routes->n_short_term++] = k;
        if (p->homeostasis != NULL)
            number[2][routes->n_scaled++] = k;
        if (p->lazy != NULL) {
            int32_t *own = zeros(a, 1, sizeof *own);
            *own = k;
            swept[routes->n_swept++] =
                (nm_swept){.sweep = p->lazy->sweep, .n_rows = p->n_rows, .n = 1, .projection = own};
        }
    }
    routes->stepped = number[0], routes->short_term = number[1], routes->scaled = number[2];
    routes->swept = swept;
}

/* After all projections are complete. */
static inline void lend_routes(arena *a, nm_network *network, nm_push *push) {
    int64_t *first = zeros(a, network->n_neurons + 1, sizeof *first);
    nm_routes *routes = &network->routes;
    for (int64_t slot = 0; slot <= network->n_neurons; slot++)
        first[slot] = slot;
    *routes = (nm_routes){.n_ranges = network->n_neurons, .first = first};
    routes->static_ages = make_ages(a, network, is_pulled_static, NULL);
    routes->ages = make_ages(a, network, is_other, is_dense);
    routes->n_static_ages = routes->n_ages = network->max_delay;
    routes->pushed = make_outgoing(a, network, is_pushed, 0);
    list_stepped(a, network);
    lend_push(a, network, push);
}

#endif
