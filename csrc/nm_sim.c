/* The phases of one step, in this order:
 *   1 deliver the spikes that arrive in this step; lazy rules update each synapse before it transmits
 *   2 add the background drive, external currents (external_input, i_offset, current sources) and
 *     scheduled spikes
 *   3 apply the gain to the inputs and the rise to the thresholds
 *   4 step the neurons
 *   5 append the neurons that fired to the delay ring
 *   6 event rules; traces and sums of the lazy rules; short-term plasticity; homeostatic scaling
 *   7 decay of the modulators; release by spikes
 *   8 record
 * Steps are numbered 1, 2, ...; step k ends at time k * dt, which is the time of its spikes. A spike of step
 * k arrives in step k + delay. The levels of the modulators are those at the start of the step.
 *
 * Partitions run independently for up to `interval` steps before they synchronise, and `interval` is at most
 * the shortest delay. That is safe: a spike needs at least the shortest delay to reach another partition. The
 * columns of a partition stay in the cache meanwhile, and threads wait for each other once per interval.
 * Quantities of the whole network (levels, the sums F of lazy rules) are computed for all steps of the
 * interval beforehand. An interval is shorter where that is impossible (input from Python, release by spikes,
 * samples). The length of an interval does not affect results.
 *
 * Several processes (ranks) may step one network, each its own partitions. A spike needs at least the shortest delay
 * to reach another partition, so the processes exchange their lists of spikes once per shortest delay, at steps that
 * are multiples of it: at the same steps on all of them, however a run is cut into intervals. A partition reads
 * nothing else of another one. Levels are computed by every process; short-term plasticity of the sources of other
 * processes follows from their spikes.
 *
 * The inputs of a neuron are added in the order of nm_deliver.c, for any number of threads and any way of delivery:
 * the sum over all static projections onto a port, by (age of the spike descending, source, projection, synapse); then
 * the others likewise, where bitmap delivery first forms the sum of one age of one projection (nm_bitmap_deliver.h).
 * SPDX-License-Identifier: MIT */
#include "nm_sim.h"
#include "nm_clock.h"
#include "nm_compact.h"
#include "nm_current.h"
#include "nm_deliver.h"
#include "nm_drive.h"
#include "nm_events.h"
#include "nm_homeostasis.h"
#include "nm_lazy.h"
#include "nm_loop.h"
#include "nm_plasticity.h"
#include "nm_push.h"
#include "nm_rng.h"
#include "nm_short_term.h"

#include <math.h>
#include <string.h>

/* Steps between two checks for NaN and infinity: of the neurons, and of the synapses. */
enum { CHECK_EVERY = 256, SYNAPSES_EVERY = 16 * CHECK_EVERY };

/* Seconds by which a run may exceed its time to end with an epoch of push delivery. */
static const double PATIENCE = 0.02;

/* Add the input of step `now`. current_step and schedule_now mark the columns that must be cleared after
 * the step. */
static void add_input(nm_sim *sim, int64_t now, int first) {
    if (first || sim->current_rows > 0) /* `external_input` is Python's between runs */
        sim->current_step = now;
    if (sim->current_rows > 0) {
        for (int64_t k = 0; k < sim->n_currents; k++)
            sim->network->external_input[sim->current_slot[k]] += sim->currents[k];
        sim->currents += sim->same_currents ? 0 : sim->n_currents;
        sim->current_rows--;
    }
    while (sim->next_schedule < sim->n_schedule && sim->schedule_step[sim->next_schedule] <= now) {
        if (sim->schedule_step[sim->next_schedule] == now) {
            sim->scheduled[sim->schedule_slot[sim->next_schedule]] += 1.0;
            sim->schedule_now = now;
        }
        sim->next_schedule++;
    }
}

static void amplify(double *column, int64_t n, double gain) {
    for (int64_t i = 0; i < n; i++)
        column[i] *= gain;
}

