/* SPDX-License-Identifier: MIT */
#include "nm_dense_deliver.h"
#include "nm_dense.h"

#include <math.h>

/* Arrivals of a step from which bits beat the list. */
enum { MANY = 6 };

static int64_t count_arrivals(nm_dense_arrivals arrivals) {
    int64_t n = 0;
    while (nm_dense_next(&arrivals) >= 0)
        n++;
    return n;
}

static void add_row(const nm_projection *p, int64_t place, double *sum) {
    for (int64_t s = p->segment_start[place]; s < p->segment_start[place + 1]; s++) {
        const double weight = p->weight == NULL ? p->constant_weight : (double)p->weight[s];
        sum[p->target[s]] += p->inhibitory ? -fabs(weight) : weight;
    }
}

/* Over the list, from zero; `sum` is zero again at the end. */
static void add_apart(nm_dense_arrivals arrivals, int64_t n, double *sum, double *input) {
    for (int64_t place = nm_dense_next(&arrivals); place >= 0; place = nm_dense_next(&arrivals))
        add_row(arrivals.projection, place, sum);
    for (int64_t i = 0; i < n; i++) {
        input[i] += sum[i];
        sum[i] = 0.0;
    }
}

/* Where nothing has been added to the input yet, the input itself is the sum from zero, and with little to
 * add the caller's list is the shortest way. */
static int deliver(const nm_dense_part *to, const nm_projection *p, int64_t step, double *input) {
    const int64_t first = nm_network_part_first(to->network, to->part),
                  n = nm_network_part_end(to->network, to->part) - first;
    const nm_dense_arrivals arrivals = {.projection = p, .ring = to->ring, .step = step, .part = to->part};
    const int64_t n_arrivals = count_arrivals(arrivals);
    const int has_bits = p->weight == NULL && n_arrivals <= p->dense->most;
    if (n_arrivals == 0)
        return 1;
    if (has_bits && (to->touched[p->port] || n_arrivals >= MANY))
        nm_dense_add(arrivals, n, to->room.count + to->part * nm_dense_counts(to->network->part_width),
                     input);
    else if (to->touched[p->port])
        add_apart(arrivals, n, to->room.sum + first, input);
    else
        return 0;
    return 1;
}

int nm_dense_deliver(nm_dense_part *to, const nm_projection *p, int64_t step, double *input) {
    const int done = p->dense != NULL && deliver(to, p, step, input);
    to->touched[p->port] = 1;
    return done;
}
