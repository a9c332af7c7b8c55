/* SPDX-License-Identifier: MIT */
#include "nm_homeostasis.h"
#include "nm_change.h"
#include "nm_events.h"
#include "nm_lazy.h"

/* A spike is added with the factor that it will have decayed to at the next scaling, so that silent
 * neurons cost nothing. */
static void enter(const nm_homeostasis *h, const int32_t *slot, int64_t n_spikes, double dt, int64_t now) {
    const int64_t left = (h->every - now % h->every) % h->every;
    /* The mean over the step, since the spike lies anywhere in it: so a steady rate is seen as it is at any dt. */
    const double gained = 1000.0 / h->tau * nm_exp_mean(dt / h->tau) * nm_exp(-(double)left * dt / h->tau);
    for (int64_t i = 0; i < n_spikes; i++)
        h->rate[slot[i]] += gained;
}

double nm_homeostasis_start(const nm_homeostasis *h, double dt, int64_t now) {
    return h->target_rate * nm_exp(-(double)(h->every - now % h->every) * dt / h->tau);
}

static double factor(const nm_homeostasis *h, int64_t slot) {
    return 1.0 + h->strength * nm_clip((h->target_rate - h->rate[slot]) / h->target_rate, -1.0, 1.0);
}

static void scale_run(const nm_events_step *step, int64_t row, int64_t delay_run) {
    const nm_projection *p = step->projection;
    const nm_ids ids = nm_network_ids(step->network, step->partition);
    const int64_t partition_first = nm_network_partition_first(step->network, step->partition);
    const uint32_t key =
        nm_round_key(step->seed, p->number, step->now, NM_ROUND_SCALING) +
        (p->lazy == NULL ? nm_run_word(p, delay_run) : nm_row_run_word(step->network, p, row, delay_run));
    double low, high;
    nm_change_bounds(p->weight_min, p->weight_max, 0, &low, &high);
    for (int64_t s = p->run_start[delay_run]; s < p->run_start[delay_run + 1]; s++)
        if (p->weight[s] > 0.0f) {
            const double moved =
                (double)p->weight[s] * factor(p->homeostasis, partition_first + p->target[s]);
            p->weight[s] = nm_round(nm_clip(moved, low, high), nm_projection_word(p, key, ids, p->target[s]));
        }
}

static void scale_partition(const nm_events_step *step) {
    const nm_projection *p = step->projection;
    const nm_lazy_step lazy = {
        .network = step->network, .projection = p, .dt = step->dt, .seed = step->seed, .now = step->now};
    for (int64_t row = 0; row < p->n_rows && nm_has_bucket(step->network, p, step->partition); row++) {
        const int64_t bucket = nm_bucket(step->network, p, row, step->partition);
        const int64_t first = p->bucket_run == NULL ? bucket : p->bucket_run[bucket];
        const int64_t end = p->bucket_run == NULL ? bucket + 1 : p->bucket_run[bucket + 1];
        if (p->lazy != NULL)
            nm_lazy_flush(&lazy, bucket, bucket + 1);
        for (int64_t delay_run = first; delay_run < end; delay_run++) {
            if (p->rule != NULL && p->rule->advance != NULL)
                nm_events_advance(step, delay_run);
            scale_run(step, row, delay_run);
        }
    }
}

static const nm_projection *scaled(const nm_network *network, int64_t k) {
    return &network->projections[network->routes.scaled[k]];
}

static void decay(const nm_network *network, const nm_homeostasis *h, double dt, int64_t partition) {
    const double kept = nm_exp(-(double)h->every * dt / h->tau);
    for (int64_t slot = nm_network_partition_first(network, partition);
         slot < nm_network_partition_end(network, partition); slot++)
        h->rate[slot] *= kept;
}

/* Projections share rates, so all have scaled their weights before the rates decay. */
void nm_homeostasis_step(const nm_network *network, const nm_delay *ring, double dt, uint64_t seed,
                         int64_t now, int64_t partition) {
    const int32_t *slot = nm_delay_list(ring, now, partition);
    const int64_t n_spikes = *nm_delay_count(ring, now, partition), n = network->routes.n_scaled;
    for (int64_t k = 0; n_spikes > 0 && k < n; k++)
        if (!scaled(network, k)->homeostasis->follows)
            enter(scaled(network, k)->homeostasis, slot, n_spikes, dt, now);
    for (int64_t k = 0; k < n; k++) {
        const nm_events_step step = {.network = network,
                                     .projection = scaled(network, k),
                                     .dt = dt,
                                     .seed = seed,
                                     .now = now,
                                     .partition = partition};
        if (now % step.projection->homeostasis->every == 0 && !step.projection->frozen)
            scale_partition(&step);
    }
    for (int64_t k = 0; k < n; k++) {
        const nm_homeostasis *h = scaled(network, k)->homeostasis;
        if (now % h->every == 0 && !h->follows)
            decay(network, h, dt, partition);
    }
}
