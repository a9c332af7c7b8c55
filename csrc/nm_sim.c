/* One step, in this order:
 *   1 deliver the spikes that arrive now, each synapse of a pair rule brought up to date first
 *   2 background drive, external and scheduled input
 *   3 NE gain on inputs, 5-HT on thresholds   4 neurons step -> fired
 *   5 the fired join the ring of delays       6 other rules' arrivals; the fired enter traces and sums
 *     their efficacies under short-term plasticity; homeostatic scaling
 *   7 modulators decay, spikes release more   8 record                       9 deaths and births (none yet)
 * Steps are numbered 1, 2, ...; step k ends at time k * dt, which is the time of its spikes. A spike of step
 * k arrives in step k + delay. Levels are those at the start of the step.
 *
 * Sums are taken in the order (age descending, projection, source, synapse), whatever the number of threads;
 * a dense projection's sum of one age is formed on its own (nm_dense.h).
 * SPDX-License-Identifier: MIT */
#include "nm_sim.h"
#include "nm_deliver.h"
#include "nm_drive.h"
#include "nm_homeostasis.h"
#include "nm_pairs.h"
#include "nm_plasticity.h"
#include "nm_rng.h"
#include "nm_short_term.h"

#include <math.h>
#include <string.h>

enum { CHECK_EVERY = 256 }; /* steps between two looks for NaN: one pass over the state in 256 */
enum { BLOCK = 16 };        /* neurons that are asked at once whether any of them fired: two vectors */

/* Also notes which of the two columns may now hold something, and so are to be cleared after the step. */
static void add_input(nm_sim *sim, int64_t now, int first) {
    sim->has_current = first || sim->input_rows > 0; /* `external_input` is Python's between runs */
    sim->has_scheduled = 0;
    if (sim->input_rows > 0) {
        for (int64_t k = 0; k < sim->n_input; k++)
            sim->network->external_input[sim->input_slot[k]] += sim->input[k];
        sim->input += sim->n_input;
        sim->input_rows--;
    }
    while (sim->next_schedule < sim->n_schedule && sim->schedule_step[sim->next_schedule] <= now) {
        if (sim->schedule_step[sim->next_schedule] == now) {
            sim->scheduled[sim->schedule_slot[sim->next_schedule]] += 1.0;
            sim->has_scheduled = 1;
        }
        sim->next_schedule++;
    }
}

NM_CLONES static void amplify(double *restrict current, double *restrict excitatory,
                              double *restrict inhibitory, int64_t n, double gain) {
    for (int64_t i = 0; i < n; i++) {
        current[i] *= gain;
        excitatory[i] *= gain;
        inhibitory[i] *= gain;
    }
}

static void draw_words(const nm_sim *sim, const nm_piece *piece, int64_t now, uint32_t *words) {
    const int64_t *id = sim->network->id + piece->first;
    uint64_t step = (uint64_t)now;
    if (id[piece->n - 1] - id[0] == piece->n - 1)
        nm_rng_fill(sim->seed, NM_STREAM_NEURON, (uint32_t)id[0], step, (size_t)piece->n, words);
    else /* neurons were removed in between */
        for (int64_t i = 0; i < piece->n; i++)
            words[i] = nm_rng_word(sim->seed, NM_STREAM_NEURON, (uint32_t)id[i], step);
}

/* Background and gain: what besides the synapses makes up the inputs of a piece. */
static void complete_inputs(const nm_sim *sim, const nm_piece *piece, nm_factors factors, int64_t now) {
    const nm_network *network = sim->network;
    if (piece->driven)
        nm_drive_add(network, piece, sim->dt, sim->seed, (uint64_t)now, factors.noise, sim->excitatory,
                     sim->inhibitory);
    if (piece->noisy)
        nm_drive_add_noise(network, piece, sim->seed, (uint64_t)now, factors.noise, network->external_input);
    if (factors.gain != 1.0)
        amplify(network->external_input + piece->first, sim->excitatory + piece->first,
                sim->inhibitory + piece->first, piece->n, factors.gain);
}

/* Inputs serve one step. The external current and scheduled spikes are cleared only where somebody wrote
 * them: at 1,000 neurons each of the four columns takes 70 ns of a step of 2 us. */
