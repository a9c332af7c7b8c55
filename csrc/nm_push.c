/* SPDX-License-Identifier: MIT */
#include "nm_push.h"
#include "nm_transmit.h"

#include <string.h>

/* How many spikes ahead the bucket, the delay runs and the synapses are fetched into the cache. Each fetch
 * needs the result of the one before. */
enum { ROW_AHEAD = 12, DELAY_AHEAD = 8, SYNAPSE_AHEAD = 4, MOST_LINES = 1024, SHORT = 25, ROOM = 512 };

/* The least steps of an epoch; visits of a spike from which epochs are longer; most sums of a longer epoch. */
enum { LEAST_STEPS = 16, VISITS = 16, MOST_SUMS = 1 << 22 };

/* One spike of one bucket: the delays from `least` to `most` arrive before the epoch ends. */
typedef struct arrival {
    const nm_projection *p;
    int64_t bucket, step, least, most;
    int64_t begin; /* first slot that the targets are relative to */
} arrival;

/* Arrivals at the partitions `first` .. `end` - 1, collected so that their data can be fetched ahead. */
typedef struct push {
    const nm_network *network;
    int64_t first, end, mask, n; /* mask: steps of an epoch - 1 */
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

/* The sums in a step of the neurons that a bucket covers. */
NM_INLINE double *sums_of(const push *all, const arrival *a, int64_t step) {
    return all->network->push->sum[a->p->port] + (step & all->mask) * all->network->n_neurons + a->begin;
}

NM_INLINE void push_row_by(const push *all, const arrival *a, const int inhibitory, const int shared,
                           double share) {
    const nm_projection *p = a->p;
    const int64_t end = nm_first_run(p, a->bucket + 1);
    for (int64_t k = first_wanted(a); k < end && nm_delay_of(p, k) <= a->most; k++)
        nm_transmit_by(p, p->run_start[k], p->run_start[k + 1], inhibitory, shared, share,
                       sums_of(all, a, a->step + nm_delay_of(p, k)));
}

static double share_of(const push *all, const arrival *a) {
    return nm_share_of(a->p, nm_row_of(all->network, a->p, a->bucket), a->step);
}

/* A spike that was fired before some synapses were made reaches the others alone. */
static void push_row_to_older(const push *all, const arrival *a) {
    const nm_projection *p = a->p;
    const double share = share_of(all, a);
    const int64_t end = nm_first_run(p, a->bucket + 1);
    for (int64_t k = first_wanted(a); k < end && nm_delay_of(p, k) <= a->most; k++)
        nm_transmit_older(p, p->run_start[k], p->run_start[k + 1], a->step, share,
                          sums_of(all, a, a->step + nm_delay_of(p, k)));
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

NM_INLINE void fetch_synapses(const arrival *a) {
    const nm_projection *p = a->p;
    const int64_t first = p->run_start[guessed(p, a->bucket, a->least)];
    const int64_t last = p->run_start[guessed(p, a->bucket, a->most + 1)];
    nm_fetch_lines(p->target + first, p->target + last, MOST_LINES);
    if (p->weight != NULL)
        nm_fetch_lines(p->weight + first, p->weight + last, MOST_LINES);
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
    for (int64_t part = all->first; part < all->end; part += nm_parts(p)) {
        a.bucket = nm_bucket(all->network, p, slot - p->pre_first, part);
        a.begin = nm_network_partition_first(all->network, part);
        all->arrivals[all->n++] = a;
        if (all->n == ROOM)
            push_all(all);
    }
}

/* ---- one step of one partition ---------------------------------------------------------------------- */

static void take(double *restrict sum, double *restrict input, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        input[i] += sum[i];
        sum[i] = 0.0;
    }
}

void nm_push_deliver(const nm_network *network, const nm_delay *ring, int64_t now, int64_t first,
                     int64_t last, int64_t begin, int64_t end, double *const *input, int *touched) {
    const nm_push *push_of = network->push;
    const int64_t slot = nm_network_partition_first(network, begin),
                  n = nm_network_partition_end(network, end - 1) - slot;
    const int64_t end_of_epoch = ((now - 1) | (push_of->steps - 1)) + 1;
    const int64_t until = end_of_epoch < last ? end_of_epoch : last;
    push all;
    all.network = network, all.first = begin, all.end = end, all.mask = push_of->steps - 1, all.n = 0;
    const int begins = now == first || (now - 1) % push_of->steps == 0;
    const int64_t oldest = now - (begins ? push_of->max_delay : push_of->min_delay);
    for (int64_t step = oldest; step <= now - push_of->min_delay; step++) {
        nm_route route = nm_route_of(&network->routes, &network->routes.pushed, ring, step);
        for (int32_t k = nm_route_next(&route); k >= 0; k = nm_route_next(&route))
            collect(&all, &network->projections[k], route.slot, step, now, until);
    }
    push_all(&all);
    for (int port = 0; port < NM_MAX_INPUTS; port++)
        if (push_of->sum[port] != NULL) {
            take(push_of->sum[port] + (now & all.mask) * network->n_neurons + slot, input[port] + slot, n);
            touched[port] = 1;
        }
}

void nm_push_clear(const nm_network *network) {
    for (int port = 0; network->push != NULL && port < NM_MAX_INPUTS; port++)
        if (network->push->sum[port] != NULL)
            memset(network->push->sum[port], 0,
                   (size_t)(network->push->steps * network->n_neurons) * sizeof(double));
}
