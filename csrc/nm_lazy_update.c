/* Lazy rules: the update of a delay run from t0 to the present. See nm_lazy.h for the symbols. Three loops
 * over at most 384 synapses: look up the sums of the targets; combine; replay the events where a bound might
 * have been reached (nm_lazy_replay.c).
 * SPDX-License-Identifier: MIT */
#include "nm_change.h"
#include "nm_compact.h"
#include "nm_lazy_batch.h"
#include "nm_lazy_join.h"

#include <math.h>
#include <string.h>

enum { BATCH = NM_LAZY_BATCH, LINE = 64, HITS_A_LINE = 4 };
enum { HITS_AHEAD = NM_LAZY_HITS_AHEAD };
enum {
    NEARBY = 2048
}; /* the lines of up to this number of neurons (128 KB) stay in the second-level cache */

typedef nm_lazy_batch batch;

/* Eligibility traces below this value are set to 0: below 1.2e-38 a float is denormal, and operations are
 * slow. */
static const double LEAST_TRACE = 1e-30;

/* ---- the sums of the targets' spikes -------------------------------------------------------------- */

/* Of eight times, newest first, the bytes of those that are not older than `since`. */
#if defined(__GNUC__) && defined(__SSE2__)
typedef int16_t lanes __attribute__((vector_size(16)));
typedef char bytes __attribute__((vector_size(16)));
NM_INLINE size_t bytes_since(const int16_t *time, int16_t since) {
    const lanes *times = (const void *)time;
    const uint32_t older = (uint32_t)__builtin_ia32_pmovmskb128((bytes)(since > *times));
    return (size_t)__builtin_ctz(older | 1u << sizeof *times);
}
#else
NM_INLINE size_t bytes_since(const int16_t *time, int16_t since) {
    size_t n = 0;
    for (int k = 0; k < NM_RECENT / 2; k++)
        n += time[k] >= since;
    return n * sizeof *time;
}
#endif

/* Prefetch one cache line of each column of the next delay run. Prefetching all lines together would delay
 * the loads of this run: 16 lines can be in flight. */
NM_INLINE void fetch_ahead(const batch *a, size_t from) {
    if (from >= a->n_ahead)
        return;
    NM_FETCH(a->ahead[0] + from);
    NM_FETCH(a->ahead[1] + from);
    NM_FETCH(a->ahead[2] + from / 2); /* 2 bytes where a weight has 4 */
}

/* The sums of the oldest spike that counts, for a target with more such spikes than sums in its first
 * line. The synapse is listed in `crowded` if the target may have more such spikes than sums. */
static __attribute__((noinline)) const double *sums_beyond(batch *a, const nm_lazy *lazy, size_t j,
                                                           int64_t slot, int16_t since) {
    size_t n = bytes_since(lazy->recent[slot].time, since) / sizeof(int16_t);
    if (n == NM_RECENT / 2)
        n += bytes_since(lazy->former[slot].time, since) / sizeof(int16_t);
    if (n == NM_RECENT || (a->coincides && *nm_lazy_time(lazy, slot, (int64_t)n - 1) == since))
        a->crowded[a->n_crowded++] = (int32_t)j;
    return nm_lazy_sums(lazy, slot, (int64_t)n - 1);
}

/* x0 d(T - t0), the common factor of all sums. */
static double seen_from_origin(const batch *a) {
    const nm_lazy *lazy = a->step->projection->lazy;
    const double *decay = lazy->decay[0];
    return *lazy->origin >= a->from ? a->trace[0] * nm_lazy_decayed(decay, *lazy->origin - a->from)
                                    : a->trace[0] / nm_lazy_decayed(decay, a->from - *lazy->origin);
}

/* If d(T - t0) is so small that its inverse overflows (1 s at tau = 1.5 ms), the sums cannot be used, and
 * the spikes are replayed. If x0 itself is that small, the spikes change nothing. */
static const double LEAST_DECAY = 1e-290;

/* s and h of the synapses whose targets have fired since t0; 0 elsewhere. The sums of spike n are 16 n
 * bytes behind the beginning of the line, and n times take 2 n bytes: hence the index. The loop is bound
 * by its instructions. */