/* current <- lasting current, or current + lasting current where the column holds an input for this step. */
static void add_offset(double *restrict current, const double *restrict offset, int64_t n, int fresh) {
    for (int64_t i = 0; i < n; i++)
        current[i] = fresh ? offset[i] : current[i] + offset[i];
}

/* The external current of a block in this step: external_input, i_offset, noise and current sources, times the
 * gain. If external_input holds nothing for this step, the current is written to `room`; without anything to add
 * the result is a shared array of zeros. */
static const double *current_of(const nm_sim *sim, const nm_block *block, nm_factors factors, int64_t now,
                                double *room) {
    static const double none[NM_CHUNK];
    int fresh = sim->current_step != now;
    const int sources = nm_current_reaches(sim->sources, sim->n_sources, block, now);
    double *current = fresh ? room : sim->network->external_input + block->first;
    if (fresh && !block->noisy && !block->offset && !sources)
        return none;
    if (block->offset) {
        add_offset(current, sim->network->i_offset + block->first, block->n, fresh);
        fresh = 0;
    }
    if (block->noisy)
        nm_drive_noise(sim->network, block, sim->dt, sim->seed, (uint64_t)now, factors.noise, current, fresh);
    if (sources) {
        if (fresh && !block->noisy)
            memset(current, 0, (size_t)block->n * sizeof *current);
        nm_current_add(sim->sources, sim->n_sources, sim->network, block, sim->seed, now, current);
    }
    if (factors.gain != 1.0)
        amplify(current, block->n, factors.gain);
    return current;
}

/* Add the events of the background drive; apply the gain. */
static void complete_inputs(const nm_sim *sim, const nm_group *group, const nm_block *block,
                            nm_factors factors, int64_t now) {
    if (block->driven)
        nm_drive_add(sim->network, block, sim->dt, sim->seed, (uint64_t)now, factors.noise,
                     sim->input[NM_EXCITATORY], sim->input[NM_INHIBITORY]);
    for (int64_t k = 0; k < group->n_ports && factors.gain != 1.0; k++)
        amplify(sim->input[group->port[k]] + block->first, block->n, factors.gain);
}

/* Inputs act in one step. The external current and the scheduled spikes are cleared only after a step for
 * which they were written, since clearing costs time in every step. */
static void clear_inputs(const nm_sim *sim, const nm_group *group, const nm_block *block, int64_t now) {
    const size_t bytes = (size_t)block->n * sizeof(double);
    for (int64_t k = 0; k < group->n_ports; k++)
        memset(sim->input[group->port[k]] + block->first, 0, bytes);
    if (sim->current_step == now)
        memset(sim->network->external_input + block->first, 0, bytes);
    if (sim->schedule_now == now)
        memset(sim->scheduled + block->first, 0, bytes);
}

static const nm_factors *factors_in(const nm_sim *sim, int64_t step) {
    return sim->factors + step % NM_INTERVAL * sim->n_zones;
}

/* The places where the engine applies the targets of modulators. Every target is applied somewhere. */
#define ON_NEURONS (NM_ON(NM_THRESHOLD) | NM_ON(NM_GAIN) | NM_ON(NM_NOISE))  /* here, in step_block */
#define ON_CHANGES (NM_ON(NM_LEARNING_RATE) | NM_ON(NM_LTP) | NM_ON(NM_LTD)) /* nm_events.c, nm_lazy.c */
#define ON_TRACES  NM_ON(NM_TAU_C)                                           /* nm_lazy.c */
_Static_assert((ON_NEURONS | ON_CHANGES | ON_TRACES) == NM_ON(NM_N_TARGETS) - 1,
               "say where the new target acts, and apply it there");

