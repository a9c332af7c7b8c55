/* The plasticity pass on hand-made networks of given spikes: rules that act at arrivals alone, weight decay,
 * traces. Pair rules: test_lazy.c. What each rule computes inside a simulation:
 * tests/test_plasticity_<name>.py.
 * SPDX-License-Identifier: MIT */
#include "nm_round.h"
#include "plastic_world.h"

extern const nm_plasticity_rule nm_plasticity_hebbian, nm_plasticity_stdp;
static const plan hebbian = {.rule = &nm_plasticity_hebbian};

static float *weights_of(const world *w) {
    float *before = malloc((size_t)w->n_synapses * sizeof *before);
    memcpy(before, w->projection.weight, (size_t)w->n_synapses * sizeof *before);
    return before;
}

/* What the definition of the rule gives, each change times factor[step * n_regions + region]; NULL: 1. */
static double worst_of(const world *w, const float *before, const double *factor, int n_regions) {
    double worst = 0.0;
    const nm_projection *p = &w->projection;
    for (int64_t s = 0; s < w->n_synapses; s++) {
        double want = (double)before[s];
        for (int64_t step = 1; step <= w->steps; step++)
            if (arrives_at(w, step, s)) {
                double change = fires_at(w, step, w->post[s]) ? 0.01 : -0.005;
                change *= factor == NULL ? 1.0 : factor[step * n_regions + w->zone[w->post[s]]];
                want = nm_clip(want + change, p->weight_min, p->weight_max);
            }
        worst = fmax(worst, fabs((double)p->weight[s] - want));
    }
    return worst;
}

/* Up to 60 changes a synapse, each rounded to a float near 1 (half an ulp is 6e-8): at most 4e-6. */
static void hebbian_counts_coincidences(void) {
    for (int constant = 0; constant <= 3; constant += 3) {
        world *w = make(&(plan){.rule = &nm_plasticity_hebbian, .constant = constant});
        draw_raster(w, 0.3, 0.2);
        float *before = weights_of(w);
        run(w, NULL, w->steps);
        CHECK(worst_of(w, before, NULL, 1) < 4e-6);
        CHECK(guards_hold(w));
        free(before);
        discard(w);
    }
}

static void bounds_hold_at_every_event(void) {
    world *w = make(&hebbian);
    w->projection.weight_min = 0.45, w->projection.weight_max = 0.6;
    draw_raster(w, 0.5, 0.4);
    float *before = weights_of(w);
    run(w, NULL, w->steps);
    CHECK(worst_of(w, before, NULL, 1) < 4e-6);
    int at_low = 0, at_high = 0;
    for (int64_t s = 0; s < w->n_synapses; s++)
        at_low += w->projection.weight[s] == (float)nm_round_up(0.45),
            at_high += w->projection.weight[s] == (float)nm_round_down(0.6);
    CHECK(at_low > 20 && at_high > 20);
    free(before);
    discard(w);
}

static void nothing_arrives_nothing_changes(void) {
    world *w = make(&hebbian);
    w->projection.weight_min = 0.3; /* a change of 0 leaves weights below it where they are */
    draw_raster(w, 0.0, 0.5);
    float *before = weights_of(w);
    run(w, NULL, w->steps);
    CHECK(memcmp(before, w->projection.weight, (size_t)w->n_synapses * sizeof *before) == 0);
    free(before);
    discard(w);
}

/* The mirror image of an excitatory projection in all but the sign. */
static void inhibitory_weights_keep_their_sign(void) {
    world *plus = make(&hebbian), *minus = make(&hebbian);
    plus->projection.weight_min = 0.0, plus->projection.weight_max = 0.6;
    plus->projection.weight_kept = minus->projection.weight_kept = 0.99;
    minus->projection.weight_min = -3.0, minus->projection.weight_max = 0.6; /* below 0 counts as 0 */
    minus->projection.inhibitory = minus->projection.port = 1;
    for (int64_t s = 0; s < minus->n_synapses; s += 2)
        minus->projection.weight[s] *= -1.0f;
    draw_raster(plus, 0.3, 0.2);
    memcpy(minus->raster, plus->raster, (size_t)((plus->steps + 1) * plus->n_neurons));
    int same = 1;
    for (int64_t step = 1; step <= plus->steps; step++) {
        step_world(plus, NULL);
        step_world(minus, NULL);
        for (int64_t slot = 0; slot < plus->n_neurons; slot++)
            same &= minus->inhibitory[slot] == -plus->excitatory[slot] && minus->excitatory[slot] == 0.0;
    }
    for (int64_t s = 0; s < plus->n_synapses; s++)
        same &= minus->projection.weight[s] ==
                (s % 2 == 0 ? -plus->projection.weight[s] : plus->projection.weight[s]);
    CHECK(same);
    discard(plus);
    discard(minus);
}

