/* A visit: a segment of synapses, last seen at t0, is brought to the present. See nm_pairs.h for the
 * formulas. Three loops over at most 256 synapses: look up each target's sums, combine, and, where a bound
 * could have been met on the way, go through the events one by one. SPDX-License-Identifier: MIT */
#include "nm_pairs.h"
#include "nm_plasticity.h"

#include <math.h>
#include <string.h>

enum { RUN = 256 };

/* Traces of eligibility below this are set to 0: what is under 1.2e-38 is denormal in a float, and slow. */
static const double LEAST_TRACE = 1e-30;

/* Some synapses of one segment between two moments. Moments are read as [j * stride]: stride is 0 where all
 * targets share a region. */
typedef struct run {
    const nm_pairs_step *step;
    size_t n, stride;
    int64_t first, part_first;   /* synapse; slot */
    int64_t from, count_from;    /* step of the last visit; first step whose spikes count */
    double trace[NM_MAX_TRACES]; /* presynaptic, at `from` */
    double low, high;
    double before[NM_MOMENT][RUN], after[NM_MOMENT][RUN];
    double s[RUN], h[RUN];
    int32_t many[RUN], check[RUN];   /* more spikes than there are sums; a bound may have been met */
    double was[RUN], trace_was[RUN]; /* weight (an inhibitory one's strength) and trace of eligibility then */
    double weight[RUN], c[RUN];      /* OUT: and now */
} run;

/* ---- what the targets' spikes add ------------------------------------------------------------------------
 */

/* How many of a target's last spikes count, newest first: as many as are not older than `since`. */
#if defined(__GNUC__)
typedef int16_t lanes __attribute__((vector_size(16)));
NM_INLINE int64_t count_since(const int16_t *recent, int16_t since) {
    const lanes *times = (const void *)recent;
    lanes hit = *times >= since;
    uint64_t half[2];
    memcpy(half, &hit, sizeof half);
    const uint64_t ones = 0x0001000100010001u;
    return (int64_t)(((half[0] & ones) + (half[1] & ones)) * ones >> 48);
}
#else
NM_INLINE int64_t count_since(const int16_t *recent, int16_t since) {
    int64_t n = 0;
    for (int k = 0; k < NM_RECENT; k++)
        n += recent[k] >= since;
    return n;
}
#endif

NM_CLONES static void look_up(run *a, const nm_pairs *pairs, const uint16_t *target) {
    const int16_t *recent = pairs->recent + a->part_first * NM_RECENT;
    const double *sums = pairs->sums + a->part_first * NM_RECENT * 2, *decay = pairs->decay[0];
    const int16_t since = (int16_t)(a->count_from - pairs->epoch);
    const int64_t from = a->from - pairs->epoch;
    const double x = a->trace[0];
    for (size_t j = 0; j < a->n; j++) {
        const int16_t *times = recent + (size_t)target[j] * NM_RECENT;
        const int64_t n = count_since(times, since), at = n > 0 ? n - 1 : 0;
        const uint64_t age = n > 0 ? (uint64_t)(times[at] - from) : 0;
        const double seen = n > 0 ? x * (decay[age % NM_FINE] * decay[NM_FINE + age / NM_FINE]) : 0.0;
        const double *entry = sums + ((size_t)target[j] * NM_RECENT + (size_t)at) * 2;
        a->s[j] = seen * entry[0];
        a->h[j] = seen * entry[1];
        a->many[j] = n == NM_RECENT;
    }
}

/* ---- the closed form -------------------------------------------------------------------------------------
 */

NM_INLINE int combine_by(run *a, const size_t stride) {
    const double low = a->low, high = a->high;
    int any = 0;
    NM_INDEPENDENT
    for (size_t j = 0; j < a->n; j++) {
        const size_t m = j * stride;
        const double k0 = a->before[NM_K][m], k1 = a->after[NM_K][m], f1 = a->after[NM_F][m];
        const double w = a->was[j], c = a->trace_was[j] * a->before[NM_E][m];
        const double moved = w * k0 + c * (f1 - a->before[NM_F][m]) + (a->s[j] * f1 - a->h[j]);
        const double reach = (fabs(c) + fabs(a->s[j])) * (a->after[NM_V][m] - a->before[NM_V][m]) / k0;
        const double kept = w * (k0 / k1);
        a->weight[j] = moved / k1;
        a->c[j] = (c + a->s[j]) / a->after[NM_E][m];
        a->check[j] = a->many[j] | (fmin(w, kept) - reach < low) | (fmax(w, kept) + reach > high);
        any |= a->check[j];
    }
    return any;
}

