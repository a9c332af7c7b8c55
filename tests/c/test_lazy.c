/* Pair rules: what a visit makes up for in closed form, held to a plain integration of every synapse in every
 * step, in float64; the input that is delivered on the way as well.
 * SPDX-License-Identifier: MIT */
#include "plastic_world.h"

extern const nm_plasticity_rule nm_plasticity_stdp, nm_plasticity_rstdp;
enum { LEARNING_RATE, A_PLUS, A_MINUS, TAU_PLUS, TAU_MINUS, TAU_C, MOST_REGIONS = 3 };
static const double before_of[] = {0.5, 1.0, 0.0},
                    after_of[] = {0.5, 0.0, 0.0}; /* by the word of `coincident` */
static const nm_plasticity_rule *const both[] = {&nm_plasticity_stdp, &nm_plasticity_rstdp};

/* ---- the plain twin ------------------------------------------------------------------------------ */

typedef struct twin {
    double *w, *c, *x; /* [synapse]; w: the weight, or the strength of an inhibitory one */
    double *y, *input; /* [slot] */
    double *most_w, *most_c;
    int64_t *arrivals, *between,
        crowded; /* spikes of the target since the last arrival, and the most of them */
} twin;

/* Without a trace of eligibility a weight that does not change may lie outside its bounds. */
static double bounded(const nm_projection *p, double moved, double was) {
    const double low = p->inhibitory ? fmax(p->weight_min, 0.0) : p->weight_min;
    return p->rule->eligibility == NULL && moved == was ? was : nm_clip(moved, low, p->weight_max);
}

static twin twin_of(world *w) {
    const int64_t n = w->n_synapses;
    twin t = {.crowded = 0};
    double **columns[] = {&t.w, &t.c, &t.x, &t.most_w, &t.most_c};
    for (int k = 0; k < 5; k++)
        *columns[k] = zeros(&w->keep, n, sizeof(double));
    t.y = zeros(&w->keep, w->n_neurons, sizeof(double)),
    t.input = zeros(&w->keep, w->n_neurons, sizeof(double));
    t.arrivals = zeros(&w->keep, n, sizeof(int64_t)), t.between = zeros(&w->keep, n, sizeof(int64_t));
    for (int64_t s = 0; s < n; s++)
        t.w[s] = bounded(&w->projection, fabs((double)w->projection.weight[s]),
                         fabs((double)w->projection.weight[s]));
    return t;
}

/* One synapse in one step: signal is what c = 1 earns in it, factor that of a direct change. */
static void step_synapse(const world *w, twin *t, int64_t s, double signal, double factor) {
    const nm_projection *p = &w->projection;
    const double *a = w->params;
    const int direct = p->rule->eligibility == NULL, how = (int)a[p->rule->coincident - 1];
    const int arrives = arrives_at(w, w->now, s), fires = fires_at(w, w->now, w->post[s]);
    const double scale = direct ? a[LEARNING_RATE] * factor : 1.0, was = t->w[s];
    double *to = direct ? &t->w[s] : &t->c[s], before;
    t->w[s] = p->weight_kept * t->w[s] + (direct ? 0.0 : t->c[s] * signal);
    t->c[s] *= direct ? 0.0 : exp(-w->dt / a[TAU_C]);
    t->x[s] *= exp(-w->dt / a[TAU_PLUS]);
    if (!direct || arrives || fires)
        t->w[s] = bounded(p, t->w[s], was);
    if (arrives) {
        t->input[w->post[s]] += before = t->w[s];
        *to -= scale * a[A_MINUS] * t->y[w->post[s]];
        t->w[s] = bounded(p, t->w[s], before);
        t->x[s] += 1.0;
        t->arrivals[s]++;
        t->between[s] = 0;
    }
    if (fires) {
        before = t->w[s];
        if (arrives)
            *to -= scale * a[A_MINUS] * after_of[how];
        t->w[s] = bounded(p, t->w[s], before), before = t->w[s];
        *to += scale * a[A_PLUS] * (t->x[s] - (arrives ? 1.0 - before_of[how] : 0.0));
        t->w[s] = bounded(p, t->w[s], before);
        t->crowded = ++t->between[s] > t->crowded ? t->between[s] : t->crowded;
    }
    t->most_w[s] = fmax(t->most_w[s], fabs(t->w[s])), t->most_c[s] = fmax(t->most_c[s], fabs(t->c[s]));
}