NM_INLINE void look_up_by(batch *a, const nm_lazy *lazy, const uint16_t *target, const int direct,
                          const int fetches) {
    const nm_recent *recent = lazy->recent + a->partition_first;
    const int16_t since = (int16_t)(a->count_from - *lazy->epoch);
    const size_t n_found = nm_compact_find(lazy->newest + a->partition_first, target, a->n, since, a->hit);
    a->n_found = n_found;
    const double seen = a->seen;
    if (!direct)
        memset(a->s, 0, a->n * sizeof a->s[0]);
    memset(a->h, 0, a->n * sizeof a->h[0]);
    a->n_crowded = 0;
    if (seen < LEAST_DECAY && a->trace[0] >= LEAST_DECAY) {
        memcpy(a->crowded, a->hit, n_found * sizeof a->hit[0]);
        a->n_crowded = n_found;
    }
    const int coincides = a->coincides;
    const size_t n_summed = seen < LEAST_DECAY ? 0 : n_found;
    memset(a->hit + n_found, 0, HITS_AHEAD * sizeof a->hit[0]);
    for (size_t i = 0; i < n_summed; i++) {
        const size_t j = (size_t)a->hit[i];
        const nm_recent *line = &recent[target[j]];
        const size_t n_bytes = bytes_since(line->time, since);
        const double *sums = (const double *)line + n_bytes;
        if (fetches)
            NM_FETCH(&recent[target[a->hit[i + HITS_AHEAD]]]);
        if (fetches && i % HITS_A_LINE == 0)
            fetch_ahead(a, i / HITS_A_LINE * LINE);
        if (n_bytes > NM_CLOSE * sizeof line->time[0])
            sums = sums_beyond(a, lazy, j, a->partition_first + target[j], since);
        else if (coincides && line->time[n_bytes / sizeof line->time[0] - 1] == since)
            a->crowded[a->n_crowded++] = (int32_t)j;
        if (!direct)
            a->s[j] = seen * sums[0];
        a->h[j] = seen * sums[1];
    }
    const size_t done = fetches ? (n_summed + HITS_A_LINE - 1) / HITS_A_LINE * LINE : 0;
    for (size_t from = done; from < a->n_ahead; from += LINE)
        fetch_ahead(a, from);
}

/* `direct`: the rule has no eligibility trace, and s is not needed. */
static void look_up(batch *a, const nm_lazy *lazy, const uint16_t *target, int direct) {
    const int fetches = a->step->network->n_neurons > NEARBY;
    if (direct)
        fetches ? look_up_by(a, lazy, target, 1, 1) : look_up_by(a, lazy, target, 1, 0);
    else
        fetches ? look_up_by(a, lazy, target, 0, 1) : look_up_by(a, lazy, target, 0, 0);
}

/* ---- the closed form ----------------------------------------------------------------------------- */

/* Without weight decay k is 1, which saves five operations. */
NM_INLINE int combine_by(batch *a, const int decays, const size_t stride, const int inhibitory) {
    const double low = a->low, high = a->high;
    int64_t any = 0;
    NM_INDEPENDENT
    for (size_t j = 0; j < a->n; j++) {
        const size_t m = j * stride;
        const double w = nm_lazy_strength(a, j, inhibitory), c = (double)a->trace_was[j] * a->span[E0][m],
                     s = a->s[j], gained = c * a->span[DF][m] + (s * a->span[F1][m] - a->h[j]);
        const double reach = (fabs(c) + fabs(s)) * a->span[DV][m], kept = decays ? w * a->span[KEPT][m] : w;
        const double least = w < kept ? w : kept, most = w < kept ? kept : w;
        double moved = decays ? (w * a->span[K0][m] + gained) * a->span[BY_K1][m] : w + gained;
        moved = moved < low ? low : moved;
        a->weight[j] = moved > high ? high : moved;
        a->c[j] = (c + s) * a->span[BY_E1][m];
        a->check[j] = (int64_t)(least - reach < low) | (int64_t)(most + reach > high);
        any |= a->check[j];
    }
    return any != 0;
}

/* Without eligibility. The weight moves in one direction (all gains of a rule have one sign), so that a clip at the
 * end is enough, unless weight decay brings it back from a bound, or it starts outside its bounds. */