/* Phases 2 to 4 of one block; writes `fired`. */
static void step_block(const nm_sim *sim, const nm_block *block, int64_t now, int64_t *fired) {
    const nm_group *group = &sim->network->groups[block->group];
    const nm_factors factors = factors_in(sim, now)[group->zone];
    const nm_neuron_model *model = group->model;
    uint32_t words[NM_CHUNK];
    double room[NM_CHUNK];
    nm_columns columns;
    nm_neuron_chunk chunk = nm_network_chunk(group, block, sim->dt, &columns);

    complete_inputs(sim, group, block, factors, now);
    if (model->needs_random)
        nm_drive_words(sim->network, block, sim->seed, NM_STREAM_NEURON, (uint64_t)now, words);
    chunk.current = current_of(sim, block, factors, now, room);
    for (int64_t k = 0; k < group->n_ports; k++)
        chunk.input[k] = sim->input[group->port[k]] + block->first;
    chunk.threshold_rise = factors.threshold;
    chunk.scheduled = sim->scheduled + block->first;
    chunk.random = model->needs_random ? words : NULL;
    chunk.fired = fired;
    model->step(&chunk);
    clear_inputs(sim, group, block, now);
}

/* Phases 2 to 5 of one partition: the slots of the neurons that fired are listed in the ring in ascending
 * order. */
static void step_neurons(const nm_sim *sim, int64_t now, int64_t partition) {
    const nm_network *network = sim->network;
    int32_t *list = nm_delay_list(&sim->ring, now, partition);
    int64_t fired[NM_CHUNK], n_fired = 0;
    for (int64_t p = network->partition_block[partition]; p < network->partition_block[partition + 1]; p++) {
        const nm_block *block = &network->blocks[p];
        step_block(sim, block, now, fired);
        n_fired += nm_compact_fired(fired, block->n, (int32_t)block->first, list + n_fired);
    }
    *nm_delay_count(&sim->ring, now, partition) = n_fired;
    for (int64_t i = 0; i < n_fired; i++) {
        network->last_spike_time[list[i]] = (double)now * sim->dt;
        network->spike_count[list[i]] += 1;
        sim->fired[list[i]] = 1.0;
    }
}

static void forget_fired(const nm_sim *sim, int64_t now, int64_t partition) {
    const int32_t *list = nm_delay_list(&sim->ring, now, partition);
    const int64_t n_fired = *nm_delay_count(&sim->ring, now, partition);
    for (int64_t i = 0; i < n_fired; i++)
        sim->fired[list[i]] = 0.0;
}

/* Phases 1 to 6 of the partitions `first` .. `end` - 1, one after the other but for the static projections, whose spikes
 * are delivered to all of them at once. Of the other partitions a partition reads only the spike lists of earlier
 * steps. */
static void step_partitions(const nm_sim *sim, int64_t now, int64_t first, int64_t end) {
    nm_delivery to = {.network = sim->network,
                      .ring = &sim->ring,
                      .dt = sim->dt,
                      .seed = sim->seed,
                      .first = sim->first,
                      .last = sim->last,
                      .input = sim->input,
                      .bitmap = sim->bitmap};
    nm_deliver_static(&to, now, first, end);
    for (int64_t partition = first; partition < end; partition++) {
        nm_plasticity_decay(sim->network, partition);
        nm_deliver(&to, now, partition);
        step_neurons(sim, now, partition);
        nm_plasticity_step(sim->network, &sim->ring, factors_in(sim, now), sim->fired, sim->dt, sim->seed,
                           now, partition);
        nm_short_term_step(sim->network, &sim->ring, sim->dt, now, partition);
        nm_homeostasis_step(sim->network, &sim->ring, sim->dt, sim->seed, now, partition);
        forget_fired(sim, now, partition);
    }
}

static int64_t first_own(const nm_sim *sim) {
    return sim->ranks == NULL ? 0 : sim->ranks->first;
}
static int64_t end_own(const nm_sim *sim) {
    return sim->ranks == NULL ? sim->network->n_partitions : sim->ranks->end;
}

