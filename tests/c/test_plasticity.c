/* The plasticity pass on hand-made networks of given spikes, against the sums over spike pairs that its
 * traces stand for. What each rule computes inside a simulation: tests/test_plasticity_<name>.py.
 * SPDX-License-Identifier: MIT */
#include "nm_plasticity.h"
#include "testlib.h"

#include <math.h>
#include <stdlib.h>

extern const nm_plasticity_rule nm_plasticity_hebbian, nm_plasticity_stdp;

/* 6 sources (slots 2 .. 7) that reach 1300 targets; two of them by more synapses than two chunks hold. */
enum { N_NEURONS = 1310, PRE_FIRST = 2, N_ROWS = 6, MAX_DELAY = 5, LENGTH = MAX_DELAY + 1, STEPS = 60 };
enum { MAX_SYNAPSES = 6000, GUARD = 8, LEARNING_RATE = 0, A_PLUS, A_MINUS, TAU_PLUS, TAU_MINUS };
static const float UNTOUCHED = 1234.5f;

typedef struct world {
    nm_network network;
    nm_projection projection;
    nm_delay ring;
    double params[NM_MAX_PARAMS], dt;
    int64_t row_start[N_ROWS + 1], in_start[N_NEURONS + 1], count[LENGTH], n_synapses;
    int32_t post[MAX_SYNAPSES], in_row[MAX_SYNAPSES], row[MAX_SYNAPSES], slot[LENGTH * N_NEURONS];
    uint32_t in_synapse[MAX_SYNAPSES];
    uint16_t delay[MAX_SYNAPSES];
    int32_t region[N_NEURONS];
    float guarded[MAX_SYNAPSES + 2 * GUARD], state[2][MAX_SYNAPSES];
    double fired[N_NEURONS];
    double pre_trace[NM_MAX_TRACES][LENGTH * N_ROWS], post_trace[NM_MAX_TRACES][N_NEURONS];
    uint8_t raster[STEPS + 1][N_NEURONS];
} world;

