/* nm_sim: the order of a step by closed forms, one step's inputs, stops and resumptions; and the same bits
 * however a run is cut and on any number of threads.
 * SPDX-License-Identifier: MIT */
#include "nm_drive.h"
#include "nm_replicas.h"
#include "nm_response.h"
#include "nm_rng.h"
#include "sim_world.h"

enum { CELLS = 130, WIDTH = 64 };                             /* of the small worlds: more than two parts */
static const double REST = -65.0, KEPT = 0.95122942450071402; /* exp(-1 ms / 20 ms) */

/* One source in slot 0, which fires in the steps that schedule() says, and CELLS LIF neurons behind it;
 * weights jump their potentials. */
static world *make_cells(void) {
    world *w = make(1 + CELLS, WIDTH);
    CHECK(add_group(w, &nm_neuron_spike_source, 1, 0) == 0);
    CHECK(add_group(w, &nm_neuron_lif, CELLS, 1) == 1);
    return w;
}

static double *potential(const world *w) {
    return w->groups[1].state[0];
}

static int near(double got, double wanted, double tolerance) {
    return fabs(got - wanted) <= tolerance;
}

/* ---- delivery ----------------------------------------------------------------------------------------- */

/* Delays of 1 to 9 steps to neurons of all parts; weights below the threshold. Between step 3 and its arrival
 * a potential rests, to the bit. */
static void a_spike_of_step_k_arrives_in_step_k_plus_delay(void) {
    world *w = make_cells();
    wiring wired = fan_out(w, 0, 1, CELLS, 1, 0.0f);
    for (int64_t k = 0; k < CELLS; k++)
        wired.synapses[k].delay = 1 + k % 9, wired.synapses[k].weight = (float)(1.0 + 0.05 * (double)k);
    schedule(w, 3, 0);
    connect(w, (connection){.wired = &wired, .own = 1});
    start(w, 1);
    for (int64_t now = 1; now <= 14; now++) {
        advance(w, 1);
        for (int64_t k = 0; k < CELLS; k++) {
            const double since = (double)(now - 3 - wired.synapses[k].delay);
            const double rise = since < 0.0 ? 0.0 : (double)wired.synapses[k].weight * pow(KEPT, since);
            CHECK(near(potential(w)[1 + k], REST + rise, since <= 0.0 ? 0.0 : 1e-13));
        }
    }
    discard(w);
}

/* A jump to the threshold in the step of the arrival is a spike of that step. */
static void a_target_fires_in_the_step_of_the_arrival(void) {
    world *w = make_cells();
    wiring wired = fan_out(w, 0, 1, CELLS, 4, 15.0f);
    schedule(w, 2, 0);
    connect(w, (connection){.wired = &wired, .own = 1});
    record_spikes(w, 1000);
    start(w, 4);
    advance(w, 20);
    CHECK(w->spikes.n == 1 + CELLS && w->spikes.step[0] == 2 && w->spikes.id[0] == w->id[0]);
    for (int64_t k = 0; k < CELLS; k++) {
        CHECK(w->spikes.step[1 + k] == 6 && w->spikes.id[1 + k] == w->id[1 + k]);
        CHECK(w->network.last_spike_time[1 + k] == 6.0 && w->network.spike_count[1 + k] == 1);
    }
    CHECK(w->network.last_spike_time[0] == 2.0 && w->network.spike_count[0] == 1);
    discard(w);
}

static void times_of_spikes_count_in_milliseconds(void) {
    world *w = make_cells();
    w->sim.dt = 0.25;
    schedule(w, 7, 0);
    start(w, 1);
    advance(w, 20);
    CHECK(w->network.last_spike_time[0] == 1.75 && w->network.last_spike_time[1] == -INFINITY);
    discard(w);
}

/* u R at the first spike is U; at the next, t later, u = U + (1 - U) U exp(-t / 20) and
 * R = 1 - (1 - (1 - U)) exp(-t / 30), whatever the delay. */
