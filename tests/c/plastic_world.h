/* A hand-made network whose neurons fire as a raster says, for the tests of learning: one projection of a few
 * long rows over several parts, every buffer that Python would lend, and the phases of a step that learning
 * has a hand in.
 * SPDX-License-Identifier: MIT */
#ifndef PLASTIC_WORLD_H
#define PLASTIC_WORLD_H

#include "draw.h"
#include "lent.h"
#include "nm_deliver.h"
#include "nm_events.h"
#include "nm_plasticity.h"
#include "testlib.h"

#include <math.h>
#include <stdlib.h>

enum { PRE_FIRST = 2, N_ROWS = 6, MAX_DELAY = 5, LENGTH = MAX_DELAY + 1, GUARD = 8, N_ZONES = 80 };
enum { MAX_LAG = 4 }; /* steps by which on_pre of an event rule lags the arrival */
static const float UNTOUCHED = 1234.5f;

/* What a test asks for; a 0 stands for what is said first. */
typedef struct plan {
    const nm_plasticity_rule *rule;
    int small;    /* 6 sources and 1300 other neurons in 3 parts, with rows that two chunks do not hold; 1: 34
                   * others in 3 parts */
    int steps;    /* 60 */
    int constant; /* delays of 1 .. 5 steps; else all of this many */
    int n_regions;    /* 1 */
    int64_t sweep;    /* of a pair rule: that of nm_lazy_sweep */
    double tau_c, dt; /* the rule's default; 0.5 ms */
} plan;

typedef struct world {
    arena keep;
    nm_network network;
    nm_projection projection;
    nm_lazy lazy;
    nm_events events;
    nm_push push;
    nm_delay ring;
    double params[NM_MAX_PARAMS], dt;
    int64_t n_neurons, n_synapses, n_buckets, steps, now;
    /* [synapse] */
    int32_t *row, *post;
    uint16_t *delay;
    float *guarded; /* the weights, with GUARD entries that nobody may write on both sides */
    /* [slot] */
    int32_t *zone;
    double *fired, *excitatory, *inhibitory, *input[2];
    uint8_t *raster; /* [step * n_neurons + slot] */
} world;

static void discard(world *w) {
    free_arena(&w->keep);
    free(w);
}

/* Rows of 1300, 1, 0, 1250, 40 and 7 synapses, or of 34, 1, 0, 30, 20 and 7, by (part, delay, target). */
static void draw_synapses(world *w, const plan *a) {
    static const int lengths[2][N_ROWS] = {{1300, 1, 0, 1250, 40, 7}, {34, 1, 0, 30, 20, 7}};
    const int *length = lengths[a->small], spread = a->small ? 34 : 1300, step = a->small ? 11 : 7919;
    const int64_t n_partitions = w->network.n_partitions, width = w->network.partition_width,
                  most = 3 * spread;
    uint16_t *local = zeros(&w->keep, most, sizeof *local), *delays = zeros(&w->keep, most, sizeof *delays);
    int64_t *bucket_run = zeros(&w->keep, N_ROWS * n_partitions + 1, sizeof *bucket_run);
    int64_t *start = zeros(&w->keep, N_ROWS * n_partitions * MAX_DELAY + 1, sizeof *start);
    w->row = zeros(&w->keep, most, sizeof *w->row), w->post = zeros(&w->keep, most, sizeof *w->post);
    w->delay = zeros(&w->keep, most, sizeof *w->delay);
    w->guarded = zeros(&w->keep, most + 2 * GUARD, sizeof *w->guarded);
    for (int64_t i = 0; i < most + 2 * GUARD; i++)
        w->guarded[i] = UNTOUCHED;
    nm_projection *p = &w->projection;
    p->weight = w->guarded + GUARD;
    int64_t s = 0, delay_run = 0;
    for (int64_t bucket = 0; bucket < N_ROWS * n_partitions; bucket++) {
        const int n = length[bucket / n_partitions];
        bucket_run[bucket] = delay_run;
        for (int delay = 1; delay <= MAX_DELAY; delay++) {
            const int64_t first = s;
            for (int64_t target = (bucket % n_partitions) * width;
                 target < (bucket % n_partitions + 1) * width; target++)
                for (int j = 0; j < n; j++) {
                    const int own = a->constant ? a->constant : 1 + MAX_DELAY * j / n;
                    if (own != delay || w->n_neurons - 1 - (int64_t)j * step % spread != target)
                        continue;
                    w->row[s] = (int32_t)(bucket / n_partitions), w->post[s] = (int32_t)target;
                    w->delay[s] = (uint16_t)delay;
                    local[s] = (uint16_t)(target % width);
                    p->weight[s++] = (float)(0.2 + 0.6 * uniform());
                }
            if (s > first || a->constant == delay) {
                start[delay_run] = first;
                delays[delay_run++] = (uint16_t)delay;
            }
        }
    }
    bucket_run[N_ROWS * n_partitions] = p->n_runs = delay_run;
    start[delay_run] = w->n_synapses = p->n_synapses = s;
    p->target = local, p->run_start = start;
    p->bucket_run = a->constant ? NULL : bucket_run, p->run_delay = a->constant ? NULL : delays;
    p->constant_delay = a->constant;
    p->min_delay = a->constant ? a->constant : 1, p->max_delay = a->constant ? a->constant : MAX_DELAY;
    w->n_buckets = N_ROWS * n_partitions;
}