static void record(const nm_sim *sim, int64_t now) {
    for (int64_t partition = first_own(sim); partition < end_own(sim); partition++) {
        const int32_t *list = nm_delay_list(&sim->ring, now, partition);
        const int64_t n_fired = *nm_delay_count(&sim->ring, now, partition);
        for (int64_t k = 0; k < sim->n_spike_records; k++)
            nm_record_spikes(&sim->spike_records[k], now, list, n_fired, sim->network->id);
    }
    for (int64_t k = 0; k < sim->n_sample_records; k++)
        nm_record_sample(&sim->sample_records[k], now);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* The number of steps from `now` on that the recorders allow. An interval must end at every sample, since
 * samples are taken from the whole network. 0: a recorder is full. */
static int64_t recorded(const nm_sim *sim, int64_t now) {
    int64_t steps = NM_INTERVAL;
    for (int64_t k = 0; k < sim->n_spike_records; k++)
        steps = least(steps, nm_record_room(&sim->spike_records[k], sim->network->n_neurons));
    for (int64_t k = 0; k < sim->n_sample_records; k++)
        steps = least(steps, nm_record_until(&sim->sample_records[k], now));
    return steps;
}

/* A double is finite if its exponent is not the largest. The comparison of bits vectorises. */
static int all_finite(const double *column, int64_t n) {
    const uint64_t largest = 0x7FF0000000000000u;
    uint64_t any = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &column[i], sizeof bits);
        any |= (uint64_t)((bits & largest) == largest);
    }
    return any == 0;
}

static int all_finite_float(const float *column, int64_t n) {
    const uint32_t largest = 0x7F800000u;
    uint32_t any = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &column[i], sizeof bits);
        any |= (uint32_t)((bits & largest) == largest);
    }
    return any == 0;
}

/* index: synapse; field: projection * (NM_MAX_STATE + 1) + 0 the weight, + 1 + k the rule's state k. */
static int check_synapses(const nm_network *network, nm_error *error) {
    for (int64_t p = 0; p < network->n_projections; p++) {
        const nm_projection *projection = &network->projections[p];
        if (projection->rule == NULL)
            continue;
        const int64_t runs = nm_first_run(projection, nm_all_buckets(network, projection));
        const int64_t n = projection->run_start[runs];
        for (int k = -1; k < NM_MAX_STATE; k++) {
            const float *column = k < 0 ? projection->weight : projection->state[k];
            if (column == NULL || all_finite_float(column, n))
                continue;
            int64_t synapse = 0;
            while (isfinite(column[synapse]))
                synapse++;
            return nm_fail(error, NM_ERR_SYNAPSE, synapse, p * (NM_MAX_STATE + 1) + 1 + k, column[synapse]);
        }
    }
    return NM_OK;
}

/* index: slot; field: position in the state table of its group's model. */
static int check_neurons(const nm_network *network, nm_error *error) {
    for (int64_t g = 0; g < network->n_groups; g++) {
        const nm_group *group = &network->groups[g];
        for (int k = 0; k < NM_MAX_STATE && group->state[k] != NULL; k++) {
            int64_t slot = group->first;
            if (all_finite(group->state[k] + slot, group->n))
                continue;
            while (isfinite(group->state[k][slot]))
                slot++;
            return nm_fail(error, NM_ERR_NOT_FINITE, slot, k, group->state[k][slot]);
        }
    }
    return NM_OK;
}

/* A weight that is not finite soon makes its target so. Hence synapses are checked in every SYNAPSES_EVERY-th step, and
 * where a neuron is not finite, to name the cause. `synapses`: check them in any case. */
static int check_finite(const nm_network *network, int synapses, nm_error *error) {
    const int status = check_neurons(network, error);
    if (status == NM_OK && !synapses)
        return NM_OK;
    const int of_synapses = check_synapses(network, error);
    return of_synapses != NM_OK || status == NM_OK ? of_synapses : check_neurons(network, error);
}

/* ---- the loop --------------------------------------------------------------------------------------- */

/* A call of nm_sim_run, shared by its threads. */
typedef struct run {
    nm_sim *sim;
    int64_t n_steps, done;
    int64_t first, last; /* first and last step of the interval; first > last: the run is over */
    int64_t unread;      /* intervals since the clock was read */
    int status;
    nm_error *error;
} run;

