/* SPDX-License-Identifier: MIT */
#include "nm_pull.h"
#include "nm_transmit.h"

/* How many arrivals ahead a bucket and its delay runs are fetched; synapses that are fetched ahead, beyond the
 * next run; lines of one run that are fetched, since the processor streams the others. */
enum { BUCKET_AHEAD = 40, RUN_AHEAD = 28, MOST_AHEAD = 20, SYNAPSES_AHEAD = 768, LINES = 16, ROOM = 128 };

/* A spike that arrives now over one projection. */
typedef struct arrival {
    const nm_projection *p;
    int64_t bucket;
    int32_t delay, begin; /* begin: first slot that the targets are relative to */
    int64_t first, last;  /* its synapses, once they are found */
} arrival;

typedef struct pull {
    const nm_network *network;
    double *const *input;
    int64_t first, end, now, n; /* first and last partition, the latter excluded */
    arrival arrivals[ROOM];
} pull;

/* ---- one arrival ------------------------------------------------------------------------------------- */

static void fetch_runs(const arrival *a) {
    const nm_projection *p = a->p;
    int64_t guess = a->bucket;
    if (p->bucket_run != NULL) {
        guess = p->bucket_run[a->bucket] + a->delay - p->min_delay; /* right if the bucket has every delay */
        guess = guess < p->n_runs ? guess : 0;
        NM_FETCH(p->run_delay + guess);
    }
    NM_FETCH(p->run_start + guess);
}

static void find(arrival *a) {
    const nm_projection *p = a->p;
    const int64_t delay_run = nm_projection_run(p, a->bucket, a->delay);
    a->first = delay_run < 0 ? 0 : p->run_start[delay_run];
    a->last = delay_run < 0 ? 0 : p->run_start[delay_run + 1];
    nm_fetch_lines(p->target + a->first, p->target + a->last, LINES);
    if (p->weight != NULL)
        nm_fetch_lines(p->weight + a->first, p->weight + a->last, LINES);
}

static void add(const pull *all, const arrival *a) {
    const nm_projection *p = a->p;
    double *sum = all->input[p->port] + a->begin;
    const int64_t fired = all->now - a->delay;
    const double share =
        p->short_term == NULL ? 1.0 : nm_share_of(p, nm_row_of(all->network, p, a->bucket), fired);
    if (!nm_projection_reaches_all(p, fired))
        nm_transmit_older(p, a->first, a->last, fired, share, sum);
    else if (p->short_term != NULL)
        nm_transmit_by(p, a->first, a->last, p->inhibitory != 0, 1, share, sum);
    else if (p->inhibitory)
        nm_transmit_by(p, a->first, a->last, 1, 0, 1.0, sum);
    else
        nm_transmit_by(p, a->first, a->last, 0, 0, 1.0, sum);
}

/* ---- all arrivals of a step -------------------------------------------------------------------------- */

static void add_all(pull *all) {
    arrival *a = all->arrivals;
    int64_t found = 0, ahead = 0; /* ahead: synapses that were found and not added */
    for (int64_t i = 0; i < all->n; i++) {
        if (i + BUCKET_AHEAD < all->n && a[i + BUCKET_AHEAD].p->bucket_run != NULL)
            NM_FETCH(a[i + BUCKET_AHEAD].p->bucket_run + a[i + BUCKET_AHEAD].bucket);
        if (i + RUN_AHEAD < all->n)
            fetch_runs(&a[i + RUN_AHEAD]);
        while (found < all->n && (found <= i + 1 || (ahead < SYNAPSES_AHEAD && found <= i + MOST_AHEAD))) {
            find(&a[found]);
            ahead += a[found].last - a[found].first;
            found++;
        }
        add(all, &a[i]);
        ahead -= a[i].last - a[i].first;
    }
    all->n = 0;
}

/* Collect what the spikes of one age bring. */
static void collect(pull *all, const nm_delay *ring, const nm_age *age, int *touched) {
    const nm_network *network = all->network;
    const int64_t fired = all->now - age->delay;
    nm_route route = nm_route_of(&network->routes, &age->others, ring, fired);
    for (int32_t k = nm_route_next(&route); k >= 0; k = nm_route_next(&route)) {
        const nm_projection *p = &network->projections[k];
        if (!nm_projection_reaches(p, fired))
            continue;
        touched[p->port] = 1;
        for (int64_t part = all->first; part < all->end; part += nm_parts(p)) {
            all->arrivals[all->n++] =
                (arrival){.p = p,
                          .bucket = nm_bucket(network, p, route.slot - p->pre_first, part),
                          .delay = (int32_t)age->delay,
                          .begin = (int32_t)nm_network_partition_first(network, part)};
            if (all->n == ROOM)
                add_all(all);
        }
    }
}

void nm_pull_deliver(const nm_network *network, const nm_delay *ring, int64_t now, int64_t first, int64_t end,
                     double *const *input, int *touched) {
    const nm_routes *routes = &network->routes;
    pull all;
    all.network = network, all.input = input, all.first = first, all.end = end, all.now = now, all.n = 0;
    for (int64_t k = 0; k < routes->n_static_ages; k++)
        if (nm_delay_any(ring, now - routes->static_ages[k].delay))
            collect(&all, ring, &routes->static_ages[k], touched);
    add_all(&all);
}
