/* SPDX-License-Identifier: MIT */
#include "nm_events.h"
#include "nm_change.h"
#include "nm_loop.h"
#include "nm_quantile.h"
#include "nm_rng.h"

#include <math.h>
#include <string.h>

/* One event rule in one step, and room for one chunk of synapses. */
typedef struct pass {
    const nm_events_step *step;
    const nm_projection *projection;
    const nm_events *events;
    int64_t partition_first;
    nm_shares shares; /* of pairs in one step */
    double low, high; /* bounds of the weight, or of the strength of an inhibitory one */
    size_t n;
    int64_t synapse[NM_CHUNK], target[NM_CHUNK];  /* position; slot */
    int64_t when[NM_CHUNK];                       /* step that random words are drawn for */
    uint32_t delay_run[NM_CHUNK], word[NM_CHUNK]; /* word: random, of the rounding */
    double weight[NM_CHUNK], change[NM_CHUNK], factor[NM_CHUNK], elapsed[NM_CHUNK];
    double learning[NM_CHUNK], ltp[NM_CHUNK], ltd[NM_CHUNK]; /* factors of the modulators at the target */
    double age[NM_CHUNK];                                    /* steps since the last arrival */
    double post_fired[NM_CHUNK], state[NM_MAX_STATE][NM_CHUNK];
    double pre[NM_MAX_TRACES][NM_CHUNK], post[NM_MAX_TRACES][NM_CHUNK];
    double pre_column[NM_MAX_COLUMNS][NM_CHUNK], post_column[NM_MAX_COLUMNS][NM_CHUNK];
    uint32_t random[NM_MAX_RANDOM * NM_CHUNK];
    double noise[NM_MAX_RANDOM * NM_CHUNK];
} pass;

enum { ON_PRE, ON_POST };

/* ---- what is the same for both kinds of event ---------------------------------------------------- */

static const nm_factors *factors_at(const pass *a, int64_t slot) {
    const int32_t *zone = a->step->network->zone;
    return a->step->factor + (zone == NULL ? 0 : zone[slot]);
}

/* Words of the gathered synapses, for the step `when` of each. */
static void draw_words(const pass *a, uint32_t purpose, int n_words, uint32_t *out) {
    const int64_t *shift = a->events->shift;
    const uint32_t stream = nm_stream(purpose, a->events->salt);
    int64_t position[NM_CHUNK];
    if (shift == NULL) {
        nm_rng_each(a->step->seed, stream, a->synapse, a->when, a->n, n_words, out);
        return;
    }
    for (size_t j = 0; j < a->n; j++)
        position[j] = a->synapse[j] + shift[a->delay_run[j]];
    nm_rng_each(a->step->seed, stream, position, a->when, a->n, n_words, out);
}

static void draw(pass *a, int kind) {
    if (a->projection->rule->n_random == 0)
        return;
    for (size_t j = 0; j < a->n; j++)
        a->when[j] = 2 * a->step->now + kind;
    draw_words(a, NM_STREAM_EVENT, a->projection->rule->n_random, a->random);
}

/* Draw the deviates for `advance`. They are keyed by the step of the last update, so a reading in between
 * draws the same deviates. */
static void draw_noise(pass *a) {
    const size_t n = (size_t)a->projection->rule->n_noise * a->n;
    uint32_t words[NM_MAX_RANDOM * NM_CHUNK];
    float deviate[NM_MAX_RANDOM * NM_CHUNK];
    if (n == 0)
        return;
    for (size_t j = 0; j < a->n; j++)
        a->when[j] = a->events->last[a->synapse[j]];
    draw_words(a, NM_STREAM_BETWEEN, a->projection->rule->n_noise, words);
    nm_quantile_fill(words, n, deviate);
    for (size_t i = 0; i < n; i++)
        a->noise[i] = (double)deviate[i];
}

static void gather_synapses(pass *a) {
    const nm_projection *p = a->projection;
    for (size_t j = 0; j < a->n; j++)
        a->weight[j] = (double)p->weight[a->synapse[j]];
    for (size_t j = 0; p->inhibitory && j < a->n; j++)
        a->weight[j] = fabs(a->weight[j]);
    for (int k = 0; k < NM_MAX_STATE && p->state[k] != NULL; k++)
        for (size_t j = 0; j < a->n; j++)
            a->state[k][j] = (double)p->state[k][a->synapse[j]];
    for (size_t j = 0; a->events->last != NULL && j < a->n; j++) {
        const int64_t last = a->events->last[a->synapse[j]];
        const int known = last >= 0 && last <= a->step->now;
        a->elapsed[j] = known ? (double)(a->step->now - last) * a->step->dt : HUGE_VAL;
    }
}