static void clear_inputs(const nm_sim *sim, const nm_piece *piece) {
    const size_t bytes = (size_t)piece->n * sizeof(double);
    memset(sim->excitatory + piece->first, 0, bytes);
    memset(sim->inhibitory + piece->first, 0, bytes);
    if (sim->has_current || piece->noisy)
        memset(sim->network->external_input + piece->first, 0, bytes);
    if (sim->has_scheduled)
        memset(sim->scheduled + piece->first, 0, bytes);
}

/* Inputs and the model's own step for one piece; writes `fired`. */
static void step_piece(const nm_sim *sim, const nm_piece *piece, nm_factors factors, int64_t now,
                       int64_t *fired) {
    const nm_group *group = &sim->network->groups[piece->group];
    const nm_neuron_model *model = group->model;
    uint32_t words[NM_CHUNK];
    nm_columns columns;
    nm_neuron_chunk chunk = nm_network_chunk(group, piece, sim->dt, &columns);

    complete_inputs(sim, piece, factors, now);
    if (model->draws)
        draw_words(sim, piece, now, words);
    chunk.current = sim->network->external_input + piece->first;
    chunk.excitatory = sim->excitatory + piece->first;
    chunk.inhibitory = sim->inhibitory + piece->first;
    chunk.threshold_rise = factors.rise;
    chunk.scheduled = sim->scheduled + piece->first;
    chunk.random = model->draws ? words : NULL;
    chunk.fired = fired;
    model->step(&chunk);
    clear_inputs(sim, piece);
}

/* The numbers, from `first` on, of those of n neurons that fired, into `list`; returns how many. Most blocks
 * are empty, and one look settles each: 0.09 ns a neuron, where neuron by neuron it was 0.44. Within a block
 * no branch is taken; `list` has room for n. */
NM_CLONES static int64_t list_fired(const int64_t *restrict fired, int64_t n, int64_t first,
                                    int32_t *restrict list) {
    int64_t n_fired = 0;
    for (int64_t block = 0; block < n; block += BLOCK) {
        const int64_t end = block + BLOCK < n ? block + BLOCK : n;
        int64_t any = 0;
        if (end - block == BLOCK) {
            for (int64_t i = 0; i < BLOCK; i++)
                any |= fired[block + i];
            if (!any)
                continue;
        }
        for (int64_t i = block; i < end; i++) {
            list[n_fired] = (int32_t)(first + i);
            n_fired += fired[i] != 0;
        }
    }
    return n_fired;
}

/* The neurons of a part; the fired go, in slot order, into the ring's list of this step. */
static void step_neurons(const nm_sim *sim, int64_t now, int64_t part) {
    const nm_network *network = sim->network;
    int32_t *list = nm_delay_list(&sim->ring, now, part);
    int64_t fired[NM_CHUNK], n_fired = 0, region = -1;
    nm_factors factors = NM_NEUTRAL;
    for (int64_t p = network->part_piece[part]; p < network->part_piece[part + 1]; p++) {
        const nm_piece *piece = &network->pieces[p];
        if (network->groups[piece->group].region != region) {
            region = network->groups[piece->group].region;
            factors = nm_levels_factors(sim->levels, region);
        }
        step_piece(sim, piece, factors, now, fired);
        n_fired += list_fired(fired, piece->n, piece->first, list + n_fired);
    }
    *nm_delay_count(&sim->ring, now, part) = n_fired;
    for (int64_t i = 0; i < n_fired; i++) {
        network->last_spike_time[list[i]] = (double)now * sim->dt;
        network->spike_count[list[i]] += 1;
        sim->fired[list[i]] = 1.0;
    }
}

/* Phases 1 to 6 for one part. Parts touch nothing of each other's but the lists of earlier steps. */
static void step_part(const nm_sim *sim, int64_t now, int64_t part) {
    const nm_delivery to = {.network = sim->network,
                            .ring = &sim->ring,
                            .dt = sim->dt,
                            .excitatory = sim->excitatory,
                            .inhibitory = sim->inhibitory,
                            .dense_count = sim->dense_count,
                            .dense_sum = sim->dense_sum};
    nm_plasticity_decay(sim->network, part, sim->dt);
    nm_deliver(&to, now, part);
    step_neurons(sim, now, part);
    nm_plasticity_step(sim->network, &sim->ring, sim->levels, sim->fired, sim->dt, now, part);
    nm_short_term_step(sim->network, &sim->ring, sim->dt, now, part);
    nm_homeostasis_step(sim->network, &sim->ring, sim->dt, now, part);
}