static void efficacies_are_those_of_the_step_of_the_spike(void) {
    world *w = make_cells();
    wiring wired = fan_out(w, 0, 1, CELLS, 5, 8.0f);
    const double u = 0.25, elapsed = 3.0;
    schedule(w, 1, 0), schedule(w, 4, 0);
    connect(w, (connection){.wired = &wired, .own = 1, .short_term_u = u});
    start(w, 3);
    advance(w, 6);
    CHECK(near(potential(w)[CELLS], REST + 8.0 * u, 1e-13));
    advance(w, 3);
    const double second = (u + (1.0 - u) * u * exp(-elapsed / 20.0)) * (1.0 - u * exp(-elapsed / 30.0));
    CHECK(near(potential(w)[CELLS], REST + 8.0 * u * pow(KEPT, 3.0) + 8.0 * second, 1e-13));
    discard(w);
}

/* ---- inputs of one step ------------------------------------------------------------------------------- */

static int all_zero(const double *values, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (values[i] != 0.0)
            return 0;
    return 1;
}

static int scratch_is_empty(const world *w) {
    const int64_t n = w->network.n_neurons;
    return all_zero(w->sim.input[0], n) && all_zero(w->sim.input[1], n) && all_zero(w->sim.scheduled, n) &&
           all_zero(w->sim.fired, n) && all_zero(w->sim.bitmap.sum, n);
}

/* A current I for one step moves a potential from rest by I (1 - exp(-dt / tau)); then it decays. */
static void external_input_serves_one_step_and_is_cleared(void) {
    for (int64_t first_run = 1; first_run <= 6; first_run += 5) {
        world *w = make_cells();
        start(w, 4);
        for (int64_t k = 1; k <= CELLS; k++)
            w->network.external_input[k] = (double)k;
        advance(w, first_run);
        CHECK(all_zero(w->network.external_input, 1 + CELLS) && scratch_is_empty(w));
        advance(w, 7 - first_run);
        for (int64_t k = 1; k <= CELLS; k++)
            CHECK(near(potential(w)[k], REST + (double)k * (1.0 - KEPT) * pow(KEPT, 6.0), 1e-13));
        discard(w);
    }
}

/* Rows are added to what stands in external_input, one a step, for the slots that are listed. */
static void rows_of_input_serve_one_step_each(void) {
    const double rows[3][2] = {{10.0, 20.0}, {0.0, 5.0}, {-4.0, 1.0}};
    const int32_t slots[] = {2, CELLS};
    world *w = make_cells();
    start(w, 4);
    w->sim.currents = rows[0], w->sim.current_slot = slots, w->sim.n_currents = 2, w->sim.current_rows = 3;
    w->network.external_input[2] = 100.0;
    advance(w, 6);
    CHECK(w->sim.currents == &rows[0][0] + 6 && w->sim.current_rows == 0);
    double first = 0.0, second = 0.0;
    for (int now = 0; now < 6; now++) {
        first = first * KEPT + (now < 3 ? rows[now][0] + (now == 0 ? 100.0 : 0.0) : 0.0) * (1.0 - KEPT);
        second = second * KEPT + (now < 3 ? rows[now][1] : 0.0) * (1.0 - KEPT);
    }
    CHECK(near(potential(w)[2], REST + first, 1e-13) && near(potential(w)[CELLS], REST + second, 1e-13));
    CHECK(potential(w)[3] == REST && all_zero(w->network.external_input, 1 + CELLS));
    discard(w);
}