static void step_twin(const world *w, twin *t, const double *signal, const double *factor) {
    memset(t->input, 0, (size_t)w->n_neurons * sizeof(double));
    for (int64_t slot = 0; slot < w->n_neurons; slot++)
        t->y[slot] *= exp(-w->dt / w->params[TAU_MINUS]);
    for (int64_t s = 0; s < w->n_synapses; s++)
        step_synapse(w, t, s, signal[w->zone[w->post[s]]], factor[w->zone[w->post[s]]]);
    for (int64_t slot = 0; slot < w->n_neurons; slot++)
        t->y[slot] += fires_at(w, w->now, slot);
}

/* ---- both at once -------------------------------------------------------------------------------- */

static const nm_modulator acts_on_learning = {
    .name = "test", .response = NM_LINEAR, .targets = NM_ON(NM_LEARNING_RATE)};
static const nm_modulator *const modulators[] = {&acts_on_learning};

typedef struct trial {
    plan plan;
    double of_sources, of_others; /* chance of a spike in a step */
    double kept, low, high;       /* 0, 0, 0: 1, -100, 100 */
    int inhibitory;
    double tau_plus; /* 7 ms */
    int coincident;
} trial;

typedef struct outcome {
    world *world;
    twin twin;
    float *weight, *eligibility; /* as read at the end */
    double worst;                /* distance, in parts of what rounding allows */
    double worst_input, learnt;
} outcome;

static world *set_up(const trial *a) {
    world *w = make(&a->plan);
    nm_projection *p = &w->projection;
    w->params[A_PLUS] = 0.02, w->params[A_MINUS] = 0.023;
    w->params[TAU_PLUS] = a->tau_plus > 0.0 ? a->tau_plus : 7.0, w->params[TAU_MINUS] = 11.0;
    w->params[p->rule->coincident - 1] = (double)a->coincident;
    lend_kept(w);
    w->params[LEARNING_RATE] = p->rule->eligibility == NULL ? 0.8 : 20.0 / w->params[TAU_C];
    p->weight_kept = a->kept > 0.0 ? a->kept : 1.0;
    if (a->high > 0.0)
        p->weight_min = a->low, p->weight_max = a->high;
    p->inhibitory = p->port = a->inhibitory;
    for (int64_t s = 0; a->inhibitory && s < w->n_synapses; s += 2)
        p->weight[s] *= -1.0f;
    nm_lazy_start(&w->network, p, w->dt, 0); /* tables of the decays, bounds */
    for (int32_t slot = 0; a->plan.n_regions > 1 && slot < w->n_neurons; slot++)
        w->zone[slot] = slot % a->plan.n_regions;
    draw_raster(w, a->of_sources, a->of_others);
    return w;
}

static void read_now(world *w, float *weight, float *eligibility) {
    const nm_lazy_step step = {
        .network = &w->network, .projection = &w->projection, .dt = w->dt, .now = w->now};
    nm_lazy_read(&step, 0, w->n_buckets, 0, weight, w->projection.state[0] == NULL ? NULL : eligibility);
}

/* A weight is rounded to one of the two nearest float32 at every visit, and so is c, which earns rate * strength * tau_c at most:
 * an arrival, the sweep, a target with 32 spikes more than its part has seen, the last look. */
static void judge(outcome *o, double earned) {
    const world *w = o->world;
    for (int64_t s = 0; s < w->n_synapses; s++) {
        double visits = (double)(o->twin.arrivals[s] + w->now / w->lazy.sweep + w->now / NM_SPIKES + 3);
        double ulp_w = (double)(nextafterf((float)o->twin.most_w[s], INFINITY) - (float)o->twin.most_w[s]);
        double ulp_c = (double)(nextafterf((float)o->twin.most_c[s], INFINITY) - (float)o->twin.most_c[s]);
        double is = w->projection.inhibitory ? fabs((double)o->weight[s]) : (double)o->weight[s];
        double apart = fabs(is - o->twin.w[s]);
        o->worst = fmax(o->worst, apart / (visits * (ulp_w + earned * ulp_c) + 1e-12));
        if (w->projection.rule->eligibility != NULL)
            o->worst =
                fmax(o->worst, fabs((double)o->eligibility[s] - o->twin.c[s]) / (visits * ulp_c + 1e-12));
    }
}