static void record(const nm_sim *sim, int64_t now) {
    for (int64_t part = 0; part < sim->network->n_parts; part++) {
        const int32_t *list = nm_delay_list(&sim->ring, now, part);
        const int64_t n_fired = *nm_delay_count(&sim->ring, now, part);
        for (int64_t k = 0; k < sim->n_spike_records; k++)
            nm_record_spikes(&sim->spike_records[k], now, list, n_fired, sim->network->id);
        for (int64_t i = 0; i < n_fired; i++)
            sim->fired[list[i]] = 0.0;
    }
    for (int64_t k = 0; k < sim->n_sample_records; k++)
        nm_record_sample(&sim->sample_records[k], now);
}

static int has_room(const nm_sim *sim) {
    for (int64_t k = 0; k < sim->n_spike_records; k++)
        if (!nm_record_has_room(&sim->spike_records[k], sim->network->n_neurons))
            return 0;
    for (int64_t k = 0; k < sim->n_sample_records; k++)
        if (sim->sample_records[k].n == sim->sample_records[k].capacity)
            return 0;
    return 1;
}

/* index: slot; field: position in the state table of its group's model. */
static int check_finite(const nm_network *network, nm_error *error) {
    for (int64_t g = 0; g < network->n_groups; g++) {
        const nm_group *group = &network->groups[g];
        for (int k = 0; k < NM_MAX_STATE && group->state[k] != NULL; k++)
            for (int64_t slot = group->first; slot < group->first + group->n; slot++)
                if (!isfinite(group->state[k][slot]))
                    return nm_fail(error, NM_ERR_NOT_FINITE, slot, k, group->state[k][slot]);
    }
    return NM_OK;
}

/* ---- the loop --------------------------------------------------------------------------------------- */

/* A run, shared by the threads that work on it. */
typedef struct run {
    nm_sim *sim;
    int64_t n_steps, done, now;
    int status, going;
    nm_error *error;
} run;

/* What belongs to no part, before a step; `going` says whether there is one. */
static void begin_step(run *r) {
    nm_sim *sim = r->sim;
    r->going = r->status == NM_OK && r->done < r->n_steps;
    if (r->going && !has_room(sim)) {
        r->status = NM_STOP_RECORD_FULL;
        r->going = 0;
    }
    if (!r->going)
        return;
    r->now = sim->step + 1;
    for (int64_t k = 0; k < sim->network->n_projections; k++)
        if (sim->network->projections[k].pairs != NULL)
            nm_pairs_advance(sim->network, &sim->network->projections[k], sim->levels, sim->dt, r->now);
    add_input(sim, r->now, r->done == 0);
}

static void step_levels(const nm_sim *sim, int64_t now) {
    nm_levels_step(sim->levels);
    for (int64_t part = 0; part < sim->network->n_parts; part++)
        nm_levels_count(sim->levels, nm_delay_list(&sim->ring, now, part),
                        *nm_delay_count(&sim->ring, now, part));
    nm_levels_release(sim->levels);
}

/* And after it. */
static void end_step(run *r) {
    nm_sim *sim = r->sim;
    if (sim->levels != NULL)
        step_levels(sim, r->now);
    record(sim, r->now);
    sim->step = r->now;
    r->done++;
    if (sim->step % CHECK_EVERY == 0)
        r->status = check_finite(sim->network, r->error);
}

static void run_alone(run *r) {
    for (begin_step(r); r->going; begin_step(r)) {
        for (int64_t part = 0; part < r->sim->network->n_parts; part++)
            step_part(r->sim, r->now, part);
        end_step(r);
    }
}

static void run_together(void *context, int thread, nm_pool *pool) {
    run *r = context;
    const int64_t n_threads = nm_pool_threads(pool);
    for (;;) {
        if (thread == 0)
            begin_step(r);
        nm_pool_wait(pool);
        if (!r->going)
            return;
        for (int64_t part = thread; part < r->sim->network->n_parts; part += n_threads)
            step_part(r->sim, r->now, part);
        nm_pool_wait(pool);
        if (thread == 0)
            end_step(r);
    }
}

int nm_sim_run(nm_sim *sim, int64_t n_steps, nm_pool *pool, int64_t *done, nm_error *error) {
    run r = {.sim = sim, .n_steps = n_steps, .status = NM_OK, .error = error};
    if (pool == NULL || nm_pool_threads(pool) == 1)
        run_alone(&r);
    else
        nm_pool_run(pool, run_together, &r);
    *done = r.done;
    if (r.status == NM_OK && n_steps > 1)
        r.status = check_finite(sim->network, error);
    return r.status;
}
