/* Routes: which projections a spike takes. The slots are cut into ranges, and all neurons of a range are sources of
 * the same projections. A spike looks up its range once, for any number of projections.
 * SPDX-License-Identifier: MIT */
#ifndef NM_ROUTES_H
#define NM_ROUTES_H

#include "nm_delay.h"

/* The projections that leave each range, for one age or for push delivery. */
typedef struct nm_outgoing {
    const int64_t *start;      /* [n_ranges + 1] first entry of a range */
    const int32_t *projection; /* [start[n_ranges]] numbers; within a range in the order of delivery */
} nm_outgoing;

/* The projections that have a delay of `delay` steps and are pulled. */
typedef struct nm_age {
    int64_t delay;
    int64_t n_bitmaps;
    const int32_t *bitmap; /* [n_bitmaps] numbers of those with bitmaps, ascending */
    nm_outgoing others;
} nm_age;

/* Lazy projections of equally many rows, which are swept in the same steps (nm_lazy_sweep_partition). */
typedef struct nm_swept {
    int64_t sweep, n_rows;
    int64_t n;
    const int32_t *projection; /* [n] numbers */
} nm_swept;

typedef struct nm_routes {
    int64_t n_ranges;
    const int64_t *first; /* [n_ranges + 1] first slot of a range; slots outside are sources of nothing */
    /* Delay descending. Static projections, without bitmaps: all onto one port are pulled, or all are pushed. */
    int64_t n_static_ages;
    const nm_age *static_ages;
    nm_outgoing pushed;
    /* Projections with bitmaps or a rule. */
    int64_t n_ages;
    const nm_age *ages;
    /* Work of a step besides delivery: numbers of projections, ascending. */
    int64_t n_stepped, n_short_term, n_scaled;
    const int32_t *stepped; /* with a rule; of the lazy ones that share a history the one that updates it */
    const int32_t *short_term; /* with short-term plasticity */
    const int32_t *scaled;     /* with homeostatic scaling */
    int64_t n_swept;
    const nm_swept *swept; /* all lazy ones */
} nm_routes;

/* Iterator over the spikes of one step and the projections that each of them takes: by source, then projection. */
typedef struct nm_route {
    const nm_routes *routes;
    const nm_outgoing *outgoing;
    const nm_delay *ring;
    int64_t step, row;    /* row: of the ring */
    int64_t source, i, n; /* position in the spike lists of the step, which are read partition by partition */
    int64_t range, at, end;
    const int32_t *list;
    int32_t slot; /* of the present spike */
} nm_route;

static inline nm_route nm_route_of(const nm_routes *routes, const nm_outgoing *outgoing, const nm_delay *ring,
                                   int64_t step) {
    return (nm_route){.routes = routes,
                      .outgoing = outgoing,
                      .ring = ring,
                      .step = step,
                      .row = nm_delay_row(ring, step),
                      .source = -1};
}

/* The range of a slot, from the range of a lower slot on; n_ranges: behind all of them; -1: before the first. */
static inline int64_t nm_routes_range(const nm_routes *routes, int64_t from, int64_t slot) {
    const int64_t *first = routes->first;
    if (routes->n_ranges == 0 || slot < first[0])
        return -1;
    int64_t low = from < 0 ? 0 : from, stride = 1;
    while (low + stride <= routes->n_ranges && first[low + stride] <= slot) {
        low += stride;
        stride *= 2;
    }
    for (; stride >= 1; stride /= 2)
        if (low + stride <= routes->n_ranges && first[low + stride] <= slot)
            low += stride;
    return low;
}

/* The next projection that a spike takes, and the spike's slot in route->slot; -1: there are no more. */
static inline int32_t nm_route_next(nm_route *route) {
    const nm_routes *routes = route->routes;
    for (;;) {
        if (route->at < route->end)
            return route->outgoing->projection[route->at++];
        if (route->i < route->n) {
            route->slot = route->list[route->i++];
            route->range = nm_routes_range(routes, route->range, route->slot);
            if (route->range >= 0 && route->range < routes->n_ranges) {
                route->at = route->outgoing->start[route->range];
                route->end = route->outgoing->start[route->range + 1];
            }
            continue;
        }
        if (++route->source >= route->ring->n_partitions)
            return -1;
        route->i = 0;
        route->n = *nm_delay_count_in(route->ring, route->row, route->source);
        route->list = nm_delay_list_in(route->ring, route->row, route->source);
    }
}

#endif