static outcome try(const trial *a) {
    outcome o = {.world = set_up(a)};
    world *w = o.world;
    const int n_regions = a->plan.n_regions ? a->plan.n_regions : 1;
    double level[MOST_REGIONS] = {0.5, 0.7, 0.2}, signal[MOST_REGIONS], factor[MOST_REGIONS];
    double params[NM_MAX_PARAMS] = {[NM_BASELINE] = 0.5, [NM_STRENGTH] = 2.0}, kept[] = {1.0};
    const nm_levels levels = {.n_regions = n_regions,
                              .n_modulators = 1,
                              .modulators = modulators,
                              .level = level,
                              .params = params,
                              .kept = kept};
    const double tau_c = w->params[TAU_C], rate = w->params[LEARNING_RATE];
    o.twin = twin_of(w);
    float *before = zeros(&w->keep, w->n_synapses, sizeof(float));
    memcpy(before, w->projection.weight, (size_t)w->n_synapses * sizeof(float));
    for (int64_t k = 1; k <= w->steps; k++) {
        for (int r = 0; r < n_regions; r++) {
            level[r] = k % 9 == 0 ? uniform() : level[r];
            factor[r] = 2.0 * level[r];
            signal[r] = w->projection.rule->eligibility == NULL
                            ? 0.0
                            : rate * 2.0 * (level[r] - 0.5) * tau_c * -expm1(-w->dt / tau_c);
        }
        step_world(w, &levels);
        step_twin(w, &o.twin, signal, factor);
        for (int64_t i = 0; i < w->n_neurons; i++)
            o.worst_input = fmax(o.worst_input, fabs(w->excitatory[i] - w->inhibitory[i] - o.twin.input[i]));
    }
    o.weight = zeros(&w->keep, w->n_synapses, sizeof(float)),
    o.eligibility = zeros(&w->keep, w->n_synapses, sizeof(float));
    read_now(w, o.weight, o.eligibility);
    for (int64_t s = 0; s < w->n_synapses; s++) { /* as it is read */
        o.twin.w[s] = bounded(&w->projection, o.twin.w[s], a->kept > 0.0 ? NAN : o.twin.w[s]);
        o.learnt = fmax(o.learnt, fabs(o.twin.w[s] - fabs((double)before[s])));
    }
    judge(&o, 2.0 * rate * tau_c);
    return o;
}

/* Input: six sources at most, of weights that are a few parts in 1e5 off at the very most. */
static void check(const outcome *o) {
    CHECK(o->worst <= 1.0);
    CHECK(o->worst_input < 1e-4);
    CHECK(o->learnt > 0.02);
    CHECK(guards_hold(o->world));
    for (int64_t s = 0; s < o->world->n_synapses; s++) { /* set_up has made every second one negative */
        CHECK(isfinite(o->weight[s]));
        if (o->world->projection.inhibitory)
            CHECK((signbit(o->weight[s]) != 0) == (s % 2 == 0));
    }
}

static void agree(trial a) {
    for (int k = 0; k < 6; k++) {
        a.plan.rule = both[k % 2];
        a.coincident = k / 2;
        outcome o = try(&a);
        check(&o);
        discard(o.world);
    }
}

