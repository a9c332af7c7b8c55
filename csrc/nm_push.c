/* SPDX-License-Identifier: MIT */
#include "nm_push.h"
#include "nm_loop.h"
#include "nm_short_term.h"

#include <math.h>
#include <string.h>

/* How many spikes ahead the bucket, the delay runs and the synapses are fetched into the cache. Each fetch
 * needs the result of the one before. */
enum { ROW_AHEAD = 12, DELAY_AHEAD = 8, SYNAPSE_AHEAD = 4, LINE = 64, SHORT = 25, ROOM = 512 };

/* One spike of one bucket: the delays from `least` to `most` arrive before the epoch ends. */
typedef struct arrival {
    int64_t bucket, step, least, most;
} arrival;

/* Arrivals at one partition over one projection, collected so that their data can be fetched ahead. */
typedef struct push {
    const nm_projection *p;
    double *sum; /* sum of the partition's first neuron in row 0 of the ring */
    int64_t width, partition, n_partitions, n;
    arrival arrivals[ROOM];
} push;

int nm_push_worth(const nm_projection *p) {
    return p->rule == NULL && p->bucket_run != NULL && p->run_start[p->n_runs] < SHORT * p->n_runs;
}

/* ---- one bucket -------------------------------------------------------------------------------------- */

/* Index of the delay run of a delay, exact if the bucket has every delay; inside the bucket in any case. */
static int64_t guessed(const nm_projection *p, int64_t bucket, int64_t delay) {
    const int64_t low = p->bucket_run[bucket], end = p->bucket_run[bucket + 1];
    const int64_t guess = low + delay - p->min_delay;
    return guess < end ? guess : end;
}

/* The first delay run of a bucket whose delay is not below a->least. */
static int64_t first_wanted(const nm_projection *p, const arrival *a) {
    const uint16_t *delay = p->run_delay;
    const int64_t low = p->bucket_run[a->bucket], end = p->bucket_run[a->bucket + 1];
    int64_t k = guessed(p, a->bucket, a->least); /* delays may be missing: the run is at k or before */
    while (k > low && delay[k - 1] >= a->least)
        k--;
    while (k < end && delay[k] < a->least)
        k++;
    return k;
}

/* The input from a synapse of weight w. The stored weight of an inhibitory synapse may have either sign. */
NM_INLINE double brought(double w, const int inhibitory, const int shared, double share) {
    const double signed_w = inhibitory ? -fabs(w) : w;
    return shared ? share * signed_w : signed_w;
}

NM_INLINE void push_row_by(const push *all, const arrival *a, const int inhibitory, const int shared,
                           double share) {
    const nm_projection *p = all->p;
    const int64_t end = p->bucket_run[a->bucket + 1];
    const uint16_t *restrict target = p->target;
    const float *restrict weight = p->weight;
    const double each = brought(p->constant_weight, inhibitory, shared, share);
    for (int64_t k = first_wanted(p, a); k < end && p->run_delay[k] <= a->most; k++) {
        double *restrict sum = all->sum + ((a->step + p->run_delay[k]) & (NM_PUSH_STEPS - 1)) * all->width;
        const int64_t first = p->run_start[k], last = p->run_start[k + 1];
        if (weight == NULL)
            for (int64_t s = first; s < last; s++)
                sum[target[s]] += each;
        else
            for (int64_t s = first; s < last; s++)
                sum[target[s]] += brought((double)weight[s], inhibitory, shared, share);
    }
}

/* A spike that was fired before some synapses were made reaches the others alone. */
static void push_row_to_older(const push *all, const arrival *a) {
    const nm_projection *p = all->p;
    const int shared = p->short_term != NULL;
    const double share = shared ? nm_short_term_efficacy(p, a->bucket / all->n_partitions, a->step) : 1.0;
    const int64_t end = p->bucket_run[a->bucket + 1];
    for (int64_t k = first_wanted(p, a); k < end && p->run_delay[k] <= a->most; k++) {
        double *sum = all->sum + ((a->step + p->run_delay[k]) & (NM_PUSH_STEPS - 1)) * all->width;
        for (int64_t s = p->run_start[k]; s < p->run_start[k + 1]; s++)
            if (nm_projection_reaches_synapse(p, s, a->step))
                sum[p->target[s]] += brought(p->weight == NULL ? p->constant_weight : (double)p->weight[s],
                                             p->inhibitory != 0, shared, share);
    }
}