NM_INLINE int combine_direct_by(batch *a, const int decays, const size_t stride, const int inhibitory) {
    const double low = a->low, high = a->high;
    int64_t any = 0;
    NM_INDEPENDENT
    for (size_t j = 0; j < a->n; j++) {
        const size_t m = j * stride;
        const double w = nm_lazy_strength(a, j, inhibitory), h = -a->h[j];
        double moved = decays ? (w * a->span[K0][m] + h) * a->span[BY_K1][m] : w + h;
        moved = moved < low ? low : moved;
        moved = moved > high ? high : moved;
        a->weight[j] = ((h == 0.0) & !decays) ? w : moved;
        if (decays) {
            const double reach = fabs(h) * a->span[DV][m], kept = w * a->span[KEPT][m];
            a->check[j] = (int64_t)(w + reach > high) | (int64_t)(kept - reach < low);
            any |= a->check[j];
        } else {
            any |= (int64_t)(w < low) | (int64_t)(w > high);
        }
    }
    return any != 0;
}

/* One loop for each kind, with compile-time constants. */
#define COMBINE_EACH(body, decays)                                                                           \
    (a->stride == 0 ? (inhibitory ? body(a, decays, 0, 1) : body(a, decays, 0, 0))                           \
                    : (inhibitory ? body(a, decays, 1, 1) : body(a, decays, 1, 0)))

/* Returns 1 and fills `check` if a bound might have been reached for some synapse; else 0. */
static int combine(batch *a) {
    const int inhibitory = a->step->projection->inhibitory != 0;
    return nm_lazy_decays(a) ? COMBINE_EACH(combine_by, 1) : COMBINE_EACH(combine_by, 0);
}

static int combine_direct(batch *a) {
    const int inhibitory = a->step->projection->inhibitory != 0;
    return nm_lazy_decays(a) ? COMBINE_EACH(combine_direct_by, 1) : COMBINE_EACH(combine_direct_by, 0);
}

/* ---- update of a batch ----------------------------------------------------------------------------- */

static void set_spans(batch *a, const uint16_t *target) {
    const nm_lazy *lazy = a->step->projection->lazy;
    const int direct = a->step->projection->rule->eligibility == NULL;
    a->stride = lazy->n_zones > 1 ? 1 : 0;
    for (size_t j = 0; j < (a->stride ? a->n : 1); j++) {
        const int64_t zone = a->stride ? a->step->network->zone[a->partition_first + target[j]] : 0;
        const double *then = nm_lazy_snapshot(lazy, zone, a->from);
        const double *now = nm_lazy_snapshot(lazy, zone, a->step->now);
        a->span[K0][j] = then[NM_K];
        a->span[E0][j] = then[NM_E];
        a->span[BY_K1][j] = 1.0 / now[NM_K];
        a->span[BY_E1][j] = 1.0 / now[NM_E];
        a->span[F1][j] = now[NM_F];
        a->span[DF][j] = now[NM_F] - then[NM_F];
        a->span[DV][j] = (direct ? 1.0 : now[NM_V] - then[NM_V]) / then[NM_K];
        a->span[KEPT][j] = then[NM_K] / now[NM_K];
    }
}

/* The synapses that may have reached a bound, and whose targets have not fired. The closed form holds for them where
 * they have moved in one direction: no sign change of the signal, and no decay that opposes it. */
static void replay_silent(batch *a, const uint16_t *target) {
    const nm_projection *p = a->step->projection;
    const int decays = nm_lazy_decays(a);
    if (!decays && a->stride == 0 && !nm_lazy_turned(p->lazy, 0, a->from, a->step->now))
        return;
    for (size_t j = 0; j < a->n; j++) {
        const int64_t slot = a->partition_first + target[j];
        if (a->check[j] && (decays || nm_lazy_turned(p->lazy, nm_lazy_zone(a->step->network, p->lazy, slot),
                                                     a->from, a->step->now)))
            nm_lazy_replay(a, j, slot);
    }
}

/* `check` of a synapse that may have reached a bound; without eligibility and decay: whether it starts outside. */
static int is_checked(const batch *a, size_t j) {
    const nm_projection *p = a->step->projection;
    if (p->rule->eligibility != NULL || nm_lazy_decays(a))
        return a->check[j] != 0;
    const double was = nm_lazy_strength(a, j, p->inhibitory != 0);
    return was < a->low || was > a->high;
}

