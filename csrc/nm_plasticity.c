/* Learning, event by event: what a rule costs goes with the spikes that reach its synapses, but for the
 * traces (one multiplication per neuron and step) and weight decay (one per synapse and step, where it is
 * asked for).
 *
 * Every synapse is changed by its own events alone, and a step's arrivals all come before its postsynaptic
 * spikes; so runs of synapses may be taken in any order, or be shared out by target, with the same bits.
 * SPDX-License-Identifier: MIT */
#include "nm_plasticity.h"

#include <math.h>
#include <string.h>

enum { KNOWN = 64 }; /* regions whose factor is remembered; more of them share the places */

/* Weights whose strength decays below this are set to 0: the numbers beneath 1.2e-38 are denormal in a float,
 * slow, and would stop shrinking at the last of them. */
static const double LEAST_WEIGHT = 1e-30;

/* One projection in one step, and room for one chunk of it. */
typedef struct pass {
    const nm_network *network;
    const nm_projection *projection;
    const nm_delay *ring;
    const nm_levels *levels;
    const double *fired;
    double dt;
    int64_t step;
    double low, high; /* bounds of what is learnt: the weight, or the strength of an inhibitory one */
    int regional;     /* 1: the targets' regions may have levels of their own */
    int64_t known_region[KNOWN];
    double known_learning[KNOWN];
    double weight[NM_CHUNK], change[NM_CHUNK], learning[NM_CHUNK], post_fired[NM_CHUNK];
    double trace[NM_MAX_TRACES][NM_CHUNK], state[NM_MAX_STATE][NM_CHUNK];
} pass;

static int count_traces(const nm_trace *traces) {
    int n = 0;
    while (traces != NULL && traces[n].name != NULL)
        n++;
    return n;
}

static double kept_of(const pass *a, const nm_trace *trace) {
    return nm_exp(-a->dt / a->projection->params[trace->tau]);
}

/* ---- weights and state: gathered, changed, put back ------------------------------------------------------
 */

/* Synapse j of a run: index[j], or first + j where there is no index. */
NM_INLINE int64_t at(int64_t first, const uint32_t *index, size_t j) {
    return index != NULL ? (int64_t)index[j] : first + (int64_t)j;
}

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

NM_INLINE void gather(pass *a, size_t n, int64_t first, const uint32_t *index) {
    const nm_projection *p = a->projection;
    for (size_t j = 0; j < n; j++)
        a->weight[j] = (double)p->weight[at(first, index, j)];
    if (p->inhibitory)
        for (size_t j = 0; j < n; j++)
            a->weight[j] = fabs(a->weight[j]);
    int n_state = nm_field_count(p->rule->state);
    for (int k = 0; k < n_state; k++)
        for (size_t j = 0; j < n; j++)
            a->state[k][j] = (double)p->state[k][at(first, index, j)];
    memset(a->change, 0, n * sizeof a->change[0]);
}

NM_INLINE void scatter(const pass *a, size_t n, int64_t first, const uint32_t *index) {
    const nm_projection *p = a->projection;
    if (p->inhibitory)
        for (size_t j = 0; j < n; j++) {
            float *weight = &p->weight[at(first, index, j)];
            *weight = copysignf((float)a->weight[j], *weight);
        }
    else
        for (size_t j = 0; j < n; j++)
            p->weight[at(first, index, j)] = (float)a->weight[j];
    int n_state = nm_field_count(p->rule->state);
    for (int k = 0; k < n_state; k++)
        for (size_t j = 0; j < n; j++)
            p->state[k][at(first, index, j)] = (float)a->state[k][j];
}

/* Gather, let the hook speak, modulate, bound, put back: the one place where the engine changes a weight. */
NM_INLINE void learn(pass *a, void (*hook)(const nm_synapse_chunk *), nm_synapse_chunk *chunk,
                     size_t learning_stride, int64_t first, const uint32_t *index) {
    double *state[NM_MAX_STATE];
    for (int k = 0; k < NM_MAX_STATE; k++)
        state[k] = a->state[k];
    gather(a, chunk->n, first, index);
    chunk->dt = a->dt;
    chunk->params = a->projection->params;
    chunk->weight = a->weight;
    chunk->state = state;
    chunk->change = a->change;
    hook(chunk);
    nm_plasticity_apply(chunk->n, a->change, a->learning, learning_stride, a->low, a->high, a->weight);
    scatter(a, chunk->n, first, index);
}