static void rows_longer_than_a_run_and_of_several_delays(void) {
    agree((trial){.of_sources = 0.3, .of_others = 0.2});
    agree((trial){.plan.constant = 3, .of_sources = 0.3, .of_others = 0.2, .plan.n_regions = 3});
}
static void random_spikes(void) {
    agree((trial){.plan = {.small = 1, .steps = 2000}, .of_sources = 0.02, .of_others = 0.02});
    agree((trial){.plan = {.small = 1, .steps = 2000, .dt = 2.5}, .of_sources = 0.1, .of_others = 0.05});
}
/* Eight of it are 6,400 steps: the tables of the decay end long before. */
static void a_trace_may_outlast_the_course(void) {
    agree((trial){.plan = {.small = 1, .steps = 8000, .sweep = 40},
                  .of_sources = 0.02,
                  .of_others = 0.02,
                  .tau_plus = 400.0});
}
/* Two sweeps are 2,000 of it, and exp(2000) is no number; most sources have not fired yet. */
static void a_trace_may_be_far_shorter_than_a_sweep(void) {
    agree((trial){.plan = {.small = 1, .steps = 4000, .sweep = 600},
                  .of_sources = 0.0005,
                  .of_others = 0.05,
                  .tau_plus = 0.3});
}
static void regions_have_levels_of_their_own(void) {
    agree(
        (trial){.plan = {.small = 1, .steps = 2000, .n_regions = 3}, .of_sources = 0.02, .of_others = 0.04});
}
static void bounds_hold_at_every_event(void) {
    agree((trial){
        .plan = {.small = 1, .steps = 2000}, .of_sources = 0.05, .of_others = 0.06, .low = 0.4, .high = 0.6});
}
static void weights_decay(void) {
    agree((trial){.plan = {.small = 1, .steps = 2000}, .of_sources = 0.02, .of_others = 0.03, .kept = 0.999});
    agree((trial){.plan = {.small = 1, .steps = 2000, .n_regions = 2},
                  .of_sources = 0.02,
                  .of_others = 0.03,
                  .kept = 0.99,
                  .low = 0.25,
                  .high = 0.7});
}
static void strengths_of_inhibitory_synapses(void) {
    agree((trial){.plan = {.small = 1, .steps = 2000},
                  .of_sources = 0.05,
                  .of_others = 0.05,
                  .low = -3.0, /* counts as 0 */
                  .high = 0.7,
                  .inhibitory = 1});
    agree((trial){.plan = {.small = 1, .steps = 2000},
                  .of_sources = 0.05,
                  .of_others = 0.05,
                  .high = 0.7,
                  .kept = 0.999,
                  .inhibitory = 1});
    agree((trial){.plan = {.small = 1, .steps = 2000, .n_regions = 2},
                  .of_sources = 0.05,
                  .of_others = 0.05,
                  .high = 0.7,
                  .kept = 0.999,
                  .inhibitory = 1});
    agree((trial){.plan = {.small = 1, .steps = 2000, .n_regions = 2},
                  .of_sources = 0.05,
                  .of_others = 0.05,
                  .high = 0.7,
                  .inhibitory = 1});
}

/* More spikes of a target than have sums (16), and than are kept (32). */
static void many_spikes_between_two_visits(void) {
    const double of_others[] = {0.1, 0.9};
    const int64_t more_than[] = {NM_RECENT + 4, 3 * NM_SPIKES};
    for (int k = 0; k < 4; k++) {
        trial a = {.plan = {.rule = both[k % 2], .small = 1, .steps = 1500},
                   .of_sources = 0.005,
                   .of_others = of_others[k / 2]};
        outcome o = try(&a);
        check(&o);
        CHECK(o.twin.crowded > more_than[k / 2]);
        discard(o.world);
    }
}

/* e is measured anew every few steps at 5 ms; at 0.01 ms it grows by exp(50) in each. */
static void e_is_rescaled_over_many_tau_c(void) {
    const double tau_c[] = {5.0, 0.5, 0.01};
    for (int k = 0; k < 3; k++) {
        trial a = {.plan = {.rule = &nm_plasticity_rstdp, .small = 1, .steps = 2000, .tau_c = tau_c[k]},
                   .of_sources = 0.05,
                   .of_others = 0.05};
        outcome o = try(&a);
        CHECK(o.worst <= 1.0);
        CHECK(o.learnt > 1e-3);
        CHECK((double)o.world->now * o.world->dt > 100.0 * tau_c[k]);
        discard(o.world);
    }
}

/* Times are counted in 16 bits, from an epoch that moves; most segments are visited by the sweep alone. */
static void more_steps_than_16_bits_count(void) {
    for (int k = 0; k < 2; k++) {
        trial a = {
            .plan = {.rule = both[k], .small = 1, .steps = 70000}, .of_sources = 0.0006, .of_others = 0.002};
        outcome o = try(&a);
        check(&o);
        CHECK(*o.world->lazy.epoch > 32767);
        discard(o.world);
    }
}

/* Any sweep gives the same, up to its rounding; one visits a segment every 16 steps, the other hardly
 * ever. */
