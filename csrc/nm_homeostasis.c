/* SPDX-License-Identifier: MIT */
#include "nm_homeostasis.h"
#include "nm_lazy.h"

/* A spike is added with the factor that it will have decayed to at the next scaling, so that silent
 * neurons cost nothing. */
static void enter(const nm_homeostasis *h, const int32_t *slot, int64_t n_spikes, double dt, int64_t now) {
    const int64_t left = (h->every - now % h->every) % h->every;
    const double gained = 1000.0 / h->tau * nm_exp(-(double)left * dt / h->tau);
    for (int64_t i = 0; i < n_spikes; i++)
        h->rate[slot[i]] += gained;
}

static double factor(const nm_homeostasis *h, int64_t slot) {
    return 1.0 + h->strength * nm_clip((h->target_rate - h->rate[slot]) / h->target_rate, -1.0, 1.0);
}

static void scale(const nm_projection *p, int64_t first, int64_t last, int64_t partition_first) {
    for (int64_t s = first; s < last; s++)
        if (p->weight[s] > 0.0f) {
            const double moved =
                (double)p->weight[s] * factor(p->homeostasis, partition_first + p->target[s]);
            p->weight[s] = (float)nm_clip(moved, p->weight_min, p->weight_max);
        }
}

static void scale_partition(const nm_lazy_step *step, int64_t partition) {
    const nm_projection *p = step->projection;
    const int64_t n_partitions = step->network->n_partitions;
    for (int64_t bucket = partition; bucket < p->n_rows * n_partitions; bucket += n_partitions) {
        const int64_t first = p->bucket_run == NULL ? bucket : p->bucket_run[bucket];
        const int64_t end = p->bucket_run == NULL ? bucket + 1 : p->bucket_run[bucket + 1];
        if (p->lazy != NULL)
            nm_lazy_flush(step, bucket, bucket + 1);
        scale(p, p->run_start[first], p->run_start[end],
              nm_network_partition_first(step->network, partition));
    }
}

void nm_homeostasis_step(const nm_network *network, const nm_delay *ring, double dt, int64_t now,
                         int64_t partition) {
    for (int64_t k = 0; k < network->n_projections; k++) {
        const nm_projection *p = &network->projections[k];
        const nm_homeostasis *h = p->homeostasis;
        if (h == NULL)
            continue;
        enter(h, nm_delay_list(ring, now, partition), *nm_delay_count(ring, now, partition), dt, now);
        if (now % h->every != 0)
            continue;
        const nm_lazy_step step = {.network = network, .projection = p, .dt = dt, .now = now};
        scale_partition(&step, partition);
        const double kept = nm_exp(-(double)h->every * dt / h->tau);
        for (int64_t slot = nm_network_partition_first(network, partition);
             slot < nm_network_partition_end(network, partition); slot++)
            h->rate[slot] *= kept;
    }
}