/* With a trace of eligibility. Whether any synapse is to be checked. */
NM_CLONES static int combine(run *a) {
    return a->stride == 0 ? combine_by(a, 0) : combine_by(a, 1);
}

/* Without: the weight moves one way only (all gains of a rule have one sign), so a look at the end is enough,
 * but under weight decay, which may bring it back from a bound. */
NM_INLINE int combine_direct_by(run *a, int decays, const size_t stride) {
    int any = 0;
    NM_INDEPENDENT
    for (size_t j = 0; j < a->n; j++) {
        const double w = a->was[j], h = -a->h[j];
        const double k0 = a->before[NM_K][j * stride], k1 = a->after[NM_K][j * stride], reach = fabs(h) / k0;
        double moved = (w * k0 + h) / k1;
        a->check[j] = a->many[j] | (decays & ((w + reach > a->high) | (w * (k0 / k1) - reach < a->low)));
        any |= a->check[j];
        moved = moved < a->low ? a->low : moved;
        moved = moved > a->high ? a->high : moved;
        a->weight[j] = h == 0.0 && !decays ? w : moved;
    }
    return any;
}

NM_CLONES static int combine_direct(run *a, int decays) {
    return a->stride == 0 ? combine_direct_by(a, decays, 0) : combine_direct_by(a, decays, 1);
}

/* ---- event by event --------------------------------------------------------------------------------------
 */

static double scaled(const run *a, double change, double weight) {
    return nm_dependent(change, weight, a->low, a->high, a->step->projection->weight_dependence);
}

static double bounded(const run *a, double weight, double was) {
    return weight == was ? weight : nm_clip(weight, a->low, a->high);
}

/* The number of the first spike of a target that counts. */
static int64_t first_spike(const nm_pairs *pairs, int64_t slot, int64_t count_from) {
    int64_t k = pairs->n_spikes[slot], oldest = k > NM_SPIKES ? k - NM_SPIKES : 0;
    while (k > oldest && pairs->spike[slot * NM_SPIKES + (k - 1) % NM_SPIKES] >= count_from)
        k--;
    return k;
}

static void one_by_one(run *a, size_t j, int64_t slot) {
    const nm_pairs *pairs = a->step->projection->pairs;
    const int direct = a->step->projection->rule->eligibility == NULL;
    const int64_t region = pairs->n_regions > 1 ? a->step->network->region[slot] : 0;
    const double *then = nm_pairs_moment(pairs, region, a->from);
    double w = a->was[j], c = direct ? 0.0 : a->trace_was[j] * then[NM_E];
    for (int64_t q = first_spike(pairs, slot, a->count_from); q < pairs->n_spikes[slot]; q++) {
        const int64_t place = slot * NM_SPIKES + q % NM_SPIKES, at = pairs->spike[place];
        const double *moment = nm_pairs_moment(pairs, region, at);
        const double moved = (w * then[NM_K] + c * (moment[NM_F] - then[NM_F])) / moment[NM_K];
        w = bounded(a, moved, w);
        const double pair =
            a->trace[0] * nm_pairs_decayed(pairs->decay[0], at - a->from) * pairs->gain[place];
        if (direct)
            w = bounded(a, w + scaled(a, pair, w), w);
        else
            c += scaled(a, pair, w) * moment[NM_E];
        then = moment;
    }
    const double *end = nm_pairs_moment(pairs, region, a->step->now);
    const double moved = (w * then[NM_K] + c * (end[NM_F] - then[NM_F])) / end[NM_K];
    a->weight[j] = moved;
    a->c[j] = c / end[NM_E];
}

/* ---- a run is brought to the present ---------------------------------------------------------------------
 */

static void set_moments(run *a, const uint16_t *target) {
    const nm_pairs *pairs = a->step->projection->pairs;
    a->stride = pairs->n_regions > 1 ? 1 : 0;
    for (size_t j = 0; j < (a->stride ? a->n : 1); j++) {
        const int64_t region = a->stride ? a->step->network->region[a->part_first + target[j]] : 0;
        const double *before = nm_pairs_moment(pairs, region, a->from);
        const double *after = nm_pairs_moment(pairs, region, a->step->now);
        for (int k = 0; k < NM_MOMENT; k++) {
            a->before[k][j] = before[k];
            a->after[k][j] = after[k];
        }
    }
}

