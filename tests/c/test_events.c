/* The contract of event rules (nm_model.h), by a rule whose hooks compare all that they are shown with the spikes
 * of a raster: which synapses, traces of both sides, state, the time since the last event, and in what order.
 * SPDX-License-Identifier: MIT */
#include "plastic_world.h"

/* ---- the rule ------------------------------------------------------------------------------------- */

enum { TAU_A, TAU_B, LAG };
static const nm_field probe_params[] = {{"tau_a", "ms", 5.0, NM_POSITIVE, "."},
                                        {"tau_b", "ms", 9.0, NM_POSITIVE, "."},
                                        {"lag", "ms", 0.0, NM_NON_NEGATIVE, "."},
                                        NM_END};
enum { SYNAPSE, N_PRE, N_POST }; /* its number, set by the test; calls of each hook */
static const nm_field probe_state[] = {{"synapse", "1", 0.0, NM_ANY, "."},
                                       {"n_pre", "1", 0.0, NM_ANY, "."},
                                       {"n_post", "1", 0.0, NM_ANY, "."},
                                       NM_END};
static const nm_trace probe_traces[] = {
    {"all", TAU_A, NM_TRACE_ALL, NULL}, {"nearest", TAU_B, NM_TRACE_NEAREST, NULL}, NM_NO_TRACE};

static const world *seen;                         /* whose hooks are called */
static int (*target_has_event)(int64_t, int64_t); /* step, slot */
static long wrong;
static double learning = 1.0; /* what hooks are to be shown */

static int64_t lag_of(const world *w) {
    return w->events.lag;
}

/* Traces of up to the step `until`, at the end of step `now`. */
static void traces_of(int64_t now, int64_t until, int64_t s, int of_source, double *all, double *nearest) {
    *all = *nearest = 0.0;
    for (int64_t step = 1; step <= until; step++) {
        const int here =
            of_source ? arrives_at(seen, step - lag_of(seen), s) : fires_at(seen, step, seen->post[s]);
        const double age = (double)(now - step) * seen->dt;
        if (here)
            *all += exp(-age / seen->params[TAU_A]), *nearest = exp(-age / seen->params[TAU_B]);
    }
}

static int near(double value, double want) {
    return fabs(value - want) <= 1e-13 * (1.0 + fabs(want));
}

/* ms since the last event of a synapse before this one; arrivals of this step come before the target's event. */
static double elapsed(int64_t now, int64_t s, int on_post) {
    for (int64_t step = now; step >= 1; step--) {
        const int arrived = arrives_at(seen, step - lag_of(seen), s) && (step < now || on_post);
        if (arrived || (step < now && target_has_event(step, seen->post[s])))
            return (double)(now - step) * seen->dt;
    }
    return HUGE_VAL;
}

static void compare(const nm_synapse_chunk *c, size_t j, int on_post) {
    const int64_t now = seen->now, s = (int64_t)c->state[SYNAPSE][j];
    double all, nearest;
    wrong += on_post ? !target_has_event(now, seen->post[s]) : !arrives_at(seen, now - lag_of(seen), s);
    traces_of(now, on_post ? now : now - 1, s, 1, &all, &nearest);
    wrong += !near(c->pre[0][j * c->pre_stride], all) + !near(c->pre[1][j * c->pre_stride], nearest);
    traces_of(now, now - 1, s, 0, &all, &nearest);
    wrong += !near(c->post[0][j * c->post_stride], all) + !near(c->post[1][j * c->post_stride], nearest);
    wrong += c->elapsed[j] != elapsed(now, s, on_post);
    wrong += c->post_fired[j] != (fires_at(seen, now, seen->post[s]) ? 1.0 : 0.0);
    wrong += c->learning[j] != learning || c->weight[j] != (double)seen->projection.weight[s];
    c->state[on_post ? N_POST : N_PRE][j] += 1.0;
    c->change[j] = on_post ? 0.25 : -0.125;
}

static void probe_pre(const nm_synapse_chunk *c) {
    wrong += c->n == 0 || c->n > NM_CHUNK || c->pre_stride != 0 || c->post_stride != 1;
    for (size_t j = 0; j < c->n; j++)
        compare(c, j, 0);
}
static void probe_post(const nm_synapse_chunk *c) {
    wrong += c->n == 0 || c->n > NM_CHUNK || c->pre_stride != 1 || c->post_stride != 0;
    for (size_t j = 0; j < c->n; j++)
        compare(c, j, 1);
}

