/* Learning at the end of a step: rules that act at arrivals alone, weight decay, and the traces. (Pair rules
 * act when spikes are delivered: nm_pairs.h.) Every synapse is changed by its own events alone, so runs of
 * synapses may be taken in any order, or be shared out by target, with the same bits.
 * SPDX-License-Identifier: MIT */
#include "nm_plasticity.h"
#include "nm_loop.h"
#include "nm_pairs.h"

#include <math.h>

/* Weights whose strength decays below this are set to 0: the numbers beneath 1.2e-38 are denormal in a float,
 * slow, and would stop shrinking at the last of them. */
static const double LEAST_WEIGHT = 1e-30;

/* One projection in one step, and room for one chunk of it. */
typedef struct pass {
    const nm_network *network;
    const nm_projection *projection;
    const nm_delay *ring;
    const nm_factors *factor; /* [zone] */
    const double *fired;
    double dt;
    int64_t step, part, part_first;
    double low, high; /* bounds of what is learnt: the weight, or the strength of an inhibitory one */
    double weight[NM_CHUNK], change[NM_CHUNK], learning[NM_CHUNK], post_fired[NM_CHUNK];
    double trace[NM_MAX_TRACES][NM_CHUNK];
} pass;

NM_CLONES void nm_plasticity_apply(size_t n, const double *change, const double *learning, size_t stride,
                                   double low, double high, double *weight) {
    NM_INDEPENDENT
    for (size_t j = 0; j < n; j++) {
        double delta = change[j] * learning[j * stride], moved = weight[j] + delta;
        moved = moved < low ? low : moved;
        moved = moved > high ? high : moved;
        weight[j] = delta == 0.0 ? weight[j] : moved;
    }
}

/* ---- a spike arrives: on_pre --------------------------------------------------------------------- */

static void gather(pass *a, size_t n, int64_t first) {
    const nm_projection *p = a->projection;
    const uint16_t *target = p->target + first;
    for (size_t j = 0; j < n; j++)
        a->weight[j] = p->inhibitory ? fabs((double)p->weight[first + (int64_t)j])
                                     : (double)p->weight[first + (int64_t)j];
    for (size_t j = 0; j < n; j++)
        a->post_fired[j] = a->fired[a->part_first + target[j]];
    for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++)
        for (size_t j = 0; j < n; j++)
            a->trace[k][j] = p->post_trace[k][a->part_first + target[j]];
}

/* The modulators' factor on each change: what grows also has that of potentiation, what falls that of
 * depression. */
static void modulate(pass *a, size_t n, int64_t first) {
    const uint16_t *target = a->projection->target + first;
    for (size_t j = 0; j < n; j++) {
        const int32_t *zone = a->network->region;
        const nm_factors *f = a->factor + (zone == NULL ? 0 : zone[a->part_first + target[j]]);
        a->learning[j] = f->learning_rate * (a->change[j] > 0.0 ? f->ltp : f->ltd);
    }
}

/* Gather, let the hook speak, modulate, bound, put back. */
static void arrive_at_chunk(pass *a, nm_synapse_chunk *chunk, int64_t first) {
    const nm_projection *p = a->projection;
    gather(a, chunk->n, first);
    p->rule->on_pre(chunk);
    if (p->weight_dependence != 0.0)
        for (size_t j = 0; j < chunk->n; j++)
            a->change[j] = nm_dependent(a->change[j], a->weight[j], a->low, a->high, p->weight_dependence);
    modulate(a, chunk->n, first);
    nm_plasticity_apply(chunk->n, a->change, a->learning, 1, a->low, a->high, a->weight);
    for (size_t j = 0; j < chunk->n; j++) {
        float *weight = &p->weight[first + (int64_t)j];
        *weight = p->inhibitory ? copysignf((float)a->weight[j], *weight) : (float)a->weight[j];
    }
}

static void arrive_at_segment(pass *a, int64_t segment) {
    const nm_projection *p = a->projection;
    nm_synapse_chunk chunk = {.dt = a->dt,
                              .params = p->params,
                              .weight = a->weight,
                              .post_fired = a->post_fired,
                              .change = a->change};
    for (int k = 0; k < NM_MAX_TRACES; k++)
        chunk.post[k] = a->trace[k];
    const int64_t last = p->segment_start[segment + 1];
    for (int64_t first = p->segment_start[segment]; first < last; first += NM_CHUNK) {
        chunk.n = last - first < NM_CHUNK ? (size_t)(last - first) : NM_CHUNK;
        arrive_at_chunk(a, &chunk, first);
    }
}