static void the_sweep_changes_nothing(void) {
    const int64_t sweep[] = {16, 300, 5000};
    for (int k = 0; k < 6; k++) {
        trial a = {.plan = {.rule = both[k % 2], .small = 1, .steps = 3000, .sweep = sweep[k / 2]},
                   .of_sources = 0.01,
                   .of_others = 0.04,
                   .low = 0.3,
                   .high = 0.7};
        outcome o = try(&a);
        check(&o);
        discard(o.world);
    }
}

/* ---- looks --------------------------------------------------------------------------------------- */

/* A look after every step: bit for bit the same end. To settle instead, where nothing is written, is to
 * round. */
static void looks_leave_no_trace(void) {
    for (int k = 0; k < 2; k++) {
        const trial a = {.plan = {.rule = both[k], .small = 1, .steps = 400},
                         .of_sources = 0.05,
                         .of_others = 0.1,
                         .low = 0.4,
                         .high = 0.6};
        world *plain = set_up(&a), *looked = set_up(&a);
        float *weight = zeros(&looked->keep, looked->n_synapses, sizeof(float));
        float *eligibility = zeros(&looked->keep, looked->n_synapses, sizeof(float));
        for (int64_t step = 0; step < plain->steps; step++) {
            step_world(plain, NULL);
            step_world(looked, NULL);
            read_now(looked, weight, eligibility);
        }
        const size_t bytes = (size_t)plain->n_synapses * sizeof(float);
        CHECK(memcmp(plain->projection.weight, looked->projection.weight, bytes) == 0);
        read_now(plain, weight, eligibility);
        const nm_lazy_step step = {.network = &looked->network,
                                   .projection = &looked->projection,
                                   .dt = looked->dt,
                                   .now = looked->now};
        nm_lazy_flush(&step, 0, looked->n_buckets);
        for (int64_t s = 0; s < plain->n_synapses; s++)
            CHECK(fabs((double)looked->projection.weight[s] - (double)weight[s]) < 6e-8); /* an ulp */
        discard(plain);
        discard(looked);
    }
}

/* One place of many is read, with the positions counted from its first synapse; no other entry is written. */
static void one_bucket_is_read_alone(void) {
    const trial a = {.plan = {.rule = &nm_plasticity_rstdp, .small = 1}, .of_sources = 0.3, .of_others = 0.3};
    world *w = set_up(&a);
    run(w, NULL, w->steps);
    float *whole = zeros(&w->keep, w->n_synapses, sizeof(float)), partition[64], trace[64];
    read_now(w, whole, NULL);
    const nm_lazy_step step = {
        .network = &w->network, .projection = &w->projection, .dt = w->dt, .now = w->now};
    const nm_projection *p = &w->projection;
    for (int64_t bucket = 0; bucket < w->n_buckets; bucket++) {
        const int64_t first = p->run_start[p->bucket_run[bucket]];
        const int64_t n = p->run_start[p->bucket_run[bucket + 1]] - first;
        for (int k = 0; k < 64; k++)
            partition[k] = UNTOUCHED;
        nm_lazy_read(&step, bucket, bucket + 1, first, partition, trace);
        CHECK(memcmp(partition, whole + first, (size_t)n * sizeof(float)) == 0);
        CHECK(partition[n] == UNTOUCHED);
    }
    discard(w);
}

static void a_rule_without_traces_fills_none(void) {
    const trial a = {.plan = {.rule = &nm_plasticity_stdp, .small = 1}, .of_sources = 0.3, .of_others = 0.3};
    world *w = set_up(&a);
    run(w, NULL, w->steps);
    float *weight = zeros(&w->keep, w->n_synapses, sizeof(float)),
          *trace = zeros(&w->keep, w->n_synapses, sizeof(float));
    for (int64_t s = 0; s < w->n_synapses; s++)
        trace[s] = UNTOUCHED;
    const nm_lazy_step step = {
        .network = &w->network, .projection = &w->projection, .dt = w->dt, .now = w->now};
    nm_lazy_read(&step, 0, w->n_buckets, 0, weight, trace);
    for (int64_t s = 0; s < w->n_synapses; s++)
        CHECK(trace[s] == UNTOUCHED);
    discard(w);
}

/* ---- the contract of the hooks, by a rule of two traces on each side ------------------------------ */

static int seen_wrong;
static const nm_field probe_params[] = {
    {"tau_a", "ms", 5.0, NM_POSITIVE, ""}, {"tau_b", "ms", 9.0, NM_POSITIVE, ""}, NM_END};
