/* nm_sim: a network of everything at once gives the same bits however a run is cut into runs, its steps
 * into intervals, its neurons into parts, and on any number of threads.
 * SPDX-License-Identifier: MIT */
#include "sim_world.h"

enum { SOURCES = 20, POISSON = 40, LIF = 90, IZHIKEVICH = 50, TOTAL = 200, WIDTH = 64, STEPS = 150 };
enum { LONGEST = 19, FIRST_LIF = SOURCES + POISSON, CAPACITY = 60000 };

/* What is left out of the whole: only networks without a pair rule, and only without release, take many steps
 * at a time in parts that go on abreast. */
typedef struct plan {
    int64_t partition_width, interval;
    int lazy, releases;
} plan;

static const nm_release *release_of(world *w) {
    static const int64_t run[] = {3, 9, SOURCES, SOURCES + 11};
    static const uint8_t reached[] = {1, 0};
    nm_release *release = zeros(&w->keep, 1, sizeof *release);
    *release =
        (nm_release){.modulator = DOPAMINE, .amount = 0.01, .run = run, .region = reached, .n_runs = 2};
    return w->levels.releases = release;
}

static void drive(world *w) {
    for (int64_t slot = FIRST_LIF; slot < TOTAL; slot++) {
        w->drive_rate[slot] = slot % 2 == 0 ? 300.0 : 700.0, w->drive_weight[slot] = 2.0;
        w->drive_noise[slot] = slot % 3 == 0 ? 5.0 : 0.0, w->drive_uniform[slot] = slot % 5 == 0 ? 4.0 : 0.0;
    }
    for (int64_t slot = SOURCES; slot < FIRST_LIF; slot++)
        w->params[1][0][slot] = 60.0;
    for (int64_t step = 7; step <= STEPS; step += 10) /* each of them begins an interval */
        for (int64_t slot = 0; slot < SOURCES; slot++)
            if (uniform() < 0.5)
                schedule(w, step, slot);
}

/* Every way of delivery and of learning; the shortest delay is 3 steps. */
static void connect_all(world *w, int lazy) {
    const wiring pulled = draw_wiring(&w->keep, FIRST_LIF, LIF, TOTAL, 0.1, 3, 6, 20),
                 bitmap = draw_wiring(&w->keep, SOURCES, POISSON, TOTAL, 0.3, 3, 3, 20),
                 pushed = draw_wiring(&w->keep, 0, TOTAL, TOTAL, 0.03, 3, LONGEST, 20),
                 hebbian = draw_wiring(&w->keep, 0, FIRST_LIF, TOTAL, 0.1, 4, 4, 20),
                 inhibitory = draw_wiring(&w->keep, 150, IZHIKEVICH, TOTAL, 0.1, 3, 5, 20),
                 rewarded = draw_wiring(&w->keep, 0, TOTAL, TOTAL, 0.05, 3, 4, 20);
    connect(w, (connection){.wired = &pulled, .own = 1});
    connect(w, (connection){.wired = &bitmap, .constant_weight = 0.5, .bitmap = 1});
    connect(w, (connection){.wired = &pushed, .own = 1, .pushed = 1});
    connect(w, (connection){.wired = &hebbian,
                            .own = 1,
                            .rule = &nm_plasticity_hebbian,
                            .homeostatic = 0.1,
                            .weight_decay = 1e-3});
    connect(w, (connection){.wired = &inhibitory, .own = 1, .inhibitory = 1, .short_term_u = 0.4});
    if (lazy) {
        const nm_projection *p =
            connect(w, (connection){.wired = &rewarded, .own = 1, .rule = &nm_plasticity_rstdp});
        /* 10 ms: what is measured in exp(t / tau_c) is measured anew every 40 steps, also within an interval
         */
        w->rule_params[p - w->projections][p->rule->eligibility->tau_c] = 10.0;
    }
}