static void weights_decay_to_zero_and_not_past_the_bound(void) {
    world *w = make(&hebbian);
    w->projection.weight_kept = 0.9;
    float first = w->projection.weight[0];
    run(w, NULL, 60);
    double want = (double)first * pow(0.9, 60);
    CHECK(fabs((double)w->projection.weight[0] - want) < 1e-5 * want);
    run(w, NULL, 720);
    CHECK(w->projection.weight[0] == 0.0f);
    w->projection.weight[0] = 0.5f;
    w->projection.weight_min = 0.25;
    run(w, NULL, 60);
    CHECK(w->projection.weight[0] == 0.25f);
    CHECK(guards_hold(w));
    discard(w);
}

/* ---- modulation ---------------------------------------------------------------------------------- */

static const nm_modulator acts_on_learning = {
    .name = "test", .response = NM_LINEAR, .targets = NM_ON(NM_LEARNING_RATE)};
static const nm_modulator *const modulators[] = {&acts_on_learning};

/* 1 region, and 70 in slots that take turns; the level changes in every step. */
static void each_target_learns_by_the_level_of_its_region_in_the_step(void) {
    enum { MOST = 70 };
    for (int n_regions = 1; n_regions <= MOST; n_regions += MOST - 1) {
        world *w = make(&hebbian);
        double level[MOST], params[NM_MAX_PARAMS] = {[NM_STRENGTH] = 2.0}, factor[61 * MOST];
        nm_levels levels = {.n_regions = n_regions,
                            .n_modulators = 1,
                            .modulators = modulators,
                            .level = level,
                            .params = params};
        for (int32_t slot = 0; slot < w->n_neurons; slot++)
            w->zone[slot] = slot * 11 % n_regions;
        draw_raster(w, 0.3, 0.2);
        float *before = weights_of(w);
        for (int step = 1; step <= w->steps; step++) {
            for (int r = 0; r < n_regions; r++) {
                level[r] = (step % 7) * (r + 1) / (7.0 * n_regions);
                factor[step * n_regions + r] = 2.0 * level[r];
            }
            step_world(w, &levels);
        }
        CHECK(worst_of(w, before, factor, n_regions) < 4e-6);
        free(before);
        discard(w);
    }
}

/* ---- the contract of the hook, by a rule that writes down what it is shown ----------------------- */

static int seen_wrong;
static const nm_field probe_params[] = {
    {"tau_c", "ms", 5.0, NM_POSITIVE, ""}, {"tau_d", "ms", 9.0, NM_POSITIVE, ""}, NM_END};
static const nm_field no_state[] = {NM_END};
static const nm_trace probe_post[] = {
    {"c", 0, NM_TRACE_ALL, NULL}, {"d", 1, NM_TRACE_ALL, NULL}, NM_NO_TRACE};

static void probe_arrival(const nm_synapse_chunk *c) {
    seen_wrong += c->n == 0 || c->n > NM_CHUNK || c->dt != 0.5;
    for (size_t j = 0; j < c->n; j++) {
        seen_wrong += !(c->post_fired[j] == 0.0 || c->post_fired[j] == 1.0);
        c->change[j] = c->post[0][j] + 1e-3 * c->post[1][j] + 16.0 * c->post_fired[j];
    }
}
static const nm_plasticity_rule probe = {.name = "probe",
                                         .params = probe_params,
                                         .state = no_state,
                                         .post_traces = probe_post,
                                         .on_pre = probe_arrival};

static void the_hook_sees_two_traces_without_this_steps_spike(void) {
    world *w = make(&(plan){.rule = &probe, .steps = 30});
    draw_raster(w, 0.3, 0.2);
    w->projection.weight_max = 1e6;
    seen_wrong = 0;
    float *before = weights_of(w);
    run(w, NULL, w->steps);
    CHECK(seen_wrong == 0);
    double worst = 0.0;
    for (int64_t s = 0; s < w->n_synapses; s++) {
        double want = (double)before[s], c = 0.0, d = 0.0;
        for (int64_t step = 1; step <= w->steps; step++) {
            c *= exp(-0.5 / 5.0), d *= exp(-0.5 / 9.0);
            if (arrives_at(w, step, s))
                want += c + 1e-3 * d + 16.0 * fires_at(w, step, w->post[s]);
            c += fires_at(w, step, w->post[s]), d += fires_at(w, step, w->post[s]);
        }
        worst = fmax(worst, fabs((double)w->projection.weight[s] - want));
    }
    CHECK(worst < 30 * 8e-6); /* half an ulp of a float below 256, at each of 30 arrivals at most */
    free(before);
    discard(w);
}