/* After the parameters have been set. */
static void lend_kept(world *w) {
    nm_projection *p = &w->projection;
    for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++)
        p->post_kept[k] = nm_exp(-w->dt / w->params[p->rule->post_traces[k].tau]);
}

static world *make(const plan *a) {
    world *w = calloc(1, sizeof *w);
    const nm_plasticity_rule *rule = a->rule;
    sequence = 3;
    w->dt = a->dt > 0.0 ? a->dt : 0.5;
    w->steps = a->steps ? a->steps : 60;
    const int64_t n = w->n_neurons = a->small ? 42 : 1310, width = a->small ? 16 : 512, n_partitions = 3;
    w->network = (nm_network){.n_neurons = n,
                              .projections = &w->projection,
                              .n_projections = 1,
                              .max_delay = MAX_DELAY,
                              .n_partitions = n_partitions,
                              .partition_width = width};
    w->projection =
        (nm_projection){.pre_first = PRE_FIRST, .n_rows = N_ROWS, .rule = rule, .weight_kept = 1.0};
    nm_projection *p = &w->projection;
    draw_synapses(w, a);
    p->weight_min = -100.0, p->weight_max = 100.0, p->params = w->params;
    for (int k = 0; k < nm_field_count(rule->params); k++)
        w->params[k] = rule->params[k].fallback;
    if (rule->eligibility != NULL && a->tau_c > 0.0)
        w->params[rule->eligibility->tau_c] = a->tau_c;
    for (int k = 0; k < nm_field_count(rule->state); k++)
        p->state[k] = zeros(&w->keep, w->n_synapses, sizeof(float));
    for (int k = 0; rule->post_traces != NULL && rule->post_traces[k].name != NULL; k++)
        p->post_trace[k] = zeros(&w->keep, n, sizeof(double));
    lend_kept(w);
    w->zone = zeros(&w->keep, n, sizeof *w->zone);
    w->fired = zeros(&w->keep, n, sizeof(double));
    w->excitatory = w->input[0] = zeros(&w->keep, n, sizeof(double));
    w->inhibitory = w->input[1] = zeros(&w->keep, n, sizeof(double));
    w->raster = zeros(&w->keep, (w->steps + 1) * n, 1);
    w->network.zone = w->zone;
    w->ring = make_ring(&w->keep, &w->network, MAX_DELAY + MAX_LAG, LENGTH - MAX_DELAY);
    if (rule->post_amplitude != NULL)
        lend_lazy(&w->keep, &w->network, p, &w->lazy, w->dt, a->sweep, a->n_regions ? a->n_regions : 1);
    else
        lend_events(&w->keep, &w->network, p, &w->events, w->dt);
    lend_routes(&w->keep, &w->network, &w->push);
    return w;
}

static int fires_at(const world *w, int64_t step, int64_t slot) {
    return step >= 1 && w->raster[step * w->n_neurons + slot];
}
static int arrives_at(const world *w, int64_t step, int64_t s) {
    return fires_at(w, step - w->delay[s], PRE_FIRST + w->row[s]);
}

static void draw_raster(world *w, double of_sources, double of_others) {
    for (int64_t step = 1; step <= w->steps; step++)
        for (int64_t slot = 0; slot < w->n_neurons; slot++)
            w->raster[step * w->n_neurons + slot] =
                uniform() < (slot < PRE_FIRST + N_ROWS ? of_sources : of_others);
}

/* One step, as nm_sim.c takes it; the raster is gone through again after its end. */
static void step_world(world *w, const nm_levels *levels) {
    nm_delivery to = {.network = &w->network, .ring = &w->ring, .dt = w->dt, .seed = 1, .input = w->input};
    const int64_t now = ++w->now, row = (now - 1) % w->steps + 1;
    const int64_t n_zones = levels == NULL ? 0 : nm_levels_n_zones(levels);
    nm_factors factor[N_ZONES];
    memset(w->excitatory, 0, (size_t)w->n_neurons * sizeof(double));
    memset(w->inhibitory, 0, (size_t)w->n_neurons * sizeof(double));
    if (w->projection.lazy != NULL)
        CHECK(nm_lazy_advance(&w->network, &w->projection, levels, w->dt, now, 0));
    for (int64_t zone = 0; zone < N_ZONES; zone++)
        factor[zone] = nm_levels_factors(zone < n_zones ? levels : NULL, zone);
    for (int64_t partition = 0; partition < w->network.n_partitions; partition++) {
        nm_plasticity_decay(&w->network, partition);
        nm_deliver_static(&to, now, partition, partition + 1), nm_deliver(&to, now, partition);
        int32_t *list = nm_delay_list(&w->ring, now, partition);
        int64_t n = 0;
        for (int64_t slot = nm_network_partition_first(&w->network, partition);
             slot < nm_network_partition_end(&w->network, partition); slot++) {
            w->fired[slot] = fires_at(w, row, slot) ? 1.0 : 0.0;
            if (fires_at(w, row, slot))
                list[n++] = (int32_t)slot;
        }
        *nm_delay_count(&w->ring, now, partition) = n;
        nm_plasticity_step(&w->network, &w->ring, factor, w->fired, w->dt, 1, now, partition);
    }
}

static void run(world *w, const nm_levels *levels, int64_t n_steps) {
    for (int64_t k = 0; k < n_steps; k++)
        step_world(w, levels);
}

static int guards_hold(const world *w) {
    for (int64_t i = 0; i < GUARD; i++)
        if (w->guarded[i] != UNTOUCHED || w->guarded[GUARD + w->n_synapses + i] != UNTOUCHED)
            return 0;
    return 1;
}

#endif