static world *make_all(plan a) {
    world *w = make(TOTAL, a.partition_width);
    sequence = 21;
    add_group(w, &nm_neuron_spike_source, SOURCES, 0), add_group(w, &nm_neuron_poisson, POISSON, 0);
    add_group(w, &nm_neuron_lif, LIF, 1), add_group(w, &nm_neuron_izhikevich, IZHIKEVICH, 0);
    for (int64_t slot = FIRST_LIF; slot < FIRST_LIF + 45; slot++)
        w->params[2][5][slot] = 4.0; /* half of them with synaptic currents */
    modulate(w);
    set_level(w, DOPAMINE, 0.9, 0.5, 0.99); /* a signal that outlasts the run */
    drive(w);
    connect_all(w, a.lazy);
    if (a.releases)
        w->levels.n_releases = release_of(w) != NULL;
    record_spikes(w, CAPACITY);
    start(w, a.interval);
    return w;
}

static int same(const void *a, const void *b, int64_t n, size_t size) {
    return memcmp(a, b, (size_t)n * size) == 0;
}

static int same_projections(const world *a, const world *b) {
    int all = 1;
    for (int64_t k = 0; k < a->network.n_projections; k++) {
        const nm_projection *p = &a->projections[k], *q = &b->projections[k];
        if (p->weight != NULL)
            all &= same(p->weight, q->weight, a->n_synapses[k], sizeof(float));
        if (p->state[0] != NULL)
            all &= same(p->state[0], q->state[0], a->n_synapses[k], sizeof(float));
        if (p->short_term != NULL)
            all &= same(p->short_term->u, q->short_term->u, p->n_rows, sizeof(double)) &&
                   same(p->short_term->left, q->short_term->left, p->n_rows, sizeof(double));
        if (p->homeostasis != NULL)
            all &= same(p->homeostasis->rate, q->homeostasis->rate, TOTAL, sizeof(double));
    }
    return all;
}

/* Spikes, state, counts, levels: what Python can see. Weights only where the layout is the same. */
static int same_outcome(const world *a, const world *b, int with_weights) {
    int all = a->sim.step == b->sim.step && a->spikes.n == b->spikes.n;
    all &= same(a->spikes.step, b->spikes.step, a->spikes.n, sizeof(int64_t));
    all &= same(a->spikes.id, b->spikes.id, a->spikes.n, sizeof(int64_t));
    for (int64_t g = 0; g < a->network.n_groups; g++)
        for (int k = 0; k < NM_MAX_STATE && a->groups[g].state[k] != NULL; k++)
            all &= same(a->groups[g].state[k], b->groups[g].state[k], TOTAL, sizeof(double));
    all &= same(a->network.spike_count, b->network.spike_count, TOTAL, sizeof(int64_t));
    all &= same(a->network.last_spike_time, b->network.last_spike_time, TOTAL, sizeof(double));
    all &= same(a->level, b->level, N_REGIONS * N_MODULATORS, sizeof(double));
    return all && (!with_weights || same_projections(a, b));
}

static int64_t fired_in(const world *w, const nm_group *group) {
    int64_t n = 0;
    for (int64_t slot = group->first; slot < group->first + group->n; slot++)
        n += w->network.spike_count[slot];
    return n;
}

static int64_t changed(const world *a, const world *b, int64_t k) {
    int64_t n = 0;
    for (int64_t s = 0; s < a->n_synapses[k]; s++)
        n += a->projections[k].weight[s] != b->projections[k].weight[s];
    return n;
}

/* Every group fires and every rule learns, or equality would say little. `fresh`: one that did not run. */
static int something_happened(const world *w, const world *fresh) {
    for (int64_t g = 0; g < w->network.n_groups; g++)
        if (fired_in(w, &w->groups[g]) < 50)
            return 0;
    for (int64_t k = 0; k < w->network.n_projections; k++)
        if (w->projections[k].rule != NULL && changed(w, fresh, k) < 50)
            return 0;
    return 1;
}

static const plan plans[] = {{WIDTH, 3, 0, 0}, {WIDTH, 3, 1, 0}, {WIDTH, 3, 1, 1}};
enum { N_PLANS = 3 };

