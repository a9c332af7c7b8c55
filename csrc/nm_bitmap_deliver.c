/* SPDX-License-Identifier: MIT */
#include "nm_bitmap_deliver.h"
#include "nm_bitmap.h"

#include <math.h>

/* Number of arrivals from which the bitmaps are faster than the list. */
enum { MANY = 6 };

static int64_t count_arrivals(nm_bitmap_arrivals arrivals) {
    int64_t n = 0;
    while (nm_bitmap_next(&arrivals) >= 0)
        n++;
    return n;
}

static void add_row(const nm_projection *p, int64_t bucket, double *sum) {
    for (int64_t s = p->run_start[bucket]; s < p->run_start[bucket + 1]; s++) {
        const double weight = p->weight == NULL ? p->constant_weight : (double)p->weight[s];
        sum[p->target[s]] += p->inhibitory ? -fabs(weight) : weight;
    }
}

/* Deliver over the list, with a sum from zero. `sum` is zero again at the end. */
static void add_apart(nm_bitmap_arrivals arrivals, int64_t n, double *sum, double *input) {
    for (int64_t bucket = nm_bitmap_next(&arrivals); bucket >= 0; bucket = nm_bitmap_next(&arrivals))
        add_row(arrivals.projection, bucket, sum);
    for (int64_t i = 0; i < n; i++) {
        input[i] += sum[i];
        sum[i] = 0.0;
    }
}

/* Where the input is still zero, the input itself can serve as the sum from zero: with few arrivals the
 * caller's delivery over the list is then the shortest way. */
static int deliver(const nm_bitmap_partition *to, const nm_projection *p, int64_t step, double *input) {
    const int64_t first = nm_network_partition_first(to->network, to->partition),
                  n = nm_network_partition_end(to->network, to->partition) - first;
    const nm_bitmap_arrivals arrivals = {
        .network = to->network, .projection = p, .ring = to->ring, .step = step, .partition = to->partition};
    const int64_t n_arrivals = count_arrivals(arrivals);
    const int has_bits = p->weight == NULL && n_arrivals <= p->bitmap->most;
    if (n_arrivals == 0)
        return 1;
    if (has_bits && (to->touched[p->port] || n_arrivals >= MANY))
        nm_bitmap_add(arrivals, n,
                      to->room.count + to->partition * nm_bitmap_counts(to->network->partition_width), input);
    else if (to->touched[p->port])
        add_apart(arrivals, n, to->room.sum + first, input);
    else
        return 0;
    return 1;
}

int nm_bitmap_deliver(nm_bitmap_partition *to, const nm_projection *p, int64_t step, double *input) {
    const int done = p->bitmap != NULL && deliver(to, p, step, input);
    to->touched[p->port] = 1;
    return done;
}
