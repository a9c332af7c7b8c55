/* Plain lists of synapses, and the projections that they make of a network that is cut into parts: rows,
 * places, segments of one delay, 16-bit targets.
 * SPDX-License-Identifier: MIT */
#ifndef WIRING_H
#define WIRING_H

#include "draw.h"
#include "lent.h"

typedef struct synapse {
    int64_t pre, post, delay; /* slots; steps */
    float weight;
} synapse;

/* Synapses by (source, target), both ascending, with the sources that may have some. */
typedef struct wiring {
    int64_t pre_first, n_rows, n;
    synapse *synapses;
} wiring;

/* In -1 .. 1, of 24 bits, divided by 2^0 .. 2^(octaves - 1): with many octaves sums are not exact, and
 * another order of them shows. */
static inline float draw_weight(int octaves) {
    const double unit = 2.0 * uniform() - 1.0;
    return (float)(unit / (double)((int64_t)1 << below(octaves)));
}

/* Every pair is joined with probability `density`, a tenth of the joined ones twice; delays of low .. high
 * steps. */
static inline wiring draw_wiring(arena *a, int64_t pre_first, int64_t n_rows, int64_t n_neurons,
                                 double density, int64_t low, int64_t high, int octaves) {
    wiring w = {.pre_first = pre_first, .n_rows = n_rows};
    w.synapses = zeros(a, 2 * n_rows * n_neurons, sizeof *w.synapses);
    for (int64_t row = 0; row < n_rows; row++)
        for (int64_t post = 0; post < n_neurons; post++)
            for (int64_t k = uniform() < density ? 1 + (uniform() < 0.1) : 0; k > 0; k--)
                w.synapses[w.n++] = (synapse){.pre = pre_first + row,
                                              .post = post,
                                              .delay = low + below(high - low + 1),
                                              .weight = draw_weight(octaves)};
    return w;
}

static inline int64_t shortest(const wiring *w) {
    int64_t delay = w->n > 0 ? w->synapses[0].delay : 1;
    for (int64_t s = 1; s < w->n; s++)
        delay = w->synapses[s].delay < delay ? w->synapses[s].delay : delay;
    return delay;
}

static inline int64_t longest(const wiring *w) {
    int64_t delay = 1;
    for (int64_t s = 0; s < w->n; s++)
        delay = w->synapses[s].delay > delay ? w->synapses[s].delay : delay;
    return delay;
}

/* One past the last synapse, from `first` on, of a row whose target lies before slot `end`. */
static inline int64_t end_of_bucket(const wiring *w, int64_t first, int64_t row, int64_t end) {
    while (first < w->n && w->synapses[first].pre == w->pre_first + row && w->synapses[first].post < end)
        first++;
    return first;
}

/* Appends the synapses first .. end - 1 of one delay; `at` counts those that are laid. */
static inline void lay_run(const wiring *w, int64_t first, int64_t end, int64_t delay,
                           int64_t partition_first, uint16_t *local, float *weight, int64_t *at) {
    for (const synapse *s = w->synapses + first; s < w->synapses + end; s++) {
        if (s->delay != delay)
            continue;
        local[*at] = (uint16_t)(s->post - partition_first);
        if (weight != NULL)
            weight[*at] = s->weight;
        ++*at;
    }
}

/* The projection of a wiring. `own`: each synapse has its weight; else all have `constant_weight`. Where all
 * delays are equal a place is one segment. */
static inline nm_projection lay_out(arena *a, const nm_network *network, const wiring *w, int own,
                                    double constant_weight) {
    const int64_t low = shortest(w), high = longest(w), n_buckets = w->n_rows * network->n_partitions;
    int64_t *bucket_run = zeros(a, n_buckets + 1, sizeof *bucket_run);
    int64_t *start = zeros(a, n_buckets * (high - low + 1) + 1, sizeof *start);
    uint16_t *delays = zeros(a, n_buckets * (high - low + 1), sizeof *delays);
    uint16_t *local = zeros(a, w->n, sizeof *local);
    float *weight = own ? zeros(a, w->n, sizeof *weight) : NULL;
    int64_t delay_run = 0, at = 0, first = 0;
    for (int64_t bucket = 0; bucket < n_buckets; bucket++) {
        const int64_t partition = bucket % network->n_partitions;
        const int64_t end = end_of_bucket(w, first, bucket / network->n_partitions,
                                          nm_network_partition_end(network, partition));
        bucket_run[bucket] = delay_run;
        for (int64_t delay = low; delay <= high; delay++) {
            start[delay_run] = at;
            lay_run(w, first, end, delay, nm_network_partition_first(network, partition), local, weight, &at);
            if (at > start[delay_run] || low == high)
                delays[delay_run++] = (uint16_t)delay;
        }
        first = end;
    }
    bucket_run[n_buckets] = delay_run, start[delay_run] = at;
    return (nm_projection){.pre_first = w->pre_first,
                           .n_rows = w->n_rows,
                           .n_runs = delay_run,
                           .n_synapses = at,
                           .bucket_run = low < high ? bucket_run : NULL,
                           .run_start = start,
                           .run_delay = low < high ? delays : NULL,
                           .target = local,
                           .weight = weight,
                           .constant_weight = constant_weight,
                           .constant_delay = low,
                           .min_delay = low,
                           .max_delay = high,
                           .weight_kept = 1.0};
}

#endif