/* In its steps and in no other; twice in one step is once; what lies in the past is passed over. */
static void scheduled_spikes_are_fired_in_their_steps(void) {
    const int64_t steps[] = {2, 2, 5, 5, 40}, slots[] = {0, 1, 1, 1, 0};
    for (int64_t interval = 1; interval <= NM_INTERVAL; interval += NM_INTERVAL - 1) {
        world *w = make(100, WIDTH);
        add_group(w, &nm_neuron_spike_source, 100, 0);
        for (int k = 0; k < 5; k++)
            schedule(w, steps[k], slots[k]);
        record_spikes(w, 20000);
        start(w, interval);
        advance(w, 100);
        CHECK(w->spikes.n == 4 && w->sim.next_schedule == 5 && scratch_is_empty(w));
        CHECK(w->spikes.step[0] == 2 && w->spikes.id[0] == w->id[0]);
        CHECK(w->spikes.step[1] == 2 && w->spikes.id[1] == w->id[1]);
        CHECK(w->spikes.step[2] == 5 && w->spikes.id[2] == w->id[1]);
        CHECK(w->spikes.step[3] == 40 && w->spikes.id[3] == w->id[0]);
        schedule(w, 50, 3), schedule(w, 101, 4);
        advance(w, 3);
        CHECK(w->spikes.n == 5 && w->spikes.step[4] == 101 && w->spikes.id[4] == w->id[4]);
        discard(w);
    }
}

/* ---- draws -------------------------------------------------------------------------------------------- */

/* Words go by id and step, not by slot: one neuron in the middle has been removed. */
static void sources_fire_by_the_words_of_their_ids(void) {
    world *w = make(100, WIDTH);
    add_group(w, &nm_neuron_poisson, 100, 0);
    for (int slot = 0; slot < 100; slot++)
        w->params[0][0][slot] = 200.0;
    record_spikes(w, 20000);
    start(w, 16);
    advance(w, 40);
    int64_t n = 0;
    for (int64_t now = 1; now <= 40; now++)
        for (int slot = 0; slot < 100; slot++) {
            const uint32_t word =
                nm_rng_word(w->sim.seed, NM_STREAM_NEURON, (uint32_t)w->id[slot], (uint64_t)now);
            if (nm_uniform(word) >= 0.2)
                continue;
            CHECK(w->spikes.step[n] == now && w->spikes.id[n] == w->id[slot]);
            n++;
        }
    CHECK(w->spikes.n == n && n > 600);
    discard(w);
}

/* Background events of step k jump potentials in step k, with the gain of norepinephrine. */
static void background_events_arrive_in_their_step(void) {
    world *w = make_cells();
    modulate(w);
    set_level(w, NOREPINEPHRINE, 1.0, 1.0, 1.0);
    for (int64_t slot = 1; slot <= CELLS; slot++)
        w->drive_rate[slot] = 500.0, w->drive_weight[slot] = 0.125;
    start(w, 8);
    advance(w, 10);
    for (int64_t slot = 1; slot <= CELLS; slot++) {
        double rise = 0.0;
        for (uint64_t now = 1; now <= 10; now++)
            rise = rise * KEPT + 0.125 * 3.22 * nm_drive_count(0.5, w->sim.seed, (uint32_t)w->id[slot], now);
        CHECK(near(potential(w)[slot], REST + rise, 1e-12));
    }
    discard(w);
}

/* ---- modulation --------------------------------------------------------------------------------------- */

/* Gain 1 + 2.22 level^2, of the level at the start of each step: 1, 1/2, 1/4, ... of both currents and
 * weights. */