static void gather_targets(pass *a) {
    for (size_t j = 0; j < a->n; j++) {
        const nm_factors *f = factors_at(a, a->target[j]);
        a->learning[j] = f->learning_rate, a->ltp[j] = f->ltp, a->ltd[j] = f->ltd;
        a->post_fired[j] = a->step->fired[a->target[j]];
    }
}

static nm_synapse_chunk chunk_of(pass *a) {
    nm_synapse_chunk chunk = {.n = a->n,
                              .dt = a->step->dt,
                              .params = a->projection->params,
                              .weight = a->weight,
                              .change = a->change,
                              .weight_min = a->low,
                              .weight_max = a->high,
                              .post_fired = a->post_fired,
                              .elapsed = a->elapsed,
                              .learning = a->learning,
                              .ltp = a->ltp,
                              .ltd = a->ltd,
                              .random = a->random,
                              .noise = a->noise,
                              .word = a->word};
    for (int k = 0; k < NM_MAX_TRACES; k++)
        chunk.pre[k] = a->pre[k], chunk.post[k] = a->post[k];
    for (int k = 0; k < NM_MAX_COLUMNS; k++)
        chunk.pre_column[k] = a->pre_column[k], chunk.post_column[k] = a->post_column[k];
    for (int k = 0; k < NM_MAX_STATE; k++)
        chunk.state[k] = a->state[k];
    return chunk;
}

/* The modulators' factor on each change: what grows has that of potentiation, what falls that of
 * depression. */
static void modulate(pass *a) {
    const int applied = a->projection->rule->applies_learning;
    const double moves = a->projection->frozen ? 0.0 : 1.0;
    NM_INDEPENDENT
    for (size_t j = 0; j < a->n; j++)
        a->factor[j] =
            moves * (applied ? 1.0 : a->learning[j]) * (a->change[j] > 0.0 ? a->ltp[j] : a->ltd[j]);
}

/* The random words of the rounding, for events of one kind. */
static void draw_rounding(pass *a, int kind) {
    const nm_projection *p = a->projection;
    const uint32_t key = nm_round_key(a->step->seed, p->number, a->step->now, kind);
    const nm_ids ids = nm_network_ids(a->step->network, a->step->partition);
    for (size_t j = 0; j < a->n; j++) {
        const size_t target = (size_t)(a->target[j] - a->partition_first);
        a->word[j] = nm_projection_word(p, key + nm_run_word(p, a->delay_run[j]), ids, target);
    }
}

/* The words for `advance`. They are keyed by the step of the last update, as its deviates are. */
static void draw_rounding_between(pass *a) {
    const nm_projection *p = a->projection;
    const nm_ids ids = nm_network_ids(a->step->network, a->step->partition);
    for (size_t j = 0; j < a->n; j++) {
        const size_t target = (size_t)(a->target[j] - a->partition_first);
        const uint32_t key =
            nm_round_key(a->step->seed, p->number, a->events->last[a->synapse[j]], NM_ROUND_BETWEEN);
        a->word[j] = nm_projection_word(p, key + nm_run_word(p, a->delay_run[j]), ids, target);
    }
}

/* The weight of a rule with `advance` is a function of its state, and rounded to the nearest float32. */
static void push(pass *a, int kind) {
    const nm_projection *p = a->projection;
    const int to_nearest = p->rule->advance != NULL;
    draw_rounding(a, kind);
    for (size_t j = 0; j < a->n; j++) {
        const float rounded = to_nearest ? (float)a->weight[j] : nm_round(a->weight[j], a->word[j]);
        float *weight = &p->weight[a->synapse[j]];
        *weight = p->inhibitory ? copysignf(rounded, *weight) : rounded;
    }
    for (int k = 0; k < NM_MAX_STATE && p->state[k] != NULL; k++)
        for (size_t j = 0; j < a->n; j++) {
            a->word[j] = nm_round_other(a->word[j]);
            p->state[k][a->synapse[j]] = nm_round(a->state[k][j], a->word[j]);
        }
    for (size_t j = 0; a->events->last != NULL && j < a->n; j++)
        a->events->last[a->synapse[j]] = a->step->now;
}