static const nm_field no_state[] = {NM_END};
static const nm_trace probe_pre[] = {{"a", 0, NM_TRACE_ALL, NULL}, {"b", 1, NM_TRACE_ALL, NULL}, NM_NO_TRACE},
                      probe_post[] = {{"c", 1, NM_TRACE_ALL, NULL}, NM_NO_TRACE};

static void probe_arrival(const nm_synapse_chunk *c) {
    seen_wrong += c->n == 0 || c->n > NM_CHUNK || c->post_fired != NULL || c->pre[1] < c->pre[0];
    for (size_t j = 0; j < c->n; j++)
        c->change[j] = c->pre[0][0] + 1e-3 * c->pre[1][0] + 1e-6 * c->post[0][j];
}
static double probe_gain(const double *params, const double *post) {
    return params[0] * (1.0 + post[0]);
}
static const nm_plasticity_rule probe = {.name = "probe",
                                         .params = probe_params,
                                         .state = no_state,
                                         .pre_traces = probe_pre,
                                         .post_traces = probe_post,
                                         .on_pre = probe_arrival,
                                         .post_amplitude = probe_gain};

/* The first synapse, of delay 1 (arrivals in steps 2, 5 and 9), whose target fires in steps 6 and 9. */
static void hooks_see_traces_without_the_spike_itself(void) {
    world *w = make(&(plan){.rule = &probe, .small = 1});
    const int64_t n = w->n_neurons, target = w->post[0];
    CHECK(w->delay[0] == 1 && w->row[0] == 0);
    w->raster[1 * n + PRE_FIRST] = w->raster[4 * n + PRE_FIRST] = w->raster[8 * n + PRE_FIRST] = 1;
    w->raster[6 * n + target] = w->raster[9 * n + target] = 1;
    const double first = (double)w->projection.weight[0];
    seen_wrong = 0;
    run(w, NULL, 10);
    float weight[128];
    read_now(w, weight, NULL);
    double a = 0.0, b = 0.0, c = 0.0, want = first;
    for (int step = 1; step <= 10; step++) {
        a *= exp(-0.5 / 5.0), b *= exp(-0.5 / 9.0), c *= exp(-0.5 / 9.0);
        if (step == 2 || step == 5 || step == 9)
            want += a + 1e-3 * b + 1e-6 * c, a += 1.0, b += 1.0;
        if (step == 6 || step == 9)
            want += 5.0 * (1.0 + c) * a, c += 1.0;
    }
    CHECK(seen_wrong == 0);
    CHECK(fabs((double)weight[0] - want) < 4 * 2e-6); /* four roundings below 32 */
    discard(w);
}

/* Every 500 ms; with a trace at least every 25 tau_c; 16 steps at least and NM_SWEEP_MAX at most. */
static void the_sweep_comes_in_time(void) {
    CHECK(nm_lazy_sweep(1.0, 0.0) == 500 && nm_lazy_sweep(0.1, 0.0) == 5000 &&
          nm_lazy_sweep(1.0, 1000.0) == 500);
    CHECK(nm_lazy_sweep(1.0, 10.0) == 250 && nm_lazy_sweep(0.5, 4.0) == 200);
    CHECK(nm_lazy_sweep(1.0, 0.1) == 16 && nm_lazy_sweep(0.001, 0.0) == NM_SWEEP_MAX);
}

static const nm_test tests[] = {
    TEST(rows_longer_than_a_run_and_of_several_delays),
    TEST(random_spikes),
    TEST(a_trace_may_outlast_the_course),
    TEST(a_trace_may_be_far_shorter_than_a_sweep),
    TEST(regions_have_levels_of_their_own),
    TEST(bounds_hold_at_every_event),
    TEST(weights_decay),
    TEST(strengths_of_inhibitory_synapses),
    TEST(many_spikes_between_two_visits),
    TEST(e_is_rescaled_over_many_tau_c),
    TEST(more_steps_than_16_bits_count),
    TEST(the_sweep_changes_nothing),
    TEST(looks_leave_no_trace),
    TEST(one_bucket_is_read_alone),
    TEST(a_rule_without_traces_fills_none),
    TEST(hooks_see_traces_without_the_spike_itself),
    TEST(the_sweep_comes_in_time),
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
