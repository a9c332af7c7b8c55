/* Plasticity at the end of a step: event rules, weight decay, and the traces. Lazy rules act during delivery
 * (nm_lazy.h). A synapse is changed by its own events alone, so synapses may be processed in any order, and
 * by any partition of targets, with the same results.
 * SPDX-License-Identifier: MIT */
#include "nm_plasticity.h"
#include "nm_change.h"
#include "nm_events.h"
#include "nm_lazy.h"
#include "nm_loop.h"

#include <math.h>
#include <string.h>

/* Weights whose strength decays below this value are set to 0. Below 1.2e-38 a float is denormal:
 * operations are slow, and the smallest denormal does not decay any further. */
static const double LEAST_WEIGHT = 1e-30;

/* One projection in one step. */
typedef struct pass {
    const nm_network *network;
    const nm_projection *projection;
    const nm_delay *ring;
    uint64_t seed;
    int64_t step, partition;
} pass;

/* ---- decay, and this step's spikes enter the traces ---------------------------------------------- */

/* One multiplication for every synapse in every step, arrivals or not. */
static void decay_run(const nm_projection *p, int64_t delay_run, nm_ids ids, uint32_t key) {
    const double kept = p->weight_kept;
    float *weight = p->weight;
    double low, high;
    nm_change_bounds(p->weight_min, p->weight_max, p->inhibitory, &low, &high);
    for (int64_t s = p->run_start[delay_run]; s < p->run_start[delay_run + 1]; s++) {
        double was = (double)weight[s];
        double sign = p->inhibitory && was < 0.0 ? -1.0 : 1.0;
        double moved = sign * was * kept;
        moved = fabs(moved) < LEAST_WEIGHT ? 0.0 : moved;
        moved = moved < low ? low : moved;
        moved = moved > high ? high : moved;
        const float rounded = nm_round(sign * moved, nm_projection_word(p, key, ids, p->target[s]));
        weight[s] = was == 0.0 ? weight[s] : rounded;
    }
}

static void decay_partition(const pass *a) {
    const nm_projection *p = a->projection;
    const nm_ids ids = nm_network_ids(a->network, a->partition);
    const uint32_t key = nm_round_key(a->seed, p->number, a->step, NM_ROUND_DECAY);
    for (int64_t row = 0; row < p->n_rows; row++) {
        const int64_t bucket = nm_bucket(a->network, p, row, a->partition);
        const int64_t first = p->bucket_run == NULL ? bucket : p->bucket_run[bucket];
        const int64_t end = p->bucket_run == NULL ? bucket + 1 : p->bucket_run[bucket + 1];
        for (int64_t delay_run = first; delay_run < end; delay_run++)
            decay_run(p, delay_run, ids, key + nm_run_word(p, delay_run));
    }
}

static void decay_trace(double *trace, int64_t n, double kept) {
    NM_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        trace[i] = nm_flush(trace[i] * kept);
}

/* The column that a low-pass trace of the targets filters; NULL: the trace is of spikes. */
static const double *filtered(const nm_projection *p, int k) {
    return p->events == NULL ? NULL : p->events->post_lowpass_source[k];
}

void nm_plasticity_decay(const nm_network *network, int64_t partition) {
    const int64_t first = nm_network_partition_first(network, partition),
                  n = nm_network_partition_end(network, partition) - first;
    for (int64_t k = 0; k < network->routes.n_stepped; k++) {
        const nm_projection *p = &network->projections[network->routes.stepped[k]];
        for (int m = 0; m < NM_MAX_TRACES && p->post_trace[m] != NULL; m++)
            if (filtered(p, m) == NULL && !p->post_follows[m])
                decay_trace(p->post_trace[m] + first, n, p->post_kept[m]);
    }
}

static void filter(double *trace, const double *column, int64_t n, double gained) {
    NM_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        trace[i] += gained * (column[i] - trace[i]);
}

/* Whether an earlier trace filters the same column, whose history they share. */
static int history_is_shared(const nm_events *e, int k) {
    for (int earlier = 0; earlier < k; earlier++)
        if (e->post_history[earlier] == e->post_history[k])
            return 1;
    return 0;
}

/* Low-pass traces of the targets take in their column, or the column of lowpass_lag steps before; then this
 * step's column takes the place of the oldest. */
static void filter_columns(const pass *a) {
    const nm_projection *p = a->projection;
    const nm_events *e = p->events;
    const int64_t first = nm_network_partition_first(a->network, a->partition),
                  n = nm_network_partition_end(a->network, a->partition) - first;
    const int64_t row = e->lowpass_lag == 0 ? 0 : a->step % e->lowpass_lag * a->network->n_neurons;
    for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++)
        if (filtered(p, k) != NULL)
            filter(p->post_trace[k] + first,
                   (e->post_history[k] == NULL ? filtered(p, k) : e->post_history[k] + row) + first, n,
                   1.0 - p->post_kept[k]);
    for (int k = 0; k < NM_MAX_TRACES; k++)
        if (e->post_history[k] != NULL && !history_is_shared(e, k))
            memcpy(e->post_history[k] + row + first, filtered(p, k) + first, (size_t)n * sizeof(double));
}

static void enter_traces(const pass *a) {
    const nm_projection *p = a->projection;
    const int32_t *slot = nm_delay_list(a->ring, a->step, a->partition);
    const int64_t n_spikes = *nm_delay_count(a->ring, a->step, a->partition);
    for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++) {
        const int nearest = p->rule->post_traces[k].kind == NM_TRACE_NEAREST;
        for (int64_t i = 0; filtered(p, k) == NULL && !p->post_follows[k] && i < n_spikes; i++)
            p->post_trace[k][slot[i]] = nearest ? 1.0 : p->post_trace[k][slot[i]] + 1.0;
    }
    if (p->events != NULL)
        filter_columns(a);
}

static const nm_factors *factors_of(const nm_projection *p, const nm_factors *all, int64_t step) {
    const nm_acting *own = p->acting;
    return own == NULL ? all : own->factors + step % NM_INTERVAL * own->n_zones;
}

void nm_plasticity_step(const nm_network *network, const nm_delay *ring, const nm_factors *factor,
                        const double *fired, double dt, uint64_t seed, int64_t step, int64_t partition) {
    pass a = {.network = network, .ring = ring, .seed = seed, .step = step, .partition = partition};
    nm_stretches stretches;
    nm_stretches_begin(&stretches, network->n_neurons);
    for (int64_t k = 0; k < network->routes.n_stepped; k++) {
        const nm_projection *p = a.projection = &network->projections[network->routes.stepped[k]];
        if (p->lazy != NULL) {
            const nm_lazy_step lazy = {
                .network = network, .projection = p, .dt = dt, .seed = seed, .now = step};
            nm_lazy_fire(&lazy, partition, nm_delay_list(ring, step, partition),
                         *nm_delay_count(ring, step, partition));
        } else {
            const nm_events_step events = {.network = network,
                                           .projection = p,
                                           .ring = ring,
                                           .factor = factors_of(p, factor, step),
                                           .fired = fired,
                                           .dt = dt,
                                           .seed = seed,
                                           .now = step,
                                           .partition = partition,
                                           .stretches = &stretches};
            if (p->weight_kept < 1.0 && !p->frozen)
                decay_partition(&a);
            nm_events_run(&events);
        }
    }
    for (int64_t k = 0; k < network->routes.n_stepped; k++) { /* apart, since projections share traces */
        a.projection = &network->projections[network->routes.stepped[k]];
        enter_traces(&a);
    }
}
