/* Pull delivery: for every age d, the spikes of step now - d are delivered over the delay runs of delay d.
 * The cost is bound by the loads and stores of the array of inputs, which fits into the first-level cache,
 * and by the latency of a run's first cache lines; hence the next run is fetched ahead. Memory bandwidth does
 * not bind. Sums are formed in the order (age descending, source, projection, synapse), for any number of partitions:
 * first that of the static projections, from zero, so that push delivery (nm_push.h) and joined rows (nm_join.h) give
 * the same bits; then those of projections with a rule are added, in each age after those with bitmaps.
 * nm_bitmap_deliver.h decides which spikes are delivered over bitmaps.
 * SPDX-License-Identifier: MIT */
#include "nm_deliver.h"
#include "nm_bitmap_deliver.h"
#include "nm_events.h"
#include "nm_lazy.h"
#include "nm_pull.h"
#include "nm_push.h"
#include "nm_stretches.h"
#include "nm_transmit.h"

#include <string.h>

/* Cache lines of the next delay run that are fetched ahead: 512 targets. The hardware prefetcher streams the
 * rest. */
enum { FETCH_LINES = 16 };

typedef struct delivery {
    const nm_delivery *to;
    const nm_projection *projection;
    double *input; /* [target] inputs of the partition */
    int64_t partition, partition_first, delay;
    nm_lazy_step lazy;
    nm_events_step events;
    nm_bitmap_partition bitmap;
    nm_stretches *stretches;
} delivery;

NM_INLINE void fetch(const nm_projection *p, int64_t delay_run) {
    if (p->lazy != NULL) /* an update of a lazy rule prefetches for the next update */
        return;
    const int64_t first = p->run_start[delay_run], last = p->run_start[delay_run + 1];
    nm_fetch_lines(p->target + first, p->target + last, FETCH_LINES);
    if (p->weight != NULL)
        nm_fetch_lines(p->weight + first, p->weight + last, FETCH_LINES);
}

NM_INLINE void fetch_bucket(const nm_projection *p, int64_t delay_run) {
    NM_FETCH(p->run_start + delay_run);
    if (p->lazy != NULL)
        nm_lazy_fetch(p, delay_run);
}

/* Weights that move between events are brought to the step in which they act. */
static void advance(const delivery *d, int64_t delay_run) {
    const nm_plasticity_rule *rule = d->projection->rule;
    if (rule != NULL && rule->advance != NULL)
        nm_events_advance(&d->events, delay_run);
}

static void deliver_run(const delivery *d, int32_t slot, int64_t delay_run, nm_lazy_run next) {
    const nm_projection *p = d->projection;
    if (p->lazy != NULL) {
        nm_lazy_arrive(&d->lazy, d->partition, slot - p->pre_first, delay_run, next);
        return;
    }
    const int64_t first = p->run_start[delay_run], last = p->run_start[delay_run + 1];
    advance(d, delay_run);
    if (p->inhibitory)
        nm_transmit_by(p, first, last, 1, 0, 1.0, d->input);
    else
        nm_transmit_by(p, first, last, 0, 0, 1.0, d->input);
}

/* Short-term plasticity: every weight is multiplied by the efficacy of the source's spike of this age. */
static void deliver_efficacy(const delivery *d, int32_t slot, int64_t delay_run, nm_lazy_run next) {
    const nm_projection *p = d->projection;
    const int64_t first = p->run_start[delay_run], last = p->run_start[delay_run + 1];
    const double share = nm_short_term_efficacy(p, slot - p->pre_first, d->lazy.now - d->delay);
    if (p->lazy != NULL) {
        nm_lazy_step step = d->lazy;
        step.efficacy = share;
        nm_lazy_arrive(&step, d->partition, slot - p->pre_first, delay_run, next);
        return;
    }
    advance(d, delay_run);
    nm_transmit_by(p, first, last, p->inhibitory != 0, 1, share, d->input);
}

/* A spike that was fired before some synapses of the projection were made: it reaches the others alone. */
static void deliver_to_older(const delivery *d, int32_t slot, int64_t delay_run, nm_lazy_run next) {
    const nm_projection *p = d->projection;
    const int64_t fired = d->lazy.now - d->delay;
    const double share = nm_share_of(p, slot - p->pre_first, fired);
    if (!nm_projection_reaches_run(p, delay_run, fired))
        return;
    if (p->lazy != NULL) {
        nm_lazy_step step = d->lazy;
        step.efficacy = share, step.born = p->born, step.fired = fired;
        nm_lazy_arrive(&step, d->partition, slot - p->pre_first, delay_run, next);
        return;
    }
    advance(d, delay_run);
    nm_transmit_older(p, p->run_start[delay_run], p->run_start[delay_run + 1], fired, share, d->input);
}

/* A spike that arrives at the partition over a delay run; projection NULL: there are no more. */
typedef struct arrival {
    const nm_projection *projection;
    int64_t delay_run;
    int32_t slot;
} arrival;

static arrival next_arrival(const delivery *d, nm_route *route) {
    const nm_network *network = d->to->network;
    for (int32_t k = nm_route_next(route); k >= 0; k = nm_route_next(route)) {
        const nm_projection *p = &network->projections[k];
        if (p->reached != NULL && !p->reached[d->partition])
            continue;
        const int64_t bucket = nm_bucket(network, p, route->slot - p->pre_first, d->partition);
        const int64_t delay_run = nm_projection_run(p, bucket, d->delay);
        if (delay_run >= 0 && nm_projection_reaches(p, route->step))
            return (arrival){p, delay_run, route->slot};
    }
    return (arrival){NULL, -1, -1};
}

