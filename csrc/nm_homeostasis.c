/* SPDX-License-Identifier: MIT */
#include "nm_homeostasis.h"
#include "nm_events.h"
#include "nm_pairs.h"

/* Spikes count at once as much as will be left of them at the next scaling: neurons that are silent cost
 * nothing. */
static void enter(const nm_homeostasis *h, const int32_t *slot, int64_t n_spikes, double dt, int64_t now) {
    const int64_t left = (h->every - now % h->every) % h->every;
    const double gained = 1000.0 / h->tau * nm_exp(-(double)left * dt / h->tau);
    for (int64_t i = 0; i < n_spikes; i++)
        h->rate[slot[i]] += gained;
}

static double factor(const nm_homeostasis *h, int64_t slot) {
    return 1.0 + h->strength * nm_clip((h->target_rate - h->rate[slot]) / h->target_rate, -1.0, 1.0);
}

static void scale(const nm_projection *p, int64_t first, int64_t last, int64_t part_first) {
    for (int64_t s = first; s < last; s++)
        if (p->weight[s] > 0.0f) {
            const double moved = (double)p->weight[s] * factor(p->homeostasis, part_first + p->target[s]);
            p->weight[s] = (float)nm_clip(moved, p->weight_min, p->weight_max);
        }
}

static void scale_part(const nm_events_step *step) {
    const nm_projection *p = step->projection;
    const int64_t n_parts = step->network->n_parts, part = step->part;
    const nm_pairs_step pairs = {.network = step->network, .projection = p, .dt = step->dt, .now = step->now};
    for (int64_t place = part; place < p->n_rows * n_parts; place += n_parts) {
        const int64_t first = p->row_segment == NULL ? place : p->row_segment[place];
        const int64_t end = p->row_segment == NULL ? place + 1 : p->row_segment[place + 1];
        if (p->pairs != NULL)
            nm_pairs_settle(&pairs, place, place + 1);
        if (p->rule->advance != NULL)
            nm_events_advance(step, p->segment_start[first], p->segment_start[end]);
        scale(p, p->segment_start[first], p->segment_start[end], nm_network_part_first(step->network, part));
    }
}

void nm_homeostasis_step(const nm_network *network, const nm_delay *ring, double dt, uint64_t seed,
                         int64_t now, int64_t part) {
    for (int64_t k = 0; k < network->n_projections; k++) {
        const nm_projection *p = &network->projections[k];
        const nm_homeostasis *h = p->homeostasis;
        if (h == NULL)
            continue;
        enter(h, nm_delay_list(ring, now, part), *nm_delay_count(ring, now, part), dt, now);
        if (now % h->every != 0)
            continue;
        const nm_events_step step = {
            .network = network, .projection = p, .dt = dt, .seed = seed, .now = now, .part = part};
        scale_part(&step);
        const double kept = nm_exp(-(double)h->every * dt / h->tau);
        for (int64_t slot = nm_network_part_first(network, part); slot < nm_network_part_end(network, part);
             slot++)
            h->rate[slot] *= kept;
    }
}