static void traces_end_at_zero_and_not_as_denormals(void) {
    world *w = make(&(plan){.rule = &nm_plasticity_stdp, .dt = 5.0, .small = 1});
    draw_raster(w, 0.2, 0.2);
    run(w, NULL, w->steps);
    memset(w->raster, 0, (size_t)((w->steps + 1) * w->n_neurons));
    run(w, NULL, 3000);
    int zero = 1;
    for (int64_t i = 0; i < w->n_neurons; i++)
        zero &= w->projection.post_trace[0][i] == 0.0;
    CHECK(zero);
    discard(w);
}

/* ---- what a rule may have ------------------------------------------------------------------------ */

static const nm_trace filtered_post[] = {{"c", 0, NM_TRACE_LOWPASS, "v_membrane"}, NM_NO_TRACE};
static const nm_trace without_column[] = {{"c", 0, NM_TRACE_LOWPASS, NULL}, NM_NO_TRACE};

static int64_t broken_by(nm_plasticity_rule rule) {
    nm_error error = {.field = 0};
    return nm_rule_check(&rule, &error) == NM_OK ? 0 : error.field;
}

static void a_lag_needs_a_low_pass_trace_and_a_parameter(void) {
    nm_plasticity_rule rule = probe;
    CHECK(broken_by(rule) == 0);
    rule.lowpass_lag = 1;
    CHECK(broken_by(rule) == 4);
    rule.post_traces = without_column;
    CHECK(broken_by(rule) == 4);
    rule.post_traces = filtered_post;
    CHECK(broken_by(rule) == 0);
    rule.lowpass_lag = 2;
    CHECK(broken_by(rule) == 0);
    rule.lowpass_lag = 3;
    CHECK(broken_by(rule) == 5);
    rule.lowpass_lag = -1;
    CHECK(broken_by(rule) == 5);
    rule = nm_plasticity_stdp;
    CHECK(broken_by(rule) == 0);
    rule.lowpass_lag = 1;
    CHECK(broken_by(rule) == 2);
}

static double nothing(const double *params, const double *post) {
    return params == NULL && post == NULL ? 1.0 : 0.0;
}
static void no_event(const nm_target_chunk *c) {
    (void)c;
}

/* What a lazy rule must not have: each member of an event rule, alone. */
static void a_lazy_rule_has_nothing_of_an_event_rule(void) {
    static const char *const columns[] = {"v_membrane", NULL};
    static const nm_field state[] = {{"s", "1", 0.0, NM_ANY, "."}, NM_END};
    static const nm_trace nearest[] = {{"x", 0, NM_TRACE_NEAREST, NULL}, NM_NO_TRACE};
    nm_plasticity_rule rules[14];
    for (int k = 0; k < 14; k++)
        rules[k] = nm_plasticity_stdp;
    rules[0].on_post = probe_arrival, rules[1].event = no_event, rules[2].pre_columns = columns;
    rules[3].post_columns = columns, rules[4].pre_lag = 1, rules[5].needs_elapsed = 1;
    rules[6].n_random = 1, rules[7].applies_learning = 1, rules[8].advance = probe_arrival;
    rules[9].n_noise = 1, rules[10].pre_traces = NULL;
    for (int k = 0; k < 11; k++)
        CHECK(broken_by(rules[k]) == 2);
    rules[11].state = state;
    CHECK(broken_by(rules[11]) == 1);
    rules[12].pre_traces = nearest, rules[13].post_traces = nearest;
    CHECK(broken_by(rules[12]) == 3 && broken_by(rules[13]) == 3);
}