/* A small generator of its own (splitmix64): the tests must not lean on what they test. */
static uint64_t seed;
static uint64_t draw(void) {
    uint64_t z = (seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
static double uniform(void) {
    return (double)(draw() >> 11) / 9007199254740992.0;
}

/* Rows of 1300, 1, 0, 1250, 40 and 7 synapses, sorted by (delay, target); with one delay for all of 3 steps
 * where `constant`. */
static void draw_synapses(world *w, int constant) {
    static const int length[N_ROWS] = {1300, 1, 0, 1250, 40, 7};
    int64_t s = 0;
    for (int row = 0; row < N_ROWS; row++) {
        w->row_start[row] = s;
        for (int j = 0; j < length[row]; j++, s++) {
            w->row[s] = row;
            w->delay[s] = (uint16_t)(1 + MAX_DELAY * j / length[row]);
            w->post[s] = N_NEURONS - 1 - (int32_t)((uint64_t)j * 7919u % 1300u);
            w->projection.weight[s] = (float)(0.2 + 0.6 * uniform());
        }
    }
    w->row_start[N_ROWS] = w->n_synapses = s;
    w->projection.delay = constant ? NULL : w->delay;
    w->projection.constant_delay = constant ? 3 : 0;
    w->projection.min_delay = constant ? 3 : 1;
    w->projection.max_delay = constant ? 3 : MAX_DELAY;
    if (constant)
        for (int64_t k = 0; k < s; k++)
            w->delay[k] = 3;
}

static void index_incoming(world *w) {
    int64_t k = 0;
    for (int32_t slot = 0; slot < N_NEURONS; slot++) {
        w->in_start[slot] = k;
        for (int64_t s = 0; s < w->n_synapses; s++)
            if (w->post[s] == slot) {
                w->in_synapse[k] = (uint32_t)s;
                w->in_row[k++] = w->row[s];
            }
    }
    w->in_start[N_NEURONS] = k;
}

static world *make(const nm_plasticity_rule *rule, int constant) {
    world *w = calloc(1, sizeof *w);
    seed = 3;
    for (int i = 0; i < MAX_SYNAPSES + 2 * GUARD; i++)
        w->guarded[i] = UNTOUCHED;
    w->dt = 0.5;
    w->projection = (nm_projection){.pre_first = PRE_FIRST, .n_rows = N_ROWS, .rule = rule};
    nm_projection *p = &w->projection;
    p->weight = w->guarded + GUARD;
    draw_synapses(w, constant);
    index_incoming(w);
    p->row_start = w->row_start, p->post = w->post, p->params = w->params, p->weight_kept = 1.0;
    p->weight_min = -100.0, p->weight_max = 100.0;
    p->in_start = w->in_start, p->in_synapse = w->in_synapse, p->in_row = w->in_row;
    p->state[0] = w->state[0], p->state[1] = w->state[1];
    for (int k = 0; k < NM_MAX_TRACES; k++)
        p->pre_trace[k] = w->pre_trace[k], p->post_trace[k] = w->post_trace[k];
    for (int k = 0; k < nm_field_count(rule->params); k++)
        w->params[k] = rule->params[k].fallback;
    w->ring = (nm_delay){.length = LENGTH, .width = N_NEURONS, .slot = w->slot, .count = w->count};
    w->network = (nm_network){.n_neurons = N_NEURONS,
                              .region = w->region,
                              .projections = p,
                              .n_projections = 1,
                              .max_delay = MAX_DELAY};
    return w;
}

static void draw_raster(world *w, double probability) {
    for (int step = 1; step <= STEPS; step++)
        for (int slot = 0; slot < N_NEURONS; slot++)
            w->raster[step][slot] = uniform() < (slot < PRE_FIRST + N_ROWS ? 0.3 : probability);
}

static void run(world *w, const nm_levels *levels, int from, int to) {
    for (int step = from; step <= to; step++) {
        int32_t *list = nm_delay_list(&w->ring, step);
        int64_t n = 0;
        for (int slot = 0; slot < N_NEURONS; slot++) {
            w->fired[slot] = w->raster[step][slot] ? 1.0 : 0.0;
            if (w->raster[step][slot])
                list[n++] = slot;
        }
        w->count[nm_delay_row(&w->ring, step)] = n;
        nm_plasticity_step(&w->network, &w->ring, levels, w->fired, w->dt, step);
    }
}

/* What STDP asks of one synapse, as sums over spike pairs: at[step] = {on arrival, on the target's spike}. */
static double pair_sum(const world *w, int64_t s, double at[][2]) {
    double total = 0.0;
    for (int step = 1; step <= STEPS; step++) {
        double down = 0.0, up = 0.0;
        int arrives = step > w->delay[s] && w->raster[step - w->delay[s]][PRE_FIRST + w->row[s]];
        int fires = w->raster[step][w->post[s]];
        for (int other = 1; arrives && other < step; other++)
            if (w->raster[other][w->post[s]])
                down -= w->params[LEARNING_RATE] * w->params[A_MINUS] *
                        exp(-(step - other) * w->dt / w->params[TAU_MINUS]);
        for (int other = 1 + w->delay[s]; fires && other <= step; other++)
            if (w->raster[other - w->delay[s]][PRE_FIRST + w->row[s]])
                up += w->params[LEARNING_RATE] * w->params[A_PLUS] *
                      exp(-(step - other) * w->dt / w->params[TAU_PLUS]);
        total += down + up;
        if (at != NULL)
            at[step][0] = down, at[step][1] = up;
    }
    return total;
}

static float *weights_of(const world *w) {
    float *before = malloc(MAX_SYNAPSES * sizeof *before);
    memcpy(before, w->projection.weight, MAX_SYNAPSES * sizeof *before);
    return before;
}

/* Largest distance of the weights from `before` + sign * (pair sums), and what was learnt at most. */
static double worst_of(const world *w, const float *before, double factor, double *moved) {
    double worst = 0.0;
    *moved = 0.0;
    for (int64_t s = 0; s < w->n_synapses; s++) {
        double change = factor * pair_sum(w, s, NULL);
        worst = fmax(worst, fabs((double)w->projection.weight[s] - (double)before[s] - change));
        *moved = fmax(*moved, fabs(change));
    }
    return worst;
}

static int guards_hold(const world *w) {
    for (int64_t i = 0; i < GUARD; i++)
        if (w->guarded[i] != UNTOUCHED || w->guarded[GUARD + w->n_synapses + i] != UNTOUCHED)
            return 0;
    return 1;
}

/* Up to STEPS changes a synapse, each rounded to a float near 1 (half an ulp is 6e-8): at most 4e-6. */
static void stdp_is_the_sum_over_pairs(void) {
    for (int constant = 0; constant <= 1; constant++) {
        world *w = make(&nm_plasticity_stdp, constant);
        w->params[A_PLUS] = 0.02, w->params[TAU_PLUS] = 7.0, w->params[TAU_MINUS] = 11.0;
        w->params[LEARNING_RATE] = 1.5;
        draw_raster(w, 0.2);
        float *before = weights_of(w);
        double moved;
        run(w, NULL, 1, STEPS);
        CHECK(worst_of(w, before, 1.0, &moved) < 4e-6);
        CHECK(moved > 0.1);
        CHECK(guards_hold(w));
        free(before);
        free(w);
    }
}

static void hebbian_counts_coincidences(void) {
    world *w = make(&nm_plasticity_hebbian, 0);
    draw_raster(w, 0.2);
    float *before = weights_of(w);
    run(w, NULL, 1, STEPS);
    double worst = 0.0;
    for (int64_t s = 0; s < w->n_synapses; s++) {
        double want = (double)before[s];
        for (int step = 1 + w->delay[s]; step <= STEPS; step++)
            if (w->raster[step - w->delay[s]][PRE_FIRST + w->row[s]])
                want += w->raster[step][w->post[s]] ? 0.01 : -0.005;
        worst = fmax(worst, fabs((double)w->projection.weight[s] - want));
    }
    CHECK(worst < 4e-6);
    CHECK(guards_hold(w));
    free(before);
    free(w);
}

static void nothing_arrives_nothing_changes(void) {
    const nm_plasticity_rule *rules[] = {&nm_plasticity_hebbian, &nm_plasticity_stdp};
    for (int k = 0; k < 2; k++) {
        world *w = make(rules[k], 0);
        w->projection.weight_min = 0.3; /* a change of 0 leaves weights below it where they are */
        draw_raster(w, 0.5);
        for (int step = 1; step <= STEPS; step++)
            memset(&w->raster[step][PRE_FIRST], 0, N_ROWS);
        float *before = weights_of(w);
        run(w, NULL, 1, STEPS);
        CHECK(memcmp(before, w->projection.weight, MAX_SYNAPSES * sizeof *before) == 0);
        free(before);
        free(w);
    }
}

static void bounds_hold_at_every_event(void) {
    world *w = make(&nm_plasticity_stdp, 0);
    w->projection.weight_min = 0.25, w->projection.weight_max = 0.7;
    draw_raster(w, 0.2);
    float *before = weights_of(w);
    run(w, NULL, 1, STEPS);
    double worst = 0.0, at[STEPS + 1][2];
    for (int64_t s = 0; s < w->n_synapses; s++) {
        double want = (double)before[s];
        (void)pair_sum(w, s, at);
        for (int step = 1; step <= STEPS; step++)
            for (int event = 0; event < 2; event++) /* arrivals before the target's spike */
                if (at[step][event] != 0.0)
                    want = nm_clip(want + at[step][event], 0.25, 0.7);
        worst = fmax(worst, fabs((double)w->projection.weight[s] - want));
        CHECK(w->projection.weight[s] <= 0.7f && w->projection.weight[s] >= 0.25f);
    }
    CHECK(worst < 4e-6);
    free(before);
    free(w);
}

/* The mirror image of an excitatory projection in all but the sign. */
static void inhibitory_weights_keep_their_sign(void) {
    world *plus = make(&nm_plasticity_stdp, 0), *minus = make(&nm_plasticity_stdp, 0);
    plus->projection.weight_min = 0.0, plus->projection.weight_max = 0.6;
    plus->projection.weight_kept = 0.99;
    minus->projection.weight_min = -3.0, minus->projection.weight_max = 0.6; /* below 0 counts as 0 */
    minus->projection.weight_kept = 0.99;
    minus->projection.inhibitory = 1;
    for (int64_t s = 0; s < minus->n_synapses; s += 2)
        minus->projection.weight[s] *= -1.0f;
    draw_raster(plus, 0.2);
    memcpy(minus->raster, plus->raster, sizeof plus->raster);
    run(plus, NULL, 1, STEPS);
    run(minus, NULL, 1, STEPS);
    int same = 1;
    for (int64_t s = 0; s < plus->n_synapses; s++)
        same &= minus->projection.weight[s] ==
                (s % 2 == 0 ? -plus->projection.weight[s] : plus->projection.weight[s]);
    CHECK(same);
    free(plus);
    free(minus);
}

static void weights_decay_to_zero_and_not_past_the_bound(void) {
    world *w = make(&nm_plasticity_stdp, 0);
    w->projection.weight_kept = 0.9;
    float first = w->projection.weight[0];
    run(w, NULL, 1, STEPS);
    double want = (double)first * pow(0.9, STEPS);
    CHECK(fabs((double)w->projection.weight[0] - want) < 1e-5 * want);
    for (int k = 0; k < 12; k++)
        run(w, NULL, 1, STEPS);
    CHECK(w->projection.weight[0] == 0.0f);
    w->projection.weight[0] = 0.5f;
    w->projection.weight_min = 0.25;
    run(w, NULL, 1, STEPS);
    CHECK(w->projection.weight[0] == 0.25f);
    CHECK(guards_hold(w));
    free(w);
}

/* ---- modulation ---------------------------------------------------------------------------------- */

static const nm_modulator acts_on_learning = {
    .name = "test", .response = NM_LINEAR, .targets = NM_ON(NM_LEARNING_RATE)};
static const nm_modulator *const modulators[] = {&acts_on_learning};

static void learning_follows_the_level_of_the_step(void) {
    world *w = make(&nm_plasticity_stdp, 0);
    double level[1], params[NM_MAX_PARAMS] = {[NM_STRENGTH] = 2.0}, worst = 0.0, at[STEPS + 1][2];
    nm_levels levels = {
        .n_regions = 1, .n_modulators = 1, .modulators = modulators, .level = level, .params = params};
    draw_raster(w, 0.2);
    float *before = weights_of(w);
    for (int step = 1; step <= STEPS; step++) {
        level[0] = step / (double)STEPS;
        run(w, &levels, step, step);
    }
    for (int64_t s = 0; s < w->n_synapses; s++) {
        double want = (double)before[s];
        (void)pair_sum(w, s, at);
        for (int step = 1; step <= STEPS; step++)
            want += (at[step][0] + at[step][1]) * 2.0 * step / (double)STEPS;
        worst = fmax(worst, fabs((double)w->projection.weight[s] - want));
    }
    CHECK(worst < 4e-6);
    free(before);
    free(w);
}

/* 70 regions, more than the pass remembers at once, in slots that take turns. */
static void each_target_learns_under_its_own_region(void) {
    enum { N_REGIONS = 70 };
    world *w = make(&nm_plasticity_stdp, 0);
    double level[N_REGIONS], params[NM_MAX_PARAMS] = {[NM_STRENGTH] = 1.0}, worst = 0.0;
    nm_levels levels = {.n_regions = N_REGIONS,
                        .n_modulators = 1,
                        .modulators = modulators,
                        .level = level,
                        .params = params};
    for (int r = 0; r < N_REGIONS; r++)
        level[r] = r / (double)N_REGIONS;
    for (int32_t slot = 0; slot < N_NEURONS; slot++)
        w->region[slot] = slot * 11 % N_REGIONS;
    draw_raster(w, 0.2);
    float *before = weights_of(w);
    run(w, &levels, 1, STEPS);
    for (int64_t s = 0; s < w->n_synapses; s++) {
        double want = (double)before[s] + level[w->region[w->post[s]]] * pair_sum(w, s, NULL);
        worst = fmax(worst, fabs((double)w->projection.weight[s] - want));
        if (w->region[w->post[s]] == 0)
            CHECK(w->projection.weight[s] == before[s]);
    }
    CHECK(worst < 4e-6);
    free(before);
    free(w);
}

/* ---- the contract of the hooks, by a rule that writes down what it is shown ---------------------- */

static int seen_wrong;
static const nm_field probe_params[] = {
    {"tau_a", "ms", 5.0, NM_POSITIVE, ""}, {"tau_b", "ms", 9.0, NM_POSITIVE, ""}, NM_END};
static const nm_field probe_state[] = {
    {"tally", "1", 0.0, NM_ANY, ""}, {"seen", "1", 0.0, NM_ANY, ""}, NM_END};
static const nm_trace probe_pre[] = {{"a", 0}, {"b", 1}, {NULL, 0}}, probe_post[] = {{"c", 1}, {NULL, 0}};

static void probe_arrival(const nm_synapse_chunk *c) {
    seen_wrong += c->n == 0 || c->n > NM_CHUNK || c->pre_stride != 0 || c->post_stride != 1;
    for (size_t j = 0; j < c->n; j++) {
        seen_wrong += c->change[j] != 0.0;
        seen_wrong += c->pre[0][0] < 0.0 || c->pre[1][0] < c->pre[0][0];
        c->state[0][j] += 1.0 + 100.0 * c->post_fired[j];
        c->state[1][j] = c->pre[0][0];
    }
}
static void probe_spike(const nm_synapse_chunk *c) {
    seen_wrong += c->n == 0 || c->n > NM_CHUNK || c->pre_stride != 1 || c->post_stride != 0;
    for (size_t j = 0; j < c->n; j++) {
        seen_wrong += c->change[j] != 0.0;
        c->state[0][j] += 10000.0;
        c->change[j] = c->pre[0][j] + 1e-3 * c->pre[1][j] + 1e-6 * c->post[0][0];
    }
}
static const nm_plasticity_rule probe = {.name = "probe",
                                         .params = probe_params,
                                         .state = probe_state,
                                         .pre_traces = probe_pre,
                                         .post_traces = probe_post,
                                         .on_pre = probe_arrival,
                                         .on_post = probe_spike};

static void hooks_see_two_traces_and_keep_state(void) {
    world *w = make(&probe, 0);
    draw_raster(w, 0.2);
    seen_wrong = 0;
    run(w, NULL, 1, STEPS);
    CHECK(seen_wrong == 0);
    int wrong = 0;
    for (int64_t s = 0; s < w->n_synapses; s++) {
        float want = 0.0f;
        for (int step = 1; step <= STEPS; step++) {
            int arrives = step > w->delay[s] && w->raster[step - w->delay[s]][PRE_FIRST + w->row[s]];
            int fires = w->raster[step][w->post[s]];
            want += (float)(arrives + 100 * (arrives && fires) + 10000 * fires);
        }
        wrong += w->state[0][s] != want;
    }
    CHECK(wrong == 0);
    free(w);
}

/* One source, one target, delay 2: the source fires in steps 1 and 4, the target in step 6. */
static void hooks_see_traces_shifted_by_the_delay(void) {
    world *w = make(&probe, 0);
    w->row_start[0] = 0;
    for (int row = 1; row <= N_ROWS; row++)
        w->row_start[row] = 1;
    w->delay[0] = 2, w->post[0] = 9, w->row[0] = 0, w->n_synapses = 1;
    w->projection.weight[0] = 0.0f;
    index_incoming(w);
    w->raster[1][PRE_FIRST] = w->raster[4][PRE_FIRST] = 1;
    w->raster[6][9] = 1;
    run(w, NULL, 1, 6);
    double a = 1.0 + exp(-1.5 / 5.0), b = 1.0 + exp(-1.5 / 9.0);
    CHECK(fabs((double)w->projection.weight[0] - (a + 1e-3 * b)) < 1e-6);
    CHECK(w->state[0][0] == 10102.0f);
    CHECK(fabs((double)w->state[1][0] - exp(-1.5 / 5.0)) < 1e-7); /* on_pre: without the arrival itself */
    CHECK(w->post_trace[0][9] == 1.0);
    free(w);
}

static void traces_end_at_zero_and_not_as_denormals(void) {
    world *w = make(&nm_plasticity_stdp, 0);
    draw_raster(w, 0.2);
    w->dt = 5.0;
    run(w, NULL, 1, STEPS);
    memset(w->raster, 0, sizeof w->raster);
    for (int k = 0; k < 40; k++)
        run(w, NULL, 1, STEPS);
    int zero = 1;
    for (int i = 0; i < LENGTH * N_ROWS; i++)
        zero &= w->pre_trace[0][i] == 0.0;
    for (int i = 0; i < N_NEURONS; i++)
        zero &= w->post_trace[0][i] == 0.0;
    CHECK(zero);
    free(w);
}

static void segments_are_found_in_any_row(void) {
    static const uint16_t delay[] = {2, 2, 2, 5, 5, 9, 7};
    static const int64_t row_start[] = {0, 6, 6, 7};
    nm_projection p = {.n_rows = 3, .row_start = row_start, .delay = delay};
    for (int64_t row = 0; row < 3; row++)
        for (int64_t d = 1; d < 11; d++) {
            int64_t first, last, n = 0;
            nm_projection_segment(&p, row, d, &first, &last);
            for (int64_t s = row_start[row]; s < row_start[row + 1]; s++)
                n += delay[s] == d;
            CHECK(last - first == n && first >= row_start[row] && last <= row_start[row + 1]);
            for (int64_t s = first; s < last; s++)
                CHECK(delay[s] == d);
        }
    p = (nm_projection){.n_rows = 3, .row_start = row_start, .constant_delay = 4};
    int64_t first, last;
    nm_projection_segment(&p, 0, 4, &first, &last);
    CHECK(first == 0 && last == 6);
    nm_projection_segment(&p, 0, 3, &first, &last);
    CHECK(first == last);
}

static const nm_test tests[] = {
    TEST(stdp_is_the_sum_over_pairs),
    TEST(hebbian_counts_coincidences),
    TEST(nothing_arrives_nothing_changes),
    TEST(bounds_hold_at_every_event),
    TEST(inhibitory_weights_keep_their_sign),
    TEST(weights_decay_to_zero_and_not_past_the_bound),
    TEST(learning_follows_the_level_of_the_step),
    TEST(each_target_learns_under_its_own_region),
    TEST(hooks_see_two_traces_and_keep_state),
    TEST(hooks_see_traces_shifted_by_the_delay),
    TEST(traces_end_at_zero_and_not_as_denormals),
    TEST(segments_are_found_in_any_row),
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