/* In one run, step by step, and in runs of 1, 2, 3, ... steps. */
static void a_run_is_the_runs_that_it_is_cut_into(void) {
    for (int k = 0; k < N_PLANS; k++) {
        world *whole = make_all(plans[k]), *single = make_all(plans[k]), *blocks = make_all(plans[k]),
              *fresh = make_all(plans[k]);
        advance(whole, STEPS);
        for (int64_t now = 1; now <= STEPS; now++)
            advance(single, 1);
        for (int64_t n = 1, done = 0; done < STEPS; done += n, n = n % 17 + 1)
            advance(blocks, n < STEPS - done ? n : STEPS - done);
        CHECK(something_happened(whole, fresh));
        CHECK(same_outcome(whole, single, 1));
        CHECK(same_outcome(whole, blocks, 1));
        discard(whole), discard(single), discard(blocks), discard(fresh);
    }
}

static void steps_at_a_time_change_no_bit(void) {
    for (int k = 0; k < N_PLANS; k++) {
        world *three = make_all(plans[k]);
        advance(three, STEPS);
        for (int64_t interval = 1; interval <= 2; interval++) {
            plan a = plans[k];
            a.interval = interval;
            world *w = make_all(a);
            advance(w, STEPS);
            CHECK(same_outcome(three, w, 1));
            discard(w);
        }
        discard(three);
    }
}

static void any_number_of_threads_gives_the_same_bits(void) {
    for (int k = 0; k < N_PLANS; k++) {
        world *alone = make_all(plans[k]);
        advance(alone, STEPS);
        for (int n_threads = 1; n_threads <= 6; n_threads++) {
            nm_pool *pool = calloc(1, nm_pool_bytes());
            world *w = make_all(plans[k]);
            int64_t done = 0;
            CHECK(nm_pool_start(pool, n_threads) == (NM_HAS_THREADS ? n_threads : 1));
            CHECK(run_on(w, 100, pool, &done) == NM_OK && done == 100);
            CHECK(run_on(w, STEPS - 100, pool, &done) == NM_OK && done == STEPS - 100);
            CHECK(same_outcome(alone, w, 1));
            nm_pool_stop(pool);
            free(pool), discard(w);
        }
        discard(alone);
    }
}

/* Weights are laid out otherwise then, but potentials and spikes tell of them. */
static void any_number_of_partitions_gives_the_same_bits(void) {
    const int64_t widths[] = {TOTAL, 128, 50, 13};
    for (int k = 0; k < N_PLANS; k++) {
        world *four = make_all(plans[k]);
        advance(four, STEPS);
        for (int v = 0; v < 4; v++) {
            plan a = plans[k];
            a.partition_width = widths[v];
            world *w = make_all(a);
            advance(w, STEPS);
            CHECK(same_outcome(four, w, 0));
            discard(w);
        }
        discard(four);
    }
}

/* A run that stops for a full recorder and goes on is one that does not stop, also on threads. */
static void a_run_that_stops_and_goes_on_is_one_that_does_not(void) {
    for (int n_threads = 1; n_threads <= 3; n_threads += 2) {
        world *whole = make_all(plans[1]), *w = make_all(plans[1]);
        nm_pool *pool = calloc(1, nm_pool_bytes());
        const nm_spike_record all = w->spikes;
        int64_t stops = 0, done = 0;
        CHECK(nm_pool_start(pool, n_threads) == (NM_HAS_THREADS ? n_threads : 1));
        advance(whole, STEPS);
        w->spikes.capacity = 2 * TOTAL; /* a window that moves through the block */
        while (w->sim.step < STEPS && stops < STEPS) {
            const int status = run_on(w, STEPS - w->sim.step, pool, &done);
            CHECK(status == (w->sim.step == STEPS ? NM_OK : NM_STOP_RECORD_FULL));
            w->spikes.step += w->spikes.n, w->spikes.id += w->spikes.n, w->spikes.n = 0;
            stops++;
        }
        CHECK(stops > 2);
        const int64_t n = w->spikes.step - all.step;
        w->spikes = all, w->spikes.n = n;
        CHECK(same_outcome(whole, w, 1));
        nm_pool_stop(pool);
        free(pool), discard(w), discard(whole);
    }
}

static const nm_test tests[] = {TEST(a_run_is_the_runs_that_it_is_cut_into),
                                TEST(steps_at_a_time_change_no_bit),
                                TEST(any_number_of_threads_gives_the_same_bits),
                                TEST(any_number_of_partitions_gives_the_same_bits),
                                TEST(a_run_that_stops_and_goes_on_is_one_that_does_not),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