static void push_row(const push *all, const arrival *a) {
    const nm_projection *p = all->p;
    if (!nm_projection_reaches_all(p, a->step)) {
        push_row_to_older(all, a);
        return;
    }
    if (p->short_term != NULL)
        push_row_by(all, a, p->inhibitory != 0, 1,
                    nm_short_term_efficacy(p, a->bucket / all->n_partitions, a->step));
    else if (p->inhibitory)
        push_row_by(all, a, 1, 0, 1.0);
    else
        push_row_by(all, a, 0, 0, 1.0);
}

/* ---- all spikes of a step --------------------------------------------------------------------------- */

static void fetch_delays(const nm_projection *p, const arrival *a) {
    const int64_t k = guessed(p, a->bucket, a->least);
    NM_FETCH(p->run_delay + k);
    NM_FETCH(p->run_start + k);
    NM_FETCH(p->run_start + k + NM_PUSH_STEPS);
}

NM_INLINE void fetch_lines(const void *from, const void *to) {
    const char *first = (const char *)from - (uintptr_t)from % LINE;
    for (const char *at = first; at < (const char *)to; at += LINE)
        NM_FETCH(at);
}

NM_INLINE void fetch_synapses(const nm_projection *p, const arrival *a) {
    const int64_t first = p->run_start[guessed(p, a->bucket, a->least)];
    const int64_t last = p->run_start[guessed(p, a->bucket, a->most + 1)];
    fetch_lines(p->target + first, p->target + last);
    if (p->weight != NULL)
        fetch_lines(p->weight + first, p->weight + last);
}

static void push_all(push *all) {
    const arrival *a = all->arrivals;
    for (int64_t i = 0; i < all->n; i++) {
        if (i + ROW_AHEAD < all->n)
            NM_FETCH(all->p->bucket_run + a[i + ROW_AHEAD].bucket);
        if (i + DELAY_AHEAD < all->n)
            fetch_delays(all->p, &a[i + DELAY_AHEAD]);
        if (i + SYNAPSE_AHEAD < all->n)
            fetch_synapses(all->p, &a[i + SYNAPSE_AHEAD]);
        push_row(all, &a[i]);
    }
    all->n = 0;
}

static void collect(push *all, const int32_t *slot, int64_t n_spikes, arrival a) {
    const nm_projection *p = all->p;
    for (int64_t i = 0; i < n_spikes; i++) {
        const int64_t row = slot[i] - p->pre_first;
        if (row < 0 || row >= p->n_rows)
            continue;
        a.bucket = row * all->n_partitions + all->partition;
        all->arrivals[all->n++] = a;
        if (all->n == ROOM)
            push_all(all);
    }
}

/* Collect the arrivals of one step's spikes in the steps from `now` to `end`. */
static void push_step(push *all, const nm_delay *ring, int64_t step, int64_t now, int64_t end) {
    const nm_projection *p = all->p;
    arrival a = {.step = step, .least = now - step, .most = end - step};
    a.least = a.least > p->min_delay ? a.least : p->min_delay;
    a.most = a.most < p->max_delay ? a.most : p->max_delay;
    if (a.least > a.most || !nm_projection_reaches(p, step))
        return;
    for (int64_t source = 0; source < all->n_partitions; source++)
        collect(all, nm_delay_list(ring, step, source), *nm_delay_count(ring, step, source), a);
}

/* ---- one step of one partition ---------------------------------------------------------------------- */

static void take(double *restrict sum, double *restrict input, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        input[i] += sum[i];
        sum[i] = 0.0;
    }
}

void nm_push_deliver(const nm_network *network, const nm_projection *p, const nm_delay *ring, int64_t now,
                     int64_t first, int64_t last, int64_t partition, double *input) {
    const int64_t begin = nm_network_partition_first(network, partition),
                  n = nm_network_partition_end(network, partition) - begin;
    const int64_t end_of_block = ((now - 1) | (NM_PUSH_STEPS - 1)) + 1;
    const int64_t end = end_of_block < last ? end_of_block : last;
    push all;
    all.p = p, all.sum = p->push->sum + begin, all.width = network->n_neurons;
    all.partition = partition, all.n_partitions = network->n_partitions, all.n = 0;
    const int begins = now == first || (now - 1) % NM_PUSH_STEPS == 0;
    for (int64_t step = now - (begins ? p->max_delay : p->min_delay); step <= now - p->min_delay; step++)
        push_step(&all, ring, step, now, end);
    push_all(&all);
    take(all.sum + (now & (NM_PUSH_STEPS - 1)) * all.width, input + begin, n);
}

void nm_push_clear(const nm_network *network) {
    for (int64_t k = 0; k < network->n_projections; k++)
        if (network->projections[k].push != NULL)
            memset(network->projections[k].push->sum, 0,
                   (size_t)(NM_PUSH_STEPS * network->n_neurons) * sizeof(double));
}