static void bring(batch *a) {
    const nm_projection *p = a->step->projection;
    const uint16_t *target = p->target + a->first;
    const int eligible = p->rule->eligibility != NULL, always = p->weight_dependence != 0.0;
    a->was = p->weight + a->first;
    a->trace_was = eligible ? p->state[0] + a->first : NULL;
    set_spans(a, target);
    look_up(a, p->lazy, target, !eligible);
    const int any = eligible ? combine(a) : combine_direct(a);
    if (any && eligible)
        replay_silent(a, target);
    for (size_t i = 0; (any || always) && i < a->n_found; i++) { /* the other synapses had no event */
        const size_t j = (size_t)a->hit[i];
        if (always || is_checked(a, j))
            nm_lazy_replay(a, j, a->partition_first + target[j]);
    }
    for (size_t i = 0; !always && i < a->n_crowded; i++)
        nm_lazy_replay(a, (size_t)a->crowded[i], a->partition_first + target[a->crowded[i]]);
}

/* The next batch of a delay run, from synapse `first` on. */
static size_t next_run(batch *a, int64_t first, int64_t last) {
    a->first = first;
    a->n = last - first < BATCH ? (size_t)(last - first) : BATCH;
    return a->n;
}

/* What the rule says of an arrival in step `from` that comes after a spike of the target. */
static double late_change(const batch *a) {
    const nm_projection *p = a->step->projection;
    double pre[NM_MAX_TRACES] = {0.0};
    for (int64_t k = 0; k < p->lazy->n_traces; k++)
        pre[k] = a->trace[k] - 1.0; /* without this arrival */
    return p->rule->coincident_pre == NULL ? 0.0 : p->rule->coincident_pre(p->params, pre);
}

static void begin(batch *a, const nm_lazy_step *step, int64_t partition, int64_t delay_run) {
    const nm_projection *p = step->projection;
    const nm_visit *visit = nm_lazy_visit(p->lazy, delay_run);
    const int arrived = (visit[0].since & NM_ARRIVED) != 0;
    const int64_t since = visit[0].since & ~NM_ARRIVED;
    a->step = step;
    a->ids = nm_network_ids(step->network, partition);
    a->n_ahead = 0;
    a->partition_first = nm_network_partition_first(step->network, partition);
    a->from = since / 2;
    a->count_from = (since + 1) / 2;
    nm_change_bounds(p->weight_min, p->weight_max, p->inhibitory, &a->low, &a->high);
    for (int64_t k = 0; k < p->lazy->n_traces; k++)
        a->trace[k] = visit[1 + k].trace;
    a->seen = seen_from_origin(a);
    a->shares = nm_rule_shares(p->rule, p->params);
    a->coincides = arrived && a->shares.before < 1.0;
    if (a->coincides)
        a->late = late_change(a);
}

/* What the key of the random words of a delay run is made of: the kind of event, and the run. */
typedef struct occasion {
    int kind;
    uint32_t run_word;
} occasion;

static occasion event_of(const nm_lazy_step *step, int64_t row, int64_t delay_run, int kind) {
    return (occasion){kind, nm_row_run_word(step->network, step->projection, row, delay_run)};
}

/* The words of the synapses first .. last - 1 of a batch, which the projection of that number has made. */
NM_INLINE void draw_words_of(uint32_t *word, const batch *a, occasion event, uint32_t number, size_t first,
                             size_t last) {
    const uint16_t *target = a->step->projection->target + a->first;
    const uint32_t key = nm_round_key(a->step->seed, number, a->step->now, event.kind) + event.run_word;
    if (a->ids.id == NULL)
        for (size_t j = first; j < last; j++)
            word[j] = nm_round_word(key, a->ids.first + (uint32_t)target[j]);
    else
        for (size_t j = first; j < last; j++)
            word[j] = nm_round_word(key, (uint32_t)a->ids.id[target[j]]);
}

