/* SPDX-License-Identifier: MIT */
#include "nm_short_term.h"

static double decayed(double elapsed, double tau) {
    return tau > 0.0 ? nm_exp(-elapsed / tau) : 0.0;
}

double nm_short_term_release(const nm_short_term *s, int64_t row, double elapsed) {
    const int64_t k = row * s->stride;
    double u = s->U[k], resources = 1.0;
    if (elapsed >= 0.0) {
        u += (1.0 - s->U[k]) * s->u[row] * decayed(elapsed, s->tau_facil[k]);
        resources -= (1.0 - s->left[row]) * decayed(elapsed, s->tau_rec[k]);
    }
    s->u[row] = u;
    s->left[row] = resources * (1.0 - u);
    return u * resources;
}

static void fire(const nm_projection *p, int64_t row, double dt, int64_t now) {
    const nm_short_term *s = p->short_term;
    const double elapsed = s->last[row] < 0 ? -1.0 : (double)(now - s->last[row]) * dt;
    s->efficacy[now % s->length * p->n_rows + row] = nm_short_term_release(s, row, elapsed);
    s->last[row] = now;
}

void nm_short_term_step(const nm_network *network, const nm_delay *ring, double dt, int64_t now,
                        int64_t partition) {
    for (int64_t k = 0; k < network->routes.n_short_term; k++) {
        const nm_projection *p = &network->projections[network->routes.short_term[k]];
        const int32_t *slot = nm_delay_list(ring, now, partition);
        const int64_t n_spikes = *nm_delay_count(ring, now, partition);
        for (int64_t i = 0; i < n_spikes; i++) {
            const int64_t row = slot[i] - p->pre_first;
            if (row >= 0 && row < p->n_rows)
                fire(p, row, dt, now);
        }
    }
}