static const nm_plasticity_rule probe = {.name = "probe",
                                         .params = probe_params,
                                         .state = probe_state,
                                         .pre_traces = probe_traces,
                                         .post_traces = probe_traces,
                                         .on_pre = probe_pre,
                                         .on_post = probe_post,
                                         .pre_lag = 1 + LAG,
                                         .needs_elapsed = 1};

static int it_fires(int64_t step, int64_t slot) {
    return fires_at(seen, step, slot);
}

/* A target that fired in the step before and is silent now. */
static int it_has_fired(int64_t step, int64_t slot) {
    return fires_at(seen, step - 1, slot) && !fires_at(seen, step, slot);
}
static void one_step_after(const nm_target_chunk *c) {
    wrong += c->n == 0 || c->n > NM_CHUNK || c->dt != seen->dt;
    for (size_t i = 0; i < c->n; i++)
        c->event[i] = c->fired[i] == 0.0 && c->post[1][i] > exp(-1.5 * c->dt / c->params[TAU_B]);
}

/* ---- the tests ------------------------------------------------------------------------------------ */

/* Runs a world of the rule, and holds the numbers of calls and the weights to the raster. */
static void check_against_raster(const nm_plasticity_rule *rule, const plan *a, double lag,
                                 int (*has_event)(int64_t, int64_t)) {
    plan p = *a;
    nm_plasticity_rule lagging = *rule;
    nm_field params[sizeof probe_params / sizeof *probe_params];
    memcpy(params, probe_params, sizeof params);
    params[LAG].fallback = lag;
    lagging.params = params;
    p.rule = &lagging;
    world *w = make(&p);
    nm_error error;
    CHECK(nm_rule_check(&lagging, &error) == NM_OK);
    draw_raster(w, 0.3, 0.2);
    seen = w, target_has_event = has_event, wrong = 0;
    for (int64_t s = 0; s < w->n_synapses; s++)
        w->projection.state[SYNAPSE][s] = (float)s, w->projection.weight[s] = 1.0f;
    run(w, NULL, w->steps);
    long n_pre = 0, n_post = 0, off = 0;
    for (int64_t s = 0; s < w->n_synapses; s++) {
        long pre = 0, post = 0;
        for (int64_t step = 1; step <= w->steps; step++) {
            pre += arrives_at(w, step - lag_of(w), s);
            post += rule->on_post != NULL && has_event(step, w->post[s]);
        }
        off += w->projection.state[N_PRE][s] != (float)pre || w->projection.state[N_POST][s] != (float)post;
        off += w->projection.weight[s] != 1.0f - 0.125f * (float)pre + 0.25f * (float)post;
        n_pre += pre, n_post += post;
    }
    CHECK(wrong == 0);
    CHECK(off == 0 && n_pre > 100 && (n_post > 100 || rule->on_post == NULL));
    CHECK(guards_hold(w));
    discard(w);
}

/* Modulators whose factors are 2 on learning, 1.5 on what grows and 1.25 on what falls. */
static nm_levels three_factors(void) {
    static const double of[] = {1.0, 0.5, 0.25};
    static const nm_target targets[] = {NM_LEARNING_RATE, NM_LTP, NM_LTD};
    static nm_modulator own[3];
    static const nm_modulator *const modulators[] = {&own[0], &own[1], &own[2]};
    static double level[N_ZONES * 3], params[3 * NM_MAX_PARAMS], kept[3];
    for (int m = 0; m < 3; m++) {
        own[m] = nm_declared[NM_LINEAR];
        own[m].targets = NM_ON(targets[m]);
        for (int k = 0; k < nm_field_count(own[m].params); k++)
            params[m * NM_MAX_PARAMS + k] = own[m].params[k].fallback;
        for (int zone = 0; zone < N_ZONES; zone++)
            level[zone * 3 + m] = of[m];
    }
    return (nm_levels){.n_regions = N_ZONES,
                       .n_modulators = 3,
                       .modulators = modulators,
                       .level = level,
                       .params = params,
                       .kept = kept};
}