static void arrive_from(pass *a, int64_t delay, int64_t source_part) {
    const nm_projection *p = a->projection;
    const int32_t *slot = nm_delay_list(a->ring, a->step - delay, source_part);
    const int64_t n_spikes = *nm_delay_count(a->ring, a->step - delay, source_part);
    for (int64_t i = 0; i < n_spikes; i++) {
        const int64_t row = slot[i] - p->pre_first;
        if (row < 0 || row >= p->n_rows)
            continue;
        const int64_t segment = nm_projection_segment(p, row * a->network->n_parts + a->part, delay);
        if (segment >= 0)
            arrive_at_segment(a, segment);
    }
}

static void arrive(pass *a) {
    const nm_projection *p = a->projection;
    for (int64_t delay = p->max_delay; delay >= p->min_delay; delay--)
        for (int64_t part = 0; part < a->network->n_parts; part++)
            arrive_from(a, delay, part);
}

/* ---- decay, and this step's spikes enter the traces ---------------------------------------------- */

/* One multiplication for every synapse in every step, arrivals or not. */
NM_CLONES static void decay_weights(const nm_projection *p, int64_t first, int64_t last, double low,
                                    double high) {
    const double kept = p->weight_kept;
    float *weight = p->weight;
    for (int64_t s = first; s < last; s++) {
        double was = (double)weight[s];
        double sign = p->inhibitory && was < 0.0 ? -1.0 : 1.0;
        double moved = sign * was * kept;
        moved = fabs(moved) < LEAST_WEIGHT ? 0.0 : moved;
        moved = moved < low ? low : moved;
        moved = moved > high ? high : moved;
        weight[s] = was == 0.0 ? weight[s] : (float)(sign * moved);
    }
}

static void decay_part(const pass *a) {
    const nm_projection *p = a->projection;
    const int64_t n_parts = a->network->n_parts;
    for (int64_t place = a->part; place < p->n_rows * n_parts; place += n_parts) {
        const int64_t first = p->row_segment == NULL ? place : p->row_segment[place];
        const int64_t end = p->row_segment == NULL ? place + 1 : p->row_segment[place + 1];
        decay_weights(p, p->segment_start[first], p->segment_start[end], a->low, a->high);
    }
}

NM_CLONES static void decay_trace(double *trace, int64_t n, double kept) {
    NM_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        trace[i] = nm_flush(trace[i] * kept);
}

void nm_plasticity_decay(const nm_network *network, int64_t part) {
    const int64_t first = nm_network_part_first(network, part),
                  n = nm_network_part_end(network, part) - first;
    for (int64_t k = 0; k < network->n_projections; k++) {
        const nm_projection *p = &network->projections[k];
        for (int m = 0; m < NM_MAX_TRACES && p->post_trace[m] != NULL; m++)
            decay_trace(p->post_trace[m] + first, n, p->post_kept[m]);
    }
}

static void enter_traces(const pass *a) {
    const nm_projection *p = a->projection;
    const int32_t *slot = nm_delay_list(a->ring, a->step, a->part);
    const int64_t n_spikes = *nm_delay_count(a->ring, a->step, a->part);
    for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++)
        for (int64_t i = 0; i < n_spikes; i++)
            p->post_trace[k][slot[i]] += 1.0;
}

/* Rules that are no pair rules. */
static void learn_at_arrivals(pass *a) {
    const nm_projection *p = a->projection;
    a->low = p->inhibitory ? fmax(p->weight_min, 0.0) : p->weight_min;
    a->high = p->inhibitory ? fmax(p->weight_max, 0.0) : p->weight_max;
    if (p->weight_kept < 1.0)
        decay_part(a);
    if (p->rule->on_pre == NULL)
        return;
    arrive(a);
}

static void step_projection(pass *a) {
    const nm_projection *p = a->projection;
    if (p->pairs != NULL) {
        const nm_pairs_step step = {.network = a->network, .projection = p, .dt = a->dt, .now = a->step};
        nm_pairs_fire(&step, a->part, nm_delay_list(a->ring, a->step, a->part),
                      *nm_delay_count(a->ring, a->step, a->part));
    } else
        learn_at_arrivals(a);
    enter_traces(a);
}

void nm_plasticity_step(const nm_network *network, const nm_delay *ring, const nm_factors *factor,
                        const double *fired, double dt, int64_t step, int64_t part) {
    pass a;
    a.network = network, a.ring = ring, a.factor = factor, a.fired = fired, a.dt = dt, a.step = step;
    a.part = part, a.part_first = nm_network_part_first(network, part);
    for (int64_t k = 0; k < network->n_projections; k++) {
        a.projection = &network->projections[k];
        if (a.projection->rule != NULL)
            step_projection(&a);
    }
}