static void what_no_event_rule_has(void) {
    static const nm_field state[] = {{"s", "1", 0.0, NM_ANY, "."}, NM_END};
    static const nm_eligibility eligibility = {.tau_c = 0};
    nm_plasticity_rule rule = probe;
    rule.state = state, rule.on_pre = NULL;
    CHECK(broken_by(rule) == 1);
    rule.on_post = probe_arrival;
    CHECK(broken_by(rule) == 0);
    rule.on_post = NULL, rule.advance = probe_arrival, rule.needs_elapsed = 1;
    CHECK(broken_by(rule) == 0);
    rule = probe, rule.eligibility = &eligibility;
    CHECK(broken_by(rule) == 2);
    rule = probe, rule.event = no_event;
    CHECK(broken_by(rule) == 6);
    rule.on_post = probe_arrival;
    CHECK(broken_by(rule) == 0);
    rule = probe, rule.advance = probe_arrival;
    CHECK(broken_by(rule) == 7);
    rule.needs_elapsed = 1;
    CHECK(broken_by(rule) == 0);
    rule = probe, rule.n_noise = 1;
    CHECK(broken_by(rule) == 7);
    rule = probe, rule.pre_traces = without_column;
    CHECK(broken_by(rule) == 4);
    rule = nm_plasticity_stdp, rule.post_amplitude = nothing;
    CHECK(broken_by(rule) == 0);
}

/* One more of each thing than there is room for, and one less than none. */
static void a_rule_of_more_than_there_is_room_for_is_refused(void) {
    nm_field fields[NM_MAX_PARAMS + 2] = {{0}};
    nm_trace traces[NM_MAX_TRACES + 2] = {{0}};
    const char *columns[NM_MAX_COLUMNS + 2] = {0};
    for (int k = 0; k <= NM_MAX_PARAMS; k++)
        fields[k] = (nm_field){"f", "1", 1.0, NM_POSITIVE, "."};
    for (int k = 0; k <= NM_MAX_TRACES; k++)
        traces[k] = (nm_trace){"t", 0, NM_TRACE_ALL, NULL};
    for (int k = 0; k <= NM_MAX_COLUMNS; k++)
        columns[k] = "v_membrane";
    nm_plasticity_rule rules[12];
    for (int k = 0; k < 12; k++)
        rules[k] = probe;
    rules[0].params = fields, rules[1].state = fields, rules[2].pre_traces = traces;
    rules[3].post_traces = traces, rules[4].pre_columns = columns, rules[5].post_columns = columns;
    rules[6].n_random = -1, rules[7].n_random = NM_MAX_RANDOM + 1;
    for (int k = 8; k < 10; k++)
        rules[k].advance = probe_arrival, rules[k].needs_elapsed = 1;
    rules[8].n_noise = -1, rules[9].n_noise = NM_MAX_RANDOM + 1;
    rules[10].pre_lag = -1, rules[11].pre_lag = 1 + nm_field_count(probe.params);
    for (int k = 0; k < 12; k++)
        CHECK(broken_by(rules[k]) == 5);
}

/* ---- which segment a spike finds ----------------------------------------------------------------- */

static void runs_are_found_in_any_row(void) {
    static const uint16_t delay[] = {2, 3, 5, 9, 7, 4, 5, 6};
    static const int64_t bucket_run[] = {0, 4, 4, 5, 8}; /* with gaps, none, one, without gaps */
    for (int64_t least = 1; least <= 2; least++) {
        const nm_projection several = {
            .n_rows = 4, .bucket_run = bucket_run, .run_delay = delay, .min_delay = least};
        for (int64_t bucket = 0; bucket < 4; bucket++)
            for (int64_t d = 1; d < 70; d++) {
                int64_t want = -1;
                for (int64_t k = bucket_run[bucket]; k < bucket_run[bucket + 1]; k++)
                    if (delay[k] == d)
                        want = k;
                CHECK(nm_projection_run(&several, bucket, d) == want);
            }
    }
    const nm_projection one = {.n_rows = 3, .constant_delay = 4};
    CHECK(nm_projection_run(&one, 2, 4) == 2);
    CHECK(nm_projection_run(&one, 2, 3) == -1);
    CHECK(nm_projection_run(&one, 2, 5) == -1);
}

static const nm_test tests[] = {
    TEST(hebbian_counts_coincidences),
    TEST(bounds_hold_at_every_event),
    TEST(nothing_arrives_nothing_changes),
    TEST(inhibitory_weights_keep_their_sign),
    TEST(weights_decay_to_zero_and_not_past_the_bound),
    TEST(each_target_learns_by_the_level_of_its_region_in_the_step),
    TEST(the_hook_sees_two_traces_without_this_steps_spike),
    TEST(traces_end_at_zero_and_not_as_denormals),
    TEST(a_lag_needs_a_low_pass_trace_and_a_parameter),
    TEST(a_lazy_rule_has_nothing_of_an_event_rule),
    TEST(what_no_event_rule_has),
    TEST(a_rule_of_more_than_there_is_room_for_is_refused),
    TEST(runs_are_found_in_any_row),
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