/* ---- dopamine: the factor on learning, by the target's region --------------------------------------------
 */

static void forget_regions(pass *a) {
    for (int k = 0; k < KNOWN; k++)
        a->known_region[k] = -1;
    a->regional = a->levels != NULL && nm_levels_n_zones(a->levels) > 1 && a->network->region != NULL;
    if (!a->regional)
        a->learning[0] = nm_levels_factors(a->levels, 0).learning;
}

static double learning_of(pass *a, int64_t slot) {
    int64_t region = a->network->region[slot], place = region % KNOWN;
    if (a->known_region[place] != region) {
        a->known_region[place] = region;
        a->known_learning[place] = nm_levels_factors(a->levels, region).learning;
    }
    return a->known_learning[place];
}

/* ---- a spike arrives: on_pre -----------------------------------------------------------------------------
 */

static void arrive_at_chunk(pass *a, nm_synapse_chunk *chunk, int64_t first, int n_post) {
    const nm_projection *p = a->projection;
    const int32_t *post = p->post + first;
    for (size_t j = 0; j < chunk->n; j++)
        a->post_fired[j] = a->fired[post[j]];
    for (int k = 0; k < n_post; k++)
        for (size_t j = 0; j < chunk->n; j++)
            a->trace[k][j] = p->post_trace[k][post[j]];
    if (a->regional)
        for (size_t j = 0; j < chunk->n; j++)
            a->learning[j] = learning_of(a, post[j]);
    learn(a, p->rule->on_pre, chunk, a->regional ? 1 : 0, first, NULL);
}

/* Synapses first .. last - 1 of one row, which a spike fired `delay` steps ago reaches now. */
static void arrive_at_segment(pass *a, int64_t row, int64_t delay, int64_t first, int64_t last) {
    const nm_projection *p = a->projection;
    double pre[NM_MAX_TRACES];
    nm_synapse_chunk chunk = {.post_stride = 1, .post_fired = a->post_fired};
    int n_pre = count_traces(p->rule->pre_traces), n_post = count_traces(p->rule->post_traces);
    for (int k = 0; k < n_pre; k++) { /* the trace as this arrival finds it: without itself */
        double with = p->pre_trace[k][nm_delay_row(a->ring, a->step - delay) * p->n_rows + row];
        pre[k] = with > 1.0 ? with - 1.0 : 0.0; /* below 1: fired before the projection was made */
        chunk.pre[k] = &pre[k];
    }
    for (int k = 0; k < n_post; k++)
        chunk.post[k] = a->trace[k];
    for (; first < last; first += NM_CHUNK) {
        chunk.n = last - first < NM_CHUNK ? (size_t)(last - first) : NM_CHUNK;
        arrive_at_chunk(a, &chunk, first, n_post);
    }
}

static void arrive(pass *a) {
    const nm_projection *p = a->projection;
    for (int64_t delay = p->max_delay; delay >= p->min_delay; delay--) {
        const int32_t *slot = nm_delay_list(a->ring, a->step - delay);
        int64_t n_spikes = nm_delay_count(a->ring, a->step - delay);
        for (int64_t i = 0; i < n_spikes; i++) {
            int64_t row = slot[i] - p->pre_first, first, last;
            if (row < 0 || row >= p->n_rows)
                continue;
            nm_projection_segment(p, row, delay, &first, &last);
            arrive_at_segment(a, row, delay, first, last);
        }
    }
}

/* ---- a target fires: on_post -----------------------------------------------------------------------------
 */

/* The trace of a synapse is that of its source, as it stood the synapse's delay ago. */
static void gather_pre_traces(pass *a, size_t n, int n_pre, const uint32_t *synapse, const int32_t *row) {
    const nm_projection *p = a->projection;
    const int64_t length = a->ring->length, now = nm_delay_row(a->ring, a->step);
    for (size_t j = 0; j < n; j++) {
        int64_t then = now - (p->delay != NULL ? (int64_t)p->delay[synapse[j]] : p->constant_delay);
        int64_t entry = (then < 0 ? then + length : then) * p->n_rows + row[j];
        for (int k = 0; k < n_pre; k++)
            a->trace[k][j] = p->pre_trace[k][entry];
    }
}