static void the_gain_is_that_of_the_level_at_the_start_of_the_step(void) {
    world *w = make_cells();
    wiring wired = fan_out(w, 0, 1, CELLS, 2, 3.0f), inhibiting = fan_out(w, 0, 3, 1, 2, 2.0f);
    const double row = 10.0;
    const int32_t slot = 1;
    schedule(w, 1, 0);
    connect(w, (connection){.wired = &wired, .own = 1});
    connect(w, (connection){.wired = &inhibiting, .own = 1, .inhibitory = 1});
    modulate(w);
    set_level(w, NOREPINEPHRINE, 1.0, 0.0, 0.5);
    start(w, 2);
    w->sim.currents = &row, w->sim.current_slot = &slot, w->sim.n_currents = 1, w->sim.current_rows = 1;
    advance(w, 3); /* current in step 1 at level 1, weight in step 3 at level 1/4 */
    const double weight = 3.0 * (1.0 + 2.22 / 16.0);
    CHECK(near(potential(w)[1], REST + 32.2 * (1.0 - KEPT) * KEPT * KEPT + weight, 1e-12));
    CHECK(near(potential(w)[2], REST + weight, 1e-12));
    CHECK(near(potential(w)[3], REST + weight / 3.0, 1e-12));
    CHECK(w->level[NOREPINEPHRINE] == 0.125 && w->level[N_MODULATORS + NOREPINEPHRINE] == 0.125);
    discard(w);
}

/* At level 1 the threshold of -50 mV is at -42.2 mV, so a jump to -45 mV is no spike; one step later, at
 * level 0, the same jump is one. */
static void the_threshold_is_that_of_the_level_at_the_start_of_the_step(void) {
    for (int64_t fired = 1; fired <= 2; fired++) {
        world *w = make_cells();
        wiring wired = fan_out(w, 0, 1, CELLS, 1, 20.0f);
        schedule(w, fired, 0);
        connect(w, (connection){.wired = &wired, .own = 1});
        modulate(w);
        set_level(w, NOREPINEPHRINE, 0.0, 0.0, 1.0); /* gain 1 */
        set_level(w, SEROTONIN, 1.0, 0.0, 1.0);
        start(w, 1);
        advance(w, 1);
        w->kept[SEROTONIN] = 0.0; /* level 0 from the start of step 3 on */
        advance(w, fired);
        CHECK(w->network.spike_count[1] == (fired == 2) && w->network.spike_count[CELLS] == (fired == 2));
        discard(w);
    }
}

/* Decay first, then what the step's spikes release, then the sample: 0.8 -> 0.4 + 0.1. The next step acts by
 * it. */
static void spikes_release_after_the_decay_and_before_the_sample(void) {
    world *w = make_cells();
    const int64_t run[] = {0, 1}, index = NOREPINEPHRINE;
    const uint8_t reached[] = {1, 1};
    nm_release release = {
        .modulator = NOREPINEPHRINE, .amount = 0.1, .run = run, .region = reached, .n_runs = 1};
    int64_t step[8];
    double value[8];
    nm_sample_record sample = {.column = w->level,
                               .index = &index,
                               .width = 1,
                               .every = 1,
                               .step = step,
                               .value = value,
                               .capacity = 8};
    schedule(w, 1, 0);
    modulate(w);
    set_level(w, NOREPINEPHRINE, 0.8, 0.0, 0.5);
    w->levels.releases = &release, w->levels.n_releases = 1;
    w->sim.sample_records = &sample, w->sim.n_sample_records = 1;
    start(w, 8);
    const double rows[] = {0.0, 10.0};
    const int32_t slot = 1;
    w->sim.currents = rows, w->sim.current_slot = &slot, w->sim.n_currents = 1, w->sim.current_rows = 2;
    advance(w, 3);
    CHECK(sample.n == 3 && step[0] == 1 && step[1] == 2 && step[2] == 3);
    CHECK(near(value[0], 0.5, 1e-15) && near(value[1], 0.25, 1e-15) && near(value[2], 0.125, 1e-15));
    CHECK(near(potential(w)[1], REST + 10.0 * (1.0 + 2.22 * 0.25) * (1.0 - KEPT) * KEPT, 1e-12));
    discard(w);
}

/* ---- learning ----------------------------------------------------------------------------------------- */

/* A Hebbian synapse loses eta / 2 at an arrival alone and gains eta where its target fires in the step, times
 * the factor of dopamine, 2 level. The arrival itself acts with the weight before. */