static void select_projection(delivery *d, const nm_projection *p) {
    double *input = d->to->input[p->port];
    d->projection = d->lazy.projection = d->events.projection = p;
    d->input = input + d->partition_first;
    d->lazy.input = input;
    d->bitmap.touched[p->port] = 1;
}

/* `next` is prefetched by the update of a lazy rule. */
static void deliver_arrival(delivery *d, arrival here, arrival next) {
    const nm_projection *p = here.projection;
    const int lazy = next.projection != NULL && next.projection->lazy != NULL;
    const nm_lazy_run next_run = {lazy ? next.projection : NULL, next.delay_run};
    if (p != d->projection)
        select_projection(d, p);
    if (!nm_projection_reaches_all(p, d->lazy.now - d->delay))
        deliver_to_older(d, here.slot, here.delay_run, next_run);
    else if (p->short_term == NULL)
        deliver_run(d, here.slot, here.delay_run, next_run);
    else
        deliver_efficacy(d, here.slot, here.delay_run, next_run);
}

/* Two prefetches run ahead of the work, since the second needs the result of the first: the start of the
 * delay run after next, then the cache lines of the next run. */
static void deliver_spikes(delivery *d, nm_route route) {
    arrival next = next_arrival(d, &route), after = next_arrival(d, &route);
    d->projection = NULL;
    while (next.projection != NULL) {
        const arrival here = next;
        next = after;
        if (after.projection != NULL) {
            after = next_arrival(d, &route);
            fetch(next.projection, next.delay_run);
        }
        if (after.projection != NULL)
            fetch_bucket(after.projection, after.delay_run);
        deliver_arrival(d, here, next);
    }
}

/* The spikes of one step over a projection with bitmaps: over the bitmaps, or over its list alone. */
static void deliver_dense(delivery *d, int32_t k, int64_t fired) {
    const nm_projection *p = &d->to->network->projections[k];
    const int64_t first[] = {p->pre_first, p->pre_first + p->n_rows}, start[] = {0, 1};
    const nm_routes rows = {.n_ranges = 1, .first = first};
    const nm_outgoing only = {.start = start, .projection = &k};
    if (!nm_projection_reaches_all(p, fired) ||
        !nm_bitmap_deliver(&d->bitmap, p, fired, d->to->input[p->port] + d->partition_first))
        deliver_spikes(d, nm_route_of(&rows, &only, d->to->ring, fired));
}

static int may_arrive(delivery *d, int32_t k, int64_t fired) {
    const nm_projection *p = &d->to->network->projections[k];
    return nm_stretches_met(d->stretches, d->to->ring, fired, p->pre_first, p->n_rows);
}

static void deliver_age(delivery *d, const nm_age *age, int64_t now) {
    const int64_t fired = now - age->delay;
    d->delay = age->delay;
    for (int64_t k = 0; k < age->n_bitmaps; k++)
        if (age->n_bitmaps == 1 || may_arrive(d, age->bitmap[k], fired))
            deliver_dense(d, age->bitmap[k], fired);
    deliver_spikes(d, nm_route_of(&d->to->network->routes, &age->others, d->to->ring, fired));
}

static void sweep(delivery *d, const nm_swept *swept) {
    int64_t row, end;
    nm_lazy_swept_rows(swept->sweep, swept->n_rows, d->lazy.now, &row, &end);
    for (int64_t k = 0; row < end && k < swept->n; k++) {
        d->lazy.projection = &d->to->network->projections[swept->projection[k]];
        nm_lazy_sweep_partition(&d->lazy, d->partition);
    }
}

void nm_deliver_static(nm_delivery *to, int64_t now, int64_t first, int64_t end) {
    memset(to->touched, 0, sizeof to->touched);
    nm_pull_deliver(to->network, to->ring, now, first, end, to->input, to->touched);
    if (to->network->push != NULL)
        nm_push_deliver(to->network, to->ring, now, to->first, to->last, first, end, to->input, to->touched);
}

void nm_deliver(const nm_delivery *to, int64_t now, int64_t partition) {
    const nm_network *network = to->network;
    const nm_routes *routes = &network->routes;
    nm_stretches stretches;
    nm_stretches_begin(&stretches, network->n_neurons);
    delivery d = {
        .to = to,
        .stretches = &stretches,
        .partition = partition,
        .partition_first = nm_network_partition_first(network, partition),
        .lazy = {.network = network, .dt = to->dt, .seed = to->seed, .now = now, .efficacy = 1.0},
        .events = {.network = network, .dt = to->dt, .seed = to->seed, .now = now, .partition = partition},
        .bitmap = {.network = network, .ring = to->ring, .room = to->bitmap, .partition = partition}};
    memcpy(d.bitmap.touched, to->touched, sizeof to->touched);
    for (int64_t k = 0; k < routes->n_ages; k++)
        if (nm_delay_any(to->ring, now - routes->ages[k].delay))
            deliver_age(&d, &routes->ages[k], now);
    for (int64_t k = 0; k < routes->n_swept; k++)
        sweep(&d, &routes->swept[k]);
}
