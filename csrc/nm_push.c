/* SPDX-License-Identifier: MIT */
#include "nm_push.h"
#include "nm_loop.h"
#include "nm_short_term.h"

#include <math.h>
#include <string.h>

/* How many spikes ahead the bucket, the delay runs and the synapses are fetched into the cache. Each fetch
 * needs the result of the one before. */
enum { ROW_AHEAD = 12, DELAY_AHEAD = 8, SYNAPSE_AHEAD = 4, LINE = 64, SHORT = 25, ROOM = 512 };

/* The least steps of an epoch; visits of a spike from which epochs are longer; most sums of a longer epoch. */
enum { LEAST_STEPS = 16, VISITS = 16, MOST_SUMS = 1 << 22 };

/* One spike of one bucket: the delays from `least` to `most` arrive before the epoch ends. */
typedef struct arrival {
    const nm_projection *p;
    int64_t bucket, step, least, most;
} arrival;

/* Arrivals at one partition, collected so that their data can be fetched ahead. */
typedef struct push {
    const nm_network *network;
    int64_t partition, begin, mask, n; /* begin: first slot of the partition; mask: steps of an epoch - 1 */
    arrival arrivals[ROOM];
} push;

int nm_push_worth(const nm_projection *p) {
    return p->rule == NULL && p->bucket_run != NULL && p->run_start[p->n_runs] < SHORT * p->n_runs;
}

int64_t nm_push_steps(int64_t max_delay, int64_t n_neurons) {
    int64_t steps = LEAST_STEPS;
    while (steps * VISITS < max_delay && steps * n_neurons < MOST_SUMS)
        steps *= 2;
    return steps;
}

/* ---- one bucket -------------------------------------------------------------------------------------- */

/* Index of the delay run of a delay, exact if the bucket has every delay; inside the bucket in any case. */
static int64_t guessed(const nm_projection *p, int64_t bucket, int64_t delay) {
    const int64_t low = nm_first_run(p, bucket), end = nm_first_run(p, bucket + 1);
    const int64_t guess = low + delay - p->min_delay;
    return guess < end ? guess : end;
}

/* The first delay run of a bucket whose delay is not below a->least. */
static int64_t first_wanted(const arrival *a) {
    const uint16_t *delay = a->p->run_delay;
    int64_t low = nm_first_run(a->p, a->bucket), end = nm_first_run(a->p, a->bucket + 1);
    if (a->least <= a->p->min_delay)
        return low;
    const int64_t guess = guessed(a->p, a->bucket, a->least);
    if (guess < end && delay[guess] == a->least)
        return guess;
    end = guess; /* delays may be missing: the run is at the guess or before */
    while (low < end) {
        const int64_t middle = low + (end - low) / 2;
        if (delay[middle] < a->least)
            low = middle + 1;
        else
            end = middle;
    }
    return low;
}

/* The input from a synapse of weight w. The stored weight of an inhibitory synapse may have either sign. */
NM_INLINE double brought(double w, const int inhibitory, const int shared, double share) {
    const double signed_w = inhibitory ? -fabs(w) : w;
    return shared ? share * signed_w : signed_w;
}

/* The sums of the partition's neurons in a step. */
NM_INLINE double *sums_of(const push *all, const nm_projection *p, int64_t step) {
    return all->network->push->sum[p->port] + (step & all->mask) * all->network->n_neurons + all->begin;
}

NM_INLINE void push_row_by(const push *all, const arrival *a, const int inhibitory, const int shared,
                           double share) {
    const nm_projection *p = a->p;
    const int64_t end = nm_first_run(p, a->bucket + 1);
    const uint16_t *restrict target = p->target;
    const float *restrict weight = p->weight;
    const double each = brought(p->constant_weight, inhibitory, shared, share);
    for (int64_t k = first_wanted(a); k < end && nm_delay_of(p, k) <= a->most; k++) {
        double *restrict sum = sums_of(all, p, a->step + nm_delay_of(p, k));
        const int64_t first = p->run_start[k], last = p->run_start[k + 1];
        if (weight == NULL)
            for (int64_t s = first; s < last; s++)
                sum[target[s]] += each;
        else
            for (int64_t s = first; s < last; s++)
                sum[target[s]] += brought((double)weight[s], inhibitory, shared, share);
    }
}

static double share_of(const push *all, const arrival *a) {
    return nm_short_term_efficacy(a->p, a->bucket / all->network->n_partitions, a->step);
}

/* A spike that was fired before some synapses were made reaches the others alone. */
static void push_row_to_older(const push *all, const arrival *a) {
    const nm_projection *p = a->p;
    const int shared = p->short_term != NULL;
    const double share = shared ? share_of(all, a) : 1.0;
    const int64_t end = nm_first_run(p, a->bucket + 1);
    for (int64_t k = first_wanted(a); k < end && nm_delay_of(p, k) <= a->most; k++) {
        double *sum = sums_of(all, p, a->step + nm_delay_of(p, k));
        for (int64_t s = p->run_start[k]; s < p->run_start[k + 1]; s++)
            if (nm_projection_reaches_synapse(p, s, a->step))
                sum[p->target[s]] += brought(p->weight == NULL ? p->constant_weight : (double)p->weight[s],
                                             p->inhibitory != 0, shared, share);
    }
}