static void weights_act_before_they_learn(void) {
    world *w = make(3, WIDTH);
    add_group(w, &nm_neuron_spike_source, 2, 0);
    add_group(w, &nm_neuron_lif, 1, 1);
    wiring onto_lif = fan_out(w, 0, 2, 1, 1, 4.0f), onto_source = fan_out(w, 0, 1, 1, 2, 4.0f);
    schedule(w, 1, 0), schedule(w, 2, 0), schedule(w, 3, 1), schedule(w, 5, 0);
    const nm_projection *alone =
        connect(w, (connection){.wired = &onto_lif, .own = 1, .rule = &nm_plasticity_hebbian});
    const nm_projection *pair =
        connect(w, (connection){.wired = &onto_source, .own = 1, .rule = &nm_plasticity_hebbian});
    modulate(w);
    set_level(w, DOPAMINE, 0.75, 0.75, 1.0);
    set_level(w, NOREPINEPHRINE, 0.0, 0.0, 1.0); /* gain 1 */
    start(w, 1);
    advance(w, 2);
    CHECK(potential(w)[2] == REST + 4.0);
    const double learnt = (double)alone->weight[0];
    CHECK(near(learnt, 4.0 - 0.005 * 1.5, 2.4e-7) && pair->weight[0] == 4.0f); /* one rounding to a float */
    advance(w, 1);
    CHECK(near(potential(w)[2], REST + 4.0 * KEPT + learnt, 1e-13));
    /* the spike of step 1; the target fires in step 3 */
    CHECK(near((double)pair->weight[0], 4.0 + 0.01 * 1.5, 4.8e-7));
    advance(w, 1);
    CHECK(near((double)pair->weight[0], 4.0 + 0.015 - 0.0075, 1e-6)); /* that of step 2, alone */
    discard(w);
}

/* STDP, whose traces of targets decay once a step: an arrival 4 ms after the target's spike, with another 6
 * ms after it. Two steps more, so that the arrival has been made up for. */
static void traces_of_targets_decay_once_a_step(void) {
    world *w = make(2, WIDTH);
    add_group(w, &nm_neuron_spike_source, 2, 0);
    wiring wired = fan_out(w, 0, 1, 1, 3, 1.0f);
    schedule(w, 2, 1), schedule(w, 3, 0), schedule(w, 5, 0);
    const nm_projection *p = connect(w, (connection){.wired = &wired, .own = 1, .rule = &nm_plasticity_stdp});
    start(w, 3);
    advance(w, 9);
    const double lost = p->params[0] * p->params[2] * (exp(-4.0 / p->params[4]) + exp(-6.0 / p->params[4]));
    CHECK(strcmp(p->rule->params[2].name, "a_minus") == 0 &&
          strcmp(p->rule->params[4].name, "tau_minus") == 0);
    CHECK(lost > 1e-3 && near((double)p->weight[0], 1.0 - lost, 1.2e-7)); /* two roundings to a float */
    discard(w);
}

/* Every 8 steps, by 1 + 0.1 (20 Hz - rate) / 20 Hz, where a spike in step 5 counts 1000 / 50 exp(-3 / 50) Hz
 * on top of the 20 Hz that a rate begins with, and is decayed by exp(-8 / 50) at the next. */
static void homeostasis_scales_after_its_steps(void) {
    world *w = make(3, WIDTH);
    add_group(w, &nm_neuron_spike_source, 3, 0);
    wiring wired = fan_out(w, 0, 1, 2, 4, 2.0f);   /* the source is silent */
    const double mean = (1.0 - exp(-0.02)) / 0.02; /* of a spike over its step */
    schedule(w, 5, 2);
    const nm_projection *p = connect(
        w, (connection){.wired = &wired, .own = 1, .rule = &nm_plasticity_hebbian, .homeostatic = 0.1});
    start(w, 4);
    advance(w, 7);
    CHECK(p->weight[0] == 2.0f && p->weight[1] == 2.0f);
    advance(w, 8);
    CHECK(p->weight[0] == 2.0f && near((double)p->weight[1], 2.0 * (1.0 - 0.1 * exp(-0.06) * mean), 1.2e-7));
    advance(w, 1);
    CHECK(near((double)p->weight[0], 2.0 * (1.0 + 0.1 * (1.0 - exp(-0.16))), 1.2e-7));
    discard(w);
}

