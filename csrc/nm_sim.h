/* A simulation: the order of the phases of one step, and the loop over steps. See the head of nm_sim.c.
 * SPDX-License-Identifier: MIT */
#ifndef NM_SIM_H
#define NM_SIM_H

#include "nm_bitmap_deliver.h"
#include "nm_delay.h"
#include "nm_levels.h"
#include "nm_network.h"
#include "nm_pool.h"
#include "nm_record.h"

typedef struct nm_sim {
    nm_network *network;
    nm_levels *levels; /* NULL: nothing is modulated */
    nm_delay ring;
    double dt; /* ms */
    uint64_t seed;
    int64_t step;        /* completed steps */
    int64_t interval;    /* steps that a part takes at a time, at most: no more than the shortest delay */
    int64_t first, last; /* steps of the run under way */
    int64_t
        look; /* a step after which values that are not finite are looked for, besides every 256th; 0: none */
    int64_t n_zones;
    nm_factors *factors; /* [step % NM_INTERVAL * n_zones + zone] effects of the modulators in each step */
    /* scratch, [slot]; all zero between steps */
    double *input[NM_MAX_INPUTS]; /* by input port of the network; NULL: no neuron has the port */
    double *scheduled;
    double *fired; /* 1.0 where the neuron fired in the current step */
    nm_bitmap_room bitmap;
    /* exact spike times of spike_source neurons, sorted by step */
    const int64_t *schedule_step;
    const int32_t *schedule_slot;
    int64_t n_schedule, next_schedule;
    /* currents of run(n, input=...): row s of [n_steps][n_currents], for the slots in current_slot */
    const double *currents;
    const int32_t *current_slot;
    int64_t n_currents, current_rows;
    int64_t current_step; /* the last step for which external_input may hold values other than 0 */
    int64_t schedule_now; /* the last step for which `scheduled` does */
    nm_spike_record *spike_records;
    int64_t n_spike_records;
    nm_sample_record *sample_records;
    int64_t n_sample_records;
} nm_sim;

/* Advance n_steps on the threads of `pool`; NULL: on the caller's thread. *done: the number of completed
 * steps. Returns early with a status > 0, which Python serves before it calls again, or with an error < 0.
 * In both cases the state is that at the end of a step. */
int nm_sim_run(nm_sim *sim, int64_t n_steps, nm_pool *pool, int64_t *done, nm_error *error) NM_MUST_CHECK;

#endif