/* Of a rule with `advance`: update the gathered synapses to the present step. */
static void advance(pass *a) {
    const double moves = a->projection->frozen ? 0.0 : 1.0;
    double longest = 0.0;
    if (a->projection->rule->advance == NULL)
        return;
    for (size_t j = 0; j < a->n; j++)
        longest = a->elapsed[j] > longest ? a->elapsed[j] : longest;
    if (longest == 0.0)
        return;
    draw_noise(a);
    draw_rounding_between(a);
    const nm_synapse_chunk chunk = chunk_of(a);
    a->projection->rule->advance(&chunk);
    nm_change_apply(a->n, a->change, &moves, 0, a->low, a->high, a->weight);
}

/* Call the hook for one gathered chunk; modulate and bound the changes; write weights and state back. */
static void call(pass *a, nm_synapse_hook hook, const nm_synapse_chunk *chunk, int kind) {
    const double dependence = a->projection->weight_dependence;
    advance(a);
    draw(a, kind);
    hook(chunk);
    for (size_t j = 0; dependence != 0.0 && j < a->n; j++)
        a->change[j] = nm_change_soft(a->change[j], a->weight[j], a->low, a->high, dependence);
    modulate(a);
    nm_change_apply(a->n, a->change, a->factor, 1, a->low, a->high, a->weight);
    push(a, kind == ON_PRE ? NM_ROUND_ARRIVAL : NM_ROUND_TARGET);
}

/* ---- a spike arrives ----------------------------------------------------------------------------- */

/* The source's trace now, without an arrival in this step. */
static double pre_trace(const pass *a, int k, int64_t delay_run, int64_t slot) {
    const nm_events *e = a->events;
    if (e->lowpass[k] != NULL)
        return e->lowpass[k][slot];
    const int64_t arrived = e->arrived[delay_run];
    if (arrived < 0)
        return 0.0;
    return e->trace[k][delay_run] * nm_exp(-e->rate[k] * (double)(a->step->now - arrived));
}

/* Whether a trace has its share of this step's spikes. */
static int is_shared(nm_trace trace) {
    return trace.kind == NM_TRACE_ALL;
}

static void gather_post(pass *a) {
    const nm_projection *p = a->projection;
    for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++)
        for (size_t j = 0; j < a->n; j++)
            a->post[k][j] = p->post_trace[k][a->target[j]] +
                            (is_shared(p->rule->post_traces[k]) ? a->shares.after * a->post_fired[j] : 0.0);
    for (int k = 0; k < NM_MAX_COLUMNS && a->events->post_column[k] != NULL; k++)
        for (size_t j = 0; j < a->n; j++)
            a->post_column[k][j] = a->events->post_column[k][a->target[j]];
}

/* The synapses of a delay run from `first` to `last` that a spike of step `fired` reaches. */
static void choose_run(pass *a, int64_t delay_run, int64_t first, int64_t last, int64_t fired) {
    const nm_projection *p = a->projection;
    a->n = 0;
    for (int64_t s = first; s < last; s++)
        if (nm_projection_reaches_synapse(p, s, fired)) {
            a->synapse[a->n] = s;
            a->delay_run[a->n] = (uint32_t)delay_run;
            a->target[a->n++] = a->partition_first + p->target[s];
        }
}

static void call_on_pre(pass *a, int64_t delay_run, const double *pre, int64_t slot, int64_t fired) {
    const nm_projection *p = a->projection;
    const int64_t last = p->run_start[delay_run + 1];
    for (int64_t first = p->run_start[delay_run]; first < last; first += NM_CHUNK) {
        choose_run(a, delay_run, first, last - first < NM_CHUNK ? last : first + NM_CHUNK, fired);
        if (a->n == 0)
            continue;
        gather_synapses(a);
        gather_targets(a);
        gather_post(a);
        nm_synapse_chunk chunk = chunk_of(a);
        chunk.pre_stride = 0, chunk.post_stride = 1;
        for (int k = 0; k < NM_MAX_TRACES; k++)
            chunk.pre[k] = &pre[k];
        for (int k = 0; k < NM_MAX_COLUMNS && a->events->pre_snapshot[k] != NULL; k++)
            chunk.pre_column[k] = &a->events->pre_snapshot[k][slot];
        call(a, p->rule->on_pre, &chunk, ON_PRE);
    }
}