/* ---- recorders ---------------------------------------------------------------------------------------- */

static world *make_busy(int64_t capacity) {
    world *w = make(20, WIDTH);
    add_group(w, &nm_neuron_spike_source, 20, 0);
    for (int64_t step = 1; step <= 50; step++)
        for (int64_t slot = step % 3; slot < 20; slot += 3)
            schedule(w, step, slot);
    record_spikes(w, capacity);
    start(w, NM_INTERVAL);
    return w;
}

/* Before the step for which there may be no room; the rest goes into the next block. Together the blocks are
 * those of one that is large enough. */
static void a_full_recorder_stops_the_run_which_then_goes_on(void) {
    world *whole = make_busy(4000), *w = make_busy(50);
    int64_t left = 50, n = 0, stops = 0;
    advance(whole, 50);
    while (left > 0 && stops < 100) {
        int64_t done = -1;
        const int64_t before = w->sim.step;
        const int status = run_on(w, left, NULL, &done);
        CHECK(status == (done == left ? NM_OK : NM_STOP_RECORD_FULL));
        CHECK(w->sim.step == before + done && w->spikes.n <= w->spikes.capacity);
        CHECK(memcmp(w->spikes.step, whole->spikes.step + n, (size_t)w->spikes.n * sizeof(int64_t)) == 0);
        CHECK(memcmp(w->spikes.id, whole->spikes.id + n, (size_t)w->spikes.n * sizeof(int64_t)) == 0);
        n += w->spikes.n, left -= done, stops++;
        w->spikes.n = 0;
    }
    CHECK(n == whole->spikes.n && w->sim.step == 50 && stops > 5);
    discard(w), discard(whole);
}

static void a_recorder_without_any_room_stops_before_the_first_step(void) {
    world *w = make_busy(19); /* 20 may fire */
    int64_t done = -1;
    CHECK(run_on(w, 5, NULL, &done) == NM_STOP_RECORD_FULL && done == 0 && w->sim.step == 0);
    CHECK(w->spikes.n == 0 && w->network.spike_count[1] == 0);
    discard(w);
}

static void samples_are_taken_of_the_end_of_their_steps(void) {
    world *w = make_cells();
    const int64_t index[] = {CELLS, 1};
    int64_t step[3];
    double value[6];
    nm_sample_record sample = {.column = w->groups[1].state[0],
                               .index = index,
                               .width = 2,
                               .every = 4,
                               .step = step,
                               .value = value,
                               .capacity = 3};
    w->sim.sample_records = &sample, w->sim.n_sample_records = 1;
    start(w, NM_INTERVAL);
    for (int64_t k = 1; k <= CELLS; k++)
        w->network.external_input[k] = (double)k;
    int64_t done = -1;
    CHECK(run_on(w, 30, NULL, &done) == NM_STOP_RECORD_FULL && done == 12 && sample.n == 3);
    for (int k = 0; k < 3; k++) {
        const double share = (1.0 - KEPT) * pow(KEPT, 4.0 * k + 3.0);
        CHECK(step[k] == 4 * k + 4);
        CHECK(near(value[2 * k], REST + CELLS * share, 1e-12) && near(value[2 * k + 1], REST + share, 1e-12));
    }
    discard(w);
}

/* ---- errors ------------------------------------------------------------------------------------------- */

