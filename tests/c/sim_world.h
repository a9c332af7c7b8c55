/* A simulation with every buffer that Python would lend, for the tests of nm_sim: make(), groups,
 * connections, start(), then advance().
 * SPDX-License-Identifier: MIT */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "nm_events.h"
#include "nm_homeostasis.h"
#include "nm_math.h"
#include "nm_poisson.h"
#include "nm_register.h"
#include "nm_sim.h"
#include "testlib.h"
#include "wiring.h"

#include <math.h>

enum { MAX_GROUPS = 6, MAX_PROJECTIONS = 8, MAX_PIECES = 64, MAX_PARTS = 16, MAX_SCHEDULE = 4096 };
enum { N_MODULATORS = 3, DOPAMINE = 0, SEROTONIN = 1, NOREPINEPHRINE = 2, N_REGIONS = 2 };

/* What one connect() of Python asks for; a 0 stands for "no". */
typedef struct connection {
    const wiring *wired;
    int own, inhibitory, bitmap, pushed;
    double constant_weight;
    const nm_plasticity_rule *rule; /* parameters at their defaults */
    double short_term_u;            /* > 0: short-term plasticity, tau_rec 30 ms, tau_facil 20 ms */
    double homeostatic;             /* > 0: scaling of this strength every 8 steps, to 20 Hz over 50 ms */
    double weight_decay;
} connection;

typedef struct world {
    arena keep;
    nm_sim sim;
    nm_network network;
    nm_group groups[MAX_GROUPS];
    double *params[MAX_GROUPS][NM_MAX_PARAMS]; /* of each group: [slot] */
    nm_block blocks[MAX_PIECES];
    int64_t partition_block[MAX_PARTS + 1];
    nm_projection projections[MAX_PROJECTIONS];
    int64_t n_synapses[MAX_PROJECTIONS];
    double rule_params[MAX_PROJECTIONS][NM_MAX_PARAMS];
    nm_short_term short_terms[MAX_PROJECTIONS];
    nm_homeostasis scalers[MAX_PROJECTIONS];
    nm_bitmap bitmaps[MAX_PROJECTIONS];
    nm_push push;
    nm_lazy lazy[MAX_PROJECTIONS];
    nm_events events[MAX_PROJECTIONS]; /* of rules that act at arrivals and keep nothing */
    int64_t *id;
    int32_t *zone;
    double *drive_rate, *drive_weight, *drive_noise, *drive_uniform, *drive_step;
    nm_levels levels;
    double level[N_REGIONS * N_MODULATORS], level_params[N_MODULATORS * NM_MAX_PARAMS], kept[N_MODULATORS];
    int64_t schedule_step[MAX_SCHEDULE];
    int32_t schedule_slot[MAX_SCHEDULE];
    nm_spike_record spikes;
    nm_error error;
    int fresh;
} world;

static inline double *column(world *w, double value) {
    double *values = zeros(&w->keep, w->network.n_neurons, sizeof *values);
    for (int64_t slot = 0; slot < w->network.n_neurons; slot++)
        values[slot] = value;
    return values;
}

static inline void lend_columns(world *w) {
    nm_network *network = &w->network;
    const int64_t n = network->n_neurons;
    network->id = w->id = zeros(&w->keep, n, sizeof *w->id);
    for (int64_t slot = 0; slot < n; slot++)
        w->id[slot] = 100 + slot + (slot > n / 2); /* a neuron in between was removed */
    network->zone = w->zone = zeros(&w->keep, n, sizeof *w->zone);
    network->external_input = column(w, 0.0), network->last_spike_time = column(w, -INFINITY);
    network->spike_count = zeros(&w->keep, n, sizeof(int64_t));
    network->drive_rate = w->drive_rate = column(w, 0.0);
    network->drive_weight = w->drive_weight = column(w, 0.0);
    network->drive_noise = w->drive_noise = column(w, 0.0);
    network->drive_uniform = w->drive_uniform = column(w, 0.0);
    network->drive_noise_per_step = w->drive_step = column(w, 0.0);
    network->drive_uniform_per_step = column(w, 0.0);
    network->seen_rate = column(w, NAN);
    network->drive_table = zeros(&w->keep, MAX_PIECES * NM_POISSON_TABLE, sizeof(uint32_t));
    w->sim.input[0] = column(w, 0.0), w->sim.input[1] = column(w, 0.0);
    w->sim.scheduled = column(w, 0.0), w->sim.fired = column(w, 0.0);
    w->sim.bitmap.sum = column(w, 0.0);
    w->sim.bitmap.count =
        zeros(&w->keep, network->n_partitions * nm_bitmap_counts(network->partition_width), sizeof(uint64_t));
}