static void fire_at(pass *a, int64_t slot) {
    const nm_projection *p = a->projection;
    double post[NM_MAX_TRACES];
    nm_synapse_chunk chunk = {.pre_stride = 1};
    int n_pre = count_traces(p->rule->pre_traces), n_post = count_traces(p->rule->post_traces);
    for (int k = 0; k < n_pre; k++)
        chunk.pre[k] = a->trace[k];
    for (int k = 0; k < n_post; k++) {
        post[k] = p->post_trace[k][slot];
        chunk.post[k] = &post[k];
    }
    if (a->regional)
        a->learning[0] = learning_of(a, slot);
    int64_t last = p->in_start[slot + 1];
    for (int64_t first = p->in_start[slot]; first < last; first += NM_CHUNK) {
        chunk.n = last - first < NM_CHUNK ? (size_t)(last - first) : NM_CHUNK;
        gather_pre_traces(a, chunk.n, n_pre, p->in_synapse + first, p->in_row + first);
        learn(a, p->rule->on_post, &chunk, 0, 0, p->in_synapse + first);
    }
}

/* ---- decay, and this step's spikes enter the traces ------------------------------------------------------
 */

/* One multiplication for every synapse in every step, arrivals or not. */
NM_CLONES static void decay_weights(const nm_projection *p, double low, double high) {
    const double kept = p->weight_kept;
    const int64_t n_synapses = p->row_start[p->n_rows];
    float *weight = p->weight;
    for (int64_t s = 0; s < n_synapses; s++) {
        double was = (double)weight[s];
        double sign = p->inhibitory && was < 0.0 ? -1.0 : 1.0;
        double moved = sign * was * kept;
        moved = fabs(moved) < LEAST_WEIGHT ? 0.0 : moved;
        moved = moved < low ? low : moved;
        moved = moved > high ? high : moved;
        weight[s] = was == 0.0 ? weight[s] : (float)(sign * moved);
    }
}

NM_CLONES static void decay_into(double *to, const double *from, int64_t n, double kept) {
    NM_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        to[i] = nm_flush(from[i] * kept);
}

static void decay_post_traces(const pass *a) {
    const nm_projection *p = a->projection;
    for (int k = 0; k < count_traces(p->rule->post_traces); k++)
        decay_into(p->post_trace[k], p->post_trace[k], a->network->n_neurons,
                   kept_of(a, &p->rule->post_traces[k]));
}

static void enter_traces(const pass *a) {
    const nm_projection *p = a->projection;
    const int32_t *slot = nm_delay_list(a->ring, a->step);
    const int64_t n_spikes = nm_delay_count(a->ring, a->step);
    for (int k = 0; k < count_traces(p->rule->post_traces); k++)
        for (int64_t i = 0; i < n_spikes; i++)
            p->post_trace[k][slot[i]] += 1.0;
    for (int k = 0; k < count_traces(p->rule->pre_traces); k++) {
        const double *before = p->pre_trace[k] + nm_delay_row(a->ring, a->step - 1) * p->n_rows;
        double *trace = p->pre_trace[k] + nm_delay_row(a->ring, a->step) * p->n_rows;
        decay_into(trace, before, p->n_rows, kept_of(a, &p->rule->pre_traces[k]));
        for (int64_t i = 0; i < n_spikes; i++)
            if (slot[i] >= p->pre_first && slot[i] < p->pre_first + p->n_rows)
                trace[slot[i] - p->pre_first] += 1.0;
    }
}

static void step_projection(pass *a) {
    const nm_projection *p = a->projection;
    a->low = p->inhibitory ? fmax(p->weight_min, 0.0) : p->weight_min;
    a->high = p->inhibitory ? fmax(p->weight_max, 0.0) : p->weight_max;
    if (p->weight_kept < 1.0)
        decay_weights(p, a->low, a->high);
    decay_post_traces(a);
    if (p->rule->on_pre != NULL)
        arrive(a);
    if (p->rule->on_post != NULL) {
        const int32_t *slot = nm_delay_list(a->ring, a->step);
        for (int64_t i = 0; i < nm_delay_count(a->ring, a->step); i++)
            fire_at(a, slot[i]);
    }
    enter_traces(a);
}

void nm_plasticity_step(nm_network *network, const nm_delay *ring, const nm_levels *levels,
                        const double *fired, double dt, int64_t step) {
    pass a;
    a.network = network, a.ring = ring, a.levels = levels, a.fired = fired, a.dt = dt, a.step = step;
    forget_regions(&a);
    for (int64_t k = 0; k < network->n_projections; k++) {
        a.projection = &network->projections[k];
        if (a.projection->rule != NULL)
            step_projection(&a);
    }
}