/* Of joined rows: each member has its own number. */
static void draw_words_joined(uint32_t *word, const batch *a, occasion event) {
    const nm_members *members = a->step->projection->members;
    const uint16_t *target = a->step->projection->target + a->first;
    int64_t member = nm_lazy_join_member(members, a->partition_first + target[0]);
    for (size_t first = 0, last; first < a->n; first = last) {
        while (members->end[member] <= a->partition_first + target[first])
            member++;
        const int64_t end = members->end[member] - a->partition_first;
        for (last = first + 1; last < a->n && target[last] < end;)
            last++;
        draw_words_of(word, a, event, members->number[member], first, last);
    }
}

/* The words that round a batch. */
static void draw_words(uint32_t *word, const batch *a, occasion event) {
    const nm_projection *p = a->step->projection;
    if (p->nearest)
        for (size_t j = 0; j < a->n; j++)
            word[j] = NM_ROUND_NEAREST;
    else if (p->members == NULL)
        draw_words_of(word, a, event, p->number, 0, a->n);
    else
        draw_words_joined(word, a, event);
}

static void round_weights(float *to, const double *from, const uint32_t *word, size_t n) {
    for (size_t j = 0; j < n; j++)
        to[j] = nm_round(from[j], word[j]);
}

static void round_strengths(float *to, const double *from, const uint32_t *word, size_t n) {
    for (size_t j = 0; j < n; j++)
        to[j] = copysignf(nm_round(from[j], word[j]), to[j]);
}

static void round_traces(float *to, const double *from, const uint32_t *word, size_t n) {
    for (size_t j = 0; j < n; j++)
        to[j] = nm_round(fabs(from[j]) < LEAST_TRACE ? 0.0 : from[j], nm_round_other(word[j]));
}

static void put_back(const batch *a, int eligible, occasion event) {
    const nm_projection *p = a->step->projection;
    uint32_t word[BATCH];
    draw_words(word, a, event);
    if (p->inhibitory)
        round_strengths(p->weight + a->first, a->weight, word, a->n);
    else
        round_weights(p->weight + a->first, a->weight, word, a->n);
    if (eligible)
        round_traces(p->state[0] + a->first, a->c, word, a->n);
}

/* ---- an arrival ---------------------------------------------------------------------------------- */

static void deliver_run(const batch *a) {
    const uint16_t *target = a->step->projection->target + a->first;
    double *input = a->step->input + a->partition_first;
    if (a->step->efficacy != 1.0) {
        const double share = a->step->projection->inhibitory ? -a->step->efficacy : a->step->efficacy;
        NM_UNROLL
        for (size_t j = 0; j < a->n; j++)
            input[target[j]] += share * a->weight[j];
    } else if (a->step->projection->inhibitory) {
        NM_UNROLL
        for (size_t j = 0; j < a->n; j++)
            input[target[j]] -= a->weight[j];
    } else {
        NM_UNROLL
        for (size_t j = 0; j < a->n; j++)
            input[target[j]] += a->weight[j];
    }
}

static void pick(double *to, const double *from, const uint16_t *at, size_t n) {
    for (size_t j = 0; j < n; j++)
        to[j] = from[at[j]];
}

static void add_changes(double *to, const double *change, double factor, size_t n) {
    for (size_t j = 0; j < n; j++)
        to[j] += change[j] * factor;
}

static void add_bounded(batch *a, const double *change, double factor) {
    const double low = a->low, high = a->high;
    NM_INDEPENDENT
    for (size_t j = 0; j < a->n; j++) {
        double moved = a->weight[j] + change[j] * factor;
        moved = moved < low ? low : moved;
        moved = moved > high ? high : moved;
        a->weight[j] = change[j] * factor == 0.0 ? a->weight[j] : moved;
    }
}