static void arrive_at(pass *a, int64_t delay_run, int64_t slot, int64_t fired) {
    const nm_events *e = a->events;
    const nm_trace *traces = a->projection->rule->pre_traces;
    double pre[NM_MAX_TRACES] = {0.0};
    for (int k = 0; traces != NULL && traces[k].name != NULL; k++)
        pre[k] = pre_trace(a, k, delay_run, slot);
    if (a->projection->rule->on_pre != NULL)
        call_on_pre(a, delay_run, pre, slot, fired);
    for (int k = 0; traces != NULL && traces[k].name != NULL; k++)
        if (e->trace[k] != NULL)
            e->trace[k][delay_run] = traces[k].kind == NM_TRACE_NEAREST ? 1.0 : pre[k] + 1.0;
    if (e->arrived != NULL)
        e->arrived[delay_run] = a->step->now;
}

static void arrive_from(pass *a, int64_t delay, int64_t source_partition) {
    const nm_projection *p = a->projection;
    const int64_t fired = a->step->now - delay - a->events->lag;
    if (!nm_projection_reaches(p, fired))
        return;
    const int32_t *slot = nm_delay_list(a->step->ring, fired, source_partition);
    const int64_t n_spikes = *nm_delay_count(a->step->ring, fired, source_partition);
    for (int64_t i = 0; i < n_spikes; i++) {
        const int64_t row = slot[i] - p->pre_first;
        if (row < 0 || row >= p->n_rows)
            continue;
        const int64_t bucket = nm_bucket(a->step->network, p, row, a->step->partition);
        const int64_t delay_run = nm_projection_run(p, bucket, delay);
        if (delay_run >= 0 &&
            (nm_projection_reaches_all(p, fired) || nm_projection_reaches_run(p, delay_run, fired)))
            arrive_at(a, delay_run, slot[i], fired);
    }
}

static int may_arrive(const pass *a, int64_t delay) {
    const nm_projection *p = a->projection;
    return a->step->stretches == NULL ||
           nm_stretches_met(a->step->stretches, a->step->ring, a->step->now - delay - a->events->lag,
                            p->pre_first, p->n_rows);
}

static void arrivals(pass *a) {
    for (int64_t k = 0; k < a->events->n_delays; k++) {
        const int64_t delay = a->events->delays[k];
        if (!may_arrive(a, delay))
            continue;
        for (int64_t partition = 0; partition < a->step->network->n_partitions; partition++)
            arrive_from(a, delay, partition);
    }
}

/* ---- a target has an event ----------------------------------------------------------------------- */