/* `applied`: the rule says that its change has the factor of learning already. */
static void modulators_scale_what_grows_and_what_falls(void) {
    const nm_levels levels = three_factors();
    for (int applied = 0; applied <= 1; applied++) {
        nm_plasticity_rule rule = probe;
        rule.applies_learning = applied;
        world *w = make(&(plan){.small = 1, .rule = &rule});
        draw_raster(w, 0.3, 0.2);
        seen = w, target_has_event = it_fires, wrong = 0, learning = 2.0;
        for (int64_t s = 0; s < w->n_synapses; s++)
            w->projection.state[SYNAPSE][s] = (float)s, w->projection.weight[s] = 1.0f;
        run(w, &levels, w->steps);
        learning = 1.0;
        const float most = applied ? 1.0f : 2.0f;
        long off = 0, n = 0;
        for (int64_t s = 0; s < w->n_synapses; s++) {
            const float pre = w->projection.state[N_PRE][s], post = w->projection.state[N_POST][s];
            off += w->projection.weight[s] != 1.0f + most * (0.25f * 1.5f * post - 0.125f * 1.25f * pre);
            n += pre > 0.0f && post > 0.0f;
        }
        CHECK(wrong == 0 && off == 0 && n == w->n_synapses);
        discard(w);
    }
}

static void hooks_see_what_the_spikes_say(void) {
    for (int constant = 0; constant <= 3; constant += 3)
        check_against_raster(&probe, &(plan){.small = 1, .constant = constant}, 0.0, it_fires);
}

/* Rows and columns of more synapses than a chunk holds. */
static void several_chunks_of_synapses(void) {
    check_against_raster(&probe, &(plan){.steps = 12}, 0.0, it_fires);
}

static void on_pre_lags_by_a_parameter(void) {
    for (int constant = 0; constant <= 3; constant += 3)
        check_against_raster(&probe, &(plan){.small = 1, .constant = constant}, 0.5 * MAX_LAG, it_fires);
}

static void the_rule_chooses_its_targets(void) {
    nm_plasticity_rule chosen = probe;
    chosen.event = one_step_after;
    check_against_raster(&chosen, &(plan){.small = 1}, 0.0, it_has_fired);
}

/* Without on_post there is no index, and a target's event is none of the synapse's. */
static int never(int64_t step, int64_t slot) {
    (void)step, (void)slot;
    return 0;
}
static void no_index_without_on_post(void) {
    nm_plasticity_rule arrivals = probe;
    arrivals.on_post = NULL;
    check_against_raster(&arrivals, &(plan){.small = 1}, 0.0, never);
    world *w = make(&(plan){.rule = &arrivals, .small = 1});
    CHECK(w->events.incoming == NULL && w->events.incoming_start == NULL);
    discard(w);
}

/* Every synapse once, below its target, ascending, with its own segment. */
static void the_index_lists_every_synapse_below_its_target(void) {
    for (int constant = 0; constant <= 3; constant += 3) {
        world *w = make(&(plan){.rule = &probe, .constant = constant});
        const nm_events *e = &w->events;
        const nm_projection *p = &w->projection;
        CHECK(e->incoming_start[0] == 0 && e->incoming_start[w->n_neurons] == w->n_synapses);
        long off = 0;
        for (int64_t slot = 0; slot < w->n_neurons; slot++)
            for (int64_t i = e->incoming_start[slot]; i < e->incoming_start[slot + 1]; i++) {
                const int64_t s = e->incoming[i], delay_run = e->incoming_run[i];
                off += w->post[s] != slot || (i > e->incoming_start[slot] && s <= e->incoming[i - 1]);
                off += s < p->run_start[delay_run] || s >= p->run_start[delay_run + 1];
            }
        CHECK(off == 0);
        discard(w);
    }
}

/* A trace of the sources that follows a column of theirs, and not their spikes. */
static void a_low_pass_trace_of_sources_follows_their_column(void) {
    double column[] = {-70.0, 10.0, 0.0}, trace[] = {-60.0, 0.0, 2.0}, snapshot[] = {0.0, 0.0, 0.0};
    const double kept = exp(-0.25), want[] = {-70.0 + 10.0 * kept, 10.0 - 10.0 * kept, 2.0 * kept};
    nm_events e = {.rate = {0.25}, .pre_snapshot = {snapshot}, .pre_source = {column}};
    e.lowpass[0] = trace, e.lowpass_source[0] = column;
    const nm_projection p = {.events = &e};
    nm_events_sample_sources(&p, 3);
    for (int slot = 0; slot < 3; slot++)
        CHECK(near(trace[slot], want[slot]) && snapshot[slot] == column[slot]);
}

static const nm_test tests[] = {TEST(hooks_see_what_the_spikes_say),
                                TEST(several_chunks_of_synapses),
                                TEST(on_pre_lags_by_a_parameter),
                                TEST(the_rule_chooses_its_targets),
                                TEST(no_index_without_on_post),
                                TEST(the_index_lists_every_synapse_below_its_target),
                                TEST(modulators_scale_what_grows_and_what_falls),
                                TEST(a_low_pass_trace_of_sources_follows_their_column),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