/* Apply the rule's change at an arrival to the eligibility traces, or to the weights. */
static void change_run(batch *a, const double *pre) {
    const nm_projection *p = a->step->projection;
    const uint16_t *target = p->target + a->first;
    double post[NM_MAX_TRACES][BATCH], change[BATCH];
    nm_synapse_chunk chunk = {.n = a->n,
                              .post_stride = 1,
                              .dt = a->step->dt,
                              .params = p->params,
                              .weight = a->weight,
                              .change = change};
    for (int k = 0; k < NM_MAX_TRACES; k++)
        chunk.pre[k] = &pre[k];
    for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++) {
        pick(post[k], p->post_trace[k] + a->partition_first, target, a->n);
        chunk.post[k] = post[k];
    }
    p->rule->on_pre(&chunk);
    const int direct = p->rule->eligibility == NULL;
    const double *ltd = p->lazy->ltd + nm_lazy_bucket(p->lazy, 0, a->step->now);
    if (a->stride == 0 && p->weight_dependence == 0.0) {
        if (direct)
            add_bounded(a, change, ltd[0]);
        else
            add_changes(a->c, change, ltd[0], a->n);
        return;
    }
    for (size_t j = 0; j < a->n; j++) {
        const int64_t zone = a->stride ? a->step->network->zone[a->partition_first + target[j]] : 0;
        const double left = nm_lazy_scaled(a, change[j] * ltd[zone], a->weight[j]);
        if (direct)
            a->weight[j] = nm_lazy_bounded(a, a->weight[j] + left, a->weight[j]);
        else
            a->c[j] += left;
    }
}

static void arrive(batch *a, const double *pre) {
    deliver_run(a);
    if (a->step->projection->rule->on_pre != NULL)
        change_run(a, pre);
}

/* The spike was fired before some of the synapses were made: for these nothing arrives. */
static void arrive_at_older(batch *a, const double *pre) {
    const int64_t *born = a->step->born + a->first;
    double weight[BATCH], c[BATCH];
    memcpy(weight, a->weight, a->n * sizeof weight[0]);
    memcpy(c, a->c, a->n * sizeof c[0]);
    for (size_t j = 0; j < a->n; j++)
        if (born[j] >= a->step->fired)
            a->weight[j] = 0.0;
    deliver_run(a);
    memcpy(a->weight, weight, a->n * sizeof weight[0]);
    if (a->step->projection->rule->on_pre == NULL)
        return;
    change_run(a, pre);
    for (size_t j = 0; j < a->n; j++)
        if (born[j] >= a->step->fired) {
            a->weight[j] = weight[j];
            a->c[j] = c[j];
        }
}

/* The cache line that holds the first entry of a column. */
static const char *line_of(const void *first) {
    return (const char *)first - (uintptr_t)first % LINE;
}

/* Prefetch what the update of the next delay run reads first; the loops of this update prefetch the long
 * columns. */
static void look_ahead(batch *a, nm_lazy_run next) {
    const nm_projection *p = next.projection;
    const int64_t first = p->run_start[next.delay_run];
    NM_FETCH(nm_lazy_snapshot(p->lazy, 0, nm_lazy_last(p->lazy, next.delay_run)));
    a->ahead[0] = line_of(p->weight + first);
    a->ahead[1] = p->rule->eligibility != NULL ? line_of(p->state[0] + first) : a->ahead[0];
    a->ahead[2] = line_of(p->target + first);
    a->n_ahead = (size_t)((const char *)(p->weight + p->run_start[next.delay_run + 1]) - a->ahead[0]);
}

/* Update a delay run of a row. `arrives`: 1 if a spike of the source arrives. */
static void update_run(const nm_lazy_step *step, int64_t partition, int64_t row, int64_t delay_run,
                       int arrives, int counted, nm_lazy_run next) {
    const nm_projection *p = step->projection;
    nm_lazy *lazy = p->lazy;
    const int eligible = p->rule->eligibility != NULL;
    const int kind = arrives ? NM_ROUND_ARRIVAL : counted ? NM_ROUND_FLUSH : NM_ROUND_UPDATE;
    const occasion event = event_of(step, row, delay_run, kind);
    double pre[NM_MAX_TRACES] = {0.0};
    batch a;
    begin(&a, step, partition, delay_run);
    if (next.projection != NULL)
        look_ahead(&a, next);
    for (int64_t k = 0; k < lazy->n_traces; k++)
        pre[k] = a.trace[k] * nm_lazy_decayed(lazy->decay[k], step->now - a.from);
    const int64_t last = p->run_start[delay_run + 1];
    for (int64_t first = p->run_start[delay_run]; first < last; first += BATCH) {
        next_run(&a, first, last);
        bring(&a);
        if (arrives && step->born == NULL)
            arrive(&a, pre);
        else if (arrives)
            arrive_at_older(&a, pre);
        put_back(&a, eligible, event);
        a.n_ahead = 0;
    }
    nm_visit *visit = nm_lazy_visit(lazy, delay_run);
    for (int64_t k = 0; k < lazy->n_traces; k++)
        visit[1 + k].trace = pre[k] + (arrives ? 1.0 : 0.0);
    const int64_t waits = !counted && a.from == step->now ? visit[0].since & NM_ARRIVED : 0;
    visit[0].since = (2 * step->now + counted) | (arrives ? NM_ARRIVED : waits);
}