static void gather(run *a, int eligible) {
    const nm_projection *p = a->step->projection;
    const float *weight = p->weight + a->first;
    for (size_t j = 0; j < a->n; j++)
        a->was[j] = p->inhibitory ? fabs((double)weight[j]) : (double)weight[j];
    if (eligible)
        for (size_t j = 0; j < a->n; j++)
            a->trace_was[j] = (double)p->state[0][a->first + (int64_t)j];
}

static void bring(run *a) {
    const nm_projection *p = a->step->projection;
    const uint16_t *target = p->target + a->first;
    const int eligible = p->rule->eligibility != NULL, always = p->weight_dependence != 0.0;
    gather(a, eligible);
    set_moments(a, target);
    look_up(a, p->pairs, target);
    const int any = eligible ? combine(a) : combine_direct(a, p->weight_kept < 1.0);
    if (any || always)
        for (size_t j = 0; j < a->n; j++)
            if (a->check[j] || always)
                one_by_one(a, j, a->part_first + target[j]);
}

/* Run by run over a segment; `first` is in it. */
static size_t next_run(run *a, int64_t first, int64_t last) {
    a->first = first;
    a->n = last - first < RUN ? (size_t)(last - first) : RUN;
    return a->n;
}

static void begin(run *a, const nm_pairs_step *step, int64_t part, int64_t segment) {
    const nm_projection *p = step->projection;
    const int64_t since = p->pairs->since[segment];
    a->step = step;
    a->part_first = nm_network_part_first(step->network, part);
    a->from = since / 2;
    a->count_from = (since + 1) / 2;
    a->low = p->inhibitory ? fmax(p->weight_min, 0.0) : p->weight_min;
    a->high = p->inhibitory ? fmax(p->weight_max, 0.0) : p->weight_max;
    for (int k = 0; k < NM_MAX_TRACES && p->pairs->trace[k] != NULL; k++)
        a->trace[k] = p->pairs->trace[k][segment];
}

NM_INLINE void put_back(const run *a, int eligible) {
    const nm_projection *p = a->step->projection;
    float *weight = p->weight + a->first;
    for (size_t j = 0; j < a->n; j++)
        weight[j] = p->inhibitory ? copysignf((float)a->weight[j], weight[j]) : (float)a->weight[j];
    if (eligible)
        for (size_t j = 0; j < a->n; j++)
            p->state[0][a->first + (int64_t)j] = (float)(fabs(a->c[j]) < LEAST_TRACE ? 0.0 : a->c[j]);
}

/* ---- an arrival ------------------------------------------------------------------------------------------
 */

/* The arrival is one of the synapse's own events: bounds act. */
static void bound_run(run *a) {
    for (size_t j = 0; j < a->n; j++)
        a->weight[j] = bounded(a, a->weight[j], a->was[j]);
}

static void deliver_run(const run *a) {
    const nm_projection *p = a->step->projection;
    const uint16_t *target = p->target + a->first;
    double *input = a->step->input + a->part_first;
    if (p->inhibitory)
        for (size_t j = 0; j < a->n; j++)
            input[target[j]] -= a->weight[j];
    else
        for (size_t j = 0; j < a->n; j++)
            input[target[j]] += a->weight[j];
}

static void change_run(run *a, const double *pre) {
    const nm_projection *p = a->step->projection;
    const nm_pairs *pairs = p->pairs;
    const uint16_t *target = p->target + a->first;
    double post[NM_MAX_TRACES][RUN], change[RUN];
    nm_synapse_chunk chunk = {
        .n = a->n, .dt = a->step->dt, .params = p->params, .weight = a->weight, .pre = pre, .change = change};
    memset(change, 0, a->n * sizeof change[0]);
    for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++) {
        const double *trace = p->post_trace[k] + a->part_first;
        for (size_t j = 0; j < a->n; j++)
            post[k][j] = trace[target[j]];
        chunk.post[k] = post[k];
    }
    p->rule->on_pre(&chunk);
    const int direct = p->rule->eligibility == NULL;
    for (size_t j = 0; j < a->n; j++) {
        const int64_t region = a->stride ? a->step->network->region[a->part_first + target[j]] : 0;
        const double scaled_by = scaled(a, change[j] * pairs->ltd[region], a->weight[j]);
        if (direct)
            a->weight[j] = bounded(a, a->weight[j] + scaled_by, a->weight[j]);
        else
            a->c[j] += scaled_by;
    }
}