/* At the end of a run of more than one step, and after every 256th. */
static void a_number_that_is_not_finite_is_found_and_named(void) {
    const double bad[] = {NAN, -INFINITY};
    for (int k = 0; k < 2; k++) {
        world *w = make_cells();
        int64_t done = -1;
        start(w, 8);
        advance(w, 3);
        potential(w)[77] = bad[k];
        CHECK(run_on(w, 10, NULL, &done) == NM_ERR_NOT_FINITE && done == 10 && w->sim.step == 13);
        CHECK(w->error.status == NM_ERR_NOT_FINITE && w->error.index == 77 && w->error.field == 0);
        CHECK(isnan(bad[k]) ? isnan(w->error.value) : w->error.value == bad[k]);
        discard(w);
    }
}

/* A column that the step leaves alone, since synapses act at once: the field is its place in the model's
 * table. */
static void the_field_of_a_number_that_is_not_finite_is_named(void) {
    world *w = make_cells();
    int64_t done = -1;
    start(w, 8);
    advance(w, 1);
    const int status = nm_network_prepare(&w->network, 1.0, 0, &w->error);
    w->groups[1].state[2][5] = INFINITY;
    w->sim.look = w->sim.step + 2;
    CHECK(status == NM_OK && nm_sim_run(&w->sim, 2, NULL, &done, &w->error) == NM_ERR_NOT_FINITE);
    CHECK(w->error.index == 5 && w->error.field == 2 && w->error.value == INFINITY);
    discard(w);
}

/* A weight that is not finite soon makes its target so: the weight is the cause, and is named. */
static void a_weight_that_is_not_finite_is_named_before_its_target(void) {
    world *w = make_cells();
    wiring wired = fan_out(w, 0, 1, 3, 1, 0.5f);
    nm_projection *p = connect(w, (connection){.wired = &wired, .own = 1, .rule = &nm_plasticity_hebbian});
    int64_t done = -1;
    start(w, 1);
    advance(w, 3);
    p->weight[1] = NAN, potential(w)[9] = NAN;
    CHECK(run_on(w, 1, NULL, &done) == NM_OK);
    CHECK(run_on(w, 10, NULL, &done) == NM_ERR_SYNAPSE && w->error.index == 1);
    p->weight[1] = 0.5f;
    CHECK(run_on(w, 10, NULL, &done) == NM_ERR_NOT_FINITE && w->error.index == 9);
    potential(w)[9] = -65.0, p->weight[2] = INFINITY;
    CHECK(run_on(w, 10, NULL, &done) == NM_ERR_SYNAPSE && w->error.index == 2);
    discard(w);
}

static void steps_one_by_one_are_looked_at_every_256th(void) {
    world *w = make_cells();
    start(w, 1);
    advance(w, 250);
    potential(w)[9] = NAN;
    for (int64_t now = 251; now < 256; now++)
        advance(w, 1);
    int64_t done = -1;
    CHECK(run_on(w, 1, NULL, &done) == NM_ERR_NOT_FINITE && done == 1 && w->error.index == 9);
    discard(w);
}

/* Also in a run of many steps at a time, from wherever the run began. */
static void long_runs_stop_at_the_256th_step(void) {
    world *w = make_cells();
    int64_t done = -1;
    start(w, 8);
    advance(w, 3);
    potential(w)[9] = NAN;
    CHECK(run_on(w, 1000, NULL, &done) == NM_ERR_NOT_FINITE && done == 253 && w->sim.step == 256);
    discard(w);
}

/* After its time a run stops at the end of an interval, having done one at least; so the pieces make up the
 * whole. */