static const nm_projection *stepped(const nm_sim *sim, int64_t k) {
    return &sim->network->projections[sim->network->routes.stepped[k]];
}

/* The factors of the projections that name the modulators of their learning. */
static void prepare_acting(const nm_sim *sim, int64_t now) {
    for (int64_t k = 0; k < sim->network->routes.n_stepped; k++) {
        const nm_acting *own = stepped(sim, k)->acting;
        for (int64_t zone = 0; own != NULL && zone < own->n_zones; zone++)
            own->factors[now % NM_INTERVAL * own->n_zones + zone] = nm_levels_factors(own->levels, zone);
    }
}

/* Compute what step `now` needs of the whole network, then advance the levels to the end of the step.
 * `ahead`: earlier steps of the interval have not been taken yet. Returns 0 if the step cannot be prepared
 * ahead. */
static int prepare_step(const nm_sim *sim, int64_t now, int ahead) {
    for (int64_t k = 0; k < sim->network->routes.n_stepped; k++) {
        const nm_projection *p = stepped(sim, k);
        const nm_levels *levels = p->acting == NULL ? sim->levels : p->acting->levels;
        if (p->lazy != NULL && !nm_lazy_advance(sim->network, p, levels, sim->dt, now, ahead))
            return 0;
    }
    for (int64_t k = 0; k < sim->network->routes.n_stepped; k++)
        if (stepped(sim, k)->events != NULL)
            nm_events_sample_sources(stepped(sim, k), sim->network->n_neurons);
    nm_factors *factors = sim->factors + now % NM_INTERVAL * sim->n_zones;
    for (int64_t zone = 0; zone < sim->n_zones; zone++)
        factors[zone] = nm_levels_factors(sim->levels, zone);
    prepare_acting(sim, now);
    if (sim->levels != NULL)
        nm_levels_step(sim->levels);
    return 1;
}

/* The last step of an interval that begins with step `first`. An interval begins at every step with input
 * from Python or with scheduled spikes. It has one step where spikes release a modulator, since they act
 * on the levels of the next step. It ends at the steps in which the state is checked, so that these steps
 * do not depend on how a run is cut. */
static int64_t last_of_interval(const run *r, int64_t first) {
    const nm_sim *sim = r->sim;
    int64_t steps = least(sim->interval, r->n_steps - r->done);
    steps = least(steps, CHECK_EVERY - (first - 1) % CHECK_EVERY);
    steps = least(steps, recorded(sim, first));
    if (sim->current_rows > 0 || (sim->levels != NULL && sim->levels->n_releases > 0))
        steps = 1;
    if (sim->next_schedule < sim->n_schedule)
        steps = least(steps, sim->schedule_step[sim->next_schedule] - first);
    if (sim->ranks != NULL)
        steps = least(steps, sim->ranks->every - (first - 1) % sim->ranks->every);
    return first + steps - 1;
}

/* Whether the time of the run is over. The clock is read about every 16,384 neuron steps. Where push delivery is in
 * use, a run that has little left of an epoch ends with it, since the next run visits all spikes in flight anew. */
static int out_of_time(run *r) {
    const nm_push *push = r->sim->network->push;
    const int64_t patience = 1 + 16384 / (1024 + r->sim->network->n_neurons);
    const int ends = push != NULL && r->sim->step % push->steps == 0, within = push != NULL && !ends;
    if (r->sim->until == 0.0 || r->done == 0 || (++r->unread < patience && !ends))
        return 0;
    r->unread = 0;
    return nm_clock() >= r->sim->until + (within ? PATIENCE : 0.0);
}

static void begin_interval(run *r) {
    nm_sim *sim = r->sim;
    r->first = sim->step + 1;
    r->last = sim->step;
    if (r->status != NM_OK || r->done == r->n_steps || out_of_time(r))
        return;
    if (recorded(sim, r->first) == 0) {
        r->status = NM_STOP_RECORD_FULL;
        return;
    }
    add_input(sim, r->first, r->done == 0);
    const int64_t last = last_of_interval(r, r->first);
    while (r->last < last && prepare_step(sim, r->last + 1, r->last >= r->first))
        r->last++;
}