/* All of a segment to the present; `arrives`: with a spike of the source. */
static void visit(const nm_pairs_step *step, int64_t part, int64_t segment, int arrives, int counted) {
    const nm_projection *p = step->projection;
    nm_pairs *pairs = p->pairs;
    const int eligible = p->rule->eligibility != NULL;
    double pre[NM_MAX_TRACES] = {0.0};
    run a;
    begin(&a, step, part, segment);
    for (int k = 0; k < NM_MAX_TRACES && pairs->trace[k] != NULL; k++)
        pre[k] = a.trace[k] * nm_pairs_decayed(pairs->decay[k], step->now - a.from);
    const int64_t last = p->segment_start[segment + 1];
    for (int64_t first = p->segment_start[segment]; first < last; first += RUN) {
        next_run(&a, first, last);
        bring(&a);
        if (arrives) {
            bound_run(&a);
            deliver_run(&a);
            if (p->rule->on_pre != NULL)
                change_run(&a, pre);
        }
        put_back(&a, eligible);
    }
    for (int k = 0; k < NM_MAX_TRACES && pairs->trace[k] != NULL; k++)
        pairs->trace[k][segment] = pre[k] + (arrives ? 1.0 : 0.0);
    pairs->since[segment] = 2 * step->now + counted;
}

void nm_pairs_arrive(const nm_pairs_step *step, int64_t part, int64_t segment) {
    visit(step, part, segment, 1, 0);
}

/* ---- segments of a place, or of many ---------------------------------------------------------------------
 */

static int64_t first_segment(const nm_projection *p, int64_t place) {
    return p->row_segment == NULL ? place : p->row_segment[place];
}

void nm_pairs_sweep_part(const nm_pairs_step *step, int64_t part) {
    const nm_projection *p = step->projection;
    const int64_t sweep = p->pairs->sweep, turn = step->now % sweep, n_parts = step->network->n_parts;
    const int64_t last = p->n_rows * (turn + 1) / sweep;
    for (int64_t row = p->n_rows * turn / sweep; row < last; row++)
        for (int64_t s = first_segment(p, row * n_parts + part);
             s < first_segment(p, row * n_parts + part + 1); s++)
            if (p->pairs->since[s] / 2 < step->now - sweep)
                visit(step, part, s, 0, 0);
}

void nm_pairs_visit_part(const nm_pairs_step *step, int64_t part) {
    const nm_projection *p = step->projection;
    for (int64_t place = part; place < p->n_rows * step->network->n_parts; place += step->network->n_parts)
        for (int64_t s = first_segment(p, place); s < first_segment(p, place + 1); s++)
            visit(step, part, s, 0, 0);
    p->pairs->floor[part] = step->now;
}

void nm_pairs_settle(const nm_pairs_step *step, int64_t first, int64_t last) {
    for (int64_t place = first; place < last; place++)
        for (int64_t s = first_segment(step->projection, place);
             s < first_segment(step->projection, place + 1); s++)
            visit(step, place % step->network->n_parts, s, 0, 1);
}

static void read_segment(const nm_pairs_step *step, int64_t part, int64_t segment, int64_t base,
                         float *weight, float *eligibility) {
    const nm_projection *p = step->projection;
    run a;
    begin(&a, step, part, segment);
    const int64_t last = p->segment_start[segment + 1];
    for (int64_t first = p->segment_start[segment]; first < last; first += RUN) {
        next_run(&a, first, last);
        bring(&a);
        bound_run(&a);
        for (size_t j = 0; j < a.n; j++) {
            const int64_t s = first + (int64_t)j;
            weight[s - base] =
                p->inhibitory ? copysignf((float)a.weight[j], p->weight[s]) : (float)a.weight[j];
            if (eligibility != NULL && p->rule->eligibility != NULL)
                eligibility[s - base] = (float)a.c[j];
        }
    }
}

void nm_pairs_read(const nm_pairs_step *step, int64_t first, int64_t last, int64_t base, float *weight,
                   float *eligibility) {
    for (int64_t place = first; place < last; place++)
        for (int64_t s = first_segment(step->projection, place);
             s < first_segment(step->projection, place + 1); s++)
            read_segment(step, place % step->network->n_parts, s, base, weight, eligibility);
}