static void a_run_stops_after_its_time(void) {
    world *whole = make_cells(), *cut = make_cells();
    world *both[] = {whole, cut};
    for (int k = 0; k < 2; k++) {
        for (int64_t slot = 1; slot <= CELLS; slot++)
            both[k]->drive_rate[slot] = 900.0, both[k]->drive_weight[slot] = 3.0;
        start(both[k], 1);
    }
    advance(whole, 300);
    cut->sim.until = 1e-9; /* long ago */
    int64_t n_runs = 0, done = -1;
    for (int64_t left = 300; left > 0; left -= done, n_runs++) {
        CHECK(run_on(cut, left, NULL, &done) == NM_OK);
        CHECK(done > 0 && done <= left);
    }
    CHECK(n_runs > 2);
    CHECK(cut->sim.step == 300 && whole->network.spike_count[1] > 0);
    CHECK(memcmp(potential(whole), potential(cut), (1 + CELLS) * sizeof(double)) == 0);
    cut->sim.until = 1e300;
    advance(cut, 300);
    discard(whole);
    discard(cut);
}

static void no_steps_do_nothing(void) {
    world *w = make_cells();
    start(w, 1);
    w->network.external_input[1] = 7.0;
    advance(w, 0);
    CHECK(w->sim.step == 0 && w->network.external_input[1] == 7.0 && potential(w)[1] == REST);
    discard(w);
}

/* Of three replicas the last one has stopped before. */
static void replicas_run_what_is_left(void) {
    world *w[3], *alone = make_cells();
    nm_replica replicas[3];
    for (int k = 0; k < 3; k++) {
        w[k] = make_cells();
        start(w[k], 1);
        advance(w[k], 0);
        replicas[k] = (nm_replica){.sim = &w[k]->sim, .left = 7 + k};
    }
    replicas[2].status = NM_ERR_NOT_FINITE;
    start(alone, 1);
    advance(alone, 8);
    nm_replicas_run(replicas, 3, NULL);
    CHECK(replicas[0].left == 0 && replicas[1].left == 0 && replicas[2].left == 9);
    CHECK(w[0]->sim.step == 7 && w[1]->sim.step == 8 && w[2]->sim.step == 0);
    CHECK(memcmp(potential(w[1]), potential(alone), (1 + CELLS) * sizeof(double)) == 0);
    nm_replicas_run(replicas, 3, NULL);
    CHECK(w[0]->sim.step == 7 && w[1]->sim.step == 8 && w[2]->sim.step == 0);
    for (int k = 0; k < 3; k++)
        discard(w[k]);
    discard(alone);
}

static const nm_test tests[] = {TEST(a_spike_of_step_k_arrives_in_step_k_plus_delay),
                                TEST(a_target_fires_in_the_step_of_the_arrival),
                                TEST(times_of_spikes_count_in_milliseconds),
                                TEST(efficacies_are_those_of_the_step_of_the_spike),
                                TEST(external_input_serves_one_step_and_is_cleared),
                                TEST(rows_of_input_serve_one_step_each),
                                TEST(scheduled_spikes_are_fired_in_their_steps),
                                TEST(sources_fire_by_the_words_of_their_ids),
                                TEST(background_events_arrive_in_their_step),
                                TEST(the_gain_is_that_of_the_level_at_the_start_of_the_step),
                                TEST(the_threshold_is_that_of_the_level_at_the_start_of_the_step),
                                TEST(spikes_release_after_the_decay_and_before_the_sample),
                                TEST(weights_act_before_they_learn),
                                TEST(traces_of_targets_decay_once_a_step),
                                TEST(homeostasis_scales_after_its_steps),
                                TEST(a_full_recorder_stops_the_run_which_then_goes_on),
                                TEST(a_recorder_without_any_room_stops_before_the_first_step),
                                TEST(samples_are_taken_of_the_end_of_their_steps),
                                TEST(a_number_that_is_not_finite_is_found_and_named),
                                TEST(the_field_of_a_number_that_is_not_finite_is_named),
                                TEST(a_weight_that_is_not_finite_is_named_before_its_target),
                                TEST(steps_one_by_one_are_looked_at_every_256th),
                                TEST(long_runs_stop_at_the_256th_step),
                                TEST(a_run_stops_after_its_time),
                                TEST(replicas_run_what_is_left),
                                TEST(no_steps_do_nothing),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