/* Without neurons yet; dt 1 ms, one region, nothing modulated. */
static inline world *make(int64_t n_neurons, int64_t partition_width) {
    world *w = calloc(1, sizeof *w);
    w->network = (nm_network){.n_neurons = n_neurons,
                              .groups = w->groups,
                              .blocks = w->blocks,
                              .projections = w->projections,
                              .n_partitions = (n_neurons + partition_width - 1) / partition_width,
                              .partition_width = partition_width,
                              .partition_block = w->partition_block,
                              .max_delay = 1};
    w->sim = (nm_sim){.network = &w->network, .dt = 1.0, .seed = 5, .n_zones = N_REGIONS};
    w->sim.factors = zeros(&w->keep, NM_INTERVAL * N_REGIONS, sizeof *w->sim.factors);
    w->sim.schedule_step = w->schedule_step, w->sim.schedule_slot = w->schedule_slot;
    w->fresh = 1;
    lend_columns(w);
    return w;
}

static inline void discard(world *w) {
    free_arena(&w->keep);
    free(w);
}

/* The next n neurons, parameters and state at their defaults; returns the first slot. */
static inline int64_t add_group(world *w, const nm_neuron_model *model, int64_t n, int64_t zone) {
    nm_group *group = &w->groups[w->network.n_groups++];
    const nm_group *before = group - 1;
    *group = (nm_group){.model = model, .n = n, .zone = zone, .n_ports = 2, .port = {0, 1}};
    group->first = group == w->groups ? 0 : before->first + before->n;
    for (int k = 0; k < nm_field_count(model->params); k++) {
        group->params[k] = w->params[group - w->groups][k] = column(w, model->params[k].fallback);
        group->seen[k] = column(w, NAN);
    }
    for (int k = 0; k < nm_field_count(model->state); k++)
        group->state[k] = column(w, model->state[k].fallback);
    for (int k = 0; k < model->n_derived; k++)
        group->derived[k] = column(w, 0.0);
    for (int64_t slot = group->first; slot < group->first + n; slot++)
        w->zone[slot] = (int32_t)zone;
    return group->first;
}

/* dopamine, serotonin, norepinephrine at their defaults, levels at the baselines, in two regions. */
static inline void modulate(world *w) {
    static const nm_modulator *const three[N_MODULATORS] = {&nm_modulator_dopamine, &nm_modulator_serotonin,
                                                            &nm_modulator_norepinephrine};
    for (int m = 0; m < N_MODULATORS; m++) {
        for (int k = 0; k < nm_field_count(three[m]->params); k++)
            w->level_params[m * NM_MAX_PARAMS + k] = three[m]->params[k].fallback;
        w->kept[m] = 1.0 - w->level_params[m * NM_MAX_PARAMS + NM_DECAY_RATE];
        for (int r = 0; r < N_REGIONS; r++)
            w->level[r * N_MODULATORS + m] = w->level_params[m * NM_MAX_PARAMS + NM_BASELINE];
    }
    w->levels = (nm_levels){.n_regions = N_REGIONS,
                            .n_modulators = N_MODULATORS,
                            .modulators = three,
                            .level = w->level,
                            .params = w->level_params,
                            .kept = w->kept};
    w->sim.levels = &w->levels;
}

/* A level that begins at `level`, has this baseline, and keeps so much of its distance in a step; in both
 * regions. */
static inline void set_level(world *w, int m, double level, double baseline, double kept) {
    w->level_params[m * NM_MAX_PARAMS + NM_BASELINE] = baseline;
    w->kept[m] = kept;
    for (int r = 0; r < N_REGIONS; r++)
        w->level[r * N_MODULATORS + m] = level;
}

/* ---- connections -------------------------------------------------------------------------------------- */

static inline void lend_rule(world *w, int64_t k, const connection *about) {
    nm_projection *p = &w->projections[k];
    const nm_plasticity_rule *rule = p->rule = about->rule;
    p->params = w->rule_params[k];
    p->weight_min = -50.0, p->weight_max = 50.0, p->weight_kept = 1.0 - about->weight_decay;
    for (int f = 0; f < nm_field_count(rule->params); f++)
        w->rule_params[k][f] = rule->params[f].fallback;
    for (int f = 0; f < nm_field_count(rule->state); f++)
        p->state[f] = zeros(&w->keep, w->n_synapses[k], sizeof(float));
    for (int f = 0; rule->post_traces != NULL && rule->post_traces[f].name != NULL; f++) {
        p->post_trace[f] = column(w, 0.0);
        p->post_kept[f] = nm_exp(-w->sim.dt / p->params[rule->post_traces[f].tau]);
    }
}