static const nm_lazy_run NO_RUN = {NULL, -1};

void nm_lazy_arrive(const nm_lazy_step *step, int64_t partition, int64_t row, int64_t delay_run,
                    nm_lazy_run next) {
    update_run(step, partition, row, delay_run, 1, 0, next);
}

/* ---- all delay runs of buckets -------------------------------------------------------------------- */

void nm_lazy_sweep_partition(const nm_lazy_step *step, int64_t partition) {
    const nm_projection *p = step->projection;
    const int64_t sweep = p->lazy->sweep;
    int64_t row, end;
    if (!nm_has_bucket(step->network, p, partition))
        return;
    for (nm_lazy_swept_rows(sweep, p->n_rows, step->now, &row, &end); row < end; row++) {
        const int64_t bucket = nm_bucket(step->network, p, row, partition);
        for (int64_t s = nm_first_run(p, bucket); s < nm_first_run(p, bucket + 1); s++)
            if (nm_lazy_last(p->lazy, s) < step->now - sweep)
                update_run(step, partition, row, s, 0, 0, NO_RUN);
    }
}

void nm_lazy_update_partition(const nm_lazy_step *step, int64_t partition) {
    const nm_projection *p = step->projection;
    for (int64_t row = 0; row < p->n_rows && nm_has_bucket(step->network, p, partition); row++) {
        const int64_t bucket = nm_bucket(step->network, p, row, partition);
        for (int64_t s = nm_first_run(p, bucket); s < nm_first_run(p, bucket + 1); s++)
            update_run(step, partition, row, s, 0, 0, NO_RUN);
    }
    p->lazy->floor[partition] = step->now;
}

void nm_lazy_flush(const nm_lazy_step *step, int64_t first, int64_t last) {
    const nm_projection *p = step->projection;
    for (int64_t bucket = first; bucket < last; bucket++)
        for (int64_t s = nm_first_run(p, bucket); s < nm_first_run(p, bucket + 1); s++)
            update_run(step, nm_partition_of(step->network, p, bucket), nm_row_of(step->network, p, bucket),
                       s, 0, 1, NO_RUN);
}

void nm_lazy_read_run(const nm_lazy_step *step, int64_t bucket, int64_t delay_run, int64_t first,
                      int64_t last, float *weight, float *eligibility) {
    const nm_projection *p = step->projection;
    const occasion event = event_of(step, nm_row_of(step->network, p, bucket), delay_run, NM_ROUND_FLUSH);
    uint32_t word[BATCH];
    batch a;
    begin(&a, step, nm_partition_of(step->network, p, bucket), delay_run);
    for (int64_t at = first; at < last; at += BATCH) {
        next_run(&a, at, last);
        bring(&a);
        draw_words(word, &a, event);
        for (size_t j = 0; j < a.n; j++) {
            const float rounded = nm_round(a.weight[j], word[j]);
            weight[at - first + (int64_t)j] =
                p->inhibitory ? copysignf(rounded, p->weight[at + (int64_t)j]) : rounded;
        }
        if (eligibility != NULL && p->rule->eligibility != NULL)
            round_traces(eligibility + at - first, a.c, word, a.n);
    }
}

void nm_lazy_read(const nm_lazy_step *step, int64_t first, int64_t last, int64_t base, float *weight,
                  float *eligibility) {
    const nm_projection *p = step->projection;
    for (int64_t bucket = first; bucket < last; bucket++)
        for (int64_t s = nm_first_run(p, bucket), at; s < nm_first_run(p, bucket + 1); s++) {
            at = p->run_start[s] - base;
            nm_lazy_read_run(step, bucket, s, p->run_start[s], p->run_start[s + 1], weight + at,
                             eligibility == NULL ? NULL : eligibility + at);
        }
}
