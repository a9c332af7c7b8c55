/* A simulation: the order of the phases of one step, and the loop over steps. See the head of nm_sim.c.
 * SPDX-License-Identifier: MIT */
#ifndef NM_SIM_H
#define NM_SIM_H

#include "nm_bitmap_deliver.h"
#include "nm_current.h"
#include "nm_delay.h"
#include "nm_levels.h"
#include "nm_network.h"
#include "nm_pool.h"
#include "nm_record.h"

/* One process of several that step one network. A process steps its own partitions, and holds the synapses
 * onto their neurons alone; `exchange` brings the spikes of the others into the ring. */
typedef struct nm_ranks {
    int64_t first, end; /* partitions of this process: first .. end - 1 */
    int64_t every;      /* steps between two exchanges; at most the shortest delay on any process */
    int64_t exchanged;  /* the spikes of all processes are in the ring up to this step */
    /* Bring the spikes of the other processes in the steps first .. last into the ring. Does not fail. */
    void (*exchange)(void *context, int64_t first, int64_t last);
    void *context;
} nm_ranks;

typedef struct nm_sim {
    nm_network *network;
    nm_levels *levels; /* NULL: nothing is modulated */
    nm_ranks *ranks;   /* NULL: this process steps all partitions */
    nm_delay ring;
    double dt; /* ms */
    uint64_t seed;
    int64_t step;     /* completed steps */
    int64_t interval; /* greatest number of steps between two synchronisations; at most the shortest delay */
    int64_t first, last; /* first and last step of the current run */
    int64_t look;        /* values are checked for being finite after this step; 0: none */
    double until;        /* nm_clock() after which a run returns at the end of an interval; 0: never */
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
    int64_t same_currents;     /* 1: there is one row, for every step */
    const nm_current *sources; /* currents that are functions of time, or random */
    int64_t n_sources;
    int64_t current_step; /* the last step for which external_input may hold values other than 0 */
    int64_t schedule_now; /* the last step for which `scheduled` does */
    nm_spike_record *spike_records;
    int64_t n_spike_records;
    nm_sample_record *sample_records;
    int64_t n_sample_records;
} nm_sim;

/* Advance n_steps on the threads of `pool`; NULL: on the caller's thread. *done: the number of completed
 * steps, at least 1 unless the status is not NM_OK. Returns early after `until`, with a status > 0, which
 * Python serves before it calls again, or with an error < 0. In all cases the state is that at the end of a
 * step. */
int nm_sim_run(nm_sim *sim, int64_t n_steps, nm_pool *pool, int64_t *done, nm_error *error) NM_MUST_CHECK;

/* At the end of a run: exchange the spikes since the last exchange. */
void nm_sim_exchange(nm_sim *sim);

#endif