static inline void lend_scaler(world *w, int64_t k, double strength) {
    nm_homeostasis *h = w->projections[k].homeostasis = &w->scalers[k];
    *h = (nm_homeostasis){.target_rate = 20.0, .tau = 50.0, .strength = strength, .every = 8};
    h->rate = column(w, h->target_rate);
}

static inline nm_projection *connect(world *w, connection about) {
    const int64_t k = w->network.n_projections++;
    nm_projection *p = &w->projections[k];
    *p = lay_out(&w->keep, &w->network, about.wired, about.own, about.constant_weight);
    p->inhibitory = p->port = about.inhibitory;
    w->n_synapses[k] = about.wired->n;
    if (about.rule != NULL)
        lend_rule(w, k, &about);
    if (about.homeostatic > 0.0)
        lend_scaler(w, k, about.homeostatic);
    CHECK(!about.bitmap || lend_bitmap(&w->keep, &w->network, p, &w->bitmaps[k]));
    CHECK(!about.pushed || nm_push_worth(p));
    if (about.short_term_u > 0.0) { /* the rest is lent by start(), when the ring's length is known */
        double *value = zeros(&w->keep, 3, sizeof *value);
        value[0] = about.short_term_u, value[1] = 30.0, value[2] = 20.0;
        w->short_terms[k].U = value, w->short_terms[k].tau_rec = value + 1,
        w->short_terms[k].tau_facil = value + 2;
    }
    w->network.max_delay = p->max_delay > w->network.max_delay ? p->max_delay : w->network.max_delay;
    return p;
}

/* One synapse for each of n targets from slot `post` on, all of one source. */
static inline wiring fan_out(world *w, int64_t pre, int64_t post, int64_t n, int64_t delay, float weight) {
    wiring wired = {.pre_first = pre, .n_rows = 1, .n = n};
    wired.synapses = zeros(&w->keep, n, sizeof *wired.synapses);
    for (int64_t k = 0; k < n; k++)
        wired.synapses[k] = (synapse){.pre = pre, .post = post + k, .delay = delay, .weight = weight};
    return wired;
}

static inline void schedule(world *w, int64_t step, int64_t slot) {
    w->schedule_step[w->sim.n_schedule] = step;
    w->schedule_slot[w->sim.n_schedule++] = (int32_t)slot;
}

/* ---- running ------------------------------------------------------------------------------------------ */

static inline void record_spikes(world *w, int64_t capacity) {
    w->spikes = (nm_spike_record){.capacity = capacity};
    w->spikes.step = zeros(&w->keep, capacity, sizeof(int64_t));
    w->spikes.id = zeros(&w->keep, capacity, sizeof(int64_t));
    w->sim.spike_records = &w->spikes, w->sim.n_spike_records = 1;
}

/* All groups and connections are there. `interval`: steps that a part takes at a time, at most. */
static inline void start(world *w, int64_t interval) {
    nm_network *network = &w->network;
    for (int64_t k = 0; k < network->n_projections; k++)
        interval = interval < w->projections[k].min_delay ? interval : w->projections[k].min_delay;
    w->sim.interval = interval;
    w->sim.ring = make_ring(&w->keep, network, network->max_delay, interval);
    for (int64_t k = 0; k < network->n_projections; k++) {
        nm_projection *p = &w->projections[k];
        nm_short_term *s = &w->short_terms[k];
        if (s->U != NULL)
            lend_short_term(&w->keep, p, s, w->sim.ring.length);
        if (p->rule != NULL && p->rule->post_amplitude != NULL)
            lend_lazy(&w->keep, network, p, &w->lazy[k], w->sim.dt, 0, N_REGIONS);
        else if (p->rule != NULL) {
            p->events = &w->events[k];
            lend_delays(&w->keep, p, p->events);
        }
    }
    lend_routes(&w->keep, network, &w->push);
    network->n_blocks = nm_network_cut(w->groups, network->n_groups, network->drive_rate,
                                       network->partition_width, w->blocks, w->partition_block);
    CHECK(network->n_blocks <= MAX_PIECES && network->n_partitions <= MAX_PARTS);
    CHECK(nm_network_check(network, &w->error) == NM_OK);
}

/* As Python does before every run, then the run; `pool` may be NULL. */
static inline int run_on(world *w, int64_t n_steps, nm_pool *pool, int64_t *done) {
    const int status = nm_network_prepare(&w->network, w->sim.dt, w->fresh, &w->error);
    w->fresh = 0;
    w->sim.look = n_steps > 1 ? w->sim.step + n_steps : 0;
    return status != NM_OK ? status : nm_sim_run(&w->sim, n_steps, pool, done, &w->error);
}

static inline void advance(world *w, int64_t n_steps) {
    int64_t done = -1;
    CHECK(run_on(w, n_steps, NULL, &done) == NM_OK);
    CHECK(done == n_steps);
}

#endif