static int64_t bucket_of(const nm_network *network, const nm_projection *p, int64_t delay_run) {
    if (p->bucket_run == NULL)
        return delay_run;
    int64_t low = 0, high = nm_all_buckets(network, p);
    while (low + 1 < high) { /* the last bucket that begins at or before the delay run */
        const int64_t middle = low + (high - low) / 2;
        if (p->bucket_run[middle] <= delay_run)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t source_of(const pass *a, int64_t delay_run) {
    const nm_network *network = a->step->network;
    const int64_t bucket = bucket_of(network, a->projection, delay_run);
    return a->projection->pre_first + nm_row_of(network, a->projection, bucket);
}

/* trace[j] <- trace[j] * exp(-rate * age[j]), as pre_trace has it. */
static void decay_to_now(size_t n, double rate, const double *age, double *trace) {
    NM_INDEPENDENT
    for (size_t j = 0; j < n; j++)
        trace[j] *= nm_exp(-rate * age[j]);
}

static void gather_pre_traces(pass *a, const uint32_t *delay_run) {
    const nm_events *e = a->events;
    for (size_t j = 0; e->arrived != NULL && j < a->n; j++)
        a->age[j] = (double)(a->step->now - e->arrived[delay_run[j]]);
    for (int k = 0; k < NM_MAX_TRACES; k++) {
        if (e->trace[k] == NULL)
            continue;
        for (size_t j = 0; j < a->n; j++) /* 0 where no spike has arrived, whatever the age */
            a->pre[k][j] = e->trace[k][delay_run[j]];
        decay_to_now(a->n, e->rate[k], a->age, a->pre[k]);
        for (size_t j = 0;
             a->shares.before < 1.0 && is_shared(a->projection->rule->pre_traces[k]) && j < a->n; j++)
            a->pre[k][j] -= a->age[j] == 0.0 ? 1.0 - a->shares.before : 0.0;
    }
}

/* Low-pass traces and columns of the sources, which do not depend on arrivals. */
static void gather_pre_columns(pass *a, const uint32_t *delay_run) {
    const nm_events *e = a->events;
    if (e->pre_snapshot[0] == NULL && e->lowpass[0] == NULL && e->lowpass[1] == NULL && e->lowpass[2] == NULL)
        return;
    for (size_t j = 0; j < a->n; j++) {
        const int64_t slot = source_of(a, delay_run[j]);
        for (int k = 0; k < NM_MAX_TRACES; k++)
            if (e->lowpass[k] != NULL)
                a->pre[k][j] = e->lowpass[k][slot];
        for (int k = 0; k < NM_MAX_COLUMNS && e->pre_snapshot[k] != NULL; k++)
            a->pre_column[k][j] = e->pre_snapshot[k][slot];
    }
}

static void call_on_post(pass *a, int64_t slot) {
    const nm_projection *p = a->projection;
    const int64_t last = a->events->incoming_start[slot + 1];
    for (int64_t first = a->events->incoming_start[slot]; first < last; first += NM_CHUNK) {
        a->n = last - first < NM_CHUNK ? (size_t)(last - first) : NM_CHUNK;
        for (size_t j = 0; j < a->n; j++) {
            a->synapse[j] = a->events->incoming[first + (int64_t)j];
            a->target[j] = slot;
            a->delay_run[j] = a->events->incoming_run[first + (int64_t)j];
        }
        gather_synapses(a);
        gather_targets(a);
        gather_pre_traces(a, a->delay_run);
        gather_pre_columns(a, a->delay_run);
        nm_synapse_chunk chunk = chunk_of(a);
        chunk.pre_stride = 1, chunk.post_stride = 0;
        for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++)
            chunk.post[k] = &p->post_trace[k][slot];
        for (int k = 0; k < NM_MAX_COLUMNS && a->events->post_column[k] != NULL; k++)
            chunk.post_column[k] = &a->events->post_column[k][slot];
        call(a, p->rule->on_post, &chunk, ON_POST);
    }
}

static void fired_targets(pass *a) {
    const int32_t *slot = nm_delay_list(a->step->ring, a->step->now, a->step->partition);
    const int64_t n_spikes = *nm_delay_count(a->step->ring, a->step->now, a->step->partition);
    for (int64_t i = 0; i < n_spikes; i++)
        call_on_post(a, slot[i]);
}

static void chosen_targets(pass *a) {
    const nm_projection *p = a->projection;
    const int64_t end = nm_network_partition_end(a->step->network, a->step->partition);
    int64_t event[NM_CHUNK];
    for (int64_t first = a->partition_first; first < end; first += NM_CHUNK) {
        nm_target_chunk chunk = {.n = end - first < NM_CHUNK ? (size_t)(end - first) : NM_CHUNK,
                                 .dt = a->step->dt,
                                 .params = p->params,
                                 .fired = a->step->fired + first,
                                 .event = event};
        for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++)
            chunk.post[k] = p->post_trace[k] + first;
        for (int k = 0; k < NM_MAX_COLUMNS && a->events->post_column[k] != NULL; k++)
            chunk.post_column[k] = a->events->post_column[k] + first;
        p->rule->event(&chunk);
        for (size_t i = 0; i < chunk.n; i++)
            if (event[i])
                call_on_post(a, first + (int64_t)i);
    }
}

/* ---- the step ------------------------------------------------------------------------------------ */

static void begin(pass *a, const nm_events_step *step) {
    const nm_projection *p = step->projection;
    a->step = step, a->projection = p, a->events = p->events;
    a->shares = nm_rule_shares(p->rule, p->params);
    a->partition_first = nm_network_partition_first(step->network, step->partition);
    nm_change_bounds(p->weight_min, p->weight_max, p->inhibitory, &a->low, &a->high);
}

void nm_events_run(const nm_events_step *step) {
    const nm_projection *p = step->projection;
    pass a;
    begin(&a, step);
    if (p->rule->on_pre != NULL || p->events->arrived != NULL)
        arrivals(&a);
    if (p->rule->event != NULL)
        chosen_targets(&a);
    else if (p->rule->on_post != NULL)
        fired_targets(&a);
}

void nm_events_sample_sources(const nm_projection *p, int64_t n_neurons) {
    const nm_events *e = p->events;
    for (int k = 0; k < NM_MAX_COLUMNS && e->pre_snapshot[k] != NULL; k++)
        memcpy(e->pre_snapshot[k], e->pre_source[k], (size_t)n_neurons * sizeof(double));
    for (int k = 0; k < NM_MAX_TRACES; k++) {
        const double left = e->lowpass[k] != NULL ? nm_exp(-e->rate[k]) : 0.0;
        for (int64_t slot = 0; e->lowpass[k] != NULL && slot < n_neurons; slot++)
            e->lowpass[k][slot] += (1.0 - left) * (e->lowpass_source[k][slot] - e->lowpass[k][slot]);
    }
}