static void push_row(const push *all, const arrival *a) {
    if (!nm_projection_reaches_all(a->p, a->step))
        push_row_to_older(all, a);
    else if (a->p->short_term != NULL)
        push_row_by(all, a, a->p->inhibitory != 0, 1, share_of(all, a));
    else if (a->p->inhibitory)
        push_row_by(all, a, 1, 0, 1.0);
    else
        push_row_by(all, a, 0, 0, 1.0);
}

/* ---- all spikes of a step --------------------------------------------------------------------------- */

static void fetch_delays(const arrival *a) {
    const nm_projection *p = a->p;
    const int64_t k = guessed(p, a->bucket, a->least);
    if (p->run_delay != NULL)
        NM_FETCH(p->run_delay + k);
    NM_FETCH(p->run_start + k);
    NM_FETCH(p->run_start + k + LEAST_STEPS);
}

NM_INLINE void fetch_lines(const void *from, const void *to) {
    const char *first = (const char *)from - (uintptr_t)from % LINE;
    for (const char *at = first; at < (const char *)to; at += LINE)
        NM_FETCH(at);
}

NM_INLINE void fetch_synapses(const arrival *a) {
    const nm_projection *p = a->p;
    const int64_t first = p->run_start[guessed(p, a->bucket, a->least)];
    const int64_t last = p->run_start[guessed(p, a->bucket, a->most + 1)];
    fetch_lines(p->target + first, p->target + last);
    if (p->weight != NULL)
        fetch_lines(p->weight + first, p->weight + last);
}

static void push_all(push *all) {
    const arrival *a = all->arrivals;
    for (int64_t i = 0; i < all->n; i++) {
        if (i + ROW_AHEAD < all->n && a[i + ROW_AHEAD].p->bucket_run != NULL)
            NM_FETCH(a[i + ROW_AHEAD].p->bucket_run + a[i + ROW_AHEAD].bucket);
        if (i + DELAY_AHEAD < all->n)
            fetch_delays(&a[i + DELAY_AHEAD]);
        if (i + SYNAPSE_AHEAD < all->n)
            fetch_synapses(&a[i + SYNAPSE_AHEAD]);
        push_row(all, &a[i]);
    }
    all->n = 0;
}

/* Collect what a spike brings over one projection in the steps from `now` to `end`. */
static void collect(push *all, const nm_projection *p, int64_t slot, int64_t step, int64_t now, int64_t end) {
    arrival a = {.p = p, .step = step, .least = now - step, .most = end - step};
    a.least = a.least > p->min_delay ? a.least : p->min_delay;
    a.most = a.most < p->max_delay ? a.most : p->max_delay;
    if (a.least > a.most || !nm_projection_reaches(p, step))
        return;
    a.bucket = (slot - p->pre_first) * all->network->n_partitions + all->partition;
    all->arrivals[all->n++] = a;
    if (all->n == ROOM)
        push_all(all);
}

/* ---- one step of one partition ---------------------------------------------------------------------- */

static void take(double *restrict sum, double *restrict input, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        input[i] += sum[i];
        sum[i] = 0.0;
    }
}

void nm_push_deliver(const nm_network *network, const nm_delay *ring, int64_t now, int64_t first,
                     int64_t last, int64_t partition, double *const *input) {
    const nm_push *push_of = network->push;
    const int64_t begin = nm_network_partition_first(network, partition),
                  n = nm_network_partition_end(network, partition) - begin;
    const int64_t end_of_epoch = ((now - 1) | (push_of->steps - 1)) + 1;
    const int64_t end = end_of_epoch < last ? end_of_epoch : last;
    push all;
    all.network = network, all.partition = partition, all.begin = begin, all.mask = push_of->steps - 1,
    all.n = 0;
    const int begins = now == first || (now - 1) % push_of->steps == 0;
    const int64_t oldest = now - (begins ? push_of->max_delay : push_of->min_delay);
    for (int64_t step = oldest; step <= now - push_of->min_delay; step++) {
        nm_route route = nm_route_of(&network->routes, &network->routes.pushed, ring, step);
        for (int32_t k = nm_route_next(&route); k >= 0; k = nm_route_next(&route))
            collect(&all, &network->projections[k], route.slot, step, now, end);
    }
    push_all(&all);
    for (int port = 0; port < NM_MAX_INPUTS; port++)
        if (push_of->sum[port] != NULL)
            take(push_of->sum[port] + (now & all.mask) * network->n_neurons + begin, input[port] + begin, n);
}

void nm_push_clear(const nm_network *network) {
    for (int port = 0; network->push != NULL && port < NM_MAX_INPUTS; port++)
        if (network->push->sum[port] != NULL)
            memset(network->push->sum[port], 0,
                   (size_t)(network->push->steps * network->n_neurons) * sizeof(double));
}