/* The partitions of one thread, each (or each group, where buckets cover several partitions) through the whole interval
 * before the next: its columns stay in the cache. */
static void step_interval(const run *r, int64_t thread, int64_t n_threads) {
    const int64_t first = first_own(r->sim), last = end_own(r->sim);
    const int64_t together = r->sim->network->at_once > 1 ? r->sim->network->at_once : 1;
    const int64_t n_groups = (last - first + together - 1) / together;
    const int64_t begin = thread * n_groups / n_threads, end = (thread + 1) * n_groups / n_threads;
    for (int64_t group = begin; group < end; group++)
        for (int64_t now = r->first; now <= r->last; now++)
            step_partitions(r->sim, now, first + group * together,
                            least(first + (group + 1) * together, last));
}

static void release(const nm_sim *sim, int64_t now) {
    for (int64_t partition = 0; partition < sim->network->n_partitions; partition++)
        nm_levels_count(sim->levels, nm_delay_list(&sim->ring, now, partition),
                        *nm_delay_count(&sim->ring, now, partition));
    nm_levels_release(sim->levels);
}

/* Spikes of the other processes up to step `last`, and what follows from them. */
static void exchange(nm_sim *sim, int64_t last) {
    nm_ranks *ranks = sim->ranks;
    if (last <= ranks->exchanged)
        return;
    ranks->exchange(ranks->context, ranks->exchanged + 1, last);
    for (int64_t now = ranks->exchanged + 1; now <= last; now++)
        for (int64_t partition = 0; partition < sim->network->n_partitions; partition++)
            if (partition < ranks->first || partition >= ranks->end)
                nm_short_term_step(sim->network, &sim->ring, sim->dt, now, partition);
    ranks->exchanged = last;
}

void nm_sim_exchange(nm_sim *sim) {
    exchange(sim, sim->step);
}

static void end_interval(run *r) {
    nm_sim *sim = r->sim;
    if (sim->ranks != NULL && r->last % sim->ranks->every == 0)
        exchange(sim, r->last);
    for (int64_t now = r->first; now <= r->last; now++) {
        if (sim->levels != NULL)
            release(sim, now);
        record(sim, now);
    }
    sim->step = r->last;
    r->done += r->last - r->first + 1;
    if (sim->step % CHECK_EVERY == 0)
        r->status = check_finite(sim->network, sim->step % SYNAPSES_EVERY == 0, r->error);
}

static void run_alone(run *r) {
    for (begin_interval(r); r->last >= r->first; begin_interval(r)) {
        step_interval(r, 0, 1);
        end_interval(r);
    }
}

static void run_together(void *context, int thread, nm_pool *pool) {
    run *r = context;
    const int64_t n_threads = nm_pool_threads(pool);
    for (;;) {
        if (thread == 0)
            begin_interval(r);
        nm_pool_wait(pool);
        if (r->last < r->first)
            return;
        step_interval(r, thread, n_threads);
        nm_pool_wait(pool);
        if (thread == 0)
            end_interval(r);
    }
}

int nm_sim_run(nm_sim *sim, int64_t n_steps, nm_pool *pool, int64_t *done, nm_error *error) {
    run r = {.sim = sim, .n_steps = n_steps, .status = NM_OK, .error = error};
    sim->first = sim->step + 1;
    sim->last = sim->step + n_steps;
    if (pool == NULL || nm_pool_threads(pool) == 1)
        run_alone(&r);
    else
        nm_pool_run(pool, run_together, &r);
    *done = r.done;
    if (r.done < n_steps)
        nm_push_clear(sim->network);
    if (r.status == NM_OK && sim->step == sim->look)
        r.status = check_finite(sim->network, 1, error);
    return r.status;
}