/* ---- between events ------------------------------------------------------------------------------ */

/* The synapses first .. last - 1 of one delay run, or as many as a chunk holds, advanced; how many they are. */
static int64_t advance_chunk(pass *a, int64_t delay_run, int64_t first, int64_t last) {
    a->n = last - first < NM_CHUNK ? (size_t)(last - first) : NM_CHUNK;
    for (size_t j = 0; j < a->n; j++) {
        a->synapse[j] = first + (int64_t)j;
        a->target[j] = a->partition_first + a->projection->target[first + (int64_t)j];
        a->delay_run[j] = (uint32_t)delay_run;
    }
    gather_synapses(a);
    advance(a);
    return (int64_t)a->n;
}

void nm_events_advance(const nm_events_step *step, int64_t delay_run) {
    const int64_t *run_start = step->projection->run_start;
    pass a;
    begin(&a, step);
    for (int64_t first = run_start[delay_run]; first < run_start[delay_run + 1];) {
        first += advance_chunk(&a, delay_run, first, run_start[delay_run + 1]);
        push(&a, NM_ROUND_UPDATE);
    }
}

/* The first delay run that ends after a synapse. */
static int64_t run_of(const nm_projection *p, int64_t synapse) {
    int64_t low = 0, high = p->n_runs;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (p->run_start[middle + 1] > synapse)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void nm_events_read(const nm_events_step *step, int64_t first, int64_t last, float *weight,
                    float *const *state) {
    const nm_projection *p = step->projection;
    nm_events_step here = *step;
    pass a;
    for (int64_t at = first, n, delay_run = run_of(p, first); at < last; at += n) {
        while (p->run_start[delay_run + 1] <= at)
            delay_run++;
        const int64_t end = p->run_start[delay_run + 1];
        here.partition = nm_partition_of(step->network, p, bucket_of(step->network, p, delay_run));
        begin(&a, &here);
        n = advance_chunk(&a, delay_run, at, end < last ? end : last);
        for (int64_t j = 0; j < n; j++)
            weight[at - first + j] =
                p->inhibitory ? copysignf((float)a.weight[j], p->weight[at + j]) : (float)a.weight[j];
        for (int k = 0; k < NM_MAX_STATE && p->state[k] != NULL; k++)
            for (int64_t j = 0; j < n; j++)
                state[k][at - first + j] = (float)a.state[k][j];
    }
}

/* ---- index by target ----------------------------------------------------------------------------- */

/* Count the synapses of one delay run by target (`incoming` NULL), or enter them into the index. */
static void index_run(const nm_projection *p, int64_t delay_run, int64_t partition_first, int64_t *next,
                      uint32_t *incoming, uint32_t *incoming_run) {
    for (int64_t s = p->run_start[delay_run]; s < p->run_start[delay_run + 1]; s++) {
        const int64_t at = next[partition_first + p->target[s]]++;
        if (incoming != NULL)
            incoming[at] = (uint32_t)s, incoming_run[at] = (uint32_t)delay_run;
    }
}

static void index_all(const nm_network *network, const nm_projection *p, int64_t *next, uint32_t *incoming,
                      uint32_t *incoming_run) {
    for (int64_t bucket = 0; bucket < nm_all_buckets(network, p); bucket++) {
        const int64_t first = p->bucket_run == NULL ? bucket : p->bucket_run[bucket];
        const int64_t end = p->bucket_run == NULL ? bucket + 1 : p->bucket_run[bucket + 1];
        for (int64_t delay_run = first; delay_run < end; delay_run++)
            index_run(p, delay_run, nm_network_partition_first(network, nm_partition_of(network, p, bucket)),
                      next, incoming, incoming_run);
    }
}

void nm_events_index(const nm_network *network, const nm_projection *p, int64_t *incoming_start,
                     uint32_t *incoming, uint32_t *incoming_run, int64_t *next) {
    const size_t bytes = (size_t)network->n_neurons * sizeof *next;
    memset(next, 0, bytes);
    index_all(network, p, next, NULL, NULL);
    incoming_start[0] = 0;
    for (int64_t slot = 0; slot < network->n_neurons; slot++)
        incoming_start[slot + 1] = incoming_start[slot] + next[slot];
    memcpy(next, incoming_start, bytes);
    index_all(network, p, next, incoming, incoming_run);
}
